"""Curves of risk by day since the exposure, as view blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.curves import Curves, bootstrap_curves, chosen_strength
from eclaireur.cases.drug_effects.judging import age_groups, analysed, series
from eclaireur.cases.drug_effects.terms import Terms, terms_of
from eclaireur.core import french
from eclaireur.core.view import Block, Chart, Facts, Series

if TYPE_CHECKING:
    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["adjustment", "curve_blocks"]

_LAGS = 60
_PIECES = 4
_LEAST_SPLINE = 200
_LEAST_MONTHS = 240
_DRAWS = 40
_STRENGTHS = ((3e-2, 3e-3), (1e-2, 1e-3), (5e-3, 5e-4), (2e-3, 2e-4))


def adjustment(histories: Histories) -> tuple[Terms, str]:
    """Return the age and season that the events of these histories can tell, and say so in French."""
    events = len(histories.event_day)
    months = histories.origin is not None and events >= _LEAST_MONTHS
    spline = _PIECES if events >= _LEAST_SPLINE else 0
    ages = () if spline else age_groups(histories)
    said = ["sur l'âge ou le temps"] if spline or ages else []
    said += ["sur le mois de l'année"] if months else []
    words = " et ".join(said) if said else "aucun : trop peu d'événements"
    return terms_of(histories, ages=ages, spline=spline, months=months), words


def curve_blocks(rows: Sequence[Mapping[str, Any]], *, seed: int) -> tuple[Block, ...]:
    """Draw the curve of each drug, adjusted for age and season as far as the events allow, which is said."""
    blocks: list[Block] = []
    done: set[tuple[str, str]] = set()
    for event, _, study, histories in analysed(series(rows), rows):
        if (event, study) in done:
            continue
        done.add((event, study))
        terms, said = adjustment(histories)
        variation, group = chosen_strength(
            histories, lags=_LAGS, strengths=_STRENGTHS, terms=terms, seed=seed
        )
        made = bootstrap_curves(
            histories, lags=_LAGS, variation=variation, group=group, terms=terms, draws=_DRAWS, seed=seed
        )
        blocks += [_curve_chart(event, drug, made, at) for at, drug in enumerate(histories.drugs)]
        facts = (
            ("Cas", french.number(len(histories.persons))),
            ("Pénalités choisies", f"variation {variation:g}, groupe {group:g}".replace(".", ",")),
            ("Intervalle", f"{_DRAWS} tirages de personnes ; une courbe pénalisée est tirée vers zéro."),
            ("Ajustement", said),
        )
        blocks.append(Facts(title=f"Calcul des courbes de « {event} »", pairs=facts))
    return tuple(blocks)


def _curve_chart(event: str, drug: str, made: Curves, at: int) -> Chart:
    import numpy as np

    low, high = np.asarray(made.low)[at], np.asarray(made.high)[at]
    days = np.flatnonzero(low > 0)
    found = (
        f"« {drug} » : risque de « {event} » accru entre les jours {days[0]} et {days[-1]}"
        if len(days)
        else f"« {drug} » : aucun jour où le risque de « {event} » soit accru à coup sûr"
    )
    peak = int(made.values[at].argmax())
    return Chart(
        title=found,
        form="lag",
        x_title="Jours depuis l'exposition",
        y_title="Logarithme du risque relatif",
        series=(
            Series(
                name=drug,
                x=tuple(float(day) for day in range(_LAGS)),
                y=tuple(made.values[at].tolist()),
                low=tuple(np.minimum(low, made.values[at]).tolist()),
                high=tuple(np.maximum(high, made.values[at]).tolist()),
            ),
        ),
        text=f"Au plus haut le jour {peak} : × {french.number(float(np.exp(made.values[at][peak])), 2)}.",
    )
