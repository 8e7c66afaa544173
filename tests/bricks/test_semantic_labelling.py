"""Labels of sentences: learnt, thresholded, abstained, explained, written and read again."""

from __future__ import annotations

import random

import numpy as np
import pytest

from eclaireur.bricks.semantic import labelling
from eclaireur.bricks.semantic.labelling import Labeller, folds, stems
from eclaireur.bricks.semantic.vectors import text_rows
from eclaireur.core.artefacts import check
from eclaireur.core.errors import EmptyTableError

TOPICS = {
    "fire": ("incendie", "extincteur", "détection", "fumée", "coupe-feu"),
    "dose": ("dosimètre", "radioprotection", "exposition", "zone", "contrôlée"),
    "waste": ("déchets", "entreposage", "évacuation", "conditionnement", "filière"),
}


def sentences(seed: int, count: int = 240) -> tuple[list[str], list[set[str]]]:
    """Sentences of one topic or two; one in four is of none."""
    draw = random.Random(seed)
    texts, labels = [], []
    for number in range(count):
        chosen = draw.sample(sorted(TOPICS), draw.choice((0, 1, 1, 2)))
        words = [draw.choice(TOPICS[topic]) for topic in chosen for _ in range(3)]
        words += draw.choices(["les", "inspecteurs", "ont", "noté", "que", f"site{number % 9}"], k=5)
        draw.shuffle(words)
        texts.append(" ".join(words))
        labels.append(set(chosen))
    return texts, labels


@pytest.fixture(scope="module")
def model() -> Labeller:
    texts, labels = sentences(1)
    return Labeller.fit(texts, labels, groups=np.arange(len(texts)), seed=3, precision=0.95)


def test_topics_of_sentences_never_seen_are_found(model: Labeller) -> None:
    texts, labels = sentences(2)
    given = model.given(model.scored(texts))
    found = [{model.names[at] for at in np.flatnonzero(row)} for row in given]
    right = sum(len(one & other) for one, other in zip(found, labels, strict=True))
    assert 2 * right / (sum(map(len, found)) + sum(map(len, labels))) > 0.9


def test_what_is_kept_reaches_the_precision_and_nonsense_is_not_kept(model: Labeller) -> None:
    texts, labels = sentences(4)
    best, chance, kept = model.sure(model.scored(texts))
    right = np.array([model.names[at] in row for at, row in zip(best, labels, strict=True)])
    assert right[kept].mean() >= 0.9
    assert kept.sum() > 50
    assert abs(chance.mean() - right.mean()) < 0.1
    assert not model.sure(model.scored(["ωψξ", ""]))[2].any()


def test_without_any_regularity_the_model_abstains_from_everything() -> None:
    draw = random.Random(6)
    texts, labels = sentences(5)
    names = [str(number) for number in range(12)]
    noise = [{draw.choice(names)} for _ in labels]
    model = Labeller.fit(texts, noise, groups=np.arange(len(texts)), seed=3)
    assert not model.sure(model.scored(texts))[2].all()


def test_the_model_read_again_answers_the_same(model: Labeller) -> None:
    texts, _ = sentences(7)
    files = model.dump()
    for name, data in files.items():
        check(name, data)
    again = Labeller.read(files)
    assert np.allclose(again.scored(texts), model.scored(texts), atol=2e-2)
    assert again.keep == model.keep


def test_a_label_is_explained_by_its_own_words(model: Labeller) -> None:
    fire = model.names.index("fire")
    told = [term for term, weight in model.why("un extincteur près du site1", fire) if weight > 0]
    assert any("extinc" in term for term in told)
    assert any(term in {"incend", "extinc", "fumee", "coupe", "detect"} for term in model.telling(fire))


def test_texts_explained_together_are_explained_as_each_alone_by_what_the_model_adds(model: Labeller) -> None:
    texts = ["Un extincteur près d'un fût de déchets, un extincteur.", "ωψξ", "", "La zone contrôlée."] * 3
    labels = [at % len(model.names) for at in range(len(texts))]
    told = model.why_each(texts, labels, count=100)
    stem_rows = text_rows(texts, model.views)[:, : len(model.views[0].buckets)]
    weights = stem_rows @ model.linear.inner[: stem_rows.shape[1]] @ model.linear.outer
    for at, (text, label) in enumerate(zip(texts, labels, strict=True)):
        alone = model.why(text, label, count=100)
        assert [term for term, _ in told[at]] == [term for term, _ in alone]
        assert sum(weight for _, weight in told[at]) == pytest.approx(float(weights[at, label]), abs=1e-5)


def test_a_group_is_whole_in_one_fold() -> None:
    groups = np.arange(100) // 4
    fold = folds(groups, 5, seed=1)
    assert all(len(set(fold[groups == group].tolist())) == 1 for group in range(25))
    assert set(fold.tolist()) == set(range(5))


def test_stems_ignore_accents_case_and_ligatures() -> None:
    assert stems("MŒURS Évaluées") == stems("moeurs evaluees")


def test_too_few_sentences_are_refused_in_french() -> None:
    with pytest.raises(EmptyTableError, match="trop peu"):
        Labeller.fit(["a"], [{"x"}], groups=[0], seed=1)


@pytest.mark.parametrize(
    ("share", "kept"), [(1.0, (1.0, 1.0)), (0.9, (1.0, 1.0)), (0.3, (0.0, 0.05))], ids=["all", "most", "few"]
)
def test_as_much_is_kept_as_the_precision_allows(share: float, kept: tuple[float, float]) -> None:
    draw = np.random.default_rng(0)
    score = draw.uniform(0.05, 0.95, 2000)
    right = (draw.random(2000) < share).astype(float)
    keep = labelling._abstention(score, right, 0.6)
    assert kept[0] <= (score >= keep).mean() <= kept[1]


def test_what_is_kept_is_right_as_often_as_is_aimed_at_on_other_sentences() -> None:
    draw = np.random.default_rng(1)
    score = draw.uniform(0.0, 0.9, (2, 20_000))
    right = (draw.random((2, 20_000)) < score).astype(float)
    keep = labelling._abstention(score[0], right[0], 0.6)
    others = score[1] >= keep
    # The mean of the scores over 0.3 is 0.6: a third is left to a person.
    assert others.mean() == pytest.approx(2 / 3, abs=0.05)
    assert right[1][others].mean() == pytest.approx(0.6, abs=0.03)
