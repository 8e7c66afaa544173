"""Sessions in the database, each with the account it belongs to."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from eclaireur.desk.models import Session

__all__ = ["SessionStore"]


class SessionStore(DatabaseStore):
    """Django's database sessions, with a column for the account, so that people can see and close theirs."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the table of sessions."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Fill the columns that the list of sessions shows."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        row.device = str(data.get("device", ""))[:200]
        row.address = str(data.get("address", ""))[:64]
        return row
