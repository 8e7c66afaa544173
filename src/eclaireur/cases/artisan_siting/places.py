"""Where communes are: metres around their middle, names, and the zone that a user drew."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, EmptyTableError, FileRefusedError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Ring", "flat", "inside", "metres", "named", "read_zone", "require_some", "rings_of"]

Ring = list[tuple[float, float]]
"""A closed line, longitude then latitude in degrees (WGS 84)."""

_DEGREE = 111_320.0
_LARGEST = 20_000_000
_POINTS = 200_000
_PAIR = re.compile(r"^\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s+(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


def metres(latitude: Sequence[float], longitude: Sequence[float]) -> NDArray[np.float64]:
    """Return metres around the middle of places, shape ``(n, 2)``: east, north.

    Equirectangular: within 0.5 % over 200 km, far less than the doubt on where people shop.
    """
    import numpy as np

    lat, lon = np.asarray(latitude, dtype=float), np.asarray(longitude, dtype=float)
    middle = float(lat.mean())
    east = (lon - lon.mean()) * _DEGREE * np.cos(np.radians(middle))
    return np.column_stack([east, (lat - middle) * _DEGREE])


def flat(text: str) -> str:
    """Return a text in lower case without accents or signs.

    >>> flat("Saint-Éloy")
    'saint eloy'
    """
    plain = unicodedata.normalize("NFD", text.casefold())
    kept = "".join(char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return " ".join(kept.split())


def named(communes: pa.Table, text: str) -> int:
    """Return the position of a commune named by its code or its name.

    Raises
    ------
    BadValueError
        If no commune has it, or several do; the message names the closest ones.
    """
    codes, names = communes["commune"].to_pylist(), communes["name"].to_pylist()
    wanted = text.strip().upper().removeprefix("COMMUNE:")
    if wanted in codes:
        return int(codes.index(wanted))
    found = [at for at, name in enumerate(names) if flat(name) == flat(text)]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{names[at]} ({codes[at]})" for at in found[:5])
        raise BadValueError(f"plusieurs communes s'appellent « {text} ».", fix=f"Donnez un code : {several}.")
    close = difflib.get_close_matches(flat(text), [flat(name) for name in names], n=3, cutoff=0.5)
    near = [f"{name} ({code})" for code, name in zip(codes, names, strict=True) if flat(name) in close]
    raise BadValueError(
        f"commune inconnue : « {text} » n'est pas dans les données.",
        fix=f"Proches par le nom : {', '.join(near[:4])}." if near else "Donnez un code INSEE des données.",
    )


def read_zone(path: Path) -> pa.Table | None:
    """Read a drawn zone, GeoJSON or WKT, as its rings; None when the file is something else.

    Raises
    ------
    InputError
        If the file is one of these and is damaged, empty, too large or not in degrees.
    """
    import pyarrow as pa

    suffix = path.suffix.lower()
    if suffix not in {".geojson", ".json", ".wkt"}:
        return None
    if path.stat().st_size > _LARGEST:
        raise FileRefusedError(
            "le fichier de la zone est trop grand.", file=path.name, fix="Simplifiez le dessin."
        )
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    try:
        rings = rings_of(text)
    except BadValueError as error:
        raise BadValueError(str(error), file=path.name) from error
    return pa.table({"zone": [json.dumps(rings)]})


def rings_of(text: str) -> list[Ring]:
    """Return the rings of polygons written as GeoJSON (RFC 7946) or WKT (ISO 19125-1).

    Raises
    ------
    BadValueError
        If it is neither, has no polygon, or is not in degrees, longitude first.

    Examples
    --------
    >>> len(rings_of("POLYGON((0 45, 1 45, 1 46, 0 45))")[0])
    4
    """
    text = text.strip()
    rings = list(_geojson(text)) if text.startswith("{") else list(_wkt(text))
    rings = [ring for ring in rings if len(ring) >= 4]
    if not rings:
        raise BadValueError("la zone est vide : aucun polygone.", fix="Dessinez au moins un polygone fermé.")
    if sum(map(len, rings)) > _POINTS:
        raise BadValueError("la zone a trop de points.", fix="Simplifiez le dessin.")
    from eclaireur.sources.media.crs import swapped

    points = [point for ring in rings for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise BadValueError(
            "la zone n'est pas en degrés.", fix="Exportez-la en WGS 84 (EPSG:4326), longitude puis latitude."
        )
    if swapped((west, south, east, north)):
        raise BadValueError(
            "la zone n'est en France que si l'on échange longitude et latitude.",
            fix="Écrivez la longitude d'abord.",
        )
    return rings


def _geojson(text: str) -> Iterator[Ring]:
    try:
        content = json.loads(text)
        yield from _shapes(content, 0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise BadValueError("ce n'est pas un GeoJSON lisible.", fix="Exportez la zone de nouveau.") from error


def _shapes(content: Any, depth: int) -> Iterator[Ring]:
    if depth > 8:
        raise ValueError("too deep")
    kind = content["type"]
    if kind == "FeatureCollection":
        for feature in content["features"]:
            yield from _shapes(feature, depth + 1)
    elif kind == "Feature":
        if content["geometry"] is not None:
            yield from _shapes(content["geometry"], depth + 1)
    elif kind == "GeometryCollection":
        for one in content["geometries"]:
            yield from _shapes(one, depth + 1)
    elif kind in {"Polygon", "MultiPolygon"}:
        polygons = [content["coordinates"]] if kind == "Polygon" else content["coordinates"]
        for polygon in polygons:
            for ring in polygon:
                yield [(float(point[0]), float(point[1])) for point in ring]


def _wkt(text: str) -> Iterator[Ring]:
    if not re.match(r"\s*(?:SRID=4326;)?\s*(?:MULTI)?POLYGON\b", text, re.IGNORECASE):
        raise BadValueError(
            "la zone n'est ni un GeoJSON ni un POLYGON en WKT.", fix="Exportez-la dans l'une de ces formes."
        )
    for inner in re.findall(r"\(([^()]+)\)", text):
        ring: Ring = []
        for part in inner.split(","):
            matched = _PAIR.match(part)
            if matched is None:
                raise BadValueError(f"point illisible dans la zone : « {part.strip()[:40]} ».")
            ring.append((float(matched[1]), float(matched[2])))
        yield ring


def inside(rings: Sequence[Ring], longitude: Any, latitude: Any) -> NDArray[np.bool_]:
    """Tell which points lie inside polygons: crossed an odd number of times (holes are rings too).

    >>> inside([[(0, 0), (2, 0), (2, 2), (0, 2), (0, 0)]], [1.0, 3.0], [1.0, 1.0]).tolist()
    [True, False]
    """
    import numpy as np

    x, y = np.asarray(longitude, dtype=float), np.asarray(latitude, dtype=float)
    found = np.zeros(len(x), dtype=bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if y0 == y1:
                continue
            crossed = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            found ^= crossed
    return found


def require_some(chosen: NDArray[np.bool_]) -> None:
    """Refuse a zone that holds no commune of the data.

    Raises
    ------
    EmptyTableError
        If nothing is chosen.
    """
    if not chosen.any():
        raise EmptyTableError(
            "aucune commune des données dans cette zone.",
            fix="Élargissez la zone, ou vérifiez qu'elle est sur le territoire des données.",
        )
