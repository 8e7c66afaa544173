"""The model in service applied to a new file, in the case's documented format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.mention import SHORT
from eclaireur.service import training, work as working
from eclaireur.service.files import read_documented
from eclaireur.service.signals import ranks_only
from eclaireur.service.stopping import refuse_stopped

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.work import Work

__all__ = ["Scored", "score"]


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
        ``.csv``, ``.xlsx``, ``.parquet``, ``.json`` or ``.jsonl``; written whole or not at all.

    Raises
    ------
    InputError
        If the input or the output's form is wrong.
    RefusedError
        If the case is suspended.
    """
    import pyarrow as pa

    refuse_stopped(work)
    write = _writer(output)
    paths = _paths(input_path)
    read = [_read(work, path) for path in paths]
    candidates = pa.concat_tables([one.table for one in read], promote_options="default")
    records = working.ensure_records(work, source)
    current = training.ensure_model(work, records, source)
    registry = work.workspace.registry
    run = work.run(
        "score",
        config={"source": source, "files": [path.name for path in paths], "rows": _digest(candidates)},
        inputs=(records.run.id, registry.seal(current.card)),
    )
    scored = work.case.score(
        candidates,
        records.tables,
        current.card,
        lambda name: registry.artefact(current.card, name),
        progress=work.progress,
    )
    if work.rank_only(source):
        scored = ranks_only(scored)
    size = scored.num_rows
    scored = scored.append_column("model", pa.array([current.card.number] * size, pa.int32()))
    scored = scored.append_column("mention", pa.array([SHORT] * size, pa.string()))
    scored = scored.append_column("run", pa.array([run.id] * size, pa.string()))
    lines = [line for one in read for line in one.lines]
    scored = scored.add_column(0, "line", pa.array(lines, pa.int64()))
    write_atomically(output, lambda target: write(scored, target))
    notes = tuple(note for one in read for note in one.notes)
    return Scored(rows=size, model=current.card.number, run=run.id, output=output, notes=notes)


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


def _writer(output: Path) -> Callable[[pa.Table, Path], None]:
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
            fix=f"Choisissez parmi {', '.join(writers)}.",
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
