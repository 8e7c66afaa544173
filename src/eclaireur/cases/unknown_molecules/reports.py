"""Reports of the case: candidates, a spectrum beside its candidates, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules import model as modelling
from eclaireur.cases.unknown_molecules.reading import documented
from eclaireur.cases.unknown_molecules.sheet import candidates_table, find, mirror, spectrum_facts
from eclaireur.cases.unknown_molecules.spectra import table_of
from eclaireur.cases.unknown_molecules.telling import tell
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Column, Facts, FormField, Funnel, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.model import Model
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

TITLES: Mapping[str, str] = {
    "candidates": "Tous les candidats des prélèvements ou d'un fichier",
    "spectrum": "Un spectre et ses candidats",
    "rejected": "Spectres mis de côté",
}
"""Reports by name."""

_SPECTRUM = FormField(name="about", title="Spectre", kind="text", help="Son nom, comme dans la liste.")
ASKS: Mapping[str, tuple[FormField, ...]] = {"spectrum": (_SPECTRUM,)}
"""What each report cannot do without."""


def made(
    name: str,
    records: Records,
    model: Model,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
) -> tuple[Block, ...]:
    """Make a report."""
    asked = records["samples"] if table is None else documented(table)
    if name == "candidates":
        told = tell(asked, records["spectra"], modelling.bench(records), model, progress=progress)
        levels = [sum(one.level <= level and bool(one.evidence) for one in told) for level in range(1, 6)]
        steps = (("spectres", asked.num_rows), ("cherchés", asked.num_rows - _count(asked)))
        funnel = Funnel(
            title="Spectres", steps=(*steps, ("niveau 3 ou mieux", levels[2]), ("nommés", levels[1]))
        )
        return (candidates_table(asked["spectrum"].to_pylist(), told), funnel)
    if name == "spectrum":
        return _spectrum(records, model, about)
    return _rejected(asked)


def _count(table: pa.Table) -> int:
    return int(table.num_rows - table["rejection"].null_count)


def _spectrum(records: Records, model: Model, about: str) -> tuple[Block, ...]:
    if not about.strip():
        raise BadValueError("aucun spectre n'est donné.", fix="Ajoutez --about NOM.")
    row = find(about.strip().removeprefix("document:"), records)
    asked = table_of([row])
    told = tell(asked, records["spectra"], modelling.bench(records), model)
    one = told[0]
    blocks: list[Block] = [
        spectrum_facts(row),
        Facts(
            title="Conclusion",
            pairs=(
                ("Niveau de confiance", one.evidence or "–"),
                ("Pourquoi aucune correspondance", one.why_none or "un nom est donné"),
                ("Molécule absente de la bibliothèque", french.percent(one.none)),
            ),
        ),
        candidates_table([row["spectrum"]], told),
    ]
    for each in one.candidates[:3]:
        other = records["spectra"].slice(each.row, 1).to_pylist()[0]
        blocks.append(mirror(row, other | {"similarity": each.similarity}))
    return tuple(blocks)


def _rejected(asked: pa.Table) -> tuple[Block, ...]:
    rows = [
        {"spectrum": row["spectrum"], "line": row["line"], "why": row["rejection"]}
        for row in asked.select(["spectrum", "line", "rejection"]).to_pylist()
        if row["rejection"]
    ]
    columns = (
        Column(key="spectrum", title="Spectre"),
        Column(key="line", title="Ligne", kind="number", align="right"),
        Column(key="why", title="Raison"),
    )
    return (Table(title="Spectres mis de côté", columns=columns, rows=rows),)
