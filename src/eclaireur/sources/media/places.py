"""Finds the files of a layer and checks them before GDAL opens anything: no file is taken for another."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from eclaireur.sources.media.sniff import is_geojson
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.refusals import RefusedError

__all__ = ["Located", "locate"]

_AGAIN = "Exportez la couche de nouveau, en GeoPackage."
_GEOJSON_SIZE = 300_000_000
_EXPANDED = 4_000_000_000
_RATIO = 200
_SIDECARS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A layer ready to be opened.

    Parameters
    ----------
    source
        Absolute path, or bytes in memory.
    form
        ``GeoPackage``, ``Shapefile`` or ``GeoJSON``.
    encoding
        Encoding to impose on texts; empty for what the file says.
    declared
        Coordinate system that the file declares in its own way.
    """

    source: Any
    form: str
    encoding: str = ""
    declared: str = ""
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def locate(path: Path, folder: Path) -> Located:
    """Return the layer of a file, the files of an archive being written in ``folder``.

    Raises
    ------
    RefusedError
        If it is no layer, or lacks a part.
    """
    with path.open("rb") as stream:
        head = stream.read(4400)
    if head.startswith(b"PK\x03\x04"):
        return locate(_unzip(path, folder), folder)
    if head.startswith(b"SQLite format 3\0"):
        return _geopackage(path)
    if head.startswith(b"\x00\x00\x27\x0a"):
        return _shapefile(path)
    if is_geojson(head):
        return _geojson(path)
    raise RefusedError("ce fichier n'est pas une couche géographique.", _AGAIN)


def _absolute(path: Path) -> str:
    name = str(path.resolve())
    if name.startswith("/vsi"):
        raise RefusedError("ce nom de dossier n'est pas admis.", "Placez le fichier ailleurs.")
    return name


def _unzip(path: Path, folder: Path) -> Path:
    """Write the parts of the one layer of an archive in the folder, under plain names."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir()]
            heads = [one for one in entries if one.filename.lower().endswith((".shp", ".gpkg"))]
            if len(heads) != 1:
                raise RefusedError(
                    f"cette archive contient {len(heads)} couches, une seule était attendue.",
                    "Donnez une archive par couche.",
                )
            stem = PurePosixPath(heads[0].filename).with_suffix("").as_posix().lower()
            suffixes = (".gpkg",) if heads[0].filename.lower().endswith(".gpkg") else _SIDECARS
            wanted = {
                PurePosixPath(one.filename).suffix.lower(): one
                for one in entries
                if PurePosixPath(one.filename).with_suffix("").as_posix().lower() == stem
                and PurePosixPath(one.filename).suffix.lower() in suffixes
            }
            total = sum(one.file_size for one in wanted.values())
            if total > _EXPANDED or total > max(path.stat().st_size * _RATIO, 10_000_000):
                raise RefusedError("cette archive grossit démesurément.", _AGAIN)
            if any(one.flag_bits & 1 for one in wanted.values()):
                raise RefusedError(
                    "cette archive est protégée par un mot de passe.", "Retirez la protection."
                )
            for suffix, entry in wanted.items():
                with archive.open(entry) as source, (folder / f"couche{suffix}").open("wb") as target:
                    _copy(source, target, entry.file_size)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise RefusedError("cette archive est abîmée.", _AGAIN) from error
    return folder / f"couche{suffixes[0]}"


def _copy(source: Any, target: Any, size: int) -> None:
    shutil.copyfileobj(source, target)
    if target.tell() != size:
        raise RefusedError("cette archive ment sur sa taille.", _AGAIN)


def _geopackage(path: Path) -> Located:
    with path.open("rb") as stream:
        head = stream.read(100)
    mark = head[68:72]
    doubts = []
    if mark not in {b"GPKG", b"GP10", b"GP11"}:
        message = "Le fichier ne dit pas qu'il est un GeoPackage : il est lu comme tel."
        doubts.append(Doubt(kind="mark", message=message))
    journal = path.with_name(f"{path.name}-wal")
    if journal.is_file() and journal.stat().st_size:
        message = "Un autre logiciel avait le fichier ouvert : ses dernières modifications peuvent manquer."
        doubts.append(Doubt(kind="open", message=message))
    return Located(source=_absolute(path), form="GeoPackage", doubts=tuple(doubts))


def _shapefile(path: Path) -> Located:
    if path.suffix.lower() != ".shp":
        raise RefusedError("ce fichier n'est que l'index d'une couche.", "Donnez le fichier .shp.")
    beside = {one.suffix.lower(): one for one in path.parent.glob(f"{_escaped(path.stem)}.*")}
    if ".shx" not in beside:
        raise RefusedError(
            "il manque l'index de la couche (.shx), qui va avec le .shp.",
            "Donnez les fichiers .shp, .shx, .dbf et .prj ensemble, ou une archive ZIP.",
        )
    doubts, repairs, encoding = [], [], ""
    if ".dbf" not in beside:
        message = "Les renseignements des formes (.dbf) manquent : seules les formes sont lues."
        doubts.append(Doubt(kind="no_table", message=message))
    elif ".cpg" not in beside:
        encoding = _dbf_encoding(beside[".dbf"])
        if encoding:
            message = f"Le codage des textes n'est pas indiqué (.cpg) : ils sont lus en {encoding}."
            repairs.append(Repair(kind="encoding", message=message))
    return Located(
        source=_absolute(path),
        form="Shapefile",
        encoding=encoding,
        doubts=tuple(doubts),
        repairs=tuple(repairs),
    )


def _escaped(stem: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in stem)


def _dbf_encoding(path: Path) -> str:
    """Return the encoding of a table that declares none; empty when it declares one, or is plain ASCII."""
    with path.open("rb") as stream:
        data = stream.read(5_000_000)
    if len(data) < 30 or data[29]:
        return ""
    body = data[32:]
    if body.isascii():
        return ""
    try:
        # The last letter may have been cut.
        body[: len(body) - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "CP1252"
    return "UTF-8"


def _geojson(path: Path) -> Located:
    """Check a GeoJSON, and give it to GDAL rewritten: it can then be taken for nothing else."""
    if path.stat().st_size > _GEOJSON_SIZE:
        raise RefusedError("ce GeoJSON est trop gros.", "Convertissez-le en GeoPackage.")
    repairs = []
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RefusedError("ce GeoJSON est mal formé ou n'est pas en UTF-8.", _AGAIN) from error
    kind = content.get("type")
    if kind == "FeatureCollection":
        features = content.get("features")
    elif kind == "Feature":
        features = [content]
    else:
        features = [{"type": "Feature", "properties": {}, "geometry": content}]
        repairs.append(
            Repair(kind="geojson", message="Une forme seule a été lue comme une couche d'une forme.")
        )
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise RefusedError("ce GeoJSON n'a pas de liste de formes.", _AGAIN)
    told = content.get("crs")
    name = told.get("properties", {}).get("name", "") if _named(told) else ""
    plain: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": one.get("properties") if isinstance(one.get("properties"), dict) else {},
                "geometry": one.get("geometry") if isinstance(one.get("geometry"), dict) else None,
            }
            for one in features
        ],
    }
    if name:
        plain["crs"] = {"type": "name", "properties": {"name": name}}
    source = io.BytesIO(json.dumps(plain, allow_nan=True).encode())
    declared = name if name and "CRS84" not in name else "EPSG:4326"
    return Located(source=source, form="GeoJSON", declared=declared, repairs=tuple(repairs))


def _named(told: Any) -> bool:
    properties = told.get("properties") if isinstance(told, dict) else None
    return isinstance(properties, dict) and isinstance(properties.get("name"), str)
