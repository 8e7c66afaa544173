"""What a column of text seems to hold, judged on all its values: a kind, or text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core.fields import Field, FieldKind
from eclaireur.sources import convert

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["kind_of"]

# Identifiers are told by their heading too: five digits are a number as well as a postal code.
_NAMED = (
    ("siret", FieldKind.SIRET),
    ("postal", FieldKind.POSTAL_CODE),
    ("insee", FieldKind.COMMUNE),
)
_MEASURES = (FieldKind.INTEGER, FieldKind.NUMBER, FieldKind.DATE, FieldKind.BOOLEAN)
_ZERO_FIRST = re.compile(r"0\d+")


def kind_of(name: str, column: pa.ChunkedArray) -> FieldKind:
    """Return the kind that every value of a column fits; text when none does.

    A value such as ``01000`` keeps a column from being a number: its zero would be lost.

    Examples
    --------
    >>> import pyarrow as pa
    >>> str(kind_of("Montant", pa.chunked_array([["1 234,50", None]])))
    'number'
    >>> str(kind_of("Code", pa.chunked_array([["01000"]])))
    'text'
    """
    values = [text.strip() for text in column.unique().to_pylist() if text and text.strip()]
    if not values:
        return FieldKind.TEXT
    plain = "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if char.isalpha())
    for word, kind in _NAMED:
        if word in plain and _fit(values, kind):
            return kind
    if any(_ZERO_FIRST.fullmatch(value) for value in values):
        return FieldKind.TEXT
    if set(values) <= {"0", "1"}:
        return FieldKind.INTEGER
    return next((kind for kind in _MEASURES if _fit(values, kind)), FieldKind.TEXT)


def _fit(values: list[str], kind: FieldKind) -> bool:
    field = Field(name="", title="", kind=kind)
    return all(_converts(lambda text: convert.value(field, text, date.max), value) for value in values)


def _converts(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
