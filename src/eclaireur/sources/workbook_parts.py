"""The parts of an XLSX workbook, surveyed as they are written: what the values of a sheet do not show.

A part is read in pieces that end with a row, so a sheet of a million rows is never held as text.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eclaireur.core import french
from eclaireur.sources.reading import Doubt
from eclaireur.sources.refusals import EXPORT_AGAIN, RefusedError

__all__ = ["Parts"]

_SHOWN = 50
_MOST_CELLS = 50_000_000
_PIECE = 4_000_000
_XML_HEAD = 4096
_FAR_ROWS, _FAR_COLUMNS = 20_000, 1000
_CELL = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,4})(\d{1,9})"')
_HIDDEN = re.compile(rb'<(?:\w+:)?row\b[^>]*\bhidden="(?:1|true)"[^>]*>')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z0-9:]+)"')
_NO_VALUE = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]+\d+)"[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)'
    rb"\s*(?:<(?:\w+:)?v>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(rb'<(?:\w+:)?c r="([A-Z]+\d+)"[^>]*\bt="e"')
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^>]*/>")


@dataclass(slots=True)
class _Survey:
    """What the text of a sheet says: how far it goes, and what is hidden, merged, without value or wrong."""

    rows: int = 0
    columns: int = 0
    hidden: list[int] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, piece: bytes) -> None:
        cells = _CELL.findall(piece)
        self.rows = max(self.rows, *map(int, {row for _, row in cells}), 0)
        self.columns = max(self.columns, *map(_column_number, {letters for letters, _ in cells}), 0)
        # Most pieces hold none of these, and looking for a word is far faster than trying a pattern.
        if b"hidden=" in piece:
            self.hidden += [_number(tag) for tag in _HIDDEN.findall(piece)]
        if b"mergeCell" in piece:
            self.merged += [ref.decode() for ref in _MERGED.findall(piece)]
        if b"<f" in piece or b":f" in piece:
            self.formulas += [ref.decode() for ref in _NO_VALUE.findall(piece)]
        if b't="e"' in piece:
            self.errors += [ref.decode() for ref in _ERROR.findall(piece)]


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Give the text of a part in pieces that end with a row."""
    rest = b""
    with archive.open(name) as stream:
        while data := stream.read(_PIECE):
            rest += data
            end = max(rest.rfind(b"</row>") + 6, rest.rfind(b":row>") + 5)
            if end > 5:
                yield rest[:end]
                rest = rest[end:]
    yield rest


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an XLSX workbook, read as they are written."""

    path: Path
    names: tuple[str, ...]
    surveys: dict[str, _Survey]

    @classmethod
    def open(cls, path: Path) -> Parts | None:
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
            if "[Content_Types].xml" not in names:
                return None
            surveys = {}
            for name in names:
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                    surveys[name] = _Survey()
                    for piece in _pieces(archive, name):
                        surveys[name].add(piece)
        return cls(path, names, surveys)

    def without_far_cells(self, doubts: list[Doubt]) -> bytes | None:
        """Return the workbook without the cells so far away that the grid up to them fits in no memory.

        None when there are none, which is the rule.
        """
        with zipfile.ZipFile(self.path) as archive:
            changed = {}
            for name, survey in self.surveys.items():
                if survey.rows * survey.columns <= _MOST_CELLS:
                    continue
                text = archive.read(name)
                places = [(int(row), _column_number(letters)) for letters, row in _CELL.findall(text)]
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
        survey = self.surveys.get(part, _Survey())
        found = [
            _rows(
                "hidden",
                survey.hidden,
                "ligne masquée, lue comme les autres",
                "lignes masquées, lues comme les autres",
            ),
            _cells("merged", survey.merged, "plage de cellules fusionnées", "plages de cellules fusionnées"),
            _cells(
                "formula",
                survey.formulas,
                "formule sans valeur enregistrée, lue vide",
                "formules sans valeur enregistrée, lues vides",
            ),
            _cells(
                "error",
                survey.errors,
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
