"""Lists that agents open: a worklist joined to its signals, as a spreadsheet, a CSV file or a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import export, worklist as drawing

if TYPE_CHECKING:
    from eclaireur.core.types import Worklist
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["write_worklist"]


def write_worklist(work: Work, signals: Signals, worklist: Worklist, output: Path) -> None:
    """Write a worklist in a form of `core.export.FORMS`, whole or not at all, and journal the export.

    Raises
    ------
    BadValueError
        If the file name ends otherwise.
    """
    tables = (drawing.to_table(worklist), signals.table)
    export.write_list(*tables, output, mentions=_mentions(work, signals))
    work.workspace.journal.append(
        "export",
        case=work.card.name,
        actor="eclaireur",
        data={"run": worklist.run, "items": len(worklist.items), "form": output.suffix.lower()[1:]},
    )


def _mentions(work: Work, signals: Signals) -> dict[str, str]:
    from eclaireur.core import french

    snapshot = signals.records.snapshot
    return {
        "Cas d'usage": work.card.title,
        "Calcul": f"{signals.run.id}, au {french.day(signals.as_of)}",
        "Données": f"{snapshot.id}, lues le {french.moment(snapshot.taken)}, {snapshot.licence}",
        "Modèle": f"n° {signals.model.card.number}, mis en service par {signals.model.by}",
        "Limites": " ".join(work.card.limits),
        "Mention": (
            "Cette liste a été établie à l'aide d'un traitement algorithmique. "
            "Elle propose un ordre ; l'agent décide."
        ),
        "Recours": work.card.law.appeal,
    }
