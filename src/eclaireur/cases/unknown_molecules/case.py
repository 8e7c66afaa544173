"""Identifies molecules in environmental samples from their tandem mass spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import measuring, model as modelling, reading, reports
from eclaireur.cases.unknown_molecules.scoring import reasons_of, score
from eclaireur.cases.unknown_molecules.sheet import sheet
from eclaireur.cases.unknown_molecules.telling import tell
from eclaireur.cases.unknown_molecules.titles import SHOWN as SCORED_SHOWN, TITLES as SCORED_TITLES
from eclaireur.cases.unknown_molecules.writing import candidates_mgf
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
    "SCORED_SHOWN",
    "SCORED_TITLES",
    "SCORE_FORMS",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "predict",
    "read_candidates",
    "read_report_input",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "unknown_molecules"
SCORE_FORMS = {".mgf": candidates_mgf}
"""Forms of a scored file that only this case has (`service.scoring`)."""
_LABEL = "molécule identifiée"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.unknown_molecules import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``spectra`` (the library) and ``samples`` (to be identified), both `spectra.spectra_schema`."""
    return reading.read(raw, progress)


def identify(text: str) -> Subject:
    """Return the spectrum that a user names.

    Raises
    ------
    BadValueError
        If the text is empty.
    """
    plain = text.strip().removeprefix("document:").strip()
    if not plain:
        raise BadValueError("spectre sans nom.", fix="Donnez son nom, comme dans la liste.")
    return Subject("document", plain)


def examples(records: Records) -> pa.Table:
    """Return one example a spectrum of the library: whether another laboratory measured its molecule."""
    return modelling.examples(records)


def data_date(records: Records) -> date:
    """Return the last day of which the records speak."""
    import pyarrow.compute as pc

    days = [pc.max(table["known"]).as_py() for table in records.values() if table.num_rows]
    if not days:
        raise BadValueError("la source n'a aucun spectre.", fix="Vérifiez les fichiers.")
    latest: date = max(days)
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Learn the probability of candidates on laboratories searched in one another."""
    return modelling.train(records, examples, case=NAME, as_of=as_of, seed=seed, progress=progress)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Identify every spectrum of the samples known before a date, in the library known before it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = modelling.before(records["samples"], as_of)
    asked = asked.filter(pc.is_null(asked["rejection"]))
    rows = modelling.before(records["spectra"], as_of)
    told = tell(asked, rows, modelling.bench({"spectra": rows}), modelling.load(artefact), progress=progress)
    made: dict[str, dict[str, Any]] = {}
    for row, one in zip(asked.select(["spectrum", "observed"]).to_pylist(), told, strict=True):
        name = row["spectrum"][:190]
        made.setdefault(
            name,
            {
                "record": name,
                "subject": f"document:{name}",
                "name": one.candidates[0].name[:200] if one.candidates else "inconnue",
                "area": f"niveau {one.level}",
                "label": _LABEL,
                "score": one.candidates[0].chance if one.candidates else 0.0,
                "calibrated": True,
                "as_of": as_of,
                "reasons": [
                    reason | {"observed": row["observed"]} for reason in reasons_of(one, "prélèvement")
                ],
            },
        )
    return pa.Table.from_pylist(list(made.values()), schema=signals_schema())


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Score examples in the libraries of other laboratories."""
    return modelling.predict(examples, records, modelling.load(artefact))


def read_candidates(path: Path) -> pa.Table | None:
    """Read a file of spectra to score: MGF, MSP, MassBank, mzML, mzXML, Parquet; None for a plain table."""
    return reading.candidates(path)


def read_report_input(path: Path) -> pa.Table | None:
    """Read what a report asks for when it is a file of spectra; None for a plain table."""
    return reading.spectra_file(path)


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_ASKS = reports.ASKS
"""What a report cannot do without (see `service.reporting`)."""


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
    model = modelling.load(artefact)
    return reports.made(
        name, records, model, about=about, table=table, seed=seed, progress=progress, settings=settings
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Identify each laboratory's spectra in the libraries of the others (see `measuring`)."""
    return measuring.evaluate(source, records, seed=seed, progress=progress)
