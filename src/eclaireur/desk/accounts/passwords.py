"""How passwords are hashed, and which are too easy to guess.

None is refused for its age, nor for the kinds of characters that it lacks.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from eclaireur.core.errors import ConfigError

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = [
    "CONTEXT",
    "LONGEST",
    "Argon2id",
    "BreachedValidator",
    "ContextValidator",
    "VariedValidator",
    "breached_file",
    "is_breached",
]

LONGEST = 512
"""Characters that a password field takes: far more than anyone types, too few to keep a processor busy."""

CONTEXT = (
    "eclaireur",
    "administrateur",
    "administration",
    "responsable",
    "prefecture",
    "ministere",
    "motdepasse",
    "password",
    "bienvenue",
    "bonjour",
    "azerty",
    "qwerty",
    "bureau",
    "agent",
)
"""Words that who guesses tries first here, without accents; longer ones before those that they hold."""

_FEWEST = 6
_REST = 8
_SHORTEST = 4
_COMMON_PARTS = {"gouv", "localhost", "https", "http", "www"}
_SIGNS = str.maketrans("013457@$!", "oieastasi")
_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\s*")


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


class ContextValidator:
    """Refuses a password that is little more than words of this place: the product, its address, the person.

    Parameters
    ----------
    hosts
        Host names and origins under which the desk answers: each part of them is such a word.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._words = {*CONTEXT, *_parts(" ".join(hosts))}

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError unless eight letters or figures are left without those words."""
        words = set(self._words)
        if user is not None:
            words |= _parts(f"{user.login} {user.full_name} {user.email}")
        for read in {_letters(password), _letters(password.translate(_SIGNS))}:
            rest = read
            for word in sorted(words, key=len, reverse=True):
                rest = rest.replace(word, "")
            if rest != read and len(rest) < _REST:
                raise ValidationError(
                    "Ce mot de passe tient presque entier dans des mots d’ici : le nom du bureau, "
                    "son adresse, le vôtre.",
                    code="password_of_context",
                )

    def get_help_text(self) -> str:
        """Say the rule."""
        return (
            "Votre mot de passe doit garder huit lettres ou chiffres une fois ôtés le nom du bureau, "
            "son adresse et le vôtre."
        )


class BreachedValidator:
    """Refuses a password that was published, where the installation holds the list of them.

    Parameters
    ----------
    file
        One SHA-1 a line, in order; None for no list.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002 (Django gives it)
        """Raise ValidationError if the password is in the list, or the list is gone."""
        if self._file is None:
            return
        try:
            found = is_breached(password, self._file)
        except OSError as error:
            raise ValidationError(
                "La liste des mots de passe divulgués est illisible : prévenez l’administrateur du bureau.",
                code="password_unchecked",
            ) from error
        if found:
            raise ValidationError(
                "Ce mot de passe a été divulgué sur un autre site : il est dans les listes que l’on essaie.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return "Votre mot de passe ne doit pas avoir été divulgué ailleurs."


def breached_file(file: Path | None) -> Path | None:
    """Return the list of breached passwords, once its first line is seen to be one.

    Raises
    ------
    ConfigError
        If there is no such file, or it is another kind of file.
    """
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            first = stream.readline(100)
    except OSError as error:
        raise ConfigError(
            "la liste des mots de passe divulgués est illisible.",
            file=str(file),
            fix="Corrigez ECLAIREUR_BREACHED_PASSWORDS, ou retirez-le.",
        ) from error
    if not _LINE.fullmatch(first):
        raise ConfigError(
            "la liste des mots de passe divulgués n'est pas faite d'un SHA-1 par ligne.",
            file=str(file),
            fix="Prenez la version SHA-1 triée par empreinte (« ordered by hash »).",
        )
    return file


def is_breached(password: str, file: Path) -> bool:
    """Look a password up by bisection: some 36 reads of a line in a file of 40 GB, never loaded."""
    # Not for security: the list is published under this hash.
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with file.open("rb") as stream:
        low, high = 0, os.fstat(stream.fileno()).st_size
        while low < high:  # the first line that begins at `low` or after, and is not before what is wanted
            middle = (low + high) // 2
            line = _line_from(stream, middle)
            if line and line < wanted:
                low = middle + 1
            else:
                high = middle
        return _line_from(stream, low) == wanted


def _line_from(stream: BinaryIO, place: int) -> bytes:
    """Return the hash of the first line that begins at a place or after it; empty at the end."""
    stream.seek(max(0, place - 1))
    if place:
        stream.readline()
    return stream.readline()[:40].upper()


def _letters(text: str) -> str:
    """Return letters and figures alone, small and without accents.

    >>> _letters("Éclaireur-2026 !")
    'eclaireur2026'
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if one.isalnum())


def _parts(text: str) -> set[str]:
    """Return the words of names and addresses that are long enough to matter.

    >>> sorted(_parts("https://bureau.ddpp-gironde.gouv.fr ada.martin"))
    ['bureau', 'ddpp', 'gironde', 'martin']
    """
    words = {_letters(one) for one in re.split(r"[\W_]+", text)}
    return {one for one in words if len(one) >= _SHORTEST and not one.isdecimal()} - _COMMON_PARTS
