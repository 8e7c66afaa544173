"""A PostgreSQL of the tests alone: in a temporary folder, on a socket in it, nothing on the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["postgresql", "programs"]


def programs() -> Path | None:
    """Folder of PostgreSQL's programs, None where it is not installed."""
    told = os.environ.get("POSTGRESQL_PROGRAMS")
    found = [Path(told)] if told else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return found[-1] if found and (found[-1] / "initdb").is_file() else None


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a server, give its address, stop it; it refuses to run as root: its own account does."""
    folder = programs()
    assert folder is not None
    place = Path(tempfile.mkdtemp(prefix="eclaireur-"))
    account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if account:
        shutil.chown(place, "postgres")

    def run(name: str, *arguments: str) -> None:
        command = [*account, str(folder / name), *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    data = str(place / "data")
    options = f"-k {place} -c listen_addresses='' -c fsync=off -c max_connections=20"
    try:
        initdb = ("--username", "eclaireur", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8")
        run("initdb", "--pgdata", data, *initdb, "--no-sync")
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", str(place / "log"), "--options", options)
        try:
            yield f"postgresql://eclaireur@/postgres?host={place}"
        finally:
            run("pg_ctl", "stop", "--pgdata", data, "--mode", "immediate")
    finally:
        shutil.rmtree(place, ignore_errors=True)
