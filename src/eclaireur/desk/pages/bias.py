"""Human first: whether agents follow the machine because they see what it says, and when it is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError, EclaireurError
from eclaireur.desk import trials
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.place import work_on
from eclaireur.service.automation_bias import bias_blocks, measure_bias, trial_blocks

if TYPE_CHECKING:
    from datetime import date

__all__ = ["bias", "urlpatterns"]


@page
def bias(request: Asking, case: str) -> HttpResponse:
    """Show the figures to who sees the whole case; who answers for it leads trials."""
    card = card_within(request, case, Desk.TARGET)
    if not request.reach.may_everywhere(Action.SEE, case):
        raise Http404
    may = request.reach.may_everywhere(Action.ANSWER, case)
    error: EclaireurError | None = None
    if request.method == "POST":
        if not may:
            raise Http404
        try:
            messages.success(request, _act(request, case))
        except EclaireurError as found:
            error = found
        else:
            return HttpResponseRedirect(f"/{case}/humain/")
    trials.close_due(case)
    work = work_on(case)
    context = {
        "case": card,
        "blocks": render_blocks((*bias_blocks(measure_bias(work)), *trial_blocks(work))),
        "trial": trials.open_trial(case),
        "today": timezone.localdate(),
        "may": may,
        "error": error,
        "typed": request.POST,
    }
    return render(request, "desk/bias.html", context, status=422 if error else 200)


def _act(request: Asking, case: str) -> str:
    asked, trial = request.POST, trials.open_trial(case)
    match asked.get("act", ""):
        case "announce":
            trials.announce(
                request.user,
                case,
                starts=_day(asked.get("starts", ""), "starts"),
                ends=_day(asked.get("ends", ""), "ends"),
                size=int(_number(asked.get("size", ""), "size")),
                share=_number(asked.get("share", ""), "share") / 100,
                announcement=asked.get("announcement", ""),
            )
            return "Essai annoncé aux agents."
        case "begin" if trial is not None:
            trials.begin(request.user, trial)
            return "L’essai a commencé, sur l’échantillon."
        case "close" if trial is not None:
            trials.close(trial, by=request.user.full_name, login=request.user.login)
            return "Essai terminé : les vrais rangs sont revenus."
    raise BadValueError("cette action n'existe pas.", fix="Rechargez la page.")


def _day(text: str, column: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as wrong:
        raise BadValueError("ce jour manque.", fix="Choisissez-le.", column=column) from wrong


def _number(text: str, column: str) -> float:
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1000:
        raise BadValueError("ce nombre ne va pas.", fix="Écrivez-le en chiffres.", column=column)
    return found


urlpatterns = [path("<case:case>/humain/", bias)]
