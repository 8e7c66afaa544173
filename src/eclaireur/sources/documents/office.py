"""What office documents say of themselves: title, author, date."""

from __future__ import annotations

from datetime import datetime

from eclaireur.sources.documents.container import Container
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.documents.xml import Element, local, parse
from eclaireur.sources.refusals import RefusedError

__all__ = ["described", "stated_date"]

_DATES = ("created", "creation-date", "modified", "date")


def described(writer: Writer, container: Container, place: str = "docProps/core.xml") -> None:
    """Fill title, author and date from the description; a broken one is said and left."""
    if place not in container:
        return
    try:
        root = parse(container.read(place))
    except RefusedError:
        writer.doubt("description", "La description de ce document (titre, auteur, date) est abîmée.")
        return
    said: dict[str, str] = {}
    for one in _leaves(root):
        said.setdefault(local(one.tag), " ".join((one.text or "").split())[:500])
    writer.title = said.get("title", "")
    writer.author = said.get("creator") or said.get("initial-creator", "")
    writer.date = next((day for name in _DATES if (day := stated_date(said.get(name, "")))), None)


def _leaves(root: Element) -> list[Element]:
    return [one for one in root.iter() if not len(one)]


def stated_date(text: str) -> datetime | None:
    """Read a date in the form of ISO 8601; None when it is none.

    Examples
    --------
    >>> stated_date("2024-03-12T10:00:00Z").year
    2024
    """
    try:
        return datetime.fromisoformat(text.strip()[:19]) if text else None
    except ValueError:
        return None
