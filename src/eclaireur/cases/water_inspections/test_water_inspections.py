"""What is particular to water_inspections: reading, seasons, mornings, plan, follow-up, oddities."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from eclaireur.cases.water_inspections import (
    case,
    documented,
    followup,
    naiades,
    reports,
    sample,
)
from eclaireur.cases.water_inspections.columns import matrix, prepared, rows_for
from eclaireur.cases.water_inspections.features import FEATURES
from eclaireur.cases.water_inspections.programmes import PROGRAMMES, programme_of
from eclaireur.core.case import Artefact, Fitted, Records, quiet
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.view import Facts, Funnel, Map, Table

SEED = 3
DAY = date(2015, 6, 1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("water")
    sample.write(folder, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def records(raw: Path) -> Records:
    return case.records("sample", raw, outcomes=None, progress=quiet)


@pytest.fixture(scope="module")
def fitted(records: Records) -> Fitted:
    as_of = case.data_date(records) + timedelta(days=1)
    return case.train(records, case.examples(records), as_of=as_of, seed=SEED, progress=quiet)


@pytest.fixture(scope="module")
def artefact(fitted: Fitted) -> Artefact:
    return lambda name: fitted.artefacts[name]


# ---- reading


def test_codes_that_a_spreadsheet_took_for_numbers_are_repaired() -> None:
    assert {str(documented.identify(text)) for text in ("06011000", "6011000", " 6011000.0 ")} == {
        "station:06011000"
    }
    assert documented.identify("Montrose-Beach").key == "Montrose-Beach"


def test_several_analyses_of_a_day_are_one_measurement_and_other_units_are_left_out(tmp_path: Path) -> None:
    import gzip

    lines = [
        "code_station,libelle_station,date_prelevement,resultat,symbole_unite",
        "06000001,A,2020-01-05,20,mg(NO3)/L",
        "06000001,A,2020-01-05,34,mg(NO3)/L",
        "06000001,A,2020-02-05,900,mg(CO3)/L",
        "06000002,B,2020-01-06,60,mg/L",
    ]
    heads = "code_station,libelle_station,nom_sous_bassin,nom_cours_eau,nom_masse_deau,libelle_commune"
    places = [
        f"{heads},latitude,longitude,date_maj_information",
        "06000001,A,Saône,Ouche,,Dijon,47.3,5.0,2020-01-01",
        "06000002,B,,,Masse,Beaune,47.3,5.1,2020-01-01",
    ]
    for name, text in (("naiades_nitrates_21", lines), ("naiades_station_21", places)):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(text).encode()))
    found = naiades.records(tmp_path)
    rows = found["measures"].to_pylist()
    assert [(row["value"], row["over"], row["over_high"]) for row in rows] == [(27.0, 1, 0), (60.0, 1, 1)]
    assert rows[0]["known"] == date(2020, 2, 4)
    # A station without a sub-basin takes that of the nearest which has one.
    assert found["stations"]["area"].to_pylist() == ["Saône", "Saône"]
    assert found["stations"]["river"].to_pylist() == ["Ouche", "Masse"]


def test_two_parameters_in_one_source_are_refused() -> None:
    parts = [
        documented.measured(
            PROGRAMMES[name],
            {"subject": pa.array(["station:a"]), "observed": pa.array([DAY]), "value": pa.array([30.0])},
        )
        for name in PROGRAMMES
    ]
    with pytest.raises(BadValueError, match="plusieurs paramètres : ecoli, nitrates"):
        programme_of({"measures": pa.concat_tables(parts)})
    with pytest.raises(EmptyTableError, match="aucune mesure"):
        programme_of({"measures": parts[0].slice(0, 0)})


def test_a_result_from_the_field_joins_the_history_once(records: Records) -> None:
    first = records["measures"].slice(0, 1).to_pylist()[0]
    rows = [
        {"outcome": f"o{index}", "subject": first["subject"], "observed": day, "known": day, "label": 1.0}
        for index, day in enumerate((first["observed"], date(2024, 2, 1)))
    ]
    from eclaireur.core.tables import outcomes_schema

    merged = documented.with_outcomes(records, pa.Table.from_pylist(rows, schema=outcomes_schema()))
    assert merged["measures"].num_rows == records["measures"].num_rows + 1
    last = case.examples(merged).to_pylist()[-1]
    assert (last["subject"], last["as_of"], last["label"]) == (first["subject"], date(2024, 2, 1), 1.0)


# ---- what the model sees


def test_no_column_moves_when_later_measurements_are_taken_away(records: Records) -> None:
    when = date(2022, 3, 1)
    measures = records["measures"]
    cut = dict(records) | {
        "measures": measures.filter(pc.less(measures["known"], pa.scalar(when, pa.date32())))
    }
    subjects = pa.chunked_array([records["stations"]["subject"].combine_chunks()])
    days = pa.chunked_array([pa.array([when] * len(subjects), pa.date32())])

    def seen(tables: Records) -> Any:
        made = prepared(tables)
        return matrix(rows_for(made, subjects, days), made)

    np.testing.assert_allclose(seen(records), seen(cut), atol=1e-12)


def test_every_value_of_every_column_is_said_in_french() -> None:
    for feature in FEATURES:
        for parameter in feature.programmes:
            for value in (float("nan"), -2.0, -0.005, 0.0, 0.4, 3.0):
                if feature.name == "month" and not 1 <= value <= 12:
                    continue
                sentence = feature.say(value, PROGRAMMES[parameter])
                assert sentence.endswith(".")
                assert "nan" not in sentence
                assert sentence[0].isupper()


def test_the_model_orders_the_sample_as_its_hidden_law_does(records: Records, artefact: Artefact) -> None:
    """Spearman's rank correlation of stated chances, for January, with the true ones of all Januaries."""
    from scipy.stats import spearmanr

    as_of = case.data_date(records) + timedelta(days=1)
    card: Any = None
    table = case.signals(records, card, artefact, as_of=as_of, progress=quiet)
    world = sample.simulate(SEED)
    usual = world.probability()[:, ::12].mean(axis=1)
    truth = {f"station:{sample._code(one)}": value for one, value in enumerate(usual)}
    quiet_ones = [row for row in table.to_pylist() if int(row["subject"][-5:]) > len(sample.PLANTED)]
    found = spearmanr(
        [row["score"] for row in quiet_ones], [truth[row["subject"]] for row in quiet_ones]
    ).statistic
    assert found > 0.75


