"""The parts of a letter, and what it asks for: patterns are data, read from TOML.

Of the lines that could be a title, those kept follow each other in the order of a letter, as many as can be,
and the last ones when there is a choice: a synthesis that quotes « observations » does not begin that part.
Titles are compared without case, accents or spaces, and what optical recognition confuses in a title (O and
0; I, l and 1) is one character.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from eclaireur.bricks.semantic.pattern_files import read_pattern_file

__all__ = ["Part", "Patterns", "flat", "parts", "read_patterns", "sentences"]

_LOOSE = {"0": "o", "1": "i", "l": "i", "|": "i", "!": "i", "5": "s", "’": "'", "\u00a0": " "}
_LOOSENED = str.maketrans(_LOOSE)
_SPACED = re.compile(r"\b(?:\w ){3,}\w\b")
_END = re.compile(r"(?<=[.!?…])[\"»)]?\s+(?=[A-ZÀ-ÖØ-Þ«\"(–-])|\n\s*\n")
# A line without small letters is a title or a page number (recognition writes « l » for « I »).
_CAPITALS = re.compile(r"^[^a-km-zà-öø-ÿ\n]{3,90}\n", re.MULTILINE)
_SHORT = re.compile(r"(?:\b(?:art|n|M|Mme|cf|réf|etc|p|al)|\b[A-Z])\.$", re.IGNORECASE)
_LONGEST_TITLE = 90
_MOST_TITLES = 100


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text: characters ``[start, end)``, its kind and its French title."""

    kind: str
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Patterns:
    """What a file of patterns says.

    Parameters
    ----------
    heads
        Kind, French title and expressions of each part, in the order of a letter.
    asks, not_asks
        Expressions of a sentence that asks for something, and of one that only seems to.
    """

    heads: tuple[tuple[str, str, tuple[re.Pattern[str], ...]], ...]
    asks: tuple[re.Pattern[str], ...]
    not_asks: tuple[re.Pattern[str], ...]


def read_patterns(path: Path) -> Patterns:
    """Read a file of patterns.

    Raises
    ------
    ConfigError
        If it is not TOML, a key is missing or an expression is wrong.
    """
    return read_pattern_file(
        path,
        lambda data: Patterns(
            tuple((part["kind"], part["title"], _heads(part["heads"])) for part in data["part"]),
            tuple(re.compile(one) for one in data["demand"]["asks"]),
            tuple(re.compile(one) for one in data["demand"]["not_asks"]),
        ),
    )


def _heads(expressions: list[str]) -> tuple[re.Pattern[str], ...]:
    """Compile titles; their letters are loosened as those of the text will be, and their escapes are kept."""
    found = []
    for one in expressions:
        pieces = re.split(r"(\\.|\[[^]]*\]|\(\?:|\|)", one)
        loose = "".join(piece if at % 2 else piece.translate(_LOOSENED) for at, piece in enumerate(pieces))
        # A title spaced out loses the spaces between its words: none is asked for.
        found.append(re.compile(loose.replace(" ", r"\s*")))
    return tuple(found)


def flat(text: str) -> str:
    """Return a text of the same length, in lower case and without accents, so that offsets hold.

    >>> flat("Œuvre n° 3 : Éviter")
    'œuvre n° 3 : eviter'
    """
    return text.translate(_FLAT)


class _Plain(dict[int, str]):
    """The plain form of each character, found once."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        lowered = char.lower() if len(char.lower()) == 1 else char
        base = unicodedata.normalize("NFD", lowered)[0]
        self[code] = "'" if base in "’`´" else base
        return self[code]


_FLAT = _Plain()


def parts(text: str, patterns: Patterns) -> tuple[Part, ...]:
    """Cut a letter into its parts; what it does not have is absent.

    Examples
    --------
    >>> heads = (("a", "Demandes", (re.compile("demandes"),)), ("b", "Autres", (re.compile("observations"),)))
    >>> text = "Synthèse\\nObservations\\nDEMANDES\\nUne.\\n0bservations\\nDeux."
    >>> [(one.kind, text[one.start : one.end]) for one in parts(text, Patterns(heads, (), ()))]
    [('head', 'Synthèse\\nObservations\\n'), ('a', 'DEMANDES\\nUne.\\n'), ('b', '0bservations\\nDeux.')]
    """
    found: list[Part] = []
    end = len(text)
    for start, at in reversed(_chain(_candidates(text, patterns))):
        kind, title, _ = patterns.heads[at]
        found.append(Part(kind, title, start, end))
        end = start
    if text[:end].strip():
        found.append(Part("head", "En-tête", 0, end))
    return tuple(reversed(found))


def _candidates(text: str, patterns: Patterns) -> list[tuple[int, int]]:
    """Return where a title could be, and of which part: the last ones, which are enough."""
    found = [
        (start, at)
        for start, line in _titles(text)
        for at, (_, _, heads) in enumerate(patterns.heads)
        if any(head.fullmatch(line) for head in heads)
    ]
    return found[-_MOST_TITLES:]


def _chain(candidates: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of titles in the order of a letter, the last one of equal length."""
    best: list[list[tuple[int, int]]] = []
    for start, kind in reversed(candidates):
        after = [run for run in best if run[0][0] > start and run[0][1] > kind]
        best.append([(start, kind), *max(after, key=len, default=[])])
    return max(best, key=len, default=[])


def _titles(text: str) -> list[tuple[int, str]]:
    """Return the lines short enough to be titles, loosened, with where they begin."""
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if 0 < len(bare) <= _LONGEST_TITLE:
            whole = _SPACED.sub(lambda match: match.group().replace(" ", ""), bare)
            found.append((start, " ".join(flat(whole).translate(_LOOSENED).rstrip(" .:").split())))
        start += len(line)
    return found


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the bounds of the sentences of a text, without their outer spaces; a title is one.

    Examples
    --------
    >>> text = "Voir art. L. 593-33. Je vous demande\\nd'agir. Fin"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Voir art. L. 593-33.', "Je vous demande\\nd'agir.", 'Fin']
    >>> [("A. SYNTHÈSE\\nRien à dire"[a:b]) for a, b in sentences("A. SYNTHÈSE\\nRien à dire")]
    ['A. SYNTHÈSE', 'Rien à dire']
    """
    stop = len(text) if end is None else end
    ends = {match.end() for match in _END.finditer(text, start, stop) if _closes(text, start, match)}
    for line in _CAPITALS.finditer(text, start, stop):
        ends |= {line.start(), line.end()}
    found = []
    for begin, finish in pairwise([start, *sorted(ends), stop]):
        piece = text[begin:finish]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            found.append((begin + lead, begin + len(piece.rstrip())))
    return found


def _closes(text: str, start: int, match: re.Match[str]) -> bool:
    """Tell an end of sentence from the point of an abbreviation, which is at most a dozen letters."""
    return "\n\n" in match.group() or not _SHORT.search(text, max(start, match.start() - 12), match.start())
