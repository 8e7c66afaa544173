"""A user's file read in the documented format of a case, with the line of each row kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import EmptyTableError
from eclaireur.sources import mapping as mappings
from eclaireur.sources.held import read_held_or_refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.work import Work
    from eclaireur.sources.mapping import Mapping
    from eclaireur.sources.reading import Reading

__all__ = ["Documented", "read_documented"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """A table in a case's documented format.

    Parameters
    ----------
    table
        One typed column per field; absent optional columns are null.
    lines
        Line of each row in the file, from 1, header included.
    mapping
        Which of the file's columns gave each field.
    reading
        What the reader repaired or doubts.
    """

    table: pa.Table
    lines: tuple[int, ...]
    mapping: Mapping = field(repr=False)
    reading: Reading = field(repr=False)

    def column(self, name: str) -> str:
        """Return the file's own heading for a field."""
        return self.mapping.columns.get(name, name)


def read_documented(work: Work, table: str, path: Path, *, mapping: Mapping | None = None) -> Documented:
    """Read a file as one of the input tables of the case.

    Headings may be the documented names, their French titles or known synonyms; ``connect`` saves a
    mapping when they are something else.

    Raises
    ------
    InputError
        If the file cannot be read, a required column is missing, or a value is wrong.
    """
    declared = work.card.input_table(table)
    reading = read_held_or_refuse(path)
    if reading.table is None or not reading.table.num_rows:
        raise EmptyTableError(
            "le fichier ne contient aucune ligne de données.",
            file=path.name,
            fix="Vérifiez l'export, puis recommencez.",
        )
    chosen = mapping or mappings.propose(declared, reading)
    typed = mappings.apply(chosen, declared, reading, today=work.workspace.clock().date())
    lines = reading.lines
    numbers = range(2, typed.num_rows + 2) if lines is None else lines.tolist()
    return Documented(table=typed, lines=tuple(numbers), mapping=chosen, reading=reading)
