"""What the isotopic peaks of MS1 say of a formula.

A pattern is judged by the heights of M+1, M+2 and M+3 over M, and by where M+2 lies: ¹³C₂ and ³⁷Cl are 10 mDa
apart. Heights are known to about an eighth, and a co-eluting ion may add to any of them: so deviations are
judged by a law with heavy tails, and isotopes never raise a probability. They lower that of formulas that fit
less well than those of the same mass do on average, to a twentieth at least.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from eclaireur.cases.unknown_molecules.masses import (
    ADDUCTS,
    Adduct,
    adduct_named,
    ion_counts,
    isotope_pattern,
    parse_formula,
)
from eclaireur.core import french
from eclaireur.core.errors import BadValueError

__all__ = [
    "CARBON_13",
    "Background",
    "Judged",
    "Pattern",
    "against",
    "around",
    "by_mass",
    "fits",
    "judge",
    "lighter",
    "likely",
    "log_likelihood",
    "pattern_of",
    "told_pattern",
]

CARBON_13 = 1.00335483534
"""From ¹²C to ¹³C, in dalton."""
_WINDOWS = ((0.9965, 1.0070), (1.9945, 2.0095), (2.9925, 3.0125))
"""Where isotopic peaks lie above the first, in dalton, from ¹⁵N, ³⁴S, ⁸¹Br to ¹³C and ²H."""
_BEFORE, _AFTER = 2.1, 3.2
_RELATIVE, _ABSOLUTE, _SHIFT = 0.12, 0.015, 0.0025
"""Spread of a measured share, relative and absolute, and of a measured shift in dalton."""
_FREEDOM = 3.0
_LEAST = 0.05
_OUTSIDE = 0.05
_NEIGHBOURS = 200
_PEAKS = 4
_SAID = 0.5
_UNKNOWN = frozenset({"B", "K", "Fe", "Cu", "Sn", "Se", "Hg", "Li", "Mg", "Ca", "Zn", "Ge"})
"""Elements of several isotopes that patterns do not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Isotopic peaks of an ion: shares of the first peak, and shifts from it as of a single charge.

    A share is 0 where no peak was seen; ``floor`` is the least share that would have been.
    """

    shares: tuple[float, ...]
    shifts: tuple[float, ...]
    charge: int
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a pattern says of a formula.

    ``weight`` multiplies its chance: 1 when the pattern fits it as well as those of its mass on average, or
    says nothing; ``awaited`` are the shares that it would have.
    """

    weight: float
    awaited: tuple[float, ...]


def around(
    mz: Sequence[float], heights: Sequence[float], precursor: float
) -> tuple[list[float], list[float]]:
    """Return the peaks of an MS1 spectrum, in order of m/z, that may be isotopes of a precursor's ion."""
    low, high = bisect_left(mz, precursor - _BEFORE), bisect_left(mz, precursor + _AFTER)
    return list(mz[low:high]), list(heights[low:high])


def pattern_of(
    mz: Sequence[float], heights: Sequence[float], precursor: float, *, ppm: float = 10.0
) -> Pattern | None:
    """Find the isotopic peaks of a precursor; None when it has none, or is not itself there.

    >>> found = pattern_of([195.0877, 196.0910, 197.2], [1000, 97, 5], 195.0877)
    >>> found.charge, [round(one, 3) for one in found.shares]
    (1, [1.0, 0.097, 0.0, 0.0])
    """
    peaks = [(x, y) for x, y in zip(mz, heights, strict=False) if x and y and y > 0]
    room = max(precursor * ppm * 1e-6, 0.002)
    first = max((y for x, y in peaks if abs(x - precursor) <= room), default=0.0)
    if not first:
        return None
    found = [_at_charge(peaks, precursor, first, charge) for charge in (1, 2)]
    best = max(found, key=lambda one: one.shares[1])
    return best if best.shares[1] > 0 or best.shares[2] > 0 else None


def _at_charge(peaks: Sequence[tuple[float, float]], precursor: float, first: float, charge: int) -> Pattern:
    room = precursor * 3e-6 * charge
    shares, shifts = [1.0], [0.0]
    for low, high in _WINDOWS:
        mine = [
            ((x - precursor) * charge, y)
            for x, y in peaks
            if low - room <= (x - precursor) * charge <= high + room
        ]
        total = sum(y for _, y in mine)
        shares.append(total / first)
        shifts.append(sum(x * y for x, y in mine) / total if total else 0.0)
    least = min(y for _, y in peaks) / first
    return Pattern(shares=tuple(shares), shifts=tuple(shifts), charge=charge, floor=max(least, 0.01))


