"""Which encoding bytes are in, told by what French text looks like; every choice is said.

UTF-8 is proved by its own form. A legacy encoding is chosen by reading each byte above 127 between its
neighbours: « é » between two small letters is French, « Ž » there is not. When two readings are almost as
likely, the doubt is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from eclaireur.core import french
from eclaireur.sources.reading import Doubt, Repair

__all__ = ["Decoded", "decode", "doubled", "recognised", "survey", "wide"]

_LEGACY = {
    "cp1252": "Windows (cp1252)",
    "iso8859_15": "latin-9 (ISO 8859-15)",
    "mac_roman": "ancien Macintosh (MacRoman)",
    "cp850": "MS-DOS (cp850)",
}
_SHOWN = 50
_MOST_RUNS = 40_000
_MOST_HELD = 64_000_000
_LOWER = dict.fromkeys("èàêç", 2.5) | dict.fromkeys("âûîôùœëï", 1.5) | dict.fromkeys("æüöÿ", 0.5) | {"é": 3.0}
_ENDS, _GOES_ON = "àù", "èêçâîï"
"""Small letters after which a French word ends, and those after which it goes on."""
_OPENS = {"ê": "t", "â": "cgmnp", "î": "l", "è": "v", "ô": "t", "û": "", "ï": "", "ë": ""}
_OPENS |= dict.fromkeys("œæ", "cdinsu")
"""Letters that seldom open a word, and what then follows: être, âge, île, Ève, ôter, œuvre."""
_UPPER = "ÉÈÊËÀÂÙÛÜÎÏÔÖÇŒÆŸ"
_NEIGHBOURS = "áíóúñãõäåøß"
_FRENCH = frozenset([*_LOWER, *_UPPER, *_NEIGHBOURS, *"’‘“”«»–—…•·°²³€§\u00a0\u202f"])
_MOJIBAKE = re.compile("[^\x00-\x7f]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Text, and what had to be recognised or is doubtful in its bytes."""

    text: str
    encoding: str
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def decode(data: bytes) -> Decoded:
    """Decode bytes of an unknown encoding.

    UTF-8 when they are valid UTF-8, UTF-16 and UTF-32 by their mark or their zeros, else the likeliest of
    cp1252, latin-9, MacRoman and cp850. Lines pasted from another encoding are decoded apart, text that
    was encoded twice is restored, and both are said with their lines.

    Examples
    --------
    >>> decode("Évreux".encode("mac_roman")).text
    'Évreux'
    >>> decode("Évreux".encode("utf-8").decode("cp1252").encode("utf-8")).text
    'Évreux'
    """
    large = wide(data)
    if large:
        text = data.decode(large, errors="replace").removeprefix("\ufeff")
        return _finished(text, large, [recognised(large.upper())])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _mixed(data.removeprefix(b"\xef\xbb\xbf")) or _legacy(data)
    return _finished(text, "utf-8", [])


def recognised(name: str) -> Repair:
    """Say that an encoding was recognised."""
    return Repair(kind="encoding", message=f"Encodage {name} reconnu.")


def _finished(text: str, encoding: str, repairs: list[Repair], doubts: tuple[Doubt, ...] = ()) -> Decoded:
    text, restored = _restore(text)
    marks = _lines_with(text, "\ufeff")
    if marks:
        text = text.replace("\ufeff", "")
        message = "Marques d'encodage au milieu du texte, retirées : des fichiers ont été mis bout à bout ?"
        restored = [*restored, Repair(kind="encoding", message=message, lines=marks)]
    lost = _lines_with(text, "\ufffd")
    if lost:
        message = "Caractères perdus avant l'envoi du fichier, ou illisibles : ils sont marqués « \ufffd »."
        doubts = (*doubts, Doubt(kind="lost", message=message, lines=lost))
    return Decoded(text=text, encoding=encoding, repairs=(*repairs, *restored), doubts=doubts)


def wide(data: bytes) -> str:
    """Name the encoding of two or four bytes a sign, by its mark or its zeros; else ``""``."""
    if data[:4] in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"}:
        return "utf-32"
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    start = data[:4096]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even + odd > len(start) // 4 and max(even, odd) > 10 * min(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return ""


