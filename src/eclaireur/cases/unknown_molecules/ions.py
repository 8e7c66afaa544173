"""Ions of one molecule that elute together: its isotopic peaks and its adducts.

Two ions belong together when they have the same retention time, the gap of mass that two isotopes or two
adducts have, and, where areas of several injections are known, areas that go together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules.isotopes import CARBON_13
from eclaireur.cases.unknown_molecules.masses import ADDUCTS, precursor_of
from eclaireur.core import french

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.batch import Batch

__all__ = ["BASE", "Ion", "links", "related_spectra"]

BASE = {True: "[M+H]+", False: "[M-H]-"}
"""The ion to which adducts are linked, in positive mode or not."""
_OTHERS = {
    True: ("[M+Na]+", "[M+NH4]+", "[M+K]+", "[M-H2O+H]+", "[2M+H]+", "[2M+Na]+", "[M+2H]2+"),
    False: ("[M+Cl]-", "[M+HCOO]-", "[M+CH3COO]-", "[M-H-H2O]-", "[2M-H]-"),
}
_ISOTOPES = ((1, CARBON_13, 1), (2, 1.9973, 1), (2, 2 * CARBON_13, 1), (1, CARBON_13, 2))
"""Number of neutrons more, gap in dalton and charge."""
_PPM = 5.0
_MINUTES = 0.05
_MOST = 4
"""Most neutrons more than the first peak."""
_LEAST_SEEN = 4
_TOGETHER = 0.7
_HALOGEN = 0.2
"""Least share of M+2 that speaks of chlorine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ion:
    """What an ion is of another: ``neutrons`` more, or an ``adduct`` of its molecule; ``of`` is its place."""

    of: int
    neutrons: int = 0
    adduct: str = ""
    charge: int = 1


def links(
    mz: NDArray[np.float64],
    retention: NDArray[np.float64],
    *,
    positive: bool,
    area: NDArray[np.float64] | None = None,
) -> dict[int, Ion]:
    """Link ions of one run to the first peak, or to the usual adduct, of their molecule.

    Parameters
    ----------
    area
        Areas by ion and injection, NaN where nothing was measured: linked ions must vary alike.
    """
    import numpy as np

    run = _Run(mz, retention)
    found: dict[int, Ion] = {}
    carbon: set[int] = set()
    for heavy in run.order:
        for neutrons, gap, charge in _ISOTOPES:
            for light in run.near(run.mz[heavy] - gap / charge, run.time[heavy]):
                if light != heavy and _isotope(
                    mz, area, heavy, light, neutrons, charge, carbon=light in carbon
                ):
                    first = found.get(light)
                    more = neutrons + (0 if first is None else first.neutrons)
                    if more <= _MOST and (first is None or first.charge == charge):
                        of = light if first is None else first.of
                        found[heavy] = Ion(of=of, neutrons=more, charge=charge)
                        carbon |= {light} if neutrons == 1 else set()
                    break
            if heavy in found:
                break
    size = np.nan_to_num(area).sum(axis=1) if area is not None else -mz
    bases: set[int] = set()
    usual = ADDUCTS[BASE[positive]]
    for base in np.argsort(-size, kind="stable").tolist():
        if base in found:
            continue
        for name in _OTHERS[positive]:
            awaited = precursor_of(run.mz[base] - usual.shift, ADDUCTS[name])
            for other in run.near(awaited, run.time[base]):
                free = other not in found and other != base and other not in bases
                if free and _together(area, base, other) is not False:
                    found[other] = Ion(of=base, adduct=name, charge=ADDUCTS[name].charge)
                    bases.add(base)
                    break
    return found


