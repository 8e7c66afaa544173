"""Feature tables of non-target screening: blank, replicate and quality filters, alignment, spiked tracers.

A table has one row a feature (m/z and retention time) and one column an injection. Injections are blanks,
pools (quality controls), calibration or samples in replicates, told by their names: ``MB1``, ``Pooled_2``,
``100ppb_1``, ``D1S2_3``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eclaireur.core.errors import MissingColumnError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Features", "Filtered", "align", "filter_features", "find_tracers", "read_features"]

_NAME = ("mzmine_id", "row id", "id", "feature_id", "alignment id", "signal", "identifiant")
_MODE = ("ionization mode", "ion mode", "mode", "polarity", "polarité", "mode d'ionisation")
_OF_SOFTWARE = re.compile(r"(?i)(\.(mzml|mzxml|raw|d|wiff))?( peak (area|height))?$")
_MZ = ("m/z", "mz", "row m/z", "m_z")
_TIME = ("retention time", "rt", "row retention time", "retention_time", "temps de rétention")
_BLANK = re.compile(r"(?i)^(mb|blank|blanc|mfb)[ _-]?\d*$")
_POOL = re.compile(r"(?i)^(pool(ed)?|qc)[ _-]?\d*$")
_CALIBRATION = re.compile(r"(?i)^\d+(?:[.,]\d+)?\s*(ppb|ppt|ng|µg).*$")
_REPLICATE = re.compile(r"^(.*?)[_-](\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A table of features: NaN where nothing was measured. ``groups`` maps a sample to its injections.

    ``trouble`` maps the place of a feature to what is wrong with it; ``positive`` is None without one mode.
    """

    mz: NDArray[np.float64]
    retention: NDArray[np.float64]
    area: NDArray[np.float64]
    injections: tuple[str, ...]
    groups: Mapping[str, tuple[int, ...]]
    blanks: tuple[int, ...]
    pools: tuple[int, ...]
    names: tuple[str, ...] = ()
    positive: bool | None = None
    trouble: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """Which features each filter keeps, and counts after each in turn."""

    kept: NDArray[np.bool_]
    steps: tuple[tuple[str, int], ...]
    reasons: tuple[str, ...]


def read_features(table: pa.Table) -> Features:
    """Read a feature table as MZmine and like software write it.

    Raises
    ------
    MissingColumnError
        If there is no m/z, no retention time, or no injection.
    """
    import numpy as np

    plain = {name.casefold().strip().lstrip("\ufeff"): name for name in table.column_names}
    mz = next((plain[one] for one in _MZ if one in plain), None)
    time = next((plain[one] for one in _TIME if one in plain), None)
    if mz is None or time is None:
        raise MissingColumnError(
            "le tableau n'a pas de colonne de m/z ou de temps de rétention.",
            fix="Nommez-les « m/z » et « Retention Time ».",
        )
    kinds = {name: _kind(_plain(name)) for name in table.column_names if name not in {mz, time}}
    chosen = [name for name, kind in kinds.items() if kind]
    if not chosen:
        raise MissingColumnError(
            "aucune injection n'est reconnue.",
            fix="Nommez-les « MB1 » (blanc), « Pooled_1 » (contrôle), « D1S1_1 » (échantillon, répétition).",
        )
    groups: dict[str, list[int]] = {}
    for at, name in enumerate(chosen):
        replicate = _REPLICATE.match(_plain(name))
        if kinds[name] == "sample" and replicate:
            groups.setdefault(replicate[1], []).append(at)
    trouble: dict[int, str] = {}
    named = next((plain[one] for one in _NAME if one in plain), None)
    signals = table[named].to_pylist() if named else [None] * table.num_rows
    return Features(
        mz=_numbers(table, mz, trouble, needed=True),
        retention=_numbers(table, time, trouble, needed=True),
        area=np.column_stack([_numbers(table, name, trouble) for name in chosen]),
        names=tuple(str(at + 1 if one in (None, "") else one) for at, one in enumerate(signals)),
        positive=_positive(table, plain),
        trouble=trouble,
        injections=tuple(_plain(name) for name in chosen),
        groups={name: tuple(some) for name, some in groups.items()},
        blanks=tuple(at for at, name in enumerate(chosen) if kinds[name] == "blank"),
        pools=tuple(at for at, name in enumerate(chosen) if kinds[name] == "pool"),
    )


def _kind(name: str) -> str:
    if _BLANK.match(name):
        return "blank"
    if _POOL.match(name):
        return "pool"
    if _CALIBRATION.match(name):
        return "calibration"
    return "sample" if _REPLICATE.match(name) else ""


def _plain(name: str) -> str:
    """Return the name of an injection without what software adds to it."""
    return _OF_SOFTWARE.sub("", name.strip())


def _positive(table: pa.Table, plain: Mapping[str, str]) -> bool | None:
    """Return the ion mode that all rows tell; None when none does, or they differ."""
    name = next((plain[one] for one in _MODE if one in plain), None)
    told = {str(one).strip().casefold() for one in table[name].to_pylist() if one} if name else set()
    signs = {one[-1:] if one[-1:] in "+-" else one[:1] for one in told}
    return None if len(signs) != 1 else {"+": True, "p": True, "-": False, "n": False}.get(signs.pop())


