"""What pharmacovigilance reads beside the list: relative incidences, cohort, signals, one pair, masking."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.curve_report import curve_blocks
from eclaireur.cases.drug_effects.diagnostics import before_exposure, power, truncation
from eclaireur.cases.drug_effects.disproportion import masking, ratios
from eclaireur.cases.drug_effects.exposure_report import RULE_FIELDS, exposure_blocks, rule_of
from eclaireur.cases.drug_effects.judging import (
    LAST_DAY,
    LEAST,
    LEVEL,
    age_groups,
    analysed,
    before,
    cohorts,
    series,
)
from eclaireur.cases.drug_effects.published import STUDIES, Answer
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.sheet import effects_chart, effects_table, interval, pair_blocks
from eclaireur.cases.drug_effects.shrinker import shrink
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError, UnknownSubjectError
from eclaireur.core.view import Block, Chart, Column, Facts, FormField, Funnel, Series, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.drug_effects.shrinker import Prior
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "READS", "TITLES", "made"]

TITLES = {
    "series": "Risque relatif par fenêtre après l'exposition",
    "curves": "Risque selon le nombre de jours depuis l'exposition",
    "diagnostics": "Hypothèses de la série de cas, vérifiées une à une, et puissance",
    "cohort": "Cas retenus, et lignes écartées avec leur raison",
    "signals": "Couples trop souvent déclarés",
    "pair": "Un couple : ses rapports et son évolution",
    "masking": "Produits qui peuvent masquer un couple",
    "exposures": "Des achats aux expositions, par une règle",
    "published": "Séries publiées : ce que les auteurs ont trouvé",
}
"""Reports by name, with their French titles."""

_ABOUT = FormField(
    name="about",
    title="Couple",
    kind="text",
    help="Produit et événement, séparés par « × », comme dans le rapport des couples.",
)
READS = {"exposures": "candidates"}
"""Input tables of the card whose columns the file of a report has."""
ASKS = {
    "series": (
        FormField(
            name="days",
            title="Fenêtre de risque",
            kind="integer",
            unit="jours",
            default=str(LAST_DAY),
            least=1,
            most=365,
            help="Dernier jour compté après une exposition d'un jour ; une exposition qui dure est comptée "
            "jusqu'à sa fin. Les séries publiées gardent la leur.",
        ),
        *RULE_FIELDS,
    ),
    "exposures": (
        FormField(
            name="table",
            title="Fichier d'achats",
            kind="file",
            optional=True,
            help="Des historiques dont des lignes sont des « achats ». Sans fichier : ceux de la source.",
        ),
        *RULE_FIELDS,
    ),
    "signals": (
        FormField(
            name="least",
            title="Déclarations au moins",
            kind="integer",
            unit="déclarations",
            default=str(LEAST),
            least=1,
            most=1000,
            help="Un couple moins souvent déclaré n'est pas montré.",
        ),
        FormField(
            name="level",
            title="Seuil de la borne basse EB05",
            kind="number",
            unit="fois l'attendu",
            default="2",
            least=0,
            most=100,
            help="Le titre de la figure compte les couples qui l'atteignent.",
        ),
        FormField(
            name="until",
            title="Déclarations reçues jusqu'au",
            kind="date",
            optional=True,
            help="Vide : toutes. Pour revoir ce que l'on savait à une date.",
        ),
    ),
    "pair": (_ABOUT,),
    "masking": (_ABOUT,),
}
"""What a report asks for."""

_SHOWN = 200
_DRAWN = 15


@dataclass(frozen=True, slots=True)
class _Asked:
    records: Records
    prior: Prior
    about: str
    seed: int
    settings: Mapping[str, Any]
    table: pa.Table | None = None

    @property
    def histories(self) -> list[dict[str, Any]]:
        """Return the rows of histories, or refuse when there are none."""
        found: list[dict[str, Any]] = self.records["histories"].to_pylist()
        if not found:
            raise EmptyTableError(
                "cette source n'a pas d'historiques de cas.", fix="Choisissez-en une autre."
            )
        return found

    @property
    def reports(self) -> pa.Table:
        """Return the reports, or refuse when there are none."""
        found = self.records["reports"]
        if self.settings.get("until"):
            found = before(found, self.settings["until"] + timedelta(days=1))
        if not found.num_rows:
            raise EmptyTableError("cette source n'a pas de déclarations.", fix="Choisissez-en une autre.")
        return found

    @property
    def pair(self) -> tuple[str, str]:
        """Return the pair that the report is about."""
        drug, sign, event = self.about.partition(" × ")
        if not sign:
            raise BadValueError(
                f"couple attendu, reçu : « {self.about} ».",
                fix="Donnez --about « produit × événement ».",
            )
        reports = self.reports
        if (drug, event) not in set(
            zip(reports["drug"].to_pylist(), reports["event"].to_pylist(), strict=True)
        ):
            raise UnknownSubjectError(
                f"couple jamais déclaré : « {self.about} ».", fix="Vérifiez les deux noms."
            )
        return drug, event


def made(
    name: str,
    records: Records,
    prior: Prior,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Parameters
    ----------
    about
        ``produit × événement`` for the reports of one pair.
    settings
        Values of the other fields of `ASKS`; their defaults when absent.

    Raises
    ------
    InputError
        If what the report needs is missing.
    """
    progress(0, 1, TITLES[name])
    return _MAKERS[name](_Asked(records, prior, about, seed, settings or {}, table))


