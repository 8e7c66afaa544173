"""What makes a message urgent, what only seems to, and a file of one's own expressions."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclaireur.bricks.intake.urgency import READ_FIRST, read_patterns, urgency
from eclaireur.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Je n'en peux plus, je ne veux plus vivre.", "idées suicidaires"),
        ("pas de réponse et je vais me suicider", "idées suicidaires"),
        ("Mon mari m'a frappée hier soir.", "violences ou menaces"),
        ("J'AI PEUR POUR MA VIE", "violences ou menaces"),
        ("Il y a une fuite de gaz dans le hall.", "danger pour une personne"),
        ("Mon fils est hospitalisé et attend.", "santé"),
        ("Je n'ai plus de médicaments depuis trois jours.", "santé"),
        ("On m'a refusé l'entrée à cause de ma couleur de peau.", "discrimination"),
        ("L'huissier est passé ce matin.", "saisie, expulsion ou perte de ressources"),
        ("Nous n'avons plus de quoi manger.", "saisie, expulsion ou perte de ressources"),
        ("Je pars vendredi et n'ai pas mon passeport.", "échéance proche"),
    ],
)
def test_what_is_urgent_is_read_first_and_says_why(text: str, kind: str) -> None:
    found = urgency(text)
    assert found.level >= READ_FIRST
    assert found.why.startswith(kind)
    first = next(one for one in found.words if one.label == kind)
    assert f"« {text[first.start : first.end]} »" in found.why


@pytest.mark.parametrize(
    "text",
    [
        "", "Votre site est nul, c'est une honte, je suis en colère !!!", "Je ne suis pas en danger, merci.",
        "Aucune discrimination, aucune violence.", "Je suis mort de rire devant ces violences de papier.",
        "Je n'ai jamais été menacé.", "Bien reçue, rapide et efficace.",
    ],
)  # fmt: skip
def test_anger_negation_and_jokes_are_not_urgent(text: str) -> None:
    assert (urgency(text).level, urgency(text).why) == (0.0, "")


def test_a_negation_stops_at_its_clause() -> None:
    assert urgency("Pas de réponse, et mon mari m'a menacée.").level >= READ_FIRST


def test_kinds_add_up_and_stay_under_one() -> None:
    one = urgency("L'huissier vient.").level
    both = urgency("L'huissier vient. Mon fils est hospitalisé.").level
    assert READ_FIRST < one < both < 1


def test_a_file_of_ones_own_is_read_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "urgency.toml"
    kind = '[[kind]]\nname = "flood"\ntitle = "inondation"\nweight = 0.8\nsays = ["\\\\binond\\\\w+"]\n'
    path.write_text('denied = ["aucune"]\nfalse_friends = ["de larmes"]\n' + kind, encoding="utf-8")
    own = read_patterns(path)
    assert urgency("La cave est inondée.", own).why == "inondation (« inondée »)"
    assert urgency("La rue fut inondée de larmes.", own).level == 0
    path.write_text('denied = ["("]\nfalse_friends = []\n' + kind, encoding="utf-8")
    with pytest.raises(ConfigError, match="motifs illisibles"):
        read_patterns(path)
