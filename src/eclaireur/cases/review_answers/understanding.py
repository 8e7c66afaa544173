"""What the machine says of one experience: rating, dimensions, themes, urgency, personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.bricks.intake.personal import find, mask
from eclaireur.bricks.intake.urgency import Urgency, urgency
from eclaireur.bricks.semantic.opinions import Opinion
from eclaireur.cases.review_answers.checks import Checked, check
from eclaireur.cases.review_answers.model import Model
from eclaireur.cases.review_answers.reading import RATINGS
from eclaireur.cases.review_answers.themes import Said, Theme, themes, themes_of
from eclaireur.core.view import Mark

__all__ = ["FRENCH", "Understood", "understand"]

FRENCH = {"Négatif": "défavorable", "Neutre": "partagé", "Positif": "favorable"}
"""Ratings as they are said on screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What was understood of a text.

    Parameters
    ----------
    text
        The whole text: title, then message.
    chances
        Of each of `reading.RATINGS`, true on networks kept apart.
    opinions
        Of the whole, then of each dimension, with the sentence that shows it; empty for an empty text.
    """

    text: str
    checked: Checked
    chances: tuple[float, ...]
    opinions: tuple[Opinion, ...]
    themes: tuple[Said, ...]
    urgency: Urgency
    personal: tuple[Mark, ...]

    @property
    def rating(self) -> str:
        """The likeliest rating; empty for an empty text."""
        return RATINGS[max(range(len(RATINGS)), key=self.chances.__getitem__)] if self.opinions else ""

    @property
    def dimensions(self) -> tuple[Opinion, ...]:
        """The dimensions spoken of, each once, the surest first."""
        found: dict[str, Opinion] = {}
        for one in sorted(self.opinions[1:], key=lambda one: -one.chance):
            found.setdefault(one.aspect, one)
        return tuple(found.values())

    def known_themes(self) -> tuple[Theme, ...]:
        """Return the themes with what names them in the sheets."""
        names = {one.theme for one in self.themes}
        return tuple(one for one in themes() if one.name in names)

    def quote(self, start: int, end: int) -> str:
        """Return a stretch of the text on one line, without personal data."""
        inside = [
            Mark(start=max(one.start, start) - start, end=min(one.end, end) - start, label=one.label)
            for one in self.personal
            if one.start < end and one.end > start
        ]
        return " ".join(mask(self.text[start:end], inside).split())


def understand(texts: Sequence[str], model: Model, *, known: Sequence[str] = ()) -> list[Understood]:
    """Understand texts, in their order.

    Parameters
    ----------
    known
        Names known from elsewhere, such as the sender's: they are personal data.
    """
    checks = [check(text) for text in texts]
    # Capitals say nothing of an opinion: a text all in capitals is read in small letters.
    read = [_lowered(text) if one.loud else text for text, one in zip(texts, checks, strict=True)]
    chances = model.chances(read)
    found = []
    for at, text in enumerate(texts):
        found.append(
            Understood(
                text=text,
                checked=checks[at],
                chances=tuple(map(float, chances[at])),
                opinions=() if checks[at].empty else model.told(read[at]),
                themes=themes_of(text),
                urgency=urgency(text),
                personal=find(text, known=known),
            )
        )
    return found


def _lowered(text: str) -> str:
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text
