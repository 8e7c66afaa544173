"""The one-page sheet of a zone, and the communes that have fewer shops than expected."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.cases.artisan_siting import model as modelling, places, siting
from eclaireur.cases.artisan_siting.siting import Plan, Zone
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Column, Facts, Form, FormField, Map, Place, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.artisan_siting.ground import Ground

__all__ = ["ASKS", "TITLES", "made", "parse"]

TITLES = {
    "zone": "Fiche d'un emplacement : commune ou zone dessinée",
    "gaps": "Communes qui ont moins de commerces qu'attendu",
}
"""Reports by name, with their French titles."""

_SETTINGS = (
    FormField(name="metier", title="Métier", kind="text", help="Par exemple : boulangerie, garage."),
    FormField(
        name="commune",
        title="Commune",
        kind="text",
        optional=True,
        help="Nom ou code INSEE ; ou bien dessinez une zone.",
    ),
    FormField(name="rayon", title="Rayon", kind="number", unit="km", default="10", least=0, most=100),
    FormField(
        name="zone",
        title="Zone dessinée",
        kind="zone",
        optional=True,
        help="Elle remplace la commune et le rayon.",
    ),
    FormField(name="nouveaux", title="Commerces à placer", kind="integer", default="2", least=1, most=50),
    FormField(
        name="distance", title="Distance servie", kind="number", unit="km", default="5", least=0.5, most=50
    ),
    FormField(
        name="besoin",
        title="Habitants par commerce",
        kind="number",
        optional=True,
        least=0,
        most=1e6,
        help="Vide : la moyenne du territoire.",
    ),
    FormField(
        name="decroissance",
        title="Décroissance avec la distance",
        kind="number",
        default="2",
        least=0,
        most=6,
        help="2 : deux fois plus loin, quatre fois moins attirant.",
    ),
    FormField(name="portee", title="Portée", kind="number", unit="km", default="20", least=1, most=100),
)
ASKS = {
    "zone": _SETTINGS,
    "gaps": (FormField(name="about", title="Métier", kind="text", help="Par exemple : metier=garage"),),
}
"""What a report asks for (see `service.reporting`)."""

_RADIUS = 10.0
_KEYS = {
    "metier": "trade",
    "commune": "commune",
    "rayon": "radius",
    "nouveaux": "more",
    "distance": "distance",
    "besoin": "need",
    "decroissance": "decay",
    "portee": "reach",
}
_EXAMPLE = "metier=boulangerie commune=Bellerive rayon=10 nouveaux=2"
_SHOWN, _ON_MAP = 12, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    ground: Ground
    model: modelling.Model
    day: date
    about: str
    rings: list[places.Ring] | None


def made(
    name: str,
    ground: Ground,
    model: modelling.Model,
    day: date,
    *,
    about: str,
    table: pa.Table | None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Parameters
    ----------
    about
        ``metier=… commune=… rayon=… nouveaux=… distance=… besoin=… decroissance=… portee=…``, or a zone in
        WKT after ``metier=…``.
    table
        A zone read by `places.read_zone`.
    settings
        The same apart, as `ASKS` asks for them; ``about`` goes before them.

    Raises
    ------
    InputError
        If what is asked cannot be read, or the territory or trade was never seen.
    """
    rings = None
    if table is not None:
        if "zone" not in table.column_names:
            raise BadValueError(
                "ce fichier n'est pas une zone.", fix="Donnez un fichier .geojson, .json ou .wkt."
            )
        rings = json.loads(table["zone"][0].as_py())
    written = re.search(r"(?:MULTI)?POLYGON\s*\(.*\)", about, re.IGNORECASE | re.DOTALL)
    if written is not None:
        rings, about = places.rings_of(written[0]), about.replace(written[0], "")
    given = {key: value for key, value in (settings or {}).items() if value is not None}
    if rings is None and "zone" in given:
        rings = places.rings_of(given["zone"])
    if not about.strip() and "metier" in given:
        about = " ".join(f"{key}={given[key]}" for key in _KEYS if key in given)
    return _MAKERS[name](_Asked(ground=ground, model=model, day=day, about=about, rings=rings))


def parse(about: str) -> dict[str, str]:
    """Read ``metier=… commune=…``.

    Raises
    ------
    BadValueError
        If it is written otherwise, or a key is unknown.

    Examples
    --------
    >>> parse("métier=garage commune=Val-Clair rayon=5")["radius"]
    '5'
    """
    parts = re.split(r"(\S+?)\s*=\s*", about.strip())
    if parts[0].strip():
        raise BadValueError(f"demande illisible : « {about} ».", fix=f"Écrivez par exemple : {_EXAMPLE}")
    found = {}
    for key, value in zip(parts[1::2], parts[2::2], strict=True):
        name = _KEYS.get(places.flat(key))
        if name is None:
            raise BadValueError(
                f"critère inconnu : « {key} ».", fix=f"Critères : {', '.join(_KEYS)}. Exemple : {_EXAMPLE}"
            )
        found[name] = value.strip()
    return found


