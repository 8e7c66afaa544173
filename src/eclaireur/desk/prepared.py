"""Queries whose text is made once: each page asks the same few, and making their text costs most of them.

Django builds the SQL of a queryset at each use; a query prepared here costs what the database takes. What is
asked and how values are converted stay Django's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

__all__ = ["Prepared"]

_Row = TypeVar("_Row", bound=Model)
_Converter = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True, slots=True)
class _Made:
    model: type[Any]
    sql: str
    params: tuple[Any, ...]
    columns: tuple[str, ...]
    converters: tuple[tuple[int, tuple[_Converter, ...], Any], ...]


class Prepared(Generic[_Row]):
    """A query made once for each kind of database, then asked again with other values.

    Parameters
    ----------
    make
        Gives the queryset, with markers in the place of the values that change. A value is compared as the
        driver sends it: texts and whole numbers, not dates.
    markers
        These markers, each unlike all other values of the query.

    Examples
    --------
    >>> by_key = Prepared(lambda: Session.objects.filter(session_key="?key"), "?key")  # doctest: +SKIP
    >>> [session.user_id for session in by_key.rows("3f2a")]  # doctest: +SKIP
    [7]
    """

    def __init__(self, make: Callable[[], QuerySet[_Row, Any]], *markers: str | int) -> None:
        self._make = make
        self._markers = markers
        self._made: dict[str, _Made] = {}

    def values(self, *values: str | int) -> list[tuple[Any, ...]]:
        """Ask with values in the place of the markers; give what the queryset's ``values_list`` would."""
        made = self._of(connection.vendor)
        asked = dict(zip(self._markers, values, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(made.sql, [asked.get(one, one) for one in made.params])
            rows = [list(row) for row in cursor.fetchall()]
        for row in rows:
            for position, converters, expression in made.converters:
                for convert in converters:
                    row[position] = convert(row[position], expression, connection)
        return [tuple(row) for row in rows]

    def rows(self, *values: str | int) -> list[_Row]:
        """Ask as `values` does, of a queryset of whole rows; give the instances that it would."""
        found = self.values(*values)
        made = self._of(connection.vendor)
        return [made.model.from_db(connection.alias, made.columns, row) for row in found]

    def _of(self, vendor: str) -> _Made:
        made = self._made.get(vendor)
        if made is None:
            queryset = self._make()
            compiler = queryset.query.get_compiler(connection=connection)
            sql, params = compiler.as_sql()
            chosen = [expression for expression, _, _ in compiler.select]
            made = _Made(
                queryset.model,
                sql,
                tuple(params),
                tuple(getattr(getattr(one, "target", None), "attname", "") for one in chosen),
                tuple(
                    (position, tuple(converters), expression)
                    for position, (converters, expression) in compiler.get_converters(chosen).items()
                ),
            )
            self._made[vendor] = made
        return made
