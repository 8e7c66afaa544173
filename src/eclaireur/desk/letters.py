"""Letters from the templates of a card: what the desk knows fills the blanks, an agent corrects the rest.

A template is a text file beside the card, with the blanks of `FIELDS` written ``$nom``. What is not known
is written in square brackets, for the agent to complete: nothing is guessed.
"""

from __future__ import annotations

import io
from string import Template
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from eclaireur.core import french
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import ConfigError, NotFoundError
from eclaireur.core.mention import one_line
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.recording import target_of
from eclaireur.service.declaring import contact_of
from eclaireur.service.signals import stored

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.procedure import LetterTemplate
    from eclaireur.desk.models import Dossier, User

__all__ = ["FIELDS", "draft", "letter_pdf"]

FIELDS = ("nom", "identifiant", "adresse", "echeance", "agent", "date", "mention")
"""Blanks that a template may have."""

_ADDRESS = ("address", "postal_code", "commune")


def draft(dossier: Dossier, template: str, user: User) -> str:
    """Fill a template of the card for a dossier.

    Parameters
    ----------
    template
        Code of the template in the card's procedure.
    user
        The agent who will sign.

    Raises
    ------
    NotFoundError
        If the card has no such template.
    ConfigError
        If the file is absent, outside the case's folder, or has a blank that nothing fills.
    """
    card = find_card(dossier.case)
    model = card.procedure.letter(template)
    values = {
        "nom": dossier.name or dossier.key,
        "identifiant": dossier.key,
        "adresse": _address(dossier) or "[adresse à compléter]",
        "echeance": french.day(dossier.due) if dossier.due else "[échéance à compléter]",
        "agent": user.full_name,
        "date": french.day(timezone.localdate()),
        "mention": one_line(card, contact_of(workspace(), card)),
    }
    return _filled(card, model, values)


def letter_pdf(text: str) -> bytes:
    """Return a letter as PDF, as it was kept."""
    from eclaireur.core.pdf import write_letter

    target = io.BytesIO()
    write_letter(text, target)
    return target.getvalue()


def _filled(card: Card, model: LetterTemplate, values: dict[str, str]) -> str:
    path = (card.folder / model.file).resolve()
    if not path.is_relative_to(card.folder.resolve()) or not path.is_file():
        raise ConfigError(
            f"le modèle de lettre « {model.title} » n'existe pas dans le dossier du cas.",
            file=str(card.folder / model.file),
            fix="Corrigez le nom du fichier dans case.toml.",
        )
    text = Template(path.read_text(encoding="utf-8"))
    wrong = sorted(set(text.get_identifiers()) - set(FIELDS)) if text.is_valid() else ["$"]
    if wrong:
        raise ConfigError(
            f"le modèle de lettre « {model.title} » a un champ inconnu : « {wrong[0]} ».",
            file=str(path),
            fix=f"Champs possibles : {', '.join(f'${name}' for name in FIELDS)}. Écrivez $$ pour un dollar.",
        )
    return text.substitute(values)


def _address(dossier: Dossier) -> str:
    """Return the address that the records of the newest calculation hold; empty when none does."""
    target = target_of(dossier)
    if target is None:
        return ""
    edition = target.edition
    try:
        tables = stored(work_on(dossier.case), edition.source, edition.run).records.tables
    except NotFoundError:
        return ""
    for table in tables.values():
        if {"subject", "address"} <= set(table.column_names):
            found = _written(table, dossier.subject)
            if found:
                return found
    return ""


def _written(table: Any, subject: str) -> str:
    import pyarrow.compute as pc

    rows = table.filter(pc.equal(table["subject"], subject)).to_pylist()
    known: dict[str, Any] = next((row for row in rows if row["address"]), {})
    street, code, town = (str(known.get(name) or "").strip() for name in _ADDRESS)
    place = " ".join(part for part in (code, town) if part)
    return ", ".join(part for part in (street, place) if part)
