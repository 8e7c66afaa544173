"""Lists and sheets that leave the desk, as files: what they hold, what they hide, and their trace.

A file holds the lines that the person may take, in working order. A line whose rank is hidden on the page
(`desk.hiding`) has neither rank nor risk here, in any form of file. The file is made first; then, in one
transaction, the journal takes a line and `Export` a row: no list leaves without its trace.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.export import Column, write_rows
from eclaireur.core.geopackage import GeoColumn, write_geojson, write_geopackage
from eclaireur.desk.access import Action
from eclaireur.desk.hiding import hidden_targets
from eclaireur.desk.listing import Listing, Query
from eclaireur.desk.models import Export, Item, Target
from eclaireur.desk.place import workspace
from eclaireur.desk.switching import stopped
from eclaireur.service.declaring import contact_of
from eclaireur.service.exporting import list_mentions

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.view import Block
    from eclaireur.desk.access import Reach
    from eclaireur.desk.listing import Line
    from eclaireur.desk.models import ApiKey, Edition, User, Worklist

__all__ = ["FIELDS", "FORMS", "Field", "Taken", "attached", "file_of", "sheet_pdf", "take_list"]

FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "pdf": "application/pdf",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
}
"""Forms of a list, and the media type of each."""

_MOST_IN_PDF = 5000
_SUSPENDED = "Ce cas d’usage est suspendu : ni rang, ni risque, ni raison n’est donné."


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that leaves: its content, a safe name, its media type and how many lines it holds."""

    content: bytes
    name: str
    kind: str
    rows: int


@dataclass(frozen=True, slots=True)
class Field:
    """A column: heading on a sheet, name on a map, value of a line, kind on a map, form on a sheet."""

    heading: str
    name: str
    value: Callable[[Line], Any]
    kind: str = "text"
    form: str = ""
    wrap: bool = False


_DAY = "dd/mm/yyyy"
_BEFORE = (
    Field("Position", "position", lambda line: line.position, "integer"),
    Field("Identifiant", "identifiant", lambda line: line.key),
    Field("Nom", "nom", lambda line: line.name, wrap=True),
    Field("Secteur", "secteur", lambda line: line.area),
    Field("Étape", "etape", lambda line: line.status),
    Field("Échéance", "echeance", lambda line: line.due, "day", _DAY),
    Field("Assigné à", "assigne_a", lambda line: line.assigned),
    Field("Avis", "avis", lambda line: line.verdict_title),
    Field("Dernier contrôle", "dernier_controle", lambda line: line.last_seen, "day", _DAY),
)
_RANK = Field("Rang", "rang", lambda line: line.rank, "integer")
_RISK = Field("Risque estimé", "risque_estime", lambda line: line.score, "real", "0.0%")
_REASONS = Field("Raisons", "raisons", lambda line: line.why, wrap=True)

FIELDS = (*_BEFORE, _RANK, _RISK, _REASONS)
"""Every column that a file may have, in order."""


def take_list(
    holder: User | ApiKey,
    reach: Reach,
    card: Card,
    pk: int,
    form: str,
    *,
    asked: Mapping[str, str] | None = None,
    items: Collection[int] | None = None,
    dossiers: Collection[int] | None = None,
) -> Taken:
    """Make the file of an open list, and write in the journal who took what.

    Parameters
    ----------
    holder
        Who takes it: a person, or the key of a program.
    reach
        Lines outside it, or on which ``Action.EXPORT`` is not allowed, are left out.
    pk, form
        The list, and one of `FORMS`.
    asked
        Filters of the page, as its query string.
    items, dossiers
        Only these lines, by their own number or that of their dossier.

    Raises
    ------
    NotFoundError
        If the list or the form does not exist, or no line of it may be taken.
    BadValueError
        If the filters leave no line, or the form cannot hold so many.
    """
    listing = Listing(card, reach, Query.read({**(asked or {}), "portee": "liste", "liste": str(pk)}))
    worklist = listing.worklist
    allowed = reach.rows(Action.EXPORT)
    if (
        form not in FORMS
        or worklist is None
        or worklist.pk != pk
        or not listing.rows().filter(allowed).exists()
    ):
        raise NotFoundError("cette liste n'existe pas, ou elle est hors de votre périmètre.")
    rows = list(listing.ordered().filter(allowed, _among(items, dossiers)))
    if not rows:
        raise BadValueError(
            "aucune ligne ne répond à ces filtres.", fix="Enlevez un filtre, puis recommencez."
        )
    if form == "pdf" and len(rows) > _MOST_IN_PDF:
        raise BadValueError(
            f"{french.number(len(rows))} lignes : c'est trop pour un PDF.", fix="Choisissez XLSX, ODS ou CSV."
        )
    silent = stopped(card.name) is not None
    lines = _lines(listing, rows, silent=silent)
    said = _mentions(card, worklist.edition, silent=silent)
    name = f"liste-{card.name}-{worklist.pk}.{form}"
    content = _file(name, form, worklist.title, _fields(lines, silent=silent), lines, rows, said)
    _trace(holder, worklist, rows, form, content)
    return Taken(content, name, FORMS[form], len(rows))


def _among(items: Collection[int] | None, dossiers: Collection[int] | None) -> Q:
    chosen = Q() if items is None else Q(pk__in=list(items))
    return chosen if dossiers is None else chosen & Q(target__dossier__in=list(dossiers))


