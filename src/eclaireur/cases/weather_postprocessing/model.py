"""What training learns, what it says of a row, and why in words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing.documented import RAIN, THRESHOLDS
from eclaireur.cases.weather_postprocessing.panel import Panel, panel_of, to_scale, variables
from eclaireur.cases.weather_postprocessing.pool import Pool, fit_pool
from eclaireur.cases.weather_postprocessing.predictors import columns
from eclaireur.core.artefacts import dump_json, load_json
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.tables import examples_schema
from eclaireur.core.types import ModelCard, Origin

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.laws import Law

__all__ = [
    "Model",
    "Stated",
    "chance_of",
    "examples",
    "happened",
    "latest",
    "load",
    "predicted",
    "raw_chance_of",
    "state",
    "train",
]

_FILE = "model.json"
_LEAST = 30
_LIMITS = (
    "Le modèle suppose que le centre de prévision n'a pas changé son système depuis l'apprentissage.",
    "Une station sans observation passée reçoit la correction moyenne de ses voisines.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is stored: one pool of models a variable, and the threshold of its event (mm, °C)."""

    pools: Mapping[str, Pool]
    thresholds: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the model says of the rows of a panel.

    Parameters
    ----------
    chance, raw_chance
        Chance of the event by the calibrated law, and share of the members that announce it.
    error, seen
        The station's mean error known by then, on the scale of the law, and how many observations tell it.
    """

    panel: Panel
    law: Law
    threshold: float
    chance: NDArray[np.float64]
    raw_chance: NDArray[np.float64]
    error: NDArray[np.float64]
    seen: NDArray[np.float64]

    def law_row(self, row: int, levels: tuple[float, ...]) -> NDArray[np.float64]:
        """Return quantiles of one row, on the scale of the law."""
        found: NDArray[np.float64] = self.law.rows(row).quantiles(levels)[0]
        return found


def happened(variable: str, threshold: float, observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell which observations, on the scale of the law, are the event: 1.0 or 0.0."""
    import numpy as np

    if variable == RAIN:
        return np.asarray((observed >= np.sqrt(threshold) - 1e-9).astype(float))
    return (observed < threshold).astype(float)


def chance_of(variable: str, threshold: float, law: Law) -> NDArray[np.float64]:
    """Return the chance of the event by each law."""
    import numpy as np

    if variable == RAIN:
        return np.asarray(1 - law.below(float(np.sqrt(threshold))))
    return law.below(threshold)


def raw_chance_of(variable: str, threshold: float, members: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of members that announce the event."""
    import numpy as np

    told = happened(variable, threshold, members)
    count = (~np.isnan(members)).sum(axis=1)
    return np.asarray(np.where(np.isnan(members), 0.0, told).sum(axis=1) / count)


def examples(records: Records) -> pa.Table:
    """Return one example per forecast that was verified, labelled by whether the event happened."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    observations, forecasts = records["observations"], records["forecasts"]
    at = pc.index_in(observations["key"], value_set=forecasts["key"].combine_chunks())
    as_of = forecasts["known"].take(at)
    values = observations["value"].to_numpy().astype(np.float64)
    names = observations["variable"].to_numpy()
    label = np.zeros(len(values))
    for variable in variables(records):
        rows = names == variable
        label[rows] = happened(variable, THRESHOLDS[variable], to_scale(variable, values[rows]))
    size = len(values)
    return pa.table(
        {
            "example": observations["key"],
            "subject": observations["subject"],
            "as_of": as_of,
            "known": observations["known"],
            "label": label,
            "observer": pa.nulls(size, pa.string()),
            "weight": np.ones(size),
            "origin": pa.array([str(Origin.OUTCOME)] * size),
        }
    ).cast(examples_schema())


def train(records: Records, examples: pa.Table, *, case: str, as_of: date, progress: Progress) -> Fitted:
    """Fit each variable on what was known before a date.

    Raises
    ------
    EmptyTableError
        If too little was known by then.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    seen = examples.filter(pc.less(examples["known"], pa.scalar(as_of, pa.date32())))
    if seen.num_rows < _LEAST:
        raise EmptyTableError(
            f"{seen.num_rows} prévisions seulement étaient vérifiées avant le {as_of:%d/%m/%Y}.",
            fix=f"Il en faut {_LEAST} : choisissez une date plus tardive.",
        )
    before = (as_of - date(1970, 1, 1)).days
    pools: dict[str, Pool] = {}
    names = variables(records)
    for at, variable in enumerate(names):
        progress(at, len(names), "Calage des prévisions")
        panel = panel_of(records, variable)
        if int((panel.verified & (panel.observed_known < before)).sum()) >= _LEAST:
            pools[variable] = fit_pool(panel, columns(panel), before=before)
    digest = hashlib.sha256()
    for text in seen["example"].to_pylist():
        digest.update(text.encode())
    digest.update(seen["label"].to_numpy().astype(np.float64).tobytes())
    card = ModelCard(
        case=case,
        number=0,
        kind="average of EMOS designs fitted by CRPS",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=digest.hexdigest(),
        examples=seen.num_rows,
        positives=int(np.sum(seen["label"].to_numpy() > 0)),
        as_of=as_of,
        features=tuple(sorted({design for pool in pools.values() for design in pool.designs})),
        thresholds={name: THRESHOLDS[name] for name in pools},
        limits=_LIMITS,
    )
    content = {"pools": {name: pool.to_plain() for name, pool in pools.items()}}
    return Fitted(card=card, artefacts={_FILE: dump_json(content)})


def load(card: ModelCard, artefact: Artefact) -> Model:
    """Read a stored model."""
    content = load_json(artefact(_FILE))
    return Model(
        pools={str(name): Pool.from_plain(row) for name, row in content["pools"].items()},
        thresholds={name: float(card.thresholds[name]) for name in content["pools"]},
    )


def state(model: Model, records: Records, variable: str) -> Stated | None:
    """Say what a model states of every forecast of a variable; None when it never learnt it.

    Each row is forecast with what could be known when it was made.
    """
    if variable not in model.pools:
        return None
    panel = panel_of(records, variable)
    found = columns(panel)
    law = model.pools[variable].law(found)
    threshold = model.thresholds[variable]
    return Stated(
        panel=panel,
        law=law,
        threshold=threshold,
        chance=chance_of(variable, threshold, law).clip(0.0, 1.0),
        raw_chance=raw_chance_of(variable, threshold, panel.members),
        error=found["bias"][:, 0],
        seen=found["seen"][:, 0],
    )


def latest(panel: Panel, as_of: date) -> NDArray[np.int64]:
    """Return the last forecast of each station that could be used before a date."""
    import numpy as np

    rows = np.flatnonzero(panel.known < (as_of - date(1970, 1, 1)).days)
    order = rows[np.lexsort((panel.day[rows], panel.known[rows], panel.station[rows]))]
    last = np.ones(len(order), bool)
    if len(order):
        last[:-1] = panel.station[order][1:] != panel.station[order][:-1]
    return np.asarray(order[last])


def predicted(asked: pa.Table, records: Records, model: Model) -> list[float]:
    """Return the chance of the event of each example, from the forecast that it verifies."""
    import numpy as np

    found: dict[str, float] = {}
    for variable in variables(records):
        stated = state(model, records, variable)
        if stated is not None:
            found |= dict(zip(stated.panel.keys.tolist(), stated.chance.tolist(), strict=True))
    usual = float(np.mean(list(found.values()))) if found else 0.5
    return [found.get(key, usual) for key in asked["example"].to_pylist()]
