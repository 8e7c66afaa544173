"""As-of features from event tables: only what was known strictly before each row's date.

A *row* is a subject at a date (``subject``, ``as_of``, and ``latitude``, ``longitude`` for places).
An *event* has ``observed`` (when it happened) and ``known`` (when it could first be used). An event
counts for a row only if ``known < as_of``, whatever the feature; windows are counted back from
``as_of`` on ``observed``. DuckDB does the joins, out of core when it must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Daily", "Last", "Near", "Own", "Peers", "Since", "Spec", "build"]

_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """An aggregate over the subject's own past events: ``count``, ``mean``, ``sum`` or ``max`` of a column.

    Parameters
    ----------
    window
        Days back from ``as_of``; None for all the past.
    """

    name: str
    table: str
    how: str
    column: str = ""
    window: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The value of a column at the subject's latest event where it is not null."""

    name: str
    table: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Days between the subject's latest event and ``as_of``; null without one.

    ``when`` names a column that must be above zero for the event to count.
    """

    name: str
    table: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """An aggregate over events of *other* subjects within ``radius`` metres and ``window`` days.

    With ``strength``, a mean is drawn towards ``towards`` as if that many more events had it.
    """

    name: str
    table: str
    how: str
    radius: float
    window: int
    column: str = ""
    strength: float = 0.0
    towards: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The mean of a column over events of *other* subjects that share a text ``key`` with the row.

    Drawn towards ``towards`` as if ``strength`` more events had it. The window, in days, counts
    back on ``known``.
    """

    name: str
    table: str
    column: str
    key: str
    window: int
    strength: float = 20.0
    towards: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """The mean of a daily series over the ``window`` days strictly before ``as_of``."""

    name: str
    table: str
    column: str
    window: int


Spec = Own | Last | Since | Near | Peers | Daily
"""Any as-of feature."""

_HOW = {"count": "count(*)", "mean": "avg({column})", "sum": "sum({column})", "max": "max({column})"}


def build(rows: pa.Table, events: Mapping[str, pa.Table], specs: Sequence[Spec]) -> pa.Table:
    """Compute as-of features.

    Parameters
    ----------
    rows
        ``subject``, ``as_of``; ``latitude`` and ``longitude`` for `Near`; the keys of `Peers`.
    events
        Event tables by name. A table that is absent or lacks a column gives null features, since
        sources differ in what they hold.
    specs
        The features, with distinct names.

    Returns
    -------
    pa.Table
        One float column per spec, in order; one line per row, in the order of ``rows``.

    Raises
    ------
    BadValueError
        If two specs share a name, or an aggregate is unknown.

    Examples
    --------
    >>> import datetime, pyarrow as pa
    >>> day = datetime.date
    >>> events = pa.table({"subject": ["a", "a"], "observed": [day(2024, 1, 1), day(2024, 3, 1)],
    ...                    "known": [day(2024, 1, 2), day(2024, 3, 2)], "label": [1.0, 0.0]})
    >>> rows = pa.table({"subject": ["a"], "as_of": [day(2024, 3, 1)]})
    >>> build(rows, {"visits": events}, [Own(name="bad", table="visits", how="sum", column="label")])[
    ...     "bad"].to_pylist()
    [1.0]
    """
    import duckdb
    import pyarrow as pa

    names = [spec.name for spec in specs]
    if len(set(names)) != len(names):
        raise BadValueError("deux variables portent le même nom.")
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    numbered = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    connection.register("r", numbered)
    for name, table in events.items():
        connection.register(f"e_{name}", table)
    columns: dict[str, pa.ChunkedArray] = {}
    for group in _groups(specs):
        usable = [spec for spec in group if _has(events, rows, spec)]
        if usable:
            columns |= _query(connection, usable)
    empty = pa.chunked_array([pa.nulls(rows.num_rows, pa.float64())])
    return pa.table({name: columns.get(name, empty) for name in names})


