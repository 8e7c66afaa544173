"""What a whole table holds that looks damaged: said with its lines, never guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.sources.edges import edges, holding
from eclaireur.sources.placed import Places
from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Damage", "doubtful"]

_SHOWN = 50
_TOTAL = re.compile(r"((sous[- ]?|grand )?total( général)?|totaux)\b\s*:?$", re.IGNORECASE)
# What may be a total, for Arrow's patterns; the one above decides.
_FIRST = tuple(b"TtSsGg")
_TOTAL_SHAPE = r"(?i)^[tsg][a-z -]*tota|^tota[lu]"
# An accent that became a question mark, links aside: « D?partement », not « page?id=1 ».
_LOST = r"[A-Za-zÀ-ÿ]\?[a-zà-ÿ]{2}"
_ENTITY = r"&(#\d{2,5}|#x[0-9A-Fa-f]{2,4}|[A-Za-z]{2,8});"
_DAMAGE = {"lost": (_LOST, r"://|\?\w+=|www\."), "entity": (_ENTITY, "://")}


def doubtful(table: pa.Table, lines: Sequence[int]) -> tuple[Doubt, ...]:
    """Return the doubts about a table of text columns: lost accents, web entities, totals, swapped places."""
    import numpy as np

    damage = Damage(table.column_names)
    damage.add([column.combine_chunks() for column in table.columns], np.asarray(lines, dtype=np.int64))
    return damage.said()


class Damage:
    """Looks for damage in the columns of a table, one block after another."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._places = Places(names)
        self._rows = 0
        self._last_total = -1
        self._totals: list[int] = []
        self._total_rows = 0
        self._found: dict[tuple[str, str], list[int]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, columns: Sequence[pa.Array], lines: NDArray[np.int64]) -> None:
        """Look at the rows of a block, and the line of each."""
        for name, column in zip(self._names, columns, strict=True):
            self._note(name, "lost", "?", column, lines)
            self._note(name, "entity", "&", column, lines)
        self._note_totals(columns[:2], lines)
        self._places.add(columns, lines)
        self._rows += len(lines)

    def said(self) -> tuple[Doubt, ...]:
        """Return what was found."""
        doubts = []
        for name in self._names:
            lost = tuple(self._found.get((name, "lost"), ()))
            if lost:
                message = f"Colonne « {name} » : accents perdus ? Des « ? » sont au milieu de mots."
                doubts.append(Doubt(kind="lost", message=message, column=name, lines=lost))
            entities = tuple(self._found.get((name, "entity"), ()))
            if entities:
                said = french.count(self._counts[name, "entity"], "valeur")
                message = f"Colonne « {name} » : {said} avec des codes de page web (comme &eacute;)."
                doubts.append(Doubt(kind="entity", message=message, column=name, lines=entities))
        if self._total_rows:
            last = self._total_rows == 1 and self._last_total == self._rows - 1
            message = (
                "La dernière ligne semble être un total." if last else "Des lignes semblent être des totaux."
            )
            doubts.append(Doubt(kind="total", message=message, lines=tuple(self._totals)))
        return (*doubts, *self._places.said())

    def _note(self, name: str, kind: str, sign: str, column: pa.Array, lines: NDArray[np.int64]) -> None:
        """Note the values with a sign where the patterns of a damage say so."""
        import pyarrow as pa
        import pyarrow.compute as pc

        maybe = holding(column, sign)
        if not len(maybe):
            return
        some = column.take(pa.array(maybe))
        pattern, unless = _DAMAGE[kind]
        hit = pc.and_not(pc.match_substring_regex(some, pattern), pc.match_substring_regex(some, unless))
        rows = maybe[pc.indices_nonzero(hit).to_numpy()]
        self._counts[name, kind] += len(rows)
        known = self._found.setdefault((name, kind), [])
        known += lines[rows[: _SHOWN - len(known)]].tolist()

    def _note_totals(self, columns: Sequence[pa.Array], lines: NDArray[np.int64]) -> None:
        """Note the rows whose first or second cell says total."""
        import numpy as np
        import pyarrow.compute as pc

        where: set[int] = set()
        for column in columns:
            maybe = np.flatnonzero(np.isin(edges(column)[0], _FIRST))
            some = column.take(maybe)
            hit = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(some, _TOTAL_SHAPE), False))
            for row, text in zip(maybe[hit.to_numpy()].tolist(), some.take(hit).to_pylist(), strict=True):
                if _TOTAL.fullmatch(text.strip()):
                    where.add(row)
        if where:
            rows = sorted(where)
            self._totals += lines[rows[: _SHOWN - len(self._totals)]].tolist()
            self._total_rows += len(rows)
            self._last_total = self._rows + rows[-1]
