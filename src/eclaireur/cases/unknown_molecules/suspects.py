"""Suspect lists: molecules that are looked for by their mass, in spectra that no library explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.fragmenter import explain
from eclaireur.cases.unknown_molecules.masses import ADDUCTS, Tolerance, formula_mass, ppm_error, precursor_of
from eclaireur.core.errors import BadValueError, MissingColumnError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Found", "Suspect", "look_for", "read_suspects"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "nom", "molécule", "molecule", "substance", "chemical_name", "compound"),
    "formula": ("formula", "formule", "formule brute", "molecular_formula"),
    "mass": ("mass", "masse", "monoisotopic_mass", "masse exacte", "exact_mass"),
    "smiles": ("smiles",),
    "inchikey": ("inchikey", "inchi key"),
    "retention": ("retention", "rt", "retention_time", "temps de rétention"),
}
_USUAL = ("[M+H]+", "[M+Na]+", "[M+NH4]+", "[M-H]-", "[M+HCOO]-", "[M+Cl]-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A molecule of a list."""

    name: str
    mass: float
    formula: str = ""
    smiles: str = ""
    inchikey: str = ""
    retention: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A suspect whose mass a spectrum has; ``explained`` is None when its structure is not known."""

    spectrum: str
    suspect: Suspect
    adduct: str
    error: float
    explained: float | None
    retention_gap: float | None


def read_suspects(table: pa.Table) -> tuple[list[Suspect], list[tuple[int, str]]]:
    """Read a list of suspects: those that can be looked for, and lines set aside with their reason.

    Raises
    ------
    MissingColumnError
        If there is no name, or neither formula nor mass.
    """
    plain = {name.casefold().strip(): name for name in table.column_names}
    column = {key: next((plain[one] for one in names if one in plain), None) for key, names in _NAMES.items()}
    if column["name"] is None or (column["formula"] is None and column["mass"] is None):
        raise MissingColumnError(
            "la liste de suspects n'a pas de nom, ou ni formule ni masse.",
            fix="Nommez les colonnes « nom », « formule » ou « masse », « smiles », « retention ».",
        )
    kept: list[Suspect] = []
    refused: list[tuple[int, str]] = []
    for line, row in enumerate(table.to_pylist(), start=2):
        value = {key: _text(row[name]) if name else "" for key, name in column.items()}
        try:
            mass = formula_mass(value["formula"]) if value["formula"] else _number(value["mass"])
            if mass is None:
                refused.append((line, "ni formule ni masse."))
                continue
            if mass <= 0:
                refused.append((line, f"masse négative ou nulle : {value['mass']}."))
                continue
            kept.append(
                Suspect(
                    name=value["name"],
                    mass=mass,
                    formula=value["formula"],
                    smiles=value["smiles"],
                    inchikey=value["inchikey"],
                    retention=_number(value["retention"]),
                )
            )
        except BadValueError as error:
            refused.append((line, error.message))
    return kept, refused


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise BadValueError(f"nombre illisible : « {text} ».") from None


def look_for(
    rows: Sequence[Mapping[str, Any]], suspects: Sequence[Suspect], tolerance: Tolerance
) -> list[Found]:
    """Look for suspects by the precursor of spectra (rows of `spectra.spectra_schema`)."""
    from bisect import bisect_left

    awaited = sorted(
        (
            (precursor_of(one.mass, ADDUCTS[name]), name, at)
            for at, one in enumerate(suspects)
            for name in _USUAL
        ),
    )
    found = []
    for row in rows:
        if row["rejection"] is not None or not row["precursor"]:
            continue
        room = tolerance.dalton(row["precursor"])
        at = bisect_left(awaited, (row["precursor"] - room,))
        while at < len(awaited) and awaited[at][0] <= row["precursor"] + room:
            mz, adduct, place = awaited[at]
            at += 1
            positive = ADDUCTS[adduct].positive
            if row["mode"] is not None and (row["mode"] == "positive") != positive:
                continue
            one = suspects[place]
            found.append(
                Found(
                    spectrum=row["spectrum"],
                    suspect=one,
                    adduct=adduct,
                    error=ppm_error(row["precursor"], mz),
                    explained=_explained(one, row, positive=positive),
                    retention_gap=_gap(one, row),
                )
            )
    return sorted(found, key=lambda one: (one.spectrum, -(one.explained or 0.0), abs(one.error)))


def _explained(one: Suspect, row: Mapping[str, Any], *, positive: bool) -> float | None:
    if not one.smiles:
        return None
    try:
        return explain(one.smiles, row["mz"], row["intensity"], positive=positive).score
    except BadValueError:
        return None


def _gap(one: Suspect, row: Mapping[str, Any]) -> float | None:
    if one.retention is None or row["retention"] is None:
        return None
    return float(row["retention"] - one.retention)
