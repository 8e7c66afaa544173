"""Reading tables: three outcomes, cells as written, every repair said."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings, strategies as st

from eclaireur.core.errors import EmptyTableError, FileRefusedError
from eclaireur.sources import delimited
from eclaireur.sources.feeding import nothing
from eclaireur.sources.reading import Outcome
from eclaireur.sources.tables import Limits, read_or_refuse, read_table, write_table

ROWS = [
    {
        "SIRET": "00012345600014",
        "Commune": "Bourg-en-Bresse",
        "Nom": "Café de l’Œuvre",
        "Montant €": "1 234,50",
    },
    {"SIRET": "83283779300021", "Commune": "Évreux", "Nom": "Chez Zoé", "Montant €": "12,00"},
]


def text(separator: str = ";", newline: str = "\r\n") -> str:
    rows = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
    lines = [separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows]
    return newline.join(lines) + newline


@pytest.fixture
def save(tmp_path: Path) -> Callable[[bytes, str], Path]:
    def write(data: bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


Save = Callable[..., Path]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"])
def test_any_encoding_and_separator_gives_the_cells_as_written(
    save: Save, separator: str, encoding: str
) -> None:
    reading = read_table(save(text(separator).encode(encoding)))
    assert reading.table is not None
    assert reading.table.to_pylist() == ROWS
    assert reading.lines is not None
    assert reading.lines.tolist() == [2, 3]
    plain = encoding in {"utf-8", "utf-8-sig"}
    assert reading.outcome is (Outcome.LU if plain else Outcome.LU_AVEC_RESERVES)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), min_size=2, max_size=4
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    import csv

    width = len(rows[0])
    header = [f"colonne_{index}" for index in range(width)]
    body = [[*[*row, *["x"] * width][: width - 1], "fin"] for row in rows]
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL).writerows([header, *body])
    found = delimited.parse(stream.getvalue().encode("utf-8-sig"))
    assert found is not None
    assert (found.header, found.rows) == (header, body)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda data: b"sep=;\r\n" + data, "sep"),
        (lambda data: data.replace(b"\r\n", b"\r"), "newline"),
        (lambda data: b"Export du service\r\n\r\n" + data, "preamble"),
        (lambda data: data + b"Source : service\r\n", "footer"),
        (lambda data: data.replace(b"12,00\r\n", b"12,00\0\r\n"), "nul"),
        (lambda data: data.replace(b"12,00\r\n", b"12,00;;de trop\r\n"), "ragged"),
        (lambda data: data.replace(b"Nom", b"Commune"), "header"),
        (lambda data: data.decode().encode("cp1252").decode("latin-1").encode(), "encoding"),
        (lambda data: data.replace(b"00012345600014", b'"=""00012345600014"""'), "formula"),
        (lambda data: data.replace(b"83283779300021", b'="83283779300021"'), "formula"),
        (lambda data: data.replace(b"00012345600014", b"'00012345600014"), "formula"),
    ],
    ids=[
        "sep",
        "cr",
        "preamble",
        "footer",
        "nul",
        "ragged",
        "repeated",
        "twice",
        "formula",
        "bare formula",
        "apostrophe",
    ],
)
def test_each_repair_is_said_and_the_cells_stay(
    save: Save, change: Callable[[bytes], bytes], kind: str
) -> None:
    data = text().replace("’", "'").replace("Œ", "O").replace(" €", "").encode()
    twice = text().replace("’", "'").replace("Œ", "O").replace(" €", "").encode().decode("cp1252").encode()
    reading = read_table(save(twice if kind == "encoding" else change(data)))
    assert reading.outcome is Outcome.LU_AVEC_RESERVES
    assert kind in {repair.kind for repair in reading.repairs}
    assert reading.table is not None
    assert reading.table["SIRET"].to_pylist() == [row["SIRET"] for row in ROWS]


def test_lines_of_another_encoding_are_decoded_apart_and_named(save: Save) -> None:
    first, second, third = text(newline="\n").splitlines()
    data = f"{first}\n{second}\n".encode() + f"{third}\n".encode("cp1252")
    reading = read_table(save(data))
    assert reading.table is not None
    assert reading.table.to_pylist() == ROWS
    assert [repair.lines for repair in reading.repairs] == [(3,)]


