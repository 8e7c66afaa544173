"""The ZIP container of DOCX and ODT files: checked before anything is expanded, and nothing is written."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib

from eclaireur.sources.documents.limits import Limits
from eclaireur.sources.refusals import RefusedError

__all__ = ["Container"]

_FIX = "Enregistrez le document de nouveau avec le logiciel qui l'a fait."


class Container:
    """Files of a ZIP container by name, read one at a time.

    Raises
    ------
    RefusedError
        If it is broken, locked, or would expand out of measure.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise RefusedError("ce document est abîmé : son contenu ne s'ouvre pas.", _FIX) from error
        entries = self._archive.infolist()
        total = sum(entry.file_size for entry in entries)
        too_much = total > limits.expanded or total > max(len(data) * limits.ratio, 20_000_000)
        if len(entries) > limits.entries or too_much:
            raise RefusedError("ce document grossit démesurément quand on l'ouvre.", _FIX)
        if any(entry.flag_bits & 1 for entry in entries):
            raise RefusedError("ce document est protégé par un mot de passe.", "Retirez la protection.")
        self._entries = {entry.filename.lstrip("/").lower(): entry for entry in entries}

    def __contains__(self, name: str) -> bool:
        return self._key(name) in self._entries

    def _key(self, name: str) -> str:
        return posixpath.normpath(name.replace("\\", "/").lstrip("/")).lower()

    def names(self) -> list[str]:
        """Return the names, in small letters."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        RefusedError
            If it is absent, broken, or larger than it says.
        """
        entry = self._entries.get(self._key(name))
        if entry is None:
            raise RefusedError(f"il manque une partie de ce document ({name}).", _FIX)
        try:
            with self._archive.open(entry) as stream:
                data = stream.read(entry.file_size + 1)
        except (
            zipfile.BadZipFile,
            OSError,
            ValueError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            zlib.error,
        ) as error:
            raise RefusedError("ce document est abîmé : une de ses parties ne s'ouvre pas.", _FIX) from error
        if len(data) > entry.file_size:
            raise RefusedError("ce document ment sur sa taille.", _FIX)
        return data
