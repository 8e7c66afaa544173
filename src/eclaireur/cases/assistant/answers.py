"""From a question to an answer made of its sources, or to what the sources do not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.intake.answering import content_keys, stretch_of
from eclaireur.bricks.intake.checking import masked
from eclaireur.bricks.intake.injections import set_aside
from eclaireur.bricks.intake.knowledge import Sheet, too_old
from eclaireur.bricks.semantic.outline import sentences as sentences_of
from eclaireur.cases.assistant.base import Ranked
from eclaireur.cases.assistant.memory import NEAR
from eclaireur.cases.assistant.situation import Situation, office_for, preferred
from eclaireur.core.errors import BadValueError
from eclaireur.core.intake import Answer, Sentence
from eclaireur.core.view import Citation

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.assistant.base import Base
    from eclaireur.cases.assistant.memory import Memory
    from eclaireur.cases.assistant.model import Model

__all__ = ["SILENT", "Found", "answer_of", "citation_of", "find", "questions_in"]

SILENT = "Les sources ne le disent pas."
_LONGEST = 2000
_OFFERED = 3
_TWO = re.compile(r"(?<=\?)\s+(?=\S)")
_FRENCH = frozenset(
    re.findall(
        r"\w+",
        "le la les un une des du de et est sont je mon ma mes que qui quoi pour dans au aux il elle on "
        "ne pas en sur comment quel quelle quels quelles combien où quand puis peut faut à avec par ce "
        "cette votre nous vous",
    )
)
_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "the is are do does how what where when i my can to of for and in have you your it should must get a",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a question found: its sheets, best first, the chance that the first answers, the answer.

    ``recalled`` is the likeness with a question asked before that the first sheet answers.
    """

    question: str
    ranked: tuple[Ranked, ...]
    features: tuple[float, ...]
    chance: float
    answer: Answer
    recalled: float = 0.0


def questions_in(text: str) -> tuple[str, ...]:
    """Return the questions of what was typed, tidied.

    Examples
    --------
    >>> questions_in("COMMENT VOTER ?  Où est la mairie ?")
    ('comment voter ?', 'Où est la mairie ?')
    """
    flat = " ".join(text.split())
    parts = [part.strip() for part in _TWO.split(flat) if part.strip(" ?!.")]
    return tuple(part.lower() if part.isupper() and len(part) > 8 else part for part in parts)


def find(
    base: Base,
    model: Model,
    text: str,
    *,
    memory: Memory | None = None,
    itself: str = "",
    situation: Situation | None = None,
    offices: pa.Table | None = None,
    before: str = "",
    today: date | None = None,
) -> Found:
    """Answer what was typed.

    Parameters
    ----------
    memory, itself
        Questions asked before, and the number of this one among them.
    situation
        What the person declares: whom the sheets must be for, what they should name, where the office is.
    offices
        Those of the administration; see `situation.office_for`.
    before
        The question before, which a follow-up goes on from.

    Raises
    ------
    BadValueError
        If nothing was asked, or more than two thousand characters were.
    """
    if len(text) > _LONGEST:
        raise BadValueError(
            f"la question a {len(text)} caractères ; {_LONGEST} au plus.", fix="Posez une question courte."
        )
    asked = questions_in(text)
    if not asked:
        raise BadValueError(
            "la question est vide.", fix="Écrivez une question, par exemple « Comment voter ? »."
        )
    question = asked[0]
    wanted = f"{before} {question}" if before and _follows(question) else question
    declared = situation or Situation()
    near = None if memory is None else memory.near(base, wanted, itself=itself)
    found = base.ranked(wanted, model.weights, audience=declared.audience, near=near)
    same = -1 if memory is None else _same(memory, text, wanted, itself)
    if same >= 0 and base.open_to(declared.audience)[same]:
        best = max((one.score for one in found), default=0.0)
        found = [Ranked(same, best + 1.0), *(one for one in found if one.place != same)]
    # What the person declares decides after what was asked before.
    ranked, moved = preferred(found, base.sheets, declared)
    again = same >= 0 and bool(ranked) and ranked[0].place == same
    features = base.features(wanted, ranked)
    chance = model.chance(features) if ranked else 0.0
    cautions = list(_cautions(asked))
    if moved:
        cautions.append(moved)
    if again:
        cautions.append("Cette question a déjà été posée : elle menait à cette fiche.")
    foreign = _is_foreign(wanted)
    if foreign:
        cautions.append("La question semble écrite dans une autre langue : les sources sont en français.")
    sure = (again or chance >= model.threshold) and not foreign
    made = answer_of(base, wanted, ranked, sure=sure, today=today, cautions=cautions)
    if declared.audience and not made.sentences and not foreign:
        made = _elsewhere(base, model, wanted, made, near)
    office = office_for(offices, wanted, [base.sheets[one.place] for one in ranked[:_OFFERED]], declared)
    if office is not None:
        made = replace(made, offers=(*made.offers, office))
    return Found(
        question=wanted,
        ranked=tuple(ranked),
        features=tuple(features),
        chance=chance,
        answer=made,
        recalled=_recalled(model, near, ranked, again=again),
    )


