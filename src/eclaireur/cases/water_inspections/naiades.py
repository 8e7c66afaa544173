"""Nitrates in the rivers of Côte-d'Or, 2000-2022, as Naïades gives them, in the case's working tables.

One row of the file is one analysis. Naïades does not say when a result was first known: `programmes` supposes
a month. Analyses in a unit that is not that of nitrates are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.water_inspections.documented import measured, stations_schema, subjects
from eclaireur.cases.water_inspections.programmes import PROGRAMMES
from eclaireur.core.case import Progress, quiet

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["records"]

_MEASURES = """
SELECT code_station, CAST(date_prelevement AS DATE) AS observed, TRY_CAST(resultat AS DOUBLE) AS value
FROM read_csv(?, all_varchar = true, header = true)
WHERE symbole_unite IN ('mg(NO3)/L', 'mg/L') AND TRY_CAST(resultat AS DOUBLE) IS NOT NULL
ORDER BY 1, 2
"""

_STATIONS = """
SELECT DISTINCT ON (code_station) code_station, trim(libelle_station) AS name,
       nom_sous_bassin AS area,
       coalesce(nom_cours_eau, nom_masse_deau) AS river, libelle_commune AS commune,
       TRY_CAST(latitude AS DOUBLE) AS latitude, TRY_CAST(longitude AS DOUBLE) AS longitude
FROM read_csv(?, all_varchar = true, header = true)
ORDER BY code_station, date_maj_information DESC
"""


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read the two published files of a folder."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    progress(0, 2, "Lecture des mesures")
    found = connection.execute(_MEASURES, [str(raw / "naiades_nitrates_21.csv.gz")]).to_arrow_table()
    measures = measured(
        PROGRAMMES["nitrates"],
        {
            "subject": subjects(found["code_station"]),
            "observed": found["observed"],
            "value": found["value"],
        },
    )
    progress(1, 2, "Lecture des stations")
    places = connection.execute(_STATIONS, [str(raw / "naiades_station_21.csv.gz")]).to_arrow_table()
    schema = stations_schema()
    named = pa.table(
        [subjects(places["code_station"]), *(places[name] for name in schema.names[1:])], names=schema.names
    )
    progress(2, 2, "Fichiers lus")
    return {"measures": measures, "stations": _placed(named.cast(schema))}


def _placed(stations: pa.Table) -> pa.Table:
    """Give a station without a sub-basin that of the nearest station which has one."""
    import numpy as np
    import pyarrow as pa

    areas = stations["area"].to_pylist()
    latitude, longitude = (stations[name].to_numpy() for name in ("latitude", "longitude"))
    east = longitude * np.cos(np.radians(np.nanmean(latitude)))
    known = np.array([area is not None for area in areas]) & ~np.isnan(latitude)
    if not known.any():
        return stations
    held = np.flatnonzero(known)
    for index, area in enumerate(areas):
        if area is None and not np.isnan(latitude[index]):
            distance = (latitude[held] - latitude[index]) ** 2 + (east[held] - east[index]) ** 2
            areas[index] = areas[held[int(distance.argmin())]]
    return stations.set_column(stations.schema.get_field_index("area"), "area", pa.array(areas, pa.string()))
