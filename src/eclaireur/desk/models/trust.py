"""What the administration answers for: published sheets, contests, votes of agents, announced trials."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.followup import Dossier
from eclaireur.desk.models.lists import Edition, Item, Worklist
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Contest", "Planted", "PublishedSheet", "Trial", "Vote"]


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


class Vote(Scoped):
    """Whether an agent found a suggestion useful. It decides nothing; its reason is in the journal's line."""

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="votes")
    edition = models.ForeignKey(Edition, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    useful = models.BooleanField()
    at = models.DateTimeField(default=timezone.now)
    seq = models.BigIntegerField()

    class Meta(Scoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["dossier", "edition", "user"], name="one_vote_each_on_a_suggestion"
            )
        ]


class Trial(models.Model):
    """A trial in which a share of the suggestions is wrong on purpose: announced, dated, on the sample alone.

    ``worklist`` is there from the day it begins. ``salt`` and the lines that were planted are told when it
    ends; the journal held their hash since it began.
    """

    case = models.CharField(max_length=80)
    announcement = models.TextField()
    starts = models.DateField()
    ends = models.DateField()
    size = models.IntegerField()
    share = models.FloatField()
    announced_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    announced = models.DateTimeField(default=timezone.now)
    worklist = models.OneToOneField(Worklist, models.PROTECT, null=True, related_name="trial")
    salt = models.CharField(max_length=64, blank=True, default="")
    closed = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends__gte=models.F("starts")), name="a_trial_ends_after_it_starts"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(closed=None), name="one_trial_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Essai du {self.starts:%d/%m/%Y} au {self.ends:%d/%m/%Y}"


class Planted(models.Model):
    """A line of a trial whose rank was made wrong, and what the calculation truly says of it."""

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="planted")
    item = models.OneToOneField(Item, models.CASCADE, related_name="planted")
    rank = models.IntegerField()
    score = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
