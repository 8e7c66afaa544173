"""Images of the ground in GeoTIFF and COG, by rasterio: read by windows, never whole."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import ExtraMissingError, FileRefusedError
from eclaireur.sources.media import crs
from eclaireur.sources.media.described import Described, Kind, described, refused
from eclaireur.sources.reading import Doubt, Repair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RasterLimits", "Window", "read_raster", "windows"]

_AGAIN = "Exportez-la de nouveau en GeoTIFF."
_SIDE = 512
_SETTINGS = {
    # One file is opened, the one that was given: no neighbour, no other driver, no network.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_NUM_THREADS": "1",
    "GDAL_CACHEMAX": 128_000_000,
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_TIMEOUT": "1",
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    "PROJ_NETWORK": "OFF",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterLimits:
    """Sizes above which a raster is refused, before anything is expanded, and how much of it is looked at.

    Parameters
    ----------
    pixels
        Width by height.
    values
        Width by height by bands.
    ratio
        Greatest expansion of the file, in bytes.
    seconds, looked
        Seconds spent and values read to look at it; a larger one is looked at in places.
    """

    pixels: int = 20_000_000_000
    values: int = 100_000_000_000
    ratio: int = 5_000
    seconds: float = 8.0
    looked: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a raster: its first row and column from the north-west, and its values.

    Parameters
    ----------
    values
        Masked array of shape (bands, rows, columns); masked where there is no data, NaN included.
    """

    row: int
    column: int
    values: np.ma.MaskedArray[Any, Any]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import rasterio
    except ImportError as error:
        raise ExtraMissingError(
            "la lecture des images géographiques demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install geo",
        ) from error
    import warnings

    with warnings.catch_warnings(), rasterio.Env(**_SETTINGS):
        warnings.simplefilter("ignore")  # doubts are told in French
        # An absolute path: no prefix such as /vsicurl/ can be taken for a place on the network.
        name = str(path.resolve())
        if name.startswith("/vsi"):
            raise FileRefusedError("ce nom de dossier n'est pas admis.", file=path.name)
        with rasterio.open(name, driver="GTiff", sharing=False) as source:
            yield source


def read_raster(path: Path, *, data: bool = False, limits: RasterLimits | None = None) -> Described:
    """Read one GeoTIFF; one that cannot be read gives a description that says why, never an exception.

    Parameters
    ----------
    data
        Also give a reduced image, of 1024 pixels at most on a side: columns ``band``, ``row``, ``column``
        and ``value``, without the pixels that hold nothing. The whole is read by `windows`.

    Returns
    -------
    Described
        Its facts are ``width``, ``height`` (pixels), ``bands``, ``type``, ``nodata``, ``crs``, ``crs_name``,
        ``candidates`` (systems that would fit), ``bounds`` (in the units of the system), ``lonlat``,
        ``resolution``, ``tiled``, ``overviews``, ``looked`` (share of the pixels read), and for each band
        ``minimum`` and ``maximum``.

    Raises
    ------
    ExtraMissingError
        If rasterio is not installed.
    """
    chosen = limits or RasterLimits()
    with path.open("rb") as stream:
        if stream.read(4) not in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
            reason = (
                "ce fichier n'est pas une image TIFF : les fichiers qui en désignent d'autres sont refusés."
            )
            return refused(path.name, Kind.RASTER, reason, _AGAIN)
    try:
        with _opened(path) as source:
            too_much = _too_large(source, path, chosen)
            if too_much:
                return refused(path.name, Kind.RASTER, too_much, "Découpez-la.")
            return _describe(path, source, chosen, data=data)
    except ExtraMissingError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile file may make GDAL raise anything
        reason = f"l'image est incomplète ou abîmée ({type(error).__name__})."
        return refused(path.name, Kind.RASTER, reason, _AGAIN)


def _too_large(source: Any, path: Path, limits: RasterLimits) -> str:
    pixels = source.width * source.height
    values = pixels * source.count
    if pixels > limits.pixels or values > limits.values:
        return f"l'image a {french.number(pixels / 1e6)} millions de pixels, c'est trop."
    size = values * _bytes_of(source)
    if size > max(path.stat().st_size * limits.ratio, 100_000_000):
        return f"l'image grossit démesurément ({french.number(size / 1e6)} Mo une fois ouverte)."
    # One block is read at a time: it must be of a reasonable size too.
    if any(rows * columns > 100_000_000 for rows, columns in source.block_shapes):
        return "l'image est faite de blocs trop grands pour être lue par morceaux."
    return ""


