"""Indexes of a workspace: kept in the lake, mended by themselves, one writer, clear messages."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from eclaireur.bricks.semantic.index import Document, Search
from eclaireur.cases.similar_decisions import case, sample
from eclaireur.cli.app import main
from eclaireur.core.case import quiet
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import EclaireurError, FileRefusedError, WorkFailedError
from eclaireur.core.workspace import Workspace
from eclaireur.service import corpora, judging, searching
from tests.embeddings_server import embeddings

DOCUMENTS = [
    Document(id=str(number), title=f"Lettre {number}", body=f"radon {number}") for number in range(30)
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "home", env={})


def total(workspace: Workspace, query: str = "") -> int | None:
    return searching.find(workspace, "lettres", Search(query=query))[0].total


def data(workspace: Workspace) -> Path:
    return next((workspace.home / "indexes" / "lettres").glob("data-*"))


def test_an_index_is_built_completed_and_shortened(workspace: Workspace) -> None:
    assert searching.build(workspace, "lettres", DOCUMENTS) == 30
    assert searching.add(workspace, "lettres", [Document(id="0", body="plomb"), Document(id="x")]) == 31
    assert searching.delete(workspace, "lettres", ["1", "absent"]) == 30

    assert total(workspace, "radon") == 28
    assert total(workspace, "plomb") == 1
    assert searching.names(workspace) == ("lettres",)
    assert searching.stats(workspace, "lettres").changes == 1
    assert searching.build(workspace, "lettres", DOCUMENTS[:3]) == 3


@pytest.mark.parametrize("harm", ["removed", "cut", "version", "pointer"])
def test_a_damaged_index_is_made_again_from_the_lake(workspace: Workspace, harm: str) -> None:
    searching.build(workspace, "lettres", DOCUMENTS)
    searching.delete(workspace, "lettres", ["1"])
    folder = data(workspace)
    if harm == "removed":
        (folder / "meta.json").unlink()
    elif harm == "cut":
        store = next(folder.glob("*.store"))
        cut = store.read_bytes()[:100]
        store.unlink()  # a mapped file that is shortened in place would kill whoever reads it
        store.write_bytes(cut)
    elif harm == "version":
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 99}))
    else:
        (folder.parent / "current.json").write_text("{")

    assert total(workspace, "radon") == 29


def test_a_change_kept_but_not_yet_indexed_is_applied_at_the_next_opening(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process is killed between the lake and the index, or between the index and its note."""
    searching.build(workspace, "lettres", DOCUMENTS)
    with monkeypatch.context() as patch:
        patch.setattr(searching, "_settled", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            searching.add(workspace, "lettres", [Document(id="new", body="mercure")])
    assert total(workspace, "mercure") == 1
    with monkeypatch.context() as patch:
        patch.setattr(searching, "_point", lambda *_: None)
        searching.add(workspace, "lettres", [Document(id="newer", body="mercure")])

    assert total(workspace, "mercure") == 2
    assert searching.stats(workspace, "lettres").documents == 32


def test_one_task_writes_at_a_time_and_the_other_is_told(workspace: Workspace) -> None:
    searching.build(workspace, "lettres", DOCUMENTS)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with searching._alone(workspace, "lettres", 1):
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    try:
        with pytest.raises(WorkFailedError, match="en cours d'écriture"):
            searching.add(workspace, "lettres", [Document(id="late")], wait=0.05)
        assert total(workspace, "radon") == 30
    finally:
        done.set()
        thread.join()


def test_weights_chosen_on_queries_stay_with_the_index(workspace: Workspace, tmp_path: Path) -> None:
    searching.build(workspace, "lettres", DOCUMENTS)
    path = tmp_path / "queries.jsonl"
    rows = [{"query": f"radon {one.id}", "expected": one.id} for one in DOCUMENTS]
    path.write_text("\n".join(map(json.dumps, rows)))

    weighed = searching.tune(workspace, "lettres", judging.read_judged(path))
    (data(workspace) / "meta.json").unlink()

    assert searching.stats(workspace, "lettres").weights == dict(weighed.weights)
    path.write_text('{"query": "sans réponse"}')
    with pytest.raises(EclaireurError, match="ligne 1"):
        judging.read_judged(path)


# --- Reading documents


def test_documents_come_from_lines_texts_and_tables_with_their_usual_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"numero": "n1", "titre": "T", "texte": "B", "date": "01/02/2021", "site": ["X"], "zone": 57}\n\n'
        '{"numero": "n1", "texte": "remplacé \\u0000"}\n'
    )
    (tmp_path / "b.txt").write_bytes(b"# Une lettre\nTexte")
    (tmp_path / "c.csv").write_text(
        "id;titre;texte;date\n7;Sept;Un texte;31/12/2020\n8;Huit;Autre;01/01/2021\n"
    )

    read = corpora.from_path(tmp_path, corpora.Columns(facets=("site",), perimeters="zone"))

    found = {one.id: one for one in read.documents}
    assert set(found) == {"n1", "b.txt", "7", "8"}
    assert found["n1"].body == "remplacé"
    assert found["b.txt"].title == "Une lettre"
    assert str(found["7"].day) == "2020-12-31"
    assert "1 documents de même identifiant : le dernier lu est gardé." in read.notes


