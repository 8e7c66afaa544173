"""The automation bias: found where it was planted, not told where there is too little."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eclaireur.core.journal import Journal, open_journal
from eclaireur.core.subjects import Subject
from eclaireur.service.automation_bias import bias_blocks, count_bias

CASE = "restaurant_risk"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path, clock=lambda: datetime(2026, 11, 27, tzinfo=UTC), environ={})


def _verdict(number: int, verdict: str, *, blind: bool, drawn: str = "model") -> dict[str, Any]:
    return {
        "kind": "decision",
        "case": CASE,
        "actor": "Ada Martin",
        "data": {"verdict": verdict, "blind": blind, "drawn": drawn, "signal_run": "r", "score": 0.5},
        "subject": Subject("pseudonym", f"s-{number:05d}"),
    }


def _fill(journal: Journal, *, blind: tuple[int, int], seen: tuple[int, int]) -> None:
    drafts, number = [], 0
    for (found, of), hidden in ((blind, True), (seen, False)):
        for at in range(of):
            number += 1
            drafts.append(_verdict(number, "follow" if at < found else "set_aside", blind=hidden))
    journal.append_many(drafts)


def test_a_planted_bias_is_found(journal: Journal) -> None:
    _fill(journal, blind=(50, 100), seen=(80, 100))
    bias = count_bias(journal.entries())
    gap = bias.gap()
    assert gap is not None
    assert gap[0] == pytest.approx(0.3)
    assert (0.15 < gap[1] < 0.2, 0.4 < gap[2] < 0.43) == (True, True)
    assert "+30,0 points" in str(bias_blocks(bias))
    assert "net" in str(bias_blocks(bias))


def test_no_bias_is_not_told_as_one_and_too_few_give_no_number(journal: Journal) -> None:
    _fill(journal, blind=(50, 100), seen=(29, 29))
    assert count_bias(journal.entries()).gap() is None
    assert "il faut au moins 30" in str(bias_blocks(count_bias(journal.entries())))
    _fill(journal, blind=(0, 0), seen=(25, 71))
    gap = count_bias(journal.entries()).gap()
    assert gap is not None
    assert gap[1] < 0 < gap[2]
    assert "Rien ne montre" in str(bias_blocks(count_bias(journal.entries())))


def test_a_change_of_mind_counts_once_and_the_last_verdict_holds(journal: Journal) -> None:
    def undo(seq: int) -> None:
        journal.append("undo", case=CASE, actor="Ada", data={"undoes": seq})

    for number, drawn, after in ((1, "model", "follow"), (2, "random", "set_aside"), (3, "random", "follow")):
        before = "set_aside" if after == "follow" else "follow"
        first = journal.append_many([_verdict(number, before, blind=True, drawn=drawn)])[0]
        undo(first.seq)
        journal.append_many([_verdict(number, after, blind=False, drawn=drawn)])
    bias = count_bias(journal.entries())
    assert (bias.toward, bias.away) == (2, 1)
    assert sum(bias.judged.values()) == 3
    assert bias.followed["model", False] == 1


def test_verdicts_of_before_the_measure_are_left_out(journal: Journal) -> None:
    old = _verdict(1, "follow", blind=True)
    del old["data"]["blind"]
    journal.append_many([old])
    assert not count_bias(journal.entries()).judged
