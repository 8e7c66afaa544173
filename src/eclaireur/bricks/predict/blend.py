"""A risk model made of a linear part and trees, with the observer as a nuisance.

Two models of the log-odds are averaged: a ridge logistic regression, which extrapolates calmly from
little data, and gradient boosted trees (LightGBM), which find thresholds and interactions. Who
measured is fitted beside them, as one effect per observer drawn towards zero, and is averaged out
at scoring: the order never depends on who will measure, and a missing observer needs no guess.

Averages of log-odds keep contributions additive, so that reasons are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core import artefacts
from eclaireur.core.errors import BadValueError, EmptyTableError

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Blend", "Settings", "fit"]

_LINEAR = "linear.json"
_MIN_ROWS = 100
_MIN_CLASS = 10
_ROUNDING = 1e-9
_FARTHEST = 8.0
"""Standard deviations beyond which the linear part no longer extrapolates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the two parts are fitted; the defaults are strong regularisation for some thousand rows.

    Parameters
    ----------
    ridge
        Inverse strength of the logistic regression's penalty (scikit-learn's ``C``).
    observer_scale
        How much freer an observer's effect is than a feature's.
    trees, leaves, rate, least
        Number of trees, leaves of each, learning rate, and least rows in a leaf.
    bags
        Boosters fitted on different draws of rows and averaged.
    share
        Weight of the trees in the average; 0 fits none, for some hundred positives or fewer, where trees
        learn single events by heart.
    """

    ridge: float = 0.05
    observer_scale: float = 2.0
    trees: int = 150
    leaves: int = 8
    rate: float = 0.03
    least: int = 80
    bags: int = 3
    share: float = 0.5


@dataclass(frozen=True)
class Blend:
    """A fitted model: linear part, trees and observers' effects.

    ``linear`` holds plain numbers (see `fit`); ``boosters`` the trees of each bag.
    """

    names: tuple[str, ...]
    linear: Mapping[str, Any]
    boosters: tuple[lightgbm.Booster, ...]

    def parts(self, columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the log-odds by the linear part and by the trees, each of shape ``(n,)``.

        Without trees both are those of the linear part.
        """
        import numpy as np

        straight = self._linear_contributions(columns)
        if not self.boosters:
            return straight.sum(axis=1), straight.sum(axis=1)
        raw = [np.asarray(booster.predict(columns, raw_score=True)) for booster in self.boosters]
        return straight.sum(axis=1), self.linear["intercept"] + np.mean(raw, axis=0)

    def margin(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds at an average observer, shape ``(n,)``."""
        straight, trees = self.parts(columns)
        share = self._share
        return (1 - share) * straight + share * trees

    @property
    def _share(self) -> float:
        """Weight of the trees; models stored before it could be set have one half."""
        return float(self.linear.get("share", 0.5))

    def risk(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability averaged over the observers seen in training, shape ``(n,)``."""
        import numpy as np

        margin = self.margin(columns)
        effects = np.asarray(self.linear["effects"])
        shares = np.asarray(self.linear["shares"])
        averaged: NDArray[np.float64] = np.sum(shares / (1 + np.exp(-(margin[:, None] + effects))), axis=1)
        return averaged

    def contributions(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column adds to the log-odds, then the bias: shape ``(n, features + 1)``.

        Rows sum to `margin` exactly. The trees' share is LightGBM's own (Lundberg & Lee 2017, exact
        for trees).
        """
        import numpy as np

        straight = self._linear_contributions(columns)
        if not self.boosters:
            return straight
        trees = np.mean(
            [np.asarray(booster.predict(columns, pred_contrib=True)) for booster in self.boosters], axis=0
        )
        trees[:, -1] += self.linear["intercept"]
        total: NDArray[np.float64] = (1 - self._share) * straight + self._share * trees
        return total

    def _linear_contributions(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        if columns.shape[1] != len(self.names):
            raise BadValueError(f"{columns.shape[1]} colonnes pour un modèle de {len(self.names)}.")
        scaled, owners = _transform(columns, self.linear)
        weighted = scaled * np.asarray(self.linear["coefficients"])
        found = np.zeros((columns.shape[0], len(self.names) + 1))
        np.add.at(found.T, owners, weighted.T)
        found[:, -1] = self.linear["intercept"]
        return found

    def dump(self) -> dict[str, bytes]:
        """Return the artefacts to store: JSON and LightGBM text, nothing that needs unpickling."""
        content = {"names": list(self.names), "bags": len(self.boosters), **self.linear}
        files = {_LINEAR: artefacts.dump_json(content)}
        for index, booster in enumerate(self.boosters):
            files[f"trees_{index}.txt"] = artefacts.dump_lightgbm(booster)
        return files

    @classmethod
    def load(cls, artefact: Any) -> Blend:
        """Read what `dump` wrote, through a function that gives the bytes of a file."""
        content = artefacts.load_json(artefact(_LINEAR))
        bags = content.pop("bags")
        names = tuple(content.pop("names"))
        boosters = tuple(artefacts.load_lightgbm(artefact(f"trees_{index}.txt")) for index in range(bags))
        return cls(names=names, linear=content, boosters=boosters)


def fit(
    columns: NDArray[np.float64],
    labels: NDArray[np.float64],
    observers: Sequence[str | None],
    *,
    names: Sequence[str],
    rises: Sequence[int],
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    settings: Settings | None = None,
) -> Blend:
    """Fit the model.

    Parameters
    ----------
    columns
        Shape ``(n, features)``, NaN where not known.
    labels
        0 or 1, shape ``(n,)``.
    observers
        Who measured each row; None where it is not known.
    rises
        Per feature, +1 or −1 when the trees may only raise or lower the risk with it, else 0.

    Raises
    ------
    BadValueError
        If a label is not 0 or 1.
    EmptyTableError
        If there are under a hundred rows, or under ten of either class.
    """
    import numpy as np

    _check(labels)
    known = [observer for observer in sorted(set(observers) - {None}, key=str) if observer is not None]
    code = {observer: index for index, observer in enumerate(known)}
    seen = np.array([-1 if observer is None else code[observer] for observer in observers], dtype=int)
    chosen = settings or Settings()
    weight = np.ones(labels.size) if weights is None else np.asarray(weights, dtype=np.float64)
    linear = _fit_linear(columns, labels, seen, len(known), weight, chosen)
    offset = linear["intercept"] + np.append(linear["effects"], 0.0)[seen]
    bags = chosen.bags if chosen.share else 0
    boosters = tuple(
        _fit_trees(columns, labels, weight, offset, rises, seed + bag, chosen) for bag in range(bags)
    )
    linear["share"] = chosen.share
    shares = np.bincount(seen[seen >= 0], minlength=len(known)).astype(np.float64)
    if known:
        linear |= {"observers": known, "shares": (shares / shares.sum()).tolist()}
    else:
        linear |= {"observers": [], "shares": [1.0], "effects": [0.0]}
    return Blend(names=tuple(names), linear=linear, boosters=boosters)


def _check(labels: NDArray[np.float64]) -> None:
    import numpy as np

    if not np.isin(labels, (0.0, 1.0)).all():
        raise BadValueError("une étiquette manque ou n'est ni 0 ni 1.", fix="Retirez ces lignes.")
    positives = int(labels.sum())
    if labels.size < _MIN_ROWS or min(positives, labels.size - positives) < _MIN_CLASS:
        raise EmptyTableError(
            f"trop peu de résultats pour entraîner un modèle : {labels.size}, dont {positives} défavorables.",
            fix=f"Il en faut au moins {_MIN_ROWS}, et {_MIN_CLASS} de chaque sorte.",
        )


def _skewed(columns: NDArray[np.float64]) -> list[int]:
    """Columns of counts and durations: never below zero, with a long tail; their logarithm is used."""
    import numpy as np

    found = []
    for index in range(columns.shape[1]):
        values = columns[:, index][~np.isnan(columns[:, index])]
        if values.size and values.min() >= 0 and values.max() > 10 * max(float(np.median(values)), 1.0):
            found.append(index)
    return found


def _fit_linear(
    columns: NDArray[np.float64],
    labels: NDArray[np.float64],
    seen: NDArray[np.int64],
    observers: int,
    weight: NDArray[np.float64],
    settings: Settings,
) -> dict[str, Any]:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    missing = np.isnan(columns)
    medians = [
        float(np.median(part[~np.isnan(part)])) if (~np.isnan(part)).any() else 0.0 for part in columns.T
    ]
    # One indicator per distinct pattern of absence: columns of one table are absent together.
    _, first = np.unique(missing, axis=1, return_index=True)
    flagged = [int(index) for index in sorted(first) if 0 < missing[:, index].mean() < 1]
    linear: dict[str, Any] = {"medians": medians, "skewed": _skewed(columns), "flagged": flagged}
    width = columns.shape[1] + len(flagged)
    linear |= {"means": [0.0] * width, "scales": [1.0] * width}
    raw, _ = _transform(columns, linear)
    means, scales = raw.mean(axis=0), raw.std(axis=0)
    # A column that does not vary, but for rounding, must not be blown up when it later does.
    varies = scales > _ROUNDING * np.maximum(np.abs(means), 1.0)
    linear |= {"means": means.tolist(), "scales": np.where(varies, scales, 1.0).tolist()}
    scaled, _ = _transform(columns, linear)
    who = np.zeros((labels.size, observers))
    who[seen >= 0, seen[seen >= 0]] = settings.observer_scale
    model = LogisticRegression(C=settings.ridge, max_iter=2000)
    model.fit(np.column_stack([scaled, who]), labels, sample_weight=weight)
    coefficients = model.coef_[0]
    return linear | {
        "intercept": float(model.intercept_[0]),
        "coefficients": coefficients[:width].tolist(),
        "effects": (settings.observer_scale * coefficients[width:]).tolist(),
    }


def _transform(
    columns: NDArray[np.float64], linear: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the linear part's inputs, and for each the feature that it belongs to."""
    import numpy as np

    filled = np.where(np.isnan(columns), np.asarray(linear["medians"]), columns)
    skewed = linear["skewed"]
    filled[:, skewed] = np.log1p(np.maximum(filled[:, skewed], 0.0))
    flagged = list(linear["flagged"])
    inputs = np.column_stack([filled, np.isnan(columns[:, flagged]).astype(np.float64)])
    owners = np.concatenate([np.arange(columns.shape[1]), np.asarray(flagged, dtype=int)])
    scaled = (inputs - np.asarray(linear["means"])) / np.asarray(linear["scales"])
    return np.clip(scaled, -_FARTHEST, _FARTHEST), owners


def _fit_trees(
    columns: NDArray[np.float64],
    labels: NDArray[np.float64],
    weight: NDArray[np.float64],
    offset: NDArray[np.float64],
    rises: Sequence[int],
    seed: int,
    settings: Settings,
) -> lightgbm.Booster:
    import lightgbm

    parameters = {
        "objective": "binary",
        "num_leaves": settings.leaves,
        "learning_rate": settings.rate,
        "min_data_in_leaf": min(settings.least, max(5, labels.size // 50)),
        "lambda_l2": 20.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "monotone_constraints": list(rises),
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(columns, labels, weight=weight, init_score=offset, free_raw_data=True)
    return lightgbm.train(parameters, data, settings.trees)
