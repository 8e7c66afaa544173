"""Indexes of a workspace: built from documents kept in the lake, mended from them alone, and searched.

The lake keeps what was indexed (`kept_texts`), and what a build replaces is erased. The index itself is a
cache: when it is missing, of another version, cut, or behind the log (a process was killed), it is made
again or completed when it is next opened.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.encoders import encoder_of
from eclaireur.bricks.semantic.hybrid import Hybrid
from eclaireur.bricks.semantic.index import Document, Found, IndexDamagedError, Search, Spec
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import EclaireurError, NotFoundError, WorkFailedError
from eclaireur.core.files import write_atomically
from eclaireur.core.locking import exclusive
from eclaireur.service import kept_texts as kept

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.encoders import Encoder
    from eclaireur.bricks.semantic.weighing import Judged, Weighed
    from eclaireur.core.workspace import Workspace

__all__ = ["Stats", "add", "build", "delete", "find", "names", "opened", "stats", "try_encoder", "tune"]

_CURRENT = "current.json"
_WEIGHTS = "weights.json"
_ENCODER = "encoder.txt"
_WAIT = 60.0
_MOST_RANKED = 200_000
"""Documents beyond which no hybrid ranking is learnt: words alone rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What an index holds."""

    documents: int
    facets: tuple[str, ...]
    bytes: int
    changes: int
    hybrid: bool
    weights: dict[str, float]


def try_encoder(encoder: str) -> None:
    """Ask an encoder for one vector, before long work that needs it; see `build` for what is raised."""
    tried = encoder_of(encoder)
    if tried is not None:
        tried.queries(["essai"])


def names(workspace: Workspace) -> tuple[str, ...]:
    """Return the indexes of a workspace."""
    folder = workspace.home / "indexes"
    return tuple(sorted(one.name for one in folder.iterdir() if one.is_dir())) if folder.is_dir() else ()


def build(
    workspace: Workspace,
    name: str,
    documents: Sequence[Document],
    facets: tuple[str, ...] = (),
    *,
    encoder: str = "",
    wait: float = _WAIT,
    progress: Progress = quiet,
) -> int:
    """Make an index of documents, in place of the one of the same name; return how many it holds.

    Parameters
    ----------
    encoder
        Encoder for the ranking (`encoders.encoder_of`), used again by each search; empty for none.

    Raises
    ------
    WorkFailedError
        If another task still writes to it after ``wait`` seconds, or if the encoder does not answer.
    ExtraMissingError
        If the encoder is not installed.
    """
    spec = Spec(facets=facets)
    try_encoder(encoder)
    with _alone(workspace, name, wait):
        kept.keep(workspace, name, "build", documents=documents, facets=spec.facets)
        write_atomically(workspace.home / "indexes" / name / _ENCODER, lambda path: _write(path, encoder))
        return _made(workspace, name, progress).count()


def add(workspace: Workspace, name: str, documents: Sequence[Document], *, wait: float = _WAIT) -> int:
    """Add documents to an index, each replacing the one of the same id; return how many it holds."""
    _known(workspace, name)
    with _alone(workspace, name, wait):
        kept.keep(workspace, name, "add", documents=documents)
        return _settled(workspace, name).count()


def delete(
    workspace: Workspace,
    name: str,
    ids: Sequence[str],
    *,
    wait: float = _WAIT,
    progress: Progress = quiet,
) -> int:
    """Erase documents from an index and from what the lake keeps of it; return how many it holds.

    What is left is kept anew and the index made again from it, since the files of an index and the ranking
    learnt from it still hold a document that is only marked as deleted.
    """
    _known(workspace, name)
    with _alone(workspace, name, wait):
        index = _settled(workspace, name)
        if not any(index.get(one) for one in ids):
            return index.count()
        left = kept.left(workspace, kept.changes_of(workspace, name), set(ids))
        kept.keep(workspace, name, "build", documents=left, facets=index.spec.facets)
        return _made(workspace, name, progress).count()


def find(
    workspace: Workspace, name: str, search: Search, *, hybrid: bool = True
) -> tuple[Found, TantivyIndex]:
    """Answer a question to an index, which mends itself first when it must; return the index too.

    Parameters
    ----------
    hybrid
        Rank by meaning and letters too, when the ranking was learnt.
    """
    index = opened(workspace, name)
    note = ""
    if hybrid and _encoder(index.folder.parent):
        try:
            ranking = _ranking(index.folder, encoder_of(_encoder(index.folder.parent)))
            return (index.search(search) if ranking is None else ranking.search(index, search)), index
        except EclaireurError as error:
            note = f"Classement sans l'encodeur : {error.message}"
    ranking = _ranking(index.folder) if hybrid else None
    found = index.search(search) if ranking is None else ranking.search(index, search)
    return (replace(found, notes=(*found.notes, note)) if note else found), index


def opened(workspace: Workspace, name: str, *, thorough: bool = False) -> TantivyIndex:
    """Open an index, made again or completed from the lake when it must be."""
    _known(workspace, name)
    with suppress(IndexDamagedError, _Behind):
        return _ready(workspace, name, thorough=thorough)
    with _alone(workspace, name, _WAIT):
        return _settled(workspace, name, thorough=thorough)


def stats(workspace: Workspace, name: str) -> Stats:
    """Return what an index holds, after every file of it has been checked."""
    index = opened(workspace, name, thorough=True)
    ranking = _ranking(index.folder)
    size = sum(path.stat().st_size for path in index.folder.rglob("*") if path.is_file())
    return Stats(
        documents=index.count(),
        facets=index.spec.facets,
        bytes=size,
        changes=len(kept.changes_of(workspace, name)),
        hybrid=ranking is not None,
        weights=dict(ranking.weights) if ranking is not None else {},
    )


def tune(workspace: Workspace, name: str, judged: Sequence[Judged]) -> Weighed:
    """Choose the weights of the ranking on labelled queries, and store them with the index.

    Raises
    ------
    EmptyTableError
        If they are too few.
    """
    from eclaireur.bricks.semantic.weighing import weigh

    with _alone(workspace, name, _WAIT):
        index = _settled(workspace, name)
        ranking = _ranking(index.folder, encoder_of(_encoder(index.folder.parent)))
        if ranking is None:
            raise NotFoundError(
                f"l'index « {name} » n'a pas de classement appris.",
                fix="Refaites-le : ./eclaireur index build.",
            )
        weighed = weigh(ranking, index, judged)
        text = json.dumps(dict(weighed.weights))
        write_atomically(index.folder.parent / _WEIGHTS, lambda path: _write(path, text))
        replace(ranking, weights=weighed.weights).save_weights(index.folder / "hybrid")
    return weighed


def _known(workspace: Workspace, name: str) -> None:
    if not kept.changes_of(workspace, name):
        known = ", ".join(names(workspace)) or "aucun"
        raise NotFoundError(f"index inconnu : « {name} ».", fix=f"Index de ce dossier de travail : {known}.")


# --- The index made from them


class _Behind(Exception):  # noqa: N818 - not an error: the lake has changes that the index has not
    """The lake knows changes that the index does not hold yet."""


@contextmanager
def _alone(workspace: Workspace, name: str, wait: float) -> Iterator[None]:
    folder = workspace.home / "indexes" / kept.prefix(name).partition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    with _named_lock(folder / ".lock", name, wait):
        yield


@contextmanager
def _named_lock(path: Path, name: str, wait: float) -> Iterator[None]:
    entered = False
    try:
        with exclusive(path, timeout=wait):
            entered = True
            yield
    except WorkFailedError as error:
        if entered:
            raise
        raise WorkFailedError(
            f"l'index « {name} » est en cours d'écriture par une autre tâche.",
            fix="Attendez qu'elle finisse, puis relancez la commande.",
        ) from error


def _ready(workspace: Workspace, name: str, *, thorough: bool = False) -> TantivyIndex:
    """Open the index as it is, or say that it must be mended."""
    folder = workspace.home / "indexes" / name
    try:
        told = json.loads((folder / _CURRENT).read_text(encoding="utf-8"))
        data, applied = folder / str(told["folder"]), list(told["applied"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamagedError("l'index manque ou est illisible.", file=str(folder)) from error
    changes = kept.changes_of(workspace, name)
    if not changes or not applied or applied != changes[: len(applied)]:
        raise IndexDamagedError("l'index n'est pas celui des documents gardés.", file=str(folder))
    index = TantivyIndex.open(data, thorough=thorough)
    if applied != changes:
        raise _Behind
    return index


def _settled(workspace: Workspace, name: str, *, thorough: bool = False) -> TantivyIndex:
    """Return the index with every change of the lake; the writer's lock is held."""
    try:
        return _ready(workspace, name, thorough=thorough)
    except IndexDamagedError:
        return _made(workspace, name, quiet)
    except _Behind:
        folder = workspace.home / "indexes" / name
        told = json.loads((folder / _CURRENT).read_text(encoding="utf-8"))
        index = TantivyIndex.open(folder / told["folder"])
        changes = kept.changes_of(workspace, name)
        # Applying a change twice changes nothing, so a kill between commit and note is harmless.
        for address in changes[len(told["applied"]) :]:
            with index.writing() as writer:
                writer.add(kept.documents_of(workspace, address))
        _point(folder, told["folder"], changes)
        return index


