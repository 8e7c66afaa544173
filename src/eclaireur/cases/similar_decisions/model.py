"""The chance that an application belongs to a series, from what is known when it arrives.

An application is the part of a decision that comes before its reasons. It is compared with those
of the decisions known at the date; a logistic regression turns the four comparisons into a chance.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.neighbours import Near, nearest
from eclaireur.bricks.semantic.shingles import Sets, shingle_sets
from eclaireur.cases.similar_decisions.sections import application
from eclaireur.core import french
from eclaireur.core.artefacts import dump_json, load_json
from eclaireur.core.case import Artefact, Fitted
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FEATURES", "Judged", "Route", "judge", "load", "positions", "reasons", "train"]

FEATURES = ("closest", "second", "close", "words")
_CLOSE = 0.3
_NEIGHBOURS = 10
_FILE = "route.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Comparisons of the asked decisions: features, shape ``(n, 4)``, and the closest ones."""

    features: NDArray[np.float64]
    near: Near


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The fitted regression."""

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: float

    def margins(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of each feature in the log-odds, shape ``(n, 4)``."""
        found: NDArray[np.float64] = (features - self.centre) / self.scale * self.weight
        return found

    def chances(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of each row."""
        import numpy as np

        found: NDArray[np.float64] = 1 / (1 + np.exp(-(self.bias + self.margins(features).sum(axis=1))))
        return found


def judge(decisions: pa.Table, asked: NDArray[np.int64], until: list[date]) -> Judged:
    """Compare asked decisions with those known by a day, each with its own day."""
    import numpy as np

    heads = [application(text) for text in decisions["texte"].to_pylist()]
    sets = shingle_sets(heads)
    known = _days(decisions["known"].to_pylist())
    _, keys = np.unique(np.array(decisions["subject"].to_pylist(), dtype=object), return_inverse=True)
    near = nearest(sets, asked, known=known, until=_days(until), count=_NEIGHBOURS, keys=keys)
    features = np.column_stack(
        [
            near.jaccard[:, 0],
            near.jaccard[:, 1],
            np.log1p((near.jaccard >= _CLOSE).sum(axis=1)),
            _shared_words(heads, asked, near.position[:, 0]),
        ]
    )
    return Judged(features=features, near=near)


def _days(days: list[date]) -> NDArray[np.int64]:
    import numpy as np

    return np.array([one.toordinal() for one in days], np.int64)


def _shared_words(heads: list[str], asked: NDArray[np.int64], best: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of distinct words in common with the closest: other orders of the same words."""
    import numpy as np

    from eclaireur.bricks.semantic.groups import jaccard

    words: Sets = shingle_sets(heads, width=1)
    found = [
        jaccard(words[a], words[b]) if b >= 0 else 0.0
        for a, b in zip(asked.tolist(), best.tolist(), strict=True)
    ]
    return np.array(found, np.float64)


def train(decisions: pa.Table, examples: pa.Table, *, case: str, as_of: date) -> Fitted:
    """Fit the regression on the examples known before a date.

    Raises
    ------
    EmptyTableError
        If they are all of one kind: nothing can be learnt from them.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from sklearn.linear_model import LogisticRegression

    known = examples.filter(pc.less(examples["known"], pa.scalar(as_of, pa.date32())))
    labels = known["label"].to_numpy()
    if not len(labels) or labels.min() == labels.max():
        raise EmptyTableError(
            "les décisions connues sont toutes en série, ou toutes isolées : rien à apprendre.",
            fix="Ajoutez des décisions, ou choisissez une date plus tardive.",
        )
    judged = judge(decisions, positions(decisions, known), known["as_of"].to_pylist())
    centre = judged.features.mean(axis=0)
    scale = np.maximum(judged.features.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=1.0).fit(
        (judged.features - centre) / scale, labels, sample_weight=known["weight"].to_numpy()
    )
    content = {
        "features": list(FEATURES),
        "centre": centre.tolist(),
        "scale": scale.tolist(),
        "weight": fitted.coef_[0].tolist(),
        "bias": float(fitted.intercept_[0]),
    }
    card = ModelCard(
        case=case,
        number=0,
        kind="logistic regression",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(known.to_pylist()).encode()).hexdigest(),
        examples=known.num_rows,
        positives=int(labels.sum()),
        as_of=as_of,
        features=FEATURES,
    )
    return Fitted(card=card, artefacts={_FILE: dump_json(content)})


def positions(decisions: pa.Table, rows: pa.Table) -> NDArray[np.int64]:
    """Return where the subject of each row is among the decisions."""
    import numpy as np
    import pyarrow.compute as pc

    found = pc.index_in(rows["subject"], value_set=decisions["subject"].combine_chunks())
    places: NDArray[np.int64] = found.to_numpy().astype(np.int64)
    return places


def load(artefact: Artefact) -> Route:
    """Read the fitted regression."""
    import numpy as np

    content = load_json(artefact(_FILE))
    rows = {name: np.array(content[name], np.float64) for name in ("centre", "scale", "weight")}
    return Route(bias=float(content["bias"]), **rows)


def reasons(decisions: pa.Table, judged: Judged, route: Route) -> list[list[dict[str, Any]]]:
    """Say why each has its chance: the closest decisions, then how many are close."""
    parts = route.margins(judged.features)
    numbers, days = decisions["numero"].to_pylist(), decisions["observed"].to_pylist()
    found = []
    for row in range(len(parts)):
        at, share = int(judged.near.position[row, 0]), float(judged.near.jaccard[row, 0])
        weight = float(parts[row, 0] + parts[row, 1] + parts[row, 3])
        if at < 0:
            told = [_reason("closest", "Aucune décision connue ne lui ressemble.", weight)]
        else:
            sentence = (
                f"La plus proche est la décision n° {numbers[at]} du {french.day(days[at])} : "
                f"{french.percent(share)} de passages communs dans la procédure et les visas."
            )
            told = [_reason("closest", sentence, weight, observed=days[at], value=numbers[at])]
        close = int((judged.near.jaccard[row] >= _CLOSE).sum())
        more = " au moins" if close == _NEIGHBOURS else ""
        noun = french.count(close, "décision commence", "décisions commencent")
        sentence = f"{noun}{more} à peu près comme elle." if close else "Aucune ne commence comme elle."
        told.append(_reason("close", sentence, float(parts[row, 2]), value=str(close)))
        found.append(sorted(told, key=lambda one: -abs(one["weight"])))
    return found


def _reason(
    feature: str, sentence: str, weight: float, *, observed: date | None = None, value: str = ""
) -> dict[str, Any]:
    return {
        "kind": "neighbour",
        "theme": "décisions proches",
        "sentence": sentence,
        "weight": weight,
        "observed": observed,
        "source": "décisions",
        "feature": feature,
        "value": value,
    }
