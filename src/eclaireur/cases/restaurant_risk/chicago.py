"""The City of Chicago's inspections of 2011-2014, in the case's working tables.

Published with the city's own model (food-inspections-evaluation, MIT-style licence). Units become
metric. The label is a critical violation found; the observer is the inspector's group, a colour.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.case import Progress, quiet

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["FLAGS", "HEAT", "records"]

HEAT = ("heat_burglary", "heat_garbage", "heat_sanitation")
"""Kernel densities of recent calls around the establishment, published per inspection."""

FLAGS = (
    "consumption_on_premises_incidental_activity",
    "tobacco_retail_over_counter",
    "package_goods",
    "limited_business_license",
    "outdoor_patio",
    "public_place_of_amusement",
    "childrens_services_facility_license",
    "tavern",
    "regulated_business_license",
    "filling_station",
    "caterers_liquor_license",
    "mobile_food_license",
)
"""Business licences held at the inspection."""

_FILES = {
    "features": "food_inspections_features.csv.gz",
    "model": "model_table_with_city_score.csv.gz",
    "inspectors": "inspector_assignments.csv.gz",
    "complaints": "sanitation_complaints_311.csv.gz",
    "weather": "weather_daily.csv.gz",
    **{name: f"{name}.csv.gz" for name in HEAT},
}

_TIDY = """
CREATE TABLE visit AS
SELECT DISTINCT ON (Inspection_ID) split_part(Inspection_ID, '.', 1) AS inspection,
       'establishment:' || split_part(License, '.', 1) AS subject,
       CAST(Inspection_Date AS DATE) AS observed,
       CAST(CAST(criticalCount AS DOUBLE) > 0 AS DOUBLE) AS label,
       CAST(fail_flag AS DOUBLE) AS failed,
       CAST(criticalCount AS DOUBLE) AS critical,
       CAST(seriousCount AS DOUBLE) AS serious,
       CAST(minorCount AS DOUBLE) AS minor,
       Inspection_Type AS kind, Results AS result,
       DBA_Name AS name, Facility_Type AS activity, Risk AS risk_class, trim(Address) AS address,
       split_part(Zip, '.', 1) AS postal_code, 'Chicago' AS commune,
       CAST(Latitude AS DOUBLE) AS latitude, CAST(Longitude AS DOUBLE) AS longitude
FROM features ORDER BY Inspection_ID;
CREATE TABLE listed AS
SELECT DISTINCT ON (Inspection_ID) * REPLACE (split_part(Inspection_ID, '.', 1) AS Inspection_ID)
FROM model ORDER BY Inspection_ID, criticalFound;
CREATE TABLE watcher AS
SELECT split_part(inspectionID, '.', 1) AS inspection, min(sanitarian) AS observer
FROM inspectors GROUP BY 1;
"""

_INSPECTIONS = """
SELECT v.inspection, v.subject, v.observed, v.observed + 1 AS known, v.label, v.failed, v.critical,
       v.serious, v.minor, v.kind, v.result, w.observer,
       l.Inspection_ID IS NOT NULL AS in_scope
FROM visit v LEFT JOIN watcher w USING (inspection) LEFT JOIN listed l ON l.Inspection_ID = v.inspection
ORDER BY v.observed, v.inspection
"""

_ESTABLISHMENTS = """
SELECT v.subject, arg_max(name, key) AS name, arg_max(activity, key) AS activity,
       arg_max(risk_class, key) AS risk_class, arg_max(address, key) AS address,
       arg_max(postal_code, key) AS postal_code, arg_max(commune, key) AS commune,
       arg_max(postal_code, key) AS area,
       arg_max(latitude, key) AS latitude, arg_max(longitude, key) AS longitude,
       min(o.opened) AS opened
FROM (SELECT *, (observed, inspection) AS key FROM visit) v
LEFT JOIN (SELECT Inspection_ID,
                  CAST(Inspection_Date AS DATE) - CAST(round(365.25 * CAST(ageAtInspection AS DOUBLE)) AS INT)
                      AS opened
           FROM listed) o ON o.Inspection_ID = v.inspection
GROUP BY v.subject ORDER BY v.subject
"""

_COMPLAINTS = """
SELECT DISTINCT ON (Service_Request_Number) Service_Request_Number AS complaint,
       CAST(Creation_Date AS DATE) AS observed, CAST(Creation_Date AS DATE) + 1 AS known,
       CAST(Latitude AS DOUBLE) AS latitude, CAST(Longitude AS DOUBLE) AS longitude,
       What_is_the_Nature_of_this_Code_Violation AS kind
FROM complaints WHERE Creation_Date >= '2010-06-01' AND Latitude <> ''
ORDER BY Service_Request_Number
"""

_WEATHER = """
SELECT CAST(date AS DATE) AS observed,
       (CAST(temperatureMax AS DOUBLE) - 32) * 5 / 9 AS temperature_max,
       CAST(precipIntensity AS DOUBLE) * 25.4 * 24 AS precipitation,
       CAST(windSpeed AS DOUBLE) * 0.44704 AS wind, CAST(humidity AS DOUBLE) AS humidity
FROM weather ORDER BY 1
"""


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read the published files.

    Returns
    -------
    dict
        The working tables, plus ``contexts`` (heat and licences measured at an inspection) and
        ``published_scores`` (the city's own model, in-sample on these rows: shown, never an input).
    """
    import duckdb

    connection = duckdb.connect()
    for done, (name, file) in enumerate(_FILES.items()):
        progress(done, len(_FILES), f"Lecture de {file}")
        # Every column is text: a number read as a number loses what was written.
        connection.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv(?, all_varchar = true, header = true)",
            [str(raw / file)],
        )
    connection.execute(_TIDY)
    tables = {
        "inspections": _INSPECTIONS,
        "establishments": _ESTABLISHMENTS,
        "complaints": _COMPLAINTS,
        "weather": _WEATHER,
        "contexts": _contexts(),
        "published_scores": (
            "SELECT Inspection_ID AS inspection, CAST(score AS DOUBLE) AS score FROM listed ORDER BY 1"
        ),
    }
    progress(len(_FILES), len(_FILES), "Fichiers lus")
    return {name: _table(connection, sql) for name, sql in tables.items()}


def _table(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    return connection.execute(sql).to_arrow_table()


def _contexts() -> str:
    """One row per inspection: what was measured around it; the subject where it is known."""
    heat = ", ".join(f"max({name}.v) AS {name}" for name in HEAT)
    joins = "".join(
        f" LEFT JOIN (SELECT split_part(Inspection_ID, '.', 1) AS inspection,"
        f" max(CAST(heat_values AS DOUBLE)) AS v FROM {name} GROUP BY 1) {name} USING (inspection)"
        for name in HEAT
    )
    flags = ", ".join(f"max(CAST(l.{name} AS DOUBLE)) AS {name}" for name in FLAGS)
    return f"""
        SELECT a.inspection, any_value(v.subject) AS subject, any_value(v.observed) AS observed,
               {heat}, {flags}
        FROM (SELECT DISTINCT split_part(Inspection_ID, '.', 1) AS inspection FROM heat_garbage) a
        LEFT JOIN visit v USING (inspection) LEFT JOIN listed l ON l.Inspection_ID = a.inspection{joins}
        GROUP BY a.inspection ORDER BY a.inspection"""