def _same(memory: Memory, text: str, question: str, itself: str) -> int:
    """Return the place of the sheet that the same words lead to: all that was typed, or else its question."""
    whole = memory.same(text, itself=itself)
    return whole if whole >= 0 else memory.same(question, itself=itself)


def _recalled(model: Model, near: NDArray[np.float64] | None, ranked: list[Ranked], *, again: bool) -> float:
    """Return how near the question known is that brought the first sheet, 0 when none did."""
    if again:
        return 1.0
    if near is None or not ranked or not model.weights.get("asked"):
        return 0.0
    likeness = float(near[ranked[0].place])
    return likeness if likeness >= NEAR else 0.0


def _elsewhere(
    base: Base, model: Model, question: str, made: Answer, near: NDArray[np.float64] | None
) -> Answer:
    """Offer first the sheet that answers for another audience than the one declared: nothing is hidden."""
    ranked = base.ranked(question, model.weights, near=near)
    if not ranked or model.chance(base.features(question, ranked)) < model.threshold:
        return made
    other = base.sheets[ranked[0].place]
    offered = citation_of(other, "")
    told = f"Une fiche d’un autre public ({other.audience or 'tous'}) peut répondre : « {other.title} »."
    return replace(
        made,
        offers=(offered, *(one for one in made.offers if one != offered)),
        cautions=(*made.cautions, told),
    )


def _follows(question: str) -> bool:
    """Tell a question that needs the one before: short, or that begins by « et »."""
    return question.lower().startswith(("et ", "mais ", "ou ")) or len(content_keys(question)) < 2


def _cautions(asked: tuple[str, ...]) -> tuple[str, ...]:
    if len(asked) < 2:
        return ()
    return (f"Une seule question est traitée à la fois ; posez ensuite : « {asked[1]} »",)


def _is_foreign(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.lower())
    english = sum(word in _ENGLISH for word in words)
    return english >= 2 and english > sum(word in _FRENCH for word in words)


def answer_of(
    base: Base,
    question: str,
    ranked: list[Ranked],
    *,
    sure: bool,
    today: date | None = None,
    cautions: list[str] | None = None,
) -> Answer:
    """Return the sentences of the first sheet that answer, with their source; or the nearest sheets."""
    told = list(cautions or ())
    offers = tuple(citation_of(base.sheets[one.place], "") for one in ranked[:_OFFERED])
    if not sure or not ranked:
        return Answer(withheld=SILENT, offers=offers, cautions=tuple(told))
    sheet = base.sheets[ranked[0].place]
    stretch = stretch_of(question, sheet.text, base.rarity, title=sheet.title)
    if not stretch.bounds:
        return Answer(withheld=SILENT, offers=offers, cautions=tuple(told))
    texts = [sheet.text[start:end] for start, end in stretch.bounds]
    passage = sheet.text[stretch.bounds[0][0] : stretch.bounds[-1][1]]
    if any(set_aside([sheet.text[start:end] for start, end in sentences_of(sheet.text)])):
        told.append("Des phrases de cette source s’adressent à une machine : elles ont été écartées.")
    if today is not None and (old := too_old(sheet.updated, today)):
        told.append(old)
    sentences, hidden = [], 0
    for text in texts:
        clean, count = masked(text, [sheet.text, sheet.url])
        hidden += count
        sentences.append(Sentence(text=clean, sources=(1,)))
    if hidden:
        told.append("Une adresse absente des sources a été masquée.")
    return Answer(
        sentences=tuple(sentences),
        citations=(citation_of(sheet, passage),),
        offers=offers[1:],
        cautions=tuple(told),
    )


def citation_of(sheet: Sheet, passage: str) -> Citation:
    """Return a sheet as a source, with the passage that was used, or its beginning."""
    return Citation(
        title=sheet.title,
        passage=passage or sheet.text[:200],
        origin=sheet.path or sheet.title,
        observed=sheet.updated,
        address=sheet.url,
    )