class _Run:
    """Ions of a run by m/z, as plain numbers: they are asked for one at a time."""

    def __init__(self, mz: NDArray[np.float64], retention: NDArray[np.float64]) -> None:
        import numpy as np

        self.mz: list[float] = mz.tolist()
        self.time: list[float] = retention.tolist()
        self.order: list[int] = np.argsort(mz, kind="stable").tolist()
        self._sorted = [self.mz[at] for at in self.order]

    def near(self, awaited: float, time: float) -> list[int]:
        """Return the ions at an m/z and a time, nearest in time first."""
        room = awaited * _PPM * 1e-6
        low, high = bisect_left(self._sorted, awaited - room), bisect_right(self._sorted, awaited + room)
        if low == high:
            return []
        near = [at for at in self.order[low:high] if abs(self.time[at] - time) <= _MINUTES]
        return sorted(near, key=lambda at: abs(self.time[at] - time))


def _isotope(
    mz: NDArray[np.float64],
    area: NDArray[np.float64] | None,
    heavy: int,
    light: int,
    neutrons: int,
    charge: int,
    *,
    carbon: bool,
) -> bool:
    """Tell whether heights are those that an isotopic peak may have, and vary alike.

    Without its M+1 (``carbon``), M+2 is of chlorine or bromine, so high.
    """
    import numpy as np

    if area is None:
        return neutrons == 1
    if _together(area, light, heavy) is False:
        return False
    both = np.isfinite(area[heavy]) & np.isfinite(area[light])
    ratio = float(np.median(area[heavy][both] / area[light][both]))
    # As much carbon as the mass allows, half more for errors; of M+2, two bromines at most.
    if neutrons == 1:
        return bool(ratio <= 1.5 * 0.0107 * mz[light] * charge / 12 + 0.02)
    return bool((0.0 if carbon else _HALOGEN) <= ratio <= 2.5)


def _together(area: NDArray[np.float64] | None, one: int, other: int) -> bool | None:
    """Tell whether two ions vary alike among injections; None when areas are not known or too few."""
    import numpy as np

    if area is None:
        return None
    both = np.isfinite(area[one]) & np.isfinite(area[other])
    seen = int(both.sum())
    if not seen or seen < 0.5 * min(np.isfinite(area[one]).sum(), np.isfinite(area[other]).sum()):
        return False
    x, y = np.log(area[one][both]), np.log(area[other][both])
    if seen < _LEAST_SEEN or x.std() < 0.15 or y.std() < 0.15:
        return None
    return bool(np.corrcoef(x, y)[0, 1] >= _TOGETHER)


def related_spectra(table: pa.Table, batch: Batch) -> list[str]:
    """Say in words of each spectrum of a table which other one is of the same molecule; empty when none is.

    Spectra of one compound, taken at several energies, count as one.
    """
    import numpy as np

    names, modes = table["spectrum"].to_pylist(), table["mode"].to_pylist()
    said = [""] * table.num_rows
    positive = np.array([one == "positive" for one in modes], bool)
    # Signals without fragments were linked by their areas, in their own table.
    usable = np.isfinite(batch.retention) & (batch.precursor > 0) & (batch.peaks > 0)
    usable &= np.array([one is not None for one in modes], bool) & (batch.group == np.arange(len(said)))
    for run in np.unique(batch.run[usable]).tolist():
        for mode in (True, False):
            rows = np.flatnonzero(usable & (batch.run == run) & (positive == mode))
            if len(rows) < 2:
                continue
            found = links(batch.precursor[rows], batch.retention[rows], positive=mode)
            for at, ion in found.items():
                what = f"pic M+{ion.neutrons}" if ion.neutrons else f"ion {ion.adduct}"
                gap = french.number(abs(float(batch.precursor[rows[at]] - batch.precursor[rows[ion.of]])), 4)
                base = "" if ion.neutrons else f" ({BASE[mode]})"
                said[int(rows[at])] = (
                    f"sans doute {what} de la molécule de « {names[int(rows[ion.of])]} »{base} : "
                    f"même temps de rétention, écart de m/z {gap}"
                )
    return [said[int(group)] for group in batch.group]
