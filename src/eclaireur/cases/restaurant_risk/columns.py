"""The columns of the model, as of a date.

History is *adjusted for the observer*: a bad result counts for how much worse it is than what this
inspector finds elsewhere, so that the severity of past inspectors does not pass for the risk of a
place. Expected rates themselves use only what was known before each inspection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.asof import Daily, Last, Near, Own, Peers, Since, Spec, build
from eclaireur.cases.restaurant_risk.features import FEATURES
from eclaireur.cases.restaurant_risk.reviews import with_complaints

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["CONTEXT", "PRIOR", "adjusted", "matrix", "places", "rows_for"]

PRIOR = 0.15
"""Rate of bad results supposed before any is known; drowned by data after some tens of results."""

CONTEXT = tuple(
    feature.name for feature in FEATURES if feature.name.startswith("heat_") or feature.source == "licences"
)

_SPECS: tuple[Spec, ...] = (
    Own(name="past_count", table="inspections", how="count"),
    Own(name="excess_sum", table="inspections", how="sum", column="excess"),
    Last(name="last_label", table="inspections", column="label"),
    Last(name="last_serious", table="inspections", column="serious"),
    Last(name="last_minor", table="inspections", column="minor"),
    Own(name="mean_serious", table="inspections", how="mean", column="serious"),
    Own(name="mean_minor", table="inspections", how="mean", column="minor"),
    Own(name="failed_share", table="inspections", how="mean", column="failed"),
    Since(name="since_last", table="inspections"),
    Peers(
        name="activity_excess",
        table="inspections",
        column="excess",
        key="activity",
        window=730,
        strength=30.0,
    ),
    Peers(
        name="risk_class_excess",
        table="inspections",
        column="excess",
        key="risk_class",
        window=730,
        strength=30.0,
    ),
    Peers(name="chain_excess", table="inspections", column="excess", key="chain", window=1460, strength=10.0),
    Peers(name="area_excess", table="inspections", column="excess", key="area", window=365, strength=30.0),
    Near(
        name="near_excess",
        table="inspections",
        how="mean",
        column="excess",
        radius=1000.0,
        window=365,
        strength=20.0,
    ),
    Near(name="complaints_near", table="complaints", how="count", radius=500.0, window=90),
    Own(name="rating", table="reviews", how="mean", column="rating", window=365),
    Own(name="bad_reviews", table="reviews", how="sum", column="very_bad", window=182),
    Own(name="blaming_reviews", table="reviews", how="sum", column="blames", window=365),
    Daily(name="temperature", table="weather", column="temperature_max", window=3),
    Daily(name="humidity", table="weather", column="humidity", window=3),
    *(Last(name=name, table="contexts", column=name) for name in CONTEXT),
)
_EVER = 100_000
"""A window that holds all the past, in days."""
_SHRINK = 3.0
"""Results added at the usual rate to a subject's own past before its mean is taken."""


