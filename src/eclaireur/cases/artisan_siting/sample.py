"""Three made-up « pays », their communes and shops; openings and closures follow a law written here.

People go to shops by Huff's law (decay 2, 20 km). Each year, a trade opens 13 % of its first number of shops;
where, is drawn by population to the power 1.1 and luck (log-normal, 1.1): who opens does not know the demand.
A shop closes within the year with a chance of logistic(−2.1 − 2.2 × log(what it draws / what its trade needs)
+ luck), the luck of each shop being normal(0, 0.5). So what a site draws decides survival, and part of it is
luck that no model can know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["TRADES", "tables", "write"]

TRADES = {"boulangerie": 1500.0, "coiffure": 1000.0, "garage": 1900.0}
"""Trade → inhabitants that a shop needs to last."""

_SETTLES, _FIRST, _LAST = 1990, 2004, 2024
"""The law runs from the first of these years; what closed before the second is not in the register."""
_COMMUNES = 240
_PAYS = ("Bocage", "Rivages", "Hauts-Plateaux")
_MARKETS = (("Bellerive", 16_000), ("Port-Saint-Luc", 22_000), ("Montclair", 9_000))
_STARTS = ("Saint-", "Le Vieux-", "La Roche-", "Val-", "Mont-", "Bourg-", "Les Prés-", "Fontaine-")
_ENDS = ("Aubin", "Clair", "Dray", "Eloy", "Ferrand", "Gilles", "Hilaire", "Jouan", "Loup", "Martial")


def write(into: Path, *, seed: int) -> None:
    """Write one Parquet file a table of the documented format."""
    import pyarrow.parquet as pq

    for name, table in tables(seed=seed).items():
        pq.write_table(table, into / f"{name}.parquet", compression="zstd")


def tables(*, seed: int, communes: int = _COMMUNES) -> dict[str, pa.Table]:
    """Return ``communes`` and ``shops`` of the sample."""
    import numpy as np
    import pyarrow as pa

    from eclaireur.bricks.space.huff import probabilities
    from eclaireur.cases.artisan_siting.places import metres

    random = np.random.default_rng(seed)
    places = _communes(random, communes)
    at = metres([row["latitude"] for row in places], [row["longitude"] for row in places])
    people = np.array([row["population"] for row in places])
    shops: list[dict[str, Any]] = []
    # Huff's utilities of one shop in each commune; of several, they add up.
    near = probabilities(at, at, np.ones(len(at)), reach=20_000, nearest=700)
    for trade, need in TRADES.items():
        shops += _Trade(trade=trade, need=need, near=near, people=people, random=random).play()
    for number, shop in enumerate(shops):
        shop["shop"] = f"C{number:05d}"
        shop["commune"] = places[shop.pop("at")]["commune"]
    kinds = {"shop": pa.string(), "trade": pa.string(), "commune": pa.string()}
    days = {"opened": pa.date32(), "closed": pa.date32()}
    return {
        "communes": pa.Table.from_pylist(places),
        "shops": pa.Table.from_pylist(shops, schema=pa.schema({**kinds, **days})),
    }


def _communes(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(count):
        pays = number % len(_PAYS)
        market = number < len(_PAYS)
        name, people = _MARKETS[pays] if market else (_name(number), round(float(random.lognormal(6.6, 0.9))))
        spread = 0.0 if market else 0.14
        rows.append(
            {
                "commune": f"00{number + 1:03d}",
                "name": name,
                "area": _PAYS[pays],
                "population": float(max(60, people)),
                "income": float(round(random.normal(21_500 + 900 * pays, 1800), -1)),
                "latitude": round(46.2 + 0.45 * pays + float(random.normal(0, spread)), 5),
                "longitude": round(0.4 + 0.5 * pays + float(random.normal(0, spread * 1.4)), 5),
            }
        )
    return rows


def _name(number: int) -> str:
    start, end = _STARTS[number % len(_STARTS)], _ENDS[(number // len(_STARTS)) % len(_ENDS)]
    turn = number // (len(_STARTS) * len(_ENDS))
    return f"{start}{end}" + ("" if not turn else "-" + ("sur-Brume", "en-Bocage")[turn - 1])


@dataclass(slots=True, kw_only=True)
class _Trade:
    """One trade played year after year."""

    trade: str
    need: float
    near: NDArray[np.float64]
    people: NDArray[np.float64]
    random: np.random.Generator

    def play(self) -> list[dict[str, Any]]:
        import numpy as np

        stock = int(self.people.sum() / self.need / 1.1)
        shops = [self._open(at, _SETTLES - 1, settled=True) for at in self._where(stock)]
        for year in range(_SETTLES, _LAST + 1):
            open_now = [shop for shop in shops if shop["closed"] is None]
            where = np.array([shop["at"] for shop in open_now])
            drawn = self._drawn(where)
            risk = -2.1 - 2.2 * np.log(drawn / self.need) + np.array([shop["luck"] for shop in open_now])
            closing = self.random.random(len(open_now)) < 1 / (1 + np.exp(-risk))
            for shop, closed in zip(open_now, closing.tolist(), strict=True):
                if closed:
                    day = date(year, 1, 1) + timedelta(days=int(self.random.integers(0, 365)))
                    shop["closed"] = max(day, shop["opened"] + timedelta(days=30))
            count = self.random.poisson(0.13 * stock)
            shops += [self._open(at, year) for at in self._where(int(count))]
        end = date(_LAST, 12, 31)
        for shop in shops:
            del shop["luck"]
            if shop["closed"] and shop["closed"] > end:
                shop["closed"] = None
        return [shop for shop in shops if not shop["closed"] or shop["closed"].year >= _FIRST]

    def _where(self, count: int) -> list[int]:
        import numpy as np

        weight = self.people**1.1 * np.exp(self.random.normal(0, 1.1, len(self.people)))
        found: list[int] = self.random.choice(len(weight), size=count, p=weight / weight.sum()).tolist()
        return found

    def _open(self, at: int, year: int, *, settled: bool = False) -> dict[str, Any]:
        days = int(self.random.integers(0, 365)) - (365 * int(self.random.integers(0, 15)) if settled else 0)
        return {
            "trade": self.trade,
            "at": at,
            "opened": date(year, 1, 1) + timedelta(days=days),
            "closed": None,
            "luck": float(self.random.normal(0, 0.5)),
        }

    def _drawn(self, where: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each open shop draws."""
        import numpy as np

        utility = self.near[:, where]
        total = utility.sum(axis=1, keepdims=True)
        share = np.divide(utility, total, out=np.zeros(utility.shape), where=total > 0)
        return np.maximum(share.T @ self.people, 1.0)  # type: ignore[no-any-return]
