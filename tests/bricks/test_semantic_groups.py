"""Shingles, groups of near-duplicates, neighbours and agreement against slow, plain versions."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import adjusted_rand_score

from eclaireur.bricks.semantic.agreement import adjusted_rand
from eclaireur.bricks.semantic.differences import compare
from eclaireur.bricks.semantic.groups import Grouper, jaccard
from eclaireur.bricks.semantic.neighbours import nearest
from eclaireur.bricks.semantic.references import cited, dates
from eclaireur.bricks.semantic.shingles import shingle_sets

VOCABULARY = [f"mot{number}" for number in range(400)]


def plain_set(text: str, width: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + width]) for at in range(len(words) - width + 1)}


def near_texts(seed: int, count: int = 120) -> list[str]:
    """Texts in families: each family edits one text more and more."""
    draw = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        words = draw.choices(VOCABULARY, k=draw.randint(40, 400))
        for _ in range(draw.randint(1, 8)):
            texts.append(" ".join(words))
            for _ in range(draw.randint(0, max(1, len(words) // 25))):
                words[draw.randrange(len(words))] = draw.choice(VOCABULARY)
    return texts


@given(st.lists(st.text(st.sampled_from("abé œ'’-.,\n\U0001f600\u0301"), max_size=80), max_size=6))
@settings(deadline=None)
def test_texts_have_as_many_shingles_as_distinct_runs_of_words(texts: list[str]) -> None:
    sets = shingle_sets([*texts, "un deux trois quatre cinq six"], width=2)
    assert len(sets) == len(texts) + 1
    assert len(sets[len(texts)]) == 5
    for index, text in enumerate(texts):
        alone = shingle_sets([text], width=2)
        assert np.array_equal(alone[0], sets[index])


def test_case_accents_ligatures_and_spaces_do_not_matter_but_order_does() -> None:
    sets = shingle_sets(["Œuvre d’ÉTÉ à  Nîmes", "oeuvre d'ete a nimes", "nimes a oeuvre d'ete"], width=3)
    assert np.array_equal(sets[0], sets[1])
    assert jaccard(sets[0], sets[2]) < 1


def test_pairs_are_those_of_the_complete_comparison() -> None:
    texts = near_texts(3)
    plain = [plain_set(text) for text in texts]
    exact = {
        (a, b)
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if len(plain[a] & plain[b]) >= 0.6 * len(plain[a] | plain[b])
    }
    grouper = Grouper()
    grouper.add(texts)
    pairs = grouper.pairs()
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert found <= exact
    assert len(found) >= 0.99 * len(exact) > 50


@pytest.mark.parametrize("spilled", [False, True])
def test_documents_added_little_by_little_make_the_same_groups(tmp_path: Path, *, spilled: bool) -> None:
    texts = near_texts(5)
    whole, parts = Grouper(), Grouper(spill=tmp_path / "sets" if spilled else None)
    whole.add(texts)
    for start in range(0, len(texts), 17):
        parts.add(texts[start : start + 17])
        parts.pairs()
    assert np.array_equal(parts.groups(), whole.groups())
    assert np.array_equal(parts.pairs().jaccard, whole.pairs().jaccard)


def test_a_new_text_is_routed_to_the_documents_it_nearly_repeats() -> None:
    texts = near_texts(8)
    grouper = Grouper()
    grouper.add(texts)
    assert grouper.near(texts[4])[0] == (texts.index(texts[4]), 1.0)
    assert grouper.near("rien de commun avec ces textes là du tout") == []


def test_empty_and_short_documents_are_no_pair_unless_they_are_equal() -> None:
    grouper = Grouper()
    grouper.add(["", "", "un mot", "un mot", "autre mot", "…"])
    assert grouper.groups().tolist() == [0, 1, 2, 2, 4, 5]


def test_ten_megabytes_in_one_line_are_read() -> None:
    grouper = Grouper()
    grouper.add(["mot " * 2_500_000, "mot mot mot mot mot"])
    assert grouper.groups().tolist() == [0, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_the_rand_index_is_that_of_the_reference(codes: list[tuple[int, int]]) -> None:
    left, right = zip(*codes, strict=True)
    assert adjusted_rand(left, right) == pytest.approx(adjusted_rand_score(left, right))


def test_neighbours_are_those_of_the_plain_count_and_respect_dates() -> None:
    texts = near_texts(11, 60)
    sets = shingle_sets(texts)
    known = np.arange(len(texts)) % 7
    asked = np.arange(len(texts))
    until = np.full(len(texts), 3)
    near = nearest(sets, asked, known=known, until=until, count=3)
    for at in range(len(texts)):
        plain = sorted(
            (
                (-jaccard(sets[at], sets[other]), other)
                for other in range(len(texts))
                if other != at and known[other] <= 3 and jaccard(sets[at], sets[other]) > 0
            ),
        )[:3]
        kept = [int(other) for other in near.position[at] if other >= 0]
        assert kept == [other for _, other in plain]
        assert near.jaccard[at, : len(kept)].tolist() == pytest.approx([-score for score, _ in plain])


def test_articles_acts_cases_and_dates_are_cited_at_their_place() -> None:
    text = (
        "Vu les articles L. 761-1 et R. 122-12 du code de justice administrative, la loi n° 2019-222 du "
        "23 mars 2019, et la décision n° 405548.\nArticle 2 : rejet."
    )
    found = cited(text)
    assert [one.value for one in found] == [
        "L. 761-1 du code de justice administrative",
        "R. 122-12 du code de justice administrative",
        "loi n° 2019-222",
        "n° 405548",
    ]
    assert text[found[0].start : found[0].end] == "L. 761-1"
    assert [day.isoformat() for _, _, day in dates(text + " le 31/02/2020 et le 1er août 2021")] == [
        "2019-03-23",
        "2021-08-01",
    ]


def test_what_differs_between_two_texts_is_found_at_its_place() -> None:
    left, right = "la somme de 1 500 euros à M. A", "la somme de 2 000 euros à M. A, en une fois"
    found = compare(left, right)
    assert [(one.left, one.right) for one in found.changes] == [("1 500", "2 000"), ("", ", en une fois")]
    assert left[found.changes[0].left_start :].startswith("1 500")
    assert 0 < found.common < 1
