"""Level shifts and a drift in a sequence whose neighbouring values resemble each other.

Wet and dry years make a level go to and fro, which a search that takes values for independent reads as
shifts. So what is said is a likelihood ratio between two accounts of the sequence: slow movement (AR(1)) and
measurement noise of any strength in `_NOISES`, with a change or without one, each with the noise that suits
it best. How large this ratio gets when nothing changes is not known in closed form: it is drawn again from
sequences without change, whose noise is as plausible as that of this one (parametric bootstrap: Davison and
Hinkley 1997). A change is said when at most the share `LEVEL` of these sequences show as much anywhere, so
that this is about the share of calm sequences of which anything is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LEVEL", "SHORTEST", "Split", "deviation", "split"]

LEVEL = 0.05
"""Share of sequences without any change of which a shift or a drift is said all the same."""

SHORTEST = 6
"""Values of the shortest level."""

_NOISES = (
    (0.0, 0.0),
    *((phi, share) for phi in (0.2, 0.4, 0.6, 0.75, 0.86, 0.93, 0.97) for share in (0.3, 0.6, 1.0)),
)
"""Accounts of the noise: likeness of successive values of the slow movement, its share of the variance."""

_DRAWS = 199
_MOST = 250
"""Values above which neighbours are averaged: longer sequences have as many blocks."""

_MOST_CHANGES = 6
_LEAST_RATIO = 2.5
"""Log likelihood ratio under which no draw is needed: chance alone gives as much."""

_CUT = 3.0
_SEED = 20211


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One change of a sequence.

    Parameters
    ----------
    kind
        ``shift`` or ``drift``.
    first, last
        Positions of the first and last value of the new level, or of the drift.
    size
        New level less the old one; for a drift, its whole rise.
    p
        Share of sequences without change that show as much.
    """

    kind: str
    first: int
    last: int
    size: float
    p: float


def deviation(values: Floats) -> float:
    """Return the standard deviation that the median absolute deviation stands for, under a normal law."""
    import numpy as np

    return float(1.4826 * np.median(abs(values - np.median(values))))


