"""What is read beside the list: a search by job and place, publication gates, who is seen how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.hiring_firms import exposure, gates, searching
from eclaireur.cases.hiring_firms.searching import Jobs
from eclaireur.core import french
from eclaireur.core.view import Block, Column, Facts, Form, FormField, Map, Place, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.hiring_firms.model import Model
    from eclaireur.core.case import Records

__all__ = ["ASKS", "TITLES", "made", "played_views", "search_kinds"]

TITLES = {
    "search": "Entreprises à démarcher, par métier et près d'un lieu",
    "gates": "Conditions de publication",
    "exposure": "Part des vues des entreprises les plus vues",
    "jobs": "Métiers connus, avec leurs métiers proches",
}
"""Reports by name, with their French titles."""

ASKS = {
    "search": (
        FormField(
            name="about",
            title="Recherche",
            kind="text",
            help="Par exemple : metier=D1102 commune=Metz rayon=10 taille=10-49 jour=2025-07-01",
        ),
    )
}
"""What a report cannot do without (see `service.reporting`)."""

_SEARCHES = 4
"""Firms for one search of a day: twenty places each, so that a firm has five views a day on average."""
_FEW = 5
_LEAST = 0.005
"""Expected hirings in the job under which a firm is not shown: one in a hundred years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    records: Records
    model: Model
    about: str
    seed: int


def made(name: str, records: Records, model: Model, *, about: str, seed: int) -> tuple[Block, ...]:
    """Return a report of `TITLES`; ``about`` is the search (`searching.parse`).

    Raises
    ------
    InputError
        If the search cannot be read, or names what is not known.
    RefusedError
        If a gate of publication does not hold.
    """
    return _MAKERS[name](_Asked(records=records, model=model, about=about, seed=seed))


