"""Ensemble tables in CSV, plain or compressed: a column per member, and perhaps the observation.

A file that was cut is read up to the cut. What cannot be used is set aside with its line and its reason.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.checks import checked
from eclaireur.cases.weather_postprocessing.documented import RAIN, TEMPERATURE
from eclaireur.core.errors import BadValueError, MissingColumnError

if TYPE_CHECKING:
    from eclaireur.cases.weather_postprocessing.checks import Rejected

__all__ = ["EnsembleFile", "day_of", "read_ensemble"]

_DATES = {"date", "dates", "jour", "valid_time", "validite"}
_ISSUED = {"issued", "reference_time", "run", "reseau", "emission"}
_OBSERVED = {"observation", "observations", "observed", "obs", "rain", "value", "pluie", "temperature"}
_STATION = {"station", "subject", "stations", "site"}
_PLACE = {
    "latitude": {"latitude", "lat"},
    "longitude": {"longitude", "lon"},
    "elevation": {"elevation", "altitude"},
}
_OTHER = {"type", "variable", "unit", "name", "lead", "echeance", "line"}
_MEMBER = re.compile(r"(.*?)[._ -]?\d+$")
_LEAST_MEMBERS = 2
_SAME = ("station", "latitude", "longitude", "variable", "issued", "day")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ]?\d{2}.*)?")
_FRENCH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[T ]\d{1,2}.*)?")
_MONTHS = 12
_LONGEST = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleFile:
    """What a file holds.

    Parameters
    ----------
    rows
        Checked rows, in the order of the file (see `checks.checked`), with ``line``.
    rejected
        What was set aside.
    """

    rows: tuple[dict[str, Any], ...]
    rejected: tuple[Rejected, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Headings:
    day: str
    issued: str
    observed: str
    station: str
    place: Mapping[str, str]
    members: tuple[str, ...]
    variable: str
    fixed: str


def _headings(names: Sequence[str]) -> _Headings | None:
    plain = {name: name.strip().lower() for name in names}

    def first(known: set[str]) -> str:
        return next((name for name in names if plain[name] in known), "")

    day = first(_DATES)
    named = _OBSERVED | _DATES | _ISSUED | _STATION | _OTHER | set().union(*_PLACE.values())
    members = tuple(name for name in names if name and plain[name] not in named)
    if not day or {"member", "membre"} & set(plain.values()):
        return None
    if len(members) < _LEAST_MEMBERS:
        if members and first(_OBSERVED - {"value"}):
            raise BadValueError(
                f"un seul membre dans ce fichier : « {members[0]} ».",
                fix="Donnez une colonne par membre, deux au moins.",
            )
        return None
    observed = first(_OBSERVED)
    text = " ".join((plain[observed] if observed else "", *(plain[name] for name in members)))
    fixed = ""
    if re.search(r"rain|pluie|precip|pcp", text):
        fixed = RAIN
    elif re.search(r"temp|t2m", text):
        fixed = TEMPERATURE
    return _Headings(
        day=day,
        issued=first(_ISSUED),
        observed=observed,
        station=first(_STATION),
        place={key: first(known) for key, known in _PLACE.items()},
        members=members,
        variable=first({"variable"}),
        fixed=fixed,
    )


def read_ensemble(path: Path, *, variable: str = "") -> EnsembleFile | None:
    """Read a file; None when its headings are not those of an ensemble table.

    Parameters
    ----------
    variable
        What the file forecasts, when it is known. By default its headings tell, else its values: zeros and
        nothing below are rain.

    Raises
    ------
    BadValueError
        If the file is not text.
    """
    from eclaireur.cases.weather_postprocessing.checks import Rejected

    text, cut = _text(path)
    if "\0" in text[:4096]:
        raise BadValueError("ce fichier n'est pas du texte.", file=path.name, fix="Donnez un fichier CSV.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    head = text.partition("\n")[0]
    separator = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        names = [name.strip().strip('"') for name in next(reader, [])]
    except csv.Error:
        return None
    headings = _headings(names)
    if headings is None:
        return None
    rejected: list[Rejected] = []
    try:
        lines = list(_lines(reader, len(names), path.name, rejected))
    except csv.Error as error:
        raise BadValueError(
            "une cellule de ce fichier ne finit pas.", file=path.name, fix="Vérifiez les guillemets."
        ) from error
    if cut:
        line = lines.pop()[0] if lines else 2
        reason = "le fichier est coupé à cette ligne : elle et la suite n'ont pas été lues."
        rejected.append(Rejected(path.name, line, reason))
    raw = [(line, dict(zip(names, cells, strict=True))) for line, cells in lines]
    fixed = variable or headings.fixed or _guessed(raw, headings.members)
    rows: list[dict[str, Any]] = []
    first: dict[tuple[Any, ...], int] = {}
    swapped = _months_first(raw, (headings.day, headings.issued))
    for line, told in raw:
        if swapped and "/" in told[headings.day]:
            said = told[headings.day].strip()
            reason = f"« {said} » : le mois semble avant le jour dans ce fichier ; écrivez 2024-01-31."
            rejected.append(Rejected(path.name, line, reason))
            continue
        row, reason = checked(_told(told, headings, fixed), decimal_comma=separator == ";")
        if row is None:
            rejected.append(Rejected(path.name, line, reason))
            continue
        where = tuple(row[name] for name in _SAME)
        if row["station"] and where in first:
            reason = f"même station et même jour que la ligne {first[where]}."
            rejected.append(Rejected(path.name, line, reason))
            continue
        rows.append(row | {"line": line, "again": first.get(where, 0)})
        first[where] = line if row["station"] else first.get(where, 0) + 1
    return EnsembleFile(rows=tuple(rows), rejected=tuple(sorted(rejected, key=lambda one: one.line)))


def _lines(
    reader: Iterator[list[str]], width: int, file: str, rejected: list[Rejected]
) -> Iterator[tuple[int, list[str]]]:
    from eclaireur.cases.weather_postprocessing.checks import Rejected

    for line, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != width:
            reason = f"la ligne a {len(cells)} cellules au lieu de {width} : elle est coupée ou mal séparée."
            rejected.append(Rejected(file, line, reason))
            continue
        yield line, cells


def _told(cells: Mapping[str, str], headings: _Headings, fixed: str) -> dict[str, Any]:
    """Return one row in the form that `checks.checked` takes."""
    told = cells.get(headings.variable, "").strip().lower() if headings.variable else ""
    known = {"pluie": RAIN, "rain": RAIN, "température": TEMPERATURE, "temperature": TEMPERATURE}
    return {
        "day": day_of(cells[headings.day]),
        "issued": day_of(cells[headings.issued]) if headings.issued else None,
        "said_day": cells[headings.day],
        "station": cells.get(headings.station, "").strip() if headings.station else "",
        "variable": known.get(told, fixed),
        "members": [cells[name] for name in headings.members],
        "observed": cells.get(headings.observed) if headings.observed else None,
        **{key: cells.get(name) if name else None for key, name in headings.place.items()},
    }


def day_of(text: str) -> date | None:
    """Read a day written ``2004-01-31``, ``20040131`` or ``31/01/2004``, with an hour or not; else None.

    >>> day_of("2004013100"), day_of("31/01/2004 06:00")
    (datetime.date(2004, 1, 31), datetime.date(2004, 1, 31))
    """
    found = _DAY.fullmatch(text.strip())
    french = _FRENCH_DAY.fullmatch(text.strip())
    if found is None and french is None:
        return None
    parts = found.groups() if found else french.groups()[::-1] if french else ()
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        return None


def _months_first(raw: Sequence[tuple[int, Mapping[str, str]]], names: Sequence[str]) -> bool:
    """Tell whether some day has its month first: then none of the file can be read as day/month/year."""
    found = (_FRENCH_DAY.fullmatch(cells[name].strip()) for _, cells in raw for name in names if name)
    return any(one is not None and int(one[2]) > _MONTHS for one in found)


def _guessed(raw: Sequence[tuple[int, Mapping[str, str]]], members: Sequence[str]) -> str:
    """Tell rain from temperature by the values: nothing below zero and many near zero, or not."""
    values = []
    for _, cells in raw[:2000]:
        for name in members:
            try:
                values.append(float(cells[name]))
            except ValueError:
                continue
    if not values:
        raise MissingColumnError(
            "aucune colonne ne contient de membre de l'ensemble.", fix="Mettez une colonne par membre."
        )
    dry = sum(value == 0 for value in values)
    return RAIN if min(values) >= 0 and dry > 0.005 * len(values) else TEMPERATURE


def _text(path: Path) -> tuple[str, bool]:
    """Return the text of a file, and whether it ends before its end."""
    content = path.read_bytes()
    cut = False
    if content[:2] == b"\x1f\x8b":
        inflater = zlib.decompressobj(wbits=31)
        try:
            content = inflater.decompress(content, _LONGEST)
        except zlib.error as error:
            raise BadValueError(
                "l'archive est abîmée.", file=path.name, fix="Téléchargez le fichier de nouveau."
            ) from error
        cut = not inflater.eof
    return _decoded(content), cut


def _decoded(content: bytes) -> str:
    """Return text in UTF-8, in UTF-16 that says so, else as Windows writes it in Western Europe."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A cut file may end inside a letter.
        if error.start >= len(content) - 3:
            return content.decode("utf-8-sig", errors="replace")
    return content.decode("cp1252", errors="replace")
