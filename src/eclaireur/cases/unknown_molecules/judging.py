"""One calibrated probability for each candidate of each spectrum.

Candidates are molecules. A conditional logit chooses among them and « none of them », whose own weight
depends on the spectrum: so the probabilities of a spectrum's candidates and of an absent molecule sum to 1.
It is learnt on spectra of each laboratory searched in those of the others, each twice: as it is, and with
its molecule taken out of the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.batch import Batch, Pairs, retention_evidence, volts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.library import Library

__all__ = [
    "FEATURES",
    "Candidates",
    "Chooser",
    "candidates_of",
    "fit_chooser",
    "from_plain",
    "library_runs",
    "to_plain",
    "weighed",
]

FEATURES = (
    "similarity",
    "similarity_squared",
    "fragments",
    "three_best",
    "near_energy",
    "mass_error",
    "matched_peaks",
    "library_share",
    "energy_gap",
    "spectra",
    "laboratories",
    "retention",
    "compound_similarity",
    "compound_fragments",
    "compound_best",
    "compound_squared",
    "usual_adduct",
    "nearest",
    "compound_nearest",
)
"""What is known of a candidate, in the order of the columns."""
_QUERY_FEATURES = ("always", "peaks", "candidates", "compound_spectra")
_UNKNOWN_GAP = 0.7
_JITTER = 2.0
"""Spread of a measured precursor, in ppm: reference spectra bear the computed one."""
_PENALTY = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Molecules that a batch's spectra may be, in the order of spectra.

    ``best`` is the most similar library spectrum of each; ``about`` holds `_QUERY_FEATURES` of its spectrum.
    """

    query: NDArray[np.int64]
    molecule: NDArray[np.int64]
    best: NDArray[np.int64]
    features: NDArray[np.float64]
    about: NDArray[np.float64]
    error: NDArray[np.float64]
    plain: NDArray[np.float64]
    matched: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chooser:
    """Weights of a candidate's features and of « none of them »."""

    weights: tuple[float, ...]
    none: tuple[float, ...]


def library_runs(columns: list[str | None], library: Library) -> NDArray[np.int64]:
    """Return a code of the laboratory and column of each spectrum of a library."""
    import numpy as np

    names = [
        f"{lab}|{columns[row] or ''}"
        for lab, row in zip(library.laboratory, library.row.tolist(), strict=True)
    ]
    if not names:
        return np.zeros(0, np.int64)
    return np.unique(np.array(names, str), return_inverse=True)[1].astype(np.int64).reshape(-1)


