"""Filters that write numbers, dates and shares in French, for every template."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django import template
from django.utils import timezone

from eclaireur.core import french
from eclaireur.desk.accessibility import statement

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = [
    "ago",
    "case_title",
    "conformity",
    "count",
    "day",
    "decimal",
    "hundred",
    "intake_tabs",
    "kind",
    "mentions",
    "moment",
    "number",
    "percent",
    "reader_tabs",
    "register",
    "spaced",
    "split",
    "verdict",
    "width",
]

register = template.Library()


@register.simple_tag
def conformity() -> str:
    """Write how far the desk conforms to the rules of accessibility: the law asks for it on each page."""
    return statement().conformity


@register.filter
def day(value: date | None) -> str:
    """Write a date as dd/mm/yyyy; a dash when there is none."""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return french.day(value) if value else "–"


@register.filter
def moment(value: datetime | None) -> str:
    """Write a date and hour in the local time."""
    return french.moment(timezone.localtime(value)) if value else "–"


@register.filter
def number(value: float | None) -> str:
    """Write a whole number with narrow no-break spaces."""
    return "–" if value is None else french.number(value)


@register.filter
def decimal(value: float | None) -> str:
    """Write a number with two decimals and a comma."""
    return "–" if value is None else french.number(value, 2)


@register.filter
def percent(value: float | None) -> str:
    """Write a share in [0, 1] as a percentage."""
    return "–" if value is None else french.percent(value)


@register.filter
def count(value: int, nouns: str) -> str:
    """Write a count with its noun: ``{{ n|count:"contrôle,contrôles" }}``."""
    singular, _, plural = nouns.partition(",")
    return french.count(value, singular, plural or None)


@register.filter
def ago(value: date | None) -> str:
    """Write how long ago a day was; a dash when there is none."""
    if not value:
        return "–"
    days = (timezone.localdate() - value).days
    return (
        "aujourd’hui" if days == 0 else f"il y a {french.duration(days)}" if days > 0 else f"le {day(value)}"
    )


@register.filter
def spaced(text: str) -> str:
    """Keep high punctuation on the line of its word."""
    return french.spaced(str(text))


@register.filter
def split(text: str) -> list[str]:
    """Split a list written with commas."""
    return text.split(",")


@register.filter
def hundred(share: float | None) -> str:
    """Write a share as a coordinate from 0 to 100, with a decimal point."""
    return f"{100 * (share or 0):.1f}"


@register.filter
def width(low: float | None, high: float | None) -> str:
    """Write the length between two shares, as `hundred` does; nothing when one is unknown."""
    return "0" if low is None or high is None else f"{100 * max(high - low, 0):.1f}"


@register.filter
def kind(subject: str) -> str:
    """Return the kind of a subject written ``kind:key``."""
    return subject.partition(":")[0]


@register.filter
def verdict(code: str) -> str:
    """Write a verdict as agents say it."""
    return {"follow": "suivre", "set_aside": "mauvaise cible", "other": "autre"}.get(code, code)


@register.filter
def reader_tabs(case: Card) -> list[tuple[str, str, str]]:
    """Return the pages of a reader case: code, title and address."""
    from eclaireur.desk.place import work_on
    from eclaireur.service.annotating import annotates
    from eclaireur.service.reporting import titles

    here, work = f"/{case.name}/", work_on(case.name)
    tabs = [("search", "Chercher", here), ("saved", "Recherches gardées", f"{here}recherches/")]
    if annotates(work):
        tabs.append(("annotate", "Annoter", f"{here}annoter/"))
    if titles(work):
        tabs.append(("reports", "Rapports", f"{here}rapports/"))
    return tabs


@register.filter
def mentions(case: Card | None) -> list[dict[str, str]]:
    """Return what must be said with a score of a case, as one mapping by heading; nothing without a case."""
    from eclaireur.core.mention import mentions as of_card
    from eclaireur.desk.place import workspace
    from eclaireur.service.declaring import contact_of

    return [of_card(case, contact_of(workspace(), case))] if case else []


@register.filter
def intake_tabs(case: Card) -> list[tuple[str, str, str]]:
    """Return the pages of an intake case: code, title and address."""
    from eclaireur.desk.place import work_on
    from eclaireur.service import messages
    from eclaireur.service.reporting import titles

    here, work = f"/{case.name}/", work_on(case.name)
    inbox, asks = messages.has_messages(work), messages.answers(work)
    tabs = [("inbox", "Boîte", here)] if inbox else []
    if asks:
        tabs.append(("question", "Question", f"{here}question/"))
    if inbox:
        tabs.append(("sent", "Envois", f"{here}envois/"))
    if messages.tries_rules(work):
        tabs.append(("rules", "Règles", f"{here}regles/"))
    if len(messages.setups(work)) > 1:
        tabs.append(("campaigns", "Comparaisons", f"{here}comparaisons/"))
    tabs.append(("figures", "Chiffres", f"{here}chiffres/"))
    if titles(work):
        tabs.append(("reports", "Rapports", f"{here}rapports/"))
    return tabs


@register.filter
def case_title(name: str) -> str:
    """Return the French title of a case; its name when it is gone."""
    from eclaireur.core.catalog import cards

    return next((card.title for card in cards() if card.name == name), name)
