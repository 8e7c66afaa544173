"""Several labels for each sentence: a linear model on words and letters, with the right to abstain.

Sentences are counted by stems, pairs of stems and runs of 3 to 5 letters (TF-IDF, sublinear), and each label
is a ridge regression, all solved at once in the dual. What the model says of sentences it did not see, folds
kept whole by near-duplicates, sets the three things that a raw score lacks: the threshold of a label, the
chance that a score is right (isotonic, Zadrozny & Elkan 2002), and the score under which it abstains.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Labeller", "folds", "stems"]

_RIDGE = 2.0
_INNER = 3
_STEM = 6
_TOKEN = re.compile(r"[a-z]+|\d+")
_SLOPES = (0.0, 0.25, 0.5)
_LEAST_KEPT = 30
_NEVER = 1e9


def stems(text: str) -> list[str]:
    """Return the words of a text, without case or accents, cut to six letters, then their pairs.

    >>> stems("Les contrôles périodiques")
    ['les', 'contro', 'period', 'les contro', 'contro period']
    """
    words = [word[:_STEM] for word in _TOKEN.findall(_plain(text))]
    return words + [f"{left} {right}" for left, right in pairwise(words)]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeller:
    """A fitted model; see the module.

    Parameters
    ----------
    names
        The labels, in order.
    terms, idf
        For each of the two views (stems, letters): its terms, and their weights.
    weights, bias
        Linear scores: shape ``(terms of both views, labels)`` and ``(labels,)``.
    cut, slope
        A label is given when its score exceeds ``cut + slope · prior``.
    scores, chances
        Steps of the isotonic curve: chance that the first label of a sentence is right, by its score.
    keep
        Score of the first label under which the model abstains.
    """

    names: tuple[str, ...]
    terms: tuple[tuple[str, ...], tuple[str, ...]]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    cut: float
    slope: float
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    keep: float

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[Collection[str]],
        *,
        groups: Any,
        seed: int,
        precision: float = 0.6,
    ) -> Labeller:
        """Fit on labelled sentences.

        Parameters
        ----------
        groups
            Group of near-duplicates of each sentence: a group is never on both sides of a fold.
        precision
            Share of right first labels that is aimed at among the sentences kept.

        Raises
        ------
        EmptyTableError
            If there are fewer than ten sentences, or no label.
        """
        import numpy as np

        names = tuple(sorted({label for row in labels for label in row}))
        if len(texts) < 10 or not names:
            raise EmptyTableError(
                "trop peu de phrases étiquetées pour apprendre.",
                fix="Ajoutez-en au moins dix.",
            )
        truth = _matrix(labels, names)
        views = _views(texts)
        rows = _joined([view.fit_transform(texts) for view in views])
        seen = folds(groups, _INNER, seed=seed)
        held = np.zeros_like(truth)
        for fold in range(_INNER):
            inside, outside = np.flatnonzero(seen != fold), np.flatnonzero(seen == fold)
            if len(inside) and len(outside):
                weight, bias = _solved(rows[inside], truth[inside])
                held[outside] = rows[outside] @ weight + bias
        cut, slope = _best_cut(held, truth)
        first, right = _first(held, truth)
        steps = _isotonic(first, right)
        weights, bias = _solved(rows, truth)
        return cls(
            names=names,
            terms=(_terms(views[0]), _terms(views[1])),
            idf=np.concatenate([view.idf_ for view in views]).astype(np.float32),
            weights=weights,
            bias=bias,
            cut=cut,
            slope=slope,
            scores=steps[0],
            chances=steps[1],
            keep=_abstention(first, right, precision),
        )

    def scored(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the score of each label for each text, shape ``(texts, labels)``.

        A text without one known term gets no label: nothing is known of it, not even the usual rates.
        """
        import numpy as np

        rows = self._rows(texts)
        found: NDArray[np.float32] = rows @ self.weights + self.bias
        found[np.diff(rows.indptr) == 0] = -_NEVER
        return found

    def given(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which labels are given, from scores."""
        found: NDArray[np.bool_] = scores > self.cut + self.slope * self.bias
        return found

    def sure(self, scores: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64], Any]:
        """Return, from scores, the first label, the chance that it is right, and whether it is kept."""
        import numpy as np

        best = scores.argmax(axis=1)
        top = scores[np.arange(len(scores)), best].astype(np.float64)
        return best, np.interp(top, self.scores, self.chances), top >= self.keep

    def why(self, text: str, label: int, *, count: int = 5) -> list[tuple[str, float]]:
        """Return the stems that weigh most for a label in a text, signed, strongest first."""
        row = self._rows([text]).tocsr()
        found = [
            (self.terms[0][at], float(value * self.weights[at, label]))
            for at, value in zip(row.indices.tolist(), row.data.tolist(), strict=True)
            if at < len(self.terms[0])
        ]
        return sorted(found, key=lambda one: (-abs(one[1]), one[0]))[:count]

    def telling(self, label: int, *, count: int = 8) -> list[str]:
        """Return the stems that speak most for a label: the only name that an unnamed topic has."""
        import numpy as np

        order = np.argsort(-self.weights[: len(self.terms[0]), label], kind="stable")[:count]
        return [self.terms[0][at] for at in order.tolist()]

    def _rows(self, texts: Sequence[str]) -> Any:
        from scipy.sparse import hstack

        size = len(self.terms[0])
        views = _views(texts, self.terms)
        for view, part in zip(views, (self.idf[:size], self.idf[size:]), strict=True):
            view.idf_ = part
        return hstack([view.transform(texts) for view in views], format="csr") * 0.5**0.5

    def dump(self) -> bytes:
        """Write the model as Parquet: one row a term; the rest in the file's metadata, as JSON."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        head = {
            "names": list(self.names),
            "stems": len(self.terms[0]),
            "bias": self.bias.astype(float).tolist(),
            "cut": self.cut,
            "slope": self.slope,
            "scores": self.scores.tolist(),
            "chances": self.chances.tolist(),
            "keep": self.keep,
        }
        flat = pa.array(self.weights.astype(np.float16).ravel())
        columns = {
            "term": pa.array([*self.terms[0], *self.terms[1]]),
            "idf": pa.array(self.idf),
            "weights": pa.FixedSizeListArray.from_arrays(flat, len(self.names)),
        }
        table = pa.table(columns).replace_schema_metadata({"labeller": canonical.text(head)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()

    @classmethod
    def read(cls, data: bytes) -> Labeller:
        """Read what `dump` wrote."""
        import numpy as np
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        table = pq.read_table(io.BytesIO(data))
        head = canonical.parse(table.schema.metadata[b"labeller"].decode())
        terms = table["term"].to_pylist()
        flat = table["weights"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return cls(
            names=tuple(head["names"]),
            terms=(tuple(terms[: head["stems"]]), tuple(terms[head["stems"] :])),
            idf=table["idf"].to_numpy().astype(np.float32),
            weights=flat.astype(np.float32).reshape(len(terms), len(head["names"])),
            bias=np.array(head["bias"], np.float32),
            cut=float(head["cut"]),
            slope=float(head["slope"]),
            scores=np.array(head["scores"], np.float64),
            chances=np.array(head["chances"], np.float64),
            keep=float(head["keep"]),
        )


def _views(texts: Sequence[str], terms: tuple[Any, Any] = (None, None)) -> tuple[Any, Any]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    # In a small corpus a term seen once is kept: there may be no other.
    rare = (2, 3) if len(texts) > 1000 else (1, 1)
    known = [None if one is None else {term: at for at, term in enumerate(one)} for one in terms]
    shared: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
    return (
        TfidfVectorizer(analyzer=stems, min_df=rare[0], vocabulary=known[0], **shared),
        TfidfVectorizer(
            analyzer="char_wb",
            preprocessor=_plain,
            ngram_range=(3, 5),
            min_df=rare[1],
            vocabulary=known[1],
            **shared,
        ),
    )


def _terms(view: Any) -> tuple[str, ...]:
    return tuple(view.get_feature_names_out().tolist())


def _joined(parts: list[Any]) -> Any:
    """Put the views side by side, each for half of the likeness of two sentences."""
    from scipy.sparse import hstack

    return hstack(parts, format="csr") * 0.5**0.5


def _matrix(labels: Sequence[Collection[str]], names: Sequence[str]) -> NDArray[np.float32]:
    import numpy as np

    place = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(labels), len(names)), np.float32)
    for at, row in enumerate(labels):
        found[at, [place[label] for label in row]] = 1
    return found


def _solved(rows: Any, truth: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Solve every ridge regression at once, by the matrix of likeness between sentences."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    likeness = (rows @ rows.T).toarray().astype(np.float32)
    likeness[np.diag_indices_from(likeness)] += np.float32(_RIDGE)
    bias = truth.mean(axis=0)
    factor = cho_factor(likeness, lower=True, overwrite_a=True, check_finite=False)
    dual = cho_solve(factor, truth - bias, check_finite=False)
    return (rows.T @ dual).astype(np.float32), bias.astype(np.float32)


def _best_cut(held: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[float, float]:
    """Return the cut and the slope with the highest micro-F1 on held-out sentences."""
    import numpy as np

    prior, positives, best = truth.mean(axis=0), float(truth.sum()), (-1.0, 0.5, 0.0)
    for slope in _SLOPES:
        above = (held - np.float32(slope) * prior).ravel()
        order = np.argsort(-above)[: int(6 * positives) + 1]
        right = np.cumsum(truth.ravel()[order])
        figure = 2 * right / (np.arange(1, len(order) + 1) + positives)
        at = int(figure.argmax())
        if figure[at] > best[0]:
            best = (float(figure[at]), float(above[order[at]]) - 1e-6, slope)
    return best[1], best[2]


def _first(
    held: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    place = np.arange(len(held)), held.argmax(axis=1)
    return held[place].astype(np.float64), truth[place].astype(np.float64)


def _isotonic(
    first: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(first, right)
    return curve.X_thresholds_, curve.y_thresholds_


def _abstention(first: NDArray[np.float64], right: NDArray[np.float64], precision: float) -> float:
    """Return the least score above which held-out precision is the one aimed at, plus half an error."""
    import numpy as np

    order = np.argsort(-first, kind="stable")
    n = np.arange(1, len(order) + 1)
    found = np.cumsum(right[order]) / n
    enough = (found - 0.5 * np.sqrt(found * (1 - found) / n) >= precision) & (
        n >= min(_LEAST_KEPT, len(order))
    )
    return float(first[order[np.flatnonzero(enough)[-1]]]) if enough.any() else _NEVER
