"""DOCX, ODT and RTF: what a person sees in order, the rest apart, nothing expanded out of measure."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.reading import Outcome
from tests.document_builders import aside, read

ODT_TYPE = "application/vnd.oasis.opendocument.text"
SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
)


def saved(document: Any) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def word() -> Any:
    import docx

    return docx.Document()


def with_xml(document: Any, xml: str) -> bytes:
    """Return a document with a paragraph written in XML at its end."""
    from docx.oxml import parse_xml

    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document.element.body.insert(0, parse_xml(f'<w:p xmlns:w="{space}">{xml}</w:p>'))
    return saved(document)


def zipped(files: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def odt(body: str, styles: str = "", *, others: dict[str, str | bytes] | None = None) -> bytes:
    content = (
        f"<office:document-content {SPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return zipped({"mimetype": ODT_TYPE, "content.xml": content, **(others or {})})


def test_a_word_document_is_read_in_order_with_its_table_header_and_author() -> None:
    document = word()
    document.core_properties.title = "Lettre de suite"
    document.core_properties.author = "Division de Lyon"
    document.sections[0].header.paragraphs[0].text = "Direction régionale"
    document.add_paragraph("Monsieur le directeur,")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Site", "Écarts", "Bugey", "2"], strict=True):
        cell.text = text
    document.add_paragraph("Une réponse est attendue.")
    found = read(saved(document), "a.docx")

    assert found.text == "Monsieur le directeur,\n\nSite\tÉcarts\nBugey\t2\n\nUne réponse est attendue."
    assert [part.text for part in aside(found, PartKind.TABLE)] == ["Site\tÉcarts\nBugey\t2"]
    assert [part.text for part in aside(found, PartKind.HEADER)] == ["Direction régionale"]
    assert (found.title, found.author) == ("Lettre de suite", "Division de Lyon")
    assert found.outcome is Outcome.LU


def test_hidden_white_and_tiny_runs_are_set_aside() -> None:
    from docx.shared import Pt, RGBColor

    document = word()
    paragraph = document.add_paragraph("Visible. ")
    paragraph.add_run("masqué ").font.hidden = True
    paragraph.add_run("blanc ").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run("minuscule ").font.size = Pt(1)
    paragraph.add_run("Encore.")
    found = read(saved(document), "a.docx")

    assert found.text == "Visible. Encore."
    parts = aside(found, PartKind.INVISIBLE)
    assert [part.text for part in parts] == ["masqué", "blanc", "minuscule"]
    assert [part.why for part in parts][1] == "blanc sur blanc"
    assert [doubt.count for doubt in found.doubts] == [3]


def test_a_style_hides_text_and_a_dark_cell_shows_white_text() -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml import parse_xml
    from docx.shared import RGBColor

    document = word()
    style = document.styles.add_style("Caché", WD_STYLE_TYPE.PARAGRAPH)
    style.font.hidden = True
    document.add_paragraph("par son style", style=style)
    cell = document.add_table(rows=1, cols=2)._cells[0]
    cell.paragraphs[0].add_run("Titre du tableau").font.color.rgb = RGBColor(255, 255, 255)
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:shd xmlns:w="{space}" w:val="clear" w:fill="1F4E79"/>'))
    found = read(saved(document), "a.docx")

    assert [part.text for part in aside(found, PartKind.INVISIBLE)] == ["par son style"]
    assert "Titre du tableau" in found.text


def test_insertions_are_read_and_deletions_are_not() -> None:
    xml = (
        "<w:r><w:t xml:space='preserve'>Le délai est de </w:t></w:r>"
        "<w:del w:author='a'><w:r><w:delText>deux</w:delText></w:r></w:del>"
        "<w:ins w:author='a'><w:r><w:t>trois</w:t></w:r></w:ins>"
        "<w:r><w:t xml:space='preserve'> mois.</w:t></w:r>"
    )
    found = read(with_xml(word(), xml), "a.docx")

    assert found.text == "Le délai est de trois mois."
    assert [doubt.message for doubt in found.doubts] == [
        "Modifications non acceptées : 1 ajout lu, 1 suppression écartée."
    ]


def test_comments_of_a_word_document_are_apart() -> None:
    document = word()
    paragraph = document.add_paragraph("Une réponse est attendue.")
    document.add_comment(paragraph.runs, text="À relire", author="Zoé", initials="Z")
    found = read(saved(document), "a.docx")

    assert found.text == "Une réponse est attendue."
    assert [part.text for part in aside(found, PartKind.COMMENT)] == ["Zoé : À relire"]


@pytest.mark.parametrize("name", ["word/document.xml", "word/styles.xml"])
def test_a_dtd_anywhere_in_a_word_document_is_refused(name: str) -> None:
    whole = io.BytesIO(saved(word()))
    with zipfile.ZipFile(whole) as archive:
        files: dict[str, str | bytes] = {one: archive.read(one) for one in archive.namelist()}
    content = files[name]
    assert isinstance(content, bytes)
    declaration, _, rest = content.partition(b"?>")
    files[name] = declaration + b'?><!DOCTYPE x [<!ENTITY a "b">]>' + rest
    found = read(zipped(files), "a.docx")

    assert found.outcome is Outcome.REFUSE
    assert "DTD" in found.reason


def test_a_container_that_expands_out_of_measure_is_refused_before_it_does() -> None:
    found = read(zipped({"word/document.xml": b" " * 30_000_000}), "a.docx")

    assert found.outcome is Outcome.REFUSE
    assert "démesurément" in found.reason


def test_a_text_of_libreoffice_is_read_with_its_notes_and_table_apart() -> None:
    body = (
        "<text:h>Lettre de suite</text:h>"
        "<text:p>Monsieur<text:s/>le directeur,<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>Voir l’annexe.</text:p></text:note-body></text:note> bonjour.</text:p>"
        "<table:table><table:table-row><table:table-cell><text:p>Site</text:p></table:table-cell>"
        "<table:table-cell><text:p>Écarts</text:p></table:table-cell></table:table-row></table:table>"
    )
    meta = (
        f"<office:document-meta {SPACES}><office:meta><dc:title>Titre</dc:title>"
        "<meta:initial-creator>Zoé</meta:initial-creator><meta:creation-date>2024-03-12T10:00:00</meta:creation-date>"
        "</office:meta></office:document-meta>"
    )
    found = read(odt(body, others={"meta.xml": meta}), "a.odt")

    assert found.text == "Lettre de suite\n\nMonsieur le directeur, bonjour.\n\nSite\tÉcarts"
    assert [part.text for part in aside(found, PartKind.NOTE)] == ["Voir l’annexe."]
    assert (found.title, found.author, str(found.date)) == ("Titre", "Zoé", "2024-03-12 10:00:00")


def test_hidden_and_deleted_text_of_libreoffice_is_not_in_the_text() -> None:
    styles = (
        '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="T2"><style:text-properties fo:color="#ffffff"/></style:style>'
        '<style:style style:name="T3" style:parent-style-name="T2">'
        '<style:text-properties fo:background-color="#000000"/></style:style>'
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>supprimé</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        '<text:p>Vu <text:span text:style-name="T1">masqué</text:span>'
        '<text:span text:style-name="T2">blanc</text:span>'
        '<text:span text:style-name="T3">sur fond noir</text:span></text:p>'
    )
    found = read(odt(body, styles), "a.odt")

    assert found.text == "Vu sur fond noir"
    assert [part.text for part in aside(found, PartKind.INVISIBLE)] == ["masqué", "blanc"]
    assert "changes" in {doubt.kind for doubt in found.doubts}


def test_a_dtd_in_a_text_of_libreoffice_is_refused() -> None:
    data = zipped({"mimetype": ODT_TYPE, "content.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'})

    assert "DTD" in read(data, "a.odt").reason


def test_rtf_gives_its_text_with_accents_and_its_hidden_text_apart() -> None:
    data = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x}\f0 Contr\'f4le du 12\~mars \u8364? 5"
        rb"{\v secret}\par Fin {\b gras}.\par}"
    )
    found = read(data, "a.rtf")

    assert found.text == "Contrôle du 12\u00a0mars € 5\n\nFin gras."
    assert [part.text for part in aside(found, PartKind.INVISIBLE)] == ["secret"]
