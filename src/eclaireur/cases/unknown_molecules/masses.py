"""Masses: elements, formulas, adducts, tolerances.

Masses of isotopes are those of the Atomic Mass Evaluation 2020 (Wang et al., Chinese Physics C 45, 2021);
abundances those of IUPAC (Meija et al., Pure and Applied Chemistry 88, 2016).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eclaireur.core.errors import BadValueError

__all__ = [
    "ADDUCTS",
    "ELECTRON",
    "ELEMENTS",
    "ISOTOPES",
    "Adduct",
    "Tolerance",
    "adduct_named",
    "formula_mass",
    "ion_counts",
    "isotope_pattern",
    "parse_formula",
    "parse_tolerance",
    "ppm_error",
    "precursor_of",
    "write_formula",
]

ELECTRON = 0.000548579909
"""Mass of an electron, in dalton."""

ELEMENTS: Mapping[str, float] = {
    "H": 1.00782503190,
    "B": 11.009305167,
    "C": 12.0,
    "N": 14.00307400425,
    "O": 15.99491461926,
    "F": 18.99840316207,
    "Na": 22.98976928195,
    "Si": 27.97692653442,
    "P": 30.97376199768,
    "S": 31.97207117354,
    "Cl": 34.968852694,
    "K": 38.963706485,
    "Br": 78.918337601,
    "I": 126.904471853,
    "Fe": 55.93493554,
    "Cu": 62.92959774,
    "Sn": 119.90220186,
    "Se": 79.91652180,
    "As": 74.92159456,
    "Hg": 201.97064384,
    "Li": 7.01600344,
    "Mg": 23.985041689,
    "Al": 26.981538408,
    "Ca": 39.962590850,
    "Zn": 63.92914178,
    "Co": 58.93319366,
    "Ge": 73.92117776,
    "D": 2.01410177784,
}
"""Mass of the most abundant isotope of each element, in dalton; ``D`` is deuterium."""

ISOTOPES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "C": ((0.0, 0.9894), (1.00335483534, 0.0106)),
    "H": ((0.0, 0.99985), (1.00627674594, 0.00015)),
    "N": ((0.0, 0.996205), (0.99703489418, 0.003795)),
    "O": ((0.0, 0.99757), (1.0042171369, 0.0003835), (2.0042449873, 0.002045)),
    "S": ((0.0, 0.9485), (0.9993877354, 0.00763), (1.9957958298, 0.04365)),
    "Cl": ((0.0, 0.758), (1.9970498, 0.242)),
    "Br": ((0.0, 0.5065), (1.9979535, 0.4935)),
    "Si": ((0.0, 0.92191), (0.99956815, 0.04699), (1.9968414, 0.0311)),
}
"""Isotopes that count: mass above the most abundant one, and share."""

_PART = re.compile(r"\[(\d+)([A-Z][a-z]?)\](\d*)|([A-Z][a-z]?)(\d*)")
_CARBON_13 = 13.00335483534


@dataclass(frozen=True, slots=True)
class Adduct:
    """How a molecule becomes an ion: ``m/z = (count × mass + shift) / charge``."""

    name: str
    shift: float
    charge: int
    count: int = 1
    gain: str = ""
    loss: str = ""

    @property
    def positive(self) -> bool:
        """Whether the ion is positive."""
        return self.name.endswith("+")


def _adduct(name: str, gain: str = "", loss: str = "", *, charge: int = 1, count: int = 1) -> Adduct:
    sign = 1 if name.endswith("+") else -1
    shift = formula_mass(gain) - formula_mass(loss) - sign * charge * ELECTRON
    return Adduct(name, shift, charge, count, gain, loss)


def parse_formula(text: str) -> dict[str, int]:
    """Count the atoms of a formula; a charge at its end is left out, ``[13C]`` counts as its isotope.

    Raises
    ------
    BadValueError
        If a part is no known element.

    Examples
    --------
    >>> parse_formula("C8H10N4O2")
    {'C': 8, 'H': 10, 'N': 4, 'O': 2}
    """
    plain = re.sub(r"[+-]?\d*[+-]$|^\[(?=[A-Z])|\]$", "", text.strip().replace(" ", ""))
    counts: dict[str, int] = {}
    at = 0
    for found in _PART.finditer(plain):
        if found.start() != at:
            break
        at = found.end()
        element = found[4] or f"{found[1]}{found[2]}"
        element = {"2H": "D"}.get(element, element)
        if element not in ELEMENTS and element != "13C":
            raise BadValueError(
                f"élément inconnu dans la formule « {text} » : « {element} ».", fix="Corrigez la formule."
            )
        counts[element] = counts.get(element, 0) + int(found[5] or found[3] or 1)
    if at != len(plain):
        raise BadValueError(
            f"formule illisible : « {text} ».", fix="Écrivez-la comme « C8H10N4O2 », sans parenthèse."
        )
    return counts


def formula_mass(formula: str | Mapping[str, int]) -> float:
    """Return the monoisotopic mass of a neutral formula.

    >>> round(formula_mass("C8H10N4O2"), 4)
    194.0804
    """
    counts = parse_formula(formula) if isinstance(formula, str) else formula
    return sum((_CARBON_13 if one == "13C" else ELEMENTS[one]) * n for one, n in counts.items())


def write_formula(counts: Mapping[str, int]) -> str:
    """Write a formula in Hill order.

    >>> write_formula({"O": 2, "H": 10, "C": 8, "N": 4})
    'C8H10N4O2'
    """
    order = sorted(counts, key=lambda one: (one != "C", one != "H" or "C" not in counts, one))
    return "".join(f"{one}{counts[one] if counts[one] > 1 else ''}" for one in order if counts[one])


ADDUCTS: Mapping[str, Adduct] = {
    one.name: one
    for one in (
        _adduct("[M+H]+", "H"),
        _adduct("[M+Na]+", "Na"),
        _adduct("[M+K]+", "K"),
        _adduct("[M+NH4]+", "NH4"),
        _adduct("[M]+"),
        _adduct("[M-H2O+H]+", "H", "H2O"),
        _adduct("[M-2H2O+H]+", "H", "H4O2"),
        _adduct("[M+2H]2+", "H2", charge=2),
        _adduct("[2M+H]+", "H", count=2),
        _adduct("[2M+Na]+", "Na", count=2),
        _adduct("[M-H]-", "", "H"),
        _adduct("[M]-"),
        _adduct("[M+Cl]-", "Cl"),
        _adduct("[M+HCOO]-", "HCOO"),
        _adduct("[M+CH3COO]-", "C2H3O2"),
        _adduct("[M-CH3]-", "", "CH3"),
        _adduct("[M-H-H2O]-", "", "H3O"),
        _adduct("[M-2H]2-", "", "H2", charge=2),
        _adduct("[2M-H]-", "", "H", count=2),
    )
}
"""Adducts that are searched, by name."""

_OTHER_NAMES = {
    "M+H": "[M+H]+",
    "M+NA": "[M+Na]+",
    "M+K": "[M+K]+",
    "M+NH4": "[M+NH4]+",
    "M+": "[M]+",
    "M": "[M]+",
    "M-H": "[M-H]-",
    "M-": "[M]-",
    "M+CL": "[M+Cl]-",
    "M+HCOO": "[M+HCOO]-",
    "M+HCOOH-H": "[M+HCOO]-",
    "M+FA-H": "[M+HCOO]-",
    "M+CH3COO": "[M+CH3COO]-",
    "M+HAC-H": "[M+CH3COO]-",
    "M-H2O+H": "[M-H2O+H]+",
    "M+H-H2O": "[M-H2O+H]+",
    "M+2H": "[M+2H]2+",
    "2M+H": "[2M+H]+",
    "2M-H": "[2M-H]-",
    "M-CH3": "[M-CH3]-",
}


def adduct_named(text: str | None) -> Adduct | None:
    """Return an adduct by one of its names; None when it is not known.

    >>> adduct_named("M+H").name, adduct_named("[M+FA-H]-").name, adduct_named("?") is None
    ('[M+H]+', '[M+HCOO]-', True)
    """
    if not text:
        return None
    plain = text.strip().replace(" ", "").rstrip("*")
    if plain in ADDUCTS:
        return ADDUCTS[plain]
    inside = re.sub(r"^\[|\][\d+-]*$", "", plain).upper()
    name = _OTHER_NAMES.get(inside) or _OTHER_NAMES.get(re.sub(r"[+-]$", "", inside))
    return None if name is None else ADDUCTS[name]


def precursor_of(mass: float, adduct: Adduct) -> float:
    """Return the m/z of a molecule's ion.

    >>> round(precursor_of(formula_mass("C8H10N4O2"), ADDUCTS["[M+H]+"]), 4)
    195.0877
    """
    return (adduct.count * mass + adduct.shift) / adduct.charge


def ion_counts(counts: Mapping[str, int], adduct: Adduct) -> dict[str, int] | None:
    """Count the atoms of a molecule's ion; None when the molecule has not the atoms that it would lose.

    >>> ion_counts({"C": 2, "H": 6, "O": 1}, ADDUCTS["[M+Cl]-"])
    {'C': 2, 'H': 6, 'O': 1, 'Cl': 1}
    """
    made = {one: adduct.count * n for one, n in counts.items()}
    for one, n in parse_formula(adduct.gain).items():
        made[one] = made.get(one, 0) + n
    for one, n in parse_formula(adduct.loss).items():
        made[one] = made.get(one, 0) - n
    return None if min(made.values(), default=0) < 0 else {one: n for one, n in made.items() if n}


def ppm_error(measured: float, expected: float) -> float:
    """Return the error of a measured m/z, in parts per million.

    >>> round(ppm_error(200.002, 200.0), 6)
    10.0
    """
    return 1e6 * (measured - expected) / expected


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A tolerance on m/z with its unit."""

    value: float
    ppm: bool

    def dalton(self, mz: float) -> float:
        """Return the tolerance at an m/z, in dalton."""
        return mz * self.value * 1e-6 if self.ppm else self.value


