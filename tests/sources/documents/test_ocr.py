"""Scanned pages and images: recognised in a process apart, with boxes and confidence, or said not to be."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from eclaireur.sources.documents import ocr, read_document
from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.documents.ocr import Answer
from eclaireur.sources.reading import Outcome
from tests.document_builders import PAGE, aside, picture, read, sheet, written

LINES = ["Monsieur le directeur,", "Une inspection a eu lieu le 12 mars 2024."]
TABLE = (
    "level\tleft\ttop\twidth\theight\tconf\ttext\n"
    "5\t300\t600\t150\t50\t96.5\tNice\n"
    "5\t500\t600\t90\t50\t41\tle\n"
)


def png(lines: list[str]) -> bytes:
    target = BytesIO()
    picture(lines).save(target, "PNG", dpi=(150, 150))
    return target.getvalue()


def scan(layer: list[str] | None = None) -> bytes:
    """Return a page that is an image, with the layer of text that a scanner's software leaves under it."""
    from reportlab.lib.utils import ImageReader

    canvas, target = sheet()
    canvas.drawImage(ImageReader(picture(LINES, high=1754)), 0, 0, *PAGE)
    if layer is not None:
        written(canvas, 40, 30, layer, mode=3)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def answering(answer: Answer, asked: list[int]) -> Callable[[Path, int], Answer]:
    def ask(image: Path, dots: int) -> Answer:
        assert image.read_bytes().startswith(b"P5\n")
        asked.append(dots)
        return answer

    return ask


def test_a_scanned_page_is_recognised_in_the_confined_reader(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("tesseract")
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan())
    document = read_document(path)

    assert "inspection a eu lieu le 12 mars 2024" in document.text
    assert document.pages[0].recognised
    assert [one.kind for one in document.repairs] == ["ocr"]
    start = document.text.index("directeur")
    (place,) = document.places(start, start + len("directeur"))
    # The line is drawn 60 pixels under the top, in an image of 1 754 pixels for 842 points.
    assert 20 < place.y0 < 50
    assert document.spans is not None
    assert (document.spans["confidence"] > 0.5).all()


def test_boxes_are_in_points_and_an_unsure_word_is_said() -> None:
    asked: list[int] = []
    document = read(scan(), ask=answering(Answer(table=TABLE), asked))

    assert asked == [300]
    assert document.text == "Nice le"
    (place,) = document.places(0, 4)
    assert (place.x0, place.y0, place.x1, place.y1) == pytest.approx((72, 144, 108, 156))
    assert [(one.kind, one.count) for one in document.doubts] == [("ocr", 1)]


def test_without_tesseract_the_message_names_the_debian_packages() -> None:
    document = read(scan(), ask=answering(Answer(missing=True), []))

    assert document.outcome is Outcome.REFUSE
    assert "image" in document.reason
    assert "tesseract-ocr-fra" in document.fix


def test_a_page_of_text_beside_a_scan_is_read_without_tesseract() -> None:
    from reportlab.lib.utils import ImageReader

    canvas, target = sheet()
    written(canvas, 60, 60, ["Bordereau"])
    canvas.showPage()
    canvas.drawImage(ImageReader(picture(LINES, high=1754)), 0, 0, *PAGE)
    canvas.showPage()
    canvas.save()
    document = read(target.getvalue(), ask=answering(Answer(missing=True), []))

    assert document.text == "Bordereau"
    assert ["tesseract-ocr-fra" in one.message for one in document.doubts] == [True]


def test_a_scan_that_takes_too_long_is_said_with_the_way_out() -> None:
    document = read(scan(), ask=answering(Answer(late=True), []))

    assert document.outcome is Outcome.REFUSE
    assert "--seconds 600" in document.fix


def test_the_layer_of_text_of_a_searchable_scan_is_read_with_a_doubt() -> None:
    asked: list[int] = []
    layer = ["Monsieur le directeur, une inspection a eu lieu le 12 mars 2024 sur le site."]
    document = read(scan(layer), ask=answering(Answer(), asked))

    assert asked == []
    assert document.text == layer[0]
    assert aside(document, PartKind.INVISIBLE) == []
    assert [one.kind for one in document.doubts] == ["layer"]


def test_text_whose_letters_are_not_those_drawn_is_recognised_in_the_image(hostile_files: Path) -> None:
    data = (hostile_files / "generated" / "pdf" / "wrong_tounicode.pdf").read_bytes()
    document = read(data, ask=answering(Answer(table=TABLE), []))

    assert document.text == "Nice le"
    assert "garbled" in {one.kind for one in document.doubts}


def test_text_that_looks_wrong_stays_when_nothing_is_recognised_in_its_image() -> None:
    canvas, target = sheet()
    written(canvas, 60, 60, ["xxxxxxxxxxxxx xxxxxx"])
    canvas.showPage()
    canvas.save()
    document = read(target.getvalue(), ask=answering(Answer(), []))

    assert document.text == "xxxxxxxxxxxxx xxxxxx"
    assert "garbled" in {one.kind for one in document.doubts}


def test_an_image_is_a_page_and_its_resolution_gives_the_points() -> None:
    asked: list[int] = []
    document = read(png(LINES), "scan.png", ask=answering(Answer(table=TABLE), asked))

    assert asked == [150]
    assert document.format == "image"
    assert document.pages[0].width == pytest.approx(1240 * 72 / 150, abs=1)
    assert document.text == "Nice le"


def test_an_image_that_would_fill_the_memory_is_refused_before_it_is_decoded() -> None:
    from PIL import Image

    target = BytesIO()
    Image.new("1", (30_000, 3_000)).save(target, "PNG")
    document = read(target.getvalue(), "bombe.png")

    assert document.outcome is Outcome.REFUSE
    assert "trop grande" in document.reason


def test_tesseract_is_limited_and_its_absence_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "available", lambda: "")
    assert ocr.recognise(tmp_path / "a.pgm", 300).missing

    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 20\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(ocr, "available", lambda: str(slow))
    assert ocr.recognise(tmp_path / "a.pgm", 300, seconds=1.0).late
