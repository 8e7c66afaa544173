"""How well experiences are read: new ones, networks never learnt from, later ones; what drafts repeat."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.personal import mask
from eclaireur.bricks.semantic.labelling import folds
from eclaireur.cases.review_answers.drafting import Means, text_of_answer
from eclaireur.cases.review_answers.handling import means_of, safe_draft
from eclaireur.cases.review_answers.model import UNFAVOURABLE, Model, dimensions_of, groups_of
from eclaireur.cases.review_answers.planting import plant, shows
from eclaireur.cases.review_answers.reading import RATINGS, text_of
from eclaireur.cases.review_answers.understanding import understand
from eclaireur.core import evaluation
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.evaluation.intervals import bootstrap
from eclaireur.core.intake import Message
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress, Records

__all__ = ["Held", "Leaks", "evaluate", "held_out", "later", "leaks"]

_FOLDS = 5
_DRAWS = 400
_LATER = 2 / 3
_PLANTED = 120
_SEPARATOR = " : "


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What models that did not see an experience say of it.

    Parameters
    ----------
    rows
        The experiences kept apart, in order.
    chances
        Of each of `reading.RATINGS`.
    told, usual
        « dimension : polarity » that the model gives; those that are most usual where it learnt.
    common
        The most usual rating where the model learnt.
    groups
        Network of each row.
    """

    rows: tuple[Mapping[str, Any], ...]
    chances: NDArray[Any]
    told: tuple[frozenset[str], ...]
    usual: tuple[frozenset[str], ...]
    common: tuple[str, ...]
    groups: NDArray[Any]

    @property
    def said(self) -> list[str]:
        """The likeliest rating of each row."""
        return [RATINGS[at] for at in self.chances.argmax(axis=1).tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Data planted in messages: how many, how many a draft repeats, how many a masked text still shows."""

    planted: int
    drafted: int
    repeated: int
    unmasked: int
    kinds: Mapping[str, tuple[int, int]]


def held_out(
    rows: Sequence[Mapping[str, Any]], *, by: str = "network", seed: int, progress: Progress
) -> Held:
    """Read each fold of networks, or of texts, by a model of the others; the same text is in one fold."""
    import numpy as np

    rated = [row for row in rows if row["rating"]]
    if by == "network":
        groups = groups_of(rated)
    else:
        groups = np.unique([" ".join(row["text"].lower().split()) for row in rated], return_inverse=True)[1]
    fold = folds(groups, _FOLDS, seed=seed)
    parts, order = [], []
    for number in range(_FOLDS):
        progress(number, _FOLDS, "Expériences tenues à l'écart")
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        parts.append(_read([rated[at] for at in inside], [rated[at] for at in outside], seed=seed))
        order.append(outside)
    place = np.argsort(np.concatenate(order), kind="stable")
    return Held(
        rows=tuple(rated),
        chances=np.vstack([one.chances for one in parts])[place],
        told=_ordered([one.told for one in parts], place),
        usual=_ordered([one.usual for one in parts], place),
        common=_ordered([one.common for one in parts], place),
        groups=groups,
    )


def later(rows: Sequence[Mapping[str, Any]], *, seed: int) -> Held:
    """Read the last third of the experiences by a model of those before."""
    rated = sorted((row for row in rows if row["rating"]), key=lambda row: (row["observed"], row["subject"]))
    cut = rated[int(len(rated) * _LATER)]["observed"]
    inside = [row for row in rated if row["observed"] < cut]
    return _read(inside, [row for row in rated if row["observed"] >= cut], seed=seed)


def _read(inside: Sequence[Mapping[str, Any]], outside: Sequence[Mapping[str, Any]], *, seed: int) -> Held:
    model = Model.fit(inside, seed=seed)
    said = understand([text_of(row) for row in outside], model)
    usual = frozenset(_most_usual([dimensions_of(row) for row in inside]))
    common = Counter(row["rating"] for row in inside).most_common(1)[0][0]
    import numpy as np

    return Held(
        rows=tuple(outside),
        chances=np.array([one.chances for one in said]),
        told=tuple(
            frozenset(f"{one.aspect}{_SEPARATOR}{one.polarity}" for one in text.dimensions) for text in said
        ),
        usual=(usual,) * len(outside),
        common=(common,) * len(outside),
        groups=groups_of(outside),
    )


def _ordered(parts: Sequence[Sequence[Any]], place: Any) -> tuple[Any, ...]:
    whole = [one for part in parts for one in part]
    return tuple(whole[at] for at in place.tolist())


def _most_usual(told: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the labels that, given to every text, have the best micro-F1."""
    counted = Counter(f"{name}{_SEPARATOR}{polarity}" for one in told for name, polarity in one.items())
    names = [name for name, _ in counted.most_common()]
    total = sum(counted.values())
    figures = [
        2 * sum(counted[name] for name in names[:size]) / (size * len(told) + total)
        for size in range(1, len(names) + 1)
    ]
    return names[: 1 + figures.index(max(figures))] if figures else []


def evaluate(source: str, records: Records, *, seed: int, progress: Progress) -> tuple[EvaluationBlock, ...]:
    """Measure on texts and networks never learnt from, on later experiences, and on planted personal data.

    Raises
    ------
    EmptyTableError
        If there are too few rated experiences.
    """
    rows = records["experiences"].to_pylist()
    rated = [row for row in rows if row["rating"]]
    if (
        len(rated) < 4 * _FOLDS
        or len({row["rating"] for row in rated}) < 2
        or len(set(groups_of(rated).tolist())) < _FOLDS
    ):
        raise EmptyTableError(
            "trop peu d'expériences notées pour mesurer.",
            fix="Il en faut au moins vingt, de cinq réseaux, avec deux ressentis différents.",
        )
    found = []
    for by, split in (("text", "cinq parts par texte"), ("network", "cinq parts par réseau de services")):
        apart = held_out(rated, by=by, seed=seed, progress=progress)
        found.append(_block(source, split, apart, seed=seed))
    after = later(rated, seed=seed)
    found.append(_block(source, "dernier tiers des dates, appris sur les deux premiers", after, seed=seed))
    progress(0, 1, "Données personnelles plantées")
    model = Model.fit(rated[: 2 * len(rated) // 3], seed=seed)
    planted = leaks(rated[2 * len(rated) // 3 :], model, means_of(records), seed=seed, count=_PLANTED)
    found.append(_planted_block(source, planted))
    return tuple(found)


def leaks(rows: Sequence[Mapping[str, Any]], model: Model, means: Means, *, seed: int, count: int) -> Leaks:
    """Plant personal data in experiences, draft an answer to each, and look for the data in it."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    seen: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    repeated = drafted = 0
    chosen = [rows[draw.randrange(len(rows))] for _ in range(count)]
    texts = [plant(text_of(row), draw=draw) for row in chosen]
    said = understand([text for text, _ in texts], model)
    for row, (text, planted), one in zip(chosen, texts, said, strict=True):
        message = Message(
            id=row["subject"],
            thread="",
            received=datetime.combine(row["observed"], time(), tzinfo=UTC),
            sender="",
            subject="",
            body=text,
        )
        answer = safe_draft(one, means, message)
        written = "\n".join([text_of_answer(answer), answer.withheld, *answer.cautions])
        drafted += bool(answer.sentences)
        masked = mask(text, one.personal)
        for datum in planted:
            seen[datum.kind] += 1
            repeated += shows(written, datum)
            missed[datum.kind] += shows(masked, datum)
    return Leaks(
        planted=seen.total(),
        drafted=drafted,
        repeated=repeated,
        unmasked=missed.total(),
        kinds={kind: (missed[kind], number) for kind, number in seen.items()},
    )


def _planted_block(source: str, found: Leaks) -> EvaluationBlock:
    low, high = evaluation.wilson(found.repeated, found.planted)
    under, over = evaluation.wilson(found.unmasked, found.planted)
    kinds = " ; ".join(
        f"{kind} {missed} sur {number}" for kind, (missed, number) in sorted(found.kinds.items())
    )
    return EvaluationBlock(
        data_set=source,
        split="données personnelles fictives plantées dans des messages",
        metrics=(
            Metric(
                name="leaks",
                value=found.repeated / found.planted,
                low=low,
                high=high,
                n=found.planted,
                baseline="message recopié",
                baseline_value=1.0,
            ),
            Metric(
                name="unmasked",
                value=found.unmasked / found.planted,
                low=under,
                high=over,
                n=found.planted,
                baseline="aucun masque",
                baseline_value=1.0,
            ),
        ),
        run="",
        notes=(f"Encore visibles sous le masque : {kinds}.", f"Brouillons faits : {found.drafted}."),
    )


def _block(source: str, split: str, held: Held, *, seed: int) -> EvaluationBlock:
    import numpy as np

    weights = evaluation.bootstrap_weights(len(held.rows), seed=seed, clusters=held.groups, draws=_DRAWS)
    truth = np.array([row["rating"] for row in held.rows])
    right = (np.array(held.said) == truth).astype(np.float64)
    other = [row["other"] for row in held.rows]
    named = all(other)
    against = (np.array(other if named else held.common) == truth).astype(np.float64)
    name = "modèle pré-entraîné publié avec les données" if named else "ressenti le plus fréquent"
    there = [
        frozenset(f"{key}{_SEPARATOR}{told}" for key, told in dimensions_of(row).items()) for row in held.rows
    ]
    bad = (truth == UNFAVOURABLE).astype(np.float64)
    known = float(bad.mean())
    metrics = [evaluation.mean_metric("sentiment_agreement", right, weights, baseline=name, beside=against)]
    if any(there):
        metrics.append(_micro("dimensions_f1", held.told, held.usual, there, weights))
    metrics += [
        *evaluation.stated_metrics(bad, held.chances[:, 0], weights, known),
    ]
    return EvaluationBlock(
        data_set=source,
        split=split,
        metrics=tuple(metrics),
        run="",
        subgroups=_groups(held.rows, right),
        notes=_by_dimension(held.told, there),
    )


def _micro(
    name: str,
    told: Sequence[frozenset[str]],
    usual: Sequence[frozenset[str]],
    there: Sequence[frozenset[str]],
    weights: Any,
) -> Metric:
    import numpy as np

    def figure(said: Sequence[frozenset[str]]) -> Callable[[Any], float]:
        both = np.array([len(a & b) for a, b in zip(said, there, strict=True)], np.float64)
        sizes = np.array([len(a) + len(b) for a, b in zip(said, there, strict=True)], np.float64)
        return lambda weight: float(2 * (weight @ both) / max(weight @ sizes, 1e-9))

    ones = np.ones(len(there))
    return evaluation.interval_metric(
        name,
        figure(told)(ones),
        bootstrap(figure(told), weights),
        n=len(there),
        baseline="les plus fréquentes pour tous",
        baseline_value=figure(usual)(ones),
    )


def _groups(rows: Sequence[Mapping[str, Any]], right: Any) -> tuple[SubgroupMetric, ...]:
    """Return the agreement by network, year and rating; a group too small has no figure."""
    found = []
    asked: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
        ("réseau", lambda row: row["network"] or "inconnu"),
        ("année", lambda row: str(row["observed"].year)),
        ("ressenti", lambda row: row["rating"]),
    )
    for attribute, of in asked:
        named = [of(row) for row in rows]
        for group in sorted(set(named)):
            told = [float(one) for one, name in zip(right, named, strict=True) if name == group]
            enough = len(told) >= evaluation.MIN_GROUP
            low, high = evaluation.wilson(sum(told), len(told)) if enough else (None, None)
            metric = Metric(
                name="sentiment_agreement",
                value=sum(told) / len(told) if enough else None,
                low=low,
                high=high,
                n=len(told),
            )
            found.append(SubgroupMetric(attribute=attribute, group=group, metric=metric))
    return tuple(found)


def _by_dimension(told: Sequence[frozenset[str]], there: Sequence[frozenset[str]]) -> tuple[str, ...]:
    from eclaireur.core import french

    names = sorted({one.partition(_SEPARATOR)[0] for labels in there for one in labels})
    said = []
    for name in names:
        given = [{one for one in labels if one.startswith(name)} for labels in told]
        true = [{one for one in labels if one.startswith(name)} for labels in there]
        both = sum(len(a & b) for a, b in zip(given, true, strict=True))
        sizes = sum(map(len, given)) + sum(map(len, true))
        said.append(f"{name} {french.number(2 * both / max(sizes, 1), 2)} ({sum(map(len, true))} étiquettes)")
    return (f"F1 par dimension : {' ; '.join(said)}.",) if said else ()
