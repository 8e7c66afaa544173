"""Lists that agents open: a worklist joined to its signals, as a spreadsheet, a CSV file or a PDF."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import export, french, worklist as drawing
from eclaireur.core.mention import mentions
from eclaireur.service.declaring import contact_of

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.types import Worklist
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["list_mentions", "write_worklist"]


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
    snapshot = signals.records.snapshot
    return list_mentions(
        work.card,
        run=signals.run.id,
        as_of=signals.as_of,
        snapshot=snapshot.id,
        taken=snapshot.taken,
        licence=snapshot.licence,
        model=signals.model.card.number,
        by=signals.model.by,
        contact=contact_of(work.workspace, work.card),
    )


def list_mentions(
    card: Card,
    *,
    run: str,
    as_of: date,
    snapshot: str,
    taken: datetime,
    licence: str,
    model: int,
    by: str,
    contact: str = "",
) -> dict[str, str]:
    """Return what must be said with a list, under French headings: calculation, data, model, limits, law."""
    return {
        "Cas d'usage": card.title,
        "Calcul": f"{run}, au {french.day(as_of)}",
        "Données": f"{snapshot}, lues le {french.moment(taken)}, {licence}",
        "Modèle": f"n° {model}, mis en service par {by}",
        "Limites": " ".join(card.limits),
        **mentions(card, contact),
    }
