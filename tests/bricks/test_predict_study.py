"""A study: nothing later than its origin, partial labels, audition by regret, honest comparisons."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.linear_model import LogisticRegression

from eclaireur.bricks.predict import newton
from eclaireur.bricks.predict.asof import Own, Since
from eclaireur.bricks.predict.audition import audition
from eclaireur.bricks.predict.cohorts import Cohort, Outcome
from eclaireur.bricks.predict.fitted import load
from eclaireur.bricks.predict.grid import Part, play_part
from eclaireur.bricks.predict.models import Blended, Linear, Model, Rate, Rule, Training, Trees, glass
from eclaireur.bricks.predict.played import Played, compare
from eclaireur.bricks.predict.study import MEAN, Study
from eclaireur.core.engine import InlineExecutor
from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError, NotFoundError
from eclaireur.core.evaluation import rolling_origins

DAY = date(2020, 1, 1)
FIRST = date(2022, 1, 1)


def visits(seed: int = 0, subjects: int = 200) -> pa.Table:
    """Monthly visits of places, each with its own risk; a result is known ten days later."""
    random = np.random.default_rng(seed)
    risk = np.clip(random.beta(1, 4, subjects), 0.02, 0.95)
    rows = []
    for month in range(36):
        for who in np.flatnonzero(random.random(subjects) < 0.25):
            seen = DAY + timedelta(days=30 * month + int(random.integers(0, 28)))
            rows.append((f"s{who}", seen, seen + timedelta(days=10), float(random.random() < risk[who])))
    names = ["subject", "observed", "known", "label"]
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


STUDY = Study(
    cohort=Cohort(table="visits"),
    outcome=Outcome(table="visits", column="label", horizon=90),
    features=(
        Own(name="past", table="visits", how="mean", column="label"),
        Own(name="n", table="visits", how="count"),
        Since(name="since", table="visits"),
    ),
    splits=rolling_origins(FIRST, date(2022, 9, 1), step=timedelta(days=90), gap=timedelta(days=3)),
    models={"linéaire": Linear(), "arbres": Trees(trees=20, leaves=4)},
    baselines={"taux passé": Rule(column="past")},
    every=timedelta(days=90),
)


@pytest.fixture(scope="module")
def events() -> dict[str, pa.Table]:
    return {"visits": visits()}


@pytest.fixture(scope="module")
def played(events: dict[str, pa.Table]) -> Played:
    return STUDY.play(events, InlineExecutor())


def test_a_cohort_holds_who_was_known_before_the_day_and_lately(events: dict[str, pa.Table]) -> None:
    table = events["visits"]
    rows = Cohort(table="visits", window=60, carry=("label",)).rows(events, [FIRST])

    known = table.filter(pc.less(table["known"], pa.scalar(FIRST)))
    lately = known.filter(pc.greater_equal(known["observed"], pa.scalar(FIRST - timedelta(days=60))))
    assert rows["subject"].to_pylist() == sorted(set(lately["subject"].to_pylist()))
    everyone = Cohort(table="list").rows({"list": pa.table({"subject": ["b", "a"]})}, [FIRST, DAY])
    assert everyone["subject"].to_pylist() == ["a", "b", "a", "b"]
    with pytest.raises(EmptyTableError, match="cohorte est vide"):
        Cohort(table="visits").rows(events, [DAY])
    with pytest.raises(NotFoundError, match="« other »"):
        Cohort(table="other").rows(events, [DAY])
    with pytest.raises(MissingColumnError, match="« area »"):
        Cohort(table="visits", carry=("area",)).rows(events, [FIRST])


def test_an_outcome_is_what_came_within_the_horizon_as_known_then() -> None:
    seen = [date(2022, 1, 1), date(2022, 1, 31), date(2022, 2, 1), date(2022, 1, 5)]
    table = pa.table(
        {
            "subject": ["a", "b", "c", "d"],
            "observed": seen,
            "known": [date(2022, 1, 2), date(2022, 3, 15), date(2022, 2, 2), date(2022, 1, 6)],
            "label": [1.0, 1.0, 1.0, 0.0],
        }
    )
    rows = pa.table({"subject": ["a", "b", "c", "d"], "as_of": [date(2022, 1, 1)] * 4})
    outcome = Outcome(table="e", column="label", horizon=31)

    def said(outcome: Outcome, known_before: date | None = None) -> str:
        return str(outcome.labels(rows, {"e": table}, known_before=known_before).tolist())

    assert said(outcome) == "[1.0, 1.0, nan, 0.0]"
    assert said(outcome, date(2022, 2, 1)) == "[1.0, nan, nan, 0.0]"
    assert said(replace(outcome, absent="zero"), date(2022, 2, 1)) == "[1.0, 0.0, 0.0, 0.0]"
    assert said(outcome, date(2022, 1, 31)) == str([np.nan] * 4), "the horizon is not over"
    assert said(Outcome(table="e", horizon=40, how="count", absent="zero")) == "[1.0, 1.0, 1.0, 1.0]"


def test_what_is_known_later_changes_no_score(events: dict[str, pa.Table], played: Played) -> None:
    last = STUDY.splits[-1].start
    table = events["visits"]
    later = pc.greater_equal(table["known"], pa.scalar(last))
    turned = pc.if_else(later, pc.subtract(1.0, table["label"]), table["label"])
    changed = STUDY.play({"visits": table.set_column(3, "label", turned)}, InlineExecutor())

    for name, values in played.scores.items():
        assert np.array_equal(changed.scores[name], values)
    assert not np.array_equal(changed.labels, played.labels, equal_nan=True)


def test_a_part_sent_to_a_worker_gives_the_same_scores() -> None:
    random = np.random.default_rng(1)
    columns = random.normal(size=(300, 3)).astype(np.float32)
    columns[::7, 1] = np.nan
    labels = (random.random(300) < 0.4).astype(float)
    models: dict[str, Model] = {"l": Linear(), "t": Trees(trees=5, leaves=4), "b": Blended(), "r": Rate()}
    part = Part(Training(columns, labels, ("a", "b", "c")), columns[:50], models)

    sent = play_part(pickle.loads(pickle.dumps(part)))
    assert all(np.array_equal(sent[name], values) for name, values in play_part(part).items())
    assert "binned" not in vars(part.training), "what a split shares does not outlive it"


def test_models_beat_the_mean_and_unknown_outcomes_bound_the_precision(played: Played) -> None:
    found = {one.name: one for one in played.metrics("linéaire", k=20)}
    bounds, share = found["precision_at_k_bounds"], found["labelled_share_in_k"].value or 0.0

    assert found["auc"].low is not None
    assert found["auc"].low > 0.55
    assert {one.baseline for one in found.values()} <= {"taux passé", MEAN, None}
    assert 0 < share < 1
    assert bounds.high is not None
    assert bounds.low is not None
    assert bounds.high - bounds.low == pytest.approx(1 - share)
    block = played.block("linéaire", data_set="visits", k=20)
    assert block.split == "linéaire : 3 origines, du 01/01/2022 au 30/06/2022"


def test_the_model_of_least_regret_is_kept_and_choices_are_judged_on_the_next_split() -> None:
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 600).astype(float)
    periods = np.repeat([0, 1, 2], 200)
    steady = labels + random.normal(0, 0.8, 600)
    once = np.where(periods == 0, labels, random.random(600))
    made = Played(
        rows=pa.table({"subject": [str(at) for at in range(600)], "as_of": [FIRST] * 600}),
        periods=periods,
        labels=labels,
        scores={"constant": np.zeros(600), "once": once, "steady": steady},
        baselines=("constant",),
        kind="binary",
        cohort="",
    )
    found = audition(made, figure="auc")

    assert found.chosen == "steady"
    assert found.values["once"][0] == 1.0
    assert found.average["steady"] == pytest.approx((1 - found.values["steady"][0]) / 3)
    assert found.greatest["once"] > found.greatest["steady"] > 0
    assert found.close["once"] == pytest.approx(1 / 3)
    last = found.choices["meilleur à la dernière origine"] or 0.0
    assert last == pytest.approx((found.values["steady"][1] - found.values["once"][1]) / 2)
    assert audition(made, figure="auc", until=1).chosen == "once"
    assert found.table().rows[0]["model"] == "steady"
    assert len(found.chart().series) == 2


def test_two_models_are_compared_on_one_draw_and_never_over_two_cohorts(
    events: dict[str, pa.Table], played: Played
) -> None:
    itself = compare(played, "linéaire", "linéaire")
    assert (itself.value, itself.low, itself.high) == (0.0, 0.0, 0.0)
    gained = compare(played, "linéaire", MEAN, figure="auc")
    assert gained.low is not None
    assert gained.low > 0

    fewer = replace(STUDY, splits=STUDY.splits[:2]).play(events, InlineExecutor())
    with pytest.raises(BadValueError, match=r"même cohorte : .* 1 date d'un seul côté"):
        compare(played, "linéaire", "arbres", against=fewer)
    other = replace(STUDY, outcome=replace(STUDY.outcome, horizon=30)).play(events, InlineExecutor())
    with pytest.raises(BadValueError, match="cibles diffèrent"):
        compare(played, "linéaire", "arbres", against=other)
    again = replace(STUDY, models={"autre": Linear(strength=1.0)}).play(events, InlineExecutor())
    assert compare(played, "linéaire", "autre", against=again).name == "average_precision_gain"


def test_an_expected_count_has_its_deviance_beside_the_mean(events: dict[str, pa.Table]) -> None:
    study = replace(
        STUDY,
        kind="count",
        outcome=Outcome(table="visits", column="label", horizon=90, how="sum", absent="zero"),
        models={"linéaire": Linear(), "arbres": Trees(trees=20, leaves=4)},
        baselines={},
        splits=STUDY.splits[-2:],
    )
    counted = study.play(events, InlineExecutor())

    deviance, gained = counted.metrics("linéaire")
    assert (deviance.name, deviance.baseline) == ("deviance", MEAN)
    assert gained.value is not None
    assert 0 < gained.value < 1
    with pytest.raises(BadValueError, match="audition"):
        audition(counted)


@pytest.mark.parametrize("kind", ["binary", "count", "value"])
def test_what_is_stored_scores_alike_and_contributions_add_up(kind: str) -> None:
    random = np.random.default_rng(3)
    columns = random.normal(size=(400, 3))
    columns[::5, 2] = np.nan
    margin = columns[:, 0] - 0.5
    labels = {
        "binary": (random.random(400) < 1 / (1 + np.exp(-margin))).astype(float),
        "count": random.poisson(np.exp(margin)).astype(float),
        "value": margin,
    }[kind]
    training = Training(columns, labels, ("a", "b", "c"), kind=kind)
    links: dict[str, Callable[[Any], Any]] = {
        "binary": lambda x: 1 / (1 + np.exp(-x)),
        "count": np.exp,
        "value": lambda x: x,
    }
    link = links[kind]

    for model in (Linear(), Trees(trees=5, leaves=4, bags=2), glass(trees=5, bags=1)):
        fitted = model.fit(training)
        files = fitted.dump()
        assert np.allclose(load(files.__getitem__).scores(columns), fitted.scores(columns))
        assert np.allclose(link(fitted.contributions(columns).sum(axis=1)), fitted.scores(columns))
    for plain in (Rate(), Rule(column="a", rises=False)):
        files = plain.fit(training).dump()
        assert np.allclose(load(files.__getitem__).scores(columns), plain.fit(training).scores(columns))


def test_what_cannot_be_studied_is_refused_in_french(events: dict[str, pa.Table]) -> None:
    columns = np.zeros((40, 1))
    with pytest.raises(EmptyTableError, match="tous les résultats connus sont négatifs"):
        Training(columns, np.zeros(40), ("a",))
    with pytest.raises(BadValueError, match="ni 0 ni 1"):
        Training(columns, np.full(40, 2.0), ("a",))
    with pytest.raises(BadValueError, match="« autre »"):
        Rule(column="autre").fit(Training(columns, np.arange(40.0) % 2, ("a",)))
    with pytest.raises(BadValueError, match="même nom"):
        replace(STUDY, models={MEAN: Rate()})
    good = events["visits"].set_column(3, "label", pa.array(np.zeros(events["visits"].num_rows)))
    with pytest.raises(EmptyTableError, match="01/01/2022, tous les résultats"):
        STUDY.play({"visits": good}, InlineExecutor())


@pytest.mark.parametrize("share", [0.3, 0.0005])
def test_the_logistic_regression_begun_on_some_rows_ends_where_that_of_all_rows_does(share: float) -> None:
    draw = np.random.default_rng(5)
    columns = draw.normal(size=(70_000, 6)).astype(np.float32)
    columns[:, 5] = columns[:, 4]
    labels = (columns[:, 0] + draw.normal(size=70_000) > np.quantile(columns[:, 0], 1 - share) * 1.2).astype(
        float
    )
    weights = draw.uniform(0.5, 2.0, 70_000)
    asked = {"penalty": 0.01, "weights": weights / weights.mean()}

    found = newton.logistic(columns, labels, tolerance=1e-7, **asked)

    usual = LogisticRegression(C=1 / (0.01 * 70_000), tol=1e-10, max_iter=500)
    usual.fit(columns.astype(float), labels, sample_weight=asked["weights"])
    assert np.allclose(found[:-1], usual.coef_[0], atol=2e-4)
    assert np.isclose(found[-1], usual.intercept_[0], atol=2e-4)
