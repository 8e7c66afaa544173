"""What is particular to the case: known answers, effects that were put in, bad histories."""

from __future__ import annotations

import dataclasses
import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from eclaireur.cases.drug_effects import (
    case,
    model as modelling,
    reading,
    reports as reporting,
    sample,
)
from eclaireur.cases.drug_effects.case_series import fit
from eclaireur.cases.drug_effects.diagnostics import (
    before_exposure,
    calibrated,
    power,
    systematic_error,
    truncation,
)
from eclaireur.cases.drug_effects.disproportion import by_period, masking, ratios, trend
from eclaireur.cases.drug_effects.event_dependent import fit_event_dependent
from eclaireur.cases.drug_effects.histories import Histories, read_histories
from eclaireur.cases.drug_effects.judging import chance
from eclaireur.cases.drug_effects.published import STUDIES, fit_study, study_rows
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.shrinker import Prior, fit_prior, negative_log_likelihood, shrink
from eclaireur.cases.drug_effects.windows import Window, design
from eclaireur.core.case import quiet
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.figures import lay_out
from eclaireur.core.view import Chart, Funnel

DATA = os.environ.get("ECLAIREUR_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="ECLAIREUR_DATA is not set")
STUDY = {study.name: study for study in STUDIES}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder, seed=3)
    return reading.read(folder)


def person(name: str, *rows: tuple[str, str, int, int | None]) -> list[dict[str, Any]]:
    keys = ("category", "value", "start", "end")
    return [{"person": name, **dict(zip(keys, row, strict=True))} for row in rows]


def world(seed: int, effect: float, count: int = 400) -> Histories:
    """Persons of whom one dose multiplies the risk of days 0 to 20."""
    draw = np.random.default_rng(seed)
    rows = []
    for at in range(count):
        dose = int(draw.integers(20, 250))
        risk = np.ones(300)
        risk[dose : dose + 21] *= effect
        event = int(draw.choice(300, p=risk / risk.sum()))
        rows += person(
            str(at), ("observation", "", 0, 299), ("exposure", "X", dose, None), ("event", "E", event, None)
        )
    return read_histories(rows)


@needs_data
@pytest.mark.parametrize("name", ["itpdat", "amdat"])
def test_the_tutorials_figures_are_found_to_the_last_decimal(name: str) -> None:
    made, _ = fit_study(STUDY[name], study_rows(STUDY[name], Path(str(DATA)) / "case_series" / f"{name}.txt"))
    for at, answer in STUDY[name].answers.values():
        effect = made.effects[at]
        found = [round(one, 2) for one in (effect.ratio, effect.low, effect.high)]
        assert found == [answer.ratio, answer.low, answer.high]


@needs_data
@pytest.mark.parametrize("name", ["intdat", "opvdat", "rotdat", "gbsdat", "condat"])
def test_published_effects_are_found_within_a_fifth(name: str) -> None:
    """These files are part of, or jittered from, what the authors analysed."""
    made, _ = fit_study(STUDY[name], study_rows(STUDY[name], Path(str(DATA)) / "case_series" / f"{name}.txt"))
    for at, answer in STUDY[name].answers.values():
        assert made.effects[at].ratio == pytest.approx(answer.ratio, rel=0.2)


@needs_data
def test_the_shrinker_finds_the_known_answers_on_caers() -> None:
    import pyarrow.csv as pacsv

    table = pacsv.read_csv(Path(str(DATA)) / "adverse_events" / "caers_product_event.csv.gz")
    pairs = count_pairs(table.select(table.column_names[:3]).rename_columns(["report", "drug", "event"]))
    prior = fit_prior(pairs.count, pairs.expected)
    shrunk = shrink(pairs.count, pairs.expected, prior)
    top = shrunk.mean.argmax()
    assert prior.loss == pytest.approx(4162.457, abs=0.005)
    assert round(float(shrunk.mean[top]), 2) == 23.26
    assert round(float(shrunk.low[top]), 2) == 15.69


def test_the_likelihood_of_windows_is_that_of_a_day_by_day_sum() -> None:
    histories = world(1, 3.0, count=30)
    windows = (Window(drug="X", first=-7, last=-1), Window(drug="X", first=0, last=20))
    made = fit(design(histories, windows, ages=(100, 200)))
    value = 0.0
    for at in range(30):
        days = np.arange(300)
        since = days - histories.dose_day[at]
        rate = np.zeros(300)
        for column, inside in enumerate(((since >= -7) & (since < 0), (since >= 0) & (since <= 20))):
            rate[inside] += made.coefficients[column]
        rate += np.array([0.0, *made.coefficients[2:]])[np.searchsorted([100, 200], days, side="right")]
        value += rate[histories.event_day[at]] - np.log(np.exp(rate).sum())
    assert made.log_likelihood == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("effect", [1.0, 4.0])
