"""Reports beside the list: held-out months, gates, drift, levels, curves, what would change a rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from eclaireur.bricks.predict import blend
from eclaireur.cases.restaurant_risk import case, model, reports, sample
from eclaireur.cases.restaurant_risk.features import FEATURES, TITLED
from eclaireur.cases.restaurant_risk.reports import made
from eclaireur.core.case import Fitted, Records, quiet
from eclaireur.core.errors import BadValueError, UnknownSubjectError
from eclaireur.core.figures import lay_out
from eclaireur.core.types import ModelCard
from eclaireur.core.view import Block, Chart, Facts, Table


@pytest.fixture(scope="module", autouse=True)
def small_models() -> Iterator[None]:
    """Fewer trees: these tests are about reports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blend, "Settings", partial(blend.Settings, trees=40, bags=1))
        yield


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder: Path = tmp_path_factory.mktemp("sample")
    sample.write(folder, seed=0, establishments=450)
    return case.records("sample", folder, outcomes=None, progress=quiet)


@pytest.fixture(scope="module")
def trained(records: Records) -> tuple[ModelCard, Fitted]:
    """A model that learnt until six months before the end."""
    day = case.data_date(records) - timedelta(days=180)
    fitted = case.train(records, case.examples(records), as_of=day, seed=0, progress=quiet)
    return replace(fitted.card, source="sample", as_of=day), fitted


@pytest.fixture(scope="module")
def asked(records: Records, trained: tuple[ModelCard, Fitted]) -> reports.Asked:
    card, fitted = trained
    return reports.Asked(
        records=records,
        examples=case.examples(records),
        card=card,
        model=model.load(fitted.artefacts.__getitem__),
        current=case._current,
        latest=case.data_date(records),
        about="",
        seed=0,
        progress=quiet,
    )


def title(block: Block) -> str:
    assert isinstance(block, Table)
    return block.title


def test_the_audit_says_who_is_selected_and_whether_an_edition_may_be_published(asked: reports.Asked) -> None:
    gates, *audits, proxies = made("audit", asked)

    assert isinstance(gates, Table)
    assert [row["gate"] for row in gates.rows] == ["stabilité", "couverture", "audit"]
    assert [title(one).split(" : ")[0] for one in audits] == [
        "Audit par secteur",
        "Audit par activité",
        "Audit par historique",
    ]
    history = audits[2]
    assert isinstance(history, Table)
    assert all("trop peu pour conclure" in row.values() or row["ratio"] for row in history.rows)
    assert "« secteur »" in title(proxies)


def test_drift_is_read_with_what_is_expected_and_what_came(asked: reports.Asked) -> None:
    moved, *figures = made("drift", asked)

    assert title(moved).startswith("Depuis le 05/07/2023")
    came = figures[-1]
    assert title(came).startswith("Mesuré sur")
    assert isinstance(came, Table)
    assert {row["baseline"] for row in came.rows} == {"attendu sans résultat"}


def test_levels_are_chosen_before_the_months_that_measure_them(asked: reports.Asked) -> None:
    levels, measured = made("levels", asked)

    assert isinstance(levels, Table)
    vigilance, alert = levels.rows
    assert vigilance["n"] >= alert["n"]
    assert "mesurés depuis le" in title(measured)


def test_the_readable_model_is_measured_and_drawn(asked: reports.Asked) -> None:
    table, *charts = made("readable", asked)

    assert isinstance(table, Table)
    assert "face au modèle complet" in table.note
    assert {row["name"] for row in table.rows} <= set(TITLED.values())
    assert set(TITLED) == {feature.name for feature in FEATURES}
    assert charts
    assert all(isinstance(chart, Chart) and lay_out(chart) for chart in charts)


def test_what_would_change_a_rank_names_only_what_may_change(
    records: Records, trained: tuple[ModelCard, Fitted], asked: reports.Asked
) -> None:
    card, fitted = trained
    seen = records["inspections"]["subject"][0].as_py()
    artefact = fitted.artefacts.__getitem__
    answer = case.report("change", records, card, artefact, about=seen, table=None, seed=0, progress=quiet)[0]

    assert isinstance(answer, Facts)
    assert answer.pairs[-1][0] == "Attention"
    with pytest.raises(BadValueError, match="demande un établissement"):
        made("change", asked)
    with pytest.raises(UnknownSubjectError, match="inconnu"):
        made("change", replace(asked, about="nulle part"))