def test_a_line_number_counts_the_lines_inside_cells(save: Save) -> None:
    reading = read_table(save(b'a;b\n"un\ndeux";1\ntrois;2\n'))
    assert reading.lines is not None
    assert reading.lines.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("SIRET", "8,32838E+13", "scientific"),
        ("SIRET", "12345600017", "zeros"),
        ("Code postal", "1000", "zeros"),
    ],
)
def test_a_damaged_identifier_is_flagged_and_left_as_it_is(
    save: Save, column: str, value: str, kind: str
) -> None:
    reading = read_table(save(f"{column};Ville\n{value};Bourg\n".encode()))
    assert reading.table is not None
    assert reading.table[column].to_pylist() == [value]
    assert [doubt.kind for doubt in reading.doubts] == [kind]


def test_a_total_line_is_flagged(save: Save) -> None:
    reading = read_table(save(b"nom;prix;note\na;1;2\nTotal;1;2\n"))
    assert [(doubt.kind, doubt.lines) for doubt in reading.doubts] == [("total", (3,))]


def test_a_spreadsheet_a_parquet_a_json_and_a_zip_give_the_same_table(save: Save, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    book = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, list(ROWS[0]))
        for index, row in enumerate(ROWS, start=1):
            for column, cell in enumerate(row.values()):
                sheet.write_string(index, column, cell)
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), parquet)
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as handle:
        handle.writestr("dedans.csv", text())
    lines = "\n".join(json.dumps(row) for row in ROWS)
    paths = [
        book,
        parquet,
        archive,
        save(json.dumps(ROWS).encode(), "a.json"),
        save(lines.encode(), "a.jsonl"),
        save(gzip.compress(text().encode()), "a.csv.gz"),
        save(text().encode(), "renamed.xlsx"),
    ]
    for path in paths:
        reading = read_table(path)
        assert reading.table is not None, path.name
        assert reading.table.to_pylist() == ROWS, path.name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "vide"),
        (b"   \n\n", "aucun tableau"),
        (b"<!DOCTYPE html><p>non</p>", "page web"),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "DTD"),
        (b"<a>" * 500 + b"</a>" * 500, "profondément"),
        (b"<a><b>", "mal formé"),
        (b"%PDF-1.7", "document"),
        (b"\nnoise\n%PDF-1.7\na;b\n1;2\n", "document"),
        (b"GIF89a;b;c\n1;2;3\n", "image"),
        (b"Une phrase de la lettre sans aucune colonne " * 4, "aucun tableau"),
        (bytes(range(1, 256)) * 40, "aucun tableau"),
        (b"[1, 2]", "liste d'objets"),
        (b'{"a": ', "abîmé"),
        (b"PK\x03\x04 cut", "classeur"),
        (b"PAR1 cut", "Parquet"),
        (b"\x1f\x8b cut", "abîmé"),
    ],
)
def test_what_is_not_a_table_is_refused_with_a_reason_and_a_way_out(
    save: Save, data: bytes, words: str
) -> None:
    path = save(data, "a.bin")
    reading = read_table(path)
    assert reading.outcome is Outcome.REFUSE
    assert words in reading.reason
    assert reading.fix
    with pytest.raises((FileRefusedError, EmptyTableError), match=r"a\.bin"):
        read_or_refuse(path)


@pytest.mark.parametrize("heading", ["FORMATION", "ID3", "P1 2019", "RIFF", "BM", "From", "MZ", "Rar!"])
def test_a_heading_that_starts_like_another_format_is_still_a_heading(save: Save, heading: str) -> None:
    reading = read_table(save(f"{heading};Nb\na;1\nb;2\n".encode()))
    assert reading.table is not None
    assert reading.table.column_names == [heading, "Nb"]


def test_archives_that_grow_without_measure_are_refused(save: Save, tmp_path: Path) -> None:
    bomb = save(gzip.compress(b"a;b\n" + b"0;0\n" * 2_000_000), "a.csv.gz")
    assert "démesurément" in read_table(bomb, limits=Limits(ratio=10)).reason
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as handle:
        handle.writestr("a.csv", "0;0\n" * 5_000_000)
    assert "démesurément" in read_table(archive, limits=Limits(ratio=10)).reason


def test_a_cell_at_the_end_of_the_world_is_left_aside_and_named(tmp_path: Path) -> None:
    book = tmp_path / "loin.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_row(1, 0, [1, 2])
        sheet.write_string(1_048_575, 16_383, "z")
    reading = read_table(book)
    assert reading.table is not None
    assert reading.table.to_pylist() == [{"a": "1", "b": "2"}]
    assert [(doubt.kind, doubt.lines) for doubt in reading.doubts] == [("far", (1_048_576,))]
    assert "XFD1048576" in reading.doubts[0].message


