"""What is particular to this case: search, candidates, suspects, filters, source profiles."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cases.unknown_molecules import (
    case,
    feature_table,
    formats,
    fragmenter,
    freezing,
    library,
    masses,
    model as modelling,
    open_search,
    profiles,
    reports,
    sample,
    source_reports,
    spectra,
    suspects,
    tables,
    writing,
)
from eclaireur.cases.unknown_molecules.formulas import formulas, isotope_fit
from eclaireur.cases.unknown_molecules.telling import tell
from eclaireur.core.case import Records, quiet
from eclaireur.core.errors import BadValueError, MissingColumnError, UnknownSubjectError
from eclaireur.core.figures import lay_out
from eclaireur.core.view import Chart, Funnel, Table

MGF = """BEGIN IONS
TITLE=un
PEPMASS=195.0877 1000
CHARGE=1+
RTINSECONDS=120
IONMODE=positive
110.0713 10
138.0662 100
195.0877 50
END IONS
BEGIN IONS
TITLE=deux
PEPMASS=195.0877
138.0662 -4
END IONS
BEGIN IONS
TITLE=trois
138.0662 4
END IONS
BEGIN IONS
TITLE=quatre
PEPMASS=195.0877
138.0662 4
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder = tmp_path_factory.mktemp("raw")
    case.fetch("sample", folder, seed=0, progress=quiet)
    return case.records("sample", folder, outcomes=None, progress=quiet)


@pytest.fixture(scope="module")
def model(records: Records) -> dict[str, Any]:
    when = case.data_date(records) + timedelta(days=1)
    fitted = case.train(records, case.examples(records), as_of=when, seed=0, progress=quiet)
    return {"card": fitted.card, "artefact": lambda name: fitted.artefacts[name]}


def rows(path: Path, text: str) -> list[dict[str, Any]]:
    path.write_text(text, encoding="utf-8")
    return list(formats.read_rows(path))


def test_similarity_is_that_of_ms_entropy(records: Records) -> None:
    from ms_entropy import calculate_entropy_similarity  # type: ignore[import-untyped]

    some = records["spectra"].slice(0, 12).to_pylist()
    ready = [library.query_of(row["precursor"], row["mode"], row["mz"], row["intensity"]) for row in some]
    peaks = [np.column_stack([row["mz"], row["intensity"]]).astype(np.float32) for row in some]
    values = []
    for at in range(11):
        one, other = ready[at], ready[at + 1]
        assert one is not None
        assert other is not None
        theirs = calculate_entropy_similarity(peaks[at], peaks[at + 1], ms2_tolerance_in_da=library.FRAGMENTS)
        assert library.similarity(one, other) == pytest.approx(theirs, abs=1e-5)
        values.append(theirs)
    assert max(values) > 0.3


def test_identity_and_open_searches_give_the_same_similarity(records: Records) -> None:
    made = modelling.bench(records)
    row = records["samples"].slice(0, 1).to_pylist()[0]
    query = library.query_of(row["precursor"], row["mode"], row["mz"], row["intensity"])
    assert query is not None
    hits = library.identity(made.library, query)
    every = open_search.Seeker(made.library).similarities(query)
    assert len(hits.at) > 1
    assert every[hits.at] == pytest.approx(hits.similarity, abs=1e-4)
    assert (np.abs(made.library.precursor[hits.at] - query.precursor) <= query.precursor * 1e-5).all()


def test_the_probability_of_candidates_and_of_none_sum_to_one(
    records: Records, model: dict[str, Any]
) -> None:
    told = tell(
        records["samples"], records["spectra"], modelling.bench(records), modelling.load(model["artefact"])
    )
    for one in told[:-1]:
        assert sum(each.chance for each in one.candidates) + one.none == pytest.approx(1.0, abs=0.02)
    strangers = [one for at, one in enumerate(told[:-1]) if at % 4 == 3]
    known = [one for at, one in enumerate(told[:-1]) if at % 4 != 3]
    assert np.mean([one.none for one in strangers]) > 0.8
    assert np.mean([one.none for one in known]) < 0.3
    assert all(one.why_none for one in told if not one.accepted)
    assert all(one.level <= 2 for one in told if one.accepted)


