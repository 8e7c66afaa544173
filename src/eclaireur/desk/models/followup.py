"""What becomes of a subject within a case: its dossier, decisions, comments and letters.

Texts that people write and what names a person lie sealed in the journal; rows hold its line numbers. So
erasing a subject is destroying its key, and no copy is left here.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Comment", "Decision", "Dossier", "Letter"]


class Dossier(Scoped):
    """A subject within a case, the same from one edition to the next.

    ``version`` counts its decisions: a page that was read before another person's decision is told.
    """

    subject = models.CharField(max_length=220)
    name = models.CharField(max_length=300, blank=True, default="")
    status = models.CharField(max_length=40, blank=True, default="")
    due = models.DateField(null=True, blank=True)
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="dossiers")
    training = models.BooleanField(default=False)
    version = models.IntegerField(default=0)

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(fields=["subject"]),
            models.Index(fields=["case", "status"]),
            models.Index(fields=["assigned_to", "due"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "subject", "service", "training"], name="one_dossier_per_subject"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.subject

    @property
    def key(self) -> str:
        """Identifier without its kind."""
        return self.subject.partition(":")[2]


class Decision(models.Model):
    """A decision: append-only. Its reason and subject are in the journal's line ``seq``.

    ``before`` is what the dossier said until then, so that undoing can restore it.
    """

    seq = models.BigIntegerField(primary_key=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="decisions")
    signal = models.CharField(max_length=300, blank=True, default="")
    edition = models.ForeignKey("Edition", models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20)
    value = models.CharField(max_length=40)
    reason_code = models.CharField(max_length=40, blank=True, default="")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    before = models.JSONField(default=dict)
    undone_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-seq"]


class Comment(models.Model):
    """A comment: its text is in the journal's line ``seq``."""

    seq = models.BigIntegerField(primary_key=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="comments")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["seq"]


class Letter(models.Model):
    """A letter written from a template; its text is in the journal's line ``seq``."""

    seq = models.BigIntegerField(primary_key=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="letters")
    template = models.CharField(max_length=80)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-seq"]
