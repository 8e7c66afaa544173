"""Real firms around Metz and the real table of jobs by activity; hirings are made up by `law`.

The column ``hiring`` of these firms is noise (its mean does not grow with the workforce): it is never read.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.hiring_firms import law
from eclaireur.cases.hiring_firms.sample import FIRST, HALF_YEARS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["tables"]

_SEED = 20211


def tables(raw: Path) -> dict[str, pa.Table]:
    """Read the files of the source into the documented format; all of them have no date of creation."""
    import pyarrow as pa

    folder = raw / "hiring_firms"
    names = {row["commune_id"]: row["commune_name"].title() for row in _read(folder / _CITIES, "|")}
    # "99": the workforce is not known.
    rows = [
        {
            "subject": row["siret"],
            "name": (row["enseigne"] or row["raisonsociale"]).title(),
            "naf": row["codenaf"],
            "band": row["trancheeffectif"] if row["trancheeffectif"] in law.BANDS else None,
            "commune": row["codecommune"],
            "commune_name": names.get(row["codecommune"], row["codecommune"]),
            "area": row["departement"],
            "latitude": _degrees(row["coordinates_y"]),
            "longitude": _degrees(row["coordinates_x"]),
        }
        for row in _read(folder / _FIRMS, ",")
    ]
    drawn = law.draw(
        [row["naf"] for row in rows],
        [row["band"] for row in rows],
        [row["commune"] for row in rows],
        half_years=HALF_YEARS,
        seed=_SEED,
    )
    starts = [start for start, _ in law.half_years(FIRST, HALF_YEARS)]
    establishments = pa.Table.from_pylist(rows)
    subjects = establishments["subject"].combine_chunks()
    indices = pa.array(range(len(rows))).to_numpy().repeat(HALF_YEARS)
    jobs = [
        {
            "rome": row["rome_id"],
            "job": row["rome_label"],
            "naf": row["naf_id"],
            "hirings": float(row["hirings"]),
        }
        for row in _read(folder / _JOBS, ",")
    ]
    near = {(row["code_rome"], row["code_rome_cible"]) for row in _read(raw / "rome" / _NEAR, ",")}
    return {
        "establishments": establishments.append_column("opened", pa.nulls(len(rows), pa.date32())),
        "hirings": pa.table(
            {
                "subject": subjects.take(pa.array(indices)),
                "start": pa.array(starts * len(rows), pa.date32()),
                "count": drawn.counts.ravel(),
            }
        ),
        "jobs": pa.Table.from_pylist(jobs),
        "near_jobs": pa.Table.from_pylist(
            [{"rome": rome, "near": other} for rome, other in sorted(near) if rome != other]
        ),
    }


_FIRMS = "etablissements_metz_dev.csv.gz"
_JOBS = "rome_naf_mapping_2021.csv.gz"
_CITIES = "city_codes.csv.gz"
_NEAR = "unix_rubrique_mobilite_v347_utf8.csv.gz"


def _read(path: Path, separator: str) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream, delimiter=separator)


def _degrees(text: str) -> float | None:
    """Return a coordinate; zero stands for none in these files."""
    value = float(text or 0)
    return value or None
