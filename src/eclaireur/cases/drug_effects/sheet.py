"""What is known of one pair: its ratios, its windows, its course in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.disproportion import by_period, ratios, trend
from eclaireur.cases.drug_effects.judging import series
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.core import french
from eclaireur.core.errors import UnknownSubjectError
from eclaireur.core.view import Block, Chart, Column, Facts, Funnel, Series, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.drug_effects.case_series import Effect
    from eclaireur.core.case import Records
    from eclaireur.core.subjects import Subject

__all__ = ["effects_chart", "effects_table", "interval", "pair_blocks", "sheet", "times"]

_CAUTION = "Un excès de déclarations n'est pas une preuve : il dépend de qui déclare et de ce qu'on sait."


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return the sheet of a pair, as view blocks.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such pair.
    """
    for event, effect, study, histories in series(records["histories"].to_pylist()):
        where = f" [{study}]" if study else ""
        if f"{effect.name} × {event}{where}"[:200] == subject.key:
            return (
                Facts(title=subject.key, pairs=_facts(effect)),
                Funnel(title="Cas retenus", steps=histories.steps),
                effects_chart([effect], event),
            )
    reports = records["reports"]
    for drug, event in zip(reports["drug"].to_pylist(), reports["event"].to_pylist(), strict=True):
        if f"{drug[:90]} × {event[:90]}" == subject.key:
            return pair_blocks(reports, drug, event)
    raise UnknownSubjectError(f"couple inconnu : « {subject.key} ».", fix="Copiez-le depuis la liste.")


def _facts(effect: Effect) -> tuple[tuple[str, str], ...]:
    return (
        ("Risque relatif", times(effect.ratio)),
        ("Intervalle à 95 %", interval(effect.low, effect.high)),
        ("Événements dans la fenêtre", french.number(effect.events)),
    )


def interval(low: float, high: float) -> str:
    """Write the limits of an interval in French.

    >>> interval(0.5, float("inf"))
    "de 0,50 à l'infini"
    """
    if math.isnan(low):
        return "–"
    return f"de {french.number(low, 2)} à {times(high)}"


def times(ratio: float) -> str:
    """Write a ratio in French, without limit when every event lies in the window.

    >>> times(2.5)
    '2,50'
    """
    return french.number(ratio, 2) if ratio < 1e6 else "l'infini"


def effects_table(effects: Sequence[tuple[str, Effect]], title: str, note: str = "") -> Table:
    """Return relative incidences by event and window."""
    columns = (
        Column(key="event", title="Événement"),
        Column(key="window", title="Fenêtre"),
        Column(key="events", title="Événements", align="right", kind="number"),
        Column(key="ratio", title="Risque relatif", align="right"),
        Column(key="interval", title="Intervalle à 95 %"),
    )
    rows = [
        {
            "event": event,
            "window": effect.name,
            "events": effect.events,
            "ratio": times(effect.ratio),
            "interval": interval(effect.low, effect.high),
        }
        for event, effect in effects
    ]
    return Table(title=title, columns=columns, rows=rows, note=note)


def effects_chart(effects: Sequence[Effect], event: str) -> Chart:
    """Draw relative incidences with their intervals; a window without event is drawn from 0."""
    shown = [effect for effect in effects if effect.high < 1e6]
    high = [effect for effect in shown if effect.low > 1]
    finding = (
        f"Le risque de « {event} » est accru : {', '.join(effect.name for effect in high)}"
        if high
        else f"Aucun risque accru de « {event} » n'est établi"
    )
    return Chart(
        title=finding,
        form="bar",
        x_title="Fenêtre après l'exposition",
        y_title="Risque relatif",
        series=(
            Series(
                name="Risque relatif, intervalle à 95 %",
                x=tuple(effect.name for effect in shown),
                y=tuple(effect.ratio for effect in shown),
                low=tuple(effect.low for effect in shown),
                high=tuple(effect.high for effect in shown),
            ),
        )
        if shown
        else (),
        text=" ; ".join(
            f"{effect.name} : {french.number(effect.ratio, 2)}, {interval(effect.low, effect.high)}"
            for effect in shown
        ),
    )


def pair_blocks(reports: pa.Table, drug: str, event: str) -> tuple[Block, ...]:
    """Return the ratios of a pair, and its course when the reports are dated."""
    import pyarrow.compute as pc

    pairs = count_pairs(reports)
    at = next(i for i, pair in enumerate(zip(pairs.drug, pairs.event, strict=True)) if pair == (drug, event))
    told = ratios(pairs)
    facts = Facts(
        title=f"{drug} × {event}",
        pairs=(
            ("Déclarations", french.number(float(pairs.count[at]))),
            ("Attendues sans lien", french.number(float(pairs.expected[at]), 1)),
            ("PRR", french.number(float(told.prr[at]), 2) if math.isfinite(told.prr[at]) else "–"),
            (
                "ROR",
                f"{french.number(float(told.ror[at]), 2)}, {interval(told.ror_low[at], told.ror_high[at])}",
            ),
            (
                "IC",
                f"{french.signed(float(told.ic[at]), 2)} (min. {french.signed(float(told.ic_low[at]), 2)})",
            ),
            ("Prudence", _CAUTION),
        ),
    )
    if pc.count_distinct(reports["observed"]).as_py() < 2:
        return (facts,)
    periods = by_period(reports, drug, event)
    slope = trend(periods)
    finding = "Trop peu de déclarations pour dire si le couple augmente"
    if slope is not None:
        change, low, high = slope
        sure = low > 1 or high < 1
        word = "augmente" if change > 1 else "diminue"
        finding = f"Le couple {word} d'un trimestre à l'autre" if sure else "Aucune tendance n'est établie"
        finding += f" : × {french.number(change, 2)} par trimestre ({interval(low, high)})"
    chart = Chart(
        title=finding,
        form="band",
        x_title="Trimestre",
        y_title="IC (log2 du rapport)",
        series=(
            Series(
                name="IC, intervalle à 95 %",
                x=tuple(one.first for one in periods),
                y=tuple(one.ic for one in periods),
                low=tuple(one.low for one in periods),
                high=tuple(one.high for one in periods),
            ),
        ),
        text=" ; ".join(f"{french.day(one.first)} : {one.seen} pour {one.expected:.1f}" for one in periods),
    )
    return (facts, chart)
