"""An audit by subgroup from counts: who is selected, wrongly or missed, with intervals and limits.

Everything comes from four counts a group (selected or not × outcome) and two sums: one pass over
the rows, whatever the number of figures. A group is compared with *all the others*, so that both
sides are independent; a group too small says so and shows no number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import MIN_GROUP, newcombe, wilson
from eclaireur.core.types import Metric, SubgroupMetric
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TOO_FEW", "UNKNOWN", "Audit", "Group", "audit", "ratio_interval", "top"]

TOO_FEW = "trop peu pour conclure"
_FEW = "trop peu"
"""The same, in a cell of a table whose last column says it whole."""

UNKNOWN = "inconnu"
"""Name of the rows that have no group."""

_FAIR = 0.8
"""Selection ratios between four fifths and five fourths are not called a gap (four-fifths rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of one attribute.

    Parameters
    ----------
    n, positives, selected, hits
        Rows, those whose outcome was 1, those selected, those selected whose outcome was 1. Floats:
        rows tied at the cut count for their chance of being selected.
    figures
        Name → figure, ``value`` None when the group is too small for it: ``base_rate``,
        ``selection_rate``, ``precision``, ``false_positive_rate``, ``false_negative_rate``,
        ``calibration_gap``, and against all the other groups ``selection_ratio``,
        ``false_positive_gap``, ``false_negative_gap``, ``precision_gap``.
    verdict
        In French: what is established, or `TOO_FEW`.
    """

    attribute: str
    group: str
    n: float
    positives: float
    selected: float
    hits: float
    figures: Mapping[str, Metric] = field(repr=False)
    verdict: str = ""

    @property
    def unfair(self) -> bool:
        """Tell whether a gap is established."""
        return self.verdict.startswith("écart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The audit of a selection, group by group."""

    groups: tuple[Group, ...]
    rows: int

    def of(self, attribute: str) -> tuple[Group, ...]:
        """Return the groups of one attribute."""
        return tuple(one for one in self.groups if one.attribute == attribute)

    @property
    def gaps(self) -> tuple[Group, ...]:
        """Groups with an established gap."""
        return tuple(one for one in self.groups if one.unfair)

    def gap_metrics(self) -> tuple[SubgroupMetric, ...]:
        """Return the ratio of selection and the gaps of each group, as rows of an evaluation.

        A ratio without an upper bound has None there: JSON knows no infinity.
        """
        return tuple(
            SubgroupMetric(attribute=one.attribute, group=one.group, metric=_finite(one.figures[name]))
            for one in self.groups
            for name in ("selection_ratio", "false_positive_gap", "false_negative_gap", "calibration_gap")
            if name in one.figures
        )

    def tables(self) -> tuple[Table, ...]:
        """Return one table for each attribute."""
        return tuple(
            _table(name, self.of(name)) for name in dict.fromkeys(one.attribute for one in self.groups)
        )


def _finite(metric: Metric) -> Metric:
    return replace(metric, high=None) if metric.high is not None and math.isinf(metric.high) else metric


def top(scores: Any, share: float) -> NDArray[np.float64]:
    """Return the chance of each row to be in the top ``share``; rows tied at the cut share what is left.

    >>> top([0.9, 0.5, 0.5, 0.1], 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    import numpy as np

    score = np.asarray(scores, dtype=np.float64)
    if not 0 < share <= 1:
        raise BadValueError(f"la part sélectionnée doit être entre 0 et 1, pas {share}.")
    places = share * score.size
    found = np.zeros(score.size)
    if not score.size:
        return found
    cut = np.partition(score, max(0, score.size - math.ceil(places)))[max(0, score.size - math.ceil(places))]
    above, tied = score > cut, score == cut
    found[above] = 1.0
    found[tied] = min(1.0, (places - above.sum()) / tied.sum())
    return found


def audit(
    labels: Any,
    selected: Any,
    attributes: Mapping[str, Any],
    *,
    scores: Any = None,
    least: int = MIN_GROUP,
) -> Audit:
    """Audit a selection.

    Parameters
    ----------
    labels
        Outcomes in {0, 1}, shape ``(n,)``.
    selected
        Whether each row is selected, or its chance to be (see `top`), in [0, 1].
    attributes
        French name → group of each row: a list, a NumPy array or an Arrow column; None is `UNKNOWN`.
    scores
        Stated risks, to compare with what is observed; None when scores are only ranks.
    least
        Rows, positives or negatives under which a figure is `TOO_FEW`.

    Raises
    ------
    BadValueError
        If lengths differ, a label is not 0 or 1, or a chance is out of range.

    Examples
    --------
    >>> found = audit([1, 0] * 50, [1.0] * 50 + [0.0] * 50, {"secteur": ["nord"] * 50 + ["sud"] * 50})
    >>> [(one.group, one.figures["selection_rate"].value) for one in found.groups]
    [('nord', 1.0), ('sud', 0.0)]
    """
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    chosen = np.asarray(selected, dtype=np.float64)
    stated = None if scores is None else np.asarray(scores, dtype=np.float64)
    _check(truth, chosen, stated)
    # Few rows are selected, few are positive: sums over them alone are a tenth of the work.
    positive, listed = np.flatnonzero(truth), np.flatnonzero(chosen)
    both = listed[truth[listed] == 1]
    found: list[Group] = []
    for attribute, values in attributes.items():
        names, codes = _codes(values)
        if codes.size != truth.size:
            raise BadValueError(f"{codes.size} groupes pour {truth.size} lignes, attribut « {attribute} ».")
        size = len(names)
        n = np.bincount(codes, minlength=size).astype(np.float64)
        sums = {
            "positives": np.bincount(codes[positive], minlength=size).astype(np.float64),
            "selected": np.bincount(codes[listed], chosen[listed], size),
            "hits": np.bincount(codes[both], chosen[both], size),
        }
        if stated is not None:
            sums["stated"] = np.bincount(codes, stated, size)
        whole = {name: float(values.sum()) for name, values in sums.items()} | {"n": float(n.sum())}
        for at in sorted(range(size), key=lambda at: names[at]):
            if not n[at]:
                continue
            own = {name: float(values[at]) for name, values in sums.items()} | {"n": float(n[at])}
            others = {name: whole[name] - own[name] for name in own}
            figures = _figures(own, others, least)
            found.append(
                Group(
                    attribute=attribute,
                    group=names[at],
                    n=own["n"],
                    positives=own["positives"],
                    selected=own["selected"],
                    hits=own["hits"],
                    figures=figures,
                    verdict=_verdict(figures),
                )
            )
    return Audit(groups=tuple(found), rows=int(truth.size))


def _check(
    truth: NDArray[np.float64], chosen: NDArray[np.float64], stated: NDArray[np.float64] | None
) -> None:
    if truth.ndim != 1 or chosen.shape != truth.shape or (stated is not None and stated.shape != truth.shape):
        raise BadValueError(f"{truth.size} étiquettes pour {chosen.size} sélections.")
    if not ((truth == 0) | (truth == 1)).all():
        raise BadValueError(
            "une étiquette manque ou n'est ni 0 ni 1.", fix="Retirez les lignes sans résultat connu."
        )
    if truth.size and not (chosen.min() >= 0 and chosen.max() <= 1):
        raise BadValueError("une sélection n'est pas entre 0 et 1.")


def _codes(values: Any) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of groups and the code of each row, by Arrow's dictionary encoding."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    # A dictionary may name one group twice, or hold the name of those without a group.
    said = [UNKNOWN if one is None else str(one) for one in column.dictionary.to_pylist()]
    names = sorted({*said, *([UNKNOWN] if column.null_count else [])})
    place = {name: at for at, name in enumerate(names)}
    to = np.array([*(place[name] for name in said), place.get(UNKNOWN, 0)], dtype=np.int64)
    own = pc.fill_null(column.indices, len(said)) if column.null_count else column.indices
    return names, to[own.to_numpy(zero_copy_only=False)]


def _figures(own: Mapping[str, float], others: Mapping[str, float], least: int) -> dict[str, Metric]:
    """Return the figures of a group from its sums and those of all the other groups."""

    def parts(sums: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        negatives = sums["n"] - sums["positives"]
        wrong = sums["selected"] - sums["hits"]
        return {
            "base_rate": (sums["positives"], sums["n"]),
            "selection_rate": (sums["selected"], sums["n"]),
            "precision": (sums["hits"], sums["selected"]),
            "false_positive_rate": (wrong, negatives),
            "false_negative_rate": (sums["positives"] - sums["hits"], sums["positives"]),
        }

    mine, theirs = parts(own), parts(others)
    found = {
        name: _metric(name, (part[0] / part[1] if part[1] else math.nan), wilson(*part), part[1], least)
        for name, part in mine.items()
    }
    for name, of in (
        ("false_positive_gap", "false_positive_rate"),
        ("false_negative_gap", "false_negative_rate"),
        ("precision_gap", "precision"),
    ):
        a, b = mine[of], theirs[of]
        if a[1] and b[1]:
            value, bounds = a[0] / a[1] - b[0] / b[1], newcombe(*a, *b)
        else:
            value, bounds = math.nan, (math.nan, math.nan)
        found[name] = _metric(name, value, bounds, min(a[1], b[1]), least, baseline="autres groupes")
    a, b = mine["selection_rate"], theirs["selection_rate"]
    value = a[0] / a[1] / (b[0] / b[1]) if a[1] and b[0] else math.nan
    found["selection_ratio"] = _metric(
        "selection_ratio", value, ratio_interval(*a, *b), min(a[1], b[1]), least, baseline="autres groupes"
    )
    if "stated" in own:
        observed, said = own["positives"] / own["n"], own["stated"] / own["n"]
        low, high = wilson(own["positives"], own["n"])
        found["calibration_gap"] = _metric(
            "calibration_gap", said - observed, (said - high, said - low), own["n"], least
        )
    return found


def _metric(
    name: str, value: float, bounds: tuple[float, float], n: float, least: int, *, baseline: str | None = None
) -> Metric:
    few = n < least or math.isnan(value)
    return Metric(
        name=name,
        value=None if few else value,
        low=None if few else bounds[0],
        high=None if few else bounds[1],
        n=round(n),
        baseline=baseline,
    )


def ratio_interval(found_a: float, n_a: float, found_b: float, n_b: float) -> tuple[float, float]:
    """Return the interval at 95 % of a ratio of two independent shares, from their Wilson intervals.

    MOVER-R (Donner & Zou 2012): finite and above zero with few or no successes on the first side.

    >>> low, high = ratio_interval(40, 100, 20, 100)
    >>> low < 2 < high
    True
    """
    if not n_a or not found_b:
        return math.nan, math.nan
    a, b = found_a / n_a, found_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(found_a, n_a), wilson(found_b, n_b)
    over, under = high_b * (2 * b - high_b), low_b * (2 * b - low_b)
    low = 0.0
    if over > 0:
        low = (a * b - math.sqrt(max(0.0, (a * b) ** 2 - low_a * (2 * a - low_a) * over))) / over
    elif a:
        # The other share may be twice what was found, or more: no finite solution but the plain bound.
        low = low_a / high_b
    high = math.inf
    if under > 0:
        high = (a * b + math.sqrt(max(0.0, (a * b) ** 2 - high_a * (2 * a - high_a) * under))) / under
    return max(0.0, low), high


_SAID = {
    "false_positive_gap": ("sélectionné à tort plus souvent", "sélectionné à tort moins souvent"),
    "false_negative_gap": ("manqué plus souvent", "manqué moins souvent"),
}


def _verdict(figures: Mapping[str, Metric]) -> str:
    """Say what is established: an interval wholly beyond what is tolerated."""
    ratio = figures["selection_ratio"]
    if ratio.value is None and all(figures[name].value is None for name in _SAID):
        return TOO_FEW
    said = []
    if ratio.low is not None and ratio.low > 1 / _FAIR:
        said.append("sélectionné plus souvent")
    elif ratio.high is not None and ratio.high < _FAIR:
        said.append("sélectionné moins souvent")
    for name, (more, less) in _SAID.items():
        gap = figures[name]
        if gap.low is not None and gap.low > 0:
            said.append(more)
        elif gap.high is not None and gap.high < 0:
            said.append(less)
    stated = figures.get("calibration_gap")
    if stated is not None and stated.low is not None and stated.high is not None:
        if stated.low > 0:
            said.append("risque surestimé")
        elif stated.high < 0:
            said.append("risque sous-estimé")
    return f"écart : {', '.join(said)}" if said else "aucun écart établi"


def _table(attribute: str, groups: tuple[Group, ...]) -> Table:
    def percent(metric: Metric | None) -> str:
        if metric is None:
            return "–"
        if metric.value is None or metric.low is None or metric.high is None:
            return _FEW
        return (
            f"{french.percent(metric.value, 1)} "
            f"({french.number(100 * metric.low, 1)} à {french.number(100 * metric.high, 1)})"
        )

    def points(metric: Metric | None) -> str:
        if metric is None:
            return "–"
        if metric.value is None or metric.low is None or metric.high is None:
            return _FEW
        value, low, high = (french.signed(100 * one, 1) for one in (metric.value, metric.low, metric.high))
        return f"{value} ({low} à {high})"

    def ratio(metric: Metric) -> str:
        if metric.value is None or metric.low is None or metric.high is None:
            return _FEW
        high = "∞" if math.isinf(metric.high) else french.number(metric.high, 2)
        return f"{french.number(metric.value, 2)} ({french.number(metric.low, 2)} à {high})"

    calibrated = any("calibration_gap" in one.figures for one in groups)
    columns = [
        Column(key="group", title=attribute.capitalize()),
        Column(key="n", title="Lignes", align="right", kind="number"),
        Column(key="base_rate", title="Résultats défavorables", align="right"),
        Column(key="selection_rate", title="Part sélectionnée", align="right"),
        Column(key="ratio", title="Rapport aux autres", align="right"),
        Column(key="false_positive_rate", title="Sélectionnés à tort", align="right"),
        Column(key="false_negative_rate", title="Manqués", align="right"),
    ]
    if calibrated:
        columns.append(
            Column(key="calibration_gap", title="Risque annoncé − observé, en points", align="right")
        )
    columns.append(Column(key="verdict", title="Constat"))
    rows = [
        {
            "group": one.group,
            "n": round(one.n),
            "ratio": ratio(one.figures["selection_ratio"]),
            "verdict": one.verdict,
            **{
                name: percent(one.figures.get(name))
                for name in (
                    "base_rate",
                    "selection_rate",
                    "false_positive_rate",
                    "false_negative_rate",
                )
            },
            "calibration_gap": points(one.figures.get("calibration_gap")),
        }
        for one in groups
    ]
    gaps = sum(one.unfair for one in groups)
    said = f"écart établi pour {french.count(gaps, 'groupe')}" if gaps else "aucun écart établi"
    return Table(
        title=f"Audit par {attribute} : {said}",
        columns=tuple(columns),
        rows=rows,
        note=(
            "Intervalles à 95 %, groupe par groupe : sur vingt groupes sans écart, un semble en avoir un par "
            f"hasard. Un rapport entre {french.number(_FAIR, 2)} et {french.number(1 / _FAIR, 2)} est toléré."
        ),
    )
