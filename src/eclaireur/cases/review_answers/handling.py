"""Experiences as messages of the intake desk, and what the machine says of one before a person answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.personal import find
from eclaireur.cases.review_answers.drafting import Means, draft, echoed, text_of_answer
from eclaireur.cases.review_answers.model import Model
from eclaireur.cases.review_answers.past import past_of
from eclaireur.cases.review_answers.reading import RATINGS, text_of
from eclaireur.cases.review_answers.sheets import shelf_of
from eclaireur.cases.review_answers.tone import guide_of
from eclaireur.cases.review_answers.understanding import FRENCH, Understood, understand
from eclaireur.core import french
from eclaireur.core.intake import Answer, Handling, Message, Part, PartKind, messages_schema
from eclaireur.core.view import Reason

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Artefact, Records

__all__ = ["handle", "means_of", "messages", "reasons_of", "safe_draft"]

_CHANNEL = "Services Publics+"


def messages(records: Records) -> pa.Table:
    """Return the experiences as messages, oldest first."""
    import pyarrow as pa

    rows = sorted(records["experiences"].to_pylist(), key=lambda row: (row["observed"], row["subject"]))
    made = [
        {
            "id": row["subject"],
            "thread": row["subject"],
            "received": datetime.combine(row["observed"], time(), tzinfo=UTC),
            "sender": "",
            "subject": row["title"],
            "body": row["text"],
            "channel": _CHANNEL,
            "area": row["area"],
            "attachments": [],
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, schema=messages_schema())


def means_of(records: Records) -> Means:
    """Return what drafts are made of: the guide of tone, the sheets, the past answers."""
    return Means(
        guide=guide_of(records["tone"].to_pylist()),
        shelf=shelf_of(records["sheets"]),
        past=past_of(records["answers"], records["experiences"]),
    )


def handle(message: Message, records: Records, artefact: Artefact) -> Handling:
    """Say what the machine says of a message; a person decides."""
    text = text_of({"title": message.subject, "text": message.body})
    (said,) = understand([text], Model.read(artefact), known=(message.sender,))
    parts = (Part(kind=PartKind.BODY, start=0, end=len(message.body)),) if message.body else ()
    return Handling(
        abstains=bool(said.checked.empty or said.checked.foreign),
        urgency=said.urgency.level,
        urgent=said.urgency.why,
        parts=parts,
        personal=find(message.body, known=(message.sender,)),
        reasons=reasons_of(said),
        facts=_facts(said),
        draft=safe_draft(said, means_of(records), message),
    )


def safe_draft(said: Understood, means: Means, message: Message) -> Answer:
    """Return a draft that repeats no personal datum of the message, or none."""
    made = draft(said, means, received=message.received.date(), subject=message.id)
    allowed = [one.text for one in means.guide.forms] + [one.passage for one in made.citations]
    allowed += [
        one.text
        for one in made.sentences
        if one.sources and "fiche" in made.citations[one.sources[0] - 1].origin
    ]
    repeated = echoed(text_of_answer(made), said, sources=allowed)
    if repeated:
        return Answer(
            withheld=f"Le brouillon répétait une donnée personnelle ({', '.join(repeated)}) : il est écarté.",
            offers=made.offers,
            cautions=made.cautions,
        )
    return made


def reasons_of(said: Understood) -> tuple[Reason, ...]:
    """Return why: the sentence that shows the rating, then each dimension, then what is urgent."""
    found = []
    if said.opinions:
        whole = said.opinions[0]
        quote = said.quote(whole.start, whole.end)
        found.append(
            Reason(
                theme="ressenti",
                sentence=f"Avis {FRENCH[said.rating]} : «\u00a0{quote}\u00a0»",
                weight=said.chances[0] - 1 / len(RATINGS),
                source="message",
            )
        )
    for one in said.dimensions:
        quote = said.quote(one.start, one.end)
        sign = {"Négatif": 1, "Neutre": 0, "Positif": -1}[one.polarity]
        found.append(
            Reason(
                theme=one.aspect,
                sentence=f"{one.aspect}, avis {FRENCH[one.polarity]} : «\u00a0{quote}\u00a0»",
                weight=sign * one.chance,
                source="message",
            )
        )
    if said.urgency.why:
        found.append(
            Reason(
                theme="urgence",
                sentence=f"À lire en premier : {said.urgency.why}.",
                weight=said.urgency.level,
                source="message",
            )
        )
    if not found:
        found.append(Reason(theme="message", sentence="Le message est vide.", weight=0.0, source="message"))
    return tuple(found)


def _facts(said: Understood) -> Mapping[str, str]:
    facts: dict[str, Any] = {}
    if said.opinions:
        chance = max(said.chances)
        facts["Ressenti"] = f"{FRENCH[said.rating]} ({french.percent(chance)})"
    for one in said.dimensions:
        facts[one.aspect] = FRENCH[one.polarity]
    if said.themes:
        facts["Thèmes"] = ", ".join(one.theme for one in said.themes)
    checked = said.checked
    facts["Langue"] = "autre que le français" if checked.foreign else "français"
    tones = [word for held, word in ((checked.insult, "insultant"), (checked.loud, "en capitales")) if held]
    if tones:
        facts["Ton"] = ", ".join(tones)
    if len(checked.questions) > 1:
        facts["Questions"] = str(len(checked.questions))
    return {} if checked.empty else facts
