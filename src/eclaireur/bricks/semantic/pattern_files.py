"""Files of patterns: expressions are data, in TOML, and whoever wrote a wrong one is told where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from eclaireur.core.errors import ConfigError

__all__ = ["read_pattern_file"]

_Read = TypeVar("_Read")


def read_pattern_file(path: Path, made: Callable[[dict[str, Any]], _Read]) -> _Read:
    """Read a file of patterns by a function of its content.

    Raises
    ------
    ConfigError
        If it is not TOML, a key is missing or an expression is wrong.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "patterns.toml"
    >>> _ = path.write_text('says = ["rats?"]')
    >>> read_pattern_file(path, lambda data: re.compile(data["says"][0])).pattern
    'rats?'
    """
    try:
        return made(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, re.error) as error:
        raise ConfigError(
            f"motifs illisibles : {error}.", file=str(path), fix="Corrigez le fichier."
        ) from error
