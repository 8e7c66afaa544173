"""Reports of a case beside its list: view blocks, shown, or written as a document or a sheet.

A case that has reports gives ``REPORTS`` (name → French title) and ``report(name, records, card, artefact,
about=…, table=…, seed=…, progress=…)``. What a report cannot do without is said by ``REPORT_ASKS``: name →
`core.view.FormField` named ``about`` (a word, or one of its choices) or ``table`` (a file). Fields of other
names are its settings (`service.settings`), which ``report`` then takes as ``settings=…``, name → value. With
``read_report_input(path)`` a case reads files that are no tables (a drawn zone), and returns None for others.
``REPORT_READS`` (report → input table of the card) says whose columns the file has, under any known heading.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import export
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, FormField, Table
from eclaireur.core.view_json import from_plain, to_plain
from eclaireur.service import settings as setting, training, work as working
from eclaireur.service.declaring import contact_of
from eclaireur.service.exporting import list_mentions
from eclaireur.service.files import read_documented

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["asks", "keep_report", "kept_report", "report", "settings_of", "titles", "write_report"]

_KEPT = "report.json"
_NOTHING: Mapping[str, str] = {}


def titles(work: Work) -> Mapping[str, str]:
    """Return the reports of a case: name → French title; empty when it has none."""
    found: Mapping[str, str] = getattr(work.case, "REPORTS", {})
    return found


def asks(work: Work, name: str) -> tuple[FormField, ...] | None:
    """Return what a report of a case asks for; None when the case says it of none of its reports."""
    found: Mapping[str, tuple[FormField, ...]] | None = getattr(work.case, "REPORT_ASKS", None)
    return None if found is None else found.get(name, ())


def settings_of(work: Work, name: str) -> tuple[FormField, ...]:
    """Return the settings of a report: what it asks for, but for what it is about and its table."""
    return tuple(one for one in asks(work, name) or () if one.name not in {"about", "table"})


def keep_report(
    work: Work,
    source: str,
    name: str,
    *,
    about: str = "",
    input_path: Path | None = None,
    settings: Mapping[str, str] = _NOTHING,
) -> str:
    """Make a report as `report` does, keep it in the lake, and return its run.

    The same report of the same data, model, words, settings and files is made once.
    """
    records = working.ensure_records(work, source)
    current = training.ensure_model(work, records, source)
    given = "" if input_path is None else hashlib.sha256(input_path.read_bytes()).hexdigest()
    config: dict[str, Any] = {"report": name, "about": about, "source": source, "table": given}
    if fields := settings_of(work, name):
        config["settings"] = setting.told(setting.read_settings(fields, settings, required=not about))
    run = work.run(
        "report", config=config, inputs=(records.run.id, work.workspace.registry.seal(current.card))
    )

    def write(folder: Path) -> None:
        blocks, mentions = report(work, source, name, about=about, input_path=input_path, settings=settings)
        content = {"blocks": to_plain(blocks), "mentions": mentions}
        (folder / _KEPT).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    work.workspace.runs.do(run, write)
    return run.id


def kept_report(work: Work, run: str) -> tuple[tuple[Block, ...], dict[str, str]]:
    """Return a report that was kept, as `report` does.

    Raises
    ------
    NotFoundError
        If there is none of this number.
    """
    runs = work.workspace.runs
    folder = work.workspace.lake.folder(runs.address(runs.read(work.card.name, "report", run)))
    content = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
    return from_plain(content["blocks"]), dict(content["mentions"])


def report(
    work: Work,
    source: str,
    name: str,
    *,
    about: str = "",
    input_path: Path | None = None,
    settings: Mapping[str, str] = _NOTHING,
) -> tuple[tuple[Block, ...], dict[str, str]]:
    """Make a report.

    Parameters
    ----------
    about
        What the report is about, when it asks for it: a site, a commune. A report of many settings may be
        asked by it in one line: then none of them must be given.
    input_path
        A table of the user, when the report asks for one.
    settings
        Name → what was typed, for the other fields that the report asks for; the path of a file.

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
    fields = settings_of(work, name)
    values = setting.read_settings(fields, settings, required=not about)
    for field in fields:
        if field.kind == "file" and values[field.name] is not None:
            values[field.name] = _read(work, values[field.name])
    table = None if input_path is None else _given(work, name, input_path)
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
        **({"settings": values} if fields else {}),
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
        contact=contact_of(work.workspace, work.card),
    )
    return blocks, mentions


def _given(work: Work, name: str, path: Path) -> Any:
    """Read the file of a report, as one of the input tables of the card when the case says which."""
    reads: Mapping[str, str] = getattr(work.case, "REPORT_READS", {})
    return read_documented(work, reads[name], path).table if name in reads else _read(work, path)


def _read(work: Work, path: Path) -> Any:
    """Read what a user gives to a report: by the case itself when it knows its form, else as a table."""
    from eclaireur.sources.isolated import Isolated

    own = getattr(work.case, "read_report_input", None)
    if own is not None and path.is_file():
        found = own(path)
        if found is not None:
            return found
    with Isolated() as reader:
        reading = reader.read(path)
    if reading.table is None:
        raise BadValueError(reading.reason, file=str(path), fix=reading.fix)
    return reading.table


def write_report(blocks: Sequence[Block], output: Path, *, title: str, mentions: Mapping[str, str]) -> None:
    """Write blocks as ``.pdf`` or ``.odt``, or their first table as ``.xlsx``, ``.ods`` or ``.csv``.

    The file is written whole or not at all.

    Raises
    ------
    BadValueError
        If the file name ends otherwise, or there is no table for a sheet.
    """
    if output.suffix.lower() == ".pdf":
        from eclaireur.core.pdf import write_pdf

        write_atomically(output, lambda target: write_pdf(blocks, target, title=title, mentions=mentions))
        return
    if output.suffix.lower() == ".odt":
        from eclaireur.core.odt import write_odt

        write_atomically(output, lambda target: write_odt(blocks, target, title=title, mentions=mentions))
        return
    table = next((block for block in blocks if isinstance(block, Table)), None)
    if table is None:
        raise BadValueError("ce rapport n'a pas de tableau.", file=str(output), fix="Écrivez-le en .pdf.")
    columns = [export.Column(one.title, [row.get(one.key) for row in table.rows]) for one in table.columns]
    # Spreadsheets refuse these in the name of a sheet, and more than 31 characters.
    name = re.sub(r"[][:*?/\\']", "-", table.title)[:31]
    export.write_rows(columns, output, mentions=mentions, title=name)
