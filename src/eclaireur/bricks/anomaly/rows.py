"""Rows of a table that are out of the ordinary: score, p-value, and the columns that put them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.anomaly import conformal, detectors
from eclaireur.bricks.anomaly.columns import MIN_ROWS, Columns
from eclaireur.bricks.anomaly.reasons import told
from eclaireur.bricks.anomaly.scale import Scale
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Found", "Usual", "rank_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is said of rows.

    Parameters
    ----------
    score
        From 0 to 1, higher is odder: the mean over detectors of the share of the reference that is less odd.
    p
        Conformal p-value: under *t* with probability at most *t* for a row like the reference.
    kept
        Rows worth a look, of which at most the share asked for is expected to be ordinary.
    by_detector
        The same share, for each detector.
    note
        French sentence when too little was held out for any single row to be kept, else empty.
    """

    score: NDArray[np.float64]
    p: NDArray[np.float64]
    kept: NDArray[np.bool_]
    by_detector: Mapping[str, NDArray[np.float64]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual, learnt from a reference: rows that are mostly ordinary, of the past for instance.

    Half of the reference fits the detectors; the other half, which they never saw, says how odd ordinary
    rows look. Nothing is stored: the reference and the seed make the same object again.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> past = draw.normal([10, 20], [1, 2], (1000, 2))
    >>> usual = Usual.of(past, ["débit", "nitrates"])
    >>> today = np.array([[10.0, 21.0], [10.0, 60.0]])
    >>> usual.find(today).kept.tolist()
    [False, True]
    >>> usual.reasons(today)[1][0]["feature"]
    'nitrates'
    """

    columns: Columns
    scorers: Mapping[str, detectors.Scorer]
    scales: Mapping[str, Scale]
    tail: detectors.Tails
    apart: detectors.Distance
    unexpected: tuple[Scale, ...]
    calibration: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.float64], names: Sequence[str], *, seed: int = 0) -> Usual:
        """Learn from reference rows, shape ``(n, columns)``; NaN is a missing value.

        Raises
        ------
        BadValueError
            Fewer than 60 rows, no column that varies, or an infinite value.
        """
        import numpy as np

        if 0 < len(rows) < 2 * MIN_ROWS:
            raise BadValueError(
                f"Trop peu pour conclure\u00a0: {len(rows)} lignes de référence, "
                f"il en faut au moins {2 * MIN_ROWS}.",
                fix="Donnez une période ou un territoire plus larges.",
            )
        order = np.random.default_rng(seed).permutation(len(rows))
        half = len(rows) // 2
        fitted = _fit(rows[order[:half]], names, seed)
        held = rows[order[half:]]
        score = np.mean([*_shares(fitted, held, own=False).values()], axis=0)
        return cls(**fitted, calibration=score)

    def find(self, rows: NDArray[np.float64], *, level: float = 0.1) -> Found:
        """Say which rows are out of the ordinary.

        Parameters
        ----------
        rows
            Shape ``(n, columns)``, the columns of the reference; rows of the reference itself would look
            too ordinary.
        level
            Share of the rows kept that may be ordinary, on average.
        """
        import numpy as np

        held = len(self.calibration)
        by_detector = _shares(self._parts(), rows, own=False)
        score = np.mean([*by_detector.values()], axis=0)
        p = conformal.p_values(self.calibration, score)
        needed = conformal.least(held, len(rows), level)
        note = ""
        if needed > 1:
            note = (
                f"Trop peu pour conclure sur une ligne seule\u00a0: avec {held} lignes mises de côté, "
                f"il en faut {needed} aussi inhabituelles à la fois."
            )
        kept = conformal.benjamini_hochberg(p, level)
        return Found(score=score, p=p, kept=kept, by_detector=by_detector, note=note)

    def reasons(self, rows: NDArray[np.float64], *, most: int = 3) -> list[list[dict[str, Any]]]:
        """Return the columns that put each row out, the strongest first, in the form of `bricks.explain`."""
        return told(self.columns, self.tail, self.apart, self.unexpected, rows, most=most)

    def _parts(self) -> dict[str, Any]:
        return {"columns": self.columns, "scorers": self.scorers, "scales": self.scales, "tail": self.tail}


def rank_rows(
    rows: NDArray[np.float64], names: Sequence[str], *, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Order the rows of one table by how odd they are among themselves, without any reference.

    Returns
    -------
    dict
        For each detector, and for their mean as ``all``, a score from 0 to 1. It is an order: how many of
        the first rows are truly anomalies cannot be said from it.

    Raises
    ------
    BadValueError
        Fewer than 30 rows, no column that varies, or an infinite value.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> rows[7] = 9
    >>> int(rank_rows(rows, ["a", "b", "c"])["all"].argmax())
    7
    """
    import numpy as np

    shares = _shares(_fit(rows, names, seed), rows, own=True)
    return {**shares, "all": np.mean([*shares.values()], axis=0)}


def _fit(rows: NDArray[np.float64], names: Sequence[str], seed: int) -> dict[str, Any]:
    """Fit the detectors and the scales of their scores on the rows they were fitted on."""
    columns = Columns.of(rows, names)
    standard, values = columns.standard(rows), columns.values(rows)
    tail, apart = detectors.tails(values), detectors.distance(standard, seed)
    scorers: dict[str, detectors.Scorer] = {
        "forest": detectors.forest(standard, seed),
        "distance": apart,
        "neighbours": detectors.neighbours(standard, seed),
        "tails": tail,
    }
    scales = {
        name: Scale.of(scorer(values if name == "tails" else standard, True))
        for name, scorer in scorers.items()
    }
    gaps = abs(apart.unexpected(standard)[0])
    return {
        "columns": columns,
        "scorers": scorers,
        "scales": scales,
        "tail": tail,
        "apart": apart,
        "unexpected": tuple(Scale.of(gap) for gap in gaps.T),
    }


def _shares(
    parts: Mapping[str, Any], rows: NDArray[np.float64], *, own: bool
) -> dict[str, NDArray[np.float64]]:
    """Return, for each detector, the share of the reference that is less odd than each row."""
    columns: Columns = parts["columns"]
    standard, values = columns.standard(rows), columns.values(rows)
    return {
        name: 1 - 10.0 ** -parts["scales"][name].rarity(scorer(values if name == "tails" else standard, own))
        for name, scorer in parts["scorers"].items()
    }
