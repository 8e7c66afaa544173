"""Rows of a table that give their place by a latitude and a longitude, one taken for the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.sources.media.crs import swapped_points
from eclaireur.sources.reading import Doubt

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Places"]

_SHOWN = 50
_LATITUDE = re.compile(r"(.*[\s_.])?lat(itude)?([\s_.].*)?", re.IGNORECASE)
_LONGITUDE = re.compile(r"(.*[\s_.])?(lon|lng|long|longitude)([\s_.].*)?", re.IGNORECASE)
_DEGREES = r"^\s*-?\d{1,3}([.,]\d+)?\s*$"


class Places:
    """Looks for swapped places in the columns of a table, one block after another.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> places = Places(["nom", "lat", "lon"])
    >>> places.add([pa.array(["Sète"]), pa.array(["3,70"]), pa.array(["43,40"])], np.array([2]))
    >>> places.said()[0].message
    'Colonnes « lat » et « lon » : inversées dans 1 ligne ? Telles quelles, elles ne sont pas en France.'
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._latitude = next((rank for rank, name in enumerate(names) if _LATITUDE.fullmatch(name)), None)
        self._longitude = next((rank for rank, name in enumerate(names) if _LONGITUDE.fullmatch(name)), None)
        self._lines: list[int] = []
        self._count = 0

    def add(self, columns: Sequence[pa.Array], lines: NDArray[np.int64]) -> None:
        """Look at the rows of a block of text columns, and the line of each."""
        import numpy as np

        if self._latitude is None or self._longitude is None:
            return
        turned = swapped_points(_degrees(columns[self._longitude]), _degrees(columns[self._latitude]))
        rows = np.flatnonzero(turned)
        self._count += len(rows)
        self._lines += lines[rows[: _SHOWN - len(self._lines)]].tolist()

    def said(self) -> tuple[Doubt, ...]:
        """Return what was found."""
        if not self._count or self._latitude is None or self._longitude is None:
            return ()
        names = f"« {self._names[self._latitude]} » et « {self._names[self._longitude]} »"
        rows = french.count(self._count, "ligne")
        message = f"Colonnes {names} : inversées dans {rows} ? Telles quelles, elles ne sont pas en France."
        return (Doubt(kind="axes", message=message, lines=tuple(self._lines), count=self._count),)


def _degrees(column: pa.Array) -> Any:
    """Return the numbers of a text column, and NaN where there is none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.if_else(pc.match_substring_regex(column, _DEGREES), column, pa.scalar(None, pa.string()))
    dotted = pc.replace_substring(pc.utf8_trim_whitespace(plain), ",", ".")
    return pc.fill_null(pc.cast(dotted, pa.float64()), np.nan).to_numpy(zero_copy_only=False)
