"""The grid of a study, split × model, on any engine: here, in processes or on a cluster, alike.

A part is one split with all its models, which share the binning and the scaling of its rows: half
of the cost of a grid is there. A part whose worker dies is played again (`core.engine.map_parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from eclaireur.bricks.predict.models import Model, Training
from eclaireur.core.case import Progress, quiet
from eclaireur.core.engine import map_parts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Part", "Parts", "play", "play_part"]


@dataclass(frozen=True)
class Part:
    """One split to play, whole: it may run in another process or on another machine.

    ``asked`` are the columns of the rows to score, shape ``(m, features)``.
    """

    training: Training
    asked: NDArray[Any]
    models: Mapping[str, Model]


def play_part(part: Part) -> dict[str, NDArray[np.float64]]:
    """Fit every model on the past of a split and score what was asked: name → shape ``(m,)``."""
    # A copy: what the models of this split share must not outlive it.
    training = replace(part.training)
    return {name: model.fit(training).scores(part.asked) for name, model in part.models.items()}


@dataclass(frozen=True)
class Parts(Sequence[Part]):
    """Parts made when they are sent: the rows of all splits at once would fill the memory."""

    make: Callable[[int], Part]
    size: int

    def __len__(self) -> int:
        """Return the number of splits."""
        return self.size

    @overload
    def __getitem__(self, index: int) -> Part: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Part]: ...

    def __getitem__(self, index: int | slice) -> Part | Sequence[Part]:
        """Make one part, or several."""
        if isinstance(index, slice):
            return [self.make(at) for at in range(*index.indices(self.size))]
        return self.make(index)


def play(
    parts: Sequence[Part], engine: Executor, *, progress: Progress = quiet
) -> dict[str, NDArray[np.float64]]:
    """Play every part and return each model's scores, the parts one after the other."""
    import numpy as np

    played = list(map_parts(engine, play_part, parts, progress=progress))
    return {name: np.concatenate([one[name] for one in played]) for name in played[0]} if played else {}
