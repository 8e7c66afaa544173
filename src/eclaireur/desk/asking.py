"""Who asks, typed: a request whose user is signed in and whose reach is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from eclaireur.desk.accounts.lost import session_lost

if TYPE_CHECKING:
    from eclaireur.core.card import Card, Desk
    from eclaireur.desk.access import Action, Reach
    from eclaireur.desk.models import User

__all__ = ["Asking", "Reaching", "Rest", "card_within", "connectable", "page", "required"]

Rest = ParamSpec("Rest")


class Asking(HttpRequest):
    """A request of a person who is signed in."""

    user: User
    reach: Reach


def page(view: Callable[Concatenate[Asking, Rest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Mark a view that only a signed-in person may ask for; others sign in and come back to it."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if request.method == "POST" and not request.user.is_authenticated:
            return session_lost(request)
        if request.headers.get("HX-Request") and not request.user.is_authenticated:
            # A fragment cannot show the sign-in page: ask the browser to come back whole.
            return HttpResponse(status=401, headers={"HX-Refresh": "true"})
        return inner(request, *args, **kwargs)

    def known(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        return view(cast("Asking", request), *args, **kwargs)

    inner = login_required(known)
    return answer


class Reaching(Protocol):
    """Who asks, a person or a program, with what may be seen and done."""

    @property
    def reach(self) -> Reach:
        """All perimeters."""


def card_within(asking: Reaching, case: str, desk: Desk | None = None) -> Card:
    """Return the card of a case in which who asks may see something; else the case does not exist.

    Parameters
    ----------
    desk
        For a page of one desk: the cases of the others do not exist there.
    """
    from eclaireur.desk.served import served_cards

    for card in served_cards():
        if card.name == case and asking.reach.cases([case]) and desk in {None, card.desk}:
            return card
    raise Http404


def connectable(asking: Reaching) -> tuple[Card, ...]:
    """Return the cases to which who asks may connect data; who has one may have any file read."""
    from eclaireur.desk.access import Action
    from eclaireur.desk.served import served_cards

    return tuple(card for card in served_cards() if asking.reach.may_everywhere(Action.CONNECT, card.name))


def required(asking: Reaching, action: Action, case: str, area: str = "", service: str = "") -> None:
    """Answer 404 unless an action is allowed there."""
    if not asking.reach.may(action, case, area, service):
        raise Http404
