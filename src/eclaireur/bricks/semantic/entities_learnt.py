"""Spans of words learnt from annotated texts: names, concepts of a trade, whatever was annotated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from eclaireur.bricks.semantic.normalise import plain
from eclaireur.bricks.semantic.outline import sentences
from eclaireur.bricks.semantic.sequence import Described, Tagger, chunks, outside_in

__all__ = ["Dictionary", "Span", "SpanTagger", "described", "words"]

Span = tuple[int, int, str]
"""Characters ``[start, end)`` and kind."""

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_LONGEST = 400
"""Words of a sequence at most: a text without a full stop is cut."""
_MOST_WORDS = 8
_FOLDS = 5
_LEAST_NESTED = 20
"""Sentences with spans inside others, from which the second model is learnt."""
_KNOWN = "dictionary.json"


def words(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the bounds of words, numbers and signs of punctuation.

    >>> [("l'eau, 12 mg"[a:b]) for a, b in words("l'eau, 12 mg")]
    ['l', "'", 'eau', ',', '12', 'mg']
    """
    return [one.span() for one in _WORD.finditer(text, start, len(text) if end is None else end)]


def described(said: Sequence[str], known: Sequence[str] = ()) -> Described:
    """Return the attributes of each word: itself, its form, its ends, its neighbours.

    Parameters
    ----------
    known
        What a dictionary says of each word, as begin-inside-outside tags.
    """
    own = [_own(word) for word in said]
    lower = [one[0] for one in own]
    found = []
    size = len(said)
    for at in range(size):
        before, after = at - 1, at + 1
        one = list(own[at])
        one.append(f"-1:{lower[before]}" if at else "first")
        one.append(f"+1:{lower[after]}" if after < size else "last")
        one.append(f"-2:{lower[at - 2]}" if at > 1 else "-2")
        one.append(f"+2:{lower[at + 2]}" if at + 2 < size else "+2")
        if at:
            one += [f"-1{own[before][2]}", f"-1|{lower[before]}|{lower[at]}", f"-1{own[before][-1]}"]
        if after < size:
            one += [f"+1{own[after][2]}", f"+1|{lower[at]}|{lower[after]}", f"+1{own[after][-1]}"]
        if known:
            one += [f"d{step}:{known[at + step]}" for step in (-1, 0, 1) if 0 <= at + step < size]
            one.append(f"d|{known[at]}|{own[at][2]}")
        found.append(one)
    return found


@lru_cache(maxsize=100_000)
def _own(word: str) -> tuple[str, ...]:
    lower = word.lower()
    flat = plain(word) or word
    return (
        f"w:{lower}",
        f"p:{flat}",
        f"s:{_shape(word)}",
        *(f"pre:{flat[:n]}" for n in (3, 4, 5) if len(flat) > n),
        *(f"suf:{flat[-n:]}" for n in (2, 3, 4) if len(flat) > n),
        f"suf:{flat[-3:]}",
    )


def _shape(word: str) -> str:
    """Return the form of a word: capitals, small letters, figures, sign."""
    if word.isdigit():
        return f"9{min(len(word), 5)}"
    if not word.isalpha():
        return word
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[0].isupper() else "x"


@dataclass(frozen=True, slots=True)
class SpanTagger:
    """Sequence models over the words of each sentence, which also read a dictionary of what was seen.

    Spans may lie in one another: the first model learns the longest ones, the second one those inside them.
    """

    layers: tuple[Tagger, ...]
    known: Dictionary

    @classmethod
    def fit(
        cls, texts: Sequence[str], spans: Sequence[Sequence[Span]], *, groups: Sequence[str] | None = None
    ) -> SpanTagger:
        """Fit on texts and their spans.

        What the dictionary says of a text is taken from the other texts (stacking, Wolpert 1992), so that the
        model learns how far to trust it.

        Parameters
        ----------
        groups
            Document of each text, when several are of one document: they repeat the same words.

        Raises
        ------
        EmptyTableError, ExtraMissingError
            See `sequence.Tagger.fit`.
        """
        named = list(map(str, range(len(texts)))) if groups is None else list(groups)
        order = {name: at % _FOLDS for at, name in enumerate(dict.fromkeys(named))}
        folds = [order[name] for name in named]
        others = [
            Dictionary.fit(*_kept(texts, spans, [one != fold for one in folds])) for fold in range(_FOLDS)
        ]
        sequences: list[Described] = []
        tags: list[list[list[str]]] = [[], []]
        for text, given, fold in zip(texts, spans, folds, strict=True):
            layers = _layers(given)
            for places in _sequences(text):
                sequences.append(_described(text, places, others[fold]))
                for layer, chosen in zip(tags, layers, strict=True):
                    layer.append(outside_in(len(places), _in_words(places, chosen)))
        first = Tagger.fit(sequences, tags[0])
        inside = [_over(one, row) for one, row in zip(sequences, tags[0], strict=True)]
        nested = sum(any(tag != "O" for tag in row) for row in tags[1]) >= _LEAST_NESTED
        layers_fitted = (first, Tagger.fit(inside, tags[1])) if nested else (first,)
        return cls(layers_fitted, Dictionary.fit(texts, spans))

    def spans(self, text: str) -> list[Span]:
        """Return the spans of a text, in order, the longest first."""
        places = list(_sequences(text))
        sequences = [_described(text, one, self.known) for one in places]
        found = []
        for tagger in self.layers:
            tagged = tagger.tags(sequences)
            for where, tags in zip(places, tagged, strict=True):
                found += [(where[a][0], where[b - 1][1], kind) for a, b, kind in chunks(tags)]
            sequences = [_over(one, row) for one, row in zip(sequences, tagged, strict=True)]
        return sorted(set(found), key=lambda one: (one[0], -one[1], one[2]))

    def dump(self) -> dict[str, bytes]:
        """Write the model as files, none of them a pickle."""
        from eclaireur.core.artefacts import dump_json

        known = {" ".join(key): kind for key, kind in self.known.kinds.items()}
        files = {
            f"layer{at}-{name}": data
            for at, one in enumerate(self.layers)
            for name, data in one.dump().items()
        }
        return files | {_KNOWN: dump_json({"layers": len(self.layers), "known": known})}

    @classmethod
    def read(cls, files: Mapping[str, bytes] | Callable[[str], bytes]) -> SpanTagger:
        """Read what `dump` wrote: a mapping, or a function that gives the bytes of a file."""
        from eclaireur.core.artefacts import load_json

        get = files if callable(files) else files.__getitem__
        head = load_json(get(_KNOWN))
        known = {tuple(key.split(" ")): str(kind) for key, kind in head["known"].items()}
        layers = [Tagger.read(partial(_of_layer, get, at)) for at in range(head["layers"])]
        return cls(tuple(layers), Dictionary(known))


