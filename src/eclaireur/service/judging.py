"""Labelled queries read from a file, to choose the weights of a ranking."""

from __future__ import annotations

import json
from pathlib import Path

from eclaireur.bricks.semantic.weighing import Judged
from eclaireur.core.errors import BadValueError

__all__ = ["read_judged"]


def read_judged(path: Path) -> list[Judged]:
    """Read one JSON object a line: ``query``, ``expected`` (an id or several), ``group`` when there is one.

    Raises
    ------
    BadValueError
        If a line is wrong; it is told.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            told = row["expected"]
            expected = tuple(map(str, told if isinstance(told, list) else [told]))
            found.append(Judged(str(row["query"]), expected, str(row.get("group", " ".join(expected)))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadValueError(
                "requête étiquetée illisible.",
                file=str(path),
                line=number,
                fix='Attendu : {"query": "vos mots", "expected": ["identifiant"]}.',
            ) from error
    return found