def _lines(listing: Listing, rows: Sequence[Item], *, silent: bool) -> list[Line]:
    """Return the lines without what must not be shown, whichever open list hides it."""
    from dataclasses import replace

    hidden = set(
        Target.objects.filter(hidden_targets(), items__worklist=listing.worklist).values_list("pk", flat=True)
    )
    made = []
    for row in rows:
        line = listing.line(row)
        if silent or row.target_id in hidden:
            line = replace(line, rank=None, score=None, low=None, high=None)
        made.append(replace(line, why=()) if silent else line)
    return made


def _fields(lines: Iterable[Line], *, silent: bool) -> list[Field]:
    shown = list(lines)
    fields = list(_BEFORE)
    if any(line.rank is not None for line in shown):
        fields.append(_RANK)
    if any(line.score is not None for line in shown):
        fields.append(_RISK)
    return fields if silent else [*fields, _REASONS]


def _mentions(card: Card, edition: Edition, *, silent: bool) -> dict[str, str]:
    said = list_mentions(
        card,
        run=edition.run,
        as_of=edition.as_of,
        snapshot=edition.snapshot,
        taken=timezone.localtime(edition.snapshot_taken),
        licence=edition.licence,
        model=edition.model,
        by=edition.model_by,
        contact=contact_of(workspace(), card),
    )
    return {**said, "Suspension": _SUSPENDED} if silent else said


def _file(
    name: str,
    form: str,
    title: str,
    fields: Sequence[Field],
    lines: Sequence[Line],
    rows: Sequence[Item],
    mentions: Mapping[str, str],
) -> bytes:
    def write(target: Path) -> None:
        if form in {"geojson", "gpkg"}:
            _write_places(target, title, fields, lines, rows, mentions)
        else:
            columns = [
                Column(one.heading, [one.value(line) for line in lines], one.form, one.wrap) for one in fields
            ]
            # A sheet has a plain name: spreadsheets refuse some characters that a title may have.
            write_rows(columns, target, mentions=mentions, title=title if form == "pdf" else "Liste")

    return file_of(name, write)


def file_of(name: str, write: Callable[[Path], None]) -> bytes:
    """Return the bytes of a file that is written under a name, in a folder that does not stay."""
    with tempfile.TemporaryDirectory(prefix="eclaireur-export-") as folder:
        target = Path(folder) / name
        write(target)
        return target.read_bytes()


def _write_places(
    target: Path,
    title: str,
    fields: Sequence[Field],
    lines: Sequence[Line],
    rows: Sequence[Item],
    mentions: Mapping[str, str],
) -> None:
    columns = [GeoColumn(one.name, one.kind) for one in fields]
    placed = [
        (
            {"type": "Point", "coordinates": [row.target.longitude, row.target.latitude]},
            [_flat(one.value(line)) for one in fields],
        )
        for row, line in zip(rows, lines, strict=True)
        if row.target.longitude is not None and row.target.latitude is not None
    ]
    said = dict(mentions)
    if missing := len(rows) - len(placed):
        said["Sans coordonnées"] = french.count(missing, "ligne de la liste", "lignes de la liste")
    if target.suffix == ".geojson":
        write_geojson(target, columns, placed, mentions=said)
    else:
        write_geopackage(
            target, columns, placed, layer="liste", title=title, mentions=said, changed=timezone.now()
        )


def _flat(value: Any) -> Any:
    return " | ".join(value) if isinstance(value, tuple) else value


def _trace(
    holder: User | ApiKey, worklist: Worklist, rows: Sequence[Item], form: str, content: bytes
) -> None:
    from eclaireur.desk.models import User

    edition = worklist.edition
    person = holder if isinstance(holder, User) else None
    areas = {row.area for row in rows}
    with transaction.atomic():
        entry = workspace().journal.append(
            "export",
            case=worklist.case,
            actor=person.full_name if person else str(holder),
            data={
                "login": person.login if person else None,
                "worklist": worklist.pk,
                "worklist_run": worklist.run,
                "run": edition.run,
                "snapshot": edition.snapshot,
                "model": edition.model,
                "form": form,
                "items": len(rows),
                "areas": sorted(areas),
                "sha256": hashlib.sha256(content).hexdigest(),
            },
        )
        Export.objects.create(
            case=worklist.case,
            area=areas.pop() if len(areas) == 1 else "",
            service=worklist.service,
            seq=entry.seq,
            form=form,
            rows=len(rows),
            edition=edition,
            user=person,
            key=None if isinstance(holder, User) else holder,
        )


def attached(content: bytes, name: str, kind: str = "application/pdf") -> HttpResponse:
    """Return a file as an attachment, under a name that any system takes."""
    from django.utils.http import content_disposition_header

    response = HttpResponse(content, content_type=kind)
    safe = "".join(char if char.isalnum() or char in "-_." else "-" for char in name)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=safe) or ""
    response["X-Content-Type-Options"] = "nosniff"
    return response


def sheet_pdf(blocks: Iterable[Block], title: str, mentions: Mapping[str, str]) -> bytes:
    """Return the sheet of a subject as PDF; ``Mention`` among the mentions is at the foot of each page."""
    from eclaireur.core.pdf import write_pdf

    target = io.BytesIO()
    write_pdf(blocks, target, title=title, mentions=mentions, day=timezone.localdate())
    return target.getvalue()
