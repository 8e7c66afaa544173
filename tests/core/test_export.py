"""Files that agents open: what they hold, what they hide, and that no cell runs."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from eclaireur.core import export
from eclaireur.core.errors import BadValueError
from eclaireur.core.tables import signals_schema
from eclaireur.core.worklist import draw, to_table

if TYPE_CHECKING:
    import pyarrow as pa

MENTIONS = {"Calcul": "r1, au 01/01/2026", "Mention": "Traitement algorithmique ; l'agent décide."}
HOSTILE = '=HYPERLINK("http://exemple.invalid";"Chez Léa")'
AGENT_COLUMNS = ["Position", "Identifiant", "Nom", "Secteur", "Raisons"]

Writer = Callable[..., None]
WRITERS = [
    pytest.param(export.write_list, ".xlsx", id="xlsx"),
    pytest.param(export.write_list, ".ods", id="ods"),
    pytest.param(export.write_list, ".csv", id="csv"),
]


def _reason(sentence: str, weight: float) -> dict[str, Any]:
    return {"kind": "feature", "theme": "historique", "sentence": sentence, "weight": weight}


def _signals(names: list[str], *, calibrated: bool = True) -> pa.Table:
    import pyarrow as pa

    reasons = [
        _reason("Faible.", 0.1),
        _reason("Baisse.", -3.0),
        _reason("Fort.", 0.9),
        _reason("Moyen.", 0.5),
        _reason("Infime.", 0.01),
    ]
    rows = [
        {
            "signal": f"run/{at}",
            "subject": f"siret:{at:014d}",
            "name": name,
            "area": "Nord",
            "score": 0.8125 - at / 100,
            "calibrated": calibrated,
            "rank": at + 1,
            "as_of": date(2026, 1, 1),
            "reasons": reasons,
        }
        for at, name in enumerate(names)
    ]
    return pa.Table.from_pylist(rows, schema=signals_schema())


def _listed(signals: pa.Table, *, share: float, capacity: int = 4) -> pa.Table:
    return to_table(draw(signals, capacity=capacity, random_share=share, seed=1, case="c", run="r1"))


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def _lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream, delimiter=";"))


def _headings(path: Path) -> list[str]:
    return _lines(path)[0][:-1] if path.suffix == ".csv" else _sheets(path)["Liste"][0]


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_a_list_with_random_items_hides_rank_and_score(write: Writer, suffix: str, tmp_path: Path) -> None:
    signals, output = _signals(["Léa", "Ali", "Zoé", "Max", "Eve", "Ida"]), tmp_path / f"liste{suffix}"

    write(_listed(signals, share=0.5), signals, output, mentions=MENTIONS)

    assert _headings(output) == AGENT_COLUMNS
    content = output.read_bytes()
    if suffix != ".csv":
        with zipfile.ZipFile(output) as parts:
            content = b"".join(parts.read(name) for name in parts.namelist())
    assert b"random" not in content
    assert b"0.8125" not in content
    assert b"0,8125" not in content


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
@pytest.mark.parametrize("calibrated", [True, False])
def test_a_list_of_the_model_alone_shows_the_rank_and_a_score_only_if_it_is_a_risk(
    write: Writer, suffix: str, tmp_path: Path, *, calibrated: bool
) -> None:
    signals, output = _signals(["Léa", "Ali"], calibrated=calibrated), tmp_path / f"liste{suffix}"

    write(_listed(signals, share=0.0), signals, output, mentions=MENTIONS)

    shown = ["Rang", "Risque estimé"] if calibrated else ["Rang"]
    assert _headings(output) == [*AGENT_COLUMNS[:-1], *shown, "Raisons"]


def test_the_sheet_holds_text_positions_and_the_three_strongest_reasons(tmp_path: Path) -> None:
    signals, output = _signals([HOSTILE, "Ali"]), tmp_path / "liste.xlsx"

    export.write_list(_listed(signals, share=0.0), signals, output, mentions=MENTIONS)

    sheets = _sheets(output)
    assert sheets["Liste"][1] == [
        1.0,
        "00000000000000",
        HOSTILE,
        "Nord",
        1.0,
        0.8125,
        "Fort.\nMoyen.\nFaible.",
    ]
    assert sheets["Mentions"] == [["Mention", "Texte"], *([key, MENTIONS[key]] for key in MENTIONS)]


@pytest.mark.parametrize(
    "text", ["=1+1", "+33 1", "-2", "@SUM(A1)", "http://exemple.invalid", "\t=1", "{=1}"]
)
def test_no_cell_of_a_sheet_is_a_formula_or_a_link(text: str, tmp_path: Path) -> None:
    import pyarrow as pa

    output = tmp_path / "table.xlsx"
    export.write_sheet(pa.table({text: [text]}), output, title="Scores")

    assert _sheets(output)["Scores"] == [[text], [text]]
    with zipfile.ZipFile(output) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"<hyperlink" not in sheet


def test_the_sheet_has_a_fixed_header_and_a_filter(tmp_path: Path) -> None:
    signals, output = _signals(["Léa"]), tmp_path / "liste.xlsx"
    export.write_list(_listed(signals, share=0.0), signals, output, mentions=MENTIONS)

    with zipfile.ZipFile(output) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    assert b'state="frozen"' in sheet
    assert b'<autoFilter ref="A1:G2"/>' in sheet


def test_the_csv_is_what_a_french_spreadsheet_opens(tmp_path: Path) -> None:
    signals, output = _signals([HOSTILE, "Ali"]), tmp_path / "liste.csv"

    export.write_list(_listed(signals, share=0.0), signals, output, mentions=MENTIONS)

    assert output.read_bytes().startswith(b"\xef\xbb\xbfPosition;Identifiant;Nom;")
    said = "Calcul : r1, au 01/01/2026 | Mention : Traitement algorithmique ; l'agent décide."
    reasons = "Fort. | Moyen. | Faible."
    assert _lines(output)[1:] == [
        ["1", "00000000000000", f"'{HOSTILE}", "Nord", "1", "0,8125", reasons, said],
        ["2", "00000000000001", "Ali", "Nord", "2", "0,8025", reasons, said],
    ]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_would_run_gets_an_apostrophe(first: str) -> None:
    assert export.safe_cell(f"{first}cmd") == f"'{first}cmd"


@given(st.text())
def test_a_safe_cell_keeps_its_text_and_never_begins_a_formula(text: str) -> None:
    safe = export.safe_cell(text)

    assert safe.removeprefix("'") == text.removeprefix("'")
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_values_keep_their_type_in_a_sheet(tmp_path: Path) -> None:
    import pyarrow as pa

    output = tmp_path / "table.xlsx"
    table = pa.table(
        {
            "texte": ["0612", None],
            "nombre": [1.5, float("nan")],
            "entier": [3, 2**60],
            "vrai": [True, False],
            "jour": [date(2026, 1, 31), None],
            "heure": [datetime(2026, 1, 31, 14, 5), None],
        }
    )

    export.write_sheet(table, output, title="Scores")

    assert _sheets(output)["Scores"][1:] == [
        ["0612", 1.5, 3.0, "oui", date(2026, 1, 31), datetime(2026, 1, 31, 14, 5)],
        ["", "", str(2**60), "non", "", ""],
    ]


def test_a_text_too_long_for_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    import pyarrow as pa

    output = tmp_path / "table.xlsx"
    export.write_sheet(pa.table({"texte": ["a" * 40_000]}), output, title="Scores")

    (cell,) = _sheets(output)["Scores"][1]
    assert len(cell) == 32_767
    assert cell.endswith("a…")


def test_a_table_longer_than_a_sheet_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    table = pa.table({"n": pa.nulls(1_048_576, pa.int8())})
    with pytest.raises(BadValueError, match="1048576 lignes"):
        export.write_sheet(table, tmp_path / "table.xlsx", title="Scores")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_the_same_list_gives_the_same_bytes(write: Writer, suffix: str, tmp_path: Path) -> None:
    signals = _signals(["Léa", "Ali", "Zoé"])
    listed = _listed(signals, share=0.5, capacity=2)
    first, second = tmp_path / f"un{suffix}", tmp_path / f"deux{suffix}"

    write(listed, signals, first, mentions=MENTIONS)
    write(listed, signals, second, mentions=MENTIONS)

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_an_empty_list_is_written(write: Writer, suffix: str, tmp_path: Path) -> None:
    signals, output = _signals([]), tmp_path / f"liste{suffix}"

    write(_listed(signals, share=0.5), signals, output, mentions=MENTIONS)

    assert _headings(output)[:3] == AGENT_COLUMNS[:3]


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(
    write: Writer, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unwritable:
        def __str__(self) -> str:
            raise RuntimeError("halfway")

    signals, output = _signals(["Léa", "Ali", "Zoé"]), tmp_path / f"liste{suffix}"
    output.write_text("old", encoding="utf-8")
    whole = export._columns

    def broken(*args: Any) -> list[export.Column]:
        columns = whole(*args)
        return [*columns, export.Column("Panne", ["a", "b", Unwritable()])]

    monkeypatch.setattr(export, "_columns", broken)
    monkeypatch.setattr(export, "_width", lambda _: 10)
    with pytest.raises(RuntimeError, match="halfway"):
        write(_listed(signals, share=0.0), signals, output, mentions=MENTIONS)

    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    assert output.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(("write", "suffix"), WRITERS)
def test_a_place_that_cannot_be_written_is_refused_in_french(
    write: Writer, suffix: str, tmp_path: Path
) -> None:
    (tmp_path / "fichier").write_text("", encoding="utf-8")
    signals = _signals(["Léa"])

    with pytest.raises(BadValueError, match="impossible d'écrire ce fichier"):
        write(
            _listed(signals, share=0.0), signals, tmp_path / "fichier" / f"liste{suffix}", mentions=MENTIONS
        )
