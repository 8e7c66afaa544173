"""What is known of one spectrum: its peaks beside those of the library, and its candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules.isotopes import told_pattern
from eclaireur.cases.unknown_molecules.library import FRAGMENTS
from eclaireur.core import french
from eclaireur.core.errors import UnknownSubjectError
from eclaireur.core.view import Block, Chart, Column, Facts, Series, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from eclaireur.cases.unknown_molecules.isotopes import Pattern
    from eclaireur.cases.unknown_molecules.telling import Candidate, Told
    from eclaireur.core.case import Records
    from eclaireur.core.subjects import Subject

__all__ = ["candidates_table", "find", "isotopes_chart", "mirror", "sheet", "spectrum_facts"]


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return the sheet of a spectrum of the samples or of the library.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such spectrum.
    """
    row = find(subject.key, records)
    blocks: list[Block] = [spectrum_facts(row)]
    near = _nearest(row, records["spectra"])
    if near is not None:
        blocks.append(mirror(row, near))
    else:
        blocks.append(_peaks(row))
    return tuple(blocks)


def find(key: str, records: Records) -> dict[str, Any]:
    """Return the row of a spectrum.

    Raises
    ------
    UnknownSubjectError
        If there is none.
    """
    import pyarrow.compute as pc

    for name in ("samples", "spectra"):
        table = records[name]
        shown = pc.utf8_slice_codeunits(table["spectrum"], 0, 190)
        found = table.filter(pc.equal(shown, key[:190])).slice(0, 1).to_pylist()
        if found:
            return dict(found[0])
    raise UnknownSubjectError(f"spectre inconnu : « {key} ».", fix="Copiez-le depuis la liste.")


def spectrum_facts(row: dict[str, Any]) -> Facts:
    """Return what a spectrum says of itself."""
    energy = "–"
    time = "–" if row["retention"] is None else f"{french.number(row['retention'], 2)} min"
    if row["energy"] is not None:
        energy = f"{french.number(row['energy'], 0)} {row['energy_unit'] or ''}".strip()
    mode = {"positive": "positif", "negative": "négatif"}.get(row["mode"] or "", "inconnu")
    return Facts(
        title=f"Spectre {row['spectrum']}",
        pairs=(
            ("Précurseur (m/z)", french.number(row["precursor"], 4) if row["precursor"] else "–"),
            ("Mode", mode),
            ("Adduit", row["adduct"] or "inconnu"),
            ("Énergie", energy),
            ("Temps de rétention", time),
            ("Pics", french.number(len(row["mz"]))),
            ("Instrument", row["instrument"] or "–"),
            ("Mis de côté", row["rejection"] or "non"),
        ),
    )


def _nearest(row: dict[str, Any], table: pa.Table) -> dict[str, Any] | None:
    """Return the most similar spectrum of another name in the library, with the same precursor."""
    import pyarrow.compute as pc

    from eclaireur.cases.unknown_molecules.library import PPM, query_of, similarity

    if row["rejection"] is not None or not row["precursor"]:
        return None
    room = row["precursor"] * PPM * 1e-6
    near = pc.and_(
        pc.greater_equal(table["precursor"], row["precursor"] - room),
        pc.less_equal(table["precursor"], row["precursor"] + room),
    )
    query = query_of(row["precursor"], row["mode"], row["mz"], row["intensity"])
    best, level = None, -1.0
    for other in table.filter(near).to_pylist():
        alike = other["mode"] == row["mode"] or not row["mode"]
        if other["spectrum"] == row["spectrum"] or other["rejection"] is not None or not alike:
            continue
        theirs = query_of(other["precursor"], other["mode"], other["mz"], other["intensity"])
        if query is not None and theirs is not None:
            found = similarity(query, theirs)
            if found > level:
                best, level = other | {"similarity": found}, found
    return best


