"""Immutable tables by address, published whole or not at all, read with Arrow or DuckDB.

An *address* is a relative path such as ``runs/restaurant_risk/signals/3f2a…``: a folder of Parquet
files (and small JSON files) that never changes once it is there. Publishing writes beside, syncs
every file and folder, then renames: a reader sees nothing or everything, whatever is killed when.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.files import sync_folder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Lake"]

_ADDRESS = re.compile(r"[a-z0-9][a-z0-9_\-]*(/[a-z0-9][a-z0-9_\-]*)*")
_TABLE = re.compile(r"[a-z][a-z0-9_]*")
_WAITING = ".waiting"
_LOG = ".log"


class Lake:
    """A folder of published addresses.

    Parameters
    ----------
    root
        Folder of the lake; made when absent.
    threads
        Threads of the DuckDB connections.
    memory
        Memory limit of the DuckDB connections, in DuckDB's notation (``4GB``); empty for its default.

    Examples
    --------
    >>> import pyarrow as pa, tempfile
    >>> lake = Lake(Path(tempfile.mkdtemp()))
    >>> with lake.publish("runs/demo/a1") as folder:
    ...     lake.write(folder, "scores", pa.table({"score": [0.5]}))
    >>> lake.table("runs/demo/a1", "scores")["score"].to_pylist()
    [0.5]
    """

    def __init__(self, root: Path, *, threads: int = 2, memory: str = "") -> None:
        self.root = root
        self._threads = threads
        self._memory = memory

    def __repr__(self) -> str:
        return f"Lake({str(self.root)!r})"

    def _path(self, address: str) -> Path:
        if not _ADDRESS.fullmatch(address):
            raise BadValueError(
                f"adresse invalide : « {address} ».",
                fix="Une adresse est faite de lettres minuscules, de chiffres, de _ - et de /.",
            )
        return self.root / address

    def has(self, address: str) -> bool:
        """Tell whether an address is published."""
        return self._path(address).is_dir()

    def folder(self, address: str) -> Path:
        """Return the folder of a published address; its content must not be changed.

        Raises
        ------
        NotFoundError
            If nothing is published there.
        """
        path = self._path(address)
        if not path.is_dir():
            raise NotFoundError(f"aucun résultat à l'adresse « {address} ».", fix="Relancez le calcul.")
        return path

    @contextmanager
    def publish(self, address: str) -> Iterator[Path]:
        """Give an empty folder to fill; publish it at ``address`` when the block ends well.

        When the address is already there, or another process publishes it first, what exists
        stays: the same address always means the same content. When the block fails, nothing is left.
        """
        self._path(address)
        with self.stage() as waiting:
            yield waiting
            self.settle(waiting, address)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """Give an empty folder, removed when the block ends, for content whose address depends on it."""
        waiting = self.root / _WAITING / uuid.uuid4().hex
        waiting.mkdir(parents=True)
        try:
            yield waiting
        finally:
            shutil.rmtree(waiting, ignore_errors=True)

    def settle(self, waiting: Path, address: str) -> None:
        """Put a staged folder at its address in one step, unless the address is there already."""
        target = self._path(address)
        if target.exists():
            return
        _sync(waiting)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            waiting.rename(target)
        except OSError:
            # Another process was first: a folder cannot be renamed over one that is not empty.
            if not target.is_dir():
                raise
        else:
            sync_folder(target.parent)

    def note(self, prefix: str, text: str, at: datetime) -> None:
        """Append a dated line to the log of a prefix: which address was made or seen, in order."""
        path = self._path(prefix) / _LOG
        path.parent.mkdir(parents=True, exist_ok=True)
        line = f"{at.isoformat()}\t{text}\n".encode()
        # One write of a short line in append mode: two processes cannot mix their lines.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def notes(self, prefix: str) -> tuple[str, ...]:
        """Return the texts noted under a prefix, oldest first; a line cut by a crash is left out."""
        path = self._path(prefix) / _LOG
        if not path.is_file():
            return ()
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return tuple(line.partition("\t")[2] for line in lines if "\t" in line)

    def write(self, folder: Path, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Write a table as ``<name>.parquet`` in a folder being published.

        The same rows under the same schema give the same bytes: one row-group size, one codec, and
        chunks are joined first, since their borders would show in the file.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not _TABLE.fullmatch(name):
            raise BadValueError(f"nom de table invalide : « {name} ».")
        path = folder / f"{name}.parquet"
        if isinstance(table, pa.Table):
            pq.write_table(table.combine_chunks(), path, compression="zstd", row_group_size=131_072)
            return
        with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
            for batch in table:
                writer.write_batch(batch, row_group_size=131_072)

    def table(self, address: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a table, or some of its columns.

        Raises
        ------
        NotFoundError
            If the address or the table does not exist.
        """
        import pyarrow.parquet as pq

        path = self.folder(address) / f"{name}.parquet"
        if not path.is_file():
            raise NotFoundError(
                f"aucune table « {name} » à l'adresse « {address} ».",
                fix=f"Tables présentes : {', '.join(self.tables(address)) or 'aucune'}.",
            )
        return pq.ParquetFile(path).read(columns=None if columns is None else list(columns))

    def tables(self, address: str) -> tuple[str, ...]:
        """Return the names of the tables of an address."""
        return tuple(sorted(path.stem for path in self.folder(address).glob("*.parquet")))

    def addresses(self, prefix: str) -> tuple[str, ...]:
        """Return the published addresses directly under a prefix, by name."""
        path = self._path(prefix)
        if not path.is_dir():
            return ()
        return tuple(f"{prefix}/{entry.name}" for entry in sorted(path.iterdir()) if entry.is_dir())

    def connect(self, *addresses: str) -> duckdb.DuckDBPyConnection:
        """Open DuckDB with one view per table of the addresses; it can read the lake and nothing else.

        A table name found at two addresses is taken from the last.
        """
        import duckdb

        connection = duckdb.connect()
        connection.execute(f"SET threads = {int(self._threads)}")
        if self._memory:
            connection.execute("SET memory_limit = $limit", {"limit": self._memory})
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET allowed_directories = $folders", {"folders": [f"{self.root}/"]})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for address in addresses:
            folder = self.folder(address)
            for name in self.tables(address):
                path = str(folder / f"{name}.parquet").replace("'", "''")
                connection.execute(
                    f"CREATE OR REPLACE VIEW \"{name}\" AS SELECT * FROM read_parquet('{path}')"
                )
        return connection

    def sweep(self, *, older_than: float = 3600.0) -> int:
        """Remove folders that a killed process left half-written; return how many.

        Parameters
        ----------
        older_than
            Age in seconds under which a folder may still be in use.
        """
        waiting = self.root / _WAITING
        removed = 0
        limit = time.time() - older_than
        for entry in waiting.iterdir() if waiting.is_dir() else ():
            if entry.stat().st_mtime <= limit:
                shutil.rmtree(entry, ignore_errors=True)
                removed += 1
        return removed


def _sync(folder: Path) -> None:
    for directory, _, names in os.walk(folder):
        for name in names:
            with (Path(directory) / name).open("rb") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(directory))
