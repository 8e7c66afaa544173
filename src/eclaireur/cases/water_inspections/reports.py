"""Reports beside the list: the plan by basin, the follow-up of bad controls, what is odd in the series."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.anomaly.series import KINDS
from eclaireur.cases.water_inspections import model as modelling
from eclaireur.cases.water_inspections.columns import prepared, rows_for
from eclaireur.cases.water_inspections.followup import FollowUp, follow_ups
from eclaireur.cases.water_inspections.plan import Planned, planned, quotas
from eclaireur.cases.water_inspections.programmes import programme_of
from eclaireur.cases.water_inspections.sheet import changes_of
from eclaireur.core import french
from eclaireur.core.case import Artefact, Records
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Column, Facts, FormField, Funnel, Map, Place, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ASKS", "REPORTS", "last_controls", "last_measures", "report"]

REPORTS = {
    "plan": "Plan de contrôles par bassin",
    "followup": "Suites des contrôles non conformes : échéances et relances",
    "anomalies": "Mesures inhabituelles : sauts, dérives, valeurs isolées, capteurs bloqués",
}
"""Reports by name, with their French titles."""

ASKS = {
    "plan": (
        FormField(
            name="about",
            title="Capacité",
            kind="text",
            help="Un nombre de contrôles (30), ou un nombre par bassin (Saône=10, Seine amont=5).",
            default="30",
        ),
    )
}
"""What the desk asks before a report (see `service.reporting`)."""

_CAPACITY = 30
_CURRENT = timedelta(days=3 * 365)
_RECENT = timedelta(days=2 * 365)


def last_measures(tables: Mapping[str, pa.Table], as_of: date) -> dict[str, date]:
    """Return the stations still followed before a date, with the day of their latest measurement.

    One without any measurement for three years is no longer followed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    measures = tables["measures"]
    past = measures.filter(pc.less(measures["known"], pa.scalar(as_of, pa.date32())))
    last = past.group_by("subject").aggregate([("observed", "max")])
    found = zip(last["subject"].to_pylist(), last["observed_max"].to_pylist(), strict=True)
    return {subject: day for subject, day in found if day >= as_of - _CURRENT}


def last_controls(
    tables: Mapping[str, pa.Table], subjects: Sequence[str], as_of: date, measured: Mapping[str, date]
) -> list[date | None]:
    """Return the day of each station's last control known before a date.

    A source that lists no control has only measurements: these are then its controls.
    """
    if "controls" not in tables:
        return [measured.get(subject) for subject in subjects]
    found: dict[str, date] = {}
    for row in tables["controls"].to_pylist():
        if row["step"] == "controlled" and row["known"] < as_of:
            found[row["subject"]] = max(row["observed"], found.get(row["subject"], row["observed"]))
    return [found.get(subject) for subject in subjects]


def report(name: str, records: Records, artefact: Artefact, *, about: str, as_of: date) -> tuple[Block, ...]:
    """Make a report as of a date.

    Raises
    ------
    BadValueError
        If the capacity is written otherwise than ``30`` or ``Bassin=10, Autre=5``.
    """
    if name == "plan":
        return _plan(records, artefact, about, as_of)
    if name == "followup":
        return _follow_up(records, as_of)
    return _anomalies(records, as_of)


def _plan(records: Records, artefact: Artefact, about: str, as_of: date) -> tuple[Block, ...]:
    tables = prepared(records)
    model = modelling.load(artefact)
    stations = _judged(tables, model, as_of)
    capacity = _capacity(about, stations)
    chosen = planned(stations, capacity)
    programme = model.programme
    limits = [programme.said(limit) for limit in programme.thresholds]
    period = f"{as_of:%m/%Y}" if programme.monthly else french.day(as_of)
    expected = sum(one.risk for one in chosen)
    at_random = _at_random(stations, capacity)
    facts = Facts(
        title=f"Plan pour {period}",
        pairs=(
            ("Contrôles prévus", french.number(len(chosen))),
            (f"Dépassements de {limits[0]} attendus", french.number(expected, 1)),
            ("Autant de contrôles tirés au hasard", f"{french.number(at_random, 1)} attendus"),
            ("Part par bassin", ", ".join(f"{area} : {count}" for area, count in capacity.items())),
        ),
    )
    columns = [
        Column(key="area", title="Bassin"),
        Column(key="name", title="Station"),
        Column(key="code", title="Code"),
        Column(key="risk", title=f"Plus de {limits[0]}", align="right"),
    ]
    if len(limits) > 1:
        columns.append(Column(key="high", title=f"Plus de {limits[1]}", align="right"))
    columns += [
        Column(key="seen", title="Dernière mesure", kind="date"),
        Column(key="why", title="Première raison"),
    ]
    table = Table(
        title="Stations à contrôler",
        columns=tuple(columns),
        rows=[_row(one, calibrated=model.calibrated) for one in chosen],
        note=_note(model),
    )
    places = tuple(
        Place(label=one.name, latitude=one.latitude, longitude=one.longitude, value=round(one.risk, 3))
        for one in chosen
        if one.latitude is not None and one.longitude is not None
    )
    legend = f"Risque de dépasser {limits[0]} : plus la valeur est haute, plus le contrôle est utile."
    return (facts, table, Map(title="Où contrôler", places=places, legend=legend))


