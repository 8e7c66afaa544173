"""The chance that a risk is at least doubled, for each pair of a series of cases or of reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from eclaireur.cases.drug_effects.case_series import Effect, fit
from eclaireur.cases.drug_effects.disproportion import ratios
from eclaireur.cases.drug_effects.exposures import Rule
from eclaireur.cases.drug_effects.histories import Histories, read_histories
from eclaireur.cases.drug_effects.published import STUDIES, fit_histories
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.shrinker import Prior, shrink
from eclaireur.cases.drug_effects.windows import after_exposure, design
from eclaireur.core import french
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

__all__ = [
    "LAST_DAY",
    "LEAST",
    "LEVEL",
    "Judged",
    "age_groups",
    "analysed",
    "before",
    "chance",
    "cohorts",
    "judge_reports",
    "judge_series",
    "series",
]

_T = TypeVar("_T")

LEVEL = 2.0
"""A ratio that is worth a look: the risk is at least doubled."""
LEAST = 3
"""Fewest reports of a pair that is shown."""
LAST_DAY = 42
"""Last day of the window after an exposure, unless asked otherwise."""
_GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A pair, the chance that its risk is at least doubled, and why in words."""

    key: str
    area: str
    score: float
    reasons: tuple[dict[str, Any], ...]


def chance(effect: Effect, level: float = LEVEL) -> float:
    """Return the chance that a relative incidence exceeds a level, by the normal law of its logarithm.

    >>> round(chance(Effect(name="", ratio=2, low=1, high=4, events=9, log_ratio=0.6931, error=0.35)), 2)
    0.5
    """
    import math

    if effect.events == 0:
        return 0.0
    return 0.5 * math.erfc((math.log(level) - effect.log_ratio) / (effect.error * math.sqrt(2)))


def cohorts(
    rows: Sequence[Mapping[str, Any]], *, default: Rule | None = None
) -> Iterator[tuple[str, str, Histories]]:
    """Yield the event, the study and the histories of each analysis, also of those without exposure.

    Rows without a study are analysed by event; published ones as their authors did.
    """
    known = {study.name: study for study in STUDIES}
    by_study: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_study.setdefault(row.get("study") or "", []).append(row)
    for name, some in sorted(by_study.items()):
        if name in known:
            yield known[name].event, name, read_histories(some)
            continue
        for event in sorted({row["value"] for row in some if row["category"] == "event"}):
            yield event, name, read_histories(some, event=event, default=default)


def series(
    rows: Sequence[Mapping[str, Any]], *, last: int = LAST_DAY, default: Rule | None = None
) -> list[tuple[str, Effect, str, Histories]]:
    """Fit every study of a table of histories; rows without a study are analysed by event.

    Parameters
    ----------
    last
        Last day of the window after an exposure of one day; a published study keeps its own.
    default
        How purchases become exposures.

    Returns
    -------
    list
        The event, one effect a window, the study, and the histories.
    """
    known = {study.name: study for study in STUDIES}
    found: list[tuple[str, Effect, str, Histories]] = []
    for event, name, histories in cohorts(rows, default=default):
        if not len(histories.dose_day):
            continue
        if name in known:
            made = fit_histories(known[name], histories)
        else:
            windows = after_exposure(histories, last=last)
            made = fit(design(histories, windows, ages=age_groups(histories)))
        found += [(event, effect, name, histories) for effect in made.effects]
    return found


def analysed(found: Sequence[_T], rows: Sequence[Mapping[str, Any]]) -> Sequence[_T]:
    """Return what an analysis found, or say why it found nothing.

    Raises
    ------
    EmptyTableError
        If no case is left, or none is exposed.
    """
    if found:
        return found
    left = [histories for _, _, histories in cohorts(rows)]
    reasons = Counter(one.reason for histories in left for one in histories.rejected)
    why = "aucun cas n'a d'exposition."
    if not any(histories.persons for histories in left):
        why = reasons.most_common(1)[0][0] if reasons else "aucune personne n'a d'événement."
    raise EmptyTableError(
        f"aucune série de cas ne peut être analysée : {why}",
        fix="Chaque cas a une ligne « observation », un « événement », et certains une « exposition » "
        "ou un « achat ».",
    )


def age_groups(histories: Histories) -> tuple[int, ...]:
    """Return the first days of age groups that hold about as many events each; none for a few events."""
    import numpy as np

    if len(histories.event_day) < 4 * _GROUPS:
        return ()
    cuts = np.quantile(histories.event_day, np.arange(1, _GROUPS) / _GROUPS)
    return tuple(sorted({int(cut) for cut in cuts}))


def judge_series(table: pa.Table) -> list[Judged]:
    """Judge each window of each study."""
    found = []
    for event, effect, study, histories in series(table.to_pylist()):
        where = f" [{study}]" if study else ""
        sentence = (
            f"Risque {_times(effect.ratio, effect.low, effect.high)} dans cette fenêtre : "
            f"{french.count(effect.events, 'événement')} sur {french.number(len(histories.event_day))}, "
            f"chez {french.count(len(histories.persons), 'cas', 'cas')}."
        )
        found.append(
            Judged(
                key=f"{effect.name} × {event}{where}"[:200],
                area="série de cas",
                score=chance(effect),
                reasons=(_reason("série de cas", sentence, effect.log_ratio, effect.ratio),),
            )
        )
    return found


def judge_reports(table: pa.Table, prior: Prior) -> list[Judged]:
    """Judge each pair reported at least `LEAST` times, against the prior that training found."""
    if not table.num_rows:
        return []
    pairs = count_pairs(table)
    shrunk = shrink(pairs.count, pairs.expected, prior, level=LEVEL)
    told = ratios(pairs)
    found = []
    for at in range(len(pairs.drug)):
        if pairs.count[at] < LEAST:
            continue
        seen = french.count(int(pairs.count[at]), "déclaration")
        awaited = french.number(float(pairs.expected[at]), 1)
        ratio = float(shrunk.mean[at])
        limits = _times(ratio, float(shrunk.low[at]), float(shrunk.high[at]))
        found.append(
            Judged(
                key=f"{pairs.drug[at][:90]} × {pairs.event[at][:90]}",
                area="déclarations",
                score=float(shrunk.beyond[at]),
                reasons=(
                    _reason(
                        "déclarations",
                        f"{seen} pour {awaited} attendues, soit {limits} (EBGM).",
                        ratio - 1,
                        ratio,
                    ),
                    _reason(
                        "déclarations",
                        f"Rapport des cotes ROR {french.number(float(told.ror[at]), 2)}, "
                        f"de {french.number(float(told.ror_low[at]), 2)} "
                        f"à {french.number(float(told.ror_high[at]), 2)}.",
                        float(told.ic[at]),
                        float(told.ror[at]),
                    ),
                ),
            )
        )
    return found


def _times(ratio: float, low: float, high: float) -> str:
    middle, top = (french.number(one, 2) if one < 1e6 else "l'infini" for one in (ratio, high))
    return f"multiplié par {middle} (de {french.number(low, 2)} à {top})"


def _reason(theme: str, sentence: str, weight: float, value: float) -> dict[str, Any]:
    import math

    return {
        "kind": "feature",
        "theme": theme,
        "sentence": sentence,
        "weight": weight if math.isfinite(weight) else -10.0,
        "observed": None,
        "source": theme,
        "feature": "ratio",
        "value": f"{value:.4g}",
    }


def before(table: pa.Table, when: date) -> pa.Table:
    """Return the rows known before a date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.less(table["known"], pa.scalar(when, pa.date32())))
