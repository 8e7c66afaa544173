"""Blocks as a text document in OpenDocument, to be completed by who takes it: titles, paragraphs and tables.

Written without a library, as `ods` is. A chart is said by its sentence and its numbers, a map by its places:
the document is for working on, the PDF for looking at.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import quoteattr

from eclaireur.core import french, showing
from eclaireur.core.errors import EclaireurError
from eclaireur.core.ods import HEAD, NAMES, container, spaced
from eclaireur.core.showing import printable
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

__all__ = ["write_odt"]

_MIME = "application/vnd.oasis.opendocument.text"
_BOLD = '<style:text-properties fo:font-weight="bold"/>'
_STYLES = f"""<office:automatic-styles>
<style:style style:name="h1" style:family="paragraph"><style:paragraph-properties fo:margin-bottom="0.4cm"/>\
<style:text-properties fo:font-weight="bold" fo:font-size="18pt"/></style:style>
<style:style style:name="h2" style:family="paragraph">\
<style:paragraph-properties fo:margin-top="0.5cm" fo:margin-bottom="0.2cm" fo:keep-with-next="always"/>\
<style:text-properties fo:font-weight="bold" fo:font-size="14pt"/></style:style>
<style:style style:name="head" style:family="paragraph">{_BOLD}</style:style>
<style:style style:name="bold" style:family="text">{_BOLD}</style:style>
<style:style style:name="cell" style:family="table-cell">\
<style:table-cell-properties fo:padding="0.1cm" fo:border="0.5pt solid #808080"/></style:style>
</office:automatic-styles>"""


def write_odt(
    blocks: Iterable[Block], target: Path | IO[bytes], *, title: str, mentions: Mapping[str, str]
) -> None:
    """Write blocks as a text document; the same blocks give the same bytes.

    Parameters
    ----------
    title
        Title of the document.
    mentions
        What must be said with it, by French heading: written at its end.

    Raises
    ------
    EclaireurError
        If the kind of a block is unknown.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        container(parts, _MIME, title, _content(blocks, title, mentions))


def _content(blocks: Iterable[Block], title: str, mentions: Mapping[str, str]) -> Iterator[str]:
    yield f'{HEAD}<office:document-content {NAMES} office:version="1.3">{_STYLES}<office:body><office:text>'
    yield _heading(title, 1)
    for block in blocks:
        writer = _WRITERS.get(type(block))
        if writer is None:
            raise EclaireurError(f"bloc d'affichage inconnu : {type(block).__name__}.")
        if block.title:
            yield _heading(block.title, 2)
        yield from writer(block)
    if mentions:
        yield _heading("Mentions", 2)
        yield from _pairs(mentions.items())
    yield "</office:text></office:body></office:document-content>"


def _heading(text: str, level: int) -> str:
    said = spaced(printable(text))
    return f'<text:h text:style-name="h{level}" text:outline-level="{level}">{said}</text:h>'


def _lines(text: str, style: str = "") -> Iterator[str]:
    named = f' text:style-name="{style}"' if style else ""
    for line in printable(text).splitlines() or [""]:
        yield f"<text:p{named}>{spaced(line)}</text:p>"


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in pairs:
        bold = f'<text:span text:style-name="bold">{spaced(printable(name))}</text:span>'
        first, *rest = printable(value).splitlines() or [""]
        yield f"<text:p>{bold} : {spaced(first)}</text:p>"
        for line in rest:
            yield from _lines(line)


def _facts(block: Facts) -> Iterator[str]:
    yield from _pairs(block.pairs)


def _reasons(block: Reasons) -> Iterator[str]:
    for heading, _, chosen in showing.parted(block.reasons):
        yield from _lines(heading, "head")
        for reason in chosen:
            said = showing.origin(reason)
            yield from _lines(f"{reason.sentence} ({said})" if said else reason.sentence)
    yield from _lines(block.caution) if block.caution else ()


def _table(block: Table) -> Iterator[str]:
    rows = [[showing.show(row.get(one.key), one.kind) for one in block.columns] for row in block.rows]
    yield from _grid(block.title, [one.title for one in block.columns], rows)
    yield from _lines(block.note) if block.note else ()


def _grid(name: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"<table:table table:name={quoteattr(printable(name) or 'Tableau')}>"
    yield f'<table:table-column table:number-columns-repeated="{max(1, len(headings))}"/>'
    yield f"<table:table-header-rows>{_row(headings, 'head')}</table:table-header-rows>"
    for row in rows:
        yield _row(row)
    yield "</table:table>"


def _row(cells: Sequence[str], style: str = "") -> str:
    made = "".join(
        f'<table:table-cell table:style-name="cell" office:value-type="string">{"".join(_lines(one, style))}'
        "</table:table-cell>"
        for one in cells
    )
    return f"<table:table-row>{made}</table:table-row>"


def _chart(block: Chart) -> Iterator[str]:
    yield from _lines(block.text)
    rows = [
        [series.name, showing.show(x, "text"), french.number(y, 2)]
        for series in block.series
        for x, y in zip(series.x, series.y, strict=True)
    ]
    yield from _grid(block.title, ["Série", block.x_title, block.y_title], rows)


def _map(block: Map) -> Iterator[str]:
    for place in block.places:
        value = "" if place.value is None else f" : {french.number(place.value, 2)}"
        yield from _lines(f"{place.label}{value} ({place.latitude:.5f}, {place.longitude:.5f})")
    yield from _lines(block.legend) if block.legend else ()


def _span_text(block: SpanText) -> Iterator[str]:
    yield from _lines(block.text)
    for mark in block.marks:
        yield from _lines(f"{mark.label} : « {block.text[mark.start : mark.end]} »")


def _page(block: Page) -> Iterator[str]:
    yield from _lines(f"{block.document}, page {block.number}")


def _diff(block: Diff) -> Iterator[str]:
    yield from _grid(block.title, [block.left_title, block.right_title], [[block.left, block.right]])


def _timeline(block: Timeline) -> Iterator[str]:
    for event in sorted(block.events, key=lambda one: one.day):
        yield from _lines(f"{french.day(event.day)}, {event.lane} : {event.text}")


def _citations(block: Citations) -> Iterator[str]:
    for one in block.citations:
        yield from _lines(one.title, "head")
        yield from _lines(f"« {one.passage} »")
        day = "" if one.observed is None else french.day(one.observed)
        yield from _lines(", ".join(filter(None, (one.origin, day))))


def _funnel(block: Funnel) -> Iterator[str]:
    yield from _pairs((step, french.number(count)) for step, count in block.steps)


def _form(block: Form) -> Iterator[str]:
    for field in block.fields:
        yield from _lines(f"{field.title} : ")


_WRITERS: Mapping[type, Callable[[Any], Iterator[str]]] = {
    Facts: _facts,
    Reasons: _reasons,
    Table: _table,
    Chart: _chart,
    Map: _map,
    SpanText: _span_text,
    Page: _page,
    Diff: _diff,
    Timeline: _timeline,
    Citations: _citations,
    Funnel: _funnel,
    Form: _form,
}
