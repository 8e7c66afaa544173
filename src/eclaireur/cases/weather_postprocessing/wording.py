"""What is said of a forecast, in French."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.documented import RAIN, event_words
from eclaireur.core import french

if TYPE_CHECKING:
    from eclaireur.cases.weather_postprocessing.model import Stated

__all__ = ["amount", "from_scale", "reasons_of"]


def from_scale(variable: str, value: float) -> float:
    """Return millimetres or °C from a value on the scale of the law."""
    return max(value, 0.0) ** 2 if variable == RAIN else value


def amount(variable: str, value: float) -> str:
    """Write a value of the scale of the law with its unit.

    >>> amount("rain", 2.0)
    '4,0\\xa0mm'
    """
    unit = "mm" if variable == RAIN else "°C"
    return f"{french.number(from_scale(variable, value), 1)}\u00a0{unit}"


def reasons_of(stated: Stated, row: int) -> list[dict[str, Any]]:
    """Return the reasons of a row: what the members say, what past errors change, how wide it is."""
    import numpy as np

    panel, variable = stated.panel, stated.panel.variable
    members = panel.members[row]
    members = members[~np.isnan(members)]
    told = round(float(stated.raw_chance[row]) * len(members))
    words = event_words(variable, stated.threshold)
    raw = _logit((told + 0.5) / (len(members) + 1))
    ours = _logit(float(stated.chance[row]))
    how_many = f"{told} membre{'s' if told > 1 else ''} sur {len(members)}"
    verb = "annoncent" if told > 1 else "annonce"
    found = [
        _reason(
            "ensemble",
            f"{how_many} {verb} {words} : de {amount(variable, float(members.min()))} "
            f"à {amount(variable, float(members.max()))}.",
            raw,
            "members",
            told,
        )
    ]
    low, middle, high = (float(value) for value in stated.law_row(row, (0.1, 0.5, 0.9)))
    found.append(
        _reason(
            "calage",
            f"Après calage : {amount(variable, middle)} attendus, 8 chances sur 10 d’être entre "
            f"{amount(variable, low)} et {amount(variable, high)}.",
            ours - raw,
            "calibration",
            middle,
        )
    )
    seen = int(stated.seen[row])
    if seen:
        error = float(stated.error[row])
        found.append(_reason("erreurs passées", _past(variable, error, seen), 0.0, "bias", error))
    return found


def _past(variable: str, error: float, seen: int) -> str:
    over = french.count(seen, "prévision vérifiée", "prévisions vérifiées")
    if variable == RAIN:
        if abs(error) < 0.05:
            return f"L’ensemble n’a pas d’erreur moyenne ici, sur {over}."
        return f"L’ensemble annonce ici trop {'peu' if error > 0 else 'de pluie'}, sur {over}."
    if abs(error) < 0.05:
        return f"L’ensemble n’a pas d’erreur moyenne ici, sur {over}."
    way = "froid" if error > 0 else "chaud"
    return f"L’ensemble est ici trop {way} de {french.number(abs(error), 1)}\u00a0°C en moyenne, sur {over}."


def _reason(theme: str, sentence: str, weight: float, feature: str, value: float) -> dict[str, Any]:
    return {
        "kind": "feature",
        "theme": theme,
        "sentence": sentence,
        "weight": weight,
        "observed": None,
        "source": theme,
        "feature": feature,
        "value": f"{value:.4g}",
    }


def _logit(chance: float) -> float:
    inside = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