def _groups(specs: Sequence[Spec]) -> list[list[Spec]]:
    """Gather specs that one query can answer: same kind, same table, same join."""
    found: dict[tuple[object, ...], list[Spec]] = {}
    for spec in specs:
        key: tuple[object, ...] = (type(spec), spec.table)
        if isinstance(spec, Own | Last | Since):
            key = ("own", spec.table)
        elif isinstance(spec, Near):
            key = (Near, spec.table, spec.radius)
        elif isinstance(spec, Peers):
            key = (Peers, spec.name)
        elif isinstance(spec, Daily):
            key = (Daily, spec.table, spec.window)
        found.setdefault(key, []).append(spec)
    return list(found.values())


def _has(events: Mapping[str, pa.Table], rows: pa.Table, spec: Spec) -> bool:
    if spec.table not in events:
        return False
    present = set(events[spec.table].column_names)
    needed = {getattr(spec, "column", ""), getattr(spec, "when", "")} - {""}
    if isinstance(spec, Near):
        needed |= {"latitude", "longitude"}
        return needed <= present and {"latitude", "longitude"} <= set(rows.column_names)
    if isinstance(spec, Peers):
        return needed | {spec.key, "subject"} <= present and spec.key in rows.column_names
    return needed <= present


def _query(connection: duckdb.DuckDBPyConnection, specs: Sequence[Spec]) -> dict[str, pa.ChunkedArray]:
    first = specs[0]
    if isinstance(first, Near):
        sql = _near_sql(connection, first, [_near_column(spec) for spec in specs if isinstance(spec, Near)])
    elif isinstance(first, Peers):
        sql = _peers_sql(first)
    elif isinstance(first, Daily):
        sql = _daily_sql(first, [spec for spec in specs if isinstance(spec, Daily)])
    else:
        sql = _own_sql(first.table, [_own_column(spec) for spec in specs])
    names = ", ".join(f'CAST({_filled(spec)} AS DOUBLE) AS "{spec.name}"' for spec in specs)
    table = connection.execute(
        f"SELECT {names} FROM r LEFT JOIN ({sql}) f USING (row) ORDER BY row"
    ).to_arrow_table()
    return {spec.name: table[spec.name] for spec in specs}


def _filled(spec: Spec) -> str:
    """Give the value of a row that the join left out: no event near a known place is a count of zero."""
    value = f'f."{spec.name}"'
    if isinstance(spec, Near) and spec.how == "count":
        return f"CASE WHEN r.latitude IS NULL OR r.longitude IS NULL THEN NULL ELSE coalesce({value}, 0) END"
    return value


def _aggregate(how: str, column: str) -> str:
    if how not in _HOW:
        raise BadValueError(f"agrégat inconnu : « {how} ».", fix=f"Connus : {', '.join(_HOW)}.")
    return _HOW[how].format(column=f'e."{column}"')


def _own_column(spec: Spec) -> str:
    if isinstance(spec, Own):
        window = "" if spec.window is None else f" FILTER (e.observed >= r.as_of - {int(spec.window)})"
        return f'{_aggregate(spec.how, spec.column)}{window} AS "{spec.name}"'
    if isinstance(spec, Last):
        # Two events of one day: the one known last, then the greater value, so that order never decides.
        value = f'e."{spec.column}"'
        return f'arg_max({value}, (e.observed, e.known, {value})) AS "{spec.name}"'
    if isinstance(spec, Since):
        when = f' FILTER (e."{spec.when}" > 0)' if spec.when else ""
        return f"date_diff('day', max(e.observed){when}, r.as_of) AS \"{spec.name}\""
    raise BadValueError(f"variable inattendue : {spec!r}.")


def _own_sql(table: str, columns: Sequence[str]) -> str:
    # LEFT JOIN so that a subject without a past has a count of zero, not an unknown count.
    counted = [
        column.replace("count(*)", "count(e.subject)") if column.startswith("count(*)") else column
        for column in columns
    ]
    return f"""
        SELECT r.row, {", ".join(counted)}
        FROM r LEFT JOIN e_{table} e ON e.subject = r.subject AND e.known < r.as_of
        GROUP BY r.row, r.as_of"""


def _near_column(spec: Near) -> str:
    inside = f"FILTER (e.observed >= r.as_of - {int(spec.window)})"
    if spec.how == "mean" and spec.strength:
        value = f'e."{spec.column}"'
        total = f"coalesce(sum({value}) {inside}, 0)"
        return (
            f"({total} + {spec.strength * spec.towards!r}) / (count({value}) {inside} + {spec.strength!r})"
            f' AS "{spec.name}"'
        )
    return f'{_aggregate(spec.how, spec.column)} {inside} AS "{spec.name}"'


