"""Tables written as web pages or XML, as many « .xls » exports are: read without DTD, nothing fetched."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.parsers import expat

from eclaireur.core import french
from eclaireur.sources import encoding
from eclaireur.sources.framing import frame
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.refusals import EXPORT_AGAIN, RefusedError
from eclaireur.sources.squaring import Framed

__all__ = ["is_markup", "parse"]

_DEEPEST = 64
_WIDEST = 1000
_MOST_CELLS = 20_000_000
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.IGNORECASE)
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|table|tr|td|meta|div|center|style|p)\b", re.IGNORECASE)


def is_markup(data: bytes) -> bool:
    """Tell whether bytes start like a web page or XML."""
    head = data[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    return head[:1] == b"<" and re.match(rb"<[!?/A-Za-z]", head) is not None


def parse(data: bytes) -> tuple[Framed, list[Doubt]]:
    """Read the largest table of a web page, or the records of an XML file.

    Raises
    ------
    RefusedError
        If there is no table, or if the XML declares entities or is too deep.
    """
    head = data[:4096].replace(b"\0", b"")
    if _PAGE.search(head) and b"urn:schemas-microsoft-com:office:spreadsheet" not in head:
        return _page(data)
    return _xml(data)


def _text(data: bytes) -> tuple[str, list[Repair], list[Doubt]]:
    """Decode by what the bytes are; a declared encoding decides only among the legacy ones."""
    decoded = encoding.decode(data)
    declared = _DECLARED.search(data[:2048])
    repairs, doubts = list(decoded.repairs), list(decoded.doubts)
    if declared is None or decoded.encoding.startswith("utf"):
        return decoded.text, repairs, doubts
    name = declared[1].decode("ascii").lower()
    # Who writes iso-8859-1 means cp1252, of which it is a part: the HTML standard reads it so.
    name = "cp1252" if name in {"iso-8859-1", "latin-1", "latin1", "windows-1252", "us-ascii"} else name
    try:
        return data.decode(name), [Repair(kind="encoding", message=f"Encodage annoncé : {name}.")], []
    except (LookupError, UnicodeDecodeError):
        doubts.append(Doubt(kind="encoding", message=f"Encodage annoncé, {name}, démenti par le contenu."))
        return decoded.text, repairs, doubts


def _page(data: bytes) -> tuple[Framed, list[Doubt]]:
    text, repairs, doubts = _text(data)
    reader = _Tables()
    reader.feed(text)
    reader.close()
    reader.end_all()
    tables = [[row for row in table if any(row)] for table in reader.tables]
    best = max(tables, key=lambda rows: sum(map(len, rows)), default=[])
    if not best or max(map(len, best)) < 1 or len(best) < 2:
        raise RefusedError("cette page web ne contient pas de tableau.", EXPORT_AGAIN)
    others = sum(len(rows) > 1 for rows in tables) - 1
    if others > 0:
        said = french.count(others, "autre tableau", "autres tableaux")
        doubts.append(
            Doubt(kind="sheet", message=f"Seul le plus grand tableau est lu ; {said} dans la page.")
        )
    found = frame(best, list(range(1, len(best) + 1)))
    page = Repair(kind="markup", message="Tableau d'une page web ; les lignes sont celles du tableau.")
    return _with(found, [page, *repairs]), doubts


def _with(found: Framed, repairs: list[Repair]) -> Framed:
    return Framed(
        header=found.header,
        rows=found.rows,
        lines=found.lines,
        repairs=(*repairs, *found.repairs),
        doubts=found.doubts,
    )


class _Tables(HTMLParser):
    """Collects the cells of every table; what a cell spans is repeated, an inner table stays in its cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._depth = 0
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._below: dict[int, tuple[int, str]] = {}
        self._next: dict[int, tuple[int, str]] = {}
        self._cells = 0
        self._muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._muted += 1
        elif tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self._below = {}
        elif self._depth == 1 and tag == "tr":
            self._end_row()
            self._row = []
        elif self._depth == 1 and tag in {"td", "th"}:
            self._end_cell()
            self._row = [] if self._row is None else self._row
            self._cell = []
            asked = dict(attrs)
            self._span = (_count(asked.get("colspan")), _count(asked.get("rowspan")))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._muted = max(self._muted - 1, 0)
        elif tag == "table" and self._depth:
            if self._depth == 1:
                self._end_row()
            self._depth -= 1
        elif self._depth == 1 and tag == "tr":
            self._end_row()
        elif self._depth == 1 and tag in {"td", "th"}:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._muted:
            self._cell.append(data)

    def end_all(self) -> None:
        """Close what the page left open."""
        self._end_row()

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        lines = "".join(self._cell).split("\n")
        text = "\n".join(" ".join(line.split()) for line in lines).strip() if lines else ""
        self._cell = None
        self._fill_from_above()
        columns, rows = self._span
        self._cells += columns
        if self._cells > _MOST_CELLS or len(self._row) + columns > _WIDEST * 20:
            raise RefusedError("ce tableau s'étend démesurément.", EXPORT_AGAIN)
        for _ in range(columns):
            if rows > 1:
                self._next[len(self._row)] = (rows - 1, text)
            self._row.append(text)

    def _fill_from_above(self) -> None:
        while self._row is not None and len(self._row) in self._below:
            left, text = self._below.pop(len(self._row))
            if left > 1:
                # Kept under a place that this row has passed, for the next one.
                self._next[len(self._row)] = (left - 1, text)
            self._row.append(text)

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is not None:
            self._fill_from_above()
            if self.tables:
                self.tables[-1].append(self._row)
            self._below |= self._next
            self._next.clear()
        self._row = None


