"""Which files a model may be made of, and the check that each is what its name says.

A suffix is a claim. A pickle named ``model.txt`` is refused for what it holds, at the door and again at
each load. No format here can run code when it is read by the function that goes with it.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eclaireur.core import canonical
from eclaireur.core.artefacts.estimators import check_skops
from eclaireur.core.artefacts.trees import check_lightgbm
from eclaireur.core.errors import BadValueError, ModelRefusedError

__all__ = ["SUFFIXES", "check", "check_name", "dump_json", "load_json"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}(\.[a-z]{2,12})")
_RESTORE = "Restaurez le fichier depuis une sauvegarde, ou entraînez de nouveau le modèle."

# Bytes of one value of each safetensors type (safetensors 0.4, format description).
_TENSORS = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}
# Fields of ModelProto and their wire type (onnx.proto3): 0 is a whole number, 2 is bytes.
_ONNX = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_ONNX_VERSION, _ONNX_GRAPH, _ONNX_OPERATORS = 1, 7, 8


def check(name: str, data: bytes) -> None:
    """Check the name of an artefact, and that its bytes are what its suffix says.

    Parameters
    ----------
    name
        File name in lower case, without folder: ``model.txt``, ``calibration.json``.
    data
        The bytes.

    Raises
    ------
    ModelRefusedError
        If the name is not a plain file name with a suffix of `SUFFIXES`, or the bytes are something else.

    Examples
    --------
    >>> check("calibration.json", b'{"slope":1.0}')
    """
    suffix = check_name(name)
    try:
        SUFFIXES[suffix](data)
    except ModelRefusedError as error:
        raise ModelRefusedError(error.message, fix=error.fix, file=name) from error


def check_name(name: str) -> str:
    """Return the suffix of an artefact's name, or refuse the name.

    Raises
    ------
    ModelRefusedError
        If the name is not a plain file name with a suffix of `SUFFIXES`.

    Examples
    --------
    >>> check_name("model.txt")
    '.txt'
    """
    matched = _NAME.fullmatch(name)
    if matched is None or matched[1] not in SUFFIXES:
        raise ModelRefusedError(
            f"un modèle ne peut pas contenir de fichier « {name[:100]} ».",
            fix=f"Formes admises : {', '.join(sorted(SUFFIXES))}.",
        )
    return matched[1]


def dump_json(value: object) -> bytes:
    """Write a value as canonical JSON, in UTF-8.

    Raises
    ------
    BadValueError
        If it has no canonical form (NaN, date, array…).
    """
    return canonical.text(value).encode()


def load_json(data: bytes) -> Any:
    """Read a JSON artefact.

    Raises
    ------
    ModelRefusedError
        If the bytes are not strict JSON in UTF-8.
    """
    try:
        return canonical.parse(data.decode())
    except (UnicodeDecodeError, BadValueError) as error:
        raise ModelRefusedError("ce fichier n'est pas du JSON lisible.", fix=_RESTORE) from error


def _check_safetensors(data: bytes) -> None:
    """Check the header of a safetensors file, and that its tensors fill the rest without overlap."""
    size = int.from_bytes(data[:8], "little")
    body = len(data) - 8 - size
    if body < 0 or not data[8:9] == b"{":
        raise _refused("safetensors", "son en-tête manque")
    try:
        header = json.loads(data[8 : 8 + size])
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        spans = sorted(_span(tensor) for tensor in tensors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused("safetensors", "son en-tête est illisible") from error
    end = 0
    for start, stop in spans:
        if start != end:
            raise _refused("safetensors", "ses tableaux se recouvrent ou laissent des trous")
        end = stop
    if end != body:
        raise _refused("safetensors", "il n'a pas la taille annoncée")


def _span(tensor: Mapping[str, Any]) -> tuple[int, int]:
    start, stop = tensor["data_offsets"]
    shape = tensor["shape"]
    if any(type(number) is not int or number < 0 for number in (start, stop, *shape)):
        raise ValueError("wrong number")
    if stop - start != math.prod(shape) * _TENSORS[tensor["dtype"]]:
        raise ValueError("wrong size")
    return start, stop


def _check_onnx(data: bytes) -> None:
    """Check the outer layer of an ONNX file: the fields of ModelProto, whole, with a graph."""
    seen = set()
    for number, kind in _protobuf_fields(data):
        if _ONNX.get(number) != kind:
            raise _refused("ONNX", "il contient un champ inconnu")
        seen.add(number)
    if not {_ONNX_VERSION, _ONNX_GRAPH, _ONNX_OPERATORS} <= seen:
        raise _refused("ONNX", "il ne contient pas de modèle")


def _protobuf_fields(data: bytes) -> Iterator[tuple[int, int]]:
    """Give number and wire type of the fields of a message; whole numbers and bytes only."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        value, position = _varint(data, position)
        if kind == 2:
            position += value
        if kind not in {0, 2} or position > len(data):
            raise _refused("ONNX", "il est coupé ou abîmé")
        yield tag >> 3, kind


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _refused("ONNX", "il est coupé ou abîmé")


def _check_parquet(data: bytes) -> None:
    """Check that a Parquet file is whole, and has no column of a Python type."""
    if len(data) < 12 or data[:4] != b"PAR1" or data[-4:] != b"PAR1":
        raise _refused("Parquet", "il est coupé ou abîmé")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(io.BytesIO(data)) as file:
            fields = list(file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _refused("Parquet", "il est coupé ou abîmé") from error
    # Old versions of pyarrow unpickled such a column when reading it (CVE-2023-47248).
    if any(b"py_extension_type" in b"".join((field.metadata or {}).values()) for field in fields):
        raise _refused("Parquet", "une colonne est d'un type Python")


def _refused(kind: str, why: str) -> ModelRefusedError:
    return ModelRefusedError(f"ce fichier n'est pas un fichier {kind} entier : {why}.", fix=_RESTORE)


SUFFIXES: Mapping[str, Callable[[bytes], object]] = {
    ".json": load_json,
    ".onnx": _check_onnx,
    ".parquet": _check_parquet,
    ".safetensors": _check_safetensors,
    ".skops": check_skops,
    ".txt": check_lightgbm,
}
"""Suffix → check of the bytes. Each check raises `ModelRefusedError`."""
