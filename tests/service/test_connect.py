"""A newcomer's own files: proposed mapping, first list, and what goes wrong said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eclaireur.core.errors import (
    BadValueError,
    DuplicateKeyError,
    EmptyTableError,
    FileRefusedError,
    MissingColumnError,
    NotFoundError,
)
from eclaireur.core.workspace import Workspace
from eclaireur.service import connect, signals as making
from eclaireur.service.files import read_documented
from eclaireur.service.work import CONNECTED, Work, default_source
from eclaireur.sources.mapping import Mapping

HEADER = "SIRET;Date_inspection;Synthese_eval_sanit;Inspecteur"
GOOD = "83283779300021;13/06/2024;Très satisfaisant;A"


@pytest.fixture
def work(tmp_path: Path) -> Work:
    clock = lambda: datetime(2025, 1, 2, tzinfo=UTC)  # noqa: E731
    return Work.on(Workspace.open(tmp_path / "home", env={}, clock=clock), "restaurant_risk")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, name: str = "controles.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


Write = Callable[..., Path]


def history(days: int = 700) -> list[str]:
    """Inspections of sixty places over two years; the first five places are bad three times in four."""
    lines = [HEADER]
    start = date(2023, 1, 2)
    for index in range(days):
        place = (index * 7) % 60
        bad = place < 5 and (index // 60) % 4 != 0
        day = start + timedelta(days=index)
        result = "A améliorer" if bad else "Satisfaisant"
        lines.append(f"P{place:03d};{day:%d/%m/%Y};{result};{'AB'[index % 2]}")
    return lines


def test_a_csv_of_ones_own_becomes_a_ranked_list(work: Work, file: Write) -> None:
    path = file(*history(), encoding="cp1252")
    proposal = connect.propose(work, path)
    assert proposal.table.name == "inspections"
    assert proposal.mapping.columns["subject"] == "SIRET"
    saved = connect.save(work, proposal, path)
    assert saved.is_file()
    assert default_source(work) == CONNECTED
    connect.fetch(work)
    signals = making.make(work, CONNECTED)
    top = signals.table.slice(0, 5)["name"].to_pylist()
    assert {f"P{place:03d}" for place in range(5)} == set(top)


def test_a_corrected_mapping_is_used(work: Work, file: Write) -> None:
    path = file("Machin;Quand;Bilan", *(line.rpartition(";")[0] for line in history()[1:]))
    with pytest.raises(MissingColumnError, match="Machin, Quand, Bilan"):
        connect.propose(work, path, table="inspections")
    target = work.workspace.mapping_path("restaurant_risk", "inspections")
    target.parent.mkdir(parents=True)
    mapping = Mapping(table="inspections", columns={"subject": "Machin", "date": "Quand", "result": "Bilan"})
    target.write_text(f"file = '{path}'\n\n{mapping.to_toml()}", encoding="utf-8")
    assert connect.fetch(work).files[0].path == "inspections.parquet"


def test_a_file_that_changed_gives_another_snapshot_and_the_newest_is_used(work: Work, file: Write) -> None:
    path = file(*history(400))
    connect.save(work, connect.propose(work, path), path)
    first = connect.fetch(work)
    file(*history(700))
    second = connect.fetch(work)
    file(*history(400))
    third = connect.fetch(work)
    assert first.id != second.id
    assert third == first
    assert making.make(work, CONNECTED).records.snapshot == first


def test_a_missing_table_is_named_with_the_command_that_brings_it(work: Work) -> None:
    with pytest.raises(NotFoundError, match="--table inspections"):
        connect.fetch(work)


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        (
            ["SIRET;Date_inspection", "1;13/06/2024"],
            MissingColumnError,
            ["« Résultat »", "SIRET, Date_inspection"],
        ),
        ([HEADER, GOOD, GOOD], DuplicateKeyError, ["ligne 3", "déjà à la ligne 2"]),
        ([HEADER], EmptyTableError, ["aucune ligne"]),
        ([HEADER, GOOD.replace("2024", "2031")], BadValueError, ["ligne 2", "dans le futur"]),
        (
            [
                f"{HEADER};known",
                f"{GOOD};14/06/2024",
                f"{GOOD.replace('13/06', '20/06')};14/06/2024",
                f"{GOOD.replace('13/06', '21/06')};14/06/2024",
            ],
            BadValueError,
            [
                "ligne 3",
                "« Résultat connu le » (14/06/2024) précède « Date du contrôle » (20/06/2024)",
                "2 lignes sont dans ce cas",
            ],
        ),
        ([HEADER, GOOD, GOOD.replace("13/06/2024", "31/02/2024")], BadValueError, ["ligne 3", "31/02/2024"]),
        ([HEADER, GOOD.replace("Très satisfaisant", "Moyen")], BadValueError, ["« Moyen »", "Satisfaisant"]),
        ([HEADER, GOOD.replace("83283779300021", "")], BadValueError, ["ligne 2", "obligatoire"]),
        (["<html><body>Erreur 500</body></html>"], FileRefusedError, ["page web"]),
    ],
    ids=[
        "missing column",
        "duplicate key",
        "no row",
        "future",
        "known before it happened",
        "no such day",
        "label outside the list",
        "no identifier",
        "a web page",
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_and_nothing_is_saved(
    work: Work, file: Write, lines: list[str], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        connect.propose(work, file(*lines), table="inspections")
    message = str(caught.value)
    assert "controles.csv" in message
    assert [word for word in words if word not in message] == []
    assert work.workspace.mappings("restaurant_risk") == ()


def test_an_empty_file_is_refused(work: Work, tmp_path: Path) -> None:
    path = tmp_path / "vide.csv"
    path.touch()
    with pytest.raises(EmptyTableError, match="vide"):
        connect.propose(work, path, table="inspections")


def test_a_column_that_serves_no_purpose_stays_in_the_file(work: Work, file: Write) -> None:
    path = file("Jour;Température maximale;Pluie", "03/01/2024;7,5;12", name="meteo.csv")
    proposal = connect.propose(work, path, table="weather")
    assert proposal.mapping.columns == {"date": "Jour", "temperature_max": "Température maximale"}
    assert proposal.mapping.unused == ("Pluie",)
    forced = Mapping(table="weather", columns={**proposal.mapping.columns, "precipitation": "Pluie"})
    read = read_documented(work, "weather", path, mapping=forced)
    assert read.table["temperature_max"].to_pylist() == [7.5]
    assert read.table["precipitation"].to_pylist() == [None]
