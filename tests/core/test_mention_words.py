"""The words of the mention, to the letter: the law fixes what must be said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eclaireur.core.card import Card
from eclaireur.core.catalog import find_card
from eclaireur.core.mention import HEADINGS, MARK, SHORT, mentions, one_line, rights, sentence

SAID = (
    "Établi à l’aide d’un traitement algorithmique, qui propose un ordre ; un agent décide. Toute personne "
    "concernée peut en demander les règles et leur application à son cas, puis saisir la CADA (cada.fr)."
)
RIGHTS = (
    "Vous pouvez demander les règles de ce traitement, et comment elles ont joué dans votre cas, à : {} "
    "(articles L. 311-3-1 et R. 311-3-1-2 du code des relations entre le public et l’administration). Un "
    "refus, ou un mois sans réponse, peut être porté devant la CADA (cada.fr) dans les deux mois."
)


@pytest.fixture
def card() -> Card:
    """A card whose texts of law are known."""
    found = find_card("restaurant_risk")
    law = replace(found.law, purpose="Aider le service", appeal="Écrire au préfet")
    return replace(found, law=law, administration="Préfecture")


def plain(text: str) -> str:
    """Return a text with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_each_heading_has_its_words(card: Card) -> None:
    said = mentions(card, "  12 rue du Port. ")
    assert tuple(said) == HEADINGS == ("Mention", "Finalité", "Vos droits", "Recours")
    assert {name: plain(text) for name, text in said.items()} == {
        "Mention": SAID,
        "Finalité": "Aider le service.",
        "Vos droits": RIGHTS.format("12 rue du Port"),
        "Recours": "Écrire au préfet",
    }


def test_without_a_contact_the_administration_is_asked(card: Card) -> None:
    for said in (rights(card, ""), rights(card, "  "), mentions(card)["Vos droits"]):
        assert plain(said) == RIGHTS.format("Préfecture")


def test_one_line_says_all_of_it(card: Card) -> None:
    expected = f"{SAID} Finalité : Aider le service. {RIGHTS.format('Port')} Contester : Écrire au préfet."
    assert plain(one_line(card, "Port")) == expected
    assert plain(one_line(card)) == expected.replace(": Port (", ": Préfecture (")


@pytest.mark.parametrize("end", [".", "?", "!", "…"])
def test_a_sentence_ends_once(end: str) -> None:
    assert sentence(f" Ceci{end} ") == f"Ceci{end}"
    assert sentence(" Ceci ") == "Ceci."


def test_the_mark_is_in_the_short_words_too() -> None:
    assert MARK == "traitement algorithmique"
    assert MARK in SHORT
    assert "cada.fr" in SHORT
