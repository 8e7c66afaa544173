"""What a page shows of a file beyond what a terminal says: first rows, text page by page, a small map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.view import Block, Column, Facts, Map, Mark, Place, SpanText, Table
from eclaireur.service.any_file import AnyFile, show_file
from eclaireur.sources.documents.document import Document, Part, PartKind
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.sources.media.described import Described
    from eclaireur.sources.reading import Reading

__all__ = ["detail_file", "draw_places", "first_rows", "text_pages"]

_SAID_ABOVE = frozenset({"Résultat", "Raison", "Que faire"})
_ROWS = 20
_COLUMNS = 40
_LONGEST_CELL = 200
_SIGNS = 40_000
_PAGES = 30
_POINTS = 30
_VERTICES = 20_000
_ROW = 1_000
_ASIDE = {
    PartKind.HEADER: "en-tête",
    PartKind.FOOTER: "pied de page",
    PartKind.NOTE: "note",
    PartKind.COMMENT: "commentaire",
    PartKind.FIELD: "champ rempli",
}


def detail_file(found: AnyFile, *, parquet: Path | None = None) -> tuple[Block, ...]:
    """Return what `any_file.show_file` says of a file, with its first rows, its text or a map.

    The outcome and the reason of a refusal are left to the head of the page.

    Parameters
    ----------
    parquet
        Where a table that is too large to be held was written.
    """
    blocks = [one for one in map(_without_outcome, show_file(found)) if one is not None]
    if found.document is not None and found.document.outcome is not Outcome.REFUSE:
        blocks = [one for one in blocks if not isinstance(one, SpanText)]  # its beginning alone
        blocks += text_pages(found.document)
    if found.table is not None:
        rows = first_rows(found.table, parquet)
        blocks += [] if rows is None else [rows]
    if found.described is not None:
        drawn = draw_places(found.described)
        blocks += [] if drawn is None else [drawn]
    return tuple(blocks)


def _without_outcome(block: Block) -> Block | None:
    """Leave out what the head of a page says already."""
    if not isinstance(block, Facts):
        return block
    pairs = tuple(pair for pair in block.pairs if pair[0] not in _SAID_ABOVE)
    return replace(block, title="", pairs=pairs) if pairs else None


def first_rows(reading: Reading, parquet: Path | None = None) -> Table | None:
    """Return the first rows of a table as they are understood: dates as dates, numbers as numbers."""
    table = reading.typed
    if table is None and parquet is not None and parquet.is_file():
        import pyarrow.parquet as pq

        batches = pq.ParquetFile(parquet).iter_batches(batch_size=_ROWS)
        batch = next(batches, None)
        table = None if batch is None else _table_of(batch)
    if table is None or not table.num_rows or not table.num_columns:
        return None
    shown = min(_ROWS, table.num_rows)
    names = table.column_names[:_COLUMNS]
    columns = tuple(
        Column(key=str(place), title=_cut(name), align="right" if _is_number(table, place) else "left")
        for place, name in enumerate(names)
    )
    kept = [table.column(place).slice(0, shown).to_pylist() for place in range(len(names))]
    rows = [{str(place): _cell(kept[place][row]) for place in range(len(names))} for row in range(shown)]
    title = "Première ligne" if shown == 1 else f"{french.number(shown)} premières lignes"
    more = len(table.column_names) - len(names)
    note = f"{french.count(more, 'colonne')} de plus, non montrées." if more > 0 else ""
    return Table(title=f"{title}, comme Éclaireur les lit", columns=columns, rows=rows, note=note)


def _table_of(batch: pa.RecordBatch) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _is_number(table: pa.Table, place: int) -> bool:
    import pyarrow.types as kinds

    kind = table.schema.field(place).type
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[:_LONGEST_CELL] + "…"


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, float):
        return french.number(value, 6).rstrip("0").rstrip(",") if value == value else None  # noqa: PLR0124
    return value


def text_pages(document: Document) -> Iterator[SpanText]:
    """Give the text of a document page by page, with what is set aside at the end of its page, marked.

    Invisible passages keep their reason: « invisible : blanc sur blanc ». A format without pages gives
    one text. What is longer than forty thousand characters or thirty pages is left out, and said.
    """
    aside: dict[int, list[Part]] = {}
    for part in document.parts:
        if part.start is None and part.kind in {*_ASIDE, PartKind.INVISIBLE} and part.text.strip():
            aside.setdefault(part.page, []).append(part)
    left = _SIGNS
    texts = list(_texts(document))
    for rank, (number, text) in enumerate(texts):
        if rank >= _PAGES or left <= 0:
            rest = french.count(len(texts) - rank, "page")
            yield SpanText(title="Suite", text=f"{rest} de plus : téléchargez le texte pour tout lire.")
            return
        whole, marks = _with_aside(text[:left], aside.pop(number, []))
        cut = len(text) > left
        left -= len(text)
        if whole.strip():
            title = f"Page {number}" if number else "Texte"
            yield SpanText(title=f"{title} (début)" if cut else title, text=whole, marks=marks)
    for number, parts in sorted(aside.items()):
        whole, marks = _with_aside("", parts)
        yield SpanText(title=f"À part, page {number}" if number else "À part", text=whole, marks=marks)


def _texts(document: Document) -> Iterator[tuple[int, str]]:
    """Cut the main text where a page begins; the number is 0 in a format without pages."""
    spans = document.spans
    if spans is None or not document.pages:
        yield 0, document.text
        return
    main = spans[spans["part"] == -1]
    starts = [(number, main[main["page"] == number]) for number in range(1, len(document.pages) + 1)]
    firsts = [(number, int(rows["start"].min())) for number, rows in starts if len(rows)]
    for rank, (number, start) in enumerate(firsts):
        end = firsts[rank + 1][1] if rank + 1 < len(firsts) else len(document.text)
        yield number, document.text[start:end].rstrip()


def _with_aside(text: str, parts: list[Part]) -> tuple[str, tuple[Mark, ...]]:
    marks = []
    for part in parts[:_POINTS]:
        shown = part.text.strip()[:_ROW]
        text += "\n\n" if text else ""
        hidden = part.kind is PartKind.INVISIBLE
        label = f"invisible : {part.why}" if hidden else _ASIDE[part.kind]
        marks.append(Mark(start=len(text), end=len(text) + len(shown), label=label, sure=hidden))
        text += shown
    return text, tuple(marks)


def draw_places(found: Described) -> Map | None:
    """Draw where an image or a layer lies: its extent, and its shapes when they were asked for.

    Nothing is drawn of what lies in no known system: a place on a map would be a guess.
    """
    box = found.facts.get("lonlat")
    if not box or found.outcome is Outcome.REFUSE:
        return None
    west, south, east, north = (float(value) for value in box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    middle = {"latitude": (south + north) / 2, "longitude": (west + east) / 2}
    flat = west < east and south < north
    extent = {"type": "Polygon", "coordinates": [ring]} if flat else None
    places = [Place(label="Emprise", geometry=extent, **middle)]
    places += _shapes(found, middle)
    legend = "Emprise en degrés (WGS 84). Le fond est vide : rien n’est demandé à l’extérieur."
    return Map(title="Où cela se trouve", places=tuple(places), legend=legend)


def _shapes(found: Described, middle: dict[str, float]) -> Iterator[Place]:
    """Give the first points one by one, and the first lines and outlines, in degrees."""
    from eclaireur.sources.media.geometry import Broken, Curved, parts

    table = found.data
    if table is None or "geometry" not in table.column_names:
        return
    turn = _to_degrees(str(found.facts.get("crs", "")))
    if turn is None:
        return
    points: list[list[float]] = []
    drawn: dict[int, list[list[list[float]]]] = {2: [], 3: []}
    left = _VERTICES
    for shape in table["geometry"].slice(0, _ROW).to_pylist():
        if shape is None or left <= 0:
            continue
        try:
            pieces = list(parts(shape))
        except (Broken, Curved):
            continue
        for kind, corners in pieces:
            left -= len(corners)
            line = turn(corners) if len(corners) and left > 0 else []
            if kind == 1:
                points += line
            elif len(line) > kind:  # two corners make a line, four an outline
                drawn[kind].append(line)
    for place in points[:_POINTS]:
        yield Place(label="Point", longitude=place[0], latitude=place[1])
    if drawn[2]:
        yield Place(label="Lignes", geometry={"type": "MultiLineString", "coordinates": drawn[2]}, **middle)
    if drawn[3]:
        rings = [[ring] for ring in drawn[3]]
        yield Place(label="Contours", geometry={"type": "MultiPolygon", "coordinates": rings}, **middle)


def _to_degrees(code: str) -> Any:
    """Return what turns corners, shape ``(n, 2 or more)``, into lists of degrees; None when it cannot be."""
    import numpy as np

    if not code.startswith("EPSG:"):
        return None
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        transformer = Transformer.from_crs(code, "EPSG:4326", always_xy=True)
    except ProjError:
        return None

    def turn(corners: Any) -> list[list[float]]:
        x, y = transformer.transform(np.asarray(corners[:, 0]), np.asarray(corners[:, 1]))
        placed = np.column_stack([x, y])
        placed = placed[np.isfinite(placed).all(axis=1)]
        kept = placed[(np.abs(placed[:, 0]) <= 180) & (np.abs(placed[:, 1]) <= 90)]
        found: list[list[float]] = np.round(kept, 6).tolist()
        return found

    return turn