def _series(asked: _Asked) -> tuple[Block, ...]:
    last, rule = asked.settings.get("days") or LAST_DAY, rule_of(asked.settings)
    found = analysed(series(asked.histories, last=last, default=rule), asked.histories)
    title = "Risque relatif après l'exposition, chaque cas comparé à lui-même"
    note = "Modèle de Poisson conditionnel (Farrington, 1995), ajusté sur l'âge ou le temps."
    blocks: list[Block] = [effects_table([(event, effect) for event, effect, _, _ in found], title, note)]
    for study in sorted({(event, study) for event, _, study, _ in found}):
        effects = [effect for event, effect, of, _ in found if (event, of) == study]
        blocks.append(effects_chart(effects, study[0]))
    return tuple(blocks)


def _exposures(asked: _Asked) -> tuple[Block, ...]:
    stored = () if asked.table is not None else asked.histories
    return exposure_blocks(asked.table, stored, asked.settings)


def _diagnostics(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    blocks: list[Block] = []
    done: set[tuple[str, str]] = set()
    for event, _, study, histories in analysed(series(asked.histories), asked.histories):
        if (event, study) in done:
            continue
        done.add((event, study))
        checks = [*before_exposure(histories, ages=age_groups(histories)), truncation(histories)]
        rows = [
            {
                "check": one.name,
                "ratio": french.number(one.ratio, 2),
                "interval": interval(one.low, one.high),
                "verdict": "à examiner" if one.suspect else "rien à signaler",
            }
            for one in checks
        ]
        titles = {"check": "Jours", "ratio": "Rapport", "interval": "Intervalle à 95 %", "verdict": "Constat"}
        columns = tuple(Column(key=key, title=title) for key, title in titles.items())
        blocks.append(
            Table(
                title=f"« {event} » : rapports qui devraient être proches de 1",
                columns=columns,
                rows=rows,
                note="Avant l'exposition : l'événement la change-t-il ? En fin : arrête-t-il l'observation ?",
            )
        )
        exposed = np.isin(histories.event_person, histories.dose_person)
        days = float((histories.end - histories.start + 1).mean())
        several = len(histories.event_person) - len(np.unique(histories.event_person))
        seen = power(int(exposed.sum()), LEVEL, min(43 / days, 0.9)) if exposed.any() else 0.0
        pairs = (
            ("Événements de personnes exposées", french.number(int(exposed.sum()))),
            ("Chance de voir un risque doublé en 42 jours", french.percent(seen)),
            ("Événements répétés chez une même personne", french.number(several)),
        )
        blocks.append(Facts(title=f"Puissance pour « {event} »", pairs=pairs))
    return tuple(blocks)


def _cohort(asked: _Asked) -> tuple[Block, ...]:
    blocks: list[Block] = []
    refused: dict[tuple[str, str], None] = {}
    for event, _, histories in cohorts(asked.histories):
        blocks.append(Funnel(title=f"Cas de « {event} »", steps=histories.steps))
        refused |= {(one.person, one.reason): None for one in histories.rejected}
    columns = (Column(key="person", title="Personne"), Column(key="reason", title="Raison"))
    rows = [{"person": person, "reason": reason} for person, reason in refused]
    return (Table(title="Personnes écartées", columns=columns, rows=rows), *blocks)


def _signals(asked: _Asked) -> tuple[Block, ...]:
    pairs = count_pairs(asked.reports)
    shrunk = shrink(pairs.count, pairs.expected, asked.prior)
    told = ratios(pairs)
    least, level = asked.settings.get("least") or LEAST, asked.settings.get("level", LEVEL)
    order = sorted(
        (at for at in range(len(pairs.drug)) if pairs.count[at] >= least), key=lambda at: -shrunk.low[at]
    )
    rows = [
        {
            "drug": pairs.drug[at],
            "event": pairs.event[at],
            "seen": int(pairs.count[at]),
            "expected": round(float(pairs.expected[at]), 2),
            "ebgm": round(float(shrunk.mean[at]), 2),
            "eb05": round(float(shrunk.low[at]), 2),
            "prr": round(float(told.prr[at]), 2) if math.isfinite(told.prr[at]) else None,
            "ror": round(float(told.ror[at]), 2),
            "ror_low": round(float(told.ror_low[at]), 2),
            "ic_low": round(float(told.ic_low[at]), 2),
        }
        for at in order[:_SHOWN]
    ]
    titles = {
        "drug": "Produit",
        "event": "Événement",
        "seen": "Déclarations",
        "expected": "Attendues",
        "ebgm": "EBGM",
        "eb05": "EB05",
        "prr": "PRR",
        "ror": "ROR",
        "ror_low": "ROR, borne basse",
        "ic_low": "IC, borne basse",
    }
    columns = tuple(
        Column(key=key, title=title)
        if key in {"drug", "event"}
        else Column(key=key, title=title, align="right", kind="number")
        for key, title in titles.items()
    )
    note = f"Couples déclarés au moins {least} fois, par EB05 décroissant ; {_SHOWN} au plus."
    first = order[:_DRAWN]
    said = french.number(level, 0 if level == int(level) else 2)
    over = sum(bool(shrunk.low[at] >= level) for at in order)
    chart = Chart(
        title=f"{french.count(over, 'couple')} de borne basse EB05 au moins égale à {said}",
        form="bar",
        x_title="Couple",
        y_title="EBGM",
        series=(
            Series(
                name="EBGM, de EB05 à EB95",
                x=tuple(f"{pairs.drug[at][:18]} × {pairs.event[at][:18]}" for at in first),
                y=tuple(float(shrunk.mean[at]) for at in first),
                low=tuple(float(shrunk.low[at]) for at in first),
                high=tuple(float(shrunk.high[at]) for at in first),
            ),
        ),
        text="Les mêmes valeurs sont dans le tableau.",
    )
    return (Table(title="Couples trop souvent déclarés", columns=columns, rows=rows, note=note), chart)


def _pair(asked: _Asked) -> tuple[Block, ...]:
    return pair_blocks(asked.reports, *asked.pair)


def _masking(asked: _Asked) -> tuple[Block, ...]:
    found = masking(asked.reports, *asked.pair)
    hidden = [one for one in found if one.low_without > 0 and one.ic_without > one.ic + 0.1]
    columns = (
        Column(key="drug", title="Produit ôté"),
        Column(key="share", title="Part des déclarations de l'événement", align="right"),
        Column(key="ic", title="IC avec lui", align="right"),
        Column(key="without", title="IC sans lui", align="right"),
    )
    rows = [
        {
            "drug": one.drug,
            "share": french.percent(one.share),
            "ic": french.signed(one.ic, 2),
            "without": french.signed(one.ic_without, 2),
        }
        for one in found
    ]
    said = ", ".join(one.drug for one in hidden) or "aucun des produits essayés"
    facts = Facts(title="Masquage", pairs=(("Produits qui masquent le couple", said),))
    return (
        Table(title=f"{' × '.join(asked.pair)}, sans un autre produit", columns=columns, rows=rows),
        facts,
    )


def _published(asked: _Asked) -> tuple[Block, ...]:
    found = series(asked.histories)
    rows = []
    for study in STUDIES:
        effects = [effect for _, effect, of, _ in found if of == study.name]
        by_place: dict[int, Answer] = dict(study.answers.values())
        for at, effect in enumerate(effects):
            answer = by_place.get(at)
            rows.append(
                {
                    "study": study.name,
                    "event": study.event,
                    "window": effect.name,
                    "ours": f"{french.number(effect.ratio, 2)} ({interval(effect.low, effect.high)})",
                    "theirs": "–"
                    if answer is None
                    else f"{french.number(answer.ratio, 2)} ({interval(answer.low, answer.high)})",
                    "origin": study.origin or "pas de chiffre comparable trouvé",
                }
            )
    titles = ("Fichier", "Événement", "Fenêtre", "Ce calcul", "Publication", "Origine")
    keys = ("study", "event", "window", "ours", "theirs", "origin")
    columns = tuple(Column(key=key, title=title) for key, title in zip(keys, titles, strict=True))
    return (Table(title="Séries publiées", columns=columns, rows=rows),)


_MAKERS: dict[str, Callable[[_Asked], tuple[Block, ...]]] = {
    "series": _series,
    "exposures": _exposures,
    "cohort": _cohort,
    "diagnostics": _diagnostics,
    "curves": lambda asked: curve_blocks(asked.histories, seed=asked.seed),
    "signals": _signals,
    "pair": _pair,
    "masking": _masking,
    "published": _published,
}
