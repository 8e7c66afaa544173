"""What is read beside the list: who it selects, what moved, where to alert, and what the model says.

Every report is made of held-out months or of the model itself; none is measured on what it learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from eclaireur.bricks.predict import levels as alerting
from eclaireur.bricks.predict.counterfactual import Lever, facts, what_would_change
from eclaireur.bricks.predict.drift import (
    Bins,
    drift,
    drift_table,
    expected_performance,
    measured_performance,
)
from eclaireur.bricks.predict.fitted import FittedTrees
from eclaireur.bricks.predict.gates import audited, covered, gates_table, stable
from eclaireur.bricks.predict.models import Training, glass
from eclaireur.bricks.predict.proxies import proxies, proxy_table
from eclaireur.bricks.predict.shapes import curves, curves_table
from eclaireur.cases.restaurant_risk import measuring, model as modelling
from eclaireur.cases.restaurant_risk.columns import adjusted, matrix, rows_for
from eclaireur.cases.restaurant_risk.documented import identify
from eclaireur.cases.restaurant_risk.features import FEATURES, TITLED
from eclaireur.core import evaluation, french
from eclaireur.core.engine import InlineExecutor
from eclaireur.core.errors import BadValueError, UnknownSubjectError
from eclaireur.core.types import Metric, ModelCard
from eclaireur.core.view import Block, Column, FormField, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "Asked", "made"]

TITLES = {
    "audit": "Audit par groupe, et ce qui peut être publié",
    "change": "Ce qui changerait le rang d'un établissement",
    "drift": "Ce qui a changé depuis l'apprentissage",
    "levels": "Deux seuils d'alerte, mesurés sur des mois plus tardifs",
    "readable": "Un modèle lisible, courbe par courbe",
}
"""Reports by name, with their French titles."""

ASKS = {
    "change": (
        FormField(
            name="about",
            title="Établissement",
            kind="text",
            help="Son identifiant, tel que la fiche le montre.",
        ),
    )
}
"""What a report cannot do without (see `service.reporting`)."""

_ORIGINS = 4
_FIRST = 100
_SAMPLE = 4000
_CURVES = 6
_NAMES = tuple(feature.name for feature in FEATURES)
_TOLERATED = ("historique",)
"""Choosing by the history of controls is the purpose itself."""

_LEVERS = ("last_serious", "last_minor", "last_label", "rating", "bad_reviews")
"""What an establishment may change; its place, its kind and its age are not among them."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a report is made from; ``current`` gives the establishments known before a date."""

    records: Records
    examples: pa.Table
    card: ModelCard
    model: modelling.Model
    current: Callable[[Mapping[str, pa.Table], date], pa.ChunkedArray]
    latest: date
    about: str
    seed: int
    progress: Progress

    @cached_property
    def tables(self) -> Mapping[str, pa.Table]:
        """Event tables, adjusted for the observer."""
        return adjusted(self.records)

    @cached_property
    def held(self) -> measuring.Held:
        """The last origins, held out."""
        return measuring.held_out(
            self.records,
            self.examples,
            last=measuring.horizon(self.card.source, self.examples),
            seed=self.seed,
            engine=InlineExecutor(),
            progress=self.progress,
            most=_ORIGINS,
        )

    def rows(self, day: date) -> pa.Table:
        """Return the establishments known before a date, as of it."""
        import pyarrow as pa

        subjects = self.current(self.tables, day)
        days = pa.chunked_array([pa.array([day] * len(subjects), pa.date32())])
        return rows_for(self.tables, subjects, days)


