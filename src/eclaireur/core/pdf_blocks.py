"""What each view block becomes in a PDF: paragraphs, tables and the figures of `core.figures`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from eclaireur.core import french, showing
from eclaireur.core.errors import EclaireurError
from eclaireur.core.figures import Band, Dot, Figure, Line, Polyline, Primitive, Rect, Text, lay_out
from eclaireur.core.pdf import BOLD, FONT, clean, marked_up, styles
from eclaireur.core.svg import DASHES, FILLS, KINDS, shape
from eclaireur.core.view import (
    Block,
    Chart,
    Citations,
    Diff,
    Facts,
    Form,
    Funnel,
    Map,
    Page,
    Reasons,
    SpanText,
    Table,
    Timeline,
)

__all__ = ["flowables"]

_LONGEST_CELL = 4000
_WIDEST = 40
_FIGURES = (Chart, Timeline, Funnel)
_TALLEST = 420.0
_TOGETHER = 70.0  # points: a title stays with the first lines of its block


def flowables(block: Block, width: float) -> list[Any]:
    """Return a block as what ReportLab lays out on pages that leave ``width`` points.

    Raises
    ------
    EclaireurError
        If the kind of block is unknown.
    """
    writer = _WRITERS.get(type(block))
    if writer is None:
        raise EclaireurError(f"bloc d'affichage inconnu : {type(block).__name__}.")
    from reportlab.platypus import CondPageBreak

    # Not "keep with next": with a table of several pages, that would leave the first page empty.
    together = min(_TALLEST, lay_out(block).height + 40) if isinstance(block, _FIGURES) else _TOGETHER
    head = [CondPageBreak(together), _paragraph(block.title, "heading")] if block.title else []
    return [*head, *writer(block, width)]


def _paragraph(text: str, style: str = "text", bullet: str | None = None) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(marked_up(text), styles()[style], bulletText=bullet)


def _marked(markup: str, style: str = "text") -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(markup, styles()[style])


def _facts(block: Facts, width: float) -> Iterator[Any]:
    if block.pairs:
        rows = [[_paragraph(name, "soft"), _paragraph(value)] for name, value in block.pairs]
        yield _grid(rows, [width * 0.27, width * 0.73], lines=False)


def _grid(
    rows: Sequence[Sequence[Any]], widths: Sequence[float], *, head: int = 0, lines: bool = True
) -> Any:
    from reportlab.platypus import LongTable

    style: list[tuple[Any, ...]] = [
        ("FONTNAME", (0, 0), (-1, -1), FONT),  # the default would name a font that is not embedded
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    if lines:
        style.append(("LINEBELOW", (0, 0), (-1, -1), 0.25, "#999999"))
    if head:
        style.append(("LINEBELOW", (0, head - 1), (-1, head - 1), 0.8, "#000000"))
    # A row longer than a page goes on over the next one.
    return LongTable(rows, colWidths=list(widths), repeatRows=head, style=style, splitByRow=1, splitInRow=1)


def _reasons(block: Reasons, _: float) -> Iterator[Any]:
    for heading, _arrow, chosen in showing.parted(block.reasons):
        yield _paragraph(heading, "theme")
        sign = "+" if chosen[0].weight > 0 else "−"
        for theme, group in showing.by_theme(chosen).items():
            yield _paragraph((theme or "autre").capitalize(), "soft")
            for reason in group:
                said = showing.origin(reason)
                yield _paragraph(f"{reason.sentence}{f' ({said})' if said else ''}", "item", bullet=sign)
    if block.caution:
        yield _paragraph(block.caution, "soft")


def _table(block: Table, width: float) -> Iterator[Any]:
    texts = [[_cut(showing.show(row.get(one.key), one.kind)) for one in block.columns] for row in block.rows]
    sizes = [
        max(6, min(_WIDEST, max((len(line) for row in texts for line in row[at].split("\n")), default=0)))
        for at in range(len(block.columns))
    ]
    sizes = [max(size, _longest_word(one.title)) for size, one in zip(sizes, block.columns, strict=True)]
    whole = sum(sizes) or 1
    styled = ["number" if one.align == "right" else "cell" for one in block.columns]
    rows = [[_paragraph(one.title, "head") for one in block.columns]]
    rows += [[_paragraph(text, style) for text, style in zip(row, styled, strict=True)] for row in texts]
    if block.columns:
        yield _grid(rows, [width * size / whole for size in sizes], head=1)
    if not texts:
        yield _paragraph("Aucune ligne.", "soft")
    if block.note:
        yield _paragraph(block.note, "soft")


def _longest_word(title: str) -> int:
    """Return the room that a heading needs not to be cut within a word; bold letters are wide."""
    return 3 + max((len(word) for word in title.split()), default=0)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _figure(block: Chart | Timeline | Funnel, width: float) -> Iterator[Any]:
    yield _drawing(lay_out(block), width)
    if isinstance(block, Chart):
        yield _paragraph(block.text, "soft")
    if isinstance(block, Timeline):
        for event in sorted(block.events, key=lambda one: one.day, reverse=True):
            said = f"{french.day(event.day)}, {event.lane} : {event.text}"
            yield _paragraph(said, "item", bullet="!" if event.bad else "·")


def _map(block: Map, _: float) -> Iterator[Any]:
    for place in block.places:
        value = "" if place.value is None else f" : {french.number(place.value, 2)}"
        where = f"{french.number(place.latitude, 5)} ; {french.number(place.longitude, 5)}"
        yield _paragraph(f"{place.label}{value} ({where})", "item", bullet="·")
    if block.legend:
        yield _paragraph(block.legend, "soft")


def _span_text(block: SpanText, _: float) -> Iterator[Any]:
    made = []
    for text, marks in showing.pieces(block):
        said = marked_up(text)
        if marks:
            labels = ", ".join(f"{mark.label}{'' if mark.sure else ' ?'}" for mark in marks)
            tag = "b" if any(mark.sure for mark in marks) else "i"
            said = f'<{tag}><u>{said}</u></{tag}> <font size="6.5">[{marked_up(labels)}]</font>'
        made.append(said)
    yield _marked("".join(made))


def _page(block: Page, _: float) -> Iterator[Any]:
    yield _paragraph(f"{block.document}, page {block.number}")
    for *_box, label in block.boxes:
        yield _paragraph(label, "item", bullet="·")


def _diff(block: Diff, width: float) -> Iterator[Any]:
    rows = [[_paragraph(block.left_title, "head"), _paragraph(block.right_title, "head")]]
    for left, right in showing.side_by_side(block.left, block.right):
        rows.append([_marked(_changes(left, "strike"), "cell"), _marked(_changes(right, "u"), "cell")])
    yield _grid(rows, [width / 2, width / 2], head=1)


def _changes(parts: Iterable[tuple[str, bool]], tag: str) -> str:
    return "".join(
        f"<b><{tag}>{marked_up(text)}</{tag}></b>" if changed else marked_up(text) for text, changed in parts
    )


def _citations(block: Citations, _: float) -> Iterator[Any]:
    for position, citation in enumerate(block.citations, start=1):
        when = f", {french.day(citation.observed)}" if citation.observed else ""
        yield _paragraph(f"[{position}] {citation.title} ({citation.origin}{when})", "theme")
        yield _paragraph(f"« {citation.passage} »", "quote")
        if citation.address:
            yield _paragraph(citation.address, "soft")


def _form(block: Form, width: float) -> Iterator[Any]:
    pairs = tuple(
        (one.title, f"{dict(one.choices).get(one.default, one.default)} {one.unit}".strip() or "–")
        for one in block.fields
    )
    yield from _facts(Facts(title="", pairs=pairs), width)


def _drawing(figure: Figure, width: float) -> Any:
    """Return a figure as something that flows with the text, no wider than the page."""
    from reportlab.platypus import Flowable

    scale = min(1.0, width / figure.width)

    class Drawing(Flowable):  # type: ignore[misc, unused-ignore]
        def wrap(self, *_: float) -> tuple[float, float]:
            return figure.width * scale, figure.height * scale

        def draw(self) -> None:
            canvas = self.canv
            canvas.saveState()
            canvas.scale(scale, scale)
            for part in figure.parts:
                _draw(canvas, part, figure.height)
            canvas.restoreState()

    return Drawing()


def _draw(canvas: Any, part: Primitive, height: float) -> None:
    canvas.setStrokeGray(0)
    canvas.setFillGray(0)
    match part:
        case Line():
            width, opacity, dash = KINDS[part.kind]
            _pen(canvas, width, 1 - opacity, dash)
            canvas.line(part.x1, height - part.y1, part.x2, height - part.y2)
        case Polyline():
            _pen(canvas, 1.6, 0, DASHES[part.series % 4])
            _outline(canvas, part.points, height, fill=False)
        case Band():
            canvas.setFillGray(0.87)
            _outline(canvas, part.points, height, fill=True)
        case Rect():
            _pen(canvas, 0.8, 0, "")
            canvas.setFillGray(1 - FILLS[part.series % 4])
            canvas.rect(part.x, height - part.y - part.height, part.width, part.height, fill=1)
        case Dot():
            _outline(canvas, shape(part.series, part.x, part.y, bad=part.bad), height, fill=True)
        case Text():
            _write(canvas, part, height)


def _pen(canvas: Any, width: float, gray: float, dash: str) -> None:
    canvas.setLineWidth(width)
    canvas.setStrokeGray(gray)
    canvas.setDash([float(one) for one in dash.split()])


def _outline(canvas: Any, points: Iterable[tuple[float, float]], height: float, *, fill: bool) -> None:
    path = canvas.beginPath()
    for at, (x, y) in enumerate(points):
        (path.lineTo if at else path.moveTo)(x, height - y)
    if fill:
        path.close()
    canvas.drawPath(path, stroke=0 if fill else 1, fill=1 if fill else 0)


def _write(canvas: Any, part: Text, height: float) -> None:
    canvas.saveState()
    canvas.setFont(BOLD if part.kind == "title" else FONT, 10.5)
    canvas.translate(part.x, height - part.y)
    if part.turned:
        canvas.rotate(90)
    place: dict[str, Callable[[float, float, str], None]] = {
        "start": canvas.drawString,
        "middle": canvas.drawCentredString,
        "end": canvas.drawRightString,
    }
    place[part.anchor](0, 0, clean(part.text))
    canvas.restoreState()


_WRITERS: dict[type, Any] = {
    Facts: _facts,
    Reasons: _reasons,
    Table: _table,
    Chart: _figure,
    Map: _map,
    SpanText: _span_text,
    Page: _page,
    Diff: _diff,
    Timeline: _figure,
    Citations: _citations,
    Funnel: _figure,
    Form: _form,
}
