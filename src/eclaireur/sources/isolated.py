"""Reads files in a confined child process: whatever a file does to its parser, this process lives.

The child is reused from one file to the next; one that dies, hangs or takes too much memory gives *refusé*
and is replaced.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eclaireur.core.files import write_atomically
from eclaireur.sources.answers import from_json, tables_fit
from eclaireur.sources.feeding import nothing
from eclaireur.sources.media import drivers
from eclaireur.sources.media.described import Described, Kind, described_from, refused
from eclaireur.sources.reading import Outcome, Reading

__all__ = ["Isolated", "Means", "read_isolated"]

_SMALLER = "Exportez-le de nouveau, en CSV, avec les seules colonnes utiles."
_LIGHTER = "Réduisez-le, ou convertissez-le dans un format courant."
_NO_CHILD = "le lecteur de fichiers n'a pas pu démarrer."
_START_AGAIN = "Relancez la commande."
_TOO_MUCH = "la lecture de ce fichier demande trop de mémoire ou de temps, ou échoue."
_LONGEST_ANSWER = 64_000_000
_START_SECONDS = 60.0
_WORKBOOKS, _EXPANDS = frozenset({".xlsx", ".xlsm", ".ods", ".xls", ".xlsb"}), 10
_SLOWEST = 2_000_000  # bytes a second that a large file must be read at, processor of a loaded machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the child may use for one file.

    Parameters
    ----------
    memory
        Bytes of address space.
    seconds
        Seconds, of processor and on the clock; a large file gives more, while it goes on.
    files
        Files read before the child is replaced.
    """

    memory: int = 4_000_000_000
    seconds: int = 30
    files: int = 200


