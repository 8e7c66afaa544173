"""The PDF of a document: who connects data keeps it, who reads sees its pages, marks on the very ink."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from reportlab.lib.utils import simpleSplit

from eclaireur.bricks.semantic.query import leaves, read_query
from eclaireur.core.errors import FileRefusedError
from eclaireur.core.workspace import Workspace
from eclaireur.desk.models import Grant, Role, User
from eclaireur.desk.place import work_on, workspace
from eclaireur.service import originals, searching
from eclaireur.service.indexing import index_case
from eclaireur.sources.documents import draw_page
from eclaireur.sources.isolated import Isolated
from tests.desk.conftest import Desk

SignIn = Callable[[User], Client]
READER = "inspection_letters"
LETTER = "INSSN-2024-0053"
OUTSIDE = "Port-Clair"
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def pdf(pages: Sequence[Sequence[str]], *, turned: int = 0, cropped: bool = False) -> bytes:
    """Write lines on pages, from the top."""
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842))
    for lines in pages:
        if cropped:
            canvas.setCropBox((40, 200, 560, 842))
        canvas.setFont("Helvetica", 11)
        for at, line in enumerate(lines):
            canvas.drawString(70, 780 - 16 * at, line)
        canvas.showPage()
    canvas.save()
    if not turned:
        return target.getvalue()
    result = io.BytesIO()
    with pypdfium2.PdfDocument(target.getvalue()) as made:
        for page in made:
            page.set_rotation(turned)
        made.save(result)
    return result.getvalue()


@pytest.fixture(scope="module")
def reader() -> Iterator[Isolated]:
    """One confined child for the tests of this file: starting one costs a second."""
    with Isolated() as child:
        yield child


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("turned", "cropped"), [(0, False), (0, True), (90, False), (180, False), (270, True)]
)
def test_marks_stand_on_the_ink_of_their_words_however_the_page_is_turned_or_cut(
    tmp_path: Path, reader: Isolated, turned: int, *, cropped: bool
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([["Une ligne", "", "", "dosimètre", "", "", "fin"]], turned=turned, cropped=cropped))
    kept = originals.keep(Workspace.open(tmp_path / "home"), READER, "x", path, reader=reader)
    (shown,) = kept.shown(1, list(leaves(read_query("dosimètre").tree)))
    (box,) = shown.boxes
    picture = np.asarray(
        Image.open(io.BytesIO(draw_page(kept.path, 1, width=1200, reader=reader))).convert("L")
    )
    scale = picture.shape[1] / kept.pages[0].width
    assert abs(picture.shape[0] / kept.pages[0].height - scale) < 0.01
    x0, y0, x1, y1 = (round(scale * one) for one in (box.x0, box.y0, box.x1, box.y1))
    # The word stands alone on its line: all ink within a line's height of its box is its own.
    around = 20
    top, left = max(y0 - around, 0), max(x0 - around, 0)
    ink = np.argwhere(picture[top : y1 + around, left : x1 + around] < 128)
    ink += np.array([top, left])
    (ink_y0, ink_x0), (ink_y1, ink_x1) = ink.min(axis=0), ink.max(axis=0)
    along = [(x0, ink_x0), (x1, ink_x1)] if turned in {0, 180} else [(y0, ink_y0), (y1, ink_y1)]
    across = [(y0, ink_y0), (y1, ink_y1)] if turned in {0, 180} else [(x0, ink_x0), (x1, ink_x1)]
    assert all(abs(edge - found) <= 4 for edge, found in along), along
    assert across[0][0] <= across[0][1] + 2
    assert across[1][0] >= across[1][1] - 2
    assert across[1][0] - across[0][0] < 2 * (across[1][1] - across[0][1])


@pytest.mark.one_database
def test_a_word_cut_at_the_end_of_a_line_is_marked_on_both_lines(tmp_path: Path, reader: Isolated) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([["Le contrôle de la radio-", "protection est prévu dans ce local"]]))
    kept = originals.keep(Workspace.open(tmp_path / "home"), READER, "x", path, reader=reader)
    (shown,) = kept.shown(1, list(leaves(read_query("radioprotection").tree)))
    assert len(shown.boxes) == 2
    assert shown.boxes[0].y1 <= shown.boxes[1].y0 + 4


@pytest.mark.one_database
@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04", b"<html>bonjour</html>", b"a;b\n1;2\n"])
def test_what_is_no_pdf_is_refused_and_what_was_kept_stays(
    tmp_path: Path, reader: Isolated, content: bytes
) -> None:
    home = Workspace.open(tmp_path / "home")
    good, bad = tmp_path / "a.pdf", tmp_path / "b.pdf"
    good.write_bytes(pdf([["Un texte"]]))
    bad.write_bytes(content)
    first = originals.keep(home, READER, "x", good, reader=reader)
    with pytest.raises(FileRefusedError):
        originals.keep(home, READER, "x", bad, reader=reader)
    assert originals.find(home, READER, "x") == first
    assert [one.name for one in first.folder.parent.iterdir()] == [first.folder.name]
    with pytest.raises(FileRefusedError):
        draw_page(bad, 1, reader=reader)
    with pytest.raises(FileRefusedError):
        draw_page(good, 2, reader=reader)
    assert originals.forget(home, READER, "x")
    assert originals.find(home, READER, "x") is None


@pytest.fixture(scope="module")
def indexed(django_db_setup: None, django_db_blocker: pytest.FixtureDef[object]) -> None:
    """Index the sample once for the tests of this file."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        index_case(work_on(READER), "sample")


