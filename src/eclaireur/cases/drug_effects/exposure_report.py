"""The rule that a user chooses for purchases, and the exposures that it makes, in the documented format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.exposures import COVERS, GRACE, PURCHASE, Rule, exposed
from eclaireur.cases.drug_effects.reading import numbered
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.view import Block, Column, Facts, FormField, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RULE_FIELDS", "exposure_blocks", "rule_of"]

_EPOCH = date(1970, 1, 1)
_KINDS = {"jours couverts": "periods", "cumul": "cumulative", "chaque achat": "starts"}
_CATEGORIES = {
    "observation": "observation",
    "exposure": "exposition",
    "event": "événement",
    "death": "décès",
    "birth": "naissance",
}


def _days(name: str, title: str, said: str, *, default: int | None, least: int = 0) -> FormField:
    return FormField(
        name=name,
        title=title,
        kind="integer",
        unit="jours",
        default="" if default is None else str(default),
        optional=default is None,
        least=least,
        most=3650,
        help=said,
    )


RULE_FIELDS = (
    FormField(
        name="rule",
        title="Règle pour les achats",
        kind="choice",
        default="jours couverts",
        choices=tuple((name, name) for name in _KINDS),
        help="Les jours couverts par des achats proches, le cumul acheté, ou chaque achat à part.",
    ),
    _days(
        "covers",
        "Jours couverts par un achat",
        "Quand la ligne de l’achat ne le dit pas.",
        default=COVERS,
        least=1,
    ),
    _days("grace", "Délai de grâce", "Jours sans couverture qui n’arrêtent pas l’exposition.", default=GRACE),
    FormField(
        name="levels",
        title="Cumuls à atteindre",
        kind="text",
        optional=True,
        help="Pour la règle du cumul : une ou plusieurs quantités, par exemple 10 ; 20.",
    ),
    _days("delay", "Attente avant le risque", "Jours entre l’exposition et le début du risque.", default=0),
    _days("lasts", "Durée du risque", "Au plus tant de jours ; vide : sans limite.", default=None, least=1),
    _days(
        "washout",
        "Jours sans achat avant",
        "Une exposition compte après tant de jours sans achat.",
        default=0,
    ),
)
"""What a report asks for to turn purchases into exposures."""


def rule_of(settings: Mapping[str, Any]) -> Rule:
    """Read the settings of `RULE_FIELDS` as a rule.

    Raises
    ------
    BadValueError
        If the levels of a cumulative rule are missing or do not grow.
    """
    kind = _KINDS[settings.get("rule") or "jours couverts"]
    levels = _levels(settings.get("levels") or "") if kind == "cumulative" else ()
    return Rule(
        kind=kind,
        covers=settings.get("covers") or COVERS,
        grace=GRACE if settings.get("grace") is None else settings["grace"],
        levels=levels,
        delay=settings.get("delay") or 0,
        lasts=settings.get("lasts"),
        washout=settings.get("washout") or 0,
    )


def _levels(text: str) -> tuple[float, ...]:
    """Read ``10 ; 20,5``."""
    try:
        found = tuple(float(one.strip().replace(",", ".")) for one in text.split(";") if one.strip())
    except ValueError:
        found = ()
    if not found or found[0] <= 0 or any(a >= b for a, b in pairwise(found)):
        raise BadValueError(
            f"cumuls à atteindre illisibles : « {text} »." if text else "il manque les cumuls à atteindre.",
            fix='Écrivez des quantités positives et croissantes : --set levels="10 ; 20".',
            column="levels",
        )
    return found


def exposure_blocks(
    given: pa.Table | None, stored: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> tuple[Block, ...]:
    """Return every row with purchases made exposures, as `score` and `connect` read them, and their counts.

    Parameters
    ----------
    given
        The file of a user, with dates; the source's histories are used when there is none.
    stored
        Rows of `reading.histories_schema`.

    Raises
    ------
    EmptyTableError
        If there is no purchase.
    BadValueError
        If a purchase covers less than a day or has a negative quantity.
    """
    births: list[dict[str, Any]] = []
    if given is None:
        rows: list[Mapping[str, Any]] = [row for row in stored if row["origin"] is not None]
    else:
        read = given.to_pylist()
        rows = list(numbered([row for row in read if row["category"] != "birth"]))
        births = [_line(row, "birth", row["start"], None) for row in read if row["category"] == "birth"]
    bought = [row for row in rows if row["category"] == PURCHASE]
    if not bought:
        raise EmptyTableError(
            "aucun achat : il n'y a pas d'exposition à calculer.",
            fix="Donnez --input avec des lignes de catégorie « achat ».",
        )
    for row in bought:
        if (row.get("covers") or 1) < 1 or (1 if row.get("quantity") is None else row["quantity"]) <= 0:
            raise BadValueError(
                f"un achat de « {row['person']} » couvre moins d'un jour, ou sa quantité n'est pas positive.",
                fix="Corrigez cette ligne, ou ôtez cette personne.",
            )
    rule = rule_of(settings)
    made = exposed(rows, default=rule)
    lines = births + [
        _line(
            row,
            row["category"],
            _date(row, row["start"]),
            None if row["end"] is None else _date(row, row["end"]),
        )
        for row in made
    ]
    columns = (
        Column(key="person", title="Personne (pseudonyme)"),
        Column(key="category", title="Catégorie"),
        Column(key="value", title="Produit ou événement"),
        Column(key="start", title="Début", kind="date"),
        Column(key="end", title="Fin", kind="date"),
    )
    note = "Écrit en .csv, ce tableau se lit par « score » et « connect »."
    return (
        Facts(title="Des achats aux expositions", pairs=_counts(bought, rows, made)),
        Table(title="Historiques, achats devenus expositions", columns=columns, rows=lines, note=note),
    )


def _line(row: Mapping[str, Any], category: str, start: date, end: date | None) -> dict[str, Any]:
    return {
        "person": str(row["person"]),
        "category": _CATEGORIES[category],
        "value": row["value"] or "",
        "start": start,
        "end": end,
    }


def _date(row: Mapping[str, Any], day: int) -> date:
    return _EPOCH + timedelta(days=(row["origin"] or 0) + day)


def _counts(
    bought: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], made: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    fresh = [row for row in made if row["category"] == "exposure"][
        sum(row["category"] == "exposure" for row in rows) :
    ]
    found = [
        ("Achats lus", french.count(len(bought), "achat")),
        ("Personnes qui achètent", french.number(len({row["person"] for row in bought}))),
    ]
    for product in sorted({row["value"] for row in fresh}):
        mine = [row for row in fresh if row["value"] == product]
        days = sum(row["end"] - row["start"] + 1 for row in mine) / len(mine)
        said = f"{french.count(len(mine), 'période')}, {french.number(days, 1)} jours en moyenne"
        found.append((f"Expositions à « {product} »", said))
    return tuple(found)
