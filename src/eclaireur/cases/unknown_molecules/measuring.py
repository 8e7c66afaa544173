"""Figures: each laboratory's spectra identified in the libraries of the others, beside the plain search.

For each laboratory left out, neither its spectra nor its libraries were learnt from: weights and threshold
come from the other laboratories searched in one another. Spectra whose molecule no other laboratory measured
are not counted; each other one is searched twice, the second time without its molecule, to count false names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules import judging, open_search
from eclaireur.cases.unknown_molecules.batch import batch_of, kept, search
from eclaireur.cases.unknown_molecules.model import BOUND, drawn, laid_out, learn, searched, top
from eclaireur.core import evaluation, french
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.batch import Batch, Pairs
    from eclaireur.cases.unknown_molecules.model import Bench
    from eclaireur.core.case import Progress, Records

__all__ = ["MOST", "Outcome", "evaluate", "left_out"]

MOST = 4000
"""Most spectra of one laboratory that are identified, drawn by whole compounds."""
_LEAST = 20
_PLAIN = "entropie seule, spectre par spectre"
_DRAWS = 300
_TOP = 0.5
"""Share of spectra taken as selected in the table by group: the surest half."""
_MODES = {"positive": "positive", "negative": "négative"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of the spectra of a laboratory left out, one value a spectrum.

    ``rank`` is that of the right molecule from 1; ``absent`` the highest probability once it is taken out;
    ``rivals`` whether other molecules have its precursor.
    """

    query: NDArray[np.int64]
    rank: NDArray[np.int64]
    plain: NDArray[np.bool_]
    chance: NDArray[np.float64]
    right: NDArray[np.bool_]
    absent: NDArray[np.float64]
    rivals: NDArray[np.bool_]
    threshold: float


