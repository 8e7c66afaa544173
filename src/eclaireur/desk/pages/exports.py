"""Take a list away as a file: the lines that the page shows, or those that were chosen on it."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods

from eclaireur.core.card import Desk
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.exports import FORMS, take_list

__all__ = ["take", "urlpatterns"]


@require_http_methods(["GET", "POST"])
@page
def take(request: Asking, case: str, pk: int, form: str) -> HttpResponse:
    """Give the lines of an open list as an attachment; a line of the journal says who took them.

    ``GET`` takes the filters of the page's own address, ``POST`` the numbers of the chosen lines (``item``)
    or of their dossiers (``dossier``).
    """
    card = card_within(request, case, Desk.TARGET)
    taken = take_list(
        request.user,
        request.reach,
        card,
        pk,
        form,
        asked=request.GET.dict(),
        items=_numbers(request, "item"),
        dossiers=_numbers(request, "dossier"),
    )
    response = HttpResponse(taken.content, content_type=taken.kind)
    response["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=taken.name) or ""
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _numbers(request: Asking, name: str) -> list[int] | None:
    """Return the numbers sent under a name; None when there is none."""
    sent = request.POST.getlist(name)
    return [int(text) for text in sent if text.isdecimal() and len(text) < 19] if sent else None


urlpatterns = [path(f"<case:case>/listes/<int:pk>/export.{form}", take, {"form": form}) for form in FORMS]
