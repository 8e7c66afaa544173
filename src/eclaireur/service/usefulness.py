"""Whether agents find suggestions useful: their votes, which decide nothing, counted with an interval."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.evaluation.intervals import MIN_GROUP, wilson
from eclaireur.core.view import Block, Facts
from eclaireur.service.measured import TOO_FEW

if TYPE_CHECKING:
    from eclaireur.core.journal import Entry
    from eclaireur.service.work import Work

__all__ = ["KIND", "count_votes", "usefulness_block"]

KIND = "usefulness"
"""Kind of the journal's lines that are votes."""

_ANSWERS = "feedback"
_GOOD, _BAD = {"clear", "sound"}, {"wrong", "beside"}


def count_votes(entries: Iterable[Entry]) -> tuple[int, int]:
    """Return how many votes say useful, and how many there are: the last of each person on each suggestion.

    What is said of an answer of the intake desk counts as a vote when it says one thing: clear or sound, or
    wrong or beside the question.
    """
    last: dict[tuple[object, ...], bool] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == KIND:
            last[data["login"], entry.subject, data["signal_run"]] = bool(data["useful"])
        elif data.get("about") == "answer":
            said = set(data.get("kinds", ()))
            if bool(said & _GOOD) != bool(said & _BAD):
                last["answer", entry.seq] = bool(said & _GOOD)
    return sum(last.values()), len(last)


def usefulness_block(work: Work) -> Block:
    """Return the share of votes that say useful, or that there are too few."""
    useful, n = count_votes(work.workspace.journal.entries({KIND, _ANSWERS}, case=work.card.name))
    low, high = wilson(useful, n)
    share = TOO_FEW
    if n >= MIN_GROUP:
        share = f"{french.percent(useful / n)} (entre {french.percent(low)} et {french.percent(high)})"
    return Facts(
        title="Utilité, d’après les agents",
        pairs=(
            ("Votes", french.number(n)),
            ("Jugés utiles", share),
        ),
    )
