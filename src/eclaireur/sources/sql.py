"""One table or one SELECT of a database, SQLite or PostgreSQL, read and never written.

The database itself refuses to write: SQLite is opened with ``mode=ro``, PostgreSQL in a read-only session.
Values become text, as in a file, so that an identifier keeps its zeros; numbers and dates are typed again
where a whole column holds. The password of an address is used to connect, and said or stored nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from eclaireur.core.errors import BadValueError, EmptyTableError, ExtraMissingError, FileRefusedError
from eclaireur.sources import sqlite
from eclaireur.sources.feeding import Done, Feed, Sink, nothing
from eclaireur.sources.large import hold, write
from eclaireur.sources.naming import distinct

if TYPE_CHECKING:
    from eclaireur.sources.kinds import Decided
    from eclaireur.sources.reading import Reading

__all__ = ["Address", "read_sql"]

_BATCH = 50_000
_POSTGRESQL = {
    "42P01": "cette table n'existe pas.",
    "42703": "une colonne de la requête n'existe pas.",
    "42601": "la requête est mal écrite.",
    "42501": "ce compte n'a pas le droit de lire cette table.",
    "25006": "la requête ne fait pas que lire.",
    "57014": "la requête dure trop longtemps.",
}
"""What PostgreSQL's codes of errors mean.

References
----------
PostgreSQL documentation, appendix A « PostgreSQL Error Codes ».
"""
_FORMS = "sqlite:///dossier/base.sqlite?table=nom ou postgresql://compte@serveur/base?table=nom"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table is: the database, without what is read of it, and a table or a query.

    Examples
    --------
    >>> address = Address.parse("postgresql://agent:secret@base/contrôles?table=public.visites")
    >>> address.shown, address.query
    ('base/contrôles, public.visites', 'SELECT * FROM "public"."visites"')
    """

    scheme: str
    place: str
    query: str
    shown: str

    @staticmethod
    def known(text: str) -> bool:
        """Tell whether a text is the address of a database rather than a file's name."""
        return re.match(r"(sqlite|postgres|postgresql)://", text) is not None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``sqlite:///path?table=name`` or ``postgresql://account@server/base?query=SELECT …``.

        Raises
        ------
        BadValueError
            If it is neither, names no table, or asks for something else than one SELECT.
        """
        try:
            parts = urlsplit(text)
            asked = dict(parse_qsl(parts.query))
            server = parts.hostname or ""
        except ValueError as error:
            raise BadValueError(
                "l'adresse de la base est mal écrite.", fix=f"Forme attendue : {_FORMS}."
            ) from error
        table, query = asked.pop("table", ""), asked.pop("query", "").strip().removesuffix(";")
        if bool(table) == bool(query):
            raise BadValueError(
                "l'adresse doit nommer une table ou une requête, et une seule.",
                fix=f"Forme attendue : {_FORMS}.",
            )
        if table:
            names = (part.replace('"', '""') for part in table.split("."))
            query = "SELECT * FROM " + ".".join(f'"{name}"' for name in names)  # noqa: S608 - quoted, and read-only
        elif ";" in query or not re.match(r"(select|with|values)\b", query, re.IGNORECASE):
            raise BadValueError(
                "seule une requête SELECT peut être lue.", fix="Écrivez un seul SELECT, sans point-virgule."
            )
        what = table or "requête"
        if parts.scheme == "sqlite":
            path = (
                unquote(parts.path.removeprefix("/")) if parts.path.startswith("//") else unquote(parts.path)
            )
            near = Path(unquote(parts.path.removeprefix("/")))
            found = near if near.exists() else Path(path)
            return cls("sqlite", str(found), query, f"{found.name}, {what}")
        place = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(asked), ""))
        return cls("postgresql", place, query, f"{server}{unquote(parts.path)}, {what}")


def read_sql(text: str, *, to: Path | None = None, progress: Callable[[int], None] = nothing) -> Reading:
    """Read one table or one SELECT.

    Parameters
    ----------
    to
        Parquet file to write; the reading then holds no table, and memory does not grow with it.
    progress
        Called with the rows that are behind.

    Raises
    ------
    BadValueError
        If the address is not one.
    FileRefusedError
        If the database refuses; the message never holds the address.
    EmptyTableError
        If the query gives no column.
    ExtraMissingError
        If PostgreSQL's part is not installed.
    """
    address = Address.parse(text)

    def scan(sink: Sink, restart: Callable[[], None], known: Sequence[Decided]) -> Done:
        del restart
        return _scan(address, sink, known, progress)

    return hold(scan, address.shown) if to is None else write(scan, address.shown, to)


def _scan(address: Address, sink: Sink, known: Sequence[Decided], progress: Callable[[int], None]) -> Done:
    import numpy as np
    import pyarrow as pa

    opened = _sqlite if address.scheme == "sqlite" else _postgresql
    with opened(address) as (header, batches):
        names, renamed = distinct(header)
        if not names:
            raise EmptyTableError("la requête ne donne aucune colonne.", file=address.shown)
        feed = Feed(names, sink, known=known, machine=True)
        for rows in batches:
            columns = [
                pa.array([_cell(value) for value in column], pa.string())
                for column in zip(*rows, strict=True)
            ]
            feed.put(columns, np.arange(feed.count + 1, feed.count + 1 + len(rows), dtype=np.int64))
            progress(feed.count)
    return feed.done(renamed, ())


def _cell(value: Any) -> str | None:
    """Write a value as text: an hour and a day in ISO 8601, bytes in hexadecimal."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return "0x" + bytes(value).hex()
    return repr(value) if isinstance(value, float) else str(value)


_Opened = Iterator[tuple[list[str], Iterator[Sequence[Sequence[Any]]]]]


@contextmanager
def _sqlite(address: Address) -> _Opened:
    with sqlite.opened(Path(address.place), address.query, address.shown, batch=_BATCH) as found:
        yield found


@contextmanager
def _postgresql(address: Address) -> _Opened:
    try:
        import psycopg
    except ImportError as error:
        raise ExtraMissingError(
            "lire une base PostgreSQL demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install postgresql",
        ) from error
    options = "-c default_transaction_read_only=on -c statement_timeout=600000"
    try:
        with (
            psycopg.connect(address.place, options=options, connect_timeout=15) as base,
            base.cursor(name="eclaireur") as cursor,
        ):
            cursor.execute(address.query.encode())
            yield (
                [one.name for one in cursor.description or ()],
                iter(lambda: cursor.fetchmany(_BATCH), []),
            )
    except psycopg.Error as error:
        # The first line alone: details may repeat the address, and with it the account.
        if error.diag.sqlstate is None:
            raise FileRefusedError(
                "le serveur de la base ne répond pas, ou refuse la connexion.",
                file=address.shown,
                fix="Vérifiez l'adresse, le compte, son mot de passe et le réseau.",
            ) from None
        said = _POSTGRESQL.get(error.diag.sqlstate) or f"la base refuse : {error.diag.message_primary}."
        raise FileRefusedError(
            said, file=address.shown, fix="Vérifiez le compte, et le nom de la table ou la requête."
        ) from None
