"""What the model looks at, and how each thing is said in French."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eclaireur.cases.water_inspections.programmes import Programme
from eclaireur.core import french

__all__ = ["FEATURES", "Feature", "features_of"]

_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column of the model.

    Parameters
    ----------
    name, theme
        Column name, and the French theme under which its reason is shown.
    say
        French sentence for a value under a programme; NaN when the value is not known.
    source
        Table that the fact comes from, in French.
    rises
        +1 when more of it can only raise the risk, 0 when the data decide.
    programmes
        Parameters for which it is looked at.
    """

    name: str
    theme: str
    say: Callable[[float, Programme], str]
    source: str = "mesures"
    rises: int = 0
    programmes: tuple[str, ...] = ("nitrates", "ecoli")


def _unknown(value: float) -> bool:
    return value != value  # noqa: PLR0124 only NaN differs from itself


def _level(text: str, missing: str) -> Callable[[float, Programme], str]:
    """Say a level as the value it stands for."""

    def say(value: float, programme: Programme) -> str:
        if _unknown(value):
            return missing
        return f"{text} : {programme.said(programme.value(value))}."

    return say


def _gap(text: str, missing: str) -> Callable[[float, Programme], str]:
    """Say a difference of levels as a ratio; exactly 0 stands for nothing known (`columns.matrix`)."""

    def say(value: float, _: Programme) -> str:
        import math

        if _unknown(value) or not value:
            return missing
        # Beyond a factor of ten, a percentage reads badly and adds nothing.
        change = 100 * (math.exp(min(value, math.log(10))) - 1)
        if abs(change) < 1:
            return f"{text} : comme d'habitude."
        side = "de plus" if change > 0 else "de moins"
        return f"{text} : {french.number(abs(change))}\u00a0% {side} que d'habitude."

    return say


def _share(text: str, missing: str) -> Callable[[float, Programme], str]:
    def say(value: float, _: Programme) -> str:
        return missing if _unknown(value) else f"{text} : {french.percent(value)}."

    return say


def _since(value: float, _: Programme) -> str:
    return _NEVER if _unknown(value) else f"Dernière mesure {french.duration(value)} avant le calcul."


def _month(value: float, _: Programme) -> str:
    return f"Mois de {_MONTHS[round(value) - 1]}.".replace("de a", "d'a").replace("de o", "d'o")


def _trend(value: float, _: Programme) -> str:
    import math

    if _unknown(value) or not value:
        return "Pas assez de mesures récentes pour une tendance."
    change = 100 * (math.exp(min(max(value, -2.0), 2.0)) - 1)
    if abs(change) < 1:
        return "Niveau stable depuis un an."
    side = "au-dessus" if change > 0 else "au-dessous"
    return f"Depuis un an, {french.number(abs(change))}\u00a0% {side} des années d'avant."


_NEVER = "Jamais mesuré dans l'historique connu."
_NO_MONTH = "Jamais mesuré à cette saison."
_NO_NEAR = "Aucune mesure voisine récente."
_NITRATES = ("nitrates",)
_ECOLI = ("ecoli",)

FEATURES: tuple[Feature, ...] = (
    Feature(name="since_last", theme="historique", say=_since),
    Feature(name="last_level", theme="historique", say=_level("Dernière mesure", _NEVER), rises=1),
    Feature(
        name="past_level", theme="historique", say=_level("Niveau habituel de la station", _NEVER), rises=1
    ),
    Feature(
        name="over_share", theme="historique", say=_share("Dépassements passés de la limite", _NEVER), rises=1
    ),
    Feature(
        name="top_level",
        theme="historique",
        say=_level("Plus haute mesure connue", _NEVER),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="high_share",
        theme="historique",
        say=_share("Dépassements passés de la limite haute", _NEVER),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="week_level",
        theme="historique",
        say=_level("Niveau moyen depuis dix jours", "Aucune mesure depuis dix jours."),
        rises=1,
        programmes=_ECOLI,
    ),
    Feature(name="trend", theme="tendance", say=_trend, programmes=_NITRATES),
    Feature(
        name="recent_gap",
        theme="tendance",
        say=_gap("Dernières mesures, saison déduite", "Aucune mesure récente à comparer à la saison."),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="month_level",
        theme="saison",
        say=_level("Niveau attendu de la station à ce mois", _NO_MONTH),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="month_over",
        theme="saison",
        say=_share("Part de dépassements attendue à ce mois, d'après le passé", _NO_MONTH),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="season_over",
        theme="saison",
        say=_share("Dépassements des autres stations à ce mois", "Saison inconnue ailleurs."),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="season_level",
        theme="saison",
        say=_level("Niveau habituel du bassin à ce mois", "Saison inconnue dans le bassin."),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(name="month", theme="saison", say=_month, programmes=_NITRATES),
    Feature(
        name="near_level",
        theme="voisinage",
        say=_level("Niveau moyen à moins de 10 km depuis trois ans", _NO_NEAR),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="near_gap",
        theme="voisinage",
        say=_gap("Mesures à moins de 20 km depuis trois mois", _NO_NEAR),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="area_gap",
        theme="voisinage",
        say=_gap("Mesures du bassin depuis trois mois", _NO_NEAR),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="river_level",
        theme="voisinage",
        say=_level("Niveau du cours d'eau depuis trois ans", "Cours d'eau sans autre mesure."),
        rises=1,
        programmes=_NITRATES,
    ),
    Feature(
        name="everywhere_level",
        theme="voisinage",
        say=_level("Niveau moyen des autres plages ces derniers jours", _NO_NEAR),
        programmes=_ECOLI,
    ),
    Feature(
        name="weekend",
        theme="calendrier",
        say=lambda value, _: "Samedi ou dimanche." if value else "Jour de semaine.",
        source="calendrier",
        programmes=_ECOLI,
    ),
    Feature(
        name="forecast",
        theme="prévision du matin",
        say=_level("Prévision pour cette plage", "Aucune prévision ce matin."),
        source="prévision",
        programmes=_ECOLI,
    ),
    Feature(
        name="forecast_mean",
        theme="prévision du matin",
        say=_level("Prévision moyenne de toutes les plages", "Aucune prévision ce matin."),
        source="prévision",
        programmes=_ECOLI,
    ),
    Feature(
        name="forecast_rise",
        theme="prévision du matin",
        say=_gap("Prévision moyenne, comparée à celle de la veille", "Aucune prévision la veille."),
        source="prévision",
        programmes=_ECOLI,
    ),
    Feature(
        name="rapid_near",
        theme="tests rapides de midi",
        say=_level("Tests rapides les plus proches ce matin", "Aucun test rapide ce matin."),
        source="tests rapides",
        rises=1,
        programmes=_ECOLI,
    ),
    Feature(
        name="rapid_mean",
        theme="tests rapides de midi",
        say=_level("Moyenne des tests rapides de ce matin", "Aucun test rapide ce matin."),
        source="tests rapides",
        rises=1,
        programmes=_ECOLI,
    ),
    Feature(
        name="rapid_max",
        theme="tests rapides de midi",
        say=_level("Plus haut des tests rapides de ce matin", "Aucun test rapide ce matin."),
        source="tests rapides",
        rises=1,
        programmes=_ECOLI,
    ),
)
"""Every column of the models, in order."""


def features_of(programme: Programme) -> tuple[Feature, ...]:
    """Return the columns that a programme's model looks at."""
    return tuple(one for one in FEATURES if programme.parameter in one.programmes)
