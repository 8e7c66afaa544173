"""How well questions find their sheet, on questions and sheets that the choice has not seen.

Questions that expect one sheet stay on one side of a split. Of five parts, each is ranked with weights chosen
on the four others, and its chances come from a regression fitted on them. Abstention is measured on each
question asked twice: with the sheet that answers, and with that sheet taken away. So nothing is remembered of
the sheet that a question expects (`memory`); what it brings to remember is measured apart, on questions whose
sheet others asked of.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.answering import stretch_of
from eclaireur.bricks.semantic.hybrid import WAYS
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.cases.assistant.answers import answer_of
from eclaireur.cases.assistant.base import Ranked, base_of
from eclaireur.cases.assistant.model import (
    LEAST,
    MOST,
    Recalled,
    asked_of,
    choose,
    pairs_of,
    rank_table,
)
from eclaireur.core import evaluation, french
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.assistant.base import Base
    from eclaireur.cases.assistant.model import Asked
    from eclaireur.core.case import Progress

__all__ = ["curve", "evaluate", "token_f1"]

_FOLDS = 5
_DRAWS = 500
_SHARES = tuple(part / 20 for part in range(1, 21))
_PLAIN = "mots du titre (BM25)"
_NEVER = "fiche dont rien n'a été demandé"
_TITLE = dict.fromkeys(WAYS, 0.0) | {"title": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """Held-out results, one line a question; in ``known``, with the other questions of its sheet known."""

    asked: Sequence[Asked]
    groups: NDArray[np.int64]
    rank: NDArray[np.float64]
    known: NDArray[np.float64]
    plain: NDArray[np.float64]
    chance: NDArray[np.float64]
    label: NDArray[np.float64]
    plain_chance: NDArray[np.float64]
    found: list[int]


def evaluate(
    source: str, sheets: pa.Table, questions: pa.Table, *, seed: int, progress: Progress
) -> EvaluationBlock:
    """Return the figures of a source.

    Raises
    ------
    EmptyTableError
        If it has fewer than twenty labelled questions, or they expect fewer than five sheets.
    """
    base, chosen, played = _held_out(sheets, questions, seed, progress)
    asked = played.asked
    progress(2, 3, "Intervalles")
    answers = {row["question"]: row["answer"] for row in chosen if row["answer"]}
    return EvaluationBlock(
        data_set=source,
        split=(
            f"{french.count(len(asked), 'question')} sur {french.count(len(base.sheets), 'fiche')} ; "
            "choix emboîté, cinq parts, une fiche attendue d'un seul côté"
        ),
        metrics=tuple(_metrics(base, played, answers, seed)),
        run="",
        subgroups=tuple(_subgroups(base, played, seed)),
        notes=_notes(played),
    )


def curve(
    sheets: pa.Table, questions: pa.Table, *, seed: int, progress: Progress
) -> dict[str, tuple[float, ...]]:
    """Return the risk–coverage curve of abstention, on questions that the choices have not seen.

    Each question is asked with its sheet, then without.

    Returns
    -------
    dict
        ``share`` of the questions that are answered, the surest first (twentieths); of those, the share that
        is wrong: ``ours`` by the stated chance, ``plain`` by the share of the question's words.

    Raises
    ------
    EmptyTableError
        As `evaluate`.

    References
    ----------
    El-Yaniv & Wiener (2010), On the foundations of noise-free selective classification.
    """
    import numpy as np

    _, _, played = _held_out(sheets, questions, seed, progress)
    wrong = 1.0 - played.label
    last = np.ceil(len(wrong) * np.array(_SHARES)).astype(int)
    found = {"share": _SHARES}
    for name, order in zip(("ours", "plain"), _surest(played), strict=True):
        risk = np.cumsum(wrong[order])[last - 1] / last
        found[name] = tuple(risk.tolist())
    return found


def _held_out(
    sheets: pa.Table, questions: pa.Table, seed: int, progress: Progress
) -> tuple[Base, list[dict[str, Any]], _Played]:
    rows = questions.to_pylist()
    chosen = rows if len(rows) <= MOST else random.Random(seed).sample(rows, MOST)  # noqa: S311
    progress(0, 3, "Préparation des fiches")
    base = base_of(sheets)
    progress(1, 3, "Questions")
    asked = asked_of(base, chosen)
    if len(asked) < LEAST or len({one.expected for one in asked}) < _FOLDS:
        raise EmptyTableError(
            f"{len(asked)} questions dont la fiche est connue ne suffisent pas à mesurer.",
            fix=f"Donnez-en {LEAST} au moins, de {_FOLDS} fiches différentes.",
        )
    return base, chosen, _play(base, asked, seed)


def _surest(played: _Played) -> list[NDArray[np.int64]]:
    """Return the order of the rows by the stated chance, and by the plain one, the surest first."""
    import numpy as np

    # Equal chances stand in an order drawn at random: the two ways of asking are neighbours in the rows.
    mixed = np.random.default_rng(0).random(len(played.label))
    return [np.lexsort((mixed, -one)) for one in (played.chance, played.plain_chance)]


def _play(base: Base, asked: Sequence[Asked], seed: int) -> _Played:
    import numpy as np

    groups = np.unique([one.expected for one in asked], return_inverse=True)[1]
    side = np.random.default_rng(seed).permutation(int(groups.max()) + 1) % _FOLDS
    fold = side[groups]
    table = rank_table(asked)
    recalled = Recalled.of(base, asked)
    every = np.arange(len(asked))
    rank, known = np.zeros(len(asked)), np.zeros(len(asked))
    chance, label, plain_chance = (np.zeros(2 * len(asked)) for _ in range(3))
    found = [-1] * len(asked)
    for part in range(_FOLDS):
        inside = np.flatnonzero(fold != part)
        outside = np.flatnonzero(fold == part).tolist()
        weights, fitted, _ = choose(base, asked, table, recalled, inside)
        near = [recalled.near(at, inside) for at in outside]
        told, truth = pairs_of(base, [asked[at] for at in outside], weights, near)
        for nth, at in enumerate(outside):
            one = asked[at]
            ranked = [sheet.place for sheet in one.ranked(weights, near[nth])]
            rank[at] = _inverse(ranked, one.expected)
            helped = one.ranked(weights, recalled.near(at, every))
            known[at] = _inverse([sheet.place for sheet in helped], one.expected)
            found[at] = ranked[0] if ranked else -1
            for twin in (0, 1):
                chance[2 * at + twin] = fitted(told[2 * nth + twin])
                label[2 * at + twin] = truth[2 * nth + twin]
                plain_chance[2 * at + twin] = told[2 * nth + twin][0]
    nothing = np.zeros(len(base.sheets))
    plain = np.array([_rank_by(one, _TITLE, nothing) for one in asked])
    return _Played(
        asked=asked,
        groups=groups,
        rank=rank,
        known=known,
        plain=plain,
        chance=chance,
        label=label,
        plain_chance=plain_chance,
        found=found,
    )


def _rank_by(one: Asked, weights: dict[str, float], near: NDArray[np.float64]) -> float:
    """Return 1/rank of the sheet expected; sheets that the way does not find do not count."""
    return _inverse([found.place for found in one.ranked(weights, near) if found.score > 0], one.expected)


def _inverse(ranked: list[int], expected: int) -> float:
    return 1 / (ranked.index(expected) + 1) if expected in ranked else 0.0


def _metrics(base: Base, played: _Played, answers: dict[str, str], seed: int) -> list[Metric]:
    import numpy as np

    n = len(played.rank)
    drawn = evaluation.bootstrap_weights(n, seed=seed, draws=_DRAWS, clusters=played.groups)

    def mean(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64] | None, plain: str) -> Metric:
        return evaluation.mean_metric(name, ours, drawn, baseline=plain, beside=theirs)

    rank, plain = played.rank, played.plain
    metrics = [
        mean("mrr", rank, plain, _PLAIN),
        mean("hit_at_1", (rank >= 1).astype(float), (plain >= 1).astype(float), _PLAIN),
        mean("hit_at_5", (rank >= 0.2).astype(float), (plain >= 0.2).astype(float), _PLAIN),
    ]
    metrics += _remembered(played, seed)
    shown, cited = _answers(base, played)
    metrics += [
        mean("citation_exists", cited, None, ""),
        mean("unsupported_rate", 1.0 - cited, None, ""),
    ]
    if answers:
        true = [answers.get(one.question, "") for one in played.asked]
        ours = np.array([token_f1(text, wanted) for text, wanted in zip(shown, true, strict=True)])
        theirs = np.array(
            [
                token_f1(base.sheets[at].text if at >= 0 else "", wanted)
                for at, wanted in zip(played.found, true, strict=True)
            ]
        )
        metrics.append(mean("answer_f1", ours, theirs, "toute la fiche"))
    return metrics + _chances(played, seed)


def _remembered(played: _Played, seed: int) -> list[Metric]:
    """Return how well questions are ranked when others of their sheet are known, beside when none is."""
    import numpy as np

    sizes = np.bincount(played.groups)
    shared = np.flatnonzero(sizes[played.groups] > 1)
    if not len(shared):
        return []
    drawn = evaluation.bootstrap_weights(len(shared), seed=seed, draws=_DRAWS, clusters=played.groups[shared])
    known, without = played.known[shared], played.rank[shared]
    pairs = (
        ("mrr_known", known, without),
        ("hit_at_5_known", (known >= 0.2).astype(float), (without >= 0.2).astype(float)),
    )
    return [
        evaluation.mean_metric(name, ours, drawn, baseline=_NEVER, beside=theirs)
        for name, ours, theirs in pairs
    ]


def _answers(base: Base, played: _Played) -> tuple[list[str], NDArray[np.float64]]:
    """Return what would be answered if nothing was withheld, and whether all of it stands in its source."""
    import numpy as np

    shown, cited = [], []
    for at, one in zip(played.found, played.asked, strict=True):
        if at < 0:
            shown.append("")
            cited.append(1.0)
            continue
        sheet = base.sheets[at]
        stretch = stretch_of(one.question, sheet.text, base.rarity, title=sheet.title)
        shown.append(" ".join(sheet.text[start:end] for start, end in stretch.bounds))
        made = answer_of(base, one.question, [Ranked(at, 1.0)], sure=True)
        cited.append(float(all(part.text in sheet.text or "[masqué" in part.text for part in made.sentences)))
    return shown, np.array(cited)


def _chances(played: _Played, seed: int) -> list[Metric]:
    """Return how well the chance tells what is answered from what is not, and whether it is true."""
    import numpy as np

    twice = np.repeat(played.groups, 2)
    drawn = evaluation.bootstrap_weights(len(twice), seed=seed, draws=_DRAWS, clusters=twice)
    label, chance = played.label, played.chance
    rate = float(label.mean())
    return [
        evaluation.interval_metric(
            "abstention_auc",
            evaluation.auc(label, chance),
            np.array([evaluation.auc(label, chance, line) for line in drawn]),
            n=len(twice),
            baseline="part des mots de la question",
            baseline_value=evaluation.auc(label, played.plain_chance),
        ),
        *evaluation.stated_metrics(label, chance, drawn, rate),
        *_risks(played, drawn),
    ]


def _risks(played: _Played, drawn: NDArray[np.float64]) -> list[Metric]:
    """Return the share of wrong answers when only the surest questions are answered, by their share.

    ``aurc`` is the area under that curve (El-Yaniv & Wiener 2010): the mean over all shares.
    """
    import numpy as np

    wrong = 1.0 - played.label
    ours, plain = _surest(played)

    def figures(order: NDArray[np.int64], weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        held = weights[:, order]
        told = np.cumsum(held, axis=1)
        risk = np.cumsum(held * wrong[order], axis=1) / np.maximum(told, 1e-12)
        found = {"aurc": (risk * held).sum(axis=1) / told[:, -1]}
        for share in (10, 25, 50):
            last = (told < told[:, -1:] * share / 100).sum(axis=1)
            found[f"risk_at_{share}pct"] = risk[np.arange(len(risk)), np.minimum(last, len(wrong) - 1)]
        return found

    whole = np.ones((1, len(wrong)))
    drawn_figures, value, beside = figures(ours, drawn), figures(ours, whole), figures(plain, whole)
    return [
        evaluation.interval_metric(
            name,
            float(value[name][0]),
            drawn_figures[name],
            n=len(wrong),
            baseline="part des mots de la question",
            baseline_value=float(beside[name][0]),
        )
        for name in value
    ]


def _subgroups(base: Base, played: _Played, seed: int) -> list[SubgroupMetric]:
    """Return the figures by audience."""
    import numpy as np

    audience = np.array([base.sheets[one.expected].audience or "non dit" for one in played.asked])
    found = []
    for group in sorted(set(audience.tolist())):
        inside = audience == group
        n = int(inside.sum())
        low, high = evaluation.wilson(int((played.rank[inside] >= 0.2).sum()), n)
        enough = n >= evaluation.MIN_GROUP
        value = float((played.rank[inside] >= 0.2).mean()) if enough else None
        metric = Metric(
            name="hit_at_5", value=value, low=low if enough else None, high=high if enough else None, n=n
        )
        found.append(SubgroupMetric(attribute="public", group=group, metric=metric))
    return found


def _notes(played: _Played) -> tuple[str, ...]:
    """Say what is answered, and how often wrongly, at three levels of caution."""
    told = []
    for threshold in (0.3, 0.5, 0.7):
        kept = played.chance >= threshold
        answered = kept[::2].mean()
        wrong = 1 - played.label[kept].mean() if kept.any() else 0.0
        removed = kept[1::2].mean()
        level, shown, alone, error = map(french.percent, (threshold, answered, removed, wrong))
        told.append(
            f"Au seuil {level} : {shown} des questions ont une réponse, {alone} quand la fiche manque ; "
            f"{error} des réponses viennent d'une autre fiche (une question sur deux n'ayant pas la sienne)."
        )
    return tuple(told)


def token_f1(answer: str, truth: str) -> float:
    """Return the F1 of the words of an answer against those of the true one.

    Examples
    --------
    >>> round(token_f1("La carte coûte 25 euros", "25 euros"), 2)
    0.57
    """
    said, wanted = Counter(keys(answer).split()), Counter(keys(truth).split())
    common = sum((said & wanted).values())
    if not common:
        return 0.0
    precision, recall = common / sum(said.values()), common / sum(wanted.values())
    return 2 * precision * recall / (precision + recall)
