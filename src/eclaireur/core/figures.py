"""Charts laid out once, into lines, polylines, bands, rectangles, dots and texts.

`core.svg` writes these primitives for a page and `core.pdf` draws them in a file, so a figure is the same
everywhere. Series differ by dash, mark and filling, not by colour alone: they are told apart in black and
white. Lengths are in points, the origin is at the top left.

===========  ===================================================================================
form         what the series of a `view.Chart` are
===========  ===================================================================================
line         one polyline each, with its band when it has one
bar          bars by category, with whiskers when there is an interval; zero is shown
scatter      dots, with whiskers when there is an interval
reliability  stated against observed risk, in shares, beside the diagonal; a second series holds counts
lift         share found against share inspected, beside the diagonal of a draw at random
lag          effect by day with its band and a line at zero; ``band`` is the same
mirror       peaks of the sample above, of the library below; a third series joins matched peaks:
             ``x`` in the sample, ``y`` in the library
===========  ===================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eclaireur.core import french
from eclaireur.core.axes import Scale, scale_of
from eclaireur.core.errors import BadValueError
from eclaireur.core.showing import show
from eclaireur.core.view import Chart, Funnel, Series, Timeline

__all__ = [
    "Band",
    "Dot",
    "Figure",
    "Line",
    "Point",
    "Polyline",
    "Primitive",
    "Rect",
    "Text",
    "lay_out",
    "text_width",
]

_WIDTH, _HEIGHT = 640.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 74.0, 16.0, 14.0, 52.0
_SIZE = 12.0
_LEGEND = 20.0
_FEW = 60
_SHARES = {"reliability", "lift"}
_FORMS = {"line", "bar", "scatter", "lag", "band", "mirror"} | _SHARES

Point = tuple[float, float]
"""A place in a figure, in points."""


@dataclass(frozen=True, slots=True)
class Line:
    """A segment. ``kind``: axis, grid, zero, reference, whisker, peak or join."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    series: int = 0


@dataclass(frozen=True, slots=True)
class Polyline:
    """Joined points of a series."""

    points: tuple[Point, ...]
    series: int


@dataclass(frozen=True, slots=True)
class Band:
    """A filled outline: the interval around a series."""

    points: tuple[Point, ...]
    series: int


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar of a series."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark of a series; ``bad`` makes it a full triangle."""

    x: float
    y: float
    series: int
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text; ``anchor`` is start, middle or end, ``kind`` tick, title or label; ``turned`` reads upwards."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = "label"
    turned: bool = False


Primitive = Line | Polyline | Band | Rect | Dot | Text
"""Anything that a figure is made of."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is ready to be drawn; ``text`` says it in words."""

    width: float
    height: float
    title: str
    text: str
    parts: tuple[Primitive, ...]


def lay_out(block: Chart | Timeline | Funnel) -> Figure:
    """Lay a block out.

    Raises
    ------
    BadValueError
        If a chart has an unknown form, or a series whose columns differ in length.

    Examples
    --------
    >>> figure = lay_out(Funnel(title="Sélection", steps=(("tous", 10), ("retenus", 5))))
    >>> [part.width for part in figure.parts if isinstance(part, Rect)]
    [310.0, 155.0]
    """
    if isinstance(block, Timeline):
        return _timeline(block)
    if isinstance(block, Funnel):
        return _funnel(block)
    _check(block)
    return _mirror(block) if block.form == "mirror" else _chart(block)


def text_width(text: str, size: float = _SIZE) -> float:
    """Estimate the width of a text, in points: no font is at hand here."""
    return 0.56 * size * len(text)


def _check(block: Chart) -> None:
    if block.form not in _FORMS:
        raise BadValueError(
            f"forme de figure inconnue : « {block.form} ».",
            fix=f"Formes connues : {', '.join(sorted(_FORMS))}.",
        )
    for series in block.series:
        sizes = {len(series.x), len(series.y), *(len(one) for one in (series.low, series.high) if one)}
        if len(sizes) > 1 or bool(series.low) != bool(series.high):
            raise BadValueError(
                f"la série « {series.name} » a des colonnes de longueurs différentes.",
                fix="Donnez autant de valeurs à chacune.",
            )


def _short(text: str, room: float, size: float = _SIZE) -> str:
    if text_width(text, size) <= room:
        return text
    return f"{text[: max(1, int(room / (0.56 * size)) - 1)].rstrip()}…"


