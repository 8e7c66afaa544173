"""Measures effects of drugs in cases' own histories, and finds pairs reported more than expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects import judging, measuring, model as modelling, reading, reports
from eclaireur.cases.drug_effects.scoring import (
    SHOWN as SCORED_SHOWN,
    TITLES as SCORED_TITLES,
    score,
    scored_blocks,
)
from eclaireur.cases.drug_effects.sheet import sheet
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import signals_schema

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock, ModelCard
    from eclaireur.core.view import Block

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
    "REPORT_READS",
    "SCORED_SHOWN",
    "SCORED_TITLES",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "predict",
    "read_candidates",
    "records",
    "report",
    "score",
    "scored_blocks",
    "sheet",
    "signals",
    "train",
]

NAME = "drug_effects"
_LABEL = "risque au moins doublé"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.drug_effects import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``histories`` (`reading.histories_schema`) and ``reports`` (`reading.reports_schema`)."""
    progress(0, 1, "Lecture des historiques et des déclarations")
    return reading.read(raw)


def read_candidates(path: Path) -> pa.Table | None:
    """Read a file of histories to score, the rows that cannot be read with what is wrong in them."""
    from eclaireur.cases.drug_effects.candidates import candidates

    return candidates(path)


def identify(text: str) -> Subject:
    """Return the pair that a user names: ``produit × événement``.

    Raises
    ------
    BadValueError
        If the text is no pair.
    """
    plain = text.strip().removeprefix("document:")
    if " × " not in plain:
        raise BadValueError(
            f"couple inconnu : « {text} ».", fix="Donnez « produit × événement », comme dans la liste."
        )
    return Subject("document", plain)


def examples(records: Records) -> pa.Table:
    """Return pairs of the first half of reports with what the second says; else events (see `model`)."""
    return modelling.examples(records)


def data_date(records: Records) -> date:
    """Return the last day of which the records speak."""
    import pyarrow.compute as pc

    days = [pc.max(table["known"]).as_py() for table in records.values() if table.num_rows]
    if not days:
        raise BadValueError("la source n'a ni historique ni déclaration.", fix="Vérifiez les fichiers.")
    latest: date = max(days)
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the prior of the ratios on the reports known before ``as_of``."""
    progress(0, 1, "Ajustement de la loi des rapports")
    return modelling.train(records, examples, case=NAME, as_of=as_of)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Judge every pair known before a date."""
    import pyarrow as pa

    progress(0, 2, "Séries de cas")
    judged = judging.judge_series(judging.before(records["histories"], as_of))
    progress(1, 2, "Déclarations")
    judged += judging.judge_reports(judging.before(records["reports"], as_of), modelling.load(artefact))
    if not records["reports"].num_rows:
        judging.analysed(judged, records["histories"].to_pylist())
    rows: dict[str, dict[str, Any]] = {}
    for one in judged:
        rows.setdefault(
            one.key,
            {
                "record": one.key,
                "subject": f"document:{one.key}",
                "name": one.key,
                "area": one.area,
                "label": _LABEL,
                "score": one.score,
                "calibrated": False,
                "as_of": as_of,
                "reasons": list(one.reasons),
            },
        )
    return pa.Table.from_pylist(list(rows.values()), schema=signals_schema())


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Score examples, each as known at its own date (see `model`)."""
    return modelling.predict(examples, records, modelling.load(artefact))


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_ASKS = reports.ASKS
"""What a report cannot do without (see `service.reporting`)."""

REPORT_READS = reports.READS
"""Input table of the card of a report's file (see `service.reporting`)."""


def report(
    name: str,
    records: Records,
    card: ModelCard,
    artefact: Artefact,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Block, ...]:
    """Return a report as view blocks (see `reports`)."""
    prior = modelling.load(artefact)
    return reports.made(
        name, records, prior, about=about, table=table, seed=seed, progress=progress, settings=settings
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Compare with published effects, or with later reports (see `measuring`)."""
    return measuring.evaluate(source, records, seed=seed, progress=progress)
