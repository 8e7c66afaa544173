"""The card of a case: who it serves, on which data, under which law, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from eclaireur.core.errors import NotFoundError
from eclaireur.core.fields import InputTable
from eclaireur.core.notes import JOB_IMPACT, PROTOCOL, Note, note_problems
from eclaireur.core.procedure import PLAIN, Procedure
from eclaireur.core.types import Source

__all__ = [
    "RULES",
    "Card",
    "Desk",
    "IndexCard",
    "Law",
    "QualityRule",
    "QualityState",
    "SourceCard",
    "false_claims",
]


class Desk(StrEnum):
    """The desk that serves a case."""

    TARGET = "target"
    READER = "reader"
    INTAKE = "intake"
    WORKBENCH = "workbench"

    @property
    def french(self) -> str:
        """Name on screen."""
        return {"target": "Ciblage", "reader": "Lecture", "intake": "Guichet", "workbench": "Établi"}[self]


class QualityState(StrEnum):
    """What a card claims of one rule of the quality scale."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """One line of the quality scale; an exemption carries its reason."""

    level: str
    rule: str
    state: QualityState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """Legal frame, in French.

    ``keep_months`` is for how long what names a person is kept, unless the administration declares otherwise.
    """

    purpose: str
    legal_basis: str
    personal_data: str
    ai_act: str
    aipd: str
    appeal: str
    keep_months: int = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCard:
    """A source as the card declares it.

    Parameters
    ----------
    folder
        Folder of the source under ``ECLAIREUR_DATA``; empty for a generator.
    files
        Files and the SHA-256 of the published archive; a file that differs is read and said so.
    horizon
        Last day that ``evaluate`` may use, ``YYYY-MM-DD``; empty for all.
    rank_only
        Why rates of this source are not risks, in French: signals are then ranks, never stated as
        probabilities. Empty when they may be.
    """

    name: str
    title: str
    licence: str
    origin: str
    folder: str = ""
    files: tuple[tuple[str, str], ...] = ()
    horizon: str = ""
    rank_only: str = ""
    personal: bool = False

    def as_source(self) -> Source:
        """Return the source without what only the fetch needs."""
        return Source(
            name=self.name,
            title=self.title,
            licence=self.licence,
            origin=self.origin,
            personal=self.personal,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCard:
    """How a table of the case's records is searched: the column that gives each part of a document.

    Parameters
    ----------
    table
        Name of the table.
    id, title, section, body, day
        Columns; ``title`` and the others may be empty. ``day`` is a date.
    facets
        Columns that can be filtered and counted. Never a person's name.
    area
        Column of the territory of a document, as rights name it: who is given one territory finds its
        documents alone. Without, only who sees the whole case finds any.
    """

    table: str
    id: str
    body: str
    title: str = ""
    section: str = ""
    day: str = ""
    facets: tuple[str, ...] = ()
    area: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything the product knows of a case before importing it."""

    format: int
    name: str
    title: str
    summary: str
    administration: str
    users: str
    desk: Desk
    bricks: tuple[str, ...]
    noun: str
    nouns: str
    label: str
    limits: tuple[str, ...]
    law: Law
    sources: tuple[SourceCard, ...]
    inputs: tuple[InputTable, ...]
    quality: tuple[QualityRule, ...]
    package: str
    folder: Path
    procedure: Procedure = PLAIN
    extra: str = ""
    index: IndexCard | None = None

    def source(self, name: str) -> SourceCard:
        """Return a declared source.

        Raises
        ------
        NotFoundError
            If the card declares no source of this name; the message lists those it does.
        """
        for source in self.sources:
            if source.name == name:
                return source
        names = ", ".join(source.name for source in self.sources)
        raise NotFoundError(
            f"source inconnue pour « {self.name} » : « {name} ».", fix=f"Sources déclarées : {names}."
        )

    def input_table(self, name: str) -> InputTable:
        """Return an input table of the documented format.

        Raises
        ------
        NotFoundError
            If the card declares no such table.
        """
        for table in self.inputs:
            if table.name == name:
                return table
        names = ", ".join(table.name for table in self.inputs)
        raise NotFoundError(
            f"table inconnue pour « {self.name} » : « {name} ».", fix=f"Tables attendues : {names}."
        )

    @property
    def concerns(self) -> tuple[tuple[str, ...], ...]:
        """Fields that name, together, whom a row concerns, in any of the input tables; each once."""
        names = (name for table in self.inputs for name in table.concerns)
        return tuple(dict.fromkeys(tuple(name.split()) for name in names))

    @property
    def level(self) -> str:
        """Highest level of which every rule, and those of the levels below, is done or exempt."""
        reached = ""
        for level in ("bronze", "silver", "gold"):
            rules = [rule for rule in self.quality if rule.level == level]
            if not rules or any(rule.state is QualityState.TODO for rule in rules):
                break
            reached = level
        return reached


RULES: dict[str, tuple[str, ...]] = {
    "bronze": ("runs_on_sample", "explains_every_signal", "states_limits", "data_licences"),
    "silver": (
        "temporal_evaluation",
        "baseline_with_interval",
        "subgroup_table",
        "human_decision_path",
        "calibrated_score",
    ),
    "gold": ("agents_evaluation_protocol", "job_impact_note", "retraining_from_decisions", "drift_watch"),
}
"""The quality scale: level → rules. Behaviour behind a ``done`` is proved by the contract tests."""


def _sample(card: Card) -> tuple[str, ...]:
    runs = any(source.name == "sample" for source in card.sources) and any(card.folder.glob("test_*.py"))
    return () if runs else ("une source « sample » et un test dans le dossier du cas",)


def _limits(card: Card) -> tuple[str, ...]:
    return () if card.limits else ("au moins une limite",)


def _licences(card: Card) -> tuple[str, ...]:
    told = all(source.licence and source.origin for source in card.sources)
    return () if told else ("une licence et une origine pour chaque source",)


def _written(note: Note) -> Callable[[Card], tuple[str, ...]]:
    return lambda card: note_problems(note, card.folder / note.file)


_STATIC_PROOF: dict[str, Callable[[Card], tuple[str, ...]]] = {
    "runs_on_sample": _sample,
    "states_limits": _limits,
    "data_licences": _licences,
    "agents_evaluation_protocol": _written(PROTOCOL),
    "job_impact_note": _written(JOB_IMPACT),
}
"""Rule → what its folder lacks, in French."""


def false_claims(card: Card) -> tuple[str, ...]:
    """Return, in French, what is wrong in a card's quality scale: missing, unknown or false claims.

    Rules about behaviour (every signal is explained, the evaluation has intervals…) cannot be seen
    here: the contract tests run them for each case that claims them.
    """
    problems: list[str] = []
    claimed = {(rule.level, rule.rule): rule for rule in card.quality}
    expected = {(level, rule) for level, rules in RULES.items() for rule in rules}
    problems += [f"règle absente : {level}.{rule}" for level, rule in sorted(expected - claimed.keys())]
    problems += [f"règle inconnue : {level}.{rule}" for level, rule in sorted(claimed.keys() - expected)]
    for rule in claimed.values():
        if rule.state is QualityState.EXEMPT and not rule.reason:
            problems.append(f"{rule.rule} : une exemption demande sa raison")
        if rule.state is QualityState.DONE and rule.rule in _STATIC_PROOF:
            lacks = _STATIC_PROOF[rule.rule](card)
            problems += [f"{rule.rule} : annoncé « done », mais il manque {one}" for one in lacks]
    return tuple(problems)
