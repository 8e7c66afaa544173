"""Spreadsheets: the sheet that is read, and what a sheet hides from whoever only sees its values."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclaireur.core import french
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.refusals import EXPORT_AGAIN, RefusedError

__all__ = ["Sheet", "read_sheet"]

_SHOWN = 50
_MOST_CELLS = 50_000_000
_XML_HEAD = 4096
_FAR_ROWS, _FAR_COLUMNS = 20_000, 1000
_CELL = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,4})(\d{1,9})"')
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z0-9:]+)"')
_NO_VALUE = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]+\d+)"[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)'
    rb"\s*(?:<(?:\w+:)?v>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(rb'<(?:\w+:)?c r="([A-Z]+\d+)"[^>]*\bt="e"')
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^>]*/>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows of a sheet that are not empty, as text, the number of each, and what was found around them."""

    rows: list[list[str]]
    lines: list[int]
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def read_sheet(path: Path, sheet: str | None) -> Sheet:
    """Read a sheet of an XLSX, XLS or ODS workbook; by default, the first visible one that holds something.

    Hidden rows, merged cells, formulas without a value, cells in error and cells far from the table are
    said; no formula is run.

    Raises
    ------
    RefusedError
        If the workbook cannot be read, declares entities or holds no such sheet.
    """
    import python_calamine

    doubts: list[Doubt] = []
    source: Any = str(path)
    opened = _Parts.open(path)
    if opened is not None:
        cleaned = opened.without_far_cells(doubts)
        source = io.BytesIO(cleaned) if cleaned else source
    try:
        book = python_calamine.load_workbook(source)
        name, values = _chosen(book, sheet, doubts)
    except python_calamine.PasswordError as error:
        raise RefusedError("ce fichier est protégé par un mot de passe.", "Retirez la protection.") from error
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound) as error:
        raise RefusedError("ce classeur ne peut pas être lu.", EXPORT_AGAIN) from error
    written = [[_cell(value) for value in row] for row in values]
    kept = [(number, row) for number, row in enumerate(written, start=1) if any(row)]
    if opened is not None:
        doubts += opened.hidden_things(name)
    return Sheet(rows=[row for _, row in kept], lines=[number for number, _ in kept], doubts=tuple(doubts))


def _chosen(book: Any, sheet: str | None, doubts: list[Doubt]) -> tuple[str, list[list[Any]]]:
    """Return the name and the values of the sheet to read; say which others hold something."""
    if sheet is not None:
        return sheet, book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    visible = {one.name: str(one.visible).endswith("Visible") for one in book.sheets_metadata}
    filled = [
        (name, values)
        for name in sorted(book.sheet_names, key=lambda name: not visible.get(name, True))
        if name in visible and (values := _values(book, name))
    ]
    if not filled:
        return "", []
    name, values = filled[0]
    others = [other for other, _ in filled[1:]]
    if not visible[name]:
        doubts.append(Doubt(kind="sheet", message=f"La feuille lue, « {name} », est masquée."))
    if others:
        said = ", ".join(f"« {other} »" + ("" if visible[other] else " (masquée)") for other in others[:10])
        message = f"Seule la feuille « {name} » est lue ; autres feuilles remplies : {said}."
        doubts.append(Doubt(kind="sheet", message=message))
    return name, values


def _values(book: Any, name: str) -> list[list[Any]]:
    rows: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return rows if any(any(value not in {"", None} for value in row) for row in rows) else []


