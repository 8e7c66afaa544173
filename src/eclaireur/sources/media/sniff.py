"""Tells images, maps and sounds by their first bytes; a name only counts when bytes say nothing."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from eclaireur.sources.media.described import Kind

__all__ = ["IMAGES", "SOUNDS", "is_geojson", "kind_of", "match"]

IMAGES: dict[str, re.Pattern[bytes]] = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL),
    "WebP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "HEIC": re.compile(rb".{4}ftyp(heic|heix|hevc|mif1|msf1|avif|avis)", re.DOTALL),
    "Photoshop": re.compile(rb"8BPS\0"),
    "JPEG 2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    "icône": re.compile(rb"\0\0[\x01\x02]\0[^\0]\0"),
    "PNM": re.compile(rb"P[1-7]\s+(\d+\s+\d+\s+\d|WIDTH)"),
    "DDS": re.compile(rb"DDS \x7c\0\0\0"),
    "SGI": re.compile(rb"\x01\xda[\0\x01][\x01\x02]"),
    "BLP": re.compile(rb"BLP[12]"),
    "FLI": re.compile(rb".{4}[\x11\x12]\xaf", re.DOTALL),
    "PCX": re.compile(rb"\x0a[\0-\x05][\0\x01][\x01\x02\x04\x08]"),
    "SVG": re.compile(rb"\s*(<\?xml[^>]{0,200}>\s*)?(<!--.{0,200}?-->\s*)?<svg[\s>]", re.DOTALL),
}
SOUNDS: dict[str, re.Pattern[bytes]] = {
    "WAV": re.compile(rb"(RIFF|RIFX|RF64|BW64).{4}WAVE", re.DOTALL),
    "FLAC": re.compile(rb"fLaC"),
    "OGG": re.compile(rb"OggS\0"),
    "MP3": re.compile(rb"ID3[\x02-\x04]|\xff[\xfa\xfb\xf2\xf3\xe2\xe3]"),
    "AIFF": re.compile(rb"FORM.{4}AIF[FC]", re.DOTALL),
    "AU": re.compile(rb"\.snd\0"),
    "ANI": re.compile(rb"RIFF.{4}ACON", re.DOTALL),
    "MP4": re.compile(rb".{4}ftyp(M4A|mp4|isom|M4B)", re.DOTALL),
    "ASF": re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    "AMR": re.compile(rb"#!AMR"),
}
_READ_ELSEWHERE = {"GIF", "BMP", "WebP", "PNM"}
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
_SHAPE = b"\x00\x00\x27\x0a"
_GEOJSON = re.compile(
    rb'\s*\{.{0,4000}?"type"\s*:\s*"(FeatureCollection|Feature|(Multi)?(Point|LineString|Polygon)'
    rb'|GeometryCollection)"',
    re.DOTALL,
)
_SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif", ".webp", ".heic", ".heif", ".bmp"), Kind.IMAGE),
    **dict.fromkeys((".tif", ".tiff", ".vrt"), Kind.RASTER),
    **dict.fromkeys((".gpkg", ".shp", ".shx", ".geojson"), Kind.VECTOR),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".wma", ".amr"), Kind.AUDIO),
}
_HEAD = 4400


def match(forms: dict[str, re.Pattern[bytes]], head: bytes) -> str:
    """Return the name of the first form whose signature opens a file; empty when none does."""
    return next((name for name, form in forms.items() if form.match(head)), "")


def is_geojson(head: bytes) -> bool:
    """Tell whether a file begins as GeoJSON does: an object whose ``type`` is one of its types."""
    return _GEOJSON.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def kind_of(path: Path) -> Kind | None:
    """Return the kind of a file that is no table; None when it may be one, or is absent.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "photo.csv"
    >>> _ = path.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
    >>> kind_of(path)
    <Kind.IMAGE: 'image'>
    """
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if _TIFF.match(head):
        return Kind.RASTER
    if head.startswith(_SHAPE) or _is_geopackage(head, path) or is_geojson(head) or _holds_shapes(path, head):
        return Kind.VECTOR
    if match(SOUNDS, head):
        return Kind.AUDIO
    form = match(IMAGES, head)
    if form in _READ_ELSEWHERE:
        return None  # scanned pages come in these too: a reader of documents takes them
    if form:
        return Kind.IMAGE
    return _SUFFIXES.get(path.suffix.lower())


def _is_geopackage(head: bytes, path: Path) -> bool:
    if not head.startswith(b"SQLite format 3\0"):
        return False
    # Version 1.0 and 1.1 say so at byte 68; later ones too, but writers forget it.
    return head[68:72] in {b"GPKG", b"GP10", b"GP11"} or path.suffix.lower() == ".gpkg"


def _holds_shapes(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
    return any(name.lower().endswith((".shp", ".gpkg")) for name in names[:2000])
