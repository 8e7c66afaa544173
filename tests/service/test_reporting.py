"""Reports written as documents and sheets, whatever their cells hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

from eclaireur.core.view import Column, Facts, Table
from eclaireur.core.workspace import Workspace
from eclaireur.service.reporting import report, write_report
from eclaireur.service.work import Work

BLOCKS = (
    Table(
        title="Veille",
        columns=(Column(key="keyword", title="Mot"), Column(key="text", title="Phrase")),
        rows=[{"keyword": "=1+1", "text": "@SOMME(A1)"}, {"keyword": "extincteurs", "text": "Vides."}],
    ),
)


def test_a_sheet_holds_no_formula(tmp_path: Path) -> None:
    write_report(BLOCKS, tmp_path / "veille.xlsx", title="Veille", mentions={"Mention": "=2+2"})

    with zipfile.ZipFile(tmp_path / "veille.xlsx") as book:
        cells = {name: book.read(name) for name in book.namelist()}
    assert any(b"extincteurs" in content for content in cells.values())
    assert not any(b"<f>" in content for content in cells.values())


def test_a_report_is_a_pdf_or_an_open_document(tmp_path: Path) -> None:
    for name, start in (("veille.pdf", b"%PDF"), ("veille.ods", b"PK")):
        write_report(BLOCKS, tmp_path / name, title="Veille", mentions={"Mention": "Lu par une machine."})
        assert (tmp_path / name).read_bytes().startswith(start)


def test_a_drawn_zone_reaches_the_report_of_a_case_that_reads_it(tmp_path: Path) -> None:
    zone = tmp_path / "zone.wkt"
    zone.write_text("POLYGON((0.3 46.1, 0.5 46.1, 0.5 46.3, 0.3 46.3, 0.3 46.1))", encoding="utf-8")
    work = Work.on(Workspace.open(tmp_path / "home", env={}), "artisan_siting")

    blocks, mentions = report(work, "sample", "zone", about="metier=garage", input_path=zone)

    assert isinstance(blocks[0], Facts)
    assert blocks[0].title == "Garage : Zone dessinée"
    assert mentions
