"""Runs the code blocks of a Markdown page, in the order a reader would.

=========================  ==============================================================================
in the page                what happens
=========================  ==============================================================================
a ``python`` block         runs; all those of a page share one namespace
a ``console`` block        each ``$ ./eclaireur …`` line runs; the lines under it must appear in what it
                           prints, in that order; ``…`` stands for anything
<!-- file: NAME -->        the next block is written to NAME in the page's folder
<!-- exit: 2 -->           the commands of the next console block must end with this code
<!-- skip: REASON -->      the next block is not run
=========================  ==============================================================================

A page has a folder and a workspace of its own. What needs another program (``git``, ``apt``) must be skipped
with a reason: a block that is neither run nor skipped is an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SCRIPT_COMMANDS", "Block", "Page", "blocks", "missing_lines"]

SCRIPT_COMMANDS = ("check", "docs", "install", "prove", "test")
"""Commands of the bootstrap script itself: this suite is one of them, so they are not run from it."""

_FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^(?P=ticks)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(r"<!--\s*(?P<name>skip|file|exit):\s*(?P<value>(?:(?!-->)[^\n])*?)\s*-->\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, text, first line in the page, and the mark above it."""

    language: str
    text: str
    line: int
    mark: str = ""
    value: str = ""


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for fence in _FENCE.finditer(text):
        mark = _MARK.search(text[: fence.start()])
        yield Block(
            language=fence["language"],
            text=fence["text"],
            line=text.count("\n", 0, fence.start()) + 1,
            mark=mark["name"] if mark else "",
            value=mark["value"] if mark else "",
        )


def missing_lines(expected: list[str], output: str) -> list[str]:
    """Return the expected lines that are not found in the output, in order.

    >>> missing_lines(["a…", "c"], "abc\\nb\\n  c  \\n")
    []
    >>> missing_lines(["c", "a"], "a\\nc\\n")
    ['a']
    """
    lines = [" ".join(line.split()) for line in output.splitlines()]
    missing, start = [], 0
    for text in expected:
        form = re.compile(".*".join(re.escape(part) for part in " ".join(text.split()).split("…")))
        found = next((i for i in range(start, len(lines)) if form.fullmatch(lines[i])), None)
        if found is None:
            missing.append(text)
        else:
            start = found + 1
    return missing


@dataclass(slots=True, kw_only=True)
class Page:
    """A page at work: the folder where its files go, its workspace, its names."""

    name: str
    folder: Path
    source: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__docs__"})

    def run(self, block: Block) -> None:
        """Run one block as its language and mark ask.

        Raises
        ------
        AssertionError
            If a command ends otherwise than said, or does not print what the page shows.
        """
        if block.mark == "skip":
            return
        if block.mark == "file":
            target = self.folder / block.value
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            self._python(block)
        elif block.language == "console":
            self._console(block)

    def _python(self, block: Block) -> None:
        # Lines keep their number in the page, so that a traceback leads to it.
        code = compile("\n" * block.line + block.text, self.name, "exec")
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()):
            exec(code, self.names)  # noqa: S102  (our own pages)

    def _console(self, block: Block) -> None:
        code = int(block.value) if block.mark == "exit" else 0
        for command, expected in _commands(block.text):
            words = shlex.split(command)
            where = f"{self.name}, line {block.line}: {command}"
            if words[:1] != ["./eclaireur"]:
                raise AssertionError(f"{where}: only ./eclaireur is run; skip the block with a reason")
            if words[1:2] and words[1] in SCRIPT_COMMANDS:
                continue
            result = subprocess.run(
                [sys.executable, "-P", "-m", "eclaireur", *words[1:]],
                cwd=self.folder,
                env={
                    **os.environ,
                    "ECLAIREUR_HOME": str(self.folder / "workspace"),
                    "PYTHONPATH": str(self.source),
                    "COLUMNS": "200",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            output = result.stdout + result.stderr
            assert result.returncode == code, f"{where}: exit {result.returncode}\n{output}"
            missing = missing_lines(expected, output)
            assert not missing, f"{where} does not print {missing}, but\n{output}"


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each ``$ command`` of a console block with the lines shown under it."""
    command, expected = "", list[str]()
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:], []
        elif line.strip():
            expected.append(line)
    if command:
        yield command, expected
