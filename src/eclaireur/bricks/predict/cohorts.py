"""Who is looked at on a date, and what came of them within a horizon, as known at another date.

Everything is relative to what was known: a subject enters the cohort of a day by facts known before
it, and an outcome that came but was not yet known when a model learns does not exist for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError, NotFoundError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Cohort", "Outcome"]

_HOW = {
    "any": "CAST(max(CASE WHEN {value} > 0 THEN 1 ELSE 0 END) AS DOUBLE)",
    "count": "CAST(count({value}) AS DOUBLE)",
    "mean": "avg({value})",
    "sum": "CAST(sum({value}) AS DOUBLE)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Subjects of a table: all of them, or those with a fact known lately.

    Parameters
    ----------
    table
        Events (``subject``, ``observed``, ``known``) or a plain list of subjects (``subject`` alone).
    window
        With events: days back from the date within which the subject must have one; None for ever.
    carry
        Columns to keep with each subject, as in its latest known event: place, area, activity.
    """

    table: str
    window: int | None = None
    carry: tuple[str, ...] = ()

    def rows(self, events: Mapping[str, pa.Table], days: Sequence[date]) -> pa.Table:
        """Return ``subject``, ``as_of`` and what is carried, ordered by date then subject.

        Raises
        ------
        NotFoundError, MissingColumnError
            If the table or a column is absent.
        EmptyTableError
            If nobody is in the cohort on any date.

        Examples
        --------
        >>> import pyarrow as pa
        >>> day = date(2024, 1, 1)
        >>> seen = pa.table({"subject": ["a", "b"], "observed": [day, day],
        ...                  "known": [day, date(2024, 6, 1)]})
        >>> Cohort(table="seen").rows({"seen": seen}, [date(2024, 3, 1)])["subject"].to_pylist()
        ['a']
        """
        import duckdb
        import pyarrow as pa

        table = _table(events, self.table, ("subject", *self.carry))
        connection = duckdb.connect()
        connection.execute("SET threads = 2")
        connection.register("e", table)
        connection.register("d", pa.table({"as_of": pa.array(sorted(set(days)), pa.date32())}))
        if "known" in table.column_names:
            carried = "".join(
                f', arg_max(e."{name}", (e.observed, e.known)) AS "{name}"' for name in self.carry
            )
            window = "" if self.window is None else f"AND e.observed >= d.as_of - {int(self.window)}"
            join = f"e.known < d.as_of {window}"
        else:
            carried = "".join(f', any_value(e."{name}") AS "{name}"' for name in self.carry)
            join = "TRUE"
        found = connection.execute(
            f"SELECT e.subject, d.as_of{carried} FROM d JOIN e ON {join} "
            "GROUP BY e.subject, d.as_of ORDER BY d.as_of, e.subject"
        ).to_arrow_table()
        if not found.num_rows:
            raise EmptyTableError(
                f"la cohorte est vide : aucun sujet de « {self.table} » n'est connu à ces dates.",
                fix="Choisissez des dates plus tardives ou une fenêtre plus longue.",
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a subject within ``horizon`` days from its date, that day included.

    Parameters
    ----------
    table
        Events (``subject``, ``observed``, ``known``).
    column
        Value of an event. Empty with ``any`` and ``count``: the event itself is the outcome.
    how
        ``any`` (1 if one value is above zero), ``count``, ``sum`` or ``mean``.
    absent
        What no event means: ``unknown`` (nobody looked: a partial label) or ``zero`` (nothing came).
    """

    table: str
    horizon: int
    column: str = ""
    how: str = "any"
    absent: str = "unknown"

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.how not in _HOW:
            raise BadValueError(f"agrégat inconnu : « {self.how} ».", fix=f"Connus : {', '.join(_HOW)}.")
        if self.absent not in {"unknown", "zero"}:
            raise BadValueError("l'absence d'événement vaut « unknown » ou « zero ».")
        if self.horizon < 1:
            raise BadValueError(f"l'horizon doit être d'au moins un jour, pas {self.horizon}.")
        if not self.column and self.how not in {"any", "count"}:
            raise BadValueError(f"« {self.how} » demande la colonne à lire.")

    def labels(
        self, rows: pa.Table, events: Mapping[str, pa.Table], *, known_before: date | None = None
    ) -> NDArray[np.float64]:
        """Return the outcome of each row, NaN where it is not known.

        Parameters
        ----------
        known_before
            The day on which a model learns: later knowledge does not exist, and a horizon that is not
            over leaves the outcome unknown. None to measure, with all that is known today.
        """
        import duckdb
        import numpy as np
        import pyarrow as pa

        needed = ("subject", "observed", "known", *([self.column] if self.column else []))
        table = _table(events, self.table, needed)
        value = f'e."{self.column}"' if self.column else "1"
        told = _HOW[self.how].format(value=value)
        connection = duckdb.connect()
        connection.execute("SET threads = 2")
        connection.register("e", table)
        numbered = rows.select(["subject", "as_of"]).append_column(
            "row", pa.array(np.arange(rows.num_rows), pa.int64())
        )
        connection.register("r", numbered)
        limit = "" if known_before is None else f"AND e.known < DATE '{known_before.isoformat()}'"
        present = f"AND {value} IS NOT NULL" if self.column else ""
        found = connection.execute(
            f"SELECT r.row, {told} AS label FROM r JOIN e ON e.subject = r.subject "
            f"AND e.observed >= r.as_of AND e.observed < r.as_of + {int(self.horizon)} {limit} {present} "
            "GROUP BY r.row"
        ).to_arrow_table()
        labels = np.full(rows.num_rows, np.nan if self.absent == "unknown" else 0.0)
        labels[found["row"].to_numpy()] = found["label"].to_numpy().astype(np.float64)
        if known_before is not None:
            start = rows["as_of"].to_numpy().astype("datetime64[D]")
            labels[start + self.horizon > np.datetime64(known_before)] = np.nan
        return labels


def _table(events: Mapping[str, pa.Table], name: str, columns: Sequence[str]) -> pa.Table:
    if name not in events:
        raise NotFoundError(
            f"il n'y a pas de table « {name} ».", fix=f"Tables : {', '.join(sorted(events)) or 'aucune'}."
        )
    table = events[name]
    for column in columns:
        if column not in table.column_names:
            raise MissingColumnError("cette table n'a pas cette colonne.", file=name, column=column)
    return table
