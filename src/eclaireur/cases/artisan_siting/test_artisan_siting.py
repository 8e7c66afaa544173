"""Where to settle: survival, catchments, zones, sheets, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from eclaireur.bricks.space.huff import catchment
from eclaireur.cases.artisan_siting import (
    case,
    measuring,
    model as modelling,
    places,
    reports,
    sample,
    siting,
)
from eclaireur.cases.artisan_siting.ground import DECAY, NEAREST, REACH, Ground
from eclaireur.core.case import quiet
from eclaireur.core.errors import BadValueError, EmptyTableError, InputError
from eclaireur.core.types import ModelCard
from eclaireur.core.view import Facts, Form, Map, Table


@dataclass(frozen=True)
class Ready:
    records: dict[str, pa.Table]
    ground: Ground
    day: date
    card: ModelCard
    files: dict[str, bytes]

    @property
    def model(self) -> modelling.Model:
        return modelling.load(self.files.__getitem__)

    def report(self, name: str, about: str, table: pa.Table | None = None) -> tuple[object, ...]:
        return reports.made(name, self.ground, self.model, self.day, about=about, table=table)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    raw = tmp_path_factory.mktemp("raw")
    sample.write(raw, seed=20211)
    records = dict(case.records("sample", raw, outcomes=None, progress=quiet))
    day = case.data_date(records) + timedelta(days=1)
    fitted = case.train(records, case.examples(records), as_of=day, seed=1, progress=quiet)
    return Ready(records, Ground.of(records), day, fitted.card, dict(fitted.artefacts))


def test_later_openings_are_ranked_better_than_by_the_rate_of_their_trade(ready: Ready) -> None:
    survival, counts = measuring.evaluate(
        "sample", ready.ground, case.examples(ready.records), ready.day, seed=1
    )
    found = {metric.name: metric for metric in (*survival.metrics, *counts.metrics)}
    assert found["auc"].low is not None
    assert found["auc"].low > 0.55
    for name in ("average_precision", "precision_at_k", "recall_at_k"):
        metric = found[name]
        assert metric.value is not None
        assert metric.baseline_value is not None
        assert metric.value > metric.baseline_value
    assert found["deviance"].baseline == measuring.POPULATION


def test_a_shop_that_closed_is_an_example_only_when_its_three_years_are_over(ready: Ready) -> None:
    rows = case.examples(ready.records).to_pylist()
    assert all((row["known"] - row["as_of"]).days in range(1092, 1097) for row in rows)
    assert max(row["known"] for row in rows) < ready.day
    young = [row for row in ready.records["shops"].to_pylist() if (ready.day - row["observed"]).days < 1000]
    assert not {row["shop"] for row in young} & {row["example"] for row in rows}


def test_what_one_more_shop_draws_is_what_huff_gives_it(ready: Ready) -> None:
    ground = ready.ground
    stock = ground.stock("garage", ready.day).open
    at = 17
    standing = np.flatnonzero(stock > 0)
    sites = np.vstack([ground.at[standing], ground.at[at : at + 1]])
    slow = catchment(
        ground.at,
        ground.people,
        sites,
        np.append(stock[standing], 1.0),
        decay=DECAY,
        reach=REACH,
        nearest=NEAREST,
    )
    assert ground.drawn(stock)[at] == pytest.approx(slow.drawn[-1], rel=1e-3)


def test_the_study_counts_the_zone_and_each_site_serves_more(ready: Ready) -> None:
    ground = ready.ground
    stock = ground.stock("boulangerie", ready.day).open
    chosen = np.flatnonzero(np.hypot(*(ground.at - ground.at[0]).T) < 15_000).tolist()
    study = siting.study(ground, chosen, siting.Plan(trade="boulangerie", more=3), ready.day)
    assert study.actual == stock[chosen].sum()
    assert study.low <= study.mean <= study.high
    assert len(study.sites) == 3
    assert {site.at for site in study.sites} <= set(chosen)
    need = ground.people.sum() / stock.sum()
    gains = [site.serves for site in study.sites]
    assert all(-1e-6 <= gain <= need + 1e-6 for gain in gains)
    assert 0 <= study.unserved <= study.people
    assert len({variant.title for variant in study.variants}) == len(study.variants) >= 8


def test_what_lies_far_from_a_zone_changes_nothing_in_it(ready: Ready) -> None:
    ground = ready.ground
    part, kept = ground.near_to([0], 45_000)
    assert 10 < len(kept) < len(ground.people)
    plan = siting.Plan(trade="garage", more=1, need=1900.0)
    whole, alone = siting.study(ground, [0], plan, ready.day), siting.study(part, [0], plan, ready.day)
    assert kept[0] == 0
    assert whole.drawn == pytest.approx(alone.drawn)
    assert whole.sites == alone.sites
    assert [one.sites for one in whole.variants] == [one.sites for one in alone.variants]


def test_the_sheet_of_a_commune_and_that_of_a_drawn_zone_agree(ready: Ready, tmp_path: Path) -> None:
    by_name = ready.report("zone", "metier=boulangerie commune=Bellerive rayon=0,1 nouveaux=1")
    row = ready.ground.communes.slice(0, 1).to_pylist()[0]
    x, y = row["longitude"], row["latitude"]
    ring = [[x - 0.001, y - 0.001], [x + 0.001, y - 0.001], [x + 0.001, y + 0.001], [x - 0.001, y + 0.001]]
    path = tmp_path / "zone.geojson"
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": polygon}))
    drawn = ready.report("zone", "metier=boulangerie nouveaux=1", case.read_report_input(path))
    written = ", ".join(f"{a} {b}" for a, b in [*ring, ring[0]])
    wkt = ready.report("zone", f"metier=boulangerie nouveaux=1 POLYGON(({written}))")
    assert isinstance(by_name[0], Facts)
    assert isinstance(drawn[0], Facts)
    assert by_name[0].pairs == drawn[0].pairs
    assert wkt == drawn
    zone = json.dumps({"type": "MultiPolygon", "coordinates": [polygon["coordinates"]]})
    asked = {"metier": "boulangerie", "nouveaux": 1, "zone": zone, "commune": None}
    assert (
        reports.made("zone", ready.ground, ready.model, ready.day, about="", table=None, settings=asked)
        == drawn
    )
    assert [type(block) for block in drawn] == [Facts, Table, Table, Table, Map]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("metier=fleuriste commune=Bellerive", "boulangerie"),
        ("metier=garage commune=Belrive", "Bellerive"),
        ("metier=garage", "commune ou une zone"),
        ("metier=garage commune=Bellerive nouveaux=0", "nouveaux"),
        ("metier=garage commune=Bellerive rayon=0 nouveaux=9", "9 commerces"),
        ("metier=garage commune=Bellerive portee=loin", "portee=loin"),
        ("ville=Bellerive", "critère inconnu"),
        ("metier=garage POLYGON((2 48, 2.1 48, 2.1 48.1, 2 48))", "aucune commune"),
        ("metier=garage POLYGON((46.2 0.4, 46.3 0.4, 46.3 0.5, 46.2 0.4))", "longitude d'abord"),
        ("metier=garage POLYGON((600000 6500000, 600001 6500000, 600001 6500001, 600000 6500000))", "degrés"),
    ],
)
def test_what_cannot_be_studied_is_said_with_the_way_out(ready: Ready, about: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        ready.report("zone", about)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "content",
    ['{"type": "Polygon"}', "{", '{"type": "FeatureCollection", "features": []}', "POINT(1 2)", ""],
)
def test_a_damaged_or_empty_zone_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dessin.json"
    path.write_text(content)
    with pytest.raises(BadValueError, match=r"dessin\.json"):
        places.read_zone(path)


def test_a_hole_is_outside() -> None:
    rings = places.rings_of("POLYGON((0 45, 3 45, 3 48, 0 48, 0 45),(1 46, 2 46, 2 47, 1 47, 1 46))")
    assert places.inside(rings, [0.5, 1.5, 4.0], [45.5, 46.5, 46.0]).tolist() == [True, False, False]


def test_without_a_question_the_form_is_shown_and_gaps_are_listed(ready: Ready) -> None:
    (form,) = ready.report("zone", "")
    assert isinstance(form, Form)
    (table,) = ready.report("gaps", "metier=coiffure")
    assert isinstance(table, Table)
    assert len(table.rows) == 30


def test_a_file_may_name_the_trade_and_an_unknown_commune_or_trade_is_refused(ready: Ready) -> None:
    def scored(subject: str, trade: str | None) -> pa.Table:
        table = pa.table({"subject": [subject], "date": [ready.day], "trade": pa.array([trade], pa.string())})
        return case.score(table, ready.records, ready.card, ready.files.__getitem__, progress=quiet)

    best = max(scored("00002", trade)["score"][0].as_py() for trade in sample.TRADES)
    assert scored("00002", None)["score"][0].as_py() == best
    with pytest.raises(BadValueError, match="n'est pas dans les données"):
        scored("75056", None)
    with pytest.raises(BadValueError, match="boulangerie"):
        scored("00002", "fleuriste")


def test_wrong_tables_are_named(ready: Ready, tmp_path: Path) -> None:
    tables = sample.tables(seed=1, communes=20)
    shops = tables["shops"].filter(pc.is_valid(tables["shops"]["closed"])).slice(0, 1)
    turned = pa.table({**{n: shops[n] for n in ("shop", "trade", "commune")}, "opened": shops["closed"]})
    pq.write_table(turned.append_column("closed", shops["opened"]), tmp_path / "shops.parquet")
    pq.write_table(tables["communes"], tmp_path / "communes.parquet")
    with pytest.raises(BadValueError, match="ferme avant d'ouvrir"):
        case.records("connected", tmp_path, outcomes=None, progress=quiet)
    few = case.examples(ready.records).slice(0, 20)
    with pytest.raises(EmptyTableError, match="trop peu pour conclure"):
        case.train(ready.records, few, as_of=ready.day, seed=1, progress=quiet)
