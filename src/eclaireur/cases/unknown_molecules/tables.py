"""Tables of a report: plain ones, formulas, and signals of non-target screening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import feature_rows, feature_table, isotopes
from eclaireur.core import french
from eclaireur.core.view import Block, Column, Funnel, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.formulas import Formula
    from eclaireur.cases.unknown_molecules.isotopes import Pattern
    from eclaireur.cases.unknown_molecules.masses import Adduct

__all__ = ["features", "formulas_table", "plain_table"]

_FORMULAS = 100


def plain_table(
    title: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], note: str = ""
) -> Table:
    """Return a table from keys, headings and kinds of columns (``number``, else text)."""
    return Table(
        title=title,
        columns=tuple(
            Column(key=key, title=name, kind=kind or "text", align="right" if kind == "number" else "left")
            for key, name, kind in columns
        ),
        rows=rows,
        note=note,
    )


def formulas_table(title: str, found: Sequence[Formula], pattern: Pattern | None, adduct: Adduct) -> Table:
    """Return formulas of one mass, those that fit the isotopic peaks best first when there are any."""
    columns = [
        ("formula", "Formule", ""),
        ("error", "Écart (ppm)", "number"),
        ("unsaturation", "Cycles et doubles liaisons", "number"),
    ]
    rows: list[dict[str, Any]] = [
        {"formula": one.text, "error": round(one.error, 2), "unsaturation": one.unsaturation} for one in found
    ]
    if pattern is None:
        return plain_table(title, columns, rows[:_FORMULAS], "Aucun pic isotopique n'est donné.")
    shares = isotopes.likely(pattern, [one.counts for one in found], adduct)
    for row, share in zip(rows, shares, strict=True):
        row["isotopes"] = round(share, 4)
    rows.sort(key=lambda row: -row["isotopes"])
    columns.append(("isotopes", "Poids d'après les isotopes", "number"))
    said = isotopes.told_pattern(pattern, "", None)
    note = f"Mesuré : {said}. Le poids tient toutes ces formules pour aussi probables au départ."
    return plain_table(title, columns, rows[:_FORMULAS], note)


def features(table: pa.Table) -> tuple[Block, ...]:
    """Filter a table of signals: what is kept, and what was set aside with its reason."""
    read = feature_table.read_features(table)
    found = feature_table.filter_features(read)
    ions = feature_rows.linked(read)
    rows = [
        {
            "name": read.names[at],
            "mz": None if at in read.trouble else french.number(float(read.mz[at]), 4),
            "retention": None if at in read.trouble else round(float(read.retention[at]), 3),
            "why": reason or "gardé",
            "part": feature_rows.told_ion(ions[at], read.names) if at in ions else "",
        }
        for at, reason in enumerate(found.reasons)
    ]
    columns = [
        ("name", "Signal", ""),
        ("mz", "m/z", "number"),
        ("retention", "Rétention (min)", "number"),
        ("why", "Décision", ""),
        ("part", "Ion de", ""),
    ]
    alone = sum(kept and at not in ions for at, kept in enumerate(found.kept.tolist()))
    steps = (*found.steps, ("molécules, isotopes et adduits regroupés", alone))
    return (plain_table("Signaux", columns, rows), Funnel(title="Signaux gardés", steps=steps))
