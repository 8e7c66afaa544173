"""Acronyms are learnt from the texts that explain them, and mark the texts that only say their words."""

from __future__ import annotations

import pytest

from eclaireur.bricks.semantic.acronyms import Acronyms
from eclaireur.bricks.semantic.normalise import keys

DPO = (
    "Écrivez à votre délégué à la protection des données (DPO).",
    "Le délégué à la protection des données (DPO)",
)


@pytest.mark.parametrize(
    ("told", "said", "acronym"),
    [
        (
            "la maison départementale des personnes handicapées (MDPH)",
            "Une Maison Départementale des personnes handicapées",
            "mdph",
        ),
        (
            "l'autorité de contrôle (AC), le registre national de l’habitat (RNH)",
            "Registre national de l'habitat",
            "rnh",
        ),
        ("Le CMJ (conseil municipal des jeunes) se réunit", "conseil municipal des jeunes", "cmj"),
        ("un arrêté du Conseil d'État (CE)", "Le Conseil d’État juge.", "ce"),
    ],
)
def test_initials_say_which_words(told: str, said: str, acronym: str) -> None:
    assert Acronyms.learn([told]).of(said) == [acronym]


def test_an_acronym_of_other_letters_is_told_by_what_usually_stands_before_it() -> None:
    known = Acronyms.learn([*DPO, "Ce délégué à la protection des données ( DPO ) est nommé."])

    assert known.forms["dpo"] == (tuple(keys("délégué à la protection des données").split()),)
    assert known.marked("Délégué à la protection des données : qui ?").endswith(" dpo")
    assert Acronyms.learn(DPO).forms == {}, "twice is not usual"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(",
        "Voir plus bas (1). La ville (voir A). Un mot (MOT).",
        "Le ministre. (DGS)",
        "Un organisme de contrôle (XYZ)",
        "(ABC)" * 1000,
        f"{'a ' * 5000}(AAAA)",
    ],
)
def test_what_explains_nothing_teaches_nothing(text: str) -> None:
    assert Acronyms.learn([text]).forms == {}


def test_the_most_usual_long_forms_are_kept_and_a_text_that_has_the_acronym_is_left_as_it_is() -> None:
    known = Acronyms.learn(
        [
            *["centre de formalités des entreprises (CFE)"] * 3,
            *["cotisation foncière des entreprises (CFE)"] * 2,
            "conseil des femmes élues (CFE)",
        ]
    )

    assert len(known.forms["cfe"]) == 2
    assert known.of("conseil des femmes élues") == []
    assert known.of("La cotisation foncière des entreprises se paie en décembre.") == ["cfe"]
    assert (
        known.marked("CFE : la cotisation foncière des entreprises")
        == "CFE : la cotisation foncière des entreprises"
    )
