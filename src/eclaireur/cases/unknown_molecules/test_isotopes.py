"""Isotopic peaks and adducts: found in each form of file, judged, told, and gathered in tables of signals."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cases.unknown_molecules import case, feature_rows, formats, ions, isotopes, masses, spectra
from eclaireur.cases.unknown_molecules.isotopes import Background, Pattern, judge, pattern_of

DIURON, OTHER = "C9H10Cl2N2O", "C13H12O4"
"""Two formulas of nearly the same mass; only the first has chlorine."""


def peaks(formula: str, adduct: str = "[M+H]+") -> tuple[float, list[float], list[float]]:
    """Return the precursor of a formula, and its isotopic peaks."""
    ion = masses.ion_counts(masses.parse_formula(formula), masses.ADDUCTS[adduct])
    assert ion is not None
    mz = masses.precursor_of(masses.formula_mass(formula), masses.ADDUCTS[adduct])
    charge = masses.ADDUCTS[adduct].charge
    pattern = masses.isotope_pattern(ion)
    return mz, [mz + shift / charge for shift, _ in pattern], [1000 * share for _, share in pattern]


def found_in(formula: str, adduct: str = "[M+H]+") -> Pattern:
    precursor, mz, heights = peaks(formula, adduct)
    found = pattern_of(mz, heights, precursor)
    assert found is not None
    return found


def test_a_pattern_speaks_for_its_formula_and_against_another_of_the_same_mass() -> None:
    background = Background([DIURON, OTHER, "C8H10N4O2", "C12H18N2O", "C15H24O", "C10H14ClN5"])
    pattern = found_in(DIURON)
    assert pattern.shares[2] == pytest.approx(0.65, abs=0.02)
    right = judge(pattern, DIURON, "[M+H]+", precursor=233.02, background=background)
    wrong = judge(pattern, OTHER, "[M+H]+", precursor=233.02, background=background)
    assert right is not None
    assert wrong is not None
    assert right.weight == 1.0
    assert isotopes.against(wrong)
    assert "conformes à C9H10Cl2N2O" in isotopes.told_pattern(pattern, DIURON, right)
    assert "chlore ou brome" in isotopes.told_pattern(pattern, OTHER, wrong)
    assert "contraires à" in isotopes.told_pattern(pattern, OTHER, wrong)
    assert judge(pattern, "C9H20Sn", "[M+H]+", precursor=233.02, background=background) is None
    assert isotopes.by_mass(peaks(DIURON)[0], "positive", None, pattern, background)[0][0] == DIURON


def test_chlorine_of_the_adduct_and_two_charges_are_counted() -> None:
    background = Background([OTHER, "C8H10N4O2"])
    pattern = found_in(OTHER, "[M+Cl]-")
    assert pattern.shares[2] > 0.3
    kept = judge(pattern, OTHER, "[M+Cl]-", precursor=peaks(OTHER, "[M+Cl]-")[0], background=background)
    assert kept is not None
    assert kept.weight == 1.0
    double = found_in("C30H40N2O4", "[M+2H]2+")
    assert double.charge == 2
    assert judge(double, "C30H40N2O4", "[M+H]+", precursor=247.1, background=background) is None


def test_a_precursor_that_is_an_isotopic_peak_is_told(tmp_path: Path) -> None:
    mz, first, heights = peaks(OTHER)
    survey = " ".join(f"{x:.5f}:{y:.2f}" for x, y in zip(first, heights, strict=True))
    path = tmp_path / "a.mgf"
    blocks = [
        f"BEGIN IONS\nTITLE={at}\nPEPMASS={precursor:.5f}\nISOTOPES={survey}\n77.0 5\n95.0 9\nEND IONS"
        for at, precursor in enumerate((mz, first[1]))
    ]
    path.write_text("\n".join(blocks), encoding="utf-8")
    plain, heavy = formats.read_rows(path)
    assert plain["note"] is None
    assert plain["ms1_mz"] == pytest.approx(first[:4], abs=1e-4)
    assert f"pic isotopique de l'ion m/z {mz:.4f}".replace(".", ",") in heavy["note"]
    assert plain["rejection"] is heavy["rejection"] is None


def test_isotopic_peaks_come_from_the_ms1_spectrum_before(tmp_path: Path) -> None:
    mz, first, heights = peaks(DIURON)
    lines = "\n".join(f"{x:.5f} {y:.2f}" for x, y in zip(first, heights, strict=True))
    head = f"FEATURE_ID=7\nPEPMASS={mz:.5f}\nRTINSECONDS=300\n"
    blocks = (
        f"BEGIN IONS\n{head}MSLEVEL=1\n{lines}\nEND IONS\n"
        f"BEGIN IONS\n{head}MSLEVEL=2\n72.0444 100\n159.9716 20\nEND IONS\n"
    )
    (tmp_path / "a.mgf").write_text(blocks, encoding="utf-8")
    survey, one = formats.read_rows(tmp_path / "a.mgf")
    assert "MS1" in survey["rejection"]
    assert one["ms1_intensity"][0] == 1000

    def packed(values: list[float]) -> str:
        return base64.b64encode(np.array(values, "<f8").tobytes()).decode()

    def spectrum(level: int, mz: list[float], height: list[float], more: str = "") -> str:
        arrays = "".join(
            f'<binaryDataArray><cvParam accession="{term}"/><cvParam accession="MS:1000523"/>'
            f"<binary>{packed(values)}</binary></binaryDataArray>"
            for term, values in (("MS:1000514", mz), ("MS:1000515", height))
        )
        term = f'<cvParam accession="MS:1000511" value="{level}"/>'
        return f'<spectrum id="s{level}">{term}{more}{arrays}</spectrum>'

    precursor = f'<cvParam accession="MS:1000744" value="{mz}"/>'
    text = spectrum(1, [100.0, *first], [5.0, *heights]) + spectrum(2, [72.0444], [100.0], precursor)
    (tmp_path / "a.mzML").write_text(f"<mzML>{text}</mzML>", encoding="utf-8")
    (read,) = formats.read_rows(tmp_path / "a.mzML")
    assert read["ms1_mz"] == pytest.approx(first)


def test_ions_that_elute_together_are_linked_to_their_molecule() -> None:
    base, sodium = (peaks(OTHER, name)[0] for name in ("[M+H]+", "[M+Na]+"))
    mz = np.array([base, base + 1.00336, sodium, sodium + 1.00336, base + 1.00336, 300.0])
    minutes = np.array([5.0, 5.01, 5.0, 5.02, 9.0, 5.0])
    size = np.array([[1000.0, 140, 300, 42, 900, 500]]).T * np.array([[1.0, 2.0, 4.0, 1.5, 3.0]])
    found = ions.links(mz, minutes, positive=True, area=size)
    assert {at: (one.of, one.neutrons, one.adduct) for at, one in found.items()} == {
        1: (0, 1, ""),
        2: (0, 0, "[M+Na]+"),
        3: (2, 1, ""),
    }
    size[1] = 800
    assert 1 not in ions.links(mz, minutes, positive=True, area=size), "more than carbon can give"
    size[2] = size[2][::-1]
    assert 2 not in ions.links(mz, minutes, positive=True, area=size), "it does not vary as its molecule"


def test_a_table_of_signals_is_scored_by_mass_isotopes_and_adducts(tmp_path: Path) -> None:
    _, first, heights = peaks(DIURON)
    lines = ["row ID,row m/z,row retention time,Ionization mode,A_1.mzML Peak area,A_2.mzML Peak area"]
    for at, (x, y) in enumerate(zip(first[:3], heights, strict=False)):
        lines.append(f"{at},{x:.5f},5.0,Esi+,{y},{2 * y}")
    lines += [
        f"9,{peaks(DIURON, '[M+Na]+')[0]:.5f},5.0,Esi+,50,100",
        "10,150.1,3.0,Esi+,-5,7",
        "11,151.1,abc,Esi+,5,7",
        "12,152.1,3.0,Es",
    ]
    path = tmp_path / "signaux.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = case.read_candidates(path)
    assert table is not None
    rows = table.to_pylist()
    assert [row["rejection"] is None for row in rows] == [True, False, False, True, False, False, False]
    assert rows[0]["adduct"] == "[M+H]+"
    assert rows[1]["rejection"] == "pic isotopique M+1 du signal 0 : compté avec lui."
    assert rows[3]["adduct"] == "[M+Na]+"
    for row, word in zip(rows[4:], ("négatif", "abc", "coupée"), strict=True):
        assert word in row["rejection"]
    assert rows[0]["ms1_intensity"][2] == pytest.approx(0.65, abs=0.02)
    assert feature_rows.read_signals(tmp_path / "rien.xlsx") is None
    packed = gzip.compress(
        "\n".join([*lines[:1], *(f"{at},{at}.1,2,Esi+,5,7" for at in range(2, 900))]).encode()
    )
    (tmp_path / "coupé.csv.gz").write_bytes(packed[: len(packed) // 2])
    half = feature_rows.read_signals(tmp_path / "coupé.csv.gz")
    assert half is not None
    assert 100 < half.num_rows < 898
    wrong = formats.from_table(pa.table({"mz": ["7 8"], "intensity": ["1 2"], "ms1_mz": ["x"]}))
    assert "listes de nombres" in spectra.checked(next(wrong))["rejection"]