def _legacy(data: bytes) -> Decoded:
    """Decode with the likeliest legacy encoding; say when another is almost as likely."""
    best, doubts = _likeliest(_runs(data))
    text = data.decode(best, errors="replace")
    return _finished(text, best, [recognised(_LEGACY[best])], doubts)


def _likeliest(runs: Counter[bytes]) -> tuple[str, tuple[Doubt, ...]]:
    scores = {name: _score(runs, name) for name in _LEGACY}
    best = max(scores, key=scores.__getitem__)
    total = sum(runs.values())
    doubts: tuple[Doubt, ...] = ()
    for name, title in _LEGACY.items():
        if name == best or scores[best] - scores[name] > max(0.25 * total, 1.0):
            continue
        differs = [run for run in runs if run.decode(name, "replace") != run.decode(best, "replace")]
        if differs:
            one, other = differs[0].decode(best, "replace"), differs[0].decode(name, "replace")
            message = f"Encodage incertain : « {_visible(one)} » serait « {_visible(other)} » en {title}."
            doubts = (Doubt(kind="encoding", message=message),)
            break
    return best, doubts


def survey(pieces: Iterable[bytes]) -> tuple[str, Repair, tuple[Doubt, ...]] | None:
    """Choose one legacy encoding for bytes that come in pieces of whole lines; None when lines are mixed.

    It chooses as `decode` does, without holding the file.
    """
    start: list[bytes] = []
    good: list[bytes] = []
    runs = held = 0
    for piece in pieces:
        if piece.isascii():
            continue
        if runs < _MOST_RUNS and held < _MOST_HELD:
            start.append(piece)
            runs += sum(1 for _ in re.finditer(rb"[\x80-\xff]+", piece))
            held += len(piece)
        for line in re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", piece) if len(good) < 2000 else ():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                continue
            good.append(line + b"\n")
    sample = b"".join(good[:2000])
    if sample:
        read = _plausibility(sample.decode("utf-8"))
        if read > max(_score(_runs(sample), name) for name in _LEGACY):
            return None
    best, doubts = _likeliest(_runs(b"".join(start)))
    return best, recognised(_LEGACY[best]), doubts


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _mixed(data: bytes) -> Decoded | None:
    """Decode a file of which some lines are UTF-8 and some not, as when two exports were pasted.

    None when what looks like UTF-8 there reads better as legacy text: « CAFÉ» » in cp1252 happens to be
    valid UTF-8.
    """
    pieces: list[bytes] = data.splitlines(keepends=True)
    strange = []
    good: list[bytes] = []
    for number, piece in enumerate(pieces):
        try:
            piece.decode("utf-8")
        except UnicodeDecodeError:
            strange.append(number)
        else:
            if not piece.isascii():
                good.append(piece)
    if not good:
        return None
    sample = b"".join(good[:2000])
    read = _plausibility(sample.decode("utf-8"))
    if read <= max(_score(_runs(sample), name) for name in _LEGACY):
        return None
    runs = _runs(b"".join(pieces[number] for number in strange[:20_000]))
    best = max(_LEGACY, key=lambda name: _score(runs, name))
    apart = set(strange)
    text = "".join(
        piece.decode(best, errors="replace") if number in apart else piece.decode("utf-8")
        for number, piece in enumerate(pieces)
    )
    said = french.count(len(strange), "ligne")
    message = f"{said} dans un autre encodage que le reste : {_LEGACY[best]}, lues à part."
    lines = tuple(number + 1 for number in strange[:_SHOWN])
    return _finished(text, "utf-8", [Repair(kind="encoding", message=message, lines=lines)])


def _runs(data: bytes) -> Counter[bytes]:
    """Count the runs of bytes above 127, each with its two neighbours on both sides."""
    found: Counter[bytes] = Counter()
    for number, run in enumerate(re.finditer(rb"[\x80-\xff]+", data)):
        found[data[max(run.start() - 2, 0) : min(run.end(), run.start() + 40) + 2]] += 1
        if number >= _MOST_RUNS:
            break
    return found


def _score(runs: Counter[bytes], name: str) -> float:
    return sum(times * _plausibility(run.decode(name, "replace")) for run, times in runs.items())


def _plausibility(text: str) -> float:
    """Say how much the signs above 127 of a text look French, each between its neighbours."""
    total = 0.0
    for index, char in enumerate(text):
        if char > "\x7f":
            before = text[index - 1] if index else " "
            after = text[index + 1] if index + 1 < len(text) else " "
            total += _sign(char, before, after)
    return total


