"""Numbers that name a person: telephone, NIR, IBAN, plate, file; also spaced out, dotted or in words.

A run of digits is followed through whatever people put between them (spaces, dots, hyphens) and through
numbers written in words (« zéro six, douze »). What a run is comes from its form and key, else from the words
before it (``personal.toml``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from eclaireur.bricks.semantic.outline import flat
from eclaireur.core.view import Mark

__all__ = ["iban_valid", "nir_valid", "numbers", "words_of_personal_data"]

_UNITS = (
    "zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
    "treize", "quatorze", "quinze", "seize", "dix sept", "dix huit", "dix neuf",
)  # fmt: skip
_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante", 80: "quatre vingt"}
_BETWEEN = re.compile(r"[ \u00a0\u202f\t.,\-_/()·•*:]{0,3}(?:et )?")
_DATE = re.compile(
    r"(?<!\d)\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2}(?!\d)|(?<!\d)(?:19|20)\d{2}-\d\d-\d\d(?!\d)"
)
_AMOUNT = re.compile(r"(?:[.,]\d{1,2})?\s?(?:€|euros?|eur\b|%|k€|m2|m²|km|ans\b|mois\b|jours?\b)")
_NIR_SHAPE = re.compile(r"[1-478]\d{2}(?:0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)(?:\d{2}|2[AB])\d{6}(?:\d{2})?")
_PHONE = re.compile(r"(?:(?:00)?33(?:0)?|0)[1-79]\d{8}")
_SEP = r"[ \u00a0\u202f.\-/_]{0,3}"
_NIR = re.compile(
    rf"(?<![0-9A-Za-z])[1-478]{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}\d{_SEP}(?:\d{_SEP}\d|2{_SEP}[AaBb]){_SEP}"
    rf"(?:\d{_SEP}){{5}}\d(?:{_SEP}(?:cl[eé]\s?:?\s?)?\d{_SEP}\d)?(?![0-9A-Za-z])"
)
_IBAN = re.compile(
    r"(?<![0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[ \u00a0\u202f.\-]?[0-9A-Za-z]){11,30}(?![0-9A-Za-z])"
)
_ABROAD = re.compile(r"(?<![\w+])\+\s?\d[\d\u00a0\u202f ().-]{7,18}\d(?!\d)")
_PLATE = re.compile(r"(?<![0-9A-Za-z-])[A-HJ-NP-TV-Z]{2}[ -]?\d{3}[ -]?[A-HJ-NP-TV-Z]{2}(?![0-9A-Za-z-])")
_SMALL_PLATE = re.compile(r"(?<![0-9a-z-])[a-hj-np-tv-z]{2}-\d{3}-[a-hj-np-tv-z]{2}(?![0-9a-z-])")
_OLD_PLATE = re.compile(
    r"(?<![0-9A-Za-z-])\d{2,4}[ -]?[A-HJ-NP-TV-Z]{2,3}[ -]?(?:\d{2}|2[AB])(?![0-9A-Za-z-])"
)
_NUMBER = r"(?:(?<!\w)[A-Za-z]{1,3}-?)?\d[0-9A-Za-z]*(?:[ \u00a0\u202f.\-/_]?[A-Za-z]?\d[0-9A-Za-z]*){0,9}"
_ACT = re.compile(
    r"\b(?:cerfa|lois?|decrets?|arretes?|ordonnances?|articles?|circulaires?|formulaires?|avis)\b[^.;\n]{0,14}$"
)
_SERVICE = re.compile(r"0?8\d{8}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LONG = 9
"""A number of this many digits names something, whatever it is."""
_SHORTEST = 5
_SPELLED_PHONE = range(8, 15)


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    digits: str
    spelled: bool


@cache
def words_of_personal_data() -> dict[str, Any]:
    """Return what ``personal.toml`` says."""
    return tomllib.loads(Path(__file__).with_name("personal.toml").read_text(encoding="utf-8"))


def nir_valid(number: str) -> bool:
    """Tell whether a NIR of 15 characters has the right key.

    >>> nir_valid("255081416802538"), nir_valid("255081416802539"), nir_valid("2550814168025")
    (True, False, False)
    """
    told = number.upper().replace("2A", "19").replace("2B", "18")
    return len(told) == 15 and told.isdecimal() and int(told[13:]) == 97 - int(told[:13]) % 97


def iban_valid(number: str) -> bool:
    """Tell whether an IBAN without spaces has the right key (ISO 7064, modulo 97).

    >>> iban_valid("FR7630006000011234567890189"), iban_valid("FR7630006000011234567890188")
    (True, False)
    """
    told = number.upper()
    if not 15 <= len(told) <= 34 or not told.isalnum() or not told.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in told[4:] + told[:4])) % 97 == 1


def numbers(text: str) -> Iterator[Mark]:
    """Give the marks of a text's numbers, surest kinds first; they may overlap."""
    plain = flat(text)
    yield from _ibans(text)
    yield from _nirs(text)
    runs = list(_runs(text, plain))
    yield from _phones(text, runs)
    yield from _announced(text, plain)
    yield from _plates(text)
    yield from _long(text, runs)