def adjusted(records: Mapping[str, pa.Table], *, observer: bool = True) -> dict[str, pa.Table]:
    """Prepare the event tables: places and kinds on inspections, excess over the observer's own rate.

    ``excess`` is the label minus the rate that this observer had found elsewhere before (every
    observer's, when the observer is not known): what is left of a result once its observer is
    taken out. With ``observer`` false, every result is compared with everyone's rate: only to
    measure what the adjustment brings.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = dict(records)
    inspections = records["inspections"]
    size = inspections.num_rows
    inspections = inspections.append_column("everyone", pa.array(["all"] * size, pa.string()))
    rows = inspections.select(["subject", "observed", "observer", "everyone"]).rename_columns(
        ["subject", "as_of", "observer", "everyone"]
    )
    rates = build(
        rows,
        {"inspections": inspections},
        [
            Peers(name=f"by_{key}", table="inspections", column="label", key=key, window=_EVER, towards=PRIOR)
            for key in ("observer", "everyone")
        ],
    )
    known = pc.and_(pc.is_valid(inspections["observer"]), observer)
    expected = pc.if_else(known, rates["by_observer"], rates["by_everyone"])
    inspections = inspections.append_column("excess", pc.subtract(inspections["label"], expected))
    inspections = inspections.append_column("observer_rate", expected)
    inspections = inspections.append_column("base_rate", rates["by_everyone"])
    known_places = places(records["establishments"])
    tables["establishments"] = known_places
    found = _attributes(known_places, inspections["subject"])
    for name in _ATTRIBUTES:
        inspections = inspections.append_column(name, found[name])
    tables["inspections"] = inspections
    if "reviews" in records:
        reviews = records["reviews"]
        very_bad = pc.less_equal(reviews["rating"], 2.0).cast(pa.float64())
        tables["reviews"] = with_complaints(reviews.append_column("very_bad", very_bad))
    if "contexts" in records:
        contexts = records["contexts"]
        tables["contexts"] = contexts.append_column("known", contexts["observed"])
    return tables


_ATTRIBUTES = ("name", "chain", "activity", "risk_class", "area", "latitude", "longitude", "opened")


def places(establishments: pa.Table) -> pa.Table:
    """Return the attributes of establishments that rows carry; ``chain`` is the name without signs."""
    import pyarrow.compute as pc

    letters = pc.replace_substring_regex(pc.utf8_upper(establishments["name"]), r"[^\p{L} ]", "")
    chain = pc.utf8_trim_whitespace(letters)
    named = establishments.append_column("chain", pc.if_else(pc.equal(chain, ""), None, chain))
    return named.select(["subject", *_ATTRIBUTES])


def _attributes(known_places: pa.Table, subjects: pa.ChunkedArray) -> pa.Table:
    """Return the attributes of each subject, in order; nulls for one that is not known."""
    import pyarrow.compute as pc

    where = pc.index_in(subjects, value_set=known_places["subject"].combine_chunks())
    return known_places.take(where)


def rows_for(
    tables: Mapping[str, pa.Table],
    subjects: pa.ChunkedArray,
    as_of: pa.ChunkedArray,
    inspection: pa.ChunkedArray | None = None,
) -> pa.Table:
    """Return the rows to describe: subjects at dates, with what is known of each establishment.

    Parameters
    ----------
    tables
        What `adjusted` returns.
    inspection
        Number of the inspection itself where it has one.
    """
    import pyarrow as pa

    found = _attributes(tables["establishments"], subjects)
    numbers = pa.nulls(len(subjects), pa.string()) if inspection is None else inspection
    columns = {"inspection": numbers, "subject": subjects, "as_of": as_of}
    return pa.table(columns | {name: found[name] for name in _ATTRIBUTES})


def matrix(rows: pa.Table, tables: Mapping[str, pa.Table]) -> NDArray[np.float64]:
    """Return the model's columns for rows, shape ``(n, len(FEATURES))``, NaN where not known.

    Parameters
    ----------
    rows
        What `rows_for` returns. What was measured at the row's own inspection, before its result, is
        used where it is known.
    tables
        What `adjusted` returns.
    """
    import numpy as np

    found = build(rows, tables, _SPECS)
    columns = {name: found[name].to_numpy().astype(np.float64) for name in found.column_names}
    count = columns["past_count"] = np.nan_to_num(columns["past_count"])
    excess = np.nan_to_num(columns.pop("excess_sum")) / (count + _SHRINK)
    columns["past_excess"] = np.where(count > 0, excess, np.nan)
    columns["age"] = _age(rows)
    for name, values in _measured_there(rows, tables).items():
        columns[name] = np.where(np.isnan(values), columns[name], values)
    return np.column_stack([columns[feature.name] for feature in FEATURES])


def _age(rows: pa.Table) -> NDArray[np.float64]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    days = pc.subtract(rows["as_of"].cast(pa.int32()), rows["opened"].cast(pa.int32()))
    found: NDArray[np.float64] = days.cast(pa.float64()).to_numpy().astype(np.float64)
    return np.where(found < 0, np.nan, found)


def _measured_there(rows: pa.Table, tables: Mapping[str, pa.Table]) -> dict[str, NDArray[np.float64]]:
    """Context of the row's own inspection, published with it before its result."""
    import numpy as np

    if "contexts" not in tables or "inspection" not in rows.column_names:
        return {}
    contexts = tables["contexts"]
    position = {key: index for index, key in enumerate(contexts["inspection"].to_pylist())}
    where = np.array([position.get(key, -1) for key in rows["inspection"].to_pylist()])
    found = {}
    for name in CONTEXT:
        values = np.append(contexts[name].to_numpy().astype(np.float64), np.nan)
        found[name] = values[where]
    return found
