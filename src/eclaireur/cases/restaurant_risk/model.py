"""The model of restaurant risk: fitted on examples, then one way to score whatever asks.

The list, the examples of a comparison and the rows of a user's file all go through `judge`, so a
subject at a date has one score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict import blend, calibration
from eclaireur.bricks.predict.blend import Blend
from eclaireur.bricks.predict.calibration import Calibration
from eclaireur.cases.restaurant_risk.columns import matrix, rows_for
from eclaireur.cases.restaurant_risk.features import FEATURES
from eclaireur.core import artefacts
from eclaireur.core.case import Artefact, Fitted, Progress, quiet
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "HELD_OUT",
    "Judged",
    "Model",
    "explained",
    "judge",
    "known_before",
    "load",
    "train",
    "train_examples",
]

HELD_OUT = timedelta(days=180)
"""Latest months kept aside to calibrate; the model itself is then fitted on all."""

_MIN_HELD_OUT = 200
_MIN_HELD_OUT_CLASS = 10
_CALIBRATION = "calibration.json"
_MAX_WEIGHT = 10.0
_NAMES = tuple(feature.name for feature in FEATURES)
_RISES = tuple(feature.rises for feature in FEATURES)


@dataclass(frozen=True)
class Model:
    """A fitted blend with its calibration."""

    blend: Blend
    calibration: Calibration

    @property
    def calibrated(self) -> bool:
        """Tell whether stated risks were checked on held-out rows, and hold; else only ranks are shown."""
        return self.calibration.holds

    def stated(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return stated risks, shape ``(n,)``."""
        return self.calibration.apply(self.blend.risk(columns))


@dataclass(frozen=True)
class Judged:
    """What the model says of rows: stated risk, its interval, and the columns it looked at."""

    score: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    columns: NDArray[np.float64] = field(repr=False)


def known_before(examples: pa.Table, day: date) -> pa.Table:
    """Return the examples whose label was known strictly before a day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return examples.filter(pc.less(examples["known"], pa.scalar(day, pa.date32())))


def train_examples(
    examples: pa.Table,
    columns: NDArray[np.float64],
    *,
    as_of: date,
    seed: int,
    progress: Progress = quiet,
) -> Model:
    """Fit on examples, whose columns are given: calibrate on the latest months, then fit on all.

    Parameters
    ----------
    examples
        Known before ``as_of`` (`core.tables.examples_schema`).
    columns
        Their columns, shape ``(n, features)``.
    """
    import numpy as np

    start = as_of - HELD_OUT
    days = examples["as_of"].to_numpy().astype("datetime64[D]")
    known = examples["known"].to_numpy().astype("datetime64[D]")
    earlier, later = known < np.datetime64(start), days >= np.datetime64(start)
    labels = examples["label"].to_numpy()
    tuned = Calibration()
    if _enough(labels[later]) and _enough(labels[earlier]):
        progress(1, 3, "Calibrage sur les derniers mois")
        first = _fit(examples, columns, earlier, seed)
        tuned = calibration.fit(labels[later], first.risk(columns[later]))
    progress(2, 3, "Entraînement")
    model = _fit(examples, columns, np.ones(labels.size, dtype=bool), seed)
    progress(3, 3, "Modèle entraîné")
    return Model(blend=model, calibration=tuned)


def _enough(labels: NDArray[np.float64]) -> bool:
    """Tell whether rows, in the order of time, are enough to calibrate on and to check half by half."""
    halves = (labels[: labels.size // 2], labels[labels.size // 2 :])
    return labels.size >= _MIN_HELD_OUT and all(
        min(half.sum(), half.size - half.sum()) >= _MIN_HELD_OUT_CLASS for half in halves
    )


def _fit(examples: pa.Table, columns: NDArray[np.float64], kept: NDArray[np.bool_], seed: int) -> Blend:
    import numpy as np

    observers = examples["observer"].to_pylist()
    # A random draw of a hundredth counts a hundredfold: capped, or a few rows would be the model.
    weights = np.minimum(examples["weight"].to_numpy(), _MAX_WEIGHT)
    return blend.fit(
        columns[kept],
        examples["label"].to_numpy()[kept],
        [observers[index] for index in np.flatnonzero(kept)],
        names=_NAMES,
        rises=_RISES,
        weights=weights[kept],
        seed=seed,
    )


def train(
    tables: Mapping[str, pa.Table],
    examples: pa.Table,
    *,
    case: str,
    as_of: date,
    seed: int,
    progress: Progress,
) -> Fitted:
    """Train on what was known before ``as_of`` and return the card and artefacts to store.

    Raises
    ------
    EmptyTableError
        If there are too few results to learn from.
    """
    known = known_before(examples, as_of)
    if not known.num_rows:
        raise EmptyTableError(
            f"aucun résultat connu avant le {as_of:%d/%m/%Y}.", fix="Choisissez une date plus tardive."
        )
    progress(0, 3, "Variables connues à la date de chaque contrôle")
    rows = rows_for(tables, known["subject"], known["as_of"], known["example"])
    columns = matrix(rows, tables)
    model = train_examples(known, columns, as_of=as_of, seed=seed, progress=progress)
    labels = known["label"].to_numpy()
    card = ModelCard(
        case=case,
        number=0,
        kind="ridge logistic regression + LightGBM, observer averaged out",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=_fingerprint(known),
        examples=known.num_rows,
        positives=int(labels.sum()),
        as_of=as_of,
        features=_NAMES,
    )
    files = model.blend.dump()
    files[_CALIBRATION] = artefacts.dump_json(model.calibration.to_json())
    return Fitted(card=card, artefacts=files)


def _fingerprint(examples: pa.Table) -> str:
    """Return the SHA-256 of the examples in a fixed order of rows and columns."""
    import pyarrow as pa

    ordered = examples.sort_by([("as_of", "ascending"), ("example", "ascending")]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ordered.schema) as stream:
        stream.write_table(ordered)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def load(artefact: Artefact) -> Model:
    """Read a model from the registry; an altered file is refused there."""
    tuned = Calibration.from_json(artefacts.load_json(artefact(_CALIBRATION)))
    return Model(blend=Blend.load(artefact), calibration=tuned)


def judge(model: Model, rows: pa.Table, tables: Mapping[str, pa.Table]) -> Judged:
    """Score rows (`columns.rows_for`), each as known at its own date."""
    columns = matrix(rows, tables)
    score = model.stated(columns)
    low, high = model.calibration.interval(score)
    return Judged(score=score, low=low, high=high, columns=columns)


def explained(model: Model, judged: Judged, last: list[date | None]) -> list[list[dict[str, Any]]]:
    """Return the reasons of judged rows; ``last`` is the date of their latest inspection."""
    contributions = model.blend.contributions(judged.columns)[:, :-1]

    def tell(column: int, value: float) -> dict[str, Any]:
        feature = FEATURES[column]
        return {
            "theme": feature.theme,
            "sentence": feature.say(value),
            "source": feature.source,
            "feature": feature.name,
            # Only the last inspection has one date; a mean or a count spans many.
            "dated": feature.name.startswith("last_") or feature.name == "since_last",
        }

    return reasons(contributions, judged.columns, tell, observed=last)
