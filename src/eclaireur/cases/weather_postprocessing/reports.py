"""What a forecaster reads beside the list: plume, map, verification, alerts, impacts, sites together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing import model as modelling
from eclaireur.cases.weather_postprocessing.coupling import joint_scores
from eclaireur.cases.weather_postprocessing.csv_files import EnsembleFile
from eclaireur.cases.weather_postprocessing.decisions import alerts, exposures
from eclaireur.cases.weather_postprocessing.documented import THRESHOLDS, event_words, identify
from eclaireur.cases.weather_postprocessing.gridding import grid_blocks
from eclaireur.cases.weather_postprocessing.grids import ensemble_rows
from eclaireur.cases.weather_postprocessing.measuring import held_of, scores_of
from eclaireur.cases.weather_postprocessing.panel import variables
from eclaireur.cases.weather_postprocessing.sheet import FRENCH, day_of, plume, rows_of
from eclaireur.cases.weather_postprocessing.verifying import pit_charts, reliability_chart, verified
from eclaireur.cases.weather_postprocessing.wording import amount
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError, UnknownSubjectError
from eclaireur.core.view import Block, Chart, Column, Facts, FormField, Map, Place, Series, Table

if TYPE_CHECKING:
    from datetime import date

    from eclaireur.cases.weather_postprocessing.model import Model, Stated
    from eclaireur.cases.weather_postprocessing.rolling import Held
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

TITLES = {
    "plume": "Une station : prévisions calées et observations",
    "map": "Carte des chances de dépassement",
    "verification": "Qualité des prévisions sur des jours tenus à part",
    "reliability": "Chances annoncées et fréquences observées",
    "pit": "Rang des observations dans les prévisions",
    "alerts": "Alertes selon le coût d’agir et la perte évitée",
    "impacts": "Personnes ou biens exposés, selon la chance de dépassement",
    "together": "Plusieurs stations à la fois",
    "grid": "Un fichier GRIB ou NetCDF aux stations connues",
    "rejected": "Lignes écartées, avec leur raison",
}
"""Reports by name, with their French titles."""

ASKS = {
    "grid": (
        FormField(
            name="table",
            title="Fichier GRIB ou NetCDF",
            kind="file",
            help="Une prévision sur une grille ou à des stations.",
        ),
    ),
    "plume": (FormField(name="about", title="Station", kind="text", help="Son nom, comme dans la liste."),),
    "impacts": (
        FormField(
            name="table",
            title="Tableau des personnes ou des biens exposés",
            kind="file",
            help="Deux colonnes : « station » et « exposés » (un nombre).",
        ),
    ),
}
"""What a report cannot do without."""

_SHOWN = 60
_RATIOS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class _Asked:
    records: Records
    model: Model
    about: str
    table: Any
    as_of: date
    seed: int
    progress: Progress

    def stated(self) -> list[Stated]:
        """Return what the model states, by variable."""
        found = [modelling.state(self.model, self.records, name) for name in variables(self.records)]
        return [one for one in found if one is not None]

    def held(self, *, compare: bool = False) -> list[Held]:
        """Return forecasts of held-out days, by variable, or refuse when too little was observed."""
        found = [
            held_of(self.records, name, seed=self.seed, progress=self.progress, compare=compare)
            for name in variables(self.records)
        ]
        kept = [one for one in found if one is not None]
        if not kept:
            raise EmptyTableError(
                "trop peu de prévisions sont vérifiées pour juger leur qualité.",
                fix="Ajoutez des observations.",
            )
        return kept


def made(
    name: str,
    records: Records,
    model: Model,
    *,
    about: str,
    table: Any,
    as_of: date,
    seed: int,
    progress: Progress,
) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Parameters
    ----------
    about
        A station, for its plume.
    table
        What is exposed at each station, for impacts.
    as_of
        Forecasts that could be used before this date are shown.

    Raises
    ------
    InputError
        If what the report needs is missing.
    """
    progress(0, 1, TITLES[name])
    return _MAKERS[name](_Asked(records, model, about, table, as_of, seed, progress))


