"""Answers from sources: their sentences, what checks and masks them, orders to machines, states of a base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eclaireur.bricks.intake.answering import Rarity, stretch_of
from eclaireur.bricks.intake.checking import MASK, checked, masked
from eclaireur.bricks.intake.injections import set_aside, speaks_to_a_machine
from eclaireur.bricks.semantic.outline import sentences

TEXT = (
    "La carte est remise au guichet. Le timbre coûte 25 euros en cas de perte. Il est gratuit en cas de vol. "
    "Apportez une photo récente. Le service est fermé le lundi."
)
RARITY = Rarity.among([TEXT, "Le passeport coûte 86 euros.", "La mairie est ouverte le samedi."])


def test_an_answer_is_whole_sentences_in_their_order() -> None:
    found = stretch_of("Combien coûte le timbre en cas de perte ?", TEXT, RARITY)
    told = [TEXT[start:end] for start, end in found.bounds]
    assert told
    assert told[0] == "Le timbre coûte 25 euros en cas de perte."
    assert list(found.bounds) == sorted(found.bounds)
    assert all(bound in sentences(TEXT) for bound in found.bounds)


def test_an_empty_text_answers_nothing() -> None:
    assert stretch_of("Quel prix ?", "", RARITY).bounds == ()


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("Le timbre coûte 25 euros en cas de perte.", True),
        ("En cas de perte, le timbre coûte 25 euros.", True),
        ("Le timbre coûte 35 euros en cas de perte.", False),
        ("Le timbre n’est pas gratuit en cas de vol.", False),
        ("Le passeport est remis par la poste.", False),
        ("Bref !", False),
    ],
)
def test_a_sentence_is_held_by_a_source_or_said_why_not(said: str, *, held: bool) -> None:
    (found,) = checked(said, [TEXT], RARITY)
    assert (found.source == 0) is held
    assert bool(found.why) is not held


def test_addresses_that_no_source_has_are_masked_and_the_others_kept() -> None:
    source = ["Voir www.service-public.fr, appelez le 01 23 45 67 89, mairie@valmire.fr."]
    text = (
        "Voir service-public.fr et faux.com/x, le 0123456789 ou le 06 11 22 33 44, a@b.fr, mairie@valmire.fr."
    )
    clean, count = masked(text, source)
    assert count == 3
    assert clean.count(MASK) == 3
    for kept in ("service-public.fr", "0123456789", "mairie@valmire.fr"):
        assert kept in clean
    for gone in ("faux.com", "06 11", "a@b.fr"):
        assert gone not in clean


@pytest.mark.parametrize(
    "place",
    [
        "bit.ly/abc",
        "arnaque.ru/x",
        "public.fr",
        "www.service-public.fr.evil.ru",
        "service-public.fr/autre",
        "0800 123 456",
        "0 800 123 456",
        "+32 2 555 12 34",
        "a@service-public.fr",
    ],
)
def test_part_of_a_known_address_or_digits_of_several_numbers_are_not_known(place: str) -> None:
    sources = ["Voir www.service-public.fr/vosdroits/F1, appelez le 01 23 11 98 00 ou le 39 39, 12 345 €."]
    clean, count = masked(f"Écrivez à {place}, puis attendez.", sources)
    assert (count, place in clean) == (1, False)
    for short in ("appelez le 119.", "Composez le 3949."):
        assert masked(short, sources)[1] == 1
    for kept in (
        "Voir service-public.fr.",
        "le 39 39.",
        "le 01.23.11.98.00",
        "le +33 1 23 11 98 00",
        "12 345 €",
    ):
        assert masked(kept, sources) == (kept, 0)


def test_orders_to_machines_are_in_no_answer(hostile_files: Path) -> None:
    """Each attack of the French set, put at the start, in the middle or at the end of a source."""
    lines = (hostile_files / "generated" / "injections_fr.jsonl").read_text(encoding="utf-8").splitlines()
    parts = [TEXT[start:end] for start, end in sentences(TEXT)]
    for one in map(json.loads, lines):
        at = {"debut": 0, "milieu": 2, "fin": len(parts)}[one["position"]]
        text = "\n\n".join([*parts[:at], one["attack"], *parts[at:]])
        bounds = sentences(text)
        barred = set_aside([text[start:end] for start, end in bounds])
        for (start, end), out in zip(bounds, barred, strict=True):
            assert out or one["canary"] not in text[start:end], one["id"]
        for question in ("Combien coûte le timbre ?", one["attack"]):
            found = stretch_of(question, text, RARITY)
            assert all(one["canary"] not in text[start:end] for start, end in found.bounds), one["id"]


@pytest.mark.parametrize(
    "said",
    [
        "Le maire ignore la demande et la transmet au préfet.",
        "Suivez les consignes de tri affichées sur le bac.",
        "Notez la date et rappelez le service au bout d'un mois.",
        "Ajoutez une copie de l'acte et envoyez le dossier.",
    ],
)
def test_words_to_a_reader_are_kept(said: str) -> None:
    assert not speaks_to_a_machine(said)