def test_score_gives_a_row_a_spectrum_with_candidates_or_the_reason(
    records: Records, model: dict[str, Any], tmp_path: Path
) -> None:
    first = records["samples"].slice(0, 1).to_pylist()[0]
    path = tmp_path / "a.mgf"
    path.write_text(writing.mgf_text([first]) + MGF.partition("END IONS\n")[2], encoding="utf-8")
    table = case.read_candidates(path)
    assert table is not None
    found = case.score(
        table.drop_columns(["line"]), records, model["card"], model["artefact"], progress=quiet
    )
    lines = found.to_pylist()
    assert [line["kept"] for line in lines] == [True, False, False, False]
    assert lines[0]["name"] == "molécule fictive 01"
    assert json.loads(lines[0]["candidates"])[0]["inchikey"] == lines[0]["inchikey"]
    assert lines[0]["level"] == 2
    assert lines[1]["rejection"]
    assert lines[1]["score"] is None


def test_a_plain_table_is_scored_as_the_file_is(records: Records, model: dict[str, Any]) -> None:
    row = records["samples"].slice(0, 1).to_pylist()[0]
    peaks = " ".join(f"{mz}:{height}" for mz, height in zip(row["mz"], row["intensity"], strict=True))
    plain = pa.table(
        {
            "spectrum": ["x"],
            "precursor": [row["precursor"]],
            "mode": ["positif"],
            "peaks": [peaks],
            "retention": [None],
        }
    )
    found = case.score(plain, records, model["card"], model["artefact"], progress=quiet).to_pylist()[0]
    assert found["name"] == "molécule fictive 01"
    assert found["accepted"]


def test_isotopes_lower_what_they_contradict_and_are_told(
    records: Records, model: dict[str, Any], tmp_path: Path
) -> None:
    row = records["samples"].slice(0, 1).to_pylist()[0]
    chlorine = row | {
        "ms1_mz": [row["precursor"] + one for one in (0.0, 1.0034, 1.9972)],
        "ms1_intensity": [100.0, 16.0, 64.0],
    }
    asked = spectra.table_of([row, chlorine | {"spectrum": "chloré"}])
    fits, against = case.score(asked, records, model["card"], model["artefact"], progress=quiet).to_pylist()
    assert f"conformes à {fits['formula']}" in fits["isotopes"]
    assert f"isotopes conformes à {fits['formula']}" in fits["evidence"]
    assert "contraires à" in against["isotopes"]
    assert against["score"] <= fits["score"]
    assert any(one["theme"] == "isotopes" and one["weight"] < 0 for one in against["reasons"])
    path = tmp_path / "signaux.csv"
    path.write_text(
        f"id;m/z;rt;mode;A_1;A_2\n1;{row['precursor']};3;+;5;6\n2;400,4;3;+;5;6\n", encoding="utf-8"
    )
    table = case.read_candidates(path)
    assert table is not None
    bare = case.score(table, records, model["card"], model["artefact"], progress=quiet).to_pylist()
    assert all("sans spectre de fragments" in one["why_none"] for one in bare)
    assert fits["formula"] in bare[0]["why_none"]
    assert "aucune formule" in bare[1]["why_none"]


def test_only_an_own_standard_at_the_same_time_confirms(records: Records, model: dict[str, Any]) -> None:
    mine = records["spectra"].slice(0, 1)
    level = {}
    for name, gap in (("same", 0.0), ("late", 1.0)):
        row = mine.to_pylist()[0]
        row |= {"spectrum": "terrain", "retention": row["retention"] + gap}
        level[name] = case.score(
            spectra.table_of([row]), records, model["card"], model["artefact"], progress=quiet
        ).to_pylist()[0]
    assert level["same"]["level"] == 1
    assert "étalon du même laboratoire" in level["same"]["evidence"]
    assert level["late"]["level"] > 1
    held = case.score(mine, records, model["card"], model["artefact"], progress=quiet).to_pylist()[0]
    assert not held["library_spectrum"].startswith("A-")


def test_one_compound_drawn_in_two_ways_is_given_the_usual_key(
    records: Records, model: dict[str, Any]
) -> None:
    rows_of = records["spectra"].to_pylist()
    for row in rows_of:
        if row["name"] == "molécule fictive 01" and row["laboratory"] == "laboratoire A":
            row["inchikey"] = "ZZZZZZZZZZZZZZ-UHFFFAOYSA-N"
    usual = next(row["inchikey"] for row in rows_of if row["spectrum"].startswith("B-001"))
    asked = records["samples"].slice(0, 1)
    changed = {"spectra": spectra.table_of(rows_of), "samples": asked}
    found = case.score(asked, changed, model["card"], model["artefact"], progress=quiet).to_pylist()[0]
    assert found["inchikey"] == usual


