"""What a text thinks, of what, and the sentence that shows it, learnt from texts that their authors rated.

The rating of a whole text comes from a logistic regression on its words, its runs of letters and counts of
words of opinion (``opinions.toml``, with negations, as in lexicon methods: Taboada et al. 2011). Aspects with
their polarity are labels of `labelling`. Where authors rated aspects too, what a ridge regression says of
them also weighs on the rating (stacking, Wolpert 1992). What is told of a text is then looked for in its
sentences.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.labelling import Labeller
from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.bricks.semantic.ridge import folds, solve
from eclaireur.bricks.semantic.vectors import View, learnt_views, text_rows
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Opinion", "Opinions", "balance"]

_SHARE = 0.5
"""Weight of a standardised count beside rows of terms of length 1."""
_C = 4.0
_ASIDE = 0.5
"""Weight of what is said of the aspects, standardised, in the rating."""
_ASIDE_RIDGE = 1.0
_ASIDE_FOLDS = 5
_LEAST_LABELS = 5
_BEFORE = 25
_RATING = "rating.parquet"
_SEPARATOR = " : "


@dataclass(frozen=True, slots=True)
class Opinion:
    """Characters ``[start, end)`` that show what is thought of an aspect; empty for the text as a whole."""

    aspect: str
    polarity: str
    start: int
    end: int
    chance: float


@cache
def _words() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    data = tomllib.loads(Path(__file__).with_name("opinions.toml").read_text(encoding="utf-8"))

    def begun(words: Sequence[str]) -> re.Pattern[str]:
        longest = sorted(map(re.escape, words), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(longest)})")

    turned = re.compile(rf"\b(?:{'|'.join(data['negations'])})\b[^.,;!?]{{0,18}}$")
    return begun(data["favourable"]), begun(data["unfavourable"]), turned


def balance(text: str) -> list[int]:
    """Return +1 or −1 for each word of opinion of a text, in order; a negation before it turns it round.

    >>> balance("Accueil agréable, mais jamais de réponse ; pas rapide.")
    [1, -1, -1]
    """
    favourable, unfavourable, turned = _words()
    plain = flat(text)
    found = []
    for pattern, sign in ((favourable, 1), (unfavourable, -1)):
        for one in pattern.finditer(plain):
            against = turned.search(plain[max(0, one.start() - _BEFORE) : one.start()])
            found.append((one.start(), -sign if against else sign))
    return [sign for _, sign in sorted(found)]


def _counts(text: str) -> list[float]:
    from math import log1p

    signs = balance(text)
    good, bad = signs.count(1), signs.count(-1)
    size = max(1, len(text.split()))
    half = balance(text[: len(text) // 2])
    return [
        log1p(good),
        log1p(bad),
        (good - bad) / max(1, good + bad),
        30 * good / size,
        30 * bad / size,
        sum(half) / (len(half) + 1),
        float(signs[-1]) if signs else 0.0,
        log1p(size),
        float(min(text.count("!"), 5)),
        float(min(text.count("?"), 5)),
        sum(map(str.isupper, text)) / max(1, len(text)),
        float(" mais " in text.lower()),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """A fitted model; see the module.

    Parameters
    ----------
    names
        The ratings, in order.
    views
        Stems and runs of letters: the first columns of a row.
    mean, deviation
        Of the counts of words of opinion, the last columns of a row.
    weights, bias
        Shapes ``(terms + counts, ratings)`` and ``(ratings,)``.
    aspects
        Labels « aspect : polarity »; None when no aspect was rated.
    """

    names: tuple[str, ...]
    views: tuple[View, View]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    aspects: Labeller | None

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        ratings: Sequence[str],
        aspects: Sequence[Mapping[str, str]] | None = None,
        *,
        groups: Any,
        seed: int,
    ) -> Opinions:
        """Fit on rated texts.

        Parameters
        ----------
        ratings
            What its author thinks of the whole: any words, such as « Positif », « Neutre », « Négatif ».
        aspects
            For each text, what its author thinks of the aspects that were rated.
        groups
            Group of each text, never on both sides of a fold.

        Raises
        ------
        EmptyTableError
            If there are fewer than ten texts, or one rating only.
        """
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        if len(texts) < 10 or len(set(ratings)) < 2:
            raise EmptyTableError(
                "trop peu de textes notés pour apprendre.",
                fix="Il en faut au moins dix, et deux notes différentes.",
            )
        views = learnt_views(texts)
        counts = _counted(texts)
        mean, deviation = counts.mean(axis=0), np.maximum(counts.std(axis=0), 1e-6)
        rows = _rows(texts, views, (counts - mean) / deviation)
        aside = _aside(rows, aspects or (), seed=seed)
        model = LogisticRegression(C=_C, max_iter=1000, random_state=seed)
        model.fit(rows if aside is None else aside.beside(rows), list(ratings))
        names = tuple(map(str, model.classes_))
        weights, bias = model.coef_.T, model.intercept_
        if aside is not None:
            weights, bias = aside.folded(weights, bias)
        weights, bias = weights.astype(np.float32), bias.astype(np.float32)
        if len(names) == 2:
            # One column says the second rating against the first.
            weights, bias = np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
        labels = [[f"{name}{_SEPARATOR}{told}" for name, told in one.items()] for one in aspects or ()]
        labeller = None
        if any(labels):
            hints = [[told] for told in ratings]
            labeller = Labeller.fit(texts, labels, groups=groups, seed=seed, hints=hints)
        return cls(
            names=names,
            views=views,
            mean=mean,
            deviation=deviation,
            weights=weights,
            bias=bias,
            aspects=labeller,
        )

    def chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the chance of each rating for each text, shape ``(texts, ratings)``."""
        import numpy as np
        from scipy.special import softmax

        if not texts:
            return np.zeros((0, len(self.names)))
        counts = (_counted(texts) - self.mean) / self.deviation
        scores = _rows(texts, self.views, counts) @ self.weights + self.bias
        found: NDArray[np.float64] = softmax(scores.astype(np.float64), axis=1)
        return found

    def told(self, text: str) -> tuple[Opinion, ...]:
        """Return what a text thinks as a whole, then of each aspect it speaks of, with the sentence.

        The sentence shown is the one that, alone, has the highest chance of what is told of the whole.
        """
        places = sentences(text)
        if not places:
            return ()
        alone = [text[start:end] for start, end in places]
        whole = self.chances([text, *alone])
        best = int(whole[0].argmax())
        start, end = places[int(whole[1:, best].argmax())]
        found = [Opinion("", self.names[best], start, end, float(whole[0, best]))]
        if self.aspects is not None:
            scores = self.aspects.scored([text, *alone])
            for label in self.aspects.given(scores[:1])[0].nonzero()[0].tolist():
                aspect, _, polarity = self.aspects.names[label].partition(_SEPARATOR)
                start, end = places[int(scores[1:, label].argmax())]
                found.append(Opinion(aspect, polarity, start, end, float(scores[0, label])))
        return tuple(found)

    def dump(self) -> dict[str, bytes]:
        """Write the model as files, none of them a pickle: a Parquet table, and those of the labels."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        terms = sum(len(view.buckets) for view in self.views)
        head = {
            "names": list(self.names),
            "stems": len(self.views[0].buckets),
            "mean": self.mean.astype(float).tolist(),
            "deviation": self.deviation.astype(float).tolist(),
            "counts": self.weights[terms:].astype(float).tolist(),
            "bias": self.bias.astype(float).tolist(),
            "aspects": self.aspects is not None,
        }
        flat_weights = pa.array(self.weights[:terms].ravel())
        table = pa.table(
            {
                "bucket": pa.array(np.concatenate([view.buckets for view in self.views])),
                "idf": pa.array(np.concatenate([view.idf for view in self.views])),
                "weights": pa.FixedSizeListArray.from_arrays(flat_weights, len(self.names)),
            }
        ).replace_schema_metadata({"opinions": canonical.text(head)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return {_RATING: sink.getvalue()} | (self.aspects.dump() if self.aspects is not None else {})

    @classmethod
    def read(cls, files: Mapping[str, bytes] | Callable[[str], bytes]) -> Opinions:
        """Read what `dump` wrote: a mapping, or a function that gives the bytes of a file."""
        import numpy as np
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        get = files if callable(files) else files.__getitem__
        table = pq.read_table(io.BytesIO(get(_RATING)))
        head = canonical.parse(table.schema.metadata[b"opinions"].decode())
        buckets, idf = table["bucket"].to_numpy(), table["idf"].to_numpy().astype(np.float32)
        flat_weights = table["weights"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        cut = head["stems"]
        terms = flat_weights.reshape(len(buckets), len(head["names"]))
        return cls(
            names=tuple(head["names"]),
            views=(View.of(buckets[:cut], idf[:cut]), View.of(buckets[cut:], idf[cut:])),
            mean=np.array(head["mean"], np.float32),
            deviation=np.array(head["deviation"], np.float32),
            weights=np.vstack([terms, np.array(head["counts"], np.float32)]).astype(np.float32),
            bias=np.array(head["bias"], np.float32),
            aspects=Labeller.read(get) if head["aspects"] else None,
        )


@dataclass(frozen=True, slots=True)
class _Aside:
    """What is said of the aspects: ``told`` where it was not learnt, and the regression that says it."""

    told: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def beside(self, rows: Any) -> Any:
        import scipy.sparse

        return scipy.sparse.hstack([rows, scipy.sparse.csr_array(_ASIDE * self.told)]).tocsr()

    def folded(self, weights: Any, bias: Any) -> tuple[Any, Any]:
        """Return the weights of the rows alone: both steps are linear, so that one is stored."""
        cut = len(self.weights)
        extra = _ASIDE * weights[cut:]
        return weights[:cut] + self.weights @ extra, bias + self.bias @ extra


def _aside(rows: Any, aspects: Sequence[Mapping[str, str]], *, seed: int) -> _Aside | None:
    """Learn what authors say of the aspects; None when too few do."""
    import numpy as np

    targets = _aside_targets(aspects)
    # Folds of texts: with groups apart, what is said would be less sure than of a new text, and weigh more.
    fold = folds(np.arange(len(targets)), _ASIDE_FOLDS, seed=seed)
    if not targets.shape[1] or len(set(fold.tolist())) < 2:
        return None
    told = np.zeros(targets.shape)
    for number in sorted(set(fold.tolist())):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        learnt = solve(rows[inside], targets[inside], ridge=_ASIDE_RIDGE)
        told[outside] = learnt.scored([rows[outside]])
    mean, deviation = told.mean(axis=0), np.maximum(told.std(axis=0), 1e-6)
    whole = solve(rows, targets, ridge=_ASIDE_RIDGE)
    weights = (whole.inner.astype(np.float64) @ whole.outer) / deviation
    return _Aside((told - mean) / deviation, weights, (whole.bias - mean) / deviation)


def _aside_targets(aspects: Sequence[Mapping[str, str]]) -> NDArray[np.float32]:
    """Return, for each text, its labels of aspects and the share of each polarity among them."""
    import numpy as np

    labels = Counter(pair for one in aspects for pair in one.items())
    kept = sorted(pair for pair, count in labels.items() if count >= _LEAST_LABELS)
    polarities = sorted({polarity for _, polarity in kept})
    found = np.zeros((len(aspects), len(kept) + len(polarities)), np.float32)
    for row, one in enumerate(aspects):
        told = list(one.values())
        found[row, : len(kept)] = [one.get(name) == polarity for name, polarity in kept]
        found[row, len(kept) :] = [told.count(polarity) / max(1, len(told)) for polarity in polarities]
    return found


def _counted(texts: Sequence[str]) -> NDArray[np.float32]:
    import numpy as np

    return np.array([_counts(text) for text in texts], np.float32)


def _rows(texts: Sequence[str], views: tuple[View, View], counts: NDArray[np.float32]) -> Any:
    import scipy.sparse

    return scipy.sparse.hstack([text_rows(texts, views), scipy.sparse.csr_array(_SHARE * counts)]).tocsr()
