"""The sheets that answers are made of: what one is, what changed between two states, when one is too old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from eclaireur.core import french

__all__ = ["Changes", "Sheet", "changes", "too_old"]

_YEARS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet, an article or an answer of a FAQ.

    Parameters
    ----------
    path
        Titles above it, outermost first, separated by « > ».
    audience
        Whom it is for; empty for everybody.
    updated
        When its publisher last changed it; None when it does not say.
    version
        As its publisher numbers it; empty when it does not.
    """

    id: str
    title: str
    text: str
    path: str = ""
    audience: str = ""
    url: str = ""
    updated: date | None = None
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Sheets that came, went, or say something else than before, by their ids."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def changes(before: Iterable[Sheet], after: Iterable[Sheet]) -> Changes:
    """Compare two states of a base.

    Examples
    --------
    >>> old, new = Sheet(id="a", title="A", text="x"), Sheet(id="a", title="A", text="y")
    >>> changes([old], [new, Sheet(id="b", title="B", text="z")])
    Changes(added=('b',), removed=(), changed=('a',))
    """
    old, new = ({one.id: one for one in sheets} for sheets in (before, after))
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(
            sorted(
                name
                for name in old.keys() & new.keys()
                if (old[name].title, old[name].text, old[name].url)
                != (new[name].title, new[name].text, new[name].url)
            )
        ),
    )


def too_old(updated: date | None, today: date) -> str:
    """Return what to say of the age of a sheet, in French; empty when it is recent.

    Examples
    --------
    >>> too_old(date(2019, 12, 1), date(2026, 11, 20))
    'Source du 01/12/2019 : vérifiez qu’elle est encore à jour.'
    >>> too_old(date(2026, 1, 1), date(2026, 11, 20))
    ''
    """
    if updated is None:
        return "Source sans date : vérifiez qu’elle est encore à jour."
    if (today - updated).days < _YEARS * 365:
        return ""
    return f"Source du {french.day(updated)} : vérifiez qu’elle est encore à jour."
