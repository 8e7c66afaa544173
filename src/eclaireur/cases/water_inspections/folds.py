"""What is held out: later time, or blocks of days at places that were not learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from eclaireur.cases.water_inspections.programmes import Programme
from eclaireur.core import evaluation, french
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Fold", "Folds", "by_day_and_place", "forward"]

_PLACES = 5
_BLOCK, _APART = 7, 2
_SHORTEST = timedelta(days=3 * 365)
_SEASON = timedelta(days=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Rows to learn from and rows to ask, as masks over the examples; the model is made as of a date."""

    learns: NDArray[np.bool_]
    asks: NDArray[np.bool_]
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """The folds and how they are said in French."""

    folds: tuple[Fold, ...]
    split: str


def forward(examples: pa.Table, programme: Programme) -> Folds:
    """Cut successive origins: learn from what was known before, ask the year (or week) that follows.

    The first three years, or the first weeks of a season, are only learnt from.

    Raises
    ------
    EmptyTableError
        If the history is too short for one origin.
    """
    import numpy as np

    days = examples["as_of"].to_numpy().astype("datetime64[D]")
    known = examples["known"].to_numpy().astype("datetime64[D]")
    labels = examples["label"].to_numpy()
    first: date = days.min().item() + (_SHORTEST if programme.monthly else _SEASON)
    last: date = days.max().item()
    if programme.monthly:
        first = date(first.year + (first.month > 1), 1, 1)
    if first >= last:
        raise EmptyTableError(
            "l'historique est trop court pour mesurer le ciblage.",
            fix="Il faut plus de trois ans de mesures, ou plus de trois semaines d'une saison.",
        )
    step = timedelta(days=365 if programme.monthly else _BLOCK)
    found = []
    for split in evaluation.rolling_origins(first, last, step=step):
        learns = known < np.datetime64(split.known_before)
        asks = (days >= np.datetime64(split.start)) & (days < np.datetime64(split.end))
        positives = labels[learns].sum()
        if asks.any() and learns.sum() >= 200 and 20 <= positives <= learns.sum() - 20:
            found.append(Fold(learns=learns, asks=asks, as_of=split.known_before))
    if not found:
        raise EmptyTableError("trop peu de dépassements connus pour mesurer le ciblage.")
    said = (
        f"{french.count(len(found), 'origine')} de {step.days} jours, "
        f"du {french.day(found[0].as_of)} au {french.day(last)}"
    )
    return Folds(folds=tuple(found), split=said)


def by_day_and_place(examples: pa.Table, programme: Programme) -> Folds:
    """Cut weeks × groups of places: ask one, learn from other weeks, two days apart, at other places.

    So a beach is never known from its own past labels, nor a day from other beaches of the same storm.
    """
    import numpy as np

    days = examples["as_of"].to_numpy().astype("datetime64[D]")
    since = (days - days.min()).astype(np.int64)
    _, place = np.unique(np.array(examples["subject"].to_pylist()), return_inverse=True)
    end: date = days.max().item() + timedelta(days=2)
    found = []
    for start in range(0, int(since.max()) + 1, _BLOCK):
        inside = (since >= start) & (since < start + _BLOCK)
        near = (since >= start - _APART) & (since < start + _BLOCK + _APART)
        for group in range(_PLACES):
            mine = place % _PLACES == group
            found.append(Fold(learns=~near & ~mine, asks=inside & mine, as_of=end))
    said = f"{_PLACES} groupes de plages × semaines, à {_APART} jours des mesures apprises"
    return Folds(folds=tuple(one for one in found if one.asks.any()), split=said)
