"""What the map draws, as GeoJSON: lines of a list as points, and a background made from what is here.

No tile comes from anywhere. The background is the outline of each area: the polygons that a case ships
(``areas.geojson`` in its folder), else the convex hull of the area's own points, far strays aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, QuerySet, Subquery

from eclaireur.core.errors import ConfigError
from eclaireur.desk.models import Dossier, Item, Target
from eclaireur.desk.switching import stopped

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.view import Map, Place
    from eclaireur.desk.access import Reach
    from eclaireur.desk.listing import Line, Listing
    from eclaireur.desk.models import Edition

__all__ = ["AREAS", "MOST", "background", "hull", "landmarks", "of_block", "of_listing"]

MOST = 20_000
"""Points of a map; beyond, the first ones in the order asked, and the map says so."""

AREAS = "areas.geojson"

_FAR = 12.0
_FEWEST = 3
_LANDMARKS = 2000
_POLYGONS = {"Polygon", "MultiPolygon"}

_Point = tuple[float, float]


def of_listing(listing: Listing) -> dict[str, Any]:
    """Return the lines that answer a query as points, in the order asked.

    Rank and score are there only where the list shows them: not before judgement in a list with random
    lines, not while the case is suspended.
    """
    rows = _placed(listing.ordered())
    total = rows.count()
    silent = stopped(listing.card.name) is not None
    features = [
        _feature(listing, listing.line(row), *_where(row), silent=silent) for row in rows[:MOST].iterator()
    ]
    return {
        "type": "FeatureCollection",
        "features": features,
        "total": total,
        "unplaced": listing.filtered().count() - total,
    }


def _placed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Keep the rows with a place; a dossier's is that of its newest target."""
    if rows.model is Dossier:
        newest = Target.objects.filter(
            dossier=OuterRef("pk"), latitude__isnull=False, longitude__isnull=False
        ).order_by("-edition__published")
        rows = rows.annotate(
            latitude=Subquery(newest.values("latitude")[:1]),
            longitude=Subquery(newest.values("longitude")[:1]),
        )
    start = "target__" if rows.model is Item else ""
    return rows.filter(**{f"{start}latitude__isnull": False, f"{start}longitude__isnull": False})


def _where(row: Any) -> _Point:
    place: Any = row.target if isinstance(row, Item) else row
    return place.longitude, place.latitude


def _feature(
    listing: Listing, line: Line, longitude: float, latitude: float, *, silent: bool
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "dossier": line.dossier,
        "address": f"/{listing.card.name}/dossiers/{line.dossier}/",
        "name": line.name,
        "area": line.area,
        "status": line.status,
        "verdict": line.verdict,
        "verdict_title": line.verdict_title,
        "state": _state(line),
    }
    if not silent:
        said |= {
            key: value for key, value in (("rank", line.rank), ("score", line.score)) if value is not None
        }
    return _point(longitude, latitude, said)


def _state(line: Line) -> str:
    """Say which mark stands for a line: what remains to do comes first."""
    if line.verdict == "set_aside":
        return "aside"
    if line.item is not None:
        return "judged" if line.verdict else "waiting"
    return "judged" if line.status else "waiting"


def _point(longitude: float, latitude: float, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]},
        "properties": dict(properties),
    }


def of_block(block: Map) -> dict[str, Any]:
    """Return a view block as GeoJSON: what `map.js` reads from a ``<script type="application/json">``.

    Examples
    --------
    >>> from eclaireur.core.view import Map, Place
    >>> one = of_block(Map(title="Lieu", places=(Place(label="Ici", latitude=48.0, longitude=2.0),)))
    >>> one["features"][0]["geometry"]["coordinates"], one["features"][0]["properties"]["name"]
    ([2.0, 48.0], 'Ici')
    """
    features = []
    for place in block.places:
        properties = {"name": place.label, "value": place.value, "state": "waiting"}
        feature = _point(place.longitude, place.latitude, properties)
        if place.geometry is not None:
            features.append({**feature, "geometry": dict(place.geometry)})
        features.append(feature)
    return {"type": "FeatureCollection", "features": features, "total": len(block.places), "unplaced": 0}


