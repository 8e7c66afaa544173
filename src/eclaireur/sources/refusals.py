"""How a reader says no: a reason and what to do, carried up to the reading."""

from __future__ import annotations

from eclaireur.core.errors import EmptyTableError, FileRefusedError
from eclaireur.sources.reading import Outcome, Reading

__all__ = ["EMPTY", "EXPORT_AGAIN", "RefusedError", "unless_refused"]

EMPTY = "le fichier est vide."
EXPORT_AGAIN = "Exportez le fichier de nouveau, en CSV ou en XLSX."


class RefusedError(Exception):
    """A file is refused, for a reason and with a way out, both in French."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def unless_refused(reading: Reading, file: str) -> Reading:
    """Return a reading, or raise what a user can act on.

    Raises
    ------
    FileRefusedError
        If the file is refused.
    EmptyTableError
        If it holds nothing.
    """
    if reading.outcome is Outcome.REFUSE:
        kind = EmptyTableError if reading.reason == EMPTY else FileRefusedError
        raise kind(reading.reason, fix=reading.fix, file=file)
    return reading
