"""Reports on sources of pollution: their profiles, known ones alike, where and when they count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import profiles as factoring
from eclaireur.cases.unknown_molecules.concentrations import Measures, read_measures
from eclaireur.cases.unknown_molecules.known_profiles import Match, match, read_known
from eclaireur.cases.unknown_molecules.tables import plain_table
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Chart, Map, Place, Series, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["contributions", "profiles"]

_SHOWN = 10
_ALONE = "lieu unique"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A fit with its bands, and the names of its factors."""

    measures: Measures
    made: factoring.Factors
    bands: factoring.Bands
    matches: tuple[Match, ...]
    refused: tuple[tuple[int, str], ...]

    def named(self, factor: int) -> str:
        """Return what a factor is called: a known profile that it is surely like, else its species."""
        if self.matches and self.matches[factor].name:
            return f"source {factor + 1} ({self.matches[factor].name})"
        top = self.made.profiles[factor].argsort()[::-1][:2]
        return f"source {factor + 1} ({', '.join(self.measures.species[at] for at in top)})"


def _count(about: str, settings: Mapping[str, Any]) -> int | None:
    """Return the number of factors that is asked for."""
    if settings.get("factors") is not None:
        return int(settings["factors"])
    if not about.strip():
        return None
    if not about.strip().isdigit():
        raise BadValueError(
            f"nombre de facteurs invalide : « {about} ».", fix="Donnez par exemple --set factors=4."
        )
    return int(about)


def _fitted(measures: Measures, count: int, settings: Mapping[str, Any], seed: int) -> _Fitted:
    most = min(len(measures.species), len(measures.values)) - 1
    if not 1 <= count <= most:
        raise BadValueError(
            f"nombre de facteurs invalide : « {count} ».", fix=f"Donnez un nombre de 1 à {most}."
        )
    made = factoring.fit(measures.values, measures.unsure, count, starts=5, seed=seed)
    # The bootstrap starts from these profiles: they must have come as far as its own.
    made = factoring.fit(measures.values, measures.unsure, count, seed=seed, profiles=made.profiles)
    bands = factoring.bootstrap(measures.values, measures.unsure, made, seed=seed)
    refused: list[tuple[int, str]] = list(measures.refused)
    matches: Sequence[Match] = ()
    if settings.get("library") is not None:
        known, wrong = read_known(settings["library"])
        refused += [(line, f"profil connu : {why}") for line, why in wrong]
        matches = match(known, measures.species, made, bands, seed=seed)
    return _Fitted(measures=measures, made=made, bands=bands, matches=tuple(matches), refused=tuple(refused))


def profiles(table: pa.Table, *, about: str, seed: int, settings: Mapping[str, Any]) -> tuple[Block, ...]:
    """Find profiles of sources; without a number of factors, criteria to choose it."""
    measures = read_measures(table)
    count = _count(about, settings)
    if count is None:
        return (*_criteria(measures, seed), *_aside(measures.refused))
    found = _fitted(measures, count, settings, seed)
    return (
        _profile_table(found),
        *_matches(found),
        *(_bars(found, factor) for factor in range(count)),
        *_aside(found.refused),
    )


def _criteria(measures: Measures, seed: int) -> tuple[Block, ...]:
    counts = range(2, min(8, len(measures.species)))
    told = factoring.criteria(measures.values, measures.unsure, counts, seed=seed)
    columns = [
        ("factors", "Facteurs", "number"),
        ("ratio", "Q sur attendu", "number"),
        ("drop", "Baisse de Q", "number"),
        ("worst", "Pire résidu moyen", "number"),
        ("stability", "Stabilité la plus faible", "number"),
    ]
    rows = [{key: round(value, 3) for key, value in one.items()} for one in told]
    note = "Choisissez le dernier nombre qui baisse nettement Q et reste stable, puis --set factors=NOMBRE."
    return (plain_table("Nombre de facteurs", columns, rows, note),)


def _aside(refused: Sequence[tuple[int, str]]) -> tuple[Block, ...]:
    rows = [{"line": line or None, "why": why} for line, why in refused]
    columns = [("line", "Ligne", "number"), ("why", "Raison", "")]
    return (plain_table("Lignes mises de côté", columns, rows),) if rows else ()


