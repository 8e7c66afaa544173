"""View blocks as plain JSON and back, so that what was made once is shown again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from eclaireur.core import view
from eclaireur.core.errors import BadValueError

__all__ = ["from_plain", "to_plain"]

_TAG = "$"
_CLASSES: dict[str, type] = {
    name: one for name in view.__all__ if isinstance(one := getattr(view, name), type) and is_dataclass(one)
}
"""All that can be read back: nothing else is ever built from a file."""


def to_plain(value: Any) -> Any:
    """Return blocks, or any part of one, as what JSON can say.

    Raises
    ------
    BadValueError
        If a cell of a table is neither text, number, date, boolean nor None.

    Examples
    --------
    >>> to_plain(view.Facts(title="A", pairs=(("Site", "Port-Clair"),)))
    {'$': 'Facts', 'title': 'A', 'pairs': [['Site', 'Port-Clair']]}
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return {_TAG: "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {_TAG: "date", "value": value.isoformat()}
    if type(value) in _CLASSES.values():
        found = {one.name: to_plain(getattr(value, one.name)) for one in fields(value)}
        return {_TAG: type(value).__name__, **found}
    if isinstance(value, Mapping):
        return {str(name).lstrip(_TAG): to_plain(one) for name, one in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [to_plain(one) for one in value]
    if hasattr(value, "item"):  # a number of NumPy
        return to_plain(value.item())
    raise BadValueError(f"une valeur de type {type(value).__name__} ne peut pas être gardée.")


def from_plain(value: Any) -> Any:
    """Return what `to_plain` said; lists come back as tuples.

    Raises
    ------
    BadValueError
        If it names something that is no part of a view.
    """
    if isinstance(value, list):
        return tuple(from_plain(one) for one in value)
    if not isinstance(value, dict):
        return value
    match value.get(_TAG):
        case None:
            return {name: from_plain(one) for name, one in value.items()}
        case "date":
            return date.fromisoformat(value["value"])
        case "datetime":
            return datetime.fromisoformat(value["value"])
        case name if name in _CLASSES:
            parts = {one: from_plain(part) for one, part in value.items() if one != _TAG}
            try:
                return _CLASSES[name](**parts)
            except TypeError as error:
                raise _unknown(name) from error
        case name:
            raise _unknown(name)


def _unknown(name: object) -> BadValueError:
    return BadValueError(
        f"ce qui a été gardé n'est pas de cette version : « {name} ».", fix="Refaites le calcul."
    )
