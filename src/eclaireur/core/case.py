"""What every case offers: its card and a handful of functions over tables.

A case is plain typed Python that composes bricks. The engine, the command line, the desk and the
contract tests know cases only through this protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.subjects import Subject
    from eclaireur.core.types import EvaluationBlock, ModelCard
    from eclaireur.core.view import Block

__all__ = ["Artefact", "Case", "Fitted", "Progress", "Records", "quiet"]

Artefact = Callable[[str], bytes]
"""Gives the bytes of a model's artefact by file name; a changed artefact is refused."""

Records = Mapping[str, "pa.Table"]
"""Tables of a case by name, as its card's ``[inputs]`` and its documentation describe them."""


class Progress(Protocol):
    """Tells how far a long work is: ``progress(done, total, "message in French")``."""

    def __call__(self, done: int, total: int, message: str, /) -> None:
        """Say that ``done`` of ``total`` steps are behind; ``total`` 0 when it is not known."""


def quiet(done: int, total: int, message: str, /) -> None:
    """Progress that shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What training gives: a card to complete and the artefacts to store (file name → bytes)."""

    card: ModelCard
    artefacts: Mapping[str, bytes]


class Case(Protocol):
    """The functions that a case's ``case.py`` defines at module level.

    A case may have more: reports (`service.reporting`), a file to score that is no table
    (``read_candidates``).
    """

    def fetch(self, source: str, into: Path, *, seed: int, progress: Progress) -> None:
        """Write the raw files of ``source`` into the empty folder ``into``."""

    def records(self, source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
        """Read the raw files of a snapshot into the case's tables.

        ``outcomes`` (`core.tables.outcomes_schema`) are results that came back from the field and
        belong to the history from the day they were known. A connected source has one Parquet file
        per table of the documented format.
        """

    def identify(self, text: str) -> Subject:
        """Return the subject that a user names, or raise `BadValueError`."""

    def examples(self, records: Records) -> pa.Table:
        """Return what training may learn from (`core.tables.examples_schema`)."""

    def data_date(self, records: Records) -> date:
        """Return the last day of which the records speak; signals are made as of the day after."""

    def train(
        self, records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress
    ) -> Fitted:
        """Fit a model on examples whose outcome was known at ``as_of``."""

    def signals(
        self,
        records: Records,
        card: ModelCard,
        artefact: Artefact,
        *,
        as_of: date,
        progress: Progress,
    ) -> pa.Table:
        """Score every current subject as of a date (`core.tables.signals_schema`)."""

    def predict(
        self, examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact
    ) -> Sequence[float]:
        """Score examples, each as known at its own date, in their order."""

    def sheet(self, subject: Subject, records: Records) -> tuple[Block, ...]:
        """Return what is known of one subject, as view blocks: identity, history, documents."""

    def score(
        self,
        table: pa.Table,
        records: Records,
        card: ModelCard,
        artefact: Artefact,
        *,
        progress: Progress,
    ) -> pa.Table:
        """Score the rows of a user's table in the documented format, each as of its own date."""

    def evaluate(
        self, source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
    ) -> tuple[EvaluationBlock, ...]:
        """Measure on held-out time, beside plain baselines, with intervals.

        ``engine`` runs what can be cut into parts (`core.engine.map_parts`).
        """
