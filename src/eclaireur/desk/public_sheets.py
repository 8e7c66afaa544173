"""The *fiche algorithme* that anybody may read: a named person publishes it, once nothing lacks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from eclaireur.core import canonical, french
from eclaireur.core.catalog import cards
from eclaireur.core.errors import NotFoundError
from eclaireur.core.view_json import from_plain
from eclaireur.desk.models import Contest, Edition, PublishedSheet
from eclaireur.desk.place import work_on, workspace
from eclaireur.service.algorithm_sheet import AlgorithmSheet, make_sheet, require_complete
from eclaireur.service.work import default_source

if TYPE_CHECKING:
    from datetime import date

    from eclaireur.core.view import Block
    from eclaireur.desk.models import User

__all__ = [
    "counted",
    "draft_sheet",
    "publish_sheet",
    "published_sheets",
    "sheet_of",
    "shown_sheet",
    "source_of",
    "withdraw_sheet",
]


def draft_sheet(case: str, level: str = "public") -> AlgorithmSheet:
    """Make the sheet of a case from what is known now, with the source that the desk shows."""
    return make_sheet(work_on(case), source_of(case), level)


def source_of(case: str) -> str:
    """Return the source that the desk shows of a case, else the natural one."""
    edition = Edition.objects.filter(case=case, current=True, training=False, ready=True).first()
    return edition.source if edition else default_source(work_on(case))


def publish_sheet(user: User, case: str) -> PublishedSheet:
    """Publish the public sheet of a case as it is now, in place of the one before.

    Raises
    ------
    RefusedError
        If something is missing; the message names it, and who can fill it.
    """
    sheet = draft_sheet(case)
    require_complete(sheet)
    content = canonical.plain(sheet.to_json())
    digest = hashlib.sha256(canonical.text(content).encode()).hexdigest()
    with transaction.atomic():
        entry = workspace().journal.append(
            "sheet_published",
            case=case,
            actor=user.full_name,
            data={"sha256": digest, "login": user.login},
        )
        row, _ = PublishedSheet.objects.update_or_create(
            case=case,
            defaults={"content": content, "user": user, "at": timezone.now(), "seq": entry.seq},
        )
    return row


def withdraw_sheet(user: User, case: str) -> None:
    """Take the public sheet of a case back.

    Raises
    ------
    NotFoundError
        If none is published.
    """
    with transaction.atomic():
        row = _row(case)
        workspace().journal.append(
            "sheet_withdrawn", case=case, actor=user.full_name, data={"login": user.login}
        )
        row.delete()


def published_sheets() -> list[dict[str, Any]]:
    """Return what the open list of sheets shows: each published case, by title."""
    rows = {row.case: row for row in PublishedSheet.objects.all()}
    return [{"card": card, "row": rows[card.name]} for card in cards() if card.name in rows]


def shown_sheet(case: str) -> tuple[PublishedSheet, tuple[Block, ...]]:
    """Return the published sheet of a case and its blocks.

    Raises
    ------
    NotFoundError
        If none is published.
    """
    row = _row(case)
    blocks: tuple[Block, ...] = from_plain(row.content["blocks"])
    return row, blocks


def _row(case: str) -> PublishedSheet:
    row = PublishedSheet.objects.filter(case=case).first()
    if row is None:
        raise NotFoundError("aucune fiche publiée à cette adresse.", fix="Revenez à la liste des fiches.")
    return row


def sheet_of(row: PublishedSheet, blocks: tuple[Block, ...], day: date) -> AlgorithmSheet:
    """Return a published sheet, to be written as a file."""
    content = row.content
    return AlgorithmSheet(
        case=row.case,
        title=content["title"],
        level=content["level"],
        day=day,
        blocks=blocks,
        mentions=content["mentions"],
        missing=(),
        secret="oui" if content["secret"] else "",
    )


def counted(case: str) -> str:
    """Say how many contests of a case were received, answered and followed by a change, as of now."""
    rows = Contest.objects.filter(case=case)
    answered = rows.exclude(answered=None)
    changed = answered.filter(changed=True).count()
    return (
        f"{french.count(rows.count(), 'contestation reçue', 'contestations reçues')}, "
        f"{french.count(answered.count(), 'traitée')}, {french.count(changed, 'suivie', 'suivies')} "
        "d’un changement"
    )
