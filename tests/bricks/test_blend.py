"""The blended model: exact reasons, a nuisance observer, storage without pickle, calibration."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict import blend, calibration
from eclaireur.bricks.predict.blend import Blend
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import auc

Floats = NDArray[np.float64]
NAMES = ("risk", "noise", "count")


def world(n: int, seed: int, *, observers: bool = True) -> tuple[Floats, Floats, list[str | None], Floats]:
    """Rows whose log-odds are 1.5 × risk plus a severe observer's 2; missing values in one column."""
    random = np.random.default_rng(seed)
    columns = np.column_stack([random.normal(size=n), random.normal(size=n), random.exponential(20, size=n)])
    columns[random.random(n) < 0.3, 1] = np.nan
    severe = random.random(n) < 0.5
    margin = -1.5 + 1.5 * columns[:, 0] + (2.0 * severe if observers else 0.0)
    labels = (random.random(n) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    who: list[str | None] = ["severe" if one else "mild" for one in severe]
    return columns, labels, who, margin


@pytest.fixture(scope="module")
def fitted() -> Blend:
    columns, labels, who, _ = world(3000, 1)
    return blend.fit(columns, labels, who, names=NAMES, rises=(1, 0, 0), seed=3)


def test_contributions_sum_to_the_margin_exactly(fitted: Blend) -> None:
    columns, *_ = world(200, 2)
    assert fitted.contributions(columns).sum(axis=1) == pytest.approx(fitted.margin(columns), abs=1e-9)


def test_without_a_share_for_trees_none_are_fitted_and_the_order_is_the_linear_one(fitted: Blend) -> None:
    columns, labels, who, _ = world(3000, 1)
    alone = blend.fit(
        columns, labels, who, names=NAMES, rises=(1, 0, 0), seed=3, settings=blend.Settings(share=0.0)
    )
    files = alone.dump()
    assert set(files) == {"linear.json"}
    asked, *_ = world(200, 2)
    straight, _ = fitted.parts(asked)
    assert Blend.load(files.__getitem__).margin(asked) == pytest.approx(straight, abs=1e-9)
    assert alone.contributions(asked).sum(axis=1) == pytest.approx(straight, abs=1e-9)


def test_the_observer_is_estimated_and_averaged_out(fitted: Blend) -> None:
    effects = dict(zip(fitted.linear["observers"], fitted.linear["effects"], strict=True))
    assert effects["severe"] - effects["mild"] == pytest.approx(2.0, abs=0.4)
    columns, _, _, _ = world(500, 5)
    order = np.argsort(fitted.risk(columns))
    assert np.all(np.diff(fitted.margin(columns)[order]) >= -1e-12)


def test_a_history_without_observers_is_accepted() -> None:
    columns, labels, _, _ = world(800, 4, observers=False)
    model = blend.fit(columns, labels, [None] * 800, names=NAMES, rises=(1, 0, 0))
    assert auc(labels, model.risk(columns)) > 0.75
    assert model.risk(columns) == pytest.approx(1 / (1 + np.exp(-model.margin(columns))))


def test_a_model_that_ignores_the_observer_ranks_worse() -> None:
    """When severe observers are sent where risk is low, ignoring them hides the risk."""
    random = np.random.default_rng(8)
    risk = random.normal(size=4000)
    severe = random.random(4000) < 1 / (1 + np.exp(2 * risk))
    labels = (random.random(4000) < 1 / (1 + np.exp(2 - risk - 2.5 * severe))).astype(np.float64)
    columns = np.column_stack([risk, random.normal(size=4000), np.ones(4000)])
    who: list[str | None] = ["severe" if one else "mild" for one in severe]
    aware = blend.fit(columns, labels, who, names=NAMES, rises=(0, 0, 0))
    blind = blend.fit(columns, labels, [None] * 4000, names=NAMES, rises=(0, 0, 0))
    steeper = np.polyfit(risk, aware.margin(columns), 1)[0]
    assert steeper > np.polyfit(risk, blind.margin(columns), 1)[0] + 0.3


def test_a_monotone_feature_never_lowers_the_trees(fitted: Blend) -> None:
    grid = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50), np.full(50, 10.0)])
    _, trees = fitted.parts(grid)
    assert np.all(np.diff(trees) >= -1e-12)


