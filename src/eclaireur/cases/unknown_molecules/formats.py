"""Files of spectra: MGF, MSP, MassBank records and Parquet here; mzML and mzXML in `xml_formats`.

Metadata are harmonised here rather than by matchms, which asks for another SciPy than ours: what is read is
few names, written in the ways that instruments and libraries write them.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import xml_formats
from eclaireur.cases.unknown_molecules.spectra import checked
from eclaireur.core.errors import FileRefusedError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["encoding_of", "from_table", "has_peaks", "kind_of", "parse_peaks", "read_rows"]

_KEYS: Mapping[str, str] = {
    "accession": "spectrum", "db#": "spectrum", "spectrumid": "spectrum", "spectrum_id": "spectrum",
    "spectrum": "spectrum", "acc": "spectrum", "feature_id": "spectrum",
    "contributor": "laboratory", "laboratory": "laboratory",
    "name": "name", "compound_name": "name", "compoundname": "name", "ch$name": "name",
    "formula": "formula", "molecular_formula": "formula", "ch$formula": "formula",
    "smiles": "smiles", "ch$smiles": "smiles",
    "inchikey": "inchikey", "inchiaux": "inchikey",
    "pepmass": "precursor", "precursormz": "precursor", "precursor_mz": "precursor", "pmz": "precursor",
    "parent_mass_mz": "precursor", "precursor": "precursor",
    "exactmass": "mass", "exact_mass": "mass", "emass": "mass", "ch$exact_mass": "mass",
    "precursortype": "adduct", "precursor_type": "adduct", "adduct": "adduct",
    "ionmode": "mode", "ion_mode": "mode", "mode": "mode", "polarity": "mode",
    "collisionenergy": "energy_text", "collision_energy": "energy_text", "ce": "energy_text",
    "source_instrument": "instrument", "instrument": "instrument", "ac$instrument": "instrument",
    "retentiontime": "retention", "retention_time": "retention", "rt": "retention",
    "rtinminutes": "retention", "rtinseconds": "retention_seconds",
    "column": "column", "column_name": "column",
    "license": "licence", "licence": "licence",
    "mslevel": "level", "ms_level": "level", "ms_type": "level",
    "spectrumtype": "level", "spectrum_type": "level",
    "date": "observed",
    "isotopes": "isotopes", "ms1_isotopic_spectrum": "isotopes", "ms1_peaks": "isotopes",
}  # fmt: skip
"""Names that files give to each field, in lower case."""

_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
_PEAK = re.compile(rf"\s*({_NUMBER})[\s:;,]+({_NUMBER})")
_NAMED = re.compile(r"([A-Za-z_$# /]+?)\s*[=:]\s*(.*)")
_HEAD = 1 << 16
"""Bytes by which the encoding of a text is told."""
_SURVEYS = 200
"""MS1 blocks of a file that are remembered: each comes just before the spectra of its compound."""
_SAME_MZ, _SAME_TIME = 1e-5, 0.3
_NUMBERS = {"pmz", "precursor", "mass", "emass", "retention", "energy"}
_NONE = {"", "n/a", "na", "none", "null", "-"}


def kind_of(path: Path) -> str | None:
    """Return what a file is by its name: mgf, msp, massbank, mzml, mzxml or parquet; None for another.

    A ``.txt`` file is a MassBank record when it begins like one.
    """
    name = path.name.casefold().removesuffix(".gz")
    suffix = name.rpartition(".")[2]
    if suffix in {"mgf", "msp", "mzml", "mzxml", "parquet"}:
        return suffix
    if suffix in {"txt", "massbank", "record"}:
        try:
            with _opened(path) as stream:
                head = stream.readline(200)
        except (OSError, EOFError, UnicodeError):
            return None
        return "massbank" if head.lstrip("\ufeff").startswith("ACCESSION:") else None
    return None


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file of spectra: one row each, harmonised, with its reason when it cannot be searched.

    A file that is cut or damaged gives what comes before.

    Raises
    ------
    FileRefusedError
        If nothing in the file is a spectrum.
    """
    kind = kind_of(path)
    readers: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
        "mgf": _mgf,
        "msp": _msp,
        "massbank": _massbank,
        "mzml": xml_formats.mzml,
        "mzxml": xml_formats.mzxml,
        "parquet": _parquet,
    }
    if kind is None:
        raise FileRefusedError(
            "ce n'est pas un fichier de spectres.",
            file=path.name,
            fix="Formes lues : MGF, MSP, MassBank, mzML, mzXML, Parquet.",
        )
    number = 0
    surveys: deque[dict[str, Any]] = deque(maxlen=_SURVEYS)
    for number, row in enumerate(_guarded(readers[kind](path)), start=1):
        if row.get("level") == 1:
            surveys.append(row)
        elif surveys and not row.get("ms1_mz"):
            _with_isotopes(row, surveys)
        row["spectrum"] = str(row.get("spectrum") or f"{path.name.partition('.')[0]}#{number}")
        row["line"] = number if row.get("line") is None else row["line"]
        yield checked(row)
    if not number:
        raise FileRefusedError(
            "le fichier ne contient aucun spectre.",
            file=path.name,
            fix="Vérifiez que sa forme est celle que dit son nom, et qu'il n'est ni vide ni coupé.",
        )


