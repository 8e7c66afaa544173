"""The models of a programme, one for each limit: fitted on examples, then one way to score whatever asks.

A limit that is seldom exceeded has few examples: its model is that of the level itself (`tail`), and there is
none under twenty exceedances. Risks are calibrated on the latest windows of time, each told by a model that
learnt only from what was known before it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict import blend, calibration
from eclaireur.bricks.predict.blend import Blend, Settings
from eclaireur.bricks.predict.calibration import Calibration
from eclaireur.cases.water_inspections import tail
from eclaireur.cases.water_inspections.columns import matrix, rows_for
from eclaireur.cases.water_inspections.features import Feature, features_of
from eclaireur.cases.water_inspections.programmes import PROGRAMMES, Programme, programme_of
from eclaireur.cases.water_inspections.tail import Tail
from eclaireur.core import artefacts
from eclaireur.core.case import Artefact, Fitted, Progress, quiet
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Judged", "Model", "Part", "explained", "judge", "known_before", "load", "train", "train_examples"]

_WINDOWS = 4
_MIN_HELD_OUT = 200
_MIN_CLASS = 15
"""Exceedances in each half of the held-out rows under which a slope would be noise, and is not fitted."""

_MIN_FITTED, _MIN_FITTED_CLASS = 100, 10
_MIN_HIGH = 20
_MAX_WEIGHT = 10.0
_DESCRIPTION = "programme.json"
_PARTS = ("first", "high")


@dataclass(frozen=True)
class Part:
    """The model of one limit, with its calibration."""

    blend: Blend | Tail
    calibration: Calibration

    def stated(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return stated risks, shape ``(n,)``."""
        return self.calibration.apply(self.blend.risk(columns))


@dataclass(frozen=True)
class Model:
    """The models of a programme: ``high`` is None when too few exceedances are known."""

    programme: Programme
    first: Part
    high: Part | None

    def contributions(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column adds to the first limit's log-odds, then the bias."""
        found: Blend = self.first.blend  # type: ignore[assignment]  # only the second limit may have a tail
        return found.contributions(columns)

    @property
    def calibrated(self) -> bool:
        """Tell whether stated risks were checked on held-out rows, and hold; else only ranks are shown."""
        return self.first.calibration.holds


@dataclass(frozen=True)
class Judged:
    """What the models say of rows.

    ``score`` is the risk over the first limit, with its interval; ``high`` the risk over the second, NaN
    where it cannot be told. The second is never above the first.
    """

    score: NDArray[np.float64]
    low: NDArray[np.float64]
    upper: NDArray[np.float64]
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
    programme: Programme,
    *,
    as_of: date,
    seed: int,
    progress: Progress = quiet,
) -> Model:
    """Fit on examples known before ``as_of``, whose columns are given: shape ``(n, features)``."""
    import numpy as np

    weights = np.minimum(examples["weight"].to_numpy(), _MAX_WEIGHT)
    days = examples["as_of"].to_numpy().astype("datetime64[D]")
    known = examples["known"].to_numpy().astype("datetime64[D]")

    def part(labels: NDArray[np.float64], settings: Settings | _Limit) -> Part:
        told = _Told(columns, labels, weights, days, known, features_of(programme), settings, seed)
        tuned = told.calibration(as_of, programme.held_out)
        return Part(blend=told.fit(~np.isnan(labels), settings), calibration=tuned)

    progress(0, 2, f"Entraînement, {programme.label()}")
    first = part(examples["label"].to_numpy(), programme.settings)
    high = None
    labels = examples["high"].to_numpy().astype(np.float64)
    if np.nansum(labels) >= _MIN_HIGH:
        progress(1, 2, "Entraînement, limite haute")
        limit = math.log(programme.thresholds[1] / programme.thresholds[0])
        high = part(labels, _Limit(examples["level"].to_numpy().astype(np.float64), limit))
    progress(2, 2, "Modèle entraîné")
    return Model(programme=programme, first=first, high=high)


@dataclass(frozen=True, slots=True)
class _Limit:
    """Levels to learn from, NaN where none was sampled, and the one to pass."""

    levels: NDArray[np.float64]
    limit: float


