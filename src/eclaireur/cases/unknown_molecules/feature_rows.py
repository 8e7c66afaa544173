"""A table of signals as rows to identify: isotopic peaks gathered, adducts told, no fragments.

Nothing but a mass, its isotopes and its adducts is known of a signal: at best its formula is found.
"""

from __future__ import annotations

import csv
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import feature_table
from eclaireur.cases.unknown_molecules.feature_table import Features
from eclaireur.cases.unknown_molecules.formats import encoding_of
from eclaireur.cases.unknown_molecules.ions import BASE, Ion, links
from eclaireur.cases.unknown_molecules.spectra import checked, table_of
from eclaireur.core.errors import MissingColumnError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["linked", "read_signals", "told_ion"]

_SEPARATORS = ",;\t"
_PEAKS = ("peaks", "pics", "spectr", "ms/ms", "msms")
_FIRST_LINE = 2
_LARGEST = 1 << 29
"""Most bytes that are read: no table of signals has more."""


def read_signals(path: Path) -> pa.Table | None:
    """Read a table of signals as rows of `spectra.spectra_schema`; None when the file is not one."""
    name = path.name.casefold()
    if name.removesuffix(".gz").rpartition(".")[2] not in {"csv", "tsv", "txt"}:
        return None
    content = _content(path)
    text = content.decode(encoding_of(content), errors="replace")
    head = text.partition("\n")[0]
    if not ("m/z" in head.casefold() or "mz" in head.casefold()):
        return None
    separator = max(_SEPARATORS, key=head.count)
    lines = csv.reader(text.splitlines(), delimiter=separator)
    try:
        names = [one.strip() for one in next(lines, [])]
        rows = [line for line in lines if any(cell.strip() for cell in line)]
    except csv.Error:
        return None
    if any(mark in one.casefold() for one in names for mark in _PEAKS) or len({*names}) < len(names):
        return None
    return _as_spectra(names, rows)


def _content(path: Path) -> bytes:
    """Return what a file holds, unpacked as far as it goes."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST)
    except OSError:
        # The reader of plain tables says in words what is wrong with a file.
        return b""
    if not path.name.casefold().endswith(".gz"):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, _LARGEST)
    except zlib.error:
        return b""


def _as_spectra(names: list[str], rows: list[list[str]]) -> pa.Table | None:
    import pyarrow as pa

    whole = [
        line if len(line) == len(names) else ([*line, *[""] * len(names)])[: len(names)] for line in rows
    ]
    columns = list(zip(*whole, strict=True)) if whole else [()] * len(names)
    table = pa.table(
        {name: pa.array(list(column), pa.string()) for name, column in zip(names, columns, strict=True)}
    )
    try:
        features = feature_table.read_features(table)
    except MissingColumnError:
        return None
    cut = {at for at, line in enumerate(rows) if len(line) != len(names)}
    ions = linked(features)
    return table_of(
        _row(features, ions, at, cut=at in cut) | {"line": at + _FIRST_LINE} for at in range(len(rows))
    )


def linked(features: Features) -> dict[int, Ion]:
    """Link the signals of a table to the first peak, or to the usual adduct, of their molecule."""
    import numpy as np

    sound = np.array([at not in features.trouble for at in range(len(features.mz))], bool)
    places = np.flatnonzero(sound & np.isfinite(features.mz) & np.isfinite(features.retention))
    found = links(
        features.mz[places],
        features.retention[places],
        positive=features.positive is not False,
        area=features.area[places],
    )
    return {
        int(places[at]): Ion(
            of=int(places[one.of]), neutrons=one.neutrons, adduct=one.adduct, charge=one.charge
        )
        for at, one in found.items()
    }


def told_ion(ion: Ion, names: tuple[str, ...]) -> str:
    """Say what an ion is of another signal.

    >>> told_ion(Ion(of=0, neutrons=1), ("174",)), told_ion(Ion(of=0, adduct="[M+Na]+"), ("174",))
    ('pic isotopique M+1 du signal 174', 'ion [M+Na]+ de la molécule du signal 174')
    """
    what = f"pic isotopique M+{ion.neutrons} du" if ion.neutrons else f"ion {ion.adduct} de la molécule du"
    return f"{what} signal {names[ion.of]}"


def _row(features: Features, ions: Mapping[int, Ion], at: int, *, cut: bool) -> dict[str, Any]:
    ion = ions.get(at)
    children = {other: one for other, one in ions.items() if one.of == at}
    adducts = sorted({one.adduct for one in children.values() if one.adduct})
    mode = {True: "positive", False: "negative", None: None}[features.positive]
    usual = BASE[features.positive is not False] if adducts else None
    mz, heights = _peaks(features, at, {other: one for other, one in children.items() if one.neutrons})
    whole = at not in features.trouble
    row = checked(
        {
            "spectrum": f"signal {features.names[at]}",
            "precursor": float(features.mz[at]) if whole else None,
            "retention": float(features.retention[at]) if whole else None,
            "mode": mode,
            "adduct": ion.adduct if ion and ion.adduct else usual,
            "ms1_mz": mz,
            "ms1_intensity": heights,
        }
    )
    note, rejection = None, None
    if cut:
        rejection = "ligne coupée : elle n'a pas toutes ses colonnes. Copiez le fichier à nouveau."
    elif at in features.trouble:
        rejection = features.trouble[at]
    elif ion is not None and ion.neutrons:
        rejection = f"{told_ion(ion, features.names)} : compté avec lui."
    elif ion is not None:
        note = told_ion(ion, features.names)
    elif adducts:
        note = f"la même molécule donne aussi {', '.join(adducts)}"
    return row | {"rejection": rejection, "note": note}


def _peaks(features: Features, at: int, isotopes: Mapping[int, Ion]) -> tuple[list[float], list[float]]:
    """Return the m/z and mean heights of a signal and its isotopic peaks, where the signal is high."""
    import numpy as np

    mine = features.area[at]
    if not isotopes or not np.isfinite(mine).any():
        return [], []
    high = mine >= np.nanmedian(mine)
    mz, heights = [float(features.mz[at])], [1.0]
    for other in sorted(isotopes, key=lambda one: float(features.mz[one])):
        ratio = _ratio(features.area[other], mine, high)
        if ratio is not None:
            mz.append(float(features.mz[other]))
            heights.append(ratio)
    return mz, heights


def _ratio(theirs: NDArray[np.float64], mine: NDArray[np.float64], high: NDArray[np.bool_]) -> float | None:
    import numpy as np

    both = np.isfinite(theirs) & np.isfinite(mine)
    if (both & high).any():
        both &= high
    return float(np.median(theirs[both] / mine[both])) if both.any() else None
