"""Known profiles of sources, and the factors of a fit that they name.

A factor gets a name only when the whole bootstrap says the same: the profile stays alike, stays the first of
the list, and is more alike than profiles whose species are dealt at random. Else it gets none.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, MissingColumnError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.profiles import Bands, Factors

__all__ = ["KnownProfiles", "Match", "match", "plain_species", "read_known"]

_NAME = ("profil", "profile", "source", "nom", "name")
_SPECIES = ("espèce", "espece", "species", "substance")
_SHARE = ("part", "share", "percent", "pourcentage", "weight percent", "valeur", "value")
_COMMON = 5
_COVERED = 0.5
_ALIKE = 0.8
_FIRST = 0.8
_RISK = 0.05
_DEALS = 499


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProfiles:
    """Profiles of sources by name (profiles × species); NaN where a species was not measured."""

    names: tuple[str, ...]
    species: tuple[str, ...]
    shares: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a factor resembles the known profile nearest to it.

    ``cosine`` and ``explained`` (the part of the factor that the profile covers) bear intervals at 90 % over
    the bootstrap; ``first`` is the share of draws in which this profile is the nearest; ``risk`` the share of
    random deals of species with a profile as near. ``name`` is empty when none is given, and ``why`` says it.
    """

    factor: int
    nearest: str
    name: str
    why: str
    cosine: tuple[float, float, float]
    explained: tuple[float, float, float]
    first: float
    risk: float
    common: int


