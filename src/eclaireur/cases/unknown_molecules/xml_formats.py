"""MS2 spectra of mzML and mzXML files, read as a stream without DTD, entities or network."""

from __future__ import annotations

import base64
import binascii
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eclaireur.cases.unknown_molecules.isotopes import around

__all__ = ["mzml", "mzxml"]

_LARGEST = 64 * 2**20
"""Most bytes of one unpacked array: no spectrum has more."""
_TERMS = {
    "MS:1000511": "level",
    "MS:1000128": "profile",
    "MS:1000130": "positive",
    "MS:1000129": "negative",
    "MS:1000744": "precursor",
    "MS:1000045": "energy",
    "MS:1000016": "retention",
    "MS:1000514": "mz",
    "MS:1000515": "intensity",
    "MS:1000523": "double",
    "MS:1000521": "single",
    "MS:1000574": "zlib",
}
"""Terms of the PSI controlled vocabulary that are used."""
_PACKED = {"MS:1002312", "MS:1002313", "MS:1002314", "MS:1002746", "MS:1002747", "MS:1002748"}
_SECONDS = "UO:0000010"


def _elements(path: Path, name: str) -> Iterator[Any]:
    """Give each element of a name, then free it; end with None when the file is cut."""
    from lxml import etree  # type: ignore[import-untyped]

    opener = gzip.open if path.name.casefold().endswith(".gz") else open
    with opener(path, "rb") as stream:
        try:
            for _, element in etree.iterparse(
                stream, tag=f"{{*}}{name}", resolve_entities=False, load_dtd=False, no_network=True
            ):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        except (etree.XMLSyntaxError, EOFError, gzip.BadGzipFile):
            yield None


def mzml(path: Path) -> Iterator[dict[str, Any]]:
    """Read the spectra of an mzML file that are of level 2 or of no stated level.

    Each has the peaks of the MS1 spectrum before it, when that one is centroided.
    """
    survey: dict[str, Any] = {}
    for line, element in enumerate(_elements(path, "spectrum"), start=1):
        if element is None:
            yield {"line": line, "cut": True}
            return
        row = _mzml_row(element) | {"line": line}
        if row.get("level") == 1:
            survey = {} if row.get("profile") else row
        if row.get("level") in (None, 2):
            yield row | _isotopes(survey, row.get("precursor"))


def _isotopes(survey: dict[str, Any], precursor: float | None) -> dict[str, Any]:
    """Return the peaks of an MS1 spectrum around a precursor."""
    mz, heights = survey.get("mz"), survey.get("intensity")
    if not mz or not heights or len(mz) != len(heights) or not precursor:
        return {}
    if "ordered" not in survey:
        ordered = sorted(zip(mz, heights, strict=True))
        survey["ordered"] = [one for one, _ in ordered], [one for _, one in ordered]
    ordered_mz, ordered_heights = survey["ordered"]
    near, height = around(ordered_mz, ordered_heights, precursor)
    return {"ms1_mz": near, "ms1_intensity": height} if near else {}


def _mzml_row(element: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"spectrum": element.get("id")}
    for term in element.iter("{*}cvParam"):
        name, value = _TERMS.get(term.get("accession")), term.get("value")
        if name in {"positive", "negative"}:
            row["mode"] = name
        elif name == "profile":
            row["profile"] = True
        elif name == "level":
            row["level"] = int(value) if value and value.isdigit() else None
        elif name == "precursor" and "precursor" not in row:
            row |= _precursor(value)
        elif name == "energy":
            row["energy_text"] = value
        elif name == "retention" and (time := _number(value)) is not None:
            row["retention"] = time / (60 if term.get("unitAccession") == _SECONDS else 1)
    for array in element.iter("{*}binaryDataArray"):
        terms = {term.get("accession") for term in array.iter("{*}cvParam")}
        names = {_TERMS.get(term) for term in terms}
        kind = "mz" if "mz" in names else "intensity" if "intensity" in names else ""
        if not kind:
            continue
        if terms & _PACKED:
            row["trouble"] = "compression « MS-Numpress » non lue : exportez en mzML avec zlib."
            continue
        text = array.findtext("{*}binary") or ""
        values = _numbers(text, packed="zlib" in names, double="double" in names, order="<")
        if values is None:
            row["trouble"] = "données binaires illisibles."
        else:
            row[kind] = values
    return row


def mzxml(path: Path) -> Iterator[dict[str, Any]]:
    """Read the scans of an mzXML file that are of level 2, with the peaks of the MS1 scan before each."""
    survey: dict[str, Any] = {}
    number = ""
    for element in _elements(path, "scan"):
        if element is None:
            yield {"line": None, "cut": True}
            return
        level = element.get("msLevel")
        if level == "1":
            if element.get("num") != number:
                survey, number = _survey(element)
            continue
        if level not in (None, "2"):
            continue
        above = element.getparent()
        # An MS2 scan may be inside its MS1 scan, whose own peaks come first in the file.
        inside = above is not None and above.get("msLevel") == "1"
        if inside and above.get("num") != number:
            survey, number = _survey(above)
        row = _scan_row(element)
        parent = element.find("{*}precursorMz")
        if parent is not None and parent.text:
            row |= _precursor(parent.text)
        yield row | _isotopes(survey, row.get("precursor"))


def _survey(element: Any) -> tuple[dict[str, Any], str]:
    """Return an MS1 scan, empty when it is in profile mode, and its number."""
    row = {} if element.get("centroided") == "0" else _scan_row(element)
    return row, element.get("num") or ""


def _scan_row(element: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "spectrum": f"scan={element.get('num')}",
        "line": int(element.get("num")) if (element.get("num") or "").isdigit() else None,
        "level": 2,
        "mode": element.get("polarity"),
        "energy_text": element.get("collisionEnergy"),
    }
    seconds = re.fullmatch(r"PT([\d.]+)S", element.get("retentionTime") or "")
    if seconds and (time := _number(seconds[1])) is not None:
        row["retention"] = time / 60
    peaks = element.find("{*}peaks")
    if peaks is not None:
        packed = peaks.get("compressionType") == "zlib"
        double = peaks.get("precision") == "64"
        values = _numbers(peaks.text or "", packed=packed, double=double, order=">")
        if values is None:
            row["trouble"] = "données binaires illisibles."
        else:
            row |= {"mz": values[::2], "intensity": values[1::2]}
    return row


def _number(text: str | None) -> float | None:
    """Read a number, its decimal mark a point or a comma; None for anything else."""
    try:
        found = float((text or "").strip().replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _precursor(text: str | None) -> dict[str, Any]:
    """Return the m/z of a precursor, or what was written in its place."""
    found = _number(text)
    return {"precursor": found} if found is not None else {"said_precursor": (text or "").strip()}


def _numbers(text: str, *, packed: bool, double: bool, order: str) -> list[float] | None:
    """Decode an array of numbers; None when it is damaged."""
    import numpy as np

    try:
        content = base64.b64decode(text, validate=False)
        if packed:
            unpacking = zlib.decompressobj()
            content = unpacking.decompress(content, _LARGEST)
            if not unpacking.eof:
                return None
        values: list[float] = np.frombuffer(content, f"{order}f{8 if double else 4}").astype(float).tolist()
    except (binascii.Error, zlib.error, ValueError):
        return None
    return values
