"""The index of one machine: tantivy's files, BM25 by field (Robertson & Zaragoza 2009).

The keys of `normalise` are what tantivy stores and looks for: its own analysis is only a cut at blanks.
Beside its files, ``manifest.json`` says the version, the shape, the size and checksum of each: an index of
another version, cut or mixed is told at opening (`IndexDamagedError`), and whoever owns the documents builds
it again.

A commit is tantivy's: it publishes by renaming ``meta.json``; a process killed at any instant leaves the old
state or the new one. Its lock falls with the process.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.index import (
    Document,
    Found,
    Hit,
    IndexDamagedError,
    Search,
    Spec,
    Why,
    number_of,
)
from eclaireur.bricks.semantic.many_keys import keys_of
from eclaireur.bricks.semantic.query import FIELDS, in_one_field, leaves, read_query
from eclaireur.bricks.semantic.tantivy_query import (
    FACET,
    Compiler,
    day_number,
    library,
    numbered,
    words_of,
)
from eclaireur.core.errors import WorkFailedError
from eclaireur.core.files import write_atomically

if TYPE_CHECKING:
    import tantivy

__all__ = ["VERSION", "TantivyIndex"]

VERSION = 3
"""Version of the stored form: raise it when fields or keys change."""

_MANIFEST = "manifest.json"
_META = "meta.json"
_HEAP = 128_000_000
_MOST_VALUES = 200
_BATCH = 4096
"""Documents whose words are read together."""


class TantivyIndex:
    """An index in a folder. Make one with `create`, open it with `open`.

    Parameters
    ----------
    folder
        Folder of the index, on a local disk.
    spec
        Its shape.
    """

    def __init__(self, folder: Path, spec: Spec, index: tantivy.Index) -> None:
        self.folder = folder
        self.spec = spec
        self._index = index
        self._schema = index.schema
        self._meta = str(folder / _META)
        self._seen = 0
        self._fields: tuple[str, ...] = FIELDS

    def __repr__(self) -> str:
        return f"TantivyIndex({str(self.folder)!r})"

    @classmethod
    def create(cls, folder: Path, spec: Spec) -> TantivyIndex:
        """Make an empty index in an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        module = library()
        made = cls(folder, spec, _prepared(module, module.Index(_schema(module, spec), path=str(folder))))
        made.settle()
        return made

    @classmethod
    def open(cls, folder: Path, *, thorough: bool = False) -> TantivyIndex:
        """Open an index.

        Parameters
        ----------
        thorough
            Also read every file and compare its checksum.

        Raises
        ------
        IndexDamagedError
            If it is of another version, or a file is missing, cut or unreadable.
        """
        module = library()
        spec = _check(folder, thorough=thorough)
        try:
            made = cls(folder, spec, _prepared(module, module.Index.open(str(folder))))
            made._index.searcher()
        except (ValueError, OSError, RuntimeError) as error:
            raise _damaged(folder, "ses fichiers sont illisibles") from error
        return made

    # --- Writing

    @contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Open the only writer; see `index.Index.writing`.

        Raises
        ------
        WorkFailedError
            If another process writes.
        """
        try:
            writer = self._index.writer(_HEAP, 1)
        except ValueError as error:
            if "Lock" not in str(error):
                raise
            raise WorkFailedError(
                "cet index est en cours d'écriture par une autre tâche.",
                file=str(self.folder),
                fix="Attendez qu'elle finisse, puis relancez.",
            ) from error
        try:
            yield _Writer(writer, self.spec)
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        finally:
            writer.wait_merging_threads()
        self.settle()

    def settle(self) -> None:
        """Write the manifest of the present files."""
        content = {
            "version": VERSION,
            "spec": {"facets": list(self.spec.facets), "weights": dict(self.spec.weights)},
            "meta": (self.folder / _META).read_text(encoding="utf-8"),
            "files": {path.name: _print(path) for path in sorted(self.folder.iterdir()) if _is_data(path)},
        }
        text = json.dumps(content, ensure_ascii=False)
        write_atomically(self.folder / _MANIFEST, lambda path: _write(path, text))

    # --- Reading

    def _searcher(self) -> tantivy.Searcher:
        """Return a view of the last commit, whichever process made it."""
        with suppress(OSError):
            changed = os.stat(self._meta).st_mtime_ns  # noqa: PTH116 - asked before each search: no Path made
            if changed != self._seen:
                self._index.reload()
                self._seen = changed
                searcher = self._index.searcher()
                self._fields = tuple(name for name in FIELDS if searcher.terms_with_prefix(name, "", None, 1))
        return self._index.searcher()

    def _compiler(self, searcher: tantivy.Searcher) -> Compiler:
        return Compiler(self._schema, self.spec, searcher, self._fields)

    def count(self) -> int:
        """Return how many documents there are."""
        return int(self._searcher().num_docs)

    def get(self, id: str, perimeters: frozenset[str] | None = None) -> Document | None:  # noqa: A002
        """Return a document within the reader's perimeters."""
        searcher = self._searcher()
        compiler = self._compiler(searcher)
        found = searcher.search(compiler.bounded(compiler.same(id), Search(perimeters=perimeters)), 1)
        return _document(searcher, found.hits[0][1]) if found.hits else None

    def search(self, search: Search) -> Found:
        """Answer a question; see `index.Search`."""
        read = read_query(search.query)
        searcher = self._searcher()
        query = self._compiler(searcher).whole(search, read.tree)
        found = searcher.search(query, max(search.limit, 1), count=search.total, offset=max(search.offset, 0))
        total: int | None = getattr(found, "count", None)
        hits = [Hit(score=score, document=_document(searcher, where)) for score, where in found.hits]
        names = {name: FACET + self.spec.known(name) for name in search.facets}
        if search.months:
            names["month"] = "month"
        counted = self._counts(searcher, query, names)
        months = tuple(sorted(counted.pop("month", ())))
        return Found(
            hits=tuple(hits[: search.limit]),
            total=total,
            facets=counted,
            months=months,
            notes=read.notes,
        )

    def scored(self, search: Search, field: str = "") -> tuple[list[int], list[float]]:
        """Return the numbers (`index.number_of`) and scores of the best documents, by one field or by all."""
        searcher = self._searcher()
        tree = read_query(search.query).tree
        tree = in_one_field(tree, field) if field else tree
        query = self._compiler(searcher).whole(search, tree)
        hits = searcher.search(query, max(search.limit, 1), count=False).hits
        numbers: list[Any] = searcher.fast_field_values("number", [where for _, where in hits])
        return numbers, [score for score, _ in hits]

    def among(self, search: Search, numbers: Sequence[int]) -> dict[int, Document]:
        """Return, of some numbers, the documents that the bounds of a search let through."""
        searcher = self._searcher()
        hits = self._chosen(searcher, search, numbers)
        found = (_document(searcher, where) for where in hits)
        return {number_of(one.id): one for one in found}

    def let_through(self, search: Search, numbers: Sequence[int]) -> list[int]:
        """Return, of some numbers, those that the bounds of a search let through."""
        searcher = self._searcher()
        kept: list[Any] = searcher.fast_field_values("number", self._chosen(searcher, search, numbers))
        return kept

    def _chosen(
        self, searcher: tantivy.Searcher, search: Search, numbers: Sequence[int]
    ) -> list[tantivy.DocAddress]:
        if not numbers:
            return []
        query = self._compiler(searcher).bounded(numbered(self._schema, numbers), search)
        return [where for _, where in searcher.search(query, len(numbers), count=False).hits]

    def explain(self, search: Search, id: str) -> tuple[Why, ...]:  # noqa: A002
        """Return why a document answers; a beginning or a misspelt word is told by the word found."""
        searcher = self._searcher()
        tree = read_query(search.query).tree
        compiler = self._compiler(searcher)
        found = searcher.search(compiler.both(compiler.same(id), compiler.whole(search, tree)), 1)
        if not found.hits:
            return ()
        where = found.hits[0][1]
        document = _document(searcher, where)
        reasons = []
        for leaf in dict.fromkeys(leaves(tree)):
            for field in (leaf.only,) if leaf.only else FIELDS:
                for word in words_of(getattr(document, field), leaf):
                    weight = _weight(compiler.one(word, field), searcher, where)
                    if weight:
                        reasons.append(Why(asked=leaf.shown, field=field, weight=weight))
        return tuple(sorted(reasons, key=lambda one: -one.weight))

    @staticmethod
    def _counts(
        searcher: tantivy.Searcher, query: tantivy.Query, names: dict[str, str]
    ) -> dict[str, tuple[tuple[str, int], ...]]:
        if not names:
            return {}
        asked = {
            name: {"terms": {"field": field, "size": 10_000 if name == "month" else _MOST_VALUES}}
            for name, field in names.items()
        }
        answer = searcher.aggregate(query, asked)
        return {
            name: tuple((str(one["key"]), int(one["doc_count"])) for one in answer[name]["buckets"])
            for name in names
        }


