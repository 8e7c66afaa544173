"""The model in service applied to a new file, in the case's documented format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.mention import SHORT
from eclaireur.service import training, work as working
from eclaireur.service.exporting import list_mentions
from eclaireur.service.files import read_documented
from eclaireur.service.signals import ranks_only
from eclaireur.service.stopping import refuse_stopped

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Records
    from eclaireur.core.types import Run
    from eclaireur.service.training import InService
    from eclaireur.service.work import RecordsRun, Work

__all__ = ["KeptScore", "Scored", "keep_score", "kept_score", "score", "titles", "write_scored"]

_TABLE, _SAID = "scored.parquet", "said.json"
_TITLES = {
    "line": "Ligne",
    "rank": "Rang",
    "score": "Score",
    "low": "Borne basse",
    "high": "Borne haute",
    "kept": "Retenue",
    "rejection": "Raison du rejet",
    "reasons": "Éléments",
    "subject": "Identifiant",
    "name": "Nom",
    "area": "Secteur",
    "date": "Date",
    "as_of": "À la date du",
    "calibrated": "Risque calibré",
    "model": "Modèle",
    "run": "Calcul",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What was scored, by which model, and what the reader had to repair."""

    rows: int
    model: int
    run: str
    output: Path
    notes: tuple[str, ...]


