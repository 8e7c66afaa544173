"""What the model looks at, each as known at a date, and the French sentence that says it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.asof import Last, Own, Peers, Since, build
from eclaireur.cases.hiring_firms.law import staff_of
from eclaireur.core import french

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["CREDIBLE", "FEATURES", "Feature", "matrix", "open_rows", "rows_for"]

_EVER = 100_000
_YEARS = 3 * 366
"""How far back activities and areas are compared, in days."""
_SEEN, _RECENT, _PEERS = 4, 4, 1
"""Weight, in half-years, of a firm's whole past (at most), of its last twelve months, and of its peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column of the model: name, theme, and the sentence of a value."""

    name: str
    theme: str
    say: Callable[[float], str]


def _known(sentence: Callable[[float], str], unknown: str) -> Callable[[float], str]:
    return lambda value: unknown if math.isnan(value) else sentence(value)


def _hirings(value: float) -> str:
    return french.number(math.expm1(value), 1)


def _counted(value: float) -> str:
    return french.count(round(math.expm1(value)), "embauche", "embauches")


_NO_PAST = "Aucune embauche connue de cette entreprise."
FEATURES: tuple[Feature, ...] = (
    Feature(
        name="credible",
        theme="passé de l'entreprise",
        say=lambda value: (
            f"Au vu de son passé, de sa taille et de son activité : {french.number(math.exp(value), 1)} "
            "embauches par semestre."
        ),
    ),
    Feature(
        name="past",
        theme="passé de l'entreprise",
        say=_known(lambda value: f"{_hirings(value)} embauches par semestre en moyenne jusqu'ici.", _NO_PAST),
    ),
    Feature(
        name="last",
        theme="passé de l'entreprise",
        say=_known(lambda value: f"{_counted(value)} au dernier semestre connu.", _NO_PAST),
    ),
    Feature(
        name="year",
        theme="passé de l'entreprise",
        say=_known(lambda value: f"{_counted(value)} sur les douze derniers mois connus.", _NO_PAST),
    ),
    Feature(
        name="same_season",
        theme="saison",
        say=_known(
            lambda value: f"{_counted(value)} à la même saison la dernière fois.",
            "Aucune embauche connue à cette saison.",
        ),
    ),
    Feature(
        name="since_any",
        theme="passé de l'entreprise",
        say=_known(
            lambda value: f"Dernier semestre avec une embauche : fini depuis {french.duration(value)}.",
            "Jamais une embauche connue.",
        ),
    ),
    Feature(
        name="staff",
        theme="taille",
        say=_known(
            lambda value: f"Environ {french.count(round(math.expm1(value)), 'salarié', 'salariés')}.",
            "Effectif inconnu.",
        ),
    ),
    Feature(
        name="activity_level",
        theme="activité",
        say=_known(
            lambda value: (
                f"Les entreprises de cette activité embauchent {_hirings(value)} fois par semestre."
            ),
            "Activité peu connue.",
        ),
    ),
    Feature(
        name="activity_head",
        theme="activité",
        say=_known(
            lambda value: (
                f"Cette activité fait {french.number(100 * value)} embauches par semestre pour 100 salariés."
            ),
            "Activité peu connue.",
        ),
    ),
    Feature(
        name="activity_season",
        theme="saison",
        say=_known(
            lambda value: f"À cette saison, son activité embauche {_ratio(value)}.",
            "Saison de l'activité peu connue.",
        ),
    ),
    Feature(
        name="area_level",
        theme="territoire",
        say=_known(
            lambda value: f"Les entreprises de ce territoire embauchent {_hirings(value)} fois par semestre.",
            "Territoire peu connu.",
        ),
    ),
    Feature(
        name="age",
        theme="ancienneté",
        say=_known(
            lambda value: f"Entreprise créée il y a {french.duration(365.25 * math.expm1(value))}.",
            "Date de création inconnue.",
        ),
    ),
    Feature(
        name="seen",
        theme="passé de l'entreprise",
        say=lambda value: f"{french.count(int(value), 'semestre connu', 'semestres connus')}.",
    ),
)
"""Features of the model, in the order of its columns."""

CREDIBLE = 0
"""Column of the logarithm of the hirings to expect at first sight: what the trees correct."""


def _ratio(value: float) -> str:
    more = math.expm1(abs(value))
    if more < 0.01:
        return "autant qu'à l'autre"
    return f"{french.percent(more)} de {'plus' if value > 0 else 'moins'} qu'en moyenne"


def rows_for(establishments: pa.Table, subjects: pa.ChunkedArray, days: pa.ChunkedArray) -> pa.Table:
    """Return rows (a firm at a date) with what is known of each firm; nulls for one that is not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    at = pc.index_in(subjects, value_set=establishments["subject"].combine_chunks())
    names = [name for name in establishments.column_names if name != "subject"]
    columns = {name: establishments[name].combine_chunks().take(at) for name in names}
    return pa.table({"subject": subjects, "as_of": days, **columns})


def open_rows(establishments: pa.Table, as_of: date) -> pa.Table:
    """Return a row for each firm open before a date, in the order of their identifiers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    opened = pc.fill_null(pc.less(establishments["opened"], pa.scalar(as_of, pa.date32())), fill_value=True)
    subjects = establishments.filter(opened).sort_by("subject")["subject"]
    days = pa.chunked_array([pa.array([as_of] * len(subjects), pa.date32())])
    return rows_for(establishments, subjects, days)


