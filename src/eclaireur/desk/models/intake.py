"""Messages that the intake desk shows, answers that left it, and what people said of answers."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from eclaireur.desk.models.accounts import User
from eclaireur.desk.models.followup import Dossier
from eclaireur.desk.models.scoped import Scoped

__all__ = ["Campaign", "Comparison", "Feedback", "Mail", "MailContent", "MailStatus", "Outgoing"]


class MailStatus(models.TextChoices):
    """What became of a message."""

    NEW = "new", "à traiter"
    ROUTED = "routed", "orienté"
    ANSWERED = "answered", "répondu"
    CLOSED = "closed", "classé"


class Mail(Scoped):
    """A message and what the machine says of it, in what an inbox filters and sorts.

    ``route`` is where it is: where the machine proposes, until a person decides (``decided``). ``heading``
    and ``preview`` are masked. ``share`` is how much of the draft a person changed, in [0, 1];
    ``assisted`` tells whether an answer kept something of a draft; both None until it is answered.
    """

    message = models.CharField(max_length=220)
    thread = models.CharField(max_length=220)
    received = models.DateTimeField()
    heading = models.CharField(max_length=200, blank=True, default="")
    preview = models.CharField(max_length=240, blank=True, default="")
    channel = models.CharField(max_length=80, blank=True, default="")
    attachments = models.IntegerField(default=0)
    route = models.CharField(max_length=120, blank=True, default="")
    route_title = models.CharField(max_length=200, blank=True, default="")
    confidence = models.FloatField(null=True)
    abstains = models.BooleanField(default=False)
    decided = models.BooleanField(default=False)
    urgency = models.FloatField(default=0)
    urgent = models.CharField(max_length=300, blank=True, default="")
    drafted = models.BooleanField(default=False)
    refusal = models.CharField(max_length=40, blank=True, default="")
    status = models.CharField(max_length=20, choices=MailStatus.choices, default=MailStatus.NEW)
    source = models.CharField(max_length=80, blank=True, default="")
    model = models.IntegerField(default=0)
    handled = models.DateTimeField(default=timezone.now)
    opened = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    share = models.FloatField(null=True)
    assisted = models.BooleanField(null=True)
    dossier = models.OneToOneField(Dossier, models.PROTECT, related_name="mail")

    class Meta(Scoped.Meta):
        indexes = [
            models.Index(fields=["case", "status", "-urgency", "received"]),
            models.Index(fields=["case", "status", "received"]),
            models.Index(fields=["case", "status", "route"]),
            models.Index(fields=["case", "thread"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["case", "service", "message"], name="a_message_comes_once")
        ]

    def __str__(self) -> str:
        return self.heading or self.message


class MailContent(models.Model):
    """All of a message and of its handling, apart so that an inbox does not read it."""

    mail = models.OneToOneField(Mail, models.CASCADE, primary_key=True, related_name="content")
    message = models.JSONField(default=dict)
    handling = models.JSONField(default=dict)


class Outgoing(Scoped):
    """An answer that was decided: it leaves once. Its text is in the journal's line ``seq``.

    ``key`` comes from the form: the same form sent twice is one answer.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "en attente de départ"
        SENDING = "sending", "en cours de départ"
        SENT = "sent", "partie"
        UNSURE = "unsure", "peut-être partie : à vérifier"

    key = models.UUIDField(unique=True)
    seq = models.BigIntegerField(unique=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="outgoing")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    file = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)
    left = models.DateTimeField(null=True)


class Feedback(Scoped):
    """What a person said of an answer, or of their day. Free text is in the journal's line ``seq``.

    ``about`` is « answer », « agent » or « user »: of an answer, an agent's feeling, a user's satisfaction.
    """

    seq = models.BigIntegerField(unique=True)
    about = models.CharField(max_length=20)
    value = models.IntegerField(null=True)
    kinds = models.JSONField(default=list)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)


class Campaign(Scoped):
    """Two set-ups compared blind. Its result is shown when it is ended, not before."""

    title = models.CharField(max_length=200)
    first = models.CharField(max_length=80)
    second = models.CharField(max_length=80)
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True)
    ready = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.title


class Comparison(Scoped):
    """A question with two answers, and what each person prefers; ``swapped``: the second is on the left."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="pairs")
    number = models.IntegerField()
    question = models.TextField()
    answers = models.JSONField(default=list)
    swapped = models.BooleanField(default=False)
    choices = models.JSONField(default=dict)

    class Meta(Scoped.Meta):
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="one_pair_a_number")]