def test_a_sheet_without_a_gap_that_fits_in_no_memory_is_refused(tmp_path: Path) -> None:
    book = tmp_path / "grand.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        sheet = workbook.add_worksheet()
        for row in range(0, 100_000, 1000):
            sheet.write_number(row, row // 100, 1)
    assert "démesurément" in read_table(book).reason


def test_what_a_sheet_hides_is_said(tmp_path: Path) -> None:
    book = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        sheet = workbook.add_worksheet("Vue")
        sheet.write_row(0, 0, ["Ville", "Prix"])
        sheet.write_row(1, 0, ["Bourg", 1])
        sheet.write_row(2, 0, ["Nice", 2])
        sheet.write_formula(3, 1, "=B2+B3", None, "")
        sheet.merge_range("A4:A5", "Ajaccio")
        sheet.set_row(1, None, None, {"hidden": True})
        other = workbook.add_worksheet("Secrets")
        other.write_string(0, 0, "x")
        other.hide()
    said = {doubt.kind: doubt for doubt in read_table(book).doubts}
    assert said["hidden"].lines == (2,)
    assert "A4:A5" in said["merged"].message
    assert said["formula"].lines == (4,)
    assert "« Secrets » (masquée)" in said["sheet"].message


def test_a_workbook_that_declares_entities_is_refused(tmp_path: Path) -> None:
    book, hostile = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(book)) as workbook:
        workbook.add_worksheet().write_string(0, 0, "a")
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(hostile, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "xl/sharedStrings.xml":
                data = data.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a "b">]>', 1)
            target.writestr(entry, data)
    assert read_table(book).outcome is Outcome.LU
    assert "DTD" in read_table(hostile).reason


def test_every_text_table_and_workbook_of_the_hostile_set_ends_in_one_of_three_outcomes(
    hostile_files: Path,
) -> None:
    """Each in a limited process of its own: a crash would be seen."""
    import subprocess
    import sys

    code = (
        "import resource, sys; from pathlib import Path; from eclaireur.sources.tables import read_table;"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30));"
        "[print(read_table(Path(name)).outcome) for name in sys.argv[1:]]"
    )
    folders = [hostile_files / "tabular", hostile_files / "generated" / "tabular"]
    kinds = {".csv", ".tsv", ".txt", ".json", ".xls", ".xlsx", ".ods"}
    found = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in kinds]
    paths = [str(path) for path in found if path.stat().st_size < 5e6]
    assert len(paths) > 50
    for start in range(0, len(paths), 60):
        part = paths[start : start + 60]
        run = subprocess.run(
            [sys.executable, "-c", code, *part], capture_output=True, text=True, check=False, timeout=120
        )
        lines = run.stdout.splitlines()
        assert run.returncode == 0, f"{part[len(lines)]}\n{run.stderr[-800:]}"
        assert set(lines) <= {str(outcome) for outcome in Outcome}


def test_marks_in_the_middle_are_removed_and_said(save: Save) -> None:
    reading = read_table(save("Nom;Ville\nA;Évreux\n\ufeffNom;Ville\nB;Nîmes\n".encode("utf-8-sig")))
    assert reading.table is not None
    assert reading.table["Nom"].to_pylist() == ["A", "B"]
    assert [(one.kind, one.lines) for one in reading.repairs] == [("encoding", (3,)), ("header", (3,))]


@pytest.mark.parametrize(
    ("coordinates", "kinds"),
    [
        ([652381.0, 6862047.0], ["crs"]),
        ([48.85, 2.35], ["crs"]),
        ([2.35, 48.85], []),
        ([[[2.35, 48.85]]], []),
    ],
    ids=["metres", "turned", "degrees", "nested"],
)
def test_coordinates_of_geojson_that_are_no_degrees_are_said(
    save: Save, coordinates: list[object], kinds: list[str]
) -> None:
    feature = {"type": "Feature", "properties": {"nom": "a"}, "geometry": {"coordinates": coordinates}}
    data = json.dumps({"type": "FeatureCollection", "features": [feature, feature]}).encode()
    assert [one.kind for one in read_table(save(data, "a.geojson")).doubts] == kinds


@pytest.mark.parametrize("name", ["a.pdf", "a.prj", "a.vrt", "a.gpl", "a.py"])
def test_a_text_named_as_no_table_is_refused(save: Save, name: str) -> None:
    assert read_table(save(b"a;b\n1;2\n", name)).outcome is Outcome.REFUSE