# ---- scoring files


def test_a_station_never_seen_is_scored_from_its_place_and_season(
    records: Records, artefact: Artefact
) -> None:
    names = [field.name for field in _candidates()]
    known = records["stations"].slice(10, 1).to_pylist()[0]
    rows = [
        {"subject": "09999999", "date": day, **{key: known[key] for key in ("area", "latitude", "longitude")}}
        for day in (date(2024, 1, 10), date(2025, 7, 10))
    ]
    table = pa.Table.from_pylist(
        [{name: row.get(name) for name in names} for row in rows], schema=pa.schema(_candidates())
    )
    card: Any = None
    found = case.score(table, records, card, artefact, progress=quiet).to_pylist()
    assert [row["period"] for row in found] == [date(2024, 1, 1), date(2025, 7, 1)]
    assert found[0]["score"] > found[1]["score"]
    assert all(row["score_high"] <= row["score"] for row in found)
    assert any("Jamais mesuré" in reason["sentence"] for reason in found[0]["reasons"])


def _candidates() -> list[pa.Field]:
    texts = ("subject", "name", "area", "river", "commune")
    numbers = ("latitude", "longitude", "forecast", "rapid")
    return [
        *(pa.field(name, pa.string()) for name in texts),
        pa.field("date", pa.date32()),
        *(pa.field(name, pa.float64()) for name in numbers),
    ]


def test_a_published_file_of_beaches_is_read_month_first_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "plages.csv"
    head = "Beach,Date,Reading,Prediction,SwimStatus\n"
    path.write_text(f"{head}Foster-Beach,05/06/2016,1.0,12.5,No\nFoster-Beach,05/22/2016,,,No\n", "utf-8")
    found = case.read_candidates(path)
    assert found is not None
    assert found["date"].to_pylist() == [date(2016, 5, 6), date(2016, 5, 22)]
    assert found["forecast"].to_pylist() == [12.5, None]
    assert found["line"].to_pylist() == [2, 3]
    for row, message in (
        ("Foster-Beach,22/05/2016,,,No", "ligne 2, colonne « Date » : « 22/05/2016 »"),
        (",05/22/2016,,,No", "colonne « Beach »"),
        ("Foster-Beach,05/22/2016,,beaucoup,No", "« beaucoup » n'est pas un nombre"),
    ):
        path.write_text(f"{head}{row}\n", "utf-8")
        with pytest.raises(BadValueError, match=message):
            case.read_candidates(path)
    path.write_text("subject,date\na,2016-05-06\n", "utf-8")
    assert case.read_candidates(path) is None


# ---- reports


