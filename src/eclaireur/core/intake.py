"""What the intake desk shows of a message: its parts, where it should go, and a draft made of its sources.

A case of the intake desk gives, beside the functions of `core.case.Case`, some of:

``messages(records)``
    the table of messages (`messages_schema`), oldest first;
``handle(message, records, card, artefact)``
    a `Handling` of one `Message`: what the machine says of it, before a person decides;
``answer(question, situation, records, card, artefact, setup="")``
    an `Answer` to a question typed at the desk, of an information case; ``situation`` are filters that the
    person declared (name → value), ``before``, the question that this one follows, and ``person``, the agent
    whose budget of a language model is used: none is stored;
    ``setup`` names one of ``SETUPS``;
``SITUATION``
    the filters that ``answer`` understands, as `core.view.FormField`;
``SETUPS``
    set-ups that a campaign may compare blind: name → French title;
``try_rules(text, table)``
    what a file of rules would have done with past messages, before it acts: blocks to show.

The desk, the command line and the API know intake cases only through these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from eclaireur.core.view import Citation, Mark, Reason

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Answer",
    "Handling",
    "Message",
    "Part",
    "PartKind",
    "Route",
    "Sentence",
    "messages_schema",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it came: nothing cut, nothing masked.

    ``thread`` groups the messages of one exchange; ``received`` has a time zone.
    """

    id: str
    thread: str
    received: datetime
    sender: str
    subject: str
    body: str
    channel: str = "courriel"
    area: str = ""
    attachments: tuple[str, ...] = ()


class PartKind(StrEnum):
    """What a stretch of a mail is."""

    GREETING = "greeting"
    BODY = "body"
    QUOTED = "quoted"
    SIGNATURE = "signature"
    FOOTER = "footer"

    @property
    def french(self) -> str:
        """Name on screen."""
        return {
            "greeting": "formule d'appel",
            "body": "message",
            "quoted": "message cité",
            "signature": "signature",
            "footer": "bas de page",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch ``[start, end)`` of a message's body, in characters."""

    kind: PartKind
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A place where a message may go; ``confidence`` in [0, 1], calibrated on messages kept apart."""

    name: str
    title: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a draft and the numbers, from 1, of the citations that support it.

    ``form`` marks a sentence of courtesy from the administration's own forms: it needs no source.
    """

    text: str
    sources: tuple[int, ...] = ()
    form: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer made of its sources, or the reason why there is none.

    Parameters
    ----------
    sentences
        In reading order; each one has a source or is a form of courtesy.
    citations
        Numbered from 1, with their dates.
    withheld
        Why nothing is answered, in French (« les sources ne le disent pas »); empty when it is answered.
    offers
        The nearest sheets, and the office to turn to, when the answer is withheld.
    cautions
        What the reader must know: a source out of date, an address that was masked, a removed sentence.
    generated
        Whether a language model wrote it: the notice of AI Act, article 50, is then shown and marked.
    """

    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    withheld: str = ""
    offers: tuple[Citation, ...] = ()
    cautions: tuple[str, ...] = ()
    generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What the machine says of a message; a person decides.

    Parameters
    ----------
    routes
        Best first; at least the two best when ``abstains``.
    abstains
        Whether no route is sure enough: a person sorts it.
    urgency
        In [0, 1]; ``urgent`` says in French why it should be read first, empty when nothing says so.
    parts
        Cover the body without overlap, in order.
    personal
        Spans of personal data in the body, masked until a person asks; labels in French.
    reasons
        Why the first route: terms of the message with their weights.
    facts
        What else is known, name → value in French: language, tone, theme, duplicates, campaign.
    draft
        A proposed answer; None when the case drafts none.
    """

    routes: tuple[Route, ...] = ()
    abstains: bool = False
    urgency: float = 0.0
    urgent: str = ""
    parts: tuple[Part, ...] = ()
    personal: tuple[Mark, ...] = ()
    reasons: tuple[Reason, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    draft: Answer | None = None


def messages_schema() -> pa.Schema:
    """Return the schema of a table of messages, one column a field of `Message`."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            pa.field("id", text, nullable=False),
            pa.field("thread", text, nullable=False),
            pa.field("received", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("sender", text),
            pa.field("subject", text),
            pa.field("body", text, nullable=False),
            pa.field("channel", text),
            pa.field("area", text),
            pa.field("attachments", pa.list_(text)),
        ]
    )
