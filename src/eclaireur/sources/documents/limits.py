"""Sizes above which a document is refused or cut, checked before anything is expanded or drawn."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may hold.

    Parameters
    ----------
    size, expanded
        Bytes of the file, and of what it expands to.
    ratio
        Greatest expansion; more is how archives that fill a disk are made.
    entries
        Files in a ZIP container, parts of a mail, messages of a mailbox.
    depth, mails
        Elements, and mails, one inside another.
    pages
        Pages read.
    signs
        Characters of text.
    pixels
        Pixels of an image, before it is decoded.
    """

    size: int = 200_000_000
    expanded: int = 150_000_000
    ratio: int = 200
    entries: int = 2000
    depth: int = 200
    mails: int = 5
    pages: int = 2000
    signs: int = 20_000_000
    pixels: int = 60_000_000
