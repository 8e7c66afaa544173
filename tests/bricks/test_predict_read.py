"""A model read curve by curve, what would change a result, and what a drawn list says of all."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eclaireur.bricks.predict.counterfactual import CAUTION, Lever, facts, what_would_change
from eclaireur.bricks.predict.drawn import Drawn
from eclaireur.bricks.predict.fitted import FittedTrees
from eclaireur.bricks.predict.models import Training, Trees, glass
from eclaireur.bricks.predict.shapes import Curve, curves, curves_table
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import auc

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def columns() -> Floats:
    random = np.random.default_rng(1)
    found = np.column_stack([random.normal(size=2000), random.integers(0, 6, 2000), random.normal(size=2000)])
    found[random.random(2000) < 0.2, 1] = np.nan
    return found


@pytest.fixture(scope="module")
def fitted(columns: Floats) -> FittedTrees:
    random = np.random.default_rng(2)
    margin = np.abs(columns[:, 0]) * 2 - 2 + np.where(np.isnan(columns[:, 1]), 1.0, 0.0)
    labels = (random.random(2000) < 1 / (1 + np.exp(-margin))).astype(float)
    found = glass(trees=60, bags=2).fit(Training(columns, labels, ("bend", "steps", "noise")))
    assert isinstance(found, FittedTrees)
    return found


@pytest.fixture(scope="module")
def drawn_curves(fitted: FittedTrees, columns: Floats) -> tuple[Curve, ...]:
    return curves(fitted, columns)


def test_the_curves_and_one_constant_are_the_whole_model(
    fitted: FittedTrees, columns: Floats, drawn_curves: tuple[Curve, ...]
) -> None:
    named = {one.name: one for one in drawn_curves}
    total = np.zeros(300)
    for index, name in enumerate(fitted.names):
        if name in named:
            total += [named[name].at(value) for value in columns[:300, index]]

    rest = fitted.margin(columns[:300]) - total
    assert np.ptp(rest) < 1e-9
    edge = named["bend"].edges[3]
    at_edge = np.array([[edge, 1.0, 0.0], [np.nextafter(edge, 9), 1.0, 0.0]])
    assert np.diff(fitted.margin(at_edge)) == pytest.approx(
        named["bend"].at(at_edge[1, 0]) - named["bend"].at(edge)
    )


def test_the_curve_has_the_shape_of_the_law(drawn_curves: tuple[Curve, ...]) -> None:
    named = {one.name: one for one in drawn_curves}

    assert drawn_curves[0].name == "bend"
    assert named["bend"].at(-2.0) > named["bend"].at(0.0) + 1 < named["bend"].at(2.0) + 1
    assert named["steps"].absent > named["steps"].at(3.0) + 0.5
    assert "noise" not in named or named["noise"].importance < named["steps"].importance / 2


def test_a_curve_is_shown_with_its_band_over_what_was_seen(drawn_curves: tuple[Curve, ...]) -> None:
    chart = drawn_curves[0].chart(x_title="Écart")
    line = chart.series[0]

    assert line.x[0] == drawn_curves[0].least
    assert line.x[-1] == drawn_curves[0].most
    assert all(low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True))
    assert curves_table(drawn_curves).title == f"Le modèle est la somme de {len(drawn_curves)} courbes"


def test_a_model_that_mixes_columns_has_no_curves(columns: Floats) -> None:
    mixed = Trees(trees=2).fit(Training(columns, (columns[:, 0] > 0).astype(float), ("a", "b", "c")))

    assert isinstance(mixed, FittedTrees)
    with pytest.raises(BadValueError, match="courbe par courbe"):
        curves(mixed, columns)


# ---- what would change


def both(rows: Floats) -> Floats:
    found: Floats = (rows[:, 0] + rows[:, 1]) / 20
    return found


REFERENCE = np.tile(np.arange(11.0)[:, None], (1, 3))
FREE = Lever(column=0, title="retards")
FALLS = Lever(column=1, title="plaintes", direction=-1, low=2.0)


def test_the_nearest_allowed_change_crosses_the_limit() -> None:
    found = what_would_change(both, np.array([8.0, 6.0, 0.0]), [FREE, FALLS], REFERENCE, limit=0.6)

    assert [(lever.title, old, new) for one in found for lever, old, new in one.moves] == [
        ("retards", 8.0, 5.0),
        ("plaintes", 6.0, 3.0),
    ]
    assert all(one.before >= 0.6 > one.after for one in found)
    assert found[0].sentence == "Si « retards » passait de 8 à 5, le score passerait de 0,70 à 0,55."
    assert facts(found).pairs[-1] == ("Attention", CAUTION)


def test_two_columns_change_together_only_when_no_single_one_is_enough() -> None:
    found = what_would_change(both, np.array([10.0, 10.0, 0.0]), [FREE, FALLS], REFERENCE, limit=0.3)

    assert len(found) == 1
    assert len(found[0].moves) == 2
    assert found[0].after < 0.3
    assert all(new >= 2.0 for lever, _, new in found[0].moves if lever is FALLS)
    stuck = what_would_change(both, np.array([10.0, 10.0, 0.0]), [FALLS], REFERENCE, limit=0.1)
    assert facts(stuck).pairs[0][1] == "Aucun changement permis ne ferait passer la limite."
    with pytest.raises(BadValueError, match="modifiable"):
        what_would_change(both, np.zeros(3), [], REFERENCE, limit=0.1)


# ---- drawn lists


def test_the_drawn_part_gives_the_figures_of_all_subjects_where_the_list_alone_flatters() -> None:
    random = np.random.default_rng(3)
    truth, naive, weighed, held = [], [], [], []
    for seed in range(40):
        risk = random.beta(1, 5, 1500)
        labels = (random.random(1500) < risk).astype(float)
        model, other = risk + random.normal(0, 0.1, 1500), risk + random.normal(0, 0.1, 1500)
        best = np.argsort(-model)[:200]
        left = np.setdiff1d(np.arange(1500), best)
        lucky = random.choice(left, 200, replace=False)
        listed = np.concatenate([best, lucky])
        chance = np.where(np.isin(listed, best), 1.0, 200 / left.size)
        drawn = Drawn(labels=labels[listed], propensities=chance)
        truth.append(auc(labels, other))
        naive.append(auc(labels[listed], other[listed]))
        found = drawn.metrics({"autre": other[listed]}, seed=seed)["autre"][0] if seed < 8 else None
        weighed.append(auc(labels[listed], other[listed], drawn.weights))
        if found is not None and found.low is not None and found.high is not None:
            assert found.value == pytest.approx(weighed[-1])
            held.append(found.low <= truth[-1] <= found.high)

    assert np.mean(weighed) == pytest.approx(np.mean(truth), abs=0.02)
    assert abs(np.mean(naive) - np.mean(truth)) > 0.01
    assert sum(held) >= 6


def test_two_orders_are_compared_on_the_same_draw() -> None:
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 200).astype(float)
    drawn = Drawn(labels=labels, propensities=np.where(np.arange(200) < 50, 1.0, 0.1))

    same = drawn.gain(labels, labels, name="lui-même")
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    better = drawn.gain(labels, random.random(200), figure="auc", name="hasard")
    assert better.low is not None
    assert better.low > 0.2
    assert drawn.effective == pytest.approx((50 + 1500) ** 2 / (50 + 15_000))


def test_a_list_without_chance_says_nothing_of_all_subjects() -> None:
    with pytest.raises(EmptyTableError, match="trop peu pour conclure sur l'ensemble"):
        Drawn(labels=np.ones(100), propensities=np.ones(100))
    with pytest.raises(BadValueError, match="ni 0 ni 1"):
        Drawn(labels=np.array([np.nan]), propensities=np.array([0.5]))
    with pytest.raises(BadValueError, match="entre 0 et 1"):
        Drawn(labels=np.array([1.0]), propensities=np.array([0.0]))
