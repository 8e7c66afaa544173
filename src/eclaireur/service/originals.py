"""The PDF from which a document of an index came: kept beside the index, with the place of each of its words.

A case works on text; who reads wants to see the page. What is looked for, labels and cited texts are found
again in the words of the file, so that nothing depends on how the case cut its text. Files lie in the lake,
one address a document and a content: published in one step, erased in one step.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.highlight import matches
from eclaireur.bricks.semantic.normalise import keys, tokens
from eclaireur.bricks.semantic.references import cited
from eclaireur.core.errors import FileRefusedError, NotFoundError
from eclaireur.sources.documents import Document, Place, Sheet, read_document
from eclaireur.sources.documents.document import SPAN
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.query import Leaf
    from eclaireur.core.workspace import Workspace
    from eclaireur.sources.isolated import Isolated

__all__ = ["Original", "Shown", "find", "forget", "keep", "key_of"]

_FILE, _WORDS, _TEXT, _ABOUT = "original.pdf", "words.bin", "text.txt", "about.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """Something to show on a page: ``kind`` (``found``, ``label``, ``unsure``, ``cited``), words, boxes."""

    kind: str
    text: str
    label: str
    boxes: tuple[Place, ...]


@dataclass(frozen=True)
class Original:
    """A kept PDF.

    Parameters
    ----------
    folder
        Where it is.
    sha256
        Of the file.
    pages
        Size of each page, in points.
    """

    folder: Path
    sha256: str
    pages: tuple[Sheet, ...] = field(repr=False)

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / _FILE

    @cached_property
    def document(self) -> Document:
        """Its text and the place of its words."""
        import numpy as np

        words = np.frombuffer((self.folder / _WORDS).read_bytes(), np.dtype(SPAN))
        text = (self.folder / _TEXT).read_text(encoding="utf-8")
        return Document(file=_FILE, outcome=Outcome.LU, text=text, spans=words, pages=self.pages)

    @cached_property
    def _bounds(self) -> tuple[tuple[int, int], ...]:
        """Characters ``[start, end)`` of each page in the text; none for a page without words."""
        import numpy as np

        words = self.document.spans
        if words is None:
            return ()
        body = words[words["part"] == -1]
        start = np.full(len(self.pages), len(self.document.text))
        end = np.zeros(len(self.pages), int)
        np.minimum.at(start, body["page"] - 1, body["start"])
        np.maximum.at(end, body["page"] - 1, body["end"])
        return tuple(zip(np.minimum(start, end).tolist(), end.tolist(), strict=True))

    def text_of(self, number: int) -> str:
        """Return the text of a page, from 1."""
        start, end = self._bounds[number - 1]
        return self.document.text[start:end]

    def shown(
        self, number: int, asked: Sequence[Leaf] = (), labels: Iterable[tuple[str, str, bool]] = ()
    ) -> list[Shown]:
        """Return what to show on a page.

        Parameters
        ----------
        asked
            What is looked for.
        labels
            Text of a passage, its label, and whether the model is sure.
        """
        text = self.text_of(number)
        # A sentence that is said twice has its label twice, not each label on each.
        labelled = {span: (label, sure) for said, label, sure in labels for span in _again(text, said)}
        found = [
            self._one(number, "label" if sure else "unsure", label, *span)
            for span, (label, sure) in sorted(labelled.items())
        ]
        found += [self._one(number, "cited", one.value, one.start, one.end) for one in cited(text)]
        found += [self._one(number, "found", "", start, end) for start, end in _merged(text, asked)]
        return [one for one in found if one.boxes]

    def pages_with(self, asked: Sequence[Leaf]) -> Iterator[int]:
        """Give the pages, from 1, that hold something of what is looked for."""
        plain = {one.keys[0] for one in asked if len(one.keys) == 1 and not (one.prefix or one.distance)}
        others = [one for one in asked if len(one.keys) > 1 or one.prefix or one.distance]
        for number in range(1, len(self.pages) + 1):
            text = self.text_of(number)
            # Keys alone are told far quicker than words with their places.
            if not plain.isdisjoint(keys(text).split()) or (others and matches(tokens(text), others)):
                yield number

    def _one(self, number: int, kind: str, label: str, start: int, end: int) -> Shown:
        first = self._bounds[number - 1][0]
        boxes = self.document.places(first + start, first + end)
        text = " ".join(self.text_of(number)[start:end].split())
        return Shown(kind, text, label, tuple(one for one in boxes if one.page == number))


def _merged(text: str, asked: Sequence[Leaf]) -> list[tuple[int, int]]:
    spans = sorted({(start, end) for start, end, _ in matches(tokens(text), asked)}) if asked else []
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _again(text: str, said: str) -> list[tuple[int, int]]:
    """Return where a passage is said again in a text, whatever its blanks."""
    words = said.split()
    if not words:
        return []
    pattern = r"\s+".join(map(re.escape, words))
    return [one.span() for one in re.finditer(pattern, text)]


def key_of(name: str) -> str:
    """Return the name under which the file of a document lies: a number may lead to somebody."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _prefix(case: str, name: str) -> str:
    return f"originals/{case}/{key_of(name)}"


def keep(
    workspace: Workspace,
    case: str,
    name: str,
    path: Path,
    *,
    reader: Isolated | None = None,
    seconds: float = 25.0,
    recognise: bool = True,
) -> Original:
    """Keep the PDF of a document; what was kept for it before is replaced once the new one is whole.

    Parameters
    ----------
    name
        Identifier of the document in the index of the case.
    seconds, recognise
        See `sources.documents.read_document`.

    Raises
    ------
    FileRefusedError
        If the file is no PDF that can be read.
    """
    import numpy as np

    found = read_document(path, reader=reader, seconds=seconds, recognise=recognise)
    if found.outcome is Outcome.REFUSE or found.format != "pdf" or found.spans is None or not found.pages:
        raise FileRefusedError(
            found.reason or "ce fichier n'est pas un PDF.",
            file=path.name,
            fix=found.fix or "Choisissez le PDF d'origine du document.",
        )
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    prefix, lake = _prefix(case, name), workspace.lake
    address = f"{prefix}/{digest}"
    with lake.publish(address) as folder:
        shutil.copyfile(path, folder / _FILE)
        (folder / _WORDS).write_bytes(np.asarray(found.spans, np.dtype(SPAN)).tobytes())
        (folder / _TEXT).write_text(found.text, encoding="utf-8", newline="")
        pages = [[one.width, one.height, one.recognised] for one in found.pages]
        (folder / _ABOUT).write_text(json.dumps({"sha256": digest, "pages": pages}), encoding="utf-8")
    for other in lake.addresses(prefix):
        if other != address:
            lake.erase(other)
    return _opened(lake.folder(address))


def _opened(folder: Path) -> Original:
    told = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    pages = tuple(Sheet(width=wide, height=high, recognised=ocr) for wide, high, ocr in told["pages"])
    return Original(folder, str(told["sha256"]), pages)


def find(workspace: Workspace, case: str, name: str) -> Original | None:
    """Return the PDF kept for a document; None without one."""
    for address in workspace.lake.addresses(_prefix(case, name)):
        with suppress(NotFoundError, FileNotFoundError):  # replaced, or taken out, meanwhile
            return _opened(workspace.lake.folder(address))
    return None


def forget(workspace: Workspace, case: str, name: str) -> bool:
    """Delete the PDF kept for a document; tell whether there was one."""
    there = workspace.lake.addresses(_prefix(case, name))
    for address in there:
        workspace.lake.erase(address)
    return bool(there)
