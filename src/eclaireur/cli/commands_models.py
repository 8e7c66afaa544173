"""Commands about models: train, compare, promote, outcomes import, evaluate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, InputFile, SourceName, read_day
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.view import Column, Facts, Table

if TYPE_CHECKING:
    from eclaireur.core.types import Metric, ModelCard
    from eclaireur.service.gating import Verdict

__all__ = ["By", "register"]

By = Annotated[str, Parameter(name="--by", help="Prénom et nom de la personne qui en répond.")]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_train, name="train", help="Entraîner un nouveau modèle, sans le mettre en service.")
    app.command(_compare, name="compare", help="Comparer un modèle à celui en service, sur les mêmes lignes.")
    app.command(_promote, name="promote", help="Mettre un modèle en service : une personne, une raison.")
    app.command(_evaluate, name="evaluate", help="Mesurer le cas sur des mois tenus à l'écart.")
    outcomes = App(name="outcomes", help="Résultats revenus du terrain.")
    outcomes.command(_import, name="import", help="Enregistrer les résultats d'un fichier.")
    app.command(outcomes)


def _train(
    case: CaseName,
    /,
    *,
    source: SourceName = None,
    until: Annotated[
        str | None,
        Parameter(
            help="N'apprendre que de ce qui était connu ce jour ; par défaut, un trimestre avant la fin."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service import training

    day = read_day(until, "--until")
    with at_work(case, quiet=as_json) as work:
        chosen = chosen_source(work, source)
        card = training.train(work, chosen, until=day)
    if as_json:
        show_json(_card_json(card))
        return
    show([_card_facts(card)])
    say(f"Il n'est pas en service. Comparez-le : ./eclaireur compare {case} --source {chosen}")


def _card_json(card: ModelCard) -> dict[str, Any]:
    return {
        "case": card.case,
        "model": card.number,
        "kind": card.kind,
        "source": card.source,
        "as_of": card.as_of,
        "examples": card.examples,
        "positives": card.positives,
        "examples_sha256": card.examples_sha256,
        "artefacts": dict(card.artefacts),
        "run": card.run,
    }


def _card_facts(card: ModelCard) -> Facts:
    from eclaireur.core import french

    return Facts(
        title=f"Modèle n° {card.number}",
        pairs=(
            ("Méthode", card.kind),
            ("Appris sur", f"{french.number(card.examples)} résultats connus au {french.day(card.as_of)}"),
            ("Dont défavorables", french.number(card.positives)),
            ("Empreinte des exemples", card.examples_sha256[:16]),
        ),
    )


def _compare(
    case: CaseName,
    /,
    *,
    source: SourceName = None,
    challenger: Annotated[
        int | None, Parameter(help="Numéro du modèle à comparer ; par défaut, le plus récent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service import training
    from eclaireur.service.gating import gate_blocks, gate_of
    from eclaireur.service.measured import metric_interval, metric_word

    with at_work(case, quiet=as_json) as work:
        chosen = chosen_source(work, source)
        result = training.compare(work, chosen, challenger=challenger)
        gate = gate_of(work, result.challenger)
    if as_json:
        show_json(
            {
                "case": case,
                "champion": result.champion.number,
                "challenger": result.challenger.number,
                "from": result.window[0],
                "to": result.window[1],
                "n": result.n,
                "positives": result.positives,
                "metrics": [_metric_json(metric) for metric in result.metrics],
                "run": result.run,
                "gate": _gate_json(gate),
            }
        )
        return
    title = (
        f"Modèle n° {result.challenger.number} face au n° {result.champion.number} : "
        f"{french.count(result.n, 'résultat')} "
        f"du {french.day(result.window[0])} au {french.day(result.window[1])}"
    )
    columns = (
        Column(key="name", title="Mesure"),
        Column(key="value", title=f"N° {result.challenger.number}", align="right"),
        Column(key="interval", title="Intervalle à 95 %", align="right"),
        Column(key="baseline", title=f"N° {result.champion.number}", align="right"),
    )
    rows = [
        {
            "name": metric_word(metric.name),
            "value": metric.value,
            "interval": metric_interval(metric),
            "baseline": metric.baseline_value,
        }
        for metric in result.metrics
    ]
    show([Table(title=title, columns=columns, rows=rows)])
    if gate is not None:
        show(gate_blocks(gate))
    say(
        f"Pour le mettre en service : ./eclaireur promote {case} {result.challenger.number} "
        f'--source {chosen} --by "Prénom Nom" --reason "…"'
    )


def _gate_json(gate: Verdict | None) -> dict[str, Any] | None:
    if gate is None:
        return None
    checks = [{"name": one.name, "passed": one.passed, "sentence": one.sentence} for one in gate.checks]
    return {"open": gate.open, "checks": checks}


def _metric_json(metric: Metric) -> dict[str, Any]:
    from eclaireur.core.evaluation import metric_to_json

    return metric_to_json(metric)


def _promote(
    case: CaseName,
    model: Annotated[int, Parameter(help="Numéro du modèle.")],
    /,
    *,
    by: By,
    reason: Annotated[str, Parameter(name="--reason", help="Pourquoi, en une phrase.")],
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service import training

    with at_work(case, quiet=True) as work:
        chosen = chosen_source(work, source)
        current = training.promote(work, chosen, model, by=by, reason=reason)
    if as_json:
        show_json({"case": case, "source": chosen, "model": current.card.number, "by": current.by})
        return
    say(
        f"Modèle n° {current.card.number} en service depuis le {french.day(current.since)}, par {current.by}."
    )
    say("Les anciens indices gardent le modèle qui les a faits.")
    say(f"Recalculer la liste : ./eclaireur run {case} --source {chosen}")


def _import(
    case: CaseName,
    file: InputFile,
    /,
    *,
    source: SourceName = None,
    by: Annotated[
        str | None, Parameter(name="--by", help="Qui importe ; par défaut, le compte de la machine.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service import feedback

    actor = by or os.environ.get("USER") or "inconnu"
    with at_work(case, quiet=as_json) as work:
        chosen = chosen_source(work, source)
        done = feedback.import_outcomes(work, chosen, file, actor=actor)
    if as_json:
        show_json(
            {
                "case": case,
                "source": chosen,
                "added": done.added,
                "already_known": done.already_known,
                "conflicts": done.conflicts,
                "from_worklists": done.drawn,
            }
        )
        return
    say(f"{french.count(done.added, 'résultat enregistré', 'résultats enregistrés')}.")
    if done.already_known:
        say(f"{french.count(done.already_known, 'ligne déjà connue', 'lignes déjà connues')}, sans effet.")
    for conflict in done.conflicts:
        say(f"Écartée, {conflict}.")
    say(f"Pour en tenir compte : ./eclaireur train {case} --source {chosen}")


def _evaluate(
    case: CaseName,
    /,
    *,
    source: Annotated[
        list[str] | None,
        Parameter(
            name="--source", negative="", help="Source à mesurer, répétable ; par défaut l'échantillon."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core.evaluation import evaluation_json
    from eclaireur.service.evaluating import evaluate
    from eclaireur.service.measured import block_tables

    with at_work(case, quiet=as_json) as work:
        named: list[str | None] = [*source] if source else [None]
        sources = [chosen_source(work, name) for name in named]
        result = evaluate(work, sources)
    if as_json:
        show_json(evaluation_json(result))
        return
    for block in result.blocks:
        show(block_tables(block))
