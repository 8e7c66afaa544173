"""The linear model beside an encoder of texts, and both together, on the very same split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.ridge import folds
from eclaireur.bricks.semantic.vectors import learnt_views, text_rows
from eclaireur.cases.mail_routing import measuring
from eclaireur.cases.mail_routing.router import INNER, PRECISION, across, calibrate
from eclaireur.core import evaluation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.bricks.semantic.encoders import Encoder
    from eclaireur.core.case import Progress

__all__ = ["compared"]

_CUT = 2000


def compared(
    rows: Sequence[Mapping[str, Any]], encoder: Encoder, *, seed: int, progress: Progress
) -> list[dict[str, Any]]:
    """Route the same test parts from words, from vectors of an encoder, and from the two likenesses together.

    Each has its own ridge, curves and threshold, set inside the training part.

    Returns
    -------
    list
        For each: ``name``, ``accuracy``, ``precision``, ``low``, ``high``, ``coverage``,
        ``calibration_error``, ``n``.
    """
    import numpy as np

    known = [row for row in rows if row["service"]]
    texts = [row["text"] for row in known]
    group = measuring.groups(known)
    progress(0, 2, "Vecteurs de l'encodeur")
    vectors = encoder.passages([text[:_CUT] for text in texts])
    found: dict[str, list[tuple[Any, ...]]] = {}
    for number, (inside, outside) in enumerate(measuring.splits(known, group, seed)):
        progress(number, measuring.FOLDS, "Comparaison sur les mêmes messages")
        names = sorted({known[at]["service"] for at in inside.tolist()})
        truth = np.array([names.index(known[at]["service"]) for at in inside.tolist()])
        asked = [known[at]["service"] for at in outside.tolist()]
        seen = folds(group[inside], INNER, seed=seed + 1)
        words = _words(texts, inside, outside)
        dense = vectors[inside] @ vectors[inside].T, vectors[outside] @ vectors[inside].T
        both = (words[0] + dense[0]) / 2, (words[1] + dense[1]) / 2
        for name, (near, far) in (("mots", words), (encoder.name, dense), ("les deux", both)):
            own, other = near.astype(np.float32), far.astype(np.float32)
            set_by = calibrate(own, truth, seen, precision=PRECISION)
            told = set_by.judged(across(own, other, truth, set_by.ridge))
            right = np.array(
                [names[at] == one for at, one in zip(told.best[:, 0].tolist(), asked, strict=True)]
            )
            found.setdefault(name, []).append((right, told.chances[:, 0], told.kept))
    return [_figures(name, parts) for name, parts in found.items()]


def _words(
    texts: Sequence[str], inside: NDArray[np.int64], outside: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    learnt = [texts[at] for at in inside.tolist()]
    views = learnt_views(learnt)
    rows, other = text_rows(learnt, views), text_rows([texts[at] for at in outside.tolist()], views)
    return (rows @ rows.T).toarray(), (other @ rows.T).toarray()


def _figures(name: str, parts: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    import numpy as np

    right, chances, kept = (np.concatenate(one) for one in zip(*parts, strict=True))
    n = int(kept.sum())
    low, high = evaluation.wilson(float(right[kept].sum()), n) if n else (0.0, 1.0)
    return {
        "name": name,
        "accuracy": float(right.mean()),
        "precision": float(right[kept].mean()) if n else None,
        "low": low,
        "high": high,
        "coverage": n / len(right),
        "calibration_error": float(evaluation.calibration_error(right.astype(float), chances)),
        "n": len(right),
    }
