"""A file of forecasts: each row calibrated as of its own date, or set aside with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing import model as modelling
from eclaireur.cases.weather_postprocessing.documented import KELVIN, RAIN, TEMPERATURE
from eclaireur.cases.weather_postprocessing.laws import LEVELS
from eclaireur.cases.weather_postprocessing.panel import joined
from eclaireur.cases.weather_postprocessing.reading import gathered, key_of_row, read_file, tables_of
from eclaireur.cases.weather_postprocessing.verify import crps_ensemble, crps_quantiles
from eclaireur.cases.weather_postprocessing.wording import reasons_of
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.tables import signals_schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.model import Stated
    from eclaireur.core.case import Artefact, Progress, Records
    from eclaireur.core.types import ModelCard

__all__ = ["QUANTILES", "read_candidates", "score", "scores_schema"]

_TOLD = ("day", "issued", "station", "variable", "unit", "members", "value", "remark", "again")
_PLACE = ("latitude", "longitude", "elevation")
_FINE = 199
_FRENCH = {RAIN: "la pluie", TEMPERATURE: "la température"}

QUANTILES = tuple(f"q{round(level * 100):02d}" for level in LEVELS)
"""Columns of the quantiles."""


def read_candidates(path: Path) -> pa.Table | None:
    """Read an ensemble table (CSV), or a NetCDF or GRIB file; None for any other form.

    One row per row of the file, in its order; those that cannot be used bear a ``rejection``.
    """
    import pyarrow as pa

    found = read_file(path)
    if found is None:
        return None
    rows, rejected = found
    made: list[dict[str, Any]] = [
        {name: row.get(name) for name in (*_TOLD, *_PLACE, "line")} | {"rejection": None} for row in rows
    ]
    made += [{"line": one.line, "rejection": one.reason, "members": []} for one in rejected]
    made.sort(key=lambda row: int(row["line"]))
    if not made:
        raise EmptyTableError("le fichier ne contient aucune prévision.", file=path.name)
    schema = pa.schema(
        [
            ("line", pa.int64()),
            ("day", pa.date32()),
            ("issued", pa.date32()),
            ("station", pa.string()),
            ("variable", pa.string()),
            ("unit", pa.string()),
            ("members", pa.list_(pa.float64())),
            ("value", pa.float64()),
            ("remark", pa.string()),
            ("again", pa.int64()),
            *((name, pa.float64()) for name in _PLACE),
            ("rejection", pa.string()),
        ]
    )
    return pa.Table.from_pylist(made, schema=schema)


def scores_schema() -> pa.Schema:
    """Return the columns that are written, one row per row of the file.

    Quantiles, observation and mean are in the unit of the file. ``crps`` and ``crps_raw`` are on the scale of
    the law (square root of rain in mm), ``crps_mm`` and ``crps_mm_raw`` in millimetres.
    """
    import pyarrow as pa

    scores = ("crps", "crps_raw", "crps_mm", "crps_mm_raw")
    return pa.schema(
        [
            ("station", pa.string()),
            ("date", pa.date32()),
            ("variable", pa.string()),
            ("unit", pa.string()),
            ("kept", pa.bool_()),
            ("rejection", pa.string()),
            ("remark", pa.string()),
            ("members", pa.int32()),
            *((name, pa.float64()) for name in QUANTILES),
            ("threshold", pa.float64()),
            ("score", pa.float64()),
            ("raw_share", pa.float64()),
            ("observation", pa.float64()),
            *((name, pa.float64()) for name in scores),
            ("calibrated", pa.bool_()),
            ("rank", pa.int32()),
            ("reasons", signals_schema().field("reasons").type),
        ]
    )


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Calibrate the rows of a file, each with what could be known at its date.

    The models are those of training. Observations of the file serve the error of a station only for rows
    dated after they could be known, and the score (CRPS) of their own row.

    Raises
    ------
    EmptyTableError
        If no row can be calibrated.
    """
    import pyarrow as pa

    rows = table.to_pylist() if "members" in table.column_names else _from_members(table)
    lines = [_blank(row) for row in rows]
    asked = [at for at, row in enumerate(rows) if row["rejection"] is None]
    named = _named([rows[at] for at in asked], records)
    tables = tables_of(named, ())
    progress(0, 2, "Calage des prévisions")
    model = modelling.load(card, artefact)
    both = joined(records, tables)
    by_key: dict[str, list[int]] = {}
    for at, row in zip(asked, named, strict=True):
        by_key.setdefault(key_of_row(row), []).append(at)
    for variable in sorted({row["variable"] for row in named}):
        stated = modelling.state(model, both, variable)
        if stated is None:
            known = ", ".join(_FRENCH[name] for name in sorted(model.pools))
            for at, row in zip(asked, named, strict=True):
                if row["variable"] == variable:
                    lines[at] |= {"kept": False, "rejection": f"ce modèle n’a appris que : {known}."}
            continue
        _fill(lines, by_key, stated)
    kept = [at for at, line in enumerate(lines) if line["kept"]]
    if not kept:
        reason = next((line["rejection"] for line in lines if line["rejection"]), "fichier vide.")
        raise EmptyTableError(f"aucune prévision ne peut être calée : {reason}", fix="Corrigez le fichier.")
    progress(1, 2, "Lignes classées")
    for place, at in enumerate(sorted(kept, key=lambda at: -lines[at]["score"]), start=1):
        lines[at]["rank"] = place
    return pa.Table.from_pylist(lines, schema=scores_schema())


