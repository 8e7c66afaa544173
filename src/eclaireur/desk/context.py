"""What the frame around every page shows: where I am, my cases and what waits in each."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest

from eclaireur.desk.access import Action
from eclaireur.desk.asking import Reaching, connectable

__all__ = ["shell"]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the names that the base template reads."""
    reach = getattr(request, "reach", None)
    if reach is None or not request.user.is_authenticated:
        return {"shell": None, "state_theme": settings.STATE_THEME}
    from eclaireur.desk.served import served_cards
    from eclaireur.desk.waiting import waiting

    counts = waiting(reach)
    mine = [card for card in served_cards() if reach.cases([card.name])]
    return {
        "shell": {
            "cases": [{"card": card, "waiting": counts.get(card.name, 0)} for card in mine],
            "reads": bool(connectable(cast("Reaching", request))),
            "manages": reach.may_somewhere(Action.MANAGE),
            "theme": request.COOKIES.get(settings.THEME_COOKIE, ""),
        },
        "state_theme": settings.STATE_THEME,
    }
