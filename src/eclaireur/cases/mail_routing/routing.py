"""What is said of each message: its destination with reasons, or that a person must sort it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake import personal, rules as ruling, urgency as urging
from eclaireur.bricks.intake.parts import own_text, segment
from eclaireur.bricks.semantic.ngrams import stems
from eclaireur.cases.mail_routing import reading, tone
from eclaireur.cases.mail_routing.router import Router
from eclaireur.core import french
from eclaireur.core.case import Artefact, Records
from eclaireur.core.intake import Handling, Message, Route
from eclaireur.core.view import Reason

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.intake.rules import Rule
    from eclaireur.core.types import ModelCard

__all__ = ["UNSURE", "Said", "day_before", "handle", "model_of", "preview", "rules_of", "said"]

UNSURE = "à trier par une personne"
"""Label of a message that the model does not route."""

_WORDS_THEME = "mots du message"
_SHOWN = 120
_EXPLAINED = 3000
_WORD = re.compile(r"[^\W_]+")
_MASKED = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of one message.

    Parameters
    ----------
    routes
        The two best, best first.
    kept
        Whether the first is sure enough.
    why
        When it is not kept: the reason, in French.
    reasons
        Of the first route.
    language
        French name, empty when not known.
    rule
        Name of the rule that decided, empty when the model did.
    """

    routes: tuple[Route, ...]
    kept: bool
    why: str
    reasons: tuple[Reason, ...]
    language: str
    rule: str = ""

    @property
    def label(self) -> str:
        """Where the message goes, as a signal says it."""
        return self.routes[0].title if self.kept else UNSURE


_KEPT: dict[str, Router] = {}


def model_of(artefact: Artefact) -> Router:
    """Return the model."""
    return Router.read(artefact)


def _kept_model(card: ModelCard, artefact: Artefact) -> Router:
    """Return the model of a card, read once: the desk asks one message at a time."""
    sha256 = card.artefacts.get("router.parquet", "")
    if not sha256:
        return model_of(artefact)
    if sha256 not in _KEPT:
        _KEPT.clear()
        _KEPT[sha256] = model_of(artefact)
    return _KEPT[sha256]


def rules_of(records: Records) -> tuple[Rule, ...]:
    """Return the rules that act: those of the records."""
    if "rules" not in records:
        return ()
    return ruling.parse("\n".join(str(line) for line in records["rules"]["rule"].to_pylist()))


def preview(heading: str, body: str) -> str:
    """Return the first words of a message, its personal data masked."""
    text = " ".join(f"{heading} – {own_text(body)}"[: 3 * _SHOWN].split()).strip(" –")
    return personal.mask(text)[:_SHOWN] or "message vide"


def said(
    model: Router,
    rows: Sequence[Mapping[str, Any]],
    *,
    rules: Sequence[Rule] = (),
    past: pa.Table | None = None,
) -> list[Said]:
    """Say where messages go.

    Parameters
    ----------
    rows
        With ``text``, ``heading``, ``body``, ``sender`` and ``attachments``.
    rules, past
        Rules that act before the model, and sorted messages, which tell how far rules are right.
    """
    told = model.told([row["text"] for row in rows])
    whys = model.why([row["text"][:_EXPLAINED] for row in rows], told.best[:, 0].tolist())
    trust = ruling.trusted(rules, [] if past is None or not rules else past.to_pylist())
    found = []
    for at, row in enumerate(rows):
        rule = ruling.first(rules, row)
        if rule is not None:
            found.append(_ruled(model, rule, trust[rule], told, at))
            continue
        best, chances = told.best[at].tolist(), told.chances[at].tolist()
        routes = tuple(
            Route(name=model.names[place], title=model.names[place], confidence=chance)
            for place, chance in zip(best, chances, strict=True)
        )
        spoken = tone.language(row["text"])
        why = _why(row["text"], spoken, kept=bool(told.kept[at]))
        reasons = _reasons(model.names[best[0]], _as_written(row["text"][:_EXPLAINED], whys[at]))
        found.append(Said(routes=routes, kept=not why, why=why, reasons=reasons, language=spoken))
    return found


def _ruled(model: Router, rule: Rule, chance: float, told: Any, at: int) -> Said:
    first = Route(name=rule.service, title=rule.service, confidence=chance)
    others = [
        Route(name=model.names[place], title=model.names[place], confidence=min(each, 1 - chance))
        for place, each in zip(told.best[at].tolist(), told.chances[at].tolist(), strict=True)
        if model.names[place] != rule.service
    ]
    reason = Reason(
        theme="règle",
        sentence=f"La règle « {rule.text} » s’applique.",
        weight=1.0,
        source="règles du service",
    )
    return Said(
        routes=(first, *others[:1]), kept=True, why="", reasons=(reason,), language="", rule=rule.name
    )


