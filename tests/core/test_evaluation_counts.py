"""Average precision, recall and deviance against scikit-learn; a skill beside a plain rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, mean_poisson_deviance

from eclaireur.core import evaluation
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation.order import Order


def test_average_precision_is_that_of_scikit_learn_with_ties_and_weights() -> None:
    random = np.random.default_rng(5)
    for _ in range(30):
        labels, scores = random.integers(0, 2, 40), random.integers(0, 7, 40) / 7
        weights = random.integers(1, 4, 40)
        labels[0] = 1

        order = Order(labels, scores)
        assert order.average_precision() == pytest.approx(average_precision_score(labels, scores))
        weighted = average_precision_score(labels, scores, sample_weight=weights)
        assert order.average_precision(weights) == pytest.approx(weighted)


def test_recall_is_the_share_found_of_all_positives_and_ties_share_the_cut() -> None:
    order = Order([1, 0, 1, 1], [0.9, 0.5, 0.5, 0.1])

    assert [order.recall_at(k) for k in (1, 2, 4)] == pytest.approx([1 / 3, 0.5, 1.0])


def test_a_figure_at_k_needs_its_places_and_an_unknown_one_is_named() -> None:
    figure = evaluation.figure_named("recall_at_k", 2)

    assert figure(Order([1, 0, 1], [0.9, 0.8, 0.1]), None) == 0.5
    with pytest.raises(BadValueError, match="nombre de places"):
        evaluation.figure_named("precision_at_k")
    with pytest.raises(BadValueError, match="« f1 »"):
        evaluation.figure_named("f1")


def test_the_deviance_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(6)
    expected = random.gamma(2, 1, 200)
    counts = random.poisson(expected)
    weights = random.random(200)

    found = evaluation.poisson_deviance(counts, expected, weights)
    assert found == pytest.approx(mean_poisson_deviance(counts, expected, sample_weight=weights))


def test_a_count_model_is_measured_beside_the_best_plain_rule() -> None:
    random = np.random.default_rng(7)
    expected = random.gamma(2, 2, 800)
    counts = random.poisson(expected)
    rules = {"moyenne": np.full(800, counts.mean()), "double": 2 * expected + 3}

    deviance, gained = evaluation.count_metrics(counts, expected, rules, seed=1)
    assert (deviance.name, gained.name, gained.baseline) == ("deviance", "skill_over_baseline", "moyenne")
    assert deviance.baseline_value is not None
    assert gained.value == pytest.approx(1 - (deviance.value or 0) / deviance.baseline_value)
    assert gained.low is not None
    assert gained.low > 0.3
    useless = evaluation.count_metrics(counts, rules["moyenne"], {"moyenne": rules["moyenne"]}, seed=1)[1]
    assert useless.value == 0.0


def test_counts_that_cannot_be_measured_are_refused_and_none_gives_no_figure() -> None:
    with pytest.raises(BadValueError, match="négatif"):
        evaluation.poisson_deviance([-1], [1])
    with pytest.raises(BadValueError, match="référence"):
        evaluation.count_metrics([1], [1], {}, seed=0)
    with pytest.raises(BadValueError, match="2 effectifs"):
        evaluation.poisson_deviance([1, 2], [1])
    assert math.isnan(evaluation.poisson_deviance([], []))