def test_texts_in_another_language_or_empty_are_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    english = "The inspector found that the door was not closed when he came in. " * 4
    path.write_text("\n".join(json.dumps({"text": text}) for text in (english, "")))

    notes = corpora.from_path(path, corpora.Columns()).notes

    assert any("français" in one for one in notes)
    assert any("sans aucun texte" in one for one in notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "aucun document"),
        ("[1]", "ligne 1 : cette ligne n'est pas un objet JSON"),
        ('{"a": 1', "ligne 1 : cette ligne n'est pas un objet JSON"),
        ('{"id": "1", "date": "32/13/2020"}', "date invalide"),
        ("[" * 100_000, "ligne 1"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)

    assert main(["index", "build", "lettres", "--from", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_of_documents_is_read_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx", reason="python-docx writes the document of this test")
    pytest.importorskip("lxml", reason="part documents: ./eclaireur install documents")
    folder = tmp_path / "lettres"
    (folder / "2021").mkdir(parents=True)
    (folder / "a.txt").write_text("Lettre de Chooz\n\nLe radon dépasse le seuil.", encoding="utf-8")
    page = "<html><title>Cattenom</title><p>Porte coupe-feu ouverte <span hidden>secret</span></p></html>"
    (folder / "b.html").write_text(page, encoding="utf-8")
    written = docx.Document()
    written.add_paragraph("Lettre de Gravelines")
    written.add_paragraph("Une fuite du circuit primaire.")
    written.save(str(folder / "2021" / "c.docx"))
    (folder / "d.pdf").write_bytes(b"%PDF-1.7\nbroken")

    corpus = corpora.from_path(folder, corpora.Columns())
    found = {one.id: one for one in corpus.documents}

    assert set(found) == {"a.txt", "b.html", "2021/c.docx"}
    assert found["b.html"].title == "Cattenom"
    assert "coupe-feu" in found["b.html"].body
    assert "secret" not in found["b.html"].body
    assert "circuit primaire" in found["2021/c.docx"].body
    (note,) = corpus.notes
    assert note.startswith("« d.pdf » n'est pas indexé : ")
    with pytest.raises(FileRefusedError):
        corpora.from_path(folder / "d.pdf", corpora.Columns())


def kept(workspace: Workspace) -> list[str]:
    """Everything that the lake holds of the index, wherever it lies under it."""
    files = sorted((workspace.lake.root / "search" / "lettres").rglob("documents.parquet"))
    return [row for file in files for row in pq.read_table(file)["document"].to_pylist()]


@pytest.mark.parametrize("how", ["to its end", "killed"])
def test_a_deleted_document_leaves_the_lake_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    searching.build(workspace, "lettres", DOCUMENTS)
    named = Document(id="5", body="Madame Personne a été contrôlée.")
    searching.add(workspace, "lettres", [named, Document(id="a", body="plomb")])
    before = data(workspace)
    assert sum("Personne" in row for row in kept(workspace)) == 1

    if how == "killed":
        with monkeypatch.context() as patch:
            patch.setattr(searching, "_made", lambda *_: sys.exit("killed"))
            with pytest.raises(SystemExit):
                searching.delete(workspace, "lettres", ["5", "absent"])
    else:
        assert searching.delete(workspace, "lettres", ["5", "absent"]) == 30

    assert total(workspace, "personne") == total(workspace, '"radon 5"') == 0
    assert total(workspace, "plomb") == 1
    assert not any("Personne" in row or '"id": "5"' in row for row in kept(workspace))
    assert len(kept(workspace)) == 30
    assert not before.exists()


def test_what_only_an_addition_held_can_be_deleted_and_everything_too(workspace: Workspace) -> None:
    """The documents left are then those of the first build, whose address is already known."""
    searching.build(workspace, "lettres", DOCUMENTS)
    searching.add(workspace, "lettres", [Document(id="a", body="plomb")])

    assert searching.delete(workspace, "lettres", ["a"]) == 30
    assert total(workspace, "plomb") == 0
    assert searching.delete(workspace, "lettres", [one.id for one in DOCUMENTS]) == 0
    assert total(workspace, "radon") == 0
    assert kept(workspace) == []


# --- The command line


def test_the_command_line_builds_searches_and_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "home"))
    path = tmp_path / "a.jsonl"
    text = "Mot de début. Le radon dépasse le seuil."
    path.write_text(
        json.dumps({"id": "1", "titre": "École", "texte": text, "date": "2021-03-12", "site": "A"})
    )
    assert main(["index", "build", "lettres", "--from", str(path), "--facets", "site"]) == 0
    assert main(["index", "add", "lettres", "--from", str(path)]) == 0
    assert main(["index", "stats", "lettres"]) == 0
    capsys.readouterr()

    arguments = ["search", "lettres", "radons", "--filter", "site=A", "--facet", "site", "--months", "--why"]
    assert main([*arguments, "--from", "2021-01-01", "--to", "31/12/2021", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert main(arguments) == 0
    shown = capsys.readouterr().out

    (hit,) = answer["hits"]
    (passage,) = hit["passages"]
    assert [text[start:end] for start, end in passage["marks"]] == ["radon"]
    assert hit["why"][0]["asked"] == "radons"
    assert answer["facets"] == {"site": [{"value": "A", "count": 1}]}
    assert answer["months"] == [{"month": "2021-03", "count": 1}]
    assert "« radon »" in shown
    assert "radons (texte)" in shown
    assert main(["index", "delete", "lettres", "1"]) == 0
    assert main(["search", "lettres", '"radon']) == 0
    assert "Guillemet non fermé" in capsys.readouterr().out


def test_an_encoder_ranks_and_a_search_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "home"))
    path = tmp_path / "a.jsonl"
    rows = [{"id": "eau", "texte": "rivière polluée"}, {"id": "feu", "texte": "porte ouverte"}]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with embeddings({"eau": "rivière baignade", "feu": "porte incendie"}) as url:
        assert main(["index", "build", "lettres", "--from", str(path), "--encoder", url]) == 0
        capsys.readouterr()
        assert main(["search", "lettres", "incendie", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in answer["hits"]] == ["feu"]
    assert answer["notes"] == []

    assert main(["search", "lettres", "porte", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in answer["hits"]][:1] == ["feu"]
    assert "sans l'encodeur" in answer["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "lettres", "x"], "index inconnu"),
        (["search", "lettres", "a" * 10_000], "index inconnu"),
        (["search", "Lettres!", "x"], "nom d'index invalide"),
        (["search", "lettres", "x", "--filter", "site"], "filtre invalide"),
        (["search", "lettres", "x", "--from", "hier"], "date invalide"),
        (["search", "lettres", "x", "--limit", "0"], "nombre de documents"),
        (["index", "build", "lettres"], "--from ou --case"),
        (["index", "build", "lettres", "--from", "absent.jsonl"], "n'existe pas"),
        (["index", "build", "lettres", "--from", __file__, "--encoder", "absent"], "encodeur inconnu"),
        (["index", "build", "lettres", "--case", "restaurant_risk"], "[index]"),
        (["index", "stats", "lettres"], "index inconnu"),
    ],
)
def test_a_wrong_request_ends_with_two_and_a_french_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


# --- Cases


def test_a_case_is_indexed_under_its_own_name_and_says_why_this_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "home"))

    assert main(["index", "build", "inspection_letters", "--source", "sample"]) == 0
    assert "60 documents" in capsys.readouterr().out
    arguments = ["search", "inspection_letters", "portes coupe-feu", "--facet", "site", "--months", "--why"]
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)

    first = answer["hits"][0]
    assert {"portes", "coupe-feu"} & {one["asked"] for one in first["why"] if one["field"] == "body"}
    assert first["date"]
    assert first["title"]
    assert first["facets"]["site"] == [first["section"]]
    assert sum(one["count"] for one in answer["facets"]["site"]) == answer["total"]
    assert sum(one["count"] for one in answer["months"]) == answer["total"]


def test_judges_are_neither_indexed_nor_counted(workspace: Workspace, tmp_path: Path) -> None:
    """Law n° 2019-222, article 33: no facet names a person, and no word of the index is a judge's name."""
    raw = tmp_path / "raw"
    raw.mkdir()
    sample.write(raw, seed=7, count=60)
    records = case.records("sample", raw, outcomes=None, progress=quiet)
    corpus = corpora.from_records(find_card("similar_decisions"), records)
    searching.build(workspace, "decisions", corpus.documents, corpus.facets)

    assert set(corpus.facets) == {"type_recours", "type_decision", "publication", "solution"}
    assert all(one.title and one.body and one.day and one.facets for one in corpus.documents)
    index = searching.opened(workspace, "decisions")
    assert index.search(Search(query="requête")).total
    for name in sample.JUDGES:
        assert index.search(Search(query=f'"{name}"')).total == 0
        assert not any(name in one.body for one in corpus.documents)
