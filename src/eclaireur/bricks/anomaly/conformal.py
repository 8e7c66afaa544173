"""How surprising a row is, as a p-value that needs no share of anomalies, and how many to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["benjamini_hochberg", "least", "p_values"]


def p_values(calibration: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return conformal p-values: the share of calibration rows at least as odd, the row itself counted.

    Whatever the score, a row drawn like the calibration rows has a p-value under *t* with probability at
    most *t* (Vovk et al. 2005; Bates, Candès, Lei, Romano and Sesia 2023, « Testing for outliers with
    conformal p-values », Annals of Statistics 51).

    >>> import numpy as np
    >>> p_values(np.arange(9.0), np.array([8.5, 8.0, -1.0])).tolist()
    [0.1, 0.2, 1.0]
    """
    import numpy as np

    ordered = np.sort(calibration)
    at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return (at_least + 1) / (len(ordered) + 1)


def benjamini_hochberg(p: NDArray[np.float64], level: float = 0.1) -> NDArray[np.bool_]:
    """Return which rows to keep so that at most a share ``level`` of them is expected to be ordinary.

    Benjamini and Hochberg 1995; conformal p-values that share a calibration part keep the guarantee, since
    they depend on each other positively (Bates et al. 2023, theorem 2).

    Raises
    ------
    BadValueError
        ``level`` is not between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> benjamini_hochberg(np.array([0.001, 0.5, 0.02, 0.9]), 0.1).tolist()
    [True, False, True, False]
    """
    import numpy as np

    if not 0 < level < 1:
        raise BadValueError(
            "La part d’erreurs admise doit être entre 0 et 1.", fix="Donnez par exemple 0,1 : une sur dix."
        )
    order = np.argsort(p, kind="stable")
    under = p[order] <= level * np.arange(1, len(p) + 1) / max(1, len(p))
    kept = np.zeros(len(p), dtype=bool)
    if under.any():
        kept[order[: int(np.flatnonzero(under)[-1]) + 1]] = True
    return kept


def least(calibration: int, rows: int, level: float = 0.1) -> int:
    """Return how many rows must be at the smallest p-value before any can be kept.

    A calibration part of ``calibration`` rows gives no p-value under ``1 / (calibration + 1)``; one row in
    ``rows`` needs ``level / rows``.

    >>> least(999, 50), least(99, 500)
    (1, 50)
    """
    import math

    return max(1, math.ceil(rows / (level * (calibration + 1)) - 1e-9))