def _judged(tables: Mapping[str, pa.Table], model: modelling.Model, as_of: date) -> list[Planned]:
    import pyarrow as pa

    last = last_measures(tables, as_of)
    subjects = pa.chunked_array([pa.array(sorted(last), pa.string())])
    rows = rows_for(tables, subjects, pa.chunked_array([pa.array([as_of] * len(subjects), pa.date32())]))
    judged = modelling.judge(model, rows, tables)
    told = modelling.explained(model, judged, [None] * len(subjects))
    return [
        Planned(
            subject=row["subject"],
            name=row["name"] or row["subject"].partition(":")[2],
            area=row["area"] or "Bassin inconnu",
            risk=float(judged.score[index]),
            high=float(judged.high[index]),
            last=last[row["subject"]],
            latitude=row["latitude"],
            longitude=row["longitude"],
            why=next((one["sentence"] for one in told[index] if one["weight"] > 0), "–"),
        )
        for index, row in enumerate(rows.to_pylist())
    ]


def _capacity(about: str, stations: list[Planned]) -> dict[str, int]:
    """Read a capacity: a total, shared by expected exceedances, or a number for each basin."""
    sizes: dict[str, int] = defaultdict(int)
    for one in stations:
        sizes[one.area] += 1
    text = about.strip()
    if not text or re.fullmatch(r"\d{1,6}", text):
        return quotas(stations, int(text or _CAPACITY))
    found = {}
    for part in text.split(","):
        area, sign, count = (piece.strip() for piece in part.partition("="))
        if not sign or not re.fullmatch(r"\d{1,6}", count):
            raise BadValueError(
                f"capacité illisible : « {part.strip()} ».",
                fix="Écrivez un nombre (30), ou un nombre par bassin (Bassin=10, Autre=5).",
            )
        if area not in sizes:
            raise BadValueError(f"bassin inconnu : « {area} ».", fix=f"Bassins : {', '.join(sorted(sizes))}.")
        found[area] = int(count)
    return found


def _at_random(stations: list[Planned], capacity: Mapping[str, int]) -> float:
    total = 0.0
    for area, count in capacity.items():
        inside = [one.risk for one in stations if one.area == area]
        if inside:
            total += min(count, len(inside)) * sum(inside) / len(inside)
    return total


def _row(one: Planned, *, calibrated: bool) -> dict[str, Any]:
    return {
        "area": one.area,
        "name": one.name,
        "code": one.subject.partition(":")[2],
        "risk": french.percent(one.risk) if calibrated else "rang seul",
        "high": "–" if one.high != one.high else french.percent(one.high, 1),
        "seen": one.last,
        "why": one.why,
    }


def _note(model: modelling.Model) -> str:
    notes = []
    if not model.calibrated:
        notes.append("Le risque ne se vérifie pas encore dans le temps : seul le rang compte.")
    if len(model.programme.thresholds) > 1 and (model.high is None or not model.high.calibration.holds):
        notes.append("Limite haute : trop peu de dépassements connus pour vérifier le risque.")
    return " ".join(notes)


