"""Reports on tables: signals of non-target screening, and source profiles of concentrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import feature_rows, feature_table, isotopes, profiles as factoring
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Chart, Column, Funnel, Series, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.formulas import Formula
    from eclaireur.cases.unknown_molecules.isotopes import Pattern
    from eclaireur.cases.unknown_molecules.masses import Adduct

__all__ = ["concentrations", "features", "formulas_table", "plain_table", "profiles"]

_MARK = "±"
_SHOWN = 10
_FORMULAS = 100


def plain_table(
    title: str, columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], note: str = ""
) -> Table:
    """Return a table from keys, headings and kinds of columns (``number``, else text)."""
    return Table(
        title=title,
        columns=tuple(
            Column(key=key, title=name, kind=kind or "text", align="right" if kind == "number" else "left")
            for key, name, kind in columns
        ),
        rows=rows,
        note=note,
    )


def formulas_table(title: str, found: Sequence[Formula], pattern: Pattern | None, adduct: Adduct) -> Table:
    """Return formulas of one mass, those that fit the isotopic peaks best first when there are any."""
    columns = [
        ("formula", "Formule", ""),
        ("error", "Écart (ppm)", "number"),
        ("unsaturation", "Cycles et doubles liaisons", "number"),
    ]
    rows: list[dict[str, Any]] = [
        {"formula": one.text, "error": round(one.error, 2), "unsaturation": one.unsaturation} for one in found
    ]
    if pattern is None:
        return plain_table(title, columns, rows[:_FORMULAS], "Aucun pic isotopique n'est donné.")
    shares = isotopes.likely(pattern, [one.counts for one in found], adduct)
    for row, share in zip(rows, shares, strict=True):
        row["isotopes"] = round(share, 4)
    rows.sort(key=lambda row: -row["isotopes"])
    columns.append(("isotopes", "Poids d'après les isotopes", "number"))
    said = isotopes.told_pattern(pattern, "", None)
    note = f"Mesuré : {said}. Le poids tient toutes ces formules pour aussi probables au départ."
    return plain_table(title, columns, rows[:_FORMULAS], note)


def features(table: pa.Table) -> tuple[Block, ...]:
    """Filter a table of signals: what is kept, and what was set aside with its reason."""
    read = feature_table.read_features(table)
    found = feature_table.filter_features(read)
    ions = feature_rows.linked(read)
    rows = [
        {
            "name": read.names[at],
            "mz": None if at in read.trouble else french.number(float(read.mz[at]), 4),
            "retention": None if at in read.trouble else round(float(read.retention[at]), 3),
            "why": reason or "gardé",
            "part": feature_rows.told_ion(ions[at], read.names) if at in ions else "",
        }
        for at, reason in enumerate(found.reasons)
    ]
    columns = [
        ("name", "Signal", ""),
        ("mz", "m/z", "number"),
        ("retention", "Rétention (min)", "number"),
        ("why", "Décision", ""),
        ("part", "Ion de", ""),
    ]
    alone = sum(kept and at not in ions for at, kept in enumerate(found.kept.tolist()))
    steps = (*found.steps, ("molécules, isotopes et adduits regroupés", alone))
    return (plain_table("Signaux", columns, rows), Funnel(title="Signaux gardés", steps=steps))


def concentrations(table: pa.Table) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return species, concentrations and uncertainties: columns ``X`` and ``X ±``.

    Raises
    ------
    BadValueError
        If no column has its uncertainty.
    """
    import numpy as np

    plain = {name.strip(): name for name in table.column_names}
    species = [name for name in plain if f"{name} {_MARK}" in plain or f"{name}{_MARK}" in plain]
    if len(species) < 3:
        raise BadValueError(
            "moins de trois espèces ont leur incertitude.",
            fix=f"À côté de chaque colonne « X », donnez « X {_MARK} », son incertitude.",
        )

    def numbers(name: str) -> list[float]:
        return [
            np.nan if one in (None, "") else float(str(one).replace(",", "."))
            for one in table[plain[name]].to_pylist()
        ]

    try:
        values = np.array([numbers(name) for name in species], float).T
        unsure = [f"{name} {_MARK}" if f"{name} {_MARK}" in plain else f"{name}{_MARK}" for name in species]
        return species, values, np.array([numbers(name) for name in unsure], float).T
    except ValueError as error:
        raise BadValueError("une concentration n'est pas un nombre.", fix="Corrigez le tableau.") from error


def profiles(table: pa.Table, *, about: str, seed: int) -> tuple[Block, ...]:
    """Find profiles of sources: ``about`` is the number of factors; without it, criteria to choose it."""
    species, values, unsure = concentrations(table)
    chosen = about.strip()
    if not chosen:
        told = factoring.criteria(values, unsure, range(2, min(8, len(species))), seed=seed)
        columns = [
            ("factors", "Facteurs", "number"),
            ("ratio", "Q sur attendu", "number"),
            ("drop", "Baisse de Q", "number"),
            ("worst", "Pire résidu moyen", "number"),
            ("stability", "Stabilité la plus faible", "number"),
        ]
        rows = [{key: round(value, 3) for key, value in one.items()} for one in told]
        note = "Choisissez le dernier nombre qui baisse nettement Q et reste stable, puis --about NOMBRE."
        return (plain_table("Nombre de facteurs", columns, rows, note),)
    if not chosen.isdigit() or not 1 <= int(chosen) < len(species):
        raise BadValueError(
            f"nombre de facteurs invalide : « {about} ».", fix="Donnez par exemple --about 4."
        )
    made = factoring.fit(values, unsure, int(chosen), starts=5, seed=seed)
    bands = factoring.bootstrap(values, unsure, made, seed=seed)
    blocks: list[Block] = []
    for factor in range(int(chosen)):
        top = made.profiles[factor].argsort()[::-1][:_SHOWN]
        names = tuple(species[at] for at in top)
        stable = french.number(float(bands.stability[factor]), 2)
        share = float(made.contributions[:, factor].sum() / made.contributions.sum())
        blocks.append(
            Chart(
                title=f"Source {factor + 1} : {names[0]}, {names[1]} ; {french.percent(share)} du total",
                form="bar",
                x_title="Espèce",
                y_title="Part du profil",
                series=(
                    Series(
                        name="Part, intervalle à 90 %",
                        x=names,
                        y=tuple(float(made.profiles[factor, at]) for at in top),
                        low=tuple(float(bands.low[factor, at]) for at in top),
                        high=tuple(float(bands.high[factor, at]) for at in top),
                    ),
                ),
                text=f"Stabilité : {stable}. Espèces : {', '.join(names)}.",
            )
        )
    return (_profile_table(species, made, bands), *blocks)


def _profile_table(species: Sequence[str], made: factoring.Factors, bands: factoring.Bands) -> Table:
    rows = [
        {
            "factor": factor + 1,
            "species": name,
            "share": round(float(made.profiles[factor, at]), 4),
            "low": round(float(bands.low[factor, at]), 4),
            "high": round(float(bands.high[factor, at]), 4),
        }
        for factor in range(len(made.profiles))
        for at, name in enumerate(species)
    ]
    columns = [
        ("factor", "Source", "number"),
        ("species", "Espèce", ""),
        ("share", "Part", "number"),
        ("low", "Basse", "number"),
        ("high", "Haute", "number"),
    ]
    return plain_table("Profils des sources", columns, rows)
