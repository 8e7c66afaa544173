"""The demonstration: one case on its own sample, from raw files to a list, then checked."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.service import exporting, signals as making, work as working

if TYPE_CHECKING:
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["Played", "play"]

_CAPACITY = 40
_RANDOM_SHARE = 0.1
_WEEKS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the demonstration made; ``problems`` is empty when every check holds.

    ``outcomes`` is what inspectors will have found in the six months after the list, as they would
    send it back: with it the whole loop can be turned by hand. None when the sample of the case draws none.
    """

    signals: Signals
    output: Path
    outcomes: Path | None
    problems: tuple[str, ...]


def play(work: Work) -> Played:
    """Fetch the sample, compute the signals, draw the list, write it, and check the whole.

    Raises
    ------
    BadValueError
        If the case makes no list of targets.
    """
    if work.card.desk != Desk.TARGET:
        raise BadValueError(
            f"la démonstration montre une liste, et « {work.card.name} » n'en fait pas.",
            fix="Choisissez un cas de ciblage (voir : ./eclaireur cases).",
        )
    working.fetch(work, "sample")
    signals = making.make(work, "sample")
    worklist, _ = making.draw(work, signals, capacity=_CAPACITY, random_share=_RANDOM_SHARE)
    folder = work.workspace.home / "demo"
    output = folder / "liste.xlsx"
    exporting.write_worklist(work, signals, worklist, output)
    drawn = [str(item.subject) for item in worklist.items]
    text = _field(work, signals, drawn)
    outcomes = folder / "resultats.csv"
    if text:
        write_atomically(outcomes, lambda path: _write(path, text))
    return Played(
        signals=signals,
        output=output,
        outcomes=outcomes if text else None,
        problems=tuple(_problems(signals, len(worklist.items), output)),
    )


def _field(work: Work, signals: Signals, drawn: Sequence[str]) -> str:
    """Play six months of inspections on the hidden truth of the sample: the list, then who follows.

    Empty when the sample has no truth to play on.
    """
    sample = importlib.import_module(f"{work.card.package}.sample")
    if not hasattr(sample, "truth"):
        return ""
    truth = sample.truth(seed=work.seed)
    ranked = [subject for subject in signals.table["subject"].to_pylist() if subject not in set(drawn)]
    order = [*drawn, *ranked]
    lines = ["Identifiant de l'établissement;Date du contrôle;Résultat"]
    for week in range(_WEEKS):
        day = signals.as_of + timedelta(days=7 * week + 4)
        chosen = order[week * _CAPACITY : (week + 1) * _CAPACITY]
        for row in sample.outcomes(truth, chosen, day, seed=week).to_pylist():
            result = "défavorable" if row["label"] else "favorable"
            lines.append(f"{row['subject'].partition(':')[2]};{day:%d/%m/%Y};{result}")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8-sig")


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
