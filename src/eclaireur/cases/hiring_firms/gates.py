"""What must hold before firms are shown to the public: stable ranks, and enough firms in each area."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from eclaireur.cases.hiring_firms import model as modelling
from eclaireur.cases.hiring_firms.features import open_rows
from eclaireur.core import french
from eclaireur.core.errors import EmptyTableError, RefusedError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Records

__all__ = ["LEAST_FIRMS", "LEAST_KEPT", "LEAST_STABLE", "Gate", "Today", "gates", "require", "today"]

LEAST_STABLE = 0.7
"""Least rank correlation with the half-year before."""
LEAST_KEPT = 0.4
"""Least part of the first twentieth that was already there half a year before."""
LEAST_FIRMS = 10
"""Least number of firms, in each area, of which one hiring in two half-years is expected."""
_EXPECTED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Firms open at a date with their expected hirings, and those of the same firms half a year before."""

    as_of: date
    rows: pa.Table
    expected: NDArray[np.float64]
    before: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition: what is measured, what is asked, and whether it holds; ``area`` when it is of one area."""

    title: str
    found: str
    asked: str
    holds: bool
    area: str = ""


def today(records: Records, model: modelling.Model) -> Today:
    """Return expected hirings of the half-year that begins after the data.

    Raises
    ------
    EmptyTableError
        If the records hold no half-year.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not records["hirings"].num_rows:
        raise EmptyTableError("aucun semestre d'embauches dans les données.", fix="Connectez-les d'abord.")
    last: date = pc.max(records["hirings"]["observed"]).as_py()
    as_of = last + timedelta(days=1)
    half = last - timedelta(days=183)
    rows, old = open_rows(records["establishments"], as_of), open_rows(records["establishments"], half)
    both = modelling.judge(model, pa.concat_tables([rows, old]), records).expected
    expected, earlier = both[: rows.num_rows], both[rows.num_rows :]
    known = dict(zip(old["subject"].to_pylist(), earlier.tolist(), strict=True))
    before = np.array([known.get(key, np.nan) for key in rows["subject"].to_pylist()])
    return Today(as_of=as_of, rows=rows, expected=expected, before=before)


def gates(now: Today) -> tuple[Gate, ...]:
    """Return every condition, those of the whole first."""
    import numpy as np
    from scipy.stats import spearmanr

    both = ~np.isnan(now.before)
    new, old = now.expected[both], now.before[both]
    stable = float(spearmanr(new, old).statistic) if len(new) > 2 else 0.0
    first = max(1, len(new) // 20)
    kept = len(set(np.argsort(-new)[:first].tolist()) & set(np.argsort(-old)[:first].tolist())) / first
    found = [
        Gate(
            title="Stabilité des rangs d'un semestre à l'autre",
            found=french.number(stable, 2),
            asked=f"au moins {french.number(LEAST_STABLE, 2)}",
            holds=stable >= LEAST_STABLE,
        ),
        Gate(
            title="Part du premier vingtième déjà là au semestre d'avant",
            found=french.percent(kept),
            asked=f"au moins {french.percent(LEAST_KEPT)}",
            holds=kept >= LEAST_KEPT,
        ),
    ]
    areas = np.array([area or "inconnu" for area in now.rows["area"].to_pylist()])
    for area in sorted(set(areas.tolist())):
        firms = int(((areas == area) & (now.expected >= _EXPECTED)).sum())
        found.append(
            Gate(
                title=f"Entreprises à montrer : {area}",
                found=french.number(firms),
                asked=f"au moins {LEAST_FIRMS}",
                holds=firms >= LEAST_FIRMS,
                area=area,
            )
        )
    return tuple(found)


def require(found: tuple[Gate, ...], areas: set[str]) -> None:
    """Refuse to show firms when a condition of the whole, or of an area that is asked for, does not hold.

    Raises
    ------
    RefusedError
        With the first condition that fails.
    """
    for gate in found:
        if not gate.holds and gate.area in {"", *areas}:
            raise RefusedError(
                f"rien n'est publié : « {gate.title} » vaut {gate.found} ; il faut {gate.asked}.",
                fix="Ajoutez des semestres ou des entreprises, puis réapprenez. Détail : rapport « gates ».",
            )
