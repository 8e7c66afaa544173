"""Kill an upgrade at each of its statements: the next start finishes it, and no row is lost.

    python benchmarks/prove_upgrade.py [--only sqlite|postgresql] [--every 1] [--log FILE]

For each older version of the tables, with rows in them, the upgrade is begun in a process that is killed
(SIGKILL) just before its first statement that changes the database, then, on the same old base, before its
second, and so on: from the first version to the last change of all, from each later one to the end of the
migration that follows it (what comes after is what the first went through). A statement that only reads
leaves the base of the one before. After each kill the upgrade is started again, as the next ``serve`` does:
it must end, the tables must be those of a new installation, and every row must be there. On SQLite, and on
PostgreSQL where ``DATABASE_URL`` names a server or its programs are found: then in bases of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Kills", "main", "prove"]

_ROWS = 50
_READS = ("SELECT", "PRAGMA", "SHOW", "BEGIN", "SAVEPOINT")
"""What a statement begins with that changes nothing: the base is that of the kill before."""


@dataclass(slots=True)
class Kills:
    """How many upgrades were killed, and what was wrong after the next start."""

    kills: int = 0
    whole: int = 0
    wrong: list[str] = field(default_factory=list)


class _Bases:
    """The database under trial, and copies of the old ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self) -> Path:
        from django.conf import settings

        return Path(settings.DATABASES["default"]["NAME"])

    def empty(self) -> None:
        """Start with a base that holds nothing."""
        self._close()
        for end in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path()}{end}").unlink(missing_ok=True)

    def keep(self, name: str) -> None:
        """Keep the base as it is under a name."""
        self._close()  # the last connection empties the WAL into the base
        shutil.copyfile(self._path(), self._folder / name)

    def take(self, name: str) -> None:
        """Put back the base that was kept under a name."""
        self.empty()
        shutil.copyfile(self._folder / name, self._path())

    def end(self) -> None:
        """Leave nothing behind."""
        self._close()

    @staticmethod
    def _close() -> None:
        from django.db import connections

        connections.close_all()


class _PostgresqlBases(_Bases):
    """The same, by PostgreSQL's templates."""

    def _say(self, *statements: str) -> None:
        import psycopg

        self._close()
        parts = urlsplit(os.environ["DATABASE_URL"])
        whole = urlunsplit(parts._replace(path="/postgres"))
        with psycopg.connect(whole, autocommit=True) as server:
            for words in statements:
                server.execute(words.encode())

    @property
    def _name(self) -> str:
        return urlsplit(os.environ["DATABASE_URL"]).path.strip("/")

    def empty(self) -> None:
        """Start with a base that holds nothing."""
        drop = f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)'
        self._say(drop, f'CREATE DATABASE "{self._name}"')

    def end(self) -> None:
        """Leave nothing behind."""
        names = [self._name, *(f"{self._name}_{name}" for name in _versions())]
        self._say(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names))

    def keep(self, name: str) -> None:
        """Keep the base as it is under a name."""
        self._say(f'CREATE DATABASE "{self._name}_{name}" TEMPLATE "{self._name}"')

    def take(self, name: str) -> None:
        """Put back the base that was kept under a name."""
        drop = f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)'
        self._say(drop, f'CREATE DATABASE "{self._name}" TEMPLATE "{self._name}_{name}"')


def _versions() -> list[str]:
    """Return the names of the desk's migrations, in order."""
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader

    return sorted(
        name for app, name in MigrationLoader(connections["default"]).disk_migrations if app == "desk"
    )


def _applied() -> set[str]:
    """Return the names of the desk's migrations that the base has gone through."""
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return {name for app, name in MigrationRecorder(connection).applied_migrations() if app == "desk"}


def _upgrade(to: str = "") -> None:
    """Upgrade as `serve` does when it starts; or up to an old version."""
    from django.core.management import call_command

    from eclaireur.desk.upgrading import upgrade

    if to:
        call_command("migrate", "desk", to, interactive=False, verbosity=0)
    else:
        upgrade()


def _fill(version: str) -> None:
    """Write rows under the tables of an old version."""
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader
    from django.utils import timezone

    apps = MigrationLoader(connections["default"]).project_state(("desk", version)).apps
    user = apps.get_model("desk", "User").objects.create(login="ada", full_name="Ada Martin")
    line = apps.get_model("desk", "JournalLine")
    line.objects.bulk_create([line(seq=seq, line=f"ligne {seq}") for seq in range(1, _ROWS + 1)])
    job = apps.get_model("desk", "Job")
    job.objects.bulk_create([job(kind="publish", title=f"Essai {one}", user=user) for one in range(_ROWS)])
    upload = apps.get_model("desk", "Upload")
    upload.objects.bulk_create(
        [
            upload(
                case="demo",
                file=f"u{one}",
                name="a.csv",
                sha256="0" * 64,
                bytes=3,
                user=user,
                at=timezone.now(),
            )
            for one in range(_ROWS)
        ]
    )


def _counts() -> dict[str, int]:
    """Return how many rows each table has; Django's own registers of types and rights are made again."""
    from django.db import connection

    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        found = {}
        for name in names:
            if name.startswith("desk_"):
                cursor.execute(f'SELECT count(*) FROM "{name}"')  # noqa: S608 (a table of ours)
                found[name] = int(cursor.fetchone()[0])
    return found


def _shape() -> dict[str, Any]:
    """Return the columns and the constraints of each table, whatever their order."""
    from django.db import connection

    shape: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            columns = connection.introspection.get_table_description(cursor, name)
            constraints = connection.introspection.get_constraints(cursor, name).values()
            shape[name] = (
                sorted((one.name, str(one.type_code), one.null_ok) for one in columns),
                sorted(
                    str((one["columns"], one["primary_key"], one["unique"], one["foreign_key"], one["index"]))
                    for one in constraints
                ),
            )
    return shape