def background(card: Card, edition: Edition, reach: Reach) -> dict[str, Any]:
    """Return the outline of each area within reach, and a point with its name.

    Parameters
    ----------
    edition
        Whose targets give the points; its rows never change, so the answer can be kept.
    reach
        An area of which nothing may be seen is not drawn.
    """
    points: dict[str, list[_Point]] = {}
    rows = (
        Target.objects.within(reach)
        .filter(edition=edition, latitude__isnull=False, longitude__isnull=False)
        .values_list("area", "longitude", "latitude")
    )
    for area, longitude, latitude in rows.iterator():
        points.setdefault(area, []).append((longitude, latitude))
    supplied = _supplied(card.folder / AREAS)
    features: list[dict[str, Any]] = []
    for area, places in sorted(points.items()):
        kept = _near(places)
        geometry = supplied.get(area) or _outline(kept)
        if geometry is not None:
            features.append(
                {"type": "Feature", "geometry": geometry, "properties": {"kind": "area", "name": area}}
            )
        if area:
            # Over the area's top: in its midst the name would lie on the points.
            middle, top = median(x for x, _ in kept), max(y for _, y in kept)
            features.append(_point(middle, top, {"kind": "label", "name": area}))
    return {"type": "FeatureCollection", "features": features}


def landmarks(places: Sequence[Place]) -> dict[str, Any]:
    """Return the names of the largest places, for the background of a map on which a zone is drawn."""
    shown = sorted(places, key=lambda one: -(one.value or 0))[:_LANDMARKS]
    return {
        "type": "FeatureCollection",
        "features": [
            _point(one.longitude, one.latitude, {"kind": "label", "name": one.label}) for one in shown
        ],
    }


def _near(points: Sequence[_Point]) -> list[_Point]:
    """Leave out points so far from the others that their place is surely wrong.

    Far is more than twelve median absolute deviations from the median, on either axis.
    """
    kept = list(points)
    for axis in (0, 1):
        middle = median(point[axis] for point in points)
        spread = median(abs(point[axis] - middle) for point in points)
        if spread:
            kept = [point for point in kept if abs(point[axis] - middle) <= _FAR * spread]
    return kept or list(points)


def _outline(points: Iterable[_Point]) -> dict[str, Any] | None:
    ring = hull(points)
    if len(ring) < _FEWEST:
        return None
    return {"type": "Polygon", "coordinates": [[[round(x, 6), round(y, 6)] for x, y in [*ring, ring[0]]]]}


def hull(points: Iterable[_Point]) -> list[_Point]:
    """Return the convex hull of some points, counter-clockwise, without repeating the first.

    The monotone chain of A. M. Andrew (1979), *Another efficient algorithm for convex hulls in two
    dimensions*, Information Processing Letters 9(5): O(n log n).

    Examples
    --------
    >>> hull([(0, 0), (1, 1), (2, 0), (2, 2), (0, 2)])
    [(0, 0), (2, 0), (2, 2), (0, 2)]
    """
    ordered = sorted(set(points))
    if len(ordered) < _FEWEST:
        return ordered
    lower, upper = _chain(ordered), _chain(reversed(ordered))
    return lower[:-1] + upper[:-1]


def _chain(points: Iterable[_Point]) -> list[_Point]:
    kept: list[_Point] = []
    for point in points:
        while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= 0:
            kept.pop()
        kept.append(point)
    return kept


def _turn(a: _Point, b: _Point, c: _Point) -> float:
    """Return a positive number when the way from a through b to c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@cache
def _supplied(path: Path) -> dict[str, dict[str, Any]]:
    """Read the polygons that a case ships: area → geometry, in WGS 84 degrees.

    Raises
    ------
    ConfigError
        If the file is not GeoJSON, has no ``area``, or is not in degrees.
    """
    if not path.is_file():
        return {}
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        found = {str(one["properties"]["area"]): one["geometry"] for one in features}
        placed = all(
            geometry["type"] in _POLYGONS
            and all(abs(x) <= 180 and abs(y) <= 90 for x, y in _corners(geometry["coordinates"]))
            for geometry in found.values()
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"les contours des secteurs sont illisibles : {error}.", file=str(path), fix=_FIX
        ) from error
    if not placed:
        raise ConfigError("ces contours ne sont pas des polygones en degrés.", file=str(path), fix=_FIX)
    return found


_FIX = "Donnez des polygones GeoJSON en degrés WGS 84, chacun avec une propriété « area »."


def _corners(coordinates: Any) -> Iterator[_Point]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
    else:
        for part in coordinates:
            yield from _corners(part)
