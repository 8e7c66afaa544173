"""Fits of which no process holds all persons: every step is a sum over shards, computed on an engine.

Shards are prepared once and written under a folder that every worker sees: of this machine for processes, of
shared storage for a cluster. Workers read them through memory maps, so that processes of one machine share
the memory. What a step sends is a vector of coefficients; what comes back is a value, a gradient and, for
risk windows, an information, added in the order of the shards: the result is that of one process.

    with open_engine("processes:4") as engine, spread_curves(histories, lags=50, engine=engine) as sums:
        made = fit_curves(sums, variation=1e-4)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.case_series import Fit, Slopes, Sums, fit_sums, slopes_at
from eclaireur.cases.drug_effects.lagged import Part, Parts, Shard, added, bounds, cut, prepared, weigh
from eclaireur.cases.drug_effects.terms import Terms, no_terms
from eclaireur.cases.drug_effects.windows import Design, Frame, Window, design, frame_of
from eclaireur.core.engine import map_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["SpreadCurves", "spread_curves", "spread_series"]

_TOGETHER = 4
"""Shards that one task sums: a task costs some milliseconds on a cluster."""
_TERMS = "terms.json"
_HELD = 64
"""Shards that a worker keeps open: 1.3 million persons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadCurves:
    """A likelihood of curves whose shards are in a folder (`lagged.Summed`)."""

    engine: Executor
    folder: Path
    shards: int
    terms: Terms
    drugs: int
    lags: int
    whole: float

    def value(self, values: NDArray[np.float64]) -> float:
        """Return minus the log-likelihood for each event."""
        return added(self._sums(values, slope=False), self.whole)[0]

    def slopes(self, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the value and its gradient."""
        return added(self._sums(values, slope=True), self.whole)

    def curvature(self) -> NDArray[np.float64]:
        """Return the second derivative in the terms where everything is 0."""
        import numpy as np

        work = partial(_curvatures, self.folder)
        found = [one for some in map_parts(self.engine, work, _groups(self.shards)) for one in some]
        return np.asarray(sum(found[1:], found[0]) / self.whole)

    def _sums(
        self, values: NDArray[np.float64], *, slope: bool
    ) -> Iterator[tuple[float, NDArray[np.float64]]]:
        work = partial(_curve_sums, self.folder, values=values, slope=slope)
        for some in map_parts(self.engine, work, _groups(self.shards)):
            yield from some


@contextmanager
def spread_curves(
    histories: Histories,
    *,
    lags: int,
    engine: Executor,
    folder: Path | None = None,
    terms: Terms | None = None,
) -> Iterator[SpreadCurves]:
    """Prepare curves as `lagged.likelihood_of`, in shards that workers write and sum.

    Parameters
    ----------
    folder
        Where the shards are written, until the block ends: a folder that every worker sees. One of this
        machine when not given.
    """
    asked = no_terms() if terms is None else terms
    drugs = len(histories.drugs)
    limits = bounds(histories)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        into = Path(made)
        told = {
            "cuts": asked.cuts.tolist(),
            "months": asked.months.tolist(),
            "basis": asked.basis.tolist(),
            "names": asked.names,
            "size": drugs * lags,
        }
        (into / _TERMS).write_text(json.dumps(told), encoding="utf-8")
        work = partial(_write_shard, into, lags=lags, drugs=drugs, terms=asked)
        parts = Parts(partial(_cut, histories, limits), len(limits))
        whole = sum(map_parts(engine, work, parts))
        yield SpreadCurves(
            engine=engine,
            folder=into,
            shards=len(limits),
            terms=asked,
            drugs=drugs,
            lags=lags,
            whole=whole,
        )


def spread_series(
    histories: Histories,
    windows: Sequence[Window],
    *,
    engine: Executor,
    folder: Path | None = None,
    ages: Sequence[int] = (),
    spline: int = 0,
    months: bool = False,
) -> Fit:
    """Fit risk windows as `case_series.fit` does a `windows.design`, by sums over shards.

    Parameters
    ----------
    folder
        As for `spread_curves`.
    """
    import numpy as np

    limits = bounds(histories)
    frame = frame_of(histories, spline) if spline else None
    with tempfile.TemporaryDirectory(dir=folder) as made:
        into = Path(made)
        work = partial(
            _write_design,
            into,
            windows=tuple(windows),
            ages=tuple(ages),
            spline=spline,
            months=months,
            frame=frame,
        )
        parts = Parts(partial(_between, histories, limits), len(limits))
        told = list(map_parts(engine, work, parts))

        def slopes(coefficients: NDArray[np.float64], free: NDArray[np.int64]) -> Slopes:
            step = partial(_design_sums, into, coefficients=coefficients, free=free)
            found = [one for some in map_parts(engine, step, _groups(len(limits))) for one in some]
            value = sum(one[0] for one in found)
            slope, information = (np.asarray(sum(one[at] for one in found)) for at in (1, 2))
            return value, slope, information

        return fit_sums(
            Sums(
                windows=tuple(windows),
                slopes=slopes,
                inside=np.asarray(sum(one[0] for one in told)),
                exposed=sum(one[1] for one in told),
                persons=len(histories.persons),
                events=len(histories.event_person),
            )
        )


def _cut(histories: Histories, limits: Sequence[tuple[int, int]], at: int) -> tuple[int, dict[str, Any]]:
    return at, cut(histories, *limits[at])


def _between(histories: Histories, limits: Sequence[tuple[int, int]], at: int) -> tuple[int, Histories]:
    return at, histories.between(*limits[at])


def _groups(shards: int) -> list[tuple[int, ...]]:
    return [tuple(range(low, min(low + _TOGETHER, shards))) for low in range(0, shards, _TOGETHER)]


def _write(folder: Path, number: int, arrays: dict[str, NDArray[Any]]) -> None:
    """Write flat columns of any lengths as one row of lists."""
    import pyarrow as pa

    lists = {
        name: pa.LargeListArray.from_arrays(pa.array([0, column.size], pa.int64()), pa.array(column.ravel()))
        for name, column in arrays.items()
    }
    batch = pa.record_batch(lists)
    with pa.ipc.new_file(str(folder / f"{number}.arrow"), batch.schema) as writer:
        writer.write_batch(batch)


def _read(folder: Path, number: int) -> dict[str, Any]:
    """Return the columns, flat, over a memory map: pages are read when used, and shared between processes."""
    import pyarrow as pa

    batch = pa.ipc.open_file(pa.memory_map(str(folder / f"{number}.arrow"))).get_batch(0)
    return {name: batch[name].values.to_numpy(zero_copy_only=True) for name in batch.schema.names}


def _write_shard(
    folder: Path, part: tuple[int, dict[str, NDArray[np.int64]]], *, lags: int, drugs: int, terms: Terms
) -> float:
    """Prepare a shard, write it, and return its number of events."""
    import numpy as np

    number, columns = part
    made = prepared(columns, lags=lags, drugs=drugs, terms=terms)
    _write(folder, number, made.arrays() | {"width": np.array(made.states.shape[1:])})
    return float(made.events.sum())


@lru_cache(maxsize=4)
def _terms(folder: Path) -> tuple[Terms, int]:
    import numpy as np

    held = json.loads((folder / _TERMS).read_text(encoding="utf-8"))
    cells, names = len(held["basis"]), tuple(held["names"])
    terms = Terms(
        cuts=np.array(held["cuts"], np.int64),
        months=np.array(held["months"], np.int64),
        basis=np.array(held["basis"], np.float64).reshape(cells, len(names)),
        names=names,
    )
    return terms, int(held["size"])


@lru_cache(maxsize=_HELD)
def _part(folder: Path, number: int) -> Part:
    terms, size = _terms(folder)
    held = _read(folder, number)
    held["states"] = held["states"].reshape(-1, int(held.pop("width")[0]))
    return weigh(Shard(**held), size, terms)


def _curve_sums(
    folder: Path, numbers: Sequence[int], *, values: NDArray[np.float64], slope: bool
) -> list[tuple[float, NDArray[np.float64]]]:
    terms, _ = _terms(folder)
    return [_part(folder, number).sums(values, terms, slope=slope) for number in numbers]


def _curvatures(folder: Path, numbers: Sequence[int]) -> list[NDArray[np.float64]]:
    terms, _ = _terms(folder)
    return [_part(folder, number).curvature(terms) for number in numbers]


_OF_A_DESIGN = ("first", "log_days", "events")
_OF_COLUMNS = ("data", "indices", "indptr")


def _write_design(
    folder: Path,
    part: tuple[int, Histories],
    *,
    windows: tuple[Window, ...],
    ages: tuple[int, ...],
    spline: int,
    months: bool,
    frame: Frame | None,
) -> tuple[NDArray[np.float64], float]:
    """Cut the days of a shard, write them, and return its events by column and their logarithms of days."""
    import numpy as np

    number, histories = part
    made = design(histories, windows, ages=ages, spline=spline, months=months, frame=frame)
    arrays = {name: getattr(made, name) for name in _OF_A_DESIGN}
    arrays |= {name: getattr(made.columns, name) for name in _OF_COLUMNS}
    _write(folder, number, arrays | {"shape": np.array(made.columns.shape)})
    return made.events @ made.columns, float(made.events @ made.log_days)


@lru_cache(maxsize=_HELD)
def _design(folder: Path, number: int) -> Design:
    from scipy.sparse import csr_array

    held = _read(folder, number)
    columns = csr_array(tuple(held[name] for name in _OF_COLUMNS), shape=tuple(held["shape"].tolist()))
    return Design(**{name: held[name] for name in _OF_A_DESIGN}, columns=columns, windows=(), names=())


def _design_sums(
    folder: Path, numbers: Sequence[int], *, coefficients: NDArray[np.float64], free: NDArray[np.int64]
) -> list[Slopes]:
    return [slopes_at(_design(folder, number), coefficients, free) for number in numbers]
