"""Fragments of a structure by breaking bonds, for candidates of which no spectrum is known.

One or two bonds are broken; what is left may lose or gain hydrogens. No energy is computed: it says which
peaks a structure can explain, not which it must give.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.masses import ELECTRON, ELEMENTS
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Explained", "explain", "fragment_masses"]

_MOST_BONDS = 40
_SMALLEST = 3
_SHIFTS = (0, -1, 1, -2, 2)
_PENALTY = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How much of a spectrum a structure explains: share of the height, less for two bonds; and the peaks."""

    score: float
    share: float
    peaks: tuple[float, ...]


@lru_cache(maxsize=2048)
def fragment_masses(smiles: str) -> tuple[tuple[float, int], ...]:
    """Return the neutral masses of fragments with the bonds broken for each, the molecule first.

    Raises
    ------
    BadValueError
        If the structure cannot be read.
    """
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise BadValueError(f"structure illisible : « {smiles[:60]} ».", fix="Corrigez le SMILES.")
    atoms = [
        ELEMENTS.get(atom.GetSymbol(), 0.0) + atom.GetTotalNumHs() * ELEMENTS["H"]
        for atom in molecule.GetAtoms()
    ]
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds() if _breaks(bond)]
    every = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    found: dict[frozenset[int], int] = {frozenset(range(len(atoms))): 0}
    chosen = bonds[:_MOST_BONDS]
    for cut in [(one,) for one in chosen] + list(combinations(chosen, 2)):
        for part in _parts(len(atoms), every, set(cut)):
            if len(part) >= _SMALLEST:
                found[part] = min(found.get(part, 9), len(cut))
    masses: dict[float, int] = {}
    for part, broken in found.items():
        mass = round(sum(atoms[at] for at in part), 5)
        masses[mass] = min(masses.get(mass, 9), broken)
    return tuple(sorted(masses.items(), reverse=True))


def _breaks(bond: Any) -> bool:
    return not bond.GetIsAromatic() and bond.GetBondTypeAsDouble() < 2


def _parts(size: int, bonds: Sequence[tuple[int, int]], cut: set[tuple[int, int]]) -> list[frozenset[int]]:
    """Return what a molecule falls into; nothing when it holds together, as an open ring does."""
    label = list(range(size))

    def root(at: int) -> int:
        while label[at] != at:
            label[at] = label[label[at]]
            at = label[at]
        return at

    for one, other in bonds:
        if (one, other) not in cut:
            label[root(one)] = root(other)
    parts: dict[int, set[int]] = {}
    for at in range(size):
        parts.setdefault(root(at), set()).add(at)
    return [frozenset(part) for part in parts.values()] if len(parts) > 1 else []


def explain(
    smiles: str,
    mz: Sequence[float],
    intensity: Sequence[float],
    *,
    positive: bool = True,
    dalton: float = 0.005,
) -> Explained:
    """Return how much of a spectrum the fragments of a structure explain; the parent peak does not count.

    >>> explain("CCOC(=O)c1ccccc1", [105.0335, 60.0], [80.0, 20.0]).share
    0.8
    """
    masses = fragment_masses(smiles)
    parent = masses[0][0] + (1 if positive else -1) * (ELEMENTS["H"] - ELECTRON)
    charge = -ELECTRON if positive else ELECTRON
    total = explained = weighed = 0.0
    peaks = []
    for where, height in zip(mz, intensity, strict=True):
        if where > parent - 1.5:
            continue
        total += height
        best = 9
        for mass, broken in masses:
            if abs(mass - where) < 3 and any(
                abs(mass + shift * ELEMENTS["H"] + charge - where) <= dalton for shift in _SHIFTS
            ):
                best = min(best, max(broken, 1))
        if best < 9:
            explained += height
            weighed += height * _PENALTY ** (best - 1)
            peaks.append(where)
    if total <= 0:
        return Explained(score=0.0, share=0.0, peaks=())
    return Explained(score=weighed / total, share=explained / total, peaks=tuple(peaks))
