"""A fictitious département, « Val-de-Brume » (99): three files with a documented law.

The law of nitrates, for station *s* of basin *b* in month *t* (years from `FIRST_YEAR`):

    log(value / 25) = mu[s] + A[s] cos(2π (month − 1) / 12) + w[b, t] + trend[s] t + e
    mu[s]    = −0.65 + 0.5 N(0, 1) + 0.6 × (share of crops upstream − 0.5)     A[s] = 0.25 + 0.12 |N(0, 1)|
    w[b, t]  = 0.75 w[b, t − 1] + 0.16 N(0, 1)   (wet and dry months of a basin)    e = 0.22 N(0, 1)

Sampling days are drawn in their month, every one, two or three months by station, whatever the value. Four
stations carry something that no law explains, to be found by the anomaly brick: see `PLANTED`.

Controls are drawn for stations above the limit more often than for others; what becomes of a bad one follows
`_fate`: a letter, then reminders, a notice, and an end or none yet. The generator only shows the follow-up:
no figure of quality is drawn from it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.water_inspections import documented
from eclaireur.core.case import Progress, quiet
from eclaireur.core.catalog import find_card
from eclaireur.sources import mapping
from eclaireur.sources.tables import read_or_refuse

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FIRST_YEAR", "PLANTED", "STATIONS", "YEARS", "World", "records", "simulate", "write"]

FIRST_YEAR, YEARS, STATIONS = 2019, 5, 80

PLANTED = {0: "shift", 1: "drift", 2: "stuck", 3: "peak"}
"""Station → what is planted in its series, in the second half of the years."""

_FILES = {"stations": "stations.csv", "measures": "mesures.csv", "controls": "controles.csv"}
_HEADINGS = {
    "stations": ("Code station", "Libellé", "Bassin", "Cours d'eau", "Commune", "Latitude", "Longitude"),
    "measures": ("Code station", "Date de prélèvement", "Résultat", "Résultat connu le"),
    "controls": ("Numéro de contrôle", "Code station", "Date", "Étape", "Résultat du contrôle"),
}
_BASINS = ("Brume amont", "Brume aval", "Côtiers du Ponant")
_RIVERS = ("La Brume", "Le Rieu", "L'Aubette", "La Sourde", "Le Gué-Blanc", "La Vernière")
_COMMUNES = ("Brumeville", "Saint-Aubin-des-Eaux", "Gué-la-Brume", "Vernières", "Port-Ponant", "Moulinot")
_NOISE, _WET, _ALIKE = 0.22, 0.16, 0.75
_STEPS = {
    "to_control": "À contrôler",
    "controlled": "Contrôlé",
    "letter": "Courrier envoyé",
    "reminder": "Relancé",
    "notice": "Mis en demeure",
    "recheck": "À recontrôler",
    "settled": "Remis en conformité",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What lies behind the files.

    Parameters
    ----------
    expected
        Mean of log(value / 25) by station and month, anomalies left out: shape ``(stations, months)``.
    value
        What a sample finds, in mg/L, anomalies included; same shape.
    every
        Months between two samples of each station.
    basin, river, latitude, longitude
        Of each station.
    """

    expected: Floats
    value: Floats
    every: NDArray[np.int64]
    basin: NDArray[np.int64]
    river: NDArray[np.int64]
    latitude: Floats
    longitude: Floats

    def probability(self) -> Floats:
        """Return the true chance that a sample exceeds 25 mg/L, anomalies left out."""
        from statistics import NormalDist

        import numpy as np

        law = NormalDist()
        return np.vectorize(law.cdf)(self.expected / _NOISE)  # type: ignore[no-any-return]


def simulate(seed: int) -> World:
    """Draw the fictitious département; the same seed gives the same one."""
    import numpy as np

    rng = np.random.default_rng([seed, 7])
    months = 12 * YEARS
    basin = np.sort(rng.integers(0, len(_BASINS), STATIONS))
    crops = rng.beta(2, 2, STATIONS)
    usual = -0.65 + 0.5 * rng.normal(size=STATIONS) + 0.6 * (crops - 0.5)
    swing = 0.25 + 0.12 * np.abs(rng.normal(size=STATIONS))
    trend = 0.02 * rng.normal(size=STATIONS)
    wet = np.zeros((len(_BASINS), months))
    for month in range(1, months):
        wet[:, month] = _ALIKE * wet[:, month - 1] + _WET * rng.normal(size=len(_BASINS))
    season = np.cos(2 * np.pi * (np.arange(months) % 12) / 12)
    expected = usual[:, None] + swing[:, None] * season + wet[basin] + trend[:, None] * np.arange(months) / 12
    value = 25 * np.exp(expected + _NOISE * rng.normal(size=expected.shape))
    half = months // 2
    value[0, half:] *= 3.0
    value[1, half:] *= np.exp(1.6 * np.arange(months - half) / (months - half))
    value[2, half : half + 18] = value[2, half]
    value[3, half + 7] *= 12.0
    every = rng.choice([1, 2, 3], STATIONS, p=[0.2, 0.4, 0.4])
    every[list(PLANTED)] = 1
    return World(
        expected=expected,
        value=value,
        every=every,
        basin=basin,
        river=2 * basin + rng.integers(0, 2, STATIONS),
        latitude=47.9 + 0.22 * basin + rng.uniform(0, 0.2, STATIONS),
        longitude=-3.4 + rng.uniform(0, 0.6, STATIONS),
    )


