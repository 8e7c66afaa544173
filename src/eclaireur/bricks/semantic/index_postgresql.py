"""The index kept in PostgreSQL: shared by several hosts, with the full-text search of the database itself.

A document is a row with its `tsvector`: the keys of `normalise`, weighted by field, so that no dictionary of
the server is needed and words are cut alike everywhere. A commit is a transaction. Ranks are the database's
(`ts_rank`), not BM25: it knows nothing of how rare a word is.

Limits of a `tsvector`: words after the 16 383rd are found but not in phrases, and its size is bounded at
1 MB, so only the first words of an enormous document are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any as Anything

from eclaireur.bricks.semantic.highlight import distance_within
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
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.bricks.semantic.query import (
    FIELDS,
    All,
    Any,
    Leaf,
    Node,
    Not,
    in_one_field,
    leaves,
    read_query,
)
from eclaireur.core.errors import BadValueError, ExtraMissingError, WorkFailedError

if TYPE_CHECKING:
    import psycopg

__all__ = ["VERSION", "PostgresqlIndex"]

VERSION = 4
_LETTERS = {"title": "A", "section": "B", "body": "C"}
_FIRST = {"title": 1, "section": 1200, "body": 2400}
_LAST_PLACE = 16_383
_LARGEST = 900_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST_NEAR = 50
_TABLES = """
CREATE TABLE IF NOT EXISTS search_indexes (name text PRIMARY KEY, version int NOT NULL, spec text NOT NULL);
CREATE TABLE IF NOT EXISTS {table} (
    id text PRIMARY KEY, day date, month text, perimeters text[] NOT NULL, facets text[] NOT NULL,
    words tsvector NOT NULL, stored text NOT NULL, number bigint NOT NULL);
