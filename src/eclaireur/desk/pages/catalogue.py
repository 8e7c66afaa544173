"""The catalogue: every case with its card, its quality scale and what is known of its data."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.catalog import cards
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.served import served_cards

__all__ = ["catalogue", "urlpatterns"]

_LEVELS = {"": "pas encore évalué", "bronze": "bronze", "silver": "argent", "gold": "or"}
_STATES = {"done": "fait", "todo": "à faire", "exempt": "sans objet"}
_RULES = {
    "runs_on_sample": "fonctionne sur son échantillon",
    "explains_every_signal": "explique chaque indice",
    "states_limits": "dit ses limites",
    "data_licences": "dit la licence de ses données",
    "temporal_evaluation": "mesuré sur des mois ultérieurs",
    "baseline_with_interval": "comparé à une règle simple, avec intervalle",
    "subgroup_table": "mesuré par groupe",
    "human_decision_path": "une personne décide",
    "calibrated_score": "risque calibré",
    "agents_evaluation_protocol": "protocole d’évaluation par les agents",
    "job_impact_note": "note d’effet sur le métier",
    "retraining_from_decisions": "apprend des résultats revenus du terrain",
    "drift_watch": "surveille la dérive",
}


@require_GET
@page
def catalogue(request: Asking) -> HttpResponse:
    """Show every card; those of the person's reach open on their desk."""
    rows = [
        {
            "card": card,
            "served": card in served_cards(),
            "mine": bool(request.reach.cases([card.name])),
            "level": _LEVELS[card.level],
            "rules": [
                {
                    "level": _LEVELS[rule.level],
                    "title": _RULES.get(rule.rule, rule.rule),
                    "state": _STATES[rule.state],
                    "reason": rule.reason,
                }
                for rule in card.quality
            ],
        }
        for card in cards()
    ]
    return render(request, "desk/catalogue.html", {"rows": rows})


urlpatterns = [path("catalogue/", catalogue)]