def test_the_effect_that_was_put_in_is_found(effect: float) -> None:
    found = [fit(design(world(seed, effect), (Window(drug="X", first=0, last=20),))) for seed in range(8)]
    logs = np.array([one.effects[0].log_ratio for one in found])
    errors = np.array([one.effects[0].error for one in found])
    assert abs(logs.mean() - np.log(effect)) < 3 * errors.mean() / np.sqrt(8)
    assert (np.abs(logs - np.log(effect)) < 1.96 * errors).sum() >= 6


def test_a_spline_of_age_gives_what_fine_groups_give() -> None:
    histories = world(5, 3.0)
    window = (Window(drug="X", first=0, last=20),)
    groups = fit(design(histories, window, ages=range(30, 300, 30)))
    spline = fit(design(histories, window, spline=4))
    assert spline.effects[0].log_ratio == pytest.approx(groups.effects[0].log_ratio, abs=0.15)


def test_a_later_dose_wins_and_a_window_before_never_covers_one_after() -> None:
    rows = person(
        "a",
        ("observation", "", 0, 99),
        ("exposure", "X", 10, None),
        ("exposure", "X", 20, None),
        ("event", "E", 25, None),
    )
    windows = (
        Window(drug="X", first=-5, last=-1),
        Window(drug="X", first=0, last=30, dose=1),
        Window(drug="X", first=0, last=30, dose=2),
    )
    made = design(read_histories(rows), windows)
    days = np.exp(made.log_days)
    assert (days @ made.columns).tolist() == pytest.approx([5, 10, 31])
    assert days.sum() == pytest.approx(100)


def test_a_window_without_event_has_a_ratio_of_zero_and_a_limit() -> None:
    rows = []
    for at in range(40):
        rows += person(
            str(at), ("observation", "", 0, 99), ("exposure", "X", 50, None), ("event", "E", at, None)
        )
    effect = fit(design(read_histories(rows), (Window(drug="X", first=0, last=20),))).effects[0]
    assert effect.ratio == effect.low == 0.0
    assert 0 < effect.high < 1


def test_a_window_that_holds_every_event_has_no_upper_limit_and_a_lower_one() -> None:
    rows = []
    for at in range(6):
        dose = 20 + 10 * at
        rows += person(
            str(at), ("observation", "", 0, 99), ("exposure", "X", dose, None), ("event", "E", dose + 3, None)
        )
    effect = fit(design(read_histories(rows), (Window(drug="X", first=0, last=19),))).effects[0]
    # Six events of six in a fifth of the time: p at the limit is exp(−1.92 / 6), its odds are 4 times less.
    limit = np.exp(-1.9207 / 6)
    assert effect.ratio == effect.high == np.inf
    assert effect.low == pytest.approx(4 * limit / (1 - limit), rel=1e-3)
    assert 0.975 < chance(effect) < 1


def test_events_that_stop_exposures_bias_the_plain_fit_and_not_the_other() -> None:
    """Every dose planned after the event is not given: only what precedes the event may be read."""
    draw = np.random.default_rng(2)
    rows = []
    for at in range(1500):
        dose = int(draw.integers(20, 180))
        risk = np.ones(200)
        risk[dose : dose + 21] *= 3
        event = int(draw.choice(200, p=risk / risk.sum()))
        given = [("exposure", "X", dose, None)] if dose <= event else []
        rows += person(str(at), ("observation", "", 0, 199), *given, ("event", "E", event, None))
    histories = read_histories(rows)
    windows = (Window(drug="X", first=0, last=20),)
    good = fit_event_dependent(histories, windows).effects[0]
    plain = fit(design(histories, windows)).effects[0]
    assert good.low < 3 < good.high
    assert plain.low > 3


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((("event", "E", 5, None),), "aucune période"),
        ((("observation", "", 0, 50), ("observation", "", 40, 90), ("event", "E", 5, None)), "chevauchent"),
        (
            (
                ("observation", "", 0, 50),
                ("event", "E", 5, None),
                ("death", "", 20, None),
                ("exposure", "X", 30, None),
            ),
            "après le décès",
        ),
        ((("observation", "", 0, 50), ("event", "E", 70, None)), "hors de la période"),
        ((("observation", "", 0, 50),), "aucun événement"),
        ((("observation", "", 50, 0), ("event", "E", 5, None)), "finit avant"),
        ((("observation", "", 0, 50), ("event", "", 5, None)), "pas de nom"),
        ((("observation", "", 0, 60_000), ("event", "E", 5, None)), "130 ans"),
        (
            (
                ("observation", "", 0, 50),
                ("event", "E", 5, None),
                ("death", "", 20, None),
                ("death", "", 30, None),
            ),
            "plusieurs dates de décès",
        ),
    ],
)
def test_a_wrong_history_is_set_aside_with_its_reason(rows: tuple[Any, ...], said: str) -> None:
    good = person("b", ("observation", "", 0, 50), ("exposure", "X", 1, None), ("event", "E", 5, None))
    histories = read_histories([*person("a", *rows), *good])
    assert histories.persons == ["b"]
    assert said in histories.rejected[0].reason


