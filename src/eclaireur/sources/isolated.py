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

from eclaireur.sources.media import drivers
from eclaireur.sources.media.described import (
    Described,
    Kind,
    described_from,
    doubts_from,
    refused,
    repairs_from,
)
from eclaireur.sources.reading import Column, Outcome, Reading

__all__ = ["Isolated", "Means", "read_isolated"]

_SMALLER = "Exportez-le de nouveau, en CSV, avec les seules colonnes utiles."
_LIGHTER = "Réduisez-le, ou convertissez-le dans un format courant."
_NO_CHILD = "le lecteur de fichiers n'a pas pu démarrer."
_START_AGAIN = "Relancez la commande."
_TOO_MUCH = "la lecture de ce fichier demande trop de mémoire ou de temps, ou échoue."
_LONGEST_ANSWER = 64_000_000
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the child may use for one file.

    Parameters
    ----------
    memory
        Bytes of address space.
    seconds
        Seconds, of processor and on the clock.
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

    def read(self, path: Path, *, sheet: str | None = None) -> Reading:
        """Read one table; see `tables.read_table`, of which it takes the parameters and gives the result.

        The reading also says what the host could not enforce, in ``reduced``.
        """
        if not self._ready():
            return _refused(path, _NO_CHILD, _START_AGAIN)
        content = self._ask({"path": str(path.resolve()), "sheet": sheet})
        if content is None:
            self.close()
            return replace(_refused(path, _TOO_MUCH, _SMALLER), reduced=self._missing)
        return self._reading(path, content)

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

    def look(self, path: Path, kind: Kind, *, data: bool = False, **options: Any) -> Described:
        """Read an image, a map or a sound; see `media.opening.read_media`.

        The description also says what the host could not enforce, in ``reduced``.
        """
        if not self._ready():
            return refused(path.name, kind, _NO_CHILD, _START_AGAIN)
        asked = {"path": str(path.resolve()), "look": str(kind), "data": data, "options": options}
        content = self._ask(asked)
        if content is None:
            self.close()
            return replace(refused(path.name, kind, _TOO_MUCH, _LIGHTER), reduced=self._missing)
        found = described_from(path.name, kind, content)
        try:
            table = self._take("data") if content["data"] else None
        except (OSError, ValueError):
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
            [*command, str(self._means.memory), str(self._means.seconds)],
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

    def _ask(self, question: dict[str, Any], seconds: float | None = None) -> dict[str, Any] | None:
        if self._child is None or self._child.stdin is None:
            return None
        try:
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
        except OSError:
            return None
        return self._answer(self._means.seconds if seconds is None else seconds)

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

    def _reading(self, path: Path, content: dict[str, Any]) -> Reading:
        import pyarrow as pa

        reading = Reading(
            file=path.name,
            outcome=Outcome(content["outcome"]),
            reason=content["reason"],
            fix=content["fix"],
            columns=tuple(Column(name=name, kind=kind, unit=unit) for name, kind, unit in content["columns"]),
            repairs=repairs_from(content["repairs"]),
            doubts=doubts_from(content["doubts"]),
            reduced=self._missing,
        )
        if reading.outcome is Outcome.REFUSE:
            return reading
        try:
            table, typed, lines = (self._take(name) for name in ("table", "typed", "lines"))
        except (OSError, pa.ArrowException):
            self.close()
            return _refused(path, "le résultat de la lecture est abîmé.", _SMALLER)
        return replace(reading, table=table, typed=typed, lines=lines["line"].to_numpy())

    def _take(self, name: str) -> Any:
        """Load a table that the child left, checked, and remove it."""
        import pyarrow as pa

        place = self._folder / f"{name}.arrow"
        with pa.OSFile(str(place)) as stream:
            table = pa.ipc.open_file(stream).read_all()
        table.validate(full=True)
        place.unlink()
        return table


def _refused(path: Path, reason: str, fix: str) -> Reading:
    return Reading(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=fix)


def read_isolated(path: Path, *, sheet: str | None = None, means: Means | None = None) -> Reading:
    """Read one table in a confined child process of its own."""
    with Isolated(means) as reader:
        return reader.read(path, sheet=sheet)
