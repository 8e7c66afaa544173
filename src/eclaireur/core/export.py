"""Tables that agents open: XLSX, ODS, CSV and PDF in French form, in which no cell can become a formula.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` (OWASP, *CSV Injection*). Cells of
XLSX and ODS are written as text or numbers, never as formulas or links; CSV has no types, so `safe_cell`
puts an apostrophe before such a text.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.types import Drawn

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMS", "Column", "safe_cell", "write_list", "write_rows", "write_sheet"]

_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_REASONS = 3
_ROWS = 1_048_575
"""Rows of an XLSX sheet under its header."""
_CELL = 32_767
"""Characters of an XLSX cell."""
_EXACT = 2**53
"""Above it a spreadsheet, which knows only floats, would change an integer."""
_WIDEST = 70
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


_SHARE = "0.0%"
"""Number format of a share in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: French heading, values, and the number format of its cells.

    A value that is a tuple is several lines in one cell.
    """

    heading: str
    values: Sequence[Any]
    form: str = ""
    wrap: bool = False


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    >>> safe_cell("=1+1"), safe_cell("Chez Léa")
    ("'=1+1", 'Chez Léa')
    """
    return f"'{text}" if text.startswith(_TRIGGERS) else text


def write_list(
    worklist_table: pa.Table, signals_table: pa.Table, output: Path, *, mentions: Mapping[str, str]
) -> None:
    """Write a working list, whole or not at all, in the form that the name of the file asks for.

    When some items were drawn at random, the file holds neither rank, score nor how an item was drawn:
    they would tell which items are random before they are judged.

    Parameters
    ----------
    worklist_table, signals_table
        Tables of `core.tables.worklist_schema` and `core.tables.signals_schema`.
    output, mentions
        As for `write_rows`.
    """
    write_rows(_columns(worklist_table, signals_table), output, mentions=mentions)


def write_rows(
    columns: Sequence[Column], output: Path, *, mentions: Mapping[str, str], title: str = "Liste"
) -> None:
    """Write rows that agents open, whole or not at all; the same rows give the same bytes.

    Parameters
    ----------
    columns
        Columns of the same length, in order.
    output
        File to write: ``.xlsx``, ``.ods`` (mentions on a second sheet), ``.csv`` (UTF-8 with a mark,
        ``;``, decimal comma; mentions at the end of every line, so that a line copied elsewhere keeps
        them) or ``.pdf`` (mentions on the last page, and ``Mention`` at the foot of each).
    mentions
        French heading → what must be said with the list (calculation, data, model, limits, appeal).
    title
        Name of the first sheet, title of the document.

    Raises
    ------
    BadValueError
        If the file cannot be written there, its name ends otherwise, or the list is longer than a sheet.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "liste.csv"
    >>> write_rows([Column("Nom", ["=1+1"])], target, mentions={"Mention": "L'agent décide."})
    >>> target.read_text(encoding="utf-8-sig").splitlines()
    ['Nom;Mentions', "'=1+1;Mention : L'agent décide."]
    """
    form = output.suffix.lower().lstrip(".")
    if form not in FORMS:
        known = ", ".join(f".{one}" for one in FORMS)
        raise BadValueError(
            f"forme de liste inconnue : « {output.suffix} ».",
            file=str(output),
            fix=f"Choisissez un nom qui finit par {known}.",
        )
    if form in {"xlsx", "ods"}:
        _check_size(columns)
    _put(output, lambda target: FORMS[form](target, columns, mentions, title))


def _mentions(mentions: Mapping[str, str]) -> list[Column]:
    return [Column("Mention", list(mentions)), Column("Texte", list(mentions.values()), wrap=True)]


def _write_xlsx(target: Path, columns: Sequence[Column], mentions: Mapping[str, str], title: str) -> None:
    _workbook(target, {title: columns, "Mentions": _mentions(mentions)})


def _write_ods(target: Path, columns: Sequence[Column], mentions: Mapping[str, str], title: str) -> None:
    from eclaireur.core.ods import OdsSheet, write_ods

    write_ods(
        target,
        {
            name: OdsSheet(
                headings=[column.heading for column in some],
                rows=zip(*(column.values for column in some), strict=True),
                widths=[_width(column) for column in some],
                shares=frozenset(at for at, column in enumerate(some) if column.form == _SHARE),
            )
            for name, some in {title: columns, "Mentions": _mentions(mentions)}.items()
        },
        title=title,
    )


def _write_csv(target: Path, columns: Sequence[Column], mentions: Mapping[str, str], title: str) -> None:
    del title  # a CSV file has none
    said = " | ".join(f"{heading} : {text}" for heading, text in mentions.items())
    size = len(columns[0].values) if columns else 0
    kept = [*columns, Column("Mentions", [said] * size)]
    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        writer.writerow([safe_cell(column.heading) for column in kept])
        for row in zip(*(column.values for column in kept), strict=True):
            writer.writerow([_text(value) for value in row])


def _write_pdf(target: Path, columns: Sequence[Column], mentions: Mapping[str, str], title: str) -> None:
    from eclaireur.core import view
    from eclaireur.core.pdf import write_pdf

    keys = [str(at) for at in range(len(columns))]
    table = view.Table(
        title="",
        columns=tuple(
            view.Column(
                key=key,
                title=column.heading,
                align="right" if any(isinstance(one, int | float) for one in column.values) else "left",
                kind="share" if column.form == _SHARE else "text",
            )
            for key, column in zip(keys, columns, strict=True)
        ),
        rows=[
            dict(zip(keys, row, strict=True))
            for row in zip(*(column.values for column in columns), strict=True)
        ],
    )
    write_pdf([table], target, title=title, mentions=mentions)


