"""What a column of text holds, judged on all its values: a kind, its typed values, and what is doubtful.

A kind is said only when every value fits. Identifiers (SIRET, INSEE code, telephone…) are told by their
heading, stay text with their zeros, and what does not fit is flagged with its lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.sources import values
from eclaireur.sources.identifiers import Values, flagged, named, shaped
from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnKind", "Decided", "Judged", "decide", "judge", "kind_of"]

_SHOWN = 50
_MOSTLY = 0.6
# « 01.11 » is a code of activities, not one and a bit.
_ZERO_FIRST = re.compile(r"0\d+(\.\d+)?")
_CODE = re.compile(
    r"(codes?|cod|num|numero|no|n|id|ident|identifiant|ref|reference|matricule|dossier|immatriculation|cle|uid|uuid|nir|numen|naf|ape|ine|rna|uai|rne"
    r"|article|chapitre|rubrique|paragraphe|version|nomenclature)\b"
)
_DOTTED = re.compile(r"\d+([.,/-]\d+)*", re.ASCII)
_SAME = re.compile(r"\d{11,}", re.ASCII)
_FAMILIES = ({"oui", "non"}, {"o", "n"}, {"vrai", "faux"}, {"true", "false"}, {"yes", "no"})
_WORDS = {"oui", "non", "vrai", "faux", "true", "false"}


class ColumnKind(StrEnum):
    """What a column holds. Identifiers are text."""

    TEXT = "text"
    CODE = "code"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    SIRET = "siret"
    SIREN = "siren"
    COMMUNE = "commune"
    POSTAL_CODE = "postal_code"
    DEPARTMENT = "department"
    PHONE = "phone"
    RPPS = "rpps"
    FINESS = "finess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A column's kind, and its values when they are typed.

    Parameters
    ----------
    typed
        Same length as the column, absent values null; None when the column stays text.
    unit
        ``%``, ``‰``, ``€``… when every number carries it.
    """

    kind: ColumnKind
    typed: pa.ChunkedArray | None = None
    unit: str = ""
    doubts: tuple[Doubt, ...] = ()


def kind_of(name: str, column: pa.ChunkedArray) -> ColumnKind:
    """Return the kind that every value of a column fits; text when none does.

    A value such as ``01000`` keeps a column from being a number: its zero would be lost.

    Examples
    --------
    >>> import pyarrow as pa
    >>> str(kind_of("Montant", pa.chunked_array([["1 234,50", None]])))
    'number'
    >>> str(kind_of("Quantité", pa.chunked_array([["01000"]])))
    'code'
    """
    return judge(name, column, range(2, len(column) + 2)).kind


def judge(name: str, column: pa.ChunkedArray, lines: Sequence[int], *, machine: bool = False) -> Judged:
    """Judge a column of text.

    Parameters
    ----------
    lines
        Line of each value in the file.
    machine
        A program wrote the numbers, with a decimal point.
    """
    import pyarrow.compute as pc

    coded = pc.utf8_trim_whitespace(column).combine_chunks().dictionary_encode()
    texts = [text for text in coded.dictionary.to_pylist() if text]
    known = _Known(name=name, coded=coded, texts=texts, lines=lines)
    found = decide(known, machine=machine)
    typed = None if found.read is None else known.mapped(found.read, found.type)
    return Judged(kind=found.kind, typed=typed, unit=found.unit, doubts=found.doubts)


