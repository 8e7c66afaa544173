"""Counts of a table of reports: who reported which product with which event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Pairs", "count_pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs reported at least once, arrays of shape (k,).

    Parameters
    ----------
    drug, event
        Their names.
    count
        Reports with both.
    drug_count, event_count
        Reports with the drug, with the event.
    total
        Reports in all.
    expected
        Reports with both if they had nothing to do with each other; summed over strata when there are some.
    """

    drug: list[str]
    event: list[str]
    count: NDArray[np.float64]
    drug_count: NDArray[np.float64]
    event_count: NDArray[np.float64]
    total: int
    expected: NDArray[np.float64]


def count_pairs(reports: pa.Table, *, stratum: str | None = None) -> Pairs:
    """Count the distinct reports of each pair, sorted by drug and event.

    Parameters
    ----------
    reports
        Columns ``report``, ``drug`` and ``event``; one row a pair of a report, repeats are counted once.
    stratum
        Column whose values are compared apart (Mantel–Haenszel's way), for instance the sex.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows = {"report": ["1", "1", "2"], "drug": ["X", "X", "Y"], "event": ["A", "B", "A"]}
    >>> count_pairs(pa.table(rows)).expected.tolist()
    [1.0, 0.5, 1.0]
    """
    import duckdb
    import numpy as np

    name = "''" if stratum is None else f"coalesce(CAST({stratum} AS VARCHAR), '')"
    connection = duckdb.connect()
    connection.register("given", reports)
    connection.execute(
        f"CREATE TABLE r AS SELECT DISTINCT report, drug, event, {name} AS s FROM given"  # noqa: S608 - a column of ours
    )
    found = connection.execute(
        """
        WITH d AS (SELECT drug, s, count(DISTINCT report) AS n FROM r GROUP BY ALL),
             e AS (SELECT event, s, count(DISTINCT report) AS n FROM r GROUP BY ALL),
             t AS (SELECT s, count(DISTINCT report) AS n FROM r GROUP BY ALL),
             p AS (SELECT drug, event, count(DISTINCT report) AS n FROM r GROUP BY ALL),
             x AS (SELECT p.drug, p.event, sum(d.n * 1.0 * e.n / t.n) AS expected
                   FROM p JOIN d ON p.drug = d.drug JOIN e ON p.event = e.event AND e.s = d.s
                   JOIN t ON t.s = d.s GROUP BY ALL),
             dt AS (SELECT drug, count(DISTINCT report) AS n FROM r GROUP BY ALL),
             et AS (SELECT event, count(DISTINCT report) AS n FROM r GROUP BY ALL)
        SELECT p.drug, p.event, p.n, dt.n AS drug_n, et.n AS event_n, x.expected
        FROM p JOIN x USING (drug, event) JOIN dt USING (drug) JOIN et USING (event)
        ORDER BY p.drug, p.event
        """
    ).to_arrow_table()
    total = connection.execute("SELECT count(DISTINCT report) FROM r").fetchone()
    connection.close()

    def column(key: str) -> NDArray[np.float64]:
        return np.asarray(found[key].to_numpy(), np.float64)

    return Pairs(
        drug=found["drug"].to_pylist(),
        event=found["event"].to_pylist(),
        count=column("n"),
        drug_count=column("drug_n"),
        event_count=column("event_n"),
        total=int(total[0]) if total else 0,
        expected=column("expected"),
    )