def parse_tolerance(text: str) -> Tolerance:
    """Read a tolerance, whose unit must be said: a value in ppm taken for dalton accepts anything.

    Raises
    ------
    BadValueError
        If there is no unit, or the value fits the other unit only.

    Examples
    --------
    >>> parse_tolerance("10 ppm"), parse_tolerance("0,005 Da")
    (Tolerance(value=10.0, ppm=True), Tolerance(value=0.005, ppm=False))
    """
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(ppm|mda|da|u|th)?\s*", text.casefold())
    if found is None:
        raise BadValueError(f"tolérance illisible : « {text} ».", fix="Écrivez « 10 ppm » ou « 0,005 Da ».")
    value, unit = float(found[1].replace(",", ".")), found[2]
    if unit is None:
        raise BadValueError(
            f"tolérance sans unité : « {text} » ; ppm ou dalton ?",
            fix="Écrivez « 10 ppm » ou « 0,005 Da ».",
        )
    if unit == "mda":
        value, unit = value / 1000, "da"
    ppm = unit == "ppm"
    if (ppm and not 0.1 <= value <= 200) or (not ppm and not 0 < value <= 0.5):
        other = "0,1 à 200 ppm" if ppm else "0,5 Da au plus"
        raise BadValueError(
            f"tolérance invraisemblable : « {text} » ; attendu : {other}.",
            fix="Vérifiez l'unité : une valeur en ppm n'est pas une valeur en dalton.",
        )
    return Tolerance(value, ppm)


