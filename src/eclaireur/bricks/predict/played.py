"""What a study gives: held-out scores of every model, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.leaks import Finding
from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Played", "compare"]

_FIGURES = ("auc", "average_precision", "precision_at_k", "recall_at_k")


@dataclass(frozen=True, kw_only=True)
class Played:
    """Held-out rows of every split with the score of each model and baseline.

    Parameters
    ----------
    rows
        ``subject`` and ``as_of`` at least.
    periods
        Code of the split of each row.
    labels
        Outcomes, NaN where they are not known: partial labels.
    scores
        Name → predictions, models and baselines.
    cohort
        Hash of who was looked at and when (`study.fingerprint`).
    findings
        What to look at before believing the figures (`leaks`).
    """

    rows: pa.Table = field(repr=False)
    periods: NDArray[np.int64] = field(repr=False)
    labels: NDArray[np.float64] = field(repr=False)
    scores: Mapping[str, NDArray[np.float64]] = field(repr=False)
    baselines: tuple[str, ...]
    kind: str
    cohort: str
    findings: tuple[Finding, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, without the baselines."""
        return tuple(name for name in self.scores if name not in self.baselines)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows whose outcome is known."""
        import numpy as np

        return ~np.isnan(self.labels)

    def score(self, name: str) -> NDArray[np.float64]:
        """Return the scores of a model or baseline.

        Raises
        ------
        NotFoundError
            If the study has none of this name.
        """
        if name not in self.scores:
            raise NotFoundError(
                f"l'étude n'a pas de modèle « {name} ».", fix=f"Elle a : {', '.join(self.scores)}."
            )
        return self.scores[name]

    def panel(self, name: str) -> evaluation.Panel:
        """Return the order of a model within each split, over rows whose outcome is known."""
        kept = self.known
        return evaluation.Panel(self.labels[kept], self.score(name)[kept], periods=self.periods[kept])

    def weights(self, seed: int) -> NDArray[np.float64]:
        """Return bootstrap weights of the known rows: subjects are drawn, so that repeats come together."""
        import numpy as np

        return evaluation.bootstrap_weights(
            int(np.count_nonzero(self.known)), seed=seed, clusters=self._subjects()
        )

    def _subjects(self) -> NDArray[np.int64]:
        import numpy as np

        subjects = np.array(self.rows["subject"].to_pylist(), dtype=object)[self.known]
        return np.unique(subjects.astype(str), return_inverse=True)[1]

    def metrics(self, name: str, *, k: int = 100, seed: int = 0) -> tuple[Metric, ...]:
        """Return the figures of a model, each beside the best baseline.

        A binary outcome has its figures of order, how many of the first ``k`` have a known outcome,
        and the least and greatest precision that the unknown ones allow (Manski 2003). A count has its
        deviance, a value its mean absolute error, and both the skill over the best baseline.
        """
        import numpy as np

        kept = self.known
        rules = [rule for rule in self.baselines if rule != name]
        if self.kind == "binary":
            return (*self._order_metrics(name, rules, k, seed), *self._partial(name, k))
        truth = self.labels[kept]
        if self.kind == "count":
            return evaluation.count_metrics(
                truth,
                self.score(name)[kept],
                {rule: self.scores[rule][kept] for rule in rules},
                seed=seed,
                clusters=self._subjects(),
            )
        return evaluation.loss_metrics(
            "mean_absolute_error",
            np.abs(truth - self.score(name)[kept]),
            {rule: np.abs(truth - self.scores[rule][kept]) for rule in rules},
            seed=seed,
            clusters=self._subjects(),
        )

    def _order_metrics(self, name: str, rules: list[str], k: int, seed: int) -> list[Metric]:
        import math

        panels = {rule: self.panel(rule) for rule in rules}
        weights = self.weights(seed)
        model = self.panel(name)
        found = []
        for figure in _FIGURES:
            value = {rule: evaluation.figure_named(figure, k)(panel, None) for rule, panel in panels.items()}
            usable = {rule: one for rule, one in value.items() if not math.isnan(one)}
            best = max(usable, key=lambda rule: usable[rule]) if usable else None
            found.append(
                evaluation.measured(
                    figure, model, weights, baseline=best, baseline_value=usable[best] if best else None, k=k
                )
            )
        return found

    def _partial(self, name: str, k: int) -> tuple[Metric, ...]:
        import numpy as np

        score = self.score(name)
        known = evaluation.Panel(self.known.astype(np.float64), score, periods=self.periods)
        low, high = (
            evaluation.Panel(np.nan_to_num(self.labels, nan=fill), score, periods=self.periods).precision_at(
                k
            )
            for fill in (0.0, 1.0)
        )
        n = int(self.labels.size)
        return (
            Metric(name="labelled_share_in_k", value=known.precision_at(k), low=None, high=None, n=n),
            Metric(
                name="precision_at_k_bounds",
                value=(low + high) / 2 if low == high else None,
                low=low,
                high=high,
                n=n,
            ),
        )

    def block(self, name: str, *, data_set: str, k: int = 100, seed: int = 0) -> EvaluationBlock:
        """Return the figures of a model as a block of an evaluation."""
        days = self.rows["as_of"].unique().to_pylist()
        count = french.count(len(days), "origine")
        return EvaluationBlock(
            data_set=data_set,
            split=f"{name} : {count}, du {french.day(min(days))} au {french.day(max(days))}",
            metrics=self.metrics(name, k=k, seed=seed),
            run="",
            notes=(f"k = {k} à chaque origine.",) if self.kind == "binary" else (),
        )


def compare(
    played: Played,
    model: str,
    other: str,
    *,
    figure: str = "average_precision",
    k: int = 100,
    seed: int = 0,
    against: Played | None = None,
) -> Metric:
    """Return the figure of a model minus that of another on the same rows, with a paired interval.

    Parameters
    ----------
    against
        The study of ``other``, when it is another one.

    Raises
    ------
    BadValueError
        If the two studies did not look at the same subjects on the same dates, or outcomes differ.
    """
    import numpy as np

    second = against or played
    if second.cohort != played.cohort:
        raise BadValueError(_differs(played, second), fix="Rejouez les deux études avec la même cohorte.")
    if second is not played:
        second = _aligned(second, played)
        if not np.array_equal(second.labels, played.labels, equal_nan=True):
            raise BadValueError(
                "les deux études n'ont pas les mêmes résultats aux mêmes dates : leurs cibles diffèrent.",
                fix="Comparez des études de même cible et de même horizon.",
            )
    return evaluation.gain(
        figure,
        played.panel(model),
        second.panel(other),
        played.weights(seed),
        baseline_name=other,
        k=k,
    )


def _pairs(played: Played) -> list[tuple[str, str]]:
    return list(
        zip(
            map(str, played.rows["subject"].to_pylist()),
            map(str, played.rows["as_of"].to_pylist()),
            strict=True,
        )
    )


def _differs(first: Played, second: Played) -> str:
    own, other = set(_pairs(first)), set(_pairs(second))
    said = "ces deux modèles n'ont pas été mesurés sur la même cohorte : "
    said += f"{french.count(len(own - other), 'ligne')} de la première ne sont pas dans la seconde, "
    said += f"{french.count(len(other - own), 'ligne')} de la seconde ne sont pas dans la première"
    days = sorted({day for _, day in own} ^ {day for _, day in other})
    if days:
        said += f" ; {french.count(len(days), 'date')} d'un seul côté"
    return said + "."


def _aligned(played: Played, model: Played) -> Played:
    """Return a study with its rows in the order of another's."""
    import numpy as np

    at = {pair: index for index, pair in enumerate(_pairs(played))}
    index = np.array([at[pair] for pair in _pairs(model)])
    return Played(
        rows=played.rows.take(index),
        periods=model.periods,
        labels=played.labels[index],
        scores={name: values[index] for name, values in played.scores.items()},
        baselines=played.baselines,
        kind=played.kind,
        cohort=played.cohort,
    )
