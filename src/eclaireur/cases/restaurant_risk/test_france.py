"""The French exports: a made-up pair where every rule shows, then the arithmetic of the real pair."""

from __future__ import annotations

import gzip
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, strategies as st

from eclaireur.cases.restaurant_risk import france
from eclaireur.cases.restaurant_risk.alimconfiance import departement, level, paris_day, read_export
from eclaireur.core.errors import BadValueError, EmptyTableError, FileRefusedError, MissingColumnError

FIRST = (
    "filtre;APP_Libelle_activite_etablissement;APP_Libelle_etablissement;ods_adresse;Code_postal;Libelle_commune;"
    "Synthese_eval_sanit;geores;SIRET;Date_inspection;Numero_inspection;Agrement;ods_type_activite"
)
SECOND = (
    "APP_Libelle_etablissement;SIRET;Code_postal;Libelle_commune;Numero_inspection;Date_inspection;"
    "APP_Libelle_activite_etablissement;Synthese_eval_sanit;Agrement;geores;filtre;ods_adresse;ods_type_activite"
)
# Made-up numbers: no SIREN begins with 000. Each passes Luhn's check.
A, B, C = "00000001800010", "00000002600013", "00000003400017"


def row(headings: str, **values: str) -> str:
    known = {
        "SIRET": A,
        "Date_inspection": "2019-06-13T02:00:00+02:00",
        "APP_Libelle_activite_etablissement": "Restaurant",
        "APP_Libelle_etablissement": "LA TABLE D'ESSAI",
        "Synthese_eval_sanit": "Satisfaisant",
        "Code_postal": "20167",
        "Libelle_commune": "Alata",
        "geores": "41.97, 8.74",
        "ods_adresse": "1 rue des Essais",
        "filtre": "Restaurant",
        "ods_type_activite": "Autres",
    }
    return ";".join((known | values).get(heading, "") for heading in headings.split(";"))