def _made(workspace: Workspace, name: str, progress: Progress) -> TantivyIndex:
    """Make the index again from the lake, beside the old one, then put it in its place."""
    folder = workspace.home / "indexes" / name
    changes = kept.changes_of(workspace, name)
    fresh = f"data-{hashlib.sha256(repr(changes).encode()).hexdigest()[:16]}"
    data = folder / fresh
    shutil.rmtree(data, ignore_errors=True)
    schema = workspace.lake.table(changes[0], "documents", []).schema.metadata or {}
    index = TantivyIndex.create(data, Spec(facets=tuple(json.loads(schema.get(b"facets", b"[]")))))
    progress(0, 2, "Indexation")
    with index.writing() as writer:
        for number, address in enumerate(changes):
            writer.add(kept.documents_of(workspace, address), fresh=number == 0)
    progress(1, 2, "Apprentissage du classement")
    if index.count() <= _MOST_RANKED:
        _learnt(list(kept.left(workspace, changes)), folder).save(data / "hybrid")
    # Before the index is pointed at: a process killed here starts again, and nothing erased is left behind.
    for address in workspace.lake.addresses(kept.prefix(name)):
        if address not in changes:
            workspace.lake.erase(address)
    for old in folder.glob("data-*"):
        if old.name != fresh:
            shutil.rmtree(old)
    _point(folder, fresh, changes)
    return index


