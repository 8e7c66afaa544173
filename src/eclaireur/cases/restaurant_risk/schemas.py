"""Arrow schemas of the working tables beside ``inspections`` (which `documented` holds).

Every source gives all five tables; one that has no complaints gives an empty table, never none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["complaints_schema", "establishments_schema", "reviews_schema", "weather_schema"]


def establishments_schema() -> pa.Schema:
    """Schema of ``establishments``: one row per subject; ``opened`` is null when it is unknown."""
    import pyarrow as pa

    texts = ("subject", "name", "activity", "risk_class", "address", "postal_code", "commune", "area")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("opened", pa.date32()),
        ]
    )


def complaints_schema() -> pa.Schema:
    """Schema of ``complaints``: a place and a day, not an establishment."""
    import pyarrow as pa

    return pa.schema(
        [
            ("complaint", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("kind", pa.string()),
        ]
    )


def weather_schema() -> pa.Schema:
    """Schema of ``weather``: one row a day; °C, mm, m/s and relative humidity in [0, 1]."""
    import pyarrow as pa

    values = ("temperature_max", "precipitation", "wind", "humidity")
    return pa.schema([("observed", pa.date32()), *((name, pa.float64()) for name in values)])


def reviews_schema() -> pa.Schema:
    """Schema of ``reviews``: rating from 1 to 5 and free French text."""
    import pyarrow as pa

    return pa.schema(
        [
            ("review", pa.string()),
            ("subject", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("rating", pa.float64()),
            ("text", pa.string()),
        ]
    )
