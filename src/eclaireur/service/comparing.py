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

__all__ = ["MIN_ROWS", "measure", "outcomes"]

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
    examples = _held_out(work, records, start)
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
        said = _said(work, records, examples, champion, challenger)
        work.workspace.lake.write(folder, "outcomes", said)
        metrics = _metrics(work, said, champion)
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


def outcomes(work: Work, run: str) -> pa.Table:
    """Return the rows of a comparison: ``subject``, ``observer``, ``label``, ``champion``, ``challenger``.

    The last two are what each model says of the row.
    """
    kept = work.workspace.runs.read(work.card.name, "compare", run)
    return work.workspace.lake.table(work.workspace.runs.address(kept), "outcomes")


def _held_out(work: Work, records: RecordsRun, start: date) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    examples = work.case.examples(records.tables)
    return examples.filter(pc.greater_equal(examples["as_of"], pa.scalar(start, pa.date32())))


def _said(
    work: Work, records: RecordsRun, examples: pa.Table, champion: ModelCard, challenger: ModelCard
) -> pa.Table:
    import pyarrow as pa

    registry = work.workspace.registry

    def of(card: ModelCard) -> pa.Array:
        found = work.case.predict(examples, records.tables, card, lambda name: registry.artefact(card, name))
        return pa.array([float(value) for value in found], pa.float64())

    return pa.table(
        {
            "subject": examples["subject"],
            "observer": examples["observer"],
            "label": examples["label"].cast(pa.float64()),
            "champion": of(champion),
            "challenger": of(challenger),
        }
    )


def _metrics(work: Work, said: pa.Table, champion: ModelCard) -> tuple[Metric, ...]:
    return evaluation.comparison(
        said["label"].to_pylist(),
        said["challenger"].to_pylist(),
        said["champion"].to_pylist(),
        champion_name=f"modèle n° {champion.number}",
        observer=said["observer"].to_pylist(),
        subjects=said["subject"].to_pylist(),
        seed=work.seed,
    )
