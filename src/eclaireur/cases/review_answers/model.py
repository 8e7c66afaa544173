"""What an experience thinks, with chances tempered so that they are true on texts kept apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.labelling import folds
from eclaireur.bricks.semantic.opinions import Opinion, Opinions
from eclaireur.cases.review_answers.reading import DIMENSIONS, RATINGS, text_of
from eclaireur.core.case import Fitted
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["UNFAVOURABLE", "Model", "dimensions_of", "groups_of"]

UNFAVOURABLE = RATINGS[0]
_TEMPER = "temper.json"
_FOLDS = 3
_HEATS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)


def dimensions_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what the author of an experience thinks of the dimensions that were rated."""
    return {name: row[column] for column, name in DIMENSIONS.items() if row[column]}


def groups_of(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.int64]:
    """Return the network of services of each experience, as a number."""
    import numpy as np

    found: NDArray[np.int64] = np.unique(
        [str(row["network"] or row["subject"]) for row in rows], return_inverse=True
    )[1]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted model.

    Parameters
    ----------
    opinions
        Ratings, dimensions and the sentences that show them.
    heat
        Power of the chances, chosen on folds of networks inside what was learnt.
    """

    opinions: Opinions
    heat: float

    @classmethod
    def fit(cls, rows: Sequence[Mapping[str, Any]], *, seed: int) -> Model:
        """Fit on the rows that have a rating."""
        texts = [text_of(row) for row in rows]
        ratings = [row["rating"] for row in rows]
        groups = groups_of(rows)
        return cls(
            opinions=Opinions.fit(
                texts, ratings, [dimensions_of(row) for row in rows], groups=groups, seed=seed
            ),
            heat=_heat(texts, ratings, groups, seed=seed),
        )

    def chances(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the chance of each of `RATINGS` for each text, shape ``(texts, 3)``."""
        import numpy as np

        told = _tempered(self.opinions.chances(texts), self.heat)
        found = np.zeros((len(texts), len(RATINGS)))
        for at, name in enumerate(self.opinions.names):
            found[:, RATINGS.index(name)] = told[:, at]
        return found

    def told(self, text: str) -> tuple[Opinion, ...]:
        """Return what a text thinks as a whole, then of each dimension, with the sentence that shows it."""
        return self.opinions.told(text)

    def artefacts(self) -> dict[str, bytes]:
        """Write the model as files, none of them a pickle."""
        return self.opinions.dump() | {_TEMPER: json.dumps({"heat": self.heat}).encode()}

    @classmethod
    def read(cls, artefact: Callable[[str], bytes]) -> Model:
        """Read what `artefacts` wrote."""
        return cls(opinions=Opinions.read(artefact), heat=float(json.loads(artefact(_TEMPER))["heat"]))

    def fitted(self, rows: Sequence[Mapping[str, Any]], *, case: str, as_of: date) -> Fitted:
        """Return the model with its card."""
        seen = [(row["subject"], text_of(row), row["rating"], dimensions_of(row)) for row in rows]
        card = ModelCard(
            case=case,
            number=0,
            kind="logistic regression on stems, letters and words of opinion; labels for the dimensions",
            created=datetime.now(UTC),
            run="",
            source="",
            examples_sha256=hashlib.sha256(repr(seen).encode()).hexdigest(),
            examples=len(rows),
            positives=sum(row["rating"] == UNFAVOURABLE for row in rows),
            as_of=as_of,
            features=("stems", "letters", "words of opinion"),
            thresholds={"heat": self.heat},
        )
        return Fitted(card=card, artefacts=self.artefacts())


def _tempered(chances: Any, heat: float) -> Any:
    import numpy as np

    powered = np.power(np.maximum(chances, 1e-9), heat)
    return powered / powered.sum(axis=1, keepdims=True)


def _heat(texts: Sequence[str], ratings: Sequence[str], groups: Any, *, seed: int) -> float:
    """Return the power under which the chances of folds kept apart are the likeliest."""
    import numpy as np

    if len(set(groups.tolist())) < _FOLDS:
        return 1.0
    fold = folds(groups, _FOLDS, seed=seed)
    truth = np.array(list(ratings))
    kept: list[Any] = []
    for number in range(_FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(inside) < _FOLDS * 2 or set(truth[inside]) != set(truth) or not len(outside):
            continue
        learnt = Opinions.fit(
            [texts[at] for at in inside.tolist()], truth[inside].tolist(), groups=groups[inside], seed=seed
        )
        told = learnt.chances([texts[at] for at in outside.tolist()])
        kept.append((told, np.searchsorted(learnt.names, truth[outside])))
    if not kept:
        return 1.0
    chances, right = np.vstack([one for one, _ in kept]), np.concatenate([one for _, one in kept])
    loss = {
        heat: -float(np.log(_tempered(chances, heat)[np.arange(len(right)), right]).mean()) for heat in _HEATS
    }
    return min(loss, key=lambda heat: loss[heat])
