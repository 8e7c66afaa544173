"""Requests of programs that carry a key of their own, so that sending one twice does it once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

__all__ = ["SentOnce"]


class SentOnce(models.Model):
    """A request that was carried out: whose, its key, what it asked (hashed), the line it wrote."""

    holder = models.CharField(max_length=40)
    key = models.CharField(max_length=100)
    asked = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holder", "key"], name="a_request_is_carried_out_once")
        ]
