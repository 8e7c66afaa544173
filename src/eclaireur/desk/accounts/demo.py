"""Accounts of the demonstration: one person of each kind, with passwords drawn and told once."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from eclaireur.core.card import Desk
from eclaireur.core.errors import RefusedError
from eclaireur.desk.models import Grant, Item, Role, User
from eclaireur.desk.place import workspace
from eclaireur.desk.served import served_cards
from eclaireur.desk.start import holds_demo

__all__ = ["DemoAccount", "make_demo_accounts"]

_PEOPLE = (
    ("agent", "Ada Martin", Role.AGENT),
    ("responsable", "Rosa Lebrun", Role.MANAGER),
    ("scientifique", "Samir Petit", Role.SCIENTIST),
    ("administrateur", "Alice Blanc", Role.ADMINISTRATOR),
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account, with the password that nothing will tell again."""

    login: str
    full_name: str
    role: str
    password: str = field(repr=False)


def make_demo_accounts(case_areas: Mapping[str, str] | None = None) -> tuple[DemoAccount, ...]:
    """Make the demonstration's accounts; those that exist stay as they are, and are not told.

    Parameters
    ----------
    case_areas
        For each case, the territory of the agent; empty for all of them. By default, in each case with an
        open list, the territory that has most of its lines, and all of them in each case that is read.

    Raises
    ------
    RefusedError
        If the workspace is not marked as one of demonstration.
    """
    if not holds_demo(workspace().home):
        raise RefusedError(
            "ce dossier n'est pas celui d'une démonstration : pas de comptes d'essai ici.",
            fix="Lancez : ./eclaireur demo",
        )
    areas = dict(_largest_areas() if case_areas is None else case_areas)
    made = []
    for login, full_name, role in _PEOPLE:
        if User.objects.filter(login=login).exists():
            continue
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            user = User.objects.create_user(login, full_name, password)
            if role == Role.ADMINISTRATOR:
                Grant.objects.create(user=user, role=role)
            else:
                Grant.objects.bulk_create(
                    Grant(user=user, role=role, case=case, area=area if role == Role.AGENT else "")
                    for case, area in areas.items()
                )
        made.append(DemoAccount(login, full_name, role, password))
    return tuple(made)


def _largest_areas() -> dict[str, str]:
    """Return, for each case, the territory with most lines on its open lists."""
    lines = Item.objects.filter(worklist__closed=None, worklist__edition__training=False)
    counts: dict[str, Counter[str]] = {}
    for case, area in lines.values_list("case", "area"):
        counts.setdefault(case, Counter())[area] += 1
    read = {card.name: "" for card in served_cards() if card.desk in {Desk.READER, Desk.INTAKE}}
    return {case: found.most_common(1)[0][0] for case, found in counts.items()} | read