def _drawn(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _rows(series: Series) -> Iterator[tuple[Any, float, float | None, float | None]]:
    """Give the points of a series that can be drawn, with their interval."""
    for at, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
        if _drawn(x) and _drawn(y):
            low, high = (series.low[at], series.high[at]) if series.low else (None, None)
            sure = low is not None and high is not None and _drawn(low) and _drawn(high)
            yield x, y, low if sure else None, high if sure else None


def _chart(block: Chart) -> Figure:
    share = block.form in _SHARES
    counted = block.series[1] if block.form == "reliability" and len(block.series) > 1 else None
    shown = block.series[:1] if counted else block.series
    rows = [list(_rows(series)) for series in shown]
    if not any(rows):
        return _nothing(block)
    names = [series.name for series in shown]
    top = _TOP + _LEGEND * _legend_lines(names)
    height = _HEIGHT + top - _TOP
    left, right, bottom = _LEFT, _WIDTH - _RIGHT, height - _BOTTOM
    xs = [row[0] for one in rows for row in one]
    if block.form == "bar":
        xs = [_category(x) for x in xs]
    ys = [value for one in rows for row in one for value in row[1:] if value is not None]
    x = scale_of(xs, left, right, share=share)
    y = scale_of(ys, bottom, top, share=share, zero=block.form in {"bar", "lag", "band"})
    parts: list[Primitive] = [*_axes(block, x, y, (left, top, right, bottom))]
    if share:
        parts.append(Line(x.at(0), y.at(0), x.at(1), y.at(1), "reference"))
    if block.form in {"lag", "band"}:
        parts.append(Line(left, y.at(0), right, y.at(0), "zero"))
    for at, one in enumerate(rows):
        parts += _bars(at, len(rows), one, x, y) if block.form == "bar" else _marks(block.form, at, one, x, y)
    if counted:
        parts += [
            Text(x.at(where), bottom - 6, french.number(n), "middle", "tick")
            for where, n, _, _ in _rows(counted)
        ]
    parts += _legend(names, left, right, bars=block.form == "bar")
    return Figure(_WIDTH, height, block.title, block.text, tuple(parts))


def _category(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    return value if isinstance(value, str) else show(value)


def _nothing(block: Chart) -> Figure:
    said = Text(_WIDTH / 2, 40, "Aucune donnée à montrer.", "middle")
    return Figure(_WIDTH, 80, block.title, block.text, (said,))


def _axes(block: Chart, x: Scale, y: Scale, frame: tuple[float, float, float, float]) -> Iterator[Primitive]:
    left, top, right, bottom = frame
    for at, text in y.ticks:
        yield Line(left, at, right, at, "grid")
        yield Text(left - 6, at + 4, text, "end", "tick")
    every = _every(x, right - left)
    for position, (at, text) in enumerate(x.ticks):
        yield Line(at, bottom, at, bottom + 4, "axis")
        if position % every == 0:
            room = x.room * every if x.room else (right - left)
            yield Text(at, bottom + 17, _short(text, room), "middle", "tick")
    yield Line(left, bottom, right, bottom, "axis")
    yield Text((left + right) / 2, bottom + 40, block.x_title, "middle", "title")
    yield Text(14, (top + bottom) / 2, _short(block.y_title, bottom - top), "middle", "title", turned=True)


def _every(x: Scale, length: float) -> int:
    """Return one label in how many can be written without touching the next."""
    widest = max((text_width(text) for _, text in x.ticks), default=0.0) + 8
    widest = min(widest, 110.0)
    return max(1, math.ceil(widest * len(x.ticks) / length))


def _marks(form: str, at: int, rows: Sequence[Any], x: Scale, y: Scale) -> Iterator[Primitive]:
    points = tuple((x.at(row[0]), y.at(row[1])) for row in rows)
    between = [(x.at(row[0]), y.at(row[2]), y.at(row[3])) for row in rows if row[2] is not None]
    if form in {"scatter", "reliability"}:
        yield from (Line(where, low, where, high, "whisker", at) for where, low, high in between)
    elif len(between) > 1:
        upper = tuple((where, high) for where, _, high in between)
        lower = tuple((where, low) for where, low, _ in reversed(between))
        yield Band(upper + lower, at)
    if form != "scatter" and len(points) > 1:
        yield Polyline(points, at)
    if form in {"scatter", "reliability"} or len(points) <= _FEW / 2:
        yield from (Dot(*point, at) for point in points)


def _bars(at: int, size: int, rows: Sequence[Any], x: Scale, y: Scale) -> Iterator[Primitive]:
    each = 0.8 * x.room / size
    zero = y.at(0)
    for where, value, low, high in rows:
        start = x.at(_category(where)) - 0.4 * x.room + at * each
        end = y.at(value)
        yield Rect(start, min(zero, end), each, abs(end - zero), at)
        if low is not None:
            yield Line(start + each / 2, y.at(low), start + each / 2, y.at(high), "whisker", at)
    yield Line(min(tick for tick, _ in x.ticks) - x.room / 2, zero, _WIDTH - _RIGHT, zero, "axis")


def _legend_lines(names: Sequence[str]) -> int:
    return len(_legend_rows(names, _WIDTH - _LEFT - _RIGHT))


def _legend_rows(names: Sequence[str], room: float) -> list[list[tuple[int, float, str]]]:
    """Share the names of series over lines: number, place from the left, text."""
    if len(names) < 2:
        return []
    rows: list[list[tuple[int, float, str]]] = [[]]
    used = 0.0
    for at, name in enumerate(names):
        text = _short(name, room - 30)
        width = 48 + text_width(text)
        if used and used + width > room:
            rows.append([])
            used = 0.0
        rows[-1].append((at, used, text))
        used += width
    return rows


def _legend(names: Sequence[str], left: float, right: float, *, bars: bool = False) -> Iterator[Primitive]:
    for line, row in enumerate(_legend_rows(names, right - left)):
        y = _TOP + line * _LEGEND
        for at, offset, text in row:
            x = left + offset
            if bars:
                yield Rect(x + 6, y - 6, 18, 12, at)
            else:
                yield Polyline(((x, y), (x + 24, y)), at)
                yield Dot(x + 12, y, at)
            yield Text(x + 30, y + 4, text)


def _mirror(block: Chart) -> Figure:
    rows = [list(_rows(series)) for series in block.series]
    if not any(rows[:2]):
        return _nothing(block)
    sides = ("en haut", "en bas")
    names = [f"{one.name} ({side})" for one, side in zip(block.series[:2], sides, strict=False)]
    top = _TOP + _LEGEND * _legend_lines(names)
    height = _HEIGHT + top - _TOP
    left, right, bottom = _LEFT, _WIDTH - _RIGHT, height - _BOTTOM
    xs = [row[0] for one in rows[:2] for row in one]
    most = max((abs(row[1]) for one in rows[:2] for row in one), default=1.0) or 1.0
    x = scale_of(xs, left, right)
    y = scale_of([-most, most], bottom, top)
    # Both halves count upwards from the middle: no peak is negative.
    y = Scale(y.at, tuple((at, text.lstrip("−")) for at, text in y.ticks))
    parts: list[Primitive] = [*_axes(block, x, y, (left, top, right, bottom))]
    for at, one in enumerate(rows[:2]):
        sign = -1 if at else 1
        parts += [
            Line(x.at(row[0]), y.at(0), x.at(row[0]), y.at(sign * abs(row[1])), "peak", at) for row in one
        ]
    parts.append(Line(left, y.at(0), right, y.at(0), "axis"))
    if len(rows) > 2:
        parts += _joins(rows, x, y)
    parts += _legend(names, left, right)
    return Figure(_WIDTH, height, block.title, block.text, tuple(parts))


def _joins(rows: Sequence[Sequence[Any]], x: Scale, y: Scale) -> Iterator[Primitive]:
    tops = [{row[0]: abs(row[1]) for row in one} for one in rows[:2]]
    for above, below, _, _ in rows[2]:
        if above in tops[0] and below in tops[1]:
            yield Line(x.at(above), y.at(tops[0][above]), x.at(below), y.at(-tops[1][below]), "join")
            yield Dot(x.at(above), y.at(tops[0][above]), 0)
            yield Dot(x.at(below), y.at(-tops[1][below]), 1)


def _timeline(block: Timeline) -> Figure:
    lanes = list(dict.fromkeys(event.lane for event in block.events))
    left, right, step = 130.0, _WIDTH - _RIGHT - 24, 34.0
    bottom = _TOP + step * max(len(lanes), 1)
    text = "; ".join(
        f"{french.day(event.day)}, {event.lane} : {event.text}"
        for event in sorted(block.events, key=lambda one: one.day, reverse=True)[:_FEW]
    )
    if not lanes:
        said = Text(_WIDTH / 2, 40, "Aucun événement connu.", "middle")
        return Figure(_WIDTH, 60, block.title, text, (said,))
    x = scale_of([event.day for event in block.events], left + 8, right)
    parts: list[Primitive] = []
    for at, text_at in x.ticks:
        parts += [
            Line(at, _TOP, at, bottom + 4, "grid"),
            Text(at, bottom + 18, text_at, "middle", "tick"),
        ]
    middle = {lane: _TOP + step * (at + 0.5) for at, lane in enumerate(lanes)}
    for lane, y in middle.items():
        parts += [Line(left, y, right, y, "axis"), Text(left - 8, y + 4, _short(lane, left - 12), "end")]
    parts += [Dot(x.at(event.day), middle[event.lane], 0, bad=event.bad) for event in block.events]
    return Figure(_WIDTH, bottom + 28, block.title, text, tuple(parts))


def _funnel(block: Funnel) -> Figure:
    left, room, step = 200.0, 310.0, 34.0
    most = max((count for _, count in block.steps), default=0) or 1
    first = block.steps[0][1] if block.steps else 0
    parts: list[Primitive] = []
    for at, (name, count) in enumerate(block.steps):
        y, width = _TOP + at * step, room * max(count, 0) / most
        said = french.number(count)
        if at and first:
            share = count / first
            said = f"{said} ({french.percent(share, 0 if share >= 0.01 or not count else 2)})"
        parts += [
            Text(left - 8, y + 17, _short(name, left - 12), "end"),
            Rect(left, y, width, 24, 0),
            Text(left + width + 8, y + 17, said),
        ]
    text = "; ".join(f"{name} : {french.number(count)}" for name, count in block.steps)
    return Figure(_WIDTH, _TOP + step * max(len(block.steps), 1), block.title, text, tuple(parts))
