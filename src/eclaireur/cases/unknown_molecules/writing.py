"""Spectra written as MGF: those of a list of candidates, for another software."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eclaireur.core.files import write_atomically

__all__ = ["mgf_text", "write_mgf"]

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


def write_mgf(rows: Iterable[Mapping[str, Any]], output: Path) -> None:
    """Write spectra in a file, whole or not at all."""
    text = mgf_text(rows)

    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    write_atomically(output, write)
