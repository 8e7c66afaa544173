"""Past scores computed again from the model, the data and the date that the journal names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core import runs as naming
from eclaireur.service import pseudonyms
from eclaireur.service.explaining import past_signals, same_score

if TYPE_CHECKING:
    from eclaireur.core.journal import Entry
    from eclaireur.service.work import Work

__all__ = ["Recomputed", "recompute", "scored_entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """What became of past scores computed again.

    ``different`` are lines whose score is another; ``erased`` those whose subject has no key any more;
    ``older`` those that another version of the code had made.
    """

    same: int
    different: tuple[int, ...]
    erased: tuple[int, ...]
    older: int


def scored_entries(work: Work) -> list[Entry]:
    """Return the verdicts of a case that name the run of their signal."""
    entries = work.workspace.journal.entries("decision", case=work.card.name)
    return [entry for entry in entries if entry.data.get("signal_run")]


def recompute(work: Work, entries: Iterable[Entry]) -> Recomputed:
    """Compute anew the scores that verdicts were given on, each run once, and compare them to 1e-9.

    Raises
    ------
    NotFoundError, RefusedError, ModelRefusedError
        If what a line names is gone, or is not what its hash says.
    """
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_run[entry.data["signal_run"]].append(entry)
    same, older = 0, 0
    different: list[int] = []
    erased: list[int] = []
    code = naming.code_version(work.card.folder)
    for run_id, lines in by_run.items():
        scores, run_code = _scores(work, run_id)
        older += len(lines) * (run_code != code)
        names = pseudonyms.pseudonyms(work.workspace, work.card.name, scores)
        scores = scores | {veiled: scores[name] for name, veiled in names.items()}
        for entry, said in zip(lines, work.workspace.journal.reveal_all(lines), strict=True):
            if said is None:
                erased.append(entry.seq)
            elif same_score(scores.get(said["subject"], float("inf")), entry.data["score"]):
                same += 1
            else:
                different.append(entry.seq)
    return Recomputed(same=same, different=tuple(different), erased=tuple(erased), older=older)


def _scores(work: Work, run_id: str) -> tuple[dict[str, float], str]:
    past = past_signals(work, run_id)
    registry = work.workspace.registry
    table = work.case.signals(
        past.records.tables,
        past.card,
        registry.reader(past.card),
        as_of=date.fromisoformat(past.run.config["as_of"]),
        progress=work.progress,
    )
    pairs = zip(table["subject"].to_pylist(), table["score"].to_pylist(), strict=True)
    return dict(pairs), past.run.code
