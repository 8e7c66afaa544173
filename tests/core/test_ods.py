"""OpenDocument sheets, read back by another reader: values, types, spaces, and nothing that runs."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from eclaireur.core.ods import OdsSheet, write_ods

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def written(path: Path, *rows: Sequence[Any], shares: frozenset[int] = frozenset()) -> Path:
    size = max(len(row) for row in rows)
    sheet = OdsSheet([f"c{at}" for at in range(size)], rows, [12] * size, shares)
    write_ods(path, {"Liste": sheet}, title="Titre")
    return path


def read(path: Path) -> list[list[Any]]:
    from python_calamine import CalamineWorkbook

    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Liste").to_python()[1:]


def content(path: Path) -> ET.Element:
    with zipfile.ZipFile(path) as parts:
        return ET.fromstring(parts.read("content.xml"))  # noqa: S314 (our own)


def shown(cell: ET.Element) -> str:
    """Text of a cell as OpenDocument reads it: paragraphs are lines, ``text:s`` are spaces."""
    lines = []
    for paragraph in cell.iter(f"{TEXT}p"):
        said = paragraph.text or ""
        for child in paragraph:
            count = int(child.get(f"{TEXT}c", "1"))
            said += ("\t" if child.tag == f"{TEXT}tab" else " " * count) + (child.tail or "")
        lines.append(said)
    return "\n".join(lines)


def test_values_keep_their_type(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.ods",
        ["0612", 1.5, 3, date(2026, 1, 31), datetime(2026, 1, 31, 14, 5), None, True, ("un", "deux")],
        ["", math.nan, 2**60, None, None, None, False, ()],
    )

    first, second = read(path)
    assert first[:6] == ["0612", 1.5, 3.0, date(2026, 1, 31), datetime(2026, 1, 31, 14, 5), ""]
    assert first[6:] == ["oui", "un\ndeux"]
    assert second[1:3] == ["", str(2**60)]


def test_a_share_is_a_percentage(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ods", [0.314], shares=frozenset({0}))

    assert read(path) == [[0.314]]
    (cell,) = [one for one in content(path).iter(f"{TABLE}table-cell") if one.get(f"{OFFICE}value")]
    assert cell.get(f"{OFFICE}value-type") == "percentage"
    assert shown(cell) == "31,4\u00a0%"


@pytest.mark.parametrize("text", ["=1+1", "+33 1", "-2", "@SUM(A1)", "of:=1+1", "http://exemple.invalid"])
def test_no_cell_is_a_formula_or_a_link(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.ods", [text])

    assert read(path) == [[text]]
    for node in content(path).iter():
        assert f"{TABLE}formula" not in node.attrib
        assert node.tag != f"{TEXT}a"


def test_the_kind_of_file_comes_first_and_plain(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ods", ["a"])

    assert path.read_bytes()[30:84] == b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path) as parts:
        assert parts.infolist()[0].compress_type == zipfile.ZIP_STORED
        manifest = parts.read("META-INF/manifest.xml").decode()
        assert all(name in manifest for name in ("content.xml", "styles.xml", "meta.xml"))


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a.ods", ["a"]).read_bytes() == written(tmp_path / "b.ods", ["a"]).read_bytes()


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cn", "Zl", "Zp"))))
def test_every_text_is_kept_with_its_spaces(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.mktemp("ods") / "a.ods", [text])
    rows = list(content(path).iter(f"{TABLE}table-row"))

    assert shown(rows[1][0]) == text


def test_what_xml_cannot_hold_is_left_out(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.ods", ["a\x00\x0b\ud800<b>&"])) == [["a<b>&"]]


def test_libreoffice_reads_it(tmp_path: Path) -> None:
    import shutil
    import subprocess

    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    path = written(tmp_path / "a.ods", ["=1+1", 1.5])
    subprocess.run(
        [office, "--headless", "--convert-to", "csv", "--outdir", str(tmp_path), str(path)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].startswith("=1+1,1")