def decide(known: Values, *, machine: bool = False) -> Decided:
    """Decide what a column holds from its distinct values, or from one value of each class of them."""
    if not known.texts:
        return Decided(kind=ColumnKind.TEXT)
    identifier = named(known) or shaped(known)
    if identifier:
        return Decided(kind=ColumnKind(identifier.kind), doubts=flagged(identifier, known))
    # « N » alone counts; « N° » numbers.
    headed = _CODE.match(_words(known.name)) and values.plain(known.name) != "n"
    long = _SAME.fullmatch(known.texts[0]) and len({len(text) for text in known.texts}) == 1
    digits = [text for text in known.texts if _ZERO_FIRST.fullmatch(text)]
    named_so = (headed or long) and all(_DOTTED.fullmatch(text) for text in known.texts)
    if digits or named_so:
        return Decided(kind=ColumnKind.CODE, doubts=flagged(None, known))
    present = [text for text in known.texts if text.casefold() not in values.ABSENT]
    for read in (_booleans, _dates, _numbers):
        found = read(known, present, machine) if present else None
        if found is not None:
            return found
    return Decided(kind=ColumnKind.TEXT, doubts=(*flagged(None, known), *_strays(known, present)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a column holds.

    Parameters
    ----------
    read
        Gives the value of a text, None for an absent one; None when the column stays text.
    type
        Arrow type of the values read.
    sign
        Decimal sign of the numbers, or form of the dates, that other values could change.
    """

    kind: ColumnKind
    unit: str = ""
    doubts: tuple[Doubt, ...] = ()
    read: Callable[[str], Any] | None = None
    type: pa.DataType | None = None
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A column coded by its distinct values, the empty one left out of its texts."""

    name: str
    coded: pa.DictionaryArray
    texts: list[str]
    lines: Sequence[int]

    def where(self, wanted: Callable[[str], bool]) -> tuple[int, ...]:
        """Lines of the values that are wanted, the first fifty."""
        import pyarrow as pa
        import pyarrow.compute as pc

        hits = [bool(text) and wanted(text) for text in self.coded.dictionary.to_pylist()]
        if not any(hits):
            return ()
        rows = pc.indices_nonzero(pc.fill_null(pa.array(hits, pa.bool_()).take(self.coded.indices), False))
        return tuple(int(self.lines[row]) for row in rows[:_SHOWN].to_pylist())

    def count(self, wanted: Callable[[str], bool]) -> int:
        """Rows whose value is wanted."""
        import pyarrow as pa
        import pyarrow.compute as pc

        hits = [bool(text) and wanted(text) for text in self.coded.dictionary.to_pylist()]
        return int(pc.sum(pa.array(hits, pa.bool_()).take(self.coded.indices)).as_py() or 0)

    def few(self) -> int:
        """Distinct values, or eight when there are more."""
        return min(len(self.texts), 8)

    def mapped(self, read: Callable[[str], Any], kind: pa.DataType | None) -> pa.ChunkedArray:
        import pyarrow as pa

        found = [read(text) if text else None for text in self.coded.dictionary.to_pylist()]
        return pa.chunked_array([pa.array(found, kind).take(self.coded.indices)])


def _absent(known: Values) -> tuple[Doubt, ...]:
    """Say which words were read as a missing value."""
    said = sorted({text for text in known.texts if text.casefold() in values.ABSENT})
    if not said:
        return ()
    where = known.where(lambda text: text.casefold() in values.ABSENT)
    count = known.count(lambda text: text.casefold() in values.ABSENT)
    words = ", ".join(f"« {word} »" for word in said[:5])
    message = (
        f"Colonne « {known.name} » : {french.count(count, 'valeur absente', 'valeurs absentes')} ({words})."
    )
    return (Doubt(kind="absent", message=message, column=known.name, lines=where, count=count),)


def _booleans(known: Values, present: list[str], machine: bool) -> Decided | None:  # noqa: ARG001, FBT001 - as its like
    import pyarrow as pa

    found = {values.plain(text) for text in present}
    family = any(found == one for one in _FAMILIES) or (len(found) == 1 and found <= _WORDS)
    # Two ways of writing the answer (« oui » and « vrai ») are one answer still.
    if not family and not (found <= _WORDS and len(found) > 1):
        return None
    return Decided(kind=ColumnKind.BOOLEAN, read=values.boolean_of, type=pa.bool_(), doubts=_absent(known))


def _dates(known: Values, present: list[str], machine: bool) -> Decided | None:  # noqa: ARG001, FBT001 - as its like
    import pyarrow as pa

    compact = "date" in values.plain(known.name) and all(re.fullmatch(r"(19|20)\d{6}", t) for t in present)

    def read(text: str) -> date | datetime | None:
        return values.date_of(f"{text[:4]}-{text[4:6]}-{text[6:]}" if compact else text)

    found = [read(text) for text in present]
    moments = [one for one in found if isinstance(one, datetime)]
    if any(one is None for one in found):
        return None
    zoned = {one.tzinfo is not None for one in moments}
    if len(zoned) > 1 or (zoned == {True} and len(moments) < len(found)):
        return None
    if not moments or (zoned == {False} and all(one.time() == time.min for one in moments)):

        def day(text: str) -> date | None:
            one = read(text)
            return one.date() if isinstance(one, datetime) else one

        return Decided(
            kind=ColumnKind.DATE, read=day, type=pa.date32(), sign=str(compact), doubts=_absent(known)
        )

    def moment(text: str) -> datetime | None:
        one = read(text)
        return one if one is None or isinstance(one, datetime) else datetime.combine(one, time.min)

    kind = pa.timestamp("us", tz="UTC" if zoned == {True} else None)
    return Decided(kind=ColumnKind.DATETIME, read=moment, type=kind, doubts=_absent(known))


def _numbers(known: Values, present: list[str], machine: bool) -> Decided | None:  # noqa: FBT001 - as its like
    import pyarrow as pa

    degrees = _is_coordinate(known.name)
    found = values.numbers(present, machine=machine or degrees)
    if found is None:
        return None
    read = [found.read(text) for text in present]
    if any(one is None or abs(one) >= 2**53 for one in read):
        return None
    doubts = [*flagged(None, known), *_absent(known)]
    if degrees and any(re.match(r"[-+−]?[1-9]\d{3}", text) for text in present):
        message = f"Colonne « {known.name} » : ce ne sont pas des degrés, mais des mètres (Lambert-93 ?)."
        doubts.append(Doubt(kind="crs", message=message, column=known.name))
    if found.guessed and not degrees:
        message = f"Colonne « {known.name} » : « {present[0]} » lu avec une virgule décimale, à vérifier."
        doubts.append(Doubt(kind="number", message=message, column=known.name))
    doubts += _serials(known, present) if found.whole else []
    kind = ColumnKind.INTEGER if found.whole and not found.unit else ColumnKind.NUMBER
    arrow = pa.int64() if kind is ColumnKind.INTEGER else pa.float64()

    def value(text: str) -> float | int | None:
        return None if text.casefold() in values.ABSENT else found.read(text)

    return Decided(
        kind=kind, unit=found.unit, doubts=tuple(doubts), read=value, type=arrow, sign=found.decimal
    )


def _is_coordinate(name: str) -> bool:
    """Tell whether a heading announces degrees, of which no value has thousands."""
    return re.search(r"\b(lat|latitude|lon|lng|long|longitude)\b", _words(name)) is not None


def _words(name: str) -> str:
    return re.sub(r"[^a-z]+", " ", values.plain(name)).strip()


def _serials(known: Values, present: list[str]) -> list[Doubt]:
    """Flag a column named after a date whose values are a spreadsheet's day numbers."""
    if "date" not in values.plain(known.name) or not all(re.fullmatch(r"[2-6]\d{4}", t) for t in present):
        return []
    message = f"Colonne « {known.name} » : dates en numéros de jour d'un tableur ({present[0]})."
    return [Doubt(kind="date", message=message, column=known.name, lines=known.where(bool))]


def _strays(known: Values, present: list[str]) -> list[Doubt]:
    """Flag the values that keep a column from being dates or numbers when most others are."""
    total = known.count(bool) or 1
    if values.month_first(present) and known.count(values.looks_dated) >= _MOSTLY * total:
        message = f"Colonne « {known.name} » : dates écrites le mois d'abord ? Elles restent en texte."
        return [Doubt(kind="date", message=message, column=known.name, lines=known.where(values.looks_dated))]

    def no_date(text: str) -> bool:
        return values.date_of(text) is None and text.casefold() not in values.ABSENT

    if known.count(lambda text: values.looks_dated(text) or not no_date(text)) >= _MOSTLY * total:
        where = known.where(no_date)
        what = "hors du calendrier ou mal écrite" if len(where) == 1 else "hors du calendrier ou mal écrites"
        if where:
            return [_stray(known, "date", where, known.count(no_date), what)]
        message = f"Colonne « {known.name} » : heures avec et sans décalage, la colonne reste en texte."
        return [Doubt(kind="date", message=message, column=known.name)]

    def no_number(text: str) -> bool:
        return not values.is_number(text)

    count = known.count(lambda text: no_number(text) and text.casefold() not in values.ABSENT)
    if known.count(bool) - count >= _MOSTLY * total:
        if count:
            where = known.where(lambda text: no_number(text) and text.casefold() not in values.ABSENT)
            return [
                _stray(
                    known,
                    "number",
                    where,
                    count,
                    "qui n'est pas un nombre" if count == 1 else "qui ne sont pas des nombres",
                )
            ]
        message = (
            f"Colonne « {known.name} » : le signe décimal ou l'unité des nombres n'est pas sûr, "
            "la colonne reste en texte."
        )
        return [Doubt(kind="number", message=message, column=known.name)]
    return []


def _stray(known: Values, kind: str, where: tuple[int, ...], count: int, what: str) -> Doubt:
    said = french.count(count, "valeur")
    message = f"Colonne « {known.name} » : {said} {what}, la colonne reste en texte."
    return Doubt(kind=kind, message=message, column=known.name, lines=where, count=count)
