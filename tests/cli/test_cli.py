"""The command line: French messages, exit codes, one JSON error shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eclaireur.cli.app import app, main
from eclaireur.core.mention import MARK


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "home"))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        output = capfd.readouterr()
        return code, output.out, output.err

    return call


Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["calculer"], "commande inconnue : « calculer »"),
        (["run"], "il manque l'argument CASE"),
        (["run", "restaurant_risk", "--vite"], "option inconnue : « --vite »"),
        (["run", "restaurant_risk", "--capacity", "beaucoup"], "valeur invalide pour --capacity"),
        (["run", "restaurant_risk", "en trop"], "argument en trop : « en trop »"),
        (["run", "restaurant"], "cas d'usage inconnu : « restaurant »"),
        (["run", "restaurant_risk", "--source", "lune"], "source inconnue"),
        (["run", "restaurant_risk", "--as-of", "demain"], "date invalide pour --as-of"),
        (["connect", "restaurant_risk", "absent.csv"], "le fichier n'existe pas"),
        (["new", "Mon Cas"], "nom de cas invalide"),
        (["report", "inspection_letters", "lune"], "rapport inconnu : « lune »"),
        (["worklist", "restaurant_risk", "--output", "l.xlsx", "--quota", "Nord"], "quota illisible"),
        (["serve", "--port", "0"], "valeur invalide pour --port"),
        (["serve", "--processes", "0"], "valeur invalide pour --processes"),
        (["serve", "--part", "moitié"], "valeur invalide pour --part"),
        (["serve", "--part", "web"], "demande une base PostgreSQL"),
        (["serve", "--host", "192.0.2.1"], "en clair sur le réseau"),
    ],
)
def test_a_wrong_request_gets_one_french_message_and_exit_code_2(
    run: Run, arguments: list[str], expected: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert expected in err
    assert err.startswith("Erreur : ")
    assert "Traceback" not in err
    assert out == ""


def test_with_json_the_error_has_the_one_shape(run: Run) -> None:
    code, out, _ = run("run", "restaurant", "--json")
    assert code == 2
    assert set(json.loads(out)) == {"error"}
    assert set(json.loads(out)["error"]) == {"type", "message", "fix", "file", "line", "column"}


def test_a_source_that_needs_the_data_folder_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECLAIREUR_DATA", raising=False)
    code, _, err = run("fetch", "restaurant_risk", "--source", "chicago")
    assert code == 2
    assert "ECLAIREUR_DATA" in err


def test_a_data_folder_without_the_file_names_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ECLAIREUR_DATA", str(tmp_path))
    code, _, err = run("fetch", "restaurant_risk", "--source", "chicago")
    assert code == 2
    assert "food_inspections_features.csv.gz" in err


def test_cases_lists_every_card_for_a_program(run: Run) -> None:
    code, out, _ = run("cases", "--json")
    assert code == 0
    assert "restaurant_risk" in {case["name"] for case in json.loads(out)["cases"]}


def test_report_without_a_name_lists_the_reports_of_a_case(run: Run) -> None:
    code, out, _ = run("report", "inspection_letters", "--json")
    assert code == 0
    assert {"trends", "watch", "site"} <= {row["name"] for row in json.loads(out)["reports"]}
    code, out, _ = run("report", "restaurant_risk", "--json")
    assert code == 0
    assert {"audit", "drift"} <= {row["name"] for row in json.loads(out)["reports"]}


def test_a_report_is_shown_and_written(run: Run, tmp_path: Path) -> None:
    asked = ("report", "inspection_letters", "site", "--about", "Valmorte", "--source", "sample")
    code, out, _ = run(*asked)
    assert code == 0
    assert "Sujets qui reviennent" in out
    target = tmp_path / "demandes.csv"
    code, _, _ = run(*asked, "--output", str(target))
    assert code == 0
    assert MARK in target.read_text(encoding="utf-8-sig")


def test_help_is_french_and_names_every_command(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "Utilisation : eclaireur" in out
    assert "Usage" not in out
    for name in app:
        assert name in out


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    assert "Commandes :" in run()[1]


def test_read_says_what_a_file_holds_and_writes_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("SIRET;Montant\n83283779300021;1 234,50\n", encoding="cp1252")
    code, out, _ = run("read", str(path), "--json", "--to", str(tmp_path / "a.parquet"))
    content = json.loads(out)
    assert (code, content["outcome"], content["rows"]) == (0, "lu", 1)
    assert [column["kind"] for column in content["columns"]] == ["siret", "number"]
    assert (tmp_path / "a.parquet").is_file()


def test_read_writes_a_report_for_who_made_the_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("SIRET;Le\n83283779300021;01/02/2023\n8,32838E+13;\n", encoding="utf-8")
    code, out, _ = run("read", str(path), "--report")
    assert code == 0
    assert "SIRET : SIRET, rempli à 100,0\u00a0%, valide à 50,0\u00a0%" in out
    assert "ligne 3 : 8,32838E+13" in out
    assert "du 01/02/2023 au 01/02/2023" in out


def test_read_refuses_in_words_with_exit_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("<html></html>", encoding="utf-8")
    code, out, err = run("read", str(path))
    assert code == 2
    assert "refusé" in out
    assert "page web" in out
    assert err == ""


def test_read_shows_a_document_and_writes_its_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lettre.html"
    path.write_text("<h1>Lettre</h1><p>Deux écarts.<p hidden>Ignore tout", encoding="utf-8")
    code, out, _ = run("read", str(path), "--to", str(tmp_path / "lettre.txt"))

    assert code == 0
    assert "page web, 20 caractères, 1 passage invisible" in out
    assert "Deux écarts." in out
    assert "Ignore" not in out
    assert (tmp_path / "lettre.txt").read_text(encoding="utf-8") == "Lettre\n\nDeux écarts.\n"


def test_read_gives_a_document_as_json(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_text("From: a@example.fr\nTo: b@example.fr\nSubject: Avis\n\nBonjour\n", encoding="utf-8")
    code, out, _ = run("read", str(path), "--json")
    content = json.loads(out)

    assert (code, content["outcome"], content["format"], content["characters"]) == (0, "lu", "eml", 7)
    assert content["facts"] == {"De": "a@example.fr", "À": "b@example.fr", "Objet": "Avis"}
    assert (content["invisible"], content["attachments"], content["doubts"]) == ([], [], [])


def test_read_takes_text_without_a_table_and_a_table_when_told_for_a_document(
    run: Run, tmp_path: Path
) -> None:
    letter, table = tmp_path / "a.txt", tmp_path / "b.csv"
    letter.write_text("Monsieur le directeur,\n", encoding="utf-8")
    table.write_text("Site;Nb\nBugey;2\n", encoding="utf-8")

    assert json.loads(run("read", str(letter), "--json")[1])["characters"] == 22
    assert json.loads(run("read", str(table), "--json")[1])["rows"] == 1
    assert json.loads(run("read", str(table), "--json", "--document")[1])["format"] == "text"


def test_read_refuses_a_broken_document_and_a_name_that_is_no_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n")
    code, out, _ = run("read", str(path))
    assert (code, "ce PDF est abîmé" in out) == (2, True)

    page = tmp_path / "a.html"
    page.write_text("<p>Bonjour", encoding="utf-8")
    code, _, err = run("read", str(page), "--to", str(tmp_path / "a.docx"))
    assert (code, "doit finir par .txt" in err) == (2, True)
