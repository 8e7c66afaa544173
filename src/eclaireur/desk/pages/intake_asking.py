"""The intake desk beside its inbox: a question, rules on trial, comparisons, figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from eclaireur.core.errors import BadValueError, EclaireurError, RefusedError
from eclaireur.desk import campaigns as comparing, intake_figures
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.inbox import plain
from eclaireur.desk.mails import dated
from eclaireur.desk.models import Campaign, Comparison
from eclaireur.desk.pages.intake import frame, preparing
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service import messages as intake

if TYPE_CHECKING:
    from eclaireur.core.intake import Answer

__all__ = ["campaign", "campaigns", "figures", "question", "rules", "urlpatterns"]

_LONGEST = 2000
_TURNS = 8


def _place(request: Asking, case: str, action: Action = Action.DECIDE) -> tuple[str, str] | None:
    """Return a territory and service in which the person acts, the widest first; None when there is none."""
    held = [
        (one.area, one.service)
        for one in request.reach.perimeters
        if one.case in {"", case} and request.reach.may(action, case, one.area, one.service)
    ]
    return min(held, key=lambda one: (bool(one[0]), bool(one[1]), one)) if held else None


@page
def question(request: Asking, case: str) -> HttpResponse:
    """Answer a question from sources. Nothing of it is kept, no address names it, unless feedback is sent."""
    context = frame(request, case)
    work = work_on(case)
    if not intake.answers(work):
        raise Http404
    fields = intake.situation(work)
    asked = " ".join(request.POST.get("question", "").replace("\x00", "").split())
    turns = [one[:_LONGEST] for one in request.POST.getlist("before") if one.strip()][-_TURNS:]
    declared = {
        one.name: given[:200] for one in fields if (given := request.POST.get(f"s-{one.name}", "").strip())
    }
    if request.POST.get("act") == "anew":
        asked, turns = "", []
    status, said = 200, False
    ready = intake.ready(work)
    if request.method == "POST" and asked and ready:
        try:
            refuse_if_stopped(case)
            _check_length(asked)
            before = {"before": turns[-1]} if turns else {}
            person = {"person": str(request.user.pk)}
            answer = intake.open_desk(work).answer(asked, {**declared, **before, **person})
            context["answer"] = dated(plain(asdict(answer)))
            if request.POST.get("act") == "feedback":
                said = _say(request, case, asked, answer)
        except (BadValueError, RefusedError) as error:
            context["error"], status = error, 422
    context |= preparing(request, case) | {
        "ready": ready,
        "asked": asked,
        "turns": turns,
        "fields": [(one, declared.get(one.name, one.default)) for one in fields],
        "declared": declared,
        "kinds": intake_figures.KINDS.items(),
        "said": said,
    }
    made = render(request, "desk/intake_question.html", context, status=status)
    made["Cache-Control"] = "private, no-store"
    return made


def _check_length(asked: str) -> None:
    if len(asked) > _LONGEST:
        raise BadValueError(
            "la question est trop longue.", fix=f"Écrivez-la en {_LONGEST} caractères au plus."
        )


def _say(request: Asking, case: str, asked: str, answer: Answer) -> bool:
    place = _place(request, case, Action.SEE)
    if place is None:
        raise Http404
    intake_figures.say(
        request.user,
        case,
        place,
        "answer",
        number=uuid4(),
        kinds=request.POST.getlist("kind"),
        personal={
            "question": asked,
            "comment": request.POST.get("comment", "")[:_LONGEST],
            "answer": "\n".join(one.text for one in answer.sentences) or answer.withheld,
        },
    )
    return True


@page
def rules(request: Asking, case: str) -> HttpResponse:
    """Try rules on past messages, before they act. The trial speaks of every territory."""
    context = frame(request, case)
    work = work_on(case)
    if not intake.tries_rules(work) or not request.reach.may_everywhere(Action.COMPUTE, case):
        raise Http404
    text, status = request.POST.get("rules", "")[:50_000], 200
    context["ready"] = intake.ready(work)
    if text.strip() and context["ready"]:
        try:
            refuse_if_stopped(case)
            context["blocks"] = render_blocks(intake.open_desk(work).try_rules(text.replace("\r\n", "\n")))
        except EclaireurError as error:
            context["error"], status = error, 422
    context["text"] = text
    return render(request, "desk/intake_rules.html", context, status=status)


@page
def campaigns(request: Asking, case: str) -> HttpResponse:
    """List the blind comparisons; on sending, open one."""
    context = frame(request, case)
    setups = intake.setups(work_on(case))
    if len(setups) < 2:
        raise Http404
    context |= {"setups": setups.items(), "can_open": request.reach.may_everywhere(Action.DRAW, case)}
    status = 200
    if request.method == "POST":
        if not context["can_open"]:
            raise Http404
        given = request.POST
        chosen = [given.get(name, "") for name in ("first", "second")]
        try:
            refuse_if_stopped(case)
            made = comparing.open_campaign(
                request.user,
                case,
                "",
                title=given.get("title", ""),
                setups=[one for one in chosen if one in setups],
                questions=given.get("questions", "").splitlines(),
            )
        except (BadValueError, RefusedError) as error:
            context |= {"error": error, "typed": given}
            status = 422
        else:
            return HttpResponseRedirect(f"/{case}/comparaisons/{made.pk}/")
    rows = Campaign.objects.within(request.reach).filter(case=case).order_by("-opened")
    context["rows"] = [(one, one.pairs.count()) for one in rows[:50]]
    return render(request, "desk/intake_campaigns.html", context, status=status)


@page
def campaign(request: Asking, case: str, pk: int) -> HttpResponse:
    """Show the next pair of a comparison or, when it is ended, its result."""
    context = frame(request, case)
    row = Campaign.objects.within(request.reach).filter(case=case, pk=pk).first()
    if row is None:
        raise Http404
    can_end = request.reach.may_everywhere(Action.DRAW, case, row.service)
    if request.method == "POST":
        return _choose(request, row, can_end=can_end)
    setups = dict(intake.setups(work_on(case)))
    mine = str(request.user.pk)
    pairs: list[Comparison] = list(row.pairs.all())
    left = [one for one in pairs if mine not in one.choices]
    context |= {
        "row": row,
        "first": setups.get(row.first, row.first),
        "second": setups.get(row.second, row.second),
        "done": len(pairs) - len(left),
        "total": len(pairs),
        "can_end": can_end and row.ended is None,
        "choices": comparing.CHOICES.items(),
        "may": request.reach.may(Action.DECIDE, case, row.area, row.service),
    }
    if row.ended:
        context["result"] = comparing.result(row)
    elif row.ready and left:
        pair = left[0]
        shown = [dated(one) for one in pair.answers]
        context |= {"pair": pair, "answers": shown[::-1] if pair.swapped else shown}
    return render(request, "desk/intake_campaign.html", context)


def _choose(request: Asking, row: Campaign, *, can_end: bool) -> HttpResponse:
    given = request.POST
    if given.get("act") == "end":
        if not can_end:
            raise Http404
        comparing.close(request.user, row)
    else:
        number = given.get("pair", "")
        pair = (
            row.pairs.filter(number=int(number)).first() if number.isdecimal() and len(number) < 6 else None
        )
        if pair is None or not request.reach.may(Action.DECIDE, row.case, row.area, row.service):
            raise Http404
        try:
            comparing.choose(request.user, pair, given.get("choice", ""))
        except BadValueError as error:
            messages.warning(request, f"{error.message.capitalize()} {error.fix}")
    return HttpResponseRedirect(f"/{row.case}/comparaisons/{row.pk}/")


@page
def figures(request: Asking, case: str) -> HttpResponse:
    """Show what the desk did; on sending, keep what an agent or a user says."""
    context = frame(request, case)
    status = 200
    place = _place(request, case)
    if request.method == "POST":
        if place is None:
            raise Http404
        value, about = request.POST.get("value", ""), request.POST.get("about", "")
        try:
            intake_figures.say(
                request.user,
                case,
                place,
                about if about in {"agent", "user"} else "",
                number=uuid4(),
                value=int(value) if value in {"1", "2", "3", "4"} else None,
                personal={"comment": request.POST.get("comment", "")[:_LONGEST]},
            )
        except BadValueError as error:
            context["error"], status = error, 422
        else:
            messages.success(request, "Merci. Votre avis est gardé.")
            return HttpResponseRedirect(f"/{case}/chiffres/")
    work = work_on(case)
    context |= {
        "figures": intake_figures.Figures(request.reach, case),
        "inbox": intake.has_messages(work),
        "asks": intake.answers(work),
        "levels": intake_figures.LEVELS.items(),
        "may": place is not None,
    }
    return render(request, "desk/intake_figures.html", context, status=status)


urlpatterns = [
    path("<intake:case>/question/", question),
    path("<intake:case>/regles/", rules),
    path("<intake:case>/comparaisons/", campaigns),
    path("<intake:case>/comparaisons/<int:pk>/", campaign),
    path("<intake:case>/chiffres/", figures),
]
