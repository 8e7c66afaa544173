"""Tables of a database: read, never written, no password said."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from urllib.parse import quote, urlencode

import pyarrow.parquet as pq
import pytest

from eclaireur.core.errors import BadValueError, EmptyTableError, FileRefusedError
from eclaireur.sources import sql, sqlite
from eclaireur.sources.sql import Address, read_sql
from tests.postgresql_server import postgresql, programs

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


def test_a_base_cut_anywhere_is_refused_in_french(base: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(base)) as made, made:
        made.execute("CREATE TABLE longue (a TEXT)")
        made.executemany("INSERT INTO longue VALUES (?)", [("é" * 500,)] * 200)
    whole = base.read_bytes()
    cut = tmp_path / "coupée.sqlite"
    for size in (0, 10, 50, 100, 4096, len(whole) // 2, len(whole) - 4096):
        cut.write_bytes(whole[:size])
        with pytest.raises(FileRefusedError) as caught:
            read_sql(f"sqlite:///{cut}?table=longue")
        assert "base" in caught.value.message, size
        assert caught.value.fix
        assert not re.search(r"malformed|database|file is", caught.value.message)


def test_whatever_is_overwritten_a_base_is_read_or_refused(base: Path) -> None:
    whole = base.read_bytes()
    refused = 0
    for place in range(0, len(whole), 97):
        base.write_bytes(whole[:place] + b"\xff" * 8 + whole[place + 8 :])
        try:
            read_sql(f"sqlite:///{base}?table={quote('Contrôles')}")
        except (FileRefusedError, EmptyTableError):
            refused += 1
    assert refused


def test_a_view_that_never_ends_is_stopped(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_SECONDS", 0)
    with closing(sqlite3.connect(base)) as made, made:
        made.execute(
            "CREATE VIEW sans_fin AS WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) "
            "SELECT max(n) FROM a"
        )
    with pytest.raises(FileRefusedError, match="trop longtemps"):
        read_sql(f"sqlite:///{base}?table=sans_fin")


def test_a_table_that_is_absent_is_named(base: Path) -> None:
    with pytest.raises(FileRefusedError, match="la table « absente » n'existe pas"):
        read_sql(f"sqlite:///{base}?table=absente")


def test_a_password_is_in_no_message() -> None:
    address = "postgresql://agent:tres-secret@127.0.0.1:1/base?table=t"
    assert "secret" not in Address.parse(address).shown
    with pytest.raises(FileRefusedError) as caught:
        read_sql(address)
    assert "secret" not in str(caught.value)
    assert caught.value.message == "le serveur de la base ne répond pas, ou refuse la connexion."
    assert caught.value.__cause__ is None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give a PostgreSQL: the one that DATABASE_URL names, or one of the tests alone."""
    told = os.environ.get("DATABASE_URL", "")
    if told.startswith("postgres"):
        yield told
        return
    if programs() is None:
        pytest.skip("PostgreSQL is not installed, and DATABASE_URL names none")
    pytest.importorskip("psycopg", reason="the part that reads PostgreSQL is not installed")
    with postgresql() as url:
        yield url


def _asked(url: str, **what: str) -> str:
    sign = "&" if "?" in url else "?"
    return url + sign + urlencode(what)


def test_postgresql_is_read_in_a_read_only_session(server: str) -> None:
    columns = (
        "lpad(n::text, 5, '0') AS \"Code postal\", n / 4.0 AS m, date '2023-02-01' AS d, n > 1 AS \"Oui ?\""
    )
    query = f"SELECT {columns} FROM generate_series(1, 3) n"  # noqa: S608 - written here
    reading = read_sql(_asked(server, query=query))
    assert reading.typed is not None
    first = {"Code postal": "00001", "m": 0.25, "d": date(2023, 2, 1), "Oui ?": False}
    assert reading.typed.to_pylist()[0] == first


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT set_config('default_transaction_read_only', 'off', false), nextval('x')", "n'existe pas"),
        ("WITH a AS (DELETE FROM pg_description RETURNING 1) SELECT * FROM a", "la base refuse|que lire"),
        ("SELECT * FROM absente", "cette table n'existe pas"),
        ("SELECT absente FROM pg_class", "une colonne de la requête n'existe pas"),
        ("SELECT FROM WHERE", "mal écrite"),
    ],
)
def test_postgresql_refuses_in_french_what_is_not_reading(server: str, query: str, said: str) -> None:
    with pytest.raises(FileRefusedError, match=said):
        read_sql(_asked(server, query=query))


def test_a_table_of_postgresql_is_written_to_parquet(server: str, tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    reading = read_sql(_asked(server, table="information_schema.sql_features"), to=target)
    assert reading.count == pq.read_table(target).num_rows > 100
