"""Which cases the desk shows. A case of another desk waits in the catalogue until that desk exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclaireur.core.card import Desk
from eclaireur.core.catalog import cards

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["served_cards"]

_DESKS = (Desk.TARGET, Desk.READER, Desk.INTAKE, Desk.WORKBENCH)


def served_cards() -> tuple[Card, ...]:
    """Return the cards of the cases that have pages here."""
    return tuple(card for card in cards() if card.desk in _DESKS)
