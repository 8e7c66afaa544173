"""Immutable tables by address, published whole or not at all, read with Arrow or DuckDB.

An *address* is a relative path such as ``runs/restaurant_risk/signals/3f2a…``: a folder of Parquet
files (and small JSON files) that never changes once it is there. Publishing writes beside, syncs
every file and folder, then renames: a reader sees nothing or everything, whatever is killed when.

An address holds files; a *prefix*, such as ``runs/restaurant_risk``, holds only addresses or other
prefixes, and its log. So nothing is ever published inside what is published. Folders being written
lie in ``.waiting``, on the same disk, each locked by the process that fills it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import stat
import time
import uuid
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, MissingColumnError, NotFoundError, RefusedError
from eclaireur.core.files import sync_folder
from eclaireur.core.row_groups import GROUP, canonical, row_groups

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
        Folder of the lake, on a local disk; made, for its owner alone, when something is written.
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
        self.root = root.absolute()
        self._threads = threads
        self._memory = memory

    def __repr__(self) -> str:
        return f"Lake({str(self.root)!r})"

    # --- Publishing

    def _path(self, address: str) -> Path:
        if not _ADDRESS.fullmatch(address):
            raise BadValueError(
                f"adresse invalide : « {address} ».",
                fix="Une adresse est faite de lettres minuscules, de chiffres, de _ - et de /.",
            )
        return self.root / address

    def has(self, address: str) -> bool:
        """Tell whether an address is published. A prefix is not an address."""
        return _holds_files(self._path(address))

    def folder(self, address: str) -> Path:
        """Return the folder of a published address; its content must not be changed.

        Raises
        ------
        NotFoundError
            If nothing is published there.
        """
        path = self._path(address)
        if not _holds_files(path):
            raise NotFoundError(f"aucun résultat à l'adresse « {address} ».", fix="Relancez le calcul.")
        return path

    @contextmanager
    def publish(self, address: str) -> Iterator[Path]:
        """Give an empty folder to fill; publish it at ``address`` when the block ends well.

        When the address is already there, or another process publishes it first, what exists
        stays: the same address always means the same content. When the block fails, nothing is left.

        Raises
        ------
        RefusedError
            If the block wrote no file or made a link, or if the address is inside another one.
        """
        self._path(address)
        with self.stage() as waiting:
            yield waiting
            self.settle(waiting, address)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """Give an empty folder, removed when the block ends, for content whose address depends on it."""
        waiting, hold = self._claim()
        try:
            yield waiting
        finally:
            _release(waiting, hold)

    def _claim(self) -> tuple[Path, int]:
        """Make a waiting folder and lock it: the lock falls with the process, and `sweep` looks at it."""
        parent = self.root / _WAITING
        self._make(parent)
        while True:
            waiting = parent / uuid.uuid4().hex
            waiting.mkdir()
            with suppress(FileNotFoundError):  # swept before it was locked: make another
                hold = os.open(waiting, os.O_RDONLY)
                fcntl.flock(hold, fcntl.LOCK_SH)
                if waiting.exists():
                    return waiting, hold
                os.close(hold)

    def settle(self, waiting: Path, address: str) -> None:
        """Put a staged folder at its address in one step, unless the address is there already."""
        target = self._path(address)
        if not _holds_files(target):
            if any(_holds_files(folder) for folder in target.parents if self.root in folder.parents):
                raise RefusedError(
                    f"l'adresse « {address} » est à l'intérieur d'un résultat déjà publié.",
                    fix="Choisissez une autre adresse.",
                )
            _sync(waiting)
            self._make(target.parent)
            try:
                waiting.rename(target)
            except OSError as error:
                # Another process was first: a folder cannot be renamed over one that is not empty.
                if not _holds_files(target):
                    raise _not_settled(error, address) from error
        # Also when another process renamed it: it may be killed before it syncs.
        sync_folder(target.parent)

    def replace_table(self, path: Path, table: pa.Table) -> None:
        """Put a table in the place of one that is published, in one step: rows that a person asks to erase.

        Parameters
        ----------
        path
            File of a published address, as `folder` leads to it.
        """
        with self.stage() as waiting:
            self.write(waiting, path.stem, table)
            written = waiting / f"{path.stem}.parquet"
            with written.open("rb") as stream:
                os.fsync(stream.fileno())
            written.replace(path)
            sync_folder(path.parent)

    def erase(self, address: str) -> None:
        """Remove what is published at an address, for good: data that a person asks to erase.

        It leaves its place in one step; nothing is done when nothing is there.
        """
        path = self._path(address)
        if _holds_files(path):
            with self.stage() as waiting:
                path.rename(waiting / "erased")
                sync_folder(path.parent)

    def _make(self, folder: Path) -> None:
        """Make a folder and what leads to it, each name synced: a power cut leaves no gap."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        missing = [one for one in (folder, *folder.parents) if self.root in one.parents and not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            sync_folder(one.parent)

    def sweep(self, *, older_than: float = 3600.0) -> int:
        """Remove folders that a killed process left half-written; return how many.

        A folder that a living process fills is left alone, however old.

        Parameters
        ----------
        older_than
            Age in seconds under which nothing is removed.
        """
        waiting = self.root / _WAITING
        removed = 0
        limit = time.time() - older_than
        for entry in waiting.iterdir() if waiting.is_dir() else ():
            with suppress(OSError):  # locked by its process, or removed by it in the meantime
                hold = os.open(entry, os.O_RDONLY)
                try:
                    fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(hold).st_mtime <= limit:
                        shutil.rmtree(entry)
                        removed += 1
                finally:
                    os.close(hold)
        return removed

    # --- The log of a prefix

    def note(self, prefix: str, text: str, at: datetime) -> None:
        """Append a dated line to the log of a prefix: which address was made or seen, in order."""
        if not text or not text.isprintable():
            raise BadValueError(f"note invalide : « {text} » ; attendu : une ligne de texte.")
        path = self._path(prefix) / _LOG
        self._make(path.parent)
        # One write of a short line in append mode: two processes cannot mix their lines.
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A line that a full disk or a power cut left unfinished must not swallow this one.
            cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            line = f"{at.isoformat()}\t{text}\n".encode()
            os.write(descriptor, b"\n" + line if cut else line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if size == 0:
            sync_folder(path.parent)

    def notes(self, prefix: str) -> tuple[str, ...]:
        """Return the texts noted under a prefix, oldest first; a line being written is left out.

        A line that was cut may still be there, shortened: a reader checks that what it names exists.
        """
        return tuple(text for _, text in self.dated_notes(prefix))

    def dated_notes(self, prefix: str) -> tuple[tuple[datetime, str], ...]:
        """Return the notes of a prefix with their dates; see `notes`."""
        path = self._path(prefix) / _LOG
        if not path.is_file():
            return ()
        found = []
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            date, _, text = line.partition("\t")
            with suppress(ValueError):  # a cut line
                found.append((datetime.fromisoformat(date), text))
        return tuple(found)

    # --- Tables

    def write(self, folder: Path, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Write a table as ``<name>.parquet`` in a folder being published.

        The same rows under the same schema give the same bytes (with the same version of pyarrow),
        whether they come as a table or as a stream and however they were cut: rows are regrouped
        by 131 072, the chunks of a group are joined, a dictionary (unless it is ordered) is numbered
        again by first appearance, and the schema's metadata are sorted. One group is held at a time.

        Parameters
        ----------
        folder
            Folder that `publish` or `stage` gave.
        name
            Lower-case ASCII letters, digits and ``_``.
        table
            Any number of rows, none included.
        """
        import pyarrow.parquet as pq

        schema = table.schema
        if schema.metadata:
            schema = schema.with_metadata(dict(sorted(schema.metadata.items())))
        with pq.ParquetWriter(folder / _file(name), schema, compression="zstd") as writer:
            for group in row_groups(table):
                writer.write_table(canonical(group, schema), row_group_size=GROUP)

    def table(self, address: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a table, or some of its columns in the order asked.

        Raises
        ------
        NotFoundError
            If the address or the table does not exist.
        MissingColumnError
            If the table has no such column.
        """
        import pyarrow.parquet as pq

        path = self.folder(address) / _file(name)
        if not path.is_file():
            raise NotFoundError(
                f"aucune table « {name} » à l'adresse « {address} ».",
                fix=f"Tables présentes : {', '.join(self.tables(address)) or 'aucune'}.",
            )
        with pq.ParquetFile(path) as file:
            if columns is None:
                return file.read()
            present = file.schema_arrow.names
            for column in columns:
                if column not in present:
                    # pyarrow would leave it out without a word.
                    raise MissingColumnError(
                        f"cette colonne est absente de la table « {name} » à l'adresse « {address} ».",
                        column=column,
                        fix=f"Colonnes présentes : {', '.join(present)}.",
                    )
            return file.read(columns=list(columns)).select(list(columns))

    def tables(self, address: str) -> tuple[str, ...]:
        """Return the names of the tables of an address."""
        return tuple(sorted(path.stem for path in self.folder(address).glob("*.parquet")))

    def addresses(self, prefix: str) -> tuple[str, ...]:
        """Return the published addresses directly under a prefix, by name."""
        path = self._path(prefix)
        if not path.is_dir():
            return ()
        return tuple(f"{prefix}/{entry.name}" for entry in sorted(path.iterdir()) if _holds_files(entry))

    def prefixes(self, prefix: str) -> tuple[str, ...]:
        """Return the prefixes directly under a prefix, by name."""
        path = self._path(prefix)
        entries = sorted(path.iterdir()) if path.is_dir() else ()
        names = (entry.name for entry in entries if entry.is_dir() and not _holds_files(entry))
        return tuple(f"{prefix}/{name}" for name in names if _ADDRESS.fullmatch(name))

    def connect(self, *addresses: str) -> duckdb.DuckDBPyConnection:
        """Open DuckDB with one view per table of the addresses; it opens no file and no network.

        Views are Arrow datasets over the Parquet files: columns and filters are pushed down to them.
        DuckDB's own readers would need ``allowed_directories``, which also lets ``COPY … TO``
        replace a published file: here SQL reads what it was given and writes nothing. What does not
        fit in memory spills into a waiting folder of the lake, removed with the connection.

        A table name found at two addresses is taken from the last.
        """
        import duckdb
        from pyarrow import dataset

        connection = duckdb.connect()
        connection.execute("SET temp_directory = $folder", {"folder": self._spill(connection)})
        connection.execute(f"SET threads = {int(self._threads)}")
        if self._memory:
            connection.execute("SET memory_limit = $limit", {"limit": self._memory})
        for address in addresses:
            folder = self.folder(address)
            for name in self.tables(address):
                connection.register(name, dataset.dataset(folder / _file(name), format="parquet"))
        for locked in (
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "allow_community_extensions = false",
            "allow_persistent_secrets = false",
            "python_enable_replacements = false",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {locked}")
        return connection

    def _spill(self, connection: duckdb.DuckDBPyConnection) -> str:
        try:
            waiting, hold = self._claim()
        except OSError:
            return ""  # a lake that is only read: DuckDB then works in memory
        weakref.finalize(connection, _release, waiting, hold)
        return str(waiting)


def _holds_files(folder: Path) -> bool:
    """Tell an address, which holds files, from a prefix, which holds folders and its log."""
    try:
        with os.scandir(folder) as entries:
            return any(one.name != _LOG and not one.is_dir(follow_symlinks=False) for one in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _release(waiting: Path, hold: int) -> None:
    shutil.rmtree(waiting, ignore_errors=True)
    os.close(hold)


def _not_settled(error: OSError, address: str) -> Exception:
    if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
        return error
    return RefusedError(
        f"l'adresse « {address} » contient déjà d'autres résultats.", fix="Choisissez une autre adresse."
    )


def _sync(folder: Path) -> None:
    """Make a folder ready to publish: files read-only, everything on disk."""
    if not _holds_files(folder):
        raise RefusedError("rien à publier : le calcul n'a écrit aucun fichier à la racine de son dossier.")
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory) / name
            if not stat.S_ISREG(path.lstat().st_mode):
                raise RefusedError(
                    "seuls des fichiers ordinaires peuvent être publiés, sans lien.", file=name
                )
            path.chmod(0o444)
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(directory))


def _file(name: str) -> str:
    if not _TABLE.fullmatch(name):
        raise BadValueError(
            f"nom de table invalide : « {name} ».",
            fix="Un nom de table est fait de lettres minuscules, de chiffres et de _.",
        )
    return f"{name}.parquet"