def lighter(mz: Sequence[float], heights: Sequence[float], precursor: float) -> float | None:
    """Return the m/z of the ion of which a precursor is an isotopic peak; None when it is of none.

    A lighter peak is the first one when a molecule with as much carbon as fits its mass has the share seen.

    >>> lighter([194.0844, 195.0877], [1000, 97], 195.0877)
    194.0844
    """
    room = max(precursor * 5e-6, 0.0015)
    first = max((y for x, y in zip(mz, heights, strict=False) if abs(x - precursor) <= 2 * room), default=0.0)
    if not first:
        return None
    for charge in (1, 2):
        most = 1.5 * 0.0107 * precursor * charge / 12
        for x, y in zip(mz, heights, strict=False):
            if abs((precursor - x) * charge - CARBON_13) <= room * charge and 0 < first <= most * y:
                return float(x)
    return None


@lru_cache(maxsize=20_000)
def _expected(formula: str, adduct: str) -> tuple[tuple[float, float], ...] | None:
    """Return the pattern of a formula's ion; None when it cannot be computed."""
    known = adduct_named(adduct)
    try:
        counts = ion_counts(parse_formula(formula), known) if known else parse_formula(formula)
    except BadValueError:
        return None
    if not counts or _UNKNOWN & {*counts}:
        return None
    return isotope_pattern(counts, peaks=_PEAKS)


def log_likelihood(pattern: Pattern, awaited: Sequence[tuple[float, float]]) -> float:
    """Return the logarithm of the likelihood of measured peaks, but for a constant."""
    total = 0.0
    for share, shift, (their_shift, their_share) in zip(
        pattern.shares[1:], pattern.shifts[1:], awaited[1:], strict=False
    ):
        if share:
            spread = math.hypot(_RELATIVE * their_share, _ABSOLUTE)
            total += _heavy((share - their_share) / spread) - math.log(spread)
            if share > pattern.floor and their_share > pattern.floor:
                total += _heavy((shift - their_shift) / _SHIFT)
        else:
            # Nothing was seen: what is awaited must be under what would have been.
            over = max(their_share - pattern.floor, 0.0)
            spread = math.hypot(_RELATIVE * their_share, _ABSOLUTE)
            total += _heavy(over / spread) - math.log(math.hypot(_RELATIVE * pattern.floor, _ABSOLUTE))
    return total


def _heavy(gap: float) -> float:
    return -(_FREEDOM + 1) / 2 * math.log1p(gap * gap / _FREEDOM)


class Background:
    """Formulas of molecules by mass, to say how well a pattern fits those of the same mass on average."""

    def __init__(self, formulas: Iterable[str]) -> None:
        from eclaireur.cases.unknown_molecules.masses import formula_mass

        found = []
        for one in {*formulas}:
            try:
                found.append((formula_mass(one), one))
            except BadValueError:
                continue
        self._known = sorted(found)
        self._last: tuple[tuple[Pattern, float, str], float | None] | None = None

    def near(self, mass: float) -> list[str]:
        """Return the formulas whose masses are nearest."""
        at = bisect_left(self._known, (mass,))
        some = self._known[max(at - _NEIGHBOURS, 0) : at + _NEIGHBOURS]
        return [one for _, one in sorted(some, key=lambda one: abs(one[0] - mass))[:_NEIGHBOURS]]

    def within(self, mass: float, room: float) -> list[str]:
        """Return the formulas of a mass, nearest first."""
        low, high = bisect_left(self._known, (mass - room,)), bisect_left(self._known, (mass + room,))
        return [one for _, one in sorted(self._known[low:high], key=lambda one: abs(one[0] - mass))]

    def mean(self, pattern: Pattern, precursor: float, adduct: str) -> float | None:
        """Return the logarithm of the mean likelihood of a pattern under them; None without any.

        A formula that no library has and that fits perfectly counts among them for `_OUTSIDE` of all.
        """
        asked = (pattern, precursor, adduct)
        # Candidates of one spectrum ask the same in turn.
        if self._last is None or self._last[0] != asked:
            self._last = (asked, self._mean(pattern, precursor, adduct))
        return self._last[1]

    def _mean(self, pattern: Pattern, precursor: float, adduct: str) -> float | None:
        known = adduct_named(adduct) or ADDUCTS["[M+H]+"]
        mass = (precursor * known.charge - known.shift) / known.count
        levels = [
            log_likelihood(pattern, awaited)
            for one in self.near(mass)
            if (awaited := _expected(one, known.name)) is not None
        ]
        if not levels:
            return None
        perfect = log_likelihood(pattern, tuple(zip(pattern.shifts, pattern.shares, strict=True)))
        top = max(*levels, perfect)
        mean = sum(math.exp(one - top) for one in levels) / len(levels)
        return top + math.log((1 - _OUTSIDE) * mean + _OUTSIDE * math.exp(perfect - top))


