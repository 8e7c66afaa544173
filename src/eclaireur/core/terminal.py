"""Renders view blocks in a terminal. Data are never read as markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from eclaireur.core import french, showing
from eclaireur.core.errors import EclaireurError
from eclaireur.core.view import (
    Block,
    Chart,
    Citations,
    Diff,
    Facts,
    Form,
    Funnel,
    Map,
    Page,
    Reason,
    Reasons,
    SpanText,
    Table,
    Timeline,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["TerminalRenderer"]

_BARS = " ▁▂▃▄▅▆▇█"


class TerminalRenderer:
    """Writes blocks to a `rich` console.

    Parameters
    ----------
    console
        Where to write; its width is respected, down to 60 columns.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def render(self, blocks: Iterable[Block]) -> None:
        """Write each block, separated by an empty line."""
        for block in blocks:
            writer = _WRITERS.get(type(block))
            if writer is None:
                raise EclaireurError(f"bloc d'affichage inconnu : {type(block).__name__}.")
            self._title(block.title)
            writer(self._console, block)
            self._console.print()

    def _title(self, title: str) -> None:
        if title:
            self._console.print(title, style="bold", markup=False, highlight=False)


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(text, markup=False, highlight=False, style=style or None, soft_wrap=False)


def _facts(console: Console, block: Facts) -> None:
    width = max((len(name) for name, _ in block.pairs), default=0)
    for name, value in block.pairs:
        _say(console, f"  {name.ljust(width)}  {value}")


def _origin(reason: Reason) -> str:
    said = showing.origin(reason)
    return f" ({said})" if said else ""


def _reasons(console: Console, block: Reasons) -> None:
    for heading, arrow, chosen in showing.parted(block.reasons):
        _say(console, f"  {arrow} {heading}")
        for theme, group in showing.by_theme(chosen).items():
            _say(console, f"    {theme or 'autre'}")
            for reason in group:
                _say(console, f"      {reason.sentence}{_origin(reason)}")
    if block.caution:
        _say(console, f"  {block.caution}", style="italic")


def _table(console: Console, block: Table) -> None:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in block.columns:
        table.add_column(column.title, justify="right" if column.align == "right" else "left")
    for row in block.rows:
        table.add_row(*(Text(showing.show(row.get(column.key), column.kind)) for column in block.columns))
    console.print(table)
    if block.note:
        _say(console, f"  {block.note}", style="italic")


def _chart(console: Console, block: Chart) -> None:
    _say(console, f"  {block.text}")
    for series in block.series:
        top = max((abs(value) for value in series.y), default=0.0) or 1.0
        bars = "".join(_BARS[round(8 * max(value, 0.0) / top)] for value in series.y)
        _say(console, f"  {series.name} : {bars}")
    _say(console, f"  {block.x_title} → ; {block.y_title} ↑", style="dim")


def _map(console: Console, block: Map) -> None:
    for place in block.places:
        value = "" if place.value is None else f" : {french.number(place.value, 2)}"
        _say(console, f"  {place.label}{value} ({place.latitude:.5f}, {place.longitude:.5f})")
    if block.legend:
        _say(console, f"  {block.legend}", style="italic")


def _span_text(console: Console, block: SpanText) -> None:
    from rich.text import Text

    text = Text(block.text)
    for mark in block.marks:
        text.stylize("bold reverse" if mark.sure else "underline", mark.start, mark.end)
    console.print(text)
    for mark in block.marks:
        doubt = "" if mark.sure else " (incertain)"
        _say(console, f"  {mark.label}{doubt} : « {block.text[mark.start : mark.end]} »")


def _page(console: Console, block: Page) -> None:
    _say(console, f"  {block.document}, page {block.number}")
    for *_, label in block.boxes:
        _say(console, f"  {label}")


def _diff(console: Console, block: Diff) -> None:
    import difflib

    lines = difflib.unified_diff(
        block.left.splitlines(), block.right.splitlines(), block.left_title, block.right_title, lineterm=""
    )
    for line in lines:
        _say(console, f"  {line}")


def _timeline(console: Console, block: Timeline) -> None:
    for event in sorted(block.events, key=lambda event: event.day, reverse=True):
        sign = "!" if event.bad else "·"
        _say(console, f"  {french.day(event.day)} {sign} {event.lane} : {event.text}")


def _citations(console: Console, block: Citations) -> None:
    for position, citation in enumerate(block.citations, start=1):
        when = f", {french.day(citation.observed)}" if citation.observed else ""
        _say(console, f"  [{position}] {citation.title} ({citation.origin}{when})")
        _say(console, f"      « {citation.passage} »")


def _funnel(console: Console, block: Funnel) -> None:
    for name, left in block.steps:
        _say(console, f"  {french.number(left).rjust(12)}  {name}")


def _form(console: Console, block: Form) -> None:
    for entry in block.fields:
        unit = f" ({entry.unit})" if entry.unit else ""
        _say(console, f"  {entry.title}{unit} [{entry.default}] {entry.help}")


_WRITERS: dict[type, Any] = {
    Facts: _facts,
    Reasons: _reasons,
    Table: _table,
    Chart: _chart,
    Map: _map,
    SpanText: _span_text,
    Page: _page,
    Diff: _diff,
    Timeline: _timeline,
    Citations: _citations,
    Funnel: _funnel,
    Form: _form,
}
