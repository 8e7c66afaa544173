"""French text brought to the form under which it is searched, each word with its place in the original.

A word is looked for without case, accents or ligatures, cut to a light stem, and without the article that an
apostrophe ties to it. Soft hyphens and words cut at the end of a line are mended. The letter of an article
stands apart (« L1234-5 » and « L. 1234-5 » read alike). Every back-end of the index stores these keys, so
that a word is found, marked and explained alike everywhere.

`keys` is the fast way, for indexing: text is cut at blanks, and what is between two blanks is looked up in a
table of pieces already seen. `tokens` gives the same keys with their places.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from eclaireur.bricks.semantic import references

__all__ = [
    "APOSTROPHES",
    "ELIDED",
    "STOP",
    "Mark",
    "Token",
    "forget_pieces",
    "keys",
    "marks",
    "may_be_cut",
    "mended",
    "piece_keys",
    "plain",
    "stem",
    "stems_of_beginning",
    "tidy",
    "tokens",
]

_LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ĳ": "ij", "Ĳ": "IJ"}
    | {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
)
_OPENED = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
_WORD = re.compile(rf"[^\W_]+(?:[{_INVISIBLE}\u0300-\u036f]+[^\W_]*)*")
_PIECE = re.compile(r"\S+")
_CUT = re.compile(r"(?<=[^\W\d_])[-\u00ad‐¬]\r?\n[ \t]{0,20}(?=[^\W\d_])")
_ARTICLE = re.compile(r"[LRDAlrda](?=\d{3})")
APOSTROPHES = frozenset("'’ʼ‘`´′")
ELIDED = frozenset(
    ("c", "d", "j", "l", "m", "n", "qu", "s", "t", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu")
)
"""Words, in plain form, that are left out before an apostrophe and a word."""
_FOLLOWED = re.compile(r"[^\W_]")
_AROUND = "".join(one for one in string.punctuation if one not in "'`")
"""Punctuation that changes no key when it stands around a piece: many pieces are then one."""
_LONGEST_KEY = 64
_LONGEST_WORD = 256
_LONGEST_PIECE = 80
_MOST_PIECES = 400_000
_LEAST_STEM = 4
# fmt: off
_ENDINGS = frozenset((
    "ation", "ateur", "atrice", "ement", "ment", "ite", "ive", "if", "euse", "eux", "eu", "ique", "isme",
    "iste", "able", "ible", "ance", "ence", "eur", "eure", "ier", "iere", "ee", "er", "ez", "ir", "ait",
    "aient", "ant", "ante", "ent", "iez", "tion", "age", "ure", "al", "ale", "elle", "el", "ai", "aise",
    "it", "i", "e", "x",
))
# fmt: on
"""Of the singular."""
_LONGEST_ENDING = max(map(len, _ENDINGS))

# fmt: off
STOP = frozenset((
    "a", "ai", "au", "aux", "avec", "c", "ce", "ces", "cet", "cette", "d", "dans", "de", "des", "du",
    "elle", "elles", "en", "est", "et", "il", "ils", "j", "je", "l", "la", "le", "les", "leur", "leurs",
    "lui", "m", "ma", "me", "mes", "mon", "n", "ne", "nos", "notre", "nous", "on", "ont", "ou", "par",
    "pas", "pour", "qu", "que", "qui", "s", "sa", "se", "ses", "son", "sont", "sur", "t", "ta", "te",
    "tes", "ton", "tu", "un", "une", "vos", "votre", "vous", "y",
))
# fmt: on
"""Words, in plain form, that a query of several words leaves out; a phrase keeps them."""

_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("’ʼ‘′´`", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        "…": "...",
    }
)
_GONE = re.compile(rf"[{_INVISIBLE}]")
_NUMBER = re.compile(
    r"(?<![\w,.])[-−]?(?P<whole>\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)(?:,(?P<part>\d+))?(?![\w])"
    r"(?:[ \u00a0\u202f]?(?P<unit>€|euros?|%|k€|M€))?"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word: characters ``[start, end)`` of the original, and the key under which it is searched."""

    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Something with a value: characters ``[start, end)``, kind (``date``, ``number``, ``article``…)."""

    start: int
    end: int
    kind: str
    value: str


def plain(word: str) -> str:
    """Return a word without case, accents, ligatures or anything but letters and digits.

    Examples
    --------
    >>> plain("Œuvre"), plain("ﬁchées"), plain("ÉTÉ"), plain("co\\u00adpie")
    ('oeuvre', 'fichees', 'ete', 'copie')
    """
    if word.isascii():
        return word.lower() if word.isalnum() else "".join(filter(str.isalnum, word.lower()))
    folded = unicodedata.normalize("NFKD", word.translate(_LIGATURES)).casefold()
    folded = unicodedata.normalize("NFKD", folded.translate(_LIGATURES))
    return "".join(char for char in folded if char.isalnum())


def stem(word: str) -> str:
    """Return the light stem of a plain word: singular, then without its longest usual ending.

    Four letters at least stay. Longest ending first, as in affix-removal stemmers (Lovins 1968; for French,
    Savoy 1999), from a list of our own. The plural goes before: « pension » and « pensions » are one word,
    while « déclarons », which letters of an administration hardly write, is then another than « déclarer ».
    Words of four letters lose but their plural; shorter ones and words with a digit are left alone.

    Examples
    --------
    >>> [stem(word) for word in ("declarations", "declarees", "declarer", "personnelle", "lois", "2021s")]
    ['declar', 'declar', 'declar', 'person', 'loi', '2021s']
    >>> [stem(word) for word in ("actions", "action", "tuyaux", "tuyau", "jeux", "bureaux", "bureau")]
    ['action', 'action', 'tuyal', 'tuyal', 'jeu', 'bureau', 'bureau']
    """
    if not word.isalpha() or len(word) < _LEAST_STEM:
        return word
    if len(word) == _LEAST_STEM:
        return word[:-1] if word.endswith(("s", "eux", "eaux")) else word
    word = word.removesuffix("s")
    single = word.removesuffix("x")
    if single.endswith("au") and not single.endswith("eau"):
        word = f"{single[:-1]}l"
    for size in range(min(_LONGEST_ENDING, len(word) - _LEAST_STEM), 0, -1):
        if word[-size:] in _ENDINGS:
            word = word[:-size]
            break
    return word[:-1] if word[-1] == word[-2] and len(word) > _LEAST_STEM else word


def stems_of_beginning(beginning: str) -> tuple[str, ...]:
    """Return the stems of words that may begin so, but for those that begin so themselves.

    Examples
    --------
    >>> stems_of_beginning("inspecti"), stems_of_beginning("tuyau")
    (('inspect', 'inspec'), ('tuya', 'tuyal'))
    """
    found = []
    for size in range(1, min(_LONGEST_ENDING + 1, len(beginning) - _LEAST_STEM) + 1):
        rest = beginning[-size:]
        if any(f"{ending}s".startswith(rest) for ending in ("", *_ENDINGS)):
            found.append(beginning[:-size])
    whole = stem(beginning)
    if not whole.startswith(beginning) and whole not in found:
        found.append(whole)
    return tuple(found)


def _cut(piece: str) -> Iterator[tuple[int, int, str]]:
    """Give the words of a piece without blanks: start, end, key."""
    for found in _WORD.finditer(piece):
        start, end = found.span()
        word = plain(piece[start : min(end, start + _LONGEST_WORD)])
        if not word or (
            word in ELIDED and piece[end : end + 1] in APOSTROPHES and _FOLLOWED.search(piece, end + 1)
        ):
            continue
        if _ARTICLE.match(piece, start, end):
            yield start, start + 1, word[0]
            start, word = start + 1, word[1:]
        yield start, end, stem(word)[:_LONGEST_KEY]


class _Pieces(dict[str, str]):
    """Keys of each piece seen, each followed by a space; bounded, and quick when the piece is known."""

    def __missing__(self, piece: str) -> str:
        if len(piece) > _LONGEST_PIECE:
            return "".join([f"{key} " for _, _, key in _cut(piece)])
        bare = piece.strip(_AROUND)
        if len(bare) < len(piece):
            value = self[bare] if bare else ""
        elif piece.isalpha():
            word = plain(piece)
            value = f"{stem(word)[:_LONGEST_KEY]} " if word else ""
        elif piece.isascii() and piece.isalnum() and not _ARTICLE.match(piece):
            value = f"{piece.lower()[:_LONGEST_KEY]} "
        else:
            value = "".join([f"{key} " for _, _, key in _cut(piece)])
        if len(self) >= _MOST_PIECES:
            self.clear()
        self[piece] = value
        return value


_pieces = _Pieces()
piece_keys = _pieces.__getitem__
"""Keys of what stands between two blanks, each followed by a space."""
forget_pieces = _pieces.clear
"""Forget the pieces already seen: for measures that start from nothing."""


def keys(text: str) -> str:
    """Return the keys of a text, each followed by a space.

    Parameters
    ----------
    text
        Any text, any length.

    Examples
    --------
    >>> keys("L'école d'Évreux : 3 journaux, l’article L1234-5")
    'ecol evreu 3 journ articl l 1234 5 '
    >>> keys("une inspec-\\ntion")
    'une inspec '
    """
    return "".join(map(piece_keys, mended(text).split()))


def mended(text: str) -> str:
    """Return a text without the cuts of words at the end of lines.

    >>> mended("une inspec-\\ntion")
    'une inspection'
    """
    return _CUT.sub("", text) if may_be_cut(text) else text


def may_be_cut(text: str) -> bool:
    """Tell, quickly, whether a word may be cut at the end of a line."""
    return "\n" in text and ("-\n" in text or "-\r" in text or "\u00ad" in text or "‐" in text or "¬" in text)


def tokens(text: str) -> list[Token]:
    """Return the words of a text with their places; their keys are those of `keys`, in the same order.

    Examples
    --------
    >>> text = "l'œuvre inspec-\\ntée"
    >>> [(text[one.start : one.end], one.key) for one in tokens(text)]
    [('œuvre', 'oeuvr'), ('inspec-\\ntée', 'inspect')]
    """
    if "\n" not in text or not _CUT.search(text):
        return [
            Token(piece.start() + start, piece.start() + end, key)
            for piece in _PIECE.finditer(text)
            for start, end, key in _places(piece.group())
        ]
    joined, places = _joined(text)
    return [Token(places[one.start], places[one.end - 1] + 1, one.key) for one in tokens(joined)]


@lru_cache(maxsize=50_000)
def _remembered(piece: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(_cut(piece))


def _places(piece: str) -> tuple[tuple[int, int, str], ...]:
    return _remembered(piece) if len(piece) <= _LONGEST_PIECE else tuple(_cut(piece))


def _joined(text: str) -> tuple[str, list[int]]:
    """Mend the words cut at the end of lines; say where each character was."""
    parts: list[str] = []
    places: list[int] = []
    last = 0
    for found in _CUT.finditer(text):
        parts.append(text[last : found.start()])
        places += range(last, found.start())
        last = found.end()
    parts.append(text[last:])
    places += range(last, len(text))
    return "".join(parts), places


def tidy(text: str) -> str:
    """Return a text in its plain typographic form, still readable: for comparison and display in a line.

    Ligatures are opened, accents composed, quotes, dashes and blanks made common; soft hyphens and
    words cut at the end of a line are mended. Doing it twice changes nothing.

    Examples
    --------
    >>> tidy("« l’ofﬁce »\\u00a0: inspec-\\ntion")
    '" l\\'office " : inspection'
    """
    before = None
    while text != before:
        before = text
        text = _CUT.sub("", text) if "\n" in text else text
        text = _GONE.sub("", unicodedata.normalize("NFKC", text.translate(_OPENED)))
        text = _SPACES.sub(" ", text).translate(_TYPOGRAPHY)
    return text


def marks(text: str) -> list[Mark]:
    """Return the dates, numbers and references of a text, in order; a number inside another mark is left.

    Values: a date as ``AAAA-MM-JJ``, a number with a point and its unit, a reference as
    `references.cited` says.

    Examples
    --------
    >>> [(one.kind, one.value) for one in marks("1 234,5 € le 1er août 2021, article L. 1-1")]
    [('number', '1234.5 €'), ('date', '2021-08-01'), ('article', 'L. 1-1')]
    """
    found = [Mark(one.start, one.end, one.kind, one.value) for one in references.cited(text)]
    found += [Mark(start, end, "date", _iso(day)) for start, end, day in references.dates(text)]
    taken = sorted((one.start, one.end) for one in found)
    at = 0
    for number in _NUMBER.finditer(text):
        start, end = number.span()
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        if at < len(taken) and taken[at][0] < end:
            continue
        found.append(Mark(start, end, "number", _value(number)))
    return sorted(found)


def _iso(day: date) -> str:
    return day.isoformat()


def _value(number: re.Match[str]) -> str:
    sign = "-" if number.group()[0] in "-−" else ""
    whole = _SPACES.sub("", number["whole"]).replace(" ", "")
    part = f".{number['part']}" if number["part"] else ""
    unit = (number["unit"] or "").replace("euros", "€").replace("euro", "€")
    return f"{sign}{whole}{part} {unit}".strip()
