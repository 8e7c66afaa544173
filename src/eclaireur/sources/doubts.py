"""What a table holds that looks damaged: said with its lines, never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["doubtful"]

_SHOWN = 50
_IDENTIFIERS = (("siret", 14), ("siren", 9), ("codepostal", 5))


def doubtful(table: pa.Table, lines: Sequence[int]) -> tuple[Doubt, ...]:
    """Return the doubts about a table of text columns.

    Identifiers that a spreadsheet turned into ``8,32E+13`` (their digits are lost) or that lost their
    leading zeros, and a last line that is a total rather than a row.
    """
    doubts = []
    for name in table.column_names:
        doubts += _scientific(table[name], name, lines)
        doubts += _short(table[name], name, lines)
    return (*doubts, *_total(table, lines))


def _where(found: pa.ChunkedArray, lines: Sequence[int]) -> tuple[int, ...]:
    import pyarrow.compute as pc

    if not pc.any(found).as_py():
        return ()
    return tuple(lines[row] for row, hit in enumerate(found.to_pylist()) if hit)


def _scientific(column: pa.ChunkedArray, name: str, lines: Sequence[int]) -> list[Doubt]:
    import pyarrow.compute as pc

    hit = pc.match_substring_regex(column, r"^\d[.,]\d+E\+(0?[89]|1\d)$", ignore_case=True)
    where = _where(hit, lines)
    if not where:
        return []
    message = (
        f"Colonne « {name} » : {french.count(len(where), 'identifiant abîmé', 'identifiants abîmés')} "
        "par un tableur (forme 8,32E+13)."
    )
    return [Doubt(kind="scientific", message=message, column=name, lines=where[:_SHOWN])]


def _short(column: pa.ChunkedArray, name: str, lines: Sequence[int]) -> list[Doubt]:
    import pyarrow.compute as pc

    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = re.sub(r"[^a-z]", "", folded)
    length = next((size for word, size in _IDENTIFIERS if word == plain), 0)
    if not length:
        return []
    hit = pc.match_substring_regex(column, rf"^\d{{1,{length - 1}}}$")
    where = _where(hit, lines)
    if not where:
        return []
    message = (
        f"Colonne « {name} » : {french.count(len(where), 'valeur')} de moins de {length} chiffres, "
        "zéros de tête perdus ?"
    )
    return [Doubt(kind="zeros", message=message, column=name, lines=where[:_SHOWN])]


def _total(table: pa.Table, lines: Sequence[int]) -> list[Doubt]:
    if not table.num_rows:
        return []
    first = next((column[-1].as_py() for column in table.columns if column[-1].as_py()), "")
    if not re.match(r"(sous-)?total\b", first.strip(), re.IGNORECASE):
        return []
    return [Doubt(kind="total", message="La dernière ligne semble être un total.", lines=(lines[-1],))]
