"""Reports of the case: candidates, one spectrum, suspects, archives; tables of signals are in `tables`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import model as modelling, source_reports, tables
from eclaireur.cases.unknown_molecules.formulas import formulas
from eclaireur.cases.unknown_molecules.freezing import differences
from eclaireur.cases.unknown_molecules.isotopes import pattern_of
from eclaireur.cases.unknown_molecules.library import query_of
from eclaireur.cases.unknown_molecules.masses import ADDUCTS, adduct_named, parse_tolerance
from eclaireur.cases.unknown_molecules.open_search import Seeker
from eclaireur.cases.unknown_molecules.reading import documented
from eclaireur.cases.unknown_molecules.sheet import (
    candidates_table,
    find,
    isotopes_chart,
    mirror,
    spectrum_facts,
)
from eclaireur.cases.unknown_molecules.spectra import table_of
from eclaireur.cases.unknown_molecules.suspects import look_for, read_suspects
from eclaireur.cases.unknown_molecules.tables import formulas_table, plain_table
from eclaireur.cases.unknown_molecules.telling import tell
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Facts, FormField, Funnel

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.model import Model
    from eclaireur.cases.unknown_molecules.telling import Told
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

_ANALOGUES = 10

TITLES: Mapping[str, str] = {
    "candidates": "Tous les candidats des prélèvements ou d'un fichier",
    "spectrum": "Un spectre et ses candidats",
    "rejected": "Spectres mis de côté",
    "analogues": "Molécules voisines d'un spectre, sans tenir compte du précurseur",
    "formulas": "Formules brutes possibles d'un spectre",
    "suspects": "Recherche d'une liste de suspects dans les prélèvements",
    "freezing": "Ce qui change dans des prélèvements archivés, cherchés à nouveau",
    "features": "Filtres d'un tableau de signaux (blancs, répétitions, contrôles)",
    "profiles": "Profils de sources de pollution (PMF)",
    "contributions": "Contributions des sources par site et par date",
}
"""Reports by name."""

_SPECTRUM = FormField(name="about", title="Spectre", kind="text", help="Son nom, comme dans la liste.")


def _file(title: str, help_: str) -> tuple[FormField, ...]:
    return (FormField(name="table", title=title, kind="file", help=help_),)


_MEASURES = "Une ligne par date ; incertitudes : colonnes « … ± »."
_FACTORS = FormField(
    name="factors",
    title="Nombre de sources",
    kind="integer",
    help="Sans lui, des critères pour le choisir.",
    optional=True,
    least=1,
    most=30,
)
_LIBRARY = FormField(
    name="library",
    title="Profils connus",
    kind="file",
    help="Une ligne par profil, une colonne par espèce ; ou profil, espèce, part.",
    optional=True,
)

ASKS: Mapping[str, tuple[FormField, ...]] = {
    "spectrum": (_SPECTRUM,),
    "analogues": (_SPECTRUM,),
    "formulas": (_SPECTRUM,),
    "suspects": _file("Liste de suspects", "Colonnes nom, formule ou masse, smiles, temps de rétention."),
    "freezing": _file("Archive", "Le fichier que « score » a écrit."),
    "features": _file("Tableau de signaux", "m/z, temps de rétention et une colonne par injection."),
    "profiles": (*_file("Concentrations", _MEASURES), _FACTORS, _LIBRARY),
    "contributions": (
        *_file("Concentrations", f"{_MEASURES} Colonnes date, site, latitude, longitude."),
        replace(
            _FACTORS, optional=False, help="La méthode « Profils de sources de pollution » aide à le choisir."
        ),
        _LIBRARY,
        FormField(name="since", title="Depuis le", kind="date", optional=True),
        FormField(name="until", title="Jusqu'au", kind="date", optional=True),
    ),
}
"""What each report cannot do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a report is made from."""

    records: Records
    model: Model
    about: str
    table: pa.Table | None
    seed: int
    progress: Progress
    settings: Mapping[str, Any]


def made(
    name: str,
    records: Records,
    model: Model,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Block, ...]:
    """Make a report; ``settings`` are the other fields that it asks for.

    Raises
    ------
    BadValueError
        If what the report asks for is missing.
    """
    makers: Mapping[str, Callable[[_Asked], tuple[Block, ...]]] = {
        "candidates": _candidates,
        "spectrum": _spectrum,
        "rejected": _rejected,
        "analogues": _analogues,
        "formulas": _formulas,
        "suspects": _suspects,
        "freezing": _freezing,
        "features": lambda asked: tables.features(_given(asked)),
        "profiles": lambda asked: source_reports.profiles(
            _given(asked), about=asked.about, seed=asked.seed, settings=asked.settings
        ),
        "contributions": lambda asked: source_reports.contributions(
            _given(asked), about=asked.about, seed=asked.seed, settings=asked.settings
        ),
    }
    asked = _Asked(
        records=records,
        model=model,
        about=about,
        table=table,
        seed=seed,
        progress=progress,
        settings=settings or {},
    )
    return makers[name](asked)


def _given(asked: _Asked) -> pa.Table:
    if asked.table is None:
        raise BadValueError("aucun fichier n'est donné.", fix="Ajoutez --input FICHIER.")
    return asked.table


def _searched(asked: _Asked) -> pa.Table:
    """Return the spectra that a report is about: those of a file when one is given, else the samples."""
    return asked.records["samples"] if asked.table is None else documented(asked.table)


def _told(asked: _Asked, table: pa.Table) -> list[Told]:
    rows = asked.records["spectra"]
    return tell(table, rows, modelling.bench(asked.records), asked.model, progress=asked.progress)


def _row(asked: _Asked) -> dict[str, Any]:
    if not asked.about.strip():
        raise BadValueError("aucun spectre n'est donné.", fix="Ajoutez --about NOM.")
    return find(asked.about.strip().removeprefix("document:"), asked.records)


def _candidates(asked: _Asked) -> tuple[Block, ...]:
    table = _searched(asked)
    told = _told(asked, table)
    reached = [sum(one.level <= level and bool(one.evidence) for one in told) for level in (3, 2)]
    steps = (
        ("spectres", table.num_rows),
        ("cherchés", table["rejection"].null_count),
        ("niveau 3 ou mieux", reached[0]),
        ("nommés", reached[1]),
    )
    return (candidates_table(table["spectrum"].to_pylist(), told), Funnel(title="Spectres", steps=steps))


def _spectrum(asked: _Asked) -> tuple[Block, ...]:
    row = _row(asked)
    told = _told(asked, table_of([row]))
    one = told[0]
    blocks: list[Block] = [
        spectrum_facts(row),
        Facts(
            title="Conclusion",
            pairs=(
                ("Niveau de confiance", one.evidence or "–"),
                ("Pourquoi aucune correspondance", one.why_none or "un nom est donné"),
                ("Molécule absente de la bibliothèque", french.percent(one.none)),
                ("Isotopes", one.isotopes or "non mesurés"),
                ("Autre ion de la même molécule", one.related or "aucun"),
            ),
        ),
        candidates_table([row["spectrum"]], told),
    ]
    pattern = pattern_of(row["ms1_mz"] or (), row["ms1_intensity"] or (), row["precursor"] or 0.0)
    if pattern is not None:
        blocks.append(isotopes_chart(pattern, one.candidates[0] if one.candidates else None))
    for each in one.candidates[:3]:
        other = asked.records["spectra"].slice(each.row, 1).to_pylist()[0]
        blocks.append(mirror(row, other | {"similarity": each.similarity}))
    return tuple(blocks)


def _rejected(asked: _Asked) -> tuple[Block, ...]:
    rows = [
        {"spectrum": row["spectrum"], "line": row["line"], "why": row["rejection"]}
        for row in _searched(asked).select(["spectrum", "line", "rejection"]).to_pylist()
        if row["rejection"]
    ]
    columns = [("spectrum", "Spectre", ""), ("line", "Ligne", "number"), ("why", "Raison", "")]
    return (plain_table("Spectres mis de côté", columns, rows),)


def _analogues(asked: _Asked) -> tuple[Block, ...]:
    """Search without the precursor, then by neutral losses: relatives of a molecule that is absent."""
    import numpy as np

    row = _row(asked)
    bench = modelling.bench(asked.records)
    query = query_of(row["precursor"] or 0.0, row["mode"], row["mz"], row["intensity"])
    if row["rejection"] is not None or query is None:
        raise BadValueError(f"ce spectre ne peut pas être cherché : {row['rejection'] or 'aucun pic'}")
    seeker = Seeker(bench.library)
    names = asked.records["spectra"].select(["name", "formula", "precursor", "spectrum"])
    rows = []
    for mode, title in (("open", "mêmes fragments"), ("neutral_loss", "mêmes pertes")):
        level = seeker.similarities(query, mode=mode)
        seen: set[int] = set()
        for at in np.argsort(-level, kind="stable").tolist():
            molecule = int(bench.library.molecule[at])
            other = names.slice(int(bench.library.row[at]), 1).to_pylist()[0]
            if molecule in seen or other["spectrum"] == row["spectrum"] or level[at] <= 0:
                continue
            seen.add(molecule)
            gap = (row["precursor"] or 0.0) - other["precursor"]
            rows.append(
                other | {"how": title, "similarity": round(float(level[at]), 3), "gap": round(gap, 4)}
            )
            if len(seen) == _ANALOGUES:
                break
    columns = [
        ("how", "Recherche", ""),
        ("name", "Molécule", ""),
        ("formula", "Formule", ""),
        ("similarity", "Similarité", "number"),
        ("gap", "Écart de masse (Da)", "number"),
        ("spectrum", "Spectre", ""),
    ]
    return (plain_table(f"Molécules voisines de {row['spectrum']}", columns, rows),)


def _formulas(asked: _Asked) -> tuple[Block, ...]:
    row = _row(asked)
    mode = row["mode"] or "positive"
    adduct = adduct_named(row["adduct"]) or ADDUCTS["[M+H]+" if mode == "positive" else "[M-H]-"]
    if not row["precursor"]:
        raise BadValueError("ce spectre n'a pas de précurseur.", fix="Choisissez-en un autre.")
    mass = (row["precursor"] * adduct.charge - adduct.shift) / adduct.count
    title = f"Formules de masse {french.number(mass, 4)} à 5 ppm, {adduct.name}"
    pattern = pattern_of(row["ms1_mz"] or (), row["ms1_intensity"] or (), row["precursor"])
    return (formulas_table(title, formulas(mass), pattern, adduct),)


def _suspects(asked: _Asked) -> tuple[Block, ...]:
    suspects, refused = read_suspects(_given(asked))
    tolerance = parse_tolerance(asked.about or "5 ppm")
    rows = [
        {
            "spectrum": one.spectrum,
            "name": one.suspect.name,
            "adduct": one.adduct,
            "error": round(one.error, 2),
            "explained": None if one.explained is None else round(one.explained, 3),
            "gap": None if one.retention_gap is None else round(one.retention_gap, 2),
        }
        for one in look_for(asked.records["samples"].to_pylist(), suspects, tolerance)
    ]
    columns = [
        ("spectrum", "Spectre", ""),
        ("name", "Suspect", ""),
        ("adduct", "Adduit", ""),
        ("error", "Écart (ppm)", "number"),
        ("explained", "Part expliquée par la structure", "number"),
        ("gap", "Écart de rétention (min)", "number"),
    ]
    wrong = [{"line": line, "why": why} for line, why in refused]
    aside = plain_table("Lignes mises de côté", [("line", "Ligne", "number"), ("why", "Raison", "")], wrong)
    return (plain_table("Suspects trouvés (niveau 3 au mieux)", columns, rows), aside)


def _freezing(asked: _Asked) -> tuple[Block, ...]:
    archive = _given(asked)
    samples = asked.records["samples"]
    told = _told(asked, samples)
    rows = [asdict(one) for one in differences(archive, samples["spectrum"].to_pylist(), told)]
    columns = [
        ("spectrum", "Spectre", ""),
        ("kind", "Différence", ""),
        ("before", "Avant", ""),
        ("after", "Maintenant", ""),
        ("chance_before", "Probabilité avant", "number"),
        ("chance_after", "Probabilité maintenant", "number"),
        ("level_before", "Niveau avant", "number"),
        ("level_after", "Niveau maintenant", "number"),
    ]
    return (plain_table("Ce qui change", columns, rows, note="Le reste est inchangé."),)
