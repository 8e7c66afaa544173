"""Numbers, dates and hours as French administrations write them, read a column at a time.

A value alone is often ambiguous: « 1.234 » is a thousand in one export and a little over one in another.
The other values of its column decide; when they do not, the column stays text and the doubt is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

__all__ = [
    "ABSENT",
    "ANSWERS",
    "DMY",
    "YMD",
    "Numbers",
    "boolean_of",
    "date_of",
    "is_number",
    "looks_dated",
    "month_first",
    "number_of",
    "numbers",
    "plain",
]

ABSENT = frozenset(
    {
        "na",
        "n/a",
        "n.a.",
        "n.a",
        "nd",
        "n.d.",
        "n.d",
        "n/d",
        "nc",
        "n.c.",
        "n.c",
        "n/c",
        "null",
        "none",
        "nan",
        "-",
        "--",
        "–",
        "—",
        "?",
        "…",
        "...",
        "#n/a",
        "#value!",
        "#valeur!",
        "#ref!",
        "#div/0!",
        "#nom?",
        "#name?",
        "(vide)",
        "vide",
        "inconnu",
        "inconnue",
        "non renseigné",
        "non renseignée",
        "non communiqué",
        "non disponible",
        "non déterminé",
        "sans objet",
        "s",
        "ns",
        "n.s.",
        "secret",
        "nr",
        "n.r.",
        "s.o.",
        "///",
        "\\n",
    }
)
"""What is written in a column of numbers, dates or answers where a value is missing."""

ANSWERS = dict.fromkeys(("oui", "vrai", "true", "yes", "o"), True) | dict.fromkeys(
    ("non", "faux", "false", "no", "n"), False
)
"""What answers mean, without accent or case."""

_LONGEST = 60  # no number is longer; a cell of a megabyte must not be tried in every way
_SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009\u2007'’"))
_GROUPED = re.compile(r"\d{1,3}([ \u00a0\u202f\u2009\u2007'’]\d{3})+(?=\D|$)|\d+")
_UNIT = re.compile(
    r"(?P<before>€|EUR)?\s*(?P<number>.*?\d.*?)\s*(?P<unit>%|‰|€|k€|M€|EUR|euros?)?", re.IGNORECASE
)
_PLAIN = re.compile(r"\d+(?P<sign>[.,])\d+|\d+|[.,]\d+", re.ASCII)
# « 12E3 » may be a code: a number has a decimal sign or a signed exponent.
_SCIENTIFIC = re.compile(r"\d+[.,]\d+E[-+]?\d+|\d+E[-+]\d+", re.IGNORECASE | re.ASCII)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan",
            "fevrier fevr fev",
            "mars mar",
            "avril avr",
            "mai",
            "juin",
            "juillet juil jul",
            "aout aou",
            "septembre sept sep",
            "octobre oct",
            "novembre nov",
            "decembre dec",
        ),
        start=1,
    )
    for name in names.split()
}
_HOUR = (
    r"(?:[T ,]+(?:à )?(?P<h>\d{1,2})[:hH](?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s?(?P<p>[AaPp])\.?[Mm]\.?)?\s?(?P<z>Z|[+-]\d{2}:?\d{2})?)?"
)
DMY = re.compile(r"(?P<d>\d{1,2})(?P<x>[/.-])(?P<o>\d{1,2})(?P=x)(?P<y>\d{4})" + _HOUR)
YMD = re.compile(r"(?P<y>\d{4})(?P<x>[-/.])(?P<o>\d{1,2})(?P=x)(?P<d>\d{1,2})" + _HOUR)
_WRITTEN = re.compile(
    r"(?:[a-zéû]+\.? )?(?P<d>\d{1,2})(?:er)? (?P<o>[a-zéèû]+)\.? (?P<y>\d{4})" + _HOUR, re.IGNORECASE
)
_DATED = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})\b.*|\d{4}[-/]\d{1,2}[-/]\d{1,2}\b.*")


@lru_cache(maxsize=1 << 14)
def plain(text: str) -> str:
    """Fold text: no accent, no case."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How the numbers of a column are written.

    Parameters
    ----------
    read
        Gives the number of a text, or None when it is not one.
    unit
        ``%``, ``‰``, ``€``… when every value carries it.
    guessed
        « 1,234 » was read with a decimal comma, and nothing in the column proves it.
    whole
        No value has a decimal sign.
    decimal
        The sign that ambiguous numbers are read with.
    """

    read: Callable[[str], float | int | None]
    unit: str = ""
    guessed: bool = False
    whole: bool = False
    decimal: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """One number, cut: its sign, digits, and which of its signs is the decimal one, when it is proved."""

    negative: bool
    body: str
    unit: str
    decimal: str
    ambiguous: str


@lru_cache(maxsize=1 << 16)
def number_of(text: str) -> float | None:
    """Read one number; None when it is not one, or when it could be two.

    Examples
    --------
    >>> number_of("1 234,50"), number_of("(12)"), number_of("1.234"), number_of("12 34")
    (1234.5, -12.0, None, None)
    """
    written = _written(text)
    if written is None or written.ambiguous == ".":
        return None
    return _value(written, written.decimal or ",")


def numbers(texts: Sequence[str], *, machine: bool = False) -> Numbers | None:
    """Say how the numbers of a column are written, or None when some value is not a number.

    Parameters
    ----------
    texts
        Distinct values, none empty.
    machine
        A program wrote them (a spreadsheet's own cells, JSON): a point is the decimal sign.

    Examples
    --------
    >>> numbers(["1.234", "5.678,90"]).read("1.234")
    1234.0
    >>> numbers(["1.234"]) is None
    True
    """
    cut = [_written(text) for text in texts]
    kept = [one for one in cut if one is not None]
    if not kept or len(kept) < len(cut):
        return None
    proved = {one.decimal for one in kept if one.decimal}
    doubtful = {one.ambiguous for one in kept if one.ambiguous}
    if machine and "," not in doubtful:
        proved.add(".")
    units = {one.unit for one in kept}
    # A program's own points beside « 1,234 » typed by hand: nobody knows which sign that comma is.
    mixed = machine and "," in doubtful and "." in proved | doubtful
    if len(units) > 1 or (doubtful and len(proved) > 1) or mixed:
        return None
    decimal = proved.pop() if len(proved) == 1 else ""
    if doubtful and not decimal:
        if doubtful != {","}:
            return None
        decimal = ","
        guessed = True
    else:
        guessed = False
    whole = all(not one.decimal and not (one.ambiguous and one.ambiguous == decimal) for one in kept)

    def read(text: str) -> float | int | None:
        one = _written(text)
        if one is None:
            return None
        found = _value(one, one.decimal or decimal or ",")
        return int(found) if whole else found

    return Numbers(read=read, unit=units.pop(), guessed=guessed, whole=whole, decimal=decimal)


def is_number(text: str) -> bool:
    """Tell whether a text is a number, with its unit, be its decimal sign sure or not."""
    return _written(text) is not None


@lru_cache(maxsize=1 << 14)
def _written(text: str) -> _Written | None:
    """Cut a number into its parts, or None when the text is not a number."""
    stripped = text.strip()
    found = _UNIT.fullmatch(stripped) if len(stripped) <= _LONGEST else None
    if found is None:
        return None
    body = found["number"].strip()
    unit = found["unit"] or found["before"] or ""
    unit = "€" if unit.casefold() in {"eur", "euro", "euros"} else unit
    negative = False
    if body.startswith("(") and body.endswith(")"):
        negative, body = True, body[1:-1]
    elif body[:1] in "-+−–":
        negative, body = body[0] != "+", body[1:].lstrip()
    elif body[-1:] in "-−":
        negative, body = True, body[:-1].rstrip()
    if not body or not (body[0].isdigit() or body[0] in ".,"):
        return None
    if _SCIENTIFIC.fullmatch(body):
        decimal = "," if "," in body else "." if "." in body else "e"
        return _Written(negative, body, unit, "" if decimal == "e" else decimal, "")
    head = _GROUPED.match(body)
    if head and not head.group().isdigit():
        body = head.group().translate(_SPACES) + body[head.end() :]
        if not re.fullmatch(r"\d+([.,]\d*)?", body, re.ASCII):
            return None
        return _Written(negative, body, unit, body[-1 - _after(body)] if _after(body) >= 0 else "", "")
    return _pointed(negative, body, unit)


def _after(body: str) -> int:
    """Digits after the decimal sign, or −1 without one."""
    place = max(body.rfind(","), body.rfind("."))
    return len(body) - place - 1 if place >= 0 else -1


def _pointed(negative: bool, body: str, unit: str) -> _Written | None:  # noqa: FBT001 - a private step of _written
    """Tell a decimal sign from a thousands sign in a number without spaces."""
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", body, re.ASCII):
        return _Written(negative, body, unit, ",", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+\.\d+", body, re.ASCII):
        return _Written(negative, body, unit, ".", "")
    if re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", body, re.ASCII):
        return _Written(negative, body, unit, ",", "")
    if re.fullmatch(r"\d{1,3}(,\d{3}){2,}", body, re.ASCII):
        return _Written(negative, body, unit, ".", "")
    found = _PLAIN.fullmatch(body)
    if found is None:
        return None
    sign = found["sign"] or (body[0] if body[0] in ".," else "")
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", body, re.ASCII):
        return _Written(negative, body, unit, "", sign)
    return _Written(negative, body, unit, sign, "")


def _value(one: _Written, decimal: str) -> float:
    other = "." if decimal == "," else ","
    clean = one.body.replace(other, "").replace(decimal, ".")
    found = float(clean)
    return -found if one.negative else found


def boolean_of(text: str) -> bool | None:
    """Read oui, non, vrai, faux, true, false, O or N; None for anything else."""
    return ANSWERS.get(plain(text))


def date_of(text: str) -> date | datetime | None:
    """Read a day, or a day and an hour, the day before the month; None when it is not one.

    An hour with an offset is given in UTC.

    Examples
    --------
    >>> date_of("1er mars 2021"), date_of("31/02/2021"), date_of("01/02/2023 14:30")
    (datetime.date(2021, 3, 1), None, datetime.datetime(2023, 2, 1, 14, 30))
    """
    stripped = " ".join(text.split())
    found = DMY.fullmatch(stripped) or YMD.fullmatch(stripped) or _WRITTEN.fullmatch(stripped)
    if found is None:
        return None
    month = found["o"]
    number = int(month) if month.isdigit() else _MONTHS.get(plain(month), 0)
    try:
        day = date(int(found["y"]), number, int(found["d"]))
        if found["h"] is None:
            return day
        return _moment(day, found)
    except (ValueError, OverflowError):
        return None


def _moment(day: date, found: re.Match[str]) -> datetime:
    fraction = int((found["f"] or "0").ljust(6, "0")[:6])
    clock = int(found["h"])
    if found["p"]:
        if not 1 <= clock <= 12:
            raise ValueError(clock)
        clock = clock % 12 + 12 * (found["p"] in "Pp")
    hour = time(clock, int(found["m"]), int(found["s"] or 0), fraction)
    moment = datetime.combine(day, hour)
    if not found["z"]:
        return moment
    if found["z"] == "Z":
        return moment.replace(tzinfo=UTC)
    sign = -1 if found["z"][0] == "-" else 1
    digits = found["z"][1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return moment.replace(tzinfo=timezone(sign * offset)).astimezone(UTC)


def looks_dated(text: str) -> bool:
    """Tell whether text has the form of a date, be it one of the calendar or not."""
    return _DATED.fullmatch(text.strip()) is not None


def month_first(texts: Sequence[str]) -> bool:
    """Tell whether dates can only be read with the month first, as Americans write them."""
    parts = [re.match(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}\b", text.strip()) for text in texts]
    pairs = [(int(found[1]), int(found[2])) for found in parts if found]
    return bool(pairs) and all(first <= 12 for first, _ in pairs) and any(second > 12 for _, second in pairs)