def _point(folder: Path, data: str, applied: Sequence[str]) -> None:
    text = json.dumps({"folder": data, "applied": list(applied)})
    write_atomically(folder / _CURRENT, lambda path: _write(path, text))


def _learnt(documents: Sequence[Document], folder: Path) -> Hybrid:
    """Learn the ranking; without the encoder when it does not answer, which each search then says."""
    if _encoder(folder):
        with suppress(EclaireurError):
            return Hybrid.fit(documents, weights=_weights(folder), encoder=encoder_of(_encoder(folder)))
    return Hybrid.fit(documents, weights=_weights(folder))


def _ranking(folder: Path, encoder: Encoder | None = None) -> Hybrid | None:
    """Return the learnt ranking, None when there is none or when it is damaged: words then rank alone."""
    with suppress(OSError, KeyError):
        try:
            return Hybrid.load(folder / "hybrid", encoder=encoder)
        except ValueError as error:
            if isinstance(error, EclaireurError):
                raise
    return None


def _encoder(folder: Path) -> str:
    """Return the encoder that was chosen for this index, empty for none."""
    with suppress(OSError):
        return (folder / _ENCODER).read_text(encoding="utf-8")
    return ""


def _weights(folder: Path) -> dict[str, float] | None:
    """Return the weights chosen for this index, which outlive what it is made of; None for the usual ones."""
    with suppress(OSError, ValueError):
        return {str(way): float(one) for way, one in json.loads((folder / _WEIGHTS).read_text()).items()}
    return None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