def _ibans(text: str) -> Iterator[Mark]:
    for one in _IBAN.finditer(text):
        pieces = re.split(r"[ \u00a0\u202f.\-]", one.group())
        # The words after an IBAN could be taken for its end: the longest beginning with a right key is kept.
        ends = range(len(pieces), 0, -1)
        right = next((end for end in ends if iban_valid("".join(pieces[:end]))), 0)
        if right:
            kept = pieces[:right]
            yield Mark(start=one.start(), end=_end_of(one, kept), label="IBAN")
        elif one.group()[:2].upper() == "FR" and sum(map(str.isdigit, one.group())) >= 15:
            whole = [piece for piece in pieces if any(map(str.isdigit, piece))]
            yield Mark(start=one.start(), end=_end_of(one, pieces[: len(whole)]), label="IBAN", sure=False)


def _end_of(match: re.Match[str], pieces: Sequence[str]) -> int:
    return match.start() + sum(map(len, pieces)) + len(pieces) - 1


def _nirs(text: str) -> Iterator[Mark]:
    for one in _NIR.finditer(text):
        number = re.sub(r"[^0-9ABab]", "", re.sub(r"(?i)cl[eé]\s?:?", "", one.group())).upper()
        if len(number) == 15 and nir_valid(number):
            yield Mark(start=one.start(), end=one.end(), label="NIR")
        elif _NIR_SHAPE.fullmatch(number) and (len(number) == 15 or not _is_fiscal(one.group())):
            yield Mark(start=one.start(), end=one.end(), label="NIR", sure=False)


def _is_fiscal(number: str) -> bool:
    """Tell the grouping of a tax number (« 30 12 345 678 901 »)."""
    return [len(piece) for piece in re.split(r"\D+", number)] == [2, 2, 3, 3, 3]


@cache
def _spelled() -> tuple[re.Pattern[str], dict[str, str]]:
    forms: dict[str, str] = {}
    for number in range(100):
        ten = 60 if 60 <= number < 80 else 80 if number >= 80 else number // 10 * 10
        rest = number - ten
        if number < 20:
            names = [_UNITS[number]]
        elif not rest:
            names = [_TENS[ten], _TENS[ten] + "s"]
        else:
            names = [f"{_TENS[ten]}{link} {_UNITS[rest]}" for link in ("", "s", " et")]
        for name in names:
            forms[name] = str(number)
    longest = sorted(forms, key=len, reverse=True)
    choice = "|".join(form.replace(" ", r"[ \u00a0-]") for form in longest)
    return re.compile(rf"(?<![^\W_])(?:{choice})(?![^\W_])"), forms


_FIGURES = re.compile(r"(?<![^\W\d_])[0-9OoIl|]*\d[0-9OoIl|]*(?![^\W\d_])")
_CONFUSED = str.maketrans("OoIl|", "00111")


def _runs(text: str, plain: str) -> Iterator[tuple[_Token, ...]]:
    """Give runs of figures and numbers in words that follow each other; a date is in none."""
    pattern, forms = _spelled()
    dates = [(one.start(), one.end()) for one in _DATE.finditer(text)]
    tokens = [
        _Token(one.start(), one.end(), one.group().translate(_CONFUSED), spelled=False)
        for one in _FIGURES.finditer(text)
    ]
    if "zero" in plain or "six" in plain or "sept" in plain:
        tokens += [
            _Token(one.start(), one.end(), forms[re.sub(r"[\u00a0-]", " ", one.group())], spelled=True)
            for one in pattern.finditer(plain)
        ]
    tokens = sorted(
        (one for one in tokens if not any(a <= one.start < b for a, b in dates)), key=lambda one: one.start
    )
    run = tokens[:1]
    for before, after in pairwise(tokens):
        if not _BETWEEN.fullmatch(text, before.end, after.start):
            yield tuple(run)
            run = []
        run.append(after)
    if run:
        yield tuple(run)


