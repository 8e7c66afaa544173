"""One case at work in one workspace: its data, from raw files to records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import catalog, runs, snapshots
from eclaireur.core.card import Card, SourceCard
from eclaireur.core.case import Case, Progress, Records, quiet
from eclaireur.core.errors import ConfigError, NotFoundError
from eclaireur.core.types import Run, Snapshot, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.workspace import Workspace

__all__ = [
    "CONNECTED",
    "RecordsRun",
    "Work",
    "default_source",
    "ensure_records",
    "fetch",
    "records",
    "stored_records",
    "taken",
]

CONNECTED = "connected"
"""Name of the source made of the user's own files (see `service.connect`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every step needs: where results go, which case, the seed and how to tell progress."""

    workspace: Workspace
    card: Card
    case: Case = field(repr=False)
    seed: int = 20211
    progress: Progress = field(default=quiet, repr=False)

    @classmethod
    def on(cls, workspace: Workspace, name: str, *, seed: int = 20211, progress: Progress = quiet) -> Work:
        """Open a case by its name."""
        card = catalog.find_card(name)
        return cls(workspace=workspace, card=card, case=catalog.load_case(card), seed=seed, progress=progress)

    def rank_only(self, source: str) -> str:
        """Return why the signals of a source are ranks only, in French; empty when they may be risks."""
        return "" if source == CONNECTED else self.card.source(source).rank_only

    def run(self, stage: str, *, config: Mapping[str, Any], inputs: tuple[str, ...]) -> Run:
        """Name a run of this case by everything its result depends on."""
        return runs.identify(
            self.card.name,
            stage,
            code=runs.code_version(self.card.folder),
            config=config,
            inputs=inputs,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsRun:
    """Records read back from the lake, with the run and snapshot that made them."""

    run: Run
    snapshot: Snapshot
    tables: Records = field(repr=False)


def default_source(work: Work) -> str:
    """Return the source to use when the user names none.

    The user's own files when some are connected, else the source of the last fetch, else the sample.
    """
    if any(work.workspace.mappings(work.card.name)):
        return CONNECTED
    taken = [
        snapshot
        for source in work.card.sources
        for snapshot in snapshots.snapshots(work.workspace.lake, _address(work, source.name))
    ]
    if taken:
        return max(taken, key=lambda snapshot: snapshot.taken).source.rpartition("-")[2]
    return "sample"


def _address(work: Work, source: str) -> str:
    return f"{work.card.name}-{source}"


def taken(work: Work, source: str) -> tuple[Snapshot, ...]:
    """Return the snapshots of a source that were taken so far, oldest first."""
    return snapshots.snapshots(work.workspace.lake, _address(work, source))


def fetch(work: Work, source: str) -> Snapshot:
    """Take a snapshot of a source: dated, hashed, with its licence.

    Raises
    ------
    NotFoundError
        If the case declares no such source.
    ConfigError
        If the source needs ``ECLAIREUR_DATA`` and it is not set, or a file is absent.
    """
    if source == CONNECTED:
        from eclaireur.service import connect

        return connect.fetch(work)
    declared = work.card.source(source)
    named = declared.as_source()
    return snapshots.take(
        work.workspace.lake,
        Source(
            name=_address(work, source),
            title=named.title,
            licence=named.licence,
            origin=named.origin,
            personal=named.personal,
        ),
        lambda into: _fill(work, declared, into),
        clock=work.workspace.clock,
    )


def _fill(work: Work, source: SourceCard, into: Path) -> None:
    if not source.folder:
        work.case.fetch(source.name, into, seed=work.seed, progress=work.progress)
        return
    root = work.workspace.settings.data
    if root is None:
        raise ConfigError(
            f"la source « {source.name} » demande un dossier de données, et ECLAIREUR_DATA n'est pas défini.",
            fix="Définissez ECLAIREUR_DATA, ou choisissez --source sample.",
        )
    _copy(work, source, root / source.folder, into)


def _copy(work: Work, source: SourceCard, folder: Path, into: Path) -> None:
    for done, (name, expected) in enumerate(source.files):
        work.progress(done, len(source.files), f"Lecture de {name}")
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"le fichier de la source « {source.name} » est absent ou illisible.",
                file=str(folder / name),
                fix="Placez-y le fichier, ou corrigez ECLAIREUR_DATA.",
            ) from error
        if expected and hashlib.sha256(data).hexdigest() != expected:
            work.progress(done, len(source.files), f"{name} diffère de l'archive que la fiche décrit")
        # A source may take files of several folders.
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(data)
    work.progress(len(source.files), len(source.files), "Fichiers lus")


def records(work: Work, source: str) -> RecordsRun:
    """Read the newest snapshot of a source into the lake, with the outcomes that came back since.

    The same snapshot, outcomes and code give the same run: nothing is read twice.
    """
    from eclaireur.service import feedback
    from eclaireur.service.erasing import without_gone

    lake = work.workspace.lake
    snapshot = snapshots.latest(lake, _address(work, source))
    if snapshot is None:
        raise NotFoundError(
            f"aucune donnée de la source « {source} » pour « {work.card.name} ».",
            fix=f"Lancez d'abord : ./eclaireur fetch {work.card.name} --source {source}",
        )
    outcomes = feedback.outcomes(work, source)
    run = work.run(
        "records",
        config={"source": source},
        inputs=(f"snapshots/{snapshot.id}", f"outcomes/{feedback.digest(outcomes)}"),
    )

    def write(folder: Path) -> None:
        tables = work.case.records(
            source,
            snapshots.folder(lake, snapshot),
            outcomes=outcomes if outcomes.num_rows else None,
            progress=work.progress,
        )
        for name, table in tables.items():
            lake.write(folder, name, without_gone(work, table))

    address = work.workspace.runs.do(run, write)
    return RecordsRun(run=run, snapshot=snapshot, tables=_Tables(lake, address))


def ensure_records(work: Work, source: str) -> RecordsRun:
    """Return the records of a source, fetching it first when it never was."""
    try:
        return records(work, source)
    except NotFoundError:
        fetch(work, source)
        return records(work, source)


def stored_records(work: Work, run: str) -> RecordsRun:
    """Return the records of a run made earlier, as they were then."""
    found = work.workspace.runs.read(work.card.name, "records", run)
    snapshot = snapshots.find(work.workspace.lake, found.inputs[0].removeprefix("snapshots/"))
    address = work.workspace.runs.address(found)
    return RecordsRun(run=found, snapshot=snapshot, tables=_Tables(work.workspace.lake, address))


class _Tables(Mapping[str, "pa.Table"]):
    """Tables of a run, read from the lake when first asked for."""

    def __init__(self, lake: Any, address: str) -> None:
        self._lake = lake
        self._address = address
        self._names = tuple(lake.tables(address))
        self._read: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._lake.table(self._address, name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
