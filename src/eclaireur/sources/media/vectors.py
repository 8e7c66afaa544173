"""Shapes on the ground in GeoPackage, Shapefile and GeoJSON, by GDAL into Arrow, batch after batch."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.media import crs, places
from eclaireur.sources.media.described import Described, Kind, described, refused
from eclaireur.sources.media.geometry import examine
from eclaireur.sources.reading import Doubt
from eclaireur.sources.refusals import RefusedError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["VectorLimits", "read_vector"]

_AGAIN = "Exportez la couche de nouveau, en GeoPackage."
_GEOMETRY = "geometry"
_SHOWN = 50
_BATCH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLimits:
    """Sizes above which a layer is refused.

    Parameters
    ----------
    size
        Bytes of the file.
    features
        Shapes of a layer.
    examined
        Shapes whose faults are looked for: the first ones, by whole batches of 20 000.
    """

    size: int = 4_000_000_000
    features: int = 20_000_000
    examined: int = 2_000_000


@dataclass(slots=True)
class _Seen:
    """What was seen of a layer."""

    features: int = 0
    empty: int = 0
    examined: int = 0
    faulty: Counter[str] = field(default_factory=Counter)
    fault_rows: list[int] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    bad_text: int = 0
    kept: list[Any] = field(default_factory=list)


def read_vector(
    path: Path,
    folder: Path,
    *,
    data: bool = False,
    layer: str | None = None,
    limits: VectorLimits | None = None,
) -> Described:
    """Read one layer; one that cannot be read gives a description that says why, never an exception.

    Parameters
    ----------
    path
        A ``.gpkg``, a ``.shp`` beside its ``.shx`` and ``.dbf``, a GeoJSON, or a ZIP archive of one of
        the first two.
    folder
        Where the files of an archive may be written.
    data
        Also give the shapes: their columns, and ``geometry`` in well-known binary, null when there is none.
    layer
        Layer of a GeoPackage; by default the first that has shapes.

    Returns
    -------
    Described
        Its facts are ``format``, ``layer``, ``layers``, ``features``, ``empty`` (rows without a shape),
        ``geometry``, ``columns``, ``crs``, ``crs_name``, ``candidates``, ``bounds``, ``lonlat``,
        ``examined``, ``invalid``.

    Raises
    ------
    ExtraMissingError
        If pyogrio is not installed.
    """
    chosen = limits or VectorLimits()
    try:
        import pyogrio  # noqa: F401 - asked for first, so that its absence is said first
    except ImportError as error:
        raise ExtraMissingError(
            "la lecture des couches géographiques demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install geo",
        ) from error
    if path.stat().st_size > chosen.size:
        return refused(path.name, Kind.VECTOR, "le fichier est trop gros.", "Découpez-le.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubts are told below, in French
            return _describe(path, places.locate(path, folder), layer, chosen, data=data)
    except RefusedError as refusal:
        return refused(path.name, Kind.VECTOR, refusal.reason, refusal.fix)
    except Exception as error:  # noqa: BLE001 - a hostile file may make GDAL raise anything
        reason = f"la couche est incomplète ou abîmée ({type(error).__name__})."
        return refused(path.name, Kind.VECTOR, reason, _AGAIN)


def _describe(
    path: Path, found: places.Located, layer: str | None, limits: VectorLimits, *, data: bool
) -> Described:
    layers = _layers(found)
    name = _chosen(layers, layer)
    told, seen = _read(found, name, limits, data=data)
    doubts = [*found.doubts]
    located, more = _locate(seen, found.declared or told.get("crs"))
    doubts += more
    doubts += _judge(seen)
    others = ", ".join(one for one, kind in layers if kind and one != name)
    if others and layer is None:
        doubts.append(Doubt(kind="layers", message=f"Couche lue : « {name} ». Autres couches : {others}."))
    facts: dict[str, Any] = {
        "format": found.form,
        "layer": name or "",
        "layers": [one for one, _ in layers],
        "features": seen.features,
        "empty": seen.empty,
        "geometry": str(told.get("geometry_type") or ""),
        "columns": [str(one) for one in told.get("fields", ())],
        **located,
        "examined": seen.examined,
        "invalid": sum(seen.faulty.values()),
    }
    return described(
        path.name,
        Kind.VECTOR,
        facts,
        repairs=found.repairs,
        doubts=tuple(doubts),
        data=_joined(seen.kept) if data else None,
    )


def _layers(found: places.Located) -> list[tuple[str, str]]:
    """Return the layers, with what shapes they hold; a layer without shapes is a plain table."""
    import pyogrio

    if found.form == "GeoJSON":
        return []
    listed = pyogrio.list_layers(found.source)
    return [(str(name), "" if kind is None else str(kind)) for name, kind in listed]


def _chosen(layers: list[tuple[str, str]], layer: str | None) -> str | None:
    if layer is not None and layer not in {name for name, _ in layers}:
        names = ", ".join(name for name, _ in layers) or "aucune"
        raise RefusedError(f"ce fichier n'a pas de couche « {layer} ».", f"Couches : {names}.")
    if layer is not None or not layers:
        return layer
    shaped = [name for name, kind in layers if kind]
    if not shaped:
        raise RefusedError("ce fichier ne contient aucune forme.", _AGAIN)
    return shaped[0]


def _read(
    found: places.Located, layer: str | None, limits: VectorLimits, *, data: bool
) -> tuple[dict[str, Any], _Seen]:
    """Read a layer batch after batch; keep them only when they are asked for."""
    import pyarrow as pa
    import pyogrio

    more = {"encoding": found.encoding} if found.encoding else {}
    seen = _Seen()
    with pyogrio.open_arrow(found.source, layer=layer, use_pyarrow=True, batch_size=_BATCH, **more) as (
        told,
        reader,
    ):
        geometry = told["geometry_name"] or "wkb_geometry"
        for batch in reader:
            table = pa.Table.from_batches([batch])
            shapes = table[geometry].combine_chunks().cast(pa.binary())
            seen.features += table.num_rows
            if seen.features > limits.features:
                raise RefusedError("la couche a trop de formes.", "Découpez-la.")
            _examine(shapes, seen, limits)
            cleaned, bad = _readable(table.drop([geometry]))
            seen.bad_text += bad
            if data:
                seen.kept.append(cleaned.append_column(_GEOMETRY, shapes))
    return dict(told), seen


def _examine(shapes: pa.Array, seen: _Seen, limits: VectorLimits) -> None:
    start = seen.features - len(shapes)
    held = shapes.to_pylist()
    seen.empty += shapes.null_count
    found = examine(held, validity=seen.examined < limits.examined)
    seen.boxes.append(found.boxes)
    if seen.examined < limits.examined:
        seen.examined += len(held) - shapes.null_count
    for row, fault in sorted(found.faults.items()):
        seen.faulty[fault] += 1
        if len(seen.fault_rows) < _SHOWN:
            seen.fault_rows.append(start + row + 1)


def _readable(table: pa.Table) -> tuple[pa.Table, int]:
    """Return a table whose texts are all valid, and how many were not."""
    import pyarrow as pa

    bad = 0
    for index, column in enumerate(table.columns):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            raw = column.cast(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary())
            texts = [None if one is None else one.decode("cp1252", "replace") for one in raw.to_pylist()]
            bad += sum(one is not None for one in texts)
            table = table.set_column(index, table.column_names[index], pa.array(texts, pa.string()))
    return table, bad


def _joined(kept: list[Any]) -> Any:
    import pyarrow as pa

    return (
        pa.concat_tables(kept, promote_options="permissive")
        if kept
        else pa.table({_GEOMETRY: pa.array([], pa.binary())})
    )


def _locate(seen: _Seen, declared: Any) -> tuple[dict[str, Any], list[Doubt]]:
    """Return where the layer lies, and what is doubtful about it: as a whole, then shape by shape."""
    import numpy as np

    boxes = np.concatenate(seen.boxes) if seen.boxes else np.empty((0, 4))
    rows = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    known = crs.place(str(declared) if declared else None)
    named = {
        "crs": "" if known is None else known.code or known.name,
        "crs_name": "" if known is None else known.name,
    }
    if not len(rows):
        return {**named, "candidates": [], "bounds": None, "lonlat": None}, [
            Doubt(kind="no_shape", message="Aucune forme n'a de coordonnées.")
        ]
    whole = _bounds(boxes[rows])
    doubts = list(crs.check(whole, known, given=bool(declared)))
    apart = _apart(boxes, rows, known)
    if apart is not None:
        doubts = [*[one for one in doubts if one.kind == "crs_absent"], apart]
    degrees = None if known is None else crs.lon_lat(whole, known)
    return {
        **named,
        "candidates": [code for code, _ in crs.candidates(whole)] if doubts else [],
        "bounds": list(whole),
        "lonlat": None if degrees is None else [round(value, 6) for value in degrees],
    }, doubts


def _bounds(boxes: Any) -> crs.Bounds:
    return (
        float(boxes[:, 0].min()),
        float(boxes[:, 1].min()),
        float(boxes[:, 2].max()),
        float(boxes[:, 3].max()),
    )


def _apart(boxes: Any, rows: Any, known: crs.Place | None) -> Doubt | None:
    """Tell of shapes that are in another system than the others: some of them, not all."""
    import numpy as np

    held = boxes[rows]
    small = (np.abs(held[:, [0, 2]]).max(axis=1) <= 360) & (np.abs(held[:, [1, 3]]).max(axis=1) <= 90)
    degrees = known.degrees if known is not None else small.sum() * 2 >= len(small)
    other = ~small if degrees else small
    kind, said = "crs_mixed", "ont des coordonnées d'un autre système que les autres"
    if degrees and not other.any():
        other = crs.swapped_points(held[:, 0], held[:, 1]) & crs.swapped_points(held[:, 2], held[:, 3])
        kind, said = "axes", "ont latitude et longitude inversées"
    count = int(other.sum())
    if not 0 < count < len(held):
        return None
    shown = tuple(int(row) + 1 for row in rows[np.flatnonzero(other)][:_SHOWN])
    nouns = french.count(count, "forme")
    return Doubt(kind=kind, message=f"{nouns} sur {len(held)} {said}.", lines=shown, count=count)


def _judge(seen: _Seen) -> Iterator[Doubt]:
    if not seen.features:
        yield Doubt(kind="empty", message="La couche n'a aucune forme.")
    elif seen.empty:
        said = french.count(seen.empty, "ligne")
        yield Doubt(kind="no_shape", message=f"{said} sans forme sur {seen.features}.", count=seen.empty)
    for fault, count in seen.faulty.most_common():
        said = french.count(count, "forme invalide", "formes invalides")
        yield Doubt(kind="invalid", message=f"{said} : {fault}.", lines=tuple(seen.fault_rows), count=count)
    if 0 < seen.examined < seen.features - seen.empty:
        said = f"La validité n'a été vérifiée que pour les {french.number(seen.examined)} premières formes."
        yield Doubt(kind="sample", message=said)
    if seen.bad_text:
        said = french.count(seen.bad_text, "texte")
        yield Doubt(kind="encoding", message=f"{said} dans un autre codage que celui qui est déclaré.")