def export(path: Path, headings: str, *rows: str) -> Path:
    text = "\n".join([headings, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8-sig")
    return path


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    # Names in the wrong order on purpose: the newest export is told by its dates.
    export(
        tmp_path / "z.csv",
        FIRST,
        row(FIRST, Date_inspection="2019-06-13T13:45:00+02:00"),
        row(FIRST, SIRET=B, Synthese_eval_sanit="A améliorer", Date_inspection="2019-06-14T02:00:00+02:00"),
        row(
            FIRST,
            SIRET=C,
            Date_inspection="2018-11-05T01:00:00+01:00",
            APP_Libelle_etablissement="ANCIEN NOM",
        ),
        row(FIRST, SIRET="A94314008001", Code_postal="000NR"),
        row(FIRST, SIRET=""),
        row(FIRST, Date_inspection="hier"),
        row(FIRST, Synthese_eval_sanit="Excellent"),
    )
    export(
        tmp_path / "a.csv.gz",
        SECOND,
        row(SECOND),
        row(SECOND, SIRET=B, Date_inspection="2019-09-02T02:00:00+02:00"),
        row(
            SECOND,
            SIRET=C,
            APP_Libelle_etablissement="NOUVEAU NOM",
            Date_inspection="2019-06-10T02:00:00+02:00",
        ),
        row(
            SECOND,
            SIRET=C,
            Date_inspection="2019-06-10T02:00:00+02:00",
            APP_Libelle_activite_etablissement="Boucherie-Charcuterie|Traiteur",
            Synthese_eval_sanit="A corriger de manière urgente",
        ),
        row(
            SECOND,
            SIRET=C,
            APP_Libelle_etablissement="NOUVEAU NOM",
            Date_inspection="2019-06-10T02:00:00+02:00",
            Synthese_eval_sanit="A améliorer",
        ),
    )
    return tmp_path


def visits(tables: dict[str, pa.Table]) -> dict[tuple[str, date], dict[str, Any]]:
    return {(line["subject"], line["observed"]): line for line in tables["inspections"].to_pylist()}


def test_a_visit_in_both_exports_is_one_inspection_whatever_its_hour(pair: Path) -> None:
    tables, report = france.join(pair)

    assert (f"siret:{A}", date(2019, 6, 13)) in visits(tables)
    assert tables["inspections"].num_rows == len(visits(tables))
    assert report.in_several_exports == 1


def test_every_row_read_is_merged_rejected_or_an_inspection(pair: Path) -> None:
    tables, report = france.join(pair)

    assert report.balanced
    assert (report.rows, report.merged, report.inspections) == (12, 3, 6)
    assert report.rejected == {"identifiant absent": 1, "date illisible": 1, "résultat inconnu": 1}
    assert tables["inspections"].num_rows == 6
    assert list(report.files) == ["z.csv", "a.csv.gz"]


def test_a_later_result_never_replaces_an_earlier_one(pair: Path) -> None:
    tables, report = france.join(pair)
    found = visits(tables)

    assert found[f"siret:{B}", date(2019, 6, 14)]["label"] == 1.0
    assert found[f"siret:{B}", date(2019, 9, 2)]["label"] == 0.0
    # The second export covers 14/06/2019 and has lost that bad result; the unnumbered place is lost too.
    assert (report.replaced, report.replaced_bad) == (2, 1)


def test_rows_that_disagree_keep_the_worst_result_of_a_restaurant(pair: Path) -> None:
    tables, report = france.join(pair)
    visit = visits(tables)[f"siret:{C}", date(2019, 6, 10)]

    assert (visit["label"], visit["failed"], visit["result"]) == (1.0, 0.0, "A améliorer")
    assert visit["in_scope"]
    assert (report.conflicts, report.label_conflicts) == (1, 1)


def test_without_a_restaurant_row_the_visit_is_out_of_scope(tmp_path: Path) -> None:
    export(
        tmp_path / "x.csv", SECOND, row(SECOND, APP_Libelle_activite_etablissement="Restauration collective")
    )

    tables, report = france.join(tmp_path)

    assert tables["inspections"]["in_scope"].to_pylist() == [False]
    assert report.out_of_scope == 1


def test_an_identifier_that_is_no_siret_is_kept_and_counted(pair: Path) -> None:
    tables, report = france.join(pair)

    assert ("establishment:A94314008001", date(2019, 6, 13)) in visits(tables)
    assert report.without_siret == 1
    assert report.without_area == 1


def test_a_result_is_known_after_the_publication_delay(pair: Path) -> None:
    for line in france.records(pair)["inspections"].to_pylist():
        assert line["known"] - line["observed"] == france.PUBLICATION_DELAY


def test_an_establishment_is_described_once_by_its_newest_rows(pair: Path) -> None:
    places = {line["subject"]: line for line in france.records(pair)["establishments"].to_pylist()}

    assert len(places) == 4
    assert places[f"siret:{C}"]["name"] == "NOUVEAU NOM"
    assert places[f"siret:{C}"]["activity"] == "Restaurant"
    assert places[f"siret:{A}"]["area"] == "2A"
    assert places[f"siret:{A}"]["latitude"] == pytest.approx(41.97)


@pytest.mark.parametrize("order", ["geores filtre ods_adresse", "filtre ods_adresse geores"])
def test_coordinates_and_address_are_found_under_shifted_headings(tmp_path: Path, order: str) -> None:
    true = ["ods_adresse", "geores", "filtre"]
    renamed = SECOND.split(";")
    for old, new in zip(true, order.split(), strict=True):
        renamed[SECOND.split(";").index(old)] = new
    rows = (row(SECOND, SIRET=siret, ods_adresse=f"{n} rue de l'Essai") for n, siret in enumerate([A, B, C]))

    table = read_export(export(tmp_path / "x.csv", ";".join(renamed), *rows))

    assert table["address"].to_pylist() == ["0 rue de l'Essai", "1 rue de l'Essai", "2 rue de l'Essai"]
    assert pc.struct_field(table["place"].combine_chunks(), "longitude").to_pylist() == [8.74] * 3


def test_the_report_is_in_plain_french(pair: Path) -> None:
    sentences = france.join(pair)[1].sentences()

    assert sentences[0] == "12 lignes lues : 7 dans « z.csv », 5 dans « a.csv.gz »."
    assert "1 ligne laissée de côté : date illisible." in sentences
    assert not any("!" in sentence for sentence in sentences)


def test_bad_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match="aucun export"):
        france.records(tmp_path)
    other = export(tmp_path / "x.csv", "a;b", "1;2")
    with pytest.raises(MissingColumnError, match=r"x\.csv : ce n'est pas un export .* « SIRET »"):
        france.records(tmp_path)
    export(other, FIRST)
    with pytest.raises(EmptyTableError, match="aucune ligne"):
        france.records(tmp_path)
    export(other, FIRST, row(FIRST, SIRET="8,32838E+13"))
    with pytest.raises(BadValueError, match="colonne « SIRET »"):
        france.records(tmp_path)
    other.write_bytes(b"\xff\xfe\x00" * 40)
    with pytest.raises((FileRefusedError, MissingColumnError)):
        france.records(tmp_path)


@given(st.dates(date(2000, 1, 2), date(2037, 12, 31)), st.integers(-12, 14))
def test_noon_in_paris_is_the_same_day_however_it_is_written(day: date, offset: int) -> None:
    # Noon, winter or summer, is 10:00 or 11:00 UTC: written with any offset it is one instant.
    hour = 11 + offset
    local, hour = day + timedelta(days=hour // 24), hour % 24

    assert paris_day(f"{local}T{hour:02d}:00:00{'+' if offset >= 0 else '-'}{abs(offset):02d}:00") == day


def test_the_night_of_a_time_change_keeps_its_day() -> None:
    assert paris_day("2019-03-31T00:30:00+01:00") == date(2019, 3, 31)
    assert paris_day("2019-03-30T22:59:00+00:00") == date(2019, 3, 30)
    assert paris_day("2019-03-31T22:30:00+00:00") == date(2019, 4, 1)
    assert paris_day("2019-10-26T22:30:00+00:00") == date(2019, 10, 27)
    assert paris_day("2019-10-27T22:30:00+00:00") == date(2019, 10, 27)
    assert paris_day("31/12/2019") is None


@pytest.mark.parametrize(
    ("code", "area"),
    [
        ("75011", "75"), ("01000", "01"), ("20000", "2A"), ("20303", "2A"), ("20240", "2B"), ("20620", "2B"),
        ("97110", "971"), ("97150", "978"), ("97133", "977"), ("97605", "976"), ("97500", "975"),
        ("98713", "987"), ("000NR", None), ("99999", None), ("", None), ("7501", None), ("96000", None),
    ],
)  # fmt: skip
def test_departement_of_a_postal_code(code: str, area: str | None) -> None:
    assert departement(code) == area


def test_results_are_read_with_or_without_accents() -> None:
    assert [level(text) for text in ("Très satisfaisant", "SATISFAISANT", "À améliorer ", "A corriger")] == [
        0,
        1,
        2,
        None,
    ]


@pytest.fixture(scope="module")
def real() -> tuple[dict[str, pa.Table], france.Join]:
    root = os.environ.get("ECLAIREUR_DATA")
    if not root:
        pytest.skip("ECLAIREUR_DATA n'est pas défini : les exports réels manquent.")
    return france.join(Path(root) / "food_safety_fr")


def test_the_real_exports_join_without_loss_or_duplicate(
    real: tuple[dict[str, pa.Table], france.Join],
) -> None:
    tables, report = real
    keys = tables["inspections"].select(["subject", "observed"])

    assert report.balanced
    assert report.rows == 15463 + 37118
    assert (
        keys.group_by(["subject", "observed"]).aggregate([]).num_rows == keys.num_rows == report.inspections
    )
    assert tables["establishments"].num_rows == report.subjects == len(keys["subject"].unique())
    # 15 301 subject × day pairs in the first, 33 672 in the second, less those in both.
    assert report.inspections == 15301 + 33672 - report.in_several_exports
    assert report.without_area < 0.001 * report.inspections


def test_the_real_exports_lose_bad_results_more_than_good(
    real: tuple[dict[str, pa.Table], france.Join],
) -> None:
    tables, report = real
    scoped = tables["inspections"].filter(tables["inspections"]["in_scope"])

    assert 0.06 < pc.mean(scoped["label"]).as_py() < 0.11
    assert report.replaced_bad / report.replaced > 0.5


def test_the_publication_delay_covers_what_the_first_export_could_show() -> None:
    """Of restaurant visits older than the delay on the first export's day, it shows nine in ten."""
    root = os.environ.get("ECLAIREUR_DATA")
    if not root:
        pytest.skip("ECLAIREUR_DATA n'est pas défini : les exports réels manquent.")
    first, second = (
        {
            (line["subject"], line["observed"])
            for line in read_export(Path(root) / "food_safety_fr" / name).to_pylist()
            if line["activity"] == "Restaurant"
        }
        for name in ("alimconfiance_restaurants_2018-2019.csv.gz", "alimconfiance_all_2019-2020.csv.gz")
    )
    # A rolling year that starts on 25/08/2018 was made on 25/08/2019.
    made = date(2019, 8, 25)
    old = [visit for visit in second if timedelta(80) <= made - visit[1] <= france.PUBLICATION_DELAY]
    young = [visit for visit in second if timedelta(0) <= made - visit[1] < timedelta(30)]

    assert sum(visit in first for visit in old) / len(old) > 0.9
    assert sum(visit in first for visit in young) / len(young) < 0.6
