"""The fields that a case asks of a user's table, as its card declares them.

One declaration serves four uses: the documented input format, the mapping that `connect` proposes,
the checks on what is read, and the form in the desk.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Field", "FieldKind", "InputTable"]


class FieldKind(StrEnum):
    """What a field holds. Identifiers are text, with their leading zeros."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    SIRET = "siret"
    COMMUNE = "commune"
    POSTAL_CODE = "postal_code"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an input table.

    Parameters
    ----------
    name
        Column name in the case's documented format.
    title
        French name shown to agents.
    kind
        What it holds.
    required
        The column must be there and no value may be empty.
    choices
        For ``choice``: accepted value → value the case uses (``{"A améliorer": "bad"}``).
    synonyms
        Other column headings that mean the same, for the proposed mapping.
    unit
        Unit of a number.
    past
        For a date: a date after the reading date is an error.
    not_before
        For a date: the other date of the row that it may not precede. A result known before the visit that
        it comes from would let a model see what it must foretell.
    purpose
        What it serves, in French. A field without a purpose is not loaded.
    """

    name: str
    title: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    synonyms: tuple[str, ...] = ()
    unit: str = ""
    past: bool = False
    not_before: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTable:
    """A table that a case reads: its name, French title, fields, and the fields that form its key.

    Parameters
    ----------
    concerns
        Fields of which one names whom a row concerns: rows that go when this person is erased. Several
        fields, separated by a space, make one name.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    required: bool = True
    concerns: tuple[str, ...] = ("subject",)

    @property
    def loaded(self) -> tuple[Field, ...]:
        """Fields that have a purpose: the others are not loaded."""
        return tuple(one for one in self.fields if one.purpose)
