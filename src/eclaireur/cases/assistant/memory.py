"""Questions that were asked before, and the sheet that answers each: what the ranking remembers.

People ask one thing in many words, and few of them are those of the sheet. The same words as a question that
an adviser has led to its sheet lead there. For others, the likeness of meaning (LSA, cosine) with the nearest
question of each sheet is one more way of scoring. On questions about sheets that nobody asked of, it can only
harm: its weight is the one that helps most the others while it costs those no more than `HARM`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from eclaireur.bricks.semantic.weighing import reciprocal_ranks

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.assistant.base import Base

__all__ = [
    "HARM",
    "NEAR",
    "WEIGHTS",
    "Memory",
    "best_weight",
    "joined",
    "mark",
    "memory_of",
    "nearness",
    "still_known",
]

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Weights that are tried, beside those of `hybrid.WAYS`."""
HARM = 0.01
"""Mean of 1/rank that questions about sheets never asked of may lose."""
NEAR = 0.3
"""Likeness from which the sheet of a question asked before is a candidate, whatever its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Questions known; see the module.

    Parameters
    ----------
    subjects, places, vectors
        Number of each, place of its sheet in the base, and its own by meaning, shape ``(n, dimensions)``.
    words
        Places of the sheets that questions of the same words lead to, and the number of each question.
    """

    subjects: NDArray[np.str_]
    places: NDArray[np.int64]
    vectors: NDArray[np.float32]
    words: Mapping[str, Sequence[tuple[str, int]]]

    @classmethod
    def of(
        cls,
        base: Base,
        known: Mapping[str, str],
        rows: Iterable[Mapping[str, Any]],
        *,
        near: Collection[str] | None = None,
    ) -> Memory:
        """Recall the questions of some rows that a model knows.

        Parameters
        ----------
        known
            Number of the sheet that answers each question known, by its `mark`.
        rows
            Questions of the case; those that are erased or reworded, or whose sheet is gone, are forgotten.
        near
            Marks of those that others are compared with; all by default.
        """
        import numpy as np

        place = {one.id: at for at, one in enumerate(base.sheets)}
        words: dict[str, list[tuple[str, int]]] = {}
        kept, places = [], []
        for row in rows:
            told = mark(row)
            at = place.get(known.get(told, ""))
            if at is None:
                continue
            if said := _words(row["question"]):
                words.setdefault(said, []).append((row["subject"], at))
            if near is None or told in near:
                kept.append(row)
                places.append(at)
        return cls(
            subjects=np.array([row["subject"] for row in kept], np.str_),
            places=np.array(places, np.int64),
            vectors=base.hybrid.meaning.vectors([row["question"] for row in kept]),
            words=words,
        )

    def same(self, question: str, *, itself: str = "") -> int:
        """Return the place of the sheet that questions of the same words lead to, -1 for none or several.

        Parameters
        ----------
        itself
            Number of the question, when it is known too: it says nothing of itself.
        """
        found = {
            at for subject, at in self.words.get(_words(question), ()) if not itself or subject != itself
        }
        return found.pop() if len(found) == 1 else -1

    def near(self, base: Base, question: str, *, itself: str = "") -> NDArray[np.float64]:
        """Return, for each sheet, the likeness of the nearest question known of it, 0 for none.

        ``itself`` is as in `same`.
        """
        import numpy as np

        others = np.flatnonzero(self.subjects != itself) if itself else np.arange(len(self.subjects))
        if not len(others):
            return np.zeros(len(base.sheets))
        likeness = self.vectors[others] @ base.hybrid.meaning.vectors([question])[0]
        return nearness(likeness, self.places[others], len(base.sheets))


def mark(row: Mapping[str, Any]) -> str:
    """Return what a model keeps of a question: a hash of its number and words, which gives neither back.

    >>> mark({"subject": "document:q1", "question": "Comment voter ?"})
    '3d36377af4683a4e'
    """
    return hashlib.sha256(f"{row['subject']}\0{row['question']}".encode()).hexdigest()[:16]


def still_known(known: Mapping[str, str], questions: pa.Table) -> dict[str, str]:
    """Return, of the questions known, those that a table still leads to a sheet, and that sheet."""
    led = {mark(row): row["expected"] for row in questions.to_pylist()} if known else {}
    return {told: led[told] for told in known if told in led}


def _words(text: str | None) -> str:
    """Return the words of a question, with the signs that make other ones (C#), without case."""
    return " ".join(re.findall(r"[\w#+&%€-]*\w[\w#+&%€-]*", (text or "").casefold()))


def nearness(likeness: NDArray[Any], places: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the highest likeness at each of ``size`` places, 0 at least.

    Examples
    --------
    >>> import numpy as np
    >>> nearness(np.array([0.5, 0.75, -0.25]), np.array([2, 2, 0]), 3).tolist()
    [0.0, 0.0, 0.75]
    """
    import numpy as np

    found = np.zeros(size)
    np.maximum.at(found, places, likeness)
    return found


def joined(
    places: NDArray[np.int64], total: NDArray[np.float64], near: NDArray[np.float64], weight: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Add what is remembered to the scores of candidates; sheets near enough become candidates.

    Examples
    --------
    >>> import numpy as np
    >>> places, total = joined(np.array([0]), np.array([1.0]), np.array([0.5, 0.25, 0.75]), 2.0)
    >>> places.tolist(), total.tolist()
    ([0, 2], [2.0, 1.5])
    """
    import numpy as np

    if not weight:
        return places, total
    fresh = np.setdiff1d(np.flatnonzero(near >= NEAR), places)
    every = np.concatenate([places, fresh])
    return every, np.concatenate([total, np.zeros(len(fresh))]) + weight * near[every]


def best_weight(
    totals: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
    expected: Sequence[int],
    asked_of: Sequence[NDArray[np.float64]],
    never: Sequence[NDArray[np.float64]],
) -> float:
    """Choose the weight of what is remembered; see the module.

    Parameters
    ----------
    totals
        Candidates of each labelled question, and their scores without it.
    expected
        Place of the sheet that answers each.
    asked_of, never
        Likeness for each sheet (`Memory.near`) when the other questions are known, and when none of the
        expected sheet is.
    """
    import numpy as np

    def ranks(near: Sequence[NDArray[np.float64]], weight: float) -> float:
        found = []
        for (places, total), wanted, one in zip(totals, expected, near, strict=True):
            at, scores = joined(places, total, one, weight)
            found.append(float(reciprocal_ranks(scores[:, None], at == wanted)[0]) if len(at) else 0.0)
        return float(np.mean(found)) if found else 0.0

    least = ranks(never, 0.0) - HARM
    tried = [weight for weight in WEIGHTS if ranks(never, weight) >= least]
    return max(tried, key=lambda weight: (ranks(asked_of, weight), -weight))


_memories: WeakKeyDictionary[Base, tuple[Any, pa.Table, Memory]] = WeakKeyDictionary()
"""Of each base: what a model knows, the questions, and what came of them."""
_lock = Lock()


def memory_of(
    base: Base, known: Mapping[str, str], questions: pa.Table, *, near: Collection[str] | None = None
) -> Memory:
    """Return the memory of some questions, made once for as long as a base is asked with the same."""
    table = questions.select(["subject", "question"])
    with _lock:
        held = _memories.get(base)
        if held is None or held[0] != (known, near) or not held[1].equals(table):
            held = ((known, near), table, Memory.of(base, known, table.to_pylist(), near=near))
            _memories[base] = held
    return held[2]
