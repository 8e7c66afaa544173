"""The help pages in French: cyclopts' own labels are English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

__all__ = ["FrenchHelp"]


class FrenchHelp:
    """Formats the panels of a help page as two plain columns, readable by a screen reader."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:  # noqa: ARG002
        """Write one panel: a title, then names and what they do."""
        if not panel.entries:
            return
        from rich.table import Table
        from rich.text import Text

        console.print(Text(f"{_plain(panel.title)} :", style="bold"))
        table = Table.grid(padding=(0, 2), pad_edge=True)
        table.add_column(no_wrap=True)
        table.add_column()
        for entry in panel.entries:
            table.add_row(Text(f"  {_names(entry)}"), Text(_description(console, entry)))
        console.print(table)
        console.print()

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:  # noqa: ARG002
        """Write the usage line as it was given."""
        from rich.text import Text

        console.print(Text(_plain(usage)))
        console.print()


def _plain(value: Any) -> str:
    return str(getattr(value, "plain", value) or "").strip()


def _names(entry: HelpEntry) -> str:
    label = [entry.positional_label] if entry.positional_label else []
    names = ", ".join([*label, *entry.positive_names, *entry.positive_shorts])
    return f"{names} {entry.metavar}" if entry.metavar and not label else names


def _description(console: Console, entry: HelpEntry) -> str:
    wide = console.options.update_width(10_000)
    text = "".join(part.text for part in console.render(entry.description, wide)).strip()
    if entry.required:
        return f"{text} Obligatoire."
    default = _plain(entry.default)
    return f"{text} Par défaut : {default}." if default and default != "False" else text
