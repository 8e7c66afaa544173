"""Colours as documents write them: which are white, or so near that nobody reads them."""

from __future__ import annotations

import re

__all__ = ["is_white"]

_NAMES = {"white", "snow", "ghostwhite", "ivory", "transparent"}
_PALEST = 240


def is_white(colour: str) -> bool:
    """Tell whether a colour is white or nearly.

    Parameters
    ----------
    colour
        A name, ``#fff``, ``FFFFFF`` or ``rgb(255, 255, 255)``; anything else is no white.

    Examples
    --------
    >>> is_white("#FFFFFE"), is_white("rgb(255,255,255)"), is_white("red"), is_white("")
    (True, True, False, False)
    """
    text = colour.strip().lower()
    if text in _NAMES:
        return True
    short = re.fullmatch(r"#([0-9a-f])([0-9a-f])([0-9a-f])", text)
    if short:
        return all(int(digit * 2, 16) >= _PALEST for digit in short.groups())
    long = re.fullmatch(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", text)
    if long:
        return all(int(pair, 16) >= _PALEST for pair in long.groups())
    called = re.fullmatch(r"rgba?\((\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]+%?))?\)", text)
    if called is None:
        return False
    if called[4] and called[4].rstrip("%").strip(".0") == "":
        return True
    return all(int(number) >= _PALEST for number in called.groups()[:3])
