"""What is known of one decision: its series, the closest ones, what differs, its parts and citations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.differences import compare
from eclaireur.bricks.semantic.references import cited
from eclaireur.cases.similar_decisions.sections import TITLES, sections
from eclaireur.core import french
from eclaireur.core.case import Records
from eclaireur.core.errors import UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.view import Block, Column, Diff, Event, Facts, Mark, SpanText, Table, Timeline

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["sheet"]

_MOST = 10
_EXTRACT = 4000


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return the sheet of a decision, as view blocks.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such decision.
    """
    decisions = records["decisions"]
    subjects = decisions["subject"].to_pylist()
    if str(subject) not in subjects:
        raise UnknownSubjectError(
            f"décision inconnue : « {subject.key} ».", fix="Vérifiez son numéro et sa date."
        )
    place = {name: at for at, name in enumerate(subjects)}
    row = _row(decisions, place[str(subject)])
    others = _series(str(subject), records["pairs"])
    members = [_row(decisions, place[name]) | {"jaccard": share} for name, share in others.items()]
    blocks: list[Block] = [_facts(row, len(members))]
    if members:
        blocks += [_closest(members), _difference(row, members[0]), _timeline([row, *members])]
    blocks += [_parts(row), _references(row["texte"])]
    return tuple(blocks)


def _row(decisions: pa.Table, at: int) -> dict[str, Any]:
    found: dict[str, Any] = decisions.slice(at, 1).to_pylist()[0]
    return found


def _series(subject: str, pairs: pa.Table) -> dict[str, float]:
    """Return the decisions of the same series, closest first; 0 for those that only others link."""
    links: dict[str, dict[str, float]] = {}
    for row in pairs.select(["left", "right", "jaccard"]).to_pylist():
        links.setdefault(row["left"], {})[row["right"]] = row["jaccard"]
        links.setdefault(row["right"], {})[row["left"]] = row["jaccard"]
    seen, waiting = {subject}, [subject]
    while waiting:
        for other in links.get(waiting.pop(), {}):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    direct = links.get(subject, {})
    ordered = sorted(seen - {subject}, key=lambda name: (-direct.get(name, 0.0), name))
    return {name: direct.get(name, 0.0) for name in ordered}


def _title(row: dict[str, Any]) -> str:
    return f"n° {row['numero']} du {french.day(row['observed'])}"


def _facts(row: dict[str, Any], others: int) -> Facts:
    shown = {
        "Numéro": row["numero"],
        "Date de lecture": french.day(row["observed"]),
        "ECLI": row["ecli"],
        "Nature": row["type_decision"],
        "Type de recours": row["type_recours"],
        "Formation": row["formation"],
        "Publication": row["publication"],
        "Série": french.count(
            others, "autre décision presque identique", "autres décisions presque identiques"
        )
        if others
        else "aucune décision presque identique",
    }
    return Facts(
        title=f"Décision {_title(row)}", pairs=tuple((key, value) for key, value in shown.items() if value)
    )


def _closest(members: list[dict[str, Any]]) -> Table:
    rows = [
        {"decision": _title(row), "kind": row["type_recours"], "share": french.percent(row["jaccard"])}
        for row in members[:_MOST]
    ]
    columns = (
        Column(key="decision", title="Décision"),
        Column(key="kind", title="Type de recours"),
        Column(key="share", title="Passages communs", align="right"),
    )
    left = len(members) - len(rows)
    note = f"{french.count(left, 'autre décision', 'autres décisions')} de la série." if left else ""
    return Table(title="Décisions de la même série", columns=columns, rows=rows, note=note)


def _difference(row: dict[str, Any], other: dict[str, Any]) -> Diff:
    changes = compare(row["texte"], other["texte"]).changes
    left = "\n".join(one.left or "(absent)" for one in changes)[:_EXTRACT]
    right = "\n".join(one.right or "(absent)" for one in changes)[:_EXTRACT]
    return Diff(
        title="Ce qui diffère de la plus proche",
        left_title=_title(row),
        right_title=_title(other),
        left=left,
        right=right,
    )


def _timeline(rows: list[dict[str, Any]]) -> Timeline:
    ordered = sorted(rows, key=lambda row: (row["observed"], row["numero"]))
    events = [
        Event(day=row["observed"], lane=row["type_decision"] or "Décision", text=f"n° {row['numero']}")
        for row in ordered[:200]
    ]
    return Timeline(title="La série dans le temps", events=tuple(events))


def _parts(row: dict[str, Any]) -> SpanText:
    text = row["texte"]
    marks = [Mark(start=one.start, end=one.end, label=TITLES[one.kind], part=True) for one in sections(text)]
    return SpanText(title="Texte", text=text, marks=tuple(marks))


def _references(text: str) -> Table:
    found = Counter(one.value for one in cited(text))
    rows = [{"reference": value, "count": count} for value, count in found.most_common(30)]
    columns = (
        Column(key="reference", title="Référence"),
        Column(key="count", title="Citations", align="right", kind="number"),
    )
    return Table(title="Textes et affaires cités", columns=columns, rows=rows)
