"""Keys of programs: a secret of 256 random bits, of which only the SHA-256 is kept.

``ecl_<prefix>_<secret>``: the prefix finds the row, the secret proves. A random secret of that length cannot
be guessed from its hash: no slow hash is needed, and each request stays cheap.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import SCOPES, Perimeter
from eclaireur.desk.models import ApiKey, Grant, Role
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = ["DAYS", "find", "make_key", "revoke_key"]

DAYS = 730
"""The longest life of a key, in days."""

_FORM = re.compile(r"ecl_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_USED = timedelta(minutes=1)


def find(token: str) -> ApiKey | None:
    """Return the key of a program; None when it is unknown, too old or revoked, or its maker has left.

    Somebody answers for what a program does: a key works again with the account that made it. When it was
    last used is written at most once a minute.
    """
    parts = _FORM.fullmatch(token)
    rows = ApiKey.objects.select_related("created_by")
    row = rows.filter(prefix=parts[1]).first() if parts else None
    if parts is None or row is None or not hmac.compare_digest(row.hash, _hash(parts[2])):
        return None
    now = timezone.now()
    ended = row.revoked is not None or (row.expires is not None and row.expires <= now)
    if ended or not row.created_by.is_active:
        return None
    if row.last_used is None or row.last_used < now - _USED:
        ApiKey.objects.filter(pk=row.pk).update(last_used=now)
        row.last_used = now
    return row


def make_key(
    by: User,
    name: str,
    *,
    scopes: Sequence[str],
    expires: datetime,
    perimeter: Perimeter,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is told this once.

    Parameters
    ----------
    scopes
        Names among `access.SCOPES`; reading is always one of them.
    perimeter
        Where it serves; its role is set aside, since the scopes say what the key may do.

    Raises
    ------
    BadValueError
        If a scope is unknown, or the key would live more than two years or is too old already.
    """
    now = timezone.now()
    if unknown := set(scopes) - set(SCOPES):
        raise BadValueError(f"droit inconnu : {', '.join(sorted(unknown))}.", column="scopes")
    if not now < expires <= now + timedelta(days=DAYS):
        raise BadValueError(
            "une clé sert deux ans au plus.", fix="Choisissez une date de fin plus proche.", column="expires"
        )
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    wanted = [scope for scope in SCOPES if scope in {*scopes, "read"}]
    where = {"case": perimeter.case, "area": perimeter.area, "service": perimeter.service}
    with transaction.atomic():
        _tell(by, "create", prefix, name, {"scopes": wanted, "expires": expires.isoformat(), **where})
        key = ApiKey.objects.create(
            name=name.strip(),
            prefix=prefix,
            hash=_hash(secret),
            scopes=wanted,
            created_by=by,
            created=now,
            expires=expires,
        )
        # The role bounds what the scopes may give: computing and connecting are not for an agent.
        role = Role.MANAGER if {"compute", "connect"} & set(wanted) else Role.AGENT
        Grant.objects.create(key=key, role=role, **where)
    return key, f"ecl_{prefix}_{secret}"


def revoke_key(by: User, key: ApiKey) -> None:
    """End a key at once, for good."""
    with transaction.atomic():
        _tell(by, "revoke", key.prefix, key.name, {})
        ApiKey.objects.filter(pk=key.pk, revoked=None).update(revoked=timezone.now())


def _tell(by: User, act: str, prefix: str, name: str, data: dict[str, object]) -> None:
    workspace().journal.append(
        "api_key",
        case=str(data.get("case", "")),
        actor=by.full_name,
        data={"act": act, "login": by.login, "prefix": prefix, "name": name.strip(), **data},
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
