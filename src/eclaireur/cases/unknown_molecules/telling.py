"""What is said of a spectrum: its candidates, its level of confidence and why, or why none is named.

Levels are those of Schymanski et al. (Environmental Science & Technology 48, 2014).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import isotopes, judging
from eclaireur.cases.unknown_molecules.batch import Batch, batch_of, search
from eclaireur.cases.unknown_molecules.ions import related_spectra
from eclaireur.cases.unknown_molecules.masses import ADDUCTS, precursor_of
from eclaireur.core import french

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.isotopes import Background, Judged, Pattern
    from eclaireur.cases.unknown_molecules.library import Library
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
    """A molecule that a spectrum may be, and why; ``row`` is its best spectrum in the library.

    ``isotopes`` is None when the spectrum has no isotopic peaks, or they say nothing of its formula.
    """

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
    adduct: str = ""
    isotopes: Judged | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is said of one spectrum: ``isotopes`` of its own peaks, ``related`` of others of its compound.

    ``formula`` is that of a signal without fragments, when its mass and isotopes leave one.
    """

    candidates: tuple[Candidate, ...]
    none: float
    accepted: bool
    level: int
    evidence: str
    why_none: str
    isotopes: str = ""
    related: str = ""
    formula: str = ""


def tell(
    table: pa.Table, rows: pa.Table, made: Bench, model: Model, *, progress: Progress | None = None
) -> list[Told]:
    """Search the spectra of a table in a library.

    Parameters
    ----------
    table
        The spectra to identify; those that the library holds are searched in other laboratories' spectra.
    rows
        The table that the library was laid out from.
    """
    import math

    import numpy as np

    library = made.library
    batch = batch_of(table, library)
    # A spectrum that the library holds is searched in other laboratories, else it would find itself.
    held = set(rows["spectrum"].to_pylist())
    here = np.array([one in held for one in table["spectrum"].to_pylist()], bool)
    batch = replace(batch, laboratory=np.where(here, batch.laboratory, -1))
    pairs = search(batch, library, progress=progress)
    found = judging.candidates_of(batch, library, pairs, retention=made.retention, runs=made.runs)
    chance, _ = judging.weighed(found, model.chooser)
    of_lab = judging.FEATURES.index("laboratories")
    of_time = judging.FEATURES.index("retention")
    own = table["rejection"].to_pylist()
    edges = np.searchsorted(found.query, np.arange(table.num_rows + 1))
    names = rows.select(
        ["name", "formula", "inchikey", "smiles", "spectrum", "retention", "column", "laboratory", "adduct"]
    )
    patterns = _patterns(table)
    bare = [not one for one in table["mz"].to_pylist()]
    needed = any(patterns) or any(bare)
    background = isotopes.Background(one for one in (rows["formula"].to_pylist() if needed else ()) if one)
    signal = table.select(["precursor", "mode", "adduct"]).to_pylist() if any(bare) else []
    related = related_spectra(table, batch)
    drawn = _drawings(names, library)
    told: list[Told] = []
    for number in range(table.num_rows):
        if own[number] is not None:
            told.append(
                Told(candidates=(), none=1.0, accepted=False, level=5, evidence="", why_none=own[number])
            )
            continue
        pattern = patterns[number]
        if bare[number]:
            told.append(_of_signal(signal[number], pattern, background))
            continue
        places = np.arange(edges[number], edges[number + 1])
        judged = {
            place: _judged(pattern, names, int(library.row[found.best[place]]), batch, number, background)
            for place in (places.tolist() if pattern else ())
        }
        if judged:
            chance[places] = _weighed(chance[places], [judged[place] for place in places.tolist()])
        total = float(chance[places].sum())
        places = places[np.argsort(-chance[places], kind="stable")][:_SHOWN]
        candidates: list[Candidate] = []
        for place in places.tolist():
            if chance[place] < _LEAST and candidates:
                break
            row = int(library.row[found.best[place]])
            about = names.slice(drawn.get(int(found.molecule[place]), row), 1).to_pylist()[0]
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
                    spectrum=names["spectrum"][row].as_py() or "",
                    adduct=names["adduct"][row].as_py() or "",
                    isotopes=judged.get(place),
                )
            )
        standard = _same_run(table, names, number, candidates)
        one = _told(tuple(candidates), total, batch, number, made, model, standard=standard)
        told.append(replace(one, isotopes=_said(pattern, candidates), related=related[number]))
    return told


def _patterns(table: pa.Table) -> list[Pattern | None]:
    names = ("precursor", "ms1_mz", "ms1_intensity")
    return [
        isotopes.pattern_of(mz, heights, precursor) if precursor and mz else None
        for precursor, mz, heights in zip(*(table[name].to_pylist() for name in names), strict=True)
    ]


