"""The parts of a letter learnt from letters whose parts someone marked: a sequence model over lines.

Each line is described by its words, its form, its place, what the patterns say of it, and its neighbours; a
conditional random field (`sequence`) says of which part it is. So letters whose titles no pattern knows are
cut too, as soon as a few like them are marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from eclaireur.bricks.semantic.outline import Part, Patterns, flat, parts
from eclaireur.bricks.semantic.sequence import Described, Tagger

__all__ = ["HEAD", "Begin", "PartTagger", "cut_at"]

Begin = tuple[int, str]
"""Where a part begins, in characters, and its kind."""

HEAD = "head"
"""Kind of what stands before the first part."""

_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"\s*(?:[A-Z]|[IVXl1]+|\d{1,2})\s*[.:)–-]")
_SHORT, _MIDDLE = 60, 120
_FIRST_WORDS = 8
_MOST_LINES = 5000
"""A longer letter is left to patterns: it is no letter."""


def cut_at(text: str, begins: Sequence[Begin], titles: Mapping[str, str]) -> tuple[Part, ...]:
    """Return the parts that begin at some places; what stands before the first is the head.

    Examples
    --------
    >>> [(one.kind, one.title, one.end) for one in cut_at("Objet\\nDemandes\\nUne.", [(6, "asks")], {})]
    [('head', 'En-tête', 6), ('asks', 'asks', 19)]
    """
    found = sorted((start, kind) for start, kind in begins if 0 <= start < len(text))
    if text[: found[0][0] if found else len(text)].strip():
        found.insert(0, (0, HEAD))
    ends = [start for start, _ in found[1:]] + [len(text)]
    names = {HEAD: "En-tête", **titles}
    return tuple(
        Part(kind, names.get(kind, kind), start, end) for (start, kind), end in zip(found, ends, strict=True)
    )


@dataclass(frozen=True, slots=True)
class PartTagger:
    """A fitted model of the parts of letters, with the patterns that it also reads."""

    tagger: Tagger
    patterns: Patterns

    @classmethod
    def fit(
        cls, texts: Sequence[str], begins: Sequence[Sequence[Begin]], *, patterns: Patterns
    ) -> PartTagger:
        """Fit on letters and where their parts begin.

        Raises
        ------
        EmptyTableError, ExtraMissingError
            See `sequence.Tagger.fit`.
        """
        sequences, tags = [], []
        for text, given in zip(texts, begins, strict=True):
            lines = _lines(text)
            whole = cut_at(text, given, {})
            sequences.append(_described(text, lines, patterns))
            tags.append([_kind_at(whole, start) for start, _ in lines])
        return cls(Tagger.fit(sequences, tags), patterns)

    def parts(self, text: str) -> tuple[Part, ...]:
        """Cut a letter into its parts; they cover it once."""
        lines = _lines(text)
        if not lines or len(lines) > _MOST_LINES:
            return parts(text, self.patterns)
        (tags,) = self.tagger.tags([_described(text, lines, self.patterns)])
        begins: list[Begin] = []
        for kind, run in groupby(zip(tags, lines, strict=True), key=lambda pair: pair[0]):
            start = next(run)[1][0]
            if kind != HEAD or begins:
                begins.append((start, kind))
        return cut_at(text, begins, {kind: title for kind, title, _ in self.patterns.heads})


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that say something, and where each begins."""
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            found.append((start, line.strip()))
        start += len(line)
    return found


def _kind_at(whole: Sequence[Part], start: int) -> str:
    return next((one.kind for one in reversed(whole) if one.start <= start), HEAD)


def _described(text: str, lines: Sequence[tuple[int, str]], patterns: Patterns) -> Described:
    known = parts(text, patterns)
    begins = {one.start for one in known}
    own = [_own(line, patterns) for _, line in lines]
    last = max(len(lines) - 1, 1)
    found = []
    for at, (start, _) in enumerate(lines):
        kind = _kind_at(known, start)
        one = [
            *own[at],
            f"part:{kind}",
            f"begins:{kind if start in begins else ''}",
            f"place:{10 * at // last}",
        ]
        one += [f"before:{what}" for what in own[at - 1]] if at else ["first"]
        one += [f"after:{what}" for what in own[at + 1][:4]] if at + 1 < len(lines) else ["last"]
        found.append(one)
    return found


def _own(line: str, patterns: Patterns) -> list[str]:
    """Describe a line by itself: its form first, then its words."""
    plain = flat(line)
    words = _WORD.findall(plain)[:_FIRST_WORDS]
    size = "short" if len(line) < _SHORT else "middle" if len(line) < _MIDDLE else "long"
    found = [
        f"size:{size}",
        f"upper:{line.upper() == line}",
        f"numbered:{bool(_NUMBERED.match(line))}",
        f"ends:{line[-1] if line[-1] in '.:;?!' else ''}",
        f"asks:{any(one.search(plain) for one in patterns.asks)}",
        f"first:{' '.join(words[:2])}",
    ]
    return [*found, *(f"word:{word}" for word in words)]
