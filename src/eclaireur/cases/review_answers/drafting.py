"""A draft made of forms of courtesy, sentences of official sheets, and sentences that past answers share.

Nothing of the message is repeated: a draft is put together, so that no name, number or address of its author
can be in it. `echoed` proves it afterwards, whatever wrote the draft.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from eclaireur.bricks.intake.personal import find
from eclaireur.bricks.semantic.outline import flat
from eclaireur.cases.review_answers.past import Alike, Past
from eclaireur.cases.review_answers.sheets import Found, Sheet, Shelf
from eclaireur.cases.review_answers.tone import Guide
from eclaireur.cases.review_answers.understanding import Understood
from eclaireur.core import french
from eclaireur.core.intake import Answer, Sentence
from eclaireur.core.view import Citation

__all__ = ["NO_SOURCE", "Means", "draft", "echoed", "text_of_answer"]

NO_SOURCE = "Les sources ne le disent pas : la réponse sur le fond reste à écrire."
_GRAVE = 0.85
_STALE = 365
_DIMENSIONS = 2
_SHEETS = 2
_SENTENCES = 2
_OFFERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a draft is made of."""

    guide: Guide
    shelf: Shelf
    past: Past


@dataclass(slots=True)
class _Page:
    """A draft being written: sentences, and the citations that they number."""

    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def form(self, text: str) -> None:
        if text and text not in {one.text for one in self.sentences}:
            self.sentences.append(Sentence(text=text, form=True))

    def cite(self, text: str, citation: Citation) -> None:
        if text in {one.text for one in self.sentences}:
            return
        if citation not in self.citations:
            self.citations.append(citation)
        self.sentences.append(Sentence(text=text, sources=(self.citations.index(citation) + 1,)))


def draft(said: Understood, means: Means, *, received: date, subject: str = "") -> Answer:
    """Draft an answer to an experience, or say why there is none.

    Parameters
    ----------
    received
        Day of the message: a sheet one year older is said to be old; only answers known before are read.
    subject
        The message's own subject: its own answer is never a source.
    """
    held = _withheld(said)
    found = _searched(said, means.shelf)
    offers = tuple(_cited(one.sheet) for one in found[:_OFFERED])
    if held:
        return Answer(withheld=held, offers=() if said.checked.empty else offers, cautions=_cautions(said))
    rating, page = said.rating, _Page()
    alike = means.past.nearest(said.text, until=received, apart=subject)
    page.form(means.guide.say("greeting", rating=rating))
    page.form(means.guide.say("opening", rating=rating))
    for one in said.dimensions[:_DIMENSIONS]:
        # A draft does not thank for one thing whoever complains of all.
        if rating in {one.polarity, "Neutre"}:
            page.form(means.guide.say("dimension", rating=one.polarity, dimension=one.aspect))
    answers = bool(said.checked.questions) or rating != "Positif"
    cited = [one for one in found if one.fits][:_SHEETS] if answers else []
    if cited:
        page.form(means.guide.say("sources", rating=rating))
    for hit in cited:
        for sentence in means.shelf.best(hit.sheet, said.text, count=_SENTENCES):
            page.cite(sentence, _cited(hit.sheet))
    if answers:
        _share(page, alike)
    for moment in ("follow_up", "closing", "signature"):
        page.form(means.guide.say(moment, rating=rating))
    cautions = list(_cautions(said))
    if answers and not cited:
        cautions.insert(0, NO_SOURCE)
    cautions += _old([hit.sheet for hit in cited], received)
    shown = {one.title for one in page.citations}
    left = tuple(one for one in offers if one.title not in shown)
    return Answer(
        sentences=tuple(page.sentences),
        citations=tuple(page.citations),
        offers=left + tuple(_answered(one) for one in alike),
        cautions=tuple(cautions),
    )


def text_of_answer(answer: Answer) -> str:
    """Return what would be sent: the sentences, without their sources."""
    return "\n".join(one.text for one in answer.sentences)


def echoed(answer: str, said: Understood, *, sources: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the kinds of personal data of a message that an answer repeats, apart from what its sources say.

    Numbers are compared by their digits, names by each of their words.
    """
    allowed = " ".join(sources)
    found = []
    for one in [*said.personal, *find(answer)]:
        told = said.text[one.start : one.end] if one in said.personal else answer[one.start : one.end]
        digits = re.sub(r"\D", "", told)
        if len(digits) >= 4:
            inside = digits in re.sub(r"\D", "", answer) and digits in re.sub(r"\D", "", said.text)
            if inside and digits not in re.sub(r"\D", "", allowed):
                found.append(one.label)
            continue
        words = {word for word in re.findall(r"\w+", flat(told)) if len(word) > 2}
        here, there = (set(re.findall(r"\w+", flat(text))) for text in (answer, said.text))
        if words & here & there - set(re.findall(r"\w+", flat(allowed))):
            found.append(one.label)
    return tuple(dict.fromkeys(found))


def _withheld(said: Understood) -> str:
    if said.checked.empty:
        return "Le message est vide : il n'y a rien à quoi répondre."
    if said.checked.foreign:
        return "Le message ne semble pas écrit en français : une personne le lit et y répond."
    if said.urgency.level >= _GRAVE:
        return f"Ce message se lit tout de suite, par une personne : {said.urgency.why}."
    return ""


def _cautions(said: Understood) -> tuple[str, ...]:
    found = []
    if said.checked.insult:
        found.append("Le message contient une insulte : le brouillon n'y répond pas.")
    if said.checked.instruction:
        found.append("Le message donne une consigne à une machine : elle n'est pas suivie.")
    if len(said.checked.questions) > 1:
        number = french.count(len(said.checked.questions), "question")
        found.append(f"Le message pose {number} : vérifiez que chacune a sa réponse.")
    return tuple(found)


def _searched(said: Understood, shelf: Shelf) -> list[Found]:
    """Return the sheets of each question, then those of the whole, each once."""
    themes = said.known_themes()
    queries = [said.text[a:b] for a, b in said.checked.questions] if len(said.checked.questions) > 1 else []
    found: dict[str, Found] = {}
    for query in queries:
        for one in shelf.search(query, themes, count=1):
            if one.fits:
                found.setdefault(one.sheet.id, one)
    names = " ".join(one.name for one in themes)
    for one in shelf.search(f"{said.text} {names}", themes, count=_OFFERED):
        found.setdefault(one.sheet.id, one)
    return list(found.values())


def _share(page: _Page, alike: Sequence[Alike]) -> None:
    """Add the first sentence that the answers most alike share with others."""
    for one in alike:
        for sentence in one.shared:
            if sentence not in {had.text for had in page.sentences}:
                page.cite(sentence, _answered(one))
                return


def _old(sheets: Sequence[Sheet], received: date) -> list[str]:
    return [
        f"La fiche « {one.title} » est du {french.day(one.updated)} : vérifiez qu'elle est à jour."
        for one in sheets
        if (received - one.updated).days > _STALE
    ]


def _cited(sheet: Sheet) -> Citation:
    return Citation(
        title=sheet.title,
        passage=" ".join(sheet.text[:300].split()),
        origin=f"service-public.fr, fiche {sheet.id}",
        observed=sheet.updated,
        address=sheet.url,
    )


def _answered(one: Alike) -> Citation:
    return Citation(
        title=f"Réponse du {french.day(one.day)} à une expérience proche",
        passage=one.text,
        origin=f"réponse {one.id}",
        observed=one.day,
    )
