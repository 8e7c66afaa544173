"""Made-up ensembles: biased and too sure of themselves, as real ones are, with what was then observed."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

__all__ = ["MEMBERS", "write"]

MEMBERS = 6
_FIRST = date(2024, 3, 1)
_DAYS = 420
_STATIONS = 8


def write(into: Path, *, seed: int) -> None:
    """Write ``temperature.csv``: stations by day, wide as a forecasting centre gives it."""
    import numpy as np

    draw = np.random.default_rng(seed)
    elevation = draw.integers(20, 1500, _STATIONS)
    place = np.column_stack([44 + draw.random(_STATIONS), 5 + draw.random(_STATIONS)]).round(3)
    bias = draw.normal(0, 1.2, _STATIONS) + 0.001 * elevation
    with (into / "temperature.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        names = [f"membre_{at}" for at in range(1, MEMBERS + 1)]
        table.writerow(["date", "station", "latitude", "longitude", "elevation", "temperature", *names])
        weather = 0.0
        for number in range(_DAYS):
            day = _FIRST + timedelta(days=number)
            weather = 0.8 * weather + draw.normal(0, 2)
            usual = 9 - 9 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 20) / 365)
            truth = usual + weather - 0.0065 * elevation + draw.normal(0, 1.0, _STATIONS)
            error = draw.normal(0, 1.2) - bias
            spread = 0.5 + 0.5 * draw.random()
            shared, alone = draw.normal(0, spread, MEMBERS), draw.normal(0, spread / 2, (_STATIONS, MEMBERS))
            members = truth[:, None] + error[:, None] + shared + alone
            for at in range(_STATIONS):
                told = [f"{value:.2f}" for value in members[at]]
                head = [day.isoformat(), f"S{at:02d}", *place[at], elevation[at], f"{truth[at]:.2f}"]
                table.writerow([*head, *told])
