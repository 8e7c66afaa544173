"""Calibrates ensemble forecasts of rain and temperature, and says the chance of exceeding a threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing import measuring, model as modelling, reading, reports
from eclaireur.cases.weather_postprocessing.csv_files import read_ensemble
from eclaireur.cases.weather_postprocessing.documented import event_words, identify
from eclaireur.cases.weather_postprocessing.panel import variables
from eclaireur.cases.weather_postprocessing.scoring import TITLES as SCORED_TITLES, read_candidates, score
from eclaireur.cases.weather_postprocessing.sheet import sheet
from eclaireur.cases.weather_postprocessing.wording import reasons_of
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import EmptyTableError
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
    "SCORED_TITLES",
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

NAME = "weather_postprocessing"
_TABLES = (".csv", ".csv.gz", ".txt")


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.weather_postprocessing import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``forecasts``, ``observations`` and ``rejected`` (see `documented`)."""
    progress(0, 1, "Lecture des prévisions")
    return reading.read(raw)


def examples(records: Records) -> pa.Table:
    """Return one example per forecast that was verified, labelled by whether the event happened."""
    return modelling.examples(records)


def data_date(records: Records) -> date:
    """Return the last day on which a forecast was made."""
    import pyarrow.compute as pc

    latest: date | None = pc.max(records["forecasts"]["known"]).as_py()
    if latest is None:
        raise EmptyTableError("la source n'a aucune prévision.", fix="Vérifiez les fichiers.")
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the models on what was known before ``as_of``."""
    return modelling.train(records, examples, case=NAME, as_of=as_of, progress=progress)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """State the chance of the event for the last forecast of each station before a date."""
    import pyarrow as pa

    model = modelling.load(card, artefact)
    rows: dict[str, dict[str, Any]] = {}
    names = variables(records)
    for done, variable in enumerate(names):
        progress(done, len(names), "Calage des prévisions")
        stated = modelling.state(model, records, variable)
        if stated is None:
            continue
        panel = stated.panel
        for row in modelling.latest(panel, as_of).tolist():
            subject = panel.stations[panel.station[row]]
            latitude, longitude, _ = panel.place[panel.station[row]].tolist()
            chance = float(stated.chance[row])
            if subject in rows and rows[subject]["score"] >= chance:
                continue
            rows[subject] = {
                "record": panel.keys[row],
                "subject": subject,
                "name": subject.partition(":")[2],
                "area": "",
                "label": event_words(variable, stated.threshold),
                "score": chance,
                "calibrated": True,
                "as_of": as_of,
                "latitude": None if math.isnan(latitude) else latitude,
                "longitude": None if math.isnan(longitude) else longitude,
                "reasons": reasons_of(stated, row),
            }
    return pa.Table.from_pylist(list(rows.values()), schema=signals_schema())


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """State the chance of the event of each example, from the forecast that it verifies."""
    return modelling.predicted(examples, records, modelling.load(card, artefact))


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_ASKS = reports.ASKS
"""What a report cannot do without (see `service.reporting`)."""


def read_report_input(path: Path) -> Any:
    """Return the fields of a GRIB or NetCDF file with what was set aside, or an ensemble table; else None."""
    fields = reading.read_grid(path)
    return read_ensemble(path) if fields is None and path.name.lower().endswith(_TABLES) else fields


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
) -> tuple[Block, ...]:
    """Return a report as view blocks (see `reports`)."""
    model = modelling.load(card, artefact)
    as_of = data_date(records) + timedelta(days=1)
    return reports.made(
        name, records, model, about=about, table=table, as_of=as_of, seed=seed, progress=progress
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on held-out days (see `measuring`)."""
    return measuring.evaluate(source, records, seed=seed, progress=progress)