def _blank(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = row["rejection"] is None
    return {
        "station": row["station"],
        "date": row["day"],
        "variable": row["variable"],
        "unit": row["unit"],
        "kept": kept,
        "rejection": row["rejection"],
        "remark": row["remark"] or None,
        "members": len(row["members"]) if kept else None,
        "score": None,
        "calibrated": kept,
        "reasons": [],
    }


def _named(rows: Sequence[Mapping[str, Any]], records: Records) -> list[dict[str, Any]]:
    """Return rows as `reading.tables_of` takes them; one without a name is of the records' only station."""
    known: dict[str, set[str]] = {}
    forecasts = records["forecasts"]
    for name, variable in zip(forecasts["name"].to_pylist(), forecasts["variable"].to_pylist(), strict=True):
        known.setdefault(variable, set()).add(name)
    found = []
    for row in rows:
        one = dict(row) | {"remark": row["remark"] or "", "station": row["station"] or ""}
        only = known.get(row["variable"], set())
        if not one["station"] and row["latitude"] is None and len(only) == 1:
            one["station"] = next(iter(only))
        found.append(one)
    return found


def _fill(lines: list[dict[str, Any]], by_key: Mapping[str, Sequence[int]], stated: Stated) -> None:
    """Write what the model states on the lines of a file."""
    import numpy as np

    panel = stated.panel
    rain = panel.variable == RAIN
    rows = np.flatnonzero(np.isin(panel.keys.astype(str), list(by_key)))
    law, observed, members = stated.law.rows(rows), panel.observed[rows], panel.members[rows]
    written = _square(law.quantiles(LEVELS)) if rain else law.quantiles(LEVELS)
    fine = (np.arange(_FINE) + 0.5) / _FINE
    numbers = {
        "score": stated.chance[rows],
        "raw_share": stated.raw_chance[rows],
        "observation": _square(observed) if rain else observed,
        "crps": law.crps(observed),
        "crps_raw": crps_ensemble(members, observed),
    }
    if rain:
        numbers["crps_mm"] = crps_quantiles(_square(law.quantiles(fine)), _square(observed))
        numbers["crps_mm_raw"] = crps_ensemble(_square(members), _square(observed))
    unverified = np.isnan(observed)
    for name in ("observation", "crps", "crps_raw", "crps_mm", "crps_mm_raw"):
        if name in numbers:
            numbers[name] = np.where(unverified, np.nan, numbers[name])
    told = {name: [None if math.isnan(v) else v for v in values.tolist()] for name, values in numbers.items()}
    for place, row in enumerate(rows.tolist()):
        why = reasons_of(stated, row)
        for at in by_key[panel.keys[row]]:
            shift = KELVIN if lines[at]["unit"] == "K" else 0.0
            line = {name: values[place] for name, values in told.items()}
            if line["observation"] is not None:
                line["observation"] += shift
            quantiles = zip(QUANTILES, written[place].tolist(), strict=True)
            line |= {name: value + shift for name, value in quantiles}
            line |= {
                "threshold": stated.threshold + shift,
                "reasons": why,
                "station": lines[at]["station"] or panel.stations[panel.station[row]].partition(":")[2],
            }
            lines[at] |= line


def _square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values * values


def _from_members(table: pa.Table) -> list[dict[str, Any]]:
    """Gather a file of one member per row; each of its rows bears what is stated of its forecast."""
    told = table.to_pylist()
    found, rejected = gathered(told, (), file="")
    by_line: dict[int, dict[str, Any]] = {}
    for row in found:
        by_line |= {line: row | {"rejection": None} for line in row["lines"]}
    for one in rejected:
        by_line |= {line: _refused(told[line - 2], one.reason) for line in one.lines}
    return [by_line[line] for line in range(2, len(told) + 2)]


def _refused(row: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {
        "day": row["date"],
        "station": row["station"],
        "variable": row["variable"],
        "unit": None,
        "members": [],
        "remark": None,
        "rejection": reason,
    }
