"""Draw what inspectors would find: plays the loop list → visits → results in tests and demonstrations.

The results come from the latent truth on the day of the visit, which no model can see. Each draw depends on
the seed, the establishment and the day alone: neither the order nor the length of the list changes it, so
two lists can be compared on the same luck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk.sample import service
from eclaireur.cases.restaurant_risk.sample.generator import RESULTS
from eclaireur.cases.restaurant_risk.sample.latent import FIRST_DAY, LAST_LATENT, Truth, day_number
from eclaireur.core.errors import BadValueError, UnknownSubjectError
from eclaireur.core.tables import outcomes_schema
from eclaireur.core.types import Origin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["outcomes"]

_DELAY = timedelta(days=14)


def outcomes(
    truth: Truth,
    subjects: Sequence[str],
    on: date,
    *,
    seed: int,
    propensities: Mapping[str, float] | None = None,
) -> pa.Table:
    """Visit every subject of a list on a day and return what is found.

    Parameters
    ----------
    truth
        From `generator.truth`, with the seed and size of the sample.
    subjects
        ``siret:…`` texts, each once.
    on
        Day of the visits, up to `LAST_LATENT`.
    seed
        Luck of these visits, apart from the sample's own seed.
    propensities
        Probability with which each subject was drawn into the list, where it is known.

    Returns
    -------
    outcomes
        `core.tables.outcomes_schema`, in the order of ``subjects``; known 14 days after the visit.

    Notes
    -----
    The latent state after the last day of the files moves on by itself: works that these results would cause
    are left out.

    Raises
    ------
    UnknownSubjectError
        If a subject is not in the sample.
    BadValueError
        If the day is out of the simulated years, a subject is repeated, or opens after that day.
    """
    import numpy as np
    import pyarrow as pa

    if not FIRST_DAY <= on <= LAST_LATENT:
        raise BadValueError(
            f"date hors de la simulation : {on:%d/%m/%Y} ; "
            f"attendu : du {FIRST_DAY:%d/%m/%Y} au {LAST_LATENT:%d/%m/%Y}.",
            fix="Choisissez un jour de ces années.",
        )
    if len(set(subjects)) < len(subjects):
        raise BadValueError("un établissement figure deux fois dans la liste des visites.")
    position = {f"siret:{number}": row for row, number in enumerate(truth.place.sirets)}
    for subject in subjects:
        if subject not in position:
            raise UnknownSubjectError(f"établissement absent de l'échantillon : « {subject} ».")
        if truth.place.opened[position[subject]] > day_number(on):
            raise BadValueError(f"établissement pas encore ouvert le {on:%d/%m/%Y} : « {subject} ».")
    rows = np.array([position[subject] for subject in subjects], np.int64)
    days = np.full(len(rows), day_number(on), np.int64)
    luck = np.array([_uniforms(f"{seed}|{subject}|{on}") for subject in subjects]).reshape(-1, 3)
    observers = service.draw_observers(truth, rows, days, luck[:, 2])
    level = service.draw_levels(truth.log_odds(rows, days), truth.severity[observers], luck[:, :2])
    chances = propensities or {}
    return pa.Table.from_pydict(
        {
            "outcome": [f"{subject}@{on}" for subject in subjects],
            "subject": list(subjects),
            "observed": [on] * len(rows),
            "known": [on + _DELAY] * len(rows),
            "label": (level >= 2).astype(np.float64),
            "value": [RESULTS[index] for index in level.tolist()],
            "observer": [truth.observers[index] for index in observers.tolist()],
            "propensity": [chances.get(subject) for subject in subjects],
            "origin": [str(Origin.OUTCOME)] * len(rows),
        },
        schema=outcomes_schema(),
    )


def _uniforms(text: str) -> list[float]:
    """Return three numbers in [0, 1) that depend on the text alone."""
    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    # 53 bits, as many as a float holds: dividing all 64 could round up to 1.
    return [(int.from_bytes(digest[start : start + 8]) >> 11) / 2**53 for start in (0, 8, 16)]
