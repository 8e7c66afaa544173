"""An event table of a user: each row kept or set aside with its reason, and the risk of its exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.case_series import Effect, fit
from eclaireur.cases.drug_effects.exposures import PURCHASE
from eclaireur.cases.drug_effects.histories import read_histories
from eclaireur.cases.drug_effects.judging import LAST_DAY, age_groups, chance
from eclaireur.cases.drug_effects.reading import FAULT, numbered
from eclaireur.cases.drug_effects.windows import Window, after_exposure, design
from eclaireur.core import french
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.tables import signals_schema
from eclaireur.core.view import Chart, Series

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Artefact, Progress, Records
    from eclaireur.core.types import ModelCard
    from eclaireur.core.view import Block

__all__ = ["SHOWN", "TITLES", "score", "scored_blocks"]

TITLES = {
    "event": "Événement étudié",
    "window": "Jours comptés",
    "ratio": "Risque relatif",
    "low": "Risque relatif, borne basse",
    "high": "Risque relatif, borne haute",
    "score": "Chance d'un risque au moins doublé",
    "kept": "Retenue dans l'analyse",
    "remark": "Remarque",
}
"""French titles of the columns of `score`."""

SHOWN = ("rank", "score", "line", "person", "value", "event", "window", "ratio", "low", "high", "reasons")
"""Those that a page shows, in order."""

_FRENCH = {
    "exposure": "exposition",
    "purchase": "achat",
    "event": "événement",
    "death": "décès",
    "birth": "naissance",
}
_UNEXPOSED = "aucune exposition : ce cas ne renseigne que sur l'âge ou le temps."
_DRAWN = 20
_ENDLESS = 1e6


@dataclass(frozen=True, slots=True)
class _Found:
    event: str
    window: Window
    effect: Effect

    @property
    def when(self) -> str:
        """Say when the risk is counted."""
        if self.window.last is None:
            return "pendant l'exposition"
        return f"dans les {self.window.last} jours"


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Fit a case series on an event table, and say of each row whether it was used.

    Returns
    -------
    pa.Table
        One row a row of ``table``, in its order: ``kept`` and ``rejection`` (why not), then on the row of an
        exposure or a purchase its relative incidence (``ratio``, ``low``, ``high``) on the days that
        ``window`` says, and its ``score``, the chance that it exceeds 2. Purchases become exposures by the
        default rule of `exposures`.

    Raises
    ------
    EmptyTableError
        If no case is left, or none is exposed.
    """
    import pyarrow as pa

    rows = table.to_pylist()
    # A history of which a row cannot be read is not whole: its person is set aside.
    unread = {str(row["person"]): row[FAULT] for row in reversed(rows) if row.get(FAULT) and row["person"]}
    read = numbered([row for row in rows if row["person"] and str(row["person"]) not in unread])
    progress(0, 1, "Séries de cas")
    effects: dict[str, _Found] = {}
    refused: dict[str, str] = dict(unread)
    kept: set[str] = set()
    exposed: set[str] = set()
    for event in sorted({row["value"] for row in read if row["category"] == "event"}):
        histories = read_histories(read, event=event)
        kept |= set(histories.persons)
        exposed |= {histories.persons[at] for at in set(histories.dose_person.tolist())}
        refused |= {one.person: one.reason for one in histories.rejected if one.person not in refused}
        if not len(histories.dose_day):
            continue
        windows = after_exposure(histories, last=LAST_DAY)
        made = fit(design(histories, windows, ages=age_groups(histories)))
        for window, effect in zip(windows, made.effects, strict=True):
            if window.drug not in effects or chance(effect) > chance(effects[window.drug].effect):
                effects[window.drug] = _Found(event, window, effect)
    if not effects:
        why = min(set(refused.values())) if refused and not kept else "aucun cas n'a d'exposition."
        raise EmptyTableError(
            f"aucune série de cas ne peut être analysée : {why}",
            fix="Chaque cas a une ligne « observation », un « événement », et certains une « exposition » "
            "ou un « achat ».",
        )
    lines = [_line(row, effects, kept, refused) for row in rows]
    for line in lines:
        line["remark"] = _UNEXPOSED if line["kept"] and line["person"] not in exposed else None
    scored = [at for at, line in enumerate(lines) if line["score"] is not None]
    order = sorted(scored, key=lambda at: -lines[at]["score"])
    for place, at in enumerate(order, start=1):
        lines[at]["rank"] = place
    schema = pa.schema(
        [
            ("person", pa.string()),
            ("category", pa.string()),
            ("value", pa.string()),
            ("kept", pa.bool_()),
            ("rejection", pa.string()),
            ("remark", pa.string()),
            ("event", pa.string()),
            ("window", pa.string()),
            ("ratio", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("score", pa.float64()),
            ("calibrated", pa.bool_()),
            ("rank", pa.int32()),
            ("reasons", signals_schema().field("reasons").type),
        ]
    )
    return pa.Table.from_pylist(lines, schema=schema)


def scored_blocks(table: pa.Table) -> tuple[Block, ...]:
    """Return the relative incidence of each exposure of a scored table, with its interval."""
    effects: dict[str, dict[str, Any]] = {}
    for row in table.to_pylist():
        if row["score"] is not None and (row["ratio"] or 0) < _ENDLESS:
            effects.setdefault(f"{row['value']} : {row['event']}", row)
    shown = sorted(effects.items(), key=lambda one: -one[1]["ratio"])[:_DRAWN]
    if not shown:
        return ()
    over = [name for name, row in shown if row["low"] is not None and row["low"] > 1]
    # A file scored by ranks only has no bounds, and a window that holds every event no upper one.
    bounded = all(row["low"] is not None and row["high"] < _ENDLESS for _, row in shown)
    series = Series(
        name="Risque relatif, intervalle à 95 %" if bounded else "Risque relatif",
        x=tuple(name for name, _ in shown),
        y=tuple(row["ratio"] for _, row in shown),
        low=tuple(row["low"] for _, row in shown) if bounded else (),
        high=tuple(row["high"] for _, row in shown) if bounded else (),
    )
    found = f"Risque accru après : {', '.join(over)}" if over else "Aucun risque accru n'est établi"
    said = (
        f"{name} : {french.number(row['ratio'], 2)}"
        + (f", de {french.number(row['low'], 2)} à {french.number(row['high'], 2)}" if bounded else "")
        for name, row in shown
    )
    return (
        Chart(
            title=found,
            form="bar",
            x_title="Exposition et événement",
            y_title="Risque relatif",
            series=(series,),
            text=" ; ".join(said),
        ),
    )


def _line(
    row: dict[str, Any], effects: dict[str, _Found], analysed: set[str], refused: dict[str, str]
) -> dict[str, Any]:
    person = str(row["person"] or "")
    kept = person in analysed
    line: dict[str, Any] = {
        "person": person,
        "category": _FRENCH.get(row["category"], row["category"]),
        "value": row["value"],
        "kept": kept,
        "rejection": None
        if kept
        else row.get(FAULT) or refused.get(person, "aucun événement : cette personne n'est pas un cas."),
        "score": None,
        "calibrated": False,
        "reasons": [],
    }
    if kept and row["category"] in {"exposure", PURCHASE} and row["value"] in effects:
        found = effects[row["value"]]
        event, effect = found.event, found.effect
        ratio, high = (
            french.number(one, 2) if one < 1e6 else "l'infini" for one in (effect.ratio, effect.high)
        )
        sentence = (
            f"« {event} » : risque multiplié par {ratio} "
            f"(de {french.number(effect.low, 2)} à {high}) {found.when}, "
            f"{french.count(effect.events, 'événement')} dans la fenêtre."
        )
        reason = {"kind": "feature", "theme": "série de cas", "sentence": sentence, "source": "fichier"}
        line |= {
            "event": event,
            "window": found.when,
            "ratio": effect.ratio,
            "low": effect.low,
            "high": effect.high,
            "score": chance(effect),
            "reasons": [reason | {"weight": max(effect.log_ratio, -10.0), "feature": "ratio"}],
        }
    return line
