"""The curves of a model made of one curve for each column: what it looks at can be read whole.

For `models.glass` models. A curve is exact: between two thresholds of the trees nothing changes, so
steps are all there is. The band is the spread of the bags, not an interval on the world.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Chart, Column, Series, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eclaireur.bricks.predict.fitted import FittedTrees

__all__ = ["Curve", "curves", "curves_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What a column adds to the margin, step by step.

    Parameters
    ----------
    edges
        Thresholds, ascending; step ``i`` lies between ``edges[i − 1]`` and ``edges[i]``.
    steps, low, high
        What each step adds (``len(edges) + 1`` values), and the least and greatest of the bags.
    absent
        What an unknown value adds.
    least, most
        Range of the reference rows.
    importance
        Mean of the absolute addition over the reference rows.
    """

    name: str
    edges: tuple[float, ...]
    steps: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    absent: float
    least: float
    most: float
    importance: float

    def at(self, value: float) -> float:
        """Return what a value adds; NaN is an unknown one."""
        from bisect import bisect_left
        from math import isnan

        # LightGBM sends a value equal to the threshold to the left.
        return self.absent if isnan(value) else self.steps[bisect_left(self.edges, value)]

    def chart(self, *, title: str = "", x_title: str = "") -> Chart:
        """Return the curve over the range of the reference rows."""
        inside = [edge for edge in self.edges if self.least < edge < self.most]
        first = sum(edge <= self.least for edge in self.edges)
        bounds = [self.least, *inside, self.most]
        x: list[float] = []
        lines: tuple[list[float], list[float], list[float]] = ([], [], [])
        for at, (start, end) in enumerate(pairwise(bounds), start=first):
            x += [start, end]
            for line, values in zip(lines, (self.steps, self.low, self.high), strict=True):
                line += [values[at], values[at]]
        name = x_title or self.name
        turns = [after - before for before, after in pairwise(lines[0])]
        said = "varie" if any(one < 0 for one in turns) else "augmente"
        if not any(one > 0 for one in turns):
            said = "diminue" if any(one < 0 for one in turns) else "ne change pas"
        return Chart(
            title=title or f"Quand « {name} » augmente, le score {said}",
            form="line",
            x_title=name,
            y_title="Ajout au score (échelle du modèle)",
            series=(
                Series(name=name, x=tuple(x), y=tuple(lines[0]), low=tuple(lines[1]), high=tuple(lines[2])),
            ),
            text=(
                f"De {french.number(self.least, 2)} à {french.number(self.most, 2)}, l'ajout va de "
                f"{french.signed(min(lines[0], default=0.0), 2)} à "
                f"{french.signed(max(lines[0], default=0.0), 2)} ; "
                f"inconnu, il est de {french.signed(self.absent, 2)}."
            ),
        )


def curves(fitted: FittedTrees, columns: NDArray[Any]) -> tuple[Curve, ...]:
    """Return the curve of each column that the model uses, the most important first.

    Parameters
    ----------
    fitted
        A fitted `models.glass`.
    columns
        Reference rows, shape ``(n, features)``: curves are centred on them, so that each adds zero
        on average and the rest is one constant.

    Raises
    ------
    BadValueError
        If the trees of the model look at several columns.
    """
    import numpy as np

    if not fitted.additive:
        raise BadValueError(
            "ce modèle mêle les variables : il ne se lit pas courbe par courbe.",
            fix="Entraînez un modèle lisible (glass).",
        )
    found = []
    for index, thresholds in enumerate(_thresholds(fitted)):
        if thresholds is None:
            continue
        edges = np.array(sorted(thresholds))
        probes = np.concatenate([edges, [edges[-1] + abs(edges[-1]) + 1 if edges.size else 0.0], [np.nan]])
        rows = np.full((probes.size + 1, len(fitted.names)), np.nan)
        rows[:-1, index] = probes
        margins = np.array(
            [booster.predict(rows, raw_score=True, num_threads=1) for booster in fitted.boosters]
        )
        added = margins[:, :-1] - margins[:, -1:]
        values = np.asarray(columns[:, index], dtype=np.float64)
        missing = np.isnan(values)
        place = np.where(missing, probes.size - 1, np.searchsorted(edges, values, side="left"))
        added -= added[:, place].mean(axis=1, keepdims=True) if values.size else 0.0
        mean = added.mean(axis=0)
        known = values[~missing]
        found.append(
            Curve(
                name=fitted.names[index],
                edges=tuple(edges.tolist()),
                steps=tuple(mean[:-1].tolist()),
                low=tuple(added.min(axis=0)[:-1].tolist()),
                high=tuple(added.max(axis=0)[:-1].tolist()),
                absent=float(mean[-1]),
                least=float(known.min()) if known.size else 0.0,
                most=float(known.max()) if known.size else 0.0,
                importance=float(np.abs(mean[place]).mean()) if values.size else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.importance, one.name)))


def _thresholds(fitted: FittedTrees) -> list[set[float] | None]:
    """Return the thresholds of each column, None for a column that no tree uses."""
    found: list[set[float] | None] = [None] * len(fitted.names)
    for booster in fitted.boosters:
        for tree in booster.dump_model()["tree_info"]:
            for index, threshold in _splits(tree["tree_structure"]):
                held = found[index] or set()
                held.add(threshold)
                found[index] = held
    return found


def _splits(node: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    if "split_feature" in node:
        yield int(node["split_feature"]), float(node["threshold"])
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def curves_table(found: tuple[Curve, ...], titles: Mapping[str, str] | None = None) -> Table:
    """Return what each column can add, the most important first: the whole model on one page.

    ``titles`` are French names of columns.
    """
    return Table(
        title=f"Le modèle est la somme de {french.count(len(found), 'courbe')}",
        columns=(
            Column(key="name", title="Variable"),
            Column(key="importance", title="Ajout moyen", align="right"),
            Column(key="low", title="Le moins", align="right"),
            Column(key="high", title="Le plus", align="right"),
            Column(key="absent", title="Si inconnue", align="right"),
        ),
        rows=[
            {
                "name": (titles or {}).get(one.name, one.name),
                "importance": french.number(one.importance, 2),
                "low": french.signed(min(one.steps), 2),
                "high": french.signed(max(one.steps), 2),
                "absent": french.signed(one.absent, 2),
            }
            for one in found
        ],
        note="Les ajouts se lisent sur l'échelle du modèle ; leur somme et une constante font le score.",
    )
