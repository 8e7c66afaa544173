"""Alim'confiance exports (official food inspections of France) → the working tables of the case.

What the exports are, measured on the two that this source declares:

- An export is a *rolling year*. Of several visits to one place it mostly keeps the latest, so a bad
  result vanishes when the place is visited again: the first export shows 667 restaurant visits that the
  second has lost though it covers their day, and 63 % of these are bad (8.5 % overall). So the rate of bad
  results climbs with the month from 3 % to 15 % within *each* export, and falls back to 6 % where the next
  one takes over: this is the age of the row, not the season. And of two visits to one place, the
  first is bad far too often. History comes only from joining archives, and stays incomplete.
- The same columns come in another order in each export; dates carry an hour and an offset
  (``2019-06-13T13:45:00+02:00``, ``2019-06-13T02:00:00+02:00``); a visit has one row per activity, and
  numbers of inspection repeat. So one inspection here is one identifier × one day in Paris.
- Exports hold no date of publication, no inspector, no opening date.

Rules of the join
-----------------
1. A row whose identifier, date or result cannot be read is left out, counted by reason.
2. An identifier that is a valid SIRET (Luhn, La Poste's rule) gives ``siret:…``; any other (number of
   the administration such as ``A94314008001``, foreign VAT number, mistyped SIRET) gives
   ``establishment:…``: it still joins with itself, and is counted.
3. Rows of one subject and one day are one inspection, however many exports or activities name it.
4. When they disagree, the *worst* result is kept: it was found, that day, at that place. When at least
   one row is a restaurant's, only restaurant rows count, so that the result does not depend on which
   export (the first holds restaurants only) shows the visit. Disagreements are counted.
5. Two days are two inspections: a later result never replaces an earlier one.

``known`` is the day of the visit plus `PUBLICATION_DELAY`: see there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk import schemas
from eclaireur.cases.restaurant_risk.alimconfiance import OFFICIAL, read_export
from eclaireur.cases.restaurant_risk.documented import inspections_schema
from eclaireur.core import french
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import FileRefusedError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["PUBLICATION_DELAY", "Join", "join", "records"]

PUBLICATION_DELAY = timedelta(days=90)
"""Delay after which a result is taken as published, cautious on purpose.

