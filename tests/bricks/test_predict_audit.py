"""The audit by subgroup, its proxies and the gates before publishing."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.bricks.predict.audit import TOO_FEW, UNKNOWN, Group, audit, ratio_interval, top
from eclaireur.bricks.predict.gates import audited, covered, gates_table, passes, stable
from eclaireur.bricks.predict.proxies import proxies, proxy_table
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import newcombe, wilson


def group(found: tuple[Group, ...], name: str) -> Group:
    return next(one for one in found if one.group == name)


def test_every_figure_is_its_count_with_the_interval_of_counts() -> None:
    random = np.random.default_rng(1)
    labels, chosen = random.integers(0, 2, 900).astype(float), random.integers(0, 2, 900).astype(float)
    areas = random.choice(["nord", "sud", "est"], 900)
    found = group(audit(labels, chosen, {"secteur": areas}).groups, "nord").figures

    a, b = areas == "nord", areas != "nord"
    wrong_a = (chosen[a] * (1 - labels[a])).sum(), (labels[a] == 0).sum()
    wrong_b = (chosen[b] * (1 - labels[b])).sum(), (labels[b] == 0).sum()
    rate, gap = found["false_positive_rate"], found["false_positive_gap"]
    assert rate.value == pytest.approx(wrong_a[0] / wrong_a[1])
    assert (rate.low, rate.high) == pytest.approx(wilson(*wrong_a))
    assert gap.value == pytest.approx(wrong_a[0] / wrong_a[1] - wrong_b[0] / wrong_b[1])
    assert (gap.low, gap.high) == pytest.approx(newcombe(*wrong_a, *wrong_b))
    assert found["false_negative_rate"].value == pytest.approx(1 - chosen[a][labels[a] == 1].mean())
    assert found["selection_ratio"].value == pytest.approx(chosen[a].mean() / chosen[b].mean())
    assert found["precision"].value == pytest.approx(labels[a][chosen[a] == 1].mean())


def test_a_planted_gap_is_established_and_chance_is_not() -> None:
    random = np.random.default_rng(2)
    labels = (random.random(8000) < 0.2).astype(float)
    areas = random.choice(["nord", "sud"], 8000)
    fair = random.random(8000) < 0.1 + 0.4 * labels
    hard = random.random(8000) < (0.1 + 0.4 * labels) * np.where(areas == "nord", 2.0, 1.0)

    assert not audit(labels, fair, {"secteur": areas}).gaps
    found = audit(labels, hard, {"secteur": areas})
    assert group(found.groups, "nord").verdict.startswith(
        "écart : sélectionné plus souvent, sélectionné à tort"
    )
    assert "manqué plus souvent" in group(found.groups, "sud").verdict
    stated = audit(labels, fair, {"secteur": areas}, scores=np.where(areas == "nord", 0.4, 0.2))
    assert group(stated.groups, "nord").verdict == "écart : risque surestimé"
    assert "écart établi pour 2 groupes" in found.tables()[0].title


def test_a_group_of_three_says_it_is_too_small_and_rows_without_group_are_named() -> None:
    labels = [1.0, 0.0] * 100
    areas = ["nord"] * 100 + ["îlot"] * 3 + [None] * 97
    found = audit(labels, top(np.arange(200), 0.5), {"secteur": areas})

    small = group(found.groups, "îlot")
    assert small.verdict == TOO_FEW
    assert all(one.value is None for one in small.figures.values())
    assert group(found.groups, UNKNOWN).n == 97
    shown = found.tables()[0].rows[2]
    assert (shown["ratio"], shown["verdict"]) == ("trop peu", TOO_FEW)


def test_a_ratio_without_an_upper_bound_is_no_infinity_in_json() -> None:
    chosen = [1.0] * 99 + [0.0] * 100 + [1e-9]
    found = audit([1.0, 0.0] * 100, chosen, {"secteur": ["nord"] * 100 + ["sud"] * 100})
    north = [one.metric for one in found.gap_metrics() if one.group == "nord"]

    assert [one.name for one in north] == ["selection_ratio", "false_positive_gap", "false_negative_gap"]
    assert group(found.groups, "nord").figures["selection_ratio"].value is not None
    assert json.dumps([one.high for one in north], allow_nan=False)
    assert "∞" in str(found.tables()[0].rows[0]["ratio"])


def test_a_list_an_array_and_an_arrow_dictionary_give_the_same_audit() -> None:
    areas = ["b", None, "a"] * 40
    labels, chosen = [1.0, 0.0, 1.0] * 40, [1.0, 0.0, 0.0] * 40
    forms = [
        areas,
        pa.array(areas),
        pa.array(areas).dictionary_encode(),
        pa.chunked_array([areas[:50], areas[50:]]),
    ]

    audits = [audit(labels, chosen, {"secteur": one}) for one in forms]
    assert all(one == audits[0] for one in audits)
    assert [one.group for one in audits[0].groups] == ["a", "b", UNKNOWN]


def test_tied_rows_share_the_places_left() -> None:
    assert top([0.2] * 10, 0.3).tolist() == pytest.approx([0.3] * 10)
    assert top(np.arange(100), 0.05).sum() == 5
    assert top([3, 2, 1], 1.0).tolist() == [1, 1, 1]
    with pytest.raises(BadValueError, match="part sélectionnée"):
        top([1], 0)


def test_the_interval_of_a_ratio_holds_the_true_one_about_19_times_in_20() -> None:
    random = np.random.default_rng(3)
    held = [
        low <= 1.5 <= high
        for low, high in (
            ratio_interval(random.binomial(80, 0.3), 80, max(1, random.binomial(400, 0.2)), 400)
            for _ in range(1500)
        )
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)
    assert ratio_interval(0, 50, 10, 50)[0] == 0
    assert math.isnan(ratio_interval(1, 10, 0, 10)[0])


def test_what_cannot_be_audited_is_refused() -> None:
    with pytest.raises(BadValueError, match="ni 0 ni 1"):
        audit([2], [1], {})
    with pytest.raises(BadValueError, match="« secteur »"):
        audit([1, 0], [1, 0], {"secteur": ["a"]})
    with pytest.raises(BadValueError, match="entre 0 et 1"):
        audit([1], [3], {})


def test_a_column_that_stands_for_a_group_is_found_and_noise_is_not() -> None:
    random = np.random.default_rng(4)
    areas = random.choice(["nord", "sud", "est"], 3000).tolist()
    rent = np.array([{"nord": 500, "sud": 700, "est": 900}[one] for one in areas]) + random.normal(
        0, 80, 3000
    )
    absent = np.where(np.array(areas) == "sud", np.nan, 1.0)
    columns = np.column_stack([random.normal(size=3000), rent, absent])

    found = proxies(columns, ["bruit", "loyer", "absence"], areas, attribute="secteur")
    assert [one.column for one in found if one.strong] == ["absence", "loyer"]
    assert found[-1].association == pytest.approx(0.0, abs=0.06)
    assert proxy_table(found).title == "2 variables en disent beaucoup sur « secteur »"
    few = proxies(columns[:6], ["bruit", "loyer", "absence"], ["a", "b"] * 3, attribute="secteur")
    assert proxy_table(few).rows[0]["association"] == TOO_FEW


def test_an_edition_is_published_only_when_each_gate_passes() -> None:
    former = {str(at): float(at) for at in range(100)}
    turned = {name: -score for name, score in former.items()}
    closed = {name: score for name, score in former.items() if int(name) < 95}
    labels = np.array([1.0, 0.0] * 200)
    areas = ["nord"] * 200 + ["sud"] * 200
    unfair = audit(labels, np.arange(400) < 200, {"secteur": areas})

    assert stable(former, closed, top=10).value == 1.0
    assert not stable(former, turned, top=10).passed
    assert stable({}, former, top=10).sentence == "Aucune édition antérieure à comparer."
    assert covered({"01": 10}, former={"01": 15}).passed
    gone = covered({"01": 10}, former={"01": 10, "02": 8})
    assert (gone.passed, gone.sentence) == (False, "1 secteur sur 2 a trop peu de sujets : 02 (0).")
    assert not audited(unfair).passed
    assert audited(unfair, tolerated=["secteur"]).passed
    gates = [stable(former, turned, top=10), gone, audited(unfair)]
    assert not passes(gates)
    assert gates_table(gates).title == "À ne pas publier : stabilité, couverture, audit"
