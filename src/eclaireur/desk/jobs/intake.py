"""Tasks of the intake desk: its messages sorted, and each answer that leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.desk.jobs.computing import source_of, work_of
from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__: list[str] = []


@job("sort", "Tri des messages")
def _sort(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Handle the messages of a source, row by row; of a case without messages, have its answers ready."""
    from eclaireur.desk.inbox import sort_messages
    from eclaireur.service.messages import has_messages, open_desk

    work = work_of(context)
    source = source_of(work, arguments)
    if not has_messages(work):
        open_desk(work, source, fresh=True)
        return {"messages": 0}
    count = sort_messages(
        context.case, source, service=context.service, progress=context.progress, writing=context.writing
    )
    return {"messages": count}


@job("send", "Départ d'une réponse")
def _send(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have an answer leave, even from a suspended case: a person decided it."""
    from eclaireur.desk.models import Outgoing
    from eclaireur.desk.outbox import deliver

    return {"state": deliver(Outgoing.objects.get(pk=int(arguments["outgoing"]))).state}


@job("compare", "Réponses à comparer")
def _compare(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer each question of a campaign with both set-ups."""
    from eclaireur.desk.campaigns import prepare

    return {"pairs": prepare(int(arguments["campaign"]), work_of(context), writing=context.writing)}