def judge(
    pattern: Pattern, formula: str, adduct: str | None, *, precursor: float, background: Background
) -> Judged | None:
    """Judge a formula by a pattern; None when nothing can be said of it."""
    known = adduct_named(adduct)
    awaited = _expected(formula, known.name if known else "") if formula else None
    if awaited is None or (known is not None and known.charge != pattern.charge):
        return None
    usual = background.mean(pattern, precursor, known.name if known else "")
    if usual is None:
        return None
    ratio = math.exp(min(log_likelihood(pattern, awaited) - usual, 0.0))
    return Judged(weight=max(ratio, _LEAST), awaited=tuple(share for _, share in awaited))


def by_mass(
    precursor: float, mode: str | None, adduct: str | None, pattern: Pattern | None, background: Background
) -> list[tuple[str, Judged | None]]:
    """Return the formulas of a library that an ion's mass may be, nearest first, each with its judgement.

    An ion whose adduct is not known is taken for the usual one of its mode.
    """
    known = adduct_named(adduct) or ADDUCTS["[M-H]-" if mode == "negative" else "[M+H]+"]
    if pattern is not None and pattern.charge != known.charge:
        return []
    mass = (precursor * known.charge - known.shift) / known.count
    return [
        (
            one,
            judge(pattern, one, known.name, precursor=precursor, background=background) if pattern else None,
        )
        for one in background.within(mass, 5e-6 * precursor * known.charge / known.count)
    ]


def told_pattern(pattern: Pattern, formula: str, judged: Judged | None) -> str:
    """Say a pattern in words, and whether it fits a formula.

    >>> one = Pattern(shares=(1.0, 0.1, 0.65, 0.0), shifts=(0.0, 1.003, 1.998, 0.0), charge=1, floor=0.01)
    >>> told_pattern(one, "", None)
    'isotopes M+1 10\\xa0%, M+2 65\\xa0% (chlore ou brome)'
    """
    seen = ", ".join(
        f"M+{at} {french.percent(share)}" for at, share in enumerate(pattern.shares) if at and share
    )
    halogen = _halogen(pattern)
    said = f"isotopes {seen}{f' ({halogen})' if halogen else ''}"
    if pattern.charge > 1:
        said += f", ion de charge {pattern.charge}"
    if judged is None or not formula:
        return said
    awaited = ", ".join(
        f"M+{at} {french.percent(share)}" for at, share in enumerate(judged.awaited) if at and share >= 0.005
    )
    how = "conformes à" if fits(judged) else "contraires à" if against(judged) else "peu conformes à"
    return f"{said} : {how} {formula} (attendu {awaited})"


def fits(judged: Judged) -> bool:
    """Tell whether a pattern fits a formula as well as half of what its mass awaits."""
    return judged.weight >= _SAID


def against(judged: Judged) -> bool:
    """Tell whether a pattern speaks against a formula."""
    return judged.weight <= 2 * _LEAST


def _halogen(pattern: Pattern) -> str:
    share, shift = pattern.shares[2], pattern.shifts[2]
    return "chlore ou brome" if share >= 0.2 and abs(shift - 1.9975) <= 2 * _SHIFT else ""


def likely(pattern: Pattern, counts: Sequence[Mapping[str, int]], adduct: Adduct) -> list[float]:
    """Return the share of each formula of one mass among them all, each as likely as another beforehand."""
    levels = []
    for one in counts:
        ion = ion_counts(one, adduct)
        levels.append(
            -math.inf if ion is None else log_likelihood(pattern, isotope_pattern(ion, peaks=_PEAKS))
        )
    top = max(levels, default=0.0)
    rise = [math.exp(one - top) for one in levels]
    total = sum(rise) or 1.0
    return [part / total for part in rise]