def _number(found: dict[str, str], name: str, default: float, least: float, most: float) -> float:
    text = found.get(name, "")
    try:
        value = float(re.sub(r"[\s\u202f\u00a0]|km$", "", text).replace(",", ".")) if text else default
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        key = next(word for word, own in _KEYS.items() if own == name)
        raise BadValueError(
            f"valeur illisible ou hors bornes : {key}={text}.",
            fix=f"Donnez un nombre de {french.number(least, 1)} à {french.number(most)}.",
        )
    return value


def _trade(asked: _Asked, text: str) -> str:
    wanted = places.flat(text)
    for trade in asked.ground.trades:
        if places.flat(trade) == wanted:
            return trade
    known = ", ".join(asked.ground.trades)
    raise BadValueError(
        f"métier jamais vu : « {text} »." if text else "il manque le métier.",
        fix=f"Métiers connus : {known}. Exemple : {_EXAMPLE}",
    )


def _zone(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    if not asked.about.strip() and asked.rings is None:
        return (_FORM,)
    found = parse(asked.about)
    ground = asked.ground
    plan = Plan(
        trade=_trade(asked, found.get("trade", "")),
        more=int(_number(found, "more", 2, 1, 50)),
        distance=1000 * _number(found, "distance", 5, 0.5, 50),
        need=_number(found, "need", 0, 0, 1e6),
        decay=_number(found, "decay", 2, 0, 6),
        reach=1000 * _number(found, "reach", 20, 1, 100),
    )
    latitude, longitude = (ground.communes[name].to_pylist() for name in ("latitude", "longitude"))
    if asked.rings is not None:
        chosen = places.inside(asked.rings, longitude, latitude)
        title = "Zone dessinée"
    else:
        if not found.get("commune"):
            raise BadValueError("il manque la commune ou une zone.", fix=f"Écrivez par exemple : {_EXAMPLE}")
        middle = places.named(ground.communes, found["commune"])
        radius = _number(found, "radius", _RADIUS, 0, 100)
        chosen = np.hypot(*(ground.at - ground.at[middle]).T) <= radius * 1000
        title = f"{ground.communes['name'][middle].as_py()} et {french.number(radius, 1)} km autour"
    places.require_some(chosen)
    at = np.flatnonzero(chosen).tolist()
    study = siting.study(ground, at, plan, asked.day)
    return _sheet(asked, study, plan, title)


def _sheet(asked: _Asked, study: Zone, plan: Plan, title: str) -> tuple[Block, ...]:
    ground = asked.ground
    names = ground.communes["name"].to_pylist()
    verdict = (
        "moins qu'attendu"
        if study.actual < study.low
        else "plus qu'attendu"
        if study.actual > study.high
        else "autant qu'attendu, à l'incertitude près"
    )
    expected = f"{french.number(study.mean, 1)} (de {french.number(study.low)} à {french.number(study.high)})"
    head = Facts(
        title=f"{plan.trade.capitalize()} : {title}",
        pairs=(
            ("Au", french.day(asked.day)),
            ("Communes de la zone", french.number(len(study.chosen))),
            ("Habitants", french.number(study.people)),
            ("Commerces ouverts", french.number(study.actual)),
            ("Attendus pour une zone semblable", f"{expected} : {verdict}"),
            ("Habitants sans commerce à portée, ou au-delà de sa capacité", french.number(study.unserved)),
        ),
    )
    columns = modelling.columns_for(
        ground,
        [site.at for site in study.sites],
        [plan.trade] * len(study.sites),
        [asked.day] * len(study.sites),
    )
    chances = asked.model.chance(columns, [plan.trade] * len(study.sites))
    kept = Counter(at for variant in study.variants for at in variant.sites)
    best = Table(
        title="Meilleurs emplacements",
        columns=(
            Column(key="name", title="Commune"),
            Column(key="serves", title="Habitants servis en plus", align="right"),
            Column(key="draws", title="Habitants attirés (Huff)", align="right"),
            Column(key="chance", title="Chance de tenir trois ans", align="right"),
            Column(key="kept", title="Hypothèses qui le gardent", align="right"),
        ),
        rows=[
            {
                "name": names[site.at],
                "serves": french.number(max(0.0, site.serves)),
                "draws": french.number(site.draws),
                "chance": french.percent(float(chance)) if asked.model.calibration.holds else "–",
                "kept": f"{kept[site.at]} sur {len(study.variants)}",
            }
            for site, chance in zip(study.sites, chances.tolist(), strict=True)
        ],
        note=("Le meilleur choix est prouvé. " if study.optimal else "Choix approché. ")
        + "Les commerces ouverts restent ; un nouveau sert au plus "
        + f"{french.number(_need(asked, plan))} habitants, à {french.number(plan.distance / 1000, 1)} km. "
        + "Ce sont des hypothèses : voyez ce qu'elles changent.",
    )
    return (
        head,
        best,
        _sensitivity(study, names),
        _communes(asked, study, plan.trade),
        _map(asked, study, names),
    )


def _need(asked: _Asked, plan: Plan) -> float:
    open_now = asked.ground.stock(plan.trade, asked.day).open.sum()
    return plan.need or float(asked.ground.people.sum() / max(1.0, float(open_now)))


def _sensitivity(study: Zone, names: list[str]) -> Table:
    return Table(
        title="Ce que changent les hypothèses",
        columns=(Column(key="title", title="Hypothèse"), Column(key="sites", title="Communes proposées")),
        rows=[
            {"title": variant.title, "sites": ", ".join(names[at] for at in variant.sites)}
            for variant in study.variants
        ],
    )


def _communes(asked: _Asked, study: Zone, trade: str) -> Table:
    counts = asked.ground.stock(trade, asked.day).open
    names = asked.ground.communes["name"].to_pylist()
    rows = [
        {
            "name": names[at],
            "people": french.number(float(asked.ground.people[at])),
            "open": int(counts[at]),
            "expected": french.number(float(study.expected[at]), 1),
            "drawn": french.number(study.drawn[at]) if at in study.drawn else "–",
        }
        for at in sorted(study.chosen, key=lambda one: (-asked.ground.people[one], one))[:_SHOWN]
    ]
    more = len(study.chosen) - len(rows)
    return Table(
        title="Communes de la zone",
        columns=(
            Column(key="name", title="Commune"),
            Column(key="people", title="Habitants", align="right"),
            Column(key="open", title="Ouverts", align="right"),
            Column(key="expected", title="Attendus", align="right"),
            Column(key="drawn", title="Habitants par commerce (Huff)", align="right"),
        ),
        rows=rows,
        note=f"Les plus peuplées ; {french.count(more, 'autre', 'autres')}." if more else "",
    )


def _map(asked: _Asked, study: Zone, names: list[str]) -> Map:
    latitude, longitude = (asked.ground.communes[name].to_pylist() for name in ("latitude", "longitude"))
    new = {site.at for site in study.sites}
    shown = sorted(study.chosen, key=lambda at: (at not in new, -asked.ground.people[at]))[:_ON_MAP]
    return Map(
        title="Carte de la zone",
        places=tuple(
            Place(
                label=f"{names[at]}{' : emplacement proposé' if at in new else ''}",
                latitude=latitude[at],
                longitude=longitude[at],
            )
            for at in shown
        ),
        legend="Emplacements proposés d'abord, puis les communes les plus peuplées de la zone.",
    )


def _gaps(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    ground = asked.ground
    trade = _trade(asked, parse(asked.about).get("trade", ""))
    counts = ground.stock(trade, asked.day).open
    expected = siting.counts_model(ground, counts).expect(ground.people, siting.potential(ground))
    order = np.argsort(counts - expected.mean, kind="stable")[:30]
    names, codes = (ground.communes[name].to_pylist() for name in ("name", "commune"))
    low, high = ([french.number(one) for one in side.tolist()] for side in (expected.low, expected.high))
    rows: list[dict[str, Any]] = [
        {
            "name": names[at],
            "code": codes[at],
            "people": french.number(float(ground.people[at])),
            "open": int(counts[at]),
            "expected": french.number(float(expected.mean[at]), 1),
            "interval": f"{low[at]} à {high[at]}",
            "out": "oui" if counts[at] < expected.low[at] else "non",
        }
        for at in order.tolist()
    ]
    columns = (
        Column(key="name", title="Commune"),
        Column(key="code", title="Code INSEE"),
        Column(key="people", title="Habitants", align="right"),
        Column(key="open", title="Ouverts", align="right"),
        Column(key="expected", title="Attendus", align="right"),
        Column(key="interval", title="Intervalle à 95 %", align="right"),
        Column(key="out", title="Hors de l'intervalle"),
    )
    note = "Moins qu'attendu n'est pas une raison de s'installer : voyez la fiche de la commune."
    return (Table(title=f"{trade.capitalize()} : écarts à l'attendu", columns=columns, rows=rows, note=note),)


_FORM = Form(title="Étudier un emplacement", fields=_SETTINGS, submit="Étudier")

_MAKERS: dict[str, Callable[[_Asked], tuple[Block, ...]]] = {"zone": _zone, "gaps": _gaps}
