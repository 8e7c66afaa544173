"""How a piece of text looks, from the styles that it inherits: enough to tell whether a person sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from eclaireur.sources.documents.colours import is_white

__all__ = ["Look", "Styles"]

_SMALLEST = 1.0
_DEEPEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is set of a look; None stands for what is inherited.

    Parameters
    ----------
    size
        Points.
    background
        Colour behind the text, of the run, the paragraph, the cell or the page.

    Examples
    --------
    >>> Look(colour="FFFFFF").why
    'blanc sur blanc'
    >>> Look(background="1F4E79").over(Look(colour="FFFFFF")).why
    ''
    """

    hidden: bool | None = None
    colour: str | None = None
    size: float | None = None
    background: str | None = None

    def with_(self, **said: Any) -> Self:
        """Return this look with more said of it."""
        return replace(self, **said)

    def over(self, inner: Look) -> Look:
        """Return the look of what is inside, which has the last word on what it sets."""
        said = {one.name: getattr(inner, one.name) for one in fields(inner)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})

    @property
    def why(self) -> str:
        """What hides the text, in French; nothing when it is seen."""
        if self.hidden:
            return "texte masqué"
        if self.size is not None and self.size <= _SMALLEST:
            return "écrit en caractères d'un point ou moins"
        behind = self.background
        if is_white(self.colour or "") and (not behind or behind == "none" or is_white(behind)):
            return "blanc sur blanc"
        return ""


@dataclass(slots=True)
class Styles:
    """Named styles, each based on another."""

    _own: dict[str, tuple[str, Look]] = field(default_factory=dict)

    def add(self, name: str, based: str, look: Look) -> None:
        """Add a style."""
        self._own[name] = (based, look)

    def __getitem__(self, name: str) -> Look:
        chain: list[Look] = []
        while name in self._own and len(chain) < _DEEPEST:
            name, look = self._own[name]
            chain.append(look)
        whole = Look()
        for look in reversed(chain):
            whole = whole.over(look)
        return whole
