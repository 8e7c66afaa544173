"""Watch after a model is in service: do scores, areas and reasons move since its first calculation.

One code path for every case, from the signals that runs keep: a case writes nothing for it. It tells that
something moved, not why, nor that the model is wrong: results that come back do (`evaluate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import EclaireurError
from eclaireur.core.view import Block, Facts
from eclaireur.service import training

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.predict.drift import Drift
    from eclaireur.core.types import Run
    from eclaireur.service.work import Work

__all__ = ["moved_since", "pooled", "watch_block"]

_TITLES = {"score": "indice", "area": "secteur", "theme": "première raison"}
_ENOUGH = 200
"""Rows from which a calculation is compared alone; smaller ones are put together."""
_COLUMNS = ["subject", "score", "area", "reasons", "model"]


def moved_since(reference: pa.Table, latest: pa.Table) -> tuple[Drift, ...]:
    """Return how far scores, areas and first reasons moved between two tables of signals."""
    from eclaireur.bricks.predict.drift import Bins, drift

    before, now = _watched(reference), _watched(latest)
    return drift([Bins.of(name, column) for name, column in before.items()], now)


def _watched(signals: pa.Table) -> Mapping[str, Any]:
    import numpy as np

    first = [
        max(reasons, key=lambda one: abs(one["weight"] or 0.0))["theme"] or "autre" if reasons else "aucune"
        for reasons in signals["reasons"].to_pylist()
    ]
    return {
        "score": np.asarray(signals["score"].to_pylist(), dtype=np.float64),
        "area": np.asarray([one or "sans secteur" for one in signals["area"].to_pylist()], dtype=object),
        "theme": np.asarray(first, dtype=object),
    }


def pooled(calculations: Iterable[pa.Table]) -> pa.Table:
    """Put calculations together, in order, until they hold enough rows to be compared.

    A list of thousands stands alone; of eight stations, or a few samples, there is a calculation every day,
    and one of them says nothing.
    """
    import pyarrow as pa

    taken: list[pa.Table] = []
    for table in calculations:
        taken.append(table)
        if sum(one.num_rows for one in taken) >= _ENOUGH:
            break
    return pa.concat_tables(taken)


def watch_block(work: Work, source: str) -> Block:
    """Return what moved since the model in service first calculated; say when nothing can be told."""
    current = training.in_service(work, source)
    first, latest = _calculations(work, source, current.card.number) if current else ([], [])
    if not first or not latest:
        told = "Un seul calcul avec le modèle en service : rien à comparer encore."
        return Facts(title="Surveillance après mise en service", pairs=(("Dérive", told),))
    from eclaireur.bricks.predict.drift import drift_table

    found = moved_since(pooled([table for _, table in first]), pooled([table for _, table in latest]))
    day = _day(work, first[0][0])
    count = len(first)
    since = f"le premier calcul{day}" if count == 1 else f"les {count} premiers calculs{day}"
    return drift_table(found, since=since, titles=_TITLES)


def _calculations(
    work: Work, source: str, number: int
) -> tuple[list[tuple[Run, pa.Table]], list[tuple[Run, pa.Table]]]:
    """Return the first and the last calculations that a model made on a source, each with enough rows.

    No calculation is on both sides: where there are few, each side has half of them.
    """
    lake, runs = work.workspace.lake, work.workspace.runs
    named = [one for one in runs.history(work.card.name, "signals") if one.config.get("source") == source]
    sides: tuple[list[tuple[Run, pa.Table]], list[tuple[Run, pa.Table]]] = ([], [])
    while named and any(_rows(side) < _ENOUGH for side in sides):
        at = int(len(sides[0]) > len(sides[1]))
        if _rows(sides[at]) >= _ENOUGH:
            at = 1 - at
        run = named.pop(-1 if at else 0)
        try:
            table = lake.table(runs.address(run), "signals", columns=_COLUMNS)
        except EclaireurError:
            continue
        if table.num_rows and set(table["model"].to_pylist()) == {number}:
            sides[at].append((run, table))
    return sides


def _rows(side: Sequence[tuple[Run, pa.Table]]) -> int:
    return sum(table.num_rows for _, table in side)


def _day(work: Work, run: Run) -> str:
    noted = work.workspace.lake.dated_notes(f"runs/{work.card.name}/signals")
    days = [at.date() for at, text in noted if text == run.id]
    return f" ({french.day(days[0])})" if days else ""