def candidates_of(
    batch: Batch,
    library: Library,
    pairs: Pairs,
    *,
    retention: NDArray[np.float64],
    runs: NDArray[np.int64],
    seed: int | None = None,
) -> Candidates:
    """Gather pairs by spectrum and molecule.

    Parameters
    ----------
    retention, runs
        Of the library's spectra (`batch.retention_evidence`).
    seed
        When given, precursors are moved at random as if measured: to learn on computed ones.
    """
    import numpy as np

    size = max(len(library.molecules), 1)
    level = (pairs.similarity + pairs.fragments) / 2
    key = pairs.query * size + library.molecule[pairs.at]
    told = retention_evidence(batch, library, pairs, retention, runs)
    order = np.lexsort((-level, key))
    key = key[order]
    first = np.concatenate([[True], np.diff(key) > 0]) if len(key) else np.zeros(0, bool)
    begin = np.flatnonzero(first)
    owner = np.cumsum(first) - 1
    count = np.bincount(owner, minlength=len(begin))
    query, at, level = pairs.query[order], pairs.at[order], level[order]
    spoken = told[order] != 0
    precursor = batch.precursor
    if seed is not None:
        draw = np.random.default_rng(seed)
        precursor = precursor * (1 + 1e-6 * draw.normal(0, _JITTER, len(precursor)))
    error = 1e6 * (precursor[query] - library.precursor[at]) / library.precursor[at]
    theirs = volts(library.energy[at], library.percent[at], library.precursor[at])
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.abs(np.log(batch.volts[query] / theirs))
    gap = np.where(np.isfinite(gap), np.minimum(gap, 2.0), _UNKNOWN_GAP)
    near = np.exp(-3 * gap)
    rank = np.arange(len(key)) - begin[owner] if len(key) else np.zeros(0, np.int64)
    best = begin
    mine = query[best]
    molecule = library.molecule[at[best]]
    three = np.bincount(owner, level * (rank < 3), len(begin)) / np.minimum(count, 3)
    apart = np.maximum.reduceat(pairs.fragments[order], begin) if len(begin) else np.zeros(0)
    plain = np.maximum.reduceat(pairs.similarity[order], begin) if len(begin) else np.zeros(0)
    pair_lab = np.unique(owner * (len(library.laboratories) + 1) + library.laboratory[at])
    labs = np.bincount(pair_lab // (len(library.laboratories) + 1), minlength=len(begin))
    heard = np.bincount(owner, spoken, len(begin))
    retained = np.bincount(owner, told[order], len(begin)) / np.maximum(heard, 1)
    sizes = np.diff(library.start)
    matched = pairs.matched[order][best]
    nearest = np.maximum.reduceat(level * np.exp(-gap / 2), begin) if len(begin) else np.zeros(0)
    compound = _of_compound(batch, mine, molecule, size, level[best], apart)
    features = np.column_stack(
        [
            level[best],
            level[best] ** 2,
            apart,
            three,
            np.bincount(owner, level * near, len(begin))
            / np.maximum(np.bincount(owner, near, len(begin)), 1e-9),
            _least(error, begin) ** 2 / 20,
            np.log1p(matched),
            matched / np.maximum(sizes[at[best]], 1),
            gap[best],
            np.log(np.maximum(count, 1)),
            np.log(np.maximum(labs, 1)),
            retained,
            *compound,
            compound[0] ** 2,
            np.maximum.reduceat(library.usual[at] * 1.0, begin) if len(begin) else np.zeros(0),
            nearest,
            _of_compound(batch, mine, molecule, size, nearest, apart)[0],
        ]
    )
    among = np.bincount(mine, minlength=len(batch.queries))[mine]
    members = np.bincount(batch.group, minlength=len(batch.queries))[batch.group[mine]]
    about = np.column_stack(
        [
            np.ones(len(begin)),
            np.log1p(batch.peaks[mine]),
            np.log(np.maximum(among, 1)),
            np.log(np.maximum(members, 1)),
        ]
    )
    return Candidates(
        query=mine,
        molecule=molecule,
        best=at[best],
        features=features,
        about=about,
        error=error[best],
        plain=plain,
        matched=matched,
    )


def _least(error: NDArray[np.float64], begin: NDArray[np.int64]) -> NDArray[np.float64]:
    import numpy as np

    return np.minimum.reduceat(np.abs(error), begin) if len(begin) else np.zeros(0)


def _of_compound(
    batch: Batch,
    query: NDArray[np.int64],
    molecule: NDArray[np.int64],
    size: int,
    level: NDArray[np.float64],
    apart: NDArray[np.float64],
) -> tuple[NDArray[np.float64], ...]:
    """Return means over the spectra of the compound that a spectrum is of, and their best."""
    import numpy as np

    group = batch.group[query]
    _, place = np.unique(group * size + molecule, return_inverse=True)
    members = np.bincount(batch.group, minlength=len(batch.queries))[group]
    number = int(place.max(initial=-1)) + 1
    best = np.zeros(number)
    np.maximum.at(best, place, apart)
    return (
        np.bincount(place, level, number)[place] / members,
        np.bincount(place, apart, number)[place] / members,
        best[place],
    )


def fit_chooser(found: Candidates, right: NDArray[np.bool_], laboratory: NDArray[np.int64]) -> Chooser:
    """Learn the weights from spectra whose molecule is among their candidates.

    Parameters
    ----------
    right
        Whether each candidate is the molecule; one a spectrum.
    laboratory
        Laboratory of each candidate's spectrum: each counts by the square root of its number of spectra.
    """
    import numpy as np
    from scipy.optimize import minimize

    scale = found.features.std(axis=0)
    scale = np.where(scale < 1e-6, 1.0, scale)
    shape = found.features / scale
    begin = np.flatnonzero(np.concatenate([[True], np.diff(found.query) > 0]))
    owner = np.cumsum(np.concatenate([[True], np.diff(found.query) > 0])) - 1
    labs = laboratory[begin]
    weight = 1 / np.sqrt(np.bincount(labs)[labs])
    weight = weight / weight.sum()
    about = found.about[begin]
    width = shape.shape[1]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score, none = shape @ values[:width], about @ values[width:]
        share, share_none, log_total = _softmax(score, none, begin, owner)
        hidden = np.where(right, -np.inf, score)
        absent, absent_none, log_without = _softmax(hidden, none, begin, owner)
        value = weight @ (log_total - score[right] + log_without - none)
        slope = weight[owner] * (share + absent - right)
        slope_none = weight * (share_none + absent_none - 1)
        penalty = _PENALTY * values * np.concatenate([np.ones(width), np.zeros(len(values) - width)])
        gradient = np.concatenate([shape.T @ slope, about.T @ slope_none]) + 2 * penalty
        return float(value + penalty @ values), gradient

    start = np.zeros(width + about.shape[1])
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights = fitted.x[:width] / scale
    return Chooser(tuple(weights.tolist()), tuple(fitted.x[width:].tolist()))


def _softmax(
    score: NDArray[np.float64], none: NDArray[np.float64], begin: NDArray[np.int64], owner: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each candidate, that of none of them, and the logarithm of the sum."""
    import numpy as np

    top = np.maximum(np.maximum.reduceat(score, begin), none)
    rise, blank = np.exp(score - top[owner]), np.exp(none - top)
    total = np.add.reduceat(rise, begin) + blank
    return rise / total[owner], blank / total, top + np.log(total)


def weighed(
    found: Candidates, chooser: Chooser, *, without: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of each candidate, and its score before any comparison.

    Parameters
    ----------
    without
        Candidates to take out, as if the library did not have them; their probability is 0.
    """
    import numpy as np

    if not len(found.query):
        return np.zeros(0), np.zeros(0)
    score = found.features @ np.array(chooser.weights)
    begin = np.flatnonzero(np.concatenate([[True], np.diff(found.query) > 0]))
    owner = np.cumsum(np.concatenate([[True], np.diff(found.query) > 0])) - 1
    none = found.about[begin] @ np.array(chooser.none)
    shown = score if without is None else np.where(without, -np.inf, score)
    return _softmax(shown, none, begin, owner)[0], score


def to_plain(chooser: Chooser) -> dict[str, Any]:
    """Return a chooser as JSON."""
    return {"weights": dict(zip(FEATURES, chooser.weights, strict=True)), "none": list(chooser.none)}


def from_plain(content: Any) -> Chooser:
    """Read what `to_plain` wrote."""
    weights = tuple(float(content["weights"][name]) for name in FEATURES)
    none = tuple(float(one) for one in content["none"])
    return Chooser(weights, none)
