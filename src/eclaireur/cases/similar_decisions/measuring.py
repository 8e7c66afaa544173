"""How well series are found, against the complete comparison, and applications routed, on later days."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.agreement import adjusted_rand
from eclaireur.bricks.semantic.groups import Pairs, components
from eclaireur.cases.similar_decisions import model as modelling, series
from eclaireur.core import evaluation, french
from eclaireur.core.case import Progress, Records
from eclaireur.core.evaluation.intervals import bootstrap
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.similar_decisions.model import Route

__all__ = ["chances", "evaluate", "exact_pairs"]

_MOST = 5000
_START = 20
_DRAWS = 200
_SAME_START = f"mêmes {_START} premiers mots"


def chances(decisions: pa.Table, examples: pa.Table, route: Route) -> list[float]:
    """Return the chance of each example, against what was known on the evening of its own day."""
    asked = modelling.positions(decisions, examples)
    judged = modelling.judge(decisions, asked, examples["as_of"].to_pylist())
    found: list[float] = route.chances(judged.features).tolist()
    return found


def exact_pairs(texts: list[str]) -> set[tuple[int, int]]:
    """Return every pair of texts with a Jaccard of five-word shingles of 0.6 or more, by plain counting.

    Nothing here is shared with `bricks.semantic`: words are tuples of text, no hash stands for them, and
    every pair that has a shingle in common is counted.
    """
    import numpy as np
    from scipy.sparse import csr_array

    numbers: dict[tuple[str, ...], int] = {}
    columns: list[int] = []
    bounds = [0]
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        columns += {
            numbers.setdefault(tuple(words[at : at + 5]), len(numbers)) for at in range(len(words) - 4)
        }
        bounds.append(len(columns))
    shape = (len(texts), max(len(numbers), 1))
    rows = csr_array((np.ones(len(columns), np.int32), columns, bounds), shape=shape)
    common = (rows @ rows.T).tocoo()
    left, right = common.coords
    sizes = np.diff(bounds)
    alike = common.data / (sizes[left] + sizes[right] - common.data)
    kept = (left < right) & (alike >= series.THRESHOLD)
    return set(zip(left[kept].tolist(), right[kept].tolist(), strict=True))


def evaluate(
    source: str, records: Records, examples: pa.Table, *, seed: int, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Return the figures of the series, then those of the routing."""
    decisions = records["decisions"]
    progress(0, 2, "Comparaison complète")
    blocks = [_series_block(source, decisions.slice(max(0, decisions.num_rows - _MOST)), seed)]
    progress(1, 2, "Orientation des dernières décisions")
    routed = _routing_block(source, decisions, examples, seed)
    return (*blocks, routed) if routed else tuple(blocks)


def _series_block(source: str, decisions: pa.Table, seed: int) -> EvaluationBlock:
    texts = decisions["texte"].to_pylist()
    size = len(texts)
    exact = exact_pairs(texts)
    found = _as_set(series.found_pairs(decisions["texte"]))
    plain = _same_start(texts)
    weights = evaluation.bootstrap_weights(size, seed=seed, draws=_DRAWS)
    truth, ours, theirs = (_groups(size, one) for one in (exact, found, plain))
    metrics = [
        _metric(
            "pair_recall", _share(found & exact, exact), _share(plain & exact, exact), weights, len(exact)
        ),
        _metric(
            "pair_precision", _share(found & exact, found), _share(plain & exact, plain), weights, len(found)
        ),
        _metric(
            "adjusted_rand",
            lambda weight: adjusted_rand(truth, ours, weight),
            lambda weight: adjusted_rand(truth, theirs, weight),
            weights,
            size,
        ),
    ]
    agreement = _type_agreement(decisions)
    sizes = [n for n in _counts(ours) if n > 1]
    notes = (
        (
            f"{french.count(len(exact), 'paire exacte', 'paires exactes')}, "
            f"{french.count(len(sizes), 'série', 'séries')}, "
            f"{french.count(sum(sizes), 'décision en série', 'décisions en série')}."
        ),
        "Une paire : au moins 60 % de suites de cinq mots en commun (Jaccard), noms de magistrats ôtés.",
        "La décision la plus proche est cherchée dans la procédure et les visas seulement.",
    )
    return EvaluationBlock(
        data_set=source,
        split=f"{french.count(size, 'décision')}, comparées deux à deux sans raccourci",
        metrics=tuple(metrics) + agreement,
        run="",
        notes=notes,
    )


def _as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def _groups(size: int, pairs: set[tuple[int, int]]) -> NDArray[np.int64]:
    import numpy as np

    both = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return components(size, Pairs(both[:, 0], both[:, 1], np.ones(len(both))))


def _counts(groups: NDArray[np.int64]) -> list[int]:
    import numpy as np

    found: list[int] = np.bincount(groups).tolist()
    return found