def _bytes_of(source: Any) -> int:
    import numpy as np

    return max(
        int(np.dtype(kind).itemsize) if not kind.startswith("complex_int") else 4 for kind in source.dtypes
    )


@dataclass(slots=True)
class _Seen:
    """What was seen of the pixels."""

    low: list[float]
    high: list[float]
    pixels: int = 0
    filled: int = 0
    not_numbers: int = 0
    broken: int = 0
    windows: int = 0


def _look(source: Any, limits: RasterLimits) -> _Seen:
    """Read windows all over the raster, until there is no more time."""
    import numpy as np
    from rasterio.errors import RasterioIOError

    seen = _Seen([math.inf] * source.count, [-math.inf] * source.count)
    spans = list(_spans(source))
    # Every k-th window, so that a part of a large raster is looked at all over.
    share = source.width * source.height * source.count / max(limits.looked, 1)
    until = time.monotonic() + limits.seconds
    for window in spans[:: max(1, math.ceil(share))]:
        seen.windows += 1
        try:
            values = source.read(window=window, masked=True)
        except (RasterioIOError, ValueError, MemoryError):
            seen.broken += 1
            continue
        hidden = np.ma.getmaskarray(values)
        if values.dtype.kind == "f":
            missing = np.isnan(values.data) & ~hidden
            seen.not_numbers += int(missing.sum())
            hidden = hidden | missing
        seen.pixels += values.shape[1] * values.shape[2]
        seen.filled += int((~hidden).any(axis=0).sum())
        if values.dtype.kind != "c":
            for band in range(source.count):
                shown = values.data[band][~hidden[band]]
                if shown.size:
                    seen.low[band] = min(seen.low[band], float(shown.min()))
                    seen.high[band] = max(seen.high[band], float(shown.max()))
        if time.monotonic() > until:
            break
    return seen


