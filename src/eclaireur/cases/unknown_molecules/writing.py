"""Spectra written as MGF: those of a list of candidates, for another software."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.files import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Records

__all__ = ["candidates_mgf", "mgf_text", "write_mgf"]

_FIELDS = (
    ("SPECTRUMID", "spectrum"),
    ("NAME", "name"),
    ("FORMULA", "formula"),
    ("SMILES", "smiles"),
    ("INCHIKEY", "inchikey"),
    ("ADDUCT", "adduct"),
    ("IONMODE", "mode"),
    ("INSTRUMENT", "instrument"),
    ("LICENSE", "licence"),
    ("PROBABILITY", "probability"),
    ("QUERY", "query"),
)


def mgf_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows of `spectra.spectra_schema` as MGF; a ``probability`` is written too when there is one."""
    parts = []
    for row in rows:
        lines = ["BEGIN IONS"]
        if row.get("precursor"):
            lines.append(f"PEPMASS={row['precursor']:.10g}")
        # A line feed inside a name would be read as another line.
        lines += [
            f"{name}={' '.join(str(row[key]).split())}" for name, key in _FIELDS if row.get(key) is not None
        ]
        if row.get("energy") is not None:
            lines.append(f"COLLISION_ENERGY={row['energy']:g} {row.get('energy_unit') or ''}".rstrip())
        if row.get("retention") is not None:
            lines.append(f"RTINSECONDS={60 * row['retention']:.10g}")
        lines += [f"{mz:.10g} {height:.10g}" for mz, height in zip(row["mz"], row["intensity"], strict=True)]
        parts.append("\n".join([*lines, "END IONS", ""]))
    return "\n".join(parts)


def candidates_mgf(scored: pa.Table, records: Records) -> str:
    """Write the library spectra of all candidates of scored rows, each with its probability and its query."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [
        {**one, "query": row["spectrum"]}
        for row in scored.select(["spectrum", "candidates"]).to_pylist()
        for one in json.loads(row["candidates"])
    ]
    library = records["spectra"]
    wanted = library.filter(
        pc.is_in(library["spectrum"], pa.array(sorted({one["spectrum"] for one in found}), pa.string()))
    )
    known = {row["spectrum"]: row for row in wanted.to_pylist()}
    return mgf_text(
        {**known[one["spectrum"]], "probability": one["probability"], "query": one["query"]}
        for one in found
        if one["spectrum"] in known
    )


def write_mgf(rows: Iterable[Mapping[str, Any]], output: Path) -> None:
    """Write spectra in a file, whole or not at all."""
    text = mgf_text(rows)

    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    write_atomically(output, write)
