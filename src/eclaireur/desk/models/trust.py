"""What the administration answers for: published sheets, contests, and the decision to deploy."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.followup import Dossier
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Contest", "PublishedSheet"]


class PublishedSheet(models.Model):
    """The public *fiche algorithme* of a case, as it was when a person published it.

    ``seq`` is the journal's line, which holds the hash of ``content``.
    """

    case = models.CharField(max_length=80, primary_key=True)
    content = models.JSONField()
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return self.case


class Contest(Scoped):
    """A contest that a person concerned sent. Their words and how to reach them are sealed in the journal.

    ``reference`` is all that its sender needs to follow it: nobody can guess it. ``dossier`` is the one it
    speaks of, when the identifier that was typed is known. ``sender`` is a keyed hash of the day and the
    network, to slow down whoever sends too many. Once ``taken_by`` an agent and until ``answered``, the
    score of the dossier is hidden from everybody.
    """

    reference = models.CharField(max_length=24, unique=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, null=True, related_name="contests")
    received = models.DateTimeField(default=timezone.now)
    due = models.DateField()
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered = models.DateTimeField(null=True)
    changed = models.BooleanField(default=False)
    seq = models.BigIntegerField()
    reply_seq = models.BigIntegerField(null=True)
    sender = models.CharField(max_length=64, blank=True, default="")

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(fields=["case", "answered", "due"]),
            models.Index(fields=["dossier", "answered"]),
            models.Index(fields=["sender", "received"]),
        ]

    def __str__(self) -> str:
        return self.reference