def _why(text: str, spoken: str, *, kept: bool) -> str:
    """Return why a message is left to a person; empty when it is routed."""
    if not text.strip():
        return "le message est vide"
    if spoken not in {"", "français"}:
        return f"le message semble écrit en {spoken}"
    return "" if kept else "aucun service n’est assez probable"


def _as_written(text: str, whys: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return terms as the message has them: the model knows stems, which nobody reads.

    A term that stands in personal data alone is left out: a reason is shown to whom the message is masked.
    """
    wanted = {part for term, _ in whys for part in term.split()}
    lines = text.split("\n")
    held = [not wanted.isdisjoint(stems(line)) for line in lines]
    # What is personal is looked for only where a term stands, with the line before it.
    near = [line for line, here, after in zip(lines, held, [*held[1:], False], strict=True) if here or after]
    words = _WORD.findall(_MASKED.sub(" ", personal.mask("\n".join(near))))
    written: dict[str, str] = {}
    for stem, word in zip(stems(" ".join(words))[: len(words)], words, strict=False):
        written.setdefault(stem, word.lower())
    return [
        (" ".join(written[part] for part in term.split()), weight)
        for term, weight in whys
        if all(part in written for part in term.split())
    ]


def _reasons(name: str, whys: Sequence[tuple[str, float]]) -> tuple[Reason, ...]:
    found = tuple(
        Reason(
            theme=_WORDS_THEME,
            sentence=f"« {term} » {'oriente vers' if weight > 0 else 'éloigne de'} {name}.",
            weight=weight,
            source="message",
        )
        for term, weight in whys
    )
    return found or (
        Reason(theme=_WORDS_THEME, sentence="Aucun mot qui puisse être montré ne l’oriente.", weight=0.0),
    )


def handle(message: Message, records: Records, card: ModelCard, artefact: Artefact) -> Handling:
    """Say all that is known of one message (see `core.intake`)."""
    body, heading = message.body, message.subject
    row = {
        "text": reading.routed_text(heading, body),
        "heading": heading,
        "body": body,
        "sender": message.sender,
        "attachments": list(message.attachments),
    }
    model, rules = _kept_model(card, artefact), rules_of(records)
    table = records["messages"] if rules else None
    (one,) = said(model, [row], rules=rules, past=table)
    parts = segment(body)
    own = own_text(body, parts)
    urgent = urging.urgency(f"{heading}\n{own}"[:20_000])
    return Handling(
        routes=one.routes,
        abstains=not one.kept,
        urgency=urgent.level,
        urgent=urgent.why,
        parts=parts,
        personal=personal.find(body[:60_000]),
        reasons=one.reasons,
        facts=_facts(one, f"{heading}\n{own}", message, records),
    )


def _facts(one: Said, text: str, message: Message, records: Records) -> dict[str, str]:
    facts = {"Langue": tone.language(text) or "non reconnue", "Ton": tone.tone(text)}
    if one.rule:
        facts["Règle"] = one.rule
    if one.why:
        facts["Laissé à une personne"] = f"{one.why}."
    if tone.speaks_to_machine(text):
        facts["Attention"] = (
            "Le message donne un ordre à une machine : il est lu comme un texte, rien n’est exécuté."
        )
    if len(message.body) > len(message.body[:60_000]):
        facts["Longueur"] = f"{french.number(len(message.body))} signes : seul le début est analysé."
    known = {name: records[name] for name in ("alike", "messages") if name in records}
    return facts | _beside(message, known)


def _beside(message: Message, known: Mapping[str, pa.Table]) -> dict[str, str]:
    """Return what other messages say of this one: same text, campaign, state of its reading, theme."""
    import pyarrow.compute as pc

    facts: dict[str, str] = {}
    if "alike" in known:
        for row in known["alike"].filter(pc.equal(known["alike"]["id"], message.id)).to_pylist():
            if row["same"] > 1:
                facts["Doublons"] = (
                    f"{french.count(row['same'] - 1, 'autre message', 'autres messages')} au texte identique"
                )
            if row["campaign"]:
                copies = french.count(row["near"], "message presque identique", "messages presque identiques")
                facts["Campagne"] = f"{copies}, de {french.count(row['senders'], 'expéditeur')}"
    for row in known["messages"].filter(pc.equal(known["messages"]["id"], message.id)).to_pylist()[:1]:
        if row["state"]:
            facts["Lecture"] = row["state"]
    return facts


def day_before(as_of: date, table: pa.Table) -> pa.Table:
    """Return what was known before a date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.less(table["known"], pa.scalar(as_of, pa.date32())))
