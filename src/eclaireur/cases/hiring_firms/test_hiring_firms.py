"""Firms that are likely to hire: counts, exposure, searches, gates, requests of firms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from eclaireur.bricks.space.expected import deviance
from eclaireur.cases.hiring_firms import (
    case,
    exposure,
    features,
    gates,
    law,
    measuring,
    model as modelling,
    reports,
    sample,
    searching,
)
from eclaireur.cases.hiring_firms.tables import normalise
from eclaireur.core.case import quiet
from eclaireur.core.errors import BadValueError, RefusedError, UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import outcomes_schema
from eclaireur.core.types import ModelCard
from eclaireur.core.view import Facts, Form, Table

NEXT = date(2025, 7, 1)


@dataclass(frozen=True)
class Ready:
    raw: dict[str, pa.Table]
    records: dict[str, pa.Table]
    card: ModelCard
    files: dict[str, bytes]

    @property
    def model(self) -> modelling.Model:
        return modelling.load(self.files.__getitem__)


@pytest.fixture(scope="module")
def ready() -> Ready:
    raw = sample.tables(seed=5, firms=400)
    records = normalise(raw)
    fitted = case.train(records, case.examples(records), as_of=NEXT, seed=1, progress=quiet)
    return Ready(raw=raw, records=records, card=fitted.card, files=dict(fitted.artefacts))


def test_held_out_half_years_are_expected_better_than_by_a_line_for_each_area(ready: Ready) -> None:
    held = measuring.held_out(ready.records, case.examples(ready.records), seed=1, progress=quiet)
    assert set(np.unique(held.periods)) == {0, 1, 2}
    assert deviance(held.counts, held.model) < 0.95 * deviance(held.counts, held.linear)
    assert abs(held.model.sum() / held.counts.sum() - 1) < 0.2


def test_what_each_column_adds_makes_the_expected_hirings(ready: Ready) -> None:
    rows = features.open_rows(ready.records["establishments"], NEXT)
    judged = modelling.judge(ready.model, rows, ready.records)
    added = ready.model.contributions(judged.columns)
    assert np.log(judged.expected) == pytest.approx(added.sum(axis=1), abs=1e-9)
    assert (np.argsort(judged.expected) == np.argsort(judged.score, kind="stable")).mean() > 0.9


def test_a_firm_that_asked_to_leave_is_nowhere(ready: Ready) -> None:
    gone = str(case.identify(ready.raw["requests"]["subject"][1].as_py()))
    for name, table in ready.records.items():
        if name != "withdrawn" and "subject" in table.column_names:
            assert gone not in table["subject"].to_pylist()
    for as_of in (NEXT, date(2024, 7, 1)):
        table = case.signals(ready.records, ready.card, ready.files.__getitem__, as_of=as_of, progress=quiet)
        assert gone not in table["subject"].to_pylist()
    with pytest.raises(UnknownSubjectError):
        case.sheet(Subject.parse(gone), ready.records)
    asked = pa.table(
        {
            "subject": [gone],
            "date": [NEXT],
            **{name: pa.nulls(1, pa.string()) for name in ("naf", "band", "area")},
        }
    )
    with pytest.raises(BadValueError, match="ne plus figurer"):
        case.score(asked, ready.records, ready.card, ready.files.__getitem__, progress=quiet)


def test_of_a_territory_never_seen_it_is_said_that_it_is_not_known(ready: Ready) -> None:
    asked = {
        "subject": ["83283779300021"],
        "date": [NEXT],
        "naf": ["8710A"],
        "band": ["21"],
        "area": ["Corse"],
    }
    found = case.score(
        pa.table(asked), ready.records, ready.card, ready.files.__getitem__, progress=quiet
    ).to_pylist()[0]
    said = [reason["sentence"] for reason in found["reasons"]]
    assert "Territoire peu connu." in said
    assert not any("ce territoire embauchent" in sentence for sentence in said)
    assert 0 < found["score"] < 1


def test_a_correction_replaces_what_is_said_of_a_firm(ready: Ready) -> None:
    corrected = str(case.identify(ready.raw["requests"]["subject"][0].as_py()))
    places = ready.records["establishments"]
    name = places.filter(pc.equal(places["subject"], corrected))["name"][0].as_py()
    assert name == "Nom corrigé"
    wrong = ready.raw["requests"].slice(0, 1).drop_columns(["value"]).append_column("value", pa.nulls(1))
    with pytest.raises(BadValueError, match="ne dit pas"):
        normalise({**ready.raw, "requests": wrong})


def test_a_firm_that_opens_within_a_half_year_counts_for_the_days_it_is_open() -> None:
    raw = sample.tables(seed=5, firms=1)
    firm = {**raw["establishments"].to_pylist()[0], "opened": date(2024, 10, 1)}
    raw["establishments"] = pa.Table.from_pylist([firm], schema=raw["establishments"].schema)
    starts = [date(2024, 1, 1), date(2024, 7, 1), date(2025, 1, 1)]
    raw["hirings"] = pa.table({"subject": [firm["subject"]] * 3, "start": starts, "count": [0, 1, 2]})
    rows = case.examples(normalise({**raw, "requests": raw["requests"].slice(0, 0)})).to_pylist()
    assert [(row["as_of"], row["exposure"], row["label"]) for row in rows] == [
        (date(2024, 10, 1), pytest.approx(92 / 184), 1.0),
        (date(2025, 1, 1), 1.0, 1.0),
    ]


@pytest.mark.parametrize(
    ("day", "label", "told"),
    [
        # A firm that hired did so once in its half-year; one that did not says so until the day it was asked.
        (date(2025, 8, 30), 1.0, (date(2025, 7, 1), 1.0, 1)),
        (date(2025, 9, 30), 0.0, (date(2025, 7, 1), pytest.approx(92 / 184), 0)),
        (date(2025, 3, 1), 1.0, None),  # that half-year is counted: the count stays
    ],
)
def test_what_a_firm_answered_is_learnt_from_until_its_half_year_is_counted(
    ready: Ready, day: date, label: float, told: tuple[date, float, int] | None
) -> None:
    counted = ready.records["hirings"].filter(pc.equal(ready.records["hirings"]["start"], NEXT))
    assert not counted.num_rows
    subject = ready.records["hirings"]["subject"][0].as_py()
    row = {"outcome": "1", "subject": subject, "observed": day, "known": day, "label": label}
    outcomes = pa.Table.from_pylist([{**row, "origin": "decision"}], schema=outcomes_schema())
    found = case.examples({**ready.records, "outcomes": outcomes}).to_pylist()
    made = [(one["as_of"], one["exposure"], one["count"]) for one in found if one["origin"] == "decision"]
    assert made == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("hirings", "start", date(2024, 2, 1), "un semestre commence"),
        ("hirings", "count", -1, "négatif"),
        ("establishments", "band", "77", "tranche d'effectif inconnue"),
    ],
)
def test_a_wrong_value_is_named(ready: Ready, table: str, column: str, value: object, said: str) -> None:
    one = ready.raw[table]
    rows = [{**one.to_pylist()[0], column: value}]
    with pytest.raises(BadValueError, match=said):
        normalise({**ready.raw, table: pa.Table.from_pylist(rows, schema=one.schema)})


def test_the_law_makes_larger_firms_hire_more_and_the_same_seed_the_same_hirings() -> None:
    bands = ["01"] * 500 + ["21"] * 500
    first = law.draw(["5610A"] * 1000, bands, ["A"] * 1000, half_years=2, seed=3)
    again = law.draw(["5610A"] * 1000, bands, ["A"] * 1000, half_years=2, seed=3)
    assert (first.counts == again.counts).all()
    assert first.counts[500:].mean() > 5 * first.counts[:500].mean()


def test_firms_are_shown_as_often_as_their_chance_says_and_never_above_the_cap() -> None:
    weights = np.array([50.0, 5.0, 3.0, 1.0, 1.0, 1.0, 0.5, 0.0])
    chance = exposure.chances(weights, 3, cap=0.6)
    assert chance.sum() == pytest.approx(3)
    assert chance.max() <= 0.6
    assert chance[-1] == 0
    days = [date.fromordinal(700_000 + day) for day in range(1000)]
    drawn = [exposure.shown(weights, day=day, search="a", places=3, cap=0.6) for day in days]
    assert all(len(set(one.tolist())) == 3 for one in drawn)
    often = np.bincount(np.concatenate(drawn), minlength=8) / len(days)
    assert often == pytest.approx(chance, abs=0.06)


def test_caps_take_views_from_the_most_seen_firms_and_give_them_to_others() -> None:
    random = np.random.default_rng(0)
    weights = random.lognormal(0, 1.5, (1, 400))
    searches = np.zeros(200, dtype=np.int64)
    drawn = exposure.played(weights, searches, seed=0)
    plain = exposure.played(weights, searches, seed=0, shuffled=False)
    assert drawn.sum() == plain.sum() == 200 * exposure.PLACES
    assert exposure.top_share(drawn, 0.05) < 0.4 * exposure.top_share(plain, 0.05)
    assert drawn.max() <= exposure.MOST_VIEWS


def ask(ready: Ready, about: str) -> tuple[Facts, Table]:
    blocks = reports.made("search", ready.records, ready.model, about=about, seed=0)
    facts, table = blocks[0], blocks[1]
    assert isinstance(facts, Facts)
    assert isinstance(table, Table)
    return facts, table


def test_a_search_keeps_to_the_radius_changes_every_day_and_stays_all_day(ready: Ready) -> None:
    about = "metier=restauration commune=Port-Clair rayon=40 jour="
    first, again, other = (
        ask(ready, about + day)[1].rows for day in ("2025-07-01", "01/07/2025", "2025-07-02")
    )
    assert first == again
    assert first != other
    assert all(float(row["away"].replace(",", ".")) <= 40 for row in first)
    small = ask(ready, "metier=G1603 commune=Port-Clair rayon=40 taille=10-49 jour=2025-07-01")[1].rows
    known = ready.records["establishments"].to_pylist()
    bands = {row["subject"].partition(":")[2]: row["band"] for row in known}
    assert {bands[row["subject"]] for row in small} <= {"11", "12"}
    assert small


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("metier=G1609 commune=Port-Clair", "G1603"),
        ("metier=maconeri commune=Port-Clair", "F1703"),
        ("metier=D1102 commune=Port-Cler", "Port-Clair"),
        ("metier=D1102 commune=Port-Clair rayon=-3", "kilomètres"),
        ("metier=D1102 commune=Port-Clair taille=moyenne", "taille=10-49"),
        ("metier=D1102", "commune"),
        ("couleur=bleu", "critère inconnu"),
        ("un emploi", "illisible"),
    ],
)
def test_a_search_that_cannot_be_answered_says_what_is_near(ready: Ready, about: str, said: str) -> None:
    with pytest.raises(BadValueError) as caught:
        ask(ready, about)
    assert said in str(caught.value)


def test_without_a_search_the_form_is_shown(ready: Ready) -> None:
    (form,) = reports.made("search", ready.records, ready.model, about="", seed=0)
    assert isinstance(form, Form)


def test_an_area_with_too_few_firms_is_not_published(ready: Ready) -> None:
    places = ready.records["establishments"]
    here = places.filter(pc.equal(places["area"], "Littoral")).slice(0, 6)
    few = pa.concat_tables([here, places.filter(pc.not_equal(places["area"], "Littoral"))])
    now = gates.today({**ready.records, "establishments": few}, ready.model)
    found = gates.gates(now)
    assert [gate.area for gate in found if not gate.holds] == ["Littoral"]
    gates.require(found, {"Plaine"})
    with pytest.raises(RefusedError, match="rien n'est publié"):
        gates.require(found, {"Littoral", "Plaine"})


def test_near_jobs_are_those_of_the_table(ready: Ready) -> None:
    jobs = searching.Jobs.read(ready.records)
    assert jobs.near["D1102"] == ("D1106",)
    assert jobs.find("Boulangerie et viennoiserie") == "D1102"
    shares = sum(jobs.part(rome, ["5610A"])[0] for rome in jobs.names)
    assert shares == pytest.approx(1.0)
