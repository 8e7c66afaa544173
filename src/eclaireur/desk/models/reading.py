"""What readers leave: labels on passages of documents, and searches to come back to."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.followup import Decision, Dossier
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Annotation", "AnnotationFile", "SavedSearch"]


class Annotation(Scoped):
    """Labels that one person gave to one passage; the journal's line ``decision`` says the same.

    A passage is a sentence that the case proposes, or a ``span`` of words that the person chose.
    ``unsure`` says that the person hesitates. ``proposed`` is what the model had said, for how often it is
    followed. ``external`` names the annotator of another tool, whose file ``batch`` (its hash) ``user`` sent.
    """

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="annotation")
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="annotations")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    document = models.CharField(max_length=500)
    start = models.IntegerField()
    end = models.IntegerField()
    labels = models.JSONField(default=list)
    proposed = models.JSONField(default=list)
    span = models.BooleanField(default=False)
    unsure = models.BooleanField(default=False)
    sure_model = models.BooleanField(default=False)
    model = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)
    external = models.CharField(max_length=80, blank=True, default="")
    batch = models.CharField(max_length=64, blank=True, default="")

    class Meta(Scoped.Meta):
        indexes = [models.Index(fields=["case", "user"]), models.Index(fields=["case", "document"])]

    @property
    def login(self) -> str:
        """Who annotated, as files name them."""
        return self.external or str(self.user.login)

    @property
    def who(self) -> str:
        """Who annotated, as pages name them."""
        return f"{self.external} (importé)" if self.external else str(self.user.full_name)

    @property
    def key(self) -> str:
        """Name of the passage, as `service.annotating.Passage.key`."""
        return f"{self.document}@{self.start}-{self.end}"


class AnnotationFile(models.Model):
    """The last file of annotations that a person brought to a case, with every line that was left out."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    case = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    batch = models.CharField(max_length=64)
    refused = models.JSONField(default=list)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "case"], name="desk_annotationfile_last")]

    def __str__(self) -> str:
        return self.name


class SavedSearch(models.Model):
    """A search that a person comes back to, with the documents that it had found when it was last read."""

    user = models.ForeignKey(User, models.CASCADE, related_name="searches")
    case = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    address = models.TextField()
    known = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now)
    read = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["title", "pk"]
        indexes = [models.Index(fields=["user", "case"])]

    def __str__(self) -> str:
        return self.title
