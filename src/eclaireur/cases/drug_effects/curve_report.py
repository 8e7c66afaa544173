"""Curves of risk by day since the exposure, as view blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eclaireur.cases.drug_effects.curves import Curves, bootstrap_curves, chosen_strength
from eclaireur.cases.drug_effects.judging import series
from eclaireur.core import french
from eclaireur.core.view import Block, Chart, Facts, Series

__all__ = ["curve_blocks"]

_LAGS = 60
_DRAWS = 40
_STRENGTHS = ((3e-2, 3e-3), (1e-2, 1e-3), (5e-3, 5e-4), (2e-3, 2e-4))


def curve_blocks(rows: Sequence[Mapping[str, Any]], *, seed: int) -> tuple[Block, ...]:
    """Draw the curve of each drug; nothing is adjusted on age, which is said."""
    blocks: list[Block] = []
    done: set[tuple[str, str]] = set()
    for event, _, study, histories in series(rows):
        if (event, study) in done:
            continue
        done.add((event, study))
        variation, group = chosen_strength(histories, lags=_LAGS, strengths=_STRENGTHS, seed=seed)
        made = bootstrap_curves(
            histories, lags=_LAGS, variation=variation, group=group, draws=_DRAWS, seed=seed
        )
        blocks += [_curve_chart(event, drug, made, at) for at, drug in enumerate(histories.drugs)]
        facts = (
            ("Cas", french.number(len(histories.persons))),
            ("Pénalités choisies", f"variation {variation:g}, groupe {group:g}".replace(".", ",")),
            ("Intervalle", f"{_DRAWS} tirages de personnes ; une courbe pénalisée est tirée vers zéro."),
            ("Prudence", "Ces courbes ne sont ajustées ni sur l'âge ni sur la saison."),
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
