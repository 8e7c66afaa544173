"""Ridge regressions of many outputs on sparse rows, solved at once and kept at a low rank.

The outputs share the matrix of likeness between sentences, so that the dual costs one factorisation for
them all. What is fitted is then projected on its first directions (reduced-rank regression, Izenman 1975): a
new row costs its terms times the rank, not its terms times the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RANK", "Linear", "folds", "solve"]

RANK = 128
_RIDGE = 6.0


@dataclass(frozen=True, slots=True)
class Linear:
    """``rows @ inner @ outer + bias``: shapes ``(terms, rank)``, ``(rank, outputs)`` and ``(outputs,)``."""

    inner: NDArray[np.float32]
    outer: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scored(self, parts: Sequence[Any]) -> NDArray[np.float32]:
        """Return the outputs of sparse rows, shape ``(rows, outputs)``; the columns may come in parts."""
        found = self.bias
        start = 0
        for part in parts:
            stop = start + part.shape[1]
            found = found + (part @ self.inner[start:stop]) @ self.outer
            start = stop
        return found


def solve(rows: Any, targets: NDArray[np.float32], *, ridge: float = _RIDGE) -> Linear:
    """Fit every output at once.

    Parameters
    ----------
    rows
        Sparse matrix of sentences by terms, each of length 1.
    targets
        0 or 1 for each sentence and output.

    Examples
    --------
    >>> import numpy as np, scipy.sparse
    >>> rows = scipy.sparse.csr_array(np.eye(2, dtype=np.float32))
    >>> fitted = solve(rows, np.eye(2, dtype=np.float32), ridge=1e-3)
    >>> fitted.scored([rows]).round().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    likeness = (rows @ rows.T).toarray().astype(np.float32)
    bias = targets.mean(axis=0, dtype=np.float32)
    regular = likeness.copy()
    regular[np.diag_indices_from(regular)] += np.float32(ridge)
    factor = cho_factor(regular, lower=True, overwrite_a=True, check_finite=False)
    dual = cho_solve(factor, targets - bias, check_finite=False)
    fitted = likeness @ dual
    _, directions = np.linalg.eigh((fitted.T @ fitted).astype(np.float64))
    outer = directions[:, ::-1][:, :RANK].T.astype(np.float32)
    return Linear((rows.T @ (dual @ outer.T)).astype(np.float32), outer, bias)


def folds(groups: Any, count: int, *, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row, with each group whole in one fold.

    >>> len(set(folds([1, 1, 1, 1], 3, seed=0).tolist()))
    1
    """
    import numpy as np

    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(names)) % count
    found: NDArray[np.int64] = drawn[codes].astype(np.int64)
    return found