def made(name: str, asked: Asked) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Raises
    ------
    InputError
        If what the report needs is missing.
    """
    return _MAKERS[name](asked)


def _audit(asked: Asked) -> tuple[Block, ...]:
    """Return the audit by group, its proxies, and the gates of the next edition."""
    import numpy as np

    held = asked.held
    found = measuring.audited(held, ranks=bool(measuring.rank_only(asked.card.source)))
    tables = asked.tables
    at = np.sort(np.random.default_rng(asked.seed).permutation(held.labels.size)[:_SAMPLE])
    rows = held.rows.take(at)
    said = proxies(matrix(rows, tables), _NAMES, rows["area"].to_pylist(), attribute="secteur")
    now = asked.latest + timedelta(days=1)
    before = now - timedelta(days=30)
    editions = []
    counts: list[dict[str, int]] = []
    for day in (before, now):
        current = asked.rows(day)
        score = modelling.judge(asked.model, current, tables).score
        editions.append(dict(zip(current["subject"].to_pylist(), score.tolist(), strict=True)))
        areas, sizes = np.unique(
            np.array([area for area in current["area"].to_pylist() if area is not None]), return_counts=True
        )
        counts.append(dict(zip(areas.tolist(), sizes.tolist(), strict=True)))
    gates = [
        stable(editions[0], editions[1], top=_FIRST),
        covered(counts[1], former=counts[0]),
        audited(found, tolerated=_TOLERATED),
    ]
    return (gates_table(gates), *found.tables(), proxy_table(said, titles=TITLED))


def _drift(asked: Asked) -> tuple[Block, ...]:
    """Return the columns that moved, and how well the list does: expected, then measured."""
    tables = asked.tables
    now = asked.latest + timedelta(days=1)
    then = min(asked.card.as_of, now) - timedelta(days=365)
    former, current = asked.rows(then), asked.rows(now)
    learnt, seen = matrix(former, tables), matrix(current, tables)
    usual = [Bins.of(name, learnt[:, index]) for index, name in enumerate(_NAMES)]
    moved = drift(usual, {name: seen[:, index] for index, name in enumerate(_NAMES)})
    blocks: list[Block] = [drift_table(moved, since=f"le {french.day(then)}", titles=TITLED)]
    score = asked.model.stated(seen)
    if asked.model.calibrated and not measuring.rank_only(asked.card.source):
        title = f"Attendu des {_FIRST} premiers, avant tout résultat"
        blocks.append(_figures(title, expected_performance(score, k=_FIRST)))
    labels, risks = _came(asked, tables)
    if labels.size >= _FIRST:
        title = f"Mesuré sur {french.count(labels.size, 'résultat venu', 'résultats venus')} depuis"
        blocks.append(_figures(title, measured_performance(labels, risks, k=_FIRST)))
    return tuple(blocks)


def _came(asked: Asked, tables: Mapping[str, pa.Table]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the results that the model in service has not learnt from, and its scores of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    late = asked.examples.filter(
        pc.greater_equal(asked.examples["as_of"], pa.scalar(asked.card.as_of, pa.date32()))
    )
    rows = rows_for(tables, late["subject"], late["as_of"], late["example"])
    return late["label"].to_numpy(), modelling.judge(asked.model, rows, tables).score


def _figures(title: str, metrics: tuple[Metric, ...]) -> Table:
    words = {
        "precision_at_k": "Défavorables parmi eux",
        "recall_at_k": "Part de tous les défavorables",
        "rate": "Taux de défavorables de l'ensemble",
        "vigilance_precision": "Vigilance : justes parmi les alertes",
        "vigilance_recall": "Vigilance : part des défavorables trouvés",
        "alert_precision": "Alerte : justes parmi les alertes",
        "alert_recall": "Alerte : part des défavorables trouvés",
    }

    def percent(value: float | None) -> str:
        return "–" if value is None else french.percent(value, 1)

    return Table(
        title=title,
        columns=(
            Column(key="name", title="Mesure"),
            Column(key="value", title="Valeur", align="right"),
            Column(key="interval", title="Intervalle à 95 %", align="right"),
            Column(key="baseline", title="Référence"),
            Column(key="reference", title="Sa valeur", align="right"),
            Column(key="n", title="n", align="right", kind="number"),
        ),
        rows=[
            {
                "name": words[metric.name.removeprefix("expected_")],
                "value": percent(metric.value),
                "interval": "–" if metric.low is None else f"{percent(metric.low)} à {percent(metric.high)}",
                "baseline": metric.baseline or "–",
                "reference": percent(metric.baseline_value),
                "n": metric.n,
            }
            for metric in metrics
        ],
    )


def _levels(asked: Asked) -> tuple[Block, ...]:
    """Choose two alert levels on the first origins, and measure them on the following ones."""
    import numpy as np

    held = asked.held
    first = held.periods < (held.periods.max() + 1) // 2
    days = held.rows["as_of"].to_numpy().astype("datetime64[D]")
    score = held.scores["modèle"]
    if first.all() or not first.any():
        raise BadValueError(
            "l'historique est trop court pour choisir des seuils puis les mesurer.",
            fix="Il faut au moins deux périodes de trois mois après la première année.",
        )
    until: date = days[first].max().item()
    chosen = alerting.choose(held.labels[first], score[first], until=until)
    later = ~first
    since: date = np.min(days[later]).item()
    said = _figures(
        f"Seuils choisis jusqu'au {french.day(until)}, mesurés depuis le {french.day(since)}",
        chosen.measure(held.labels[later], score[later], since=since),
    )
    counts = np.bincount(chosen.of(score[later]), minlength=3)
    table = Table(
        title="Deux seuils : manquer peu, ou se tromper peu",
        columns=(
            Column(key="level", title="Seuil"),
            Column(key="cut", title="À partir du score", align="right"),
            Column(key="n", title="Contrôles concernés", align="right", kind="number"),
        ),
        rows=[
            {
                "level": "Vigilance (un manqué coûte deux fois une alerte pour rien)",
                "cut": french.number(chosen.vigilance, 3),
                "n": int(counts[1:].sum()),
            },
            {
                "level": "Alerte (une alerte pour rien coûte deux fois un manqué)",
                "cut": french.number(chosen.alert, 3),
                "n": int(counts[2]),
            },
        ],
    )
    return (table, said)


def _readable(asked: Asked) -> tuple[Block, ...]:
    """Fit a sum of curves on what was known a year before, measure it since, and draw it."""
    import numpy as np

    tables = asked.tables
    examples = asked.examples
    rows = rows_for(tables, examples["subject"], examples["as_of"], examples["example"])
    columns = matrix(rows, tables)
    labels = examples["label"].to_numpy()
    cut = measuring.horizon(asked.card.source, examples) - timedelta(days=365)
    known = examples["known"].to_numpy().astype("datetime64[D]") < np.datetime64(cut)
    later = examples["as_of"].to_numpy().astype("datetime64[D]") >= np.datetime64(cut)
    rises = {feature.name: feature.rises for feature in FEATURES if feature.rises}
    fitted = glass(rises=rises).fit(Training(columns[known], labels[known], _NAMES, seed=asked.seed))
    if not isinstance(fitted, FittedTrees):
        raise BadValueError("ce modèle n'est pas une somme de courbes.")
    whole = modelling.train_examples(
        examples.filter(known), columns[known], as_of=cut, seed=asked.seed, progress=asked.progress
    )
    scores = fitted.scores(columns[later])
    observer = evaluation.group_codes(measuring.observers(asked.records, rows.filter(later)))
    clusters = evaluation.group_codes(rows.filter(later)["subject"].to_pylist())
    weights = evaluation.bootstrap_weights(int(later.sum()), seed=asked.seed, clusters=clusters)
    one, other = (
        evaluation.Panel(labels[later], values, groups=observer)
        for values in (scores, whole.stated(columns[later]))
    )
    figure = "auc_within_observer" if (observer >= 0).any() else "auc"
    own = evaluation.measured(figure, one, weights)
    lost = evaluation.gain(figure, one, other, weights, baseline_name="modèle en service")
    drawn = curves(fitted, columns[known])
    table = curves_table(drawn, TITLED)
    note = (
        f"Depuis le {french.day(cut)}, sur {french.count(own.n, 'contrôle')} : ordre juste "
        f"{french.number(own.value or 0.0, 3)}, soit {french.signed(lost.value or 0.0, 3)} face au modèle "
        f"complet ({french.signed(lost.low or 0.0, 3)} à {french.signed(lost.high or 0.0, 3)}). {table.note}"
    )
    shown = Table(title=table.title, columns=table.columns, rows=table.rows, note=note)
    return (shown, *(curve.chart(x_title=TITLED[curve.name]) for curve in drawn[:_CURVES]))


def _change(asked: Asked) -> tuple[Block, ...]:
    """Say what would bring an establishment across the first tenth of the list."""
    import numpy as np
    import pyarrow.compute as pc

    if not asked.about:
        raise BadValueError("ce rapport demande un établissement.", fix="Ajoutez --about IDENTIFIANT.")
    subject = str(identify(asked.about))
    tables = asked.tables
    current = asked.rows(asked.latest + timedelta(days=1))
    columns = matrix(current, tables)
    at = pc.index(current["subject"], subject).as_py()
    if at < 0:
        raise UnknownSubjectError(
            f"établissement inconnu : « {asked.about} ».", fix="Vérifiez son identifiant."
        )
    levers = [Lever(column=_NAMES.index(name), title=TITLED[name]) for name in _LEVERS]
    used = [one for one in levers if not np.isnan(columns[at, one.column])]
    limit = float(np.quantile(asked.model.stated(columns), 0.9))
    if not used:
        raise BadValueError(
            "rien de ce qui peut changer n'est connu de cet établissement.",
            fix="Attendez un premier contrôle ou des avis.",
        )
    found = what_would_change(asked.model.stated, columns[at], used, columns, limit=limit)
    return (facts(found),)


_MAKERS: dict[str, Callable[[Asked], tuple[Block, ...]]] = {
    "audit": _audit,
    "change": _change,
    "drift": _drift,
    "levels": _levels,
    "readable": _readable,
}
