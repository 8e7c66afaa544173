"""Identifiers of French administrations: told by their heading or form, checked, their damage flagged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from eclaireur.core import french
from eclaireur.core.subjects import luhn_valid, normalise_siret
from eclaireur.sources.reading import Doubt
from eclaireur.sources.values import ABSENT, plain

__all__ = ["IDENTIFIERS", "Identifier", "Values", "announced", "flagged", "named", "shaped"]

_SPACES = re.compile(r"[\s\u00a0\u202f.\-]")
_MADE_NUMBER = re.compile(r"\d{3,}[.,]\d")
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?E\+?(0?[7-9]|1\d)", re.IGNORECASE)
_LONG_SCIENTIFIC = re.compile(r"\d[.,]\d+E\+(0?[89]|1\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One kind of identifier.

    Parameters
    ----------
    form
        What its text looks like once spaces are dropped.
    words
        Headings that announce it, folded; a word or a part of one.
    length
        Its number of digits when leading zeros can be lost, else 0.
    valid
        Checks its key.
    """

    kind: str
    french: str
    form: re.Pattern[str]
    words: re.Pattern[str]
    length: int = 0
    valid: Callable[[str], bool] | None = None


def _siret(digits: str) -> bool:
    return normalise_siret(digits) is not None


def _make(
    kind: str,
    title: str,
    form: str,
    words: str,
    length: int = 0,
    valid: Callable[[str], bool] | None = None,
) -> tuple[str, Identifier]:
    return kind, Identifier(
        kind=kind, french=title, form=re.compile(form), words=re.compile(words), length=length, valid=valid
    )


IDENTIFIERS: dict[str, Identifier] = dict(
    [
        _make("siret", "SIRET", r"\d{14}", r"siret", 14, _siret),
        _make("siren", "SIREN", r"\d{9}", r"siren(?!\w*siret)", 9, luhn_valid),
        _make("postal_code", "code postal", r"\d{5}", r"postal|\bcp\b|\bcode post\b", 5),
        _make(
            "commune",
            "code INSEE",
            r"(\d{2}|2[AB])\d{3}",
            r"insee|depcom|codgeo|code commune|code com\b|commune code",
            5,
        ),
        _make(
            "department",
            "code de département",
            r"0[1-9]|[1-9]\d|2[AB]|9[78]\d",
            r"code dep|^dep(artement)?$|^dept$|num dep|departement code",
            2,
        ),
        _make(
            "phone",
            "numéro de téléphone",
            r"0\d{9}|(\+|00)?33\(?0?\)?\d{9}|\+\d{8,15}|(\+?(262|590|594|596))\d{9}|3\d{3}",
            r"\btel\b|telephone|\bfax\b|telecopie|\bportable\b|\bmobile\b|\bgsm\b",
        ),
        _make("rpps", "numéro RPPS", r"\d{11}", r"\brpps\b", 11, luhn_valid),
        _make("finess", "numéro FINESS", r"\d[\dAB]\d{7}", r"\bfiness\b", 9),
    ]
)


class Values(Protocol):
    """A column coded by its distinct values."""

    @property
    def name(self) -> str:
        """Heading."""

    @property
    def texts(self) -> list[str]:
        """Distinct values, none empty."""

    def where(self, wanted: Callable[[str], bool]) -> tuple[int, ...]:
        """Lines of the values that are wanted."""

    def count(self, wanted: Callable[[str], bool]) -> int:
        """Rows whose value is wanted."""

    def few(self) -> int:
        """Distinct values, or eight when there are more."""


def named(column: Values) -> Identifier | None:
    """Return the identifier that a heading announces, when its values do not deny it.

    Examples
    --------
    >>> announced("N° SIRET")[0].kind, announced("Nombre de SIRET")
    ('siret', [])
    """
    for one in announced(column.name):
        present = column.count(lambda text: text.casefold() not in ABSENT)
        near = column.count(lambda text, one=one: text.casefold() not in ABSENT and _near(one, text))  # type: ignore[misc]
        if present and near >= 0.5 * present:
            return one
    return None