def _bars(found: _Fitted, factor: int) -> Chart:
    made, bands, species = found.made, found.bands, found.measures.species
    top = made.profiles[factor].argsort()[::-1][:_SHOWN]
    names = tuple(species[at] for at in top)
    stable = french.number(float(bands.stability[factor]), 2)
    share = float(made.contributions[:, factor].sum() / made.contributions.sum())
    title = found.named(factor)
    return Chart(
        title=f"{title[:1].upper()}{title[1:]} : {french.percent(share)} du total",
        form="bar",
        x_title="Espèce",
        y_title="Part du profil",
        series=(
            Series(
                name="Part, intervalle à 90 %",
                x=names,
                y=tuple(float(made.profiles[factor, at]) for at in top),
                low=tuple(float(bands.low[factor, at]) for at in top),
                high=tuple(float(bands.high[factor, at]) for at in top),
            ),
        ),
        text=f"Stabilité : {stable}. Espèces : {', '.join(names)}.",
    )


def _profile_table(found: _Fitted) -> Table:
    made, bands = found.made, found.bands
    rows = [
        {
            "factor": factor + 1,
            "species": name,
            "share": round(float(made.profiles[factor, at]), 4),
            "low": round(float(bands.low[factor, at]), 4),
            "high": round(float(bands.high[factor, at]), 4),
        }
        for factor in range(len(made.profiles))
        for at, name in enumerate(found.measures.species)
    ]
    columns = [
        ("factor", "Source", "number"),
        ("species", "Espèce", ""),
        ("share", "Part", "number"),
        ("low", "Basse", "number"),
        ("high", "Haute", "number"),
    ]
    return plain_table("Profils des sources", columns, rows)


def _matches(found: _Fitted) -> tuple[Block, ...]:
    """Say which known profile each factor resembles, with intervals over the bootstrap."""
    if not found.matches:
        return ()
    rows = [
        {
            "factor": one.factor + 1,
            "name": one.name or "aucune correspondance",
            "nearest": one.nearest or "–",
            "cosine": _band(one.cosine, share=False),
            "explained": _band(one.explained, share=True),
            "first": french.percent(one.first),
            "why": one.why,
        }
        for one in found.matches
    ]
    columns = [
        ("factor", "Source", "number"),
        ("name", "Profil connu", ""),
        ("nearest", "Le plus proche", ""),
        ("cosine", "Ressemblance (cosinus)", ""),
        ("explained", "Part expliquée", ""),
        ("first", "Premier dans", ""),
        ("why", "Pourquoi aucun nom", ""),
    ]
    named = sum(bool(one.name) for one in found.matches)
    said = french.count(named, "source ressemble", "sources ressemblent")
    title = f"{said} à un profil connu, sur {len(rows)}"
    note = (
        "Entre parenthèses, intervalle à 90 % sur les tirages. Un nom n'est donné que si la ressemblance "
        "reste d'au moins 0,8, si le profil reste le premier et si le hasard ne fait pas autant."
    )
    return (plain_table(title, columns, rows, note),)


def _band(values: tuple[float, float, float], *, share: bool) -> str:
    if not values[0] >= 0:
        return "–"
    middle, low, high = (french.percent(one) if share else french.number(one, 2) for one in values)
    return f"{middle} ({low} – {high})"


def contributions(
    table: pa.Table, *, about: str, seed: int, settings: Mapping[str, Any]
) -> tuple[Block, ...]:
    """Say where and when each source counts: a table and a map by site, months, and a curve by date."""
    import numpy as np

    measures = read_measures(table)
    count = _count(about, settings)
    if count is None:
        raise BadValueError(
            "le nombre de sources n'est pas donné.",
            fix="Donnez-le (--set factors=4) ; la méthode « Profils de sources » aide à le choisir.",
        )
    found = _fitted(measures, count, settings, seed)
    rows = _within(measures, settings.get("since"), settings.get("until"))
    draws = np.array(
        [factoring.contributions_of(measures.values, measures.unsure, one) for one in found.bands.draws]
    )
    sites = [one or _ALONE for one in measures.sites]
    by_site: dict[str, list[int]] = defaultdict(list)
    by_month: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at in rows:
        by_site[sites[at]].append(at)
        when = measures.days[at]
        if when is not None:
            by_month[sites[at], f"{when:%Y-%m}"].append(at)
    blocks: list[Block] = [
        _means(
            found, draws, {(site, ""): places for site, places in by_site.items()}, "Contributions par site"
        )
    ]
    for factor in range(count):
        blocks += _map(found, draws, by_site, factor)
    if len(by_month) > len(by_site):
        blocks.append(_means(found, draws, by_month, "Contributions par site et par mois"))
    return (*blocks, *_curve(found, rows), *_aside(found.refused))


