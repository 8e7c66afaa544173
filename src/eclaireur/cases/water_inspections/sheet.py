"""What an inspector reads of one station: its place, its series, what is odd in it, its controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.anomaly.series import KINDS, Changes, changes
from eclaireur.cases.water_inspections.programmes import Programme, programme_of
from eclaireur.core import french
from eclaireur.core.catalog import find_card
from eclaireur.core.view import Block, Chart, Column, Event, Facts, Map, Place, Series, Table, Timeline

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.subjects import Subject

__all__ = ["changes_of", "sheet"]

_NAMES = {"name": "Station", "area": "Bassin", "river": "Cours d'eau", "commune": "Commune"}
_MOST = 60


def sheet(subject: Subject, records: Mapping[str, pa.Table]) -> tuple[Block, ...]:
    """Return identity, series with its limits, oddities, controls and place of a station."""
    programme = programme_of(records)
    stations = _rows(records["stations"], subject)
    known = stations[0] if stations else {}
    measures = [row for row in _rows(records["measures"], subject) if row["level"] is not None]
    measures.sort(key=lambda row: row["observed"])
    facts = Facts(title="Station", pairs=_facts(subject, known, measures, programme))
    blocks: list[Block] = [facts]
    if measures:
        blocks.append(_chart(measures, programme))
        blocks.append(_oddities(measures, programme))
    if "controls" in records and (acts := _rows(records["controls"], subject)):
        blocks.append(_timeline(acts))
    if known.get("latitude") is not None and known.get("longitude") is not None:
        place = Place(
            label=str(known.get("name") or subject.key),
            latitude=known["latitude"],
            longitude=known["longitude"],
        )
        blocks.append(Map(title="Sur la carte", places=(place,)))
    return tuple(blocks)


def changes_of(measures: list[dict[str, Any]], programme: Programme) -> Changes:
    """Return what is odd in a station's series, in the order of dates."""
    days = [row["observed"] for row in measures]
    return changes(days, [row["value"] for row in measures], unit=programme.unit, least=programme.least)


def _rows(table: pa.Table, subject: Subject) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    rows: list[dict[str, Any]] = table.filter(pc.equal(table["subject"], str(subject))).to_pylist()
    return rows


def _facts(
    subject: Subject, known: Mapping[str, Any], measures: list[dict[str, Any]], programme: Programme
) -> tuple[tuple[str, str], ...]:
    pairs = [("Code", subject.key)]
    pairs += [(title, str(known[name])) for name, title in _NAMES.items() if known.get(name)]
    pairs.append(("Paramètre", programme.title))
    if measures:
        last = measures[-1]
        over = sum(row["over"] == 1.0 for row in measures)
        pairs.append(
            ("Dernière mesure", f"{programme.said(last['value'])}, le {french.day(last['observed'])}")
        )
        pairs.append(
            (
                f"Au-dessus de {programme.said(programme.thresholds[0])}",
                f"{french.count(over, 'fois', 'fois')} sur {french.count(len(measures), 'mesure')}",
            )
        )
    else:
        pairs.append(("Mesures", "aucune"))
    return tuple(pairs)


def _chart(measures: list[dict[str, Any]], programme: Programme) -> Chart:
    shown = measures[-_MOST:]
    days = tuple(row["observed"] for row in shown)
    limits = tuple(
        Series(name=f"limite {programme.said(limit)}", x=(days[0], days[-1]), y=(limit, limit))
        for limit in programme.thresholds
        if limit <= 4 * max(row["value"] for row in shown)
    )
    over = sum(row["over"] == 1.0 for row in shown)
    top = max(shown, key=lambda row: row["value"])
    found = f"{french.count(over, 'dépassement')} sur {french.count(len(shown), 'mesure')}"
    return Chart(
        title=f"{programme.title} : {found}",
        form="line",
        x_title="Date",
        y_title=programme.unit,
        series=(Series(name="mesure", x=days, y=tuple(row["value"] for row in shown)), *limits),
        text=(
            f"Du {french.day(days[0])} au {french.day(days[-1])}, au plus {programme.said(top['value'])} "
            f"le {french.day(top['observed'])}."
        ),
    )


def _oddities(measures: list[dict[str, Any]], programme: Programme) -> Table:
    found = changes_of(measures, programme)
    rows = [
        {"kind": KINDS[one.kind].capitalize(), "since": one.since, "until": one.until, "said": one.sentence}
        for one in reversed(found.found)
    ]
    quiet = (
        "Rien d'inhabituel dans la série." if not rows else "Inhabituel ne veut pas dire faux : à regarder."
    )
    return Table(
        title="Ce qui est inhabituel dans la série",
        columns=(
            Column(key="kind", title="Quoi"),
            Column(key="since", title="Du", kind="date"),
            Column(key="until", title="Au", kind="date"),
            Column(key="said", title="En clair"),
        ),
        rows=rows,
        note=found.note or quiet,
    )


def _timeline(acts: list[dict[str, Any]]) -> Timeline:
    procedure = find_card("water_inspections").procedure
    said = {"1": "non conforme", "0": "conforme"}
    events = tuple(
        Event(
            day=row["observed"],
            lane="Contrôles",
            text=f"{procedure.status(row['step']).title}"
            + (f" : {said[row['result']]}" if row["result"] in said else "")
            + f" ({row['control']})",
            bad=row["result"] == "1",
        )
        for row in sorted(acts, key=lambda row: (row["observed"], row["control"]))
    )
    return Timeline(title="Contrôles et suites", events=events)
