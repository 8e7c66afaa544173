"""Drift: which columns moved since the model learnt, and how well it does before and after labels come.

A column is cut into bins by its reference; the *population stability index* compares the shares of
bins. Tables of many columns and millions of rows are sampled: the index of a sample is biased upwards by
chance, by about ``(bins − 1) (1/n + 1/m)``, which is taken off, and its error is stated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.predict.audit import TOO_FEW
from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import MIN_GROUP
from eclaireur.core.evaluation.intervals import Z
from eclaireur.core.types import Metric
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Bins", "Drift", "drift", "drift_table", "expected_performance", "measured_performance", "sampled"]

_BINS = 10
_HALF = 0.5
"""Added to the count of each bin (Jeffreys): an empty bin would have an infinite index."""
_MOVED = 0.2
"""Index from which a column is said to have moved (the usual reading of the index)."""
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """How a column was distributed when the model learnt: edges, and the count of each bin.

    The last count is that of missing values; text columns have ``values`` instead of edges, and a
    count for all other values before that of missing ones.
    """

    name: str
    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] | None = None

    @property
    def rows(self) -> int:
        """Rows counted."""
        return sum(self.counts)

    def count(self, column: Any) -> NDArray[np.int64]:
        """Count new values in the bins of the reference."""
        import numpy as np

        if self.values is not None:
            place = {value: at for at, value in enumerate(self.values)}
            other, missing = len(self.values), len(self.values) + 1
            codes = [missing if one is None else place.get(str(one), other) for one in _listed(column)]
            return np.bincount(np.array(codes, dtype=np.int64), minlength=missing + 1)
        values = _numbers(column)
        known = values[~np.isnan(values)]
        found = np.bincount(
            np.searchsorted(np.asarray(self.edges), known, side="right"), minlength=len(self.edges) + 1
        )
        return np.append(found, values.size - known.size)

    @classmethod
    def of(cls, name: str, column: Any, *, bins: int = _BINS) -> Bins:
        """Cut a reference column in bins of equal count, or by its most frequent values when it is text."""
        import numpy as np

        if _is_text(column):
            listed = [one for one in _listed(column) if one is not None]
            seen, counts = np.unique(np.array([str(one) for one in listed]), return_counts=True)
            frequent = seen[np.argsort(-counts, kind="stable")][: 2 * bins].tolist()
            made = cls(name=name, counts=(), values=tuple(frequent))
        else:
            values = _numbers(column)
            known = values[~np.isnan(values)]
            edges: tuple[float, ...] = ()
            if known.size:
                cuts = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
                # A cut at the least value would leave an empty bin below it.
                edges = tuple(cuts[cuts > known.min()].tolist())
            made = cls(name=name, counts=(), edges=edges)
        return cls(name=name, counts=tuple(made.count(column).tolist()), edges=made.edges, values=made.values)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, to keep beside the model."""
        return {
            "name": self.name,
            "counts": list(self.counts),
            "edges": list(self.edges),
            "values": None if self.values is None else list(self.values),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Bins:
        """Read what `to_json` wrote."""
        values = content["values"]
        return cls(
            name=content["name"],
            counts=tuple(content["counts"]),
            edges=tuple(content["edges"]),
            values=None if values is None else tuple(values),
        )


def _is_text(column: Any) -> bool:
    import numpy as np
    import pyarrow as pa

    if isinstance(column, pa.Array | pa.ChunkedArray):
        kind = column.type
        return bool(
            pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
        )
    return np.asarray(column).dtype.kind in "OUS"


def _listed(column: Any) -> list[Any]:
    return list(column.to_pylist() if hasattr(column, "to_pylist") else column)


def _numbers(column: Any) -> NDArray[np.float64]:
    import numpy as np
    import pyarrow as pa

    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    if isinstance(column, pa.ChunkedArray):
        column = column.cast(pa.float64()).to_numpy()
    return np.asarray(column, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a column moved.

    Parameters
    ----------
    index
        Population stability index, chance taken off, at least 0; None when too few rows say.
    error
        Half-width of its interval at 95 %: what sampling may change.
    absent
        Missing share now minus that of the reference.
    """

    name: str
    index: float | None
    error: float
    absent: float
    n: int

    @property
    def moved(self) -> bool:
        """Tell whether the column moved, beyond what sampling may change."""
        return self.index is not None and self.index - self.error > _MOVED


def drift(reference: Sequence[Bins], columns: Mapping[str, Any]) -> tuple[Drift, ...]:
    """Return how far each column of a reference moved, farthest first.

    Parameters
    ----------
    columns
        Name → new values: NumPy arrays or Arrow columns, all or a sample (`sampled`).

    Raises
    ------
    BadValueError
        If a column of the reference is absent.

    Examples
    --------
    >>> import numpy as np
    >>> usual = Bins.of("rent", np.arange(1000.0))
    >>> [one.moved for one in drift([usual], {"rent": np.arange(1000.0) + 800})]
    [True]
    """
    found = []
    for bins in reference:
        if bins.name not in columns:
            raise BadValueError(
                f"la colonne « {bins.name} » que le modèle connaît a disparu.",
                fix="Rétablissez-la, ou réentraînez sans elle.",
            )
        found.append(_one(bins, bins.count(columns[bins.name])))
    return tuple(sorted(found, key=lambda one: (-(one.index or 0.0), one.name)))


def _one(bins: Bins, now: NDArray[np.int64]) -> Drift:
    import numpy as np

    before = np.asarray(bins.counts, dtype=np.float64)
    m, n = float(before.sum()), float(now.sum())
    if min(m, n) < MIN_GROUP:
        return Drift(name=bins.name, index=None, error=math.nan, absent=0.0, n=int(n))
    kept = (before + now) > 0
    p, q = before[kept] + _HALF, now[kept] + _HALF
    p, q = p / p.sum(), q / q.sum()
    ratio = np.log(q / p)
    chance = (int(kept.sum()) - 1) * (1 / m + 1 / n)
    # Delta method on the shares of both sides, and the spread that chance alone has (chi-squared).
    by_now, by_before = ratio + 1 - p / q, -ratio + 1 - q / p
    variance = float((q @ by_now**2 - (q @ by_now) ** 2) / n + (p @ by_before**2 - (p @ by_before) ** 2) / m)
    variance += 2 * (int(kept.sum()) - 1) * (1 / m + 1 / n) ** 2
    return Drift(
        name=bins.name,
        index=max(0.0, float((q - p) @ ratio) - chance),
        error=Z * math.sqrt(variance),
        absent=float(now[-1] / n - before[-1] / m),
        n=int(n),
    )


def sampled(table: pa.Table, *, rows: int = _SAMPLE, seed: int = 0) -> pa.Table:
    """Return rows of a table drawn by the same chance, all when there are fewer; blocks keep it quick.

    Rows are taken at random positions, in order; columns are read once, where they are.
    """
    import numpy as np
    import pyarrow as pa

    if table.num_rows <= rows:
        return table
    at = np.sort(np.random.default_rng(seed).choice(table.num_rows, rows, replace=False, shuffle=False))
    return table.take(pa.array(at))


def drift_table(
    found: Sequence[Drift],
    *,
    most: int = 15,
    since: str = "l'apprentissage",
    titles: Mapping[str, str] | None = None,
) -> Table:
    """Return the columns that moved most.

    Parameters
    ----------
    since
        What it is compared with, in French, after « Depuis ».
    titles
        French names of columns.
    """
    moved = sum(one.moved for one in found)
    said = "une variable a changé" if moved == 1 else f"{french.count(moved, 'variable')} ont changé"
    return Table(
        title=f"Depuis {since}, {said if moved else 'aucune variable n’a changé'}",
        columns=(
            Column(key="name", title="Variable"),
            Column(key="index", title="Indice de stabilité", align="right"),
            Column(key="error", title="Erreur d'échantillonnage", align="right"),
            Column(key="absent", title="Valeurs absentes", align="right"),
            Column(key="n", title="Lignes vues", align="right", kind="number"),
        ),
        rows=[
            {
                "name": (titles or {}).get(one.name, one.name),
                "index": TOO_FEW if one.index is None else french.number(one.index, 3),
                "error": "–" if one.index is None else f"± {french.number(one.error, 3)}",
                "absent": f"{french.signed(100 * one.absent, 1)} points",
                "n": one.n,
            }
            for one in found[:most]
        ],
        note=f"Au-delà de {french.number(_MOVED, 1)}, erreur déduite, la variable a changé.",
    )


def expected_performance(risks: Any, *, k: int) -> tuple[Metric, ...]:
    """Return what is to be expected of a list before any result: means of calibrated risks.

    Precision among the first ``k`` is their mean risk, recall their sum over the sum of all, and the
    area under the curve follows in the same way. True only as far as the risks are: a model whose
    risks do not hold (`calibration.Calibration.holds`) has nothing to expect.

    Raises
    ------
    BadValueError
        If a risk is not in [0, 1].

    Examples
    --------
    >>> [round(one.value, 2) for one in expected_performance([0.9, 0.5, 0.1, 0.1], k=2)][::2]
    [0.7, 0.4]
    """
    import numpy as np

    risk = np.sort(np.asarray(risks, dtype=np.float64))[::-1]
    if not risk.size:
        raise EmptyTableError("aucun risque annoncé.", fix="Calculez d'abord les indices.")
    if not (risk.min() >= 0 and risk.max() <= 1):
        raise BadValueError("un risque annoncé n'est pas entre 0 et 1.")
    top = risk[:k]
    spread = Z * float(np.sqrt((top * (1 - top)).sum())) / top.size
    mean, total = float(top.mean()), float(risk.sum())
    spread_all = Z * float(np.sqrt((risk * (1 - risk)).sum())) / risk.size
    rate = total / risk.size
    return (
        Metric(
            name="expected_precision_at_k",
            value=mean,
            low=max(0.0, mean - spread),
            high=min(1.0, mean + spread),
            n=int(top.size),
            baseline="taux moyen annoncé",
            baseline_value=rate,
        ),
        Metric(
            name="expected_recall_at_k",
            value=float(top.sum()) / total if total else None,
            low=None,
            high=None,
            n=int(risk.size),
            baseline="même nombre au hasard",
            baseline_value=top.size / risk.size,
        ),
        Metric(
            name="expected_rate",
            value=rate,
            low=max(0.0, rate - spread_all),
            high=min(1.0, rate + spread_all),
            n=int(risk.size),
        ),
    )


def measured_performance(labels: Any, risks: Any, *, k: int) -> tuple[Metric, ...]:
    """Return the same figures once results came, each beside what was expected.

    Parameters
    ----------
    labels
        Outcomes, NaN where they have not come; figures are over the others.
    """
    import numpy as np

    truth, risk = np.asarray(labels, dtype=np.float64), np.asarray(risks, dtype=np.float64)
    known = ~np.isnan(truth)
    if not known.any():
        raise EmptyTableError(
            "aucun résultat n'est encore venu.", fix="Attendez, ou lisez ce qui est attendu."
        )
    expected = {one.name: one for one in expected_performance(risk[known], k=k)}
    order = np.argsort(-risk[known], kind="stable")[:k]
    top, whole = truth[known][order], truth[known]
    found = []
    for name, hits, n in (
        ("precision_at_k", float(top.sum()), top.size),
        ("recall_at_k", float(top.sum()), int(whole.sum())),
        ("rate", float(whole.sum()), whole.size),
    ):
        low, high = evaluation.wilson(hits, n)
        found.append(
            Metric(
                name=name,
                value=hits / n if n else None,
                low=low,
                high=high,
                n=n,
                baseline="attendu sans résultat",
                baseline_value=expected[f"expected_{name}"].value,
            )
        )
    return tuple(found)