FORMS: dict[str, Callable[[Path, Sequence[Column], Mapping[str, str], str], None]] = {
    "xlsx": _write_xlsx,
    "ods": _write_ods,
    "csv": _write_csv,
    "pdf": _write_pdf,
}
"""Forms of a list, and what writes each."""


def write_sheet(table: pa.Table, target: Path, *, title: str) -> None:
    """Write any flat table as one sheet, headings as they are; `write_atomically` may give ``target``.

    Parameters
    ----------
    table
        Columns of text, numbers, booleans, dates or times; anything else is written as text.
    target
        ``.xlsx`` file.
    title
        Name of the sheet.

    Raises
    ------
    BadValueError
        If the table has more rows than a sheet.
    """
    import pyarrow as pa

    columns = []
    for name in table.column_names:
        kind = table.schema.field(name).type
        form = "dd/mm/yyyy" if pa.types.is_date(kind) else ""
        form = "dd/mm/yyyy hh:mm" if pa.types.is_timestamp(kind) else form
        columns.append(Column(name, table[name].to_pylist(), form))
    _workbook(target, {title: columns})


def _put(output: Path, write: Callable[[Path], None]) -> None:
    try:
        write_atomically(output, write)
    except OSError as error:
        raise BadValueError(
            f"impossible d'écrire ce fichier ({error.strerror or error}).",
            file=str(output),
            fix="Choisissez un autre dossier.",
        ) from error


def _columns(worklist: pa.Table, signals: pa.Table) -> list[Column]:
    import pyarrow.compute as pc

    listed = worklist.sort_by("position").to_pylist()
    found = signals.filter(pc.is_in(signals["signal"], value_set=worklist["signal"].combine_chunks()))
    known = {row["signal"]: row for row in found.to_pylist()}
    rows = [(item, known.get(item["signal"], {})) for item in listed]
    columns = [
        Column("Position", [item["position"] for item in listed]),
        Column("Identifiant", [item["subject"].partition(":")[2] for item in listed]),
        Column("Nom", [signal.get("name") for _, signal in rows], wrap=True),
        Column("Secteur", [item["area"] for item in listed]),
    ]
    if all(item["drawn"] == Drawn.MODEL for item in listed):
        columns.append(Column("Rang", [item["rank"] for item in listed]))
        if rows and all(signal.get("calibrated") for _, signal in rows):
            columns.append(Column("Risque estimé", [item["score"] for item in listed], _SHARE))
    reasons = [_reasons(signal.get("reasons")) for _, signal in rows]
    columns.append(Column("Raisons", reasons, wrap=True))
    return columns


def _reasons(reasons: Iterable[Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Return what raises the signal most, in the same form for every item."""
    up = sorted((one for one in reasons or () if one["weight"] > 0), key=lambda one: -one["weight"])
    return tuple(one["sentence"] for one in up[:_REASONS])


def _text(value: Any) -> str:
    """Return a value as CSV text in French form."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float):
        return repr(value).replace(".", ",")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):  # datetime too
        return french.moment(value) if isinstance(value, datetime) else french.day(value)
    if isinstance(value, tuple):
        return safe_cell(" | ".join(value))
    return safe_cell(str(value))


def _check_size(columns: Sequence[Column]) -> None:
    size = max((len(column.values) for column in columns), default=0)
    if size > _ROWS:
        raise BadValueError(
            f"{size} lignes : une feuille de calcul n'en contient que {_ROWS}.",
            fix="Choisissez un fichier .csv ou .parquet.",
        )


def _workbook(target: Path, sheets: Mapping[str, Sequence[Column]]) -> None:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    for columns in sheets.values():
        _check_size(columns)
    with xlsxwriter.Workbook(str(target), options) as book:
        # The same list gives the same bytes: no hour of writing.
        book.set_properties({"created": _EPOCH.replace(tzinfo=None)})
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        for title, columns in sheets.items():
            forms = [
                book.add_format(
                    {"valign": "top", "text_wrap": column.wrap}
                    | ({"num_format": column.form} if column.form else {})
                )
                for column in columns
            ]
            _fill(book.add_worksheet(title), columns, head, forms)


def _fill(sheet: Any, columns: Sequence[Column], head: Any, forms: Sequence[Any]) -> None:
    rows = max((len(column.values) for column in columns), default=0)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _width(column))
        sheet.write_string(0, at, column.heading, head)
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, rows, len(columns) - 1)
    for line, row in enumerate(zip(*(column.values for column in columns), strict=True), start=1):
        for at, value in enumerate(row):
            _cell(sheet, line, at, value, forms[at])


def _width(column: Column) -> float:
    lines = (line for value in column.values[:1000] for line in _lines(value))
    return min(max(len(column.heading) + 3, *(len(line) + 1 for line in lines), 8), _WIDEST)


def _lines(value: Any) -> Sequence[str]:
    return value if isinstance(value, tuple) else str(value or "").split("\n")


def _cell(sheet: Any, line: int, at: int, value: Any, form: Any) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(line, at, None, form)
    elif isinstance(value, bool):
        sheet.write_string(line, at, "oui" if value else "non", form)
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT):
        sheet.write_number(line, at, value, form)
    elif isinstance(value, date):  # datetime too
        sheet.write_datetime(line, at, value, form)
    else:
        text = "\n".join(value) if isinstance(value, tuple) else str(value)
        # Longer texts make xlsxwriter drop the cell without a word: cut them and show it.
        sheet.write_string(line, at, text if len(text) <= _CELL else f"{text[: _CELL - 1]}…", form)
