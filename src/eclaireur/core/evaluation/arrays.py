"""Labels and scores as arrays, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["checked", "group_codes"]


def checked(labels: Any, scores: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return labels in {0, 1} and scores as float arrays of one length.

    Raises
    ------
    BadValueError
        If lengths differ, a label is not 0 or 1, or a score is not a number.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    score = np.asarray(scores, dtype=np.float64)
    if truth.shape != score.shape or truth.ndim != 1:
        raise BadValueError(f"{truth.size} étiquettes pour {score.size} scores.")
    if not np.isin(truth, (0.0, 1.0)).all():
        raise BadValueError(
            "une étiquette manque ou n'est ni 0 ni 1.", fix="Retirez les lignes sans résultat connu."
        )
    if np.isnan(score).any():
        raise BadValueError("un score n'est pas un nombre.")
    return truth, score


def group_codes(groups: Sequence[Any]) -> NDArray[np.int64]:
    """Return one integer per group, −1 where the group is not known."""
    import numpy as np

    known = sorted({group for group in groups if group is not None}, key=str)
    codes = {group: index for index, group in enumerate(known)}
    return np.array([-1 if group is None else codes[group] for group in groups], dtype=np.int64)
