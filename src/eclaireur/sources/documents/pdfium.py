"""The calls of PDFium that read text, declared once with plain integers: a page makes thousands of them."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["Calls", "calls"]

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int


class Calls(NamedTuple):
    """Functions of PDFium by what they do; pages, objects and structures are addresses."""

    count: Any
    text: Any
    unicode: Any
    box: Any
    object: Any
    size: Any
    mode: Any
    fill: Any
    matrix: Any
    marks: Any


@lru_cache(maxsize=1)
def calls() -> Calls:
    """Return the functions, from the library that pypdfium2 loaded."""
    from pypdfium2 import raw

    def declared(function: Any, *parameters: Any, returns: Any = _INT) -> Any:
        address = ctypes.cast(function, _POINTER).value
        return ctypes.CFUNCTYPE(returns, *parameters)(address or 0)

    return Calls(
        count=declared(raw.FPDFText_CountChars, _POINTER),
        text=declared(raw.FPDFText_GetText, _POINTER, _INT, _INT, _POINTER),
        unicode=declared(raw.FPDFText_GetUnicode, _POINTER, _INT, returns=ctypes.c_uint),
        box=declared(raw.FPDFText_GetLooseCharBox, _POINTER, _INT, _POINTER),
        object=declared(raw.FPDFText_GetTextObject, _POINTER, _INT, returns=_POINTER),
        size=declared(raw.FPDFTextObj_GetFontSize, _POINTER, _POINTER),
        mode=declared(raw.FPDFTextObj_GetTextRenderMode, _POINTER),
        fill=declared(raw.FPDFPageObj_GetFillColor, _POINTER, *[_POINTER] * 4),
        matrix=declared(raw.FPDFPageObj_GetMatrix, _POINTER, _POINTER),
        marks=declared(raw.FPDFPageObj_CountMarks, _POINTER),
    )