CREATE INDEX IF NOT EXISTS {table_words} ON {table} USING gin (words);
CREATE INDEX IF NOT EXISTS {table_number} ON {table} (number);
CREATE TABLE IF NOT EXISTS {lexicon} (word text PRIMARY KEY);
"""


class PostgresqlIndex:
    """An index in a database; the tables are made when they are missing.

    Parameters
    ----------
    url
        ``postgresql://…``, as psycopg reads it.
    name
        Lower-case letters, digits and ``_``.
    spec
        Its shape; None for the one it was made with.

    Raises
    ------
    IndexDamagedError
        If it was made by another version, or with another shape.
    """

    def __init__(self, url: str, name: str, spec: Spec | None = None) -> None:
        if not _NAME.fullmatch(name):
            raise BadValueError(
                f"nom d'index invalide : « {name} ».", fix="Lettres minuscules, chiffres et _."
            )
        self._module = _psycopg()
        sql = self._module.sql
        self._url = url
        self._name = name
        self._names = {
            "table": sql.Identifier(f"search_{name}"),
            "table_words": sql.Identifier(f"search_{name}_words"),
            "table_number": sql.Identifier(f"search_{name}_number"),
            "lexicon": sql.Identifier(f"search_{name}_lexicon"),
        }
        with self._connected() as connection:
            self.run(connection, _TABLES)
            self.spec = self._settled(connection, spec)

    def _connected(self) -> psycopg.Connection[Anything]:
        connection: psycopg.Connection[Anything] = self._module.connect(self._url)
        return connection

    def run(self, connection: Anything, text: str, values: Anything = None, **parts: str) -> Anything:
        """Run a statement; its braces take the index's tables and ``parts``, pieces of SQL of our own."""
        sql = self._module.sql.SQL
        names = self._names | {name: sql(part) for name, part in parts.items()}
        return connection.execute(sql(text).format(**names), values)

    def _settled(self, connection: Anything, spec: Spec | None) -> Spec:
        told = self.run(
            connection, "SELECT version, spec FROM search_indexes WHERE name = %s", [self._name]
        ).fetchone()
        if told is None:
            made = spec or Spec()
            text = json.dumps({"facets": list(made.facets), "weights": dict(made.weights)})
            self.run(
                connection, "INSERT INTO search_indexes VALUES (%s, %s, %s)", [self._name, VERSION, text]
            )
            return made
        kept = json.loads(told[1])
        found = Spec(facets=tuple(kept["facets"]), weights=kept["weights"])
        if told[0] != VERSION or (spec is not None and spec != found):
            raise IndexDamagedError(
                f"l'index « {self._name} » a été fait par une autre version, ou avec d'autres facettes.",
                fix="Supprimez-le par drop(), puis refaites-le à partir des documents gardés.",
            )
        return found

    def drop(self) -> None:
        """Remove the index and its documents from the database."""
        with self._connected() as connection:
            self.run(connection, "DROP TABLE {table}; DROP TABLE {lexicon}")
            self.run(connection, "DELETE FROM search_indexes WHERE name = %s", [self._name])

    # --- Writing

    @contextmanager
    def writing(self) -> Iterator[_Writer]:
        """Open the only writer; see `index.Index.writing`.

        Raises
        ------
        WorkFailedError
            If another task writes.
        """
        with self._connected() as connection:
            held = connection.execute(
                "SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"search:{self._name}"]
            ).fetchone()
            if held is None or not held[0]:
                raise WorkFailedError(
                    f"l'index « {self._name} » est en cours d'écriture par une autre tâche.",
                    fix="Attendez qu'elle finisse, puis relancez.",
                )
            yield _Writer(self, connection)

    # --- Reading

    def count(self) -> int:
        """Return how many documents there are."""
        with self._connected() as connection:
            return int(self.run(connection, "SELECT count(*) FROM {table}").fetchone()[0])

    def get(self, id: str, perimeters: frozenset[str] | None = None) -> Document | None:  # noqa: A002
        """Return a document within the reader's perimeters."""
        where, values = self._where(Search(perimeters=perimeters), "")
        with self._connected() as connection:
            row = self.run(
                connection,
                "SELECT stored FROM {table} WHERE {where} AND id = %(id)s",
                {**values, "id": id},
                where=where,
            ).fetchone()
        return Document.from_json(json.loads(row[0])) if row else None

    def search(self, search: Search) -> Found:
        """Answer a question; see `index.Search`."""
        read = read_query(search.query)
        with self._connected() as connection:
            asked = self._asked(connection, read.tree)
            where, values = self._where(search, asked)
            rank = f"ts_rank({self._weights()}, words, %(asked)s::tsquery)" if asked else "1.0"
            rows = self.run(
                connection,
                "SELECT {rank} AS rank, stored FROM {table} WHERE {where} "
                "ORDER BY rank DESC, id LIMIT %(limit)s OFFSET %(offset)s",
                {**values, "limit": search.limit, "offset": search.offset},
                rank=rank,
                where=where,
            ).fetchall()
            total = None
            if search.total:
                counting = "SELECT count(*) FROM {table} WHERE {where}"
                total = int(self.run(connection, counting, values, where=where).fetchone()[0])
            facets = self._facets(connection, search, where, values)
            months: tuple[tuple[str, int], ...] = ()
            if search.months:
                counting = "SELECT month, count(*) FROM {table} WHERE {where} AND month IS NOT NULL "
                counting += "GROUP BY 1 ORDER BY 1"
                months = tuple(self.run(connection, counting, values, where=where).fetchall())
        hits = (Hit(score=rank, document=Document.from_json(json.loads(stored))) for rank, stored in rows)
        return Found(hits=tuple(hits), total=total, facets=facets, months=months, notes=read.notes)

    def _facets(
        self, connection: Anything, search: Search, where: str, values: dict[str, Anything]
    ) -> dict[str, tuple[tuple[str, int], ...]]:
        found: dict[str, list[tuple[str, int]]] = {self.spec.known(name): [] for name in search.facets}
        if found:
            counting = "SELECT unnest(facets) AS value, count(*) FROM {table} WHERE {where} "
            counting += "GROUP BY 1 ORDER BY 2 DESC, 1"
            for one, count in self.run(connection, counting, values, where=where):
                name, _, value = one.partition("=")
                if name in found:
                    found[name].append((value, count))
        return {name: tuple(rows) for name, rows in found.items()}

    def explain(self, search: Search, id: str) -> tuple[Why, ...]:  # noqa: A002
        """Return why a document answers: the database's rank of each word in each field."""
        tree = read_query(search.query).tree
        reasons = []
        with self._connected() as connection:
            where, values = self._where(search, self._asked(connection, tree))
            for leaf in dict.fromkeys(leaves(tree)):
                for field in (leaf.only,) if leaf.only else FIELDS:
                    one = self._leaf(connection, leaf, _LETTERS[field])
                    row = self.run(
                        connection,
                        "SELECT ts_rank({weights}, words, %(one)s::tsquery) FROM {table} "
                        "WHERE {where} AND id = %(id)s AND words @@ %(one)s::tsquery",
                        {**values, "one": one, "id": id},
                        weights=self._weights(),
                        where=where,
                    ).fetchone()
                    if row:
                        reasons.append(Why(asked=leaf.shown, field=field, weight=row[0]))
        return tuple(sorted(reasons, key=lambda one: -one.weight))

    # --- For the hybrid ranking (`hybrid.ScoredIndex`)

    def scored(self, search: Search, field: str = "") -> tuple[list[int], list[float]]:
        """Return the numbers (`index.number_of`) and ranks of the best documents, by one field or by all."""
        tree = read_query(search.query).tree
        with self._connected() as connection:
            asked = self._asked(connection, in_one_field(tree, field) if field else tree)
            if not asked:
                return [], []
            where, values = self._where(search, asked)
            rows = self.run(
                connection,
                "SELECT number, ts_rank({weights}, words, %(asked)s::tsquery) AS rank FROM {table} "
                "WHERE {where} ORDER BY rank DESC, id LIMIT %(limit)s",
                {**values, "limit": max(search.limit, 1)},
                weights=self._weights(),
                where=where,
            ).fetchall()
        return [number for number, _ in rows], [rank for _, rank in rows]

    def let_through(self, search: Search, numbers: Sequence[int]) -> list[int]:
        """Return, of some numbers, those that the bounds of a search let through."""
        return [number for (number,) in self._chosen("number", search, numbers)]

    def among(self, search: Search, numbers: Sequence[int]) -> dict[int, Document]:
        """Return, of some numbers, the documents that the bounds of a search let through."""
        found = (
            Document.from_json(json.loads(stored)) for (stored,) in self._chosen("stored", search, numbers)
        )
        return {number_of(one.id): one for one in found}

    def _chosen(self, column: str, search: Search, numbers: Sequence[int]) -> list[tuple[Anything]]:
        where, values = self._where(search, "")
        with self._connected() as connection:
            found: list[tuple[Anything]] = self.run(
                connection,
                "SELECT {column} FROM {table} WHERE {where} AND number = ANY(%(numbers)s)",
                {**values, "numbers": list(numbers)},
                column=column,
                where=where,
            ).fetchall()
        return found

    # --- Compiling a query

    def _weights(self) -> str:
        most = max(self.spec.weights.values())
        kept = [self.spec.weights.get(name, 1.0) / most for name in ("body", "section", "title")]
        return f"'{{0, {', '.join(f'{float(one):.4f}' for one in kept)}}}'"

    def _where(self, search: Search, asked: str) -> tuple[str, dict[str, Anything]]:
        clauses, values = ["true"], dict[str, Anything]()
        if asked:
            clauses.append("words @@ %(asked)s::tsquery")
            values["asked"] = asked
        if search.perimeters is not None:
            clauses.append("perimeters && %(perimeters)s::text[]")
            values["perimeters"] = sorted(search.perimeters)
        for at, (name, wanted) in enumerate(search.filters.items()):
            clauses.append(f"facets && %(filter{at})s::text[]")
            values[f"filter{at}"] = [f"{self.spec.known(name)}={value}" for value in wanted]
        if search.since is not None:
            clauses.append("day >= %(since)s")
            values["since"] = search.since
        if search.until is not None:
            clauses.append("day <= %(until)s")
            values["until"] = search.until
        return " AND ".join(clauses), values

    def _asked(self, connection: Anything, node: Node | None) -> str:
        match node:
            case None:
                return ""
            case Leaf():
                return self._leaf(connection, node, _LETTERS.get(node.only, ""))
            case Not(part):
                return f"!({self._asked(connection, part)})"
            case Any(parts) | All(parts):
                sign = " | " if isinstance(node, Any) else " & "
                return sign.join(f"({self._asked(connection, part)})" for part in parts)

    def _leaf(self, connection: Anything, leaf: Leaf, letter: str) -> str:
        # Keys are letters and digits: nothing in them to escape.
        if leaf.distance:
            near = self._near(connection, leaf.keys[0], leaf.distance) or leaf.keys
            return " | ".join(f"'{key}':{letter}" if letter else f"'{key}'" for key in near)
        marks = [letter] * len(leaf.keys)
        if leaf.prefix:
            marks[-1] += "*"
        parts = [
            f"'{key}':{mark}" if mark else f"'{key}'" for key, mark in zip(leaf.keys, marks, strict=True)
        ]
        others = [f"'{key}':{letter}" if letter else f"'{key}'" for key in leaf.others]
        return f"({' | '.join([' <-> '.join(parts), *others])})"

    def _near(self, connection: Anything, word: str, distance: int) -> list[str]:
        rows = self.run(
            connection,
            "SELECT word FROM {lexicon} WHERE length(word) BETWEEN %s AND %s",
            [len(word) - distance, len(word) + distance],
        )
        return [one for (one,) in rows if distance_within(one, word, distance)][:_MOST_NEAR]


