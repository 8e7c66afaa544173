"""Rules of an administrator: read, tried on past mail, refused when they are not understood."""

from __future__ import annotations

from typing import Any

import pytest

from eclaireur.bricks.intake.rules import first, parse, tried, trusted
from eclaireur.core.errors import BadValueError

LINES = """# les bourses
Bourses : si objet contient « bourse » et expéditeur finit par "@college.exemple.fr" alors Collèges
si message ne contient pas "route" et pièces jointes contient "cv.pdf" alors Ressources humaines
si objet est "Salage" alors Routes
"""


def mail(**fields: Any) -> dict[str, Any]:
    return {"heading": "", "body": "", "sender": "", "attachments": [], "service": "", **fields}


def test_french_lines_and_toml_say_the_same() -> None:
    lines = parse(LINES)
    toml = parse("""
[[regle]]
nom = "Bourses"
si = 'objet contient "bourse" et expéditeur finit par "@college.exemple.fr"'
alors = "Collèges"
""")
    assert toml[0].conditions == lines[0].conditions
    assert (toml[0].name, toml[0].service) == ("Bourses", "Collèges")
    assert [rule.service for rule in lines] == ["Collèges", "Ressources humaines", "Routes"]


@pytest.mark.parametrize(
    ("row", "service"),
    [
        (mail(heading="BOURSE de mon fils", sender="A. B. <a@college.exemple.fr>"), "Collèges"),
        (mail(heading="bourse", sender="a@exemple.fr"), None),
        (mail(heading="Débourser", sender="a@college.exemple.fr"), None),
        (mail(body="Bonjour", attachments=["mon CV.pdf"]), "Ressources humaines"),
        (mail(body="la route", attachments=["mon CV.pdf"]), None),
        (mail(heading=" salage ", body="route"), "Routes"),
    ],
)
def test_a_message_follows_the_first_rule_that_applies(row: dict[str, Any], service: str | None) -> None:
    rule = first(parse(LINES), row)
    assert (rule.service if rule else None) == service


@pytest.mark.parametrize(
    "line",
    [
        "bourse → Collèges",
        "si objet contient bourse alors Collèges",
        'si sujet contient "bourse" alors Collèges',
        'si objet contient "a" et alors Collèges',
        'si objet contient "a" ou objet contient "b" alors Collèges',
        '[[regle]]\nsi = 3\nalors = "x"',
        "[[regle]\nsi",
    ],
)
def test_a_line_that_is_no_rule_is_named(line: str) -> None:
    with pytest.raises(BadValueError):
        parse(line)


def test_a_trial_counts_what_would_move_and_what_would_be_wrong() -> None:
    (rule,) = parse('si objet contient "carte" alors Autonomie')
    rows = [
        mail(heading="Carte de stationnement", service="Autonomie"),
        mail(heading="Carte ancienne", service="Archives"),
        mail(heading="Carte grise"),
        mail(heading="Route", service="Routes"),
    ]
    (found,) = tried([rule], rows)
    assert (found.matched, found.moved, found.right, found.wrong) == (3, 1, 1, (1,))
    assert trusted([rule], rows)[rule] == 0.5
