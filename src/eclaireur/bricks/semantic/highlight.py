"""Where a text answers a query: words found, and the passages that hold most of them, in characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eclaireur.bricks.semantic.normalise import Token, tokens
from eclaireur.bricks.semantic.query import Leaf

__all__ = ["READ", "Passage", "distance_within", "matches", "passages"]

READ = 400_000
"""Characters of a text in which passages are looked for; further, only words as they were typed."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters ``[start, end)`` of a text, and the spans to mark in it, also in characters of the text."""

    start: int
    end: int
    marks: tuple[tuple[int, int], ...]


def matches(found: Sequence[Token], asked: Iterable[Leaf]) -> list[tuple[int, int, int]]:
    """Return the words of a text that answer leaves of a query: start, end, and the leaf's number.

    Examples
    --------
    >>> matches(tokens("Les écoles"), [Leaf(("ecol",), "école")])
    [(4, 10, 0)]
    """
    words: dict[str, list[int]] = {}
    special: list[tuple[int, Leaf]] = []
    for number, leaf in enumerate(asked):
        if len(leaf.keys) == 1 and not leaf.prefix and not leaf.distance:
            words.setdefault(leaf.keys[0], []).append(number)
        else:
            special.append((number, leaf))
    spans: list[tuple[int, int, int]] = []
    known: dict[tuple[str, int], bool] = {}
    for at, one in enumerate(found):
        spans += [(one.start, one.end, number) for number in words.get(one.key, ())]
        for number, leaf in special:
            name = one.key, number
            if name not in known:
                known[name] = _begins(one.key, leaf)
            size = len(leaf.keys)
            if known[name] and (size == 1 or _follows(found, at, leaf)):
                spans.append((one.start, found[at + size - 1].end, number))
    return spans


def _begins(key: str, leaf: Leaf) -> bool:
    first = leaf.keys[0]
    if len(leaf.keys) > 1:
        return key == first
    if leaf.prefix:
        return key.startswith(first) or key in leaf.others
    return distance_within(key, first, leaf.distance)


def _follows(found: Sequence[Token], at: int, leaf: Leaf) -> bool:
    size = len(leaf.keys)
    following = [one.key for one in found[at : at + size]]
    if len(following) < size:
        return False
    last = following[-1].startswith(leaf.keys[-1]) if leaf.prefix else following[-1] == leaf.keys[-1]
    return last and following[:-1] == list(leaf.keys[:-1])


def distance_within(one: str, other: str, most: int) -> bool:
    """Tell whether two words differ by few letters: put in, left out, changed or two that follow swapped.

    Examples
    --------
    >>> distance_within("inspection", "inspecsion", 1), distance_within("nitrate", "nirtate", 1)
    (True, True)
    """
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        last, before, row = before, row, [i]
        for j, right in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most


def passages(text: str, asked: Sequence[Leaf], *, size: int = 240, most: int = 3) -> tuple[Passage, ...]:
    """Return the passages of a text that answer most parts of a query, in the order of the text.

    Parameters
    ----------
    size
        Characters of a passage, about.
    most
        How many passages.

    Examples
    --------
    >>> [one.marks for one in passages("Le budget de l'école.", [Leaf(("ecol",), "école")])]
    [((15, 20),)]
    """
    spans = sorted(matches(tokens(text[:READ]), asked))
    if not spans and len(text) > READ:
        spans = _far(text, asked)
    chosen: list[Passage] = []
    left = spans
    while left and len(chosen) < most:
        first, last = _best(left, size)
        held = left[first:last]
        start, end = _widened(text, held[0][0], max(end for _, end, _ in held), size)
        inside = [(a, b) for a, b, _ in spans if start <= a and b <= end]
        chosen.append(Passage(start, end, _merged(inside)))
        left = [one for one in left if one[1] <= start or one[0] >= end]
    return tuple(sorted(chosen, key=lambda one: one.start))


def _far(text: str, asked: Sequence[Leaf]) -> list[tuple[int, int, int]]:
    """Look in the rest of an enormous text for words as they were typed, and read around the first."""
    places = [at for leaf in asked if (at := text.find(leaf.shown, READ)) >= 0]
    if not places:
        return []
    start = max(min(places) - READ // 2, 0)
    found = matches(tokens(text[start : start + READ]), asked)
    return sorted((a + start, b + start, leaf) for a, b, leaf in found)


def _best(spans: Sequence[tuple[int, int, int]], size: int) -> tuple[int, int]:
    """Return the run of spans, within a size, that answers most leaves, then has most spans."""
    best, choice, first = (0, 0), (0, 1), 0
    counts: dict[int, int] = {}
    for last, (_, end, leaf) in enumerate(spans):
        counts[leaf] = counts.get(leaf, 0) + 1
        while end - spans[first][0] > size and first < last:
            gone = spans[first][2]
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
            first += 1
        value = len(counts), last - first + 1
        if value > best:
            best, choice = value, (first, last + 1)
    return choice


def _widened(text: str, start: int, end: int, size: int) -> tuple[int, int]:
    """Widen to about the size asked, without cutting a word."""
    room = max(size - (end - start), 0)
    left, right = max(start - room // 2, 0), min(end + room - room // 2, len(text))
    while 0 < left < start and not text[left - 1].isspace():
        left += 1
    while end < right < len(text) and not text[right].isspace():
        right -= 1
    return left, right


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)
