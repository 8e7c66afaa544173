"""What is said of a spectrum: its candidates, its level of confidence and why, or why none is named.

Levels are those of Schymanski et al. (Environmental Science & Technology 48, 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import judging
from eclaireur.cases.unknown_molecules.batch import Batch, batch_of, search
from eclaireur.cases.unknown_molecules.masses import ADDUCTS, precursor_of
from eclaireur.core import french

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.model import Bench, Model
    from eclaireur.core.case import Progress

__all__ = ["LEVELS", "Candidate", "Told", "plain_candidate", "tell"]

LEVELS = {
    1: "structure confirmée par un étalon",
    2: "structure probable (spectre de bibliothèque)",
    3: "candidats possibles",
    4: "formule brute sans ambiguïté",
    5: "masse exacte seule",
}
"""Levels of confidence in words."""
_SHOWN = 20
_LEAST = 0.001
_SAME_TIME = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A molecule that a spectrum may be, and why; ``row`` is its best spectrum in the library."""

    row: int
    name: str
    formula: str
    inchikey: str
    smiles: str
    chance: float
    similarity: float
    matched: int
    error: float
    retention: float
    laboratories: int
    spectrum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of one spectrum."""

    candidates: tuple[Candidate, ...]
    none: float
    accepted: bool
    level: int
    evidence: str
    why_none: str


def tell(
    table: pa.Table, rows: pa.Table, made: Bench, model: Model, *, progress: Progress | None = None
) -> list[Told]:
    """Search the spectra of a table in a library.

    Parameters
    ----------
    table
        The spectra to identify; those of a laboratory of the library are searched in the others' spectra.
    rows
        The table that the library was laid out from.
    """
    import math

    import numpy as np

    library = made.library
    batch = batch_of(table, library)
    pairs = search(batch, library, progress=progress)
    found = judging.candidates_of(batch, library, pairs, retention=made.retention, runs=made.runs)
    chance, _ = judging.weighed(found, model.chooser)
    of_lab = judging.FEATURES.index("laboratories")
    of_time = judging.FEATURES.index("retention")
    own = table["rejection"].to_pylist()
    edges = np.searchsorted(found.query, np.arange(table.num_rows + 1))
    names = rows.select(
        ["name", "formula", "inchikey", "smiles", "spectrum", "retention", "column", "laboratory"]
    )
    told: list[Told] = []
    for number in range(table.num_rows):
        if own[number] is not None:
            told.append(
                Told(candidates=(), none=1.0, accepted=False, level=5, evidence="", why_none=own[number])
            )
            continue
        places = np.arange(edges[number], edges[number + 1])
        places = places[np.argsort(-chance[places], kind="stable")][:_SHOWN]
        candidates: list[Candidate] = []
        for place in places.tolist():
            if chance[place] < _LEAST and candidates:
                break
            row = int(library.row[found.best[place]])
            about = {name: names[name][row].as_py() for name in names.column_names}
            candidates.append(
                Candidate(
                    row=row,
                    name=about["name"] or "",
                    formula=about["formula"] or "",
                    inchikey=about["inchikey"] or "",
                    smiles=about["smiles"] or "",
                    chance=float(chance[place]),
                    similarity=float(found.plain[place]),
                    matched=int(found.matched[place]),
                    error=float(found.error[place]),
                    retention=float(found.features[place, of_time]),
                    laboratories=round(math.exp(found.features[place, of_lab])),
                    spectrum=about["spectrum"] or "",
                )
            )
        told.append(
            _told(
                tuple(candidates),
                batch,
                number,
                made,
                model,
                standard=_same_run(table, names, number, candidates),
            )
        )
    return told


def _same_run(table: pa.Table, names: pa.Table, number: int, candidates: list[Candidate]) -> bool:
    """Tell whether the first candidate is a standard of the same laboratory and column at the same time."""
    if not candidates:
        return False
    row = candidates[0].row
    mine, theirs = table["retention"][number].as_py(), names["retention"][row].as_py()
    column = table["column"][number].as_py()
    return bool(
        column
        and column == names["column"][row].as_py()
        and table["laboratory"][number].as_py() == names["laboratory"][row].as_py()
        and mine is not None
        and theirs is not None
        and abs(mine - theirs) <= _SAME_TIME
    )


def _told(
    candidates: tuple[Candidate, ...], batch: Batch, number: int, made: Bench, model: Model, *, standard: bool
) -> Told:
    total = sum(one.chance for one in candidates)
    none = max(0.0, 1.0 - total)
    accepted = bool(candidates) and candidates[0].chance >= model.threshold
    why = "" if accepted else _why_none(candidates, batch, number, made, model)
    level, evidence = _level(candidates, total, accepted=accepted, standard=standard)
    return Told(
        candidates=candidates, none=none, accepted=accepted, level=level, evidence=evidence, why_none=why
    )


def _level(
    candidates: tuple[Candidate, ...], total: float, *, accepted: bool, standard: bool
) -> tuple[int, str]:
    if accepted:
        one = candidates[0]
        said = (
            f"spectre de « {one.name} » semblable à {french.percent(one.similarity)}, "
            f"{french.count(one.matched, 'pic commun', 'pics communs')}, "
            f"précurseur à {french.signed(one.error, 1)} ppm"
        )
        if standard:
            return 1, f"niveau 1 : {said}, étalon du même laboratoire au même temps de rétention"
        return 2, f"niveau 2a : {said}"
    likely = [one for one in candidates if one.chance >= 0.05]
    if likely and total >= 0.5:
        formulas = {one.formula for one in likely}
        listed = french.count(len(likely), "candidat plausible", "candidats plausibles")
        alike = " de même formule (isomères)" if len(formulas) == 1 and len(likely) > 1 else ""
        together = "eux tous" if len(likely) > 1 else "lui seul"
        return 3, f"niveau 3 : {listed}{alike}, {french.percent(total)} de chances à {together}"
    formulas = {one.formula for one in candidates if one.formula}
    if len(formulas) == 1 and candidates:
        return 4, f"niveau 4 : une seule formule de la bibliothèque à 10 ppm, {next(iter(formulas))}"
    return 5, "niveau 5 : seule la masse exacte est connue"


def _why_none(candidates: tuple[Candidate, ...], batch: Batch, number: int, made: Bench, model: Model) -> str:
    """Say why no name is given, the first cause first."""
    query = batch.queries[number]
    if query is None:
        return "aucun pic n'est resté après le nettoyage."
    parts = []
    if not candidates:
        parts.append("aucun spectre de la bibliothèque n'a ce précurseur à 10 ppm")
        other = _other_adducts(query.precursor, query.mode, made)
        if other:
            parts.append(f"d'autres adduits auraient des candidats : {', '.join(other)}")
    else:
        best = candidates[0]
        if len(query.mz) < 3:
            parts.append(f"le spectre n'a que {french.count(len(query.mz), 'pic')}")
        if best.similarity < 0.5:
            parts.append(
                f"le plus semblable (« {best.name} ») ne l'est qu'à {french.percent(best.similarity)}, "
                "la molécule est peut-être absente de la bibliothèque"
            )
        elif len(candidates) > 1 and candidates[1].chance > 0.25 * best.chance:
            parts.append(f"« {best.name} » et « {candidates[1].name} » ont des spectres trop proches")
        if best.retention < -1:
            parts.append("le temps de rétention ne convient pas")
        parts.append(
            f"la probabilité ({french.percent(best.chance)}) est sous le seuil "
            f"de {french.percent(model.threshold)}"
        )
    return " ; ".join(parts) + "."


def _other_adducts(precursor: float, mode: int, made: Bench) -> list[str]:
    """Return adducts under which the precursor would be that of a molecule of the library."""
    import numpy as np

    if mode > 1:
        return []
    usual = ADDUCTS["[M+H]+" if mode else "[M-H]-"]
    first, last = made.library.bounds[mode], made.library.bounds[mode + 1]
    known = made.library.precursor[first:last]
    found = []
    for adduct in ADDUCTS.values():
        if adduct.positive != bool(mode) or adduct is usual:
            continue
        mass = (precursor * adduct.charge - adduct.shift) / adduct.count
        awaited = precursor_of(mass, usual)
        if mass <= 0:
            continue
        near = int(np.searchsorted(known, awaited * (1 - 5e-6)))
        if near < len(known) and known[near] <= awaited * (1 + 5e-6):
            found.append(adduct.name)
    return found[:4]


def plain_candidate(one: Candidate) -> dict[str, Any]:
    """Return a candidate as JSON."""
    return {
        "name": one.name,
        "formula": one.formula,
        "inchikey": one.inchikey,
        "smiles": one.smiles,
        "probability": round(one.chance, 4),
        "similarity": round(one.similarity, 4),
        "matched": one.matched,
        "ppm": round(one.error, 2),
        "spectrum": one.spectrum,
    }
