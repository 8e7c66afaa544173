"""The stop button of each case."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User

__all__ = ["Switch"]


class Switch(models.Model):
    """Made when a case is first suspended. Read at every request, so every process obeys at once."""

    case = models.CharField(max_length=80, primary_key=True)
    stopped = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True, default="")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
