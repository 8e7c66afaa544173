"""The fictitious département « Val-de-Brume » (99): an island that exists on no map, off the west coast.

Every name here was invented; none is a commune of France. The island lies in the open sea, so that a map
shows at first sight that nothing on it is real. Data only: no code beyond the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ACTIVITIES",
    "AREAS",
    "COMMUNES",
    "DEPARTEMENT",
    "NAMES",
    "ORIGIN",
    "STREETS",
    "Activity",
    "Commune",
]

DEPARTEMENT = ("99", "Val-de-Brume")

ORIGIN = (46.60, -5.60)
"""Latitude and longitude of the point (0, 0) of the plane in which communes are placed, in km."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """A made-up commune: its sector, its centre in km east and north of `ORIGIN`, its share of the trade."""

    name: str
    postal_code: str
    area: str
    east: float
    north: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A trade.

    Parameters
    ----------
    share
        Share of establishments.
    effect
        Its term in the law of risk, on the log-odds scale.
    cold
        Sensitivity of its cold chain to heat, from 0 to 1.
    covers
        Typical number of meals or customers a day.
    risk_class
        Class that the administration gives, from 1 (high) to 3 (low). It follows the stakes (how many and
        how fragile the customers), not the frequency of faults: the two differ, as in life.
    reviews
        Reviews a month of an ordinary place of this trade.
    nouns
        Words from which trade names are made.
    """

    name: str
    share: float
    effect: float
    cold: float
    covers: int
    risk_class: int
    reviews: float
    nouns: tuple[str, ...]


AREAS = (
    "Port-Brume",
    "Côte des Embruns",
    "Pays d'Ourse",
    "Plateau de Quérolles",
    "Vaucendre",
    "Les Deux-Lagunes",
)

_LIST = """
Port-Brume Centre|99000|Port-Brume|0.0|0.0|15
Port-Brume Gare|99000|Port-Brume|1.6|1.1|11
Port-Brume Vieux-Port|99001|Port-Brume|-1.1|-0.9|12
Malvenne|99010|Port-Brume|3.4|-1.8|6
Verquelle|99012|Port-Brume|-3.2|2.6|5
Rochemarine|99100|Côte des Embruns|-9.5|-4.1|5
Sablemer|99110|Côte des Embruns|-13.8|-7.6|6
Saint-Gwendal-les-Flots|99120|Côte des Embruns|-17.2|-2.9|4
Marézan|99130|Côte des Embruns|-15.1|3.3|3
Plouvarzec|99140|Côte des Embruns|-19.6|5.8|2
Kerbavel|99150|Côte des Embruns|-12.0|8.4|2
Ourseval|99200|Pays d'Ourse|6.2|9.7|7
Trévaigue|99210|Pays d'Ourse|10.8|13.5|3
Saint-Orvin|99220|Pays d'Ourse|3.0|15.2|2
Corbelune|99230|Pays d'Ourse|13.9|8.8|2
Hautefoye|99240|Pays d'Ourse|8.1|19.0|1
Quérolles|99300|Plateau de Quérolles|16.5|1.2|5
Pierrebise|99310|Plateau de Quérolles|20.3|4.9|2
Vieille-Lande|99320|Plateau de Quérolles|22.8|-2.0|1
Longuebruyère|99330|Plateau de Quérolles|19.1|-5.5|1
Sainte-Ombeline|99340|Plateau de Quérolles|25.4|2.7|1
Vaucendre|99400|Vaucendre|7.3|-11.4|6
Landrasse|99410|Vaucendre|11.7|-14.8|2
Bellacombre|99420|Vaucendre|3.8|-16.9|2
Fontelune|99430|Vaucendre|14.2|-9.3|2
Clairvauge|99440|Vaucendre|9.0|-19.6|1
Noirmeuil|99450|Vaucendre|17.5|-13.1|1
Mesnivolle|99500|Les Deux-Lagunes|-5.8|-12.7|4
Salvenques|99510|Les Deux-Lagunes|-9.9|-15.4|3
Lestaubière|99520|Les Deux-Lagunes|-2.6|-18.2|2
Guerlaise|99530|Les Deux-Lagunes|-12.4|-19.9|2
Mirbonde|99540|Les Deux-Lagunes|-6.9|-21.3|1
"""


def _communes() -> tuple[Commune, ...]:
    rows = [line.split("|") for line in _LIST.strip().splitlines()]
    return tuple(
        Commune(
            name=name,
            postal_code=code,
            area=area,
            east=float(east),
            north=float(north),
            share=float(share),
        )
        for name, code, area, east, north, share in rows
    )


