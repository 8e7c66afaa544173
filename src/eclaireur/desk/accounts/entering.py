"""Entering: what a session remembers of the device, where a request comes from, where it may go back to."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from eclaireur.desk.accounts import second, throttling
from eclaireur.desk.models import Session, User

__all__ = [
    "CODED",
    "PASSWORD",
    "address_of",
    "code_given",
    "device_of",
    "enter",
    "enter_or_ask",
    "enter_with_code",
    "mark_session",
    "password_again",
    "safe_next",
    "waiting_for_code",
]

PASSWORD = "eclaireur.desk.accounts.backend.PasswordBackend"  # noqa: S105 (the name of a class)
CODED = "coded"
"""Mark of a session that a second factor opened, or whose identity provider answers for it."""

_AWAITED = "awaited"
_PATIENCE = timedelta(minutes=10)

_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def enter(request: HttpRequest, user: User, backend: str = PASSWORD) -> None:
    """Sign a person in under a new session key."""
    login(request, user, backend=backend)


def enter_or_ask(request: HttpRequest, user: User, target: str) -> str:
    """Sign in a person whose password was right, or have a code asked of her; return where to go.

    Until the code the session is nobody's: it only knows whose code is awaited, for ten minutes.
    """
    if not second.has(user):
        enter(request, user)
        return target
    request.session.cycle_key()
    awaited = {"user": user.pk, "since": timezone.now().isoformat(), "next": target}
    # A password that changes meanwhile ends the wait, as it ends sessions.
    request.session[_AWAITED] = {**awaited, "hash": user.get_session_auth_hash()}
    return "/connexion/code/"


def waiting_for_code(request: HttpRequest) -> tuple[User, str] | None:
    """Return whose code this session awaits, and where she goes next; None when it awaits nobody's."""
    awaited = request.session.get(_AWAITED)
    if not awaited or timezone.now() - datetime.fromisoformat(awaited["since"]) > _PATIENCE:
        return None
    user = User.objects.filter(pk=awaited["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), awaited["hash"]):
        return None
    return user, awaited["next"]


def password_again(request: HttpRequest, user: User, typed: str) -> throttling.Tried:
    """Ask her password again of who is signed in, before what an open screen must not do."""
    return throttling.tried(
        user.login,
        address_of(request),
        lambda: user.check_password(typed),
        "Ce n’est pas votre mot de passe actuel.",
    )


def code_given(request: HttpRequest, user: User, typed: str) -> throttling.Tried:
    """Look at a code. Tries are counted apart from passwords, whose success would else buy new ones."""
    return throttling.tried(
        f"code {user.login}",
        address_of(request),
        lambda: second.accept(user, typed),
        "Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant.",
    )


def enter_with_code(request: HttpRequest, user: User) -> None:
    """Sign in a person whose code was right."""
    request.session.pop(_AWAITED, None)
    enter(request, user)
    request.session[CODED] = True


def mark_session(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Write in a new session whose device it is; it ends twelve hours from now, however much it is used."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()  # nobody else sweeps them
    request.session["opened"] = now.isoformat()
    request.session["device"] = device_of(request)
    request.session["address"] = address_of(request)
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def device_of(request: HttpRequest) -> str:
    """Name the browser and the system in words.

    Examples
    --------
    >>> request = HttpRequest()
    >>> request.META["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
    >>> device_of(request)
    'Firefox sur Linux'
    """
    text = request.META.get("HTTP_USER_AGENT", "")
    browser = next((name for mark, name in _BROWSERS.items() if mark in text), "navigateur inconnu")
    system = next((name for mark, name in _SYSTEMS.items() if mark in text), "")
    return f"{browser} sur {system}" if system else browser


def address_of(request: HttpRequest) -> str:
    """Return the address that a request comes from, or nothing when a proxy does not tell.

    Behind HTTPS a proxy stands in front: the last address of ``X-Forwarded-For`` is the one that it saw.
    Those before it are whatever the visitor claimed.
    """
    if settings.SECURE_PROXY_SSL_HEADER:
        text = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    else:
        text = request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def safe_next(request: HttpRequest, target: str) -> str:
    """Return a page of this desk to go to after signing in; the first page instead of anything else."""
    here = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if here and target.startswith("/") else "/"
