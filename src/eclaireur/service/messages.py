"""Messages of an intake case, and what it says of each: `core.intake` at work on records and a model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.intake import Answer, Handling, Message, Sentence
from eclaireur.core.subjects import KINDS, Subject
from eclaireur.service import training, work as working

if TYPE_CHECKING:
    from eclaireur.core.types import ModelCard
    from eclaireur.core.view import Block, FormField
    from eclaireur.service.work import RecordsRun, Work

__all__ = [
    "Desk",
    "answers",
    "has_messages",
    "open_desk",
    "ready",
    "setups",
    "situation",
    "sound",
    "subject_of",
    "tries_rules",
]


def has_messages(work: Work) -> bool:
    """Tell whether a case has an inbox."""
    return hasattr(work.case, "messages") and hasattr(work.case, "handle")


def answers(work: Work) -> bool:
    """Tell whether a case answers questions."""
    return hasattr(work.case, "answer")


def tries_rules(work: Work) -> bool:
    """Tell whether a case can try rules on past messages."""
    return hasattr(work.case, "try_rules")


def situation(work: Work) -> tuple[FormField, ...]:
    """Return the filters that a person may declare before a question."""
    return tuple(getattr(work.case, "SITUATION", ()))


def setups(work: Work) -> Mapping[str, str]:
    """Return the set-ups that may be compared blind: name → French title."""
    return dict(getattr(work.case, "SETUPS", {}))


def subject_of(work: Work, message: str) -> Subject:
    """Return the subject that a message's number names."""
    kind, _, key = message.partition(":")
    return Subject(kind, key) if key and kind in KINDS else work.case.identify(message)


def sound(answer: Answer) -> Answer:
    """Leave out each sentence that has no source of its own, and say so: no draft may hold one.

    Examples
    --------
    >>> told = (Sentence(text="Bonjour,", form=True), Sentence(text="C'est gratuit."))
    >>> sound(Answer(sentences=told)).cautions
    ("1 phrase sans source a été retirée : « C'est gratuit. »",)
    """
    known = range(1, len(answer.citations) + 1)
    kept, removed = [], []
    for one in answer.sentences:
        sources = tuple(number for number in one.sources if number in known)
        if sources or one.form:
            kept.append(Sentence(text=one.text, sources=sources, form=one.form))
        else:
            removed.append(one.text)
    cautions = list(answer.cautions)
    if removed:
        quoted = " ".join(f"« {text} »" for text in removed)
        many = len(removed) > 1
        said = "phrases sans source ont été retirées" if many else "phrase sans source a été retirée"
        cautions.append(f"{len(removed)} {said} : {quoted}")
    withheld = answer.withheld
    if not withheld and all(one.form for one in kept) and removed:
        withheld = "les sources ne le disent pas"
    return Answer(
        sentences=tuple(kept),
        citations=answer.citations,
        withheld=withheld,
        offers=answer.offers,
        cautions=tuple(cautions),
        generated=answer.generated,
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """A case with its records and the model in service: what answers and handles."""

    work: Work
    source: str
    records: RecordsRun
    model: ModelCard

    def _artefact(self, file: str) -> bytes:
        return self.work.workspace.registry.artefact(self.model, file)

    @property
    def _case(self) -> Any:
        return self.work.case

    def messages(self) -> list[Message]:
        """Return all messages, oldest first."""
        rows = self._case.messages(self.records.tables).to_pylist()
        return [Message(**{**row, "attachments": tuple(row["attachments"] or ())}) for row in rows]

    def handled(self, without: Collection[str] = ()) -> Iterator[tuple[Message, Handling]]:
        """Give each message, but those named, with what the machine says of it."""
        for message in self.messages():
            if message.id not in without:
                yield message, self._case.handle(message, self.records.tables, self.model, self._artefact)

    def answer(self, question: str, declared: Mapping[str, str], *, setup: str = "") -> Answer:
        """Answer a question; nothing of it is kept."""
        found: Answer = self._case.answer(
            question, declared, self.records.tables, self.model, self._artefact, setup=setup
        )
        return sound(found)

    def try_rules(self, text: str) -> tuple[Block, ...]:
        """Say what rules would have done with the past messages; nothing is moved."""
        made: tuple[Block, ...] = self._case.try_rules(text, self.records.tables["messages"])
        return made


def ready(work: Work) -> bool:
    """Tell whether a case can answer at once: its data are read and a model is in service."""
    source = working.default_source(work)
    return bool(working.taken(work, source)) and training.in_service(work, source) is not None


def open_desk(work: Work, source: str = "", *, fresh: bool = False) -> Desk:
    """Open a case on a source: fetched, read and trained first when it never was.

    Parameters
    ----------
    fresh
        Read the connected files anew, as a calculation does.
    """
    source = source or working.default_source(work)
    if fresh and source == working.CONNECTED:
        working.fetch(work, source)
    records = working.ensure_records(work, source)
    return Desk(work, source, records, training.ensure_model(work, records, source).card)
