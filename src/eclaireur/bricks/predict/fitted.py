"""What fitting gives: scores, exact contributions, and files to store without pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.core import artefacts
from eclaireur.core.errors import BadValueError, ModelRefusedError

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.bricks.predict.blend import Blend

__all__ = [
    "Constant",
    "Fitted",
    "FittedBlend",
    "FittedLinear",
    "FittedTrees",
    "ScoresOnly",
    "load",
    "transform",
]

_MODEL = "model.json"
_FARTHEST = 8.0
"""Standard deviations beyond which a linear model no longer extrapolates."""


class Fitted(Protocol):
    """A fitted model."""

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return predictions on the outcome's own scale, shape ``(n,)``."""

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return what each column adds, then the bias: shape ``(n, features + 1)``.

        Rows sum to the margin: log-odds, log count or value.
        """

    def dump(self) -> dict[str, bytes]:
        """Return the files to store; `load` reads them."""


def _scale(margin: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    import numpy as np

    if kind == "binary":
        return 1 / (1 + np.exp(-margin))
    return np.exp(np.minimum(margin, 50.0)) if kind == "count" else margin


def transform(columns: NDArray[Any], content: Mapping[str, Any]) -> NDArray[Any]:
    """Return the inputs of a linear model: filled, with indicators of absence, standardised.

    In the precision of the columns: float32 halves the time of a large study.
    """
    import numpy as np

    kind = columns.dtype if columns.dtype == np.float32 else np.dtype(np.float64)
    width, flagged = columns.shape[1], list(content["flagged"])
    inputs = np.empty((columns.shape[0], width + len(flagged)), dtype=kind)
    missing = np.isnan(columns)
    inputs[:, :width] = columns
    np.copyto(inputs[:, :width], np.asarray(content["medians"], dtype=kind), where=missing)
    inputs[:, width:] = missing[:, flagged]
    inputs -= np.asarray(content["means"], dtype=kind)
    inputs /= np.asarray(content["scales"], dtype=kind)
    return inputs


def _check_width(columns: NDArray[Any], names: tuple[str, ...]) -> None:
    if columns.shape[1] != len(names):
        raise BadValueError(f"{columns.shape[1]} colonnes pour un modèle de {len(names)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The same prediction for all."""

    value: float

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the value for each row."""
        import numpy as np

        return np.full(columns.shape[0], self.value)

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return zeros, then the value."""
        import numpy as np

        found = np.zeros((columns.shape[0], columns.shape[1] + 1))
        found[:, -1] = self.value
        return found

    def dump(self) -> dict[str, bytes]:
        """Return the value as JSON."""
        return {_MODEL: artefacts.dump_json({"form": "constant", "value": self.value})}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresOnly:
    """The order of one column."""

    column: int
    sign: float
    missing: float

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the column, filled and signed."""
        import numpy as np

        values = np.asarray(columns[:, self.column], dtype=np.float64)
        return self.sign * np.where(np.isnan(values), self.missing, values)

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the column's own part, all of the score."""
        import numpy as np

        found = np.zeros((columns.shape[0], columns.shape[1] + 1))
        found[:, self.column] = self.scores(columns)
        return found

    def dump(self) -> dict[str, bytes]:
        """Return the rule as JSON."""
        content = {"form": "rule", "column": self.column, "sign": self.sign, "missing": self.missing}
        return {_MODEL: artefacts.dump_json(content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLinear:
    """A linear model; ``content`` holds plain numbers."""

    names: tuple[str, ...]
    kind: str
    content: Mapping[str, Any]

    def _inputs(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        import numpy as np

        _check_width(columns, self.names)
        found: NDArray[np.float64] = np.clip(transform(columns, self.content), -_FARTHEST, _FARTHEST)
        return found

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the predictions."""
        import numpy as np

        margin = self._inputs(columns) @ np.asarray(self.content["coefficients"]) + self.content["intercept"]
        return _scale(margin, self.kind)

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return each column's part, its indicator of absence with it."""
        import numpy as np

        weighted = self._inputs(columns) * np.asarray(self.content["coefficients"])
        size = len(self.names)
        found = np.zeros((columns.shape[0], size + 1))
        found[:, :size] = weighted[:, :size]
        for place, owner in enumerate(self.content["flagged"], start=size):
            found[:, owner] += weighted[:, place]
        found[:, -1] = self.content["intercept"]
        return found

    def dump(self) -> dict[str, bytes]:
        """Return the numbers as JSON."""
        content = {"form": "linear", "names": list(self.names), "kind": self.kind, **self.content}
        return {_MODEL: artefacts.dump_json(content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTrees:
    """Boosters whose margins are averaged."""

    names: tuple[str, ...]
    kind: str
    boosters: tuple[lightgbm.Booster, ...]
    additive: bool = False

    def margin(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return log-odds, log counts or values, shape ``(n,)``."""
        import numpy as np

        _check_width(columns, self.names)
        found: NDArray[np.float64] = np.mean(
            [booster.predict(columns, raw_score=True, num_threads=1) for booster in self.boosters], axis=0
        )
        return found

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the predictions."""
        return _scale(self.margin(columns), self.kind)

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return LightGBM's own contributions (Lundberg & Lee 2017, exact for trees)."""
        import numpy as np

        _check_width(columns, self.names)
        found: NDArray[np.float64] = np.mean(
            [booster.predict(columns, pred_contrib=True, num_threads=1) for booster in self.boosters], axis=0
        )
        return found

    def dump(self) -> dict[str, bytes]:
        """Return JSON and LightGBM text."""
        content = {
            "form": "trees",
            "names": list(self.names),
            "kind": self.kind,
            "bags": len(self.boosters),
            "additive": self.additive,
        }
        files = {_MODEL: artefacts.dump_json(content)}
        for index, booster in enumerate(self.boosters):
            files[f"trees_{index}.txt"] = artefacts.dump_lightgbm(booster)
        return files


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedBlend:
    """A blend among the models of a study; it is stored by `blend.Blend` itself."""

    blend: Blend

    def scores(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return risks, the observer averaged out."""
        import numpy as np

        return self.blend.risk(np.asarray(columns, dtype=np.float64))

    def contributions(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Return the blend's own contributions."""
        import numpy as np

        return self.blend.contributions(np.asarray(columns, dtype=np.float64))

    def dump(self) -> dict[str, bytes]:
        """Return the blend's files."""
        return self.blend.dump()


def load(artefact: Callable[[str], bytes]) -> Fitted:
    """Read what `Fitted.dump` wrote, through a function that gives the bytes of a file.

    Raises
    ------
    ModelRefusedError
        If the form of the model is not known.
    """
    content = artefacts.load_json(artefact(_MODEL))
    form = content.pop("form", "")
    if form == "constant":
        return Constant(**content)
    if form == "rule":
        return ScoresOnly(**content)
    if form == "linear":
        return FittedLinear(names=tuple(content.pop("names")), kind=content.pop("kind"), content=content)
    if form == "trees":
        boosters = tuple(
            artefacts.load_lightgbm(artefact(f"trees_{index}.txt")) for index in range(content["bags"])
        )
        return FittedTrees(
            names=tuple(content["names"]),
            kind=content["kind"],
            boosters=boosters,
            additive=content["additive"],
        )
    raise ModelRefusedError(
        f"forme de modèle inconnue : « {form} ».", fix="Réentraînez le modèle avec cette version."
    )
