"""Alert levels chosen before they are measured; intervals and answers that keep their promise."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from eclaireur.bricks.predict.conformal import ABSTAINS, Answers, Margins
from eclaireur.bricks.predict.levels import best_cut, choose
from eclaireur.core.errors import BadValueError, EmptyTableError

Floats = NDArray[np.float64]


def risky(n: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    score = random.random(n)
    return (random.random(n) < score**2).astype(float), score.round(2)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_cut_has_the_greatest_f_of_all(beta: float) -> None:
    from sklearn.metrics import fbeta_score

    labels, scores = risky(200, 3)

    cut = best_cut(labels, scores, beta=beta)
    found = fbeta_score(labels, scores >= cut, beta=beta)
    assert found == pytest.approx(max(fbeta_score(labels, scores >= one, beta=beta) for one in set(scores)))


def test_vigilance_finds_more_and_alert_is_more_often_right_on_later_rows() -> None:
    levels = choose(*risky(2000, 1), until=date(2023, 12, 31))
    labels, scores = risky(2000, 2)

    found = {one.name: one for one in levels.measure(labels, scores, since=date(2024, 1, 1))}
    value = {name: one.value or 0.0 for name, one in found.items()}
    assert value["vigilance_recall"] > value["alert_recall"]
    assert value["alert_precision"] > value["vigilance_precision"] > labels.mean()
    assert found["alert_precision"].baseline_value == pytest.approx(labels.mean())
    assert set(levels.of(scores)) == {0, 1, 2}


def test_levels_are_never_measured_on_the_days_that_chose_them() -> None:
    levels = choose(*risky(200, 1), until=date(2023, 12, 31))

    with pytest.raises(BadValueError, match="31/12/2023"):
        levels.measure([1], [0.5], since=date(2023, 12, 31))
    with pytest.raises(EmptyTableError, match="dont 0 défavorables"):
        choose(np.zeros(50), np.zeros(50), until=date(2024, 1, 1))


def test_an_interval_holds_the_share_asked_for_in_each_group_however_noisy() -> None:
    random = np.random.default_rng(4)
    group = random.integers(0, 2, 4000)
    truth = random.normal(0, np.where(group == 1, 5.0, 1.0))
    names = np.where(group == 1, "bruyant", "calme").tolist()
    held = Margins.of(truth[:2000], np.zeros(2000), level=0.9, groups=names[:2000])
    low, high = held.interval(np.zeros(2000), groups=names[2000:])

    for name in ("bruyant", "calme"):
        inside = np.array(names[2000:]) == name
        share = held.coverage(truth[2000:][inside], low[inside], high[inside])
        assert share.value == pytest.approx(0.9, abs=0.03)
    assert held.groups["bruyant"] > 4 * held.groups["calme"]
    assert held.interval([0.0], groups=["nouveau"])[1][0] == held.width


def test_a_scale_makes_intervals_wide_where_they_must_be() -> None:
    random = np.random.default_rng(5)
    scale = random.uniform(0.5, 8, 3000)
    truth = random.normal(0, scale)
    held = Margins.of(truth[:1500], np.zeros(1500), scale=scale[:1500])
    low, high = held.interval(np.zeros(1500), scale=scale[1500:])

    for inside in (scale[1500:] < 2, scale[1500:] > 6):
        assert held.coverage(truth[1500:][inside], low[inside], high[inside]).value == pytest.approx(
            0.9, abs=0.04
        )


def test_too_few_rows_for_a_confidence_are_refused() -> None:
    with pytest.raises(EmptyTableError, match="au moins 19"):
        Margins.of(np.zeros(10), np.zeros(10), level=0.95)
    with pytest.raises(BadValueError, match="entre 0 et 1"):
        Margins.of(np.zeros(10), np.zeros(10), level=1.5)


def test_each_outcome_is_answered_wrong_at_most_as_often_as_said_and_doubt_abstains() -> None:
    labels, scores = risky(6000, 6)
    held = Answers.of(labels[:3000], scores[:3000])
    said, truth = held.decide(scores[3000:], level=0.9), labels[3000:]

    assert (said[truth == 1] == 0).mean() < 0.12
    assert (said[truth == 0] == 1).mean() < 0.12
    assert 0.1 < (said == ABSTAINS).mean() < 0.9
    with pytest.raises(EmptyTableError, match="un seul"):
        Answers.of([1, 1], [0.1, 0.2])
