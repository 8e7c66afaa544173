"""Tables of a database: read, never written, no password said."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.sources import sql
from eclaireur.sources.sql import Address, read_sql

ROWS = [
    ("01234567890123", "Évreux", 12.5, "2023-02-01", None),
    ("83283779300021", "Nice", -3.0, "2024-02-29", b"\x01"),
]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.sqlite"
    with closing(sqlite3.connect(path)) as made, made:
        made.execute('CREATE TABLE "Contrôles" (SIRET TEXT, Ville TEXT, Montant REAL, Jour TEXT, Pièce BLOB)')
        made.executemany('INSERT INTO "Contrôles" VALUES (?, ?, ?, ?, ?)', ROWS)
    return path


def test_a_table_is_read_with_its_identifiers_as_text(base: Path) -> None:
    reading = read_sql(f"sqlite:///{base}?table={quote('Contrôles')}")
    assert reading.typed is not None
    assert reading.typed.to_pylist()[0] == {
        "SIRET": "01234567890123",
        "Ville": "Évreux",
        "Montant": 12.5,
        "Jour": date(2023, 2, 1),
        "Pièce": None,
    }
    assert reading.file == "base.sqlite, Contrôles"
    assert [doubt.kind for doubt in reading.doubts] == ["key"]


def test_a_query_is_written_to_parquet_batch_after_batch(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_BATCH", 1)
    done: list[int] = []
    query = quote('SELECT SIRET, Montant FROM "Contrôles" ORDER BY SIRET')
    reading = read_sql(f"sqlite:///{base}?query={query}", to=tmp_path / "a.parquet", progress=done.append)
    assert pq.read_table(tmp_path / "a.parquet")["Montant"].to_pylist() == [12.5, -3.0]
    assert reading.count == 2
    assert done == [1, 2]


@pytest.mark.parametrize(
    "query",
    ["DROP TABLE x", "SELECT 1; DELETE FROM x", "", "INSERT INTO x VALUES (1)", "ATTACH 'a' AS b"],
)
def test_nothing_but_one_select_is_asked(query: str) -> None:
    with pytest.raises(BadValueError):
        Address.parse(f"sqlite:///a.sqlite?query={quote(query)}")


@pytest.mark.parametrize(
    "query",
    [
        "WITH a AS (SELECT 1) INSERT INTO x SELECT * FROM a",
        "SELECT load_extension('x')",
        "SELECT * FROM absent",
    ],
)
def test_the_base_itself_refuses_what_is_not_reading(base: Path, query: str) -> None:
    before = base.read_bytes()
    with pytest.raises(FileRefusedError):
        read_sql(f"sqlite:///{base}?query={quote(query)}")
    assert base.read_bytes() == before


def test_a_password_is_in_no_message() -> None:
    address = "postgresql://agent:tres-secret@127.0.0.1:1/base?table=t"
    assert "secret" not in Address.parse(address).shown
    with pytest.raises(FileRefusedError) as caught:
        read_sql(address)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="DATABASE_URL names no PostgreSQL")
def test_postgresql_is_read_in_a_read_only_session() -> None:
    url = os.environ["DATABASE_URL"]
    columns = "lpad(n::text, 5, '0') AS \"Code postal\", n / 4.0 AS m, date '2023-02-01' AS d"
    query = f"SELECT {columns} FROM generate_series(1, 3) n"  # noqa: S608 - written here
    reading = read_sql(f"{url}?query={quote(query)}")
    assert reading.typed is not None
    assert reading.typed.to_pylist()[0] == {"Code postal": "00001", "m": 0.25, "d": date(2023, 2, 1)}
    write = quote(
        "WITH a AS (SELECT 1) SELECT set_config('default_transaction_read_only', 'off', false), nextval('x')"
    )
    with pytest.raises(FileRefusedError):
        read_sql(f"{url}?query={write}")
