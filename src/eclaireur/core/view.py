"""View blocks: what a case shows, without saying how.

A case returns blocks; the terminal, the desk's pages and the PDF writer render them. So every
screen of the product looks and works alike, and a case needs no web code. Texts are French.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

__all__ = [
    "Block",
    "Chart",
    "Citation",
    "Citations",
    "Column",
    "Diff",
    "Event",
    "Facts",
    "Form",
    "FormField",
    "Funnel",
    "Map",
    "Mark",
    "Page",
    "Place",
    "Reason",
    "Reasons",
    "Series",
    "SpanText",
    "Table",
    "Timeline",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Pairs of a name and a value; a value that is an identifier can be copied."""

    title: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason in words. ``weight`` is signed: positive raises the score."""

    theme: str
    sentence: str
    weight: float
    observed: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why: « Ce qui augmente » and « Ce qui diminue », strongest first."""

    title: str
    reasons: tuple[Reason, ...]
    caution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: key in the rows, French heading, alignment and kind of value."""

    key: str
    title: str
    align: str = "left"
    kind: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as mappings from column key to a displayable value (text, number, date or None)."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points of a chart, with an optional band (``low``, ``high``) of the same length."""

    name: str
    x: tuple[float | str | date, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure whose title states its finding; ``text`` says the same to who cannot see it."""

    title: str
    form: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place on a map, WGS 84 degrees."""

    label: str
    latitude: float
    longitude: float
    value: float | None = None
    geometry: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Places with a legend in words."""

    title: str
    places: tuple[Place, ...]
    legend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A labelled span: character offsets ``[start, end)`` in the block's text.

    A ``part`` is a section of the text: its label is a heading, and a page leads to it.
    """

    start: int
    end: int
    label: str
    sure: bool = True
    part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanText:
    """A text with marked spans."""

    title: str
    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a document with boxes ``(x0, y0, x1, y1, label)`` in points from its top left."""

    title: str
    document: str
    number: int
    boxes: tuple[tuple[float, float, float, float, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Two texts side by side, to show what differs."""

    title: str
    left_title: str
    right_title: str
    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something dated on a lane of a time line."""

    day: date
    lane: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Events, one lane per kind."""

    title: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A passage with where it comes from and its date."""

    title: str
    passage: str
    origin: str
    observed: date | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """Numbered sources."""

    title: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Counts left after each step, for a cohort or a filter."""

    title: str
    steps: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A parameter with its help, unit and default.

    Without a default it must be given, unless it is ``optional``; ``least`` and ``most`` bound a number.
    """

    name: str
    title: str
    kind: str
    help: str = ""
    unit: str = ""
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Parameters that a user fills before a calculation."""

    title: str
    fields: tuple[FormField, ...] = field(default=())
    submit: str = "Lancer le calcul"


Block = Facts | Reasons | Table | Chart | Map | SpanText | Page | Diff | Timeline | Citations | Funnel | Form
"""Any view block."""
