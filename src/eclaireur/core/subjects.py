"""Typed keys of the things that cases speak of.

A subject is a kind and a key: ``siret:83283779300021``, ``commune:2A004``. Keys are text, with
their leading zeros. A subject's page gathers what every case says of it, so two cases must name
the same thing alike: this module is where that is decided.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eclaireur.core.errors import BadValueError

__all__ = ["KINDS", "LA_POSTE_SIREN", "Kind", "Subject", "luhn_valid", "normalise_siret"]

LA_POSTE_SIREN = "356000000"
"""SIREN of La Poste, whose establishments have a key of their own."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of subject: its code, French name and the form of its key."""

    code: str
    french: str
    pattern: re.Pattern[str]
    expected: str


def _kind(code: str, french: str, pattern: str, expected: str) -> tuple[str, Kind]:
    return code, Kind(code, french, re.compile(pattern), expected)


_FREE = r"[^\s].{0,199}"

KINDS: dict[str, Kind] = dict(
    [
        _kind("siret", "établissement (SIRET)", r"\d{14}", "14 chiffres"),
        _kind("siren", "entreprise (SIREN)", r"\d{9}", "9 chiffres"),
        _kind("establishment", "établissement", _FREE, "un identifiant de 200 caractères au plus"),
        _kind("commune", "commune (code INSEE)", r"(\d{2}|2[AB])\d{3}", "un code INSEE de 5 caractères"),
        _kind("station", "station", _FREE, "un identifiant de 200 caractères au plus"),
        _kind("parcel", "parcelle", _FREE, "un identifiant de 200 caractères au plus"),
        _kind("document", "document", _FREE, "un identifiant de 200 caractères au plus"),
        _kind("pseudonym", "personne (pseudonyme)", _FREE, "un pseudonyme de 200 caractères au plus"),
        _kind("inchikey", "molécule (InChIKey)", r"[A-Z]{14}-[A-Z]{10}-[A-Z]", "une InChIKey"),
    ]
)


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A typed key.

    Parameters
    ----------
    kind
        One of `KINDS`.
    key
        The key, as text.

    Raises
    ------
    BadValueError
        If the kind is unknown or the key has the wrong form.

    Examples
    --------
    >>> str(Subject("commune", "2A004"))
    'commune:2A004'
    >>> Subject.parse("siret:83283779300021").key
    '83283779300021'
    """

    kind: str
    key: str

    def __post_init__(self) -> None:
        known = KINDS.get(self.kind)
        if known is None:
            raise BadValueError(
                f"genre de sujet inconnu : « {self.kind} ».",
                fix=f"Genres connus : {', '.join(sorted(KINDS))}.",
            )
        if not known.pattern.fullmatch(self.key):
            raise BadValueError(
                f"identifiant de {known.french} invalide : « {self.key} » ; attendu : {known.expected}.",
                fix="Corrigez l'identifiant dans le fichier.",
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Read the ``kind:key`` form that `str` writes."""
        kind, separator, key = text.partition(":")
        if not separator:
            raise BadValueError(f"sujet sans genre : « {text} » ; attendu : genre:identifiant.")
        return cls(kind, key)


def luhn_valid(digits: str) -> bool:
    """Tell whether a string of digits passes the Luhn check (ISO/IEC 7812-1, annex B).

    >>> luhn_valid("83283779300021")
    True
    """
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char)
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def normalise_siret(text: str) -> str | None:
    """Return the 14 digits of a SIRET, or None when it is not a valid one.

    Spaces are dropped. La Poste's establishments follow another rule than Luhn's: the sum of their
    digits is a multiple of 5 (INSEE, système Sirene).

    >>> normalise_siret("832 837 793 00021")
    '83283779300021'
    >>> normalise_siret("8,32838E+13") is None
    True
    """
    digits = re.sub(r"\s", "", text)
    if not re.fullmatch(r"\d{14}", digits):
        return None
    if luhn_valid(digits):
        return digits
    if digits.startswith(LA_POSTE_SIREN) and sum(map(int, digits)) % 5 == 0:
        return digits
    return None
