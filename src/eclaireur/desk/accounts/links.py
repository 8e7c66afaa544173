"""Links that serve once: the first administrator's, the invitation of an account, a lost password.

Only a hash of the link's secret is kept. Reading the page uses nothing up, since mail filters open links: the
form does.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from eclaireur.core.errors import RefusedError
from eclaireur.desk.accounts import throttling
from eclaireur.desk.models import Grant, Role, Session, SetupLink, User
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = [
    "HOURS",
    "LinkSpentError",
    "administrators",
    "choose_password",
    "find_link",
    "first_administrator_link",
    "make_first_administrator",
    "new_link",
    "use_link",
]

HOURS = 24
"""How long a link serves."""


class LinkSpentError(RefusedError):
    """The link has served, is too old, or was replaced by another."""

    def __init__(self) -> None:
        super().__init__(
            "ce lien ne sert plus : il a déjà servi, ou il est trop ancien.",
            fix="Demandez-en un autre à votre administrateur.",
        )


def administrators() -> QuerySet[User]:
    """Return the accounts that manage the others and have a way in."""
    way_in = ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX) & ~Q(password="")
    if settings.IDENTITY is not None:
        way_in |= Q(subject__gt="")
    return User.objects.filter(way_in, is_active=True, grants__role=Role.ADMINISTRATOR).distinct()


def first_administrator_link() -> str:
    """Return the path with which the first administrator makes an account; nothing when there is one.

    Each call replaces the link of the call before.
    """
    if administrators().exists():
        return ""
    return new_link(None)


def new_link(user: User | None) -> str:
    """Return the path of a new link, for an account or the first administrator. It replaces the former."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        SetupLink.objects.filter(Q(user=user) if user else Q(user=None), used=None).delete()
        SetupLink.objects.create(hash=_hash(token), user=user, expires=now + timedelta(hours=HOURS))
    return f"/acces/{token}/"


def find_link(token: str) -> SetupLink:
    """Return a link that still serves.

    Raises
    ------
    LinkSpentError
        If it does not.
    """
    link = _serving(timezone.now()).select_related("user").filter(hash=_hash(token)).first()
    if link is None or (link.user is None and administrators().exists()):
        raise LinkSpentError
    return link


def use_link(link: SetupLink) -> None:
    """Use a link up, inside the transaction of what it serves for. Of two at once, one succeeds.

    Raises
    ------
    LinkSpentError
        If it has served meanwhile.
    """
    now = timezone.now()
    if not _serving(now).filter(pk=link.pk).update(used=now):
        raise LinkSpentError


def choose_password(link: SetupLink, password: str) -> User:
    """Give the password that the link's account chose; its sessions end, its failures no longer count.

    Raises
    ------
    LinkSpentError
        If the link has served meanwhile, or is the first administrator's.
    """
    user = link.user
    if user is None:
        raise LinkSpentError
    with transaction.atomic():
        workspace().journal.append(
            "account", case="", actor=user.full_name, data={"act": "password", "account": user.login}
        )
        use_link(link)
        user.set_password(password)
        user.save(update_fields=["password"])
        Session.objects.filter(user=user).delete()
        throttling.forgive(user)
    return user


def make_first_administrator(
    link: SetupLink, login: str, full_name: str, password: str, *, manager: bool
) -> User:
    """Make the account that manages the others, and let it work in every case when ``manager``.

    Raises
    ------
    LinkSpentError
        If the link has served, or an administrator exists already.
    """
    roles = [Role.ADMINISTRATOR, *([Role.MANAGER] if manager else [])]
    with transaction.atomic():
        # The journal has one appender at a time: whoever comes second sees what the first made.
        workspace().journal.append(
            "account",
            case="",
            actor=full_name,
            data={"act": "first", "account": login, "roles": [str(role) for role in roles]},
        )
        if link.user is not None or administrators().exists():
            raise LinkSpentError
        use_link(link)
        user = User.objects.create_user(login, full_name, password)
        Grant.objects.bulk_create([Grant(user=user, role=role) for role in roles])
    return user


def _serving(now: datetime) -> QuerySet[SetupLink]:
    return SetupLink.objects.filter(Q(user=None) | Q(user__is_active=True), used=None, expires__gt=now)


def _hash(token: str) -> str:
    # The word keeps these links apart from those of other rooms that share the table.
    return hashlib.sha256(f"acces:{token}".encode()).hexdigest()
