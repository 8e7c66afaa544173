"""What a text thinks, of what, and the sentence that shows it."""

from __future__ import annotations

import random

import pytest

from eclaireur.bricks.semantic.opinions import Opinions, balance
from eclaireur.core.errors import EmptyTableError

GOOD = {"accueil": "L'accueil était charmant.", "délai": "La réponse est venue le jour même."}
BAD = {"accueil": "On m'a mal parlé au guichet.", "délai": "Voilà six mois que le dossier dort."}
REST = ("Je suis venu lundi.", "Mon dossier porte sur une aide.", "Le bureau est au deuxième étage.")


def generated(count: int, seed: int) -> tuple[list[str], list[str], list[dict[str, str]]]:
    rng = random.Random(seed)
    texts, ratings, aspects = [], [], []
    for _ in range(count):
        good = rng.random() < 0.5
        aspect = rng.choice(["accueil", "délai"])
        said = [rng.choice(REST), (GOOD if good else BAD)[aspect], rng.choice(REST)]
        rng.shuffle(said)
        texts.append(" ".join(said))
        ratings.append("Positif" if good else "Négatif")
        aspects.append({aspect: ratings[-1]})
    return texts, ratings, aspects


@pytest.fixture(scope="module")
def model() -> Opinions:
    texts, ratings, aspects = generated(60, 1)
    return Opinions.fit(texts, ratings, aspects, groups=list(range(len(texts))), seed=1)


def test_the_sentence_shown_is_the_one_that_says_it(model: Opinions) -> None:
    texts, ratings, aspects = generated(20, 2)
    for text, rating, aspect in zip(texts, ratings, aspects, strict=True):
        whole, *told = model.told(text)
        said = (GOOD if rating == "Positif" else BAD)[next(iter(aspect))]
        assert (whole.polarity, text[whole.start : whole.end]) == (rating, said)
        assert {one.aspect: one.polarity for one in told} == aspect
        assert [text[one.start : one.end] for one in told] == [said]


def test_a_stored_model_says_the_same(model: Opinions) -> None:
    text = f"{REST[0]} {BAD['délai']}"
    assert Opinions.read(model.dump()).told(text) == model.told(text)


def test_ratings_given_at_random_are_mended_by_what_is_said_of_the_aspects() -> None:
    texts, ratings, aspects = generated(24, 11)
    rng = random.Random(1)
    wrong = [rng.choice(["Positif", "Négatif"]) if rng.random() < 0.7 else told for told in ratings]
    fresh, truth, _ = generated(40, 51)

    def right(with_aspects: list[dict[str, str]] | None) -> float:
        learnt = Opinions.fit(texts, wrong, with_aspects, groups=list(range(len(texts))), seed=1)
        chances = learnt.chances(fresh)
        return float(sum(row[learnt.names.index(told)] for row, told in zip(chances, truth, strict=True)))

    assert right(aspects) > right(None) + 1


def test_a_negation_turns_a_word_round() -> None:
    assert balance("Service rapide. Accueil pas rapide. Sans erreur.") == [1, -1, 1]
    assert balance("") == []


def test_an_empty_text_thinks_nothing(model: Opinions) -> None:
    assert model.told(" \n") == ()
    assert model.chances([]).shape == (0, 2)


def test_one_rating_only_is_refused_in_french() -> None:
    with pytest.raises(EmptyTableError, match="trop peu de textes notés"):
        Opinions.fit(["Bien."] * 12, ["Positif"] * 12, groups=list(range(12)), seed=1)
