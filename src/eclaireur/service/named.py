"""What a document names beside its dates and the texts that it cites: organisations and amounts.

People are left out: who reads a decision or a letter needs no list of them.
"""

from __future__ import annotations

import re
from collections import Counter

from eclaireur.core import french
from eclaireur.core.view import Block, Facts

__all__ = ["named_blocks"]

_LONGEST = 200_000
_MOST = 12
_DATED = re.compile(r"\s+du\s+\d+$")
_TITLES = {"organisation": "Organismes", "amount": "Montants"}


def named_blocks(text: str) -> tuple[Block, ...]:
    """Return what a text names, the most often named first, with how many times.

    Examples
    --------
    >>> block, = named_blocks("La CPAM a versé 1 200 €. La CPAM a répondu.")
    >>> block.pairs
    (('Organismes', 'CPAM (2 fois)'), ('Montants', '1\\u202f200\\xa0€'))
    """
    from eclaireur.bricks.semantic.entities import entities

    counts: dict[str, Counter[str]] = {kind: Counter() for kind in _TITLES}
    for one in entities(text[:_LONGEST], kinds=tuple(_TITLES)):
        counts[one.kind][_said(one.kind, one.value)] += 1
    pairs = [(_TITLES[kind], _list(found)) for kind, found in counts.items() if found]
    return (Facts(title="Nommés dans ce document", pairs=tuple(pairs)),) if pairs else ()


def _said(kind: str, value: str) -> str:
    if kind != "amount":
        return _DATED.sub("", value)  # « tribunal administratif de Lyon du 13 »: the date that follows
    figure = float(value)
    return f"{french.number(figure, 0 if figure.is_integer() else 2)}\u00a0€"


def _list(found: Counter[str]) -> str:
    told = [f"{name} ({count} fois)" if count > 1 else name for name, count in found.most_common(_MOST)]
    left = len(found) - _MOST
    return ", ".join(told) + (f", et {french.count(left, 'autre')}" if left > 0 else "")
