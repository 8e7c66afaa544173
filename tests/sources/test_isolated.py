"""A confined child reads files; what kills it does not kill its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eclaireur.sources.answers import tables_fit
from eclaireur.sources.isolated import Isolated, Means, read_isolated
from eclaireur.sources.reading import Outcome
from eclaireur.sources.tables import read_table

CSV = "Export\n\nSIRET;Le;Nb\n83283779300022;01/02/2023;1 200\n83283779300021;;\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "a.csv"
    written.write_text(CSV, encoding="cp1252")
    return written


def test_a_confined_reading_is_the_same_as_a_plain_one(path: Path) -> None:
    plain, confined = read_table(path), read_isolated(path)

    assert confined.table is not None
    assert confined.table.equals(plain.table)
    assert confined.typed is not None
    assert confined.typed.equals(plain.typed)
    assert confined.lines is not None
    assert plain.lines is not None
    assert confined.lines.tolist() == plain.lines.tolist()
    assert (confined.repairs, confined.doubts) == (plain.repairs, plain.doubts)
    assert confined.columns == plain.columns


def test_a_child_that_dies_gives_a_refusal_and_the_next_file_is_read(path: Path) -> None:
    with Isolated() as reader:
        reader.read(path)
        assert reader._child is not None
        reader._child.kill()
        reader._child.wait()
        assert reader.read(path).outcome is Outcome.REFUSE
        assert reader.read(path).outcome is Outcome.LU_AVEC_RESERVES


def test_a_child_is_reused_and_replaced_after_its_share_of_files(path: Path) -> None:
    with Isolated(Means(files=2)) as reader:
        children = []
        for _ in range(3):
            reader.read(path)
            assert reader._child is not None
            children.append(reader._child.pid)
    assert children[0] == children[1] != children[2]


def test_a_file_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a;b\n" + "\n".join(f"{row};{row},5" for row in range(900_000)), encoding="ascii")
    reading = read_isolated(path, means=Means(seconds=1))
    assert reading.outcome is Outcome.REFUSE
    assert "temps" in reading.reason


def test_the_child_leaves_nothing_behind(path: Path) -> None:
    with Isolated() as reader:
        reader.read(path)
        folder = reader._folder
        assert folder.is_dir()
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_a_large_file_is_written_to_parquet_by_the_child_which_says_how_far_it_is(tmp_path: Path) -> None:
    path, target, done = tmp_path / "a.csv", tmp_path / "a.parquet", list[int]()
    path.write_text("Nom;Le;Prix\n" + "".join(f"Évreux {n};01/02/2023;{n},5\n" for n in range(90_000)))
    with Isolated() as reader:
        reading = reader.read(path, to=target, progress=done.append)
        assert list(reader._folder.iterdir()) == []
    assert (reading.outcome, reading.count, reading.table) == (Outcome.LU, 90_000, None)
    assert reading.columns[1].last == "01/02/2023"
    assert pq.read_table(target)["Prix"].to_pylist()[-1] == 89_999.5
    assert done


LIES: dict[str, dict[str, Any]] = {
    "outcome": {"outcome": "parfait"},
    "columns": {"columns": [["a", "text", "", None, "", ""]]},
    "kind": {"columns": [["SIRET", "vérité", "", None, "", ""]] * 3},
    "lines": {"repairs": [["x", "y", ["z"]]]},
    "flawless": {"repairs": [], "doubts": []},
    "rows": {"rows": -1},
    "type": {"doubts": {"a": 1}},
}


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_child_that_lies_gives_a_refusal_and_is_replaced(
    path: Path, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Isolated() as reader:
        told = reader._answer

        def altered(seconds: float) -> dict[str, Any] | None:
            content = told(seconds)
            return content if content is None or "missing" in content else content | LIES[lie]

        monkeypatch.setattr(reader, "_answer", altered)
        reading = reader.read(path)
        assert reading.outcome is Outcome.REFUSE
        assert "abîmé" in reading.reason
        assert reader._child is None


def test_tables_that_are_not_those_that_are_told_are_refused(path: Path) -> None:
    reading = read_table(path)
    assert reading.table is not None
    lines = pa.table({"line": pa.array(reading.lines)})
    assert tables_fit(reading, reading.table, reading.typed, lines)
    assert not tables_fit(reading, reading.table.slice(1), reading.typed, lines)
    assert not tables_fit(reading, reading.typed, reading.typed, lines)
    assert not tables_fit(reading, reading.table, reading.typed, lines.rename_columns(["x"]))


TRIES = {
    "connect": "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
    "socket": "import socket; socket.socket()",
    "run a program": "import os; os.execv('/bin/true', ['true'])",
    "write elsewhere": "open(sys.argv[2] + '/x', 'w')",
    "remove": "import os; os.unlink(sys.argv[2] + '/here')",
    "memory": "bytearray(3_000_000_000)",
    "files": "[open('/dev/null') for _ in range(100)]",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp and Landlock are Linux's")
@pytest.mark.parametrize("attempt", TRIES, ids=str)
def test_a_confined_process_cannot(attempt: str, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "here").touch()
    code = (
        "import sys; from pathlib import Path; from eclaireur.sources.confinement import confine\n"
        "missing = confine(Path(sys.argv[1]), memory=1_000_000_000)\n"
        "if missing: print('reduced'); raise SystemExit\n"
        "open(sys.argv[1] + '/x', 'w').close()\n"
        f"try:\n    {TRIES[attempt]}\nexcept (OSError, MemoryError) as error:\n    print('refused')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(own), str(other)], capture_output=True, text=True, check=False
    )
    if run.stdout.strip() == "reduced":
        pytest.skip("this host has no Landlock or no seccomp")
    assert run.stdout.strip() == "refused", run.stderr
    assert (other / "here").exists()


def test_a_large_workbook_says_how_far_it_is(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "grand.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(42_001):
            sheet.write_row(row, 0, list("abcdef") if not row else [row, 1, 2, 3, 4, 5])
    told: list[int] = []
    with Isolated() as reader:
        reading = reader.read(path, progress=told.append)
    assert reading.count == 42_000
    assert len(told) >= 4
    assert told[:4] == sorted(told[:4])
    assert 0 < told[0] < told[3] <= path.stat().st_size
