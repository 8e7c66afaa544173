"""Sources of pollution: known profiles that name them or not, and where and when they count."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cases.unknown_molecules import concentrations, known_profiles, profiles, source_reports
from eclaireur.core.errors import BadValueError, MissingColumnError
from eclaireur.core.figures import lay_out
from eclaireur.core.view import Chart, Map, Table

SPECIES = tuple("ABCDEFGH")
TRUE = np.array(
    [
        [0.5, 0.3, 0.1, 0.05, 0.03, 0.02, 0, 0],
        [0, 0, 0.05, 0.05, 0.5, 0.3, 0.1, 0],
        [0.05, 0, 0, 0.35, 0, 0, 0.2, 0.4],
    ]
)
SITES = {"Nord": (48.9, 2.3), "Sud": (43.6, 3.9)}


def made_up() -> pa.Table:
    """Return concentrations of two sites; the first source counts in the south only."""
    draw = np.random.default_rng(0)
    strength = draw.lognormal(1, 0.7, (60, 3))
    south = np.arange(60) % 2 == 1
    strength[:, 0] *= np.where(south, 3.0, 0.05)
    values = strength @ TRUE
    unsure = 0.05 * values + 0.02
    measured = np.maximum(values + draw.normal(0, unsure), 0)
    columns: dict[str, Any] = {
        "Date": [f"{date(2024, 1, 1) + timedelta(days=2 * (at // 2)):%d/%m/%Y}" for at in range(60)],
        "Site": ["Sud" if one else "Nord" for one in south],
        "Latitude": [str(SITES["Sud" if one else "Nord"][0]).replace(".", ",") for one in south],
        "Longitude": [SITES["Sud" if one else "Nord"][1] for one in south],
    }
    for at, name in enumerate(SPECIES):
        columns[name] = measured[:, at]
        columns[f"{name} ±"] = unsure[:, at]
    return pa.table(columns)


def known(rows: dict[str, list[float]]) -> pa.Table:
    return pa.table(
        {
            "profil": list(rows),
            **{name: [row[at] for row in rows.values()] for at, name in enumerate(SPECIES)},
        }
    )


def test_a_source_gets_the_name_of_a_known_profile_or_none() -> None:
    library = known({"trafic": list(100 * TRUE[0]), "autre": [0.1, 0.2, 0.5, 0.1, 0, 0.1, 0, 0]})
    twice = known({"trafic": list(100 * TRUE[0]), "trafic bis": list(90 * TRUE[0] + [0.02, -0.02, *[0] * 6])})
    measures = concentrations.read_measures(made_up())
    made = profiles.fit(measures.values, measures.unsure, 3, starts=3)
    bands = profiles.bootstrap(measures.values, measures.unsure, made, draws=12)
    order, _ = profiles.matched(TRUE, made.profiles)
    found = known_profiles.match(known_profiles.read_known(library)[0], measures.species, made, bands)
    traffic = found[int(order[0])]
    assert traffic.name == "trafic"
    assert traffic.cosine[1] <= traffic.cosine[0]
    assert traffic.cosine[1] > 0.95
    assert traffic.explained[0] > 0.85
    for place in (1, 2):
        other = found[int(order[place])]
        assert not other.name
        assert other.why.startswith("trop différent")
    unsure = known_profiles.match(known_profiles.read_known(twice)[0], measures.species, made, bands)
    assert unsure[int(order[0])].nearest.startswith("trafic")
    few = known_profiles.read_known(pa.table({"profil": ["x"], "A": [1.0], "Z": [2.0]}))[0]
    assert "1 espèce commune" in known_profiles.match(few, measures.species, made, bands)[0].why


def test_known_profiles_are_read_wide_or_long_and_wrong_lines_set_aside() -> None:
    long = pa.table(
        {
            "Profil": ["a", "a", "b", "b", "c"],
            "Espèce": ["Benzène", "2,3-Diméthylbutane", "benzene", "Z", "Z"],
            "Part": ["60", "40,5", "-3", "abc", "0"],
        }
    )
    found, refused = known_profiles.read_known(long)
    assert found.names == ("a",)
    assert "23dimethylbutane" in found.species
    assert [why.partition(" :")[0] for _, why in refused] == [
        "part négative", "part illisible", "profil sans valeur",
    ]  # fmt: skip
    with pytest.raises(MissingColumnError, match="noms"):
        known_profiles.read_known(pa.table({"x": [1.0]}))
    with pytest.raises(BadValueError, match="aucun profil"):
        known_profiles.read_known(pa.table({"profil": ["a"], "A": [None]}))


def test_contributions_are_drawn_where_and_when_they_are() -> None:
    settings = {"factors": 3, "library": known({"trafic": list(TRUE[0])})}
    blocks = source_reports.contributions(made_up(), about="", seed=0, settings=settings)
    table, curve = blocks[0], blocks[-1]
    assert isinstance(table, Table)
    traffic = {row["site"]: row for row in table.rows if "trafic" in row["source"]}
    assert traffic["Sud"]["mean"] > 10 * traffic["Nord"]["mean"]
    assert traffic["Sud"]["low"] <= traffic["Sud"]["mean"] <= traffic["Sud"]["high"]
    maps = [one for one in blocks if isinstance(one, Map)]
    assert len(maps) == 3
    (mine,) = [one for one in maps if "trafic" in one.title]
    assert mine.title.endswith("la plus forte à « Sud »")
    assert [(one.latitude, one.longitude) for one in mine.places] == [SITES["Nord"], SITES["Sud"]]
    assert isinstance(curve, Chart)
    assert len(curve.series[0].x) == 30
    assert lay_out(curve).parts
    months = next(one for one in blocks if isinstance(one, Table) and "mois" in one.title)
    assert {row["month"] for row in months.rows} == {"2024-01", "2024-02"}
    late = {"factors": 3, "since": date(2024, 2, 1), "until": None}
    some = source_reports.contributions(made_up(), about="", seed=0, settings=late)[0]
    assert isinstance(some, Table)
    assert {row["count"] for row in some.rows} == {14}
    with pytest.raises(BadValueError, match="période"):
        source_reports.contributions(
            made_up(), about="3", seed=0, settings={"since": date(2030, 1, 1), "until": None}
        )


def test_wrong_lines_of_concentrations_are_set_aside_with_their_reason() -> None:
    table = made_up().slice(0, 12)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    columns = {name: [str(one) for one in values] for name, values in columns.items()}
    columns["A"][0] = "12 mg"
    columns["A ±"][1] = "0"
    columns["Date"][2] = "2024/31/12"
    columns["Latitude"][3] = "4890000"
    columns["B"][4], columns["C ±"][5] = "", ""
    found = concentrations.read_measures(pa.table(columns))
    assert [line for line, _ in found.refused] == [2, 3, 4, 5]
    for (_, why), word in zip(found.refused, ("illisible", "nulle", "date", "degrés"), strict=True):
        assert word in why
    assert len(found.values) == 8
    assert np.isnan(found.values[0, 1])
    assert np.isnan(found.unsure[1, 2])
