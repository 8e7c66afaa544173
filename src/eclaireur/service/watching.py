"""Watch after a model is in service: do scores, areas and reasons move since its first calculation.

One code path for every case, from the signals that runs keep: a case writes nothing for it. It tells that
something moved, not why, nor that the model is wrong: results that come back do (`evaluate`).
"""

from __future__ import annotations

from collections.abc import Mapping
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

__all__ = ["moved_since", "watch_block"]

_TITLES = {"score": "indice", "area": "secteur", "theme": "première raison"}
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


def watch_block(work: Work, source: str) -> Block:
    """Return what moved since the first calculation of the model in service; say when nothing can be told."""
    from eclaireur.bricks.predict.drift import drift_table

    current = training.in_service(work, source)
    found = _calculations(work, source, current.card.number) if current else []
    if len(found) < 2:
        told = "Un seul calcul avec le modèle en service : rien à comparer encore."
        return Facts(title="Surveillance après mise en service", pairs=(("Dérive", told),))
    (first, reference), (_, latest) = found[0], found[-1]
    day = _day(work, first)
    return drift_table(moved_since(reference, latest), since=f"le premier calcul{day}", titles=_TITLES)


def _calculations(work: Work, source: str, number: int) -> list[tuple[Run, pa.Table]]:
    """Return the first and the last calculations that a model made on a source, oldest first."""
    lake, runs = work.workspace.lake, work.workspace.runs
    named = [one for one in runs.history(work.card.name, "signals") if one.config.get("source") == source]
    found: list[tuple[Run, pa.Table]] = []
    for rows in (named, named[::-1]):
        for run in rows:
            try:
                table = lake.table(runs.address(run), "signals", columns=_COLUMNS)
            except EclaireurError:
                continue
            if table.num_rows and set(table["model"].to_pylist()) == {number}:
                found.append((run, table))
                break
    return found if len({run.id for run, _ in found}) > 1 else found[:1]


def _day(work: Work, run: Run) -> str:
    noted = work.workspace.lake.dated_notes(f"runs/{work.card.name}/signals")
    days = [at.date() for at, text in noted if text == run.id]
    return f" ({french.day(days[0])})" if days else ""
