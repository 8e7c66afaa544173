"""Champion and challenger on the same held-out rows, with a paired interval on each difference."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import evaluation
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import Metric, ModelCard, Run
from eclaireur.service.training import Comparison

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.work import RecordsRun, Work

__all__ = ["MIN_ROWS", "held_out", "measure", "predicted"]

MIN_ROWS = 50
"""Below this count of outcomes, or five of either class, a comparison would only be noise."""
_MIN_CLASS = 5


def measure(
    work: Work, records: RecordsRun, champion: ModelCard, challenger: ModelCard, *, start: date, run: Run
) -> Comparison:
    """Measure two models on the outcomes observed from ``start``, and keep the result in the lake.

    Raises
    ------
    EmptyTableError
        If there are too few outcomes, or they are nearly all alike.
    """
    examples = held_out(work, records, start)
    labels = [float(label) for label in examples["label"].to_pylist()]
    positives = int(sum(labels))
    if len(labels) < MIN_ROWS or min(positives, len(labels) - positives) < _MIN_CLASS:
        raise EmptyTableError(
            f"trop peu de résultats depuis le {start:%d/%m/%Y} pour comparer "
            f"({len(labels)}, dont {positives} défavorables).",
            fix=(
                "Importez les résultats des contrôles faits depuis : "
                f"./eclaireur outcomes import {work.card.name} FICHIER"
            ),
        )

    def write(folder: Path) -> None:
        metrics = _metrics(work, records, examples, champion, challenger)
        rows = [evaluation.metric_to_json(metric) for metric in metrics]
        (folder / "comparison.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")

    address = work.workspace.runs.do(run, write)
    text = (work.workspace.lake.folder(address) / "comparison.json").read_text(encoding="utf-8")
    return Comparison(
        champion=champion,
        challenger=challenger,
        window=(start, max(examples["as_of"].to_pylist())),
        n=len(labels),
        positives=positives,
        metrics=tuple(evaluation.metric_from_json(row) for row in json.loads(text)),
        run=run.id,
    )


def held_out(work: Work, records: RecordsRun, start: date) -> pa.Table:
    """Return the examples whose outcome was observed from ``start``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    examples = work.case.examples(records.tables)
    return examples.filter(pc.greater_equal(examples["as_of"], pa.scalar(start, pa.date32())))


def predicted(work: Work, records: RecordsRun, examples: pa.Table, card: ModelCard) -> list[float]:
    """Return what a kept model says of examples."""
    registry = work.workspace.registry
    found = work.case.predict(examples, records.tables, card, lambda name: registry.artefact(card, name))
    return [float(value) for value in found]


def _metrics(
    work: Work, records: RecordsRun, examples: pa.Table, champion: ModelCard, challenger: ModelCard
) -> tuple[Metric, ...]:
    return evaluation.comparison(
        [float(label) for label in examples["label"].to_pylist()],
        predicted(work, records, examples, challenger),
        predicted(work, records, examples, champion),
        champion_name=f"modèle n° {champion.number}",
        observer=examples["observer"].to_pylist(),
        subjects=examples["subject"].to_pylist(),
        seed=work.seed,
    )