def _with_isotopes(row: dict[str, Any], surveys: Iterable[dict[str, Any]]) -> None:
    """Give a spectrum the peaks of the MS1 block of its compound: same name, or same precursor and time."""
    mz, time = row.get("precursor") or 0.0, row.get("retention")
    for one in surveys:
        theirs, late = one.get("precursor") or 0.0, one.get("retention")
        named = row.get("spectrum") is not None and row.get("spectrum") == one.get("spectrum")
        timed = time is None or late is None or abs(time - late) <= _SAME_TIME
        if mz and abs(mz - theirs) <= _SAME_MZ * mz and timed and (named or time is not None):
            row["ms1_mz"], row["ms1_intensity"] = one.get("mz"), one.get("intensity")


def _guarded(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give rows until the file breaks; then one row that says so."""
    line = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except (EOFError, gzip.BadGzipFile, zlib.error, OSError, UnicodeError) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile) and not line:
                raise
            yield {"line": line + 1, "cut": True}
            return
        line = row.get("line") or line
        yield row


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    packed = path.name.casefold().endswith(".gz")
    with gzip.open(path, "rb") if packed else path.open("rb") as raw:
        try:
            encoding = encoding_of(raw.read(_HEAD))
        except (EOFError, zlib.error):
            encoding = "utf-8-sig"
    if packed:
        with gzip.open(path, "rt", encoding=encoding, errors="replace") as stream:
            yield stream
    else:
        with path.open(encoding=encoding, errors="replace") as stream:
            yield stream


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by its beginning: what is not UTF-8 is as Windows writes in France."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The beginning may end inside a letter.
        if error.start < len(head) - 3:
            return "cp1252"
    return "utf-8-sig"


def parse_peaks(text: str) -> tuple[list[float], list[float], str | None]:
    """Read peaks written ``mz:intensity`` or ``mz intensity``, between spaces, semicolons or lines.

    >>> parse_peaks("72.04:445 165.10:125")
    ([72.04, 165.1], [445.0, 125.0], None)
    """
    mz: list[float] = []
    heights: list[float] = []
    for part in re.split(
        r"[;\n|]+" if re.search(r"[;\n|]", text) or ":" not in text else r"\s+", text.strip()
    ):
        if not part.strip():
            continue
        found = _PEAK.match(part)
        if found is None:
            return mz, heights, f"pic illisible : « {part.strip()[:40]} »."
        mz.append(_float(found[1]))
        heights.append(_float(found[2]))
    return mz, heights, None


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def _field(row: dict[str, Any], key: str, value: str) -> None:
    """Put one named value of a file in a row."""
    plain = key.strip().casefold().replace(" ", "_").replace("ac$mass_spectrometry:_", "")
    name = _KEYS.get(plain)
    value = value.strip()
    if name is None or value.casefold() in _NONE or (name in row and name != "precursor"):
        return
    if name == "inchikey":
        found = re.search(r"[A-Z]{14}-[A-Z]{10}-[A-Z]", value.upper())
        if found:
            row["inchikey"] = found[0]
    elif name in {"precursor", "mass", "retention", "retention_seconds"}:
        _number_field(row, name, value)
    elif name == "isotopes":
        row["ms1_mz"], row["ms1_intensity"], trouble = parse_peaks(value)
        if trouble:
            row["note"] = f"pics isotopiques (MS1) : {trouble}"
    elif name == "level":
        digits = re.search(r"\d", value)
        row["level"] = int(digits[0]) if digits else None
    elif name == "observed":
        row["observed"] = _day(value)
    else:
        row[name] = value


def _number_field(row: dict[str, Any], name: str, value: str) -> None:
    found = re.search(_NUMBER, value)
    if found is None:
        if name == "precursor":
            row["said_precursor"] = value
        return
    number = _float(found[0])
    if name == "retention_seconds" or (name == "retention" and re.search(r"\d\s*s(ec)?\b", value)):
        row["retention"] = number / 60
    else:
        row[name] = number


def _day(text: str) -> date | None:
    found = re.search(r"(\d{4})[.-](\d{2})[.-](\d{2})", text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _peak(row: dict[str, Any], line: str, number: int) -> None:
    found = _PEAK.match(line)
    if found is None:
        row.setdefault("trouble", f"pic illisible à la ligne {number} : « {line.strip()[:40]} ».")
        return
    row.setdefault("mz", []).append(_float(found[1]))
    row.setdefault("intensity", []).append(_float(found[2]))


def _mgf(path: Path) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] | None = None
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            plain = line.strip()
            if plain.upper() == "BEGIN IONS":
                if row is not None:
                    yield row | {"cut": True}
                row = {"line": number}
            elif row is None or not plain or plain[0] in "#;!/":
                continue
            elif plain.upper() == "END IONS":
                yield row
                row = None
            elif "=" in plain and not _PEAK.match(plain):
                key, _, value = plain.partition("=")
                _field(row, key, value)
                if key.upper() == "TITLE" and "name" not in row:
                    row["name"] = value.strip()[:200]
            else:
                _peak(row, plain, number)
    if row is not None:
        yield row | {"cut": True}


def _msp(path: Path) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {}
    awaited: int | None = None
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            plain = line.strip()
            if not plain:
                continue
            named = _NAMED.match(plain)
            if named and not _PEAK.match(plain):
                key = named[1].strip().casefold()
                if key == "name" and (awaited is not None or "name" in row):
                    yield _ended(row, awaited)
                    row, awaited = {}, None
                row.setdefault("line", number)
                if key == "num peaks":
                    awaited = int(re.sub(r"\D", "", named[2])[:9] or 0)
                    row.setdefault("mz", [])
                    row.setdefault("intensity", [])
                elif key == "comments":
                    for inside, value in re.findall(r'"([^="]+)=([^"]*)"', named[2]):
                        _field(row, inside, value)
                else:
                    _field(row, key, named[2])
            elif awaited is not None:
                for part in re.split(r";\s*", plain) if ";" in plain else [plain]:
                    if part.strip():
                        _peak(row, part, number)
    if row:
        yield _ended(row, awaited)


def _ended(row: dict[str, Any], awaited: int | None) -> dict[str, Any]:
    """Mark a spectrum with fewer peaks than it says."""
    short = awaited is None or len(row.get("mz", ())) < awaited
    return row | {"cut": True} if short and not row.get("trouble") else row


def _massbank(path: Path) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {}
    awaited: int | None = None
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            plain = line.rstrip("\n")
            if plain.strip() == "//":
                yield _ended(row, awaited)
                row, awaited = {}, None
            elif plain.startswith("  ") and awaited is not None:
                _peak(row, plain, number)
            elif ": " in plain and not plain.startswith(" "):
                row.setdefault("line", number)
                key, _, value = plain.partition(": ")
                if key == "PK$NUM_PEAK":
                    awaited = int(re.sub(r"\D", "", value)[:9] or 0)
                elif key in {"AC$MASS_SPECTROMETRY", "AC$CHROMATOGRAPHY", "MS$FOCUSED_ION", "CH$LINK"}:
                    inside, _, rest = value.partition(" ")
                    _field(row, inside.replace("PRECURSOR_M/Z", "PRECURSOR_MZ"), rest)
                elif key != "AUTHORS":
                    _field(row, key, value)
                if key == "ACCESSION":
                    parts = value.split("-")
                    row["laboratory"] = "-".join(parts[1:-1]) or None
    if row:
        yield row | {"cut": True}


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=5000):
            yield from from_table(pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileRefusedError(
            "le fichier Parquet est coupé ou abîmé.", file=path.name, fix="Copiez-le à nouveau."
        ) from error


def has_peaks(path: Path) -> bool:
    """Tell whether a Parquet file holds spectra, or cannot be read: reading it then says why."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return True
    return bool(names & {"mz", "peaks"})


def from_table(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Read the rows of a table: columns of `spectra.spectra_schema`, of MassBank's export, or ``peaks``."""
    for raw in table.to_pylist():
        row: dict[str, Any] = {}
        heights = raw.get("it") if raw.get("it") is not None else raw.get("intensity")
        if raw.get("mz") is not None and heights is not None:
            row |= _lists(raw["mz"], heights)
        elif raw.get("peaks") is not None:
            row["mz"], row["intensity"], row["trouble"] = parse_peaks(str(raw["peaks"]))
        for key, value in raw.items():
            if key in {"mz", "it", "intensity", "peaks", "n"} or value is None:
                continue
            if key in {"ms1_mz", "ms1_intensity"}:
                row[key] = value if isinstance(value, list) else [math.nan]
                continue
            if isinstance(value, (int, float)) and key in _NUMBERS:
                row[_KEYS.get(key, key)] = float(value)
            elif isinstance(value, date) or key in {"energy_unit", "known", "rejection", "note"}:
                row[key] = value
            else:
                _field(row, key, str(value))
        yield row


def _lists(mz: Any, heights: Any) -> dict[str, Any]:
    """Return peaks given as two lists of numbers, or what is wrong with them."""
    try:
        return {
            "mz": [_clean(one) for one in mz],
            "intensity": [None if y is None else y + 0.0 for y in heights],
        }
    except TypeError:
        return {"trouble": "les colonnes « mz » et d'intensités ne sont pas des listes de nombres."}


def _clean(value: float | None) -> float | None:
    # Single precision adds digits that were never measured.
    return None if value is None else round(value, 5)