def _spans(source: Any, side: int = _SIDE) -> Iterator[Any]:
    """Cut a raster into windows of whole blocks, about ``side`` pixels wide."""
    from rasterio.windows import Window as Span

    rows, columns = source.block_shapes[0]
    high = rows * max(1, side // rows)
    # A strip is as wide as the raster: reading part of it would expand it whole each time.
    wide = columns * max(1, side // columns)
    if high * wide > 4 * side * side:
        high = rows
    for row in range(0, source.height, high):
        for column in range(0, source.width, wide):
            yield Span(column, row, min(wide, source.width - column), min(high, source.height - row))


def _describe(path: Path, source: Any, limits: RasterLimits, *, data: bool) -> Described:
    seen = _look(source, limits)
    if seen.broken == seen.windows:
        return refused(path.name, Kind.RASTER, "aucun morceau de l'image ne peut être lu.", _AGAIN)
    repairs, doubts = _judge(source, seen)
    facts: dict[str, Any] = {
        "width": source.width,
        "height": source.height,
        "bands": source.count,
        "type": source.dtypes[0],
        "nodata": _plain(source.nodata),
        "colours": [one.name for one in source.colorinterp],
        "tiled": bool(source.profile.get("tiled", False)),
        "overviews": list(source.overviews(1)),
        "looked": round(seen.pixels / (source.width * source.height), 4),
        "minimum": [_plain(value) for value in seen.low],
        "maximum": [_plain(value) for value in seen.high],
    }
    located, more = _locate(source)
    return described(
        path.name,
        Kind.RASTER,
        {**facts, **located},
        repairs=tuple(repairs),
        doubts=(*more, *doubts),
        data=_reduced(source) if data else None,
    )


def _plain(value: float | None) -> float | None:
    """Return a number that JSON can hold."""
    return float(value) if value is not None and math.isfinite(value) else None


def _judge(source: Any, seen: _Seen) -> tuple[list[Repair], list[Doubt]]:
    repairs, doubts = [], []
    if seen.not_numbers and (source.nodata is None or not math.isnan(source.nodata)):
        said = "Des pixels ne sont pas des nombres (NaN) : ils sont lus comme des absences de mesure."
        repairs.append(Repair(kind="nan", message=said))
    if source.transform.e > 0 and not source.transform.is_identity:
        said = "L'image est rangée du sud au nord : elle est lue du nord au sud."
        repairs.append(Repair(kind="south_up", message=said))
    if not seen.filled and seen.pixels:
        doubts.append(Doubt(kind="empty", message="Aucun pixel lu ne porte de mesure."))
    if seen.broken:
        said = french.count(seen.broken, "morceau illisible", "morceaux illisibles")
        doubts.append(Doubt(kind="broken", message=f"L'image est abîmée : {said}.", count=seen.broken))
    return repairs, doubts


def _located_by_points(source: Any) -> bool:
    return bool(source.gcps[0]) or source.rpcs is not None


def _locate(source: Any) -> tuple[dict[str, Any], list[Doubt]]:
    """Return where the raster lies, and what is doubtful about it."""
    if source.transform.is_identity:
        if _located_by_points(source):
            said = "L'image n'est placée que par des points d'appui : elle doit être redressée avant usage."
            return {"crs": "", "bounds": None}, [Doubt(kind="points", message=said)]
        said = "L'image n'est pas géoréférencée : rien ne dit où elle se trouve."
        return {"crs": "", "bounds": None}, [Doubt(kind="no_place", message=said)]
    doubts = []
    if source.transform.b or source.transform.d:
        said = (
            "L'image est inclinée : ses bords ne suivent pas les axes. Redressez-la avant de la superposer."
        )
        doubts.append(Doubt(kind="rotated", message=said))
    west, south, east, north = _corners(source)
    bounds: crs.Bounds = (west, south, east, north)
    declared = crs.place(source.crs.to_wkt() if source.crs else None)
    doubts += crs.check(bounds, declared, given=bool(source.crs))
    degrees = None if declared is None else crs.lon_lat(bounds, declared)
    return {
        "crs": "" if declared is None else declared.code or declared.name,
        "crs_name": "" if declared is None else declared.name,
        "candidates": [code for code, _ in crs.candidates(bounds)] if doubts else [],
        "bounds": [west, south, east, north],
        "lonlat": None if degrees is None else [round(value, 6) for value in degrees],
        "resolution": [abs(source.res[1]), abs(source.res[0])],
    }, doubts


def _corners(source: Any) -> crs.Bounds:
    """Return the bounds of the four corners, whichever way rows go."""
    turn = source.transform
    corners = [(column, row) for column in (0, source.width) for row in (0, source.height)]
    x = [turn.a * column + turn.b * row + turn.c for column, row in corners]
    y = [turn.d * column + turn.e * row + turn.f for column, row in corners]
    return min(x), min(y), max(x), max(y)


def _reduced(source: Any, side: int = 1024) -> Any:
    import numpy as np
    import pyarrow as pa

    step = max(1.0, max(source.width, source.height) / side)
    shape = (source.count, max(1, int(source.height / step)), max(1, int(source.width / step)))
    values = _upright(source, source.read(out_shape=shape, masked=True))
    band, row, column = np.nonzero(~np.ma.getmaskarray(values))
    return pa.table(
        {
            "band": pa.array((band + 1).astype(np.int32)),
            "row": pa.array(row.astype(np.int32)),
            "column": pa.array(column.astype(np.int32)),
            "value": pa.array(values.data[band, row, column].astype(np.float64)),
        }
    )


def _upright(source: Any, values: NDArray[Any]) -> np.ma.MaskedArray[Any, Any]:
    """Return values from north to south, masked where they are not numbers."""
    import numpy as np

    turned = values[:, ::-1, :] if source.transform.e > 0 and not source.transform.is_identity else values
    if turned.dtype.kind == "f":
        return np.ma.masked_invalid(turned, copy=False)
    return np.ma.masked_array(turned)


def windows(path: Path, *, side: int = _SIDE) -> Iterator[Window]:
    """Give a raster piece by piece, from the north-west, in bounded memory.

    Parameters
    ----------
    side
        About how many pixels a piece is wide and high; pieces follow the blocks of the file.

    Raises
    ------
    FileRefusedError
        If the raster is refused, or a piece cannot be read.
    """
    looked = read_raster(path, limits=RasterLimits(seconds=0, looked=1))
    if looked.reason:
        raise FileRefusedError(looked.reason, fix=looked.fix, file=path.name)
    from rasterio.errors import RasterioIOError

    with _opened(path) as source:
        spans = list(_spans(source, side))
        south_up = source.transform.e > 0 and not source.transform.is_identity
        for span in sorted(spans, key=lambda one: -one.row_off) if south_up else spans:
            try:
                values = _upright(source, source.read(window=span, masked=True))
            except RasterioIOError as error:
                raise FileRefusedError(
                    "un morceau de l'image est illisible.", fix=_AGAIN, file=path.name
                ) from error
            row = source.height - span.row_off - span.height if south_up else span.row_off
            yield Window(int(row), int(span.col_off), values)