def evaluate(source: str, records: Records, *, seed: int, progress: Progress) -> tuple[EvaluationBlock, ...]:
    """Return one block for each laboratory left out, largest first."""
    import numpy as np

    table = records["spectra"]
    made = laid_out(table)
    batch = batch_of(table, made.library)
    truth = np.full(table.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    taken = drawn(batch.laboratory, batch.group, most=MOST, seed=seed)
    pairs = search(_only(batch, taken), made.library, progress=progress)
    seeker = open_search.Seeker(made.library)
    labs = [
        (int((batch.laboratory == at).sum()), at, name)
        for at, name in enumerate(made.library.laboratories)
        if name
    ]
    found = []
    for done, (_, at, name) in enumerate(sorted(labs, reverse=True)):
        progress(done, len(labs), f"Laboratoire laissé de côté : {name}")
        outcome = left_out(made, batch, pairs, truth, at, seed=seed)
        if outcome is None or len(outcome.query) < _LEAST:
            continue
        opened = seeker.right(batch, outcome.query, truth, at)
        found.append(_block(f"{source} : {name}", table, batch, outcome, opened, seed))
    return tuple(found)


def _only(batch: Batch, taken: NDArray[np.bool_]) -> Batch:
    return replace(
        batch,
        queries=tuple(one if use else None for one, use in zip(batch.queries, taken.tolist(), strict=True)),
    )


def left_out(
    made: Bench, batch: Batch, pairs: Pairs, truth: NDArray[np.int64], lab: int, *, seed: int
) -> Outcome | None:
    """Identify the spectra of a laboratory by what the others teach; None when nothing is shared."""
    import numpy as np

    mine = batch.laboratory[pairs.query] == lab
    others = ~mine & (made.library.laboratory[pairs.at] != lab)
    model = learn(made, batch, kept(pairs, others), truth, seed=seed)
    if model is None:
        return None
    found, right = searched(made, batch, kept(pairs, mine), truth)
    if not len(found.query):
        return None
    chance, _ = judging.weighed(found, model.chooser)
    without, _ = judging.weighed(found, model.chooser, without=right)
    first = top(found, chance)
    plain = top(found, found.plain)
    owner = np.unique(found.query, return_inverse=True)[1].reshape(-1)
    own = np.zeros(owner.max() + 1)
    own[owner[right]] = chance[right]
    rank = 1 + np.bincount(owner, chance > own[owner], len(own)).astype(np.int64)
    return Outcome(
        query=found.query[first],
        rank=rank,
        plain=right[plain],
        chance=chance[first],
        right=right[first],
        absent=without[top(found, without)],
        rivals=np.bincount(owner) > 1,
        threshold=model.threshold,
    )


def _block(
    name: str,
    table: pa.Table,
    batch: Batch,
    outcome: Outcome,
    opened: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    seed: int,
) -> EvaluationBlock:
    import numpy as np

    groups = batch.group[outcome.query]
    first, third = outcome.rank == 1, outcome.rank <= 3
    false = outcome.absent >= outcome.threshold
    rivals = outcome.rivals
    stated = np.concatenate([outcome.chance, outcome.absent])
    seen = np.concatenate([outcome.right, np.zeros(len(outcome.absent), bool)]).astype(float)
    both = np.concatenate([groups, groups])
    open_right, open_alone = opened
    metrics = (
        _share("top1", first, groups, seed, _PLAIN, outcome.plain),
        _share("top3", third, groups, seed),
        _share("open_top1", open_right, groups, seed, _PLAIN, open_alone),
        _share("false_acceptance", false, groups, seed, "borne annoncée", np.array([BOUND])),
        *([_share("false_acceptance_rivals", false[rivals], groups[rivals], seed)] if rivals.any() else []),
        _share("accepted", outcome.chance >= outcome.threshold, groups, seed),
        _measure("calibration_error", evaluation.calibration_error, seen, stated, both, seed),
        _measure("brier", evaluation.brier, seen, stated, both, seed),
    )
    present = outcome.chance >= outcome.threshold
    wrong = int((present & ~outcome.right).sum())
    return EvaluationBlock(
        data_set=name,
        split="laboratoire laissé de côté : rien n'en est appris ; bibliothèque des autres laboratoires",
        metrics=metrics,
        run="",
        notes=(
            (
                f"Seuil appris ailleurs : {french.percent(outcome.threshold)} ; faux noms annoncés : "
                f"{french.percent(BOUND)} au plus des molécules absentes."
            ),
            (
                f"Parmi les noms donnés à des molécules présentes, {french.number(wrong)} sur "
                f"{french.number(int(present.sum()))} sont faux."
            ),
            "Erreur de calibration : une molécule sur deux absente. Intervalles : tirage des composés.",
            (
                "Par groupe : la première proposition est-elle juste, parmi les molécules présentes ? "
                "Les spectres d’un composé y comptent chacun : les intervalles sont un peu étroits."
            ),
        ),
        subgroups=evaluation.subgroup_table(
            outcome.right.astype(float), outcome.chance, _groups(table, outcome), share=_TOP
        ),
    )


def _groups(table: pa.Table, outcome: Outcome) -> dict[str, list[str | None]]:
    """Return how each spectrum was measured: its ion, its polarity, its instrument, and what resembles it."""
    import pyarrow as pa

    rows = table.select(["adduct", "mode", "instrument"]).take(pa.array(outcome.query))
    return {
        "ion": rows["adduct"].to_pylist(),
        "polarité": [_MODES.get(one or "") for one in rows["mode"].to_pylist()],
        "instrument": rows["instrument"].to_pylist(),
        "même masse": ["avec rivales" if one else "seule" for one in outcome.rivals.tolist()],
    }


def _share(
    name: str,
    values: NDArray[np.bool_],
    groups: NDArray[np.int64],
    seed: int,
    baseline: str | None = None,
    rule: NDArray[np.generic] | None = None,
) -> Metric:
    """Return a share with an interval from draws of whole compounds."""
    import numpy as np

    place = np.unique(groups, return_inverse=True)[1].reshape(-1)
    total = np.bincount(place)
    good = np.bincount(place, values.astype(float))
    draw = np.random.default_rng(seed)
    weight = draw.multinomial(len(total), np.full(len(total), 1 / len(total)), _DRAWS)
    shares = (weight @ good) / np.maximum(weight @ total, 1)
    return evaluation.interval_metric(
        name,
        float(values.mean()),
        shares,
        n=len(values),
        baseline=baseline,
        baseline_value=None if rule is None else float(rule.mean()),
    )


def _measure(
    name: str,
    figure: Callable[..., float],
    seen: NDArray[np.float64],
    stated: NDArray[np.float64],
    groups: NDArray[np.int64],
    seed: int,
) -> Metric:
    """Return a figure of probabilities, its interval by draws of compounds, and that of the mean rate."""
    import numpy as np

    place = np.unique(groups, return_inverse=True)[1].reshape(-1)
    size = int(place.max()) + 1
    draw = np.random.default_rng(seed)
    drawn = [draw.multinomial(size, np.full(size, 1 / size))[place] for _ in range(_DRAWS // 3)]
    return evaluation.stated_metric(name, figure, seen, stated, np.array(drawn, np.float64), seen.mean())
