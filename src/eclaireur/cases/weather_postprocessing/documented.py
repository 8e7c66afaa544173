"""The working tables: forecasts, observations, and rows that were set aside with their reason.

Inside, rain is in millimetres and temperature in degrees Celsius; ``unit`` is that of the file, in which
results are written.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "DELAYS",
    "KELVIN",
    "RAIN",
    "TEMPERATURE",
    "THRESHOLDS",
    "event_words",
    "forecasts_schema",
    "identify",
    "observations_schema",
    "observations_table",
    "rejected_schema",
]

RAIN, TEMPERATURE = "rain", "temperature"
KELVIN = 273.15

THRESHOLDS = {RAIN: 10.0, TEMPERATURE: 0.0}
"""What a signal is about: at least so much rain (mm), or a temperature below (°C)."""

DELAYS = {RAIN: 8, TEMPERATURE: 2}
"""Days after the date of a forecast before what was observed may be used, when a file does not say.

Rain of the shared file is a sum over three days, forecast five to eight days ahead; its temperatures are
forecast two days ahead. Whether the date is that of issue or of validity, nothing is then used too early.
"""


@cache
def forecasts_schema() -> pa.Schema:
    """One row a station and forecast; ``known`` is when it could be used, ``observed`` the day it is for.

    ``members`` holds as many values as there were: it may change from row to row.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("key", pa.string()),
            ("subject", pa.string()),
            ("name", pa.string()),
            ("variable", pa.string()),
            ("unit", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("members", pa.list_(pa.float64())),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("elevation", pa.float64()),
            ("remark", pa.string()),
        ]
    )


@cache
def observations_schema() -> pa.Schema:
    """One row a station and forecast that was verified: ``key`` is that of the forecast."""
    import pyarrow as pa

    return pa.schema(
        [
            ("key", pa.string()),
            ("subject", pa.string()),
            ("variable", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("value", pa.float64()),
        ]
    )


@cache
def rejected_schema() -> pa.Schema:
    """Rows that could not be used: file, line and reason, in French."""
    import pyarrow as pa

    return pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string())])


def identify(text: str) -> Subject:
    """Return the station that a user names.

    Raises
    ------
    BadValueError
        If the text is empty.
    """
    plain = text.strip().removeprefix("station:")
    if not plain:
        raise BadValueError("aucune station n'est nommée.", fix="Copiez son nom depuis la liste.")
    return Subject("station", plain)


def observations_table(forecasts: pa.Table, values: list[float | None], delay: int | None) -> pa.Table:
    """Return the observations of forecasts, one value or None per row.

    Parameters
    ----------
    delay
        Days after which a value may be used; None for that of the variable (`DELAYS`).
    """
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    columns = ("key", "subject", "variable", "observed", "known")
    told = zip(*(forecasts[name].to_pylist() for name in columns), values, strict=True)
    for key, subject, variable, observed, known, value in told:
        if value is None:
            continue
        days = DELAYS[variable] if delay is None else delay
        day: date = max(known, observed) + timedelta(days=days)
        rows.append(
            {
                "key": key,
                "subject": subject,
                "variable": variable,
                "observed": observed,
                "known": day,
                "value": value,
            }
        )
    return pa.Table.from_pylist(rows, schema=observations_schema())


def event_words(variable: str, threshold: float) -> str:
    """Name the event in French.

    >>> event_words("rain", 10.0)
    'au moins 10 mm de pluie'
    """
    from eclaireur.core import french

    decimals = 0 if float(threshold).is_integer() else 1
    if variable == RAIN:
        return f"au moins {french.number(threshold, decimals)} mm de pluie"
    return f"température sous {french.number(threshold, decimals)} °C"
