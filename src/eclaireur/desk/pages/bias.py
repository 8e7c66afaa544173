"""Human first: whether agents follow the machine because they see what it says."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.card import Desk
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.place import work_on
from eclaireur.service.automation_bias import bias_blocks, measure_bias

__all__ = ["bias", "urlpatterns"]


@require_GET
@page
def bias(request: Asking, case: str) -> HttpResponse:
    """Show the figure to who sees the whole case: it names nobody, and is of all its territories."""
    card = card_within(request, case, Desk.TARGET)
    if not request.reach.may_everywhere(Action.SEE, case):
        raise Http404
    blocks = render_blocks(bias_blocks(measure_bias(work_on(case))))
    return render(request, "desk/bias.html", {"case": card, "blocks": blocks})


urlpatterns = [path("<case:case>/humain/", bias)]
