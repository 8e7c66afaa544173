"""How passwords are hashed, and which are too easy to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = ["LONGEST", "Argon2id", "VariedValidator"]

LONGEST = 512
"""Characters that a password field takes: far more than anyone types, too few to keep a processor busy."""

_FEWEST = 6


class Argon2id(Argon2PasswordHasher):
    """Argon2id with the second recommended option of RFC 9106: 64 MiB, three passes, four lanes.

    Django's own choice takes 100 MiB for each sign-in under way: too much for a small server's threads.
    """

    time_cost = 3
    memory_cost = 65_536
    parallelism = 4


class VariedValidator:
    """Refuses a password made of a few characters over and over, such as « abcabcabcabc »."""

    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002 (Django gives it)
        """Raise ValidationError unless the password has six different characters."""
        if len(set(password)) < _FEWEST:
            raise ValidationError(
                "Ce mot de passe répète trop peu de caractères.", code="password_not_varied"
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"Votre mot de passe doit contenir au moins {_FEWEST} caractères différents."
