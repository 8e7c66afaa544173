"""Coordinate systems: is the one that a file declares possible, and which would be, for places in France.

Coordinates are never moved on a guess: what is doubtful is said, with the systems that would fit.

References
----------
IGN, « Systèmes géodésiques et projections utilisés en France »; EPSG registry, as shipped with PROJ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bounds", "Place", "candidates", "check", "lon_lat", "place", "swapped", "swapped_points"]

Bounds = tuple[float, float, float, float]
"""West, south, east and north, in the units of a system."""

# Where degrees of France lie: mainland, Guadeloupe and Martinique, Guyane, Réunion, Mayotte, Saint-Pierre.
_FRANCE: tuple[Bounds, ...] = (
    (-5.5, 41.0, 10.0, 51.5),
    (-63.2, 14.2, -60.7, 18.2),
    (-55.0, 2.0, -51.4, 6.0),
    (55.1, -21.5, 56.0, -20.7),
    (44.9, -13.1, 45.4, -12.5),
    (-56.6, 46.6, -56.0, 47.3),
)
# (EPSG code, French name, where its coordinates of France lie). Conic zones CC42 to CC50 have their origin
# at (1 700 000, 200 000 + a million for each degree from 41) and are 2 degrees high.
_KNOWN: tuple[tuple[int, str, Bounds], ...] = (
    (2154, "Lambert-93", (0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)),
    (27572, "Lambert II étendu", (0.0, 1_550_000.0, 1_250_000.0, 2_750_000.0)),
    *(
        (3900 + zone, f"CC{zone}", (1_000_000.0, centre - 140_000.0, 2_450_000.0, centre + 140_000.0))
        for zone, centre in ((zone, 200_000.0 + (zone - 41) * 1_000_000.0) for zone in range(42, 51))
    ),
    (3857, "Web Mercator", (-620_000.0, 5_000_000.0, 1_120_000.0, 6_700_000.0)),
    (32630, "UTM 30N", (160_000.0, 4_600_000.0, 840_000.0, 5_700_000.0)),
    (32631, "UTM 31N", (160_000.0, 4_600_000.0, 840_000.0, 5_700_000.0)),
    (32632, "UTM 32N", (160_000.0, 4_600_000.0, 840_000.0, 5_700_000.0)),
    (5490, "UTM 20N des Antilles", (450_000.0, 1_580_000.0, 760_000.0, 2_020_000.0)),
    (2972, "UTM 22N de Guyane", (90_000.0, 220_000.0, 460_000.0, 660_000.0)),
    (2975, "UTM 40S de La Réunion", (300_000.0, 7_620_000.0, 390_000.0, 7_710_000.0)),
    (4471, "UTM 38S de Mayotte", (490_000.0, 8_550_000.0, 550_000.0, 8_630_000.0)),
)
_MARGIN = 1.0
"""Degrees by which data may leave the area of a system: a coast, a neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A coordinate system as a file declares it.

    Parameters
    ----------
    code
        ``EPSG:2154``; empty when the system has no code.
    name
        Its name in the registry.
    degrees
        Whether coordinates are degrees.
    area
        West, south, east and north of where it is used, in degrees; None when unknown.
    system
        pyproj's object.
    """

    code: str
    name: str
    degrees: bool
    area: Bounds | None
    system: Any


def place(declared: str | None) -> Place | None:
    """Return the system that a file declares by its code or its WKT; None when there is none, or no sense.

    Examples
    --------
    >>> place("EPSG:2154").name, place("EPSG:4326").degrees, place("LOCAL_CS[]")
    ('RGF93 v1 / Lambert-93', True, None)
    """
    if not declared:
        return None
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(declared)
        epsg = system.to_epsg(min_confidence=70)
        area = system.area_of_use or (CRS.from_epsg(epsg).area_of_use if epsg else None)
    except (CRSError, ValueError):
        return None
    if not (system.is_geographic or system.is_projected):
        return None
    return Place(
        code=f"EPSG:{epsg}" if epsg else "",
        name=str(system.name),
        degrees=bool(system.is_geographic),
        area=None if area is None else (area.west, area.south, area.east, area.north),
        system=system,
    )


def _inside(bounds: Bounds, box: Bounds, margin: float = 0.0) -> bool:
    west, south, east, north = box
    return (
        west - margin <= bounds[0]
        and bounds[2] <= east + margin
        and south - margin <= bounds[1]
        and bounds[3] <= north + margin
    )


def swapped(bounds: Bounds) -> bool:
    """Tell whether degrees are of France only when read as latitude then longitude."""
    turned = (bounds[1], bounds[0], bounds[3], bounds[2])
    return any(_inside(turned, box) for box in _FRANCE) and not any(_inside(bounds, box) for box in _FRANCE)


def swapped_points(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which degrees are of France only when read as latitude then longitude; see `swapped`."""
    import numpy as np

    def inside(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.bool_]:
        found = np.zeros(len(east), bool)
        for box in _FRANCE:
            found |= (box[0] <= east) & (east <= box[2]) & (box[1] <= north) & (north <= box[3])
        return found

    return inside(y, x) & ~inside(x, y)