def _cell(value: Any) -> str:
    """Write a typed cell as text: a whole number without its ``.0``, a date as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of an XLSX workbook, read as they are written."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> _Parts | None:
        """List the parts; None for a workbook of another form.

        Raises
        ------
        RefusedError
            If a part declares entities: no spreadsheet writes any, and they expand without end.
        """
        if not zipfile.is_zipfile(path):
            return None
        with zipfile.ZipFile(path) as archive:
            names = tuple(archive.namelist())
            for name in names:
                if name.endswith((".xml", ".rels")):
                    with archive.open(name) as stream:
                        if b"<!DOCTYPE" in stream.read(_XML_HEAD).replace(b"\0", b""):
                            raise RefusedError(
                                "ce classeur contient des définitions interdites (DTD).", EXPORT_AGAIN
                            )
        return cls(path, names) if "[Content_Types].xml" in names else None

    def sheets(self) -> list[str]:
        return [name for name in self.names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]

    def without_far_cells(self, doubts: list[Doubt]) -> bytes | None:
        """Return the workbook without the cells so far away that the grid up to them fits in no memory.

        None when there are none, which is the rule.
        """
        with zipfile.ZipFile(self.path) as archive:
            parts = {name: archive.read(name) for name in self.sheets()}
            changed = {}
            for name, text in parts.items():
                places = [(int(row), _column_number(letters)) for letters, row in _CELL.findall(text)]
                rows = max([row for row, _ in places] + [0])
                columns = max([column for _, column in places] + [0])
                if rows * columns <= _MOST_CELLS:
                    continue
                far = _far(places)
                last = [place for place in places if place not in far]
                if not far or max(r for r, _ in last) * max(c for _, c in last) > _MOST_CELLS:
                    raise RefusedError("cette feuille s'étend démesurément.", EXPORT_AGAIN)
                changed[name] = _removed(text, far)
                left = " très loin du tableau, laissée de côté"
                said = french.count(len(far), f"cellule{left}", f"cellules{left.replace('ée', 'ées')}")
                message = f"{said} ({_address(min(far))})."
                doubts.append(Doubt(kind="far", message=message, lines=tuple(sorted({r for r, _ in far}))))
            if not changed:
                return None
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
                for name in self.names:
                    copy.writestr(name, changed.get(name) or archive.read(name))
        return target.getvalue()

    def hidden_things(self, sheet: str) -> list[Doubt]:
        """Say what the values of a sheet do not show."""
        with zipfile.ZipFile(self.path) as archive:
            part = self._part_of(archive, sheet)
            text = archive.read(part) if part else b""
        rows = [tag.group() for tag in _ROW.finditer(text)]
        hidden = [_number(tag) for tag in rows if re.search(rb'\bhidden="(1|true)"', tag)]
        merged = [ref.decode() for ref in _MERGED.findall(text)]
        found = [
            _rows(
                "hidden",
                hidden,
                "ligne masquée, lue comme les autres",
                "lignes masquées, lues comme les autres",
            ),
            _cells("merged", merged, "plage de cellules fusionnées", "plages de cellules fusionnées"),
            _cells(
                "formula",
                [ref.decode() for ref in _NO_VALUE.findall(text)],
                "formule sans valeur enregistrée, lue vide",
                "formules sans valeur enregistrée, lues vides",
            ),
            _cells(
                "error",
                [ref.decode() for ref in _ERROR.findall(text)],
                "cellule en erreur",
                "cellules en erreur",
            ),
        ]
        return [doubt for doubt in found if doubt is not None]

    def _part_of(self, archive: zipfile.ZipFile, sheet: str) -> str:
        """Return the part that holds a sheet, by the workbook's own list; empty when it is not found."""
        import html

        book = (
            archive.read("xl/workbook.xml").decode("utf-8", "replace")
            if "xl/workbook.xml" in self.names
            else ""
        )
        links = "xl/_rels/workbook.xml.rels"
        related = archive.read(links).decode("utf-8", "replace") if links in self.names else ""
        targets = {}
        for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", related):
            key, target = re.search(r'\bId="([^"]*)"', tag), re.search(r'\bTarget="([^"]*)"', tag)
            if key and target:
                targets[key[1]] = target[1]
        for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
            name, key = re.search(r'\bname="([^"]*)"', tag), re.search(r'\br:id="([^"]*)"', tag)
            if name and key and html.unescape(name[1]) == sheet:
                link = targets.get(key[1], "")
                part = link.lstrip("/") if link.startswith("/") else f"xl/{link}"
                return part if part in self.names else ""
        return ""


def _far(places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Cells after a gap of thousands of empty rows or columns."""
    last_row = _before_gap({row for row, _ in places}, _FAR_ROWS)
    last_column = _before_gap({column for _, column in places}, _FAR_COLUMNS)
    return {(row, column) for row, column in places if row > last_row or column > last_column}


def _before_gap(used: set[int], gap: int) -> int:
    last = 0
    for place in sorted(used):
        if place - last > gap:
            break
        last = place
    return last


def _removed(text: bytes, far: set[tuple[int, int]]) -> bytes:
    for row, column in far:
        ref = _address((row, column)).encode()
        text = re.sub(rb'<(\w+:)?c r="' + ref + rb'"(?:[^>]*/>|.*?</(?:\w+:)?c>)', b"", text, flags=re.DOTALL)
    return _DIMENSION.sub(b"", text)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _address(place: tuple[int, int]) -> str:
    row, column = place
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def _number(tag: bytes) -> int:
    found = re.search(rb'\br="(\d+)"', tag)
    return int(found[1]) if found else 0


def _rows(kind: str, lines: Sequence[int], one: str, several: str) -> Doubt | None:
    if not lines:
        return None
    return Doubt(kind=kind, message=f"{french.count(len(lines), one, several)}.", lines=tuple(lines[:_SHOWN]))


def _cells(kind: str, refs: Sequence[str], one: str, several: str) -> Doubt | None:
    if not refs:
        return None
    lines = sorted({int(number) for ref in refs for number in re.findall(r"\d+", ref)[:1]})
    message = f"{french.count(len(refs), one, several)} ({', '.join(refs[:5])})."
    return Doubt(kind=kind, message=message, lines=tuple(lines[:_SHOWN]))