class _Writer:
    """See `index.Writer`."""

    def __init__(self, writer: tantivy.IndexWriter, spec: Spec) -> None:
        self._writer = writer
        self._spec = spec
        self._document = library().Document

    def add(self, documents: Iterable[Document], *, fresh: bool = False) -> int:
        """Add documents; ``fresh`` promises that none is there already, and saves looking for them."""
        count = 0
        rest = iter(documents)
        while batch := list(islice(rest, _BATCH)):
            titles, sections, bodies = (keys_of([getattr(one, name) for one in batch]) for name in FIELDS)
            for one, title, section, body in zip(batch, titles, sections, bodies, strict=True):
                if not fresh:
                    self._writer.delete_documents_by_term("id", one.id)
                self._write(one, title, section, body)
            count += len(batch)
        return count

    def _write(self, one: Document, title: str, section: str, body: str) -> None:
        made = self._document()
        made.add_text("id", one.id)
        made.add_integer("number", number_of(one.id))
        if title:
            made.add_text("title", title)
        if section:
            made.add_text("section", section)
        if body:
            made.add_text("body", body)
        if one.day is not None:
            made.add_integer("day", day_number(one.day))
            made.add_text("month", one.day.isoformat()[:7])
        for name, values in one.facets.items():
            self._spec.known(name)
            for value in dict.fromkeys(values):
                made.add_text(FACET + name, value)
        for value in dict.fromkeys(one.perimeters):
            made.add_text("perimeter", value)
        made.add_bytes("stored", one.packed())
        self._writer.add_document(made)

    def delete(self, ids: Iterable[str]) -> None:
        """Take documents out."""
        for one in ids:
            self._writer.delete_documents_by_term("id", one)


