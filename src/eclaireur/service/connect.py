"""A user's own files: which of their columns give which fields, saved once, used at each run."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import snapshots
from eclaireur.core.errors import NotFoundError
from eclaireur.core.files import write_atomically
from eclaireur.core.types import Snapshot, Source
from eclaireur.service.erasing import without_gone
from eclaireur.service.files import Documented, read_documented
from eclaireur.sources import mapping as mappings
from eclaireur.sources.held import read_held_or_refuse

if TYPE_CHECKING:
    from eclaireur.core.fields import InputTable
    from eclaireur.service.work import Work
    from eclaireur.sources.mapping import Mapping

__all__ = ["Proposal", "connected", "fetch", "propose", "save", "save_mapping", "still_missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed mapping with the rows it gives, before anything is saved."""

    table: InputTable
    mapping: Mapping
    documented: Documented


def propose(work: Work, path: Path, *, table: str | None = None) -> Proposal:
    """Propose which columns of a file give the fields of one table of the case.

    Without ``table``, the table whose required fields the file answers best is taken.

    Raises
    ------
    InputError
        If the file cannot be read, or a required field finds no column.
    """
    name = table or _best_table(work, path)
    documented = read_documented(work, name, path)
    return Proposal(table=work.card.input_table(name), mapping=documented.mapping, documented=documented)


def _best_table(work: Work, path: Path) -> str:
    reading = read_held_or_refuse(path)
    return max(_sources(work), key=lambda table: mappings.propose(table, reading).fit).name


def _sources(work: Work) -> tuple[InputTable, ...]:
    """Tables of the case's own data: not the files that are scored or that bring outcomes back."""
    return tuple(table for table in work.card.inputs if table.name not in {"candidates", "outcomes"})


def save(work: Work, proposal: Proposal, path: Path) -> Path:
    """Save the mapping of a proposal, with the file it reads, where ``run`` finds it; return its path."""
    return save_mapping(work, proposal.mapping, path)


def save_mapping(work: Work, mapping: Mapping, path: Path) -> Path:
    """Save a mapping that was checked before, with the file it reads; return its path."""
    target = work.workspace.mapping_path(work.card.name, mapping.table)
    text = f"file = {_quoted(str(path.resolve()))}\n\n{mapping.to_toml()}"
    write_atomically(target, lambda temporary: _write(temporary, text))
    return target


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def connected(work: Work) -> dict[str, Path]:
    """Return the saved mappings of a case: table → path of the mapping."""
    return {path.stem: path for path in work.workspace.mappings(work.card.name)}


def fetch(work: Work) -> Snapshot:
    """Take a snapshot of the connected files, in the documented format.

    Raises
    ------
    NotFoundError
        If a table that the case requires is not connected.
    InputError
        If a file is no longer what its mapping says.
    """
    saved = connected(work)
    missing = still_missing(work)
    if missing:
        raise NotFoundError(
            f"la table « {missing[0].title} » n'est pas connectée.",
            fix=f"Lancez : ./eclaireur connect {work.card.name} FICHIER --table {missing[0].name}",
        )

    def fill(into: Path) -> None:
        import pyarrow.parquet as pq

        for done, (name, path) in enumerate(sorted(saved.items())):
            work.progress(done, len(saved), f"Lecture de la table « {name} »")
            text = path.read_text(encoding="utf-8")
            mapping = mappings.Mapping.from_toml(text)
            file = Path(tomllib.loads(text)["file"])
            documented = read_documented(work, name, file, mapping=mapping)
            pq.write_table(without_gone(work, documented.table), into / f"{name}.parquet", compression="zstd")
        work.progress(len(saved), len(saved), "Tables lues")

    source = Source(
        name=f"{work.card.name}-connected",
        title="Données connectées par l'utilisateur",
        licence="Données de l'utilisateur",
        origin="Fichiers connectés",
        personal=True,
    )
    return snapshots.take(work.workspace.lake, source, fill, clock=work.workspace.clock)


def still_missing(work: Work) -> tuple[InputTable, ...]:
    """Return the tables that the case requires and that are not connected yet."""
    saved = connected(work)
    return tuple(table for table in _sources(work) if table.required and table.name not in saved)