Measured by looking, in the export of 25/08/2019, for the restaurant visits that the export of May 2020
shows: present for 14 % of favourable visits aged 0-9 days, 58 % at 20-29, 87 % at 40-49, 95 % at 70-79;
bad results come later (0 % before 20 days, about 80 % at 50-79, 86 % at 80-89). An administration that reads
its own database knows a result sooner: this delay is that of someone who has only the exports.
"""

_SCOPE = "Restaurant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """What the join did, row by row: nothing disappears without a count.

    ``rows = rejected + merged + inspections``: see `balanced`.

    Parameters
    ----------
    files
        File → rows read, oldest export first.
    rejected
        Reason in French → rows left out.
    merged
        Rows that repeat an inspection another row already gives.
    inspections, subjects
        What remains.
    in_several_exports
        Inspections that two exports or more give.
    conflicts, label_conflicts
        Inspections whose rows disagree on the result, and among them on bad or not.
    replaced, replaced_bad
        Restaurant inspections that the next export no longer shows though it covers their day, and the bad
        ones among them: what a single export would have hidden.
    out_of_scope
        Inspections without any restaurant row.
    without_siret
        Inspections whose identifier is not a valid SIRET.
    without_area
        Inspections whose département cannot be told.
    """

    files: Mapping[str, int]
    rejected: Mapping[str, int]
    merged: int
    inspections: int
    subjects: int
    in_several_exports: int
    conflicts: int
    label_conflicts: int
    replaced: int
    replaced_bad: int
    out_of_scope: int
    without_siret: int
    without_area: int

    @property
    def rows(self) -> int:
        """Rows read in all files."""
        return sum(self.files.values())

    @property
    def balanced(self) -> bool:
        """Tell whether every row read is accounted for."""
        return self.rows == sum(self.rejected.values()) + self.merged + self.inspections

    def sentences(self) -> tuple[str, ...]:
        """Return the report as French sentences; what did not happen is not said."""
        between = f"{french.number(self.label_conflicts)} entre favorable et défavorable"
        bad = french.count(self.replaced_bad, "défavorable")
        counts = (
            (
                self.rows,
                "ligne lue",
                "lignes lues",
                " : " + ", ".join(f"{french.number(n)} dans « {name} »" for name, n in self.files.items()),
            ),
            (self.merged, "ligne répétée", "lignes répétées", ", fusionnées avec celle qu'elles répètent"),
            *(
                (n, "ligne laissée", "lignes laissées", f" de côté : {why}")
                for why, n in self.rejected.items()
            ),
            (
                self.inspections,
                "contrôle distinct",
                "contrôles distincts",
                f", un par établissement et par jour, de {french.count(self.subjects, 'établissement')}",
            ),
            (
                self.in_several_exports,
                "contrôle figure",
                "contrôles figurent",
                " dans plusieurs exports et ne compte qu'une fois",
            ),
            (
                self.conflicts,
                "contrôle a",
                "contrôles ont",
                f" des lignes aux résultats différents ({between}) ; le plus défavorable est retenu",
            ),
            (
                self.replaced,
                "contrôle de restaurant manque",
                "contrôles de restaurants manquent",
                f" à l'export suivant, qui couvre leur date (dont {bad}) : seule l'archive les montre",
            ),
            (
                self.out_of_scope,
                "contrôle",
                "contrôles",
                " hors restaurants : dans l'historique, jamais classés",
            ),
            (
                self.without_siret,
                "contrôle",
                "contrôles",
                " sans SIRET valide : rattachés par leur identifiant",
            ),
            (self.without_area, "contrôle", "contrôles", " dont le département ne peut être déduit"),
        )
        return tuple(f"{french.count(n, one, several)}{rest}." for n, one, several, rest in counts if n)


def records(raw: Path, *, progress: Progress = quiet) -> dict[str, pa.Table]:
    """Read every export of a folder into the working tables; `join` also gives the report.

    Examples
    --------
    >>> records(Path("food_safety_fr"))["inspections"].num_rows  # doctest: +SKIP
    45318
    """
    return join(raw, progress=progress)[0]


def join(raw: Path, *, progress: Progress = quiet) -> tuple[dict[str, pa.Table], Join]:
    """Read every export of a folder, join them by subject and day, and say what was done.

    Parameters
    ----------
    raw
        Folder with Alim'confiance exports (``.csv`` or ``.csv.gz``, separator ``;``), in any number and
        under any name.
    progress
        Told once per file and once for the join.

    Returns
    -------
    tables, report
        The working tables (`schemas`, `documented.inspections_schema`), and the `Join`.

    Raises
    ------
    FileRefusedError
        If a file cannot be read, or the folder holds none.
    MissingColumnError, BadValueError
        If a file is not an Alim'confiance export, or a column holds something else than it should.
    """
    import pyarrow as pa

    paths = sorted(path for path in raw.iterdir() if path.name.endswith((".csv", ".csv.gz")))
    if not paths:
        raise FileRefusedError(
            "aucun export Alim'confiance dans ce dossier.",
            file=str(raw),
            fix="Déposez-y au moins un export « .csv » ou « .csv.gz ».",
        )
    exports = []
    for done, path in enumerate(paths):
        progress(done, len(paths) + 1, f"Lecture de « {path.name} »")
        exports.append((path.name, read_export(path)))
    # The newest export is known by its dates, not by its name: its description of a place prevails.
    exports.sort(key=lambda pair: (_last_day(pair[1]), pair[0]))
    rows = pa.concat_tables(
        [
            table.append_column("export", pa.array([order] * table.num_rows, pa.int32())).append_column(
                "line", pa.array(range(table.num_rows), pa.int32())
            )
            for order, (_, table) in enumerate(exports)
        ]
    )
    progress(len(paths), len(paths) + 1, "Jointure des exports par établissement et par jour")
    tables, figures = _merge(rows)
    report = Join(files={name: table.num_rows for name, table in exports}, **figures)
    progress(len(paths) + 1, len(paths) + 1, report.sentences()[0])
    return tables, report


def _last_day(table: pa.Table) -> date:
    import pyarrow.compute as pc

    return pc.max(table["observed"]).as_py() or date.min


_REJECTED = """
SELECT count(*) FILTER (subject IS NULL) AS "identifiant absent",
       count(*) FILTER (subject IS NOT NULL AND observed IS NULL) AS "date illisible",
       count(*) FILTER (subject IS NOT NULL AND observed IS NOT NULL AND level IS NULL) AS "résultat inconnu"
