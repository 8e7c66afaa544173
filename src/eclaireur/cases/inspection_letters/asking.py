"""What a report of inspection_letters is made from, and a table of rows as every report shows one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import EmptyTableError
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.semantic.labelling import Labeller
    from eclaireur.core.case import Progress, Records

__all__ = ["Asked", "plain_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is asked of: records, model, and what its reader named."""

    records: Records
    model: Labeller
    about: str
    table: pa.Table | None
    seed: int
    progress: Progress

    @property
    def letters(self) -> list[dict[str, Any]]:
        """Whole letters, oldest first.

        Raises
        ------
        EmptyTableError
            If the source has sentences only.
        """
        rows: list[dict[str, Any]] = self.records["letters"].to_pylist()
        if not rows:
            raise EmptyTableError(
                "cette source ne contient aucune lettre entière.",
                fix="Choisissez --source sample, ou reliez les vôtres.",
            )
        return sorted(rows, key=lambda row: (row["observed"], row["number"]))

    @property
    def sentences(self) -> list[dict[str, Any]]:
        """Labelled sentences."""
        rows: list[dict[str, Any]] = self.records["sentences"].to_pylist()
        return rows


def plain_table(title: str, rows: list[dict[str, Any]], *, note: str = "", **columns: str) -> Table:
    """Build a table whose columns are given by key, each with its French heading."""
    return Table(
        title=title,
        columns=tuple(Column(key=key, title=heading) for key, heading in columns.items()),
        rows=rows,
        note=note,
    )
