"""Figures as SVG for a page: classes and presentation attributes only, so that a strict CSP shows them.

Colours come from the page (``currentColor`` and the classes of ``blocks.css``): dark, light and print
need nothing more. Without any style sheet the figure is still complete, in black.
"""

from __future__ import annotations

import math
from html import escape

from eclaireur.core.figures import Band, Dot, Figure, Line, Polyline, Primitive, Rect, Text
from eclaireur.core.showing import printable

__all__ = ["DASHES", "FILLS", "KINDS", "Outline", "shape", "to_svg"]

DASHES = ("", "7 4", "2 3", "9 3 2 3")
"""Dash of each series' line, in points; they repeat after the last."""

FILLS = (0.75, 0.35, 0.12, 0.55)
"""Opacity of each series' bars."""

Outline = tuple[tuple[float, float], ...]
"""Corners of a shape."""

KINDS = {
    "axis": (1.0, 1.0, ""),
    "grid": (0.5, 0.25, ""),
    "zero": (1.0, 0.8, ""),
    "reference": (1.0, 0.6, "4 4"),
    "whisker": (1.5, 1.0, ""),
    "peak": (1.5, 1.0, ""),
    "join": (1.0, 0.6, "2 3"),
}
"""Width, opacity and dash of each kind of line."""


def shape(series: int, x: float, y: float, *, bad: bool = False, size: float = 4.0) -> Outline:
    """Return the outline of a mark: each series has its own, something bad is a larger triangle."""
    if bad:
        return _polygon(3, x, y, size * 1.7, -90)
    match series % 4:
        case 0:
            return _polygon(16, x, y, size, 0)
        case 1:
            return _polygon(4, x, y, size * 1.3, 45)
        case 2:
            return _polygon(3, x, y, size * 1.4, -90)
        case _:
            return _polygon(4, x, y, size * 1.4, 0)


def _polygon(corners: int, x: float, y: float, radius: float, start: float) -> Outline:
    angles = (math.radians(start + 360 * at / corners) for at in range(corners))
    return tuple((x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles)


def to_svg(figure: Figure) -> str:
    """Write a figure as an ``<svg>`` element with its title and description.

    Examples
    --------
    >>> to_svg(Figure(10, 10, "Une <figure>", "Rien.", ()))[-57:]
    '<title>Une &lt;figure&gt;</title><desc>Rien.</desc></svg>'
    """
    parts = "".join(_part(part) for part in figure.parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" viewBox="0 0 {_n(figure.width)} '
        f'{_n(figure.height)}" font-size="12" fill="currentColor">'
        f"<title>{_safe(figure.title)}</title><desc>{_safe(figure.text)}</desc>{parts}</svg>"
    )


def _safe(text: str) -> str:
    return escape(printable(text))


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _points(points: Outline) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _dash(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _part(part: Primitive) -> str:
    match part:
        case Line():
            width, opacity, dash = KINDS[part.kind]
            return (
                f'<line class="{part.kind} s{part.series % 4}" x1="{_n(part.x1)}" y1="{_n(part.y1)}" '
                f'x2="{_n(part.x2)}" y2="{_n(part.y2)}" stroke="currentColor" stroke-width="{width}" '
                f'stroke-opacity="{opacity}"{_dash(dash)}/>'
            )
        case Polyline():
            return (
                f'<polyline class="s{part.series % 4}" points="{_points(part.points)}" fill="none" '
                f'stroke="currentColor" stroke-width="2"{_dash(DASHES[part.series % 4])}/>'
            )
        case Band():
            return (
                f'<polygon class="band s{part.series % 4}" points="{_points(part.points)}" '
                f'fill="currentColor" fill-opacity="0.15"/>'
            )
        case Rect():
            return (
                f'<rect class="s{part.series % 4}" x="{_n(part.x)}" y="{_n(part.y)}" '
                f'width="{_n(part.width)}" height="{_n(part.height)}" fill="currentColor" '
                f'fill-opacity="{FILLS[part.series % 4]}" stroke="currentColor"/>'
            )
        case Dot():
            kind = "bad" if part.bad else f"s{part.series % 4}"
            outline = shape(part.series, part.x, part.y, bad=part.bad)
            return f'<polygon class="dot {kind}" points="{_points(outline)}" fill="currentColor"/>'
        case Text():
            return _text(part)


def _text(part: Text) -> str:
    x, y = _n(part.x), _n(part.y)
    turned = f' transform="rotate(-90 {x} {y})"' if part.turned else ""
    start = f'<text class="{part.kind}" x="{x}" y="{y}" text-anchor="{part.anchor}"{turned}>'
    return f"{start}{_safe(part.text)}</text>"