def announced(name: str) -> list[Identifier]:
    """Return the identifiers that a heading may announce."""
    heading = re.sub(r"[^a-z]+", " ", plain(name)).strip()
    if re.match(r"(nb|nombre|total|effectif|taux|part)\b", heading):
        return []
    return [one for one in IDENTIFIERS.values() if one.words.search(heading)]


def _bare(text: str) -> str:
    """Drop the spaces and points of an identifier; « 1000.0 », a number made of it, keeps its point."""
    return text if _MADE_NUMBER.fullmatch(text) else _SPACES.sub("", text)


def _near(one: Identifier, text: str) -> bool:
    """Tell whether a value is the identifier, or what is left of one that was damaged."""
    bare = _bare(text)
    if one.form.fullmatch(bare) or _SCIENTIFIC.fullmatch(text):
        return True
    if one.kind == "phone":
        return re.fullmatch(r"\d{9,13}", bare) is not None
    return (
        bool(one.length)
        and re.fullmatch(rf"\d{{{max(one.length - 5, min(one.length - 1, 3))},{one.length}}}([.,]\d)?", bare)
        is not None
    )


def shaped(column: Values) -> Identifier | None:
    """Return the identifier that values are by their form alone: SIRET or SIREN whose keys hold."""
    if column.few() < 3:
        return None
    for kind in ("siret", "siren"):
        one = IDENTIFIERS[kind]
        if not all(one.form.fullmatch(_bare(text)) for text in column.texts):
            continue
        held = column.count(lambda text, one=one: one.valid is not None and one.valid(_bare(text)))  # type: ignore[misc]
        # One number in ten passes Luhn by chance: nearly all must.
        if held >= 0.9 * column.count(bool) and (kind == "siret" or column.few() >= 5):
            return one
    return None


def flagged(one: Identifier | None, column: Values) -> tuple[Doubt, ...]:
    """Return the doubts about a column: digits lost to ``8,32E+13``, zeros lost, keys that do not hold.

    Parameters
    ----------
    one
        What the column holds, or None: then only long numbers in scientific form are flagged.
    """
    written = _SCIENTIFIC if one else _LONG_SCIENTIFIC
    doubts = [
        _doubt(
            column,
            "scientific",
            lambda text: written.fullmatch(text) is not None,
            ("identifiant abîmé", "identifiants abîmés"),
            "par un tableur (forme 8,32E+13).",
        )
    ]
    if one is not None:
        form, valid = one.form, one.valid

        def short(text: str) -> bool:
            bare = _bare(text)
            return bool(one.length) and bare.isdigit() and len(bare) < one.length

        def wrong(text: str) -> bool:
            bare = _bare(text)
            return not (
                form.fullmatch(bare) or short(text) or written.fullmatch(text) or text.casefold() in ABSENT
            )

        def broken(text: str) -> bool:
            bare = _bare(text)
            return valid is not None and form.fullmatch(bare) is not None and not valid(bare)

        less = f"de moins de {one.length} chiffres, zéros de tête perdus ?"
        doubts += [
            _doubt(column, "zeros", short, ("valeur", "valeurs"), less),
            _doubt(column, "form", wrong, ("valeur", "valeurs"), f"sans la forme d'un {one.french}."),
            _doubt(column, "key", broken, (one.french, one.french), "dont la clé est fausse (Luhn)."),
        ]
    return tuple(doubt for doubt in doubts if doubt is not None)


def _doubt(
    column: Values, kind: str, wanted: Callable[[str], bool], words: tuple[str, str], end: str
) -> Doubt | None:
    where = column.where(wanted)
    if not where:
        return None
    count = column.count(wanted)
    message = f"Colonne « {column.name} » : {french.count(count, *words)} {end}"
    return Doubt(kind=kind, message=message, column=column.name, lines=where, count=count)
