"""The count model: what a firm's past and peers lead to expect, corrected by trees; one way to score.

``log E(hirings) = log(exposure) + log(first sight) + trees``, where the exposure is the part of the half-year
during which the firm was open and the first sight a credibility mean (`features`). All parts are additive on
the logarithm, so contributions are exact.

References
----------
Boosting the Poisson deviance from an offset, as actuaries do for claim counts (Wüthrich and Merz,
*Statistical Foundations of Actuarial Learning*, 2023, ch. 7); Bühlmann, *Experience rating and
credibility* (1967).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict import calibration
from eclaireur.bricks.predict.calibration import Calibration
from eclaireur.bricks.space.expected import MIN_CELLS, ExpectedCounts
from eclaireur.cases.hiring_firms.features import CREDIBLE, FEATURES, matrix, rows_for
from eclaireur.core import artefacts
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from lightgbm import Booster
    from numpy.typing import NDArray

    from eclaireur.core.case import Artefact, Fitted, Records

__all__ = ["Judged", "Model", "explained", "fit", "judge", "load", "train"]

_TREES = {
    "objective": "poisson",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 60,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}
_ROUNDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The level of the whole, the middle of first sights, the trees, and how chances are stated.

    Parameters
    ----------
    level
        Logarithm of hirings made over those expected at first sight, in training.
    middle
        Mean of the logarithm of first sights: what reasons are told against.
    dispersion
        Of held-out counts around what was expected: negative binomial, 0 for Poisson.
    """

    level: float
    middle: float
    trees: Booster = field(repr=False)
    dispersion: float = 0.0
    calibration: Calibration = field(default_factory=Calibration)

    def expected(self, columns: NDArray[np.float64], exposure: float = 1.0) -> NDArray[np.float64]:
        """Return expected hirings in a half-year, shape ``(n,)``."""
        import numpy as np

        added = np.asarray(self.trees.predict(columns, raw_score=True, num_threads=1), dtype=np.float64)
        return np.asarray(exposure * np.exp(self.level + columns[:, CREDIBLE] + added), dtype=np.float64)

    def contributions(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column, then the constant, adds to the logarithm: shape ``(n, features + 1)``."""
        import numpy as np

        found = np.asarray(self.trees.predict(columns, pred_contrib=True, num_threads=1), dtype=np.float64)
        found[:, CREDIBLE] += columns[:, CREDIBLE] - self.middle
        found[:, -1] += self.level + self.middle
        return found

    def chance(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of one hiring or more: that of a negative binomial not being zero."""
        import numpy as np

        if not self.dispersion:
            return -np.expm1(-mean)
        return -np.expm1(-np.log1p(self.dispersion * mean) / self.dispersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the model says of rows: expected hirings, chance to hire with its interval, and its columns."""

    expected: NDArray[np.float64]
    score: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    columns: NDArray[np.float64] = field(repr=False)


def fit(
    columns: NDArray[np.float64],
    counts: NDArray[np.float64],
    exposure: NDArray[np.float64],
    starts: NDArray[np.datetime64],
    *,
    seed: int,
) -> Model:
    """Fit on half-years: the last first judges a model of those before, to state chances; then all serve.

    Parameters
    ----------
    columns
        Shape ``(n, features)``, as known at the start of each half-year.
    counts, exposure
        Hirings, and the part of the half-year during which the firm was open, in ]0, 1].
    starts
        First day of each row's half-year.
    """
    import numpy as np

    last = starts == starts.max()
    told, dispersion = Calibration(), 0.0
    if (~last).sum() >= 10 * MIN_CELLS and last.sum() >= 10 * MIN_CELLS:
        first = _fit(columns[~last], counts[~last], exposure[~last], seed)
        mean = exposure[last] * first.expected(columns[last])
        dispersion = _dispersion(counts[last], mean)
        hired = (counts[last] > 0).astype(float)
        if 0 < hired.sum() < len(hired):
            held = replace(first, dispersion=dispersion)
            # Firms come in no order: halves of them are alike.
            mixed = np.random.default_rng(seed).permutation(len(hired))
            told = calibration.fit(hired[mixed], held.chance(mean)[mixed])
    whole = _fit(columns, counts, exposure, seed)
    return replace(whole, dispersion=dispersion, calibration=told)


def _fit(
    columns: NDArray[np.float64], counts: NDArray[np.float64], exposure: NDArray[np.float64], seed: int
) -> Model:
    import lightgbm as lgb
    import numpy as np

    sight = columns[:, CREDIBLE]
    level = float(np.log(counts.sum() / (exposure * np.exp(sight)).sum()))
    data = lgb.Dataset(
        columns,
        counts,
        init_score=np.log(exposure) + level + sight,
        feature_name=[feature.name for feature in FEATURES],
    )
    trees = lgb.train({**_TREES, "seed": seed}, data, num_boost_round=_ROUNDS)
    return Model(level=level, middle=float(sight.mean()), trees=trees)


def _dispersion(counts: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """Return the dispersion of counts around means that were given, never fitted on them."""
    return ExpectedCounts.fit(counts, mean).dispersion


def train(records: Records, examples: pa.Table, *, case: str, as_of: date, seed: int) -> Fitted:
    """Train on the half-years known before ``as_of``.

    Raises
    ------
    EmptyTableError
        If there are too few.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from eclaireur.core.case import Fitted

    known = examples.filter(pc.less(examples["known"], pa.scalar(as_of, pa.date32())))
    counts = known["count"].to_numpy().astype(float)
    if known.num_rows < 10 * MIN_CELLS or not counts.any():
        raise EmptyTableError(
            f"trop peu de semestres connus avant le {as_of:%d/%m/%Y} pour conclure.",
            fix="Choisissez une date plus tardive, ou ajoutez des semestres.",
        )
    rows = rows_for(records["establishments"], known["subject"], known["as_of"])
    columns = matrix(rows, records)
    starts = known["start"].to_numpy().astype("datetime64[D]")
    model = fit(columns, counts, known["exposure"].to_numpy(), starts, seed=seed)
    told = [known["subject"].to_pylist(), known["as_of"].to_pylist(), counts.tolist()]
    card = ModelCard(
        case=case,
        number=0,
        kind="credibility mean, then LightGBM on Poisson deviance, with exposure",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(told).encode()).hexdigest(),
        examples=known.num_rows,
        positives=int(np.count_nonzero(counts)),
        as_of=as_of,
        features=tuple(feature.name for feature in FEATURES),
    )
    content = {
        "level": model.level,
        "middle": model.middle,
        "dispersion": model.dispersion,
        "calibration": model.calibration.to_json(),
    }
    files = {"counts.json": artefacts.dump_json(content), "trees.txt": artefacts.dump_lightgbm(model.trees)}
    return Fitted(card=card, artefacts=files)


def load(artefact: Artefact) -> Model:
    """Read a model from the registry; an altered file is refused there."""
    content: Any = artefacts.load_json(artefact("counts.json"))
    return Model(
        level=content["level"],
        middle=content["middle"],
        trees=artefacts.load_lightgbm(artefact("trees.txt")),
        dispersion=content["dispersion"],
        calibration=Calibration.from_json(content["calibration"]),
    )


def judge(model: Model, rows: pa.Table, records: Records) -> Judged:
    """Score rows (`features.rows_for`), each as known before its own date."""
    columns = matrix(rows, records)
    mean = model.expected(columns)
    score = model.calibration.apply(model.chance(mean))
    low, high = model.calibration.interval(score)
    return Judged(expected=mean, score=score, low=low, high=high, columns=columns)


def explained(model: Model, judged: Judged) -> list[list[dict[str, Any]]]:
    """Return the reasons of judged rows, in logarithm of expected hirings."""

    def tell(column: int, value: float) -> dict[str, Any]:
        feature = FEATURES[column]
        return {
            "theme": feature.theme,
            "sentence": feature.say(value),
            "source": "embauches déclarées",
            "feature": feature.name,
        }

    return reasons(model.contributions(judged.columns)[:, :-1], judged.columns, tell)
