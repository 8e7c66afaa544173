"""What is particular to this case: files, search, candidates, suspects, filters, source profiles."""

from __future__ import annotations

import base64
import gzip
import json
import random
import zlib
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
    spectra,
    suspects,
    tables,
    writing,
)
from eclaireur.cases.unknown_molecules.formulas import formulas, isotope_fit
from eclaireur.cases.unknown_molecules.telling import tell
from eclaireur.core.case import Records, quiet
from eclaireur.core.errors import BadValueError, FileRefusedError, MissingColumnError, UnknownSubjectError
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


def test_a_file_gives_every_spectrum_with_the_reason_of_those_set_aside(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.mgf", MGF)
    assert [row["name"] for row in found] == ["un", "deux", "trois", "quatre"]
    assert found[0]["rejection"] is None
    assert found[0]["retention"] == pytest.approx(2.0)
    assert found[0]["mode"] == "positive"
    assert "intensité négative (-4,00)" in found[1]["rejection"]
    assert "précurseur absent" in found[2]["rejection"]
    assert "fichier coupé" in found[3]["rejection"]


def test_msp_and_massbank_records_are_read_alike(tmp_path: Path) -> None:
    msp = rows(
        tmp_path / "a.msp",
        "Name: Caffeine\nPrecursorMZ: 195.0877\nPrecursor_type: [M+H]+\nIon_mode: P\n"
        "Collision_energy: 35 NCE\n"
        "InChIKey: RYYVLZVUVIJVGH-UHFFFAOYSA-N\nNum Peaks: 2\n110.0713 10; 138.0662 100\n\n"
        "Name: coupé\nPrecursorMZ: 100.1\nNum Peaks: 3\n50.0 1\n",
    )
    record = rows(
        tmp_path / "a.txt",
        "ACCESSION: MSBNK-LAB_X-XX000001\nDATE: 2020.08.19\nCH$NAME: Caffeine\nCH$FORMULA: C8H10N4O2\n"
        "CH$LINK: INCHIKEY RYYVLZVUVIJVGH-UHFFFAOYSA-N\nAC$MASS_SPECTROMETRY: MS_TYPE MS2\n"
        "AC$MASS_SPECTROMETRY: ION_MODE POSITIVE\nAC$MASS_SPECTROMETRY: COLLISION_ENERGY 35 NCE\n"
        "MS$FOCUSED_ION: PRECURSOR_TYPE [M+H]+\nPK$NUM_PEAK: 2\nPK$PEAK: m/z int. rel.int.\n"
        "  110.0713 10 99\n  138.0662 100 999\n//\n",
    )
    assert msp[1]["rejection"] is not None
    assert record[0]["laboratory"] == "LAB_X"
    assert record[0]["note"].startswith("précurseur absent : calculé")
    assert record[0]["precursor"] == pytest.approx(195.0877, abs=1e-4)
    for name in ("name", "inchikey", "adduct", "mode", "energy", "energy_unit", "mz", "intensity"):
        assert msp[0][name] == record[0][name], name


def test_a_profile_spectrum_and_an_ms1_spectrum_are_named(tmp_path: Path) -> None:
    points = "\n".join(f"{100 + at * 0.002:.4f} {at + 1}" for at in range(200))
    text = f"BEGIN IONS\nPEPMASS=150.1\n{points}\nEND IONS\n"
    text += "BEGIN IONS\nPEPMASS=150.1\nMSLEVEL=1\n80 1\nEND IONS\n"
    found = rows(tmp_path / "a.mgf", text)
    assert "mode profil" in found[0]["rejection"]
    assert "MS1" in found[1]["rejection"]


def array(values: list[float], term: str, kind: str) -> str:
    text = base64.b64encode(zlib.compress(np.array(values, "<f8").tobytes())).decode()
    return (
        f'<binaryDataArray encodedLength="{len(text)}"><cvParam accession="MS:1000523"/>'
        '<cvParam accession="MS:1000574"/>'
        f'<cvParam accession="{term}" name="{kind}"/><binary>{text}</binary></binaryDataArray>'
    )


def mzml_text() -> str:
    one = (
        '<spectrum id="scan={0}"><cvParam accession="MS:1000511" value="{1}"/>'
        '<cvParam accession="MS:1000130"/><precursorList><precursor><selectedIonList><selectedIon>'
        '<cvParam accession="MS:1000744" value="195.0877"/>'
        "</selectedIon></selectedIonList></precursor></precursorList><binaryDataArrayList>"
        + array([110.0713, 138.0662], "MS:1000514", "m/z array")
        + array([10.0, 100.0], "MS:1000515", "intensity array")
        + "</binaryDataArrayList></spectrum>"
    )
    spectra_text = "".join(one.format(at, 2 if at else 1) for at in range(3))
    return (
        '<?xml version="1.0"?><mzML xmlns="http://psi.hupo.org/ms/mzml"><run><spectrumList>'
        f"{spectra_text}</spectrumList></run></mzML>"
    )


def test_mzml_is_read_as_pyteomics_does_and_when_it_is_cut(tmp_path: Path) -> None:
    from pyteomics import mzxml as peer  # type: ignore[import-untyped]

    text = mzml_text()
    found = rows(tmp_path / "a.mzML", text)
    assert [row["spectrum"] for row in found] == ["scan=1", "scan=2"]
    assert found[0]["mz"] == [110.0713, 138.0662]
    assert found[0]["precursor"] == 195.0877
    cut = rows(tmp_path / "b.mzML", text[: int(len(text) * 0.8)])
    assert cut[0]["rejection"] is None
    assert "coupé" in cut[-1]["rejection"]
    packed = base64.b64encode(np.array([110.0713, 10.0, 138.0662, 100.0], ">f8").tobytes()).decode()
    (tmp_path / "c.mzXML").write_text(
        '<?xml version="1.0"?><mzXML><msRun><scan num="7" msLevel="2" peaksCount="2" polarity="+" '
        'retentionTime="PT90S"><precursorMz precursorIntensity="1">195.0877</precursorMz>'
        f'<peaks precision="64" byteOrder="network" contentType="m/z-int">{packed}</peaks></scan>'
        "</msRun></mzXML>",
        encoding="utf-8",
    )
    mine = next(formats.read_rows(tmp_path / "c.mzXML"))
    with peer.read(str(tmp_path / "c.mzXML"), use_index=False) as theirs:
        other = next(theirs)
    assert mine["mz"] == pytest.approx(other["m/z array"].tolist())
    assert mine["precursor"] == other["precursorMz"][0]["precursorMz"]
    assert mine["retention"] == pytest.approx(1.5)


def test_entities_of_an_xml_file_are_not_resolved(tmp_path: Path) -> None:
    wanted = base64.b64encode(zlib.compress(np.array([42.0, 43.0], "<f8").tobytes())).decode()
    (tmp_path / "secret").write_text(wanted)
    text = mzml_text().replace(
        '<?xml version="1.0"?>',
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>',
    )
    before, _, after = text.rpartition("<binary>")
    head, _, middle = before.rpartition("<binary>")
    hidden = f"{head}<binary>&e;</binary>{middle.partition('</binary>')[2]}<binary>{after}"
    found = rows(tmp_path / "a.mzML", hidden)
    assert len(found) == 2
    assert found[0]["rejection"] is None
    assert 42.0 not in found[1]["mz"]
    assert found[1]["rejection"] is not None


def test_a_compressed_file_that_is_cut_gives_what_comes_before(tmp_path: Path) -> None:
    draw = random.Random(0)
    many = "".join(
        f"BEGIN IONS\nTITLE={at}\nPEPMASS={draw.uniform(100, 900)}\n"
        f"{draw.uniform(50, 90)} {draw.random()}\nEND IONS\n"
        for at in range(2000)
    )
    content = gzip.compress(many.encode())
    (tmp_path / "a.mgf.gz").write_bytes(content[: len(content) // 2])
    found = list(formats.read_rows(tmp_path / "a.mgf.gz"))
    assert len(found) > 100
    assert "coupé" in found[-1]["rejection"]
    assert found[0]["rejection"] is None


def test_what_is_no_file_of_spectra_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match="aucun spectre"):
        rows(tmp_path / "vide.mgf", "")
    with pytest.raises(FileRefusedError, match="coupé"):
        rows(tmp_path / "a.parquet", "PAR1")
    assert case.read_candidates(tmp_path / "a.csv") is None


@pytest.mark.parametrize(
    ("text", "said"), [("10", "sans unité"), ("10 Da", "invraisemblable"), ("0,01 ppm", "invraisemblable")]
)
def test_a_tolerance_in_the_wrong_unit_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        masses.parse_tolerance(text)


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


def test_every_report_of_the_samples_is_made_and_drawn(records: Records, model: dict[str, Any]) -> None:
    def made(name: str, **given: Any) -> Any:
        asked = {"about": "", "table": None} | given
        return case.report(name, records, model["card"], model["artefact"], seed=0, progress=quiet, **asked)

    table, funnel = made("candidates")
    assert len(table.rows) >= records["samples"].num_rows
    assert funnel.steps[0] == ("spectres", 25)
    charts = [block for block in made("spectrum", about="prélèvement 1 pic 1") if isinstance(block, Chart)]
    assert charts
    assert lay_out(charts[0]).parts
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
    listed = pa.table({"Nom": ["bon", "faux"], "Formule": [row["formula"], "C8Xx2"], "RT": ["3,5", ""]})
    kept, refused = suspects.read_suspects(listed)
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
    blocks = tables.profiles(pa.table(columns), about="2", seed=0)
    assert len([block for block in blocks if isinstance(block, Chart)]) == 2
    with pytest.raises(BadValueError, match="incertitude"):
        tables.profiles(pa.table({"A": [1.0]}), about="2", seed=0)
    with pytest.raises(BadValueError, match="facteurs"):
        tables.profiles(pa.table(columns), about="beaucoup", seed=0)


def test_the_molecules_of_the_sample_are_no_real_ones_and_the_same_for_the_same_seed() -> None:
    assert sample.molecules(3, 6) == sample.molecules(3, 6)
    assert sample.molecules(3, 6)[2].counts == sample.molecules(3, 6)[1].counts


def test_spectra_written_as_mgf_are_read_again(records: Records, tmp_path: Path) -> None:
    some = records["spectra"].slice(0, 3).to_pylist()
    again = rows(tmp_path / "a.mgf", writing.mgf_text(some))
    for one, other in zip(some, again, strict=True):
        for name in ("spectrum", "name", "inchikey", "precursor", "adduct", "mode", "mz", "intensity"):
            assert one[name] == other[name], name
    assert spectra.table_of(again).num_rows == 3