def test_every_report_of_the_samples_is_made_and_drawn(records: Records, model: dict[str, Any]) -> None:
    def made(name: str, **given: Any) -> Any:
        asked = {"about": "", "table": None} | given
        return case.report(name, records, model["card"], model["artefact"], seed=0, progress=quiet, **asked)

    table, funnel = made("candidates")
    assert len(table.rows) >= records["samples"].num_rows
    assert funnel.steps[0] == ("spectres", 25)
    charts = [block for block in made("spectrum", about="prélèvement 1 pic 1") if isinstance(block, Chart)]
    assert charts[0].title.startswith("Isotopes M+1")
    assert [one.name for one in charts[0].series] == ["mesuré", "attendu de C14H22N4O"]
    assert charts[1].form == "mirror"
    assert all(lay_out(one).parts for one in charts)
    assert made("rejected")[0].rows[0]["why"].startswith("intensité négative")
    near = made("analogues", about="prélèvement 1 pic 1")[0].rows
    assert near[0]["name"] == "molécule fictive 01"
    assert {row["how"] for row in near} == {"mêmes fragments", "mêmes pertes"}
    assert len(made("formulas", about="prélèvement 1 pic 1")[0].rows) > 0
    with pytest.raises(UnknownSubjectError):
        made("spectrum", about="inconnu")
    with pytest.raises(BadValueError):
        made("suspects")


def test_suspects_are_found_by_mass_and_wrong_lines_set_aside(
    records: Records, model: dict[str, Any]
) -> None:
    row = records["spectra"].slice(0, 1).to_pylist()[0]
    listed = pa.table(
        {
            "Nom": ["bon", "faux", "négatif"],
            "Formule": [row["formula"], "C8Xx2", ""],
            "Masse": ["", "", "-12"],
            "RT": ["3,5", "", ""],
        }
    )
    kept, refused = suspects.read_suspects(listed)
    assert refused[1] == (4, "masse négative ou nulle : -12.")
    assert refused[0][0] == 3
    assert "Xx" in refused[0][1]
    assert kept[0].retention == 3.5
    found = suspects.look_for([row], kept, masses.parse_tolerance("10 ppm"))
    assert [(one.suspect.name, one.adduct) for one in found] == [("bon", "[M+H]+")]
    with pytest.raises(MissingColumnError):
        suspects.read_suspects(pa.table({"x": [1]}))
    blocks = reports.made(
        "suspects",
        records,
        modelling.load(model["artefact"]),
        about="10 ppm",
        table=listed,
        seed=0,
        progress=quiet,
    )
    assert isinstance(blocks[0], Table)
    assert blocks[0].rows[0]["name"] == "bon"


def test_fragments_and_formulas_explain_a_known_spectrum() -> None:
    caffeine = masses.formula_mass("C8H10N4O2")
    assert "C8H10N4O2" in [one.text for one in formulas(caffeine, ppm=2)[:3]]
    shares = [share for _, share in masses.isotope_pattern("C6H5Cl")]
    assert isotope_fit(masses.parse_formula("C6H5Cl"), shares) > 0.99 > isotope_fit({"C": 7, "H": 14}, shares)
    isoproturon = ([72.0444, 134.0964, 165.1022, 207.1492], [445.0, 1.0, 125.0, 999.0])
    mine = fragmenter.explain("CC(C)C1=CC=C(NC(=O)N(C)C)C=C1", *isoproturon)
    other = fragmenter.explain("CCCCCCOC(=O)c1ccccc1", *isoproturon)
    assert mine.share > 0.95
    assert other.share < 0.3
    with pytest.raises(BadValueError, match="illisible"):
        fragmenter.fragment_masses("C(C")


def test_an_archive_searched_again_tells_what_changed(records: Records, model: dict[str, Any]) -> None:
    samples = records["samples"]
    key = samples.slice(0, 1)
    rows_of = records["spectra"]
    before = {
        "spectra": rows_of.filter(pa.compute.not_equal(rows_of["name"], "molécule fictive 01")),
        "samples": key,
    }
    archive = case.score(key, before, model["card"], model["artefact"], progress=quiet)
    assert not archive["accepted"][0].as_py()
    told = tell(key, rows_of, modelling.bench(records), modelling.load(model["artefact"]))
    found = freezing.differences(archive, key["spectrum"].to_pylist(), told)
    assert [(one.kind, one.after) for one in found] == [("nom nouveau", "molécule fictive 01")]
    same = case.score(key, records, model["card"], model["artefact"], progress=quiet)
    assert freezing.differences(same, key["spectrum"].to_pylist(), told) == []
    with pytest.raises(MissingColumnError):
        freezing.differences(pa.table({"a": [1]}), [], [])