def _phones(text: str, runs: Sequence[tuple[_Token, ...]]) -> Iterator[Mark]:
    for one in _ABROAD.finditer(text):
        yield Mark(start=one.start(), end=one.end(), label="téléphone")
    for run in runs:
        start = 0
        while start < len(run):
            end = _phone_end(run, start)
            if end:
                first = run[start].start
                yield Mark(
                    start=first - text.endswith("+", 0, first), end=run[end - 1].end, label="téléphone"
                )
                start = end
            else:
                start += 1
        spelled = [one for one in run if one.spelled]
        if len(spelled) >= 4 and run[0].digits.startswith("0"):
            digits = sum(len(one.digits) for one in run)
            if digits in _SPELLED_PHONE:
                yield Mark(start=run[0].start, end=run[-1].end, label="téléphone", sure=digits == 10)
        # A spreadsheet drops the zero at the beginning.
        if [len(one.digits) for one in run] == [1, 2, 2, 2, 2] and run[0].digits in "1234567":
            yield Mark(start=run[0].start, end=run[-1].end, label="téléphone", sure=False)


def _phone_end(run: Sequence[_Token], start: int) -> int:
    digits = ""
    for end in range(start, len(run)):
        digits += run[end].digits
        if _PHONE.fullmatch(digits):
            return end + 1
        if len(digits) > 14:
            break
    return 0


@cache
def _announcers() -> list[tuple[str, re.Pattern[str]]]:
    found = []
    for kind in words_of_personal_data()["numbers"]:
        words = "|".join(sorted(map(re.escape, kind["after"]), key=len, reverse=True))
        between = r"[^0-9\n.!?;]{0,22}?(?:n[°o]\s?\.?|:|num(?:ero)?s?|est|le|la|=)?\s{0,3}"
        found.append(
            (
                str(kind["label"]),
                re.compile(rf"(?<!\w)(?:{words})(?:s\b|\b|(?<=°)){between}(?P<n>{_NUMBER})", re.IGNORECASE),
            )
        )
    return found


def _announced(text: str, plain: str) -> Iterator[Mark]:
    if not any(map(str.isdigit, text)):
        return
    for label, pattern in _announcers():
        for one in pattern.finditer(plain):
            start, end = one.span("n")
            number = text[start:end]
            if _DATE.match(text, start) or _AMOUNT.match(plain, end):
                continue
            if _ACT.search(plain[max(0, start - 40) : start]):
                continue
            digits = re.sub(r"\D", "", number)
            if len(digits) >= _SHORTEST and not _SERVICE.fullmatch(digits):
                sure = label != "NIR" or nir_valid(re.sub(r"[^0-9ABab]", "", number))
                yield Mark(start=start, end=end, label=label, sure=sure)


def _plates(text: str) -> Iterator[Mark]:
    for pattern, sure in ((_PLATE, True), (_SMALL_PLATE, True), (_OLD_PLATE, False)):
        for one in pattern.finditer(text):
            yield Mark(start=one.start(), end=one.end(), label="plaque", sure=sure)


def _long(text: str, runs: Sequence[tuple[_Token, ...]]) -> Iterator[Mark]:
    for run in runs:
        written = [one for one in run if not one.spelled]
        digits = "".join(one.digits for one in written)
        if len(digits) < _LONG or _SERVICE.fullmatch(digits):
            continue
        # A list of years or of small numbers is no number.
        if "," in text[run[0].start : run[-1].end] or all(_YEAR.fullmatch(one.digits) for one in written):
            continue
        if not _AMOUNT.match(text.lower(), run[-1].end):
            label = "numéro fiscal" if len(digits) == 13 and digits[0] in "0123" else "numéro de dossier"
            yield Mark(start=run[0].start, end=run[-1].end, label=label, sure=False)
