"""Read one Alim'confiance export: whatever the order of its columns, every column as text, then typed.

Columns are recognised by heading, then checked by what they hold. Archives give the same thirteen columns in
different orders, and some tools have written the last four (``geores``, ``filtre``, ``ods_adresse``,
``ods_type_activite``) under each other's headings: among these, coordinates and address are found by content.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk.documented import identify
from eclaireur.core.errors import BadValueError, EmptyTableError, FileRefusedError, MissingColumnError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["OFFICIAL", "departement", "level", "paris_day", "read_export"]

OFFICIAL = ("Très satisfaisant", "Satisfaisant", "A améliorer", "A corriger de manière urgente")
"""The four official results, from best to worst; a level is an index here, and 2 and 3 are bad."""

_LEVELS = {
    "tres satisfaisant": 0,
    "satisfaisant": 1,
    "a ameliorer": 2,
    "a corriger de maniere urgente": 3,
}
_COORDINATES = re.compile(r"\s*-?\d{1,2}(\.\d+)?\s*,\s*-?\d{1,3}(\.\d+)?\s*")
_IDENTIFIER = re.compile(r"[A-Z]{0,5}\d{8,16}")
_BLANK = frozenset({"", "_", "-", "non renseigné", "nr"})

_HEADINGS: dict[str, str] = {
    "name": "APP_Libelle_etablissement",
    "identifier": "SIRET",
    "postal_code": "Code_postal",
    "commune": "Libelle_commune",
    "date": "Date_inspection",
    "activity": "APP_Libelle_activite_etablissement",
    "result": "Synthese_eval_sanit",
}
_MOVABLE = ("geores", "ods_adresse", "filtre", "ods_type_activite")
"""Headings that archives are known to shift: coordinates and address are found among them by content."""


def read_export(path: Path) -> pa.Table:
    """Read one export into typed rows, in the order of the file.

    Returns
    -------
    table
        subject (text), observed (date32), level (int32), activity, name, address, postal_code, area, commune
        (text), place (struct of latitude and longitude). A value that cannot be read is null.

    Raises
    ------
    FileRefusedError, EmptyTableError
        If the file is not a CSV in UTF-8, or has no row.
    MissingColumnError, BadValueError
        If it is not an Alim'confiance export, or a column holds something else than it should.
    """
    return _typed(_canonical(_read(path), path.name))


def level(text: str) -> int | None:
    """Return the level of an official result, with or without accents, or None.

    >>> level("À améliorer"), level("Excellent")
    (2, None)
    """
    return _LEVELS.get(text.strip().casefold().translate(str.maketrans("àâèêé", "aaeee")))


def paris_day(text: str) -> date | None:
    """Return the day in Paris of an instant with an offset, or of a plain day; None if unreadable.

    The two exports stamp a day as midnight UTC seen from Paris (``T01:00+01:00``, ``T02:00+02:00``); an
    export written in UTC would put an evening visit on the day before without this.

    >>> paris_day("2019-06-13T02:00:00+02:00"), paris_day("2019-06-12T22:30:00+00:00")
    (datetime.date(2019, 6, 13), datetime.date(2019, 6, 13))
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.date()
    instant = moment.astimezone(UTC)
    summer = _last_sunday(instant.year, 3) <= instant < _last_sunday(instant.year, 10)
    return instant.astimezone(timezone(timedelta(hours=2 if summer else 1))).date()


def _last_sunday(year: int, month: int) -> datetime:
    # Directive 2000/84/EC: summer time begins and ends at 01:00 UTC on the last Sunday of March and October.
    # Written here because a bare container may have no time zone database.
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def departement(postal_code: str) -> str | None:
    """Return the département of a postal code, or None when it has none.

    Corsica is 2A or 2B (``20303`` is Ajaccio's CEDEX); overseas codes have three digits, Saint-Barthélemy and
    Saint-Martin use Guadeloupe's codes. A few hundred communes are served from the neighbouring
    département: their postal code, hence this answer, is the neighbour's.

    >>> departement("20167"), departement("20600"), departement("97419"), departement("01000")
    ('2A', '2B', '974', '01')
    """
    if not re.fullmatch(r"\d{5}", postal_code):
        return None
    exact = {"97133": "977", "97150": "978"}.get(postal_code)
    if exact:
        return exact
    head = postal_code[:2]
    if head == "20":
        return {"0": "2A", "1": "2A", "3": "2A", "2": "2B", "4": "2B", "6": "2B"}.get(postal_code[2])
    if head in {"97", "98"}:
        return postal_code[:3]
    return head if "01" <= head <= "95" else None


