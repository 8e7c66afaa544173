"""Verification as figures and tables: scores and their parts, reliability, ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing import model as modelling
from eclaireur.cases.weather_postprocessing.documented import THRESHOLDS, event_words
from eclaireur.cases.weather_postprocessing.measuring import FORECASTS
from eclaireur.cases.weather_postprocessing.sheet import FRENCH, day_of
from eclaireur.cases.weather_postprocessing.verify import brier_parts, coverage, crps_parts, pit, ranks
from eclaireur.core import evaluation, french
from eclaireur.core.view import Block, Chart, Column, Facts, Series, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.rolling import Held

__all__ = ["pit_charts", "reliability_chart", "verified"]

_BINS = 10


def verified(held: Held, scores: Mapping[str, NDArray[np.float64]]) -> tuple[Block, ...]:
    """Return the score of each forecast, and the parts of ours."""
    panel = held.panel
    named = {"ours": "prévision calée"} | FORECASTS
    raw = float(scores["raw"].mean())
    rows = [
        {
            "forecast": named[name],
            "crps": french.number(float(values.mean()), 3),
            "skill": french.percent(1 - float(values.mean()) / raw),
        }
        for name, values in sorted(scores.items(), key=lambda one: float(one[1].mean()))
    ]
    columns = (
        Column(key="forecast", title="Prévision"),
        Column(key="crps", title="CRPS", align="right"),
        Column(key="skill", title="Gain sur l’ensemble brut", align="right"),
    )
    period = (
        f"{french.count(panel.size, 'prévision')} du {french.day(day_of(int(panel.day.min())))} "
        f"au {french.day(day_of(int(panel.day.max())))}"
    )
    parts = crps_parts(held.law, panel.observed)
    threshold = THRESHOLDS[panel.variable]
    truth = modelling.happened(panel.variable, threshold, panel.observed)
    chance = modelling.chance_of(panel.variable, threshold, held.law)
    split = brier_parts(chance, truth)
    wide = held.law.quantiles((0.1, 0.9))
    pairs = (
        ("CRPS : manque de fiabilité", french.number(parts.reliability, 3)),
        ("CRPS : pouvoir de distinguer", french.number(parts.resolution, 3)),
        ("CRPS : incertitude du temps", french.number(parts.uncertainty, 3)),
        (f"Brier ({event_words(panel.variable, threshold)})", french.number(split.score, 3)),
        ("Brier : manque de fiabilité", french.number(split.reliability, 4)),
        ("Brier : pouvoir de distinguer", french.number(split.resolution, 3)),
        (
            "Observations dans la bande de 80 %",
            french.percent(float(coverage(held.law, panel.observed).mean())),
        ),
        ("Largeur moyenne de la bande", french.number(float((wide[:, 1] - wide[:, 0]).mean()), 2)),
    )
    return (
        Table(title=f"{FRENCH[panel.variable].capitalize()} : {period}", columns=columns, rows=rows),
        Facts(title="D’où vient le score de la prévision calée", pairs=pairs),
    )


def reliability_chart(held: Held) -> tuple[Block, ...]:
    """Return stated chances against what happened, calibrated then raw."""
    panel = held.panel
    threshold = THRESHOLDS[panel.variable]
    truth = modelling.happened(panel.variable, threshold, panel.observed)
    words = event_words(panel.variable, threshold)
    stated = {
        "Prévision calée": modelling.chance_of(panel.variable, threshold, held.law),
        "Ensemble brut": modelling.raw_chance_of(panel.variable, threshold, panel.members),
    }
    charts: list[Block] = []
    for name, chance in stated.items():
        bins = evaluation.reliability(truth, chance)
        error = evaluation.calibration_error(truth, chance)
        charts.append(
            Chart(
                title=f"{name} : écart moyen de {french.percent(error, 1)} entre chance et fréquence",
                form="reliability",
                x_title=f"Chance annoncée de : {words}",
                y_title="Fréquence observée",
                series=(
                    Series(
                        name=name,
                        x=tuple(one.stated for one in bins),
                        y=tuple(one.observed for one in bins),
                        low=tuple(one.low for one in bins),
                        high=tuple(one.high for one in bins),
                    ),
                    Series(
                        name="Nombre",
                        x=tuple(one.stated for one in bins),
                        y=tuple(float(one.n) for one in bins),
                    ),
                ),
                text=" ; ".join(
                    f"{french.percent(one.stated)} annoncés, {french.percent(one.observed)} observés "
                    f"({french.number(one.n)})"
                    for one in bins
                ),
            )
        )
    return tuple(charts)


def pit_charts(held: Held, *, seed: int) -> tuple[Block, ...]:
    """Return the histogram of the calibrated rank, and that of the rank among raw members."""
    import numpy as np

    panel = held.panel
    share = np.histogram(pit(held.law, panel.observed, seed=seed), _BINS, (0, 1))[0] / panel.size
    whole = ~np.isnan(panel.members).any(axis=1)
    size = panel.members.shape[1] + 1
    raw = np.bincount(ranks(panel.members[whole], panel.observed[whole], seed=seed), minlength=size)
    raw_share = raw / max(int(whole.sum()), 1)
    worst = float(np.abs(share - 1 / _BINS).max())
    out = float(raw_share[0] + raw_share[-1])
    return (
        Chart(
            title=(
                "Prévision calée : chaque dixième reçoit 10 % des observations, "
                f"à {french.percent(worst, 1)} près"
            ),
            form="bar",
            x_title="Dixième de la prévision où tombe l’observation",
            y_title="Part des observations",
            series=(
                Series(
                    name="Part",
                    x=tuple(str(at + 1) for at in range(_BINS)),
                    y=tuple(share.tolist()),
                ),
            ),
            text=" ; ".join(french.percent(one, 1) for one in share.tolist()),
        ),
        Chart(
            title=(
                f"Ensemble brut : {french.percent(out)} des observations hors des membres, "
                f"contre {french.percent(2 / size)} attendus"
            ),
            form="bar",
            x_title="Rang de l’observation parmi les membres",
            y_title="Part des observations",
            series=(
                Series(
                    name="Part",
                    x=tuple(str(at + 1) for at in range(size)),
                    y=tuple(raw_share.tolist()),
                ),
            ),
            text=" ; ".join(french.percent(one, 1) for one in raw_share.tolist()),
        ),
    )
