"""The catalogue in the documentation, written from the cards so that it cannot lag behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eclaireur.core.card import Card, QualityState
from eclaireur.core.fields import Field, FieldKind, InputTable
from eclaireur.core.files import write_atomically

__all__ = ["catalogue_page", "format_page", "write_pages"]

_KINDS = {
    FieldKind.TEXT: "text",
    FieldKind.DATE: "date (`dd/mm/yyyy` or ISO 8601)",
    FieldKind.NUMBER: "number (decimal comma or point)",
    FieldKind.INTEGER: "whole number",
    FieldKind.BOOLEAN: "oui / non",
    FieldKind.CHOICE: "one of the listed values",
    FieldKind.SIRET: "SIRET, 14 digits, checked",
    FieldKind.COMMUNE: "INSEE code of a commune",
    FieldKind.POSTAL_CODE: "French postal code",
    FieldKind.LATITUDE: "degrees, WGS 84",
    FieldKind.LONGITUDE: "degrees, WGS 84",
}
_LEVELS = {"": "–", "bronze": "bronze", "silver": "argent", "gold": "or"}
_GENERATED = "<!-- Written by `./eclaireur check-cards --write-docs docs`. Edit the card instead. -->\n"


def catalogue_page(cards: Sequence[Card]) -> str:
    """Return the catalogue: one line per case, then the quality scale of each."""
    rows = [
        [
            f"[{card.name}](cases/{card.name}.md)",
            card.title,
            card.desk.french,
            _LEVELS[card.level],
            ", ".join(f"`{source.name}`" for source in card.sources),
        ]
        for card in cards
    ]
    parts = [
        _GENERATED,
        "# Catalogue of cases\n",
        _table(["Case", "Title", "Desk", "Level", "Sources"], rows),
    ]
    for card in cards:
        parts += [f"## {card.name}\n", f"{card.summary}\n", _quality(card)]
    return "\n".join(parts)


def _quality(card: Card) -> str:
    signs = {QualityState.DONE: "done", QualityState.TODO: "to do", QualityState.EXEMPT: "exempt"}
    rows = [
        [rule.level, rule.rule.replace("_", " "), f"{signs[rule.state]} {rule.reason}".strip()]
        for rule in card.quality
    ]
    return _table(["Level", "Rule", "State"], rows)


def format_page(card: Card) -> str:
    """Return the documented formats of a case: its sources, the tables it reads, their fields."""
    sources = [[f"`{source.name}`", source.title, source.licence, source.origin] for source in card.sources]
    parts = [
        _GENERATED,
        f"# Formats of `{card.name}`\n",
        "A heading may be the column name, its French title or one of the other headings listed;",
        "case and accents do not matter. A column that is not required may be absent or empty. Only columns",
        "that serve a purpose are loaded: the rest of your file stays where it is.\n",
        "## Sources\n",
        _table(["Source", "Title", "Licence", "Origin"], sources),
    ]
    for table in card.inputs:
        parts += [f"## Table `{table.name}`: {table.title}\n", _key(table), _fields(table.fields)]
    return "\n".join(parts)


def _key(table: InputTable) -> str:
    need = "Required." if table.required else "Optional."
    if not table.key:
        return f"{need} Rows need no key.\n"
    return f"{need} Key, without duplicates: {', '.join(f'`{name}`' for name in table.key)}.\n"


def _fields(fields: Sequence[Field]) -> str:
    rows = [
        [
            f"`{field.name}`",
            field.title,
            _kind(field),
            "yes" if field.required else "",
            field.purpose or "not loaded",
            ", ".join(f"`{name}`" for name in field.synonyms),
        ]
        for field in fields
    ]
    return _table(["Column", "French title", "Holds", "Required", "What for", "Other headings"], rows)


def _kind(field: Field) -> str:
    text = _KINDS[field.kind]
    if field.choices:
        meant: dict[str, list[str]] = {}
        for written, value in field.choices:
            meant.setdefault(value, []).append(f"« {written} »")
        text = "; ".join(f"{', '.join(names)} → `{value}`" for value, names in meant.items())
    if field.unit:
        text += f", {field.unit}"
    if field.past:
        text += ", not in the future"
    return f"{text}, not before `{field.not_before}`" if field.not_before else text


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(headings), " | ".join("---" for _ in headings)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def write_pages(cards: Sequence[Card], docs: Path) -> tuple[Path, ...]:
    """Write the catalogue and each case's format page under ``docs``; return what was written."""
    pages = {docs / "catalogue.md": catalogue_page(cards)}
    pages |= {docs / "formats" / f"{card.name}.md": format_page(card) for card in cards}
    for path, text in pages.items():
        write_atomically(path, _writer(text))
    return tuple(pages)


def _writer(text: str) -> Callable[[Path], None]:
    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    return write
