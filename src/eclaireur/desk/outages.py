"""Names what the machine lacks when a request or a task fails for it: room, a database, a disk that writes.

Nothing is retried here: what was asked is not done, whoever asked is told so and what still works, and the
same request succeeds once the cause is gone. No process has to be started again.
"""

from __future__ import annotations

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

from eclaireur.core.errors import WorkFailedError

__all__ = ["RETRY", "cause", "outage"]

RETRY = 30
"""Seconds after which it is worth asking again."""

_STILL = "Rien n'a été enregistré cette fois ; les pages se lisent encore."
_FULL = "le disque du bureau est plein : rien ne peut plus y être enregistré."
_READ_ONLY = "le disque du bureau est en lecture seule : rien ne peut plus y être enregistré."
_BUSY = "la base de données est occupée par un long travail."
_AWAY = "la base de données ne répond pas."
_BY_NUMBER = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
}
_BY_WORDS = (
    ("disk is full", _FULL),
    ("no space left", _FULL),
    ("readonly database", _READ_ONLY),
    ("read-only", _READ_ONLY),
    ("is locked", _BUSY),
    ("lock timeout", _BUSY),
)


def cause(error: BaseException | None) -> str:
    """Return what the machine lacks, in a French sentence; empty when the error does not tell.

    Examples
    --------
    >>> cause(OperationalError("database is locked"))
    'la base de données est occupée par un long travail.'
    """
    if isinstance(error, DatabaseError | InterfaceError):
        words = str(error).lower()
        return next((said for part, said in _BY_WORDS if part in words), "")
    return _BY_NUMBER.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def outage(error: BaseException | None) -> WorkFailedError | None:
    """Return what to say of an error that comes from the machine; None when it is a fault of ours.

    Examples
    --------
    >>> str(outage(OSError(errno.ENOSPC, "No space left on device"))).split(" :")[0]
    'le disque du bureau est plein'
    >>> outage(ValueError("a fault")) is None
    True
    """
    message = cause(error)
    if not message and isinstance(error, OperationalError | InterfaceError):
        message = _AWAY
    if not message:
        return None
    if message == _BUSY:
        return WorkFailedError(message, fix=f"Rien n'a été enregistré. Recommencez dans {RETRY} secondes.")
    return WorkFailedError(message, fix=f"{_STILL} Prévenez l'administrateur du bureau.")
