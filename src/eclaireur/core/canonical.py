"""One text per JSON value: what the journal, the exported heads and the model cards are hashed from.

The canonical text of a value is JSON (RFC 8259) in UTF-8 with these choices, so that another
program can write it again byte for byte:

- objects have their keys sorted by Unicode code point (the order of their UTF-8 bytes);
- no space, no line break, no trailing comma;
- text is not normalised; only ``"``, ``\\`` and U+0000 to U+001F are escaped, by the short form
  where JSON has one (``\\b \\f \\n \\r \\t``), else by ``\\u00xx`` in lower case;
- whole numbers are written in full and stay within ±(2⁵³ − 1), which every JSON reader keeps exact;
- other numbers are the shortest decimal that reads back to the same IEEE 754 double, as Python's
  ``repr`` writes it (``0.1``, ``1.0``, ``1e-07``, ``1e+16``);
- NaN, infinities, bytes, dates and repeated keys do not exist.

It differs from RFC 8785 (JCS) in the form of some numbers only. A reader never needs to write
numbers: the journal's hashes are taken on the bytes of its lines (see `core.journal.entry`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from eclaireur.core.errors import BadValueError

__all__ = ["digest", "parse", "plain", "text"]

_DEEPEST = 50
_LARGEST_WHOLE = 2**53 - 1


def text(value: object) -> str:
    """Write the canonical text of a value.

    Parameters
    ----------
    value
        None, booleans, numbers, text, and mappings, lists or tuples of them.

    Raises
    ------
    BadValueError
        If the value, or something in it, has no canonical form.

    Examples
    --------
    >>> text({"b": (1, 2.0), "a": "été"})
    '{"a":"été","b":[1,2.0]}'
    """
    return json.dumps(
        plain(value), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def digest(value: object) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical text of a value.

    >>> digest({})[:16]
    '44136fa355b3678a'
    """
    return hashlib.sha256(text(value).encode()).hexdigest()


def plain(value: object) -> Any:
    """Copy a value into dicts, lists and exact built-in scalars, or refuse it.

    What comes back is what `parse` gives for the value's canonical text.

    Raises
    ------
    BadValueError
        If the value has no canonical form; the message says where it is.
    """
    return _plain(value, "", 0)


def parse(source: str) -> Any:
    """Read JSON strictly: no NaN, no infinity, no repeated key, no unbounded nesting.

    Raises
    ------
    BadValueError
        If the text is not JSON of that kind.
    """
    try:
        return plain(json.loads(source, parse_constant=_no_constant, object_pairs_hook=_no_repeated_key))
    except BadValueError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadValueError("texte JSON illisible.") from error


def _plain(value: object, where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise BadValueError(
            f"valeurs imbriquées sur plus de {_DEEPEST} niveaux{_at(where)}.",
            fix="Enregistrez une valeur plus simple.",
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        if abs(value) > _LARGEST_WHOLE:
            raise BadValueError(
                f"nombre entier trop grand{_at(where)}.", fix="Enregistrez-le comme un texte."
            )
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadValueError(
                f"nombre infini ou indéfini{_at(where)}.", fix="Laissez la valeur vide à la place."
            )
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, _step(where, key), depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, _step(where, index), depth + 1) for index, item in enumerate(value)]
    raise BadValueError(
        f"valeur de type « {type(value).__name__} »{_at(where)} : "
        "attendu un texte, un nombre, un booléen, une liste ou un dictionnaire.",
        fix="Convertissez-la d'abord, une date en texte AAAA-MM-JJ par exemple.",
    )


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise BadValueError(f"nom de champ qui n'est pas un texte{_at(where)} : « {key!r} ».")
    return _text(key, where)


def _text(value: str, where: str) -> str:
    # A subclass such as a StrEnum becomes the text that it holds.
    exact = str.__str__(value)
    try:
        exact.encode()
    except UnicodeEncodeError as error:
        raise BadValueError(
            f"texte mal codé{_at(where)}.", fix="Relisez le fichier d'origine avec le bon codage."
        ) from error
    return exact


def _step(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)


def _at(where: str) -> str:
    return f" dans « {where} »" if where else ""


def _no_constant(name: str) -> NoReturn:
    raise BadValueError(f"nombre infini ou indéfini : « {name} ».")


def _no_repeated_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadValueError("un même nom de champ est présent deux fois dans le texte JSON.")
    return found