def make(name: str, records: Records, artefact: Artefact, about: str = "") -> tuple[Any, ...]:
    card: Any = None
    return case.report(name, records, card, artefact, about=about, table=None, seed=SEED, progress=quiet)


def test_a_plan_fills_its_capacity_with_the_highest_risks_of_each_basin(
    records: Records, artefact: Artefact
) -> None:
    facts, table, places = make("plan", records, artefact, "12")
    assert isinstance(facts, Facts)
    assert isinstance(table, Table)
    assert isinstance(places, Map)
    assert len(table.rows) == len(places.places) == 12
    areas = [row["area"] for row in table.rows]
    assert areas == sorted(areas)
    assert set(areas) == set(sample._BASINS)
    for area in areas:
        risks = [
            one.value or 0 for one, row in zip(places.places, table.rows, strict=True) if row["area"] == area
        ]
        assert risks == sorted(risks, reverse=True)


def test_a_plan_takes_a_number_for_each_basin_and_refuses_what_it_cannot_read(
    records: Records, artefact: Artefact
) -> None:
    first, second = sample._BASINS[:2]
    _, table, _ = make("plan", records, artefact, f"{first}=2, {second}=1")
    assert [row["area"] for row in table.rows] == [first, first, second]
    for about, message in (
        ("beaucoup", "capacité illisible"),
        ("Loire=3", "bassin inconnu : « Loire »"),
        ("0", "au moins 1"),
    ):
        with pytest.raises(BadValueError, match=message):
            make("plan", records, artefact, about)


def acts(*steps: tuple[str, date, str | None]) -> dict[str, pa.Table]:
    rows = [
        {
            "control": "C1",
            "subject": "station:a",
            "observed": day,
            "known": day + timedelta(days=1),
            "step": step,
            "result": result,
        }
        for step, day, result in steps
    ]
    return {"controls": pa.Table.from_pylist(rows, schema=followup.controls_schema())}


def test_a_bad_control_is_followed_from_its_letter_to_its_end() -> None:
    opened = date(2024, 1, 10)
    story = [
        ("controlled", opened, "1"),
        ("letter", date(2024, 1, 20), None),
        ("reminder", date(2024, 3, 1), None),
        ("reminder", date(2024, 4, 1), None),
        ("notice", date(2024, 5, 1), None),
        ("settled", date(2024, 6, 1), None),
    ]
    expected = [
        (date(2024, 1, 15), "Écrire au responsable", 0),
        (date(2024, 2, 1), "Attendre la réponse", 0),
        (date(2024, 2, 29), "Relancer", 10),
        (date(2024, 3, 20), "Relancer", 4),
        (date(2024, 4, 30), "Mettre en demeure", 14),
        (date(2024, 7, 1), "", 0),
    ]
    for when, action, late in expected:
        (one,) = followup.follow_ups(acts(*story), when)
        assert (one.action, one.late, one.opened) == (action, late, opened)
    assert one.ended == date(2024, 6, 1)
    assert not followup.follow_ups(acts(("controlled", opened, "0")), date(2024, 7, 1))


def test_the_follow_up_counts_what_is_open_and_puts_the_most_overdue_first(
    records: Records, artefact: Artefact
) -> None:
    facts, steps, table, ended = make("followup", records, artefact)
    assert isinstance(steps, Funnel)
    counts = dict(facts.pairs)
    assert int(counts["Contrôles non conformes"]) == int(counts["Encore ouverts"]) + int(
        counts["Remis en conformité"]
    )
    assert len(table.rows) == int(counts["Encore ouverts"]) > 0
    assert all(row["action"] for row in table.rows)
    assert ended.rows


def test_planted_jumps_and_stuck_sensors_are_reported(records: Records, artefact: Artefact) -> None:
    tables = {name: table for name, table in records.items() if name != "controls"}
    series = reports._series(tables, case.data_date(records) + timedelta(days=1))
    from eclaireur.cases.water_inspections.sheet import changes_of

    for station, kind in sample.PLANTED.items():
        found = changes_of(series[f"station:{sample._code(station)}"], PROGRAMMES["nitrates"])
        kinds = {one.kind for one in found.found}
        # A drift is told from a shift two times in three: see docs/cases/water_inspections.md.
        assert kinds & ({"shift", "drift"} if kind == "drift" else {kind})


# ---- the files


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(raw: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    for folder, seed in ((again, SEED), (other, SEED + 1)):
        folder.mkdir()
        sample.write(folder, seed=seed)
    for path in raw.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()
        assert (other / path.name).read_bytes() != path.read_bytes()
