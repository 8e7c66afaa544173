"""Mails cut into parts, as people and programs write them."""

from __future__ import annotations

import random

import pytest

from eclaireur.bricks.intake.parts import own_text, segment

OUTLOOK = """Bonjour Madame,

Je vous renvoie le formulaire signé.

Bien cordialement,
Aline Morvelle
Chargée de mission

De : Accueil <accueil@exemple.fr>
Envoyé : lundi 5 janvier 2026 10:12
À : Aline Morvelle
Objet : Formulaire

Bonjour, il manque la signature.
"""


def said(body: str) -> list[tuple[str, str]]:
    return [(part.kind.value, body[part.start : part.end].strip()) for part in segment(body)]


def test_the_parts_of_a_mail_of_outlook() -> None:
    found = said(OUTLOOK)
    assert [kind for kind, _ in found] == ["greeting", "body", "signature", "quoted"]
    assert found[1][1] == "Je vous renvoie le formulaire signé."
    assert found[2][1].startswith("Bien cordialement")
    assert found[3][1].startswith("De : Accueil")


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ("Bonjour, où en est mon dossier ? Cordialement, A. B.", "où en est mon dossier ?"),
        ("Madame la Présidente,\nLa route est fermée.\nSalutations", "La route est fermée."),
        ("La route est fermée.\n\nEnvoyé de mon iPhone", "La route est fermée."),
        ("La route est fermée.\n-- \nA. B.\n06 99 00 00 00", "La route est fermée."),
        ("Oui.\n\nLe 5 janv. 2026 à 10:00, Accueil <a@exemple.fr> a\nécrit :\n> Venez-vous ?", "Oui."),
        ("Oui.\n-----Message d'origine-----\nDe : Accueil\nVenez-vous ?", "Oui."),
        ("Yes.\n\nOn Mon, Jan 5, 2026 at 10:00 AM Desk wrote:\n\n> Coming?", "Yes."),
        ("Madame", "Madame"),
        ("Je vous remercie.", "Je vous remercie."),
        ("La carte est cordialement refusée.", "La carte est cordialement refusée."),
    ],
)  # fmt: skip
def test_what_the_author_asks_is_found(body: str, own: str) -> None:
    assert own_text(body) == own


def test_answers_between_quoted_lines_stay_the_author_s() -> None:
    body = "Le 5 janvier 2026, Accueil a écrit :\n> Venez-vous ?\nOui.\n> À quelle heure ?\nDix heures.\n"
    assert [kind for kind, _ in said(body)] == ["quoted", "body", "quoted", "body"]
    assert "Dix heures." in own_text(body)


def test_a_forwarded_mail_is_what_is_asked() -> None:
    body = "---------- Forwarded message ---------\nDe : A. B.\nMa carte est perdue.\n"
    assert "Ma carte est perdue." in own_text(body)


def test_parts_cover_the_body_without_overlap_whatever_it_is() -> None:
    draw = random.Random(4)
    lines = [
        *OUTLOOK.splitlines(),
        "> cité",
        "-- ",
        "",
        "Le 5 mai, A. a écrit :",
        "bonjour",
        "\x00\u2028",
        "🙂" * 3,
    ]
    for _ in range(300):
        body = draw.choice(("\n", "\r\n")).join(draw.choices(lines, k=draw.randint(0, 14)))
        parts = segment(body)
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])][: len(parts)]
        assert (parts[-1].end if parts else 0) == len(body)


def test_a_mail_of_five_megabytes_is_cut_at_once() -> None:
    body = "Bonjour,\n" + "La route est fermée. " * 250_000
    parts = segment(body)
    assert parts[-1].end == len(body)
    assert parts[0].kind.value == "greeting"