def test_the_posterior_moves_from_the_prior_to_the_plain_ratio() -> None:
    prior = Prior(2.0, 2.0, 2.0, 2.0, 0.5)
    expected = np.array([0.5, 5.0, 500.0])
    shrunk = shrink(4 * expected, expected, prior)
    assert np.all(np.diff(shrunk.mean) > 0)
    assert shrunk.mean[2] == pytest.approx(4, rel=0.02)
    assert np.all((shrunk.low < shrunk.mean) & (shrunk.mean < shrunk.high))


def test_the_gradient_of_the_prior_leads_to_a_minimum() -> None:
    draw = np.random.default_rng(4)
    expected = draw.gamma(1.0, 2.0, 3000)
    ratio = np.where(draw.random(3000) < 0.1, draw.gamma(6.0, 1.0, 3000), draw.gamma(4.0, 0.25, 3000))
    count = draw.poisson(expected * ratio).astype(float)
    count, expected = count[count > 0], expected[count > 0]
    prior = fit_prior(count, expected)
    for at in range(5):
        for factor in (0.97, 1.03):
            moved = list(prior.parameters)
            moved[at] *= factor
            assert negative_log_likelihood(tuple(moved), count, expected) >= prior.loss


def test_pairs_that_were_linked_come_first_and_keep_their_counts(records: dict[str, pa.Table]) -> None:
    pairs = count_pairs(records["reports"])
    shrunk = shrink(pairs.count, pairs.expected, modelling.prior_of(records["reports"]))
    first = {(pairs.drug[at], pairs.event[at]) for at in np.argsort(-shrunk.low)[:3]}
    assert first == {("produit C", "œdème"), ("produit F", "vertige"), ("produit H", "toux")}
    told = ratios(pairs)
    assert np.all((told.ror_low < told.ror) & (told.ic_low < told.ic))
    assert (
        sum(one.seen for one in by_period(records["reports"], "produit C", "œdème"))
        == pairs.count[list(zip(pairs.drug, pairs.event, strict=True)).index(("produit C", "œdème"))]
    )


def test_a_rising_pair_has_a_rising_trend() -> None:
    from eclaireur.cases.drug_effects.disproportion import Period

    def course(seen: list[int]) -> tuple[Period, ...]:
        return tuple(
            Period(first=date(2020, 1, 1), seen=one, expected=5.0, ic=0, low=0, high=0) for one in seen
        )

    rising, flat = trend(course([4, 8, 16, 32, 64])), trend(course([10, 9, 11, 10, 10]))
    assert rising is not None
    assert rising[0] == pytest.approx(2, rel=0.02)
    assert rising[1] > 1
    assert flat is not None
    assert flat[1] < 1 < flat[2]
    assert trend(course([1, 2])) is None


def test_a_masked_pair_shows_without_the_drug_that_hides_it() -> None:
    rows = [(f"m{at}", "masque", "E") for at in range(300)]
    rows += [(f"n{at}", f"autre {at % 9}", "F") for at in range(300)]
    rows += [(f"o{at}", f"autre {at % 9}", "E") for at in range(9)]
    rows += [(f"p{at}", "X", "E" if at < 15 else "F") for at in range(45)]
    table = pa.table(dict(zip(("report", "drug", "event"), map(list, zip(*rows, strict=True)), strict=True)))
    found = masking(table, "X", "E")[0]
    assert found.drug == "masque"
    assert found.ic < 0 < found.low_without


