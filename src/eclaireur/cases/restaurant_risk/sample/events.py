"""What happens around the visits: the weather, and the reviews that customers write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk.sample import law
from eclaireur.cases.restaurant_risk.sample.latent import LAST_DAY, Truth, day_number, months
from eclaireur.cases.restaurant_risk.sample.places import ACTIVITIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["HYGIENE", "Reviews", "reviews", "weather"]

HYGIENE = -3.5
"""Log-odds that a review of an ordinary place complains of hygiene."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reviews:
    """Reviews in order of day: establishment, day, rating from 1 to 5, and whether hygiene is blamed."""

    row: Ints
    day: Ints
    rating: Ints
    blames: NDArray[np.bool_]


def weather(rng: np.random.Generator) -> Floats:
    """Draw daily weather of a mild coast: highest temperature (°C), rain (mm), wind (m/s), humidity."""
    import numpy as np

    size = len(months())
    # 1 January is day 0; the warmest day of the season comes around 25 July.
    season = np.cos(2 * np.pi * (np.arange(size) - 205) / 365.25)
    noise = rng.normal(0, 1, size)
    anomaly = np.zeros(size)
    for day in range(1, size):
        anomaly[day] = 0.75 * anomaly[day - 1] + 0.66 * noise[day]
    highest = 15.5 + 6.5 * season + (3.0 + 0.6 * season) * anomaly
    wet = rng.random(size) < law.logistic(-0.5 - 0.7 * season - 0.3 * anomaly)
    rain = np.where(wet, rng.gamma(0.9, 6.0, size), 0.0)
    wind = np.maximum(5.0 - 1.2 * season + rng.normal(0, 1.8, size) + 1.0 * wet, 0.3)
    humidity = np.clip(0.76 - 0.05 * season - 0.03 * anomaly + 0.06 * wet + rng.normal(0, 0.05, size), 0.3, 1)
    return np.column_stack([highest, rain, wind, humidity]).round(2)


def reviews(rng: np.random.Generator, truth: Truth) -> Reviews:
    """Draw reviews: the rating follows taste far more than hygiene; hygiene shows in the words.

    A review blames hygiene with log-odds ``HYGIENE + 1.2 (eta - ALPHA)``, loses 1.5 stars for it, and one in
    twenty has a rating that means nothing.
    """
    import numpy as np

    place = truth.place
    days = day_number(LAST_DAY) + 1
    size = len(place.sirets)
    ordinary = np.array([activity.reviews for activity in ACTIVITIES])[place.activity]
    monthly = ordinary * np.exp(rng.normal(-0.8, 0.8, size))
    taste = rng.normal(0, 0.6, size)
    alive = days - np.maximum(place.opened, 0)
    row = np.repeat(np.arange(size), rng.poisson(monthly * alive / 30.44))
    day = (np.maximum(place.opened, 0)[row] + rng.random(len(row)) * alive[row]).astype(np.int64)
    order = np.lexsort((row, day))
    row, day = row[order], day[order]
    risk = truth.log_odds(row, day) - law.ALPHA
    blames = rng.random(len(row)) < law.logistic(HYGIENE + 1.2 * risk)
    felt = 4.1 + taste[row] - 0.25 * risk - 1.5 * blames + rng.normal(0, 0.8, len(row))
    rating = np.clip(np.round(felt), 1, 5).astype(np.int64)
    rating = np.where(rng.random(len(row)) < 0.05, rng.integers(1, 6, len(row)), rating)
    return Reviews(row=row, day=day, rating=rating, blames=blames)
