"""Reads one table from a file of any common form, text first: cells stay as they were written."""

from __future__ import annotations

import gzip
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.sources import delimited, markup, places, workbook
from eclaireur.sources.blocks import IrregularError
from eclaireur.sources.doubts import doubtful
from eclaireur.sources.edges import trimmed
from eclaireur.sources.feeding import Done, Sink, nothing
from eclaireur.sources.framing import frame
from eclaireur.sources.inside import OTHER, SPREADSHEETS, delimited_text
from eclaireur.sources.kinds import Decided, judge
from eclaireur.sources.large import hold, read_large, write_large
from eclaireur.sources.naming import distinct
from eclaireur.sources.reading import Column, Doubt, Outcome, Reading
from eclaireur.sources.refusals import EMPTY, EXPORT_AGAIN, RefusedError, unless_refused
from eclaireur.sources.rows import scan_rows
from eclaireur.sources.squaring import Framed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Limits", "read_or_refuse", "read_table", "write_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes above which a file is refused before it is expanded.

    Parameters
    ----------
    size, expanded
        Bytes of the file, and of what it expands to.
    ratio
        Greatest expansion; more is how archives that fill a disk are made.
    entries
        Files in an archive or a spreadsheet.
    large
        Delimited text from this size on is read block by block when it is regular.
    whole
        Greatest size of a text that must be held whole, which takes twenty times its size.
    unheld
        Delimited text from this size on is judged without being held.
    cells, held
        Cells from which a sheet is read batch after batch, and above which it must be.
    """

    size: int = 20_000_000_000
    expanded: int = 20_000_000_000
    ratio: int = 200
    entries: int = 2000
    large: int = 1_000_000
    whole: int = 150_000_000
    unheld: int = 50_000_000
    cells: int = 200_000
    held: int = 5_000_000


_TOLD = 10_000  # rows of a sheet between two words on how far it is
# Names of documents, pictures, projections and programs: a text under such a name is no table.
_NO_TABLE = frozenset({
    ".pdf", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".odp", ".png", ".jpg", ".jpeg", ".gif", ".tif",
    ".tiff", ".bmp", ".webp", ".wav", ".mp3", ".ogg", ".flac", ".prj", ".qpj", ".gpl", ".vrt", ".qgs", ".py",
    ".js", ".c", ".h", ".sh", ".eml", ".msg", ".mbox",
})  # fmt: skip
# NotImplementedError: an archive whose compression nobody uses any more.
_BROKEN = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, RecursionError, NotImplementedError)


def read_table(
    path: Path,
    *,
    sheet: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[int], None] = nothing,
) -> Reading:
    """Read one table; a file that cannot be read gives a reading that says why, never an exception.

    Parameters
    ----------
    path
        CSV or TSV in any usual encoding (plain or ``.gz``), XLSX, XLS, ODS, Parquet, JSON, JSON
        lines, GeoJSON, a table in a web page or XML, or a ZIP archive that holds one of them.
    sheet
        Sheet of a spreadsheet; by default the first that is not empty.
    progress
        Called with the bytes that are behind, as a large sheet is read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("SIRET;Ville\\n01234567890123;Évreux\\n", encoding="cp1252")
    >>> reading = read_table(path)
    >>> reading.table.to_pylist(), str(reading.outcome)
    ([{'SIRET': '01234567890123', 'Ville': 'Évreux'}], 'lu avec réserves')
    """
    chosen = limits or Limits()
    try:
        return _read(path, sheet, chosen, progress)
    except RefusedError as refusal:
        return Reading(file=path.name, outcome=Outcome.REFUSE, reason=refusal.reason, fix=refusal.fix)
    except _BROKEN as error:
        reason = f"le fichier est abîmé ou n'a pas la forme attendue ({type(error).__name__})."
        return Reading(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=EXPORT_AGAIN)


def read_or_refuse(path: Path, *, sheet: str | None = None, limits: Limits | None = None) -> Reading:
    """Read one table, or raise what a user can act on.

    Raises
    ------
    FileRefusedError
        If the file is refused.
    EmptyTableError
        If it holds nothing.
    """
    return unless_refused(read_table(path, sheet=sheet, limits=limits), path.name)


def _read(path: Path, sheet: str | None, limits: Limits, progress: Callable[[int], None]) -> Reading:
    if not path.exists():
        raise RefusedError("le fichier n'existe pas.", "Vérifiez son nom et son dossier.")
    if path.is_dir():
        raise RefusedError("c'est un dossier, un fichier était attendu.", "Choisissez un fichier.")
    size = path.stat().st_size
    if size > limits.size:
        raise RefusedError("le fichier est trop gros.", "Découpez-le, ou convertissez-le en Parquet.")
    if not size:
        raise RefusedError(EMPTY, "Vérifiez l'export, puis recommencez.")
    if path.suffix.lower() in _NO_TABLE:
        raise RefusedError(
            f"le nom de ce fichier ({path.suffix}) n'est pas celui d'un tableau.",
            "Donnez le tableau lui-même, en CSV ou en XLSX.",
        )
    with path.open("rb") as stream:
        start = stream.read(8)
    if start[:4] == b"PAR1":
        return _parquet(path)
    text = delimited_text(path, expanded=limits.expanded, ratio=limits.ratio)
    if text is not None and text.size >= limits.large:
        try:
            return read_large(text.open, path.name)
        except IrregularError:
            _refuse_whole(size, limits)
    if start[:2] == b"\x1f\x8b":
        return _from_bytes(path.name, _gunzip(path, limits))
    if start.startswith(SPREADSHEETS):
        return _archive(path, sheet, limits, progress)
    return _from_bytes(path.name, path.read_bytes())


def write_table(
    path: Path,
    target: Path | None,
    *,
    progress: Callable[[int], None],
    limits: Limits | None = None,
) -> Reading | None:
    """Read a large delimited file without holding it; None when it must be read as `read_table` does.

    Parameters
    ----------
    target
        Parquet file to write; None to judge the file alone.
    progress
        Called with the bytes that are behind.
    """
    if not path.is_file():
        return None
    chosen = limits or Limits()
    try:
        text = delimited_text(path, expanded=chosen.expanded, ratio=chosen.ratio)
        least = chosen.unheld if target is None else chosen.large
        if text is None or text.size < least:
            return None
        return write_large(text.open, path.name, target, progress=progress)
    except IrregularError:
        return None
    except RefusedError as refusal:
        return Reading(file=path.name, outcome=Outcome.REFUSE, reason=refusal.reason, fix=refusal.fix)
    except _BROKEN as error:
        reason = f"le fichier est abîmé ou n'a pas la forme attendue ({type(error).__name__})."
        return Reading(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=EXPORT_AGAIN)


def _refuse_whole(size: int, limits: Limits) -> None:
    """Refuse a file that must be held whole and is too large for that.

    Raises
    ------
    RefusedError
        If it is.
    """
    if size > limits.whole:
        raise RefusedError(
            "ce fichier a des irrégularités (guillemets, encodages mêlés, lignes mal formées) et il est trop "
            f"gros pour être réparé ({size // 1_000_000} Mo, {limits.whole // 1_000_000} Mo au plus).",
            "Découpez-le en plusieurs fichiers, ou exportez-le de nouveau en CSV UTF-8.",
        )


def _from_bytes(name: str, data: bytes) -> Reading:
    if data.startswith(b"SQLite format 3"):
        raise RefusedError(
            "ce fichier est une base SQLite, qui peut contenir plusieurs tables.",
            f"Dites laquelle lire : sqlite:///{name}?table=nom",
        )
    if OTHER.match(data) or b"%PDF-" in data[:1024]:
        raise RefusedError(
            "ce fichier est un document, une image, un son ou un programme, pas un tableau.", EXPORT_AGAIN
        )
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] in {b"{", b"["}:
        return _json(name, data)
    if markup.is_markup(data):
        framed, doubts = markup.parse(data)
        return _reading(name, framed, doubts=doubts)
    found = delimited.parse(data)
    if found is None:
        raise RefusedError("aucun tableau n'a été reconnu dans ce fichier.", EXPORT_AGAIN)
    return _reading(name, found)


def _reading(name: str, found: Framed, *, doubts: Sequence[Doubt] = (), machine: bool = False) -> Reading:
    """Build a reading from rows of one width; empty cells become null."""
    import numpy as np
    import pyarrow as pa

    names, renamed = distinct(found.header)
    rows = found.rows
    columns: list[Sequence[str | None]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    arrays = [pa.array([cell or None for cell in column], pa.string()) for column in columns]
    table = pa.table(arrays, names=names)
    judged = [judge(one, table[one], found.lines, machine=machine) for one in names]
    said = (*doubts, *found.doubts, *(doubt for one in judged for doubt in one.doubts))
    said = (*said, *doubtful(table, found.lines))
    repairs = (*found.repairs, *renamed)
    typed = {
        name: _trimmed(table[name]) if one.typed is None else one.typed
        for name, one in zip(names, judged, strict=True)
    }
    return Reading(
        file=name,
        outcome=Outcome.LU_AVEC_RESERVES if repairs or said else Outcome.LU,
        table=table,
        typed=pa.table(typed),
        columns=tuple(
            Column(name=one, kind=str(found.kind), unit=found.unit)
            for one, found in zip(names, judged, strict=True)
        ),
        repairs=repairs,
        doubts=said,
        lines=np.array(found.lines, dtype=np.int64),
    )


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return pa.chunked_array([trimmed(column.combine_chunks())], pa.string())


def _gunzip(path: Path, limits: Limits) -> bytes:
    bound = min(limits.expanded, max(path.stat().st_size * limits.ratio, 1_000_000), 1_000_000_000)
    with gzip.open(path) as stream:
        data = stream.read(bound + 1)
    if len(data) > bound:
        raise RefusedError("ce fichier compressé grossit démesurément.", "Envoyez-le sans compression.")
    if not data:
        raise RefusedError(EMPTY, "Vérifiez l'export, puis recommencez.")
    return data


def _archive(path: Path, sheet: str | None, limits: Limits, progress: Callable[[int], None]) -> Reading:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(path, entries, limits)
            names = {entry.filename for entry in entries}
            if not names & {"[Content_Types].xml", "content.xml"}:
                return _zipped(path.name, archive, entries)
    return _spreadsheet(path, sheet, limits, progress)


def _check_entries(path: Path, entries: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = max(path.stat().st_size, 1)
    too_much = total > limits.expanded or total > max(packed * limits.ratio, 10_000_000)
    if len(entries) > limits.entries or too_much or total < 0:
        raise RefusedError("cette archive grossit démesurément ou contient trop de fichiers.", EXPORT_AGAIN)
    if any(entry.flag_bits & 1 for entry in entries):
        raise RefusedError("ce fichier est protégé par un mot de passe.", "Retirez la protection.")


def _zipped(name: str, archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> Reading:
    named = [entry for entry in entries if entry.filename]  # an archive may hold entries without a name
    files = [entry for entry in named if not entry.is_dir() and not entry.filename.startswith("__MACOSX")]
    if len(files) != 1:
        raise RefusedError(
            f"cette archive contient {len(files)} fichiers, un seul était attendu.",
            "Donnez directement le fichier du tableau.",
        )
    with archive.open(files[0]) as stream:
        data = stream.read(files[0].file_size + 1)
    if len(data) > files[0].file_size:
        raise RefusedError("cette archive ment sur sa taille.", EXPORT_AGAIN)
    return _from_bytes(name, data)


def _spreadsheet(path: Path, sheet: str | None, limits: Limits, progress: Callable[[int], None]) -> Reading:
    found = workbook.read_sheet(path, sheet)
    if found.cells >= limits.cells:
        try:
            return _large_sheet(path, found, progress)
        except IrregularError:
            if found.cells > limits.held:
                raise RefusedError(
                    "cette feuille a des valeurs trop irrégulières pour sa taille "
                    f"({french.number(found.cells)} cellules, {french.number(limits.held)} au plus).",
                    "Enregistrez-la en CSV UTF-8, ou découpez-la en plusieurs classeurs.",
                ) from None
    rows = list(found.rows())
    if not rows:
        raise RefusedError(EMPTY, "Vérifiez l'export, puis recommencez.")
    framed = frame([row for _, row in rows], [number for number, _ in rows])
    return _reading(path.name, framed, doubts=found.doubts, machine=True)


def _large_sheet(path: Path, sheet: workbook.Sheet, progress: Callable[[int], None]) -> Reading:
    size = path.stat().st_size

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, row in sheet.rows():
            if not number % _TOLD:
                progress(size * min(number, sheet.height) // sheet.height)
            yield number, row

    def scan(sink: Sink, restart: Callable[[], None], known: Sequence[Decided]) -> Done:
        return scan_rows(rows, sink, restart=restart, known=known)

    reading = hold(scan, path.name)
    outcome = Outcome.LU_AVEC_RESERVES if sheet.doubts else reading.outcome
    return replace(reading, outcome=outcome, doubts=(*sheet.doubts, *reading.doubts))


def _parquet(path: Path) -> Reading:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        flat = [column.cast(pa.string()) for column in table.columns]
    except (pa.ArrowException, OSError) as error:
        raise RefusedError("ce fichier Parquet ne peut pas être lu.", EXPORT_AGAIN) from error
    rows = list(zip(*(column.to_pylist() for column in flat), strict=True))
    cells = [["" if cell is None else cell for cell in row] for row in rows]
    return _listed(path.name, table.column_names, cells)


def _listed(name: str, header: list[str], rows: list[list[str]]) -> Reading:
    """Build a reading from records that a program wrote: no line but their rank."""
    found = Framed(header=header, rows=rows, lines=list(range(1, len(rows) + 1)))
    return _reading(name, found, machine=True)


def _json(name: str, data: bytes) -> Reading:
    text = data.decode("utf-8-sig")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = [json.loads(line) for line in text.splitlines() if line.strip()]
    doubts: list[Doubt] = []
    if isinstance(content, dict) and isinstance(content.get("features"), list):
        doubts = places.doubts(content)
        content = [feature.get("properties") or {} for feature in content["features"]]
    if isinstance(content, dict):
        content = [content]
    if not content or not all(isinstance(row, dict) for row in content):
        raise RefusedError("ce fichier JSON ne contient pas une liste d'objets.", EXPORT_AGAIN)
    header = list(dict.fromkeys(key for row in content for key in row))
    write: Callable[[Any], str] = _json_cell
    rows = [[write(row.get(key)) for key in header] for row in content]
    found = _listed(name, header, rows)
    if not doubts:
        return found
    return replace(found, doubts=(*doubts, *found.doubts), outcome=Outcome.LU_AVEC_RESERVES)


def _json_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
