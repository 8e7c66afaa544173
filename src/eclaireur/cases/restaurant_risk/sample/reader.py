"""Read the sample's plain files through the case's own documented format into the working tables.

The card (``case.toml``) says which headings mean which fields and what each field holds: nothing of it is
repeated here, and a user's export with the same headings means the same.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk import documented, schemas
from eclaireur.cases.restaurant_risk.sample.generator import REASONS, RESULTS
from eclaireur.core.case import Progress, quiet
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.fields import InputTable
from eclaireur.sources import mapping
from eclaireur.sources.reading import Reading
from eclaireur.sources.tables import read_or_refuse

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLES", "records"]

TABLES: dict[str, str] = {
    "establishments": "etablissements.csv",
    "inspections": "controles.csv",
    "complaints": "signalements.csv",
    "weather": "meteo.csv",
    "reviews": "avis.csv",
}
"""Table of the documented format → file."""

_ANY_DAY = date.max
"""A stored sample is read as it is: only a user's new file must not speak of the future."""


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read the five files of a folder that `generator.write` filled.

    Parameters
    ----------
    raw
        Folder with the five files.
    progress
        Told once per file.

    Returns
    -------
    tables
        The five working tables. A visit that follows a bad result (« Suite d'un contrôle ») is in the history
        but out of scope: law decides it, not a rank.

    Raises
    ------
    InputError
        If a file is absent or unreadable, lacks a heading, or holds a value of the wrong type.
    """
    card = find_card("restaurant_risk")
    tables: dict[str, pa.Table] = {}
    readings: dict[str, Reading] = {}
    for done, (name, file) in enumerate(TABLES.items()):
        progress(done, len(TABLES), f"Lecture de « {file} »")
        tables[name], readings[name] = _read(raw / file, card.input_table(name))
    progress(len(TABLES), len(TABLES), "Échantillon lu")
    written = readings["inspections"].table
    if written is None:
        raise EmptyTableError("aucun contrôle dans l'échantillon.", file=TABLES["inspections"])
    return _working(tables, written)


def _read(path: Path, declared: InputTable) -> tuple[pa.Table, Reading]:
    """Read one file into the documented format, and keep what was written."""
    reading = read_or_refuse(path)
    found = mapping.propose(declared, reading)
    return mapping.apply(found, declared, reading, today=_ANY_DAY), reading


def _working(tables: dict[str, pa.Table], written: pa.Table) -> dict[str, pa.Table]:
    """Turn typed tables into the working tables, and keep what a choice field loses."""
    import pyarrow as pa
    import pyarrow.compute as pc

    working = documented.normalise(tables)
    kept = {
        "result": written["Résultat"],
        "failed": pc.equal(written["Résultat"], RESULTS[3]).cast(pa.float64()),
        "in_scope": pc.not_equal(written["Motif du contrôle"], REASONS[2]),
    }
    for name, column in kept.items():
        place = working["inspections"].schema.get_field_index(name)
        working["inspections"] = working["inspections"].set_column(place, name, column)
    shapes = {
        "establishments": schemas.establishments_schema(),
        "inspections": documented.inspections_schema(),
        "complaints": schemas.complaints_schema(),
        "weather": schemas.weather_schema(),
        "reviews": schemas.reviews_schema(),
    }
    return {name: working[name].select(schema.names).cast(schema) for name, schema in shapes.items()}
