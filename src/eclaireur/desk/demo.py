"""The demonstration's desk: its list, its accounts, a way in that serves once, and its own check."""

from __future__ import annotations

import hashlib
import html
import http.cookiejar
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from eclaireur.core import french
from eclaireur.core.card import Desk
from eclaireur.core.errors import ExtraMissingError
from eclaireur.desk.models import Edition, Grant, Item, Role, SetupLink, User, Worklist
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.publishing import draw_list, publish
from eclaireur.desk.served import served_cards
from eclaireur.desk.start import mark_demo

if TYPE_CHECKING:
    from eclaireur.desk.accounts.demo import DemoAccount
    from eclaireur.service.signals import Signals

__all__ = ["CASE", "fill", "once", "problems", "way_in"]

CASE = "restaurant_risk"
_CAPACITY = 40
_RANDOM_SHARE = 0.1
_HOURS = 12
_SECONDS = 20


def fill(case: str = CASE, *, searches: bool = True) -> tuple[User, tuple[DemoAccount, ...]]:
    """Publish the sample of a case, draw its list, open accounts, have what is read indexed; decide nothing.

    What is already there stays as it is: a demonstration is taken up where it was left. Without ``searches``
    nothing is indexed: a check that ends at once would leave its tasks half done.

    Returns
    -------
    tuple
        The agent whose work the demonstration shows, and the accounts just made, whose passwords nothing will
        tell again.

    Raises
    ------
    ConfigError
        If the workspace is not one for a demonstration (`start.mark_demo`).
    """
    from eclaireur.desk.accounts.demo import make_demo_accounts

    mark_demo(workspace())
    edition = publish(case, "sample")
    if not Worklist.objects.filter(case=case, closed=None, edition__training=False).exists():
        title = f"Liste du {french.day(edition.as_of)}"
        draw_list(edition, capacity=_CAPACITY, random_share=_RANDOM_SHARE, title=title)
    made = make_demo_accounts()
    grant = (
        Grant.objects.filter(role=Role.AGENT, user__is_active=True).select_related("user").order_by("pk")[0]
    )
    if grant.user is None:
        raise AssertionError  # the filter asked for one
    if searches:
        _prepare_searches(grant.user)
        _prepare_inboxes(grant.user)
    return grant.user, made


def _prepare_searches(user: User) -> None:
    """Have the cases that are read indexed by tasks: the demonstration opens at once, and they follow."""
    from eclaireur.bricks.semantic.tantivy_query import library
    from eclaireur.desk import jobs
    from eclaireur.service.searching import names

    try:
        library()
    except ExtraMissingError:
        return  # the page of each case says how to install it
    for card in served_cards():
        if card.desk is Desk.READER and card.index is not None and card.name not in names(workspace()):
            jobs.start("index", user=user, case=card.name, arguments={"source": "sample"})


def _prepare_inboxes(user: User) -> None:
    """Have the messages of each intake case sorted by tasks, in the same way."""
    from eclaireur.desk import jobs
    from eclaireur.service.messages import ready

    for card in served_cards():
        if card.desk is Desk.INTAKE and not ready(work_on(card.name)):
            jobs.start("sort", user=user, case=card.name, arguments={"source": "sample"})


def once(token: str) -> str:
    """Return under which hash a way in is kept: never that of a link which sets a password."""
    return hashlib.sha256(f"demo:{token}".encode()).hexdigest()


def way_in(user: User) -> str:
    """Return the path that signs a person in, once, within twelve hours. For the demonstration only."""
    token = secrets.token_urlsafe(24)
    now = timezone.now()
    SetupLink.objects.filter(expires__lt=now).delete()
    SetupLink.objects.create(hash=once(token), user=user, expires=now + timedelta(hours=_HOURS))
    return f"/demonstration/{token}/"


def problems(address: str, signals: Signals, path: str) -> list[str]:
    """Ask the desk for its pages as the agent would; say in French what is missing. In a thread of its own.

    Parameters
    ----------
    address
        Where the desk answers, without a final slash.
    signals
        What the list was made from.
    path
        The agent's way in.
    """
    try:
        return list(_problems(address, signals, path))
    finally:
        connection.close()  # each thread has one


def _problems(address: str, signals: Signals, path: str) -> Iterator[str]:
    try:
        if "connexion" not in _Visitor(address).page("/").lower():
            yield "la page de connexion ne s'affiche pas"
        agent = _Visitor(address)
        shown = html.unescape(agent.page(path))
    except OSError as error:
        yield f"le bureau ne répond pas ({error})"
        return
    edition = Edition.objects.get(case=signals.run.case, run=signals.run.id, current=True, training=False)
    items = Item.objects.filter(worklist__edition=edition, worklist__closed=None).select_related("target")
    seen = [item for item in items if item.target.name in shown]
    if not seen:
        yield "la liste de l'agent est vide"
    # A page keeps high punctuation on the line of its word.
    told = (french.spaced(line) for item in seen for line in item.target.why.splitlines() if line)
    if not any(line in french.spaced(shown) for line in told):
        yield "la liste ne montre aucune raison"


class _Visitor:
    """A browser that keeps its cookies and goes through no proxy."""

    def __init__(self, address: str) -> None:
        self._address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def page(self, path: str) -> str:
        """Return a page as text, through its redirections."""
        with self._opener.open(self._address + path, timeout=_SECONDS) as answer:
            text: str = answer.read().decode()
            return text
