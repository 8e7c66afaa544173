"""Lists: what a calculation says of each subject, and which are to be worked through."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.followup import Dossier
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Edition", "Item", "Target", "TargetReasons", "Worklist"]


class Edition(models.Model):
    """The signals of one calculation, copied from the lake so that pages can filter and sort them.

    Until ``ready`` its rows are being written, and nobody sees them.
    ``trial`` is the number of the trial that it belongs to, whose ranks may be wrong; 0 for a true one. The
    database refuses a trial outside the training desk.
    ``version`` counts what changed on its lists: pages are cached under it.
    """

    case = models.CharField(max_length=80)
    service = models.CharField(max_length=120, blank=True, default="")
    source = models.CharField(max_length=80)
    run = models.CharField(max_length=64)
    snapshot = models.CharField(max_length=200)
    snapshot_taken = models.DateTimeField()
    licence = models.CharField(max_length=200, blank=True, default="")
    model = models.IntegerField()
    model_by = models.CharField(max_length=200)
    model_since = models.DateField()
    as_of = models.DateField()
    size = models.IntegerField()
    calibrated = models.BooleanField()
    training = models.BooleanField(default=False)
    trial = models.IntegerField(default=0)
    ready = models.BooleanField(default=False)
    current = models.BooleanField(default=False)
    version = models.BigIntegerField(default=0)
    published = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "service", "source", "run", "training", "trial"],
                name="an_edition_is_published_once",
            ),
            models.CheckConstraint(
                condition=models.Q(trial=0) | models.Q(training=True, current=False),
                name="only_training_may_be_wrong",
            ),
            models.UniqueConstraint(
                fields=["case", "service", "training"],
                condition=models.Q(current=True),
                name="one_current_edition",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case}, calcul du {self.as_of:%d/%m/%Y}"


class Target(Scoped):
    """What an edition says of one subject. ``dossier`` is the same subject across editions."""

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="targets")
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="targets")
    signal = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    rank = models.IntegerField()
    score = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    last_seen = models.DateField(null=True)
    why = models.TextField(blank=True, default="")

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(fields=["edition", "rank"]),
            models.Index(fields=["edition", "area", "rank"]),
            models.Index(fields=["edition", "name"]),
            models.Index(fields=["edition", "last_seen"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["edition", "dossier"], name="a_subject_is_once_in_an_edition")
        ]

    def __str__(self) -> str:
        return self.name


class TargetReasons(models.Model):
    """All reasons of a target, apart so that lists do not read them."""

    target = models.OneToOneField(Target, models.CASCADE, primary_key=True, related_name="reasons")
    content = models.JSONField(default=list)


class Worklist(Scoped):
    """A list under a capacity, drawn from an edition: the month's work."""

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="worklists")
    title = models.CharField(max_length=200)
    run = models.CharField(max_length=64)
    capacity = models.IntegerField()
    random_share = models.FloatField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    opened = models.DateTimeField(default=timezone.now)
    closed = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class Item(Scoped):
    """One line of a worklist. Until ``verdict`` is given, its rank, score and drawing are hidden."""

    worklist = models.ForeignKey(Worklist, models.CASCADE, related_name="items")
    target = models.ForeignKey(Target, models.CASCADE, related_name="items")
    position = models.IntegerField()
    drawn = models.CharField(max_length=10)
    propensity = models.FloatField()
    verdict = models.CharField(max_length=20, blank=True, default="")

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(fields=["worklist", "position"]),
            models.Index(fields=["worklist", "case", "verdict", "area", "service"]),  # counts read it alone
            models.Index(fields=["worklist", "drawn"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["worklist", "target"], name="a_target_is_once_in_a_list")
        ]