def _same_start(texts: list[str]) -> set[tuple[int, int]]:
    """Return the pairs of texts that begin with the same words: what a sorted list would show."""
    places: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        places.setdefault(" ".join(re.findall(r"\w+", text.lower())[:_START]), []).append(at)
    return {(a, b) for found in places.values() for a in found for b in found if a < b}


def _share(
    part: set[tuple[int, int]], whole: set[tuple[int, int]]
) -> Callable[[NDArray[np.float64] | None], float]:
    """Return the share of pairs as a function of how many times each document counts."""
    import numpy as np

    ends = np.array(sorted(whole), np.int64).reshape(-1, 2)
    inside = np.array([pair in part for pair in sorted(whole)], np.float64)

    def share(weight: NDArray[np.float64] | None) -> float:
        each = np.ones(len(ends)) if weight is None else weight[ends[:, 0]] * weight[ends[:, 1]]
        total = float(each.sum())
        return float((each * inside).sum()) / total if total else float("nan")

    return share


def _metric(
    name: str,
    figure: Callable[[NDArray[np.float64] | None], float],
    baseline: Callable[[NDArray[np.float64] | None], float],
    weights: NDArray[np.float64],
    n: int,
) -> Metric:
    return evaluation.interval_metric(
        name,
        figure(None),
        bootstrap(figure, weights),
        n=n,
        baseline=_SAME_START,
        baseline_value=baseline(None),
    )


def _type_agreement(decisions: pa.Table) -> tuple[Metric, ...]:
    """Return how often the closest decision is of the same kind of application."""
    import numpy as np

    kinds = decisions["type_recours"].to_pylist()
    asked = np.array([at for at, kind in enumerate(kinds) if kind], np.int64)
    if not len(asked):
        return ()
    latest = [max(decisions["known"].to_pylist())] * len(asked)
    best = modelling.judge(decisions, asked, latest).near.position[:, 0].tolist()
    pairs = [(kinds[a], kinds[b]) for a, b in zip(asked.tolist(), best, strict=True) if b >= 0 and kinds[b]]
    right = sum(a == b for a, b in pairs)
    most = max({kind: kinds.count(kind) for kind in set(kinds) if kind}.values()) / len(asked)
    low, high = evaluation.wilson(right, len(pairs))
    return (
        Metric(
            name="nearest_type_agreement",
            value=right / len(pairs) if pairs else None,
            low=low if pairs else None,
            high=high if pairs else None,
            n=len(pairs),
            baseline="type le plus fréquent",
            baseline_value=most,
        ),
    )


def _routing_block(source: str, decisions: pa.Table, examples: pa.Table, seed: int) -> EvaluationBlock | None:
    """Fit on the first half of the days, score the others; nothing when a half is all of one kind."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    days = sorted(set(examples["as_of"].to_pylist()))
    start = days[len(days) // 2]
    before = pc.less(examples["as_of"], pa.scalar(start, pa.date32()))
    past, later = examples.filter(before), examples.filter(pc.invert(before))
    if any(len(set(part["label"].to_pylist())) < 2 for part in (past, later)):
        return None
    fitted = modelling.train(decisions, past, case="similar_decisions", as_of=start)
    scores = np.array(chances(decisions, later, modelling.load(fitted.artefacts.__getitem__)))
    labels = later["label"].to_numpy()
    asked = modelling.positions(decisions, later)
    plain = _start_seen(decisions, asked, later["as_of"].to_pylist())
    rate = np.full(len(labels), past["label"].to_numpy().mean())
    metrics = evaluation.ranking_metrics(
        labels,
        scores,
        days=np.array([day.toordinal() for day in later["as_of"].to_pylist()]),
        observer=later["observer"].to_pylist(),
        subjects=later["subject"].to_pylist(),
        baselines={"mêmes premiers mots qu'une décision connue": plain, "taux moyen": rate},
        base_rate=rate,
        seed=seed,
    )
    kinds = decisions["type_recours"].take(pa.array(asked)).to_pylist()
    return EvaluationBlock(
        data_set=source,
        split=f"orientation : appris avant le {french.day(start)}, mesuré à partir de ce jour",
        metrics=tuple(one for one in metrics if one.name not in {"days_earlier", "first_half_share"}),
        run="",
        subgroups=evaluation.subgroup_table(labels, scores, {"type de recours": kinds}),
        notes=("L'étiquette vient du texte entier ; la chance, de la procédure et des visas seulement.",),
    )


def _start_seen(decisions: pa.Table, asked: NDArray[np.int64], until: list[Any]) -> NDArray[np.float64]:
    import numpy as np

    texts, known = decisions["texte"].to_pylist(), decisions["known"].to_pylist()
    starts = [" ".join(re.findall(r"\w+", text.lower())[:_START]) for text in texts]
    places: dict[str, list[int]] = {}
    for at, start in enumerate(starts):
        places.setdefault(start, []).append(at)
    return np.array(
        [
            float(sum(known[other] <= day and other != at for other in places[starts[at]]))
            for at, day in zip(asked.tolist(), until, strict=True)
        ]
    )