def test_every_report_has_blocks_that_draw(records: dict[str, pa.Table]) -> None:
    prior = modelling.prior_of(records["reports"])
    funnels = 0
    for name in reporting.TITLES:
        blocks = reporting.made(
            name, records, prior, about="produit C × œdème", table=None, seed=1, progress=quiet
        )
        assert blocks
        funnels += sum(isinstance(block, Funnel) for block in blocks)
        assert all(lay_out(block) for block in blocks if isinstance(block, Chart))
    assert funnels
    with pytest.raises(BadValueError, match="couple attendu"):
        reporting.made("pair", records, prior, about="x", table=None, seed=1, progress=quiet)


def candidates() -> pa.Table:
    rows = [row | {"person": str(row["person"])} for row in sample.histories(9, count=120)]
    return pa.Table.from_pylist(rows)


def test_a_scored_event_table_says_the_risk_of_each_exposure_and_why_rows_are_out(
    records: dict[str, pa.Table],
) -> None:
    table = candidates()
    fitted = case.train(records, case.examples(records), as_of=date(2030, 1, 1), seed=1, progress=quiet)
    scored = case.score(table, records, fitted.card, fitted.artefacts.__getitem__, progress=quiet)
    assert scored.num_rows == table.num_rows
    rows = scored.to_pylist()
    effect = next(row for row in rows if row["value"] == "produit A" and row["score"] is not None)
    assert effect["low"] < sample.EFFECT < effect["high"]
    out = [row for row in rows if not row["kept"]]
    assert out
    assert all(row["rejection"] for row in out)
    unexposed = table.filter(pc.invert(pc.is_in(table["category"], pa.array(["exposure", "purchase"]))))
    with pytest.raises(EmptyTableError, match="exposition"):
        case.score(unexposed, records, fitted.card, fitted.artefacts.__getitem__, progress=quiet)


def test_drawn_persons_keep_their_own_events_and_doses() -> None:
    histories = world(3, 2.0, count=20)
    drawn = histories.drawn(np.array([4, 4, 7]))
    assert drawn.event_day.tolist() == histories.event_day[[4, 4, 7]].tolist()
    assert drawn.dose_day.tolist() == histories.dose_day[[4, 4, 7]].tolist()
    assert dataclasses.replace(drawn, persons=["a", "b", "c"]).dose_person.tolist() == [0, 1, 2]


def test_the_stated_power_is_that_of_simulated_studies() -> None:
    draw = np.random.default_rng(6)
    events, ratio, share = 150, 1.8, 0.12
    inside = ratio * share / (ratio * share + 1 - share)
    seen = draw.binomial(events, inside, 20_000) / events
    seen = np.clip(seen, 1e-9, 1 - 1e-9)
    test = 2 * events * (seen * np.log(seen / share) + (1 - seen) * np.log((1 - seen) / (1 - share)))
    assert power(events, ratio, share) == pytest.approx((test > 3.8415).mean(), abs=0.03)


def test_a_delayed_exposure_and_a_cut_observation_are_noticed() -> None:
    rows: list[dict[str, Any]] = []
    cut: list[dict[str, Any]] = []
    draw = np.random.default_rng(8)
    for at in range(400):
        dose, event = int(draw.integers(30, 250)), int(draw.integers(0, 300))
        late = event + 15 if 0 < dose - event < 15 else dose
        end = min(event + int(draw.integers(0, 20)), 299) if at % 2 else 299
        for into, when, last in ((rows, late, 299), (cut, dose, end)):
            into.extend(
                person(
                    str(at),
                    ("observation", "", 0, last),
                    ("exposure", "X", when, None),
                    ("event", "E", event, None),
                )
            )

    assert before_exposure(read_histories(rows))[0].high < 1
    assert not before_exposure(world(7, 3.0))[0].suspect
    assert truncation(read_histories(cut)).low > 1
    assert not truncation(sample.lagged_world(2, persons=600)[0]).suspect


def test_calibration_on_negative_controls_moves_and_widens() -> None:
    draw = np.random.default_rng(9)
    errors = draw.uniform(0.05, 0.2, 200)
    found = systematic_error((draw.normal(0.3, 0.2, 200) + draw.normal(0, errors)).tolist(), errors.tolist())
    assert found.mean == pytest.approx(0.3, abs=0.06)
    assert found.spread == pytest.approx(0.2, abs=0.05)
    effect = fit(design(world(2, 3.0), (Window(drug="X", first=0, last=20),))).effects[0]
    moved = calibrated(effect, found)
    assert moved.ratio < effect.ratio
    assert moved.high / moved.low > effect.high / effect.low
