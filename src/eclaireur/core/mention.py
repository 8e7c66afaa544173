"""The explicit mention of an algorithmic treatment: the same words on every screen, letter and file.

A decision that rests on a treatment by algorithm says so, with its purpose, the right to obtain its rules and
their main features, how to exercise it, and how to bring a refusal to the CADA (code des relations entre le
public et l'administration, L. 311-3-1, R. 311-3-1-1, R. 311-13, R. 343-1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["HEADINGS", "MARK", "SHORT", "mentions", "one_line", "rights", "sentence"]

MARK = "traitement algorithmique"
"""Words that every mention holds: tests look for them."""

SHORT = "Établi à l’aide d’un traitement algorithmique ; un agent décide. Recours possible : cada.fr"
"""The mention in a cell of a table that programs read."""

HEADINGS = ("Mention", "Finalité", "Vos droits", "Recours")
"""Headings of `mentions`, in order."""

_SAID = (
    "Établi à l’aide d’un traitement algorithmique, qui propose un ordre ; un agent décide. "
    "Toute personne concernée peut en demander les règles et leur application à son cas, "
    "puis saisir la CADA (cada.fr)."
)


def mentions(card: Card, contact: str = "") -> dict[str, str]:
    """Return what must be said wherever a score is, by French heading (`HEADINGS`).

    Parameters
    ----------
    contact
        Where to ask, as the administration declared it; by default, the administration of the card.
    """
    return {
        "Mention": _SAID,
        "Finalité": sentence(card.law.purpose),
        "Vos droits": rights(card, contact),
        "Recours": card.law.appeal,
    }


def rights(card: Card, contact: str = "") -> str:
    """Return how a person obtains the rules and the explanation, and the delays of a refusal."""
    where = contact.strip().rstrip(".") or card.administration
    return (
        "Vous pouvez demander les règles de ce traitement, et comment elles ont joué dans votre cas, à : "
        f"{where} (articles L. 311-3-1 et R. 311-3-1-2 du code des relations entre le public et "
        "l’administration). Un refus, ou un mois sans réponse, peut être porté devant la CADA (cada.fr) "
        "dans les deux mois."
    )


def one_line(card: Card, contact: str = "") -> str:
    """Return the whole mention as one paragraph, for a letter or a file without headings."""
    said = mentions(card, contact)
    return " ".join(
        (
            said["Mention"],
            f"Finalité : {said['Finalité']}",
            said["Vos droits"],
            f"Contester : {sentence(said['Recours'])}",
        )
    )


def sentence(text: str) -> str:
    """Return a text that ends with a full stop.

    >>> sentence("Aider un service"), sentence("Est-ce tout ?")
    ('Aider un service.', 'Est-ce tout ?')
    """
    kept = text.strip()
    return kept if kept.endswith((".", "?", "!", "…")) else f"{kept}."
