"""What the model looks at, as of a date, and how each thing is said in French.

History is *adjusted for the observer*: a bad result counts for how much worse it is than what this
inspector finds elsewhere, so that the severity of past inspectors does not pass for the risk of a
place. Expected rates themselves use only what was known before each inspection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.asof import Daily, Last, Near, Own, Peers, Since, Spec, build
from eclaireur.core import french

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FEATURES", "PRIOR", "Feature", "adjusted", "matrix", "places", "rows_for"]

PRIOR = 0.15
"""Rate of bad results supposed before any is known; drowned by data after some tens of results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A column of the model.

    Parameters
    ----------
    name, theme
        Column name, and the French theme under which its reason is shown.
    say
        French sentence for a value; NaN when the value is not known.
    source
        Table that the fact comes from, in French.
    rises
        +1 when more of it can only raise the risk, −1 lower it, 0 when the data decide.
    """

    name: str
    theme: str
    say: Callable[[float], str]
    source: str
    rises: int = 0


def _share(text: str, missing: str) -> Callable[[float], str]:
    """Say an adjusted rate as points above or below what is usual."""

    def say(value: float) -> str:
        if value != value:  # noqa: PLR0124 only NaN differs from itself
            return missing
        points = round(100 * value)
        if points == 0:
            return f"{text} : comme ailleurs."
        side = "de plus" if points > 0 else "de moins"
        return f"{text} : {french.count(abs(points), 'point')} {side} qu'ailleurs."

    return say


def _known(form: Callable[[float], str], missing: str) -> Callable[[float], str]:
    def say(value: float) -> str:
        return missing if value != value else form(value)  # noqa: PLR0124 only NaN differs from itself

    return say


def _count_last(one: str, many: str) -> Callable[[float], str]:
    return _known(
        lambda value: f"{french.count(round(value), one, many)} au dernier contrôle."
        if value
        else f"Aucun {one} au dernier contrôle.",
        "Aucun contrôle détaillé dans l'historique.",
    )


def _since(value: float) -> str:
    return f"Dernier contrôle il y a {french.duration(value)}."


def _mean(one: str, many: str) -> Callable[[float], str]:
    def form(value: float) -> str:
        noun = one if value < 2 else many  # noqa: PLR2004 French takes the plural from two
        return f"{french.number(value, 1)} {noun} par contrôle en moyenne."

    return _known(form, "Jamais contrôlé dans l'historique connu.")


_NEVER = "Jamais contrôlé dans l'historique connu."

FEATURES: tuple[Feature, ...] = (
    Feature(
        name="past_count",
        theme="historique",
        say=lambda value: f"{french.count(round(value), 'contrôle connu', 'contrôles connus')}."
        if value
        else _NEVER,
        source="contrôles",
    ),
    Feature(
        name="past_excess",
        theme="historique",
        say=_share("Mauvais résultats passés", _NEVER),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="last_label",
        theme="historique",
        say=_known(
            lambda value: "Dernier contrôle défavorable." if value else "Dernier contrôle favorable.", _NEVER
        ),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="last_serious",
        theme="historique",
        say=_count_last("manquement grave", "manquements graves"),
        source="contrôles",
    ),
    Feature(
        name="last_minor",
        theme="historique",
        say=_count_last("manquement mineur", "manquements mineurs"),
        source="contrôles",
    ),
    Feature(
        name="mean_serious",
        theme="historique",
        say=_mean("manquement grave", "manquements graves"),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="mean_minor",
        theme="historique",
        say=_mean("manquement mineur", "manquements mineurs"),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="failed_share",
        theme="historique",
        say=_known(lambda value: f"{french.percent(value)} de contrôles non validés.", _NEVER),
        source="contrôles",
        rises=1,
    ),
    Feature(name="since_last", theme="historique", say=_known(_since, _NEVER), source="contrôles"),
    Feature(
        name="activity_excess",
        theme="établissement",
        say=_share("Mauvais résultats dans la même activité", "Activité inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="risk_class_excess",
        theme="établissement",
        say=_share("Mauvais résultats dans la même classe de risque", "Classe de risque inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="age",
        theme="établissement",
        say=_known(
            lambda value: f"Ouvert depuis {french.duration(max(value, 0.0))}.", "Date d'ouverture inconnue."
        ),
        source="établissements",
    ),
    Feature(
        name="chain_excess",
        theme="établissement",
        say=_share("Mauvais résultats sous la même enseigne", "Enseigne inconnue."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="near_excess",
        theme="voisinage",
        say=_share("Mauvais résultats à moins de 1 km depuis un an", "Aucun contrôle voisin connu."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="area_excess",
        theme="voisinage",
        say=_share("Mauvais résultats dans le secteur depuis un an", "Secteur inconnu."),
        source="contrôles",
        rises=1,
    ),
    Feature(
        name="complaints_near",
        theme="signalements",
        say=_known(
            lambda value: f"{french.count(round(value), 'signalement')} à moins de 500 m depuis trois mois.",
            "Lieu inconnu : signalements non comptés.",
        ),
        source="signalements",
    ),
    Feature(
        name="rating",
        theme="avis",
        say=_known(lambda value: f"Note moyenne de {french.number(value, 1)} sur 5 depuis un an.", "Aucun avis."),
        source="avis",
        rises=-1,
    ),
    Feature(
        name="bad_reviews",
        theme="avis",
        say=_known(
            lambda value: f"{french.count(round(value), 'avis très négatif', 'avis très négatifs')} depuis six mois.",
            "Aucun avis.",
        ),
        source="avis",
        rises=1,
    ),
    Feature(
        name="temperature",
        theme="météo",
        say=_known(
            lambda value: f"{french.number(value)}\u00a0°C au plus chaud, en moyenne sur trois jours.", "Météo inconnue."
        ),
        source="météo",
    ),
    Feature(
        name="humidity",
        theme="météo",
        say=_known(lambda value: f"Humidité de {french.percent(value)} sur trois jours.", "Météo inconnue."),
        source="météo",
    ),
    *(
        Feature(
            name=name,
            theme="voisinage",
            say=_known(
                lambda value, what=what: f"Densité de {what} autour : {french.number(value, 1)}.",
                f"Densité de {what} inconnue.",
            ),
            source="signalements",
        )
        for name, what in (
            ("heat_burglary", "cambriolages"),
            ("heat_garbage", "signalements d'ordures"),
            ("heat_sanitation", "signalements d'hygiène"),
        )
    ),
    *(
        Feature(
            name=name,
            theme="établissement",
            say=_known(
                lambda value, what=what: f"{what.capitalize()} : {'oui' if value else 'non'}.",
                f"{what.capitalize()} : inconnu.",
            ),
            source="licences",
        )
        for name, what in (
            ("tobacco_retail_over_counter", "vente de tabac"),
            ("package_goods", "vente d'alcool à emporter"),
            ("outdoor_patio", "terrasse"),
            ("tavern", "licence de bar"),
            ("consumption_on_premises_incidental_activity", "alcool servi à table"),
            ("caterers_liquor_license", "licence de traiteur"),
        )
    ),
)
"""Every column of the model, in order."""

_CONTEXT = tuple(
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
        name="activity_excess", table="inspections", column="excess", key="activity", window=730, strength=30.0
    ),
    Peers(
        name="risk_class_excess",
        table="inspections",
        column="excess",
        key="risk_class",
        window=730,
        strength=30.0,
    ),
    Peers(
        name="chain_excess", table="inspections", column="excess", key="chain", window=1460, strength=10.0
    ),
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
    Daily(name="temperature", table="weather", column="temperature_max", window=3),
    Daily(name="humidity", table="weather", column="humidity", window=3),
    *(Last(name=name, table="contexts", column=name) for name in _CONTEXT),
)
_SHRINK = 3.0
"""Results added at the usual rate to a subject's own past before its mean is taken."""


def adjusted(records: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Prepare the event tables: places and kinds on inspections, excess over the observer's own rate.

    ``excess`` is the label minus the rate that this observer had found elsewhere before (every
    observer's, when the observer is not known): what is left of a result once its observer is
    taken out.
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
    peers = {"table": "inspections", "column": "label", "window": 100_000, "towards": PRIOR}
    rates = build(
        rows,
        {"inspections": inspections},
        [
            Peers(name="by_observer", key="observer", strength=20.0, **peers),
            Peers(name="by_everyone", key="everyone", strength=20.0, **peers),
        ],
    )
    known = pc.is_valid(inspections["observer"])
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
        tables["reviews"] = reviews.append_column("very_bad", very_bad)
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
    for name in _CONTEXT:
        values = np.append(contexts[name].to_numpy().astype(np.float64), np.nan)
        found[name] = values[where]
    return found

