"""The intake desk: an inbox, a message with its draft, what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError
from eclaireur.desk import jobs as tasks, replying
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.inbox import Asked, Inbox
from eclaireur.desk.jobs.queue import ACTIVE
from eclaireur.desk.mails import Shown, mail_within
from eclaireur.desk.models import Job, Mail, MailStatus, Outgoing
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped, stopped
from eclaireur.service import messages as intake

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["desk", "frame", "intake_state", "message", "preparing", "sent", "urlpatterns"]

_SENT = 200


def frame(request: Asking, case: str) -> dict[str, Any]:
    """Return what every page of an intake case shows: the case, and whether it is suspended."""
    card = card_within(request, case, Desk.INTAKE)
    return {"case": card, "switch": stopped(case)}


def intake_state(request: Asking, card: Card) -> dict[str, Any]:
    """Return what the first page says of an intake case."""
    work = work_on(card.name)
    mine = Mail.objects.within(request.reach).filter(case=card.name)
    waits = mine.filter(status=MailStatus.NEW)
    return {
        "switch": stopped(card.name),
        "inbox": intake.has_messages(work),
        "asks": intake.answers(work),
        "total": mine.count(),
        "waits": waits.count(),
        "urgent": waits.exclude(urgent="").count(),
        "computes": request.reach.may_everywhere(Action.COMPUTE, card.name),
    }


@page
def desk(request: Asking, case: str) -> HttpResponse:
    """Show the inbox; on sending, have the messages sorted."""
    context = frame(request, case)
    work = work_on(case)
    if request.method == "POST":
        return _sort(request, case)
    if not intake.has_messages(work):
        if intake.answers(work):
            return HttpResponseRedirect(f"/{case}/question/")
        raise Http404
    asked = Asked.read(request.GET)
    mine = Mail.objects.within(request.reach).filter(case=case)
    last = mine.order_by("-pk").only("handled", "model", "source").first()
    context |= {
        "inbox": Inbox(request.reach, case, asked),
        "last": last,
        **preparing(request, case),
        "can_connect": request.reach.may_everywhere(Action.CONNECT, case),
        "can_stop": request.reach.may_everywhere(Action.STOP, case),
    }
    return render(request, "desk/intake.html", context)


def _computing(request: Asking, case: str) -> str | None:
    """Return a service for which the person may have every message sorted; None when there is none."""
    own = request.reach.services(Action.COMPUTE, case)
    return next((one for one in own if request.reach.may_everywhere(Action.COMPUTE, case, one)), None)


def preparing(request: Asking, case: str) -> dict[str, Any]:
    """Return the task that makes a case ready, when there is one, and whether the person may start it."""
    rows = Job.objects.within(request.reach).filter(case=case, kind="sort", state__in=ACTIVE)
    return {"sorting": rows.first(), "can_compute": _computing(request, case) is not None}


def _sort(request: Asking, case: str) -> HttpResponse:
    service = _computing(request, case)
    if service is None:
        raise Http404
    refuse_if_stopped(case)
    title = "" if intake.has_messages(work_on(case)) else "Préparation des réponses"
    made = tasks.start("sort", user=request.user, case=case, service=service, title=title)
    return HttpResponseRedirect(f"/taches/{made.pk}/")


@page
def message(request: Asking, case: str, pk: int) -> HttpResponse:
    """Show a message with its draft and sources; on sending, do what was asked of it."""
    context = frame(request, case)
    acts = request.method == "POST"
    mail = mail_within(request.reach, case, pk, Action.DECIDE if acts else Action.SEE)
    may = request.reach.may(Action.DECIDE, case, mail.area, mail.service)
    if may and mail.opened is None and mail.status == MailStatus.NEW:
        mail.opened = timezone.now()
        mail.save(update_fields=["opened"])
    act = request.POST.get("act", "") if acts else ""
    shown = Shown(mail, request.reach, revealed=act == "unmask")
    typed, error, status = request.POST.get("text") if act in {"preview", "send"} else None, None, 200
    if act == "unmask":
        replying.unmask(request.user, mail)
    elif act and act != "preview":
        try:
            return _act(request, act, shown)
        except BadValueError as found:
            error, status = found, 422
            mail.refresh_from_db()
    context |= _page(request, case, shown, may=may) | {"error": error, "act": act}
    text = shown.start if typed is None else typed.replace("\r\n", "\n")[:20_000]
    draft = shown.draft if shown.draft and not shown.draft["withheld"] else None
    context |= {
        "text": text,
        "key": _key(request) or uuid4(),
        "pieces": replying.pieces_of(text, draft),
        "share": replying.changed_share(shown.start, text) if draft else None,
        "editing": typed is not None or draft is None,
    }
    answer = render(request, "desk/intake_mail.html", context, status=status)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _page(request: Asking, case: str, shown: Shown, *, may: bool) -> dict[str, Any]:
    asked = Asked.read(request.GET)
    inbox = Inbox(request.reach, case, asked)
    numbers = [one.pk for one in inbox.mails]
    at = numbers.index(shown.mail.pk) if shown.mail.pk in numbers else -1
    return {
        "shown": shown,
        "mail": shown.mail,
        "inbox": inbox,
        "before": numbers[at - 1] if at > 0 else None,
        "after": numbers[at + 1] if -1 < at < len(numbers) - 1 else None,
        "refusals": replying.REFUSALS.items(),
        "refused": replying.REFUSALS.get(shown.mail.refusal, ""),
        "may": may,
    }


def _key(request: Asking) -> UUID | None:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return None


def _act(request: Asking, act: str, shown: Shown) -> HttpResponse:
    """Do what was asked and lead on: to the next message once this one is settled."""
    mail, user, given = shown.mail, request.user, request.POST
    seen = int(given["seen"]) if given.get("seen", "").isdecimal() and len(given["seen"]) < 10 else None
    here = f"/{mail.case}/messages/{mail.pk}/"
    match act:
        case "route":
            titles = dict(shown.known_routes)
            route = given.get("route", "")
            replying.reroute(user, mail, route if route in titles else "", titles.get(route, ""), seen=seen)
            messages.success(request, f"Message orienté : {titles[route]}.")
        case "refuse":
            replying.refuse(user, mail, given.get("code", ""), given.get("text", ""), seen=seen)
            messages.success(request, "Brouillon refusé. Votre raison est gardée.")
            return HttpResponseRedirect(f"{here}?{request.GET.urlencode()}#reponse")
        case "file":
            replying.file_away(user, mail, given.get("text", ""), seen=seen)
            messages.success(request, "Message classé sans réponse.")
        case "send":
            key = _key(request)
            if key is None:
                raise BadValueError("cette page est trop ancienne.", fix="Rechargez-la, puis recommencez.")
            draft = shown.draft if shown.draft and not shown.draft["withheld"] else None
            replying.send(user, mail, given.get("text", ""), key, draft=draft, seen=seen)
            messages.success(request, "Réponse envoyée.")
        case _:
            raise BadValueError("cette action n'existe pas.", fix="Utilisez les boutons de la page.")
    return HttpResponseRedirect(f"{here}?{request.GET.urlencode()}")


@require_GET
@page
def sent(request: Asking, case: str) -> HttpResponse:
    """List the answers that were decided, and how far each is."""
    context = frame(request, case)
    rows = Outgoing.objects.within(request.reach).filter(case=case)
    context["rows"] = list(rows.select_related("user", "dossier__mail").order_by("-at")[:_SENT])
    return render(request, "desk/intake_sent.html", context)


urlpatterns = [
    path("<intake:case>/", desk),
    path("<intake:case>/messages/<int:pk>/", message),
    path("<intake:case>/envois/", sent),
]