def _numbers(
    table: pa.Table, name: str, trouble: dict[int, str], *, needed: bool = False
) -> NDArray[np.float64]:
    """Read a column; what is no number, negative, or missing when it is needed, is told in ``trouble``."""
    import math

    import numpy as np

    found = np.full(table.num_rows, np.nan)
    for at, one in enumerate(table[name].to_pylist()):
        text = "" if one is None else str(one).strip()
        if text.casefold() in {"", "na", "nan", "n/a"}:
            if needed:
                trouble.setdefault(at, f"« {name.strip()} » est vide.")
            continue
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            trouble.setdefault(at, f"« {name.strip()} » n'est pas un nombre : « {text[:30]} ».")
            continue
        if value < 0 or not math.isfinite(value):
            trouble.setdefault(at, f"« {name.strip()} » est négatif : {text[:30]}. Vérifiez l'export.")
        elif value > 0 or needed:
            found[at] = value
    return found


def filter_features(
    features: Features, *, present: float = 2 / 3, spread: float = 0.3, blank: float = 3.0, pool: float = 0.3
) -> Filtered:
    """Apply the replicate, blank and quality filters.

    Parameters
    ----------
    present, spread
        A sample has a feature when this share of its replicates does, with this relative spread at most.
    blank
        The sample's mean exceeds the mean of blanks by this many of their standard deviations.
    pool
        Largest relative spread among pools, when at least three of them have the feature.
    """
    import warnings

    import numpy as np

    size = len(features.mz)
    seen = np.zeros(size, bool)
    steady = np.zeros(size, bool)
    above = np.zeros(size, bool)
    blanks = (
        np.nan_to_num(features.area[:, list(features.blanks)]) if features.blanks else np.zeros((size, 1))
    )
    limit = blanks.mean(axis=1) + blank * blanks.std(axis=1, ddof=1 if blanks.shape[1] > 1 else 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for places in features.groups.values():
            area = features.area[:, list(places)]
            has = np.isfinite(area).mean(axis=1) >= present - 1e-9
            mean = np.nanmean(area, axis=1)
            relative = np.nanstd(area, axis=1, ddof=1) / mean
            tight = has & ((relative <= spread) | ~np.isfinite(relative))
            seen |= has
            steady |= tight
            above |= tight & (mean > limit)
        pools = features.area[:, list(features.pools)] if features.pools else np.full((size, 1), np.nan)
        counted = np.isfinite(pools).sum(axis=1) >= 3
        drift = np.nanstd(pools, axis=1, ddof=1) / np.nanmean(pools, axis=1) if pools.shape[1] > 1 else None
    stable = np.ones(size, bool) if drift is None else ~counted | (drift <= pool)
    sound = np.array([at not in features.trouble for at in range(size)], bool)
    kept = above & stable & sound
    steps = (
        ("signaux", size),
        ("vus dans les répétitions", int(seen.sum())),
        ("répétables", int((seen & steady).sum())),
        ("au-dessus des blancs", int(above.sum())),
        ("stables dans les contrôles", int(kept.sum())),
    )
    reasons = [
        features.trouble[at]
        if at in features.trouble
        else ""
        if kept[at]
        else "absent des répétitions"
        if not seen[at]
        else "répétitions dispersées"
        if not steady[at]
        else "présent dans les blancs"
        if not above[at]
        else "instable dans les contrôles"
        for at in range(size)
    ]
    return Filtered(kept=kept, steps=steps, reasons=tuple(reasons))


def align(one: Features, other: Features, *, ppm: float = 10.0, minutes: float = 0.2) -> NDArray[np.int64]:
    """Return the feature of a table that each of another is, -1 when none; each once, nearest first."""
    import numpy as np

    order = np.argsort(other.mz)
    pairs: list[tuple[float, int, int]] = []
    for at in range(len(one.mz)):
        room = one.mz[at] * ppm * 1e-6
        low, high = np.searchsorted(other.mz[order], [one.mz[at] - room, one.mz[at] + room])
        for place in order[low:high].tolist():
            late = abs(one.retention[at] - other.retention[place])
            if late <= minutes:
                pairs.append((abs(one.mz[at] - other.mz[place]) / room + late / minutes, at, place))
    found = np.full(len(one.mz), -1)
    taken: set[int] = set()
    for _, at, place in sorted(pairs):
        if found[at] < 0 and place not in taken:
            found[at] = place
            taken.add(place)
    return found


def find_tracers(
    features: Features,
    masses: Sequence[float],
    times: Sequence[float],
    *,
    ppm: float = 10.0,
    minutes: float = 0.5,
) -> list[int]:
    """Return the feature of each spiked tracer, by m/z and retention time; -1 when it is not found."""
    import numpy as np

    found = []
    for mz, time in zip(masses, times, strict=True):
        near = np.flatnonzero(
            (np.abs(features.mz - mz) <= mz * ppm * 1e-6) & (np.abs(features.retention - time) <= minutes)
        )
        height = np.nan_to_num(features.area[near]).sum(axis=1) if len(near) else np.zeros(0)
        found.append(int(near[height.argmax()]) if len(near) else -1)
    return found
