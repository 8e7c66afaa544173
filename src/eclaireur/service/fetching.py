"""Fetching what is named on the command line: an address, a dataset, a folder, an object of a store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core import snapshots
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.files import write_atomically
from eclaireur.core.types import Snapshot, Source
from eclaireur.sources.remote import addresses
from eclaireur.sources.remote.client import Client, Limits
from eclaireur.sources.remote.download import Checksum, download, file_name

if TYPE_CHECKING:
    from eclaireur.core.workspace import Workspace
    from eclaireur.sources.reading import Reading
    from eclaireur.sources.remote.datagouv import Dataset, Portal

__all__ = [
    "PREFIXES",
    "UNKNOWN_LICENCE",
    "Asked",
    "Fetched",
    "bring",
    "client_of",
    "fetch",
    "is_remote",
    "search",
    "sources",
    "write_history",
]

PREFIXES = ("http://", "https://", "datagouv:", "folder:", "s3://")
UNKNOWN_LICENCE = "non précisée"
_PATIENCE = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks to fetch.

    Parameters
    ----------
    what
        ``https://…``, ``datagouv:DATASET[/RESOURCE]``, ``folder:PATH`` or ``s3://bucket/key``.
    name
        Name under which snapshots are kept; by default, made from ``what``.
    licence
        Licence of the data; by default the portal's, else *non précisée*.
    pattern, form
        Among several files, which: ``*restaurants*``, ``csv``; the newest is taken.
    sha256
        What the file must sum up to.
    """

    what: str
    name: str = ""
    licence: str = ""
    pattern: str = ""
    form: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A snapshot, whether its bytes are new, and what could not be checked, in French."""

    snapshot: Snapshot
    new: bool
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    """Where a file is: its file name, its licence, its origin, and how to bring it to a path."""

    file: str
    origin: str
    bring: Callable[[Path], tuple[str, ...]]
    licence: str = ""
    title: str = ""
    notes: list[str] = field(default_factory=list)


def is_remote(text: str) -> bool:
    """Tell what is fetched from elsewhere from the name of a case."""
    return text.startswith(PREFIXES)


def client_of(workspace: Workspace) -> Client:
    """Return the web client that the settings describe."""
    settings = workspace.settings
    return Client(addresses.Rules.of(settings.allowed_addresses), Limits(size=settings.download * 1_000_000))


def fetch(
    workspace: Workspace, asked: Asked, *, client: Client | None = None, progress: Progress = quiet
) -> Fetched:
    """Bring a file and keep it as a snapshot: whole, or not at all.

    Parameters
    ----------
    client
        Asks the web; by default as the settings say.

    Raises
    ------
    EclaireurError
        If it cannot be brought; its message says why and what to do.
    """
    lake = workspace.lake
    lake.sweep()  # what a killed fetch left
    web = client or client_of(workspace)
    if asked.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", asked.sha256):
        raise BadValueError("empreinte invalide pour --sha256.", fix="Attendu : 64 chiffres hexadécimaux.")
    with lake.stage() as waiting:
        plan = _plan(workspace, asked, web, waiting, progress)
    name = asked.name or _name(asked.what)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_\-]{0,80}", name):
        raise BadValueError(
            f"nom invalide : « {name} ».", fix="Attendu : lettres minuscules, chiffres, _ et -."
        )
    source = Source(
        name=name,
        title=plan.title or asked.what,
        licence=asked.licence or plan.licence or UNKNOWN_LICENCE,
        origin=plan.origin,
    )
    known = {one.id for one in snapshots.snapshots(lake, name)}
    notes = list(plan.notes)

    def fill(raw: Path) -> None:
        path = raw / plan.file
        notes.extend(plan.bring(path))
        if not path.stat().st_size:
            notes.append("Le fichier est vide.")
        if asked.sha256:
            _check(path, asked.sha256)

    snapshot = snapshots.take(lake, source, fill, clock=workspace.clock)
    if asked.licence and snapshot.licence != asked.licence:
        notes.append(f"Ces octets étaient déjà connus : leur licence reste « {snapshot.licence} ».")
    return Fetched(snapshot=snapshot, new=snapshot.id not in known, notes=tuple(notes))


def bring(
    workspace: Workspace,
    what: str,
    folder: Path,
    *,
    client: Client | None = None,
    progress: Progress = quiet,
) -> Path:
    """Bring a file of the web or of data.gouv.fr into a folder, and keep nothing else of it.

    Raises
    ------
    EclaireurError
        If it cannot be brought, or is named in another way; its message says why and what to do.
    """
    if not what.startswith(("http://", "https://", "datagouv:")):
        raise BadValueError(
            f"adresse inconnue : « {what[:100]} ».", fix="Attendu : https://… ou datagouv:JEU[/RESSOURCE]."
        )
    web = client or client_of(workspace)
    with workspace.lake.stage() as waiting:
        plan = _plan(workspace, Asked(what=what), web, waiting, progress)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / plan.file
    plan.bring(path)
    return path


def _check(path: Path, wanted: str) -> None:
    found = Checksum(kind="sha256", value=wanted).of(path)
    if found != wanted.lower():
        raise BadValueError(
            f"l'empreinte du fichier ({found[:12]}…) n'est pas celle qui est demandée. Il n'est pas gardé.",
            fix="Vérifiez --sha256, ou la source.",
        )


def _name(what: str) -> str:
    """Make a stable name from what is asked: readable, and its own."""
    plain = addresses.shown(what) if what.startswith("http") else what
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower().partition(":")[2]).strip("-")
    return f"{words[:40].strip('-') or 'source'}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


def _plan(workspace: Workspace, asked: Asked, web: Client, waiting: Path, progress: Progress) -> _Plan:
    what = asked.what
    if what.startswith(("http://", "https://")):
        return _from_web(asked, web, progress)
    if what.startswith("datagouv:"):
        from eclaireur.sources.remote.datagouv import Portal

        return _from_portal(asked, web, Portal(web, waiting, workspace.settings.datagouv), progress)
    if what.startswith("folder:"):
        return _from_folder(asked, web.limits.size)
    if what.startswith("s3://"):
        return _from_store(workspace, asked, web.limits.size, progress)
    raise BadValueError(f"source inconnue : « {what} ».", fix=f"Attendu : {', '.join(PREFIXES)}…")


def _from_web(asked: Asked, web: Client, progress: Progress) -> _Plan:
    target = addresses.parse(asked.what)

    def bring(path: Path) -> tuple[str, ...]:
        return download(web, asked.what, path, form=asked.form, progress=progress).notes

    return _Plan(file=file_name(target.path, asked.form), origin=addresses.shown(asked.what), bring=bring)


def _from_portal(asked: Asked, web: Client, portal: Portal, progress: Progress) -> _Plan:
    from eclaireur.sources.remote.datagouv import newest

    dataset, named = portal.find(asked.what.removeprefix("datagouv:"))
    resource = named or newest(dataset, pattern=asked.pattern, form=asked.form)
    target = addresses.parse(resource.url)

    def bring(path: Path) -> tuple[str, ...]:
        received = download(
            web, resource.url, path, form=resource.form, checksum=resource.checksum, progress=progress
        )
        return received.notes

    notes = [] if resource.checksum else ["Le portail n'annonce pas d'empreinte pour ce fichier."]
    return _Plan(
        file=file_name(target.path, resource.form),
        origin=f"{dataset.page or dataset.title} (ressource {resource.id})",
        bring=bring,
        licence=dataset.licence,
        title=f"{dataset.title} – {resource.title}",
        notes=notes,
    )


def _from_folder(asked: Asked, most: int) -> _Plan:
    from eclaireur.sources.remote import folder

    path = folder.find(Path(asked.what.removeprefix("folder:")).expanduser(), pattern=asked.pattern)

    def bring(into: Path) -> tuple[str, ...]:
        folder.copy(path, into, most=most)
        return ()

    return _Plan(file=file_name(path.name), origin=str(path.absolute()), bring=bring)


def _from_store(workspace: Workspace, asked: Asked, most: int, progress: Progress) -> _Plan:
    from eclaireur.sources.remote.objects import Store, split

    settings = workspace.settings
    bucket, key = split(asked.what)
    store = Store(settings.objects_endpoint, region=settings.objects_region)
    stored = store.find(bucket, key)

    def bring(into: Path) -> tuple[str, ...]:
        store.bring(stored, into, most=most, progress=progress)
        return ()

    return _Plan(file=file_name(stored.key), origin=f"s3://{stored.bucket}/{stored.key}", bring=bring)


def search(workspace: Workspace, words: str, *, client: Client | None = None) -> tuple[Dataset, ...]:
    """Return the datasets of data.gouv.fr that answer words."""
    from eclaireur.sources.remote.datagouv import Portal

    web = client or client_of(workspace)
    with workspace.lake.stage() as waiting:
        return Portal(web, waiting, workspace.settings.datagouv).search(words)


def sources(workspace: Workspace) -> tuple[tuple[str, tuple[Snapshot, ...]], ...]:
    """Return every source that was read, by name, with its snapshots, oldest first."""
    root = workspace.lake.root / "snapshots"
    names = sorted(one.name for one in root.iterdir() if one.is_dir()) if root.is_dir() else []
    found = ((name, snapshots.snapshots(workspace.lake, name)) for name in names)
    return tuple((name, taken) for name, taken in found if taken)


def write_history(
    workspace: Workspace,
    source: str,
    target: Path,
    *,
    key: tuple[str, ...] = (),
    read: Callable[[Path], Reading] | None = None,
) -> int:
    """Write the history of a source as Parquet, and return how many rows it has.

    Parameters
    ----------
    key
        Columns that name a thing; see `archive.history`.
    read
        Reads one export; by default in a confined child process.

    Raises
    ------
    NotFoundError
        If the source was never read.
    BadValueError
        If the file name does not end in ``.parquet``.
    """
    import pyarrow.parquet as pq

    from eclaireur.sources.isolated import Isolated, Means
    from eclaireur.sources.remote import archive

    if target.suffix.lower() != ".parquet":
        raise BadValueError("le fichier à écrire doit finir par .parquet.", file=str(target))
    if not re.fullmatch(r"[a-z0-9][a-z0-9_\-]*", source):
        raise NotFoundError(f"aucune donnée lue sous le nom « {source} ».")
    # A person waits for a page for seconds; for years of exports, for minutes.
    with Isolated(Means(seconds=_PATIENCE)) as reader:
        whole = partial(reader.read, hold=True)  # an export too large for a page is compared row by row here
        seen = archive.read_exports(workspace.lake, source, read or whole)
    table = archive.history(workspace.lake, seen, key=key)
    write_atomically(target, lambda path: pq.write_table(table, path, compression="zstd"))
    return int(table.num_rows)
