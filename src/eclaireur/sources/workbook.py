"""Spreadsheets: the sheet that is read, its rows given one after the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclaireur.sources.reading import Doubt
from eclaireur.sources.refusals import EXPORT_AGAIN, RefusedError
from eclaireur.sources.workbook_parts import Parts

__all__ = ["Sheet", "read_sheet"]

_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet, and what was found around its values.

    Parameters
    ----------
    rows
        Gives the rows that are not empty, as text, with the number of each; called again to start again.
    cells
        Cells of the grid, empty ones included.
    height
        Rows from the first to the last that holds something, less one.
    """

    rows: Callable[[], Iterator[tuple[int, list[str]]]]
    cells: int
    height: int = 1
    doubts: tuple[Doubt, ...] = ()


def read_sheet(path: Path, sheet: str | None) -> Sheet:
    """Open a sheet of an XLSX, XLS or ODS workbook; by default, the first visible one that holds something.

    Hidden rows, merged cells, formulas without a value, cells in error and cells far from the table are
    said; no formula is run.

    Raises
    ------
    RefusedError
        If the workbook cannot be read, declares entities, is too large or holds no such sheet.
    """
    import python_calamine

    doubts: list[Doubt] = []
    source: Any = str(path)
    parts = Parts.open(path)
    if parts is not None:
        cleaned = parts.without_far_cells(doubts)
        source = io.BytesIO(cleaned) if cleaned else source
    try:
        book = python_calamine.load_workbook(source)
        chosen = _chosen(book, sheet, doubts)
    except python_calamine.PasswordError as error:
        raise RefusedError("ce fichier est protégé par un mot de passe.", "Retirez la protection.") from error
    except python_calamine.WorksheetNotFound as error:
        there = ", ".join(f"« {name} »" for name in book.sheet_names[:_NAMED])
        raise RefusedError(
            f"ce classeur n'a pas de feuille « {sheet} ».", f"Choisissez une de ses feuilles : {there}."
        ) from error
    except python_calamine.CalamineError as error:
        raise RefusedError("ce classeur ne peut pas être lu.", EXPORT_AGAIN) from error
    if chosen is None:
        return Sheet(rows=lambda: iter(()), cells=0, doubts=tuple(doubts))
    if parts is not None:
        doubts += parts.hidden_things(chosen.name)
    cells = chosen.total_height * chosen.total_width
    height = max(chosen.total_height, 1)
    return Sheet(rows=lambda: _rows(chosen), cells=cells, height=height, doubts=tuple(doubts))


def _chosen(book: Any, sheet: str | None, doubts: list[Doubt]) -> Any | None:
    """Return the sheet to read, None when all are empty; say which others hold something."""
    if sheet is not None:
        return book.get_sheet_by_name(sheet)
    visible = {one.name: str(one.visible).endswith("Visible") for one in book.sheets_metadata}
    chosen: Any | None = None
    others = []
    for name in sorted(book.sheet_names, key=lambda name: not visible.get(name, True)):
        # One sheet at a time is held, beside the one that is read.
        found = book.get_sheet_by_name(name) if name in visible else None
        if found is None or not _filled(found):
            continue
        if chosen is None:
            chosen = found
        else:
            others.append(name)
    if chosen is None:
        return None
    if not visible[chosen.name]:
        doubts.append(Doubt(kind="sheet", message=f"La feuille lue, « {chosen.name} », est masquée."))
    if others:
        said = ", ".join(f"« {other} »" + ("" if visible[other] else " (masquée)") for other in others[:10])
        message = f"Seule la feuille « {chosen.name} » est lue ; autres feuilles remplies : {said}."
        doubts.append(Doubt(kind="sheet", message=message))
    return chosen


def _filled(sheet: Any) -> bool:
    return any(value not in {"", None} for row in sheet.iter_rows() for value in row)


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not empty, as text, and the number of each."""
    if sheet.start is None:
        return
    left = [""] * sheet.start[1]  # the library leaves out the empty columns before the first filled one
    for number, row in enumerate(sheet.iter_rows(), start=1):
        written = [value if type(value) is str else _cell(value) for value in row]
        if any(written):
            yield number, left + written if left else written


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
