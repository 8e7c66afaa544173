"""One written value becomes a typed one, the French way, or says what was expected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.fields import Field, FieldKind
from eclaireur.core.subjects import KINDS, normalise_siret

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["arrow_type", "value"]

_YES = {"oui", "o", "vrai", "true", "1", "x", "yes"}
_NO = {"non", "n", "faux", "false", "0", "no"}
_SPACES = dict.fromkeys(map(ord, " \u00a0\u202f\u2009"))


def arrow_type(kind: FieldKind) -> pa.DataType:
    """Return the Arrow type of a kind of field."""
    import pyarrow as pa

    types = {
        FieldKind.DATE: pa.date32(),
        FieldKind.NUMBER: pa.float64(),
        FieldKind.LATITUDE: pa.float64(),
        FieldKind.LONGITUDE: pa.float64(),
        FieldKind.INTEGER: pa.int64(),
        FieldKind.BOOLEAN: pa.bool_(),
    }
    return types.get(kind, pa.string())


def value(field: Field, text: str, today: date) -> Any:
    """Convert the text of a cell, which is not empty.

    Raises
    ------
    BadValueError
        If it is not what the field holds.
    """
    if field.kind is FieldKind.CHOICE:
        return _choice(field, text)
    if field.kind is FieldKind.DATE:
        return _date(field, text, today)
    return _SIMPLE[field.kind](text)


def _wrong(text: str, expected: str, fix: str = "Corrigez la cellule.") -> BadValueError:
    return BadValueError(f"« {text} » n'est pas {expected}.", fix=fix)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).strip()


def _choice(field: Field, text: str) -> str:
    accepted = {_plain(written): meant for written, meant in field.choices}
    accepted |= {_plain(meant): meant for _, meant in field.choices}
    found = accepted.get(_plain(text))
    if found is None:
        written = ", ".join(f"« {one} »" for one, _ in field.choices)
        raise _wrong(text, f"une valeur acceptée ; attendu : {written}")
    return found


def _date(field: Field, text: str, today: date) -> date:
    found = _day(text)
    if field.past and found > today:
        raise BadValueError(
            f"la date {found:%d/%m/%Y} est dans le futur (nous sommes le {today:%d/%m/%Y}).",
            fix="Corrigez la date, ou retirez la ligne.",
        )
    return found


def _day(text: str) -> date:
    """Read ``dd/mm/yyyy``, ISO 8601, or a dated hour, of which the calendar day is kept as written."""
    iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", text)
    french = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[T ].*)?", text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if french:
            return date(int(french[3]), int(french[2]), int(french[1]))
        if re.fullmatch(r"\d{8}", text):
            return datetime.strptime(text, "%Y%m%d").date()
    except ValueError as error:
        raise _wrong(text, "une date du calendrier") from error
    raise _wrong(text, "une date ; attendu : jj/mm/aaaa ou aaaa-mm-jj")


def _number(text: str) -> float:
    clean = text.translate(_SPACES).replace("\u2212", "-")
    if "," in clean and "." in clean:
        # The last of the two signs is the decimal one: 1.234,5 or 1,234.5.
        clean = clean.replace("." if clean.rindex(",") > clean.rindex(".") else ",", "")
    clean = clean.replace(",", ".")
    if not re.fullmatch(r"[-+]?\d*\.?\d+(e[-+]?\d+)?|[-+]?\d+\.", clean, re.IGNORECASE):
        raise _wrong(text, "un nombre")
    return float(clean)


def _integer(text: str) -> int:
    found = _number(text)
    if not found.is_integer() or abs(found) >= 2**53:
        raise _wrong(text, "un nombre entier")
    return int(found)


def _boolean(text: str) -> bool:
    plain = _plain(text).removesuffix(".0")
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise _wrong(text, "oui ou non")


def _siret(text: str) -> str:
    found = normalise_siret(text)
    if found is None:
        raise _wrong(
            text,
            "un SIRET valide (14 chiffres)",
            "Exportez la colonne au format texte : un tableur perd les zéros et les derniers chiffres.",
        )
    return found


def _pattern(kind: str) -> Callable[[str], str]:
    known = KINDS[kind]

    def read(text: str) -> str:
        if not known.pattern.fullmatch(text):
            raise _wrong(text, f"{known.expected}")
        return text

    return read


def _postal_code(text: str) -> str:
    if not re.fullmatch(r"\d{5}", text):
        raise _wrong(text, "un code postal de 5 chiffres", "Exportez la colonne au format texte.")
    return text


def _degrees(limit: float, what: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = _number(text)
        if abs(found) > limit:
            raise _wrong(text, f"une {what} en degrés (de −{limit:.0f} à {limit:.0f})")
        return found

    return read


_SIMPLE: dict[FieldKind, Callable[[str], Any]] = {
    FieldKind.TEXT: str,
    FieldKind.NUMBER: _number,
    FieldKind.INTEGER: _integer,
    FieldKind.BOOLEAN: _boolean,
    FieldKind.SIRET: _siret,
    FieldKind.COMMUNE: _pattern("commune"),
    FieldKind.POSTAL_CODE: _postal_code,
    FieldKind.LATITUDE: _degrees(90.0, "latitude"),
    FieldKind.LONGITUDE: _degrees(180.0, "longitude"),
}
