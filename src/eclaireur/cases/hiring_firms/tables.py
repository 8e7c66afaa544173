"""The working tables: firms, hirings by half-year, jobs by activity, near jobs; requests of firms applied.

A firm that asked to leave is in no table, whatever the date asked for: what the case never reads can never be
shown. Its identifier alone is kept, in ``withdrawn``, to refuse it by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.cases.hiring_firms.law import BANDS
from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject, normalise_siret

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["activity", "end_of", "identify", "normalise"]


def identify(text: str) -> Subject:
    """Return the firm that a user names: by its SIRET when it is one, else by the identifier given.

    >>> str(identify("832 837 793 00021"))
    'siret:83283779300021'
    """
    text = text.strip()
    if text.startswith(("siret:", "establishment:")):
        return Subject.parse(text)
    siret = normalise_siret(text)
    return Subject("siret", siret) if siret else Subject("establishment", text)


def activity(code: str | None) -> str:
    """Return a NAF code as the nomenclature writes it without its dot.

    >>> activity("47.11 f")
    '4711F'
    """
    return (code or "").replace(".", "").replace(" ", "").upper()


def end_of(start: date) -> date:
    """Return the last day of the half-year that begins on a day.

    Raises
    ------
    BadValueError
        If a half-year begins on no such day.
    """
    if (start.month, start.day) not in {(1, 1), (7, 1)}:
        raise BadValueError(
            f"un semestre commence le 1er janvier ou le 1er juillet, pas le {start:%d/%m/%Y}.",
            column="start",
            fix="Comptez les embauches par semestre civil.",
        )
    return date(start.year, 6, 30) if start.month == 1 else date(start.year, 12, 31)


def normalise(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Turn typed tables in the documented format into the working tables, requests applied.

    Returns
    -------
    dict
        ``establishments``, ``hirings`` (with ``observed`` and ``known``), ``jobs``, ``near_jobs`` and
        ``withdrawn``.

    Raises
    ------
    BadValueError
        An unknown workforce band, a half-year that is none, a negative count, or a correction without value.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = {str(identify(row["subject"])): row for row in tables["establishments"].to_pylist()}
    withdrawn = _requests(rows, tables.get("requests"))
    places = [_place(key, row) for key, row in rows.items() if key not in withdrawn]
    kept = pa.array([row["subject"] for row in places], pa.string())
    hirings = _hirings(tables["hirings"])
    jobs = tables["jobs"]
    code = [activity(one) for one in jobs["naf"].to_pylist()]
    near = tables.get("near_jobs")
    return {
        "establishments": pa.Table.from_pylist(places, schema=_places_schema()),
        "hirings": hirings.filter(pc.is_in(hirings["subject"], value_set=kept)),
        "jobs": jobs.set_column(jobs.schema.get_field_index("naf"), "naf", pa.array(code, pa.string())),
        "near_jobs": pa.table({"rome": pa.array([], pa.string()), "near": pa.array([], pa.string())})
        if near is None
        else near.select(["rome", "near"]),
        "withdrawn": pa.table({"subject": pa.array(sorted(withdrawn), pa.string())}),
    }


def _places_schema() -> pa.Schema:
    import pyarrow as pa

    texts = ("subject", "name", "naf", "division", "band", "commune", "commune_name", "area")
    return pa.schema(
        [(name, pa.string()) for name in texts]
        + [("latitude", pa.float64()), ("longitude", pa.float64()), ("opened", pa.date32())]
    )


def _place(key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    code = activity(row["naf"])
    band = (row["band"] or "").strip() or None
    if band is not None and band not in BANDS:
        raise BadValueError(
            f"tranche d'effectif inconnue : « {band} ».",
            column="band",
            fix=f"Codes de l'INSEE : {', '.join(BANDS)}, ou une cellule vide.",
        )
    area = row["area"] or (row["commune"][:3] if row["commune"][:2] == "97" else row["commune"][:2])
    return {
        **row,
        "subject": key,
        "name": row["name"] or key.partition(":")[2],
        "naf": code,
        "division": code[:2],
        "band": band,
        "area": area,
    }


def _hirings(table: pa.Table) -> pa.Table:
    """Give hirings their dates.

    A hiring is declared before it happens, so a half-year is known on its last day.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if table.num_rows and pc.min(table["count"]).as_py() < 0:
        raise BadValueError("un nombre d'embauches est négatif.", column="count", fix="Corrigez-le.")
    ends = {day: end_of(day) for day in table["start"].unique().to_pylist()}
    last = pa.array([ends[day] for day in table["start"].to_pylist()], pa.date32())
    names = {text: str(identify(text)) for text in table["subject"].unique().to_pylist()}
    return pa.table(
        {
            "subject": pa.array([names[text] for text in table["subject"].to_pylist()], pa.string()),
            "start": table["start"],
            "observed": last,
            "known": last,
            "count": table["count"].cast(pa.int64()),
        }
    )


def _requests(rows: dict[str, Any], requests: pa.Table | None) -> set[str]:
    """Apply corrections to rows in the order received, and return who asked to leave."""
    withdrawn: set[str] = set()
    if requests is None:
        return withdrawn
    for row in sorted(requests.to_pylist(), key=lambda one: one["received"]):
        key = str(identify(row["subject"]))
        if row["request"] == "withdraw":
            withdrawn.add(key)
        elif not row["field"] or not row["value"]:
            raise BadValueError(
                f"la correction demandée par « {row['subject']} » ne dit pas le champ ou la valeur.",
                column="value",
                fix="Complétez la ligne, ou retirez-la.",
            )
        elif key in rows:
            rows[key] = {**rows[key], row["field"]: row["value"]}
    return withdrawn
