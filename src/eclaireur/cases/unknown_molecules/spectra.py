"""Spectra as columns, the checks that each one passes, and their cleaning."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.isotopes import around, lighter
from eclaireur.cases.unknown_molecules.masses import (
    adduct_named,
    formula_mass,
    parse_formula,
    precursor_of,
)
from eclaireur.core import french
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["UNDATED", "checked", "cleaned", "energy_of", "mode_of", "spectra_schema", "table_of"]

UNDATED = date(2017, 1, 1)
"""Day of spectra that bear no date: a library is known from the start."""
_PROFILE_POINTS = 60
_PROFILE_GAP = 0.02
_PROFILE_SAID = 0.2
"""Largest median gap of a spectrum that its file says is in profile mode: some say so of centroided ones."""
_ENERGY = re.compile(r"(\d+(?:[.,]\d+)?)")


@cache
def spectra_schema() -> pa.Schema:
    """One row a spectrum, of a library or of a sample.

    ``energy`` is in ``energy_unit``: « eV » or « % » (normalised); ``retention`` in minutes; ``rejection``
    says why a spectrum is not searched. ``ms1_mz`` and ``ms1_intensity`` are peaks around the precursor.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("spectrum", pa.string()),
            ("laboratory", pa.string()),
            ("name", pa.string()),
            ("formula", pa.string()),
            ("smiles", pa.string()),
            ("inchikey", pa.string()),
            ("precursor", pa.float64()),
            ("adduct", pa.string()),
            ("mode", pa.string()),
            ("energy", pa.float64()),
            ("energy_unit", pa.string()),
            ("instrument", pa.string()),
            ("column", pa.string()),
            ("retention", pa.float64()),
            ("mz", pa.list_(pa.float64())),
            ("intensity", pa.list_(pa.float64())),
            ("ms1_mz", pa.list_(pa.float64())),
            ("ms1_intensity", pa.list_(pa.float64())),
            ("rejection", pa.string()),
            ("note", pa.string()),
            ("licence", pa.string()),
            ("line", pa.int64()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
        ]
    )


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Make a table of spectra from checked rows."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=spectra_schema())


def mode_of(text: str | None, adduct: str | None = None) -> str | None:
    """Return the ion mode, « positive » or « negative », from any of its names, else from the adduct's sign.

    >>> mode_of("POSITIVE"), mode_of("N"), mode_of(None, "[M-H]-"), mode_of("")
    ('positive', 'negative', 'negative', None)
    """
    first = (text or "").strip().casefold()[:1]
    if first in {"p", "+"}:
        return "positive"
    if first in {"n", "-"}:
        return "negative"
    known = adduct_named(adduct)
    if known is not None:
        return "positive" if known.positive else "negative"
    last = (adduct or "").strip()[-1:]
    return {"+": "positive", "-": "negative"}.get(last)


def energy_of(text: str | None) -> tuple[float | None, str | None]:
    """Read a collision energy: the mean of a ramp, and its unit.

    >>> energy_of("30 % (nominal)"), energy_of("40"), energy_of("20 - 40 eV"), energy_of("rampe")
    ((30.0, '%'), (40.0, 'eV'), (30.0, 'eV'), (None, None))
    """
    if not text:
        return None, None
    plain = text.casefold()
    values = [float(one.replace(",", ".")) for one in _ENERGY.findall(plain)]
    values = [one for one in values if 0 < one <= 400]
    if not values:
        return None, None
    unit = "%" if "%" in plain or "nce" in plain or "nominal" in plain else "eV"
    return sum(values) / len(values), unit


def checked(row: Mapping[str, Any]) -> dict[str, Any]:
    """Harmonise a row read from a file, and say why it cannot be searched when it cannot.

    Parameters
    ----------
    row
        Keys of `spectra_schema`, and ``mass`` (of the neutral molecule), ``level`` (MS level),
        ``energy_text``, ``cut`` (the file ends inside this spectrum), ``trouble`` (what the reader met),
        ``said_precursor`` (what is written in place of an m/z) and ``profile`` (the file says so).

    Returns
    -------
    dict
        A row of `spectra_schema`.
    """
    known = adduct_named(row.get("adduct"))
    adduct = known.name if known is not None else (row.get("adduct") or None)
    energy, unit = energy_of(row.get("energy_text"))
    made: dict[str, Any] = {name: row.get(name) for name in spectra_schema().names}
    made |= {
        "adduct": adduct,
        "mode": mode_of(row.get("mode"), adduct),
        "energy": energy if energy is not None else row.get("energy"),
        "energy_unit": unit if unit is not None else row.get("energy_unit"),
        "observed": row.get("observed") or UNDATED,
        "known": row.get("known") or row.get("observed") or UNDATED,
        "inchikey": (row.get("inchikey") or "").strip().upper() or None,
        "mz": list(row.get("mz") or ()),
        "intensity": list(row.get("intensity") or ()),
    }
    if not made["precursor"] or made["precursor"] <= 0:
        made["precursor"], made["note"] = _computed_precursor(row, known)
    made |= _isotopes(made)
    made["rejection"] = _rejection(made, row)
    return made


