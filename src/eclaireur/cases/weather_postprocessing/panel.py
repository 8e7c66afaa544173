"""Forecasts of one variable as arrays, on the scale of its law: rain is taken by its square root."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.documented import RAIN

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Records

__all__ = ["Panel", "days_of", "joined", "panel_of", "to_scale", "variables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Rows by station, then by day.

    Parameters
    ----------
    variable
        ``rain`` or ``temperature``.
    keys
        Key of each row, as in the table of forecasts.
    station
        Code of the station of each row, an index of ``stations``.
    day, known
        Days since 1970 that the forecast is for, and from which it could be used.
    members
        Shape ``(n, m)``, NaN where a row has fewer members.
    mean, spread
        Mean of the members, and their standard deviation.
    observed, observed_known
        What was observed (NaN when it is not known), and the day from which it could be used.
    place
        Latitude, longitude, elevation by station, shape ``(stations, 3)``; NaN when not known.
    """

    variable: str
    keys: NDArray[np.object_]
    stations: tuple[str, ...]
    station: NDArray[np.int64]
    day: NDArray[np.int64]
    known: NDArray[np.int64]
    members: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    observed: NDArray[np.float64]
    observed_known: NDArray[np.int64]
    place: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.day)

    @property
    def verified(self) -> NDArray[np.bool_]:
        """Tell which rows have an observation."""
        import numpy as np

        return ~np.isnan(self.observed)

    def rows(self, chosen: NDArray[Any]) -> Panel:
        """Return some rows, chosen by a mask or by places; stations keep their codes."""
        names = (
            "keys",
            "station",
            "day",
            "known",
            "members",
            "mean",
            "spread",
            "observed",
            "observed_known",
        )
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def variables(records: Records) -> tuple[str, ...]:
    """Return the variables that the records forecast."""
    return tuple(sorted(set(records["forecasts"]["variable"].unique().to_pylist())))


def to_scale(variable: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put values on the scale of the law."""
    import numpy as np

    return np.sqrt(values) if variable == RAIN else values


def days_of(column: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    """Return a column of dates as days since 1970."""
    import pyarrow as pa

    found: NDArray[np.int64] = (
        column.cast(pa.int32()).to_numpy(zero_copy_only=False).astype("int64")
        if (isinstance(column, pa.Array))
        else column.cast(pa.int32()).to_numpy().astype("int64")
    )
    return found


def joined(first: Records, second: Records) -> dict[str, pa.Table]:
    """Add forecasts and observations to others; where a key is in both, the second wins."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = dict(first)
    for name in ("forecasts", "observations"):
        new = second[name]
        kept = first[name].filter(
            pc.invert(pc.is_in(first[name]["key"], value_set=new["key"].combine_chunks()))
        )
        found[name] = pa.concat_tables([kept, new])
    return found


def panel_of(records: Records, variable: str) -> Panel:
    """Return the forecasts of a variable with what was observed."""
    import numpy as np
    import pyarrow.compute as pc

    forecasts = records["forecasts"]
    forecasts = forecasts.filter(pc.equal(forecasts["variable"], variable))
    forecasts = forecasts.sort_by([("subject", "ascending"), ("observed", "ascending"), ("key", "ascending")])
    forecasts = forecasts.combine_chunks()
    observations = records["observations"]
    at = pc.index_in(forecasts["key"], value_set=observations["key"].combine_chunks())
    found = observations.take(at)
    observed = found["value"].to_numpy().astype(np.float64)
    never = np.iinfo(np.int32).max
    observed_known = days_of(pc.fill_null(found["known"].cast("int32"), never).cast("date32"))
    subjects, first, station = np.unique(
        forecasts["subject"].to_numpy().astype(str), return_index=True, return_inverse=True
    )
    place = np.column_stack(
        [
            forecasts[name].to_numpy().astype(np.float64)[first]
            for name in ("latitude", "longitude", "elevation")
        ]
    )
    members = to_scale(variable, _matrix(forecasts["members"]))
    count = np.maximum((~np.isnan(members)).sum(axis=1), 1)
    mean = np.nansum(members, axis=1) / count
    square = np.nansum((members - mean[:, None]) ** 2, axis=1)
    return Panel(
        variable=variable,
        keys=forecasts["key"].to_numpy().astype(object),
        stations=tuple(subjects.tolist()),
        station=station.astype(np.int64),
        day=days_of(forecasts["observed"]),
        known=days_of(forecasts["known"]),
        members=members,
        mean=mean,
        spread=np.sqrt(square / np.maximum(count - 1, 1)),
        observed=to_scale(variable, observed),
        observed_known=observed_known,
        place=place,
    )


def _matrix(lists: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return lists of members as a matrix, NaN after the last of a row."""
    import numpy as np

    flat = lists.combine_chunks()
    values = flat.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    lengths = flat.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    width = int(lengths.max()) if len(lengths) else 0
    found = np.full((len(lengths), width), np.nan)
    found[np.arange(width) < lengths[:, None]] = values
    return found
