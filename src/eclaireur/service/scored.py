"""What a scored file shows: counts, its best rows, the rows set aside with their reason, and a figure.

Columns are those of the case's ``score``: ``score`` or ``rank``, ``reasons``, and, where a case sets rows
aside, ``rejection`` with why. A case adds blocks of its own by ``scored_blocks(table)``, and by
``SCORED_SHOWN`` says which columns a page shows, in order; files have them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.export import Column as SheetColumn
from eclaireur.core.view import Block, Chart, Column, Facts, Series, Table
from eclaireur.service.scoring import titles

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.scoring import KeptScore
    from eclaireur.service.work import Work

__all__ = ["REJECTED", "RESULTS", "part", "scored_blocks", "sheet_columns"]

RESULTS, REJECTED = "Résultats", "Lignes écartées"
"""Titles of the two tables."""

_SHOWN = 200
_BINS = 10
_HIDDEN = frozenset({"calibrated", "kept", "rejection", "model", "run"})
_NAMED = 4


def scored_blocks(work: Work, kept: KeptScore) -> tuple[Block, ...]:
    """Return the blocks of a scored file; its tables are cut, its files are whole."""
    table, said = kept.table, titles(work)
    refused = _refused(table)
    noted = _noted(table)
    out = table.num_rows - refused.count(None)
    facts = Facts(
        title="En résumé",
        pairs=(
            ("Lignes du fichier", french.number(table.num_rows)),
            ("Lignes notées", french.number(sum(noted))),
            ("Lignes écartées", french.number(out)),
            *((("Lecture du fichier", "\n".join(kept.notes)),) if kept.notes else ()),
        ),
    )
    own = getattr(work.case, "scored_blocks", None)
    blocks: tuple[Block, ...] = () if own is None else own(table)
    only: Sequence[str] = getattr(work.case, "SCORED_SHOWN", ())
    results = _results(table, noted, said, only, empty=out)
    aside = (_aside(table, refused, said, only),) if out else ()
    return (facts, *blocks, results, *aside, *(() if blocks else _figure(table)))


def sheet_columns(table: pa.Table, said: Mapping[str, str]) -> list[SheetColumn]:
    """Return every row and column of a scored file for a sheet: reasons in words, headings in French."""
    return [
        SheetColumn(said.get(name, name), _values(table, name), wrap=name in {"reasons", "rejection"})
        for name in table.column_names
    ]


def part(table: pa.Table, title: str) -> pa.Table:
    """Return all the rows of one of the two tables."""
    import pyarrow as pa

    chosen = [one is not None for one in _refused(table)] if title == REJECTED else _noted(table)
    return table.filter(pa.array(chosen, pa.bool_()))


def _values(table: pa.Table, name: str) -> list[Any]:
    values = table[name].to_pylist()
    if name == "reasons":
        return ["\n".join(one["sentence"] for one in row or ()) for row in values]
    return [", ".join(map(str, one)) if isinstance(one, list) else one for one in values]


def _refused(table: pa.Table) -> list[str | None]:
    if "rejection" not in table.column_names:
        return [None] * table.num_rows
    return [one or None for one in table["rejection"].to_pylist()]


def _noted(table: pa.Table) -> list[bool]:
    """Tell which rows have a score, or a rank where there are only ranks."""
    for name in ("score", "rank"):
        if name in table.column_names:
            return [one is not None for one in table[name].to_pylist()]
    return [one is None for one in _refused(table)]


def _results(
    table: pa.Table, noted: Sequence[bool], said: Mapping[str, str], only: Sequence[str], *, empty: int
) -> Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    chosen = table.filter(pa.array(noted, pa.bool_()))
    for name, order in (("rank", "ascending"), ("score", "descending")):
        if name in table.column_names:
            chosen = chosen.take(pc.sort_indices(chosen, [(name, order)]))
            break
    names = [
        name
        for name in chosen.column_names
        if name not in _HIDDEN and chosen[name].null_count < max(chosen.num_rows, 1)
    ]
    first = [name for name in ("rank", "score") if name in names]
    names = [*first, *(name for name in names if name not in first and name != "reasons")]
    names += [name for name in ("reasons",) if name in chosen.column_names]
    if only:
        names = [name for name in only if name in names]
    more = chosen.num_rows - _SHOWN
    note = f"Les {_SHOWN} premières ; {french.number(more)} de plus dans les fichiers." if more > 0 else ""
    if not chosen.num_rows:
        note = "Toutes les lignes sont écartées : voyez leurs raisons." if empty else "Le fichier est vide."
    return _table(RESULTS, chosen.slice(0, _SHOWN), names, said, note)


def _aside(
    table: pa.Table, refused: Sequence[str | None], said: Mapping[str, str], only: Sequence[str]
) -> Table:
    import pyarrow as pa

    chosen = table.filter(pa.array([one is not None for one in refused], pa.bool_()))
    plain = [
        name
        for name in chosen.column_names
        if name not in {*_HIDDEN, "line", "reasons", "score", "rank"}
        and (not only or name in only)
        and chosen[name].null_count < chosen.num_rows
    ]
    names = ["line", *plain[:_NAMED], "rejection"]
    more = chosen.num_rows - _SHOWN
    note = f"Les {_SHOWN} premières ; {french.number(more)} de plus dans les fichiers." if more > 0 else ""
    return _table(REJECTED, chosen.slice(0, _SHOWN), names, said, note)


def _table(title: str, table: pa.Table, names: Sequence[str], said: Mapping[str, str], note: str) -> Table:
    import pyarrow as pa

    numeric = {
        name
        for name in names
        if pa.types.is_floating(table.schema.field(name).type)
        or pa.types.is_integer(table.schema.field(name).type)
    }
    columns = tuple(
        Column(key=name, title=said.get(name, name), align="right" if name in numeric else "left")
        for name in names
    )
    values = {name: _values(table, name) for name in names}
    rows = [{name: values[name][at] for name in names} for at in range(table.num_rows)]
    return Table(title=title, columns=columns, rows=rows, note=note)


def _figure(table: pa.Table) -> tuple[Block, ...]:
    """Draw how scores spread; nothing where there are none."""
    if "score" not in table.column_names:
        return ()
    values = [one for one in table["score"].to_pylist() if one is not None]
    if not values:
        return ()
    low, high = min(0.0, *values), max(1.0, *values)
    step = (high - low) / _BINS
    counts = [0] * _BINS
    for value in values:
        counts[min(int((value - low) / step), _BINS - 1)] += 1
    names = [
        f"{french.number(low + at * step, 2)} à {french.number(low + (at + 1) * step, 2)}"
        for at in range(_BINS)
    ]
    half = sorted(values)[len(values) // 2]
    most = max(range(_BINS), key=counts.__getitem__)
    chart = Chart(
        title=f"La moitié des scores dépassent {french.number(half, 2)}",
        form="bar",
        x_title="Score",
        y_title="Lignes",
        series=(Series(name="Lignes", x=tuple(names), y=tuple(map(float, counts))),),
        text=f"{french.count(len(values), 'ligne notée', 'lignes notées')} ; "
        f"la tranche la plus pleine est {names[most]}, avec {french.number(counts[most])}.",
    )
    return (chart,)
