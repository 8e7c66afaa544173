"""Bad files as documents, in the confined reader: one of three outcomes, never an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eclaireur.sources.documents import read_document
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Outcome

EVERY = 17
SLOW = {"parent_loop_form.pdf", "bug1799927.pdf"}
"""Read in `./eclaireur prove` alone: they take all the time granted, or are long to recognise."""


@pytest.fixture(scope="module")
def reader() -> Iterator[Isolated]:
    with Isolated() as own:
        yield own


def test_a_sample_of_each_family_gives_an_outcome(hostile_files: Path, reader: Isolated) -> None:
    by_family: dict[str, list[Path]] = {}
    for path in sorted(hostile_files.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name.split("__")[-1] not in SLOW:
            by_family.setdefault(str(path.parent), []).append(path)
    wanted = {"pdf", "office", "mail", "html", "text", "xml", "docx"}
    chosen = [
        path for place, paths in by_family.items() if Path(place).name in wanted for path in paths[::EVERY]
    ]
    found = [read_document(path, reader=reader, seconds=20) for path in chosen]

    assert len(found) > 40
    assert {document.outcome for document in found} == set(Outcome)
    assert [
        document.file for document in found if document.outcome is Outcome.REFUSE and not document.fix
    ] == []
    ended = [one.file for one in found if "demande trop de mémoire" in one.reason]
    assert ended == []


GENERATED = {
    "pdf/ok_winansi.pdf": (Outcome.LU, "Contrôle à l’établissement : 12 000 €"),
    "pdf/hidden_text_injection.pdf": (Outcome.LU_AVEC_RESERVES, "Lettre de suite"),
    "pdf/js_openaction.pdf": (Outcome.LU_AVEC_RESERVES, "x"),
    "pdf/empty.pdf": (Outcome.REFUSE, "vide"),
    "pdf/encrypted_user_password.pdf": (Outcome.REFUSE, "mot de passe"),
    "pdf/garbage_after_header.pdf": (Outcome.REFUSE, "abîmé"),
    "pdf/truncated.pdf": (Outcome.REFUSE, "abîmé"),
    "pdf/page_tree_loop.pdf": (Outcome.REFUSE, "abîmées"),
    "docx/billion_laughs.docx": (Outcome.REFUSE, "DTD"),
    "docx/xxe_file.docx": (Outcome.REFUSE, "DTD"),
    "docx/xxe_http.docx": (Outcome.REFUSE, "DTD"),
    "docx/spaces_200MB.docx": (Outcome.REFUSE, "démesurément"),
    "docx/nested_tables_800.docx": (Outcome.REFUSE, "imbriqué"),
    "docx/truncated.docx": (Outcome.REFUSE, "abîmé"),
    "docx/html_renamed.docx": (Outcome.LU, "Café"),
    "docx/hidden_prompt_injection.docx": (Outcome.LU_AVEC_RESERVES, "Monsieur le directeur"),
    "docx/remote_template.docx": (Outcome.LU_AVEC_RESERVES, "Rapport d’inspection"),
    "docx/zip_slip.docx": (Outcome.LU, "Rapport d’inspection"),
    "image/bomb_30000x30000.png": (Outcome.REFUSE, "trop grande"),
    "image/one_pixel_1e9.tif": (Outcome.REFUSE, "trop grande"),
    "image/script.svg": (Outcome.REFUSE, "XML"),
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_bad_document_gives_what_is_expected_of_it(
    hostile_files: Path, reader: Isolated, name: str
) -> None:
    document: Document = read_document(hostile_files / "generated" / name, reader=reader)
    outcome, said = GENERATED[name]

    assert document.outcome is outcome
    assert said in (document.reason or document.text)
    # What is hidden to be obeyed never reaches the text.
    assert "CANARI" not in document.text
    if "hidden" in name:
        assert any("CANARI" in part.text for part in document.parts if part.kind is PartKind.INVISIBLE)


def test_a_pdf_that_hangs_its_parser_is_refused_and_the_next_one_is_read(hostile_files: Path) -> None:
    folder = hostile_files / "generated" / "pdf"
    with Isolated() as reader:
        hung = read_document(folder / "parent_loop_form.pdf", reader=reader, seconds=2)
        read = read_document(folder / "ok_winansi.pdf", reader=reader)

    assert hung.outcome is Outcome.REFUSE
    assert "temps" in hung.reason
    assert read.outcome is Outcome.LU
