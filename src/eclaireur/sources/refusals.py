"""How a reader says no: a reason and what to do, carried up to the reading."""

from __future__ import annotations

__all__ = ["EMPTY", "EXPORT_AGAIN", "RefusedError"]

EMPTY = "le fichier est vide."
EXPORT_AGAIN = "Exportez le fichier de nouveau, en CSV ou en XLSX."


class RefusedError(Exception):
    """A file is refused, for a reason and with a way out, both in French."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