@dataclass(frozen=True)
class _Told:
    """The rows to learn from, for one limit."""

    columns: NDArray[np.float64]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    days: NDArray[np.datetime64]
    known: NDArray[np.datetime64]
    features: tuple[Feature, ...]
    settings: Settings | _Limit
    seed: int

    def fit(self, kept: NDArray[np.bool_], settings: Settings | _Limit) -> Blend | Tail:
        import numpy as np

        if isinstance(settings, _Limit):
            kept = kept & ~np.isnan(settings.levels)
            return tail.fit(
                self.columns[kept],
                settings.levels[kept],
                names=tuple(one.name for one in self.features),
                limit=settings.limit,
                weights=self.weights[kept],
                seed=self.seed,
            )
        return blend.fit(
            self.columns[kept],
            self.labels[kept],
            [None] * int(kept.sum()),
            names=[one.name for one in self.features],
            rises=[one.rises for one in self.features],
            weights=self.weights[kept],
            seed=self.seed,
            settings=settings,
        )

    def calibration(self, as_of: date, length: int) -> Calibration:
        """Fit on successive windows, each told from what was known before it."""
        import numpy as np

        lone = self.settings if isinstance(self.settings, _Limit) else replace(self.settings, bags=1)
        labels, risks = [], []
        for back in range(_WINDOWS, 0, -1):
            start = np.datetime64(as_of - timedelta(days=length * back))
            usable = ~np.isnan(self.labels)
            inside = usable & (self.days >= start) & (self.days < start + np.timedelta64(length, "D"))
            before = usable & (self.known < start)
            if inside.any() and _enough(self.labels[before], _MIN_FITTED, _MIN_FITTED_CLASS):
                risks.append(self.fit(before, lone).risk(self.columns[inside]))
                labels.append(self.labels[inside])
        if not labels:
            return Calibration()
        truth, risk = np.concatenate(labels), np.concatenate(risks)
        halves = (truth[: truth.size // 2], truth[truth.size // 2 :])
        if truth.size < _MIN_HELD_OUT or not all(_enough(half, 1, _MIN_CLASS) for half in halves):
            return Calibration()
        return calibration.fit(truth, risk)


def _enough(labels: NDArray[np.float64], rows: int, each: int) -> bool:
    return labels.size >= rows and min(labels.sum(), labels.size - labels.sum()) >= each


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
    columns = matrix(rows_for(tables, known["subject"], known["as_of"]), tables)
    programme = programme_of(tables)
    model = train_examples(known, columns, programme, as_of=as_of, seed=seed, progress=progress)
    files: dict[str, bytes] = {
        _DESCRIPTION: artefacts.dump_json(
            {"parameter": programme.parameter, "high": model.high is not None, "tail": True}
        )
    }
    for name, part in zip(_PARTS, (model.first, model.high), strict=True):
        if part is not None:
            files |= {f"{name}_{file}": content for file, content in part.blend.dump().items()}
            files[f"{name}_calibration.json"] = artefacts.dump_json(part.calibration.to_json())
    card = ModelCard(
        case=case,
        number=0,
        kind="ridge logistic regression + LightGBM, one for each limit",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=_fingerprint(known),
        examples=known.num_rows,
        positives=int(known["label"].to_numpy().sum()),
        as_of=as_of,
        features=tuple(one.name for one in features_of(programme)),
        thresholds={programme.parameter: programme.thresholds[0]},
    )
    return Fitted(card=card, artefacts=files)


def _fingerprint(examples: pa.Table) -> str:
    """Return the SHA-256 of the examples in a fixed order of rows."""
    import pyarrow as pa

    ordered = examples.sort_by([("as_of", "ascending"), ("example", "ascending")]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ordered.schema) as stream:
        stream.write_table(ordered)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def load(artefact: Artefact) -> Model:
    """Read a model from the registry; an altered file is refused there."""
    content = artefacts.load_json(artefact(_DESCRIPTION))

    def part(name: str) -> Part:
        tuned = Calibration.from_json(artefacts.load_json(artefact(f"{name}_calibration.json")))
        # Models stored before the tail was learnt have a regression for each limit.
        form = Tail if name == "high" and content.get("tail") else Blend
        return Part(blend=form.load(lambda file: artefact(f"{name}_{file}")), calibration=tuned)

    return Model(
        programme=PROGRAMMES[content["parameter"]],
        first=part("first"),
        high=part("high") if content["high"] else None,
    )


def judge(model: Model, rows: pa.Table, tables: Mapping[str, pa.Table]) -> Judged:
    """Score rows (`columns.rows_for`), each as known at its own date."""
    import numpy as np

    columns = matrix(rows, tables)
    score = model.first.stated(columns)
    low, upper = model.first.calibration.interval(score)
    high = np.full(score.shape, np.nan)
    if model.high is not None:
        high = np.minimum(model.high.stated(columns), score)
    return Judged(score=score, low=low, upper=upper, high=high, columns=columns)


def explained(model: Model, judged: Judged, last: list[date | None]) -> list[list[dict[str, Any]]]:
    """Return the reasons of judged rows; ``last`` is the date of their latest measurement."""
    features = features_of(model.programme)
    contributions = model.contributions(judged.columns)[:, :-1]

    def tell(column: int, value: float) -> dict[str, Any]:
        feature = features[column]
        return {
            "theme": feature.theme,
            "sentence": feature.say(value, model.programme),
            "source": feature.source,
            "feature": feature.name,
            # Only the last measurement has one date; a mean or a count spans many.
            "dated": feature.name in {"last_level", "since_last"},
        }

    return reasons(contributions, judged.columns, tell, observed=last)
