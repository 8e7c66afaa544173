"""What an order changes in time, at the same number of inspections each day.

The City of Chicago measured its model so (food-inspections-evaluation, 2015): keep the calendar of
a period as it was, with its number of inspections each day, and fill it in the order of the scores.
"""

from __future__ import annotations

from typing import Any

from eclaireur.core.evaluation.order import Order

__all__ = ["days_earlier", "first_half_share"]


def days_earlier(labels: Any, scores: Any, days: Any, weights: Any = None) -> float:
    """Return how many days earlier, on average, positives are reached than they were.

    Parameters
    ----------
    days
        Day of each row, as a number.

    Returns
    -------
    float
        Mean over positives of (day it was done − expected day under the order); NaN without any.

    Examples
    --------
    >>> days_earlier([0, 1], [0.1, 0.9], [10, 30])
    20.0
    """
    return Order(labels, scores, days=days).days_earlier(weights)


def first_half_share(labels: Any, scores: Any, weights: Any = None) -> float:
    """Return the share of positives reached in the first half of the inspections, ties expected.

    To know what business as usual did, pass minus the day as score: the first half of the calendar.
    """
    return Order(labels, scores).first_half_share(weights)
