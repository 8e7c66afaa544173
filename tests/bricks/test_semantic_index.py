"""One contract for every back-end of the index, then what is tantivy's own: cuts, kills, a second writer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from eclaireur.bricks.semantic.hybrid import Hybrid
from eclaireur.bricks.semantic.index import Document, Index, IndexDamagedError, Search, Spec
from eclaireur.bricks.semantic.index_postgresql import PostgresqlIndex
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
from eclaireur.core.errors import BadValueError, WorkFailedError
from tests.bricks.test_semantic_hybrid import documents
from tests.postgresql_server import postgresql, programs

SPEC = Spec(facets=("site", "theme"))
LETTERS = (
    Document(
        id="1",
        title="L'école de Cattenom",
        section="Radioprotection",
        body="Contrôle des écoles et du radon, le 12 mars 2021. Montant : 1 234 euros.",
        day=date(2021, 3, 12),
        facets={"site": ("Cattenom",), "theme": ("radon", "école")},
        perimeters=("57",),
        extra={"auteur": "A"},
    ),
    Document(
        id="2",
        title="Chooz",
        body="Contrôle de l’inspection du 12/03/2021, article L1234-5. Mise en demeure.",
        day=date(2021, 4, 1),
        facets={"site": ("Chooz",), "theme": ("radon",)},
        perimeters=("08",),
    ),
    Document(id="3", title="Sans date", body="Une lettre. Contrôle, demeure mise."),
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail("initdb is absent: add PostgreSQL to .ci/run")
        pytest.skip("PostgreSQL is not installed")
    with postgresql() as url:
        yield url


@pytest.fixture(params=["tantivy", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    if request.param == "tantivy":
        made = TantivyIndex.create(tmp_path / "index", SPEC)
        with made.writing() as writer:
            writer.add(LETTERS)
        yield made
        return
    kept = PostgresqlIndex(request.getfixturevalue("server"), "letters", SPEC)
    with kept.writing() as write:
        write.add(LETTERS)
    yield kept
    kept.drop()


def ids(index: Index, query: str, **bounds: object) -> list[str]:
    found = index.search(Search(query=query, **bounds))  # type: ignore[arg-type]
    assert found.total == len(found.hits)
    return sorted(one.document.id for one in found.hits)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ÉCOLE", "1"),
        ("écoles inspection", "12"),
        ("école ET inspection", ""),
        ("contrôle ET (école OU inspection)", "12"),
        ("contrôle SAUF radon", "23"),
        ("contrôle -radon", "23"),
        ("SAUF radon", "23"),
        ("inspec*", "2"),
        ("radno~", "1"),
        ("12/03/2021", "12"),
        ("12 mars 2021", "12"),
        ("1234", "12"),
        ("« 1 234 euros »", "1"),
        ('"article L. 1234-5"', "2"),
        ("« mise en demeure »", "2"),
        ("titre:école", "1"),
        ('texte:"cattenom"', ""),
        ("", "123"),
        ("xyz", ""),
    ],
)
def test_a_query_finds_what_it_says(index: Index, query: str, expected: str) -> None:
    assert "".join(ids(index, query)) == expected


def test_filters_days_facets_and_months_count_the_same_documents(index: Index) -> None:
    assert ids(index, "contrôle", filters={"site": ["Chooz", "Golfech"]}) == ["2"]
    assert ids(index, "", since=date(2021, 3, 12), until=date(2021, 3, 31)) == ["1"]
    assert ids(index, "", until=date(2021, 4, 1)) == ["1", "2"]

    found = index.search(Search(query="contrôle", facets=("site", "theme"), months=True))

    assert found.facets["theme"] == (("radon", 2), ("école", 1))
    assert sorted(found.facets["site"]) == [("Cattenom", 1), ("Chooz", 1)]
    assert found.months == (("2021-03", 1), ("2021-04", 1))


def test_nothing_outside_a_perimeter_is_seen_or_counted(index: Index) -> None:
    for query in ("", "contrôle", "contr*", "contrile~", "SAUF zzz", "radon OU contrôle"):
        search = Search(query=query, perimeters=frozenset({"08"}), facets=("site", "theme"), months=True)
        found = index.search(search)
        assert [one.document.id for one in found.hits] == ["2"]
        assert found.total == 1
        assert found.facets == {"site": (("Chooz", 1),), "theme": (("radon", 1),)}
        assert found.months == (("2021-04", 1),)
        assert not index.explain(search, "1")
    assert index.get("1", frozenset({"08"})) is None
    assert index.search(Search(perimeters=frozenset())).total == 0


def test_a_document_comes_back_as_it_was_given(index: Index) -> None:
    assert index.get("1") == LETTERS[0]
    assert index.get("3") == LETTERS[2]
    assert index.get("9") is None


def test_why_names_the_words_and_fields_and_what_they_weigh(index: Index) -> None:
    why = index.explain(Search(query="école radon golfech"), "1")

    assert (why[0].asked, why[0].field) == ("école", "title")
    assert {(one.asked, one.field) for one in why} == {
        ("école", "title"),
        ("école", "body"),
        ("radon", "body"),
    }
    assert all(one.weight > 0 for one in why)


def test_adding_again_replaces_and_deleting_removes(index: Index) -> None:
    with index.writing() as writer:
        assert writer.add([Document(id="2", title="Golfech", facets={"site": ["Golfech"]})]) == 1
        writer.delete(["1", "unknown"])

    assert index.count() == 2
    assert ids(index, "chooz cattenom") == []
    assert index.search(Search(facets=("site",))).facets["site"] == (("Golfech", 1),)


def test_a_failed_change_leaves_the_old_state(index: Index) -> None:
    def fail() -> None:
        with index.writing() as writer:
            writer.delete(["1"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert index.count() == 3


def test_a_second_writer_is_told_to_wait(index: Index) -> None:
    with index.writing(), pytest.raises(WorkFailedError, match="autre tâche"), index.writing():
        pass


def test_an_unknown_facet_names_those_that_exist(index: Index) -> None:
    with pytest.raises(BadValueError, match="site, theme"):
        index.search(Search(facets=("juge",)))


def test_odd_documents_are_kept_and_found(index: Index) -> None:
    with index.writing() as writer:
        writer.add(
            [
                Document(id="empty"),
                Document(id="word", body="mot"),
                Document(id="huge", body="inspection " * 90_000 + "mirabelle"),
                Document(id="line", body="x" * 1_000_000),
                Document(id="polish", body="Zażółć gęślą jaźń 漢字 \x00 \ud800"),
            ]
        )

    assert index.count() == 8
    assert ids(index, "mot") == ["word"]
    assert ids(index, "zazolc") == ["polish"]
    assert ids(index, "mirabelle") == ["huge"]
    assert index.get("empty") == Document(id="empty")


# --- tantivy's own


def filled(folder: Path) -> TantivyIndex:
    made = TantivyIndex.create(folder, SPEC)
    with made.writing() as writer:
        writer.add(LETTERS)
    return made


def put(path: Path, content: bytes) -> None:
    """Write another file under that name: who shortens a file that is mapped kills its readers (SIGBUS)."""
    path.unlink()
    path.write_bytes(content)


def test_an_index_cut_in_half_of_another_version_or_altered_is_told(tmp_path: Path) -> None:
    filled(tmp_path)
    assert TantivyIndex.open(tmp_path, thorough=True).count() == 3
    store = next(tmp_path.glob("*.store"))
    whole = store.read_bytes()

    put(store, whole[: len(whole) // 2])
    with pytest.raises(IndexDamagedError, match="coupé"):
        TantivyIndex.open(tmp_path)
    put(store, bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(IndexDamagedError, match="altéré"):
        TantivyIndex.open(tmp_path, thorough=True)
    put(store, whole)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 0}))
    with pytest.raises(IndexDamagedError, match="version 0"):
        TantivyIndex.open(tmp_path)
    manifest.write_text("{")
    with pytest.raises(IndexDamagedError, match="manifeste"):
        TantivyIndex.open(tmp_path)


KILLED = """
import sys
from pathlib import Path
from eclaireur.bricks.semantic.index import Document
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
index = TantivyIndex.open(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(1000):
    with index.writing() as writer:
        writer.add(Document(id=f"{turn}-{at}", body="lettre") for at in range(10))
    print(turn, flush=True)
"""


def test_a_writer_killed_at_any_instant_leaves_whole_commits(tmp_path: Path, root: Path) -> None:
    filled(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    for wait in (0.0, 0.03):
        before = TantivyIndex.open(tmp_path).count()
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
            acknowledged = len([line for line in child.stdout if line.strip().isdigit()])
        after = TantivyIndex.open(tmp_path).count()
        # Turns of a later run replace those of an earlier one: the count is the larger of the two.
        assert (after - 3) % 10 == 0
        assert after >= max(before, 3 + 10 * acknowledged)
    with TantivyIndex.open(tmp_path).writing() as writer:
        writer.add([Document(id="after")])


def test_the_shared_index_ranks_by_all_ways_within_the_same_bounds(server: str) -> None:
    shared = PostgresqlIndex(server, "hybrid", Spec())
    with shared.writing() as writer:
        writer.add(documents())
    ranking = Hybrid.fit(documents())

    misspelt = ranking.search(shared, Search(query="urbanisne"))
    assert misspelt.hits
    assert all("urbanisme" in one.document.title for one in misspelt.hits[:2])
    for query in ("eau potable", "urbanisne", "scolaire", "eau ET potable"):
        found = ranking.search(shared, Search(query=query, perimeters=frozenset({"1"}), limit=100))
        assert found.hits
        assert all(one.document.perimeters == ("1",) for one in found.hits)
    assert not ranking.search(shared, Search(query="eau", perimeters=frozenset())).hits
    for query in ("nitrates ET rivière", "eau SAUF baignade", "titre:cantine", "nitr*"):
        search = Search(query=query, limit=60)
        exact = {one.document.id for one in shared.search(search).hits}
        assert {one.document.id for one in ranking.search(shared, search).hits} == exact
    shared.drop()
