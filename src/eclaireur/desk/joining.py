"""Several PDFs joined at once to the documents from which they come: each finds its own, or says why not.

A file is known by its name, or else by the number of a document that its text holds. What is doubtful is left
to the person, who then joins it from the page of the document.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.index import Search
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.desk.access import Action
from eclaireur.desk.place import workspace
from eclaireur.service import originals, searching
from eclaireur.sources.documents import read_document
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from eclaireur.bricks.semantic.index import Document, Index
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.service.originals import Original
    from eclaireur.sources.isolated import Isolated

__all__ = ["MOST", "SECONDS", "Joined", "join", "lent"]

MOST = 50
"""Files of a form."""
SECONDS = 20.0
"""A file that would be opened later is left, and said: a page is not waited for longer."""

_COPY = re.compile(r"(?:[ _-]*(?:\(\d{1,3}\)|copie|copy|signée?|vf|def))+$", re.IGNORECASE)
_NUMBER = re.compile(r"[^\W_][\w./-]{2,58}[^\W_]")
_READ = 4_000
_MOST_TRIED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What became of a file: its document, when it has one, and what is said; ``kept`` when it is new."""

    name: str
    said: str
    document: Document | None = None
    kept: Original | None = None


@contextmanager
def lent(sent: UploadedFile[Any]) -> Iterator[Path]:
    """Lend a file that was sent, by a path that ends with it."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        for chunk in sent.chunks():
            file.write(chunk)
        file.flush()
        yield Path(file.name)


def join(
    card: Card,
    reach: Reach,
    files: Sequence[UploadedFile[Any]],
    *,
    reader: Isolated,
    seconds: float = SECONDS,
) -> Iterator[Joined]:
    """Keep each PDF with its document, and tell of each in turn.

    Parameters
    ----------
    reader
        The confined child that reads them.
    seconds
        After these, the files that are left are not opened.
    """
    index = searching.opened(workspace(), card.name)
    areas = reach.areas(Action.SEE, card.name)
    taken: dict[str, str] = {}
    limit = time.monotonic() + seconds
    for at, sent in enumerate(files):
        name = PurePath((sent.name or "fichier").replace("\\", "/")).name[-200:]
        if at >= MOST or time.monotonic() > limit:
            yield Joined(name=name, said="pas encore ouvert : envoyez-le de nouveau, avec ceux qui restent.")
            continue
        with lent(sent) as path:
            try:
                found = _named(index, areas, name) or _told(index, areas, path, reader)
                _refuse_if_taken(taken.get(found.id, ""))
                yield _kept(card, found, name, path, reader)
                taken[found.id] = name
            except (FileRefusedError, BadValueError) as error:
                yield Joined(name=name, said=f"{error.message} {error.fix}".strip())


def _refuse_if_taken(other: str) -> None:
    if other:
        raise BadValueError(f"« {other} » est déjà pris pour ce document.", fix="Gardez l'un des deux.")


def _kept(card: Card, found: Document, name: str, path: Path, reader: Isolated) -> Joined:
    before = originals.find(workspace(), card.name, found.id)
    kept = originals.keep(workspace(), card.name, found.id, path, reader=reader, recognise=False)
    if before is not None and before.sha256 == kept.sha256:
        return Joined(name=name, document=found, said="il était déjà gardé.")
    pages = f"{len(kept.pages)} pages" if len(kept.pages) > 1 else "1 page"
    said = f"gardé, {pages}." if before is None else f"gardé, {pages} ; il remplace le précédent."
    return Joined(name=name, document=found, said=said, kept=kept)


def _named(index: Index, areas: frozenset[str] | None, name: str) -> Document | None:
    """Return the document whose number or title is the name of a file; None when there is none."""
    stem = PurePath(name).stem.strip()
    for one in dict.fromkeys((stem, _COPY.sub("", stem))):
        found = index.get(one, areas)
        if found is not None:
            return found
        wanted = _folded(one)
        words = [word for word in re.findall(r"[^\W_]+", one) if len(word) > 1][:12]
        query = " ET ".join(f"titre:{word}" for word in words)
        hits = (
            index.search(Search(query=query, perimeters=areas, limit=20, total=False)).hits if words else ()
        )
        same = {
            hit.document.id: hit.document
            for hit in hits
            if wanted in {_folded(hit.document.id), _folded(hit.document.title)}
        }
        if len(same) > 1:
            raise BadValueError(
                "plusieurs documents portent ce nom.", fix="Joignez-le depuis la page du document."
            )
        if same:
            return next(iter(same.values()))
    return None


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name).strip("-").casefold()


def _told(index: Index, areas: frozenset[str] | None, path: Path, reader: Isolated) -> Document:
    """Return the only document whose number is at the beginning of the text of a file."""
    read = read_document(path, reader=reader, recognise=False)
    if read.outcome is Outcome.REFUSE:
        raise FileRefusedError(read.reason, fix=read.fix)
    tried = dict.fromkeys(one.group().rstrip(".,") for one in _NUMBER.finditer(read.text[:_READ]))
    numbers = [one for one in tried if re.search(r"\d", one)][:_MOST_TRIED]
    found = {one.id: one for number in numbers if (one := index.get(number, areas)) is not None}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        some = ", ".join(list(found)[:3])
        raise BadValueError(
            f"son texte parle de plusieurs documents : {some}.", fix="Donnez au fichier le numéro du sien."
        )
    raise BadValueError(
        "aucun document n'a le nom de ce fichier, ni un numéro que dise son début.",
        fix="Donnez-lui le numéro du document, ou joignez-le depuis sa page.",
    )