COMMUNES = _communes()

ACTIVITIES = (
    Activity(
        name="Restaurant traditionnel",
        share=0.26,
        effect=0.10,
        cold=0.6,
        covers=60,
        risk_class=2,
        reviews=0.5,
        nouns=("La Table", "L'Auberge", "Le Comptoir", "La Cantine", "Le Relais"),
    ),
    Activity(
        name="Restauration rapide",
        share=0.16,
        effect=0.50,
        cold=0.8,
        covers=80,
        risk_class=3,
        reviews=0.4,
        nouns=("Le Snack", "Grill", "Le Sandwich", "Le Bol", "La Frite"),
    ),
    Activity(
        name="Café-brasserie",
        share=0.11,
        effect=0.20,
        cold=0.5,
        covers=70,
        risk_class=2,
        reviews=0.45,
        nouns=("Café", "La Brasserie", "Le Zinc", "Le Bar"),
    ),
    Activity(
        name="Pizzeria",
        share=0.07,
        effect=0.05,
        cold=0.5,
        covers=55,
        risk_class=3,
        reviews=0.5,
        nouns=("La Pizza", "Pizzeria", "Le Four"),
    ),
    Activity(
        name="Crêperie",
        share=0.06,
        effect=-0.10,
        cold=0.4,
        covers=45,
        risk_class=3,
        reviews=0.5,
        nouns=("La Crêperie", "La Galette", "Le Billig"),
    ),
    Activity(
        name="Hôtel-restaurant",
        share=0.05,
        effect=-0.20,
        cold=0.5,
        covers=90,
        risk_class=2,
        reviews=0.6,
        nouns=("L'Hôtel", "Le Manoir", "La Pension"),
    ),
    Activity(
        name="Camion-restaurant",
        share=0.04,
        effect=0.40,
        cold=1.0,
        covers=50,
        risk_class=3,
        reviews=0.25,
        nouns=("Le Camion", "La Roulotte", "Le Fourgon"),
    ),
    Activity(
        name="Traiteur",
        share=0.04,
        effect=0.25,
        cold=1.0,
        covers=120,
        risk_class=1,
        reviews=0.15,
        nouns=("Traiteur", "Le Buffet", "Saveurs"),
    ),
    Activity(
        name="Boulangerie-pâtisserie",
        share=0.08,
        effect=0.00,
        cold=0.5,
        covers=200,
        risk_class=3,
        reviews=0.2,
        nouns=("Le Fournil", "La Boulangerie", "Le Pétrin"),
    ),
    Activity(
        name="Boucherie-charcuterie",
        share=0.03,
        effect=0.10,
        cold=0.9,
        covers=100,
        risk_class=2,
        reviews=0.12,
        nouns=("La Boucherie", "Le Billot"),
    ),
    Activity(
        name="Poissonnerie",
        share=0.02,
        effect=0.20,
        cold=1.0,
        covers=80,
        risk_class=2,
        reviews=0.12,
        nouns=("La Criée", "L'Étal"),
    ),
    Activity(
        name="Restauration collective",
        share=0.08,
        effect=-0.80,
        cold=0.6,
        covers=250,
        risk_class=1,
        reviews=0.02,
        nouns=("Restaurant scolaire", "Cuisine centrale", "Restaurant administratif"),
    ),
)

NAMES = (
    "des Brumes", "du Phare gris", "de l'Estran", "du Vieux Treuil", "de la Corne", "des Trois Bouées",
    "du Passeur", "de la Lagune", "du Cormoran", "de l'Ourse", "du Grand Amer", "de la Tour d'eau",
    "des Salins", "du Môle", "de la Brise", "du Sémaphore", "des Ajoncs", "du Gué", "de la Vigie",
    "du Marché bas", "des Cordiers", "du Pont tournant", "de la Baleine bleue", "des Quatre Vents",
    "du Bout de l'île", "de la Criste", "du Bac", "de la Dune", "des Goémons", "du Roc percé",
)  # fmt: skip

STREETS = (
    "quai des Cordiers", "rue du Phare", "place de la Vigie", "rue des Salins", "chemin du Gué",
    "avenue du Sémaphore", "rue du Pont tournant", "venelle des Ajoncs", "rue de l'Estran",
    "place du Marché bas",
    "boulevard des Brumes", "rue du Vieux Treuil", "impasse du Cormoran", "rue du Bac", "route de la Dune",
)  # fmt: skip
