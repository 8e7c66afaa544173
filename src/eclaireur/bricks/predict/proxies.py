"""Which columns say who belongs to a group, even when the group is not among them.

A model that never sees the commune may still see it through rents, distances or opening hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.predict.audit import TOO_FEW
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import MIN_GROUP
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Proxy", "proxies", "proxy_table"]

_BINS = 20
_STRONG = 0.3
"""Association from which a column is called a proxy: a moderate one in Cohen's scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How much a column says of a group: Cramér's V in [0, 1], None when there is too little to say."""

    column: str
    attribute: str
    association: float | None
    n: int

    @property
    def strong(self) -> bool:
        """Tell whether the column may stand for the group."""
        return self.association is not None and self.association >= _STRONG


def proxies(
    columns: NDArray[Any],
    names: Sequence[str],
    groups: Sequence[Any],
    *,
    attribute: str,
    sample: int = 50_000,
    seed: int = 0,
) -> tuple[Proxy, ...]:
    """Return how much each column says of the groups, strongest first.

    Cramér's V between the groups and the column cut in twenty bins (absence is one more), corrected
    for the number of cells (Bergsma 2013), so that noise has about zero.

    Parameters
    ----------
    columns
        Shape ``(n, features)``, NaN where not known.
    groups
        Group of each row; rows without one are left out, and so are groups under thirty rows.
    sample
        Most rows looked at.

    Raises
    ------
    BadValueError
        If shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> rent = np.repeat([[500.0], [900.0]], 50, axis=0)
    >>> proxies(rent, ["loyer"], ["nord"] * 50 + ["sud"] * 50, attribute="secteur")[0].association
    1.0
    """
    import numpy as np

    if columns.shape != (len(groups), len(names)):
        raise BadValueError(f"{columns.shape} valeurs pour {len(groups)} groupes et {len(names)} variables.")
    known = np.array([group is not None for group in groups], dtype=bool)
    at = np.flatnonzero(known)
    if at.size > sample:
        at = np.sort(np.random.default_rng(seed).choice(at, sample, replace=False))
    said = np.array([str(groups[index]) for index in at.tolist()])
    _, codes, counts = np.unique(said, return_inverse=True, return_counts=True)
    large = counts >= MIN_GROUP
    kept = large[codes]
    codes = (np.cumsum(large) - 1)[codes[kept]]
    rows = np.asarray(columns[at[kept]], dtype=np.float64)
    size = int(large.sum())
    found = [
        Proxy(
            column=name,
            attribute=attribute,
            association=_association(rows[:, index], codes, size) if size > 1 else None,
            n=int(codes.size),
        )
        for index, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (-(one.association or 0.0), one.column)))


def _association(values: NDArray[np.float64], codes: NDArray[np.int64], groups: int) -> float:
    import numpy as np

    missing = np.isnan(values)
    bins = np.full(values.size, -1)
    if (~missing).any():
        edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins[~missing] = np.searchsorted(edges, values[~missing], side="right")
    _, cells = np.unique(bins, return_inverse=True)
    width = int(cells.max()) + 1
    table = np.bincount(codes * width + cells, minlength=groups * width).reshape(groups, width)
    n = float(table.sum())
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    square = float(((table - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum() / n)
    loss = (groups - 1) * (width - 1) / (n - 1)
    rows, across = groups - (groups - 1) ** 2 / (n - 1), width - (width - 1) ** 2 / (n - 1)
    most = min(rows, across) - 1
    return min(1.0, float(np.sqrt(max(0.0, square - loss) / most))) if most > 0 else 0.0


def proxy_table(found: Sequence[Proxy], *, most: int = 10, titles: Mapping[str, str] | None = None) -> Table:
    """Return the columns that say most of the groups; ``titles`` are their French names."""
    strong = sum(one.strong for one in found)
    attribute = found[0].attribute if found else ""
    said = f"{french.count(strong, 'variable')} en disent beaucoup sur « {attribute} »"
    if strong < 2:
        said = f"{'Une seule' if strong else 'Aucune'} variable "
        said += f"{'en' if strong else 'n’en'} dit beaucoup sur « {attribute} »"
    return Table(
        title=said,
        columns=(
            Column(key="column", title="Variable"),
            Column(key="association", title="Association (V de Cramér)", align="right"),
            Column(key="n", title="Lignes", align="right", kind="number"),
        ),
        rows=[
            {
                "column": (titles or {}).get(one.column, one.column),
                "association": TOO_FEW if one.association is None else french.number(one.association, 2),
                "n": one.n,
            }
            for one in found[:most]
        ],
        note=(
            f"De 0 (rien) à 1 (tout) ; à partir de {french.number(_STRONG, 1)}, "
            "la variable peut tenir lieu du groupe."
        ),
    )
