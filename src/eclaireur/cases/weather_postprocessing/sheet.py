"""What is known of one station: where it is, its last forecasts, and how they turned out."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.documented import RAIN
from eclaireur.cases.weather_postprocessing.panel import Panel, panel_of, variables
from eclaireur.cases.weather_postprocessing.verify import crps_ensemble
from eclaireur.cases.weather_postprocessing.wording import amount, from_scale
from eclaireur.core import french
from eclaireur.core.errors import UnknownSubjectError
from eclaireur.core.view import Block, Chart, Facts, Map, Place, Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.core.case import Records
    from eclaireur.core.subjects import Subject

__all__ = ["FRENCH", "day_of", "plume", "rows_of", "sheet"]

FRENCH = {"rain": "pluie", "temperature": "température"}
_SHOWN = 40
_EPOCH = date(1970, 1, 1)


def day_of(number: int) -> date:
    """Return a date from days since 1970."""
    return _EPOCH + timedelta(days=int(number))


def rows_of(panel: Panel, subject: str) -> NDArray[np.int64]:
    """Return the rows of a station, in the order of time; none when it is not there."""
    import numpy as np

    if subject not in panel.stations:
        return np.zeros(0, np.int64)
    return np.flatnonzero(panel.station == panel.stations.index(subject))


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return the sheet of a station, as view blocks.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such station.
    """
    blocks: list[Block] = []
    for variable in variables(records):
        panel = panel_of(records, variable)
        rows = rows_of(panel, f"station:{subject.key}")
        if len(rows):
            blocks += _station(subject.key, panel, rows)
    if not blocks:
        raise UnknownSubjectError(
            f"station inconnue : « {subject.key} ».", fix="Copiez son nom depuis la liste."
        )
    return tuple(blocks)


def _station(name: str, panel: Panel, rows: NDArray[np.int64]) -> list[Block]:
    import numpy as np

    told = rows[panel.verified[rows]]
    latitude, longitude, elevation = panel.place[panel.station[rows[0]]].tolist()
    pairs = [
        ("Station", name),
        ("Grandeur", FRENCH[panel.variable]),
        ("Prévisions", french.number(len(rows))),
        ("Vérifiées", french.number(len(told))),
        ("Membres", french.number(int((~np.isnan(panel.members[rows[-1]])).sum()))),
    ]
    if not math.isnan(elevation):
        pairs.append(("Altitude", f"{french.number(elevation)}\u00a0m"))
    if len(told):
        score = float(crps_ensemble(panel.members[told], panel.observed[told]).mean())
        pairs.append(("CRPS de l’ensemble brut", french.number(score, 2)))
    blocks: list[Block] = [Facts(title=f"{name} : {FRENCH[panel.variable]}", pairs=tuple(pairs))]
    last = rows[-_SHOWN:]
    spans = np.nanmin(panel.members[last], axis=1), np.nanmax(panel.members[last], axis=1)
    inside = panel.observed[last]
    shown = ~np.isnan(inside)
    out = int(((inside < spans[0]) | (inside > spans[1]))[shown].sum())
    title = (
        f"Sur {french.count(int(shown.sum()), 'prévision vérifiée', 'prévisions vérifiées')}, "
        f"{out} hors de l’éventail des membres"
    )
    blocks.append(plume(panel, last, panel.mean[last], *spans, name="Moyenne et éventail", title=title))
    if not math.isnan(latitude + longitude):
        place = Place(label=name, latitude=latitude, longitude=longitude)
        blocks.append(Map(title="Où elle est", places=(place,)))
    return blocks


def plume(
    panel: Panel,
    rows: NDArray[np.int64],
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    name: str,
    title: str,
) -> Chart:
    """Draw forecasts by day with their band, and what was observed."""
    variable = panel.variable

    def plain(values: NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(from_scale(variable, value) for value in values.tolist())

    days: tuple[Any, ...] = tuple(day_of(day) for day in panel.day[rows].tolist())
    series = [Series(name=name, x=days, y=plain(middle), low=plain(low), high=plain(high))]
    seen = rows[panel.verified[rows]]
    if len(seen):
        series.append(
            Series(
                name="Observé",
                x=tuple(day_of(day) for day in panel.day[seen].tolist()),
                y=plain(panel.observed[seen]),
            )
        )
    unit = "mm" if variable == RAIN else "°C"
    last = (float(one[-1]) for one in (low, middle, high))
    said = " ; ".join(amount(variable, one) for one in last)
    return Chart(
        title=title,
        form="line",
        x_title="Jour de la prévision",
        y_title=f"{FRENCH[variable].capitalize()} ({unit})",
        series=tuple(series),
        text=f"Dernière prévision (bas, milieu, haut) : {said}.",
    )