def _of_layer(get: Callable[[str], bytes], layer: int, name: str) -> bytes:
    return get(f"layer{layer}-{name}")


def _layers(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Share spans between those that lie in no other one, the longest first, and the rest."""
    outer: list[Span] = []
    inner: list[Span] = []
    for one in sorted(spans, key=lambda one: (one[0] - one[1], one)):
        free = all(one[1] <= start or one[0] >= end for start, end, _ in outer)
        (outer if free else inner).append(one)
    return outer, inner


def _over(sequence: Described, tags: Sequence[str]) -> Described:
    """Add to each word what the layer before says of it and of its neighbours."""
    size = len(sequence)
    return [
        [
            *one,
            *(f"l{step}:{tags[at + step]}" for step in (-1, 0, 1) if 0 <= at + step < size),
            f"l|{tags[at]}|{one[1]}",
        ]
        for at, one in enumerate(sequence)
    ]


def _kept(
    texts: Sequence[str], spans: Sequence[Sequence[Span]], keep: Sequence[bool]
) -> tuple[list[str], list[Sequence[Span]]]:
    places = [at for at in range(len(texts)) if keep[at]]
    return [texts[at] for at in places], [spans[at] for at in places]


def _described(text: str, places: Sequence[tuple[int, int]], known: Dictionary) -> Described:
    tags = outside_in(len(places), _in_words(places, known.over(text, places)))
    return described([text[a:b] for a, b in places], tags)


def _sequences(text: str) -> Iterable[list[tuple[int, int]]]:
    for start, end in sentences(text):
        places = words(text, start, end)
        for at in range(0, len(places), _LONGEST):
            yield places[at : at + _LONGEST]


def _in_words(places: Sequence[tuple[int, int]], spans: Iterable[Span]) -> list[Span]:
    """Return spans in numbers of words; a span that cuts a word takes the whole of it."""
    if not places:
        return []
    low, high = places[0][0], places[-1][1]
    found = []
    for start, end, kind in spans:
        if start < low or end > high:
            continue
        inside = [at for at, (a, b) in enumerate(places) if a < end and b > start]
        if inside:
            found.append((inside[0], inside[-1] + 1, kind))
    return found


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The plain baseline: spans seen in annotated texts, looked up word for word, the longest first."""

    kinds: Mapping[tuple[str, ...], str]

    @classmethod
    def fit(cls, texts: Sequence[str], spans: Sequence[Iterable[Span]]) -> Dictionary:
        """Keep the usual kind of each span."""
        counted: dict[tuple[str, ...], dict[str, int]] = {}
        for text, given in zip(texts, spans, strict=True):
            for start, end, kind in given:
                key = tuple(plain(text[a:b]) for a, b in words(text, start, end))
                if any(key) and len(key) <= _MOST_WORDS:
                    kinds = counted.setdefault(key, {})
                    kinds[kind] = kinds.get(kind, 0) + 1
        return cls({key: max(sorted(kinds), key=kinds.__getitem__) for key, kinds in counted.items()})

    def spans(self, text: str) -> list[Span]:
        """Return what is found, without overlap.

        >>> known = Dictionary.fit(["Le foie."], [[(3, 7, "organe")]])
        >>> known.spans("Foie et rate")
        [(0, 4, 'organe')]
        """
        return self.over(text, words(text))

    def over(self, text: str, places: Sequence[tuple[int, int]]) -> list[Span]:
        """Return what is found among some words of a text."""
        keys = [plain(text[a:b]) for a, b in places]
        found, at = [], 0
        while at < len(keys):
            for size in range(min(_MOST_WORDS, len(keys) - at), 0, -1):
                kind = self.kinds.get(tuple(keys[at : at + size]))
                if kind is not None:
                    found.append((places[at][0], places[at + size - 1][1], kind))
                    at += size
                    break
            else:
                at += 1
        return found
