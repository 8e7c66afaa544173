"""Routing of messages never seen: later ones, or groups kept whole; thresholds come from training parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.duplicates import alike
from eclaireur.bricks.semantic.ridge import folds
from eclaireur.bricks.semantic.vectors import text_rows
from eclaireur.cases.mail_routing.router import Router
from eclaireur.core import evaluation, french
from eclaireur.core.case import Progress
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.evaluation.intervals import bootstrap
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FOLDS", "Held", "confusions", "evaluate", "groups", "held_out", "splits"]

FOLDS = 5
"""Parts, when groups are kept whole."""
_CUTS = (0.6, 0.8)
_DRAWS = 200
_SHOWN = 6
_SMOOTH = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What models that did not see a message say of it.

    Parameters
    ----------
    rows
        The messages.
    first
        Service that is proposed.
    chances
        Chance that it is right.
    kept
        Whether the model routes it.
    learnt
        Whether the training part had a message of its service.
    usual, bayes, margin
        The commonest service of the training part; the one of a naive Bayes on the same terms, and how far it
        stands from its second.
    group
        What must not be separated.
    """

    rows: Sequence[Mapping[str, Any]]
    first: tuple[str, ...]
    chances: NDArray[np.float64]
    kept: NDArray[np.bool_]
    learnt: NDArray[np.bool_]
    usual: tuple[str, ...]
    bayes: tuple[str, ...]
    margin: NDArray[np.float64]
    group: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.float64]:
        """Whether the first service of each message is its own."""
        return self._against(self.first)

    def _against(self, told: Sequence[str]) -> NDArray[np.float64]:
        import numpy as np

        pairs = zip(told, self.rows, strict=True)
        return np.array([name == row["service"] for name, row in pairs], np.float64)

    @property
    def usual_right(self) -> NDArray[np.float64]:
        """Whether the commonest service is right."""
        return self._against(self.usual)

    @property
    def bayes_right(self) -> NDArray[np.float64]:
        """Whether the naive Bayes is right."""
        return self._against(self.bayes)


def groups(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.int64]:
    """Return the group of each message: one exchange, one box, or nearly the same text."""
    import numpy as np

    over: dict[str, str] = {}

    def root(name: str) -> str:
        while over.setdefault(name, name) != name:
            over[name] = over[over[name]]
            name = over[name]
        return name

    near = alike([row["text"] for row in rows]).near
    for row, first in zip(rows, near, strict=True):
        own = root(f"box {row['box']}" if row["box"] else f"thread {row['thread']}")
        over[root(f"text {first}")] = own
    names = [root(f"text {first}") for first in near]
    place = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return np.array([place[name] for name in names], np.int64)


