"""Write the sample: the plain files that the service of a fictitious département would export.

Five CSV files, as a French office writes them: ``;`` between columns, dd/mm/yyyy, decimal comma, UTF-8 with
BOM, CRLF. What is true behind them stays out of the files: see `truth` and the law in `law`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk.sample import texts
from eclaireur.cases.restaurant_risk.sample.latent import FIRST_DAY, Truth
from eclaireur.cases.restaurant_risk.sample.places import ACTIVITIES, COMMUNES, NAMES, ORIGIN, STREETS
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    from eclaireur.cases.restaurant_risk.sample.world import World

__all__ = ["COLUMNS", "REASONS", "RESULTS", "truth", "write"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "etablissements.csv": (
        "SIRET", "Enseigne", "Activité", "Classe de risque", "Couverts par jour", "Adresse", "Code postal",
        "Commune", "Secteur", "Latitude", "Longitude", "Date d'ouverture",
    ),
    "controles.csv": (
        "Numéro de contrôle", "SIRET", "Date du contrôle", "Résultat connu le", "Résultat",
        "Manquements critiques", "Manquements graves", "Manquements mineurs", "Motif du contrôle",
        "Agent (code)",
    ),
    "signalements.csv": ("Numéro du signalement", "Date du signalement", "Latitude", "Longitude", "Objet"),
    "meteo.csv": ("Jour", "Température maximale", "Pluie", "Vent", "Humidité"),
    "avis.csv": ("Numéro de l'avis", "SIRET", "Date de l'avis", "Note", "Texte"),
}  # fmt: skip
"""File → headings. All but « Couverts par jour » are titles of the fields of the case's documented format."""

RESULTS = ("Très satisfaisant", "Satisfaisant", "A améliorer", "A corriger de manière urgente")
REASONS = ("Programmé", "Plainte", "Suite d'un contrôle")
_CLASSES = ("", "1 (élevé)", "2 (moyen)", "3 (faible)")
_COMPLAINTS = (
    "Nuisibles",
    "Hygiène d'un commerce",
    "Suspicion d'intoxication",
    "Déchets et odeurs",
    "Encombrants sur la voie publique",
)
_KM_PER_DEGREE = 111.32
_MISSING_OBSERVER = 0.02
_MISSING_OPENING = 0.03


def write(into: Path, *, seed: int, establishments: int = 2500, progress: Progress = quiet) -> None:
    """Write the five files of the sample into a folder; same seed, same bytes.

    Parameters
    ----------
    into
        An existing folder.
    seed
        Any non-negative integer.
    establishments
        Number of establishments, from 50 to 90 000; about 1 500 inspections a year for 2 500.
    progress
        Told before each step.

    Raises
    ------
    BadValueError
        If ``establishments`` is out of bounds.
    """
    _check(establishments)
    from eclaireur.cases.restaurant_risk.sample.world import simulate

    progress(0, 6, "Simulation du département fictif")
    world = simulate(seed, establishments)
    tables = (_establishments, _inspections, _complaints, _weather, _reviews)
    for done, (file, table) in enumerate(zip(COLUMNS, tables, strict=True), start=1):
        progress(done, 6, f"Écriture de « {file} »")
        _save(into / file, COLUMNS[file], table(world, seed))
    progress(6, 6, "Échantillon prêt")


def truth(*, seed: int, establishments: int = 2500) -> Truth:
    """Return the latent truth behind the files that `write` makes for the same seed and size."""
    _check(establishments)
    from eclaireur.cases.restaurant_risk.sample.world import simulate

    return simulate(seed, establishments).truth


def _check(establishments: int) -> None:
    if not 50 <= establishments <= 90_000:
        raise BadValueError(
            f"nombre d'établissements hors limites : {establishments} ; attendu : de 50 à 90 000.",
            fix="Choisissez une autre taille d'échantillon.",
        )