def candidates(bounds: Bounds) -> tuple[tuple[str, str], ...]:
    """Return the systems in which coordinates would lie in France, as code and French name, likeliest first.

    Examples
    --------
    >>> candidates((770_000, 6_280_000, 771_000, 6_281_000))
    (('EPSG:2154', 'Lambert-93'), ('EPSG:3857', 'Web Mercator'))
    >>> candidates((1_700_000, 8_200_000, 1_700_500, 8_200_500))
    (('EPSG:3949', 'CC49'),)
    """
    if not all(map(math.isfinite, bounds)):
        return ()
    if any(_inside(bounds, box) for box in _FRANCE):
        return (("EPSG:4326", "longitude et latitude"),)
    if swapped(bounds):
        return (("EPSG:4326", "latitude puis longitude, dans l'ordre inverse"),)
    return tuple((f"EPSG:{code}", name) for code, name, box in _KNOWN if _inside(bounds, box))


def lon_lat(bounds: Bounds, declared: Place) -> Bounds | None:
    """Return bounds in degrees; None when they have no place on Earth in this system."""
    if declared.degrees:
        return bounds if _inside(bounds, (-360.0, -90.0, 360.0, 90.0)) else None
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        turn = Transformer.from_crs(declared.system, "EPSG:4326", always_xy=True)
        # Its own check of errors asks where the poles are, which conic systems cannot say.
        found = turn.transform_bounds(*bounds, densify_pts=21, errcheck=False)
    except ProjError:
        return None
    west, south, east, north = (float(value) for value in found)
    return (west, south, east, north) if all(map(math.isfinite, found)) else None


def check(bounds: Bounds, declared: Place | None, *, given: bool = False) -> tuple[Doubt, ...]:
    """Return what is doubtful about coordinates and the system that they are declared in.

    Parameters
    ----------
    given
        Whether the file declares something, even without sense.
    """
    proposed = _proposed(candidates(bounds))
    if declared is None:
        what = "n'a pas de sens" if given else "n'est pas indiqué"
        return (Doubt(kind="crs_absent", message=f"Le système de coordonnées {what}.{proposed}"),)
    if declared.degrees and swapped(bounds):
        message = "Latitude et longitude semblent inversées : telles quelles, elles ne sont pas en France."
        return (Doubt(kind="axes", message=message),)
    degrees = lon_lat(bounds, declared)
    label = f"{declared.name} ({declared.code})" if declared.code else declared.name
    if degrees is None:
        message = f"Ces coordonnées sont impossibles dans le système déclaré, {label}.{proposed}"
        return (Doubt(kind="crs_impossible", message=message),)
    if declared.area is not None and not _inside(degrees, declared.area, _MARGIN) and _flat(declared.area):
        message = f"Ces coordonnées sortent de la zone du système déclaré, {label}.{proposed}"
        return (Doubt(kind="crs_area", message=message),)
    return ()


def _flat(area: Bounds) -> bool:
    """Tell whether an area does not cross the antimeridian, where west is greater than east."""
    return area[0] <= area[2]


def _proposed(found: Sequence[tuple[str, str]]) -> str:
    if not found:
        return " Demandez-le au producteur."
    named = ", ou à ".join(f"{name} ({code})" for code, name in found)
    return f" Les coordonnées ressemblent à {named} : à confirmer par le producteur."
