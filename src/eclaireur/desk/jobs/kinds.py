"""What a task may be: each kind has a name, a French title and a body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import NotFoundError

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__ = ["Body", "Kind", "find", "job"]

Body = Callable[["Context", Mapping[str, Any]], Mapping[str, Any]]
"""Does the work and returns plain JSON values, kept as the task's result."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: its name in rows, what people read, and what it does."""

    name: str
    title: str
    body: Body


_KINDS: dict[str, Kind] = {}


def job(name: str, title: str) -> Callable[[Body], Body]:
    """Declare a kind of task.

    A task may be killed at any instant and run again from its start. Its body gives the same result each
    time, and what others see of it changes only inside ``context.publishing()``.

    Parameters
    ----------
    name
        Written in rows: it never changes.
    title
        In French, for those who start a task without a title of their own.

    Examples
    --------
    >>> @job("example", "Exemple")
    ... def _count(context, arguments):
    ...     return {"n": arguments["n"] + 1}
    >>> find("example").title
    'Exemple'
    """

    def keep(body: Body) -> Body:
        _KINDS[name] = Kind(name, title, body)
        return body

    return keep


def find(name: str) -> Kind:
    """Return a kind by its name.

    Raises
    ------
    NotFoundError
        If this version of the program has no such kind.
    """
    from eclaireur.desk.jobs import computing, documents, intake, nightly, reading  # noqa: F401 (declare their kinds)

    if name not in _KINDS:
        raise NotFoundError(
            f"cette version ne sait pas faire une tâche « {name} ».",
            fix="Relancez le calcul depuis la page du cas d'usage.",
        )
    return _KINDS[name]
