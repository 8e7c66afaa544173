"""Made-up molecules measured by three made-up laboratories, and samples in which some of them are.

Names and keys are fictitious. Formulas are drawn, fragments are parts of them: masses are right, chemistry
is not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from eclaireur.cases.unknown_molecules.masses import (
    ADDUCTS,
    ELECTRON,
    formula_mass,
    isotope_pattern,
    precursor_of,
    write_formula,
)
from eclaireur.cases.unknown_molecules.spectra import checked, table_of

__all__ = ["Molecule", "library", "molecules", "samples", "write"]

_FIRST = date(2024, 1, 8)
_LABS = ("laboratoire A", "laboratoire B", "laboratoire C")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Molecule:
    """A made-up molecule: its formula, and its fragments with the energy at which each is highest."""

    name: str
    key: str
    counts: dict[str, int]
    fragments: tuple[tuple[float, float, float], ...]
    retention: float


def molecules(seed: int, count: int) -> list[Molecule]:
    """Draw molecules; every third is an isomer of the one before, with half of its fragments."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    made: list[Molecule] = []
    for number in range(count):
        twin = made[-1] if number % 3 == 2 else None
        counts = (
            dict(twin.counts)
            if twin
            else {
                "C": draw.randrange(8, 20),
                "H": draw.randrange(10, 24),
                "N": draw.randrange(1, 5),
                "O": draw.randrange(1, 5),
            }
        )
        own = [_fragment(counts, draw) for _ in range(draw.randrange(5, 11))]
        fragments = list(twin.fragments[::2]) + own[:3] if twin else own
        key = "".join(draw.choices(_LETTERS, k=14)) + "-UHFFFAOYSA-N"
        made.append(
            Molecule(
                name=f"molécule fictive {number + 1:02d}",
                key=key,
                counts=counts,
                fragments=tuple(sorted(fragments)),
                retention=draw.uniform(2, 18),
            )
        )
    return made


def _fragment(counts: dict[str, int], draw: random.Random) -> tuple[float, float, float]:
    part = {element: draw.randint(0, n) for element, n in counts.items()}
    part["C"] = max(part["C"], 2)
    part["H"] = min(max(part["H"], 2), 2 * part["C"] + 3)
    return formula_mass(part) - ELECTRON, draw.uniform(0.1, 1.0), draw.uniform(10, 70)


def _spectrum(one: Molecule, energy: float, draw: random.Random, *, noise: float) -> dict[str, Any]:
    """Return the spectrum of a molecule at an energy, as an instrument would give it."""
    parent = precursor_of(formula_mass(one.counts), ADDUCTS["[M+H]+"])
    peaks = [(parent, 1.2 * max(0.02, 1 - energy / 45))]
    for mz, height, best in one.fragments:
        if mz < parent - 1:
            peaks.append((mz, height * max(0.0, 1 - abs(energy - best) / 50) * draw.lognormvariate(0, noise)))
    kept = sorted((mz * (1 + draw.gauss(0, 2e-6)), 1e5 * height) for mz, height in peaks if height > 0.01)
    return {
        "precursor": round(parent * (1 + draw.gauss(0, 1e-6)), 5),
        "adduct": "[M+H]+",
        "mode": "positive",
        "energy": energy,
        "energy_unit": "eV",
        "mz": [round(mz, 5) for mz, _ in kept],
        "intensity": [round(height, 1) for _, height in kept],
    }


def _survey(precursor: float, counts: dict[str, int], draw: random.Random) -> dict[str, list[float]]:
    """Return the isotopic peaks of a protonated molecule, as an MS1 spectrum would give them."""
    pattern = [one for one in isotope_pattern({**counts, "H": counts["H"] + 1}, peaks=3) if one[1] > 0.003]
    return {
        "ms1_mz": [round(precursor * (1 + draw.gauss(0, 5e-7)) + shift, 5) for shift, _ in pattern],
        "ms1_intensity": [round(1e6 * share * draw.lognormvariate(0, 0.05), 1) for _, share in pattern],
    }


def library(seed: int, found: Sequence[Molecule]) -> list[dict[str, Any]]:
    """Return the spectra of three laboratories, which each have most of the molecules."""
    draw = random.Random(seed + 1)  # noqa: S311 - made-up data
    rows = []
    for number, lab in enumerate(_LABS):
        for place, one in enumerate(found):
            if (place + number) % 5 == 4 or (place % 9 == 8 and number):
                continue
            for energy in (15.0, 45.0):
                row = _spectrum(one, energy + 3 * number, draw, noise=0.5)
                row |= {
                    "spectrum": f"{lab[-1]}-{place + 1:03d}-{int(energy)}",
                    "laboratory": lab,
                    "name": one.name,
                    "formula": write_formula(one.counts),
                    "inchikey": one.key,
                    "column": f"C18 {number}",
                    "retention": round(one.retention * (1 + 0.1 * number) + draw.gauss(0, 0.1), 2),
                    "instrument": "instrument fictif",
                    "licence": "MIT",
                    "observed": _FIRST,
                }
                rows.append(checked(row))
    return rows


def samples(seed: int, found: Sequence[Molecule], strangers: Sequence[Molecule]) -> list[dict[str, Any]]:
    """Return spectra of samples taken over a year; every fourth is of a molecule that no library has."""
    draw = random.Random(seed + 2)  # noqa: S311 - made-up data
    height = random.Random(seed + 3)  # noqa: S311 - made-up data
    rows = []
    for number in range(24):
        one = strangers[number // 4] if number % 4 == 3 else found[(5 * number) % len(found)]
        row = _spectrum(one, 30.0, draw, noise=0.6)
        row |= {
            "spectrum": f"prélèvement {number // 6 + 1} pic {number % 6 + 1}",
            "column": "C18 terrain",
            "retention": round(one.retention * 0.9 + draw.gauss(0, 0.1), 2),
            "observed": _FIRST + timedelta(days=30 + 14 * number),
            **_survey(row["precursor"], one.counts, height),
        }
        rows.append(checked(row))
    rows.append(
        checked({"spectrum": "prélèvement 5 pic 1", "mz": [80.0], "intensity": [-3.0], "precursor": 150.0})
    )
    return rows


def write(into: Path, *, seed: int) -> None:
    """Write ``spectra.parquet`` (the library) and ``samples.parquet``."""
    import pyarrow.parquet as pq

    found = molecules(seed, 36)
    strangers = molecules(seed + 100, 6)
    pq.write_table(table_of(library(seed, found)), into / "spectra.parquet")
    pq.write_table(table_of(samples(seed, found, strangers)), into / "samples.parquet")
