"""The models that a study compares: a plain rate, a plain rule, a linear one, trees, trees one can read.

Each is a declaration (frozen, small) whose ``fit`` gives a `Fitted`. All learn the same three
*kinds* of outcome: ``binary`` (0 or 1), ``count`` (an expected number) and ``value`` (any number).
Nothing fitted needs unpickling: `Fitted.dump` gives JSON and LightGBM text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.bricks.predict import newton
from eclaireur.bricks.predict.fitted import Constant, Fitted, FittedLinear, FittedTrees, ScoresOnly, transform
from eclaireur.core.errors import BadValueError, EmptyTableError

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KINDS", "Blended", "Linear", "Model", "Rate", "Rule", "Training", "Trees", "glass"]

KINDS = ("binary", "count", "value")
"""What an outcome may be."""

_OBJECTIVES = {"binary": "binary", "count": "poisson", "value": "regression"}
_FEWEST = 30
_MEDIAN_ROWS = 10_000
_BLOCK = 8192
_ROUNDING = {4: 1e-5, 8: 1e-9}
"""Relative spread that rounding alone may give, by bytes of a value."""
_MOST_ROWS = 50_000
"""Rows that one tree sees: more of them cost time and change little, since each tree sees others."""


@dataclass(frozen=True)
class Training:
    """Rows to learn from, with what several models of one split share: bins and standardised columns.

    Parameters
    ----------
    columns
        Shape ``(n, features)``, NaN where not known; float32 halves the memory of large studies.
    labels
        Outcomes, shape ``(n,)``, all known.
    names
        Name of each column.
    kind
        One of `KINDS`.
    weights, observers
        Weight of each row, and who measured it; None when there is none.
    bins
        Most bins of a column for tree models: 63 is a third faster and a little less sharp.

    Raises
    ------
    BadValueError
        If shapes differ, an outcome is missing or is not of its kind.
    EmptyTableError
        If there are under thirty rows, or a binary outcome has one class only.
    """

    columns: NDArray[Any]
    labels: NDArray[np.float64]
    names: tuple[str, ...]
    kind: str = "binary"
    weights: NDArray[np.float64] | None = None
    observers: Sequence[str | None] | None = None
    seed: int = 0
    bins: int = 255

    def __post_init__(self) -> None:
        """Refuse what cannot be learnt from."""
        import numpy as np

        if self.kind not in KINDS:
            raise BadValueError(f"sorte de résultat inconnue : « {self.kind} ».", fix=", ".join(KINDS))
        if self.columns.shape != (self.labels.size, len(self.names)):
            raise BadValueError(
                f"un tableau de {self.columns.shape} pour {self.labels.size} résultats "
                f"et {len(self.names)} variables."
            )
        if np.isnan(self.labels).any():
            raise BadValueError("un résultat manque.", fix="Retirez ces lignes de l'apprentissage.")
        if self.labels.size < _FEWEST:
            raise EmptyTableError(
                f"trop peu de résultats pour apprendre : {self.labels.size}.",
                fix=f"Il en faut au moins {_FEWEST}.",
            )
        if self.kind == "binary":
            _check_classes(self.labels)
        elif self.kind == "count" and (self.labels < 0).any():
            raise BadValueError("un effectif est négatif.", fix="Corrigez ou retirez ces lignes.")

    @cached_property
    def binned(self) -> lightgbm.Dataset:
        """Columns cut into bins once, for every tree model of the split."""
        import lightgbm

        data = lightgbm.Dataset(
            self.columns,
            self.labels,
            weight=self.weights,
            params={**_SHARED, "max_bin": self.bins},
            free_raw_data=False,
        )
        return data.construct()

    @cached_property
    def standard(self) -> tuple[NDArray[Any], dict[str, Any]]:
        """Standardised columns with indicators of absence, and how they were made."""
        import numpy as np

        n, width = self.columns.shape
        # A fill value needs no more precision than some thousand rows give it.
        some = self.columns[:: max(1, n // _MEDIAN_ROWS)]
        medians = []
        for index in range(width):
            known = some[~np.isnan(some[:, index]), index]
            medians.append(float(np.median(known)) if known.size else 0.0)
        flagged = _absences(self.columns)
        plain = [0.0] * (width + len(flagged)), [1.0] * (width + len(flagged))
        content: dict[str, Any] = {"medians": medians, "flagged": flagged}
        kind = self.columns.dtype if self.columns.dtype == np.float32 else np.dtype(np.float64)
        raw = np.empty((n, width + len(flagged)), dtype=kind)
        # Around the fill values, so that single precision does not lose a small spread far from zero.
        centre = np.array([*medians, *[0.0] * len(flagged)], dtype=kind)
        sums, squares, ones = np.zeros(raw.shape[1]), np.zeros(raw.shape[1]), np.ones(_BLOCK, dtype=kind)
        for begin in range(0, n, _BLOCK):
            rows = raw[begin : begin + _BLOCK]
            rows[:] = transform(
                self.columns[begin : begin + _BLOCK], content | {"means": plain[0], "scales": plain[1]}
            )
            rows -= centre
            sums += ones[: len(rows)] @ rows
            squares += np.einsum("ij,ij->j", rows, rows)
        gaps = sums / max(1, n)
        scales = np.sqrt(np.maximum(squares / max(1, n) - gaps**2, 0.0))
        means = gaps + centre
        # A column that does not vary, but for rounding, must not be blown up when it later does.
        varies = scales > _ROUNDING[kind.itemsize] * np.maximum(np.abs(means), 1.0)
        scales = np.where(varies, scales, 1.0)
        shift, inverse = gaps.astype(kind), (1 / scales).astype(kind)
        for begin in range(0, n, _BLOCK):
            rows = raw[begin : begin + _BLOCK]
            rows -= shift
            rows *= inverse
        return raw, content | {"means": means.tolist(), "scales": scales.tolist()}


def _absences(columns: NDArray[Any]) -> list[int]:
    """Return one column for each pattern of absence: columns of one table are absent together."""
    import numpy as np

    missing = np.asfortranarray(np.isnan(columns))
    share = missing.mean(axis=0)
    partly = np.flatnonzero((share > 0) & (share < 1))
    patterns = {np.packbits(missing[:, index]).tobytes(): int(index) for index in partly[::-1]}
    return sorted(patterns.values())


_SHARED = {"bin_construct_sample_cnt": 20_000, "feature_pre_filter": False, "verbose": -1, "num_threads": 1}


def _check_classes(labels: NDArray[np.float64]) -> None:
    import numpy as np

    found = np.unique(labels)
    if not np.isin(found, (0.0, 1.0)).all():
        raise BadValueError("une étiquette n'est ni 0 ni 1.", fix="Retirez ces lignes.")
    if found.size == 1:
        said = "positifs" if found[0] else "négatifs"
        raise EmptyTableError(
            f"tous les résultats connus sont {said} : {labels.size} lignes d'une seule sorte.",
            fix="Ajoutez des résultats de l'autre sorte : sans eux, rien ne peut être appris ni mesuré.",
        )


class Model(Protocol):
    """A declaration that can be fitted."""

    def fit(self, training: Training) -> Fitted:
        """Learn from rows."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The plainest baseline: everyone has the mean."""

    def fit(self, training: Training) -> Fitted:
        """Keep the mean."""
        import numpy as np

        return Constant(value=float(np.average(training.labels, weights=training.weights)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A plain rule: the order of one column, as a service would sort its table.

    ``column`` names it; with ``rises`` false, the least comes first. Rows where it is not known take
    the column's mean. For a count or a value, the column itself is the prediction.
    """

    column: str
    rises: bool = True

    def fit(self, training: Training) -> Fitted:
        """Find the column and its mean."""
        import numpy as np

        if self.column not in training.names:
            raise BadValueError(
                f"la règle simple lit « {self.column} », qui n'est pas une variable de l'étude.",
                fix="Ajoutez cette variable ou changez la règle.",
            )
        index = training.names.index(self.column)
        values = training.columns[:, index]
        known = values[~np.isnan(values)]
        return ScoresOnly(
            column=index, sign=1.0 if self.rises else -1.0, missing=float(known.mean()) if known.size else 0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Ridge logistic, Poisson or least-squares regression on standardised columns.

    ``strength`` is the inverse of the penalty on the *mean* loss, so that it means the same at every
    size of the study.
    """

    strength: float = 100.0

    def fit(self, training: Training) -> Fitted:
        """Fit by Newton's method: the Hessian of some hundred columns is small."""
        from sklearn.linear_model import PoissonRegressor, Ridge

        scaled, content = training.standard
        n = training.labels.size
        if training.kind == "binary":
            found = newton.logistic(
                scaled,
                training.labels,
                penalty=1 / self.strength,
                weights=training.weights,
                seed=training.seed,
            )
            return self._fitted(training, content, found[:-1], float(found[-1]))
        if training.kind == "count":
            model = PoissonRegressor(alpha=1 / self.strength, solver="newton-cholesky", max_iter=200)
        else:
            model = Ridge(alpha=n / self.strength)
        model.fit(scaled, training.labels, sample_weight=training.weights)
        return self._fitted(training, content, model.coef_.ravel(), float(model.intercept_))

    @staticmethod
    def _fitted(
        training: Training, content: Mapping[str, Any], slopes: NDArray[np.float64], intercept: float
    ) -> FittedLinear:
        more = {"coefficients": slopes.tolist(), "intercept": intercept}
        return FittedLinear(names=training.names, kind=training.kind, content={**content, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Gradient-boosted trees (LightGBM).

    Parameters
    ----------
    trees, leaves, rate, least
        Number of trees, leaves of each, learning rate, and least rows in a leaf.
    bags
        Boosters fitted on different draws and averaged.
    additive
        Each tree looks at one column only: see `glass`.
    rises
        Column → +1 or −1 when the prediction may only rise, or fall, with it.
    forest
        Independent trees averaged instead of boosted ones.
    settings
        Other LightGBM parameters.
    """

    trees: int = 100
    leaves: int = 15
    rate: float = 0.1
    least: int = 50
    bags: int = 1
    additive: bool = False
    forest: bool = False
    rises: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def fit(self, training: Training) -> Fitted:
        """Fit each bag on the shared bins."""
        import lightgbm

        if unknown := sorted(set(self.rises) - set(training.names)):
            raise BadValueError(f"sens imposé à une variable inconnue : « {unknown[0]} ».")
        parameters: dict[str, Any] = {
            **_SHARED,
            "max_bin": training.bins,
            "objective": _OBJECTIVES[training.kind],
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": min(self.least, max(5, training.labels.size // 50)),
            "lambda_l2": 5.0,
            "bagging_fraction": min(0.5, _MOST_ROWS / training.labels.size),
            "bagging_freq": 5,
            "feature_fraction": 0.5,
            "deterministic": True,
            "force_col_wise": True,
        }
        if self.rises:
            parameters["monotone_constraints"] = [self.rises.get(name, 0) for name in training.names]
        if self.additive:
            parameters["interaction_constraints"] = [[index] for index in range(len(training.names))]
            parameters["feature_fraction"] = 1.0
        if self.forest:
            parameters |= {"boosting": "rf", "lambda_l2": 0.0, "bagging_freq": 1}
        parameters |= self.settings
        boosters = tuple(
            lightgbm.train(parameters | {"seed": training.seed + bag}, training.binned, self.trees)
            for bag in range(self.bags)
        )
        return FittedTrees(
            names=training.names, kind=training.kind, boosters=boosters, additive=self.additive
        )


def glass(*, trees: int = 300, rate: float = 0.05, bags: int = 3, **more: Any) -> Trees:
    """Return a model that can be read whole: a sum of one curve for each column.

    A generalised additive model by boosted trees that see one column each (Lou, Caruana & Gehrke
    2012, « Intelligible models for classification and regression »). `shapes.curves` draws it.
    """
    return Trees(trees=trees, rate=rate, bags=bags, leaves=4, additive=True, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """The blend of a linear part and trees, with the observer as a nuisance (`blend.fit`)."""

    rises: Mapping[str, int] = field(default_factory=dict)

    def fit(self, training: Training) -> Fitted:
        """Fit the blend; a study without observers has none to average out."""
        import numpy as np

        from eclaireur.bricks.predict import blend
        from eclaireur.bricks.predict.fitted import FittedBlend

        if training.kind != "binary":
            raise BadValueError("le mélange linéaire et arbres n'apprend que des résultats 0 ou 1.")
        fitted = blend.fit(
            np.asarray(training.columns, dtype=np.float64),
            training.labels,
            training.observers or [None] * training.labels.size,
            names=training.names,
            rises=[self.rises.get(name, 0) for name in training.names],
            weights=training.weights,
            seed=training.seed,
        )
        return FittedBlend(blend=fitted)
