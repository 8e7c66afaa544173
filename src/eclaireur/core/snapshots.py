"""Snapshots: the bytes of a source at one time, dated, hashed, with their licence.

A snapshot lies at ``snapshots/<source>/<first 12 digits of its SHA-256>``: ``snapshot.json``, and the
files as they came under ``raw/``. Its hash is that of the names and hashes of its files, so the same bytes
fetched again are the same snapshot; when they were seen again is written in the log of the source.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from eclaireur.core import canonical
from eclaireur.core.errors import EclaireurError, EmptyTableError, RefusedError
from eclaireur.core.files import write_atomically
from eclaireur.core.lake import Lake
from eclaireur.core.types import Snapshot, SnapshotFile, Source

__all__ = ["describe_again", "find", "folder", "latest", "snapshots", "take", "verify"]

_CARD = "snapshot.json"
_RAW = "raw"


def take(
    lake: Lake, source: Source, fill: Callable[[Path], None], *, clock: Callable[[], datetime]
) -> Snapshot:
    """Let ``fill`` write raw files into an empty folder, and publish them as one snapshot.

    The same bytes twice are one snapshot, which keeps its first date. When ``fill`` fails, nothing
    is left.

    Parameters
    ----------
    lake
        Where the snapshot is published.
    source
        What the files come from; its name becomes part of the address.
    fill
        Writes files and folders into the folder it is given.
    clock
        Gives the date of the snapshot.

    Raises
    ------
    EmptyTableError
        If ``fill`` wrote no file.
    RefusedError
        If it made a symbolic or hard link, or something else than a file: what lies outside the
        snapshot could change what is in it.
    """
    with lake.stage() as waiting:
        raw = waiting / _RAW
        raw.mkdir()
        fill(raw)
        files = tuple(_described(path, raw) for path in _inside(raw))
        if not files:
            raise EmptyTableError(f"la source « {source.title} » n'a donné aucun fichier.")
        digest = canonical.digest([[file.path, file.sha256] for file in files])
        address = f"snapshots/{source.name}/{digest[:12]}"
        taken = clock()
        found = Snapshot(
            id=address.removeprefix("snapshots/"),
            source=source.name,
            taken=taken,
            sha256=digest,
            licence=source.licence,
            origin=source.origin,
            files=files,
        )
        (waiting / _CARD).write_text(_to_json(found), encoding="utf-8")
        lake.settle(waiting, address)
    kept = _read(lake, address)
    if kept.sha256 != digest:
        raise _altered(lake.folder(address) / _CARD)
    lake.note(f"snapshots/{source.name}", found.id, taken)
    return kept


def describe_again(lake: Lake, address: str) -> Snapshot:
    """Write what a snapshot holds anew, after rows were erased from its files: its address stays."""
    folder_of = lake.folder(address)
    kept = _card(folder_of / _CARD, address)
    raw = folder_of / _RAW
    files = tuple(_described(path, raw) for path in _inside(raw))
    digest = canonical.digest([[file.path, file.sha256] for file in files])
    found = replace(kept, files=files, sha256=digest)
    text = _to_json(found)
    write_atomically(folder_of / _CARD, lambda path: _write(path, text))
    return found


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _inside(raw: Path) -> Iterator[Path]:
    """Give the files of a folder by path; refuse what is not a plain file of this folder alone."""
    found: list[Path] = []
    for directory, folders, names in os.walk(raw):
        for path in (Path(directory) / name for name in (*folders, *names)):
            kind = path.lstat()
            if stat.S_ISDIR(kind.st_mode):
                continue
            if not stat.S_ISREG(kind.st_mode) or kind.st_nlink > 1:
                raise RefusedError(
                    "un lien symbolique, dur, ou un fichier spécial ne peut pas entrer dans les données.",
                    file=path.relative_to(raw).as_posix(),
                    fix="Remplacez-le par une copie du fichier.",
                )
            found.append(path)
    yield from sorted(found, key=lambda path: path.relative_to(raw).as_posix())


def _described(path: Path, raw: Path) -> SnapshotFile:
    return SnapshotFile(
        path=path.relative_to(raw).as_posix(), bytes=path.stat().st_size, sha256=_sha256(path)
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _to_json(snapshot: Snapshot) -> str:
    content = {
        "source": snapshot.source,
        "taken": snapshot.taken.isoformat(),
        "sha256": snapshot.sha256,
        "licence": snapshot.licence,
        "origin": snapshot.origin,
        "files": [{"path": f.path, "bytes": f.bytes, "sha256": f.sha256} for f in snapshot.files],
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def _read(lake: Lake, address: str) -> Snapshot:
    file = lake.folder(address) / _CARD
    found = _card(file, address)
    if canonical.digest([[one.path, one.sha256] for one in found.files]) != found.sha256:
        raise _altered(file)
    return found


def _card(file: Path, address: str) -> Snapshot:
    try:
        content = canonical.parse(file.read_text(encoding="utf-8"))
        files = tuple(SnapshotFile(**one) for one in content["files"])
        return Snapshot(
            id=address.removeprefix("snapshots/"),
            source=content["source"],
            taken=datetime.fromisoformat(content["taken"]),
            sha256=content["sha256"],
            licence=content["licence"],
            origin=content["origin"],
            files=files,
        )
    except (FileNotFoundError, EclaireurError, LookupError, TypeError, ValueError) as error:
        raise _altered(file) from error


def _altered(file: Path) -> RefusedError:
    return RefusedError(
        "la description de ces données a été modifiée ou est illisible.",
        file=str(file),
        fix="Supprimez le dossier qui contient ce fichier, puis relancez eclaireur fetch.",
    )


def snapshots(lake: Lake, source: str) -> tuple[Snapshot, ...]:
    """Return the snapshots of a source, oldest first."""
    found = [_read(lake, address) for address in lake.addresses(f"snapshots/{source}")]
    return tuple(sorted(found, key=lambda snapshot: (snapshot.taken, snapshot.id)))


def latest(lake: Lake, source: str) -> Snapshot | None:
    """Return the snapshot taken last, or None.

    A source that goes back to bytes seen before gives its earlier snapshot again: what counts is
    when bytes were last seen, not when they were first.
    """
    published = set(lake.addresses(f"snapshots/{source}"))
    for seen in reversed(lake.notes(f"snapshots/{source}")):
        address = f"snapshots/{seen}"
        if address in published:
            return _read(lake, address)
    return None


def find(lake: Lake, id: str) -> Snapshot:  # noqa: A002 the name of the field
    """Return a snapshot by its id.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    return _read(lake, f"snapshots/{id}")


def folder(lake: Lake, snapshot: Snapshot) -> Path:
    """Return the folder of the raw files of a snapshot."""
    return lake.folder(f"snapshots/{snapshot.id}") / _RAW


def verify(lake: Lake, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the files of a snapshot that changed, are gone or were added; empty when all is well."""
    raw = folder(lake, snapshot)
    expected = {file.path: file.sha256 for file in snapshot.files}
    present = {path.relative_to(raw).as_posix(): path for path in raw.rglob("*") if not path.is_dir()}
    return tuple(
        name
        for name in sorted(expected | present)
        if name not in expected
        or name not in present
        or present[name].is_symlink()
        or _sha256(present[name]) != expected[name]
    )
