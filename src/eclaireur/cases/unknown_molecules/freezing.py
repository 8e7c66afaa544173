"""Digital freezing: archived samples searched again when a library changes, and what differs.

An archive is the file that ``score`` wrote of the samples. Its spectra are searched again in the library of
today; a difference is a name that appears, changes or goes, or a level that moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core.errors import MissingColumnError

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.telling import Told

__all__ = ["Difference", "differences"]

_NEEDED = ("spectrum", "inchikey", "name", "score", "level", "accepted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A spectrum of which something else is said now."""

    spectrum: str
    kind: str
    before: str
    after: str
    chance_before: float
    chance_after: float
    level_before: int
    level_after: int


def differences(archive: pa.Table, names: Sequence[str], told: Sequence[Told]) -> list[Difference]:
    """Compare what was said with what is said now, spectrum by spectrum.

    Raises
    ------
    MissingColumnError
        If the archive is no output of ``score``.
    """
    missing = [name for name in _NEEDED if name not in archive.column_names]
    if missing:
        raise MissingColumnError(
            f"ce n'est pas une archive : il manque {', '.join(missing)}.",
            fix="Donnez le fichier que « score » a écrit.",
        )
    old = {str(row["spectrum"]): row for row in archive.select(list(_NEEDED)).to_pylist()}
    found = []
    for name, one in zip(names, told, strict=True):
        row = old.get(name)
        if row is None:
            continue
        first = one.candidates[0] if one.candidates else None
        named_before = str(row["accepted"]).casefold() in {"true", "1", "vrai", "oui"}
        level = int(float(row["level"] or 5))
        key, now = str(row["inchikey"] or "")[:14], (first.inchikey[:14] if first else "")
        if not named_before and one.accepted:
            kind = "nom nouveau"
        elif named_before and not one.accepted:
            kind = "nom retiré"
        elif named_before and key != now:
            kind = "nom changé"
        elif level != one.level:
            kind = "niveau changé"
        else:
            continue
        found.append(
            Difference(
                spectrum=name,
                kind=kind,
                before=str(row["name"] or "") if named_before else "",
                after=first.name if first and one.accepted else "",
                chance_before=float(row["score"] or 0.0),
                chance_after=first.chance if first else 0.0,
                level_before=level,
                level_after=one.level,
            )
        )
    return found
