"""The chance that a new shop lasts three years: a logistic regression on demand, competition, closures.

Few openings are known, so few columns are used, and each weight can be read.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict import calibration
from eclaireur.bricks.predict.calibration import Calibration
from eclaireur.core import artefacts, french
from eclaireur.core.case import Fitted
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.artisan_siting.ground import Ground
    from eclaireur.core.case import Artefact

__all__ = ["FEATURES", "Model", "columns_for", "explained", "fit", "load", "quarter", "train"]

_LEAST = 60
_LEAST_CALIBRATION = 100
_PARTS = (0.4, 0.55, 0.7, 0.85, 1.0)
"""Shares of the openings, in the order of time, at which a part begins that is told by those before it."""


def _per_shop(value: float) -> str:
    people = french.number(math.exp(value))
    return f"{people} habitants pour chaque commerce de ce métier à 10 km, le nouveau compris."


FEATURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    (
        "drawn",
        "demande",
        lambda value: f"Un nouveau commerce y attirerait environ {french.number(math.exp(value))} habitants.",
    ),
    ("per_shop", "concurrence", _per_shop),
    (
        "here",
        "concurrence",
        lambda value: (
            f"{french.count(round(math.expm1(value)), 'commerce', 'commerces')} de ce métier dans la commune."
        ),
    ),
    (
        "closed",
        "survie",
        lambda value: (
            f"Environ {french.percent(value)} des commerces du métier ont fermé en trois ans à 20 km."
        ),
    ),
    (
        "income",
        "demande",
        lambda value: (
            "Revenu médian inconnu."
            if math.isnan(value)
            else f"Revenu médian : {french.number(value)} € par an."
        ),
    ),
)
"""Columns of `Ground.features`: name, theme, and the sentence of a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Weights of the scaled columns, then one for each trade; a trade never seen has the mean of all."""

    trades: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    constant: float
    calibration: Calibration = field(default_factory=Calibration)

    def contributions(self, columns: NDArray[np.float64], trades: Sequence[str]) -> NDArray[np.float64]:
        """Return what each column, then the trade, adds to the log-odds: shape ``(n, features + 1)``."""
        import numpy as np

        size = len(FEATURES)
        scaled = np.nan_to_num((columns - self.centre) / self.scale) * self.weights[:size]
        own = dict(zip(self.trades, self.weights[size:].tolist(), strict=True))
        return np.column_stack([scaled, [own.get(trade, 0.0) for trade in trades]])

    def chance(self, columns: NDArray[np.float64], trades: Sequence[str]) -> NDArray[np.float64]:
        """Return the stated chance to last, shape ``(n,)``."""
        import numpy as np

        odds = self.constant + self.contributions(columns, trades).sum(axis=1)
        return self.calibration.apply(1 / (1 + np.exp(-odds)))


def quarter(day: date) -> date:
    """Return the first day of the quarter: shops are counted then, which is known at any day of it.

    >>> quarter(date(2024, 5, 12))
    datetime.date(2024, 4, 1)
    """
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def columns_for(
    ground: Ground, communes: Sequence[int], trades: Sequence[str], days: Sequence[date]
) -> NDArray[np.float64]:
    """Return the columns of rows (a commune, a trade, a day), as known at the start of each row's quarter."""
    import numpy as np

    cells = [(trade, quarter(day)) for trade, day in zip(trades, days, strict=True)]
    known = {cell: ground.features(*cell) for cell in sorted(set(cells))}
    return np.array([known[cell][at] for cell, at in zip(cells, communes, strict=True)]).reshape(
        len(cells), len(FEATURES)
    )


def fit(columns: NDArray[np.float64], trades: Sequence[str], labels: NDArray[np.float64]) -> Model:
    """Fit on openings in the order of time; each later part, told by those before it, serves to calibrate."""
    import numpy as np

    cuts = [round(share * len(labels)) for share in _PARTS]
    told = []
    for start, end in itertools.pairwise(cuts):
        if start >= _LEAST and _both(labels[:start]):
            before = _fit(columns[:start], trades[:start], labels[:start])
            told.append(before.chance(columns[start:end], trades[start:end]))
    model = _fit(columns, trades, labels)
    risk = np.concatenate(told) if told else np.zeros(0)
    truth = labels[len(labels) - len(risk) :]
    half = len(truth) // 2
    if len(truth) >= _LEAST_CALIBRATION and _both(truth[:half]) and _both(truth[half:]):
        return replace(model, calibration=calibration.fit(truth, risk))
    return model