def _count(text: str | None) -> int:
    return min(max(int(text), 1), _WIDEST) if text and text.strip().isdecimal() else 1


@dataclass(slots=True)
class _Element:
    name: str
    line: int
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    text: str = ""


def _xml(data: bytes) -> tuple[Framed, list[Doubt]]:
    root, doubts = _tree(data)
    if root.name == "Workbook":
        rows, lines = _spreadsheet_rows(root)
        if not rows:
            raise RefusedError("ce classeur XML est vide.", EXPORT_AGAIN)
        return frame(rows, lines), doubts
    records = _records(root)
    if len(records) < 1:
        raise RefusedError("ce fichier XML ne contient pas de tableau.", EXPORT_AGAIN)
    flat = [_flat(record) for record in records]
    header = list(dict.fromkeys(name for record in flat for name in record))
    if not header or len(header) > _WIDEST * 20:
        raise RefusedError("ce fichier XML ne contient pas de tableau.", EXPORT_AGAIN)
    rows = [[record.get(name, "") for name in header] for record in flat]
    repair = Repair(kind="markup", message=f"Enregistrements « {records[0].name} » d'un fichier XML.")
    return Framed(
        header=header, rows=rows, lines=[record.line for record in records], repairs=(repair,)
    ), doubts


def _tree(data: bytes) -> tuple[_Element, list[Doubt]]:
    """Parse XML into elements; a DTD, too much depth or a broken file is refused."""
    doubts: list[Doubt] = []
    text, _, _ = _text(data)
    declared = _DECLARED.search(data[:200])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if name not in {"utf-8", "utf8", "us-ascii", "ascii"} and not data.isascii():
            message = f"Encodage annoncé {name}, le fichier est en UTF-8 : il est lu ainsi."
            doubts.append(Doubt(kind="encoding", message=message))
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    top = _Element("", 0, {})
    stack = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise RefusedError("ce fichier XML est imbriqué trop profondément.", EXPORT_AGAIN)
        inner = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        element = _Element(tag.rpartition(":")[2], parser.CurrentLineNumber, inner)
        stack[-1].children.append(element)
        stack.append(element)

    def end(tag: str) -> None:
        del tag
        stack.pop()

    def characters(piece: str) -> None:
        stack[-1].text += piece

    def doctype(*arguments: object) -> None:
        del arguments
        raise RefusedError("ce fichier XML contient des définitions interdites (DTD).", EXPORT_AGAIN)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise RefusedError(f"ce fichier XML est mal formé (ligne {error.lineno}).", EXPORT_AGAIN) from error
    return top.children[0], doubts


def _records(element: _Element) -> list[_Element]:
    """Return the largest set of sisters of one name that have fields: the records of the file."""
    best: list[_Element] = []
    names = Counter(child.name for child in element.children)
    for name, times in names.items():
        sisters = [child for child in element.children if child.name == name]
        if (times > 1 or len(names) == 1) and any(one.children or one.attributes for one in sisters):
            best = sisters if len(sisters) > len(best) else best
    for child in element.children:
        inner = _records(child)
        if len(inner) > len(best):
            best = inner
    return best


def _flat(record: _Element) -> dict[str, str]:
    """Give the fields of a record: attributes, and children by their path; a repeated one is numbered."""
    fields = dict(record.attributes)

    def walk(element: _Element, path: str) -> None:
        for child in element.children:
            name = f"{path}{child.name}"
            if child.children:
                walk(child, f"{name}.")
                continue
            key, again = name, 2
            while key in fields:
                key, again = f"{name} ({again})", again + 1
            fields[key] = child.text.strip()

    walk(record, "")
    if not fields and record.text.strip():
        fields[record.name] = record.text.strip()
    return fields


def _spreadsheet_rows(book: _Element) -> tuple[list[list[str]], list[int]]:
    """Read the first filled sheet of a workbook in Excel's XML of 2003."""
    for sheet in book.children:
        rows, lines, number = [], [], 0
        for table in (child for child in sheet.children if child.name == "Table"):
            for row in (child for child in table.children if child.name == "Row"):
                number = int(row.attributes.get("Index", number + 1))
                cells: list[str] = []
                for cell in (child for child in row.children if child.name == "Cell"):
                    place = min(int(cell.attributes.get("Index", len(cells) + 1)), _WIDEST * 20)
                    cells += [""] * (place - 1 - len(cells))
                    cells.append("".join(inner.text for inner in cell.children if inner.name == "Data"))
                if any(cell.strip() for cell in cells):
                    rows.append(cells)
                    lines.append(number)
        if rows:
            return rows, lines
    return [], []