class Isolated:
    """A confined child process that reads tables, images, maps and sounds: started once, then reused.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("Ville;Nb\\nNice;12\\n")
    >>> with Isolated() as reader:
    ...     reader.read(path).typed.to_pylist()
    [{'Ville': 'Nice', 'Nb': 12}]
    """

    def __init__(self, means: Means | None = None) -> None:
        self._means = means or Means()
        self._child: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self._missing: tuple[str, ...] = ()
        self._files = 0
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(
        self,
        path: Path,
        *,
        sheet: str | None = None,
        to: Path | None = None,
        hold: bool = False,
        progress: Callable[[int], None] = nothing,
    ) -> Reading:
        """Read one table; see `tables.read_table`, of which it takes the parameters and gives the result.

        The reading also says what the host could not enforce, in ``reduced``. A large delimited file is not
        held: its reading has no table. The child may use more time for it, as long as it goes on.

        Parameters
        ----------
        hold
            Hold the table however large it is, within the memory of the child.
        to
            Parquet file where a large delimited file is written.
        progress
            Called with the bytes that are behind.
        """
        if not self._ready():
            return _refused(path, _NO_CHILD, _START_AGAIN)
        size = _work(path)
        question = {
            "path": str(path.resolve()),
            "sheet": sheet,
            "to": to is not None,
            "hold": hold,
            "seconds": self._means.seconds + size // _SLOWEST,
        }
        # A workbook is loaded before its first row is known: its child may be silent for as long as it lives.
        silence = 4.0 * (self._means.seconds + size // _SLOWEST) if _is_workbook(path) else None
        content = self._ask(question, silence, progress=progress)
        if content is None:
            self.close()
            return replace(_refused(path, _TOO_MUCH, _SMALLER), reduced=self._missing)
        try:
            return self._reading(path, content, to)
        except (ValueError, TypeError, LookupError, OSError) as error:
            # ArrowInvalid is a ValueError. What the child says is not what it must: it is not trusted again.
            self.close()
            reason = f"le résultat de la lecture est abîmé ({type(error).__name__})."
            return replace(_refused(path, reason, _SMALLER), reduced=self._missing)

    @property
    def folder(self) -> Path:
        """The only folder where the child may write; it goes with the child."""
        return self._folder

    @property
    def missing(self) -> tuple[str, ...]:
        """What the host could not take away from the child, in French."""
        return self._missing

    def converse(
        self, question: dict[str, Any], *, serve: Callable[[dict[str, Any]], dict[str, Any]], seconds: float
    ) -> dict[str, Any] | None:
        """Ask the child, and serve it while it asks for recognition; None when it dies or is too long.

        Parameters
        ----------
        serve
            Answers what the child asks; the child's time does not run meanwhile.
        seconds
            Time of the child, on the clock.
        """
        if not self._ready():
            return None
        left = seconds
        content: dict[str, Any] | None = question
        while content is not None:
            began = time.monotonic()
            content = self._ask(content, left)
            left -= time.monotonic() - began
            if content is None or left <= 0:
                break
            if not content.get("recognise"):
                return content
            content = serve(content)
        self.close()
        return None

    def take(self, name: str) -> Any:
        """Load an Arrow table that the child left in its folder, checked, and remove it.

        Raises
        ------
        ValueError
            If it is no table.
        OSError
            If the child left none.
        """
        import pyarrow as pa

        place = self._folder / f"{name}.arrow"
        if place.is_symlink():
            raise ValueError(name)
        with pa.OSFile(str(place)) as stream:
            table = pa.ipc.open_file(stream).read_all()
        table.validate(full=True)
        place.unlink()
        return table

    def look(self, path: Path, kind: Kind, *, data: bool = False, **options: Any) -> Described:
        """Read an image, a map or a sound; see `media.opening.read_media`.

        The description also says what the host could not enforce, in ``reduced``.
        """
        if not self._ready():
            return refused(path.name, kind, _NO_CHILD, _START_AGAIN)
        asked = {"path": str(path.resolve()), "look": str(kind), "data": data, "options": options}
        content = self._ask({**asked, "seconds": self._means.seconds}, self._means.seconds)
        if content is None:
            self.close()
            return replace(refused(path.name, kind, _TOO_MUCH, _LIGHTER), reduced=self._missing)
        try:
            found = described_from(path.name, kind, content)
            table = self.take("data") if content["data"] else None
        except (ValueError, TypeError, LookupError, OSError):
            self.close()
            return refused(path.name, kind, "le résultat de la lecture est abîmé.", _LIGHTER)
        return replace(found, data=table, reduced=self._missing)

    def _ready(self) -> bool:
        """Start a child when there is none, or when the present one has read its share."""
        if self._child is None or self._files >= self._means.files:
            self.close()
            if not self._start():
                return False
        self._files += 1
        return True

    def close(self) -> None:
        """End the child and remove its folder."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for stream in (self._child.stdin, self._child.stdout):
                if stream is not None:
                    stream.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        self._child, self._files, self._rest = None, 0, b""

    def _start(self) -> bool:
        self._folder = Path(tempfile.mkdtemp(prefix="eclaireur-read-"))
        source = str(Path(__file__).resolve().parents[2])
        # Only what Python needs: no secret of this process reaches the child.
        environment = {
            "PYTHONPATH": os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._folder),
            "OMP_NUM_THREADS": "1",
            "ARROW_IO_THREADS": "1",
            **drivers.environment(),
        }
        command = [sys.executable, "-P", "-m", "eclaireur.sources.child", str(self._folder)]
        self._child = subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(self._means.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environment,
            cwd=self._folder,
        )
        content = self._answer(_START_SECONDS)
        if content is None:
            self.close()
            return False
        self._missing = tuple(str(word) for word in content.get("missing", ()))
        return True

    def _ask(
        self,
        question: dict[str, Any],
        silence: float | None = None,
        *,
        progress: Callable[[int], None] = nothing,
    ) -> dict[str, Any] | None:
        """Ask the child; None when it dies, or is silent for too long, in seconds (by default its means)."""
        if self._child is None or self._child.stdin is None:
            return None
        try:
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
        except OSError:
            return None
        silent = self._means.seconds if silence is None else silence
        until = time.monotonic() + max(silent, 4 * int(question.get("seconds", 0)))
        while True:
            # A child that says how far it is may go on; one that is silent may not.
            content = self._answer(min(silent, until - time.monotonic()))
            if content is None or "done" not in content:
                return content
            done = content["done"]
            if not isinstance(done, int) or time.monotonic() > until:
                return None
            progress(done)

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """Wait for one line of the child; None when it dies, is too late or talks too much."""
        if self._child is None or self._child.stdout is None:
            return None
        until = time.monotonic() + seconds
        pipe = self._child.stdout.fileno()
        while b"\n" not in self._rest:
            ready, _, _ = select.select([pipe], [], [], max(until - time.monotonic(), 0))
            piece = os.read(pipe, 1 << 20) if ready else b""
            if not piece or len(self._rest) > _LONGEST_ANSWER:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            content = json.loads(line)
        except ValueError:
            return None
        return content if isinstance(content, dict) else None

    def _reading(self, path: Path, content: dict[str, Any], to: Path | None) -> Reading:
        reading = replace(from_json(path.name, content), reduced=self._missing)
        if reading.outcome is Outcome.REFUSE:
            return reading
        if reading.rows is not None:
            if to is not None:
                self._keep(reading, to)
            return reading
        table, typed, lines = (self.take(name) for name in ("table", "typed", "lines"))
        if not tables_fit(reading, table, typed, lines):
            raise ValueError("tables")
        return replace(reading, table=table, typed=typed, lines=lines["line"].to_numpy())

    def _keep(self, reading: Reading, to: Path) -> None:
        """Take the Parquet file that the child wrote, checked, to where it was asked for."""
        import pyarrow.parquet as pq

        place = self._folder / "written.parquet"
        written = pq.ParquetFile(place)
        names = [one.name for one in reading.columns]
        if written.metadata.num_rows != reading.rows or written.schema_arrow.names != names:
            raise ValueError("parquet")
        write_atomically(to, lambda target: _copy(place, target))
        place.unlink()


def _is_workbook(path: Path) -> bool:
    return path.suffix.lower() in _WORKBOOKS


def _work(path: Path) -> int:
    """Bytes to go through: those of the file, or what a compressed workbook usually expands to."""
    size = path.stat().st_size if path.is_file() else 0
    return size * _EXPANDS if _is_workbook(path) else size


def _copy(place: Path, target: Path) -> None:
    shutil.copyfile(place, target)


def _refused(path: Path, reason: str, fix: str) -> Reading:
    return Reading(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=fix)


def read_isolated(
    path: Path,
    *,
    sheet: str | None = None,
    to: Path | None = None,
    means: Means | None = None,
    progress: Callable[[int], None] = nothing,
) -> Reading:
    """Read one table in a confined child process of its own; see `Isolated.read`."""
    with Isolated(means) as reader:
        return reader.read(path, sheet=sheet, to=to, progress=progress)
