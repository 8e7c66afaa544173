"""Slows guessing down: after a few failures a login, or an address, waits longer and longer.

A try is written down before its password is looked at, and taken back when it succeeds: a hundred tries at
once do not slip through together. What is refused because it came too soon does not count: a person who
insists does not make the wait longer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.crypto import salted_hmac

from eclaireur.core import french
from eclaireur.desk.models import Attempt, User

__all__ = [
    "KEPT",
    "MARK",
    "Tried",
    "Waiting",
    "begin",
    "forgive",
    "last_failures",
    "name_of",
    "normal",
    "said",
    "succeed",
    "tried",
]

KEPT = timedelta(days=30)
"""How long failures are kept for administrators to read."""

MARK = "?"
"""First character of what stands for a login that no account has."""


@dataclass(frozen=True, slots=True)
class _Rule:
    free: int
    over: timedelta


_LOGIN = _Rule(free=5, over=timedelta(days=1))
_ADDRESS = _Rule(free=30, over=timedelta(hours=1))  # a whole building may share one
_FIRST = timedelta(seconds=30)
_LONGEST = timedelta(minutes=15)


class Waiting(Exception):  # noqa: N818 (a state, not a fault)
    """Too many failures: nothing was looked at. ``seconds`` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a try: what to say, empty when it was right; the status; how long to wait."""

    error: str = ""
    status: int = 200
    wait: int = 0


def normal(login: str) -> str:
    """Return a login as accounts write it."""
    return login.strip().lower()[:150]


def said(seconds: int) -> str:
    """Write a wait in words.

    >>> said(45), said(90)
    ('45 secondes', '2 minutes')
    """
    return french.count(seconds, "seconde") if seconds < 60 else french.count(-(-seconds // 60), "minute")


def begin(login: str, address: str) -> Attempt:
    """Write down a try that begins.

    Raises
    ------
    Waiting
        If it comes too soon after too many failures, of this login or from this address.
    """
    now = timezone.now()
    Attempt.objects.filter(at__lt=now - KEPT).delete()
    mine = Attempt.objects.create(login=name_of(login), address=_network(address), at=now)
    seconds = _wait(_LOGIN, now, mine, login=mine.login)
    if mine.address:
        seconds = max(seconds, _wait(_ADDRESS, now, mine, address=mine.address))
    if seconds:
        mine.delete()
        raise Waiting(seconds)
    return mine


def succeed(attempt: Attempt) -> None:
    """Take back a try whose password was right; the failures of its login no longer count."""
    login = attempt.login
    attempt.delete()
    Attempt.objects.filter(login=login, counts=True).update(counts=False)


def tried(login: str, address: str, right: Callable[[], bool], wrong: str) -> Tried:
    """Look at what was typed, unless it comes too soon; ``wrong`` says that it is not right.

    What `right` raises leaves the try written down.
    """
    try:
        attempt = begin(login, address)
    except Waiting as waiting:
        return Tried(f"Trop d’essais manqués. Attendez {said(waiting.seconds)}.", 429, waiting.seconds)
    if not right():
        return Tried(wrong, 422)
    succeed(attempt)
    return Tried()


def forgive(user: User) -> None:
    """Stop counting the failures of an account: its password is new."""
    Attempt.objects.filter(login=user.login, counts=True).update(counts=False)


def last_failures(most: int = 200) -> list[Attempt]:
    """Return the newest failures."""
    return list(Attempt.objects.order_by("-at")[:most])


def _wait(rule: _Rule, now: datetime, mine: Attempt, **who: str) -> int:
    rows = Attempt.objects.filter(counts=True, at__gte=now - rule.over, **who).exclude(pk=mine.pk)
    times = list(rows.order_by("-at").values_list("at", flat=True)[: rule.free + 16])
    beyond = len(times) - rule.free
    if beyond < 0:
        return 0
    wait = min(_FIRST * 2**beyond, _LONGEST)
    # Rounded up: coming back at the second that was told is never too soon.
    return max(0, -int((now - times[0] - wait).total_seconds() // 1))


def name_of(login: str) -> str:
    """Return a login that an account has, else a keyed hash of what was typed, which may be a password."""
    written = normal(login)
    # Always hashed, so that a login that exists takes no other time than one that does not.
    hidden = MARK + salted_hmac("eclaireur.desk.throttling", written, algorithm="sha256").hexdigest()[:40]
    return written if User.objects.filter(login=written).exists() else hidden


def _network(address: str) -> str:
    """Return an IPv4 address, or the /64 that one IPv6 subscriber owns whole."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
