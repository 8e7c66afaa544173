"""The lake: published whole or not at all, never changed, read by no one else's path."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.lake import Lake

TABLE = pa.table({"name": ["a", "b"], "score": [0.25, None]})
ADDRESS = "runs/demo/a1"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def publish(lake: Lake, address: str = ADDRESS, table: pa.Table = TABLE) -> None:
    with lake.publish(address) as folder:
        lake.write(folder, "scores", table)


def test_a_published_table_reads_back_equal(lake: Lake) -> None:
    publish(lake)
    assert lake.table(ADDRESS, "scores").equals(TABLE)
    assert lake.table(ADDRESS, "scores", ["score"]).column_names == ["score"]
    assert lake.tables(ADDRESS) == ("scores",)


def test_publishing_an_address_again_keeps_what_is_there(lake: Lake) -> None:
    publish(lake)
    publish(lake, table=TABLE.slice(0, 1))
    assert lake.table(ADDRESS, "scores").num_rows == 2


def test_a_failed_publication_leaves_nothing(lake: Lake) -> None:
    def fail() -> None:
        with lake.publish(ADDRESS) as folder:
            lake.write(folder, "scores", TABLE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not lake.has(ADDRESS)
    assert [path for path in lake.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("address", ["../a", "/etc", "a/../../b", "A", "a//b", "", "é", ".waiting/x"])
def test_an_address_cannot_leave_the_lake(lake: Lake, address: str) -> None:
    with pytest.raises(BadValueError, match="adresse invalide"):
        lake.folder(address)


def test_what_is_absent_is_named_with_what_is_there(lake: Lake) -> None:
    with pytest.raises(NotFoundError, match="aucun résultat"):
        lake.folder(ADDRESS)
    publish(lake)
    with pytest.raises(NotFoundError, match="scores"):
        lake.table(ADDRESS, "others")


def test_the_same_rows_give_the_same_bytes_however_they_were_cut(lake: Lake) -> None:
    publish(lake, "a", TABLE)
    publish(lake, "b", pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]))
    one, two = (lake.folder(name) / "scores.parquet" for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()


def test_batches_are_written_as_they_come(lake: Lake) -> None:
    with lake.publish(ADDRESS) as folder:
        lake.write(folder, "scores", pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches()))
    assert lake.table(ADDRESS, "scores").equals(TABLE)


def test_duckdb_reads_the_tables_and_nothing_else(lake: Lake, tmp_path: Path) -> None:
    publish(lake)
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    connection = lake.connect(ADDRESS)
    assert connection.execute("SELECT count(*) FROM scores").fetchall() == [(2,)]
    for query in (
        f"FROM read_csv('{secret}')",
        f"COPY scores TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(query)


def test_two_processes_publish_one_address_and_both_succeed(lake: Lake) -> None:
    code = (
        "import sys; from pathlib import Path; import pyarrow as pa; from eclaireur.core.lake import Lake\n"
        "lake = Lake(Path(sys.argv[1]))\n"
        "for n in range(20):\n"
        " with lake.publish(f'r/{n}') as f: lake.write(f, 't', pa.table({'who': [sys.argv[2]]}))"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(lake.root), who]) for who in "ab"]
    assert [run.wait(timeout=60) for run in runs] == [0, 0]
    assert {lake.table(f"r/{n}", "t")["who"][0].as_py() for n in range(20)} <= {"a", "b"}
    assert lake.sweep(older_than=0) == 0


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.07])
def test_a_killed_publisher_leaves_no_torn_address(lake: Lake, delay: float) -> None:
    code = (
        "import sys; from pathlib import Path; import pyarrow as pa; from eclaireur.core.lake import Lake;"
        "lake = Lake(Path(sys.argv[1])); print('ready', flush=True); n = 0\n"
        "while True:\n"
        " with lake.publish(f'r/{n}') as f:\n"
        "  for name in 'abc': lake.write(f, name, pa.table({'x': list(range(2000))}))\n"
        " n += 1"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(lake.root)], stdout=subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(delay)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    for address in lake.addresses("r"):
        assert lake.tables(address) == ("a", "b", "c")
        assert all(lake.table(address, name).num_rows == 2000 for name in "abc")
    lake.sweep(older_than=0)
    assert list((lake.root / ".waiting").glob("*")) == []


def test_a_folder_that_a_living_process_fills_is_not_swept_however_old(lake: Lake) -> None:
    with lake.stage() as waiting:
        os.utime(waiting, (0, 0))
        assert lake.sweep(older_than=0) == 0
        assert waiting.is_dir()


def test_a_folder_left_by_a_dead_process_is_swept_once_old(lake: Lake) -> None:
    left = lake.root / ".waiting" / "left"
    left.mkdir(parents=True)
    (left / "half.parquet").touch()
    assert lake.sweep() == 0
    os.utime(left, (0, 0))
    assert lake.sweep() == 1
    assert not left.exists()


def test_notes_come_back_in_order_without_a_line_cut_by_a_crash(lake: Lake) -> None:
    for text in ("one", "two"):
        lake.note("runs/demo", text, datetime(2026, 1, 1, tzinfo=UTC))
    log = lake.root / "runs" / "demo" / ".log"
    log.write_text(log.read_text(encoding="utf-8") + "2026-01-01\tthr", encoding="utf-8")
    assert lake.notes("runs/demo") == ("one", "two")
