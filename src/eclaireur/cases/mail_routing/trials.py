"""Rules on trial: what they would have done with past messages, before they act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake import rules as ruling
from eclaireur.cases.mail_routing import routing
from eclaireur.core import evaluation, french
from eclaireur.core.view import Block, Column, Facts, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.intake.rules import Rule
    from eclaireur.cases.mail_routing.router import Router

__all__ = ["blocks", "read_rules", "text_of", "try_rules"]

_TEXTS = frozenset({".toml", ".txt", ".regles", ".md"})
_LARGEST = 1_000_000
_SHOWN = 20


def read_rules(path: Path) -> pa.Table | None:
    """Return a file of rules (TOML or lines) as a table of one cell; None for a file that is a table."""
    import pyarrow as pa

    from eclaireur.sources import encoding

    if path.suffix.lower() not in _TEXTS or path.stat().st_size > _LARGEST:
        return None
    return pa.table({"rules": [encoding.decode(path.read_bytes()).text]})


def text_of(table: pa.Table) -> str:
    """Return the rules of a table: the column « règle », else the first."""
    names = table.column_names
    column = next((name for name in names if name.lower() in {"rule", "rules", "règle", "règles"}), names[0])
    return "\n".join(str(cell) for cell in table[column].to_pylist() if cell is not None)


def try_rules(text: str, table: pa.Table) -> tuple[Block, ...]:
    """Say what a file of rules would have done with past messages.

    Parameters
    ----------
    table
        Messages of the records, whose service is known; or of the desk (`core.intake.messages_schema`), of
        which only those that a rule takes can be counted.

    Raises
    ------
    BadValueError
        If a line is no rule.
    """
    rows = table.to_pylist()
    if "heading" not in table.column_names:
        rows = [
            {**row, "heading": row["subject"], "text": f"{row['subject']}\n{row['body']}"} for row in rows
        ]
    return blocks(text, rows, None)


def blocks(text: str, rows: Sequence[Mapping[str, Any]], model: Router | None) -> tuple[Block, ...]:
    """Return the report of a trial; with a model, also what it says today of the same messages."""
    rules = ruling.parse(text)
    tried = ruling.tried(rules, rows)
    trust = ruling.trusted(rules, rows)
    known = {row["service"] for row in rows if row.get("service")}
    against = _against(rules, rows, model)
    listed = [
        {
            "rule": one.rule.text,
            "matched": one.matched,
            "right": one.right,
            "wrong": one.moved,
            "interval": _interval(one.right, one.moved),
            "changed": against.get(one.rule),
            "trust": french.percent(trust[one.rule]),
            "verdict": _verdict(one, known),
        }
        for one in tried
    ]
    columns = [
        Column(key="rule", title="Règle"),
        Column(key="matched", title="Messages pris", align="right"),
        Column(key="right", title="Allés là où elle les envoie", align="right"),
        Column(key="wrong", title="Déplacés à tort", align="right"),
        Column(key="interval", title="Part juste, intervalle à 95 %"),
        Column(key="trust", title="Confiance qui serait montrée"),
        Column(key="verdict", title="À savoir"),
    ]
    if model is not None:
        columns.insert(4, Column(key="changed", title="Changés par rapport au modèle", align="right"))
    wrong = [
        {
            "rule": one.rule.name,
            "id": rows[at]["id"],
            "text": routing.preview(rows[at]["heading"], rows[at]["body"]),
            "went": rows[at]["service"],
            "sent": one.rule.service,
        }
        for one in tried
        for at in one.wrong
    ]
    taken = sum(one.matched for one in tried)
    return (
        Facts(
            title="Essai : rien n’a été déplacé",
            pairs=(
                ("Règles", french.number(len(rules))),
                ("Messages passés", french.number(len(rows))),
                ("Dont le service est connu", french.number(sum(bool(row.get("service")) for row in rows))),
                ("Messages que les règles prendraient", french.number(taken)),
                ("Déplacés à tort", french.number(len(wrong))),
            ),
        ),
        Table(
            title="Chaque règle",
            columns=tuple(columns),
            rows=listed,
            note="Un message suit la première règle qui s’applique.",
        ),
        Table(
            title="Messages qui seraient déplacés à tort",
            columns=(
                Column(key="rule", title="Règle"),
                Column(key="id", title="Message"),
                Column(key="text", title="Début"),
                Column(key="went", title="Était allé à"),
                Column(key="sent", title="Irait à"),
            ),
            rows=wrong[:_SHOWN],
            note=f"Les {_SHOWN} premiers de {french.number(len(wrong))}." if len(wrong) > _SHOWN else "",
        ),
    )


def _against(
    rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]], model: Router | None
) -> dict[Rule, int]:
    """Count, by rule, the messages that would no longer go where the model sends them today."""
    if model is None:
        return {}
    found = dict.fromkeys(rules, 0)
    for row, one in zip(rows, routing.said(model, rows), strict=True):
        rule = ruling.first(rules, row)
        if rule is not None:
            found[rule] += not one.kept or one.routes[0].name != rule.service
    return found


def _interval(right: int, wrong: int) -> str:
    if not right + wrong:
        return "–"
    low, high = evaluation.wilson(right, right + wrong)
    return f"{french.percent(low)} à {french.percent(high)}"


def _verdict(one: ruling.Tried, known: set[str]) -> str:
    if known and one.rule.service not in known:
        return "service inconnu des messages passés : vérifiez son nom"
    if not one.matched:
        return "ne prend aucun message passé"
    if one.moved > one.right:
        return "plus souvent fausse que juste"
    return "essayée sur peu de messages" if one.right + one.moved < 5 else ""
