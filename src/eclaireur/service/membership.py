"""Membership inference: whether a model tells which people it learnt from.

Subjects are cut in two at random. A model learns from one half as the case trains; then both halves are
scored as the case scores past examples. Whoever attacks knows a person's facts and result, and guesses that
they were learnt from when the model is nearly right about them (Yeom et al. 2018: the smaller the loss, the
likelier). An AUC of 0.5 is a guess at random.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import EmptyTableError
from eclaireur.service import work as working

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Records
    from eclaireur.service.work import Work

__all__ = ["MOST_AUC", "MOST_FOUND", "Attack", "attack", "last_attack", "measure_losses"]

MOST_AUC = 0.60
"""Greatest AUC with which a model trained on personal data may be published."""

MOST_FOUND = 0.03
"""Greatest share of its people found when one other in a hundred is wrongly named."""

_FEWEST = 200
_KEPT = "membership.json"
_FALSE_ALARMS = 0.01
_EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """How well the attack does: AUC and share found at 1 % of false alarms, with their 95 % intervals."""

    auc: float
    auc_low: float
    auc_high: float
    found: float
    found_low: float
    found_high: float
    members: int
    others: int
    run: str = ""

    @property
    def passes(self) -> bool:
        """Tell whether a model trained on personal data may be published."""
        return self.auc <= MOST_AUC and self.found <= MOST_FOUND


def attack(work: Work, source: str) -> Attack:
    """Attack a model trained on half of the subjects of a source, and keep the result in the lake.

    Raises
    ------
    EmptyTableError
        If there are too few examples to tell.
    """
    records = working.ensure_records(work, source)
    run = work.run("membership", config={"source": source}, inputs=(records.run.id,))

    def write(folder: Path) -> None:
        found = _attacked(work, work.case.examples(records.tables), records.tables)
        (folder / _KEPT).write_text(json.dumps(asdict(found)), encoding="utf-8")

    work.workspace.runs.do(run, write)
    return _read(work, run.id)


def last_attack(work: Work, source: str) -> Attack | None:
    """Return the last attack that was made on a source; None before the first."""
    runs = work.workspace.runs.history(work.card.name, "membership")
    named = [run for run in runs if run.config.get("source") == source]
    return _read(work, named[-1].id) if named else None


def _read(work: Work, run_id: str) -> Attack:
    runs = work.workspace.runs
    folder = work.workspace.lake.folder(runs.address(runs.read(work.card.name, "membership", run_id)))
    return Attack(**{**json.loads((folder / _KEPT).read_text(encoding="utf-8")), "run": run_id})


def _attacked(work: Work, examples: pa.Table, tables: Records) -> Attack:
    import numpy as np
    import pyarrow as pa

    if examples.num_rows < _FEWEST:
        raise EmptyTableError(
            f"trop peu d'exemples pour cet essai : {examples.num_rows}, il en faut {_FEWEST}.",
            fix="Lisez une source plus longue.",
        )
    subjects = examples["subject"].to_pylist()
    rng = np.random.default_rng(work.seed)
    names = np.array(sorted(set(subjects)), dtype=object)
    chosen = set(names[rng.permutation(len(names))[: len(names) // 2]].tolist())
    inside = np.array([one in chosen for one in subjects])
    as_of = max(examples["known"].to_pylist())
    work.progress(0, 2, "Apprentissage sur la moitié des sujets")
    fitted = work.case.train(
        tables, examples.filter(pa.array(inside)), as_of=as_of, seed=work.seed, progress=work.progress
    )
    work.progress(1, 2, "Attaque")
    scores = work.case.predict(examples, tables, fitted.card, lambda name: fitted.artefacts[name])
    labels = [float(label) for label in examples["label"].to_pylist()]
    losses = [_loss(score, label) for score, label in zip(scores, labels, strict=True)]
    return measure_losses(losses, inside.tolist(), subjects, seed=work.seed)


def _loss(score: float, label: float) -> float:
    sure = min(max(float(score), _EDGE), 1 - _EDGE)
    return -math.log(sure if label >= 0.5 else 1 - sure)


def measure_losses(
    losses: Sequence[float], inside: Sequence[bool], subjects: Sequence[str], *, seed: int
) -> Attack:
    """Measure an attack that takes the smallest losses for those of members.

    Parameters
    ----------
    losses, inside, subjects
        Of each example: its loss, whether it was learnt from, and of whom it is.
    seed
        Of the bootstrap, which draws subjects: their examples come together.
    """
    import numpy as np

    from eclaireur.core.evaluation.intervals import bootstrap_weights

    values, learnt = np.asarray(losses, dtype=np.float64), np.asarray(inside, dtype=bool)
    _, clusters = np.unique(np.asarray(subjects, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(values, kind="stable")
    values, learnt = values[order], learnt[order]
    weights = bootstrap_weights(len(values), seed=seed, clusters=clusters)[:, order]
    drawn = np.array([_figures(values, learnt, one.astype(np.float64)) for one in weights])
    auc, found = _figures(values, learnt, np.ones(len(values)))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return Attack(
        auc=auc,
        auc_low=float(low[0]),
        auc_high=float(high[0]),
        found=found,
        found_low=float(low[1]),
        found_high=float(high[1]),
        members=int(learnt.sum()),
        others=int((~learnt).sum()),
    )


def _figures(
    values: NDArray[np.float64], learnt: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the AUC, ties counted by half, and the share found at 1 % of false alarms.

    ``values`` are in ascending order; a weight says how many times its example counts.
    """
    import numpy as np

    inside, outside = np.where(learnt, weights, 0.0), np.where(learnt, 0.0, weights)
    if not inside.sum() or not outside.sum():
        return 0.5, 0.0
    first = np.searchsorted(values, values, side="left")
    last = np.searchsorted(values, values, side="right")
    before = np.concatenate([[0.0], np.cumsum(outside)])
    under, upto, whole = before[first], before[last], before[-1]
    above = whole - upto + 0.5 * (upto - under)
    auc = float((inside * above).sum() / (inside.sum() * whole))
    # Losses up to which no more than one other in a hundred is named.
    named = upto <= _FALSE_ALARMS * whole
    return auc, float(inside[named].sum() / inside.sum())
