"""Raw files of each source as two tables: ``spectra``, the library, and ``samples``, to be identified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules import formats
from eclaireur.cases.unknown_molecules.feature_rows import read_signals
from eclaireur.cases.unknown_molecules.spectra import checked, spectra_schema, table_of

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Progress

__all__ = ["candidates", "documented", "read", "spectra_file"]

_SAMPLES = "samples"


def read(raw: Path, progress: Progress) -> dict[str, pa.Table]:
    """Read every file of a snapshot: what is named ``samples`` or is an MGF file is to be identified."""
    import pyarrow as pa

    parts: dict[str, list[pa.Table]] = {"spectra": [], _SAMPLES: []}
    paths = sorted(path for path in raw.iterdir() if path.is_file() and formats.kind_of(path))
    for done, path in enumerate(paths):
        progress(done, len(paths), f"Lecture de {path.name}")
        stem = path.name.partition(".")[0].casefold()
        role = _SAMPLES if stem.startswith(_SAMPLES) or formats.kind_of(path) == "mgf" else "spectra"
        parts[role].append(table_of(formats.read_rows(path)))
    empty = spectra_schema().empty_table()
    return {name: pa.concat_tables(some) if some else empty for name, some in parts.items()}


def candidates(path: Path) -> pa.Table | None:
    """Read spectra or signals to score, those set aside with their reason; None when it is a plain table."""
    return read_signals(path) if formats.kind_of(path) is None else spectra_file(path)


def spectra_file(path: Path) -> pa.Table | None:
    """Read a file of spectra, those set aside with their reason; None for another file."""
    kind = formats.kind_of(path)
    if kind is None or (kind == "parquet" and not formats.has_peaks(path)):
        return None
    return table_of(formats.read_rows(path))


def documented(table: pa.Table) -> pa.Table:
    """Return a table of spectra from one in the documented format (``peaks`` as text), or from itself."""
    import pyarrow as pa

    schema = spectra_schema()
    if {*schema.names} - {"line"} <= {*table.column_names}:
        if "line" not in table.column_names:
            table = table.append_column("line", pa.nulls(table.num_rows, pa.int64()))
        return table.select(schema.names).cast(schema)
    rows = []
    for number, row in enumerate(formats.from_table(table), start=1):
        row["spectrum"] = str(row.get("spectrum") or f"spectre {number}")
        rows.append(checked(row))
    return table_of(rows)
