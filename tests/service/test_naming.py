"""What documents name, from a file or a folder, with a user's table of places."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclaireur.core.errors import MissingColumnError
from eclaireur.core.view import Table
from eclaireur.service.naming import named, named_json, places_of, show_named


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    path = tmp_path / "communes.csv"
    path.write_text("Code INSEE;Nom de la commune\n57463;Metz\n01004;Ambérieu-en-Bugey\n", encoding="utf-8")
    return path


def test_a_table_of_places_keeps_its_codes_as_text(towns: Path) -> None:
    found = places_of(towns).found("À Ambérieu en Bugey.")
    assert [(one.name, one.code) for one in found] == [("Ambérieu-en-Bugey", "01004")]


def test_a_table_without_names_is_refused_in_french(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(MissingColumnError, match="noms de lieux"):
        places_of(path)


def test_a_folder_says_what_each_document_names(towns: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lettres"
    folder.mkdir()
    (folder / "a.txt").write_text("Inspection du 3 mai 2021 à Metz.", encoding="utf-8")
    (folder / "b.txt").write_text("Rien.", encoding="utf-8")
    found = named(folder, places=places_of(towns))
    first, second = named_json(found)
    assert [(one["kind"], one["value"], one["text"]) for one in first["entities"]] == [
        ("date", "2021-05-03", "3 mai 2021"),
        ("place", "57463 Metz", "Metz"),
    ]
    assert second == {"document": "b.txt", "entities": []}
    (table,) = show_named(found)
    assert isinstance(table, Table)
    assert table.rows[1]["extract"] == "Inspection du 3 mai 2021 à « Metz »."