def _read(path: Path) -> pa.Table:
    """Read one export, every column as text."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            first = stream.read(65536)
        head = first.decode("utf-8-sig", errors="replace").splitlines()
        names = [name.strip('"') for name in head[0].split(";")] if head else []
        with pa.input_stream(str(path), compression="detect") as stream:
            table = csv.read_csv(
                stream,
                parse_options=csv.ParseOptions(delimiter=";", newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
    except (OSError, pa.ArrowInvalid) as error:
        raise FileRefusedError(
            f"le fichier ne peut pas être lu : {error}.",
            file=path.name,
            fix="Attendu : un export CSV en UTF-8, séparé par des points-virgules.",
        ) from error
    if not table.num_rows:
        raise EmptyTableError("le fichier ne contient aucune ligne de données.", file=path.name)
    return table


def _canonical(table: pa.Table, file: str) -> pa.Table:
    """Pick each field's column: by heading, then checked (or found) by what the column holds."""
    import pyarrow as pa

    missing = [heading for heading in _HEADINGS.values() if heading not in table.column_names]
    if missing:
        raise MissingColumnError(
            f"ce n'est pas un export Alim'confiance : il manque « {' », « '.join(missing)} ».",
            file=file,
            fix="Retirez ce fichier du dossier, ou rétablissez ses intitulés.",
        )
    columns = {field: table[heading] for field, heading in _HEADINGS.items()}
    shapes: dict[str, Callable[[str], object]] = {
        "identifier": lambda text: _IDENTIFIER.fullmatch(re.sub(r"\s", "", text)),
        "date": paris_day,
        "result": level,
    }
    for field, fits in shapes.items():
        if _share(columns[field], fits) < 0.5:
            raise BadValueError(
                f"moins de la moitié des valeurs ont la forme attendue ({_EXPECTED[field]}).",
                file=file,
                column=_HEADINGS[field],
                fix="Vérifiez que les intitulés ne sont pas décalés.",
            )
    movable = {heading: table[heading] for heading in _MOVABLE if heading in table.column_names}
    place = {heading: _share(column, _COORDINATES.fullmatch) for heading, column in movable.items()}
    found = max(place, key=lambda heading: place[heading], default="")
    blank = pa.chunked_array([pa.array([""] * table.num_rows, pa.string())])
    columns["coordinates"] = movable.pop(found) if found and place[found] > 0.5 else blank
    # An address is nearly unique; the other two are short lists of activities.
    variety = {heading: len(column.unique()) for heading, column in movable.items()}
    address = max(variety, key=lambda heading: variety[heading], default="")
    columns["address"] = movable[address] if address else blank
    return pa.table(columns)


_EXPECTED = {
    "identifier": "un SIRET de 14 chiffres",
    "date": "une date AAAA-MM-JJThh:mm:ss",
    "result": "« Très satisfaisant », « Satisfaisant », « A améliorer » ou « A corriger de manière urgente »",
}


def _share(column: pa.ChunkedArray, fits: Callable[[str], object]) -> float:
    """Share of non-empty values of the first thousand that have a form."""
    values = [text for text in column.slice(0, 1000).to_pylist() if text]
    return sum(fits(text) is not None for text in values) / len(values) if values else 0.0


def _subject(text: str) -> str | None:
    digits = re.sub(r"\s", "", text).upper()
    return str(identify(digits)) if digits.casefold() not in _BLANK else None


def _clean(text: str) -> str | None:
    text = re.sub(r"\s+", " ", text).strip()
    return None if text.casefold() in _BLANK else text


def _postal_code(text: str) -> str | None:
    text = text.strip()
    return text if departement(text) else None


def _place(text: str) -> dict[str, float] | None:
    if not _COORDINATES.fullmatch(text):
        return None
    latitude, longitude = (float(part) for part in text.split(","))
    # (0, 0) is how a geocoder says that it found nothing.
    inside = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
    return {"latitude": latitude, "longitude": longitude} if inside else None


def _typed(table: pa.Table) -> pa.Table:
    """Convert each column by its distinct values: an export repeats most of them."""
    import pyarrow as pa

    place_type = pa.struct([("latitude", pa.float64()), ("longitude", pa.float64())])
    conversions: dict[str, tuple[str, Callable[[str], Any], Any]] = {
        "subject": ("identifier", _subject, pa.string()),
        "observed": ("date", paris_day, pa.date32()),
        "level": ("result", level, pa.int32()),
        "activity": ("activity", _clean, pa.string()),
        "name": ("name", _clean, pa.string()),
        "address": ("address", _clean, pa.string()),
        "postal_code": ("postal_code", _postal_code, pa.string()),
        "area": ("postal_code", departement, pa.string()),
        "commune": ("commune", _clean, pa.string()),
        "place": ("coordinates", _place, place_type),
    }
    columns = {}
    for name, (source, convert, kind) in conversions.items():
        encoded = table[source].combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        values = [convert(text) for text in encoded.dictionary.to_pylist()]
        columns[name] = pa.array(values, kind).take(encoded.indices)
    return pa.table(columns)
