"""The demonstration: one case on its own sample, from raw files to a list, then checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.service import exporting, signals as making, work as working

if TYPE_CHECKING:
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["Played", "play"]

_CAPACITY = 40
_RANDOM_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the demonstration made; ``problems`` is empty when every check holds."""

    signals: Signals
    output: Path
    problems: tuple[str, ...]


def play(work: Work) -> Played:
    """Fetch the sample, compute the signals, draw the list, write it, and check the whole."""
    working.fetch(work, "sample")
    signals = making.make(work, "sample")
    worklist, _ = making.draw(work, signals, capacity=_CAPACITY, random_share=_RANDOM_SHARE)
    output = work.workspace.home / "demo" / "liste.xlsx"
    exporting.write_worklist(work, signals, worklist, output)
    return Played(
        signals=signals,
        output=output,
        problems=tuple(_problems(signals, len(worklist.items), output)),
    )


def _problems(signals: Signals, items: int, output: Path) -> list[str]:
    import pyarrow.compute as pc

    table = signals.table
    found = []
    if table.num_rows < _CAPACITY:
        found.append("moins d'indices que de contrôles possibles")
    if pc.count_distinct(table["score"]).as_py() < 2:
        found.append("tous les rangs se valent")
    if any(not reasons for reasons in table["reasons"].slice(0, _CAPACITY).to_pylist()):
        found.append("un indice n'a pas de raison")
    if items != _CAPACITY:
        found.append("la liste n'a pas la taille demandée")
    if not output.is_file() or not output.stat().st_size:
        found.append("la liste n'a pas été écrite")
    return found
