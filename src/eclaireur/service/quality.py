"""The quality of a source's files from one snapshot to the next, for a person or a program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eclaireur.core import french, snapshots
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.service.work import Work, taken
from eclaireur.sources.history import Delivery, alerts, delivery
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Outcome

__all__ = ["deliveries", "quality_json", "show_quality"]

_SHOWN = 6


def deliveries(work: Work, source: str) -> dict[str, list[Delivery]]:
    """Measure every file of every snapshot of a source, by file; those that are no table are left out."""
    found: defaultdict[str, list[Delivery]] = defaultdict(list)
    with Isolated() as reader:
        for snapshot in taken(work, source):
            folder = snapshots.folder(work.workspace.lake, snapshot)
            for file in snapshot.files:
                reading = reader.read(folder / file.path)
                if reading.outcome is not Outcome.REFUSE:
                    found[file.path].append(delivery(snapshot.taken.date(), reading))
    return dict(found)


def show_quality(found: Mapping[str, Sequence[Delivery]]) -> Iterator[Block]:
    """Return a table of each file, columns by deliveries, then what degraded."""
    for file, taken_so_far in found.items():
        shown = list(taken_so_far)[-_SHOWN:]
        days = [french.day(one.day) for one in shown]
        columns = (Column(key="name", title="Colonne"), *(Column(key=day, title=day) for day in days))
        names = dict.fromkeys(column.name for one in shown for column in one.columns)
        rows = [
            {"name": name, **{day: _cell(one, name) for day, one in zip(days, shown, strict=True)}}
            for name in names
        ]
        yield Table(
            title=f"{file} : remplie, valide, dernière date", columns=columns, rows=rows, note=_rows(shown)
        )
        said = alerts(taken_so_far)
        pairs = tuple(("Alerte", one.message) for one in said) or (("Alerte", "aucune"),)
        yield Facts(title="", pairs=pairs)


def _cell(one: Delivery, name: str) -> str:
    column = one.of(name)
    if column is None:
        return "absente"
    shares = f"{french.percent(column.filled, 1)}, {french.percent(column.valid, 1)}"
    return f"{shares}, {column.last}" if column.last else shares


def _rows(shown: Sequence[Delivery]) -> str:
    return (
        "Lignes : " + ", ".join(f"{french.number(one.rows)} le {french.day(one.day)}" for one in shown) + "."
    )


def quality_json(found: Mapping[str, Sequence[Delivery]]) -> dict[str, Any]:
    """Return the same as a JSON object."""
    return {
        file: {
            "deliveries": [
                {
                    "day": one.day,
                    "rows": one.rows,
                    "columns": [
                        {
                            "name": column.name,
                            "kind": column.kind,
                            "filled": column.filled,
                            "valid": column.valid,
                            "first": column.first,
                            "last": column.last,
                        }
                        for column in one.columns
                    ],
                }
                for one in several
            ],
            "alerts": [
                {"kind": one.kind, "column": one.column, "message": one.message} for one in alerts(several)
            ],
        }
        for file, several in found.items()
    }
