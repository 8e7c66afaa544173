"""Draws the picture of the README: the first screen of the demonstration, as SVG without outside fonts."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from eclaireur.cli import commands_lists
from eclaireur.core.terminal import TerminalRenderer
from eclaireur.core.workspace import Workspace
from eclaireur.service import demo
from eclaireur.service.work import Work

SOBER = TerminalTheme(
    (250, 250, 248),
    (30, 34, 40),
    [
        (30, 34, 40),
        (160, 40, 40),
        (30, 110, 60),
        (140, 90, 0),
        (30, 70, 150),
        (110, 50, 120),
        (0, 110, 120),
        (90, 96, 104),
    ],
)


def without_fonts(template: str) -> str:
    """Drop the ``@font-face`` rules: a page that shows the picture must ask nothing outside."""
    start = template.index("    @font-face")
    end = template.index("    .{unique_id}-matrix")
    return (template[:start] + template[end:]).replace("Fira Code, monospace", "monospace")


def main() -> None:
    """Play the demonstration in a temporary workspace and write the picture."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/_static/liste.svg")
    with tempfile.TemporaryDirectory() as folder:
        work = Work.on(Workspace.open(Path(folder)), "restaurant_risk")
        played = demo.play(work)
        console = Console(file=io.StringIO(), record=True, width=126, color_system="truecolor")
        TerminalRenderer(console).render([commands_lists.top_table(work, played.signals, 8)])
    svg = console.export_svg(
        title="./eclaireur demo",
        theme=SOBER,
        code_format=without_fonts(CONSOLE_SVG_FORMAT),
        unique_id="liste",
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
