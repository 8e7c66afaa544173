"""The inbox of an intake case: rows made of its messages, and the pages of them that a person asks for.

A message is one row, whatever how often it is handled. What a person decided of it stays: handling it anew
changes only messages that still wait, and never a route that a person chose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from eclaireur.bricks.intake.personal import mask
from eclaireur.core.case import Progress, quiet
from eclaireur.core.intake import Handling, Message, PartKind
from eclaireur.desk.models import Dossier, Mail, MailContent, MailStatus
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service import messages as intake

if TYPE_CHECKING:
    from django.http import QueryDict

    from eclaireur.desk.access import Reach

__all__ = ["PAGE", "Asked", "Inbox", "plain", "sort_messages"]

PAGE = 50
_BATCH = 200
_PREVIEW = 200
_MOST_PAGES = 10_000
_EMPTY: Mapping[str, Any] = {"sender": "", "subject": "", "body": "", "attachments": []}
_UNSAID: Mapping[str, Any] = {"parts": [], "personal": [], "reasons": [], "facts": {}, "draft": None}
_HANDLED = (
    "route",
    "route_title",
    "confidence",
    "abstains",
    "urgency",
    "urgent",
    "heading",
    "preview",
    "drafted",
    "source",
    "model",
    "handled",
)


def sort_messages(
    case: str,
    source: str = "",
    *,
    service: str = "",
    progress: Progress = quiet,
    writing: Callable[[], AbstractContextManager[object]] = transaction.atomic,
) -> int:
    """Handle the messages of a case and keep what is said of each as rows; return how many there are.

    Each batch is one transaction. A row is right whatever becomes of the others, so a task killed half-way
    leaves an inbox that can be used, and done again it ends the same.
    """
    refuse_if_stopped(case)
    work = work_on(case, progress=progress)
    desk = intake.open_desk(work, source, fresh=True)
    total = len(desk.messages())
    settled = set(
        Mail.objects.filter(case=case, service=service)
        .exclude(status=MailStatus.NEW)
        .values_list("message", flat=True)
    )
    done = 0
    for batch in _batches(desk.handled(settled)):
        with writing():
            _write(batch, desk, service)
        done += len(batch)
        progress(done, total, "Tri des messages")
    _forget(desk, service, writing)
    return total


def _forget(desk: intake.Desk, service: str, writing: Callable[[], AbstractContextManager[object]]) -> None:
    """Let go of messages that the source no longer has: those that wait, and the texts of the others."""
    held = {one.id for one in desk.messages()}
    rows = Mail.objects.filter(case=desk.work.card.name, service=service)
    gone = [pk for pk, message in rows.values_list("pk", "message") if message not in held]
    for start in range(0, len(gone), _BATCH):
        mails = rows.filter(pk__in=gone[start : start + _BATCH])
        with writing():
            mails.filter(status=MailStatus.NEW).delete()
            settled = mails.filter(source=desk.source).exclude(status=MailStatus.NEW)
            for content in MailContent.objects.filter(mail__in=settled):
                content.message = {**content.message, **_EMPTY}
                content.handling = {**content.handling, **_UNSAID}
                content.save()
            settled.update(heading="", preview="")


def _batches(rows: Iterator[tuple[Message, Handling]]) -> Iterator[list[tuple[Message, Handling]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _write(batch: Sequence[tuple[Message, Handling]], desk: intake.Desk, service: str) -> None:
    case = desk.work.card.name
    known = {
        one.message: one
        for one in Mail.objects.select_for_update().filter(
            case=case, service=service, message__in=[message.id for message, _ in batch]
        )
    }
    subjects = {message.id: str(intake.subject_of(desk.work, message.id)) for message, _ in batch}
    dossiers = _dossiers(case, service, batch, subjects)
    rows: list[Mail] = []
    contents: list[MailContent] = []
    for message, handling in batch:
        mail = known.get(message.id) or Mail(case=case, service=service, message=message.id)
        if mail.status != MailStatus.NEW:
            continue
        mail.dossier = dossiers[subjects[message.id]]
        _describe(mail, message, handling, desk)
        rows.append(mail)
        contents.append(
            MailContent(mail=mail, message=plain(asdict(message)), handling=plain(asdict(_safe(handling))))
        )
    Mail.objects.bulk_create([one for one in rows if one.message not in known])
    Mail.objects.bulk_update([one for one in rows if one.message in known], _HANDLED)
    for content in contents:
        content.mail_id = content.mail.pk
    MailContent.objects.bulk_create(
        contents, update_conflicts=True, unique_fields=["mail"], update_fields=["message", "handling"]
    )


def _dossiers(
    case: str, service: str, batch: Iterable[tuple[Message, Handling]], subjects: Mapping[str, str]
) -> dict[str, Dossier]:
    held = Dossier.objects.filter(case=case, service=service, training=False)
    found = {one.subject: one for one in held.filter(subject__in=list(subjects.values()))}
    new = {
        subjects[message.id]: Dossier(
            case=case, service=service, area=message.area or "", subject=subjects[message.id]
        )
        for message, _ in batch
        if subjects[message.id] not in found
    }
    return found | {one.subject: one for one in Dossier.objects.bulk_create(list(new.values()))}


def _describe(mail: Mail, message: Message, handling: Handling, desk: intake.Desk) -> None:
    mail.area = message.area or ""
    mail.thread, mail.received = message.thread, message.received
    mail.channel, mail.attachments = message.channel or "", len(message.attachments)
    mail.heading = mask(message.subject or "")[:200]
    mail.preview = _preview(message, handling)
    if not mail.decided:
        first = handling.routes[0] if handling.routes else None
        mail.route = first.name[:120] if first else ""
        mail.route_title = first.title[:200] if first else ""
        mail.confidence = first.confidence if first else None
        mail.abstains = handling.abstains
    mail.urgency, mail.urgent = handling.urgency, handling.urgent[:300]
    mail.drafted = handling.draft is not None and not handling.draft.withheld
    mail.source, mail.model, mail.handled = desk.source, desk.model.number, timezone.now()


def _safe(handling: Handling) -> Handling:
    return replace(handling, draft=intake.sound(handling.draft)) if handling.draft else handling


def _preview(message: Message, handling: Handling) -> str:
    """Return the start of what the person wrote, masked: no greeting, nothing quoted."""
    body = message.body
    own = [one for one in handling.parts if one.kind is PartKind.BODY] or None
    start, end = (own[0].start, own[0].end) if own else (0, len(body))
    said = []
    at = start
    for span in sorted(handling.personal, key=lambda one: one.start):
        if at <= span.start < end:
            said += [body[at : span.start], f"[{span.label}]"]
            at = span.end
    said.append(body[at:end] if at < end else "")
    text = " ".join("".join(said).split())
    return text if len(text) <= _PREVIEW else text[:_PREVIEW].rsplit(" ", 1)[0] + "…"


def plain(value: Any) -> Any:
    """Return a value of plain JSON: days are written as ISO 8601."""

    def write(one: Any) -> str:
        if isinstance(one, date | datetime):
            return one.isoformat()
        raise TypeError(type(one).__name__)

    return json.loads(json.dumps(value, default=write))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was chosen in an inbox, as the address of the page says it."""

    status: str = MailStatus.NEW
    route: str = ""
    area: str = ""
    query: str = ""
    urgent: bool = False
    unsure: bool = False
    order: str = "urgence"
    page: int = 1

    @classmethod
    def read(cls, given: QueryDict) -> Asked:
        """Read an address; what makes no sense is left out."""
        page, status, order = given.get("page", "1"), given.get("etat", ""), given.get("tri", "")
        return cls(
            status=status if status in {*MailStatus.values, "tous"} else MailStatus.NEW,
            route=given.get("service", "")[:120].replace("\x00", ""),
            area=given.get("secteur", "")[:120].replace("\x00", ""),
            query=given.get("texte", "")[:200].replace("\x00", ""),
            urgent=given.get("urgent") == "1",
            unsure=given.get("incertain") == "1",
            order=order if order in _ORDERS else "urgence",
            page=min(max(int(page), 1), _MOST_PAGES) if page.isdecimal() and len(page) < 6 else 1,
        )

    def encode(self, **changes: Any) -> str:
        """Write the address of the same choice with changes; of its first page unless told."""
        one = replace(self, **{"page": 1, **changes})
        pairs = {
            "etat": one.status if one.status != MailStatus.NEW else "",
            "service": one.route,
            "secteur": one.area,
            "texte": one.query,
            "urgent": "1" if one.urgent else "",
            "incertain": "1" if one.unsure else "",
            "tri": one.order if one.order != "urgence" else "",
            "page": str(one.page) if one.page > 1 else "",
        }
        return urlencode({name: value for name, value in pairs.items() if value})

    @property
    def here(self) -> str:
        """Address of this very page."""
        return self.encode(page=self.page)

    @property
    def plain(self) -> bool:
        """Whether nothing is chosen."""
        return not self.encode()


