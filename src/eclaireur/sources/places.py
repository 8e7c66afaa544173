"""Coordinates of GeoJSON: in degrees, as the format demands, or said to be something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eclaireur.sources.reading import Doubt

__all__ = ["doubts"]

_DEEPEST = 12


def doubts(content: dict[str, Any]) -> list[Doubt]:
    """Doubt coordinates outside WGS 84, another system that is named, and latitude before longitude.

    Examples
    --------
    >>> point = {"type": "Point", "coordinates": [652381.0, 6862047.0]}
    >>> [one.kind for one in doubts({"features": [{"geometry": point}]})]
    ['crs']
    """
    pairs = []
    for feature in content.get("features", ()):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if isinstance(geometry, dict):
            parts = geometry.get("geometries")
            shapes = parts if isinstance(parts, list) else [geometry]
            found = next(
                (pair for one in shapes if isinstance(one, dict) for pair in _pairs(one.get("coordinates"))),
                None,
            )
            if found is not None:
                pairs.append(found)
    said = []
    far = [(x, y) for x, y in pairs if abs(x) > 180 or abs(y) > 90]
    if far:
        message = (
            f"Coordonnées hors des degrés du GeoJSON ({far[0][0]:g}, {far[0][1]:g}), {len(far)} objets : "
            "Lambert-93 ? À ne pas dessiner sans les convertir."
        )
        said.append(Doubt(kind="crs", message=message, count=len(far)))
    # Mainland France lies between 41 and 52 degrees north, 6 west and 10 east.
    turned = [(x, y) for x, y in pairs if 41 <= x <= 52 and -6 <= y <= 10]
    if turned and len(turned) > 0.8 * len(pairs):
        message = "Latitude et longitude semblent inversées : ces points seraient au large de la Somalie."
        said.append(Doubt(kind="crs", message=message, count=len(turned)))
    named = content.get("crs")
    name = (
        str(named.get("properties", {}).get("name", ""))
        if isinstance(named, dict) and isinstance(named.get("properties"), dict)
        else ""
    )
    if name and "CRS84" not in name and not name.endswith("4326"):
        said.append(
            Doubt(kind="crs", message=f"Système de coordonnées annoncé : {name[:80]}, qui n'est pas WGS 84.")
        )
    return said


def _pairs(coordinates: Any, depth: int = 0) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list) or depth > _DEEPEST:
        return
    first = coordinates[:2]
    if len(first) == 2 and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in first):
        yield float(first[0]), float(first[1])
        return
    for one in coordinates:
        yield from _pairs(one, depth + 1)
