"""Personal data in what people write: what is found, what is left, and what a mask shows."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from eclaireur.bricks.intake.personal import LABELS, find, mask
from eclaireur.bricks.intake.personal_numbers import iban_valid, nir_valid


def labelled(text: str) -> list[tuple[str, str]]:
    return [(one.label, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    "written",
    [
        "0612345678", "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "06/12/34/56/78", "06 1234 5678",
        "+33 6 12 34 56 78", "+33 (0)6 12 34 56 78", "0033612345678", "O6 l2 34 56 78", "+41 79 123 45 67",
        "06\u00a012\u202f34 56 78", "06 . 12 . 34 . 56 . 78", "0 6 1 2 3 4 5 6 7 8", "06_12_34_56_78",
        "zéro six douze trente-quatre cinquante-six soixante-dix-huit",
        "zero six, douze, trente quatre, cinquante six, soixante dix huit",
        "ZÉRO SIX 12 34 56 78", "zéro six quatre-vingt-onze vingt et un trente cinquante",
    ],
)  # fmt: skip
def test_a_telephone_is_found_however_it_is_written(written: str) -> None:
    assert labelled(f"Rappelez le {written} merci") == [("téléphone", written)]


@pytest.mark.parametrize(
    "written",
    ["255081416802538", "2 55 08 14 168 025 38", "2.55.08.14.168.025.38", "2-55-08-14-168-025 clé 38",
     "1 54 07 2A 004 123 55", "2550814168025", "255081416802539"],
)  # fmt: skip
def test_a_nir_is_found_even_with_a_wrong_key(written: str) -> None:
    assert labelled(f"Mon numéro est {written}.") == [("NIR", written)]


def test_only_a_right_key_makes_a_number_sure() -> None:
    assert nir_valid("154072A00412355")
    assert not nir_valid("154072A00412356")
    assert [one.sure for one in find("255081416802538 ; 255081416802539")] == [True, False]
    assert [one.sure for one in find("NIR 255081416802539")] == [False]
    assert iban_valid("FR7630006000011234567890189")
    assert [one.sure for one in find("FR76 3000 6000 0112 3456 7890 189")] == [True]
    assert [one.sure for one in find("FR76 3000 6000 0112 3456 7890 188")] == [False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("écrire à jean.dupont@ville.fr.", [("courriel", "jean.dupont@ville.fr")]),
        ("écrire à a.b (at) ville.gouv.fr", [("courriel", "a.b (at) ville.gouv.fr")]),
        ("moi point nom arobase ville point fr", [("courriel", "moi point nom arobase ville point fr")]),
        ("IBAN FR76 3000 6000 0112 3456 7890 189 merci", [("IBAN", "FR76 3000 6000 0112 3456 7890 189")]),
        ("née le 3 mai 1960 à Lyon", [("date de naissance", "3 mai 1960")]),
        ("Date de naissance : 03/05/1960", [("date de naissance", "03/05/1960")]),
        ("au 12 bis rue de la Paix 75002 Paris, merci", [("adresse", "12 bis rue de la Paix 75002 Paris")]),
        ("j'habite à Talence 33400 TALENCE.", [("adresse", "à Talence 33400 TALENCE")]),
        ("ma voiture AB-123-CD", [("plaque", "AB-123-CD")]),
        ("allocataire n° 1234567", [("numéro d'allocataire", "1234567")]),
        ("numéro fiscal 30 12 345 678 901", [("numéro fiscal", "30 12 345 678 901")]),
        ("dossier n°2021-45678 en attente", [("numéro de dossier", "2021-45678")]),
        ("passeport 12AB34567", [("numéro de pièce d'identité", "12AB34567")]),
    ],
)  # fmt: skip
def test_each_kind_is_found_with_its_whole_span(text: str, found: list[tuple[str, str]]) -> None:
    assert labelled(text) == found
    assert {label for label, _ in found} <= set(LABELS)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("je m'appelle zyad kermarrec et j'attends", ["zyad", "kermarrec"]),
        ("JE M'APPELLE ZYAD KERMARREC ET J'ATTENDS", ["ZYAD", "KERMARREC"]),
        ("Mme Kermarrec m'a répondu, merci à elle. Kermarrec est son nom.", ["Kermarrec"]),
        ("mme kermarrec m'a répondu", ["kermarrec"]),
        ("M. Ngoc-Anh TRAN et Mme De La Tour d'Auvergne", ["Ngoc", "TRAN", "Tour", "Auvergne"]),
        ("Merci à Sandrine du guichet 3", ["Sandrine"]),
        ("SANDRINE M'A BIEN REÇUE", ["SANDRINE"]),
        ("KERMARREC Sandrine, allocataire", ["KERMARREC", "Sandrine"]),
        ("Rien ne va.\nCordialement\nZyad Kermarrec", ["Zyad", "Kermarrec"]),
        ("Rien ne va. Cordialement, Zyad Kermarrec", ["Zyad", "Kermarrec"]),
        ("Nom : Kermarrec\nPrénom : Zyad", ["Kermarrec", "Zyad"]),
    ],
)
def test_names_are_hidden(text: str, hidden: list[str]) -> None:
    shown = mask(text)
    assert not [one for one in hidden if one.lower() in shown.lower()]


def test_a_known_sender_is_hidden_wherever_the_name_is() -> None:
    text = "Le dossier de kermarrec dort."
    assert mask(text, find(text, known=["Zyad KERMARREC"])) == "Le dossier de [nom] dort."


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "Monsieur le directeur, Madame la maire,", "Très MAUVAIS accueil le 3 mars 2021.",
        "J'ai appelé le 3646.", "Au 0 806 804 208.", "Je paie 150 000 euros, soit 1 234,56 € par mois.",
        "Le formulaire cerfa n° 13750 et la loi n° 2019-828 du 6 août 2019.", "Entre 2019, 2020 et 2022.",
        "je suis marié depuis 2012 et j'ai eu deux enfants", "J'attends depuis six mois, ou sept.",
        "Pôle Emploi et France Travail, Service des Impôts, Sécurité Sociale",
    ],
)  # fmt: skip
def test_what_names_nobody_is_left(text: str) -> None:
    assert mask(text) == text


def test_marks_are_in_order_and_apart_in_any_text() -> None:
    draw = random.Random(4)
    pieces = [
        "Mme", "Durand", "06 12", "34 56 78", "@", "rue", "12", ".", "\n", "fr76", "née le", "2 55 08", "zéro",
    ]  # fmt: skip
    for _ in range(200):
        text = draw.choice((" ", "")).join(draw.choices(pieces, k=12))
        marks = find(text)
        assert all(0 <= one.start < one.end <= len(text) for one in marks)
        assert all(a.end <= b.start for a, b in pairwise(marks))
        assert len(re.findall(r"\[[^\]]+\]", mask(text))) >= bool(marks)
