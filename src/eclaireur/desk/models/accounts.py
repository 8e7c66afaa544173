"""Who may enter, from where, and what each may see."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Q
from django.utils import timezone

__all__ = ["ApiKey", "Attempt", "Grant", "Role", "SecondFactor", "Session", "SetupLink", "User"]


class Role(models.TextChoices):
    """What a person does within a perimeter."""

    AGENT = "agent", "agent"
    MANAGER = "manager", "responsable"
    SCIENTIST = "scientist", "data scientist"
    ADMINISTRATOR = "administrator", "administrateur"


class _Users(BaseUserManager["User"]):
    """Makes accounts. A password is given afterwards, through a one-time link."""

    def create_user(self, login: str, full_name: str, password: str | None = None) -> User:
        """Make an account; without a password nobody can sign in with it yet."""
        user = self.model(login=login.strip().lower(), full_name=full_name.strip())
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A named person. Accounts are switched off, never deleted: decisions keep their author."""

    login = models.CharField("identifiant", max_length=150, unique=True)
    full_name = models.CharField("prénom et nom", max_length=150)
    email = models.EmailField("adresse électronique", blank=True, default="")
    subject = models.CharField(max_length=255, blank=True, default="", editable=False)
    is_active = models.BooleanField("compte ouvert", default=True)
    created = models.DateTimeField(default=timezone.now)
    columns = models.JSONField(default=dict, blank=True)

    objects: ClassVar[_Users] = _Users()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=~Q(subject=""), name="one_account_per_identity"
            )
        ]

    def __str__(self) -> str:
        return self.full_name


class Grant(models.Model):
    """A role within a perimeter: case × territory × service. An empty part means all of them."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="grants")
    key = models.ForeignKey("ApiKey", models.CASCADE, null=True, blank=True, related_name="grants")
    role = models.CharField("rôle", max_length=20, choices=Role.choices)
    case = models.CharField("cas d'usage", max_length=80, blank=True, default="")
    area = models.CharField("territoire", max_length=120, blank=True, default="")
    service = models.CharField("service", max_length=120, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, key__isnull=True) | Q(user__isnull=True, key__isnull=False),
                name="a_grant_has_one_holder",
            )
        ]

    def __str__(self) -> str:
        parts = [self.get_role_display(), self.case or "tous les cas", self.area or "tous les territoires"]
        return ", ".join([*parts, self.service or "tous les services"])


class ApiKey(models.Model):
    """A key for a program: only its hash is kept; its grants are perimeters like those of people."""

    name = models.CharField("nom", max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Attempt(models.Model):
    """A failed sign-in: throttling counts it until a success, administrators read it for a month.

    ``login`` is written as it is only when an account has it: else it could be a password that was typed
    in the wrong field, and `accounts.throttling` keeps a keyed hash.
    """

    login = models.CharField(max_length=150, db_index=True)
    address = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    counts = models.BooleanField(default=True)


class SecondFactor(models.Model):
    """What the codes of a person are made from, encrypted, and the hashes of the spare ones.

    ``last`` is the step of time of the last code that served: neither it nor an earlier one serves again.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="second_factor")
    sealed = models.CharField(max_length=200)
    last = models.BigIntegerField(default=0)
    spare = models.JSONField(default=list)
    since = models.DateTimeField(default=timezone.now)


class SetupLink(models.Model):
    """A link that sets a password once: the first administrator's, a new account's, a lost one's."""

    hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)


class Session(AbstractBaseSession):
    """An open session, with whom and what it belongs to, so that people can see and close theirs."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="sessions")
    device = models.CharField(max_length=200, blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")
    opened = models.DateTimeField(default=timezone.now)
    seen = models.DateTimeField(default=timezone.now)

    objects: ClassVar[BaseSessionManager[Any]] = BaseSessionManager()