def matrix(rows: pa.Table, records: Mapping[str, pa.Table]) -> NDArray[np.float64]:
    """Return the columns of `FEATURES`, each as known before a row's own date: shape ``(n, features)``."""
    import numpy as np
    import pyarrow.compute as pc

    seasonal = _with_season(rows)
    events = _events(records)
    found = build(seasonal, {"hirings": events, "hired": _hired(records)}, _SPECS)
    built = {name: found[name].to_numpy() for name in found.column_names}
    for spec in _SPECS:
        if isinstance(spec, Peers):
            # Nothing is known of a territory or an activity never seen: it is not one that hires nobody.
            never = pc.invert(pc.is_in(seasonal[spec.key], value_set=events[spec.key].unique()))
            built[spec.name] = np.where(never.to_numpy(), np.nan, built[spec.name])
    opened = rows["opened"].to_numpy().astype("datetime64[D]")
    days = rows["as_of"].to_numpy().astype("datetime64[D]")
    age = np.where(np.isnat(opened), np.nan, (days - opened).astype(float) / 365.25)
    second = pc.greater(pc.month(rows["as_of"]), 6).to_numpy()
    level, staff = built["activity_level"], staff_of(rows["band"])
    total, seen = np.nan_to_num(built["total"]), np.nan_to_num(built["seen"])
    past = total / np.maximum(seen, 1)
    columns = {
        "credible": _credible(past, seen, built["year"], staff, built["activity_head"]),
        "past": np.where(seen > 0, np.log1p(past), np.nan),
        "last": built["last"],
        "year": np.log1p(built["year"]),
        "same_season": np.where(second, built["last_2"], built["last_1"]),
        "since_any": built["since_any"],
        "staff": np.log1p(staff),
        "activity_level": level,
        "activity_head": built["activity_head"],
        "activity_season": built["season_level"] - level,
        "area_level": built["area_level"],
        "age": np.log1p(np.maximum(age, 0.0)),
        "seen": seen,
    }
    return np.column_stack([columns[feature.name] for feature in FEATURES])


def _credible(
    past: NDArray[np.float64],
    seen: NDArray[np.float64],
    year: NDArray[np.float64],
    staff: NDArray[np.float64],
    head: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the logarithm of a firm's own mean drawn towards that of peers of its size.

    Bühlmann's credibility (1967), with more weight on the last twelve months: a firm never seen is like its
    peers, one long seen is like itself.
    """
    import numpy as np

    peers = (
        np.maximum(np.nan_to_num(head, nan=0.1), 0.01)
        * np.maximum(np.nan_to_num(staff, nan=1.5), 0.3) ** 0.85
    )
    own = np.minimum(seen, _SEEN)
    recent = np.where(np.isnan(year), 0.0, _RECENT)
    mean = own * past + recent * np.nan_to_num(year) / 2 + _PEERS * peers
    return np.log(mean / (own + recent + _PEERS))  # type: ignore[no-any-return]


_SPECS = (
    Own(name="seen", table="hirings", how="count"),
    Own(name="total", table="hirings", how="sum", column="count"),
    # A half-year and its end lie within 366 days when they are the two last ones known.
    Own(name="year", table="hirings", how="sum", column="count", window=366),
    Last(name="last", table="hirings", column="log"),
    Last(name="last_1", table="hirings", column="log_1"),
    Last(name="last_2", table="hirings", column="log_2"),
    Since(name="since_any", table="hired"),
    Peers(name="activity_level", table="hirings", column="log", key="naf", window=_YEARS, strength=2.0),
    Peers(name="activity_head", table="hirings", column="head", key="division", window=_YEARS, strength=2.0),
    Peers(name="season_level", table="hirings", column="log", key="naf_season", window=_YEARS, strength=2.0),
    Peers(name="area_level", table="hirings", column="log", key="area", window=_YEARS, strength=2.0),
)


def _with_season(rows: pa.Table) -> pa.Table:
    """Add the activity and season that a row asks about: those of the half-year it begins in."""
    import pyarrow.compute as pc

    season = pc.if_else(pc.greater(pc.month(rows["as_of"]), 6), "2", "1")
    return rows.append_column("naf_season", pc.binary_join_element_wise(rows["naf"], season, " "))


def _events(records: Mapping[str, pa.Table]) -> pa.Table:
    """Return hirings with what peers are compared by, and logarithms of counts by season."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    hirings = records["hirings"]
    rows = rows_for(records["establishments"], hirings["subject"], hirings["start"])
    count = hirings["count"].to_numpy().astype(float)
    staff = staff_of(rows["band"])
    first = pc.less(pc.month(hirings["start"]), 7).to_numpy()
    log = np.log1p(count)
    more = {
        "log": log,
        # A firm without staff that hires would count for infinitely many heads.
        "head": np.minimum(count / np.maximum(staff, 1.0), 3.0),
        "log_1": np.where(first, log, np.nan),
        "log_2": np.where(first, np.nan, log),
    }
    table = hirings.select(["subject", "observed", "known"])
    table = table.append_column("count", pa.array(count))
    for name, values in more.items():
        table = table.append_column(name, pa.array(values, from_pandas=True))
    seasonal = _with_season(rows)
    for name in ("naf", "division", "area", "naf_season"):
        table = table.append_column(name, seasonal[name])
    return table


def _hired(records: Mapping[str, pa.Table]) -> pa.Table:
    import pyarrow.compute as pc

    hirings = records["hirings"]
    return hirings.filter(pc.greater(hirings["count"], 0)).select(["subject", "observed", "known"])
