"""The explicit mention is on every screen, letter and file that carries a score: nothing can forget it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eclaireur.core import mention
from eclaireur.core.catalog import cards
from eclaireur.core.mention import MARK

PACKAGE = Path(mention.__file__).parent.parent
TEMPLATES = PACKAGE / "desk" / "templates" / "desk"

CARRIES = re.compile(r"\{\{[^}]*\b(score|rank|risk|low|high|blocks|confidence)\b")
"""What in a template shows a score, a rank, or blocks that may hold one."""

SAYS = re.compile(r"desk/parts/mention\.html|in mentions\b|\bmentions\.items\b")

WITHIN = {"parts/lines.html": "list.html"}
"""Parts that show scores and stand in a page that says the mention: part → page."""

ASIDE = {
    "annotations.html": "agreement of two people: no score of a subject",
    "registers.html": "what was done and by whom: nobody is scored",
    "lecture.html": "what a file holds: nothing is scored",
    "parts/intake_share.html": "shares of answers, of the desk's own figures: nobody is scored",
    "intake_campaign.html": "what people preferred between two set-ups: nobody is scored",
}
"""Templates that look as if they showed a score, and why they do not."""

WRITERS = {
    "sheet_pdf",
    "write_geojson",
    "write_geopackage",
    "write_html",
    "write_list",
    "write_odt",
    "write_pdf",
    "write_report",
    "write_rows",
}
"""Functions that write files for people: each is given what must be said with them."""


def _templates() -> dict[str, str]:
    return {
        path.relative_to(TEMPLATES).as_posix(): path.read_text(encoding="utf-8")
        for path in TEMPLATES.rglob("*.html")
        if path.parent.name != "blocks"
    }


def test_every_template_that_shows_a_score_says_the_mention() -> None:
    templates = _templates()
    carrying = {name for name, text in templates.items() if CARRIES.search(text)}
    assert {"subject.html", "parts/sheet.html", "report.html", *WITHIN, *ASIDE} <= carrying
    for name in sorted(carrying - set(ASIDE)):
        page = templates[WITHIN.get(name, name)]
        assert SAYS.search(page), f"{name} shows a score without the mention"
        assert page is templates[name] or name in page


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in WRITERS:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno} {name}", node


def test_every_writer_is_given_the_mentions() -> None:
    found = list(_calls())
    assert len(found) > 10
    for where, call in found:
        assert any(one.arg == "mentions" for one in call.keywords), where


@pytest.mark.parametrize("card", cards(), ids=lambda card: card.name)
def test_what_a_card_says_is_whole(card: object) -> None:
    said = mention.mentions(card, "guichet@exemple.fr")  # type: ignore[arg-type]
    assert tuple(said) == mention.HEADINGS
    assert all(text.strip() for text in said.values())
    assert len(said["Mention"]) < 420  # the foot of a page of PDF holds no more
    line = mention.one_line(card, "guichet@exemple.fr")  # type: ignore[arg-type]
    for told in (MARK, "Finalité :", "L. 311-3-1", "CADA", "un mois", "deux mois", "guichet@exemple.fr"):
        assert told in line, told
    assert MARK in mention.SHORT
    assert ".." not in line


def test_every_letter_template_of_every_case_has_the_mention() -> None:
    for card in cards():
        for letter in card.procedure.letters:
            text = (card.folder / letter.file).read_text(encoding="utf-8")
            assert "$mention" in text, f"{card.name}: {letter.file}"
