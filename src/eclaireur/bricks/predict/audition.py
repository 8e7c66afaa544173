"""Which model of a grid to keep: by regret over past splits, and how each way of choosing fared next.

The idea is that of dssg/triage's auditioner: at each split, *regret* is how far a model stands from
the best of that split. A model that is never far is worth more than one that was best once. A rule
of choice is judged by the regret of its choice on the split that follows, which it had not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Chart, Column, Series, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.bricks.predict.played import Played

__all__ = ["CHOICES", "Audition", "audition"]

_CLOSE = 0.02


def _last(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, -1]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = np.nanmean(values, axis=1)
    return found


def _worst_regret(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = -np.nanmax(np.nanmax(values, axis=0) - values, axis=1)
    return found


def _mean_regret(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = -np.nanmean(np.nanmax(values, axis=0) - values, axis=1)
    return found


CHOICES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "moindre regret moyen": _mean_regret,
    "moindre regret maximal": _worst_regret,
    "meilleure moyenne": _mean,
    "meilleur à la dernière origine": _last,
}
"""Ways to choose: values ``(models, past splits)`` → merit of each model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audition:
    """Figures by model and split, regrets, and what each way of choosing would have chosen.

    Parameters
    ----------
    values
        Model → its figure at each split; NaN where it could not be computed.
    average, greatest, close
        Model → mean regret, greatest regret, share of splits where it stands within 0.02 of the best.
    choices
        Way of choosing → mean regret, on the next split, of what it chose; None with under two splits.
    chosen
        The model of least mean regret (then of least greatest regret, then the first declared).
    """

    figure: str
    values: Mapping[str, tuple[float, ...]]
    average: Mapping[str, float]
    greatest: Mapping[str, float]
    close: Mapping[str, float]
    choices: Mapping[str, float | None]
    chosen: str

    def table(self) -> Table:
        """Return the audition as a table, the chosen model first."""
        rows = [
            {
                "model": name,
                "mean": french.number(sum(self.values[name]) / len(self.values[name]), 3),
                "average": french.number(self.average[name], 3),
                "greatest": french.number(self.greatest[name], 3),
                "close": french.percent(self.close[name]),
            }
            for name in sorted(self.values, key=lambda name: (self.average[name], self.greatest[name]))
        ]
        said = [
            f"{name} : {french.number(value, 3)}" for name, value in self.choices.items() if value is not None
        ]
        return Table(
            title=f"« {self.chosen} » est le moins loin du meilleur",
            columns=(
                Column(key="model", title="Modèle"),
                Column(key="mean", title="Mesure moyenne", align="right"),
                Column(key="average", title="Regret moyen", align="right"),
                Column(key="greatest", title="Regret maximal", align="right"),
                Column(key="close", title="Près du meilleur", align="right"),
            ),
            rows=rows,
            note=(
                "Le regret est l'écart au meilleur modèle de la même période. "
                + (
                    f"Regret à l'origine suivante, selon la façon de choisir : {' ; '.join(said)}."
                    if said
                    else ""
                )
            ).strip(),
        )

    def chart(self) -> Chart:
        """Return each model's figure, split by split."""
        return Chart(
            title="Aucun modèle n'est jugé sur une seule période",
            form="line",
            x_title="Origine",
            y_title=self.figure,
            series=tuple(
                Series(name=name, x=tuple(float(at) for at in range(1, len(values) + 1)), y=values)
                for name, values in self.values.items()
            ),
            text=(
                f"« {self.chosen} » a le moindre regret moyen : "
                f"{french.number(self.average[self.chosen], 3)}."
            ),
        )


def audition(
    played: Played, *, figure: str = "average_precision", k: int = 100, until: int | None = None
) -> Audition:
    """Compare the models of a study split by split.

    Parameters
    ----------
    until
        Number of splits looked at: the later ones stay unseen, to measure the choice. None for all.

    Raises
    ------
    BadValueError
        If the outcome is not binary, or no split has both outcomes.
    """
    import numpy as np

    if played.kind != "binary":
        raise BadValueError("l'audition compare des ordres : elle demande un résultat 0 ou 1.")
    named = evaluation.figure_named(figure, k)
    codes = np.unique(played.periods)[:until]
    known = played.known
    rows = [np.flatnonzero((played.periods == code) & known) for code in codes]
    names = played.models
    values = np.array(
        [
            [named(evaluation.Panel(played.labels[at], played.scores[name][at]), None) for at in rows]
            for name in names
        ]
    )
    usable = ~np.isnan(values).any(axis=0)
    if not usable.any():
        raise BadValueError("aucune origine n'a les deux sortes de résultats : rien ne peut être comparé.")
    values = values[:, usable]
    regret = values.max(axis=0) - values
    average, greatest = regret.mean(axis=1), regret.max(axis=1)
    best = min(range(len(names)), key=lambda at: (average[at], greatest[at], at))
    return Audition(
        figure=figure,
        values={name: tuple(values[at].tolist()) for at, name in enumerate(names)},
        average=dict(zip(names, average.tolist(), strict=True)),
        greatest=dict(zip(names, greatest.tolist(), strict=True)),
        close=dict(zip(names, (regret <= _CLOSE).mean(axis=1).tolist(), strict=True)),
        choices={name: _next_regret(values, choice) for name, choice in CHOICES.items()},
        chosen=names[best],
    )


def _next_regret(
    values: NDArray[np.float64], choice: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> float | None:
    import numpy as np

    found = [
        float(values[:, at].max() - values[int(np.argmax(choice(values[:, :at]))), at])
        for at in range(1, values.shape[1])
    ]
    return math.fsum(found) / len(found) if found else None