def test_a_stored_model_scores_the_same(fitted: Blend) -> None:
    files = fitted.dump()
    assert all(name.endswith((".json", ".txt")) for name in files)
    back = Blend.load(files.__getitem__)
    columns, *_ = world(300, 6)
    assert np.array_equal(back.risk(columns), fitted.risk(columns))


def test_the_same_seed_gives_the_same_files() -> None:
    columns, labels, who, _ = world(600, 7)
    one = blend.fit(columns, labels, who, names=NAMES, rises=(0, 0, 0), seed=1).dump()
    two = blend.fit(columns, labels, who, names=NAMES, rises=(0, 0, 0), seed=1).dump()
    assert one == two


def test_missing_labels_are_refused() -> None:
    columns, labels, who, _ = world(200, 9)
    labels[3] = np.nan
    with pytest.raises(BadValueError, match="étiquette"):
        blend.fit(columns, labels, who, names=NAMES, rises=(0, 0, 0))


@pytest.mark.parametrize("labels", [np.zeros(200), np.ones(200), np.r_[np.zeros(60), np.ones(20)]])
def test_too_little_to_learn_from_says_how_much_is_needed(labels: Floats) -> None:
    columns = np.random.default_rng(0).normal(size=(labels.size, 3))
    with pytest.raises(EmptyTableError, match="trop peu"):
        blend.fit(columns, labels, [None] * labels.size, names=NAMES, rises=(0, 0, 0))


def test_a_table_of_another_width_is_refused(fitted: Blend) -> None:
    with pytest.raises(BadValueError, match="2 colonnes pour un modèle de 3"):
        fitted.margin(np.zeros((1, 2)))


def simulated(n: int, seed: int, shift: float = 0.0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    odds = random.normal(-1.5, 1.0, size=n)
    labels = (random.random(n) < 1 / (1 + np.exp(-odds - shift))).astype(np.float64)
    return labels, 1 / (1 + np.exp(-2 * odds))


def test_recalibration_recovers_the_true_shift_and_slope() -> None:
    labels, risk = simulated(20_000, 1)
    found = calibration.fit(labels, risk)
    assert (found.shift, found.slope) == pytest.approx((0.0, 0.5), abs=0.06)
    assert found.holds
    low, high = found.interval(found.apply(risk))
    assert np.all((low <= found.apply(risk)) & (found.apply(risk) <= high))


def test_a_rate_that_moves_between_halves_is_not_called_a_probability() -> None:
    first, second = simulated(2000, 2), simulated(2000, 3, shift=1.0)
    labels = np.concatenate([first[0], second[0]])
    risk = np.concatenate([first[1], second[1]])
    assert not calibration.fit(labels, risk).holds


def test_recalibration_never_turns_the_order_round() -> None:
    labels, risk = simulated(2000, 4)
    found = calibration.fit(1 - labels, risk)
    order = np.argsort(risk)
    assert np.all(np.diff(found.apply(risk)[order]) >= 0)


def test_a_calibration_reads_back_what_it_wrote() -> None:
    found = calibration.fit(*simulated(1000, 5))
    assert calibration.Calibration.from_json(found.to_json()) == found


def test_reasons_with_the_same_sentence_are_one_and_the_strongest_comes_first() -> None:
    contributions = np.array([[0.2, 0.3, -0.1, 0.4]])
    columns = np.array([[np.nan, np.nan, 1.0, 2.0]])

    def tell(column: int, value: float) -> dict[str, str]:
        sentence = "Jamais vu." if np.isnan(value) else f"Vaut {value:g}."
        return {"theme": "t", "sentence": sentence, "source": "s", "feature": NAMES[column % 3]}

    (found,) = reasons(contributions, columns, tell)
    assert [(one["sentence"], pytest.approx(one["weight"])) for one in found] == [
        ("Jamais vu.", pytest.approx(0.5)),
        ("Vaut 2.", pytest.approx(0.4)),
        ("Vaut 1.", pytest.approx(-0.1)),
    ]