def test_padded_cells_stay_as_written_and_lose_their_spaces_once_typed(save: Save) -> None:
    reading = read_table(save(b"Code ;Nom   \n01   ;Ain   \n02   ;Aisne \n"))
    assert reading.table is not None
    assert reading.typed is not None
    assert reading.table["Nom"].to_pylist() == ["Ain   ", "Aisne "]
    assert reading.typed["Nom"].to_pylist() == ["Ain", "Aisne"]


def test_an_irregular_text_too_large_to_be_held_is_refused_with_the_way_out(save: Save) -> None:
    data = b"a;b\n" + b"x;y\n" * 600 + b'"never closed;1\n'
    reading = read_table(save(data), limits=Limits(large=100, whole=1000))
    assert "irrégularités" in reading.reason
    assert "UTF-8" in reading.fix


@pytest.mark.parametrize("form", ["gz", "zip"])
def test_a_large_compressed_text_is_read_in_blocks(save: Save, tmp_path: Path, form: str) -> None:
    data = b"Nom;Prix\n" + b"Ain;12,5\nAisne;1,25\n" * 2000
    if form == "gz":
        path = save(gzip.compress(data), "a.csv.gz")
    else:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", data)
    plain, blocks = read_table(path), read_table(path, limits=Limits(large=100))
    assert blocks.typed is not None
    assert plain.typed is not None
    assert blocks.typed.num_rows == 4000
    assert (
        blocks.typed.equals(plain.typed.combine_chunks())
        or blocks.typed.to_pydict() == plain.typed.to_pydict()
    )


def test_pairs_above_the_heading_are_left_aside(save: Save) -> None:
    text = "Organisme;CAF\nPériode;janvier\n\nNom;Code;Montant\nA;01;12,5\nB;02;1,5\n"
    reading = read_table(save(text.encode()))
    assert reading.typed is not None
    assert reading.typed.to_pylist()[0] == {"Nom": "A", "Code": "01", "Montant": 12.5}
    assert [(one.kind, one.lines) for one in reading.repairs] == [("preamble", (1, 2))]


def test_a_large_sheet_is_read_in_batches_as_a_small_one_is(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write(0, 1, "Export du service")
        sheet.write_row(2, 1, ["SIRET", "Ville", "Nb", "Montant"])
        for row in range(3, 1203):
            sheet.write_row(row, 1, ["83283779300021", f"Ville n° {row}", row, row / 4])
        sheet.write_string(700, 3, "NC")
        sheet.write(800, 5, "hors du tableau")
        sheet.set_row(900, None, None, {"hidden": True})
        total = sum(range(3, 1203)) - 700
        sheet.write_row(1203, 1, ["Total", "", total, sum(range(3, 1203)) / 4])
        sheet.write(1205, 1, "Source : service")
    small = read_table(path)
    large = read_table(path, limits=Limits(cells=1))
    assert large.outcome is small.outcome is Outcome.LU_AVEC_RESERVES
    assert large.typed is not None
    assert small.typed is not None
    assert large.typed.to_pylist() == small.typed.to_pylist()
    assert large.typed.schema == small.typed.schema
    assert (large.columns, large.repairs, large.doubts) == (small.columns, small.repairs, small.doubts)
    assert large.lines is not None
    assert small.lines is not None
    assert large.lines.tolist() == small.lines.tolist()


def test_a_sheet_too_irregular_for_its_size_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclaireur.sources.tally._MOST", 1)
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        for row in range(1, 400):
            sheet.write_row(row, 0, [f"{row}", "x"])
    assert read_table(path, limits=Limits(cells=1)).count == 399
    refused = read_table(path, limits=Limits(cells=1, held=1))
    assert refused.outcome is Outcome.REFUSE
    assert "CSV UTF-8" in refused.fix


def test_a_base_given_by_its_name_is_refused_with_the_address_of_a_table(save: Save) -> None:
    refused = read_table(save(b"SQLite format 3\0" + b"\0" * 100, "b.sqlite"))
    assert refused.outcome is Outcome.REFUSE
    assert "sqlite:///b.sqlite?table=" in refused.fix


def test_an_absent_file_is_said_to_be_absent_whatever_is_asked(tmp_path: Path) -> None:
    absent = tmp_path / "absent.csv"
    assert write_table(absent, None, progress=nothing) is None
    assert read_table(absent).reason == "le fichier n'existe pas."


def test_a_sheet_that_is_absent_is_refused_with_the_names_of_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        workbook.add_worksheet("Vue").write_row(0, 0, ["a", "b"])
    refused = read_table(path, sheet="Absente")
    assert refused.reason == "ce classeur n'a pas de feuille « Absente »."
    assert refused.fix == "Choisissez une de ses feuilles : « Vue »."
