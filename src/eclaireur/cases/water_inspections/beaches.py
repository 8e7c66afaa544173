"""E. coli on Chicago's beaches in the season of 2015, with the model then in use, in the working tables.

What each column is, and when it is known:

- ``Reading`` is a culture: sampled in the morning, it takes 18 hours or more. It is known the next day, and
  so serves from the day after that.
- ``Prediction`` is the forecast of the model then in use for the same day, known that morning.
- the rapid tests of five beaches (DNA) are sampled and read the same morning: known about noon. A list that
  uses them is a list of noon.
- on Saturdays and Sundays nine readings in ten are exactly 0, where one in twenty is on other days: a zero of
  the week-end is no sample. It stays in what is measured, and teaches nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.water_inspections.documented import (
    measured,
    mornings_schema,
    stations_schema,
    subjects,
)
from eclaireur.cases.water_inspections.programmes import PROGRAMMES
from eclaireur.core.case import Progress, quiet

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["records"]

_DAYS = """
SELECT Beach, CAST(strptime(Date, '%m/%d/%Y') AS DATE) AS day, TRY_CAST(Reading AS DOUBLE) AS value,
       TRY_CAST(Prediction AS DOUBLE) AS forecast,
       NOT (TRY_CAST(Reading AS DOUBLE) = 0 AND isodow(strptime(Date, '%m/%d/%Y')) >= 6) AS sampled
FROM read_csv(?, all_varchar = true, header = true) ORDER BY 1, 2
"""

_TESTS = """
UNPIVOT (SELECT * REPLACE (CAST(strptime(Date, '%m/%d/%Y') AS DATE) AS Date)
         FROM read_csv(?, all_varchar = true, header = true))
ON COLUMNS (* EXCLUDE Date) INTO NAME place VALUE rapid
"""

_PLACES = """
SELECT Old AS code, New AS name, TRY_CAST(Latitude AS DOUBLE) AS latitude,
       TRY_CAST(Longitude AS DOUBLE) AS longitude,
       CASE North WHEN '1' THEN 'Plages du nord' WHEN '0' THEN 'Plages du centre et du sud' END AS area
FROM read_csv(?, all_varchar = true, header = true)
"""

_FILES = {
    "days": "chicago_clear_water_daily_summaries_drekb.csv",
    "tests": "chicago_clear_water_DNA_2015.csv",
    "places": "chicago_clear_water_cleanbeachnames.csv",
}


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read the three published files of a folder."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    for done, (name, sql) in enumerate((("days", _DAYS), ("tests", _TESTS), ("places", _PLACES))):
        progress(done, len(_FILES), f"Lecture de {_FILES[name]}")
        connection.register(name, connection.execute(sql, [str(raw / _FILES[name])]).to_arrow_table())
    beaches = connection.execute(
        "SELECT DISTINCT Beach AS code, coalesce(p.name, replace(Beach, '-', ' ')) AS name, area, latitude,"
        " longitude FROM days LEFT JOIN places p ON p.code = Beach ORDER BY 1"
    ).to_arrow_table()
    days = connection.execute("SELECT * FROM days ORDER BY 1, 2").to_arrow_table()
    mornings = connection.execute(
        "SELECT Beach AS code, day, forecast, TRY_CAST(rapid AS DOUBLE) AS rapid FROM days"
        " LEFT JOIN tests t ON t.Date = day AND Beach = replace(t.place, ' ', '-') || '-Beach' ORDER BY 1, 2"
    ).to_arrow_table()
    progress(len(_FILES), len(_FILES), "Fichiers lus")
    keys = subjects(beaches["code"])
    size = beaches.num_rows
    columns = {
        "subject": keys,
        "name": beaches["name"],
        "area": beaches["area"],
        "river": pa.array(["Lac Michigan"] * size),
        "commune": pa.array(["Chicago"] * size),
        "latitude": beaches["latitude"],
        "longitude": beaches["longitude"],
    }
    morning = [subjects(mornings["code"]), *(mornings[name] for name in ("day", "forecast", "rapid"))]
    return {
        "measures": measured(
            PROGRAMMES["ecoli"],
            {"subject": subjects(days["Beach"]), "observed": days["day"], "value": days["value"]},
            sampled=days["sampled"],
        ),
        "stations": pa.table({name: columns[name] for name in stations_schema().names}).cast(
            stations_schema()
        ),
        "mornings": pa.table(morning, names=mornings_schema().names).cast(mornings_schema()),
    }