def _save(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows(rows)


def _day(number: int) -> str:
    """Write a day (counted from `FIRST_DAY`) as dd/mm/yyyy."""
    day = FIRST_DAY + timedelta(days=number)
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def _comma(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")


def _degrees(east: float, north: float) -> tuple[str, str]:
    """Turn km east and north of the origin into latitude and longitude."""
    import math

    latitude = ORIGIN[0] + north / _KM_PER_DEGREE
    longitude = ORIGIN[1] + east / (_KM_PER_DEGREE * math.cos(math.radians(ORIGIN[0])))
    return _comma(latitude, 6), _comma(longitude, 6)


def _establishments(world: World, seed: int) -> Iterable[Sequence[object]]:
    import numpy as np

    place = world.truth.place
    rng = np.random.default_rng([seed, 1])
    size = len(place.sirets)
    words = rng.integers(0, 1 << 30, (size, 4)).tolist()
    unknown = (rng.random(size) < _MISSING_OPENING).tolist()
    columns = (
        place.activity,
        place.risk_class,
        place.covers,
        place.commune,
        place.opened,
        place.east,
        place.north,
    )
    for siret, blank, draw, values in zip(
        place.sirets, unknown, words, zip(*(column.tolist() for column in columns), strict=True), strict=True
    ):
        activity, risk_class, covers, commune, opened, east, north = values
        trade, town = ACTIVITIES[activity], COMMUNES[commune]
        yield (
            siret,
            f"{trade.nouns[draw[0] % len(trade.nouns)]} {NAMES[draw[1] % len(NAMES)]}",
            trade.name,
            _CLASSES[risk_class],
            covers,
            f"{1 + draw[2] % 120} {STREETS[draw[3] % len(STREETS)]}",
            town.postal_code,
            town.name,
            town.area,
            *_degrees(east, north),
            "" if blank else _day(opened),
        )


def _inspections(world: World, seed: int) -> Iterable[Sequence[object]]:
    import numpy as np

    made, latent = world.inspections, world.truth
    rng = np.random.default_rng([seed, 2])
    unknown = (rng.random(len(made.row)) < _MISSING_OBSERVER).tolist()
    columns = (
        made.row, made.day, made.known, made.level, made.critical, made.serious, made.minor, made.reason,
        made.observer,
    )  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (blank, values) in enumerate(zip(unknown, rows, strict=True), start=1):
        row, day, known, level, critical, serious, minor, reason, observer = values
        yield (
            f"C{number:06d}",
            latent.place.sirets[row],
            _day(day),
            _day(known),
            RESULTS[level],
            critical,
            serious,
            minor,
            REASONS[reason],
            "" if blank else latent.observers[observer],
        )


def _complaints(world: World, seed: int) -> Iterable[Sequence[object]]:
    made = world.complaints
    columns = (made.day.tolist(), made.east.tolist(), made.north.tolist(), made.kind.tolist())
    for number, (day, east, north, kind) in enumerate(zip(*columns, strict=True), start=1):
        yield f"S{number:06d}", _day(day), *_degrees(east, north), _COMPLAINTS[kind]


def _weather(world: World, seed: int) -> Iterable[Sequence[object]]:
    for day, (highest, rain, wind, humidity) in enumerate(world.weather.tolist()):
        yield _day(day), _comma(highest, 1), _comma(rain, 1), _comma(wind, 1), _comma(humidity, 2)


def _reviews(world: World, seed: int) -> Iterable[Sequence[object]]:
    import numpy as np

    made, sirets = world.reviews, world.truth.place.sirets
    rng = np.random.default_rng([seed, 3])
    uniforms = rng.random((len(made.row), texts.UNIFORMS)).tolist()
    kinds = texts.grammar().kinds
    chosen = rng.integers(0, len(kinds), len(made.row)).tolist()
    columns = (made.row.tolist(), made.day.tolist(), made.rating.tolist(), made.blames.tolist())
    rows = zip(*columns, strict=True)
    for number, (values, kind, draw) in enumerate(zip(rows, chosen, uniforms, strict=True), start=1):
        row, day, rating, blames = values
        text = texts.compose(rating, kinds[kind] if blames else "", draw)
        yield f"A{number:06d}", sirets[row], _day(day), rating, text
