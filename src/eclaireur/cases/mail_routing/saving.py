"""Hours and euros that routing saves, from declared durations and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.outline import flat
from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Column, Facts, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FIX", "Declared", "blocks", "read", "saved"]

FIX = "Donnez deux colonnes, par exemple : tri;3 – confirmation;0,5 – erreur;6 – heure;32 – messages;900"

_KEYS = {
    "by_hand": ("tri", "Minutes pour trier un message à la main"),
    "confirm": ("confirmation", "Minutes pour confirmer un service proposé"),
    "repair": ("erreur", "Minutes pour redresser une erreur"),
    "hour": ("heure", "Coût d’une heure, en euros"),
    "messages": ("messages", "Messages par mois"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What is declared: minutes by hand, to confirm and to repair; euros an hour; messages a month."""

    by_hand: float
    confirm: float
    repair: float
    hour: float
    messages: float


def read(table: pa.Table) -> Declared:
    """Read what is declared: the first column names a quantity, the second gives it.

    Raises
    ------
    BadValueError
        If a quantity is missing, is no number or is negative.
    """
    if table.num_columns < 2:
        raise BadValueError("il faut deux colonnes : la grandeur et sa valeur.", fix=FIX)
    names, values = table.column(0).to_pylist(), table.column(1).to_pylist()
    # A file without a heading has its first line there.
    pairs = [*zip(names, values, strict=True), (table.column_names[0], table.column_names[1])]
    given = {" ".join(flat(str(name)).split()): value for name, value in pairs}
    found = {}
    for key, (word, title) in _KEYS.items():
        value = next((value for name, value in given.items() if name.split(" ")[0] == word), None)
        if value is None:
            raise BadValueError(f"il manque « {word} » : {title.lower()}.", fix=FIX)
        try:
            found[key] = float(str(value).replace(",", ".").replace("\u202f", "").replace(" ", ""))
        except ValueError as error:
            raise BadValueError(f"« {word} » n’est pas un nombre : « {value} ».", fix=FIX) from error
        if not 0 <= found[key] < 1e9:
            raise BadValueError(f"« {word} » est hors de propos : {value}.", fix=FIX)
    return Declared(**found)


def saved(declared: Declared, *, coverage: float, precision: float) -> float:
    """Return the minutes saved on one message, on average; negative when errors cost more than they spare.

    A routed message is confirmed; when it is wrong it is also repaired. Others are sorted by hand as before.

    >>> one = Declared(by_hand=3, confirm=0.5, repair=6, hour=30, messages=1000)
    >>> saved(one, coverage=0.5, precision=0.9), saved(one, coverage=1, precision=0.5)
    (0.95, -0.5)
    """
    spared = declared.by_hand - declared.confirm - (1 - precision) * declared.repair
    return round(coverage * spared, 6)


def blocks(declared: Declared, *, routed: NDArray[np.bool_], right: NDArray[np.float64]) -> tuple[Block, ...]:
    """Return what is saved each month, with the interval of what was measured on messages held out."""
    size, kept = len(routed), int(routed.sum())
    good = float(right[routed].sum())
    cover = evaluation.wilson(kept, size)
    sure = evaluation.wilson(good, kept) if kept else (0.0, 1.0)
    cases = (
        ("Mesuré", kept / size, good / kept if kept else 0.0),
        ("Prudent : bas des intervalles", cover[0], sure[0]),
        ("Favorable : haut des intervalles", cover[1], sure[1]),
    )
    listed = [_row(declared, name, coverage, precision) for name, coverage, precision in cases]
    shown = tuple((title, french.number(getattr(declared, key), 1)) for key, (_, title) in _KEYS.items())
    columns = (
        Column(key="name", title="Hypothèse"),
        Column(key="coverage", title="Part orientée"),
        Column(key="precision", title="Justes parmi les orientés"),
        Column(key="hours", title="Heures par mois", align="right"),
        Column(key="euros", title="Euros par mois", align="right"),
    )
    return (
        Facts(title="Durées et coûts déclarés", pairs=shown),
        Table(
            title="Ce que le tri épargne, d’après des messages tenus à l’écart",
            columns=columns,
            rows=listed,
            note="Un service proposé est confirmé par une personne ; une erreur est redressée. "
            "Un nombre négatif veut dire que les erreurs coûtent plus qu’elles n’épargnent.",
        ),
    )


def _row(declared: Declared, name: str, coverage: float, precision: float) -> Mapping[str, Any]:
    hours = saved(declared, coverage=coverage, precision=precision) * declared.messages / 60
    return {
        "name": name,
        "coverage": french.percent(coverage, 1),
        "precision": french.percent(precision, 1),
        "hours": french.number(hours, 1),
        "euros": french.number(hours * declared.hour),
    }
