"""Facts, tables and reasons as one page of HTML, without style sheet, script or address: for any site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from eclaireur.core import french, showing
from eclaireur.core.errors import EclaireurError
from eclaireur.core.showing import printable
from eclaireur.core.view import Block, Facts, Reasons, Table

__all__ = ["write_html"]


def write_html(blocks: Iterable[Block], target: Path, *, title: str, mentions: Mapping[str, str]) -> None:
    """Write blocks as a page; the same blocks give the same bytes.

    Parameters
    ----------
    title
        Title of the page.
    mentions
        What must be said with it, by French heading: written at its end.

    Raises
    ------
    EclaireurError
        If a block is neither facts, a table nor reasons.
    """
    target.write_text("\n".join(_page(blocks, title, mentions)) + "\n", encoding="utf-8")


def _page(blocks: Iterable[Block], title: str, mentions: Mapping[str, str]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="fr">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_said(title)}</title>\n</head>\n<body>\n<main>\n<h1>{_said(title)}</h1>"
    for block in blocks:
        writer = _WRITERS.get(type(block))
        if writer is None:
            raise EclaireurError(f"bloc d'affichage inconnu : {type(block).__name__}.")
        yield from writer(block)
    if mentions:
        yield from _facts(Facts(title="Mentions", pairs=tuple(mentions.items())))
    yield "</main>\n</body>\n</html>"


def _said(text: str) -> str:
    return escape(french.spaced(printable(text))).replace("\n", "<br>")


def _facts(block: Facts) -> Iterator[str]:
    yield f"<h2>{_said(block.title)}</h2>\n<dl>" if block.title else "<dl>"
    for name, value in block.pairs:
        yield f"<dt>{_said(name)}</dt><dd>{_said(value)}</dd>"
    yield "</dl>"


def _table(block: Table) -> Iterator[str]:
    yield f"<h2>{_said(block.title)}</h2>\n<table>\n<thead><tr>"
    yield "".join(f'<th scope="col">{_said(one.title)}</th>' for one in block.columns)
    yield "</tr></thead>\n<tbody>"
    for row in block.rows:
        cells = [_said(showing.show(row.get(one.key), one.kind)) for one in block.columns]
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</tbody>\n</table>"
    if block.note:
        yield f"<p>{_said(block.note)}</p>"


def _reasons(block: Reasons) -> Iterator[str]:
    yield f"<h2>{_said(block.title)}</h2>"
    for heading, _, chosen in showing.parted(block.reasons):
        yield f"<h3>{_said(heading)}</h3>\n<ul>"
        for reason in chosen:
            origin = showing.origin(reason)
            yield f"<li>{_said(f'{reason.sentence} ({origin})' if origin else reason.sentence)}</li>"
        yield "</ul>"
    if block.caution:
        yield f"<p>{_said(block.caution)}</p>"


_WRITERS: dict[type, Callable[[Any], Iterator[str]]] = {Facts: _facts, Table: _table, Reasons: _reasons}