def _sign(char: str, before: str, after: str) -> float:
    if char in _LOWER:
        return _small(char, before, after)
    if char in _UPPER:
        return _capital(char, before, after)
    if char.isalpha():
        if char.isupper() and before.islower():
            return -2.0
        return -0.5 if char.casefold() in _NEIGHBOURS else -2.0
    return _punctuation(char, before, after)


def _small(char: str, before: str, after: str) -> float:
    """Weigh a small letter by its place: « à » and « ù » end a French word, « ê » and « ç » never do."""
    if before.isupper() and (after.isupper() or not after.isalpha()):
        return -1.0
    if char in _ENDS if after.isalpha() else char in _GOES_ON:
        return -1.0
    if not before.isalpha() and char in _OPENS:
        return 1.0 if after in _OPENS[char] else -0.5
    return _LOWER[char]


def _capital(char: str, before: str, after: str) -> float:
    """Weigh a capital: it opens a word, or stands among capitals."""
    if before.islower() or (before.isupper() and after.islower()):
        return -2.0
    if before.isupper() or after.isupper():
        return 2.0
    if after.islower():
        opens = _OPENS.get(char.lower())
        return 1.5 if opens is None or after in opens else -0.5
    return 1.0 if char == "À" else 0.3


def _punctuation(char: str, before: str, after: str) -> float:
    """Weigh a sign that is no letter."""
    if char == "\ufffd" or unicodedata.category(char) in {"Cc", "Cn", "Co"}:
        return -6.0
    inside = before.isalpha() and after.isalpha()
    if char in "’‘":
        return 0.3 if not inside else 2.5 if char == "’" else 0.5
    if char in "\u00a0\u202f":
        return 1.5 if (before.isdigit() and after.isdigit()) or after in ":;!?»%€" or before == "«" else -0.2
    if char == "·":
        return 1.5 if inside else 0.3
    fits = {
        "€": not after.isalpha() and not inside,
        "«": not before.isalpha(),
        "»": not after.isalpha(),
        "–": not before.isalpha() and not after.isalpha(),
        "—": not before.isalpha() and not after.isalpha(),
        "“": not before.isalpha(),
        "”": not after.isalpha(),
        "°": before.isdigit() or before in "nN",
        "²": before.isalpha(),
        "³": before.isalpha(),
        "…": not after.isalpha(),
        "•": not inside,
    }
    if char in fits:
        return 1.5 if fits[char] else -1.5
    return -1.5


def doubled(text: str) -> bool:
    """Tell whether some of a text was encoded twice."""
    return any(_undo(run) != run for run in set(_MOJIBAKE.findall(text)))


def _restore(text: str) -> tuple[str, list[Repair]]:
    """Undo UTF-8 that was taken for another encoding and encoded again, run by run."""
    pieces, last = [], 0
    for run in _MOJIBAKE.finditer(text):
        undone = _undo(run.group())
        if undone != run.group():
            pieces += [text[last : run.start()], undone]
            last = run.end()
    if not pieces:
        return text, []
    message = "Texte encodé deux fois en UTF-8 (« Ã© » pour « é »), rétabli."
    return "".join([*pieces, text[last:]]), [Repair(kind="encoding", message=message)]


@lru_cache(maxsize=4096)
def _undo(run: str) -> str:
    """Restore one run when what it gives is French; « É» » is valid UTF-8 by accident and gives « ɻ »."""
    for name in ("cp1252", "mac_roman", "cp850"):
        data = b"".join(_byte(char, name) for char in run)
        try:
            undone = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if set(undone) <= _FRENCH:
            return undone
        deeper = _undo(undone)
        if deeper != undone:
            return deeper
    return run


def _byte(char: str, name: str) -> bytes:
    """Encode one sign; a control sign stands for the byte that cp1252 leaves undefined."""
    try:
        return char.encode(name)
    except UnicodeEncodeError:
        return bytes([ord(char)]) if name == "cp1252" and "\x80" <= char <= "\x9f" else b"\xff"


def _lines_with(text: str, sign: str) -> tuple[int, ...]:
    if sign not in text:
        return ()
    lines = re.split(r"\r\n|\n|\r", text)
    return tuple(number for number, line in enumerate(lines, start=1) if sign in line)[:_SHOWN]
