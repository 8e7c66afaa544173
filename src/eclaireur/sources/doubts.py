"""What a whole table holds that looks damaged: said with its lines, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["doubtful"]

_SHOWN = 50
_TOTAL = re.compile(r"((sous[- ]?|grand )?total( général)?|totaux)\b\s*:?$", re.IGNORECASE)
# An accent that became a question mark, links aside: « D?partement », not « page?id=1 ».
_LOST = r"[A-Za-zÀ-ÿ]\?[a-zà-ÿ]{2}"
_ENTITY = r"&(#\d{2,5}|#x[0-9A-Fa-f]{2,4}|[A-Za-z]{2,8});"


def doubtful(table: pa.Table, lines: Sequence[int]) -> tuple[Doubt, ...]:
    """Return the doubts about a table of text columns: lost accents, web entities, lines of total."""
    doubts = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not _worth(column):
            continue
        lost = _where(column, lines, _LOST, unless=r"://|\?\w+=|www\.")
        if lost:
            message = f"Colonne « {name} » : accents perdus ? Des « ? » sont au milieu de mots."
            doubts.append(Doubt(kind="lost", message=message, column=name, lines=lost))
        entities = _where(column, lines, _ENTITY, unless=r"://")
        if entities:
            said = french.count(len(entities), "valeur")
            message = f"Colonne « {name} » : {said} avec des codes de page web (comme &eacute;)."
            doubts.append(Doubt(kind="entity", message=message, column=name, lines=entities[:_SHOWN]))
    return (*doubts, *_total(table, lines))


def _worth(column: pa.ChunkedArray) -> bool:
    """Tell whether a column holds one of the signs that the slow patterns need."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(column, "[?&]")).as_py())


def _where(column: pa.ChunkedArray, lines: Sequence[int], pattern: str, *, unless: str) -> tuple[int, ...]:
    import pyarrow.compute as pc

    hit = pc.and_not(pc.match_substring_regex(column, pattern), pc.match_substring_regex(column, unless))
    if not pc.any(hit).as_py():
        return ()
    rows = pc.indices_nonzero(pc.fill_null(hit, False))
    return tuple(int(lines[row]) for row in rows[:_SHOWN].to_pylist())


def _total(table: pa.Table, lines: Sequence[int]) -> list[Doubt]:
    """Flag the rows whose first filled cell says total, among the first two columns."""
    where = set()
    for column in table.columns[:2]:
        for row, text in enumerate(column.to_pylist()):
            if text and text[:1] in "TtSsGg" and _TOTAL.fullmatch(text.strip()):
                where.add(row)
    if not where:
        return []
    last = where == {table.num_rows - 1}
    message = "La dernière ligne semble être un total." if last else "Des lignes semblent être des totaux."
    shown = sorted(where)[:_SHOWN]
    return [Doubt(kind="total", message=message, lines=tuple(int(lines[row]) for row in shown))]
