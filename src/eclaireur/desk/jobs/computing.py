"""The three calculations that a case offers as tasks: publish its signals, train a model, evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context
    from eclaireur.service.work import Work

__all__ = ["source_of", "work_of"]

_EXERCISES = 20
_RANDOM = 0.1


def work_of(context: Context) -> Work:
    """Open the case of a task, which must not be suspended."""
    from eclaireur.desk.place import work_on
    from eclaireur.desk.switching import refuse_if_stopped

    refuse_if_stopped(context.case)
    return work_on(context.case, progress=context.progress)


def source_of(work: Work, arguments: Mapping[str, Any]) -> str:
    """Return the source that was asked for, else the natural one."""
    from eclaireur.service.work import default_source

    return str(arguments.get("source") or default_source(work))


@job("publish", "Calcul du classement")
def _publish(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the signals of a source and show them: rows appear in the step that ends the task."""
    from eclaireur.desk.publishing import publish

    edition = publish(
        context.case,
        source_of(work_of(context), arguments),
        service=context.service,
        progress=context.progress,
        writing=context.writing,
        finishing=context.publishing,
    )
    return {"edition": edition.pk, "size": edition.size}


@job("training", "Ouverture de l'entraînement")
def _training(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open the training desk: the sample's signals, and a list drawn from them unless one is open."""
    from eclaireur.desk.models import Worklist
    from eclaireur.desk.publishing import draw_list, publish

    work_of(context)
    edition = publish(
        context.case,
        "sample",
        training=True,
        progress=context.progress,
        writing=context.writing,
        finishing=context.writing,
    )
    # Before the end, not in it: drawing reads the lake, and a list that is open already is kept.
    exercises = Worklist.objects.filter(case=context.case, closed=None, edition__training=True)
    if not exercises.filter(edition__trial=0).exists():
        draw_list(edition, capacity=_EXERCISES, random_share=_RANDOM, title="Liste d'entraînement")
    with context.publishing():
        pass
    return {"edition": edition.pk, "size": edition.size}


@job("train", "Entraînement d'un modèle")
def _train(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Train a challenger. A person puts it in service, or does not."""
    from eclaireur.service import training

    work = work_of(context)
    return {"model": training.train(work, source_of(work, arguments)).number}


@job("evaluate", "Évaluation du cas d'usage")
def _evaluate(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Measure the case on a source; the figures go to the lake, under what made them."""
    from eclaireur.service import evaluating

    work = work_of(context)
    source = source_of(work, arguments)
    evaluation = evaluating.evaluate(work, (source,))
    return {"source": source, "blocks": len(evaluation.blocks)}
