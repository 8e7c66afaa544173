"""Of whom the installation asks a second factor."""

from __future__ import annotations

from eclaireur.core.errors import ConfigError

__all__ = ["CHOICES", "second_factor_setting"]

CHOICES = ("chosen", "administrators", "all")


def second_factor_setting(value: str) -> str:
    """Return the setting, one of `CHOICES`.

    Raises
    ------
    ConfigError
        If it is another word: a misspelt one would leave everybody with a password alone.

    Examples
    --------
    >>> second_factor_setting("all")
    'all'
    """
    if value not in CHOICES:
        raise ConfigError(
            f"« {value} » ne dit pas à qui demander un second facteur.",
            fix=f"Écrivez dans ECLAIREUR_SECOND_FACTOR l'un de : {', '.join(CHOICES)}.",
        )
    return value
