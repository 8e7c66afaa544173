"""A request sent twice is carried out once: the ``Idempotency-Key`` header of the IETF's draft.

A program whose answer was lost on the way sends the same request under the same key, and gets the answer of
the first. The key lives a day. It is written in the transaction of the act: both are there, or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from eclaireur.desk.api.errors import FailureError
from eclaireur.desk.models import SentOnce, User

if TYPE_CHECKING:
    from eclaireur.desk.api.auth import Calling

__all__ = ["KEPT", "once"]

KEPT = timedelta(days=1)
"""How long a key is remembered."""


def once(request: Calling, key: str, act: Callable[[], int]) -> int:
    """Do an act, unless the same caller had it done under the same key; return the number of its line.

    Parameters
    ----------
    key
        As the caller sent it; empty when it did not.
    act
        Writes a line of the journal and returns its number.

    Raises
    ------
    FailureError
        422 when the key stood for another request; 409 while the first one is still under way.
    """
    if not key:
        with transaction.atomic():
            return act()
    caller = request.auth.holder
    holder = f"{'user' if isinstance(caller, User) else 'key'}:{caller.pk}"
    asked = hashlib.sha256(f"{request.path_info}\0".encode() + request.body).hexdigest()
    now = timezone.now()
    SentOnce.objects.filter(at__lt=now - KEPT).delete()
    earlier = SentOnce.objects.filter(holder=holder, key=key).first()
    if earlier is not None:
        if earlier.asked != asked:
            raise FailureError(
                422,
                "cette clé d'idempotence a servi pour une autre demande.",
                fix="Donnez une clé nouvelle à chaque demande.",
                field="Idempotency-Key",
            )
        return earlier.seq
    try:
        with transaction.atomic():
            seq = act()
            SentOnce.objects.create(holder=holder, key=key, asked=asked, seq=seq, at=now)
    except IntegrityError as error:
        if not SentOnce.objects.filter(holder=holder, key=key).exists():
            raise
        raise FailureError(
            409,
            "la même demande vient d'être faite.",
            fix="Renvoyez-la : vous aurez sa réponse.",
            headers={"Retry-After": "1"},
        ) from error
    return seq
