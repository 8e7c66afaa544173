"""New themes: recent messages unlike any before, that resemble each other and come from several people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.ngrams import stems
from eclaireur.bricks.semantic.vectors import learnt_views, text_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DAYS", "Theme", "new_themes", "recent"]

DAYS = 30
"""Length of the recent period."""

_PAST = 8000
_RECENT = 3000
_RARE = 0.05
_ALIKE = 0.2
_PEOPLE = 3
_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """A new theme: places of its messages among those given, and the words that they share."""

    members: tuple[int, ...]
    words: tuple[str, ...]


def recent(rows: Sequence[Mapping[str, Any]], days: int = DAYS) -> int:
    """Return where the recent period begins in messages that are in order of date."""
    last = rows[-1]["observed"]
    start = last - timedelta(days=days)
    return next((at for at, row in enumerate(rows) if row["observed"] > start), len(rows))


def new_themes(rows: Sequence[Mapping[str, Any]], *, days: int = DAYS) -> list[Theme]:
    """Return the new themes of the recent period, largest first.

    A message is new when it is less like its nearest earlier message than nearly all earlier ones were: the
    bound is that which one earlier message in twenty was under, when it came.

    Parameters
    ----------
    rows
        Messages in order of date, with ``text``, ``sender`` and ``observed``.
    """
    import numpy as np

    start = recent(rows, days)
    past = list(range(max(0, start - _PAST), start))
    now = list(range(max(start, len(rows) - _RECENT), len(rows)))
    if len(past) < 40 or len(now) < _PEOPLE:
        return []
    # Words never seen before are what makes a message new: they count.
    views = learnt_views([rows[at]["text"] for at in past + now])
    known = text_rows([rows[at]["text"] for at in past], views)
    nearest = _nearest(known)
    bound = float(np.quantile(nearest[len(nearest) // 2 :], _RARE))
    asked = text_rows([rows[at]["text"] for at in now], views)
    unlike = (asked @ known.T).max(axis=1).toarray().ravel() < bound
    fresh = [at for at, new in zip(now, unlike.tolist(), strict=True) if new]
    return _gathered(rows, fresh, past)


def _nearest(known: Any) -> NDArray[np.float64]:
    """Return the likeness of each earlier message to the nearest of those before it."""
    import numpy as np

    found = np.zeros(known.shape[0])
    size = 500
    for begin in range(0, known.shape[0], size):
        block = (known[begin : begin + size] @ known.T).toarray()
        for at in range(len(block)):
            before = block[at, : begin + at]
            found[begin + at] = before.max() if len(before) else 0.0
    return found


def _gathered(rows: Sequence[Mapping[str, Any]], fresh: Sequence[int], past: Sequence[int]) -> list[Theme]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    if len(fresh) < _PEOPLE:
        return []
    texts = [rows[at]["text"] for at in fresh]
    own = text_rows(texts, learnt_views(texts))
    _, codes = connected_components(csr_array((own @ own.T).toarray() > _ALIKE), directed=False)
    before = Counter(stem for at in past for stem in set(stems(rows[at]["text"])))
    groups: dict[int, list[int]] = {}
    for at, code in zip(fresh, codes.tolist(), strict=True):
        groups.setdefault(code, []).append(at)
    found = []
    for members in groups.values():
        if len({rows[at]["sender"].lower() for at in members}) < _PEOPLE:
            continue
        shared = Counter(stem for at in members for stem in set(stems(rows[at]["text"])) if " " not in stem)
        weight = {stem: count / (1 + before[stem]) for stem, count in shared.items() if count >= 2}
        words = sorted(weight, key=lambda stem: (-weight[stem], stem))[:_WORDS]
        found.append(Theme(members=tuple(members), words=tuple(words)))
    return sorted(found, key=lambda one: (-len(one.members), one.members))
