"""Pages of rows: ``limit`` and ``offset``, how many there are in all, and where the next page is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from typing import Annotated, Any, Generic, TypeVar, get_type_hints
from urllib.parse import urlencode

from django.db.models import QuerySet
from ninja import Schema
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from eclaireur.desk.api.auth import Calling
from eclaireur.desk.api.errors import FailureError

__all__ = [
    "MOST",
    "Asked",
    "Case",
    "Day",
    "Id",
    "Long",
    "Page",
    "Paging",
    "Place",
    "Word",
    "page_of",
    "strict",
]

MOST = 500
"""The longest page."""

_Row = TypeVar("_Row")

# No database keeps the character 0 in a text.
Place = Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00]*$")]
Word = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Long = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
Case = Annotated[
    str, StringConstraints(max_length=80, pattern=r"^[a-z][a-z0-9_]*$"), Field(examples=["restaurant_risk"])
]


def _iso(value: Any) -> Any:
    """Let only a day as text through: a number would be read as seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise PydanticCustomError("date_parsing", "a day is expected")
    return value


Day = Annotated[date, BeforeValidator(_iso), Field(examples=["2026-12-31"])]
Id = Annotated[int, Field(ge=1, le=2**63 - 1, examples=[12])]


class Asked(Schema):
    """What a query string may ask of a route: `strict` refuses the rest."""


class Paging(Asked):
    """Which rows of those that the filters leave."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="Nombre de lignes, 500 au plus.")] = 50
    offset: Annotated[int, Field(ge=0, le=10**9, description="Nombre de lignes à passer.")] = 0


class Page(Schema, Generic[_Row]):
    """Some rows, how many there are in all, and the addresses of the pages beside."""

    total: int = Field(description="Nombre de lignes que laissent les filtres.")
    limit: int
    offset: int
    next: str | None = Field(description="Adresse de la page suivante ; nulle à la dernière.")
    previous: str | None
    items: list[_Row]


def page_of(
    request: Calling, asked: Paging, rows: QuerySet[Any], make: Callable[[list[Any]], Sequence[Any]]
) -> dict[str, Any]:
    """Return a page of rows.

    Parameters
    ----------
    rows
        In an order that is total: a page never shows a row of another.
    make
        Makes what is shown of the rows of the page, all at once.
    """
    total = rows.order_by().count()
    found = list(rows[asked.offset : asked.offset + asked.limit])
    after = asked.offset + asked.limit
    return {
        "total": total,
        "limit": asked.limit,
        "offset": asked.offset,
        "next": _address(request, asked, after) if after < total else None,
        "previous": _address(request, asked, max(0, asked.offset - asked.limit)) if asked.offset else None,
        "items": make(found),
    }


def _address(request: Calling, asked: Paging, offset: int) -> str:
    kept = {**request.GET.dict(), "limit": asked.limit, "offset": offset}
    return f"{request.path}?{urlencode(kept)}"


def strict(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a filter that a route does not have: left out, it would let all rows through."""
    hints = get_type_hints(view).values()
    known = sorted(
        name for one in hints if isinstance(one, type) and issubclass(one, Asked) for name in one.model_fields
    )

    @wraps(view)
    def answer(request: Calling, *args: Any, **kwargs: Any) -> Any:
        unknown = sorted(set(request.GET) - set(known))
        if unknown:
            raise FailureError(
                422,
                "ce filtre n'existe pas.",
                fix=f"Filtres possibles : {', '.join(known) or 'aucun'}.",
                field=unknown[0][:80],
            )
        return view(request, *args, **kwargs)

    return answer
