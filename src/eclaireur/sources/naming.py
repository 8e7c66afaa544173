"""Headings become names: one each, none empty."""

from __future__ import annotations

from collections.abc import Sequence

from eclaireur.sources.reading import Repair

__all__ = ["distinct"]


def distinct(header: Sequence[str]) -> tuple[list[str], list[Repair]]:
    """Name each column once; what was changed is said.

    Examples
    --------
    >>> distinct(["Nom", "", "Nom "])[0]
    ['Nom', 'colonne 2', 'Nom (2)']
    """
    names: dict[str, None] = {}
    changed = []
    for position, cell in enumerate(header, start=1):
        wanted = cell.strip() or f"colonne {position}"
        name, again = wanted, 2
        while name in names:
            name, again = f"{wanted} ({again})", again + 1
        if name != cell:
            changed.append(name)
        names[name] = None
    if not changed:
        return list(names), []
    message = f"En-têtes vides, répétés ou entourés d'espaces, renommés : {', '.join(changed)}."
    return list(names), [Repair(kind="header", message=message)]
