"""Searches that a person comes back to, and the documents that they find since they were last read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action
from eclaireur.desk.finding import Asked
from eclaireur.desk.models import SavedSearch
from eclaireur.desk.place import workspace
from eclaireur.service import searching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.bricks.semantic.index import Document
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import User

__all__ = ["MOST", "News", "forget", "mark_read", "news", "save"]

MOST = 1000
"""Documents beyond which a search is too wide for what is new in it to be told."""

_MOST_SAVED = 50
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class News:
    """A saved search, and what it finds that it had not found when it was last read.

    ``wide`` says that it finds too much to tell; ``error``, that it cannot be asked any more.
    """

    search: SavedSearch
    total: int = 0
    fresh: tuple[Document, ...] = ()
    wide: bool = False
    error: str = ""


def _asked(card: Card, address: str) -> Asked:
    return Asked.read(QueryDict(address), card.index.facets if card.index else ())


def _found(card: Card, reach: Reach, asked: Asked) -> tuple[int, Sequence[Document]]:
    """Return how many documents a search finds by its words, and those of them that can be compared."""
    search = asked.search(reach.areas(Action.SEE, card.name), ())
    whole = replace(search, months=False, offset=0, limit=MOST)
    found, _ = searching.find(workspace(), card.name, whole, hybrid=False)
    return found.total or 0, [hit.document for hit in found.hits]


def save(user: User, card: Card, reach: Reach, title: str, asked: Asked) -> SavedSearch:
    """Keep a search under a title; all that it finds now counts as read.

    Raises
    ------
    BadValueError
        If it asks for nothing, has no title or cannot be read, or if too many are kept.
    """
    if asked.plain:
        raise BadValueError("cette recherche ne demande rien.", fix="Écrivez un mot ou choisissez un filtre.")
    shown = " ".join(title.split()) or asked.query.strip()[:_LONGEST]
    if not shown or len(shown) > _LONGEST:
        raise BadValueError(
            f"une recherche gardée demande un nom, de {_LONGEST} caractères au plus.",
            fix="Donnez-lui un nom.",
        )
    if SavedSearch.objects.filter(user=user, case=card.name).count() >= _MOST_SAVED:
        raise BadValueError(f"{_MOST_SAVED} recherches sont déjà gardées.", fix="Oubliez-en une d'abord.")
    _, documents = _found(card, reach, asked)
    made: SavedSearch = SavedSearch.objects.create(
        user=user,
        case=card.name,
        title=shown,
        address=asked.encode(),
        known=[one.id for one in documents],
    )
    return made


def news(user: User, card: Card, reach: Reach) -> list[News]:
    """Return the searches that a person keeps in a case, with what is new in each."""
    return [_news(card, reach, row) for row in SavedSearch.objects.filter(user=user, case=card.name)]


def _news(card: Card, reach: Reach, row: SavedSearch) -> News:
    try:
        total, documents = _found(card, reach, _asked(card, row.address))
    except BadValueError as error:
        return News(row, error=str(error))
    if total > MOST:
        return News(row, total, wide=True)
    known = set(row.known)
    return News(row, total, tuple(one for one in documents if one.id not in known))


def mark_read(card: Card, reach: Reach, row: SavedSearch) -> None:
    """Note that all that a search finds now was read."""
    _, documents = _found(card, reach, _asked(card, row.address))
    row.known, row.read = [one.id for one in documents], timezone.now()
    row.save(update_fields=["known", "read"])


def forget(row: SavedSearch) -> None:
    """Keep a search no longer."""
    row.delete()
