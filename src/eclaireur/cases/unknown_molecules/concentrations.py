"""A table of concentrations with their uncertainties, by date and site: what can be used, and what cannot."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MARK", "Measures", "read_measures"]

MARK = "±"
"""A column « X ± » has the uncertainties of the column « X »."""
_SITE = ("site", "station", "lieu", "point")
_DAY = ("date", "jour", "day")
_LATITUDE = ("latitude", "lat")
_LONGITUDE = ("longitude", "lon", "long")
_LEAST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Concentrations that can be used (rows × species), where and when they were measured.

    ``places`` maps a site to its latitude and longitude; ``refused`` has the lines set aside and why.
    """

    species: tuple[str, ...]
    values: NDArray[np.float64]
    unsure: NDArray[np.float64]
    sites: tuple[str, ...]
    days: tuple[date | None, ...]
    places: Mapping[str, tuple[float, float]]
    refused: tuple[tuple[int, str], ...]


def read_measures(table: pa.Table) -> Measures:
    """Read a table: columns ``X`` and ``X ±``, and if there are any, date, site, latitude, longitude.

    Raises
    ------
    BadValueError
        If fewer than three species have their uncertainty, or fewer rows than that can be used.
    """
    import numpy as np

    plain = {name.strip(): name for name in table.column_names}
    marked = {
        name: next((plain[one] for one in (f"{name} {MARK}", f"{name}{MARK}") if one in plain), None)
        for name in plain
    }
    species = tuple(name for name, unsure in marked.items() if unsure)
    if len(species) < _LEAST:
        raise BadValueError(
            "moins de trois espèces ont leur incertitude.",
            fix=f"À côté de chaque colonne « X », donnez « X {MARK} », son incertitude.",
        )
    known = {name.casefold(): name for name in plain.values()}
    site, day, latitude, longitude = (
        next((known[one] for one in names if one in known), None)
        for names in (_SITE, _DAY, _LATITUDE, _LONGITUDE)
    )
    values: list[list[float]] = []
    unsure: list[list[float]] = []
    sites: list[str] = []
    days: list[date | None] = []
    places: dict[str, tuple[float, float]] = {}
    refused: list[tuple[int, str]] = []
    for line, row in enumerate(table.to_pylist(), start=2):
        try:
            mine = [_value(row[plain[name]], name) for name in species]
            theirs = [
                _spread(row[str(marked[name])], name, one) for name, one in zip(species, mine, strict=True)
            ]
            when = None if day is None else _day(row[day])
            where = _place(row, latitude, longitude)
        except ValueError as error:
            refused.append((line, str(error)))
            continue
        if not any(math.isfinite(one) for one in mine):
            refused.append((line, "aucune concentration sur cette ligne."))
            continue
        values.append(mine)
        unsure.append(theirs)
        days.append(when)
        sites.append("" if site is None or row[site] is None else str(row[site]).strip())
        if where is not None:
            places.setdefault(sites[-1] or "lieu unique", where)
    if len(values) < _LEAST:
        raise BadValueError(
            "moins de trois lignes peuvent être utilisées"
            + (f" ; ligne {refused[0][0]} : {refused[0][1]}" if refused else "."),
            fix="Corrigez le tableau.",
        )
    return Measures(
        species=species,
        values=np.array(values),
        unsure=np.array(unsure),
        sites=tuple(sites),
        days=tuple(days),
        places=places,
        refused=tuple(refused),
    )


def _number(cell: Any) -> float:
    text = "" if cell is None else str(cell).strip().replace("\u202f", "").replace("\xa0", "")
    return math.nan if text.casefold() in {"", "na", "nan", "nd"} else float(text.replace(",", "."))


def _value(cell: Any, name: str) -> float:
    """Read a concentration; a small negative one is noise around zero, and is kept as it is.

    Raises
    ------
    ValueError
        In words, if it is no number.
    """
    try:
        return _number(cell)
    except ValueError:
        raise ValueError(f"concentration illisible de « {name} » : « {str(cell)[:30]} ».") from None


def _spread(cell: Any, name: str, value: float) -> float:
    try:
        found = _number(cell)
    except ValueError:
        raise ValueError(f"incertitude illisible de « {name} » : « {str(cell)[:30]} ».") from None
    if math.isnan(value) or math.isnan(found):
        # Without an uncertainty a value cannot be weighed: it counts as not measured.
        return math.nan
    if found <= 0:
        raise ValueError(f"incertitude nulle ou négative de « {name} ».")
    return found


def _day(cell: Any) -> date | None:
    """Read a day written ``2024-05-31`` or ``31/05/2024``; None when there is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if cell is None or isinstance(cell, date):
        return cell
    text = str(cell).strip()
    found = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    french = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    parts: Sequence[str] = found.groups() if found else french.groups()[::-1] if french else ()
    if not text:
        return None
    try:
        return date(*(int(one) for one in parts))
    except (TypeError, ValueError):
        raise ValueError(f"date illisible : « {text[:20]} » ; attendu : 2024-05-31 ou 31/05/2024.") from None


def _place(row: Mapping[str, Any], latitude: str | None, longitude: str | None) -> tuple[float, float] | None:
    if latitude is None or longitude is None:
        return None
    try:
        found = _number(row[latitude]), _number(row[longitude])
    except ValueError:
        raise ValueError("latitude ou longitude illisible.") from None
    if any(math.isnan(one) for one in found):
        return None
    if abs(found[0]) > 90 or abs(found[1]) > 180:
        raise ValueError("latitude ou longitude hors de ±90 et ±180 degrés : attendu en degrés (WGS 84).")
    return found
