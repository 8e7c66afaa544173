"""The types that flow from a source to a decision. Frozen, slotted, without I/O.

Between stages data is columnar (Arrow tables, Parquet): a dataclass here is one row on its way to a
screen, a file or a test, never the form in which a million rows travel. `core.tables` holds the
columnar schemas of the same things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from eclaireur.core.subjects import Subject

__all__ = [
    "Decision",
    "Drawn",
    "Evaluation",
    "EvaluationBlock",
    "Evidence",
    "EvidenceKind",
    "Example",
    "Item",
    "Metric",
    "ModelCard",
    "Origin",
    "Record",
    "Run",
    "Signal",
    "Snapshot",
    "SnapshotFile",
    "Source",
    "SubgroupMetric",
    "Verdict",
    "Worklist",
]


class Drawn(StrEnum):
    """How an item entered a worklist."""

    MODEL = "model"
    RANDOM = "random"


class EvidenceKind(StrEnum):
    """What supports a signal."""

    FEATURE = "feature"
    SPAN = "span"
    BOX = "box"
    NEIGHBOUR = "neighbour"
    CITATION = "citation"


class Origin(StrEnum):
    """Where a training example comes from."""

    DECISION = "decision"
    OUTCOME = "outcome"


class Verdict(StrEnum):
    """What the agent answers to a signal. On screen: suivre, écarter, autre."""

    FOLLOW = "follow"
    SET_ASIDE = "set_aside"
    OTHER = "other"

    @property
    def french(self) -> str:
        """Word on screen."""
        return {"follow": "suivre", "set_aside": "écarter", "other": "autre"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where data come from, as the card of a case declares it.

    Parameters
    ----------
    name
        Short name used on the command line (``--source chicago``).
    title
        French title shown to agents.
    licence, origin
        Licence of the data and the public place they come from.
    personal
        True when rows can name a person.
    """

    name: str
    title: str
    licence: str
    origin: str
    personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFile:
    """One file of a snapshot: path inside it, size in bytes and SHA-256 of its bytes."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Bytes of a source as they were at one time: dated, hashed, with a licence.

    ``id`` is ``<source>/<sha256 prefix>``: the same bytes fetched twice are one snapshot.
    """

    id: str
    source: str
    taken: datetime
    sha256: str
    licence: str
    origin: str
    files: tuple[SnapshotFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing known. ``observed`` is when it happened, ``known`` when we could have used it."""

    id: str
    subject: Subject
    source: str
    observed: date
    known: date
    text: str | None = None
    row: Mapping[str, Any] = field(default_factory=dict)
    place: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a signal says what it says.

    Parameters
    ----------
    kind
        What supports it.
    sentence
        French sentence shown to the agent, complete and without jargon.
    theme
        French theme under which the sentence is grouped (``historique``, ``voisinage``…).
    weight
        Signed contribution, in the unit of the model's margin (log-odds for a classifier).
    observed, source
        Date and origin of the fact, when one date and origin exist.
    detail
        Machine part: feature name and value, character span, box, cited address.
    """

    kind: EvidenceKind
    sentence: str
    theme: str = ""
    weight: float = 0.0
    observed: date | None = None
    source: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What the machine says of a record.

    ``score`` is in [0, 1]; it is a probability only when ``calibrated`` is true, else a rank.
    ``low`` and ``high`` bound it when the case can say so.
    """

    id: str
    case: str
    record: str
    subject: Subject
    label: str
    score: float
    calibrated: bool
    evidence: tuple[Evidence, ...]
    model: int
    run: str
    as_of: date
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a worklist. ``propensity`` is the probability with which it was drawn."""

    signal: str
    subject: Subject
    position: int
    rank: int
    score: float
    drawn: Drawn
    propensity: float
    area: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """An order under a capacity, reproducible from its run and seed."""

    case: str
    run: str
    capacity: int
    random_share: float
    seed: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The agent's verdict on a signal. Append-only: undoing is a new decision."""

    id: str
    case: str
    subject: Subject
    signal: str
    verdict: Verdict
    agent: str
    at: datetime
    reason: str = ""
    value: str | None = None
    run: str = ""
    model: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An outcome or decision joined to the record as known at ``as_of``: all that training reads."""

    subject: Subject
    as_of: date
    label: float
    origin: Origin
    observer: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure that can be judged: value, interval, number of rows, and the plain baseline beside it."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    baseline: str | None = None
    baseline_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupMetric:
    """A metric within one group; ``value`` is None when the group is too small to conclude."""

    attribute: str
    group: str
    metric: Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationBlock:
    """Metrics of one data set under one frozen split."""

    data_set: str
    split: str
    metrics: tuple[Metric, ...]
    run: str
    subgroups: tuple[SubgroupMetric, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All blocks of a case."""

    case: str
    blocks: tuple[EvaluationBlock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a trained model. The registry stores it beside the artefacts it hashes.

    Parameters
    ----------
    number
        Model number within the case, from 1; 0 before the registry has stored it.
    kind
        Method in the field's words (``lightgbm``, ``logistic regression``…).
    examples_sha256, examples, positives
        Hash, count and positive count of the examples it learnt from.
    as_of
        No example later than this date was used.
    artefacts
        File name → SHA-256 of its bytes.
    """

    case: str
    number: int
    kind: str
    created: datetime
    run: str
    source: str
    examples_sha256: str
    examples: int
    positives: int
    as_of: date
    features: tuple[str, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    limits: tuple[str, ...] = ()
    artefacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Provenance: same case, stage, code, configuration, inputs and seed give the same ``id``."""

    id: str
    case: str
    stage: str
    code: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    seed: int
