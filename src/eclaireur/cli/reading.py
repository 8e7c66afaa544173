"""What `./eclaireur read` does with a file of any kind: read it, write what is asked, show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cli.screen import progress_bar, say, show, show_json

if TYPE_CHECKING:
    from eclaireur.service.any_file import AnyFile

__all__ = ["read_one"]


def read_one(
    file: str,
    *,
    sheet: str | None,
    to: Path | None,
    report: bool,
    corrections: Path | None,
    document: bool,
    seconds: int,
    as_json: bool,
) -> int:
    """Read a file, or a table of a database, and show it; return the exit code.

    Parameters
    ----------
    to
        Where what was read is written: a table, shapes and samples as Parquet, a document as text.
    report
        Print a plain text to send back to who made the file.
    corrections
        Where the values to correct in a table are written.
    """
    from eclaireur.service import any_file, reading as tables
    from eclaireur.sources.reading import Outcome

    # What the file is settles what it may be written as: only a Parquet file is known before.
    parquet = to is not None and (str(to) == "parquet" or to.suffix.lower() == ".parquet")
    target = tables.parquet_target(file, to) if parquet else None
    with progress_bar(hidden=as_json) as progress:
        if tables.is_database(file):
            found = any_file.AnyFile(
                table=tables.read_anything(file, sheet=sheet, to=target, progress=progress)
            )
        else:
            wanted = any_file.Wanted(
                sheet=sheet,
                form="document" if document else "table" if corrections is not None else "",
                data=to is not None,
                to=target,
                seconds=seconds,
            )
            found = any_file.read_file(Path(file), wanted, progress=progress)
    readable = found.outcome is not Outcome.REFUSE
    written = _write(found, to, target) if readable and to is not None else ""
    count = _corrections(found, corrections)
    if as_json:
        show_json(any_file.file_json(found))
    elif report:
        print(any_file.report_of(found))
    else:
        show(any_file.show_file(found))
        if found.looked:
            say("Aucun texte n'y a été lu.")
        if written:
            say(written)
        if corrections is not None:
            say(f"Valeurs à corriger ({count}) : {corrections}")
    return 0 if readable else 2


def _write(found: AnyFile, to: Path, target: Path | None) -> str:
    """Write what was read; return what to say of it."""
    from eclaireur.service import describing, documents, reading as tables

    if found.document is not None:
        documents.write_text(found.document, to)
        return f"Texte écrit : {to}"
    if found.described is not None:
        describing.write_data(found.described, target or to)
        return f"Données écrites : {target or to}"
    if target is None:
        tables.parquet_target(found.main.file, to)  # says how the name must end
    if found.table is not None and found.table.table is not None and target is not None:
        tables.write_parquet(found.table, target)
    return f"Tableau écrit : {target}"


def _corrections(found: AnyFile, corrections: Path | None) -> int:
    from eclaireur.service import reading as tables

    if corrections is None or found.table is None:
        return 0
    return tables.write_corrections(found.table, corrections)
