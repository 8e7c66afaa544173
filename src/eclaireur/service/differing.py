"""Two results of a calculation side by side: which facts, which cells and which figures differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eclaireur.core.showing import show
from eclaireur.core.view import Block, Chart, Column, Facts, Table

__all__ = ["ChartPair", "Differences", "TablePair", "differences"]

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ChartPair:
    """A figure of each result; None where a result has no such figure."""

    left: Chart | None
    right: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePair:
    """Rows of two tables, matched by their first column of words.

    Parameters
    ----------
    rows
        For each row that differs, its cells: left, right, whether they differ.
    same, hidden
        How many rows are the same; how many that differ are not in ``rows``.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[tuple[str, str, bool], ...], ...]
    same: int
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What two results have in common and not."""

    facts: tuple[tuple[str, str, str, bool], ...] = ()
    tables: tuple[TablePair, ...] = ()
    charts: tuple[ChartPair, ...] = field(default=())

    @property
    def none(self) -> bool:
        """Whether all is the same."""
        return not (
            any(differs for *_, differs in self.facts)
            or any(one.rows for one in self.tables)
            or any(one.left != one.right for one in self.charts)
        )


def differences(left: Sequence[Block], right: Sequence[Block]) -> Differences:
    """Compare two results.

    Examples
    --------
    >>> left, right = (Facts(title="", pairs=(("Cas", count),)) for count in ("3", "4"))
    >>> differences([left], [right]).facts
    (('Cas', '3', '4', True),)
    """
    tables = [_of(Table, side) for side in (left, right)]
    charts = [_of(Chart, side) for side in (left, right)]
    return Differences(
        facts=_facts(left, right),
        tables=tuple(_tables(one, other) for one, other in _paired(*tables, key=lambda one: one.title)),
        # The title of a figure states its finding, so it changes: what is drawn does not.
        charts=tuple(
            ChartPair(one, other)
            for one, other in _paired(*charts, key=lambda one: (one.form, one.x_title, one.y_title))
        ),
    )


def _of(kind: type, blocks: Iterable[Block]) -> list[Any]:
    return [one for one in blocks if isinstance(one, kind)]


def _paired(left: list[Any], right: list[Any], *, key: Any) -> list[tuple[Any, Any]]:
    """Pair what has the same key, in order; then what is left on either side, alone."""
    first, second = _numbered(map(key, left)), _numbered(map(key, right))
    others = dict(zip(second, right, strict=True))
    pairs = [(one, others.pop(name, None)) for name, one in zip(first, left, strict=True)]
    return [*pairs, *((None, one) for one in others.values())]


def _numbered(names: Iterable[Hashable]) -> list[tuple[Hashable, int]]:
    """Tell apart equal names by their order."""
    seen: Counter[Hashable] = Counter()
    found = []
    for name in names:
        found.append((name, seen[name]))
        seen[name] += 1
    return found


def _facts(left: Sequence[Block], right: Sequence[Block]) -> tuple[tuple[str, str, str, bool], ...]:
    sides = []
    for blocks in (left, right):
        pairs = [pair for one in _of(Facts, blocks) for pair in one.pairs]
        sides.append(
            dict(zip(_numbered(name for name, _ in pairs), (value for _, value in pairs), strict=True))
        )
    first, second = sides
    return tuple(
        (str(name[0]), first.get(name, "–"), second.get(name, "–"), first.get(name) != second.get(name))
        for name in dict.fromkeys([*first, *second])
    )


def _tables(left: Table | None, right: Table | None) -> TablePair:
    whole = left or right
    if whole is None:
        raise AssertionError  # a pair has a side
    columns = {one.key: one for side in (left, right) if side is not None for one in side.columns}
    rows = [_rows(side, columns) for side in (left, right)]
    found, same = [], 0
    for key in dict.fromkeys([*rows[0], *rows[1]]):
        one, other = (side.get(key) for side in rows)
        cells = tuple(
            (
                one[at] if one is not None else "–",
                other[at] if other is not None else "–",
                one is None or other is None or one[at] != other[at],
            )
            for at in range(len(columns))
        )
        if any(differs for *_, differs in cells):
            found.append(cells)
        else:
            same += 1
    return TablePair(
        title=whole.title,
        columns=tuple(columns.values()),
        rows=tuple(found[:_SHOWN]),
        same=same,
        hidden=max(len(found) - _SHOWN, 0),
    )


def _rows(table: Table | None, columns: dict[str, Column]) -> dict[Any, tuple[str, ...]]:
    """Return the rows of a table as texts, by what names them: their columns of words, up to three."""
    if table is None:
        return {}
    shown = [tuple(show(row.get(key), one.kind) for key, one in columns.items()) for row in table.rows]
    words = [at for at, one in enumerate(columns.values()) if one.align != "right"]
    names = _numbered(tuple(row[at] for at in words[:1] or [0]) for row in shown)
    return dict(zip(names, shown, strict=True))
