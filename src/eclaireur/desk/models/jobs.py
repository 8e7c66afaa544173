"""Tasks that a user started, with all that makes them survive a killed worker."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Job", "JobState"]


class JobState(models.TextChoices):
    """Where a task is."""

    WAITING = "waiting", "en attente"
    RUNNING = "running", "en cours"
    DONE = "done", "terminée"
    FAILED = "failed", "en échec"
    CANCELLED = "cancelled", "annulée"
    ASIDE = "aside", "mise de côté"


class Job(Scoped):
    """A task: what was asked, how far it is, who holds it.

    ``token`` grows each time the task is taken: only the holder of the newest may publish. ``lease`` is
    until when its worker promised to give a sign of life.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True, default="")
    error = models.TextField(blank=True, default="")
    attempts = models.IntegerField(default=0)
    token = models.BigIntegerField(default=0)
    lease = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True, default="")
    cancel_asked = models.BooleanField(default=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="jobs")
    created = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        indexes = [models.Index(fields=["state", "lease"])]

    def __str__(self) -> str:
        return self.title
