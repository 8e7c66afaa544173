"""Read the sample's plain files through the case's own documented format into the working tables.

The card (``case.toml``) says which headings mean which fields and what each field holds: nothing of it is
repeated here, and a user's export with the same headings means the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk import documented, schemas
from eclaireur.cases.restaurant_risk.sample.generator import COLUMNS, REASONS, RESULTS
from eclaireur.core.case import Progress, quiet
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError, FileRefusedError, MissingColumnError
from eclaireur.core.fields import Field, FieldKind, InputTable

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

_NUMBERS = {FieldKind.NUMBER, FieldKind.INTEGER, FieldKind.LATITUDE, FieldKind.LONGITUDE}


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
    FileRefusedError, MissingColumnError, BadValueError
        If a file is absent or unreadable, lacks a heading, or holds a value of the wrong type.
    """
    card = find_card("restaurant_risk")
    tables = {}
    for done, (name, file) in enumerate(TABLES.items()):
        progress(done, len(TABLES), f"Lecture de « {file} »")
        tables[name] = _read(raw / file, card.input_table(name))
    progress(len(TABLES), len(TABLES), "Échantillon lu")
    return _working(tables)


def _read(path: Path, declared: InputTable) -> pa.Table:
    """Read one file into typed columns named as the documented fields."""
    import pyarrow as pa
    from pyarrow import csv

    headings = COLUMNS[path.name]
    meaning = {name: field for field in declared.fields for name in (field.title, *field.synonyms)}
    chosen = {heading: meaning[heading] for heading in headings if heading in meaning}
    try:
        table = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=";", newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types={heading: _type(field) for heading, field in chosen.items()},
                include_columns=list(chosen),
                decimal_point=",",
                timestamp_parsers=["%d/%m/%Y"],
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except FileNotFoundError as error:
        raise FileRefusedError(
            "ce fichier de l'échantillon manque.",
            file=path.name,
            fix="Relancez la récupération de la source.",
        ) from error
    except KeyError as error:
        raise MissingColumnError(
            f"l'intitulé {error} manque.", file=path.name, fix="Relancez la récupération de la source."
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise BadValueError(
            f"le fichier ne peut pas être lu : {error}.",
            file=path.name,
            fix="Attendu : point-virgule, jj/mm/aaaa, virgule décimale.",
        ) from error
    named = table.rename_columns([field.name for field in chosen.values()])
    for position, column in enumerate(named.schema):
        if pa.types.is_timestamp(column.type):
            named = named.set_column(position, column.name, named.column(position).cast(pa.date32()))
    return named


def _type(field: Field) -> pa.DataType:
    import pyarrow as pa

    if field.kind is FieldKind.DATE:
        return pa.timestamp("s")
    return pa.float64() if field.kind in _NUMBERS else pa.string()


def _working(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Turn typed tables into the working tables, and keep what a choice field would lose."""
    import pyarrow as pa
    import pyarrow.compute as pc

    result, kind = tables["inspections"]["result"], tables["inspections"]["kind"]
    level = pc.index_in(result, value_set=pa.array(RESULTS))
    if level.null_count:
        line = pc.index(pc.is_null(level), True).as_py()
        raise BadValueError(
            f"résultat inconnu : « {result[line]} » ; attendu : {', '.join(RESULTS)}.",
            file=TABLES["inspections"],
            line=line + 2,
            column="Résultat",
        )
    position = tables["inspections"].schema.get_field_index("result")
    label = pc.cast(pc.greater_equal(level, 2), pa.int8()).cast(pa.string())
    working = documented.normalise(
        tables | {"inspections": tables["inspections"].set_column(position, "result", label)}
    )
    kept = {
        "result": result,
        "failed": pc.equal(level, 3).cast(pa.float64()),
        "in_scope": pc.not_equal(kind, REASONS[2]),
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
