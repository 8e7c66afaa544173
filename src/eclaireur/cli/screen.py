"""What commands print: blocks for a person, JSON for a program, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from eclaireur.core.case import Progress, quiet

if TYPE_CHECKING:
    from rich.console import Console

    from eclaireur.core.view import Block

__all__ = ["console", "progress_bar", "say", "show", "show_json"]


def console() -> Console:
    """Return a console on standard output; piped output is never cut to a terminal's width."""
    from rich.console import Console

    real = Console()
    return real if real.is_terminal else Console(width=max(real.width, 160))


def say(text: str) -> None:
    """Print one line, never read as markup."""
    console().print(text, markup=False, highlight=False)


def show(blocks: Iterable[Block]) -> None:
    """Render view blocks in the terminal."""
    from eclaireur.core.terminal import TerminalRenderer

    TerminalRenderer(console()).render(blocks)


def show_json(value: Any) -> None:
    """Print a JSON document; dates become ISO text."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


@contextmanager
def progress_bar(*, hidden: bool = False) -> Iterator[Progress]:
    """Give a `Progress` drawn on standard error; silent when hidden, or when nobody is watching."""
    if hidden or not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Préparation", total=None)

        def progress(done: int, total: int, message: str, /) -> None:
            bar.update(task, description=message, completed=done, total=total or None)

        yield progress