class _Writer:
    """See `index.Writer`."""

    def __init__(self, index: PostgresqlIndex, connection: Anything) -> None:
        self._index = index
        self._connection = connection

    def add(self, documents: Iterable[Document]) -> int:
        """Add documents."""
        count = 0
        words: set[str] = set()
        for one in documents:
            vector = _vector(one, words)
            facets = [
                f"{self._index.spec.known(name)}={value}"
                for name, values in one.facets.items()
                for value in values
            ]
            month = one.day.isoformat()[:7] if one.day else None
            stored = json.dumps(one.as_json())  # in ASCII: no NUL, no lone surrogate
            row = [one.id, one.day, month, list(one.perimeters), facets, vector, stored, number_of(one.id)]
            self._index.run(
                self._connection,
                "INSERT INTO {table} VALUES (%s, %s, %s, %s, %s, %s::tsvector, %s, %s) "
                "ON CONFLICT (id) DO UPDATE SET "
                "day = excluded.day, month = excluded.month, perimeters = excluded.perimeters, "
                "facets = excluded.facets, words = excluded.words, stored = excluded.stored",
                row,
            )
            count += 1
        self._index.run(
            self._connection,
            "INSERT INTO {lexicon} SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            [sorted(words)],
        )
        return count

    def delete(self, ids: Iterable[str]) -> None:
        """Take documents out."""
        self._index.run(self._connection, "DELETE FROM {table} WHERE id = ANY(%s)", [list(ids)])


def _vector(document: Document, seen: set[str]) -> str:
    places: dict[str, list[str]] = {}
    size = 0
    for field in FIELDS:
        first, letter = _FIRST[field], _LETTERS[field]
        for at, key in enumerate(keys(getattr(document, field)).split(), start=first):
            if key not in places:
                size += len(key.encode()) + 8
            kept = places.setdefault(key, [])
            if len(kept) < 250:
                kept.append(f"{min(at, _LAST_PLACE)}{letter}")
                size += 2
            if size > _LARGEST:
                break
    seen.update(places)
    return " ".join(f"'{key}':{','.join(kept)}" for key, kept in places.items())


def _psycopg() -> Anything:
    try:
        import psycopg
        import psycopg.sql
    except ImportError as error:
        raise ExtraMissingError(
            "l'accès à PostgreSQL n'est pas installé.", fix="Lancez : ./eclaireur install postgresql"
        ) from error
    return psycopg