def splits(
    rows: Sequence[Mapping[str, Any]], group: NDArray[np.int64], seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield training and test parts: by group when messages have boxes, else by date."""
    import numpy as np

    if any(row["box"] for row in rows):
        fold = folds(group, FOLDS, seed=seed)
        for number in range(FOLDS):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        return
    days = np.array([row["known"].toordinal() for row in rows])
    bounds = [*(np.quantile(days, cut) for cut in _CUTS), days.max() + 1]
    for start, stop in pairwise(bounds):
        inside = np.flatnonzero(days < start)
        # An exchange or a campaign that began before the cut would be known by heart.
        fresh = ~np.isin(group, group[inside])
        yield inside, np.flatnonzero((days >= start) & (days < stop) & fresh)


def held_out(
    rows: Sequence[Mapping[str, Any]], *, seed: int, progress: Progress, by_text: bool = False
) -> Held:
    """Route each test part by a model of its training part.

    Parameters
    ----------
    by_text
        Let messages of one box be on both sides, near-duplicates apart: the figure for a known box.

    Raises
    ------
    EmptyTableError
        If too few messages have a known service.
    """
    import numpy as np

    known = [row for row in rows if row["service"]]
    if len(known) < 60:
        raise EmptyTableError(
            "trop peu de messages dont le service est connu pour mesurer.",
            fix="Il en faut au moins soixante.",
        )
    group = groups([{**row, "box": "", "thread": row["id"]} for row in known] if by_text else known)
    fold_rows = [{**row, "box": "x"} for row in known] if by_text else known
    taken: list[NDArray[np.int64]] = []
    first: list[str] = []
    usual: list[str] = []
    bayes: list[str] = []
    parts: list[tuple[Any, ...]] = []
    for number, (inside, outside) in enumerate(splits(fold_rows, group, seed)):
        progress(number, FOLDS, "Messages tenus à l'écart")
        texts = [known[at]["text"] for at in inside.tolist()]
        labels = [known[at]["service"] for at in inside.tolist()]
        asked = [known[at]["text"] for at in outside.tolist()]
        model = Router.fit(texts, labels, groups=group[inside], seed=seed + 1)
        told = model.told(asked)
        first += [model.names[at] for at in told.best[:, 0].tolist()]
        usual += [Counter(labels).most_common(1)[0][0]] * len(outside)
        names, margin = _bayes(model, texts, labels, asked)
        bayes += names
        truth = [known[at]["service"] for at in outside.tolist()]
        parts.append((told.chances[:, 0], told.kept, np.isin(truth, model.names), margin))
        taken.append(outside)
    place = np.concatenate(taken)
    chances, kept, learnt, margins = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Held(
        rows=[known[at] for at in place.tolist()],
        first=tuple(first),
        chances=chances,
        kept=kept,
        learnt=learnt,
        usual=tuple(usual),
        bayes=tuple(bayes),
        margin=margins,
        group=group[place],
    )


def _bayes(
    model: Router, texts: Sequence[str], labels: Sequence[str], asked: Sequence[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """Sort by a naive Bayes on the same terms: the plain baseline."""
    import numpy as np

    place = np.array([model.names.index(label) for label in labels])
    rows = text_rows(texts, model.views)
    sums = np.full((len(model.names), rows.shape[1]), _SMOOTH, np.float32)
    for label in range(len(model.names)):
        sums[label] += np.asarray(rows[np.flatnonzero(place == label)].sum(axis=0)).ravel()
    logs = np.log(sums / sums.sum(axis=1, keepdims=True))
    scores = text_rows(asked, model.views) @ logs.T + np.log(np.bincount(place) / len(place))
    ordered = np.sort(scores, axis=1)
    return [model.names[at] for at in scores.argmax(axis=1).tolist()], ordered[:, -1] - ordered[:, -2]


def evaluate(
    source: str, rows: Sequence[Mapping[str, Any]], *, seed: int, progress: Progress
) -> Iterator[EvaluationBlock]:
    """Measure what was said of messages held out (see `held_out`); with boxes, also when the box is known."""
    held = held_out(rows, seed=seed, progress=progress)
    if not any(row["box"] for row in rows):
        split = "par date : deux périodes suivant celle de l'apprentissage, fils et campagnes déjà vus ôtés"
        yield _block(source, split, held, seed=seed)
        return
    split = "cinq parts, dossiers entiers : aucun dossier n'est des deux côtés"
    yield _block(source, split, held, seed=seed)
    known = held_out(rows, seed=seed, progress=progress, by_text=True)
    split = "cinq parts par texte : le dossier peut être connu, les quasi-doublons dans la même part"
    yield _block(f"{source}, dossiers connus", split, known, seed=seed)


def _block(source: str, split: str, held: Held, *, seed: int) -> EvaluationBlock:
    import numpy as np

    right, kept = held.right, held.kept.astype(np.float64)
    size = len(right)
    weights = evaluation.bootstrap_weights(size, seed=seed, clusters=held.group, draws=_DRAWS)
    # The baseline routes as many messages, those where it is surest.
    order = np.argsort(-held.margin, kind="stable")[: int(kept.sum())]
    as_many = np.zeros(size)
    as_many[order] = 1.0
    usual, bayes = "service le plus fréquent", "bayes naïf sur les mêmes termes"
    mean = float(right.mean())
    metrics = [
        _share(
            "precision_routed",
            right * kept,
            kept,
            weights,
            bayes,
            _ratio(held.bayes_right * as_many, as_many),
        ),
        _share("coverage", kept, np.ones(size), weights),
        _share("accuracy", right, np.ones(size), weights, bayes, float(held.bayes_right.mean())),
        _share("accuracy_over_usual", right, np.ones(size), weights, usual, float(held.usual_right.mean())),
        *evaluation.stated_metrics(right, held.chances, weights, mean),
    ]
    apart = int((~held.learnt).sum())
    return EvaluationBlock(
        data_set=source,
        split=split,
        metrics=tuple(metrics),
        run="",
        subgroups=tuple(
            _by("service appris", held, ["oui" if one else "non" for one in held.learnt.tolist()])
        )
        + tuple(_by("canal", held, [row["channel"] for row in held.rows]))
        + tuple(_by("service", held, [row["service"] for row in held.rows])),
        notes=(
            f"{french.count(apart, 'message')} de services absents de l'apprentissage : comptés faux.",
            f"Confusions des messages orientés : {_listed(confusions(held))}.",
        ),
    )


def confusions(held: Held, *, count: int = _SHOWN) -> list[tuple[str, str, int]]:
    """Return the commonest mistakes among routed messages: true service, proposed one, how many."""
    pairs = Counter(
        (str(row["service"]), name)
        for row, name, kept in zip(held.rows, held.first, held.kept.tolist(), strict=True)
        if kept and name != row["service"]
    )
    ordered = sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
    return [(true, name, number) for (true, name), number in ordered[:count]]


def _listed(found: Sequence[tuple[str, str, int]]) -> str:
    return " ; ".join(f"{true} → {name} : {number}" for true, name, number in found) or "aucune"


def _ratio(right: NDArray[np.float64], total: NDArray[np.float64]) -> float | None:
    return float(right.sum() / total.sum()) if total.any() else None


def _share(
    name: str, right: Any, total: Any, weights: Any, baseline: str = "", baseline_value: float | None = None
) -> Metric:
    """Return a share with its interval, drawn by group."""

    def figure(weight: Any) -> float:
        under = float((total * weight).sum())
        return float((right * weight).sum()) / under if under else float("nan")

    value = _ratio(right, total)
    n = int(total.sum())
    if value is None:
        return Metric(name=name, value=None, low=None, high=None, n=n)
    return evaluation.interval_metric(
        name,
        value,
        bootstrap(figure, weights),
        n=n,
        baseline=baseline,
        baseline_value=baseline_value,
    )


def _by(attribute: str, held: Held, values: Sequence[str]) -> list[SubgroupMetric]:
    """Return the precision among routed messages of each group; one with too few has no figure."""
    import numpy as np

    found = []
    told = np.array(values)
    for value in sorted(set(values)):
        inside = (told == value) & held.kept
        n = int(inside.sum())
        enough = n >= evaluation.MIN_GROUP
        rate = float(held.right[inside].mean()) if enough else None
        low, high = evaluation.wilson(float(held.right[inside].sum()), n) if enough else (None, None)
        metric = Metric(name="precision_routed", value=rate, low=low, high=high, n=n)
        found.append(SubgroupMetric(attribute=attribute, group=value, metric=metric))
    return found
