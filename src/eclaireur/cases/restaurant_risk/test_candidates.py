"""Rows of a user's file to score."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from eclaireur.cases.restaurant_risk import candidates, documented, schemas
from eclaireur.cases.restaurant_risk.columns import CONTEXT, adjusted, matrix, rows_for
from eclaireur.cases.restaurant_risk.features import FEATURES
from eclaireur.core.catalog import find_card
from eclaireur.sources import convert
from eclaireur.sources.mapping import apply, propose
from eclaireur.sources.tables import read_table

DAY = date(2024, 6, 1)
NAMES = [feature.name for feature in FEATURES]


def asked(**values: Any) -> pa.Table:
    """One row in the documented format."""
    fields = find_card("restaurant_risk").input_table("candidates").fields
    row = {"subject": "A", "date": DAY, **values}
    return pa.table({one.name: pa.array([row.get(one.name)], convert.arrow_type(one.kind)) for one in fields})


@pytest.fixture
def records() -> dict[str, pa.Table]:
    place = {"subject": "establishment:A", "name": "Chez A", "activity": "Restaurant", "area": "Nord"}
    places = pa.Table.from_pylist([place], schema=schemas.establishments_schema())
    inspections = pa.Table.from_pylist([], schema=documented.inspections_schema())
    return {"establishments": places, "inspections": inspections}


def columns(records: dict[str, pa.Table], table: pa.Table) -> dict[str, float]:
    named, known = candidates.with_candidates(table, records)
    tables = adjusted(known)
    rows = rows_for(tables, named["subject"], named["date"], named["inspection"])
    return dict(zip(NAMES, matrix(rows, tables)[0].tolist(), strict=True))


def test_what_the_records_say_of_an_establishment_wins(records: dict[str, pa.Table]) -> None:
    _, known = candidates.with_candidates(asked(activity="Bar", area="Sud"), records)
    assert known["establishments"].to_pylist() == records["establishments"].to_pylist()


def test_a_new_establishment_is_what_the_file_says_of_it(records: dict[str, pa.Table]) -> None:
    table = asked(subject="B", activity="Grocery_Store", area="Sud", age_years=2.0)
    _, known = candidates.with_candidates(table, records)
    added = known["establishments"].to_pylist()[1]
    assert (added["subject"], added["activity"], added["area"]) == ("establishment:B", "Grocery Store", "Sud")
    assert columns(records, table)["age"] == pytest.approx(730, abs=1)


@pytest.mark.parametrize(
    ("values", "area", "place"),
    [
        ({"subject": "83283779300021", "postal_code": "13100", "place": "43.5, 5.4"}, "13", (43.5, 5.4)),
        ({"subject": "83283779300021", "postal_code": "20090"}, "2A", (None, None)),
        ({"subject": "B", "postal_code": "60657.0", "place": "(41.9, -87.6)"}, "60657", (41.9, -87.6)),
        ({"subject": "B", "area": "Sud", "postal_code": "60657", "place": "ici"}, "Sud", (None, None)),
        ({"subject": "B", "latitude": 1.0, "longitude": 2.0, "place": "3, 4"}, None, (1.0, 2.0)),
    ],
)
def test_area_and_place_of_a_new_establishment_are_read_as_its_source_writes_them(
    records: dict[str, pa.Table], values: dict[str, Any], area: str | None, place: tuple[float | None, ...]
) -> None:
    _, known = candidates.with_candidates(asked(**values), records)
    added = known["establishments"].to_pylist()[1]
    assert (added["area"], (added["latitude"], added["longitude"])) == (area, place)


def test_a_measure_of_the_file_is_used_for_its_own_row(records: dict[str, pa.Table]) -> None:
    found = columns(records, asked(heat_garbage=12.5, tavern=True))
    assert (found["heat_garbage"], found["tavern"]) == (12.5, 1.0)


def test_a_measure_of_the_file_completes_and_replaces_the_published_one(records: dict[str, pa.Table]) -> None:
    published = {"inspection": "12", "subject": "establishment:Z", "observed": DAY} | dict.fromkeys(
        CONTEXT, 1.0
    )
    fields = [("inspection", pa.string()), ("subject", pa.string()), ("observed", pa.date32())]
    schema = pa.schema([*fields, *((name, pa.float64()) for name in CONTEXT)])
    records["contexts"] = pa.Table.from_pylist([published], schema=schema)
    found = columns(records, asked(inspection="12.0", heat_garbage=9.0))
    assert (found["heat_garbage"], found["heat_burglary"]) == (9.0, 1.0)


def test_the_headings_of_the_published_files_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Inspection_ID,License,Inspection_Date,Facility_Type,ageAtInspection,tavern,heat_garbage\n"
        "269961.0,30790.0,2014-09-02,Grocery Store,6.9,1.0,12.5\n",
        encoding="utf-8",
    )
    declared = find_card("restaurant_risk").input_table("candidates")
    reading = read_table(path)
    row = apply(propose(declared, reading), declared, reading, today=DAY).to_pylist()[0]
    assert (row["subject"], row["date"], row["tavern"]) == ("30790.0", date(2014, 9, 2), True)
    assert (row["activity"], row["age_years"], row["heat_garbage"]) == ("Grocery Store", 6.9, 12.5)
