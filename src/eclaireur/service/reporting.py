"""Reports of a case beside its list: view blocks, shown, or written as a document or a sheet.

A case that has reports gives ``REPORTS`` (name → French title) and ``report(name, records, card, artefact,
about=…, table=…, seed=…, progress=…)``. With ``read_report_input(path)`` it reads files that are no tables (a
drawn zone), and returns None for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import export
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, Table
from eclaireur.service import training, work as working
from eclaireur.service.exporting import list_mentions

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["report", "titles", "write_report"]


def titles(work: Work) -> Mapping[str, str]:
    """Return the reports of a case: name → French title; empty when it has none."""
    found: Mapping[str, str] = getattr(work.case, "REPORTS", {})
    return found


def report(
    work: Work, source: str, name: str, *, about: str = "", input_path: Path | None = None
) -> tuple[tuple[Block, ...], dict[str, str]]:
    """Make a report.

    Parameters
    ----------
    about
        What the report is about, when it asks for it: a site, a commune.
    input_path
        A table of the user, when the report asks for one.

    Returns
    -------
    tuple
        The blocks, and what must be said with them, by French heading.

    Raises
    ------
    InputError
        If the case has no such report, or what it needs is missing.
    """
    known = titles(work)
    if name not in known:
        listed = ", ".join(known) or "aucun"
        raise BadValueError(f"rapport inconnu : « {name} ».", fix=f"Rapports de ce cas : {listed}.")
    table = None if input_path is None else _read(work, input_path)
    records = working.ensure_records(work, source)
    current = training.ensure_model(work, records, source)
    registry = work.workspace.registry
    case: Any = work.case
    blocks: tuple[Block, ...] = case.report(
        name,
        records.tables,
        current.card,
        lambda file: registry.artefact(current.card, file),
        about=about,
        table=table,
        seed=work.seed,
        progress=work.progress,
    )
    mentions = list_mentions(
        work.card,
        run=records.run.id,
        as_of=work.case.data_date(records.tables),
        snapshot=records.snapshot.id,
        taken=records.snapshot.taken,
        licence=records.snapshot.licence,
        model=current.card.number,
        by=current.by,
    )
    return blocks, mentions


def _read(work: Work, path: Path) -> Any:
    """Read what a user gives to a report: by the case itself when it knows its form, else as a table."""
    from eclaireur.sources.tables import read_table

    own = getattr(work.case, "read_report_input", None)
    if own is not None and path.is_file():
        found = own(path)
        if found is not None:
            return found
    reading = read_table(path)
    if reading.table is None:
        raise BadValueError(reading.reason, file=str(path), fix=reading.fix)
    return reading.table


def write_report(blocks: Sequence[Block], output: Path, *, title: str, mentions: Mapping[str, str]) -> None:
    """Write blocks as ``.pdf``, or their first table as ``.xlsx``, ``.ods`` or ``.csv``, whole or not at all.

    Raises
    ------
    BadValueError
        If the file name ends otherwise, or there is no table for a sheet.
    """
    if output.suffix.lower() == ".pdf":
        from eclaireur.core.pdf import write_pdf

        write_atomically(output, lambda target: write_pdf(blocks, target, title=title, mentions=mentions))
        return
    table = next((block for block in blocks if isinstance(block, Table)), None)
    if table is None:
        raise BadValueError("ce rapport n'a pas de tableau.", file=str(output), fix="Écrivez-le en .pdf.")
    columns = [export.Column(one.title, [row.get(one.key) for row in table.rows]) for one in table.columns]
    export.write_rows(columns, output, mentions=mentions, title=table.title[:31])
