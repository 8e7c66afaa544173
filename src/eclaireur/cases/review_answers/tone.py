"""The administration's guide of tone: whole sentences of courtesy, chosen by rating and dimension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eclaireur.bricks.semantic.pattern_files import read_pattern_file
from eclaireur.core.errors import ConfigError

__all__ = ["MOMENTS", "Form", "Guide", "default_guide", "guide_of", "read_guide"]

MOMENTS = ("greeting", "opening", "dimension", "sources", "follow_up", "closing", "signature")
"""Moments of an answer, in reading order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A sentence of courtesy, and when it is used; an empty condition holds always."""

    moment: str
    text: str
    rating: str = ""
    dimension: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """The forms of an administration, in order."""

    forms: tuple[Form, ...]

    def say(self, moment: str, *, rating: str = "", dimension: str = "") -> str:
        """Return the first form that fits, or nothing.

        >>> fits = Form(moment="closing", text="A.", rating="Positif")
        >>> guide = Guide((fits, Form(moment="closing", text="B.")))
        >>> [guide.say("closing", rating=one) for one in ("Positif", "Neutre")], guide.say("opening")
        (['A.', 'B.'], '')
        """
        for one in self.forms:
            if (
                one.moment == moment
                and one.rating in {"", rating}
                and one.dimension in {"", dimension}
                and (moment != "dimension" or one.dimension)
            ):
                return one.text
        return ""


def guide_of(rows: Iterable[Mapping[str, Any]]) -> Guide:
    """Make a guide of rows ``moment``, ``text``, ``rating``, ``dimension``; of none, the one by default.

    Raises
    ------
    ConfigError
        If a moment is unknown, or a form is empty.
    """
    forms = tuple(
        Form(
            moment=str(row["moment"]).strip(),
            text=" ".join(str(row["text"]).split()),
            rating=str(row.get("rating") or ""),
            dimension=str(row.get("dimension") or ""),
        )
        for row in rows
    )
    for one in forms:
        if one.moment not in MOMENTS or not one.text:
            raise ConfigError(
                f"forme de réponse inconnue ou vide : « {one.moment} ».",
                fix=f"Moments possibles : {', '.join(MOMENTS)} ; chaque forme a un texte.",
            )
    return Guide(forms) if forms else default_guide()


def read_guide(path: Path) -> Guide:
    """Read a guide of tone in TOML.

    Raises
    ------
    ConfigError
        If it is not TOML, a key is missing, or a moment is unknown.
    """
    return read_pattern_file(path, lambda data: guide_of(data["form"]))


@cache
def default_guide() -> Guide:
    """Return the guide that stands beside this module."""
    return read_guide(Path(__file__).with_name("tone.toml"))
