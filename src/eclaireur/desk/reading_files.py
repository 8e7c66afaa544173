"""Reads a file that a person sent for reading, and writes what its page shows and gives."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError, ExtraMissingError
from eclaireur.desk.readings import CORRECTIONS, PAGE, READING, REPORT, SAID, TEXT
from eclaireur.service import any_file, detailing
from eclaireur.service.documents import write_text
from eclaireur.service.reading import write_corrections
from eclaireur.sources.documents import Document
from eclaireur.sources.isolated import Isolated, Means
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    from eclaireur.desk.readings import Lecture

__all__ = ["fetch", "read_at_once", "read_slowly"]

_TABLE = "table.parquet"
_QUICK = 20
_SLOW = 600
_PATIENT = Means(seconds=120)
_DRAWN = 20_000_000
"""Bytes of a layer up to which its shapes are drawn, and not its extent alone."""


def read_at_once(lecture: Lecture, reader: Isolated) -> bool:
    """Read the file, if that is quick; False when its pages are images, for which a task is needed."""
    found = _read(lecture, reader, any_file.Wanted(seconds=_QUICK, recognise=False), quiet)
    if found.late:
        return False
    _tell(lecture, found)
    return True


def read_slowly(lecture: Lecture, progress: Progress) -> None:
    """Read the file in the time that it needs, the pages that are images recognised."""
    with Isolated(_PATIENT) as reader:
        found = _read(lecture, reader, any_file.Wanted(seconds=_SLOW), progress)
    _tell(lecture, found)


def fetch(lecture: Lecture, progress: Progress) -> Lecture:
    """Bring the file from the address that was given.

    Raises
    ------
    EclaireurError
        If it cannot be brought; its message says why and what to do.
    """
    from eclaireur.desk.place import workspace
    from eclaireur.service.fetching import bring

    path = bring(workspace(), lecture.asked.address, lecture.place, progress=progress)
    return lecture.asking(replace(lecture.asked, name=path.name))


def _read(
    lecture: Lecture, reader: Isolated, wanted: any_file.Wanted, progress: Progress
) -> any_file.AnyFile:
    sent = lecture.sent
    if sent is None:
        raise BadValueError("ce fichier n'est plus là.", fix="Envoyez-le de nouveau.")
    asked = replace(
        wanted,
        sheet=lecture.asked.sheet or None,
        form=lecture.asked.form,
        data=sent.stat().st_size <= _DRAWN,
        to=lecture.folder / _TABLE,
    )
    try:
        return any_file.read_file(sent, asked, reader=reader, name=lecture.asked.name, progress=progress)
    except ExtraMissingError as error:
        refused = Document(
            file=lecture.asked.name, outcome=Outcome.REFUSE, reason=error.message, fix=error.fix
        )
        return any_file.AnyFile(document=refused)


def _tell(lecture: Lecture, found: any_file.AnyFile) -> None:
    """Write what the page shows and gives; then the file has served, unless it is to be connected."""
    from eclaireur.desk.blocks import render_blocks

    folder, table = lecture.folder, lecture.folder / _TABLE
    page = render_blocks(detailing.detail_file(found, parquet=table))
    table.unlink(missing_ok=True)
    files = [REPORT, READING]
    lecture.write(REPORT, any_file.report_of(found) + "\n")
    lecture.write(READING, json.dumps(any_file.file_json(found), ensure_ascii=False, indent=1))
    if found.table is not None and found.table.doubts:
        write_corrections(found.table, folder / CORRECTIONS)
        files.append(CORRECTIONS)
    if found.document is not None and found.document.text:
        write_text(found.document, folder / TEXT)
        files.append(TEXT)
    repairs, doubts = found.notes
    connectable = found.table is not None and found.outcome is not Outcome.REFUSE
    said = {
        "outcome": str(found.outcome),
        "repairs": repairs,
        "doubts": doubts,
        "table": connectable,
        "reason": found.main.reason,
        "fix": found.main.fix,
        "files": files,
    }
    lecture.write(PAGE, page)
    lecture.write(SAID, json.dumps(said))
    if not (lecture.asked.keep and connectable):
        lecture.forget_file()
