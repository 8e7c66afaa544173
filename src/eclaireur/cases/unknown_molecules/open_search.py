"""Search without the precursor (open), or by neutral losses, through the flash entropy index of `ms_entropy`.

Both find relatives of a molecule that the library does not have, and the molecule itself when its adduct or
its precursor is not the one that was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.library import FRAGMENTS, Library, Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.batch import Batch

__all__ = ["Seeker"]

_MODES = ("open", "neutral_loss")


class Seeker:
    """A flash entropy index over the spectra of a library, each ion mode apart.

    Parameters
    ----------
    library
        Its spectra, all their peaks: a spectrum without fragments is found by its precursor's peak.
    """

    def __init__(self, library: Library) -> None:
        import numpy as np

        self.library = library
        self._indexes: dict[int, Any] = {}
        self._order: dict[int, NDArray[np.int64]] = {}
        order = np.argsort(library.molecule, kind="stable")
        self._by_molecule = order
        self._edges = np.searchsorted(library.molecule[order], np.arange(len(library.molecules)))

    def _index(self, mode: int) -> Any:
        """Build the index of a mode when it is first asked for."""
        import numpy as np
        from ms_entropy import FlashEntropySearch  # type: ignore[import-untyped]

        if mode not in self._indexes:
            library = self.library
            first, last = library.bounds[mode], library.bounds[mode + 1]
            spectra = []
            for at in range(first, last):
                begin, end = library.start[at], library.start[at + 1]
                peaks = np.column_stack([library.mz[begin:end], library.weight[begin:end]])
                spectra.append(
                    {
                        "precursor_mz": float(library.precursor[at]),
                        "peaks": peaks.astype(np.float32),
                        "at": at,
                    }
                )
            index = FlashEntropySearch(max_ms2_tolerance_in_da=1.2 * FRAGMENTS, intensity_weight=None)
            made = index.build_index(spectra, clean_spectra=False) if spectra else []
            self._order[mode] = np.array([one["at"] for one in made], np.int64)
            self._indexes[mode] = index if spectra else None
        return self._indexes[mode]

    def similarities(self, query: Query, *, mode: str = "open") -> NDArray[np.float64]:
        """Return the similarity of a spectrum with every spectrum of the library.

        Parameters
        ----------
        mode
            ``open``: peaks at the same m/z; ``neutral_loss``: at the same distance from the precursor.
        """
        import numpy as np

        if mode not in _MODES:
            raise ValueError(mode)
        found = np.zeros(len(self.library))
        weight = query.weight if mode == "open" else query.fragments
        kept = weight > 0
        if not kept.any():
            return found
        peaks = np.column_stack([query.mz[kept], weight[kept]]).astype(np.float32)
        for part in (query.mode,) if query.mode < 2 else (0, 1, 2):
            index = self._index(part)
            if index is None:
                continue
            if mode == "open":
                value = index.open_search(peaks=peaks, ms2_tolerance_in_da=FRAGMENTS)
            else:
                value = index.neutral_loss_search(
                    precursor_mz=query.precursor, peaks=peaks, ms2_tolerance_in_da=FRAGMENTS
                )
            found[self._order[part]] = value
        return found

    def molecules(self, query: Query, *, mode: str = "open", without: int = -1) -> NDArray[np.float64]:
        """Return the highest similarity of each molecule, a laboratory's spectra left out."""
        import numpy as np

        found = self.similarities(query, mode=mode)
        if without >= 0:
            found[self.library.laboratory == without] = 0
        return np.maximum.reduceat(found[self._by_molecule], self._edges)

    def right(
        self, batch: Batch, some: NDArray[np.int64], truth: NDArray[np.int64], lab: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell of some spectra whether the open search finds their molecule first: by compound, and alone.

        By compound, similarities of the spectra of one compound are added.
        """
        import numpy as np

        joint = np.zeros(len(some), bool)
        alone = np.zeros(len(some), bool)
        groups = batch.group[some]
        for group in np.unique(groups):
            places = np.flatnonzero(groups == group)
            total = np.zeros(len(self.library.molecules))
            for place in places.tolist():
                query = batch.queries[some[place]]
                if query is not None:
                    value = self.molecules(query, without=lab)
                    alone[place] = value.max() > 0 and value.argmax() == truth[some[place]]
                    total += value**2
            joint[places] = total.max() > 0 and total.argmax() == truth[some[places[0]]]
        return joint, alone
