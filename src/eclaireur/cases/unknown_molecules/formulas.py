"""Formulas that a mass may have, by plain enumeration under rules of valence; and what isotopes say of them.

Rules are those of Kind and Fiehn (BMC Bioinformatics 8, 2007) that need no data: unsaturation, and ratios of
elements to carbon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eclaireur.cases.unknown_molecules.masses import ELEMENTS, isotope_pattern, write_formula

__all__ = ["LIMITS", "Formula", "formulas", "isotope_fit"]

LIMITS: Mapping[str, int] = {"C": 40, "N": 10, "O": 15, "P": 2, "S": 3, "F": 6, "Cl": 5, "Br": 2}
"""Most atoms of each element that are tried."""
_HEAVY = ("Br", "Cl", "F", "S", "P", "O", "N")
_PER_CARBON = {"N": 1.3, "O": 1.2, "P": 0.4, "S": 0.8, "F": 1.5, "Cl": 0.8, "Br": 0.8}
_MOST_HYDROGEN = 3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula, its error in ppm, and its rings and double bonds."""

    text: str
    counts: Mapping[str, int]
    error: float
    unsaturation: float


def formulas(mass: float, *, ppm: float = 5.0, limits: Mapping[str, int] = LIMITS) -> list[Formula]:
    """Return the formulas of a neutral mass, plainest first: few kinds of elements, then small error.

    >>> [one.text for one in formulas(194.0804, ppm=3, limits={"C": 20, "N": 5, "O": 5})]
    ['C8H10N4O2', 'C13H10N2']
    """
    room = mass * ppm * 1e-6
    found = []
    for heavy, left in _heavy(mass + room, list(_HEAVY), limits):
        for carbon in range(1, min(limits.get("C", 0), int(left / ELEMENTS["C"])) + 1):
            hydrogen = round((left - room - carbon * ELEMENTS["C"]) / ELEMENTS["H"])
            counts = {"C": carbon, "H": hydrogen, **heavy}
            if hydrogen < 0 or not _plausible(counts):
                continue
            made = sum(ELEMENTS[one] * n for one, n in counts.items())
            if abs(made - mass) <= room:
                found.append(
                    Formula(
                        text=write_formula(counts),
                        counts={one: n for one, n in counts.items() if n},
                        error=1e6 * (made - mass) / mass,
                        unsaturation=_unsaturation(counts),
                    )
                )
    return sorted(found, key=lambda one: (sum(n > 0 for n in one.counts.values()), abs(one.error)))


def _heavy(
    left: float, elements: Sequence[str], limits: Mapping[str, int]
) -> Iterator[tuple[dict[str, int], float]]:
    """Give counts of the elements other than carbon and hydrogen, with the mass that is left."""
    if not elements:
        yield {}, left
        return
    first, rest = elements[0], elements[1:]
    for count in range(min(limits.get(first, 0), int(left / ELEMENTS[first])) + 1):
        for counts, after in _heavy(left - count * ELEMENTS[first], rest, limits):
            yield {first: count, **counts}, after


def _unsaturation(counts: Mapping[str, int]) -> float:
    single = sum(counts.get(one, 0) for one in ("H", "F", "Cl", "Br"))
    return counts["C"] + 1 + (counts.get("N", 0) + counts.get("P", 0) - single) / 2


def _plausible(counts: Mapping[str, int]) -> bool:
    carbon = counts["C"]
    value = _unsaturation(counts)
    return (
        value >= 0
        and value == int(value)
        and counts["H"] <= _MOST_HYDROGEN * carbon + 1
        and all(counts.get(one, 0) <= ratio * carbon + 1 for one, ratio in _PER_CARBON.items())
    )


def isotope_fit(counts: Mapping[str, int], shares: Sequence[float]) -> float:
    """Return how well measured isotopic peaks fit a formula, from 0 to 1.

    Parameters
    ----------
    shares
        Heights of the peaks M, M+1, M+2…, in any unit.
    """
    awaited = [share for _, share in isotope_pattern(counts, peaks=len(shares))]
    total, mine = sum(awaited), sum(shares)
    if mine <= 0:
        return 0.0
    gap = sum(abs(a / total - b / mine) for a, b in zip(awaited, shares, strict=True))
    return max(0.0, 1.0 - gap)
