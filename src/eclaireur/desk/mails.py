"""A message as its page shows it: parts, masked spans, thread, and a draft beside its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.http import Http404

from eclaireur.bricks.intake.personal import mask
from eclaireur.core.intake import PartKind
from eclaireur.desk.access import Action
from eclaireur.desk.models import Mail, MailStatus, Outgoing
from eclaireur.desk.replying import draft_text

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["Shown", "Stretch", "dated", "mail_within", "stretches"]

_THREAD = 30


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a body: its text in pieces, each with the label that hides it or none."""

    kind: str
    title: str
    pieces: tuple[tuple[str, str], ...]

    @property
    def folded(self) -> bool:
        """Whether it is read only on demand."""
        return self.kind in {PartKind.QUOTED, PartKind.FOOTER}


def stretches(
    body: str, parts: Iterable[Mapping[str, Any]], personal: Iterable[Mapping[str, Any]], *, revealed: bool
) -> list[Stretch]:
    """Cut a body into its parts, and each part around its personal data; nothing of it is lost.

    Until ``revealed``, the text of personal data is not in what is returned.
    """
    found, at = [], 0
    spans = sorted(personal, key=lambda one: (one["start"], one["end"]))
    for part in sorted(parts, key=lambda one: one["start"]):
        if part["start"] > at:
            found.append(_stretch(body, PartKind.BODY, at, part["start"], spans, revealed=revealed))
        start = max(part["start"], at)
        if part["end"] > start:
            found.append(_stretch(body, PartKind(part["kind"]), start, part["end"], spans, revealed=revealed))
            at = part["end"]
    if at < len(body):
        found.append(_stretch(body, PartKind.BODY, at, len(body), spans, revealed=revealed))
    return [one for one in found if any(text.strip() or label for text, label in one.pieces)]


def _stretch(
    body: str, kind: PartKind, start: int, end: int, spans: list[Mapping[str, Any]], *, revealed: bool
) -> Stretch:
    pieces: list[tuple[str, str]] = []
    at = start
    for span in spans:
        first, last = max(span["start"], at), min(span["end"], end)
        if first >= last:
            continue
        pieces.append((body[at:first], ""))
        pieces.append((body[first:last] if revealed else "", str(span["label"])))
        at = last
    pieces.append((body[at:end], ""))
    return Stretch(str(kind), kind.french, tuple((text, label) for text, label in pieces if text or label))


def dated(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kept answer with the days of its sources as days."""
    return {
        **answer,
        **{
            name: [
                {**one, "observed": date.fromisoformat(one["observed"]) if one["observed"] else None}
                for one in answer[name]
            ]
            for name in ("citations", "offers")
        },
    }


def mail_within(reach: Reach, case: str, pk: int, action: Action = Action.SEE) -> Mail:
    """Return a message within reach; else it does not exist."""
    mail: Mail | None = (
        Mail.objects.within(reach).filter(case=case, pk=pk).select_related("content", "dossier").first()
    )
    if mail is None or not reach.may(action, case, mail.area, mail.service):
        raise Http404
    return mail


class Shown:
    """A message with all that its page says of it."""

    def __init__(self, mail: Mail, reach: Reach, *, revealed: bool = False) -> None:
        self.mail = mail
        self.revealed = revealed
        self.message: dict[str, Any] = mail.content.message
        self.handling: dict[str, Any] = mail.content.handling
        self._reach = reach

    @property
    def heading(self) -> str:
        """Its subject line, masked until it is revealed."""
        return str(self.message["subject"]) if self.revealed else self.mail.heading

    @property
    def sender(self) -> str:
        """Who wrote, when it is revealed."""
        return str(self.message["sender"] or "") if self.revealed else ""

    @property
    def hides(self) -> bool:
        """Whether something is masked."""
        given = self.message["subject"] or ""
        return bool(self.handling["personal"] or self.message["sender"] or mask(given) != given)

    @property
    def parts(self) -> list[Stretch]:
        """Its body."""
        return self._parts(self.message, self.handling)

    def _parts(self, message: Mapping[str, Any], handling: Mapping[str, Any]) -> list[Stretch]:
        return stretches(message["body"], handling["parts"], handling["personal"], revealed=self.revealed)

    @property
    def thread(self) -> list[tuple[Mail, list[Stretch]]]:
        """The other messages of the exchange, oldest first, masked in the same way."""
        rows = Mail.objects.within(self._reach).filter(case=self.mail.case, thread=self.mail.thread)
        rows = rows.exclude(pk=self.mail.pk).select_related("content").order_by("received")[:_THREAD]
        return [(one, self._parts(one.content.message, one.content.handling)) for one in rows]

    @property
    def attachments(self) -> list[str]:
        """Names of what is attached; a name may tell who wrote."""
        return [name if self.revealed else mask(name) for name in self.message["attachments"]]

    @property
    def draft(self) -> dict[str, Any] | None:
        """The proposed answer, unless it was refused."""
        found = self.handling["draft"]
        return dated(found) if found and not self.mail.refusal else None

    @property
    def start(self) -> str:
        """What the answer's field holds at first."""
        draft = self.draft
        return draft_text(draft) if draft and not draft["withheld"] else ""

    @property
    def routes(self) -> list[dict[str, Any]]:
        """Where it may go, best first, as the machine says."""
        return list(self.handling["routes"])

    @property
    def known_routes(self) -> list[tuple[str, str]]:
        """All places that the messages of the case go to: what a person chooses among."""
        rows = Mail.objects.within(self._reach).filter(case=self.mail.case).exclude(route="")
        held = dict(rows.values_list("route", "route_title").distinct().order_by())
        held |= {one["name"]: one["title"] for one in self.routes}
        return sorted(((code, title or code) for code, title in held.items()), key=lambda one: one[1])

    @property
    def outgoing(self) -> list[Outgoing]:
        """The answers that were sent."""
        return list(
            Outgoing.objects.filter(dossier=self.mail.dossier_id).select_related("user").order_by("at")
        )

    @property
    def open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.mail.status in {MailStatus.NEW, MailStatus.ROUTED}
