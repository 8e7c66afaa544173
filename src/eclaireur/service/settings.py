"""Settings of a report: what a person typed, read as the kind of each field asks, or refused in French."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import FormField
from eclaireur.service.zones import read_zone_text

__all__ = ["KINDS", "read_settings", "told"]

KINDS = ("number", "integer", "date", "choice", "text", "file", "zone")
"""What a setting may be. In `read_settings`: float, int, date, text, text, path and `zones.Zone`."""

_LONGEST = 2000
_SPACES = re.compile(r"[\s\u00a0\u202f]")


def read_settings(
    fields: Sequence[FormField], typed: Mapping[str, str], *, required: bool = True
) -> dict[str, Any]:
    """Return the value of each field; None where an optional one is empty and has no default.

    Parameters
    ----------
    typed
        Name → text, as a person writes it: decimal comma, ``27/11/2026`` or ``2026-11-27``.
    required
        False when nothing must be given, only what is given be right.

    Raises
    ------
    BadValueError
        If a name is unknown, a value is missing, or it is not of its kind; ``column`` is the name.

    Examples
    --------
    >>> days = FormField(name="days", title="Fenêtre", kind="integer", default="42")
    >>> read_settings((days,), {"days": "30"}), read_settings((days,), {})
    ({'days': 30}, {'days': 42})
    """
    known = [one.name for one in fields]
    for name in typed:
        if name not in known:
            raise BadValueError(
                f"paramètre inconnu : « {name} ».",
                fix=f"Paramètres de ce rapport : {', '.join(known) or 'aucun'}.",
                column=name,
            )
    return {one.name: _value(one, typed.get(one.name, "").strip(), required=required) for one in fields}


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return read settings as plain JSON values, the same for the same meaning; a file by its hash.

    Examples
    --------
    >>> told({"since": date(2026, 11, 27), "days": 42})
    {'since': '2026-11-27', 'days': 42}
    """
    return {name: _told(value) for name, value in values.items()}


def _told(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()
    return value


def _value(field: FormField, text: str, *, required: bool) -> Any:
    text = text or field.default
    if not text:
        if required and not field.optional:
            raise BadValueError(f"il manque : {field.title.lower()}.", fix=field.help, column=field.name)
        return None
    if field.kind == "zone":
        return read_zone_text(text, column=field.name)
    if len(text) > _LONGEST:
        raise _wrong(field, f"{text[:40]}…", f"Écrivez au plus {_LONGEST} caractères.")
    if field.choices and text not in dict(field.choices):
        titles = ", ".join(title for _, title in field.choices)
        raise _wrong(field, text, f"Choisissez parmi : {titles}.")
    match field.kind:
        case "number" | "integer":
            return _number(field, text)
        case "date":
            return _day(field, text)
        case "file":
            return _file(field, text)
    return text


def _number(field: FormField, text: str) -> float | int:
    plain = _SPACES.sub("", text).replace(",", ".").replace("−", "-")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", plain):
        raise _wrong(field, text, "Écrivez un nombre, par exemple 12,5.")
    value = float(plain)
    least, most = field.least, field.most
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = [
            f"{word} {_said(bound)}"
            for word, bound in (("au moins", least), ("au plus", most))
            if bound is not None
        ]
        raise _wrong(field, text, f"Donnez {' et '.join(bounds)}{f' {field.unit}' if field.unit else ''}.")
    if field.kind == "integer":
        if value != int(value):
            raise _wrong(field, text, "Donnez un nombre entier.")
        return int(value)
    return value


def _said(value: float) -> str:
    return french.number(value, 0 if value == int(value) else 2)


def _day(field: FormField, text: str) -> date:
    found = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text)
    except ValueError as error:
        raise _wrong(field, text, "Écrivez le jour ainsi : 27/11/2026.") from error


def _file(field: FormField, text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise BadValueError("ce fichier n'existe pas.", file=text, fix=field.help, column=field.name)
    return path


def _wrong(field: FormField, text: str, fix: str) -> BadValueError:
    return BadValueError(f"{field.title.lower()} : « {text} » ne convient pas.", fix=fix, column=field.name)
