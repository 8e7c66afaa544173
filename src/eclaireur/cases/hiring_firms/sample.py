"""Four made-up territories, their firms and jobs, in the documented format; hirings follow `law`."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.hiring_firms import law
from eclaireur.core.subjects import luhn_valid

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FIRST", "HALF_YEARS", "tables", "write"]

FIRST, HALF_YEARS = 2021, 9
"""The first year and the number of half-years: the last ends on 30/06/2025."""

_FIRMS = 800
_TERRITORIES = {
    "Plaine": (49.2, 3.1, ("Grandchamp", "Belleval", "Moulin-Neuf")),
    "Littoral": (46.6, -1.7, ("Port-Clair", "Les Dunes", "Salins-le-Bourg")),
    "Montagne": (45.3, 6.1, ("Haute-Combe", "Pierrelaye-les-Cols")),
    "Vallée": (47.4, 0.9, ("Rive-Douce", "Les Îlots", "Confluent")),
}
_ACTIVITIES = {
    "1071C": "Fournil",
    "4120A": "Bâtisseurs",
    "4321A": "Électricité",
    "4520A": "Garage",
    "4711F": "Hypermarché",
    "4941A": "Transports",
    "5510Z": "Hôtel",
    "5610A": "Restaurant",
    "8121Z": "Propreté",
    "8710A": "Résidence",
    "8891A": "Crèche",
    "2562B": "Mécanique",
}
_BANDS = ("00", "01", "02", "03", "11", "12", "21", "22", "31", "32", "41")
_SHARES = (18, 26, 18, 12, 10, 8, 4, 2, 1, 0.7, 0.3)
_JOBS = {
    "D1102": ("Boulangerie et viennoiserie", {"1071C": 60, "4711F": 15}),
    "D1106": ("Vente alimentaire", {"1071C": 35, "4711F": 45}),
    "D1505": ("Caisse de magasin", {"4711F": 80}),
    "G1602": ("Cuisine", {"5610A": 55, "5510Z": 25, "8710A": 12}),
    "G1603": ("Restauration, tous postes", {"5610A": 60, "5510Z": 20, "4711F": 6}),
    "G1703": ("Réception d'hôtel", {"5510Z": 40}),
    "F1703": ("Maçonnerie", {"4120A": 60}),
    "F1602": ("Électricité du bâtiment", {"4321A": 70, "4120A": 5}),
    "I1604": ("Mécanique automobile", {"4520A": 65, "4941A": 8}),
    "H2903": ("Usinage de pièces", {"2562B": 55}),
    "N4101": ("Conduite de poids lourds", {"4941A": 70, "4120A": 8}),
    "K2204": ("Nettoyage de locaux", {"8121Z": 85, "8710A": 15, "5510Z": 18}),
    "J1501": ("Soins quotidiens aux patients", {"8710A": 55}),
    "K1303": ("Accueil de jeunes enfants", {"8891A": 70}),
}
_NEAR = (
    ("D1102", "D1106"),
    ("D1106", "D1505"),
    ("D1505", "D1106"),
    ("G1602", "G1603"),
    ("G1603", "G1602"),
    ("F1703", "F1602"),
    ("I1604", "H2903"),
    ("J1501", "K1303"),
    ("K1303", "J1501"),
)


def write(into: Path, *, seed: int) -> None:
    """Write one Parquet file a table of the documented format."""
    import pyarrow.parquet as pq

    for name, table in tables(seed=seed).items():
        pq.write_table(table, into / f"{name}.parquet", compression="zstd")


def tables(*, seed: int, firms: int = _FIRMS, half_years: int = HALF_YEARS) -> dict[str, pa.Table]:
    """Return the tables of the sample; two requests are among them, a correction and a withdrawal."""
    import pyarrow as pa

    draw = random.Random(seed)  # noqa: S311 - made-up data
    rows = [_firm(number, draw) for number in range(firms)]
    drawn = law.draw(
        [row["naf"] for row in rows],
        [row["band"] for row in rows],
        [row["area"] for row in rows],
        half_years=half_years,
        seed=seed,
    )
    spans = law.half_years(FIRST, half_years)
    hirings = [
        {"subject": row["subject"], "start": start, "count": int(count)}
        for row, counts in zip(rows, drawn.counts, strict=True)
        for (start, end), count in zip(spans, counts, strict=True)
        if row["opened"] <= start
    ]
    jobs = [
        {"rome": rome, "job": job, "naf": naf, "hirings": float(count)}
        for rome, (job, shares) in _JOBS.items()
        for naf, count in shares.items()
    ]
    requests: list[dict[str, Any]] = [
        {"subject": _siret(3), "request": "correct", "field": "name", "value": "Nom corrigé"},
        {"subject": _siret(5), "request": "withdraw", "field": None, "value": None},
    ]
    return {
        "establishments": pa.Table.from_pylist(
            rows, schema=pa.schema([(name, pa.type_for_alias(kind)) for name, kind in _COLUMNS.items()])
        ),
        "hirings": pa.Table.from_pylist(hirings),
        "jobs": pa.Table.from_pylist(jobs),
        "near_jobs": pa.table(
            {"rome": [first for first, _ in _NEAR], "near": [second for _, second in _NEAR]}
        ),
        "requests": pa.Table.from_pylist([{**one, "received": date(2025, 5, 12)} for one in requests]),
    }


_COLUMNS = {
    "subject": "string",
    "name": "string",
    "naf": "string",
    "band": "string",
    "commune": "string",
    "commune_name": "string",
    "area": "string",
    "latitude": "double",
    "longitude": "double",
    "opened": "date32",
}


def _firm(number: int, draw: random.Random) -> dict[str, Any]:
    area = draw.choice(sorted(_TERRITORIES))
    latitude, longitude, towns = _TERRITORIES[area]
    at = draw.randrange(len(towns))
    where = draw.choice(("du Pont", "des Tilleuls", "Martel", "du Parc"))
    naf = draw.choice(sorted(_ACTIVITIES))
    begun = date(1990, 1, 1) + timedelta(days=draw.randrange(11_000))
    opened = date(FIRST, 1, 1) + timedelta(days=draw.randrange(1400)) if draw.random() < 0.15 else begun
    return {
        "subject": _siret(number),
        "name": f"{_ACTIVITIES[naf]} {where} {number}",
        "naf": naf,
        "band": draw.choices(_BANDS, _SHARES)[0],
        "commune": f"00{sorted(_TERRITORIES).index(area) * 10 + at:03d}",
        "commune_name": towns[at],
        "area": area,
        "latitude": round(latitude + 0.12 * at + draw.gauss(0, 0.02), 5),
        "longitude": round(longitude + 0.1 * at + draw.gauss(0, 0.03), 5),
        "opened": opened,
    }


def _siret(number: int) -> str:
    """Return a made-up SIRET: nine zeros of a SIREN that is none, a number, and its check figure."""
    stem = f"000000{number:07d}"
    return next(stem + str(check) for check in range(10) if luhn_valid(stem + str(check)))
