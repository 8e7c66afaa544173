"""Communes and shops as of a day: who is near whom, shops that stand, and what a new one would draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eclaireur.cases.artisan_siting.places import metres
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Records

__all__ = ["DECAY", "NEAREST", "REACH", "Ground", "Near", "Stock"]

DECAY, REACH, NEAREST = 2.0, 20_000.0, 700.0
"""Huff's decay, the metres beyond which nobody goes, and the size of a commune's centre: assumptions."""

_YEARS = 3
_AROUND = 10_000.0
_USUAL_CLOSED, _STRENGTH = 0.3, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Pairs of communes within reach: who lives (``home``), where they may go (``site``), metres and pull."""

    home: NDArray[np.int64]
    site: NDArray[np.int64]
    gap: NDArray[np.float64]
    pull: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Shops of one trade by commune on a day: open, and open three years before and closed since."""

    open: NDArray[np.float64]
    before: NDArray[np.float64]
    closed: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The communes that have inhabitants, in the order of their codes, with their shops.

    Parameters
    ----------
    at
        Metres around the middle, shape ``(n, 2)``.
    people, income
        Inhabitants, and median income where it is known.
    """

    communes: pa.Table
    at: NDArray[np.float64]
    people: NDArray[np.float64]
    income: NDArray[np.float64]
    shops: pa.Table = field(repr=False)

    @classmethod
    def of(cls, records: Records) -> Ground:
        """Read the records.

        Raises
        ------
        EmptyTableError
            If no commune has inhabitants.
        """
        import numpy as np
        import pyarrow.compute as pc

        table = records["communes"]
        table = table.filter(pc.greater(table["population"], 0)).sort_by("commune")
        if not table.num_rows:
            raise EmptyTableError("aucune commune habitée dans les données.", fix="Connectez-les d'abord.")
        return cls(
            communes=table,
            at=metres(table["latitude"].to_pylist(), table["longitude"].to_pylist()),
            people=table["population"].to_numpy().astype(float),
            income=np.array(table["income"].to_pylist(), dtype=float),
            shops=_lives(records),
        )

    def near_to(self, chosen: Sequence[int], margin: float) -> tuple[Ground, NDArray[np.int64]]:
        """Return the part within metres of some communes, with the position here of each of its communes."""
        import numpy as np
        from scipy.spatial import cKDTree

        gap, _ = cKDTree(self.at[list(chosen)]).query(self.at, distance_upper_bound=margin)
        kept = np.flatnonzero(np.isfinite(gap))
        part = Ground(
            communes=self.communes.take(kept),
            at=self.at[kept],
            people=self.people[kept],
            income=self.income[kept],
            shops=self.shops,
        )
        return part, kept

    @cached_property
    def trades(self) -> tuple[str, ...]:
        """Trades of the shops, in order."""
        return tuple(sorted(one for one in self.shops["trade"].unique().to_pylist() if one))

    @cached_property
    def near(self) -> Near:
        """Pairs of communes within reach, with Huff's pull."""
        return self.pairs(decay=DECAY, reach=REACH)

    def pairs(self, *, decay: float, reach: float) -> Near:
        """Return the pairs of communes within reach and the pull of a shop there."""
        import numpy as np
        from scipy.spatial import cKDTree

        met = cKDTree(self.at).sparse_distance_matrix(cKDTree(self.at), reach, output_type="ndarray")
        pull = (NEAREST / np.maximum(met["v"], NEAREST)) ** decay
        return Near(home=met["i"].astype(np.int64), site=met["j"].astype(np.int64), gap=met["v"], pull=pull)

    @cached_property
    def _columns(self) -> dict[str, Any]:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        at = pc.index_in(self.shops["commune"], value_set=self.communes["commune"].combine_chunks())
        none = np.datetime64("9999-01-01")
        closed = self.shops["closed"].to_numpy().astype("datetime64[D]")
        return {
            "at": pc.fill_null(at, -1).to_numpy(),
            "trade": pc.index_in(self.shops["trade"], value_set=pa.array(self.trades)).to_numpy(),
            "opened": self.shops["opened"].to_numpy().astype("datetime64[D]"),
            "closed": np.where(np.isnat(closed), none, closed),
        }

    def stock(self, trade: str, day: date) -> Stock:
        """Return the shops of a trade as known before a day."""
        import numpy as np

        found, when = self._columns, np.datetime64(day)
        past = np.datetime64(date(day.year - _YEARS, day.month, min(day.day, 28)))
        which = self.trades.index(trade) if trade in self.trades else -1
        own = (found["trade"] == which) & (found["at"] >= 0)
        size = len(self.people)

        def count(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
            return np.bincount(found["at"][own & chosen], minlength=size).astype(float)

        stood = (found["opened"] < past) & (found["closed"] >= past)
        return Stock(
            open=count((found["opened"] < when) & (found["closed"] >= when)),
            before=count(stood),
            closed=count(stood & (found["closed"] < when)),
        )

    def drawn(self, stock: NDArray[np.float64], near: Near | None = None) -> NDArray[np.float64]:
        """Return the inhabitants that one more shop would draw in each commune (Huff 1964)."""
        import numpy as np

        pairs = near or self.near
        held = np.bincount(pairs.home, stock[pairs.site] * pairs.pull, minlength=len(self.people))
        each = self.people[pairs.home] * pairs.pull / (held[pairs.home] + pairs.pull)
        return np.bincount(pairs.site, each, minlength=len(self.people)).astype(np.float64)

    def around(self, values: NDArray[np.float64], radius: float = _AROUND) -> NDArray[np.float64]:
        """Return the sum of values of the communes within a radius, its own included."""
        found: NDArray[np.float64] = self._sums(radius) @ values
        return found

    def _sums(self, radius: float) -> Any:
        """Return the sparse matrix that sums over the communes within a radius; kept for the next time."""
        import numpy as np
        from scipy.sparse import csr_array

        if radius not in self._kept:
            close = self.near.gap <= radius
            where = (self.near.site[close], self.near.home[close])
            size = len(self.people)
            self._kept[radius] = csr_array((np.ones(int(close.sum())), where), shape=(size, size))
        return self._kept[radius]

    @cached_property
    def _kept(self) -> dict[float, Any]:
        return {}

    def features(self, trade: str, day: date) -> NDArray[np.float64]:
        """Return what is looked at in each commune, shape ``(n, 5)``: see `model.FEATURES`."""
        import numpy as np

        stock = self.stock(trade, day)
        before, closed = self.around(stock.before, REACH), self.around(stock.closed, REACH)
        return np.column_stack(
            [
                np.log(self.drawn(stock.open) + 1),
                np.log(self.around(self.people) / (self.around(stock.open) + 1)),
                np.log1p(stock.open),
                (closed + _USUAL_CLOSED * _STRENGTH) / (before + _STRENGTH),
                self.income,
            ]
        )


def _lives(records: Records) -> pa.Table:
    """Join closures to shops: a shop without one is open."""
    shops, closures = records["shops"], records["closures"]
    ended = closures.select(["shop", "observed"]).rename_columns(["shop", "closed"])
    joined = shops.select(["shop", "trade", "commune", "observed"]).rename_columns(
        ["shop", "trade", "commune", "opened"]
    )
    return joined.join(ended, "shop", join_type="left outer").sort_by("shop")
