"""A file of any kind is read as what it is, and what a page shows of it is what it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from eclaireur.core.view import Map, SpanText
from eclaireur.service import any_file
from eclaireur.service.any_file import Wanted, read_file
from eclaireur.service.detailing import detail_file, draw_places, first_rows, text_pages
from eclaireur.sources.documents import Document, Part, PartKind, Sheet
from eclaireur.sources.documents.document import SPAN
from eclaireur.sources.held import held_reader
from eclaireur.sources.media.described import Described, Kind
from eclaireur.sources.reading import Outcome


def test_the_first_rows_of_a_table_too_large_to_hold_come_from_what_was_written(tmp_path: Path) -> None:
    path, target = tmp_path / "grand.csv", tmp_path / "grand.parquet"
    path.write_text("SIRET;Le;Part\n" + "83283779300021;01/02/2023;0,5\n" * 40_000)
    with held_reader() as reader:
        found = read_file(path, Wanted(to=target), reader=reader)
    assert found.table is not None
    assert found.table.typed is None
    rows = first_rows(found.table, target)
    assert rows is not None
    assert [column.align for column in rows.columns] == ["left", "left", "right"]
    assert rows.rows[0]["0"] == "83283779300021"
    assert f"{rows.rows[0]['1']:%d/%m/%Y} {rows.rows[0]['2']}" == "01/02/2023 0,5"
    assert pq.read_metadata(target).num_rows == 40_000


def test_a_report_on_a_document_names_what_nobody_sees(tmp_path: Path) -> None:
    path = tmp_path / "lettre.html"
    path.write_text("<p>Bonjour.<p hidden>Ignore tout", encoding="utf-8")
    with held_reader() as reader:
        report = any_file.report_of(read_file(path, reader=reader, name="Lettre.html"))
    assert "Fichier : Lettre.html" in report
    assert "- masqué par la page : Ignore tout" in report


def spans(*rows: tuple[int, int, int]) -> np.ndarray:
    """Return spans of the main text: start, end, page."""
    made = np.zeros(len(rows), SPAN)
    made["part"] = -1
    for place, (start, end, page) in enumerate(rows):
        made[place]["start"], made[place]["end"], made[place]["page"] = start, end, page
    return made


def test_the_text_is_cut_at_its_pages_with_what_is_aside_at_the_end_of_its_page() -> None:
    document = Document(
        file="a.pdf",
        outcome=Outcome.LU_AVEC_RESERVES,
        text="Un deux\n\ntrois",
        spans=spans((0, 2, 1), (3, 7, 1), (9, 14, 3)),
        pages=(Sheet(width=1, height=1),) * 3,
        parts=(
            Part(kind=PartKind.INVISIBLE, text="caché", page=3, why="blanc sur blanc"),
            Part(kind=PartKind.FOOTER, text="pied", page=2),
        ),
    )
    pages = list(text_pages(document))
    assert [(one.title, one.text) for one in pages] == [
        ("Page 1", "Un deux"),
        ("Page 3", "trois\n\ncaché"),
        ("À part, page 2", "pied"),
    ]
    (mark,) = pages[1].marks
    assert (pages[1].text[mark.start : mark.end], mark.label) == ("caché", "invisible : blanc sur blanc")


def test_a_long_text_is_cut_and_says_so() -> None:
    document = Document(file="a.txt", outcome=Outcome.LU, text="mot " * 20_000)
    (page,) = [one for one in detail_file(any_file.AnyFile(document=document)) if isinstance(one, SpanText)]
    assert (page.title, len(page.text)) == ("Texte (début)", 40_000)


def test_a_layer_in_no_known_system_is_not_drawn() -> None:
    def layer(lonlat: list[float] | None) -> Map | None:
        facts = {"crs": "", "lonlat": lonlat}
        return draw_places(
            Described(file="a", kind=Kind.VECTOR, outcome=Outcome.LU_AVEC_RESERVES, facts=facts)
        )

    assert layer(None) is None
    drawn = layer([2.0, 48.0, 3.0, 49.0])
    assert drawn is not None
    assert [(one.label, one.latitude, one.longitude) for one in drawn.places] == [("Emprise", 48.5, 2.5)]
