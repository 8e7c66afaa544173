"""A file of spectra: candidates, probability and level for each, or the reason why it was set aside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import isotopes, model as modelling
from eclaireur.cases.unknown_molecules.reading import documented
from eclaireur.cases.unknown_molecules.telling import Told, plain_candidate, tell
from eclaireur.core import french
from eclaireur.core.tables import signals_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Artefact, Progress, Records
    from eclaireur.core.types import ModelCard

__all__ = ["reasons_of", "score"]


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Identify the spectra of a file.

    Returns
    -------
    pa.Table
        One row a spectrum, in their order: ``kept`` and ``rejection``; the first candidate (``name``,
        ``formula``, ``inchikey``, ``smiles``) with its probability ``score``; the next two; ``candidates``,
        all of them as JSON text; ``level`` (1 to 5) and ``evidence``; ``accepted``, whether the probability
        reaches the threshold; ``absent``, the probability that the library does not have it; ``why_none``;
        ``isotopes``, what isotopic peaks say; ``related``, another spectrum of the same molecule.
    """
    import pyarrow as pa

    asked = documented(
        table.drop_columns(
            [n for n in ("line",) if n in table.column_names and "peaks" in table.column_names]
        )
    )
    rows = records["spectra"]
    told = tell(asked, rows, modelling.bench(records), modelling.load(artefact), progress=progress)
    lines = [_line(asked, number, one) for number, one in enumerate(told)]
    order = sorted((at for at, line in enumerate(lines) if line["kept"]), key=lambda at: -lines[at]["score"])
    for place, at in enumerate(order, start=1):
        lines[at]["rank"] = place
    return pa.Table.from_pylist(lines, schema=_schema())


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, real = pa.string(), pa.float64()
    return pa.schema(
        [
            ("spectrum", text),
            ("kept", pa.bool_()),
            ("rejection", text),
            ("note", text),
            ("precursor", real),
            ("name", text),
            ("formula", text),
            ("inchikey", text),
            ("smiles", text),
            ("score", real),
            ("calibrated", pa.bool_()),
            ("rank", pa.int32()),
            ("accepted", pa.bool_()),
            ("level", pa.int32()),
            ("evidence", text),
            ("absent", real),
            ("why_none", text),
            ("isotopes", text),
            ("related", text),
            ("similarity", real),
            ("matched", pa.int32()),
            ("ppm", real),
            ("library_spectrum", text),
            ("name_2", text),
            ("inchikey_2", text),
            ("score_2", real),
            ("name_3", text),
            ("inchikey_3", text),
            ("score_3", real),
            ("candidates", text),
            ("reasons", signals_schema().field("reasons").type),
        ]
    )


def _line(asked: pa.Table, number: int, one: Told) -> dict[str, Any]:
    rejection = asked["rejection"][number].as_py()
    line: dict[str, Any] = {
        "spectrum": asked["spectrum"][number].as_py(),
        "kept": rejection is None,
        "rejection": rejection,
        "note": asked["note"][number].as_py(),
        "precursor": asked["precursor"][number].as_py(),
        "calibrated": rejection is None,
        "accepted": one.accepted,
        "reasons": [],
        "candidates": "[]",
    }
    if rejection is not None:
        return line
    line |= {
        "score": one.candidates[0].chance if one.candidates else 0.0,
        "level": one.level,
        "evidence": one.evidence,
        "absent": one.none,
        "why_none": one.why_none or None,
        "isotopes": one.isotopes or None,
        "related": one.related or None,
        "formula": one.formula or None,
        "candidates": json.dumps([plain_candidate(each) for each in one.candidates], ensure_ascii=False),
        "reasons": reasons_of(one, "fichier"),
    }
    for place, each in enumerate(one.candidates[:3]):
        if place == 0:
            line |= {
                "name": each.name,
                "formula": each.formula,
                "inchikey": each.inchikey,
                "smiles": each.smiles,
                "similarity": each.similarity,
                "matched": each.matched,
                "ppm": each.error,
                "library_spectrum": each.spectrum,
            }
        else:
            suffix = f"_{place + 1}"
            line |= {
                f"name{suffix}": each.name,
                f"inchikey{suffix}": each.inchikey,
                f"score{suffix}": each.chance,
            }
    return line


def reasons_of(one: Told, source: str) -> list[dict[str, Any]]:
    """Return in words what speaks for the first candidate and against it."""

    def reason(theme: str, sentence: str, weight: float, feature: str, value: float) -> dict[str, Any]:
        return {
            "kind": "feature",
            "theme": theme,
            "sentence": sentence,
            "weight": weight,
            "observed": None,
            "source": source,
            "feature": feature,
            "value": f"{value:.4g}",
        }

    if not one.candidates:
        return [reason("bibliothèque", f"Aucun candidat : {one.why_none}", -1.0, "candidates", 0)]
    best = one.candidates[0]
    where = "d'un laboratoire" if best.laboratories == 1 else f"de {best.laboratories} laboratoires"
    found = [
        reason(
            "spectre",
            f"Spectre semblable à {french.percent(best.similarity)} à celui de « {best.name} » {where}, "
            f"{french.count(best.matched, 'pic commun', 'pics communs')}.",
            4 * (best.similarity - 0.5),
            "similarity",
            best.similarity,
        ),
        reason(
            "masse",
            f"Précurseur à {french.signed(best.error, 1)} ppm de celui de {best.formula or best.name}.",
            1 - abs(best.error) / 5,
            "ppm",
            best.error,
        ),
    ]
    if best.retention:
        fits = "convient" if best.retention > 0 else "ne convient pas"
        found.append(
            reason("rétention", f"Le temps de rétention {fits}.", best.retention, "retention", best.retention)
        )
    if best.isotopes is not None:
        sentence = one.isotopes[:1].upper() + one.isotopes[1:] + "."
        weight = 0.5 if isotopes.fits(best.isotopes) else best.isotopes.weight - 1
        found.append(reason("isotopes", sentence, weight, "isotopes", best.isotopes.weight))
    if one.related:
        sentence = one.related[:1].upper() + one.related[1:] + "."
        agrees = f"ion {best.adduct} " in one.related
        found.append(reason("ions liés", sentence, 0.3 if agrees else -0.3, "related", 1))
    if len(one.candidates) > 1:
        second = one.candidates[1]
        found.append(
            reason(
                "autres candidats",
                f"Le candidat suivant, « {second.name} », a {french.percent(second.chance)} de chances.",
                -second.chance,
                "second",
                second.chance,
            )
        )
    if one.why_none:
        found.append(reason("décision", f"Aucun nom n'est donné : {one.why_none}", -1.0, "accepted", 0))
    return found