def isotope_pattern(formula: str | Mapping[str, int], *, peaks: int = 4) -> tuple[tuple[float, float], ...]:
    """Return the first isotopic peaks of a formula, by nominal mass: shift in dalton and share of the first.

    >>> [round(share, 2) for _, share in isotope_pattern("C6H5Cl", peaks=3)]
    [1.0, 0.07, 0.32]
    """
    counts = parse_formula(formula) if isinstance(formula, str) else formula
    shares = [1.0] + [0.0] * (peaks - 1)
    shifts = [0.0] * peaks
    for element, count in counts.items():
        for _ in range(count):
            shares, shifts = _one_more(shares, shifts, ISOTOPES.get(element, ((0.0, 1.0),)))
    return tuple((shift, share / shares[0]) for shift, share in zip(shifts, shares, strict=True))


def _one_more(
    shares: list[float], shifts: list[float], isotopes: tuple[tuple[float, float], ...]
) -> tuple[list[float], list[float]]:
    size = len(shares)
    made, moved = [0.0] * size, [0.0] * size
    for at in range(size):
        for shift, share in isotopes:
            to = at + round(shift)
            if to < size:
                made[to] += shares[at] * share
                moved[to] += shares[at] * share * (shifts[at] + shift)
    return made, [moved[at] / made[at] if made[at] else 0.0 for at in range(size)]
