"""Erases a person from the data of a case: tables, indexes, kept texts and files, whatever was made of them.

What is made again from a source (`work.records`) leaves out whom the list of erasures holds, so that nobody
comes back by the file that a service sends each month. Tables lose the rows that concern the person and keep
their address: what was said of others can still be explained. A result that names them otherwise is erased
whole, and made again when it is asked for.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import snapshots
from eclaireur.core.errors import EclaireurError
from eclaireur.service.pseudonyms import pseudonym

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.card import Card
    from eclaireur.core.workspace import Workspace
    from eclaireur.service.work import Work

__all__ = [
    "Gone",
    "Trace",
    "addresses",
    "concerning",
    "erase_data",
    "marks_of",
    "replay",
    "tells",
    "traces",
    "without",
    "without_gone",
]

Gone = Callable[[Collection[str]], Collection[str]]
"""Of some names, tells those that are erased."""

_SHORTEST = 4
"""A name of fewer characters is looked for in the columns that name people, not inside other texts."""
_EVERYWHERE = ("subject", "record")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a person is, or was: ``kind`` in French, a path or an address, how many rows (0: the whole)."""

    kind: str
    place: str
    rows: int = 0


def marks_of(work: Work, name: str) -> tuple[str, ...]:
    """Return the names under which the data may know the person that a user names.

    As typed, as the case's subject, as this subject's bare key and as its pseudonym: a table may hold any.
    """
    found = [name.strip()]
    try:
        subject = work.case.identify(name)
    except EclaireurError:  # a person who is no subject of the case: a patient, a sender
        pass
    else:
        veiled = pseudonym(work.workspace, work.card.name, str(subject))
        found += [str(subject), subject.key, veiled, veiled.partition(":")[2]]
    return tuple(dict.fromkeys(one for one in found if one))


def concerning(card: Card, table: pa.Table, names: Collection[str]) -> pa.Table:
    """Return the rows of a table that concern a person, known by any of some names."""
    import pyarrow.compute as pc

    stays = _stays(card, table, set(names).intersection)
    return table.slice(0, 0) if stays is None else table.filter(pc.invert(stays))


def without(card: Card, table: pa.Table, gone: Gone) -> pa.Table:
    """Return a table without the rows that concern erased people.

    Parameters
    ----------
    gone
        Tells the names that are erased.
    """
    stays = _stays(card, table, gone)
    return table if stays is None else table.filter(stays)


