"""Pages of rows: ``limit`` and ``offset``, how many there are in all, and where the next page is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import F, QuerySet
from ninja import Schema
from pydantic import Field, StringConstraints

from eclaireur.desk.api.auth import Calling
from eclaireur.desk.api.errors import Failure

__all__ = ["MOST", "Case", "Id", "Page", "Paging", "Word", "page_of"]

MOST = 500
"""The longest page."""

Row = TypeVar("Row")

# No database keeps the character 0 in a text.
Word = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")]
Case = Annotated[str, StringConstraints(max_length=80, pattern=r"^[a-z][a-z0-9_]*$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Paging(Schema):
    """Which rows of those that the filters leave."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="Nombre de lignes, 500 au plus.")] = 50
    offset: Annotated[int, Field(ge=0, le=10**9, description="Nombre de lignes à passer.")] = 0


class Page(Schema, Generic[Row]):
    """Some rows, how many there are in all, and the addresses of the pages beside."""

    total: int
    limit: int
    offset: int
    next: str | None
    previous: str | None
    items: list[Row]


def page_of(
    request: Calling,
    asked: Paging,
    rows: QuerySet[Any],
    order: Sequence[str],
    make: Callable[[list[Any]], Sequence[Any]],
) -> dict[str, Any]:
    """Return a page of rows.

    Parameters
    ----------
    order
        Columns; a minus before one turns it round. Rows without a value come last.
    make
        Makes what is shown of the rows of the page, all at once.

    Raises
    ------
    Failure
        422 when the query string names a filter that does not exist: left out, it would let all rows through.
    """
    unknown = sorted(set(request.GET) - set(type(asked).model_fields))
    if unknown:
        raise Failure(
            422,
            "ce filtre n'existe pas.",
            fix=f"Filtres possibles : {', '.join(sorted(type(asked).model_fields))}.",
            field=unknown[0][:80],
        )
    total = rows.count()
    keys = [
        F(one[1:]).desc(nulls_last=True) if one.startswith("-") else F(one).asc(nulls_last=True)
        for one in order
    ]
    found = list(rows.order_by(*keys)[asked.offset : asked.offset + asked.limit])
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