def _near_sql(connection: duckdb.DuckDBPyConnection, first: Near, columns: Sequence[str]) -> str:
    """Join by cells as wide as the radius (a row's own and the eight around), then by distance.

    A degree of longitude shrinks with latitude: cells twice as wide hold the radius up to 60°.
    """
    step = first.radius / _METRES_PER_DEGREE
    held = {row[0] for row in connection.execute(f"DESCRIBE e_{first.table}").fetchall()}
    other = "AND e.subject IS DISTINCT FROM r.subject" if "subject" in held else ""
    y = f"CAST(floor(latitude / {step!r}) AS BIGINT)"
    x = f"CAST(floor(longitude / {2 * step!r}) AS BIGINT)"
    return f"""
        SELECT r.row, {", ".join(columns)}
        FROM (SELECT row, subject, as_of, latitude, longitude, {y} + dy AS y, {x} + dx AS x
              FROM r, (VALUES (-1), (0), (1)) a(dy), (VALUES (-1), (0), (1)) b(dx)
              WHERE latitude IS NOT NULL AND longitude IS NOT NULL) r
        JOIN (SELECT *, {y} AS y, {x} AS x FROM e_{first.table}
              WHERE latitude IS NOT NULL AND longitude IS NOT NULL) e
          ON e.y = r.y AND e.x = r.x AND e.known < r.as_of {other}
         AND pow((e.latitude - r.latitude) * {_METRES_PER_DEGREE!r}, 2)
           + pow((e.longitude - r.longitude) * {_METRES_PER_DEGREE!r} * cos(radians(r.latitude)), 2)
             <= {float(first.radius) ** 2!r}
        GROUP BY r.row"""


def _peers_sql(spec: Peers) -> str:
    """Take running totals by key at ``as_of`` and a window before it, and leave the subject's own out.

    Running totals cost one sort, where a join of every pair of a large key would be quadratic.
    """
    value, key = f'"{spec.column}"', f'"{spec.key}"'
    start = f"r.as_of - {int(spec.window)}"
    return f"""
        WITH day AS (SELECT {key} AS key, known, sum({value}) AS total, count({value}) AS n
                     FROM e_{spec.table} WHERE {key} IS NOT NULL GROUP BY ALL),
        run AS (SELECT key, known,
                       sum(total) OVER (PARTITION BY key ORDER BY known) AS total,
                       sum(n) OVER (PARTITION BY key ORDER BY known) AS n FROM day),
        own AS (SELECT r.row, sum(e.{value}) AS total, count(e.{value}) AS n
                FROM r JOIN e_{spec.table} e
                  ON e.subject = r.subject AND e.{key} = r.{key}
                 AND e.known < r.as_of AND e.known >= {start}
                GROUP BY r.row),
        until AS (SELECT r.row, run.total, run.n
                  FROM r ASOF JOIN run ON r.{key} = run.key AND r.as_of > run.known),
        since AS (SELECT r.row, run.total, run.n
                  FROM (SELECT row, {key}, {start} AS start FROM r) r
                  ASOF JOIN run ON r.{key} = run.key AND r.start > run.known)
        SELECT r.row,
               (coalesce(until.total, 0) - coalesce(since.total, 0) - coalesce(own.total, 0)
                + {spec.strength * spec.towards!r})
             / (coalesce(until.n, 0) - coalesce(since.n, 0) - coalesce(own.n, 0) + {spec.strength!r})
               AS "{spec.name}"
        FROM r LEFT JOIN until USING (row) LEFT JOIN since USING (row) LEFT JOIN own USING (row)"""


def _daily_sql(first: Daily, specs: Sequence[Daily]) -> str:
    columns = ", ".join(f'avg(e."{spec.column}") AS "{spec.name}"' for spec in specs)
    return f"""
        SELECT r.row, {columns}
        FROM r JOIN e_{first.table} e
          ON e.observed < r.as_of AND e.observed >= r.as_of - {int(first.window)}
        GROUP BY r.row"""
