"""PDF of blocks and letters, read back by Poppler: words, pages, mention, title, embedded fonts."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.core import view
from eclaireur.core.pdf import clean, write_letter, write_pdf
from tests.core.test_terminal import BLOCKS

MENTION = "Cette liste a été établie à l'aide d'un traitement algorithmique ; l'agent décide."
MENTIONS = {"Mention": MENTION, "Recours": "Saisissez la CADA sous deux mois."}
DAY = date(2026, 11, 20)

Read = Callable[..., str]


def made(*blocks: view.Block, title: str = "Liste", mentions: dict[str, str] = MENTIONS) -> bytes:
    target = io.BytesIO()
    write_pdf(blocks, target, title=title, mentions=mentions, day=DAY)
    return target.getvalue()


@pytest.fixture
def read(program: Callable[[str], str], tmp_path: Path) -> Read:
    """Text of a PDF, a form feed after each page; another program of Poppler says other things."""

    def ask(content: bytes, name: str = "pdftotext", *options: str) -> str:
        path = tmp_path / "a.pdf"
        path.write_bytes(content)
        rest = ("-",) if name == "pdftotext" else ()
        done = subprocess.run([program(name), *options, str(path), *rest], capture_output=True, check=True)
        assert not done.stderr, done.stderr
        return done.stdout.decode()

    return ask


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_every_block_is_written_with_its_title(kind: type, read: Read) -> None:
    block = BLOCKS[kind]
    text = flat(read(made(block)))

    assert block.title in text
    empty = flat(read(made()))
    assert len(text) > len(empty) + len(block.title) + 5


def test_data_are_never_markup(read: Read) -> None:
    hostile = '<b>gras</b> <img src="file:///etc/passwd"/> &amp; <para>'
    text = flat(read(made(view.Facts(title=hostile, pairs=((hostile, hostile),)), title=hostile)))

    assert text.count(hostile) >= 4


def test_numbers_dates_and_reasons_are_french(read: Read) -> None:
    text = flat(read(made(BLOCKS[view.Table], BLOCKS[view.Funnel], BLOCKS[view.Reasons])))

    assert "31\u00a0%" in text or "31 %" in text
    assert "20/11/2026" in text
    assert re.search("12\\s345", text)
    assert text.index("Ce qui augmente") < text.index("Deux mauvais") < text.index("Ce qui diminue")


def test_each_page_says_its_number_the_date_and_the_mention(read: Read) -> None:
    rows = [{"name": f"Établissement {at}", "n": at} for at in range(300)]
    columns = (view.Column(key="name", title="Nom"), view.Column(key="n", title="Numéro", align="right"))
    pages = read(made(view.Table(title="Longue", columns=columns, rows=rows))).split("\f")[:-1]

    assert len(pages) > 4
    for number, page in enumerate(pages, start=1):
        text = flat(page)
        assert f"page {number} sur {len(pages)}" in text
        assert "20/11/2026" in text
        assert MENTION in text
        # The last page may hold the mentions alone.
        assert "Numéro" in text or number == len(pages)
    whole = flat(" ".join(pages))
    assert all(f"Établissement {at} " in whole for at in range(300))
    assert "Saisissez la CADA" in whole


def test_a_row_longer_than_a_page_goes_on_over_the_next(read: Read) -> None:
    rows = [{"name": "mot " * 900, "why": "a" * 3900}]
    columns = (view.Column(key="name", title="Nom"), view.Column(key="why", title="Raison"))

    text = read(made(view.Table(title="T", columns=columns, rows=rows)))

    assert text.count("mot") == 900


def test_the_document_says_title_and_language_and_embeds_its_fonts(read: Read) -> None:
    content = made(BLOCKS[view.Facts], title="Fiche de « Chez Léa »")

    assert "Fiche de « Chez Léa »" in read(content, "pdfinfo")
    assert b"/Lang" in content
    assert b"fr-FR" in content
    assert b"/DisplayDocTitle true" in content
    fonts = [line.split() for line in read(content, "pdffonts").splitlines()[2:]]
    assert fonts
    assert all("Vera" in line[0] and "yes" in line for line in fonts)


def test_a_wide_table_turns_the_page(read: Read) -> None:
    columns = tuple(view.Column(key=str(at), title=f"c{at}") for at in range(9))

    assert "841.89 x 595.276" in read(made(view.Table(title="", columns=columns, rows=[{}])), "pdfinfo")
    assert "595.276 x 841.89" in read(made(BLOCKS[view.Facts]), "pdfinfo")


def test_the_same_blocks_give_the_same_bytes() -> None:
    assert made(*BLOCKS.values()) == made(*BLOCKS.values())


def test_what_differs_is_marked_on_both_sides(read: Read) -> None:
    text = flat(read(made(BLOCKS[view.Diff])))

    assert "deux" in text
    assert "trois" in text


def test_an_unknown_form_of_chart_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    chart = view.Chart(title="", form="pie", x_title="", y_title="", series=(), text="")
    with pytest.raises(ValueError, match="forme de figure inconnue"):
        write_pdf([chart], tmp_path / "a.pdf", title="", mentions={})
    assert not list(tmp_path.iterdir())


@given(st.text(max_size=200))
def test_every_character_is_drawn_or_replaced(text: str) -> None:
    from eclaireur.core.pdf import _glyphs

    assert all(char in "\n\t" or ord(char) in _glyphs() for char in clean(text))


@settings(max_examples=20)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_makes_a_document(one: str, other: str) -> None:
    blocks: list[Any] = [
        view.Facts(title=one, pairs=((other, one),)),
        view.SpanText(title=other, text=one, marks=(view.Mark(start=1, end=9, label=other),)),
        view.Diff(title="", left_title=one, right_title=other, left=one, right=other),
    ]
    assert made(*blocks, title=one).startswith(b"%PDF-")


def test_hostile_words_make_a_document(hostile_files: Path, read: Read) -> None:
    source = hostile_files / "text" / "big-list-of-naughty-strings__blns.txt"
    lines = source.read_text(encoding="utf-8", errors="replace").splitlines()

    text = read(made(view.Facts(title="T", pairs=tuple((line[:40], line) for line in lines))))

    assert "<script>alert" in text


def test_a_letter_keeps_its_lines_and_takes_its_title_from_its_object(read: Read) -> None:
    target = io.BytesIO()
    write_letter("Objet : contrôle à venir\n\nMadame, Monsieur,\n\n<b>Texte</b>\n" + "Suite.\n" * 90, target)
    content = target.getvalue()

    text = flat(read(content))
    assert "Madame, Monsieur, <b>Texte</b> Suite." in text
    assert "page 2 sur" in text
    assert "contrôle à venir" in read(content, "pdfinfo")
