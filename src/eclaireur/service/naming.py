"""What documents name: dates, amounts, places of a user's table, organisations, persons, references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.entities import KINDS, Entity, entities, known_places
from eclaireur.bricks.semantic.normalise import plain
from eclaireur.core.errors import MissingColumnError
from eclaireur.core.view import Block, Column, Table
from eclaireur.service.corpora import Columns, from_path

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.places import Places

__all__ = ["Named", "named", "named_json", "places_of", "show_named"]

_NAMES = ("commune", "nom commune", "nom de la commune", "libelle", "nom", "name", "ville", "lieu")
_CODES = ("com", "code insee", "code commune", "codgeo", "insee", "code", "code postal")
_TITLES = {
    "amount": "montant",
    "date": "date",
    "organisation": "organisme",
    "person": "personne",
    "place": "lieu",
    "reference": "texte cité",
}
_AROUND = 40


@dataclass(frozen=True, slots=True)
class Named:
    """A document (its name and text) and what it names."""

    document: str
    text: str
    entities: tuple[Entity, ...]


def places_of(path: Path) -> Places:
    """Read a table of places: a column of names, and one of codes when there is one.

    Raises
    ------
    InputError
        If the table cannot be read, or has no column of names.
    """
    from eclaireur.sources.tables import read_or_refuse

    table: Any = read_or_refuse(path).table
    columns = {_bare(one): one for one in table.column_names}
    name = next((columns[one] for one in _NAMES if one in columns), "")
    code = next((columns[one] for one in _CODES if one in columns), "")
    if not name:
        raise MissingColumnError(
            "aucune colonne de noms de lieux.",
            file=str(path),
            fix="Nommez-la « commune » ou « nom » ; celle des codes, « code ».",
        )
    names = table[name].to_pylist()
    codes = table[code].to_pylist() if code else [""] * len(names)
    return known_places((str(one), str(other or "")) for one, other in zip(names, codes, strict=True) if one)


def _bare(name: str) -> str:
    return " ".join(filter(None, map(plain, name.replace("_", " ").split())))


def named(
    path: Path,
    *,
    places: Places | None = None,
    kinds: Iterable[str] = KINDS,
    also: Sequence[Callable[[str], Iterable[tuple[int, int, str]]]] = (),
) -> tuple[Named, ...]:
    """Return what the documents of a file or a folder name; see `corpora.from_path` for what is raised."""
    wanted = tuple(kinds)
    return tuple(
        Named(one.id, one.body, entities(one.body, places=places, kinds=wanted, also=also))
        for one in from_path(path, Columns()).documents
    )


def named_json(found: Sequence[Named]) -> list[dict[str, Any]]:
    """Return what documents name as JSON objects; places are characters of the text."""
    return [
        {
            "document": one.document,
            "entities": [
                {
                    "start": entity.start,
                    "end": entity.end,
                    "kind": entity.kind,
                    "value": entity.value,
                    "text": one.text[entity.start : entity.end],
                }
                for entity in one.entities
            ],
        }
        for one in found
    ]


def show_named(found: Sequence[Named]) -> tuple[Block, ...]:
    """Return what documents name as a table, with the words around each."""
    rows = [
        {
            "document": one.document,
            "kind": _TITLES.get(entity.kind, entity.kind),
            "value": entity.value,
            "extract": _around(one.text, entity),
        }
        for one in found
        for entity in one.entities
    ]
    columns = (
        Column(key="document", title="Document"),
        Column(key="kind", title="Nature"),
        Column(key="value", title="Valeur"),
        Column(key="extract", title="Extrait"),
    )
    return (Table(title="Ce que les textes nomment", columns=columns, rows=rows),)


def _around(text: str, one: Entity) -> str:
    before = text[max(0, one.start - _AROUND) : one.start]
    after = text[one.end : one.end + _AROUND]
    return " ".join(f"{before}«\u00a0{text[one.start : one.end]}\u00a0»{after}".split())
