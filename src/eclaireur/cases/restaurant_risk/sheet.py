"""What an inspector reads of one establishment: who it is, and what happened there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk.reviews import said_block
from eclaireur.core import french
from eclaireur.core.view import Block, Event, Facts, Map, Place, Timeline

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.subjects import Subject

__all__ = ["sheet"]

_NAMES = {
    "name": "Enseigne",
    "activity": "Activité",
    "risk_class": "Classe de risque",
    "address": "Adresse",
    "postal_code": "Code postal",
    "commune": "Commune",
    "area": "Secteur",
    "opened": "Ouvert le",
}


def sheet(subject: Subject, records: Mapping[str, pa.Table]) -> tuple[Block, ...]:
    """Return identity, history (inspections and reviews) and place of an establishment."""
    rows = _rows(records["establishments"], subject)
    known = rows[0] if rows else {}
    facts = Facts(
        title="Établissement",
        pairs=tuple(
            (title, french.day(known[name]) if name == "opened" else str(known[name]))
            for name, title in _NAMES.items()
            if known.get(name) is not None
        ),
    )
    events = [_inspection(row) for row in _rows(records["inspections"], subject)]
    reviews = _rows(records["reviews"], subject) if "reviews" in records else []
    events += [_review(row) for row in reviews]
    history = Timeline(title="Historique", events=tuple(events))
    if known.get("latitude") is None or known.get("longitude") is None:
        return (facts, history, *said_block(reviews))
    place = Place(
        label=str(known.get("name") or subject.key),
        latitude=known["latitude"],
        longitude=known["longitude"],
    )
    return (facts, history, *said_block(reviews), Map(title="Sur la carte", places=(place,)))


def _rows(table: pa.Table, subject: Subject) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    rows: list[dict[str, Any]] = table.filter(pc.equal(table["subject"], str(subject))).to_pylist()
    return rows


def _inspection(row: Mapping[str, Any]) -> Event:
    bad = row["label"] == 1.0
    verdict = "résultat inconnu" if row["label"] is None else "défavorable" if bad else "favorable"
    counts = [
        french.count(int(row[column]), one, many)
        for column, one, many in (
            ("critical", "manquement critique", "manquements critiques"),
            ("serious", "manquement grave", "manquements graves"),
            ("minor", "manquement mineur", "manquements mineurs"),
        )
        if row.get(column)
    ]
    detail = f" ({', '.join(counts)})" if counts else ""
    return Event(day=row["observed"], lane="Contrôle", text=f"{verdict}{detail}", bad=bad)


def _review(row: Mapping[str, Any]) -> Event:
    rating = "" if row["rating"] is None else f"note {french.number(row['rating'])} sur 5"
    text = f"« {row['text']} »" if row["text"] else ""
    return Event(
        day=row["observed"],
        lane="Avis de client",
        text=" : ".join(part for part in (rating, text) if part),
        bad=row["rating"] is not None and row["rating"] <= 2,
    )
