"""A study in a few lines: who, what comes of them, what is known of them, when, and which models.

    study = Study(
        cohort=Cohort(table="inspections", window=1095),
        outcome=Outcome(table="inspections", column="label", horizon=91),
        features=(Own(name="past", table="inspections", how="mean", column="label"), …),
        splits=rolling_origins(date(2022, 1, 1), date(2024, 12, 31), step=timedelta(91)),
        models={"linéaire": Linear(), "arbres": Trees(), "lisible": glass()},
        baselines={"taux passé": Rule(column="past")},
    )
    played = study.play(events, engine)

At each origin, models learn from outcomes known before it (`cohorts.Outcome.labels`) and score the
cohort of its first day. The results go to `played.Played`: figures, audition, comparison.
The idea of cohort, label, as-of features and temporal grid declared apart is that of dssg/triage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from eclaireur.bricks.predict import leaks
from eclaireur.bricks.predict.asof import Spec, build
from eclaireur.bricks.predict.cohorts import Cohort, Outcome
from eclaireur.bricks.predict.grid import Part, Parts, play
from eclaireur.bricks.predict.models import Model, Rate, Training
from eclaireur.bricks.predict.played import Played
from eclaireur.core import french
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import Split

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MEAN", "Study", "features_matrix", "fingerprint"]

MEAN = "taux moyen"
"""The baseline that every study has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What to compare, and how it is measured.

    Parameters
    ----------
    splits
        Origins (`core.evaluation.rolling_origins`); the cohort of a split is that of its ``start``.
    models, baselines
        French name → declaration (`models`). The mean is always among the baselines.
    every
        Days between two dates learnt from, counted back from each origin.
    history
        Greatest number of days learnt from; None for all.
    kind
        Kind of outcome (`models.KINDS`).
    """

    cohort: Cohort
    outcome: Outcome
    features: tuple[Spec, ...]
    splits: tuple[Split, ...]
    models: Mapping[str, Model]
    baselines: Mapping[str, Model] = field(default_factory=dict)
    every: timedelta = timedelta(days=91)
    history: timedelta | None = None
    kind: str = "binary"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a study that measures nothing or calls two things by one name."""
        if not self.splits or not self.models:
            raise BadValueError("une étude demande au moins une origine et un modèle.")
        if self.every < timedelta(days=1):
            raise BadValueError("le pas entre deux dates apprises doit être d'au moins un jour.")
        if twice := sorted((set(self.models) & set(self.baselines)) | ({MEAN} & set(self.models))):
            raise BadValueError(f"un modèle et une référence portent le même nom : « {twice[0]} ».")

    def play(self, events: Mapping[str, pa.Table], engine: Executor, *, progress: Progress = quiet) -> Played:
        """Play every split with every model and baseline.

        Raises
        ------
        BadValueError
            If facts are known before they happened: every figure would be false.
        EmptyTableError
            If an origin has nothing to learn from, or one class only.
        """
        import numpy as np

        leaks.check(leaks.known_before_it_happened(events))
        first = _first_day(events[self.outcome.table]) if self.outcome.table in events else None
        days = {split: self._learnt(split, first) for split in self.splits}
        tested = sorted({split.start for split in self.splits})
        asked_for = sorted({*tested, *(day for found in days.values() for day in found)})
        rows = self.cohort.rows(events, asked_for)
        progress(0, len(self.splits), "Variables connues à chaque date")
        columns = features_matrix(build(rows, events, self.features))
        when = rows["as_of"].to_numpy().astype("datetime64[D]")
        models = {**self.baselines, MEAN: Rate(), **self.models}
        kept = [np.flatnonzero(when == np.datetime64(split.start)) for split in self.splits]
        played = [(split, at) for split, at in zip(self.splits, kept, strict=True) if at.size]
        if not played:
            raise EmptyTableError("la cohorte est vide à chaque origine.", fix="Changez les dates.")

        def part(number: int) -> Part:
            split, at = played[number]
            past = np.flatnonzero(np.isin(when, np.array(days[split], dtype="datetime64[D]")))
            labels = self.outcome.labels(rows.take(past), events, known_before=split.known_before)
            learnt = ~np.isnan(labels)
            training = self._training(split, columns[past[learnt]], labels[learnt])
            return Part(training=training, asked=columns[at], models=models)

        scores = play(Parts(part, len(played)), engine, progress=progress)
        kept = [at for _, at in played]
        index = np.concatenate(kept)
        measured = rows.take(index)
        return Played(
            rows=measured,
            periods=np.repeat(np.arange(len(kept)), [at.size for at in kept]),
            labels=self.outcome.labels(measured, events),
            scores=scores,
            baselines=(*self.baselines, MEAN),
            kind=self.kind,
            cohort=fingerprint(measured),
            findings=self._findings(columns, rows, events, index),
        )

    def _findings(
        self,
        columns: NDArray[np.float32],
        rows: pa.Table,
        events: Mapping[str, pa.Table],
        measured: NDArray[np.int64],
    ) -> tuple[leaks.Finding, ...]:
        """Look at the rows before the last origin for what makes a study lie."""
        import numpy as np

        names = tuple(spec.name for spec in self.features)
        when = rows["as_of"].to_numpy().astype("datetime64[D]")
        past = np.flatnonzero(when < np.datetime64(self.splits[-1].start))
        labels = self.outcome.labels(rows.take(past), events, known_before=self.splits[-1].known_before)
        known = ~np.isnan(labels)
        found = leaks.constants(columns, names)
        if self.kind == "binary":
            found += leaks.suspects(columns[past[known]], names, labels[known])
        if "area" in rows.column_names:
            learnt = rows["area"].take(past).unique().to_pylist()
            found += leaks.new_places(learnt, rows["area"].take(measured).to_pylist())
        return found

    def _training(self, split: Split, columns: NDArray[np.float32], labels: NDArray[np.float64]) -> Training:
        names = tuple(spec.name for spec in self.features)
        try:
            return Training(columns=columns, labels=labels, names=names, kind=self.kind, seed=self.seed)
        except EmptyTableError as error:
            said = f"à l'origine du {french.day(split.start)}, {error.message}"
            raise EmptyTableError(said, fix=error.fix) from error

    def _learnt(self, split: Split, first: date | None) -> list[date]:
        """Return the dates that a split learns from: whose horizon is over, back to the first fact."""
        last = split.known_before - timedelta(days=self.outcome.horizon)
        oldest = first or last
        if self.history is not None:
            oldest = max(oldest, last - self.history)
        # The same days for every split, so that features are computed once.
        anchor = self.splits[0].start
        steps = (anchor - last).days // self.every.days
        day = anchor - (steps + (1 if (anchor - last).days % self.every.days else 0)) * self.every
        found = []
        while day >= oldest:
            found.append(day)
            day -= self.every
        return found


def _first_day(table: pa.Table) -> date | None:
    import pyarrow.compute as pc

    found: date | None = pc.min(table["observed"]).as_py()
    return found


def features_matrix(table: pa.Table) -> NDArray[np.float32]:
    """Return a table of float columns as one matrix, NaN where null."""
    import numpy as np

    found = np.empty((table.num_rows, table.num_columns), dtype=np.float32)
    for index, column in enumerate(table.columns):
        found[:, index] = column.to_numpy()
    return found


def fingerprint(rows: pa.Table) -> str:
    """Return the SHA-256 of who was looked at, and when: two studies compare only if it is the same."""
    digest = hashlib.sha256()
    pairs: Sequence[tuple[object, object]] = sorted(
        zip(rows["subject"].to_pylist(), rows["as_of"].to_pylist(), strict=True), key=str
    )
    for subject, day in pairs:
        digest.update(f"{subject}\0{day}\0".encode())
    return digest.hexdigest()