def _stays(card: Card, table: pa.Table, gone: Gone) -> pa.ChunkedArray | None:
    """Tell which rows stay; None when all do."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keep = None
    for names in (*((one,) for one in _EVERYWHERE), *card.concerns):
        if not set(names) <= set(table.column_names):
            continue
        columns = [table[name].cast(pa.string()) for name in names]
        value = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, " ")
        erased = gone([one for one in value.unique().to_pylist() if one is not None])
        if erased:
            stays = pc.invert(pc.fill_null(pc.is_in(value, pa.array(sorted(erased), pa.string())), False))
            keep = stays if keep is None else pc.and_(keep, stays)
    return keep


def without_gone(work: Work, table: pa.Table) -> pa.Table:
    """Return a table without the rows of those who were erased from the case (see `core.erasures`)."""
    erasures = work.workspace.erasures
    return without(work.card, table, lambda names: erasures.gone(work.card.name, names))


def erase_data(work: Work, marks: Collection[str]) -> tuple[Trace, ...]:
    """Erase from the lake, the indexes and the kept files of a case; return what was erased, where.

    The list of erasures comes first: a process killed in the middle is finished by calling this again.
    """
    work.workspace.erasures.add(work.card.name, marks, work.workspace.clock())
    asked = set(marks)
    found = [*_index(work, asked.intersection), *_originals(work, marks), *_rows(work, asked.intersection)]
    lake = work.workspace.lake
    for address in [*addresses(work.workspace, work.card)]:
        if not any(tells(path, marks) for path in _files(lake.folder(address))):
            continue
        if address.startswith("snapshots/"):
            # The file of a source, which others publish: it is read without the person.
            found.append(Trace("fichier de la source, lu sans cette personne", address))
        else:
            lake.erase(address)
            found.append(Trace("résultat effacé, à refaire", address))
    return tuple(found)


def replay(work: Work) -> tuple[Trace, ...]:
    """Erase again from the lake and the indexes those whom the list of erasures holds."""
    case, erasures = work.card.name, work.workspace.erasures

    def gone(names: Collection[str]) -> set[str]:
        return erasures.gone(case, names)

    return (*_index(work, gone), *_rows(work, gone))


def _rows(work: Work, gone: Gone) -> Iterator[Trace]:
    for address in [*addresses(work.workspace, work.card)]:
        if rows := _tables(work, address, gone):
            yield Trace("lignes de tables", address, rows)


def addresses(workspace: Workspace, card: Card) -> Iterator[str]:
    """Give the addresses of the lake where the runs and the snapshots of a case lie."""
    lake = workspace.lake
    for stage in lake.prefixes(f"runs/{card.name}"):
        yield from lake.addresses(stage)
    for name in sorted({*(source.name for source in card.sources), "connected"}):
        yield from lake.addresses(f"snapshots/{card.name}-{name}")


def _tables(work: Work, address: str, gone: Gone) -> int:
    """Take the rows away from the Parquet files of an address; return how many they were."""
    import pyarrow.parquet as pq

    lake, count = work.workspace.lake, 0
    snapshot = address.startswith("snapshots/")
    for path in _files(lake.folder(address)):
        if path.suffix != ".parquet":
            continue
        table = pq.read_table(path)
        left = without(work.card, table, gone)
        if left.num_rows == table.num_rows:
            continue
        count += table.num_rows - left.num_rows
        lake.replace_table(path, left)
    if snapshot and count:
        snapshots.describe_again(lake, address)
    return count


def _index(work: Work, gone: Gone) -> Iterator[Trace]:
    from eclaireur.service import kept_texts, searching

    name, workspace = work.card.name, work.workspace
    if work.card.index is None or name not in searching.names(workspace):
        return
    known = [one.id for one in kept_texts.left(workspace, kept_texts.changes_of(workspace, name))]
    erased = sorted(gone(known))
    if erased:
        searching.delete(workspace, name, erased)
        yield Trace("documents de l'index, avec leurs vecteurs", name, len(erased))
        yield from _originals(work, erased)


def _originals(work: Work, marks: Iterable[str]) -> Iterator[Trace]:
    from eclaireur.service import originals

    for one in marks:
        if originals.forget(work.workspace, work.card.name, one):
            yield Trace("fichier d'origine", f"originals/{work.card.name}")


def traces(workspace: Workspace, words: Collection[str], *, apart: Collection[Path] = ()) -> list[Trace]:
    """Look for words in every file of a workspace, whatever it is packed in; return where they are.

    Tables, texts, archives, compressed files and databases are read; so are the indexes, whose documents are
    those that the lake keeps. Words of fewer than four characters are refused by giving nothing.

    Parameters
    ----------
    apart
        Folders that are left: weights of models that nobody here trained.
    """
    asked = [word for word in words if len(word) >= _SHORTEST]
    left = {workspace.home / "weights", workspace.home / "desk" / "static", *apart}
    return [
        Trace("fichier", path.relative_to(workspace.home).as_posix())
        for path in _files(workspace.home)
        if not left.intersection(path.parents) and tells(path, asked)
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def tells(path: Path, words: Collection[str]) -> bool:
    """Tell whether a file holds one of the words, of four characters or more."""
    asked = [form for word in words if len(word) >= _SHORTEST for form in _forms(word)]
    if not asked:
        return False
    if path.suffix == ".parquet":
        return any(form in content for content in _of_table(path) for form in asked)
    return any(form in content for content in _contents(path.read_bytes()) for form in asked)


def _forms(word: str) -> set[bytes]:
    """Return a word as files may write it: plain, or with the escapes of JSON."""
    escaped = json.dumps(word)[1:-1]
    return {word.encode(), escaped.encode(), word.encode("utf-16-le"), word.encode("latin-1", "ignore")}


def _contents(data: bytes) -> Iterator[bytes]:
    yield data
    try:
        if data[:2] == b"\x1f\x8b":
            yield gzip.decompress(data)
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for one in archive.namelist():
                    yield archive.read(one)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError):
        return


def _of_table(path: Path) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(20_000):
            rows: list[dict[str, Any]] = batch.to_pylist()
            yield json.dumps(rows, default=str, ensure_ascii=False).encode()