def plain_species(name: str) -> str:
    """Return a name of species as it is compared: letters and digits only, in lower case.

    >>> plain_species("2,3-Diméthylbutane") == plain_species("23 dimethylbutane")
    True
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z0-9]", "", plain)


def read_known(table: pa.Table) -> tuple[KnownProfiles, list[tuple[int, str]]]:
    """Read a table of known profiles, with the lines set aside and their reason.

    One row a profile and one column a species, or one row a profile and species with a column of shares.

    Raises
    ------
    MissingColumnError
        If no column names the profiles.
    BadValueError
        If no profile is left.
    """
    import numpy as np

    plain = {name.casefold().strip().lstrip("\ufeff"): name for name in table.column_names}
    name, species, share = (
        next((plain[one] for one in names if one in plain), None) for names in (_NAME, _SPECIES, _SHARE)
    )
    if name is None:
        raise MissingColumnError(
            "la table de profils connus n'a pas de colonne de noms.",
            fix="Nommez-la « profil », et donnez une colonne par espèce, ou « espèce » et « part ».",
        )
    found: dict[str, dict[str, float]] = {}
    refused: list[tuple[int, str]] = []
    for line, row in enumerate(table.to_pylist(), start=2):
        called = str(row[name] or "").strip()
        cells = (
            {str(row[species] or ""): row[share]}
            if species and share
            else {key: value for key, value in row.items() if key != name}
        )
        values = {plain_species(key): _number(value) for key, value in cells.items()}
        wrong = next((value for value in values.values() if isinstance(value, str)), None)
        if not called or wrong is not None:
            refused.append((line, wrong or "profil sans nom."))
            continue
        kept = {key: value for key, value in values.items() if key and isinstance(value, float)}
        found.setdefault(called, {}).update(kept)
    every = sorted({key for shares in found.values() for key in shares})
    shares = np.array([[one.get(key, np.nan) for key in every] for one in found.values()]).reshape(
        len(found), len(every)
    )
    some = np.nansum(shares, axis=1) > 0
    refused += [
        (0, f"profil sans valeur : « {one} ».") for one, has in zip(found, some, strict=True) if not has
    ]
    if not some.any():
        raise BadValueError(
            "aucun profil connu ne peut être lu.", fix="Donnez une ligne par profil, une colonne par espèce."
        )
    names = tuple(one for one, has in zip(found, some, strict=True) if has)
    return KnownProfiles(names=names, species=tuple(every), shares=shares[some]), refused


def _number(value: object) -> float | str | None:
    """Read a share; None when there is none, the reason in words when it is wrong."""
    text = "" if value is None else str(value).strip().removesuffix("%").strip()
    if not text:
        return None
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return f"part illisible : « {text[:30]} »."
    if found < 0 or not math.isfinite(found):
        return f"part négative : {text[:30]}."
    return found


def match(
    known: KnownProfiles, species: Sequence[str], made: Factors, bands: Bands, *, seed: int = 0
) -> list[Match]:
    """Return for each factor the known profile nearest to it, named or not."""
    import numpy as np

    mine = [plain_species(one) for one in species]
    place = {one: at for at, one in enumerate(known.species)}
    both = [at for at, one in enumerate(mine) if one in place]
    theirs = known.shares[:, [place[mine[at]] for at in both]]
    draw = np.random.default_rng(seed)
    found = []
    for factor in range(len(made.profiles)):
        base = made.profiles[factor][both]
        draws = bands.draws[:, factor][:, both]
        level, part = _alike(base[None], theirs), _shared(base[None], theirs)
        if len(both) < _COMMON or not np.isfinite(level).any():
            why = f"{french.count(len(both), 'espèce commune', 'espèces communes')} seulement"
            nothing = (math.nan, math.nan, math.nan)
            found.append(
                Match(
                    factor=factor,
                    nearest="",
                    name="",
                    why=why,
                    cosine=nothing,
                    explained=nothing,
                    first=0.0,
                    risk=1.0,
                    common=len(both),
                )
            )
            continue
        best = int(np.nanargmax(level[0]))
        covered = float(base[np.isfinite(theirs[best])].sum())
        every, shared = _alike(draws, theirs), _shared(draws, theirs)[:, best]
        first = float((np.nanargmax(np.nan_to_num(every, nan=-1.0), axis=1) == best).mean())
        dealt = np.array([draw.permutation(base) for _ in range(_DEALS)])
        chance = np.nan_to_num(_alike(dealt, theirs), nan=-1.0).max(axis=1)
        risk = float((1 + (chance >= level[0, best]).sum()) / (1 + _DEALS))
        low, high = np.quantile(every[:, best], [0.05, 0.95])
        part_low, part_high = np.quantile(shared, [0.05, 0.95])
        second = _second(every, best, known.names)
        why = _why(covered=covered, low=float(low), first=first, risk=risk, second=second)
        found.append(
            Match(
                factor=factor,
                nearest=known.names[best],
                name="" if why else known.names[best],
                why=why,
                cosine=_holding(float(level[0, best]), float(low), float(high)),
                explained=_holding(float(part[0, best]), float(part_low), float(part_high)),
                first=first,
                risk=risk,
                common=len(both),
            )
        )
    return found


def _holding(value: float, low: float, high: float) -> tuple[float, float, float]:
    """Return a value and an interval that holds it: draws start from the base and all may end nearer."""
    return value, min(low, value), max(high, value)


def _why(*, covered: float, low: float, first: float, risk: float, second: str) -> str:
    """Say why no name is given, the first cause first; nothing when one is."""
    if covered < _COVERED:
        return f"les espèces communes ne font que {french.percent(covered)} du facteur"
    if low < _ALIKE:
        return f"trop différent : la ressemblance peut descendre à {french.number(low, 2)}"
    if risk > _RISK:
        return "un profil aux espèces mélangées ressemble autant"
    if first < _FIRST:
        return f"hésite avec « {second} »"
    return ""


def _second(every: NDArray[np.float64], best: int, names: Sequence[str]) -> str:
    import numpy as np

    others = np.nan_to_num(every, nan=-1.0).copy()
    others[:, best] = -2.0
    return names[int(np.bincount(others.argmax(axis=1), minlength=len(names)).argmax())]


def _alike(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of each row with each known profile, over the species that it has."""
    import numpy as np

    there = np.isfinite(theirs)
    filled = np.where(there, theirs, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = (mine @ filled.T) / np.sqrt((mine**2 @ there.T) * (filled**2).sum(axis=1))
    enough = there.sum(axis=1) >= _COMMON
    return np.where(enough, level, np.nan)


def _shared(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of each row that each known profile covers, both brought to a sum of 1."""
    import numpy as np

    found = np.full((len(mine), len(theirs)), np.nan)
    for at, profile in enumerate(theirs):
        there = np.isfinite(profile)
        if there.sum() >= _COMMON and profile[there].sum() > 0:
            part = mine[:, there] / np.maximum(mine[:, there].sum(axis=1, keepdims=True), 1e-12)
            found[:, at] = np.minimum(part, profile[there] / profile[there].sum()).sum(axis=1)
    return found