FROM lines
"""

_VISITS = """
CREATE TABLE visits AS
WITH kept AS (
    SELECT *, list_contains(string_split(coalesce(activity, ''), '|'), $scope) AS scoped
    FROM lines WHERE subject IS NOT NULL AND observed IS NOT NULL AND level IS NOT NULL
), seen AS (
    SELECT *, bool_or(scoped) OVER visit AS in_scope,
           count(*) OVER visit AS rows, min(export) OVER visit < max(export) OVER visit AS shared,
           max(export) OVER visit AS newest
    FROM kept WINDOW visit AS (PARTITION BY subject, observed)
)
SELECT subject, observed, in_scope, max(level) AS worst, min(level) AS best,
       any_value(rows) AS rows, any_value(shared) AS shared, any_value(newest) AS newest
FROM seen WHERE scoped = in_scope
GROUP BY subject, observed, in_scope
"""

_INSPECTIONS = """
SELECT split_part(subject, ':', 2) || '/' || observed AS inspection,
       subject, observed, observed + $delay::INTEGER AS known,
       (worst >= 2)::DOUBLE AS label, (worst = 3)::DOUBLE AS failed,
       NULL AS critical, NULL AS serious, NULL AS minor, NULL AS kind,
       $official[worst + 1] AS result, NULL AS observer, in_scope,
       NULL AS propensity, 'outcome' AS origin
FROM visits ORDER BY observed, subject
"""

# A place is described by its newest rows, restaurant rows first, so that one subject has one activity.
_ESTABLISHMENTS = """
WITH described AS (
    SELECT *, (list_contains(string_split(coalesce(activity, ''), '|'), $scope), observed, export, line)
           AS newest
    FROM lines WHERE subject IN (SELECT subject FROM visits)
)
SELECT subject,
       arg_max(name, newest) AS name, arg_max(activity, newest) AS activity, NULL AS risk_class,
       arg_max(address, newest) AS address, arg_max(postal_code, newest) AS postal_code,
       arg_max(commune, newest) AS commune, arg_max(area, newest) AS area,
       arg_max(place, newest).latitude AS latitude, arg_max(place, newest).longitude AS longitude,
       NULL AS opened
FROM described GROUP BY subject ORDER BY subject
"""

_FIGURES = """
WITH windows AS (SELECT export, min(observed) AS since FROM lines GROUP BY export)
SELECT sum(rows - 1)::BIGINT AS merged, count(*) AS inspections, count(DISTINCT subject) AS subjects,
       count(*) FILTER (shared) AS in_several_exports,
       count(*) FILTER (best < worst) AS conflicts,
       count(*) FILTER (best < 2 AND worst >= 2) AS label_conflicts,
       count(*) FILTER (in_scope AND visits.observed >= since) AS replaced,
       count(*) FILTER (in_scope AND visits.observed >= since AND worst >= 2) AS replaced_bad,
       count(*) FILTER (NOT in_scope) AS out_of_scope,
       count(*) FILTER (NOT starts_with(subject, 'siret:')) AS without_siret,
       count(*) FILTER (subject IN (SELECT subject FROM establishments WHERE area IS NULL)) AS without_area
FROM visits LEFT JOIN windows ON windows.export = visits.newest + 1
"""


def _merge(lines: pa.Table) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Join typed rows into inspections and establishments (rules 1, 3, 4 and 5 of the module)."""
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 1}) as base:
        base.register("lines", lines)
        rejected = _one(base, _REJECTED)
        base.execute(_VISITS, {"scope": _SCOPE})
        inspections = base.execute(
            _INSPECTIONS, {"delay": PUBLICATION_DELAY.days, "official": list(OFFICIAL)}
        ).to_arrow_table()
        establishments = base.execute(_ESTABLISHMENTS, {"scope": _SCOPE}).to_arrow_table()
        base.register("establishments", establishments)
        figures = _one(base, _FIGURES)
    tables = {
        "inspections": inspections.cast(inspections_schema()),
        "establishments": establishments.cast(schemas.establishments_schema()),
        "complaints": schemas.complaints_schema().empty_table(),
        "weather": schemas.weather_schema().empty_table(),
        "reviews": schemas.reviews_schema().empty_table(),
    }
    return tables, {**figures, "rejected": {reason: rows for reason, rows in rejected.items() if rows}}


def _one(base: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """Return the only row of a query, by column name."""
    rows: list[dict[str, Any]] = base.execute(query).to_arrow_table().to_pylist()
    return rows[0]
