"""The catalogue of cases, read from their cards without importing them.

A case is a folder with ``case.toml`` and ``case.py``. Built-in cases are the sub-folders of
``eclaireur.cases``; a third-party package adds its own through the entry-point group
``eclaireur.cases``, whose entries name a package that holds a ``case.toml``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from eclaireur.core.card import Card, Desk, IndexCard, Law, QualityRule, QualityState, SourceCard
from eclaireur.core.case import Case
from eclaireur.core.errors import ConfigError, ExtraMissingError, NotFoundError
from eclaireur.core.fields import Field, FieldKind, InputTable
from eclaireur.core.procedure import PLAIN, read_procedure

__all__ = ["cards", "find_card", "load_case", "parse_card"]

_GROUP = "eclaireur.cases"


def cards() -> tuple[Card, ...]:
    """Return every card, by name. Nothing of a case is imported."""
    return tuple(sorted(_read_all(), key=lambda card: card.name))


def find_card(name: str) -> Card:
    """Return the card of a case.

    Raises
    ------
    NotFoundError
        If no case has this name; the message lists those that exist.
    """
    known = {card.name: card for card in cards()}
    if name not in known:
        raise NotFoundError(
            f"cas d'usage inconnu : « {name} ».",
            fix=f"Cas disponibles : {', '.join(known) or 'aucun'}.",
        )
    return known[name]


def load_case(card: Card) -> Case:
    """Import the ``case.py`` of a card.

    Raises
    ------
    ExtraMissingError
        If a library that the case needs is not installed; the message says how to add it.
    """
    try:
        module = importlib.import_module(f"{card.package}.case")
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] != card.package.split(".")[0]:
            way = (
                f"Lancez : ./eclaireur install {card.extra}"
                if card.extra
                else "Installez-le, puis recommencez."
            )
            raise ExtraMissingError(
                f"le cas « {card.name} » a besoin de {error.name}, qui n'est pas installé.", fix=way
            ) from error
        raise
    return cast("Case", module)


@cache
def _read_all() -> tuple[Card, ...]:
    found = [parse_card(folder / "case.toml", package) for folder, package in _folders()]
    names = [card.name for card in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"deux cas d'usage portent le même nom : « {name} ».", fix="Renommez l'un des deux."
            )
    return tuple(found)


def _folders() -> Iterator[tuple[Path, str]]:
    root = Path(__file__).resolve().parent.parent / "cases"
    for card in sorted(root.glob("*/case.toml")):
        yield card.parent, f"eclaireur.cases.{card.parent.name}"
    for entry in importlib.metadata.entry_points(group=_GROUP):
        spec = importlib.util.find_spec(entry.value)
        for location in (spec.submodule_search_locations or []) if spec else []:
            if (Path(location) / "case.toml").is_file():
                yield Path(location), entry.value


def parse_card(path: Path, package: str) -> Card:
    """Read and check one ``case.toml``.

    Raises
    ------
    ConfigError
        If the file is not TOML, or a key is missing, unknown or of the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"fiche illisible : {error}.", file=str(path), fix="Corrigez la fiche.") from error
    try:
        return _card(dict(data), package, path.parent)
    except KeyError as error:
        raise ConfigError(
            f"la clé {error} manque.", file=str(path), fix="Ajoutez-la : voir docs/add_a_case.md."
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"fiche invalide : {error}.", file=str(path), fix="Corrigez la fiche : voir docs/add_a_case.md."
        ) from error


def _card(data: dict[str, Any], package: str, folder: Path) -> Card:
    nouns = data.pop("nouns")
    quality = data.pop("quality")
    procedure = data.pop("procedure", None)
    index = data.pop("index", None)
    return Card(
        package=package,
        folder=folder,
        desk=Desk(data.pop("desk")),
        bricks=tuple(data.pop("bricks")),
        noun=nouns["singular"],
        nouns=nouns["plural"],
        limits=tuple(data.pop("limits")),
        procedure=PLAIN if procedure is None else read_procedure(procedure),
        index=None if index is None else IndexCard(**index | {"facets": tuple(index.get("facets", ()))}),
        law=Law(**data.pop("law")),
        sources=tuple(_source(dict(row)) for row in data.pop("sources")),
        inputs=tuple(_table(name, dict(row)) for name, row in data.pop("inputs", {}).items()),
        quality=tuple(
            _rule(level, rule, str(state))
            for level, rules in quality.items()
            for rule, state in rules.items()
        ),
        **data,
    )


def _source(row: dict[str, Any]) -> SourceCard:
    files = tuple((file["path"], file.get("sha256", "")) for file in row.pop("files", []))
    return SourceCard(files=files, **row)


def _table(name: str, row: dict[str, Any]) -> InputTable:
    purposes = _purposes(row.pop("purposes", {}))
    fields = tuple(_field(dict(field), purposes) for field in row.pop("fields"))
    if purposes:
        raise ValueError(f"finalité d'un champ inconnu de « {name} » : {', '.join(purposes)}")
    if unsaid := [field.name for field in fields if field.required and not field.purpose]:
        raise ValueError(f"champ obligatoire sans finalité dans « {name} » : {', '.join(unsaid)}")
    known = {field.name for field in fields}
    dates = {field.name for field in fields if field.kind is FieldKind.DATE}
    if wrong := [one.name for one in fields if one.not_before and not {one.name, one.not_before} <= dates]:
        raise ValueError(f"« not_before » de « {name} » ne compare pas deux dates : {', '.join(wrong)}")
    concerns = tuple(row.pop("concerns", ("subject",) if "subject" in known else ()))
    if unknown := [one for name_ in concerns for one in name_.split() if one not in known]:
        raise ValueError(f"« concerns » de « {name} » : champ inconnu, {', '.join(unknown)}")
    return InputTable(name=name, fields=fields, key=tuple(row.pop("key", ())), concerns=concerns, **row)


def _purposes(told: dict[str, list[str]]) -> dict[str, str]:
    """Return the purpose of each field: cards list the fields that serve one."""
    found: dict[str, str] = {}
    for purpose, names in told.items():
        for name in names:
            if name in found:
                raise ValueError(f"deux finalités pour « {name} »")
            found[name] = purpose
    return found


def _field(row: dict[str, Any], purposes: dict[str, str]) -> Field:
    return Field(
        purpose=purposes.pop(row["name"], ""),
        kind=FieldKind(row.pop("kind", "text")),
        choices=tuple(row.pop("choices", {}).items()),
        synonyms=tuple(row.pop("synonyms", ())),
        **row,
    )


def _rule(level: str, rule: str, state: str) -> QualityRule:
    if state.startswith("exempt"):
        reason = state.partition(":")[2].strip()
        return QualityRule(level=level, rule=rule, state=QualityState.EXEMPT, reason=reason)
    return QualityRule(level=level, rule=rule, state=QualityState(state))
