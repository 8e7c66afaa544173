"""Files of spectra: each form is read alike, and what is wrong is named."""

from __future__ import annotations

import base64
import gzip
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclaireur.cases.unknown_molecules import case, formats, masses
from eclaireur.core.errors import BadValueError, FileRefusedError

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
    pq.write_table(pa.table({"spectrum": ["a"], "score": [0.5]}), tmp_path / "archive.parquet")
    assert case.read_report_input(tmp_path / "archive.parquet") is None


@pytest.mark.parametrize(
    ("text", "said"), [("10", "sans unité"), ("10 Da", "invraisemblable"), ("0,01 ppm", "invraisemblable")]
)
def test_a_tolerance_in_the_wrong_unit_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadValueError, match=said):
        masses.parse_tolerance(text)


def test_what_is_no_number_is_named_and_the_rest_of_the_file_goes_on(tmp_path: Path) -> None:
    def packed(values: list[float], order: str) -> str:
        return base64.b64encode(np.array(values, order).tobytes()).decode()

    def spectrum(precursor: str, mz: list[float], more: str = "") -> str:
        arrays = "".join(
            f'<binaryDataArray><cvParam accession="{term}"/><cvParam accession="MS:1000523"/>'
            f"<binary>{packed(values, '<f8')}</binary></binaryDataArray>"
            for term, values in (("MS:1000514", mz), ("MS:1000515", [9.0] * len(mz)))
        )
        term = f'<cvParam accession="MS:1000744" value="{precursor}"/>'
        return f'<spectrum id="s"><cvParam accession="MS:1000511" value=""/>{more}{term}{arrays}</spectrum>'

    flagged = spectrum("195.1", [138 + 0.01 * at for at in range(30)], '<cvParam accession="MS:1000128"/>')
    apart = spectrum("195.1", [50.0 + 9 * at for at in range(9)], '<cvParam accession="MS:1000128"/>')
    body = spectrum("abc", [72.1]) + spectrum("195,1", [72.1]) + flagged + apart
    (tmp_path / "a.mzML").write_text(f"<mzML>{body}</mzML>", encoding="utf-8")
    text, comma, profile, centroided = formats.read_rows(tmp_path / "a.mzML")
    assert "illisible : « abc »" in text["rejection"]
    assert (comma["precursor"], comma["rejection"]) == (195.1, None)
    assert "mode profil (30 points" in profile["rejection"]
    assert centroided["rejection"] is None

    scan = (
        '<scan num="{}" msLevel="2"><precursorMz>{}</precursorMz>'
        f'<peaks precision="64">{packed([72.1, 9.0], ">f8")}</peaks></scan>'
    )
    (tmp_path / "a.mzXML").write_text(
        f"<mzXML>{scan.format('x', 'abc')}{scan.format(2, 195.1)}</mzXML>", encoding="utf-8"
    )
    first, second = formats.read_rows(tmp_path / "a.mzXML")
    assert "illisible" in first["rejection"]
    assert second["rejection"] is None
    (tmp_path / "a.mgf").write_text(MGF, encoding="utf-16")
    assert len(list(formats.read_rows(tmp_path / "a.mgf"))) == 4
    (tmp_path / "a.mgf").write_text(MGF.replace("=un", "=caféine"), encoding="cp1252")
    assert next(iter(formats.read_rows(tmp_path / "a.mgf")))["name"] == "caféine"
    (wrong,) = rows(tmp_path / "b.mgf", "BEGIN IONS\nPEPMASS=-5\n72.1 9\nEND IONS\n")
    assert "négatif ou nul" in wrong["rejection"]
