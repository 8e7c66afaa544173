"""Files that people sent, and lists that they took away."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Export", "Upload"]


class Upload(Scoped):
    """A file that was sent: kept under a random name, given back only as an attachment."""

    file = models.FileField(upload_to="uploads/%Y/%m")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    table = models.CharField(max_length=80, blank=True, default="")
    state = models.CharField(max_length=20, default="received")
    reason = models.TextField(blank=True, default="")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Export(Scoped):
    """A list that left the desk: who took what, in which form, when. Also a line of the journal."""

    seq = models.BigIntegerField(unique=True)
    form = models.CharField(max_length=10)
    rows = models.IntegerField()
    edition = models.ForeignKey("Edition", models.SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    key = models.ForeignKey("ApiKey", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