def _within(measures: Measures, since: date | None, until: date | None) -> list[int]:
    """Return the rows of a period; all of them when none is given.

    Raises
    ------
    BadValueError
        If it has none.
    """
    if since is None and until is None:
        return list(range(len(measures.days)))
    rows = [
        at
        for at, day in enumerate(measures.days)
        if day is not None and (since is None or day >= since) and (until is None or day <= until)
    ]
    if not rows:
        raise BadValueError("aucune ligne datée n'est dans cette période.", fix="Changez les dates.")
    return rows


def _mean(
    found: _Fitted, draws: NDArray[np.float64], rows: Sequence[int], factor: int
) -> tuple[float, float, float]:
    """Return the mean contribution of a source on some rows, with its interval over profiles and dates."""
    import numpy as np

    draw = np.random.default_rng(len(rows))
    places = np.array(rows)
    means = [one[draw.choice(places, len(places)), factor].mean() for one in draws]
    low, high = np.quantile(means, [0.05, 0.95])
    return float(found.made.contributions[places, factor].mean()), float(low), float(high)


def _means(
    found: _Fitted, draws: NDArray[np.float64], groups: Mapping[tuple[str, str], Sequence[int]], title: str
) -> Table:
    dated = any(month for _, month in groups)
    rows = []
    for (site, month), places in sorted(groups.items()):
        total = float(found.made.contributions[list(places)].sum()) or 1.0
        for factor in range(len(found.made.profiles)):
            middle, low, high = _mean(found, draws, places, factor)
            part = float(found.made.contributions[list(places), factor].sum()) / total
            rows.append(
                {
                    "site": site,
                    "month": month,
                    "source": found.named(factor),
                    "mean": float(f"{middle:.4g}"),
                    "low": float(f"{low:.4g}"),
                    "high": float(f"{high:.4g}"),
                    "part": french.percent(part),
                    "count": len(places),
                }
            )
    columns = [
        ("site", "Site", ""),
        *([("month", "Mois", "")] if dated else []),
        ("source", "Source", ""),
        ("mean", "Contribution moyenne", "number"),
        ("low", "Basse", "number"),
        ("high", "Haute", "number"),
        ("part", "Part du site", ""),
        ("count", "Mesures", "number"),
    ]
    note = "Dans l'unité des concentrations. Intervalle à 90 % : profils et dates tirés à nouveau."
    return plain_table(title, columns, rows, note)


def _map(
    found: _Fitted, draws: NDArray[np.float64], by_site: Mapping[str, Sequence[int]], factor: int
) -> list[Block]:
    """Draw the mean contribution of a source at each site that has a place."""
    places = []
    for site, rows in sorted(by_site.items()):
        if site not in found.measures.places:
            continue
        latitude, longitude = found.measures.places[site]
        middle, low, high = _mean(found, draws, rows, factor)
        label = f"{site}, de {_digits(low)} à {_digits(high)}"
        places.append(Place(label=label, latitude=latitude, longitude=longitude, value=middle))
    if not places:
        return []
    strongest = max(places, key=lambda one: one.value or 0.0)
    name, site = found.named(factor), strongest.label.rpartition(", de ")[0]
    return [
        Map(
            title=f"{name[:1].upper()}{name[1:]} : la plus forte à « {site} »",
            places=tuple(places),
            legend="Contribution moyenne, dans l'unité des concentrations, et son intervalle à 90 %.",
        )
    ]


def _digits(value: float) -> str:
    return french.number(value, 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 4)


def _curve(found: _Fitted, rows: Sequence[int]) -> tuple[Block, ...]:
    """Draw the contributions by date, the mean of the sites."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for at in rows:
        when = found.measures.days[at]
        if when is not None:
            by_day[when].append(at)
    if len(by_day) < 2:
        return ()
    days = sorted(by_day)
    made = found.made.contributions
    series = tuple(
        Series(
            name=found.named(factor),
            x=tuple(days),
            y=tuple(float(made[by_day[day], factor].mean()) for day in days),
        )
        for factor in range(len(found.made.profiles))
    )
    top = max(series, key=lambda one: sum(one.y))
    share = sum(top.y) / max(sum(sum(one.y) for one in series), 1e-12)
    return (
        Chart(
            title=f"Par date, {top.name} fait {french.percent(share)} du total",
            form="line",
            x_title="Date",
            y_title="Contribution",
            series=series,
            text=f"Du {french.day(days[0])} au {french.day(days[-1])}, {french.count(len(days), 'jour')}.",
        ),
    )
