"""An image, a map or a sound read for a person or a program: what it is, repairs and doubts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.sources.media.described import Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.sources.media.described import Described

__all__ = ["description_json", "description_text", "show_description", "write_data"]

_BOXES = {"bounds": "Emprise", "lonlat": "Emprise en degrés"}
_GEOMETRIES = {
    "Unknown": "diverses",
    "Point": "points",
    "LineString": "lignes",
    "Polygon": "surfaces",
    "MultiPoint": "groupes de points",
    "MultiLineString": "groupes de lignes",
    "MultiPolygon": "groupes de surfaces",
}
_TITLES = {
    "format": "Format",
    "width": "Largeur",
    "height": "Hauteur",
    "mode": "Couleurs",
    "frames": "Vues",
    "taken": "Date de l'appareil",
    "bands": "Bandes",
    "type": "Type des valeurs",
    "nodata": "Valeur d'absence",
    "crs": "Système de coordonnées",
    "crs_name": "Nom du système",
    "candidates": "Systèmes possibles",
    **_BOXES,
    "resolution": "Taille d'un pixel",
    "looked": "Part des pixels lus",
    "layer": "Couche",
    "layers": "Couches",
    "features": "Formes",
    "empty": "Lignes sans forme",
    "geometry": "Type de formes",
    "columns": "Colonnes",
    "invalid": "Formes invalides",
    "coding": "Codage",
    "rate": "Mesures par seconde",
    "channels": "Voies",
    "seconds": "Durée",
    "peak": "Maximum",
    "level": "Niveau moyen",
}
_UNITS = {"width": "pixels", "height": "pixels", "seconds": "s", "peak": "dB", "level": "dB"}


def description_json(found: Described) -> dict[str, Any]:
    """Return a description as a JSON object."""
    return {
        "file": found.file,
        "outcome": str(found.outcome),
        "kind": str(found.kind),
        **found.facts,
        "repairs": [
            {"kind": one.kind, "message": one.message, "lines": list(one.lines)} for one in found.repairs
        ],
        "doubts": [
            {"kind": one.kind, "message": one.message, "lines": list(one.lines), "count": one.count}
            for one in found.doubts
        ],
        "reason": found.reason,
        "fix": found.fix,
        "isolation": "réduite" if found.reduced else "complète",
    }


def _pairs(found: Described) -> list[tuple[str, str]]:
    if found.reason:
        said = [("Raison", found.reason), ("Que faire", found.fix)]
    else:
        said = [
            (title, _written(key, found.facts[key]))
            for key, title in _TITLES.items()
            if found.facts.get(key) not in (None, "", [], ())
        ]
    if found.reduced:
        said.append(("Isolation réduite", f"cette machine ne limite pas : {', '.join(found.reduced)}"))
    return [("Résultat", str(found.outcome)), ("Nature", found.kind.french), *said]


def _written(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    if key in _BOXES and isinstance(value, list) and len(value) == 4:
        west, south, east, north = (_written("", one) for one in value)
        return f"de {west} à {east} ; de {south} à {north}"
    if key == "geometry":
        return _GEOMETRIES.get(str(value), str(value))
    if isinstance(value, list):
        return " ; ".join(_written("", one) for one in value)
    if key == "looked":
        return french.percent(float(value))
    if isinstance(value, int):
        text = french.number(value)
    elif isinstance(value, float):
        text = french.number(value, 6).rstrip("0").rstrip(",")
    else:
        text = str(value)
    return f"{text} {_UNITS[key]}" if key in _UNITS else text


def show_description(found: Described) -> tuple[Block, ...]:
    """Return a description as view blocks."""
    head = Facts(title=found.file, pairs=tuple(_pairs(found)))
    notes = [("Réparé", one.message, one.lines) for one in found.repairs]
    notes += [("Doute", one.message, one.lines) for one in found.doubts]
    if not notes:
        return (head,)
    columns = (
        Column(key="what", title="Réserve"),
        Column(key="message", title="Quoi"),
        Column(key="lines", title="Formes"),
    )
    rows = [
        {"what": what, "message": message, "lines": ", ".join(map(str, lines[:10]))}
        for what, message, lines in notes
    ]
    return (head, Table(title="Réserves", columns=columns, rows=rows))


def description_text(found: Described) -> str:
    """Write a description as plain text, to send back to who made the file."""
    lines = [f"Fichier : {found.file}", *(f"{title} : {text}" for title, text in _pairs(found))]
    for title, notes in (
        ("À corriger ou à confirmer", found.doubts),
        ("Réparé à la lecture", found.repairs),
    ):
        if notes:
            lines += ["", title, *(f"- {note.message}" for note in notes)]
    return "\n".join(lines)


def write_data(found: Described, target: Path) -> None:
    """Write shapes or samples as Parquet, whole or not at all; shapes follow GeoParquet 1.1.

    Raises
    ------
    BadValueError
        If the file name does not end in ``.parquet``, or the file is an image.
    """
    import pyarrow.parquet as pq

    if target.suffix.lower() != ".parquet":
        raise BadValueError("le fichier à écrire doit finir par .parquet.", file=str(target))
    if found.data is None or found.kind in {Kind.IMAGE, Kind.RASTER}:
        raise BadValueError("une image ne s'écrit pas en tableau.", file=found.file, fix="Retirez --to.")
    table = _geoparquet(found) if found.kind is Kind.VECTOR else found.data
    write_atomically(target, lambda path: pq.write_table(table, path, compression="zstd"))


def _geoparquet(found: Described) -> pa.Table:
    """Add what GeoParquet says of a table: where its shapes are, and in which system; null when unknown."""
    from pyproj import CRS

    table: pa.Table = found.data
    code = str(found.facts["crs"])
    system = CRS.from_user_input(code).to_json_dict() if code.startswith("EPSG:") else None
    geometry: dict[str, Any] = {"encoding": "WKB", "geometry_types": [], "crs": system}
    said = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), "geo": json.dumps(said)})
