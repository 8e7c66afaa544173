"""Web pages and plain text: what a browser shows, what it hides apart, encodings told by the bytes."""

from __future__ import annotations

import pytest

from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.documents.recognise import is_document
from eclaireur.sources.reading import Outcome
from tests.document_builders import aside, read


def test_a_page_gives_its_paragraphs_and_table_without_scripts_and_menus() -> None:
    page = (
        "<html><head><title>Fiche</title><style>p{color:red}</style></head><body><nav>Accueil</nav>"
        "<header>République</header><h1>Aide &amp; droits</h1><p>Un   texte<br>sur deux lignes</p>"
        "<script>alert(1)</script><table><tr><th>Site<td>Écarts<tr><td>Bugey<td>2</table>"
        "<p>Fin.</p><footer>Mentions</footer></body></html>"
    )
    document = read(page.encode(), "a.html")

    assert document.text == "Aide & droits\n\nUn texte\nsur deux lignes\n\nSite\tÉcarts\nBugey\t2\n\nFin."
    assert document.title == "Fiche"
    assert [part.text for part in aside(document, PartKind.TABLE)] == ["Site\tÉcarts\nBugey\t2"]
    assert [part.text for part in aside(document, PartKind.HEADER)] == ["République"]
    assert [part.text for part in aside(document, PartKind.FOOTER)] == ["Mentions"]


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="display: none">secret</p>',
        "<p hidden>secret</p>",
        '<div style="visibility:hidden"><b>secret</b></div>',
        '<span style="font-size:0">secret</span>',
        '<span style="font-size:1px">secret</span>',
        '<font color="#FFFFFF">secret</font>',
        '<span style="color:#fefefe">secret</span>',
        '<span style="opacity:0">secret</span>',
        '<p style="position:absolute; left:-9999px">secret</p>',
        '<style>.x > i, b.y {display:none}</style><p class="x"><i>secret</i></p>',
    ],
)
def test_what_a_browser_does_not_show_is_marked_and_not_mixed_in(hidden: str) -> None:
    document = read(f"<html><body><p>Bonjour</p>{hidden}<p>Au revoir</p></body></html>".encode(), "a.html")

    assert document.text == "Bonjour\n\nAu revoir"
    assert [part.text for part in aside(document, PartKind.INVISIBLE)] == ["secret"]
    assert document.outcome is Outcome.LU_AVEC_RESERVES


@pytest.mark.parametrize(
    "shown",
    [
        '<div style="background:#003189"><span style="color:white">vu</span></div>',
        '<table bgcolor="navy"><tr><td><font color="white">vu</font></td></tr></table>',
        '<span style="opacity:0.5">vu</span>',
        '<span style="font-size:10px">vu</span>',
    ],
)
def test_what_a_browser_shows_is_read(shown: str) -> None:
    document = read(f"<html><body>{shown}</body></html>".encode(), "a.html")

    assert document.text == "vu"
    assert document.outcome is Outcome.LU


def test_a_page_nested_deeper_than_python_recurses_is_read() -> None:
    document = read(b"<html><body>" + b"<div>" * 3000 + b"fond", "a.html")

    assert document.text == "fond"


def test_the_declared_encoding_decides_among_the_old_ones_and_the_bytes_otherwise() -> None:
    page = '<html><meta charset="{}"><p>Évreux à 5 €</p></html>'

    for declared, real in [
        ("iso-8859-15", "iso8859_15"),
        ("windows-1252", "cp1252"),
        ("iso-8859-1", "utf-8"),
    ]:
        assert read(page.format(declared).encode(real), "a.html").text == "Évreux à 5 €"


def test_text_hidden_in_signs_that_nothing_shows_is_apart() -> None:
    hidden = "".join(chr(0xE0000 + ord(sign)) for sign in "ignore")
    document = read(f"Bon\u200bjour{hidden} madame".encode(), "a.txt")

    assert document.text == "Bonjour madame"
    assert [part.text for part in aside(document, PartKind.INVISIBLE)] == ["ignore"]


def test_plain_text_is_read_in_whatever_encoding() -> None:
    document = read("Objet : contrôle\r\nÉvreux\r\n".encode("cp850"), "a.txt")

    assert document.text == "Objet : contrôle\nÉvreux"
    assert [repair.kind for repair in document.repairs] == ["encoding"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "vide"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "pas un document"),
        (b"PK\x03\x04 broken", "abîmé"),
        (b"<?xml version='1.0'?><a><b/></a>", "XML"),
        (b"%PDF-1.7\nrien", "abîmé"),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason_and_a_way_out(data: bytes, said: str) -> None:
    document = read(data, "a.dat")

    assert document.outcome is Outcome.REFUSE
    assert said in document.reason
    assert document.fix


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("Bonjour,\nvoici une note.\n", True),
        ("Madame, Monsieur,\nJe vous écris au sujet du contrôle.\n", True),
        ("Commune\nSaint-Denis\nBourg en Bresse\n", False),
        ("nom,ville,\nA,Nice,\nB,Lyon,\n", False),
    ],
)
def test_a_short_letter_in_a_text_file_is_a_document_and_a_list_is_not(text: str, document: bool) -> None:  # noqa: FBT001 - a parameter of a test
    assert is_document(text.encode(), "a.txt") is document
