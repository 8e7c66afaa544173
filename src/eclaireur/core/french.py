"""French forms of numbers, shares, dates and durations, the same on every screen and in every file."""

from __future__ import annotations

from datetime import date, datetime

__all__ = ["count", "day", "duration", "moment", "number", "percent", "signed", "spaced"]

_NARROW = "\u202f"
_NO_BREAK = "\u00a0"


def number(value: float, decimals: int = 0) -> str:
    """Write a number with a decimal comma and narrow no-break spaces between thousands.

    >>> number(1234.5, 1)
    '1\\u202f234,5'
    """
    return f"{value:,.{decimals}f}".replace(",", _NARROW).replace(".", ",")


def signed(value: float, decimals: int = 0) -> str:
    """Write a number with its sign, ``+`` or a true minus.

    >>> signed(-0.5, 1)
    '−0,5'
    """
    return ("+" if value >= 0 else "−") + number(abs(value), decimals)


def percent(share: float, decimals: int = 0) -> str:
    """Write a share in [0, 1] as a percentage.

    >>> percent(0.314)
    '31\\xa0%'
    """
    return f"{number(100 * share, decimals)}{_NO_BREAK}%"


def count(value: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun; French takes the plural from 2.

    >>> count(1, "contrôle"), count(12, "contrôle")
    ('1 contrôle', '12 contrôles')
    """
    noun = singular if abs(value) < 2 else plural or f"{singular}s"
    return f"{number(value)} {noun}"


def day(value: date) -> str:
    """Write a date as ``dd/mm/yyyy``."""
    return f"{value:%d/%m/%Y}"


def moment(value: datetime) -> str:
    """Write a date and hour as ``dd/mm/yyyy à hh h mm``."""
    return f"{value:%d/%m/%Y} à {value:%H}{_NO_BREAK}h{_NO_BREAK}{value:%M}"


def spaced(text: str) -> str:
    """Keep high punctuation and guillemets on the line of their word.

    >>> spaced("« oui » : non ?")
    '«\\xa0oui\\xa0»\\xa0: non\\xa0?'
    """
    for sign in ":;?!»%":
        text = text.replace(f" {sign}", f"{_NO_BREAK}{sign}")
    return text.replace("« ", f"«{_NO_BREAK}")


def duration(days: float) -> str:
    """Write a number of days in the largest natural unit.

    >>> duration(20), duration(800)
    ('20 jours', '26 mois')
    """
    whole = round(days)
    if whole < 60:
        return count(whole, "jour")
    months = round(days / 30.44)
    if months < 36:
        return count(months, "mois", "mois")
    return count(round(days / 365.25), "an")
