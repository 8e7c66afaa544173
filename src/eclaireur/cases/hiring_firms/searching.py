"""A job seeker's question: a job, a place, a radius, a size; and the firms that answer it."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from eclaireur.cases.hiring_firms.law import staff_of
from eclaireur.core import french
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Records

__all__ = ["Ask", "Jobs", "distances", "flat", "parse", "sized"]

_KEYS = {
    "metier": "job",
    "commune": "commune",
    "lieu": "commune",
    "rayon": "radius",
    "taille": "size",
    "jour": "day",
}
_EXAMPLE = "metier=D1102 commune=Metz rayon=10 taille=10-49"
_RADIUS, _MOST_RADIUS = 15.0, 200.0
_EARTH = 6371.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is searched: texts as the user wrote them, numbers read.

    Parameters
    ----------
    radius
        Kilometres around the commune.
    staff
        Least and greatest number of employees; a firm of unknown staff is only in a search without it.
    """

    job: str
    commune: str
    radius: float
    staff: tuple[float, float] | None
    day: date


def parse(about: str) -> Ask:
    """Read a search written ``metier=… commune=… rayon=… taille=… jour=…``.

    Raises
    ------
    BadValueError
        An unknown key, a job or a commune that is missing, a number or a date that cannot be read.

    Examples
    --------
    >>> parse("metier=boulangerie commune=Les Dunes rayon=12,5 jour=2025-07-01").radius
    12.5
    """
    found: dict[str, str] = {}
    parts = re.split(r"(\S+?)\s*=\s*", about.strip())
    if parts[0].strip():
        raise BadValueError(f"recherche illisible : « {about} ».", fix=f"Écrivez par exemple : {_EXAMPLE}")
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        name = _KEYS.get(flat(key))
        if name is None:
            raise BadValueError(
                f"critère inconnu : « {key} ».", fix=f"Critères : {', '.join(_KEYS)}. Exemple : {_EXAMPLE}"
            )
        found[name] = value.strip()
    for name, title in (("job", "le métier"), ("commune", "la commune")):
        if not found.get(name):
            raise BadValueError(f"il manque {title}.", fix=f"Écrivez par exemple : {_EXAMPLE}")
    return Ask(
        job=found["job"],
        commune=found["commune"],
        radius=_radius(found.get("radius", "")),
        staff=_staff(found.get("size", "")),
        day=_day(found.get("day", "")),
    )