def write(into: Path, *, seed: int, progress: Progress = quiet) -> None:
    """Write the three files of the sample, as a French office writes them; same seed, same bytes."""
    progress(0, 2, "Simulation du département fictif")
    world = simulate(seed)
    tables = {
        "stations": _stations(world),
        "measures": _measures(world, seed),
        "controls": _controls(world, seed),
    }
    for name, rows in tables.items():
        with (into / _FILES[name]).open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
            writer.writerow(_HEADINGS[name])
            writer.writerows(rows)
    progress(2, 2, "Échantillon prêt")


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read the sample's files through the case's own documented format.

    Raises
    ------
    InputError
        If a file is absent or unreadable, lacks a heading, or holds a value of the wrong type.
    """
    card = find_card("water_inspections")
    tables = {}
    for done, (name, file) in enumerate(_FILES.items()):
        progress(done, len(_FILES), f"Lecture de « {file} »")
        reading = read_or_refuse(raw / file)
        declared = card.input_table(name)
        # A stored sample is read as it is: only a user's new file must not speak of the future.
        tables[name] = mapping.apply(mapping.propose(declared, reading), declared, reading, today=date.max)
    progress(len(_FILES), len(_FILES), "Échantillon lu")
    return documented.normalise(tables)


def _code(station: int) -> str:
    return f"099{station + 1:05d}"


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _comma(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")


def _stations(world: World) -> Iterable[Sequence[str]]:
    for station in range(STATIONS):
        river, commune = _RIVERS[world.river[station]], _COMMUNES[station % len(_COMMUNES)]
        yield (
            _code(station),
            f"{river} à {commune} {station // len(_COMMUNES) + 1}",
            _BASINS[world.basin[station]],
            river,
            commune,
            _comma(world.latitude[station], 5),
            _comma(world.longitude[station], 5),
        )


def _month(index: int) -> date:
    return date(FIRST_YEAR + index // 12, index % 12 + 1, 1)


def _measures(world: World, seed: int) -> Iterable[Sequence[str]]:
    import numpy as np

    rng = np.random.default_rng([seed, 8])
    for month in range(12 * YEARS):
        first = _month(month)
        for station in range(STATIONS):
            shift = timedelta(days=int(rng.integers(0, 27)))
            late = timedelta(days=int(rng.integers(8, 26)))
            if (month + station) % world.every[station] == 0:
                day = first + shift
                yield _code(station), _day(day), _comma(world.value[station, month], 1), _day(day + late)


def _controls(world: World, seed: int) -> Iterable[Sequence[str]]:
    import numpy as np

    rng = np.random.default_rng([seed, 9])
    last = _month(12 * YEARS - 1)
    number = 0
    for month in range(6, 12 * YEARS):
        high = world.value[:, month - 1] > 25
        chance = np.where(high, 0.09, 0.015)
        for station in np.flatnonzero(rng.random(STATIONS) < chance).tolist():
            number += 1
            opened = _month(month) + timedelta(days=int(rng.integers(0, 27)))
            bad = rng.random() < (0.45 if high[station] else 0.12)
            for day, step, result in _fate(rng, opened, bad=bool(bad)):
                if day <= last:
                    yield f"C{number:05d}", _code(station), _day(day), _STEPS[step], result


def _fate(rng: np.random.Generator, opened: date, *, bad: bool) -> Iterable[tuple[date, str, str]]:
    """Tell what becomes of a control: (day, step, result), until it is settled.

    Of bad ones, 45 % answer the letter, half of the others a reminder, and the rest a notice, after which
    the station is checked again.
    """
    yield opened, "controlled", "non conforme" if bad else "conforme"
    if not bad:
        return
    day = opened + timedelta(days=int(rng.integers(3, 20)))
    yield day, "letter", ""
    if rng.random() < 0.45:
        yield day + timedelta(days=int(rng.integers(10, 45))), "settled", ""
        return
    day += timedelta(days=int(rng.integers(31, 60)))
    yield day, "reminder", ""
    if rng.random() < 0.5:
        yield day + timedelta(days=int(rng.integers(5, 30))), "settled", ""
        return
    day += timedelta(days=int(rng.integers(16, 60)))
    yield day, "notice", ""
    day += timedelta(days=int(rng.integers(40, 120)))
    yield day, "recheck", ""
    if rng.random() < 0.7:
        yield day + timedelta(days=int(rng.integers(10, 60))), "settled", ""