def _search(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    if not asked.about.strip():
        return (_FORM,)
    ask = searching.parse(asked.about)
    jobs = Jobs.read(asked.records)
    rome = jobs.find(ask.job)
    now = gates.today(asked.records, asked.model)
    away, name = searching.distances(now.rows, ask.commune)
    inside = (np.nan_to_num(away, nan=np.inf) <= ask.radius) & searching.sized(now.rows, ask.staff)
    areas = now.rows["area"].to_pylist()
    gates.require(gates.gates(now), {areas[at] for at in np.flatnonzero(inside)})
    activities = now.rows["naf"].to_pylist()
    weights = np.where(inside, now.expected * jobs.part(rome, activities), 0.0)
    weights[weights < _LEAST] = 0.0
    found = int((weights > 0).sum())
    key = f"{rome} {searching.flat(name)} {ask.radius} {ask.staff}"
    order = exposure.shown(weights, day=ask.day, search=key)
    chance = exposure.chances(weights, exposure.PLACES)
    columns = {key: now.rows[key].to_pylist() for key in ("name", "commune_name", "band", "subject")}
    rows = [
        {
            "name": columns["name"][at],
            "subject": columns["subject"][at].partition(":")[2],
            "commune": columns["commune_name"][at] or "",
            "away": french.number(float(away[at]), 1),
            "expected": french.number(float(weights[at]), 2),
            "chance": french.percent(float(chance[at])),
        }
        for at in order.tolist()
    ]
    facts = Facts(
        title=f"{jobs.names[rome]} ({rome}), à {french.number(ask.radius, 1)} km de {name}",
        pairs=(
            ("Jour", french.day(ask.day)),
            ("Entreprises qui répondent", french.number(found)),
            ("Montrées aujourd'hui", french.number(len(rows))),
            ("Semestre attendu", f"à partir du {french.day(now.as_of)}"),
        ),
    )
    note = (
        "Tirage du jour, en proportion des embauches attendues : la liste change chaque jour, pour qu'aucune "
        "entreprise ne reçoive toutes les candidatures."
        if found
        else "Aucune entreprise : élargissez le rayon ou la taille, ou voyez les métiers proches."
    )
    listed = Table(
        title="Entreprises",
        columns=(
            Column(key="name", title="Entreprise"),
            Column(key="subject", title="SIRET"),
            Column(key="commune", title="Commune"),
            Column(key="away", title="Distance (km)", align="right"),
            Column(key="expected", title="Embauches attendues dans ce métier", align="right"),
            Column(key="chance", title="Chance d'être montrée un jour donné", align="right"),
        ),
        rows=rows,
        note=note,
    )
    places = tuple(
        Place(
            label=columns["name"][at],
            latitude=now.rows["latitude"][at].as_py(),
            longitude=now.rows["longitude"][at].as_py(),
        )
        for at in order.tolist()
    )
    near = _near(jobs, rome, activities, inside, now.expected)
    shown = (Map(title="Sur la carte", places=places),) if places else ()
    return (facts, listed, *shown, near)


def _near(
    jobs: Jobs,
    rome: str,
    activities: list[str | None],
    inside: NDArray[np.bool_],
    expected: NDArray[np.float64],
) -> Table:
    rows: list[dict[str, Any]] = []
    for other in jobs.near.get(rome, ()):
        weights = expected * jobs.part(other, activities) * inside
        if (weights > 0).any():
            rows.append(
                {
                    "rome": other,
                    "job": jobs.names.get(other, other),
                    "firms": int((weights > 0).sum()),
                    "expected": french.number(float(weights.sum()), 1),
                    "order": float(weights.sum()),
                }
            )
    rows.sort(key=lambda row: -row["order"])
    return Table(
        title="Métiers proches, au même endroit",
        columns=(
            Column(key="rome", title="Code ROME"),
            Column(key="job", title="Métier"),
            Column(key="firms", title="Entreprises", align="right"),
            Column(key="expected", title="Embauches attendues", align="right"),
        ),
        rows=rows,
        note="" if rows else "Aucun métier proche n'est connu ici.",
    )


def _gates(asked: _Asked) -> tuple[Block, ...]:
    found = gates.gates(gates.today(asked.records, asked.model))
    failed = sum(not gate.holds for gate in found)
    rows = [
        {
            "title": gate.title,
            "found": gate.found,
            "asked": gate.asked,
            "holds": "oui" if gate.holds else "non : rien n'est publié",
        }
        for gate in found
    ]
    columns = (
        Column(key="title", title="Condition"),
        Column(key="found", title="Mesuré", align="right"),
        Column(key="asked", title="Demandé"),
        Column(key="holds", title="Remplie"),
    )
    head = Facts(
        title="Conditions de publication",
        pairs=(("Conditions non remplies", f"{french.number(failed)} sur {french.number(len(found))}"),),
    )
    return (head, Table(title="Conditions", columns=columns, rows=rows))


def search_kinds(
    records: Records, now: gates.Today, *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the weights of kinds of searches, shape ``(kinds, firms)``, and searches drawn among them.

    A kind is a job around a commune, 15 km; people search where firms are many and for jobs that are many.
    Real searches are not public: this is an assumption.
    """
    import numpy as np
    import pyarrow.compute as pc

    random = np.random.default_rng(seed)
    jobs = Jobs.read(records)
    activities = now.rows["naf"].to_pylist()
    placed = now.rows.filter(pc.and_(pc.is_valid(now.rows["latitude"]), pc.is_valid(now.rows["longitude"])))
    firms = Counter(placed["commune"].to_pylist())
    usual = sorted(firms, key=lambda one: (-firms[one], one))[:20]
    where = np.array([firms[one] for one in usual], dtype=float)
    parts = {rome: jobs.part(rome, activities) for rome in sorted(jobs.names)}
    total = {rome: float((now.expected * part).sum()) for rome, part in parts.items()}
    likely = sorted(total, key=lambda rome: (-total[rome], rome))[:50]
    inside = []
    for one in usual:
        away, _ = searching.distances(now.rows, one)
        inside.append(np.nan_to_num(away, nan=np.inf) <= 15)
    weights = np.array([now.expected * parts[rome] * near for near in inside for rome in likely])
    chance = np.outer(where, [total[rome] for rome in likely]).ravel()
    chance *= (weights > 0).sum(axis=1) >= _FEW
    searches = random.choice(
        len(weights), size=max(100, len(activities) // _SEARCHES), p=chance / chance.sum()
    )
    return weights, searches


def played_views(
    records: Records, now: gates.Today, *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return views of firms in a made-up day: with the draw and its caps, then in a plain order."""
    weights, searches = search_kinds(records, now, seed=seed)
    drawn = exposure.played(weights, searches, seed=seed)
    plain = exposure.played(weights, searches, seed=seed, shuffled=False)
    return drawn, plain


def _exposure(asked: _Asked) -> tuple[Block, ...]:
    now = gates.today(asked.records, asked.model)
    rows: list[dict[str, Any]] = []
    for title, views in zip(
        ("Tirage avec plafonds", "Classement seul"),
        played_views(asked.records, now, seed=asked.seed),
        strict=True,
    ):
        rows.append(
            {
                "rule": title,
                "top": french.percent(exposure.top_share(views), 1),
                "most": int(views.max()),
                "seen": int((views > 0).sum()),
            }
        )
    columns = (
        Column(key="rule", title="Règle"),
        Column(key="top", title="Part des vues du centième le plus vu", align="right"),
        Column(key="most", title="Vues de l'entreprise la plus vue", align="right"),
        Column(key="seen", title="Entreprises vues", align="right"),
    )
    note = (
        "Recherches fictives d'une journée, une pour quatre entreprises, là où il y en a et pour les métiers "
        "qui embauchent : les vraies recherches ne sont pas publiques."
    )
    return (Table(title="Vues d'une journée", columns=columns, rows=rows, note=note),)


def _jobs(asked: _Asked) -> tuple[Block, ...]:
    jobs = Jobs.read(asked.records)
    rows = [
        {"rome": rome, "job": jobs.names[rome], "near": ", ".join(jobs.near.get(rome, ())) or "–"}
        for rome in sorted(jobs.names)
    ]
    columns = (
        Column(key="rome", title="Code ROME"),
        Column(key="job", title="Métier"),
        Column(key="near", title="Métiers proches"),
    )
    return (Table(title="Métiers", columns=columns, rows=rows),)


_FORM = Form(
    title="Chercher des entreprises",
    fields=(
        FormField(name="metier", title="Métier", kind="text", help="Code ROME ou mots du métier"),
        FormField(name="commune", title="Commune", kind="text", help="Nom ou code INSEE"),
        FormField(name="rayon", title="Rayon", kind="number", unit="km", default="15"),
        FormField(name="taille", title="Nombre de salariés", kind="text", help="10-49, ou 250+"),
        FormField(name="jour", title="Jour", kind="date", help="Par défaut, aujourd'hui"),
    ),
    submit="Chercher",
)

_MAKERS: dict[str, Callable[[_Asked], tuple[Block, ...]]] = {
    "search": _search,
    "gates": _gates,
    "exposure": _exposure,
    "jobs": _jobs,
}