def _both(labels: NDArray[np.float64]) -> bool:
    return bool(0 < labels.sum() < labels.size)


def _fit(columns: NDArray[np.float64], trades: Sequence[str], labels: NDArray[np.float64]) -> Model:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    known = ~np.isnan(columns)
    size = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, columns, 0.0).sum(axis=0) / size
    spread = np.sqrt((np.where(known, columns - centre, 0.0) ** 2).sum(axis=0) / size)
    scale = np.where(spread > 1e-9, spread, 1.0)
    names = tuple(sorted(set(trades)))
    dummies = np.array([[float(trade == name) for name in names] for trade in trades])
    design = np.hstack([np.nan_to_num((columns - centre) / scale), dummies])
    line = LogisticRegression(C=1.0, max_iter=1000).fit(design, labels)
    return Model(
        trades=names, centre=centre, scale=scale, weights=line.coef_[0], constant=float(line.intercept_[0])
    )


def train(ground: Ground, examples: pa.Table, *, case: str, as_of: date) -> Fitted:
    """Train on the openings whose three years were over before ``as_of``.

    Raises
    ------
    EmptyTableError
        If there are too few, or all had the same end.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    known = examples.filter(pc.less(examples["known"], pa.scalar(as_of, pa.date32())))
    known = known.sort_by([("as_of", "ascending"), ("example", "ascending")])
    labels = known["label"].to_numpy()
    if known.num_rows < _LEAST or not _both(labels):
        raise EmptyTableError(
            f"{french.count(known.num_rows, 'ouverture suivie', 'ouvertures suivies')} trois ans avant le "
            f"{as_of:%d/%m/%Y} : trop peu pour conclure.",
            fix="Choisissez une date plus tardive, ou ajoutez des ouvertures.",
        )
    trades = known["trade"].to_pylist()
    columns = columns_for(ground, known["at"].to_pylist(), trades, known["as_of"].to_pylist())
    model = fit(columns, trades, labels)
    told = known.select(["example", "as_of", "label", "trade"]).to_pylist()
    card = ModelCard(
        case=case,
        number=0,
        kind="logistic regression on Huff demand, competition and closures",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(told).encode()).hexdigest(),
        examples=known.num_rows,
        positives=int(labels.sum()),
        as_of=as_of,
        features=(*(name for name, _, _ in FEATURES), "trade"),
    )
    content = {
        "trades": list(model.trades),
        "centre": model.centre.tolist(),
        "scale": model.scale.tolist(),
        "weights": model.weights.tolist(),
        "constant": model.constant,
        "calibration": model.calibration.to_json(),
    }
    return Fitted(card=card, artefacts={"survival.json": artefacts.dump_json(content)})


def load(artefact: Artefact) -> Model:
    """Read a model from the registry; an altered file is refused there."""
    import numpy as np

    content: Any = artefacts.load_json(artefact("survival.json"))
    return Model(
        trades=tuple(content["trades"]),
        centre=np.asarray(content["centre"]),
        scale=np.asarray(content["scale"]),
        weights=np.asarray(content["weights"]),
        constant=content["constant"],
        calibration=Calibration.from_json(content["calibration"]),
    )


def explained(
    model: Model, columns: NDArray[np.float64], trades: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """Return the reasons of rows, in log-odds; the trade itself is a reason."""
    import numpy as np

    order = {trade: number for number, trade in enumerate(sorted(set(trades)))}
    names = {number: trade for trade, number in order.items()}
    values = np.column_stack([columns, [order[trade] for trade in trades]])

    def tell(column: int, value: float) -> Mapping[str, Any]:
        if column == len(FEATURES):
            return {
                "theme": "métier",
                "sentence": f"Métier : {names[int(value)]}.",
                "source": "ouvertures passées",
                "feature": "trade",
            }
        name, theme, say = FEATURES[column]
        return {"theme": theme, "sentence": say(value), "source": "communes et commerces", "feature": name}

    return reasons(model.contributions(columns, trades), values, tell)
