"""What the model looks at, and how each thing is said in French."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eclaireur.core import french

__all__ = ["FEATURES", "TITLED", "Feature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column of the model.

    Parameters
    ----------
    name, theme
        Column name, and the French theme under which its reason is shown.
    say
        French sentence for a value; NaN when the value is not known.
    source
        Table that the fact comes from, in French.
    rises
        +1 when more of it can only raise the risk, −1 lower it, 0 when the data decide.
    """

    name: str
    theme: str
    say: Callable[[float], str]
    source: str
    rises: int = 0


def _share(text: str, missing: str) -> Callable[[float], str]:
    """Say an adjusted rate as points above or below what is usual."""

    def say(value: float) -> str:
        if value != value:  # noqa: PLR0124 only NaN differs from itself
            return missing
        points = round(100 * value)
        if points == 0:
            return f"{text} : comme ailleurs."
        side = "de plus" if points > 0 else "de moins"
        return f"{text} : {french.count(abs(points), 'point')} {side} qu'ailleurs."

    return say


def _known(form: Callable[[float], str], missing: str) -> Callable[[float], str]:
    def say(value: float) -> str:
        return missing if value != value else form(value)  # noqa: PLR0124 only NaN differs from itself

    return say


def _count_last(one: str, many: str) -> Callable[[float], str]:
    return _known(
        lambda value: (
            f"{french.count(round(value), one, many)} au dernier contrôle."
            if value
            else f"Aucun {one} au dernier contrôle."
        ),
        "Aucun contrôle détaillé dans l'historique.",
    )


def _since(value: float) -> str:
    return f"Dernier contrôle {french.duration(value)} avant le calcul."


def _mean(one: str, many: str) -> Callable[[float], str]:
    def form(value: float) -> str:
        noun = one if value < 2 else many
        return f"{french.number(value, 1)} {noun} par contrôle en moyenne."

    return _known(form, "Jamais contrôlé dans l'historique connu.")


def _density(what: str) -> Callable[[float], str]:
    return _known(
        lambda value: f"Densité de {what} autour : {french.number(value, 1)}.", f"Densité de {what} inconnue."
    )


def _yes_or_no(what: str) -> Callable[[float], str]:
    return _known(lambda value: f"{what} : {'oui' if value else 'non'}.", f"{what} : inconnu.")


_NEVER = "Jamais contrôlé dans l'historique connu."

