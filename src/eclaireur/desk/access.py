"""Perimeters: the one place that decides which rows a person, or a program, may see and what they may do.

A perimeter is a case × a territory × a service; an empty part means all of them. A `Grant` gives a
role within a perimeter. `reach_of` reads the grants of whoever asks; `Reach.rows` is the filter that
lists, search, counts, exports, files and the API all put on their rows through
`models.scoped.ScopedQuerySet.within`. What lies outside does not exist: the answer is 404, never 403.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db.models import Q

from eclaireur.desk.models.accounts import ApiKey, Grant, Role
from eclaireur.desk.prepared import Prepared

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = ["ROLES", "SCOPES", "Action", "Perimeter", "Reach", "nobody", "reach_of"]


class Action(StrEnum):
    """What can be done with a row or a case."""

    SEE = "see"
    DECIDE = "decide"
    EXPORT = "export"
    ASSIGN = "assign"
    DRAW = "draw"
    STOP = "stop"
    CONNECT = "connect"
    COMPUTE = "compute"
    ANSWER = "answer"
    MANAGE = "manage"


ROLES: dict[str, frozenset[Action]] = {
    Role.AGENT: frozenset({Action.SEE, Action.DECIDE, Action.EXPORT}),
    Role.MANAGER: frozenset(
        {
            Action.SEE,
            Action.DECIDE,
            Action.EXPORT,
            Action.ASSIGN,
            Action.DRAW,
            Action.STOP,
            Action.CONNECT,
            Action.COMPUTE,
            Action.ANSWER,
        }
    ),
    Role.SCIENTIST: frozenset({Action.SEE, Action.CONNECT, Action.COMPUTE}),
    Role.ADMINISTRATOR: frozenset({Action.MANAGE}),
}
"""What each role may do within its perimeter. ``ANSWER`` is answering for the treatment before the public:
its sheet, its declarations, the decision to deploy. An administrator manages accounts and sees no row by it.
"""

SCOPES: dict[str, frozenset[Action]] = {
    "read": frozenset({Action.SEE}),
    "decide": frozenset({Action.DECIDE}),
    "export": frozenset({Action.EXPORT}),
    "compute": frozenset({Action.COMPUTE}),
    "connect": frozenset({Action.CONNECT}),
}
"""What each scope of an API key lets it do, of what its grants allow."""


@dataclass(frozen=True, slots=True)
class Perimeter:
    """A role and where it holds; an empty part means everywhere."""

    role: str
    case: str = ""
    area: str = ""
    service: str = ""

    def covers(self, case: str, area: str, service: str) -> bool:
        """Tell whether a row lies inside."""
        return (
            (not self.case or self.case == case)
            and (not self.area or self.area == area)
            and (not self.service or self.service == service)
        )

    def rows(self) -> Q:
        """Return the filter of the rows inside."""
        parts = {"case": self.case, "area": self.area, "service": self.service}
        return Q(**{name: value for name, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class Reach:
    """All perimeters of one person or program.

    Parameters
    ----------
    perimeters
        Where each role holds.
    only
        What a program may do at most; None for a person, whose roles say it all.

    Examples
    --------
    >>> reach = Reach((Perimeter("agent", "restaurant_risk", "Nord"),))
    >>> [reach.may(Action.DECIDE, "restaurant_risk", area) for area in ("Nord", "Sud")]
    [True, False]
    """

    perimeters: tuple[Perimeter, ...] = ()
    only: frozenset[Action] | None = None

    def rows(self, action: Action = Action.SEE) -> Q:
        """Return the filter of the rows on which an action is allowed; of none when there is none."""
        found = [perimeter.rows() for perimeter in self._allowing(action)]
        if not found:
            return Q(pk__in=[])
        if any(not part for part in found):
            return Q()
        whole = Q()
        for part in found:
            whole |= part
        return whole

    def may(self, action: Action, case: str, area: str = "", service: str = "") -> bool:
        """Tell whether an action is allowed on a row with these columns."""
        return any(one.covers(case, area, service) for one in self._allowing(action))

    def may_somewhere(self, action: Action, case: str = "") -> bool:
        """Tell whether an action is allowed anywhere in a case, or at all without one."""
        return any(not case or not one.case or one.case == case for one in self._allowing(action))

    def may_everywhere(self, action: Action, case: str, service: str = "") -> bool:
        """Tell whether an action is allowed in every territory of a case, for a service."""
        return any(one.covers(case, "", service) for one in self._allowing(action) if not one.area)

    def cases(self, names: Iterable[str]) -> tuple[str, ...]:
        """Keep the cases in which something may be seen."""
        return tuple(name for name in names if self.may_somewhere(Action.SEE, name))

    def areas(self, action: Action, case: str) -> frozenset[str] | None:
        """Return the territories of a case in which an action is allowed whatever the service; None for all.

        For what bears a territory and no service, such as the documents of an index: who is held to one
        service sees none of it.

        >>> Reach((Perimeter("agent", "", "Nord"), Perimeter("agent", "x", "", "S"))).areas(Action.SEE, "x")
        frozenset({'Nord'})
        """
        found = {
            one.area
            for one in self._allowing(action)
            if (not one.case or one.case == case) and not one.service
        }
        return None if "" in found else frozenset(found)

    def services(self, action: Action, case: str) -> tuple[str, ...]:
        """Return the services for which an action is allowed in a case; ``""`` stands for all of them."""
        found = {one.service for one in self._allowing(action) if not one.case or one.case == case}
        return tuple(sorted(found))

    def in_training(self, case: str) -> Reach:
        """Return the same roles in a case without territory or service.

        The training desk shows the sample, whose territories are nobody's, and where nothing counts.
        """
        held = {one.role for one in self.perimeters if not one.case or one.case == case}
        return Reach(tuple(Perimeter(role, case) for role in sorted(held)), self.only)

    @property
    def key(self) -> str:
        """Text that two equal reaches share and no other has: what is cached is cached under it."""
        # As JSON: the name of a territory may hold any character, separators too.
        held = sorted([one.role, one.case, one.area, one.service] for one in set(self.perimeters))
        return json.dumps([held, None if self.only is None else sorted(self.only)])

    def _allowing(self, action: Action) -> list[Perimeter]:
        if self.only is not None and action not in self.only:
            return []
        return [one for one in self.perimeters if action in ROLES[one.role]]


nobody = Reach()
"""Sees nothing."""


def reach_of(holder: User | ApiKey) -> Reach:
    """Read the grants of an account or of a key; the scopes of a key bound what they allow."""
    if isinstance(holder, ApiKey):
        only = frozenset(action for scope in holder.scopes for action in SCOPES.get(scope, ()))
        return Reach(tuple(Perimeter(*grant) for grant in _OF_KEY.values(holder.pk)), only)
    return Reach(tuple(Perimeter(*grant) for grant in _OF_USER.values(holder.pk)))


_PARTS = ("role", "case", "area", "service")
_OF_USER = Prepared(lambda: Grant.objects.filter(user_id=-1).values_list(*_PARTS), -1)
_OF_KEY = Prepared(lambda: Grant.objects.filter(key_id=-1).values_list(*_PARTS), -1)
