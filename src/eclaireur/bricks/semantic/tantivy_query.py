"""From the tree of a query to tantivy's own, with the bounds of a search inside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic import query as asking
from eclaireur.bricks.semantic.highlight import distance_within
from eclaireur.bricks.semantic.index import Search, Spec
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.bricks.semantic.query import FIELDS, Leaf, Node
from eclaireur.core.errors import ExtraMissingError

if TYPE_CHECKING:
    import tantivy

__all__ = ["FACET", "Compiler", "day_number", "library", "numbered", "words_of"]

FACET = "f_"
"""What stands before a facet's name among tantivy's fields."""

_MOST_NUMBERS = 2000
"""Documents up to which looking for each costs less than going through the numbers of all."""
_MOST_WORDS = 50
"""Words that a beginning may stand for."""


@cache
def library() -> Any:
    """Return tantivy.

    Raises
    ------
    ExtraMissingError
        If it is not installed.
    """
    try:
        import tantivy
    except ImportError as error:
        raise ExtraMissingError(
            "la recherche en texte intégral n'est pas installée.", fix="Lancez : ./eclaireur install semantic"
        ) from error
    return tantivy


def day_number(day: date) -> int:
    """Return a day as a number that grows with it.

    >>> day_number(date(2021, 3, 12))
    20210312
    """
    return day.year * 10_000 + day.month * 100 + day.day


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles searches for one index.

    Parameters
    ----------
    schema, spec
        Of the index.
    searcher
        View of the commit that is searched: a beginning stands for the words it holds.
    fields
        Those in which a word is looked for: the others hold none.
    """

    schema: tantivy.Schema
    spec: Spec
    searcher: tantivy.Searcher
    fields: tuple[str, ...] = FIELDS

    def whole(self, search: Search, tree: Node | None) -> tantivy.Query:
        """Return the query of a search: its tree, within its bounds."""
        return self.bounded(self._compiled(tree, search), search)

    def bounded(self, query: tantivy.Query, search: Search) -> tantivy.Query:
        """Add what bounds an answer: perimeters, facets, days. They weigh nothing."""
        module = library()
        bounds: list[tantivy.Query] = []
        if search.perimeters is not None:
            seen = sorted(search.perimeters)
            bounds.append(
                module.Query.term_set_query(self.schema, "perimeter", seen)
                if seen
                else module.Query.empty_query()
            )
        for name, values in search.filters.items():
            field = FACET + self.spec.known(name)
            bounds.append(module.Query.term_set_query(self.schema, field, list(values)))
        if search.since or search.until:
            first, last = day_number(search.since or date.min), day_number(search.until or date.max)
            bounds.append(module.Query.range_query(self.schema, "day", module.FieldType.Integer, first, last))
        if not bounds:
            return query
        return self.both(query, *(module.Query.const_score_query(one, 0.0) for one in bounds))

    @staticmethod
    def both(*queries: tantivy.Query) -> tantivy.Query:
        """Return what answers each query."""
        return _boolean(("Must", one) for one in queries)

    def same(self, id: str) -> tantivy.Query:  # noqa: A002 - the field's own name
        """Return the query of one document."""
        found: tantivy.Query = library().Query.term_query(self.schema, "id", id, "basic")
        return found

    def one(self, words: tuple[str, ...], field: str) -> tantivy.Query:
        """Return the weighted query of a word, or of words that follow each other, in a field."""
        query = library().Query
        if len(words) == 1:
            return self._boosted(query.term_query(self.schema, field, words[0]), field)
        return self._boosted(query.phrase_query(self.schema, field, list(words)), field)

    def _boosted(self, one: tantivy.Query, field: str) -> tantivy.Query:
        weight = self.spec.weights.get(field, 1.0)
        found: tantivy.Query = one if weight == 1.0 else library().Query.boost_query(one, weight)
        return found

    def _compiled(self, node: Node | None, search: Search) -> tantivy.Query:
        everything: tantivy.Query = library().Query.all_query()
        match node:
            case None:
                return everything
            case Leaf():
                return _boolean(("Should", one) for one in self._leaf(node, search))
            case asking.Not(part):
                return _boolean([("Must", everything), ("MustNot", self._compiled(part, search))])
            case asking.All(parts):
                wanted = [part for part in parts if not isinstance(part, asking.Not)]
                clauses = [("Must", self._compiled(part, search)) for part in wanted]
                clauses += [
                    ("MustNot", self._compiled(part.part, search))
                    for part in parts
                    if isinstance(part, asking.Not)
                ]
                return _boolean(clauses if wanted else [("Must", everything), *clauses])
            case asking.Any(parts):
                # One flat list of terms is what tantivy skips through fastest (block-max WAND).
                flat: list[tantivy.Query] = []
                for part in parts:
                    flat += (
                        self._leaf(part, search) if isinstance(part, Leaf) else [self._compiled(part, search)]
                    )
                return _boolean(("Should", one) for one in flat)

    def _leaf(self, leaf: Leaf, search: Search) -> list[tantivy.Query]:
        query = library().Query
        found: list[tantivy.Query] = []
        for field in (leaf.only,) if leaf.only else self.fields:
            if leaf.distance:
                near = query.fuzzy_term_query(self.schema, field, leaf.keys[0], leaf.distance)
                found.append(self._boosted(near, field))
            elif leaf.prefix and len(leaf.keys) > 1:
                phrase = query.phrase_prefix_query(self.schema, field, list(leaf.keys))
                found.append(self._boosted(phrase, field))
            elif leaf.prefix:
                seen = None if search.perimeters is None else self.bounded(query.all_query(), search)
                words = self.searcher.terms_with_prefix(field, leaf.keys[0], seen, _MOST_WORDS)
                found += [
                    self.one((word,), field) for word in dict.fromkeys([*leaf.others, *(w for w, _ in words)])
                ]
            else:
                found.append(self.one(leaf.keys, field))
        return found or [query.empty_query()]


def _boolean(clauses: Iterable[tuple[str, tantivy.Query]]) -> tantivy.Query:
    kinds = _occurs()
    found: tantivy.Query = library().Query.boolean_query([(kinds[occur], one) for occur, one in clauses])
    return found


@cache
def _occurs() -> dict[str, Any]:
    kinds = library().Occur
    return {"Must": kinds.Must, "MustNot": kinds.MustNot, "Should": kinds.Should}


def numbered(schema: tantivy.Schema, numbers: Sequence[int]) -> tantivy.Query:
    """Return the query of some documents, by their numbers; they all score alike."""
    query = library().Query
    found: tantivy.Query
    if len(numbers) > _MOST_NUMBERS:
        found = query.term_set_query(schema, "number", list(numbers))
    else:
        terms = (query.term_query(schema, "number", one, "basic") for one in numbers)
        found = _boolean(("Should", query.const_score_query(one, 0.0)) for one in terms)
    return found


def words_of(text: str, leaf: Leaf) -> set[tuple[str, ...]]:
    """Return the words of a text by which a leaf is answered.

    >>> words_of("Les inspecteurs", Leaf(("inspe",), "inspe*", prefix=True))
    {('inspect',)}
    """
    if not leaf.distance and not leaf.prefix:
        return {leaf.keys}
    words = keys(text).split()
    size = len(leaf.keys)
    if leaf.distance:
        return {(word,) for word in set(words) if distance_within(word, leaf.keys[0], leaf.distance)}
    if size == 1:
        found = {word for word in words if word.startswith(leaf.keys[0]) or word in leaf.others}
        return {(word,) for word in found}
    runs = {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}
    return {run for run in runs if run[:-1] == leaf.keys[:-1] and run[-1].startswith(leaf.keys[-1])}