FEATURES: tuple[Feature, ...] = (
    Feature(
        name="past_count",
        theme="historique",
        say=lambda value: (
            f"{french.count(round(value), 'contrôle connu', 'contrôles connus')}." if value else _NEVER
        ),
        source="contrôles",
    ),
    Feature(
        name="past_excess",
        theme="historique",
        say=_share("Mauvais résultats passés", _NEVER),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="last_label",
        theme="historique",
        say=_known(
            lambda value: "Dernier contrôle défavorable." if value else "Dernier contrôle favorable.", _NEVER
        ),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="last_serious",
        theme="historique",
        say=_count_last("manquement grave", "manquements graves"),
        source="contrôles",
    ),
    Feature(
        name="last_minor",
        theme="historique",
        say=_count_last("manquement mineur", "manquements mineurs"),
        source="contrôles",
    ),
    Feature(
        name="mean_serious",
        theme="historique",
        say=_mean("manquement grave", "manquements graves"),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="mean_minor",
        theme="historique",
        say=_mean("manquement mineur", "manquements mineurs"),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="failed_share",
        theme="historique",
        say=_known(lambda value: f"{french.percent(value)} de contrôles non validés.", _NEVER),
        source="contrôles",
        rises=1,
    ),
    Feature(name="since_last", theme="historique", say=_known(_since, _NEVER), source="contrôles"),
    Feature(
        name="activity_excess",
        theme="établissement",
        say=_share("Mauvais résultats dans la même activité", "Activité inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="risk_class_excess",
        theme="établissement",
        say=_share("Mauvais résultats dans la même classe de risque", "Classe de risque inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="age",
        theme="établissement",
        say=_known(
            lambda value: f"Ouvert depuis {french.duration(max(value, 0.0))}.", "Date d'ouverture inconnue."
        ),
        source="établissements",
    ),
    Feature(
        name="chain_excess",
        theme="établissement",
        say=_share("Mauvais résultats sous la même enseigne", "Enseigne inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="near_excess",
        theme="voisinage",
        say=_share("Mauvais résultats à moins de 1 km depuis un an", "Aucun contrôle voisin connu."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="area_excess",
        theme="voisinage",
        say=_share("Mauvais résultats dans le secteur depuis un an", "Secteur inconnu."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="complaints_near",
        theme="signalements",
        say=_known(
            lambda value: f"{french.count(round(value), 'signalement')} à moins de 500 m depuis trois mois.",
            "Lieu inconnu : signalements non comptés.",
        ),
        source="signalements",
    ),
    Feature(
        name="rating",
        theme="avis",
        say=_known(
            lambda value: f"Note moyenne de {french.number(value, 1)} sur 5 depuis un an.", "Aucun avis."
        ),
        source="avis",
        rises=-1,
    ),
    Feature(
        name="bad_reviews",
        theme="avis",
        say=_known(
            lambda value: (
                f"{french.count(round(value), 'avis très négatif', 'avis très négatifs')} depuis six mois."
            ),
            "Aucun avis.",
        ),
        source="avis",
        rises=1,
    ),
    Feature(
        name="blaming_reviews",
        theme="plaintes des avis",
        say=_known(
            lambda value: (
                f"{french.count(round(value), 'avis qui se plaint', 'avis qui se plaignent')} d'hygiène, de "
                "nuisibles, d'intoxication ou du froid depuis un an."
            ),
            "Aucun avis écrit.",
        ),
        source="avis",
        rises=1,
    ),
    Feature(
        name="temperature",
        theme="météo",
        say=_known(
            lambda value: f"{french.number(value)}\u00a0°C au plus chaud, en moyenne sur trois jours.",
            "Météo inconnue.",
        ),
        source="météo",
    ),
    Feature(
        name="humidity",
        theme="météo",
        say=_known(lambda value: f"Humidité de {french.percent(value)} sur trois jours.", "Météo inconnue."),
        source="météo",
    ),
    *(
        Feature(name=name, theme="voisinage", say=_density(what), source="signalements")
        for name, what in (
            ("heat_burglary", "cambriolages"),
            ("heat_garbage", "signalements d'ordures"),
            ("heat_sanitation", "signalements d'hygiène"),
        )
    ),
    *(
        Feature(name=name, theme="établissement", say=_yes_or_no(what), source="licences")
        for name, what in (
            ("tobacco_retail_over_counter", "Vente de tabac"),
            ("package_goods", "Vente d'alcool à emporter"),
            ("outdoor_patio", "Terrasse"),
            ("tavern", "Licence de bar"),
            ("consumption_on_premises_incidental_activity", "Alcool servi à table"),
            ("caterers_liquor_license", "Licence de traiteur"),
        )
    ),
)
"""Every column of the model, in order."""

TITLED: dict[str, str] = {
    "past_count": "contrôles connus",
    "past_excess": "mauvais résultats passés, à inspecteur égal",
    "last_label": "dernier contrôle défavorable",
    "last_serious": "manquements graves au dernier contrôle",
    "last_minor": "manquements mineurs au dernier contrôle",
    "mean_serious": "manquements graves par contrôle",
    "mean_minor": "manquements mineurs par contrôle",
    "failed_share": "part de contrôles non validés",
    "since_last": "jours depuis le dernier contrôle",
    "activity_excess": "mauvais résultats de la même activité",
    "risk_class_excess": "mauvais résultats de la même classe de risque",
    "age": "jours depuis l'ouverture",
    "chain_excess": "mauvais résultats de la même enseigne",
    "near_excess": "mauvais résultats à moins de 1 km",
    "area_excess": "mauvais résultats du secteur",
    "complaints_near": "signalements à moins de 500 m",
    "rating": "note moyenne des avis depuis un an",
    "bad_reviews": "avis très négatifs depuis six mois",
    "blaming_reviews": "avis qui se plaignent d'hygiène depuis un an",
    "temperature": "température des trois jours d'avant",
    "humidity": "humidité des trois jours d'avant",
    "heat_burglary": "densité de cambriolages",
    "heat_garbage": "densité de signalements d'ordures",
    "heat_sanitation": "densité de signalements d'hygiène",
    "tobacco_retail_over_counter": "vente de tabac",
    "package_goods": "vente d'alcool à emporter",
    "outdoor_patio": "terrasse",
    "tavern": "licence de bar",
    "consumption_on_premises_incidental_activity": "alcool servi à table",
    "caterers_liquor_license": "licence de traiteur",
}
"""Short French name of each column, for tables and curves."""
