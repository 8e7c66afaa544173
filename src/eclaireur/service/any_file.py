"""A file of any kind read as what it is: a table, a document, an image, a map or a sound.

The command line, the desk's pages and its API all read here: they cannot tell three stories of one file.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.case import Progress, quiet
from eclaireur.service import describing, documents, reading as tables
from eclaireur.sources.documents import Document, read_document
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.media.described import Described, Kind
from eclaireur.sources.media.sniff import kind_of
from eclaireur.sources.reading import Outcome, Reading

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from eclaireur.core.view import Block

__all__ = ["AnyFile", "Wanted", "file_json", "read_file", "report_of", "show_file"]

_PICTURES = frozenset({Kind.IMAGE, Kind.RASTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a file is to be read.

    Parameters
    ----------
    sheet
        Sheet of a workbook, or layer of a map; by default the first.
    form
        ``table`` or ``document`` where a person settled it; empty to find out.
    data
        Also give the shapes of a map or the samples of a sound.
    to
        Parquet file where a table that is too large to be held is written.
    seconds
        Time granted to a document, the recognition of its images included.
    recognise
        Look for text in images.
    """

    sheet: str | None = None
    form: str = ""
    data: bool = False
    to: Path | None = None
    seconds: int = 25
    recognise: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyFile:
    """What a file was read as: one of the three, or a picture with the text that it shows.

    Parameters
    ----------
    late
        Pages that are images were left for want of time.
    looked
        Text was looked for in the picture, and none was found.
    """

    table: Reading | None = None
    document: Document | None = None
    described: Described | None = None
    late: bool = False
    looked: bool = False

    @property
    def main(self) -> Reading | Document | Described:
        """What says of the whole: of a picture with text, the text."""
        found = self.table or self.document or self.described
        if found is None:
            raise ValueError("nothing was read")
        return found

    @property
    def outcome(self) -> Outcome:
        """One of the three."""
        return self.main.outcome

    @property
    def notes(self) -> tuple[int, int]:
        """How many repairs and how many doubts."""
        found = [one for one in (self.table, self.document, self.described) if one is not None]
        return sum(len(one.repairs) for one in found), sum(len(one.doubts) for one in found)


def read_file(
    path: Path,
    wanted: Wanted | None = None,
    *,
    reader: Isolated | None = None,
    name: str = "",
    progress: Progress = quiet,
) -> AnyFile:
    """Read a file in a confined child, as what its bytes say that it is.

    Parameters
    ----------
    reader
        A child to use again; by default one is started and ended.
    name
        What its owner calls it, where it lies under another name.

    Raises
    ------
    ExtraMissingError
        If a document needs a library that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("Ville;Nb\\nNice;12\\n")
    >>> found = read_file(path)
    >>> str(found.outcome), found.table.count
    ('lu', 1)
    """
    asked = wanted or Wanted()
    lent: AbstractContextManager[Isolated] = Isolated() if reader is None else nullcontext(reader)
    with lent as child:
        found = _read(path, asked, child, progress)
    return found if not name else _named(found, name)


def _read(path: Path, asked: Wanted, child: Isolated, progress: Progress) -> AnyFile:
    kind = None if asked.form == "document" else kind_of(path)
    if kind is not None:
        return _look(path, kind, asked, child, progress)
    tabular = asked.form == "table" or asked.sheet is not None
    if asked.form == "document" or (not tabular and documents.is_document_file(path)):
        return _written(path, asked, child, progress)
    reading = _table(path, asked, child, progress)
    # Text, unless a table is found in it.
    if reading.outcome is Outcome.REFUSE and not tabular and documents.is_text_file(path):
        return _written(path, asked, child, progress)
    return AnyFile(table=reading)


def _written(path: Path, asked: Wanted, child: Isolated, progress: Progress) -> AnyFile:
    document = _document(path, asked, child, progress)
    return AnyFile(document=document, late=_late(document))


def _table(path: Path, asked: Wanted, child: Isolated, progress: Progress) -> Reading:
    size = path.stat().st_size if path.is_file() else 0
    return child.read(
        path,
        sheet=asked.sheet,
        to=asked.to,
        progress=lambda done: progress(min(done, size), size, "Lecture du fichier"),
    )


def _document(path: Path, asked: Wanted, child: Isolated, progress: Progress) -> Document:
    return read_document(
        path,
        reader=child,
        seconds=asked.seconds,
        recognise=asked.recognise,
        progress=lambda page, pages: progress(page - 1, pages, f"Page {page} sur {pages} : lecture d’image"),
    )


def _look(path: Path, kind: Kind, asked: Wanted, child: Isolated, progress: Progress) -> AnyFile:
    options = {"layer": asked.sheet} if kind is Kind.VECTOR and asked.sheet else {}
    found = child.look(path, kind, data=asked.data and kind not in _PICTURES, **options)
    if asked.form == "table" or not _may_hold_text(found):
        return AnyFile(described=found)
    document = _document(path, asked, child, progress)
    if document.outcome is Outcome.REFUSE:
        return AnyFile(described=found, late=_late(document), looked=True)
    return AnyFile(described=found, document=document, late=_late(document))


def _late(document: Document) -> bool:
    return any(one.kind == "ocr_late" for one in document.doubts)


def _may_hold_text(found: Described) -> bool:
    """Tell a picture that may be a scanned page; one that was refused never reaches another reader."""
    if found.kind in _PICTURES and "eclaireur install" in found.fix:
        return True  # the part that reads maps is absent: a scanned page needs none of it
    return found.kind in _PICTURES and not found.reason and not found.facts.get("bounds")


def _named(found: AnyFile, name: str) -> AnyFile:
    return replace(
        found,
        table=found.table and replace(found.table, file=name),
        document=found.document and replace(found.document, file=name),
        described=found.described and replace(found.described, file=name),
    )


def file_json(found: AnyFile) -> dict[str, Any]:
    """Return what was read as a JSON object; of a picture with text, the text first."""
    if found.table is not None:
        return tables.reading_json(found.table)
    if found.document is None:
        return describing.description_json(_described(found))
    said = documents.document_json(found.document)
    if found.described is None:
        return said
    return {**said, "image": describing.description_json(found.described)}


def _described(found: AnyFile) -> Described:
    if found.described is None:
        raise ValueError("nothing was read")
    return found.described


def show_file(found: AnyFile) -> tuple[Block, ...]:
    """Return what was read as view blocks."""
    if found.table is not None:
        return tables.show_reading(found.table)
    blocks = () if found.described is None else describing.show_description(found.described)
    return blocks if found.document is None else (*blocks, *documents.show_document(found.document))


def report_of(found: AnyFile) -> str:
    """Write, as plain text to send back to who made the file, what it holds and what to correct in it."""
    if found.table is not None:
        return tables.report_text(found.table)
    if found.document is not None:
        return documents.document_report(found.document)
    return describing.description_text(_described(found))