def _killed(statement: int) -> bool:
    """Upgrade in a process that is killed before its nth change; False when it ended before it came to it."""
    from django.db import connection, connections

    connections.close_all()
    number = os.fork()
    if number == 0:
        left = [statement]

        def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            left[0] -= not str(sql).lstrip().upper().startswith(_READS)
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(sql, params, many, context)

        code = 1
        with contextlib.suppress(BaseException):
            with connection.execute_wrapper(count):
                _upgrade()
            code = 0
        os._exit(code)
    _, status = os.waitpid(number, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status):
        raise AssertionError("the upgrade failed by itself")
    return False


def prove(bases: _Bases, every: int, *, oldest: int = 0, first: int = 1) -> Kills:
    """Kill the upgrade of each old version at one change in so many, from the first."""
    from django.db import connection

    found = Kills()
    bases.empty()
    _upgrade()
    new = _shape()
    versions = _versions()
    for version, following in zip(versions[oldest:-1], versions[oldest + 1 :], strict=True):
        bases.empty()
        _upgrade(version)
        _fill(version)
        before = _counts()
        bases.keep(version)
        statement = first
        while True:
            bases.take(version)
            if not _killed(statement) or (version != versions[oldest] and following in _applied()):
                break
            found.kills += 1
            where = f"{connection.vendor} {version}, change {statement}"
            try:
                _upgrade()
            except Exception as error:  # noqa: BLE001 (whatever it is, the next start did not end)
                found.wrong.append(f"{where}: {type(error).__name__} {error}")
                statement += every
                continue
            after = _counts()
            if any(after.get(name) != count for name, count in before.items() if count):
                found.wrong.append(f"{where}: rows lost")
            elif _shape() != new:
                found.wrong.append(f"{where}: not the tables of a new installation")
            else:
                found.whole += 1
            statement += every
    return found


@contextlib.contextmanager
def _server() -> Iterator[bool]:
    """Give a PostgreSQL by ``DATABASE_URL``: the one it names, or one that does not stay; False without."""
    if os.environ.get("DATABASE_URL"):
        yield True
        return
    from tests.postgresql_server import postgresql, programs

    if programs() is None or shutil.which("runuser") is None:
        yield False
        return
    # Its account cannot enter a folder that is private to this one.
    os.environ.pop("TMPDIR", None)
    tempfile.tempdir = None
    with postgresql() as address:
        os.environ["DATABASE_URL"] = address
        yield True


@contextlib.contextmanager
def _set_up(vendor: str) -> Iterator[_Bases]:
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as name:
        folder = Path(name)
        os.environ["ECLAIREUR_HOME"] = str(folder / "home")
        (folder / "home" / "desk").mkdir(parents=True)
        if vendor == "postgresql":
            parts = urlsplit(os.environ["DATABASE_URL"])
            os.environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/eclaireur_upgrade_{os.getpid()}"))
        from eclaireur.desk.start import set_up

        set_up()
        bases = _PostgresqlBases(folder) if vendor == "postgresql" else _Bases(folder)
        try:
            yield bases
        finally:
            bases.end()


def _one(vendor: str, every: int, oldest: int, first: int) -> Kills | None:
    """Prove on one kind of database, in this process; None when it is not there."""
    if vendor == "sqlite":
        os.environ.pop("DATABASE_URL", None)
        with _set_up(vendor) as bases:
            return prove(bases, every, oldest=oldest, first=first)
    with _server() as there:
        if not there:
            return None
        with _set_up(vendor) as bases:
            return prove(bases, every, oldest=oldest, first=first)


def main() -> int:
    """Run the proof, print its figures, and fail when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default="")
    parser.add_argument("--every", type=int, default=1, help="kill at one change in so many")
    parser.add_argument("--oldest", type=int, default=0, help="versions that are left out, from the first")
    parser.add_argument("--first", type=int, default=1, help="first change at which it is killed")
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    kills, wrong = 0, 0
    for vendor, said in _told([asked.only] if asked.only else ["sqlite", "postgresql"], asked):
        if not said:
            print(f"{vendor}: ended by itself", file=sys.stderr)
            wrong += 1
            continue
        one = json.loads(said)
        if one is None:
            print(f"{vendor}: its programs are not here, and DATABASE_URL names no server: nothing is killed")
            continue
        print(f"{vendor}: {one['kills']} upgrades killed, {one['whole']} finished by the next start")
        for line in one["wrong"][:10]:
            print(f"wrong: {line}", file=sys.stderr)
        kills, wrong = kills + one["kills"], wrong + len(one["wrong"])
    if asked.log is not None and kills:
        figures = {"proof": "upgrade", "seed": 0, "tried": kills, "failed": wrong}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _told(vendors: list[str], asked: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Give what was found on each kind of database, both tried at once."""
    # Django is set up once in a process: each kind of database has its own.
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as folder:
        children = []
        for vendor in vendors:
            number = os.fork()
            if number == 0:
                _tell(vendor, (asked.every, asked.oldest, asked.first), Path(folder, vendor))
            children.append((vendor, number))
        for vendor, number in children:
            os.waitpid(number, 0)
            target = Path(folder, vendor)
            yield vendor, target.read_text(encoding="utf-8") if target.is_file() else ""


def _tell(vendor: str, which: tuple[int, int, int], target: Path) -> None:
    """Prove in a process of its own, and write what was found. It does not come back."""
    try:
        found = _one(vendor, *which)
        said = None if found is None else {"kills": found.kills, "whole": found.whole, "wrong": found.wrong}
        target.write_text(json.dumps(said), encoding="utf-8")
    except BaseException:  # noqa: BLE001 (told on the next line, in a process that ends)
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