def _schema(module: Any, spec: Spec) -> Any:
    builder = module.SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    for name in FIELDS:
        builder.add_text_field(name, tokenizer_name="blank")
    for name in ("day", "number"):
        builder.add_integer_field(name, indexed=True, fast=True)
    for name in ("month", "perimeter", *(FACET + name for name in spec.facets)):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_bytes_field("stored", stored=True)
    return builder.build()


def _prepared(module: Any, index: Any) -> Any:
    analyzer = module.TextAnalyzerBuilder(module.Tokenizer.whitespace()).build()
    index.register_tokenizer("blank", analyzer)
    # We reload before a search. The library's own thread would read the mapped files at any instant, and a
    # file that was cut meanwhile would kill the process (SIGBUS).
    index.config_reader(reload_policy="manual")
    return index


def _document(searcher: tantivy.Searcher, where: tantivy.DocAddress) -> Document:
    stored: Any = searcher.doc(where).get_first("stored")
    return Document.unpacked(stored)


def _weight(query: tantivy.Query, searcher: tantivy.Searcher, where: tantivy.DocAddress) -> float:
    with suppress(ValueError):  # tantivy's word for « does not match »
        return float(json.loads(query.explain(searcher, where).to_json())["value"])
    return 0.0


def _is_data(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.name not in {_MANIFEST, _META}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _print(path: Path) -> tuple[int, int]:
    """Return the size and CRC-32 of a file."""
    size = check = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            size += len(block)
            check = zlib.crc32(block, check)
    return size, check


def _check(folder: Path, *, thorough: bool) -> Spec:
    """Read the manifest, and compare the files with it when the last commit is the one it saw."""
    try:
        told = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        version, meta, files = told["version"], told["meta"], dict(told["files"])
        spec = Spec(facets=tuple(told["spec"]["facets"]), weights=dict(told["spec"]["weights"]))
        present = (folder / _META).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, "son manifeste manque ou est illisible") from error
    if version != VERSION:
        raise _damaged(folder, f"il est de la version {version}, celle-ci est la {VERSION}")
    if present == meta:
        for name, (size, check) in files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise _damaged(folder, f"son fichier « {name} » manque ou a été coupé")
            if thorough and _print(path) != (size, check):
                raise _damaged(folder, f"son fichier « {name} » a été altéré")
    return spec


def _damaged(folder: Path, why: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"l'index est à refaire : {why}.", file=str(folder), fix="Il se refait à partir des documents gardés."
    )