def test_several_pdfs_are_joined_at_once_and_a_result_leads_to_the_page_of_its_passage(
    desk: Desk, indexed: None, sign_in: SignIn
) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=READER)
    Grant.objects.create(user=desk.manager, role=Role.MANAGER, case=READER)
    reader, manager = sign_in(desk.stranger), sign_in(desk.manager)
    here = f"/{READER}/originaux/"
    for method in (reader.get, reader.post):
        assert method(here).status_code == 404
    assert manager.post(here).status_code == 422
    found = searching.opened(workspace(), READER).get(LETTER)
    assert found is not None
    lines = simpleSplit(found.body, "Helvetica", 11, 455)
    letter = pdf([lines[at : at + 9] for at in range(0, len(lines), 9)])
    files = {
        f"{LETTER.lower()} (1).pdf": letter,
        f"{LETTER}.pdf": letter,
        "scan001.pdf": pdf([["Inspection n° INSSN-2024-0054, du 3 mai"]]),
        "scan002.pdf": pdf([["Suites de INSSN-2024-0053 et de INSSN-2024-0054"]]),
        "scan003.pdf": pdf([["Rien de connu"]]),
        "INSSN-2024-0055.pdf": b"%PDF-1.7",
    }
    sent = {"files": [SimpleUploadedFile(name, content) for name, content in files.items()]}
    page = re.sub("[\u00a0\u202f]", " ", html.unescape(manager.post(here, sent).content.decode()))
    assert "2 fichiers gardés sur 6" in page
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', page)
    said = [re.sub("<.*?>", "", " | ".join(row)) for row in rows]
    for one, expected in zip(
        said,
        (
            f"{LETTER} | Gardé, {-(-len(lines) // 9)} pages.",
            "déjà pris pour ce document",
            "INSSN-2024-0054 | Gardé, 1 page.",
            "plusieurs documents : INSSN-2024-0053, INSSN-2024-0054.",
            "aucun document n'a le nom",
            "INSSN-2024-0055.pdf | – | ",
        ),
        strict=True,
    ):
        assert expected.lower() in one.lower(), said
    again = {"files": [SimpleUploadedFile(f"{LETTER}.pdf", letter)]}
    assert "Il était déjà gardé" in manager.post(here, again).content.decode()

    # Each passage of a result leads to the page that says it, which is not always the first with its words.
    last = re.findall(r"\w{6,}", lines[-2])[-1]
    results = html.unescape(reader.get(f"/{READER}/", {"q": f"{last} titre:{LETTER}"}).content.decode())
    links = re.findall(rf'class="in-pdf" href="([^"]+id={LETTER}[^"]+)"', results)
    assert links
    for link in links:
        start, end = map(int, link.rpartition("p=")[2].split("-"))
        words = " ".join(found.body[start:end].split())
        number = re.search(r"Page (\d+) sur", reader.get(link).content.decode())
        assert number is not None
        there = " ".join(" ".join(lines[(int(number[1]) - 1) * 9 : int(number[1]) * 9]).split())
        middle = words[len(words) // 2 - 15 : len(words) // 2 + 15]
        assert middle in there
    for wrong in ("x", "1-", "9-2", "99999999-999999999"):
        assert reader.get(f"/{READER}/document/page/", {"id": LETTER, "p": wrong}).status_code == 200
    for name in (LETTER, "INSSN-2024-0054"):
        originals.forget(workspace(), READER, name)


def test_who_connects_data_joins_a_pdf_and_readers_within_reach_see_its_pages(
    desk: Desk, indexed: None, sign_in: SignIn
) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=READER)
    Grant.objects.create(user=desk.manager, role=Role.MANAGER, case=READER)
    Grant.objects.create(user=desk.agent, role=Role.AGENT, case=READER, area=OUTSIDE)
    reader, manager, elsewhere = (sign_in(one) for one in (desk.stranger, desk.manager, desk.agent))
    here, page, image = (f"/{READER}/document/{one}" for one in ("original/", "page/", "page.png"))
    asked = {"id": LETTER}

    assert reader.get(page, asked).status_code == 404
    file = pdf([["Première page"], ["Article L. 1333-8 du code de la santé publique", "un dosimètre manque"]])
    sent = {"id": LETTER, "file": SimpleUploadedFile("a.pdf", file)}
    assert reader.post(here, sent).status_code == 404
    refused = manager.post(here, {"id": LETTER, "file": SimpleUploadedFile("a.pdf", b"x")}, follow=True)
    assert "refusé" in refused.content.decode()
    sent["file"].seek(0)  # type: ignore[attr-defined]
    assert "PDF de 2 pages gardé" in manager.post(here, sent, follow=True).content.decode()
    assert "Voir ses pages" in reader.get(f"/{READER}/document/", asked).content.decode()

    shown = html.unescape(reader.get(page, asked | {"q": "dosimètre"}).content.decode())
    assert "Page 2 sur 2" in shown
    assert re.search(r'<rect class="on-found" x="[\d.]+"', shown)
    assert "L. 1333-8" in shown
    assert "on-cited" in shown
    answer = reader.get(image, asked | {"n": "2"})
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size[0] == 1000
    for wrong in ("0", "3", "x", "99999999", "-1", "²"):
        assert reader.get(page, asked | {"n": wrong}).status_code == 404, wrong
        assert reader.get(image, asked | {"n": wrong}).status_code == 404, wrong
    for path in (page, image):
        assert elsewhere.get(path, asked).status_code == 404
        assert sign_in(desk.administrator).get(path, asked).status_code == 404
    assert LETTER not in str(
        [one.data for one in workspace().journal.entries() if one.kind.startswith("original")]
    )
    manager.post(here, {"id": LETTER, "act": "forget"})
    assert reader.get(page, asked).status_code == 404
