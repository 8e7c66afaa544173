"""Snapshots: the bytes of a source at one time, dated, hashed, with their licence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from eclaireur.core import canonical
from eclaireur.core.errors import EmptyTableError, RefusedError
from eclaireur.core.lake import Lake
from eclaireur.core.types import Snapshot, SnapshotFile, Source

__all__ = ["folder", "latest", "snapshots", "take", "verify"]

_CARD = "snapshot.json"
_RAW = "raw"
_CHUNK = 1 << 20


def take(
    lake: Lake, source: Source, fill: Callable[[Path], None], *, clock: Callable[[], datetime]
) -> Snapshot:
    """Let ``fill`` write raw files into an empty folder, and publish them as one snapshot.

    The same bytes twice are one snapshot, which keeps its first date. When ``fill`` fails, nothing
    is left.

    Raises
    ------
    EmptyTableError
        If ``fill`` wrote no file.
    RefusedError
        If it made a symbolic link.
    """
    with lake.stage() as waiting:
        raw = waiting / _RAW
        raw.mkdir()
        fill(raw)
        files = _files(raw)
        if not files:
            raise EmptyTableError(f"la source « {source.title} » n'a donné aucun fichier.")
        digest = canonical.digest([[file.path, file.sha256] for file in files])
        address = f"snapshots/{source.name}/{digest[:12]}"
        found = Snapshot(
            id=address.removeprefix("snapshots/"),
            source=source.name,
            taken=clock(),
            sha256=digest,
            licence=source.licence,
            origin=source.origin,
            files=files,
        )
        (waiting / _CARD).write_text(_to_json(found), encoding="utf-8")
        lake.settle(waiting, address)
    lake.note(f"snapshots/{source.name}", found.id, clock())
    return _read(lake, address)


def _files(raw: Path) -> tuple[SnapshotFile, ...]:
    found = []
    for path in sorted(raw.rglob("*")):
        if path.is_symlink():
            raise RefusedError("un lien symbolique ne peut pas entrer dans les données.", file=path.name)
        if path.is_file():
            found.append(
                SnapshotFile(
                    path=path.relative_to(raw).as_posix(), bytes=path.stat().st_size, sha256=_sha256(path)
                )
            )
    return tuple(found)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
    content = json.loads((lake.folder(address) / _CARD).read_text(encoding="utf-8"))
    return Snapshot(
        id=address.removeprefix("snapshots/"),
        source=content["source"],
        taken=datetime.fromisoformat(content["taken"]),
        sha256=content["sha256"],
        licence=content["licence"],
        origin=content["origin"],
        files=tuple(SnapshotFile(**file) for file in content["files"]),
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
    seen = lake.notes(f"snapshots/{source}")
    return _read(lake, f"snapshots/{seen[-1]}") if seen else None


def folder(lake: Lake, snapshot: Snapshot) -> Path:
    """Return the folder of the raw files of a snapshot."""
    return lake.folder(f"snapshots/{snapshot.id}") / _RAW


def verify(lake: Lake, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the files of a snapshot whose bytes changed or that are gone; empty when all is well."""
    raw = folder(lake, snapshot)
    changed = []
    for file in snapshot.files:
        path = raw / file.path
        if not path.is_file() or _sha256(path) != file.sha256:
            changed.append(file.path)
    return tuple(changed)
