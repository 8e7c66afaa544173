"""A zone as a person gives it: GeoJSON from a map, WKT, or the corners one by one, made one plain form."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from eclaireur.core.errors import BadValueError

__all__ = ["Ring", "corners", "read_zone_text"]

Ring = list[list[float]]
"""A closed line: longitude then latitude in degrees (WGS 84), the first point again at the end."""

_LARGEST = 2_000_000
_POINTS = 20_000
_DEEPEST = 8
_NUMBER = r"(-?\d{1,3}(?:[.]\d+)?)"
_CORNER = re.compile(rf"\s*\(?\s*{_NUMBER}\s*°?\s*[;,\s]\s*{_NUMBER}\s*°?\s*\)?\s*")
_FIX = "Dessinez la zone, ou écrivez un sommet par ligne : latitude puis longitude, par exemple 48,85 ; 2,35."


def read_zone_text(text: str, *, column: str = "") -> str:
    """Return a zone as the text of a GeoJSON ``MultiPolygon``, the same for the same zone.

    Parameters
    ----------
    text
        GeoJSON (RFC 7946) or WKT polygons, longitude first as they ask; or at least three lines ``latitude ;
        longitude``, as people read them on a map.
    column
        Name of the field, told with an error.

    Raises
    ------
    BadValueError
        If it is none of these, has no polygon or too many points, or is not in degrees.

    Examples
    --------
    >>> read_zone_text("48,0 ; 2,0\\n48,0 ; 3,0\\n49,0 ; 3,0")
    '{"type":"MultiPolygon","coordinates":[[[[2.0,48.0],[3.0,48.0],[3.0,49.0],[2.0,48.0]]]]}'
    """
    text = text.strip()
    if len(text) > _LARGEST:
        raise BadValueError("cette zone a trop de points.", fix="Simplifiez le dessin.", column=column)
    try:
        if text.startswith("{"):
            polygons = list(_geojson(json.loads(text), 0))
        elif re.match(r"(?:SRID=4326;)?\s*(?:MULTI)?POLYGON", text, re.IGNORECASE):
            polygons = list(_wkt(text))
        else:
            polygons = [[_corners(text)]]
        polygons = [[_ring(ring) for ring in polygon] for polygon in polygons if polygon]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise BadValueError("cette zone ne peut pas être lue.", fix=_FIX, column=column) from error
    if not polygons:
        raise BadValueError("cette zone est vide.", fix=_FIX, column=column)
    if sum(len(ring) for polygon in polygons for ring in polygon) > _POINTS:
        raise BadValueError("cette zone a trop de points.", fix="Simplifiez le dessin.", column=column)
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons}, separators=(",", ":"))


def corners(text: str) -> int:
    """Return how many corners a zone has, holes included.

    >>> corners("POLYGON((2 48, 3 48, 3 49, 2 48))")
    3
    """
    polygons = json.loads(read_zone_text(text))["coordinates"]
    return sum(len(ring) - 1 for polygon in polygons for ring in polygon)


def _geojson(content: Any, depth: int) -> Iterator[list[Any]]:
    if depth > _DEEPEST:
        raise ValueError(depth)
    match content["type"]:
        case "FeatureCollection":
            for one in content["features"]:
                yield from _geojson(one, depth + 1)
        case "Feature" if content["geometry"] is not None:
            yield from _geojson(content["geometry"], depth + 1)
        case "GeometryCollection":
            for one in content["geometries"]:
                yield from _geojson(one, depth + 1)
        case "Polygon":
            yield content["coordinates"]
        case "MultiPolygon":
            yield from content["coordinates"]


def _wkt(text: str) -> Iterator[list[Any]]:
    """Give each polygon: a group of rings between double parentheses."""
    for polygon in re.findall(r"\((\s*\([^()]*\)(?:\s*,\s*\([^()]*\))*\s*)\)", text):
        yield [
            [[float(value) for value in point.split()[:2]] for point in ring.split(",")]
            for ring in re.findall(r"\(([^()]*)\)", polygon)
        ]


def _corners(text: str) -> list[list[float]]:
    points = []
    for line in re.split(r"[\n|]+", text):
        if not line.strip():
            continue
        # « 48,85 ; 2,35 »: with a semicolon the commas are decimal; without one they part the numbers.
        found = _CORNER.fullmatch(line.replace(",", ".") if ";" in line or line.count(",") > 1 else line)
        if found is None:
            raise ValueError(line)
        points.append([float(found[2]), float(found[1])])
    return points


def _ring(points: Any) -> Ring:
    ring = [[float(one[0]), float(one[1])] for one in points]
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    if len({tuple(one) for one in ring}) < 3:
        raise ValueError(len(ring))
    if not all(
        math.isfinite(x) and math.isfinite(y) and -180 <= x <= 180 and -90 <= y <= 90 for x, y in ring
    ):
        raise ValueError(ring)
    return ring