def _of_signal(row: dict[str, Any], pattern: Pattern | None, background: Background) -> Told:
    """Say what a mass and its isotopes leave of the formulas of the library: there are no fragments."""
    found = isotopes.by_mass(row["precursor"], row["mode"], row["adduct"], pattern, background)
    fitting = [one for one, judged in found if judged is None or not isotopes.against(judged)]
    said = isotopes.told_pattern(pattern, "", None) if pattern else ""
    if len(found) == 1 and pattern:
        said = isotopes.told_pattern(pattern, *found[0])
    alone = len(fitting) == 1 and any(
        one == fitting[0] and judged is not None and isotopes.fits(judged) for one, judged in found
    )
    why = "signal sans spectre de fragments : seules la masse et les isotopes sont comparés"
    if fitting:
        shown = ", ".join(fitting[:5]) + (", …" if len(fitting) > 5 else "")
        why += f" ; formules de la bibliothèque : {shown}"
    elif found:
        why += " ; les isotopes sont contraires aux formules de la bibliothèque"
    else:
        why += " ; aucune formule de la bibliothèque n'a cette masse à 5 ppm"
    evidence = "niveau 5 : seule la masse exacte est connue"
    if alone:
        evidence = (
            f"niveau 4 : une seule formule de la bibliothèque à 5 ppm, {fitting[0]}, isotopes conformes"
        )
    return Told(
        candidates=(),
        none=1.0,
        accepted=False,
        level=4 if alone else 5,
        evidence=evidence,
        why_none=f"{why}.",
        isotopes=said,
        formula=fitting[0] if alone else "",
    )


def _judged(
    pattern: Pattern | None, names: pa.Table, row: int, batch: Batch, number: int, background: Background
) -> Judged | None:
    """Judge the formula of a row of the library by the isotopic peaks of a spectrum."""
    if pattern is None:
        return None
    formula, adduct = names["formula"][row].as_py(), names["adduct"][row].as_py()
    precursor = float(batch.precursor[number])
    return isotopes.judge(pattern, formula or "", adduct, precursor=precursor, background=background)


def _weighed(chance: NDArray[np.float64], judged: list[Judged | None]) -> NDArray[np.float64]:
    """Lower the chances of candidates whose isotopes do not fit; what is left goes to all others alike."""
    import numpy as np

    none = max(0.0, 1.0 - float(chance.sum()))
    moved: NDArray[np.float64] = chance * np.array([1.0 if one is None else one.weight for one in judged])
    total: float = max(float(moved.sum()) + none, 1e-12)
    return np.divide(moved, total)


def _said(pattern: Pattern | None, candidates: list[Candidate]) -> str:
    """Say the isotopic peaks of a spectrum, and whether they fit the formulas of its candidates."""
    if pattern is None:
        return ""
    if not candidates:
        return isotopes.told_pattern(pattern, "", None)
    best = candidates[0]
    said = isotopes.told_pattern(pattern, best.formula, best.isotopes)
    against = sorted(
        {
            one.formula
            for one in candidates[1:]
            if one.isotopes is not None and isotopes.against(one.isotopes) and one.formula != best.formula
        }
    )
    return f"{said} ; contraires à {', '.join(against[:4])}" if against else said


def _drawings(names: pa.Table, library: Library) -> dict[int, int]:
    """Return for each molecule a row that bears the key it is known by: others may draw it differently."""
    keys = names["inchikey"].to_pylist()
    found: dict[int, int] = {}
    for row, molecule in zip(library.row.tolist(), library.molecule.tolist(), strict=True):
        if molecule not in found and (keys[row] or "")[:14] == library.molecules[molecule]:
            found[molecule] = row
    return found


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
    candidates: tuple[Candidate, ...],
    total: float,
    batch: Batch,
    number: int,
    made: Bench,
    model: Model,
    *,
    standard: bool,
) -> Told:
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
        if one.isotopes is not None and isotopes.fits(one.isotopes):
            said += f", isotopes conformes à {one.formula}"
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
    fitting = {
        one.formula
        for one in candidates
        if one.formula and not (one.isotopes is not None and isotopes.against(one.isotopes))
    }
    if len(fitting) == 1 and candidates:
        judged = any(one.isotopes is not None for one in candidates)
        how = "à 10 ppm, que les isotopes ne contredisent pas" if judged else "à 10 ppm"
        return 4, f"niveau 4 : une seule formule de la bibliothèque {how}, {next(iter(fitting))}"
    if formulas and not fitting:
        return 5, "niveau 5 : seule la masse exacte est connue, les isotopes sont contraires aux formules"
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
        if best.isotopes is not None and isotopes.against(best.isotopes):
            parts.append(f"les isotopes mesurés sont contraires à {best.formula}")
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
    } | ({} if one.isotopes is None else {"isotopes": round(one.isotopes.weight, 3)})