def _computed_precursor(row: Mapping[str, Any], adduct: Any) -> tuple[float | None, str | None]:
    """Compute a missing precursor from the formula or the mass, when the adduct is known."""
    mass = row.get("mass")
    if not mass and row.get("formula"):
        try:
            mass = formula_mass(parse_formula(row["formula"]))
        except BadValueError:
            mass = None
    if mass and adduct is not None:
        return precursor_of(float(mass), adduct), "précurseur absent : calculé d'après la formule et l'adduit"
    return None, None


def _isotopes(made: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the MS1 peaks around the precursor, and say when it is the isotopic peak of a lighter ion."""
    mz, heights = list(made["ms1_mz"] or ()), list(made["ms1_intensity"] or ())
    nothing: dict[str, Any] = {"ms1_mz": None, "ms1_intensity": None}
    if not mz or not made["precursor"]:
        return nothing
    if len(mz) != len(heights) or any(one is None or not one >= 0 for one in (*mz, *heights)):
        return nothing | {"note": _and(made["note"], "pics isotopiques (MS1) illisibles : laissés de côté")}
    peaks = sorted(zip(mz, heights, strict=True))
    mz, heights = around([one for one, _ in peaks], [one for _, one in peaks], made["precursor"])
    found: dict[str, Any] = {"ms1_mz": mz, "ms1_intensity": heights} if mz else nothing
    first = lighter(mz, heights, made["precursor"])
    if first is not None:
        said = (
            f"le précurseur est un pic isotopique de l'ion m/z {french.number(first, 4)} : "
            "la masse de la molécule est celle de cet ion"
        )
        found["note"] = _and(made["note"], said)
    return found


def _and(note: str | None, said: str) -> str:
    return f"{note} ; {said}" if note else said


def _rejection(made: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    mz, intensity = made["mz"], made["intensity"]
    if row.get("cut"):
        return "fichier coupé : ce spectre est incomplet. Copiez le fichier à nouveau."
    if row.get("trouble"):
        return str(row["trouble"])
    wrong = _wrong_peaks(mz, intensity, profile=bool(row.get("profile"))) if mz else "aucun pic."
    if row.get("level") not in (None, 2):
        return f"spectre de niveau MS{row['level']} : seuls les spectres MS2 sont cherchés."
    if wrong is None and not made["precursor"]:
        return _without_precursor(row)
    return wrong


def _without_precursor(row: Mapping[str, Any]) -> str:
    """Say what is wrong with a precursor that cannot be computed either."""
    said, value = row.get("said_precursor"), row.get("precursor")
    if said:
        return f"m/z du précurseur illisible : « {str(said)[:30]} »."
    if value is not None and value <= 0:
        return f"m/z du précurseur négatif ou nul ({french.number(value, 4)})."
    return "m/z du précurseur absent, et rien pour le calculer (formule et adduit)."


def _wrong_peaks(
    mz: Sequence[float | None], intensity: Sequence[float | None], *, profile: bool
) -> str | None:
    import math

    if len(mz) != len(intensity):
        return "autant de m/z que d'intensités sont attendus."
    pairs = list(zip(mz, intensity, strict=False))
    for where, height in pairs:
        if where is None or height is None or not math.isfinite(where) or not math.isfinite(height):
            return "un pic n'a pas de valeur."
        if height < 0:
            at = french.number(where, 4)
            return f"intensité négative ({french.number(height, 2)}) au pic m/z {at}. Vérifiez l'export."
        if where <= 0:
            return f"m/z négatif ou nul ({french.number(where, 4)})."
    if not any((height or 0) > 0 for _, height in pairs):
        return "toutes les intensités sont nulles."
    where_all = [one for one in mz if one is not None]
    if _profile(where_all) or (profile and _median_gap(where_all) < _PROFILE_SAID):
        return (
            f"spectre en mode profil ({french.number(len(mz))} points, écart médian de "
            f"{french.number(_median_gap(where_all), 4)}) : centroïdez-le (msconvert, « peakPicking »)."
        )
    return None


def _median_gap(mz: Sequence[float]) -> float:
    ordered = sorted(mz)
    gaps = sorted(b - a for a, b in itertools.pairwise(ordered))
    return gaps[len(gaps) // 2] if gaps else float("inf")


def _profile(mz: Sequence[float]) -> bool:
    """Tell whether points follow each other as on a curve: no centroided peaks are so close."""
    return len(mz) >= _PROFILE_POINTS and _median_gap(mz) < _PROFILE_GAP


def cleaned(
    mz: NDArray[np.float64], intensity: NDArray[np.float64], *, apart: float, noise: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the peaks in order: those under ``noise`` of the highest are dropped, close ones merged."""
    import numpy as np

    order = np.argsort(mz, kind="stable")
    mz, intensity = mz[order], intensity[order]
    kept = intensity > max(noise * float(intensity.max(initial=0.0)), 0.0)
    mz, intensity = mz[kept], intensity[kept]
    while len(mz) > 1 and float(np.diff(mz).min()) < apart:
        group = np.cumsum(np.concatenate([[True], np.diff(mz) >= apart])) - 1
        total = np.bincount(group, intensity).astype(np.float64)
        mz, intensity = np.bincount(group, mz * intensity) / total, total
    return mz, intensity
