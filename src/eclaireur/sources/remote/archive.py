"""The history of a source that only publishes its latest state: which rows were seen, from when to when.

Each fetch is a snapshot that stays. The history puts their tables end to end and says, for every row that any
export ever held, when it was first and last seen: what a producer overwrites or withdraws is still known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import snapshots
from eclaireur.core.errors import FileRefusedError, MissingColumnError, NotFoundError
from eclaireur.core.lake import Lake
from eclaireur.core.types import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.sources.reading import Reading

__all__ = ["ADDED", "export_address", "history", "read_exports", "sightings"]

ADDED = ("_first_seen", "_last_seen", "_exports", "_copies", "_present", "_version")
"""Columns that a history adds: dates of the first and last export that held the row, how many exports held
it, the most copies in one of them, whether the last holds it, and its rank among the rows of its key."""


def sightings(lake: Lake, source: str) -> tuple[tuple[datetime, Snapshot], ...]:
    """Return when each snapshot of a source was seen, oldest first; one may be seen many times."""
    known = {one.id: one for one in snapshots.snapshots(lake, source)}
    noted = lake.dated_notes(f"snapshots/{source}")
    seen = [(at, known[name]) for at, name in noted if name in known]
    return tuple(sorted(seen, key=lambda one: (one[0], one[1].id)))


def export_address(snapshot: Snapshot) -> str:
    """Return where the table read from a snapshot is kept."""
    return f"exports/{snapshot.id}"


def _table_name(snapshot: Snapshot) -> str:
    return f"t_{snapshot.id.rpartition('/')[2]}"


def read_exports(
    lake: Lake, source: str, read: Callable[[Path], Reading]
) -> tuple[tuple[datetime, Snapshot], ...]:
    """Read the snapshots of a source that were not read yet, each as a table of text; return the sightings.

    Parameters
    ----------
    read
        Reads one file, such as `eclaireur.sources.isolated.Isolated.read`.

    Raises
    ------
    NotFoundError
        If the source has no snapshot.
    FileRefusedError
        If a snapshot is not one file that holds a table.
    """
    seen = sightings(lake, source)
    if not seen:
        raise NotFoundError(
            f"aucune donnée lue sous le nom « {source} ».", fix="Voir les noms : ./eclaireur snapshots"
        )
    for snapshot in {one.id: one for _, one in seen}.values():
        if lake.has(export_address(snapshot)):
            continue
        if len(snapshot.files) != 1:
            raise FileRefusedError(f"les données {snapshot.id} ne sont pas faites d'un seul fichier.")
        reading = read(snapshots.folder(lake, snapshot) / snapshot.files[0].path)
        if reading.table is None:
            raise FileRefusedError(reading.reason, fix=reading.fix, file=snapshot.files[0].path)
        with lake.publish(export_address(snapshot)) as folder:
            lake.write(folder, _table_name(snapshot), reading.table)
    return seen


def history(lake: Lake, seen: Sequence[tuple[datetime, Snapshot]], *, key: Sequence[str] = ()) -> pa.Table:
    """Return every row that an export ever held, with the columns of `ADDED`, in a stable order.

    Rows are the same when all their cells are, as text. A column that an export lacks is empty in its rows.

    Parameters
    ----------
    seen
        What `read_exports` returned.
    key
        Columns that name a thing: its rows are then numbered from 1, as it changed.

    Raises
    ------
    MissingColumnError
        If a key is no column.
    """
    by_id = {snapshot.id: snapshot for _, snapshot in seen}
    headings = {name: _headings(lake, snapshot) for name, snapshot in by_id.items()}
    # Names of columns come from a file: in SQL they are numbers.
    numbers = {
        name: f"c{rank}" for rank, name in enumerate(dict.fromkeys(n for h in headings.values() for n in h))
    }
    for one in key:
        if one not in numbers:
            raise MissingColumnError(
                "cette colonne n'est dans aucun export.",
                column=one,
                fix=f"Colonnes : {', '.join(numbers)}.",
            )
    selects = []
    for one_id, snapshot in by_id.items():
        own = ", ".join(numbers[name] for name in headings[one_id])
        dates = [at.isoformat() for at, one in seen if one.id == one_id]
        selects.append(
            f"SELECT {own}, TIMESTAMPTZ '{min(dates)}' AS f, TIMESTAMPTZ '{max(dates)}' AS l,"
            f" {len(dates)} AS n, count(*) AS k, {one_id == seen[-1][1].id} AS p"
            f" FROM {_table_name(snapshot)} AS t({own}) GROUP BY ALL"
        )
    every = ", ".join(numbers.values())
    among = ", ".join(numbers[one] for one in key)
    rank = f"row_number() OVER (PARTITION BY {among} ORDER BY min(f), max(l), {every})" if key else "1"
    query = (
        f"SELECT {every}, min(f), max(l), sum(n)::INTEGER, max(k)::INTEGER, bool_or(p), ({rank})::INTEGER"
        f" FROM ({' UNION ALL BY NAME '.join(selects)}) GROUP BY {every} ORDER BY ALL"
    )
    with lake.connect(*(export_address(one) for one in by_id.values())) as engine:
        found: pa.Table = engine.execute(query).to_arrow_table()
    for index in (len(numbers), len(numbers) + 1):
        # The zone of the host must not show in the result.
        moments = found.column(index).cast(_moment_type())
        found = found.set_column(index, found.column_names[index], moments)
    return found.rename_columns([*numbers, *ADDED])


def _moment_type() -> pa.DataType:
    import pyarrow as pa

    return pa.timestamp("us", "UTC")


def _headings(lake: Lake, snapshot: Snapshot) -> list[str]:
    import pyarrow.parquet as pq

    path = lake.folder(export_address(snapshot)) / f"{_table_name(snapshot)}.parquet"
    return list(pq.read_schema(path).names)