def mirror(row: dict[str, Any], other: dict[str, Any]) -> Chart:
    """Draw a spectrum above one of the library; matched peaks are joined."""
    above, below = _shares(row), _shares(other)
    joined = [
        (mine, theirs)
        for mine, _ in above
        for theirs, _ in below
        if abs(mine - theirs) <= FRAGMENTS and min(below, key=lambda one: abs(one[0] - mine))[0] == theirs
    ]
    name = other["name"] or other["spectrum"]
    level = other.get("similarity")
    said = "" if level is None else f", semblables à {french.percent(level)}"
    listed = ", ".join(french.number(mine, 4) for mine, _ in joined[:12])
    return Chart(
        title=f"{french.count(len(joined), 'pic commun', 'pics communs')} avec « {name} »{said}",
        form="mirror",
        x_title="m/z",
        y_title="Intensité relative (%)",
        series=(
            Series(name="Spectre cherché", x=tuple(a for a, _ in above), y=tuple(b for _, b in above)),
            Series(name=f"Bibliothèque : {name}", x=tuple(a for a, _ in below), y=tuple(b for _, b in below)),
            Series(name="Pics communs", x=tuple(a for a, _ in joined), y=tuple(b for _, b in joined)),
        ),
        text=f"Pics communs (m/z) : {listed or 'aucun'}.",
    )


def _shares(row: dict[str, Any]) -> list[tuple[float, float]]:
    most = max(row["intensity"], default=0.0) or 1.0
    return [
        (float(mz), 100 * height / most)
        for mz, height in zip(row["mz"], row["intensity"], strict=False)
        if mz is not None and height is not None and height > 0.01 * most
    ]


def _peaks(row: dict[str, Any]) -> Table:
    strongest = sorted(_shares(row), key=lambda one: -one[1])[:20]
    return Table(
        title="Pics les plus hauts",
        columns=(
            Column(key="mz", title="m/z", align="right"),
            Column(key="share", title="Intensité relative (%)", align="right"),
        ),
        rows=[
            {"mz": french.number(mz, 4), "share": french.number(share, 1)} for mz, share in sorted(strongest)
        ],
        note="Aucun spectre de la bibliothèque n'a ce précurseur.",
    )


def isotopes_chart(pattern: Pattern, best: Candidate | None) -> Chart:
    """Return isotopic peaks beside those that the formula of the first candidate would have."""
    judged = None if best is None else best.isotopes
    said = told_pattern(pattern, best.formula if best else "", judged)
    names = tuple(f"M+{at}" if at else "M" for at in range(len(pattern.shares)))
    series = [Series(name="mesuré", x=names, y=pattern.shares)]
    if judged is not None and best is not None:
        series.append(Series(name=f"attendu de {best.formula}", x=names, y=judged.awaited))
    return Chart(
        title=said[:1].upper() + said[1:],
        form="bar",
        x_title="Pic",
        y_title="Part du premier pic",
        series=tuple(series),
        text=f"{said}.",
    )


def candidates_table(names: Sequence[str], told: Sequence[Told], title: str = "Candidats") -> Table:
    """Return every candidate of every spectrum; a spectrum without one has a row with the reason."""
    rows: list[dict[str, Any]] = []
    for name, one in zip(names, told, strict=True):
        head = {"spectrum": name, "level": one.level, "why": one.why_none}
        for place, each in enumerate(one.candidates, start=1):
            rows.append(
                head
                | {
                    "place": place,
                    "name": each.name,
                    "formula": each.formula,
                    "inchikey": each.inchikey,
                    "chance": round(each.chance, 4),
                    "similarity": round(each.similarity, 3),
                    "matched": each.matched,
                    "error": round(each.error, 2),
                }
            )
        if not one.candidates:
            rows.append(head)
    columns = (
        ("spectrum", "Spectre", "text"),
        ("place", "Rang", "number"),
        ("name", "Candidat", "text"),
        ("formula", "Formule", "text"),
        ("inchikey", "InChIKey", "text"),
        ("chance", "Probabilité", "number"),
        ("similarity", "Similarité", "number"),
        ("matched", "Pics communs", "number"),
        ("error", "Écart (ppm)", "number"),
        ("level", "Niveau", "number"),
        ("why", "Pourquoi aucun nom", "text"),
    )
    return Table(
        title=title,
        columns=tuple(
            Column(key=key, title=title, kind=kind, align="right" if kind == "number" else "left")
            for key, title, kind in columns
        ),
        rows=rows,
    )