def _plume(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    subject = identify(asked.about)
    blocks: list[Block] = []
    for stated in asked.stated():
        panel = stated.panel
        rows = rows_of(panel, str(subject))[-_SHOWN:]
        if not len(rows):
            continue
        law = stated.law.rows(rows)
        low, middle, high = law.quantiles((0.1, 0.5, 0.9)).T
        seen = panel.verified[rows]
        inside = (panel.observed[rows] >= low - 1e-9) & (panel.observed[rows] <= high + 1e-9)
        title = (
            f"{french.percent(float(inside[seen].mean()))} des observations dans la bande de 80 %"
            if seen.any()
            else f"{FRENCH[panel.variable].capitalize()} attendue, bande de 80 %"
        )
        name = "Médiane calée, 8 chances sur 10"
        blocks.append(plume(panel, rows, middle, low, high, name=name, title=title))
        last = int(rows[np.argmax(panel.known[rows])])
        pairs = (
            ("Prévision du", french.day(day_of(int(panel.known[last])))),
            ("Attendu", amount(panel.variable, float(stated.law_row(last, (0.5,))[0]))),
            ("Événement", event_words(panel.variable, stated.threshold)),
            ("Chance calée", french.percent(float(stated.chance[last]))),
            ("Part des membres", french.percent(float(stated.raw_chance[last]))),
        )
        blocks.append(Facts(title=f"{subject.key} : dernière prévision", pairs=pairs))
    if not blocks:
        raise UnknownSubjectError(f"station inconnue : « {asked.about} ».", fix="Copiez-la depuis la liste.")
    return tuple(blocks)


def _latest(asked: _Asked) -> list[tuple[Stated, int, str]]:
    return [
        (stated, row, stated.panel.stations[stated.panel.station[row]].partition(":")[2])
        for stated in asked.stated()
        for row in modelling.latest(stated.panel, asked.as_of).tolist()
    ]


def _map(asked: _Asked) -> tuple[Block, ...]:
    import math

    blocks: list[Block] = []
    rows = _latest(asked)
    for stated in asked.stated():
        panel = stated.panel
        words = event_words(panel.variable, stated.threshold)
        places = []
        mine = [(row, name) for one, row, name in rows if one.panel.variable == panel.variable]
        for row, name in mine:
            latitude, longitude, _ = panel.place[panel.station[row]].tolist()
            if not math.isnan(latitude + longitude):
                chance = float(stated.chance[row])
                label = f"{name} : {french.percent(chance)}"
                places.append(Place(label=label, latitude=latitude, longitude=longitude, value=chance))
        likely = sum(float(stated.chance[row]) >= 0.5 for row, _ in mine)
        title = f"{words.capitalize()} : probable à {french.count(likely, 'station')} sur {len(mine)}"
        if places:
            blocks.append(Map(title=title, places=tuple(places), legend=f"Chance de : {words}."))
        blocks.append(_chances(title, stated, mine))
    return tuple(blocks)


def _chances(title: str, stated: Stated, rows: list[tuple[int, str]]) -> Table:
    columns = (
        Column(key="station", title="Station"),
        Column(key="day", title="Jour prévu"),
        Column(key="middle", title="Attendu", align="right"),
        Column(key="chance", title="Chance calée", align="right"),
        Column(key="raw", title="Part des membres", align="right"),
    )
    ordered = sorted(rows, key=lambda one: (-stated.chance[one[0]], one[1]))
    made_rows = [
        {
            "station": name,
            "day": french.day(day_of(int(stated.panel.day[row]))),
            "middle": amount(stated.panel.variable, float(stated.law_row(row, (0.5,))[0])),
            "chance": french.percent(float(stated.chance[row])),
            "raw": french.percent(float(stated.raw_chance[row])),
        }
        for row, name in ordered
    ]
    return Table(title=title, columns=columns, rows=made_rows)


def _verification(asked: _Asked) -> tuple[Block, ...]:
    return tuple(block for held in asked.held(compare=True) for block in verified(held, scores_of(held)))


def _reliability(asked: _Asked) -> tuple[Block, ...]:
    return tuple(block for held in asked.held() for block in reliability_chart(held))


def _pit(asked: _Asked) -> tuple[Block, ...]:
    return tuple(block for held in asked.held() for block in pit_charts(held, seed=asked.seed))


def _alerts(asked: _Asked) -> tuple[Block, ...]:
    blocks: list[Block] = []
    current = _latest(asked)
    for held in asked.held():
        variable = held.panel.variable
        threshold = THRESHOLDS[variable]
        truth = modelling.happened(variable, threshold, held.panel.observed)
        ours = alerts(modelling.chance_of(variable, threshold, held.law), truth, _RATIOS)
        raw = alerts(modelling.raw_chance_of(variable, threshold, held.panel.members), truth, _RATIOS)
        chances = [float(one.chance[row]) for one, row, _ in current if one.panel.variable == variable]
        rows = [
            {
                "ratio": french.percent(a.ratio),
                "now": sum(chance >= a.ratio for chance in chances),
                "alerts": a.alerts,
                "hits": a.hits,
                "misses": a.misses,
                "value": french.percent(a.value),
                "raw": french.percent(b.value),
            }
            for a, b in zip(ours, raw, strict=True)
        ]
        titles = {
            "ratio": "Coût sur perte",
            "now": "Alertes aujourd’hui",
            "alerts": "Alertes passées",
            "hits": "Justes",
            "misses": "Manquées",
            "value": "Gain réalisé",
            "raw": "Gain, ensemble brut",
        }
        words = event_words(variable, threshold)
        note = (
            "Alerter dès que la chance atteint le rapport entre le coût d’agir et la perte évitée. "
            "Gain : part de ce qu’une prévision parfaite épargnerait ; sur des jours tenus à part."
        )
        columns = tuple(
            Column(key=key, title=title, align="left" if key == "ratio" else "right")
            for key, title in titles.items()
        )
        blocks.append(Table(title=f"Alertes : {words}", columns=columns, rows=rows, note=note))
        better = sum(a.value >= b.value for a, b in zip(ours, raw, strict=True))
        shares = tuple(one.ratio for one in ours)
        blocks.append(
            Chart(
                title=f"Le calage vaut au moins l’ensemble brut pour {better} rapports sur {len(ours)}",
                form="line",
                x_title="Coût d’agir sur perte évitée",
                y_title="Gain réalisé (1 : parfait)",
                series=(
                    Series(name="Calée", x=shares, y=tuple(one.value for one in ours)),
                    Series(name="Ensemble brut", x=shares, y=tuple(one.value for one in raw)),
                ),
                text="Les mêmes valeurs sont dans le tableau.",
            )
        )
    return tuple(blocks)


def _impacts(asked: _Asked) -> tuple[Block, ...]:
    if asked.table is None:
        raise BadValueError("il manque le tableau des exposés.", fix="Donnez --input FICHIER.")
    if isinstance(asked.table, EnsembleFile | tuple):
        raise BadValueError(
            "ce fichier est une prévision, non un tableau d'exposés.", fix="Donnez « station ; exposés »."
        )
    told, refused = exposures(asked.table.to_pylist())
    current = _latest(asked)
    known = {name: (stated, row) for stated, row, name in current}
    rows: list[dict[str, Any]] = []
    for one in told:
        if one.station not in known:
            refused.append((0, f"station inconnue : « {one.station} »."))
            continue
        stated, row = known[one.station]
        chance = float(stated.chance[row])
        rows.append(
            {
                "station": one.station,
                "event": event_words(stated.panel.variable, stated.threshold),
                "chance": french.percent(chance),
                "exposed": french.number(one.exposed),
                "expected": french.number(chance * one.exposed, 1),
                "sort": -chance * one.exposed,
            }
        )
    rows.sort(key=lambda row: row["sort"])
    total = -sum(row["sort"] for row in rows)
    columns = (
        Column(key="station", title="Station"),
        Column(key="event", title="Événement"),
        Column(key="chance", title="Chance", align="right"),
        Column(key="exposed", title="Exposés", align="right"),
        Column(key="expected", title="Touchés attendus", align="right"),
    )
    title = f"{french.number(total)} exposés touchés attendus, en {french.count(len(rows), 'station')}"
    note = "Touchés attendus : chance de l’événement multipliée par le nombre d’exposés."
    blocks: list[Block] = [Table(title=title, columns=columns, rows=rows, note=note)]
    if refused:
        lines = [{"line": line or "–", "reason": reason} for line, reason in refused]
        shown = (Column(key="line", title="Ligne"), Column(key="reason", title="Raison"))
        blocks.append(Table(title="Lignes du tableau écartées", columns=shown, rows=lines))
    return tuple(blocks)


def _together(asked: _Asked) -> tuple[Block, ...]:
    blocks: list[Block] = []
    names = {
        "raw": "Ensemble brut",
        "coupled": "Calée, rangs des membres gardés (ECC-Q)",
        "shuffled": "Calée, stations indépendantes",
    }
    for held in asked.held():
        joint = joint_scores(held.panel, held.law, seed=asked.seed)
        if joint is None:
            continue
        rows = [
            {
                "forecast": title,
                "energy": french.number(joint.energy[name], 3),
                "variogram": french.number(joint.variogram[name], 3),
            }
            for name, title in names.items()
        ]
        columns = (
            Column(key="forecast", title="Prévision"),
            Column(key="energy", title="Score d’énergie", align="right"),
            Column(key="variogram", title="Score du variogramme", align="right"),
        )
        kept = joint.variogram["coupled"] < joint.variogram["shuffled"]
        finding = "améliore" if kept else "n’améliore pas"
        title = f"Garder les rangs des membres {finding} la cohérence entre stations"
        note = (
            f"{french.count(joint.days, 'jour')} tenus à part, {french.number(joint.sites)} stations "
            "par jour en moyenne ; plus bas est meilleur."
        )
        blocks.append(Table(title=title, columns=columns, rows=rows, note=note))
    if not blocks:
        raise EmptyTableError("cette source n'a qu'une station.", fix="Choisissez-en une autre.")
    return tuple(blocks)


def _grid(asked: _Asked) -> tuple[Block, ...]:
    return grid_blocks(asked.table, asked.records)


def _set_aside(asked: _Asked) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows set aside and the remarks on the others, of a file or else of the source."""
    if asked.table is None:
        return asked.records["rejected"].to_pylist(), asked.records["forecasts"]["remark"].to_pylist()
    if isinstance(asked.table, EnsembleFile):
        kept, refused = asked.table.rows, asked.table.rejected
    elif isinstance(asked.table, tuple):
        file = next((one.file for one in asked.table[1]), "")
        made, more = ensemble_rows(asked.table[0], file=file)
        kept, refused = tuple(made), (*asked.table[1], *more)
    else:
        raise BadValueError(
            "ce fichier n'est pas une prévision d'ensemble.", fix="Une date et une colonne par membre."
        )
    rows = [{"file": one.file, "line": one.line, "reason": one.reason} for one in refused]
    return rows, [row["remark"] for row in kept]


def _rejected(asked: _Asked) -> tuple[Block, ...]:
    rows, said = _set_aside(asked)
    columns = (
        Column(key="file", title="Fichier"),
        Column(key="line", title="Ligne", align="right"),
        Column(key="reason", title="Raison"),
    )
    remarks: dict[str, int] = {}
    for remark in said:
        if remark:
            remarks[remark] = remarks.get(remark, 0) + 1
    pairs = tuple((remark, french.count(count, "ligne")) for remark, count in sorted(remarks.items()))
    blocks: list[Block] = [
        Table(
            title=f"{french.count(len(rows), 'ligne écartée', 'lignes écartées')}", columns=columns, rows=rows
        )
    ]
    if pairs:
        blocks.append(Facts(title="Lignes gardées, avec une remarque", pairs=pairs))
    return tuple(blocks)


_MAKERS: dict[str, Callable[[_Asked], tuple[Block, ...]]] = {
    "plume": _plume,
    "map": _map,
    "verification": _verification,
    "reliability": _reliability,
    "pit": _pit,
    "alerts": _alerts,
    "impacts": _impacts,
    "together": _together,
    "grid": _grid,
    "rejected": _rejected,
}