def split(values: Floats, *, level: float = LEVEL) -> list[Split]:
    """Return the changes of a sequence in their order, each told at ``level`` given those before it.

    Shifts are added one by one, the clearest first. A drift goes on to the end, and nothing is looked for
    beside it.
    """
    import numpy as np

    step = -(-len(values) // _MOST)
    whole = len(values) // step
    start = len(values) - whole * step
    sequence = _cut(values)[start:].reshape(whole, step).mean(axis=1)
    if whole < 4 * SHORTEST or not np.ptp(sequence):
        return []
    sequence = (sequence - sequence.mean()) / sequence.std()
    found: list[tuple[str, int, float]] = []
    while len(found) < _MOST_CHANGES:
        best = _clearest(sequence, tuple(at for _, at, _ in found))
        if best is None or best[2] > level:
            break
        if best[0] == "drift":
            # A drift beside shifts would explain them twice.
            found = found or [best]
            break
        found.append(best)
    placed = sorted((_refined(values, kind, start + at * step, step), kind, p) for kind, at, p in found)
    return _told(values, placed)


def _clearest(sequence: Floats, steps: tuple[int, ...]) -> tuple[str, int, float] | None:
    """Return the kind, place and p-value of the change that says most beside known shifts."""
    import numpy as np

    scene = _scene(len(sequence), steps)
    if not scene.kinds:
        return None
    ratio, at, plausible = scene.ratio(sequence[:, None])
    if ratio[0] < _LEAST_RATIO:
        return None
    draw = np.random.default_rng([_SEED, len(steps)])
    noise = draw.choice(len(_NOISES), _DRAWS, p=plausible[:, 0])
    white = draw.normal(size=(len(sequence), _DRAWS))
    calm = np.empty_like(white)
    for index in np.unique(noise).tolist():
        calm[:, noise == index] = _root(len(sequence), index) @ white[:, noise == index]
    drawn, _, _ = scene.ratio(calm)
    p = (1 + int((drawn >= ratio[0]).sum())) / (1 + _DRAWS)
    kind, place = scene.kinds[int(at[0])]
    return kind, place, p


def _covariance(n: int, index: int) -> Floats:
    import numpy as np

    phi, share = _NOISES[index]
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return share * phi**lag + (1 - share) * np.eye(n) if share else np.eye(n)


@lru_cache(maxsize=64)
def _root(n: int, index: int) -> Floats:
    import numpy as np

    return np.asarray(np.linalg.cholesky(_covariance(n, index)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Every change that a sequence of a length may hold beside known shifts, seen through each noise.

    For each noise: the inverse root of its covariance, an orthonormal basis of what is known (level and
    shifts), the changes orthogonal to it (one a line, of length one), and half log determinants, of the
    covariance and of what is known.
    """

    kinds: tuple[tuple[str, int], ...]
    noises: tuple[tuple[Floats, Floats, Floats, float, float], ...]

    def ratio(self, sequences: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Return for each column: the greatest log likelihood ratio, which change, plausible noises."""
        import numpy as np

        n, count = sequences.shape
        calm, restricted = np.empty((2, len(self.noises), count))
        best, where = np.full(count, -np.inf), np.zeros(count, dtype=np.int64)
        for index, (inverse, basis, changes, half, more) in enumerate(self.noises):
            white = inverse @ sequences
            white -= basis @ (basis.T @ white)
            left = np.einsum("ij,ij->j", white, white)
            gain = (changes @ white) ** 2
            at = gain.argmax(axis=0)
            after = np.maximum(left - gain[at, np.arange(count)], 1e-12 * left)
            calm[index] = -n / 2 * np.log(left) - half
            restricted[index] = -(n - basis.shape[1]) / 2 * np.log(left) - half - more
            changed = -n / 2 * np.log(after) - half
            better = changed > best
            best[better], where[better] = changed[better], at[better]
        plausible = np.exp(restricted - restricted.max(axis=0))
        return best - calm.max(axis=0), where, plausible / plausible.sum(axis=0)


@lru_cache(maxsize=8)
def _scene(n: int, steps: tuple[int, ...]) -> _Scene:
    """Prepare the changes that are possible: levels keep `SHORTEST` values, drifts twice as many."""
    import numpy as np
    from scipy.linalg import solve_triangular

    place = np.arange(n, dtype=float)
    kinds = [
        ("shift", at)
        for at in range(SHORTEST, n - SHORTEST + 1)
        if all(abs(at - one) >= SHORTEST for one in steps)
    ]
    if not steps:
        kinds += [("drift", at) for at in range(0, n + 1 - 2 * SHORTEST, max(1, n // 60))]
    known = np.column_stack([np.ones(n), *(place >= at for at in steps)])
    shapes = np.column_stack(
        [place >= at if kind == "shift" else np.maximum(place - at, 0.0) for kind, at in kinds]
    )
    noises = []
    for index in range(len(_NOISES)):
        root = _root(n, index)
        inverse = solve_triangular(root, np.eye(n), lower=True)
        basis, upper = np.linalg.qr(inverse @ known)
        lines = inverse @ shapes
        lines -= basis @ (basis.T @ lines)
        lines /= np.maximum(np.linalg.norm(lines, axis=0), 1e-9)
        half = float(np.log(np.diag(root)).sum())
        more = float(np.log(np.abs(np.diag(upper))).sum())
        noises.append((inverse, basis, np.ascontiguousarray(lines.T), half, more))
    return _Scene(kinds=tuple(kinds), noises=tuple(noises))


def _refined(values: Floats, kind: str, at: int, step: int) -> int:
    """Return the position of a shift among the values of the blocks around it."""
    import numpy as np

    if kind == "drift" or step == 1:
        return at
    around = range(max(1, at - step), min(len(values), at + step))
    low, high = max(0, at - SHORTEST * step), min(len(values), at + SHORTEST * step)

    def left(cut: int) -> float:
        parts = values[low:cut], values[cut:high]
        return float(sum(np.abs(part - np.median(part)).sum() for part in parts))

    return min(around, key=left)


def _told(values: Floats, placed: list[tuple[int, str, float]]) -> list[Split]:
    import numpy as np

    borders = [0, *(at for at, _, _ in placed), len(values)]
    levels = [float(np.median(values[a:b])) if b > a else 0.0 for a, b in pairwise(borders)]
    found = []
    for index, (at, kind, p) in enumerate(placed, start=1):
        last = borders[index + 1] - 1
        size = levels[index] - levels[index - 1]
        if kind == "drift":
            line = np.maximum(np.arange(len(values), dtype=float) - at, 0.0)
            slope = float(np.polyfit(line, values, 1)[0])
            size = slope * float(line[-1])
        found.append(Split(kind=kind, first=at, last=last, size=size, p=p))
    return found


def _cut(values: Floats) -> Floats:
    """Bring values back to three deviations of the median of their neighbours."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    half = SHORTEST
    around = np.median(sliding_window_view(np.pad(values, half, mode="reflect"), 2 * half + 1), axis=1)
    spread = deviation(values - around)
    if not spread:
        return values.copy()
    return np.clip(values, around - _CUT * spread, around + _CUT * spread)
