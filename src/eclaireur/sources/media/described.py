"""What reading an image, a map or a sound gives: what it is, its data, repairs and doubts, or why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from eclaireur.sources.reading import Doubt, Outcome, Repair

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Described",
    "Kind",
    "described",
    "described_from",
    "doubts_from",
    "notes_of",
    "refused",
    "repairs_from",
]


class Kind(StrEnum):
    """The kinds of files that are no table."""

    IMAGE = "image"
    RASTER = "raster"
    VECTOR = "vector"
    AUDIO = "audio"

    @property
    def french(self) -> str:
        """Word on screen."""
        return {
            "image": "image",
            "raster": "image géographique",
            "vector": "couche géographique",
            "audio": "son",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The result of reading one image, map or sound.

    Parameters
    ----------
    outcome
        One of the three.
    facts
        What it is, as JSON values: size, bands, coordinates, duration…; empty when refused.
    data
        What it holds, when it was asked for and the file is not refused: see the reader of its kind.
    reason, fix
        When refused: why, and what to do, in French.
    reduced
        When read in a child process: what the host could not take away from it (*isolation réduite*).
    """

    file: str
    kind: Kind
    outcome: Outcome
    facts: Mapping[str, Any] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    data: pa.Table | None = field(default=None, repr=False)
    reason: str = ""
    fix: str = ""
    reduced: tuple[str, ...] = ()


def described(
    file: str,
    kind: Kind,
    facts: Mapping[str, Any],
    *,
    repairs: tuple[Repair, ...] = (),
    doubts: tuple[Doubt, ...] = (),
    data: pa.Table | None = None,
) -> Described:
    """Build a description; repairs or doubts make it *lu avec réserves*."""
    outcome = Outcome.LU_AVEC_RESERVES if repairs or doubts else Outcome.LU
    return Described(
        file=file, kind=kind, outcome=outcome, facts=facts, repairs=repairs, doubts=doubts, data=data
    )


def refused(file: str, kind: Kind, reason: str, fix: str) -> Described:
    """Build a refusal."""
    return Described(file=file, kind=kind, outcome=Outcome.REFUSE, reason=reason, fix=fix)


def notes_of(found: Any) -> dict[str, Any]:
    """Return the outcome, reason, repairs and doubts of a reading or a description, as JSON values."""
    return {
        "outcome": str(found.outcome),
        "reason": found.reason,
        "fix": found.fix,
        "repairs": [[one.kind, one.message, one.lines] for one in found.repairs],
        "doubts": [[one.kind, one.message, one.column, one.lines, one.count] for one in found.doubts],
    }


def repairs_from(content: Iterable[Any]) -> tuple[Repair, ...]:
    """Return repairs from their JSON values."""
    return tuple(Repair(kind=kind, message=message, lines=tuple(lines)) for kind, message, lines in content)


def doubts_from(content: Iterable[Any]) -> tuple[Doubt, ...]:
    """Return doubts from their JSON values."""
    return tuple(
        Doubt(kind=kind, message=message, column=column, lines=tuple(lines), count=count)
        for kind, message, column, lines, count in content
    )


def described_from(file: str, kind: Kind, content: Mapping[str, Any]) -> Described:
    """Return a description from what a child process answers; its data is taken apart."""
    return Described(
        file=file,
        kind=kind,
        outcome=Outcome(content["outcome"]),
        facts=content["facts"],
        repairs=repairs_from(content["repairs"]),
        doubts=doubts_from(content["doubts"]),
        reason=content["reason"],
        fix=content["fix"],
    )
