"""Letters: what the desk knows fills the blanks, what it does not know is said, a wrong template too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from eclaireur.core.card import Card
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import ConfigError, NotFoundError
from eclaireur.core.procedure import LetterTemplate
from eclaireur.desk import letters
from eclaireur.desk.letters import draft, letter_pdf
from eclaireur.desk.models import Dossier
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database


@pytest.fixture
def dossier(desk: Desk) -> Dossier:
    item = desk.worklist.items.select_related("target__dossier").first()
    assert item is not None
    found: Dossier = item.target.dossier
    found.name, found.due = "Chez $agent & Léa", date(2026, 12, 24)
    found.save()
    return found


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template of a card in a folder of its own; write its text there."""
    card = find_card(CASE)
    model = LetterTemplate(code="prior", title="Courrier", file="a.txt")
    other: Card = replace(card, folder=tmp_path, procedure=replace(card.procedure, letters=(model,)))
    monkeypatch.setattr(letters, "find_card", lambda _: other)
    return tmp_path / "a.txt"


@pytest.mark.parametrize("code", [one.code for one in find_card(CASE).procedure.letters])
def test_each_template_of_the_case_is_filled(desk: Desk, dossier: Dossier, code: str) -> None:
    text = draft(dossier, code, desk.agent)

    assert "« Chez $agent & Léa »" in text
    assert dossier.key in text
    assert "Ada Martin" in text
    assert "traitement algorithmique" in text
    assert find_card(CASE).law.appeal in text
    assert "à compléter" not in text


def test_every_blank_is_filled(desk: Desk, dossier: Dossier, template: Path) -> None:
    template.write_text("|".join(f"${name}" for name in letters.FIELDS) + " 5 $$", encoding="utf-8")

    name, key, address, due, agent, today, mention = draft(dossier, "prior", desk.agent).split("|")
    assert (name, key, due, agent) == ("Chez $agent & Léa", dossier.key, "24/12/2026", "Ada Martin")
    assert len(address) > 5
    assert date(int(today[6:]), int(today[3:5]), int(today[:2])) >= date(2026, 1, 1)
    assert mention.endswith("5 $")


def test_what_is_not_known_is_for_the_agent_to_complete(desk: Desk, template: Path) -> None:
    template.write_text("$adresse, $echeance", encoding="utf-8")
    unknown = Dossier.objects.create(case=CASE, subject="siret:00000000000000", area=desk.area)

    assert draft(unknown, "prior", desk.agent) == "[adresse à compléter], [échéance à compléter]"


@pytest.mark.parametrize("text", ["Bonjour $prenom", "Bonjour ${nom", "5 $ par jour"])
def test_a_blank_that_nothing_fills_is_said(desk: Desk, dossier: Dossier, template: Path, text: str) -> None:
    template.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match="champ inconnu") as error:
        draft(dossier, "prior", desk.agent)
    assert "$echeance" in str(error.value)


def test_a_template_that_is_not_there_or_elsewhere_is_refused(
    desk: Desk, dossier: Dossier, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="n'existe pas"):
        draft(dossier, "prior", desk.agent)
    card = find_card(CASE)
    away = LetterTemplate(code="prior", title="Courrier", file="../secret.txt")
    (template.parent.parent / "secret.txt").write_text("secret", encoding="utf-8")
    moved = replace(card, folder=template.parent, procedure=replace(card.procedure, letters=(away,)))
    monkeypatch.setattr(letters, "find_card", lambda _: moved)
    with pytest.raises(ConfigError, match="n'existe pas"):
        draft(dossier, "prior", desk.agent)


def test_an_unknown_template_is_refused(desk: Desk, dossier: Dossier) -> None:
    with pytest.raises(NotFoundError, match="modèle de lettre inconnu"):
        draft(dossier, "amende", desk.agent)


def test_a_letter_is_a_pdf() -> None:
    assert letter_pdf("Objet : contrôle\n\nMadame, Monsieur,").startswith(b"%PDF-")