def test_filters_keep_what_samples_have_and_blanks_have_not() -> None:
    table = pa.table(
        {
            "m/z": [100.0, 200.0, 300.0, 400.0],
            "Retention Time": [1.0, 2.0, 3.0, 4.0],
            "MB1": [None, 900.0, None, None],
            "MB2": [None, 1100.0, None, None],
            "A_1": [500.0, 1000.0, 100.0, None],
            "A_2": [510.0, 1010.0, 900.0, None],
            "A_3": [490.0, 1020.0, 50.0, 7.0],
            "Pooled_1": [500.0, None, None, None],
        }
    )
    read = feature_table.read_features(table)
    found = feature_table.filter_features(read)
    assert found.kept.tolist() == [True, False, False, False]
    assert found.reasons == (
        "",
        "présent dans les blancs",
        "répétitions dispersées",
        "absent des répétitions",
    )
    assert feature_table.align(read, read).tolist() == [0, 1, 2, 3]
    assert feature_table.find_tracers(read, [100.0005, 500.0], [1.1, 1.0]) == [0, -1]
    blocks = tables.features(table)
    assert isinstance(blocks[1], Funnel)


def test_profiles_put_in_a_mixture_are_found_again_with_their_bands() -> None:
    draw = np.random.default_rng(0)
    true = np.array([[0.6, 0.3, 0.1, 0, 0, 0], [0, 0, 0.1, 0.5, 0.4, 0], [0.1, 0, 0, 0, 0.2, 0.7]])
    values = draw.lognormal(1, 1, (150, 3)) @ true
    unsure = 0.05 * values + 0.01
    measured = np.maximum(values + draw.normal(0, unsure), 0)
    made = profiles.fit(measured, unsure, 3, starts=3)
    order, level = profiles.matched(true, made.profiles)
    assert level.min() > 0.98
    assert 0.5 < made.objective / made.expected < 1.6
    bands = profiles.bootstrap(measured, unsure, made, draws=8)
    assert bands.stability.min() > 0.95
    low, high = profiles.displaced(measured, unsure, made, int(order[0]), 0)
    assert low < made.profiles[order[0], 0] < high < 1
    with pytest.raises(BadValueError, match="négative"):
        profiles.fit(measured, -unsure, 2)


def test_the_profile_report_needs_uncertainties_and_chooses_a_number() -> None:
    draw = np.random.default_rng(1)
    columns: dict[str, Any] = {}
    for name in "ABCD":
        columns[name] = draw.lognormal(0, 1, 40).tolist()
        columns[f"{name} ±"] = [0.1 * one + 0.01 for one in columns[name]]
    blocks = source_reports.profiles(pa.table(columns), about="2", seed=0, settings={})
    assert len([block for block in blocks if isinstance(block, Chart)]) == 2
    with pytest.raises(BadValueError, match="incertitude"):
        source_reports.profiles(pa.table({"A": [1.0]}), about="2", seed=0, settings={})
    with pytest.raises(BadValueError, match="facteurs"):
        source_reports.profiles(pa.table(columns), about="beaucoup", seed=0, settings={})


def test_the_molecules_of_the_sample_are_no_real_ones_and_the_same_for_the_same_seed() -> None:
    assert sample.molecules(3, 6) == sample.molecules(3, 6)
    assert sample.molecules(3, 6)[2].counts == sample.molecules(3, 6)[1].counts


def test_all_candidates_of_a_scored_file_are_written_with_their_query_and_chance(
    records: Records, model: dict[str, Any], tmp_path: Path
) -> None:
    asked = records["spectra"].slice(0, 4)
    scored = case.score(asked, records, model["card"], model["artefact"], progress=quiet)
    text = case.SCORE_FORMS[".mgf"](scored, records)
    told = [(row["spectrum"], json.loads(row["candidates"])) for row in scored.to_pylist()]
    expected = [(query, one["spectrum"], one["probability"]) for query, found in told for one in found]
    assert len(expected) >= 4
    written = [
        (block["QUERY"], block["SPECTRUMID"], float(block["PROBABILITY"]))
        for part in text.split("BEGIN IONS")[1:]
        if (block := dict(line.split("=", 1) for line in part.splitlines() if "=" in line))
    ]
    assert written == expected
    again = rows(tmp_path / "candidats.mgf", text)
    assert len(again) == len(expected)


def test_spectra_written_as_mgf_are_read_again(records: Records, tmp_path: Path) -> None:
    some = records["spectra"].slice(0, 3).to_pylist()
    again = rows(tmp_path / "a.mgf", writing.mgf_text(some))
    for one, other in zip(some, again, strict=True):
        for name in ("spectrum", "name", "inchikey", "precursor", "adduct", "mode", "mz", "intensity"):
            assert one[name] == other[name], name
    assert spectra.table_of(again).num_rows == 3