_ORDERS: Mapping[str, tuple[str, ...]] = {
    "urgence": ("-urgency", "received", "pk"),
    "anciens": ("received", "pk"),
    "recents": ("-received", "pk"),
}


class Inbox:
    """The messages of a case that a person sees and that answer what was chosen, with counts."""

    def __init__(self, reach: Reach, case: str, asked: Asked) -> None:
        self.asked = asked
        self._mine: QuerySet[Mail] = Mail.objects.within(reach).filter(case=case)
        rows = self._rows(without="status").values_list("status")
        self._counts: dict[str, int] = dict(rows.annotate(n=Count("pk")).order_by())
        self._counts["tous"] = sum(self._counts.values())
        self.total: int = self._counts.get(asked.status, 0)
        pages = max((self.total - 1) // PAGE + 1, 1)
        if asked.page > pages:
            self.asked = asked = replace(asked, page=pages)
        self.pages = pages
        start = (asked.page - 1) * PAGE
        self.mails: list[Mail] = list(self._rows().order_by(*_ORDERS[asked.order])[start : start + PAGE])
        self.previous = asked.encode(page=asked.page - 1) if asked.page > 1 else None
        self.next = asked.encode(page=asked.page + 1) if asked.page < pages else None

    def _rows(self, *, without: str = "") -> QuerySet[Mail]:
        asked, rows = self.asked, self._mine
        if asked.status != "tous" and without != "status":
            rows = rows.filter(status=asked.status)
        if asked.route and without != "route":
            rows = rows.filter(route=asked.route)
        if asked.area:
            rows = rows.filter(area=asked.area)
        if asked.urgent and without != "urgent":
            rows = rows.filter(~Q(urgent=""))
        if asked.unsure and without != "unsure":
            rows = rows.filter(abstains=True)
        if asked.query:
            rows = rows.filter(Q(heading__icontains=asked.query) | Q(preview__icontains=asked.query))
        return rows

    @property
    def statuses(self) -> list[tuple[str, str, int, str, bool]]:
        """Each status: its code, name, how many, its address, and whether it is chosen."""
        asked = self.asked
        named = [*MailStatus.choices, ("tous", "tous")]
        return [
            (code, name, self._counts.get(code, 0), asked.encode(status=code), asked.status == code)
            for code, name in named
        ]

    @property
    def routes(self) -> list[tuple[str, int, str, bool]]:
        """Each route with a message: its title, how many, the address that chooses it or takes it back."""
        asked = self.asked
        rows = self._rows(without="route").exclude(route="").values_list("route", "route_title")
        return [
            (title or code, n, asked.encode(route="" if asked.route == code else code), asked.route == code)
            for code, title, n in rows.annotate(n=Count("pk")).order_by("-n", "route")
        ]

    @property
    def toggles(self) -> list[tuple[str, int, str, bool]]:
        """The two filters that are on or off."""
        asked = self.asked
        urgent = self._rows(without="urgent").exclude(urgent="").count()
        unsure = self._rows(without="unsure").filter(abstains=True).count()
        return [
            ("À lire en premier", urgent, asked.encode(urgent=not asked.urgent), asked.urgent),
            ("Sans service sûr", unsure, asked.encode(unsure=not asked.unsure), asked.unsure),
        ]

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """Ways to sort."""
        names = {"urgence": "urgents d’abord", "anciens": "anciens d’abord", "recents": "récents d’abord"}
        return [
            (name, self.asked.encode(order=code), self.asked.order == code) for code, name in names.items()
        ]
