"""Sessions in the database, each with the account it belongs to."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from eclaireur.desk.models import Session
from eclaireur.desk.prepared import Prepared

__all__ = ["IDLE", "SessionStore"]

IDLE = timedelta(hours=2)
"""A session that nobody used for so long is over: a meeting passes, a screen left in the evening does not."""

_SEEN = timedelta(minutes=5)
_BY_KEY = Prepared(lambda: Session.objects.filter(session_key="?key"), "?key")


class SessionStore(DatabaseStore):
    """Django's database sessions, with columns for the account and the device: people see and close theirs.

    When the session was last used is written at most every five minutes: a page costs no write.
    """

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the table of sessions."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Fill the columns that the list of sessions shows; `accounts.entering` put them in the data."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        row.device = str(data.get("device", ""))[:200]
        row.address = str(data.get("address", ""))[:64]
        if "opened" in data:
            row.opened = datetime.fromisoformat(data["opened"])
        return row

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 (Django's)
        """Write the session; one that was closed meanwhile keeps nothing, and stays closed."""
        with suppress(UpdateError):
            super().save(must_create=must_create)

    def _get_session_from_db(self) -> Session | None:
        """Return the session while it lasts and is used; else forget its key, as Django does."""
        now = timezone.now()
        found: list[Session] = _BY_KEY.rows(self.session_key or "")
        if not found or found[0].expire_date <= now or found[0].seen < now - IDLE:
            self._session_key = None
            return None
        if found[0].seen < now - _SEEN:
            Session.objects.filter(pk=found[0].pk).update(seen=now)
        return found[0]