def score(work: Work, source: str, *, input_path: Path, output: Path) -> Scored:
    """Score each row of a file as of its own date, and write one output row per input row.

    Parameters
    ----------
    input_path
        A file, or a folder whose files are read one after the other in the order of their names.
    output
        ``.csv``, ``.xlsx``, ``.parquet``, ``.json``, ``.jsonl``, or a form of the case's own; written whole
        or not at all. A case names its forms by ``SCORE_FORMS``: ending → function that gives the text of a
        file from the scored rows and the records.

    Raises
    ------
    InputError
        If the input or the output's form is wrong.
    RefusedError
        If the case is suspended.
    """
    forms: Mapping[str, Callable[[pa.Table, Records], str]] = getattr(work.case, "SCORE_FORMS", {})
    own = forms.get(output.suffix.lower())
    write = None if own is not None else _writer(output, more=forms)
    asked = _asked(work, source, input_path)
    scored = _scored(work, source, asked)
    if write is not None:
        write_atomically(output, lambda target: write(scored, target))
    elif own is not None:
        text = own(scored, asked.records.tables)
        write_atomically(output, lambda target: _write_text(text, target))
    return Scored(
        rows=scored.num_rows,
        model=asked.model.card.number,
        run=asked.run.id,
        output=output,
        notes=asked.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptScore:
    """A scored file kept in the lake: its rows, what the reader repaired, and what must be said with it."""

    table: pa.Table
    notes: tuple[str, ...]
    mentions: dict[str, str]


def keep_score(work: Work, source: str, *, input_path: Path) -> str:
    """Score a file as `score` does, keep the result in the lake, and return its run.

    The same rows, data and model are scored once.
    """
    import pyarrow.parquet as pq

    asked = _asked(work, source, input_path)

    def write(folder: Path) -> None:
        pq.write_table(_scored(work, source, asked), folder / _TABLE, compression="zstd")
        snapshot = asked.records.snapshot
        mentions = list_mentions(
            work.card,
            run=asked.run.id,
            as_of=work.case.data_date(asked.records.tables),
            snapshot=snapshot.id,
            taken=snapshot.taken,
            licence=snapshot.licence,
            model=asked.model.card.number,
            by=asked.model.by,
        )
        said = {"notes": asked.notes, "mentions": mentions}
        (folder / _SAID).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")

    work.workspace.runs.do(asked.run, write)
    return asked.run.id


def kept_score(work: Work, run: str) -> KeptScore:
    """Return a scored file that was kept.

    Raises
    ------
    NotFoundError
        If there is none of this number.
    """
    import pyarrow.parquet as pq

    runs = work.workspace.runs
    folder = work.workspace.lake.folder(runs.address(runs.read(work.card.name, "score", run)))
    said = json.loads((folder / _SAID).read_text(encoding="utf-8"))
    return KeptScore(
        table=pq.read_table(folder / _TABLE),
        notes=tuple(said["notes"]),
        mentions=dict(said["mentions"]),
    )


def titles(work: Work) -> dict[str, str]:
    """Return the French titles of the columns of a scored file: those of the case, of its input, of all.

    A case says those of its own by ``SCORED_TITLES``.
    """
    own: Mapping[str, str] = getattr(work.case, "SCORED_TITLES", {})
    given = {
        one.name: one.title
        for table in work.card.inputs
        if table.name == "candidates"
        for one in table.fields
    }
    return {**_TITLES, **given, **own}


def write_scored(table: pa.Table, output: Path) -> None:
    """Write a scored file as it is, as `score` does: for a program."""
    write = _writer(output)
    write_atomically(output, lambda target: write(table, target))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A file that was read, and all that its scores depend on."""

    candidates: pa.Table
    lines: list[int]
    notes: tuple[str, ...]
    records: RecordsRun
    model: InService
    run: Run


def _asked(work: Work, source: str, input_path: Path) -> _Asked:
    import pyarrow as pa

    refuse_stopped(work)
    paths = _paths(input_path)
    read = [_read(work, path) for path in paths]
    candidates = pa.concat_tables([one.table for one in read], promote_options="default")
    records = working.ensure_records(work, source)
    current = training.ensure_model(work, records, source)
    run = work.run(
        "score",
        config={"source": source, "files": [path.name for path in paths], "rows": _digest(candidates)},
        inputs=(records.run.id, work.workspace.registry.seal(current.card)),
    )
    return _Asked(
        candidates=candidates,
        lines=[line for one in read for line in one.lines],
        notes=tuple(note for one in read for note in one.notes),
        records=records,
        model=current,
        run=run,
    )


def _scored(work: Work, source: str, asked: _Asked) -> pa.Table:
    import pyarrow as pa

    _refuse_gone(work, asked.candidates)
    registry, card = work.workspace.registry, asked.model.card
    scored = work.case.score(
        asked.candidates,
        asked.records.tables,
        card,
        lambda name: registry.artefact(card, name),
        progress=work.progress,
    )
    if work.rank_only(source):
        scored = ranks_only(scored)
    size = scored.num_rows
    scored = scored.append_column("model", pa.array([card.number] * size, pa.int32()))
    scored = scored.append_column("mention", pa.array([SHORT] * size, pa.string()))
    scored = scored.append_column("run", pa.array([asked.run.id] * size, pa.string()))
    return scored.add_column(0, "line", pa.array(asked.lines, pa.int64()))


def _refuse_gone(work: Work, candidates: pa.Table) -> None:
    """Refuse a file with somebody who was erased from the case, named as the file does.

    Raises
    ------
    BadValueError
        If there is one: what a file says of somebody would else bring them back.
    """
    from eclaireur.service.erasing import marks_of

    erasures = work.workspace.erasures
    some = any(one.case == work.card.name for one in erasures.all())
    if not some or "subject" not in candidates.column_names:
        return
    written = [str(one) for one in candidates["subject"].unique().to_pylist() if one is not None]
    known = {mark: name for name in written for mark in marks_of(work, name)}
    gone = sorted({known[mark] for mark in erasures.gone(work.card.name, list(known))})
    if gone:
        raise BadValueError(
            f"« {gone[0]} » a été effacé de ce cas et ne peut plus y figurer.",
            column="subject",
            fix="Retirez-le du fichier.",
        )


@dataclass(frozen=True, slots=True)
class _Read:
    table: pa.Table
    lines: tuple[int, ...]
    notes: tuple[str, ...]


def _read(work: Work, path: Path) -> _Read:
    """Read a file to score: by the case itself when it knows its form, else as a table."""
    own = getattr(work.case, "read_candidates", None)
    found: pa.Table | None = own(path) if own is not None else None
    if found is not None and "line" in found.column_names:
        return _Read(found.drop_columns(["line"]), tuple(found["line"].to_pylist()), ())
    if found is not None:
        return _Read(found, (1,) * found.num_rows, ())
    documented = read_documented(work, "candidates", path)
    notes = tuple(repair.message for repair in documented.reading.repairs)
    return _Read(documented.table, documented.lines, notes)


def _paths(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(entry for entry in path.iterdir() if entry.is_file() and entry.name[0] != ".")
        if not found:
            raise BadValueError("le dossier ne contient aucun fichier.", file=str(path))
        return found
    return [path]


def _digest(table: pa.Table) -> str:
    import hashlib

    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:16]


def _write_text(text: str, target: Path) -> None:
    target.write_text(text, encoding="utf-8")


def _writer(output: Path, *, more: Iterable[str] = ()) -> Callable[[pa.Table, Path], None]:
    writers = {
        ".csv": _write_csv,
        ".xlsx": _write_xlsx,
        ".parquet": _write_parquet,
        ".json": _write_json,
        ".jsonl": _write_jsonl,
    }
    if output.suffix.lower() not in writers:
        raise BadValueError(
            f"forme de sortie inconnue : « {output.suffix} ».",
            file=str(output),
            fix=f"Choisissez parmi {', '.join([*writers, *more])}.",
        )
    return writers[output.suffix.lower()]


def _flat(table: pa.Table) -> pa.Table:
    """Replace the structured reasons by sentences, one cell a row."""
    import pyarrow as pa

    sentences = [" | ".join(reason["sentence"] for reason in row) for row in table["reasons"].to_pylist()]
    index = table.schema.get_field_index("reasons")
    return table.set_column(index, "reasons", pa.array(sentences, pa.string()))


def _write_csv(table: pa.Table, target: Path) -> None:
    import pyarrow.csv as pacsv

    pacsv.write_csv(_flat(table), target)


def _write_parquet(table: pa.Table, target: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, target, compression="zstd")


def _write_xlsx(table: pa.Table, target: Path) -> None:
    from eclaireur.core.export import write_sheet

    write_sheet(_flat(table), target, title="Scores")


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _write_json(table: pa.Table, target: Path) -> None:
    target.write_text(json.dumps(_rows(table), ensure_ascii=False, default=str, indent=1), encoding="utf-8")


def _write_jsonl(table: pa.Table, target: Path) -> None:
    with target.open("w", encoding="utf-8") as stream:
        for row in _rows(table):
            stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