def flat(text: str) -> str:
    """Return a text in lower case without accents or signs."""
    plain = unicodedata.normalize("NFD", text.casefold())
    kept = "".join(char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return " ".join(kept.split())


def _radius(text: str) -> float:
    try:
        value = float(text.removesuffix("km").strip().replace(",", ".") or _RADIUS)
    except ValueError:
        value = math.nan
    if not 0 < value <= _MOST_RADIUS:
        raise BadValueError(
            f"rayon illisible ou hors bornes : « {text} ».",
            fix=f"Donnez des kilomètres, de 1 à {french.number(_MOST_RADIUS)}.",
        )
    return value


def _staff(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    matched = re.fullmatch(r"(\d+)\s*(?:-\s*(\d+)|(\+))?", text)
    if matched is None:
        raise BadValueError(f"taille illisible : « {text} ».", fix="Écrivez taille=10-49, ou taille=250+.")
    low = float(matched[1])
    high = math.inf if matched[3] else float(matched[2] or matched[1])
    if low > high:
        raise BadValueError(f"la taille « {text} » est à l'envers.", fix="Écrivez le plus petit d'abord.")
    return low, high


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise BadValueError(f"jour illisible : « {text} ».", fix="Écrivez jour=2025-07-01.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs by code, what part of an activity's hirings each is, and near jobs."""

    names: Mapping[str, str]
    parts: Mapping[str, Mapping[str, float]]
    near: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, records: Records) -> Jobs:
        """Read the jobs of the records."""
        rows = records["jobs"].to_pylist()
        totals: dict[str, float] = {}
        for row in rows:
            totals[row["naf"]] = totals.get(row["naf"], 0.0) + row["hirings"]
        parts: dict[str, dict[str, float]] = {}
        for row in rows:
            if row["hirings"] > 0:
                parts.setdefault(row["rome"], {})[row["naf"]] = row["hirings"] / totals[row["naf"]]
        near: dict[str, list[str]] = {}
        for row in records["near_jobs"].to_pylist():
            near.setdefault(row["rome"], []).append(row["near"])
        return cls(
            names={row["rome"]: row["job"] for row in rows},
            parts=parts,
            near={rome: tuple(sorted(set(others) - {rome})) for rome, others in near.items()},
        )

    def find(self, text: str) -> str:
        """Return the code of a job named by its code or by words of its title.

        Raises
        ------
        BadValueError
            If no job, or several, answer; the message names the closest ones.
        """
        code = text.strip().upper()
        if code in self.names:
            return code
        words = flat(text).split()
        found = [rome for rome, name in self.names.items() if words and all(w in flat(name) for w in words)]
        if len(found) == 1:
            return found[0]
        close = found or difflib.get_close_matches(code, self.names, n=4, cutoff=0.6)
        close = close or [
            rome
            for name in difflib.get_close_matches(flat(text), map(flat, self.names.values()), n=3, cutoff=0.4)
            for rome, title in self.names.items()
            if flat(title) == name
        ]
        said = " ; ".join(f"{rome} ({self.names[rome]})" for rome in close[:6])
        trouble = "plusieurs métiers répondent à" if found else "métier inconnu :"
        raise BadValueError(
            f"{trouble} « {text} ».", fix=f"Proches : {said}." if said else "Donnez un code ROME."
        )

    def part(self, rome: str, activities: Iterable[str | None]) -> NDArray[np.float64]:
        """Return the part of each firm's hirings that is in a job, by its activity."""
        import numpy as np

        shares = self.parts.get(rome, {})
        return np.array([shares.get(naf or "", 0.0) for naf in activities])


def distances(rows: pa.Table, commune: str) -> tuple[NDArray[np.float64], str]:
    """Return the kilometres from each firm to the middle of a commune's firms, and the commune's name.

    NaN for a firm without coordinates.

    Raises
    ------
    BadValueError
        If no firm is known there: the territory was never seen.
    """
    import numpy as np

    asked = flat(commune)
    codes, names = rows["commune"].to_pylist(), rows["commune_name"].to_pylist()
    latitude, longitude = (
        rows[name].to_numpy(zero_copy_only=False).astype(float) for name in ("latitude", "longitude")
    )
    placed = ~np.isnan(latitude) & ~np.isnan(longitude)
    here = np.array(
        [asked in {flat(code or ""), flat(name or "")} for code, name in zip(codes, names, strict=True)],
        dtype=bool,
    )
    if not (here & placed).any():
        known = {flat(name): name for name in names if name}
        close = [known[name] for name in difflib.get_close_matches(asked, known, n=3, cutoff=0.5)]
        raise BadValueError(
            f"les entreprises de « {commune} » n'ont pas de coordonnées : aucune distance n'est connue."
            if here.any()
            else f"aucune entreprise connue à « {commune} » : ce territoire n'est pas dans les données.",
            fix=f"Communes proches par le nom : {', '.join(close)}."
            if close
            else "Donnez le nom ou le code INSEE d'une commune des données.",
        )
    # Medians: one firm with wrong coordinates does not move the middle of a commune.
    middle = np.radians([np.median(latitude[here & placed]), np.median(longitude[here & placed])])
    lat, lon = np.radians(latitude), np.radians(longitude)
    half = (
        np.sin((lat - middle[0]) / 2) ** 2
        + np.cos(lat) * np.cos(middle[0]) * np.sin((lon - middle[1]) / 2) ** 2
    )
    name = next(name or code for name, code, at in zip(names, codes, here.tolist(), strict=True) if at)
    return 2 * _EARTH * np.arcsin(np.sqrt(half)), str(name)


def sized(rows: pa.Table, staff: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Tell which firms have a workforce within bounds; all of them without bounds."""
    import numpy as np

    if staff is None:
        return np.ones(rows.num_rows, dtype=bool)
    middle = staff_of(rows["band"])
    return (middle >= staff[0]) & (middle <= staff[1])