def _follow_up(records: Records, as_of: date) -> tuple[Block, ...]:
    found = follow_ups(records, as_of)
    if not found:
        return (Facts(title="Suites", pairs=(("Contrôles non conformes connus", "aucun"),)),)
    opened = [one for one in found if one.ended is None]
    late = [one for one in opened if one.late]
    ended = [one for one in found if one.ended is not None]
    taken = sorted((one.ended - one.opened).days for one in ended if one.ended)
    facts = Facts(
        title=f"Suites au {french.day(as_of)}",
        pairs=(
            ("Contrôles non conformes", french.number(len(found))),
            ("Remis en conformité", french.number(len(ended))),
            ("Encore ouverts", french.number(len(opened))),
            ("Échéance dépassée", french.number(len(late))),
            ("Délai médian des suites closes", french.duration(taken[len(taken) // 2]) if taken else "–"),
        ),
    )
    steps = Funnel(
        title="Où en sont les contrôles non conformes",
        steps=(
            ("Non conformes", len(found)),
            ("Relancés au moins une fois", sum(one.reminders > 0 for one in found)),
            ("Encore ouverts", len(opened)),
            ("Échéance dépassée", len(late)),
        ),
    )
    names = {
        row["subject"]: row["name"] for row in records["stations"].select(["subject", "name"]).to_pylist()
    }
    return (facts, steps, _open_table(opened, names), _ended_table(ended, names))


def _open_table(found: list[FollowUp], names: Mapping[str, str]) -> Table:
    return Table(
        title="À suivre, le plus en retard d'abord",
        columns=(
            Column(key="control", title="Contrôle"),
            Column(key="name", title="Station"),
            Column(key="opened", title="Du", kind="date"),
            Column(key="step", title="Étape"),
            Column(key="deadline", title="Échéance", kind="date"),
            Column(key="late", title="Retard", align="right"),
            Column(key="reminders", title="Relances", align="right"),
            Column(key="action", title="À faire"),
        ),
        rows=[
            {
                "control": one.control,
                "name": names.get(one.subject) or one.subject.partition(":")[2],
                "opened": one.opened,
                "step": one.title,
                "deadline": one.deadline,
                "late": french.duration(one.late) if one.late else "–",
                "reminders": one.reminders,
                "action": one.action,
            }
            for one in found
        ],
    )


def _ended_table(found: list[FollowUp], names: Mapping[str, str]) -> Table:
    return Table(
        title="Derniers remis en conformité",
        columns=(
            Column(key="control", title="Contrôle"),
            Column(key="name", title="Station"),
            Column(key="opened", title="Du", kind="date"),
            Column(key="ended", title="Clos le", kind="date"),
            Column(key="days", title="Durée", align="right"),
        ),
        rows=[
            {
                "control": one.control,
                "name": names.get(one.subject) or one.subject.partition(":")[2],
                "opened": one.opened,
                "ended": one.ended,
                "days": french.duration((one.ended - one.opened).days) if one.ended else "",
            }
            for one in found[:10]
        ],
    )


def _anomalies(records: Records, as_of: date) -> tuple[Block, ...]:
    programme = programme_of(records)
    series = _series(records, as_of)
    names = {row["subject"]: row for row in records["stations"].to_pylist()}
    rows, short = [], 0
    for subject, measures in series.items():
        found = changes_of(measures, programme)
        short += bool(found.note)
        place = names.get(subject, {})
        rows += [
            {
                "name": place.get("name") or subject.partition(":")[2],
                "area": place.get("area"),
                "kind": KINDS[one.kind].capitalize(),
                "since": one.since,
                "until": one.until,
                "said": one.sentence,
            }
            for one in found.found
            if (one.until if one.kind == "stuck" else one.since) >= as_of - _RECENT
        ]
    rows.sort(key=lambda row: (row["until"], row["since"], row["name"]), reverse=True)
    facts = Facts(title=f"Séries au {french.day(as_of)}", pairs=_counts(len(series), short, rows))
    return (
        facts,
        Table(
            title="Inhabituel depuis deux ans",
            columns=(
                Column(key="name", title="Station"),
                Column(key="area", title="Bassin"),
                Column(key="kind", title="Quoi"),
                Column(key="since", title="Du", kind="date"),
                Column(key="until", title="Au", kind="date"),
                Column(key="said", title="En clair"),
            ),
            rows=rows,
            note="Inhabituel ne veut pas dire faux : vérifiez le capteur, le laboratoire, puis le milieu.",
        ),
    )


def _series(records: Records, as_of: date) -> dict[str, list[dict[str, Any]]]:
    """Return the measurements of each station still followed, in the order of dates."""
    current = last_measures(records, as_of)
    series: dict[str, list[dict[str, Any]]] = defaultdict(list)
    columns = records["measures"].select(["subject", "observed", "known", "value", "level"])
    for row in columns.sort_by("observed").to_pylist():
        if row["level"] is not None and row["known"] < as_of and row["subject"] in current:
            series[row["subject"]].append(row)
    return series


def _counts(total: int, short: int, rows: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    by_kind = {title: sum(row["kind"] == title.capitalize() for row in rows) for title in KINDS.values()}
    return (
        ("Séries suivies", french.number(total)),
        ("Trop courtes pour conclure", french.number(short)),
        *((title.capitalize(), french.number(count)) for title, count in by_kind.items()),
    )
