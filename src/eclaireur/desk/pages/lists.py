"""The target desk: the month's list, the whole ranking and the follow-up, with bulk acts."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Count, Max, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError, InputError
from eclaireur.desk import decisions, trials
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.listing import PAGE, Listing, Query
from eclaireur.desk.models import Dossier, Edition, Switch, User
from eclaireur.desk.place import work_on
from eclaireur.desk.prepared import Prepared
from eclaireur.desk.switching import stopped
from eclaireur.service import reporting

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["COLUMNS", "assignable", "bulk", "columns", "truth", "urlpatterns", "worklist"]

COLUMNS = {
    "risk": "Rang et risque",
    "why": "Raisons",
    "last": "Dernier contrôle",
    "status": "Étape",
    "due": "Échéance",
    "assigned": "Assigné à",
}
"""What a line may show beside its name; each person chooses."""

_KEPT = 60
"""Seconds. Lists, verdicts and suspensions change at once; a new colleague can be assigned after that."""

_TOKEN = secrets.token_hex(16)
"""Stands in a kept page where each request puts the token of its forms."""

# A version only grows, and grows with each change of a list.
_VERSIONS = Prepared(
    lambda: Edition.objects.order_by("case").values("case").annotate(Sum("version"), Max("pk"), Count("pk"))
)
_SWITCHES = Prepared(lambda: Switch.objects.order_by("pk").values_list("case", "stopped", "at"))

_STALE = 45


def truth(edition: Edition | None) -> dict[str, Any]:
    """Return the line of truth under a title: calculation, data, model, and whether data are old."""
    if edition is None:
        return {}
    age = (date.today() - edition.snapshot_taken.date()).days  # noqa: DTZ011 (calendar days of the service)
    return {"edition": edition, "stale": age > _STALE}


@require_GET
@page
def worklist(request: Asking, case: str, *, training: bool = False) -> HttpResponse:
    """Show the lines of a case; the sheet of one of them loads beside, its filters when they are opened.

    The page is kept as text until something that it shows changes, all but the token of its forms: most
    requests cost the few queries that make its key.
    """
    card = card_within(request, case, Desk.TARGET)
    if training:
        trials.close_due(case)
    query = Query.read(request.GET)
    if messages.get_messages(request):
        return HttpResponse(
            _page(request, card, query, training=training).replace(_TOKEN, get_token(request))
        )
    key = _key(request, case, query, training=training)
    made: str | None = cache.get(key)
    if made is None:
        made = _page(request, card, query, training=training)
        cache.set(key, made, _KEPT)
    return HttpResponse(made.replace(_TOKEN, get_token(request)))


def _key(request: Asking, case: str, query: Query, *, training: bool) -> str:
    """Return what a page depends on: who asks, what was asked, and the state of every list and switch."""
    user = request.user
    parts = (
        (case, training, query.encode(), "filtres" in request.GET),
        (user.pk, user.full_name, user.columns, request.reach.key),
        request.COOKIES.get(settings.THEME_COOKIE, ""),
        _VERSIONS.values(),
        _SWITCHES.values(),
        timezone.localdate(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _page(request: Asking, card: Card, query: Query, *, training: bool) -> str:
    listing = Listing(card, request.reach, query, training=training)
    switch = stopped(card.name)
    shown = _columns(request.user)
    lines, total = listing.page()
    context = {
        "case": card,
        "listing": listing,
        "query": query,
        "lines": lines,
        "total": total,
        "facets": listing.facets() if "filtres" in request.GET else None,
        "chosen": listing.chosen(),
        "shown": shown,
        "stopped": switch is not None,
        "first": (query.page - 1) * PAGE + 1,
        "last": (query.page - 1) * PAGE + len(lines),
        "previous": query.encode(page=query.page - 1) if query.page > 1 else None,
        "next": query.encode(page=query.page + 1) if query.page * PAGE < total else None,
        "switch": switch,
        "training": training,
        "trial": trials.open_trial(card.name),
        "columns": [(code, title, code in shown) for code, title in COLUMNS.items()],
        "scopes": _scopes(card, query),
        "can": _rights(request, card),
        "can_connect": request.reach.may_everywhere(Action.CONNECT, card.name),
        "sees_all": request.reach.may_everywhere(Action.SEE, card.name),
        "people": assignable(card, request),
        "procedure": card.procedure,
        "has_reports": bool(reporting.titles(work_on(card.name)))
        and any(
            request.reach.may_everywhere(Action.SEE, card.name, one)
            for one in request.reach.services(Action.SEE, card.name)
        ),
        "csrf_token": _TOKEN,
        **truth(listing.edition),
    }
    return render_to_string("desk/list.html", context, request)


def _columns(user: User) -> list[str]:
    chosen = user.columns.get("list") if isinstance(user.columns, dict) else None
    return [code for code in COLUMNS if chosen is None or code in chosen]


def _scopes(card: Card, query: Query) -> list[tuple[str, str, bool]]:
    titles = {"liste": "Liste à traiter", "classement": "Tout le classement", "suivi": "Suites en cours"}
    return [(code, title, code == query.scope) for code, title in titles.items()]


def _rights(request: Asking, card: Card) -> dict[str, bool]:
    return {action.value: request.reach.may_somewhere(action, card.name) for action in Action}


def assignable(card: Card, request: Asking) -> list[User]:
    """Return the people to whom a dossier of the case can be given: those who decide in it."""
    if not request.reach.may_somewhere(Action.ASSIGN, card.name):
        return []
    holders = User.objects.filter(
        Q(grants__case=card.name) | Q(grants__case=""),
        grants__role__in=["agent", "manager"],
        is_active=True,
    )
    return list(holders.distinct().order_by("full_name"))


@require_POST
@page
def columns(request: Asking, case: str) -> HttpResponse:
    """Keep which columns a person wants."""
    card_within(request, case, Desk.TARGET)
    chosen = [code for code in COLUMNS if code in request.POST.getlist("column")]
    request.user.columns = {**request.user.columns, "list": chosen}
    request.user.save(update_fields=["columns"])
    return _back(request, case)


@require_POST
@page
def bulk(request: Asking, case: str) -> HttpResponse:
    """Do one act on the chosen lines: assign, bring to a step, set aside. All of them, or none."""
    card = card_within(request, case, Desk.TARGET)
    chosen = [int(text) for text in request.POST.getlist("dossier") if text.isdecimal()][:1000]
    act = request.POST.get("act", "")
    action = Action.ASSIGN if act == "assign" else Action.DECIDE
    real = Q(request.reach.rows(action), training=False)
    exercises = Q(request.reach.in_training(case).rows(action), training=True)
    rows = list(Dossier.objects.filter(real | exercises, case=case, pk__in=chosen))
    try:
        done = _bulk(request, card, act, rows)
    except InputError as error:
        messages.error(request, f"Rien n’a changé : {error}")
    else:
        messages.success(request, done)
    return _back(request, case)


def _bulk(request: Asking, card: Card, act: str, rows: list[Dossier]) -> str:
    from eclaireur.core import french

    if not rows:
        raise BadValueError(
            "aucune ligne choisie.", fix="Cochez des lignes, ou appuyez sur x, puis recommencez."
        )
    asked = request.POST
    size = french.count(len(rows), f"{card.noun} modifié", f"{card.nouns} modifiés")
    if act == "assign":
        to = next((one for one in assignable(card, request) if str(one.pk) == asked.get("to")), None)
        if to is None and asked.get("to"):
            raise BadValueError(
                "cette personne ne peut pas recevoir de dossier.", fix="Choisissez-en une autre."
            )
        decisions.assign(request.user, rows, to)
        return f"{size} : {f'confié à {to.full_name}' if to else 'plus assigné'}."
    if act == "status":
        decisions.move(
            request.user,
            rows,
            asked.get("status", ""),
            outcome=asked.get("outcome", ""),
            text=asked.get("text", ""),
        )
        return f"{size} : {card.procedure.status(asked['status']).title.lower()}."
    if act == "set_aside":
        decisions.set_aside(request.user, rows, asked.get("reason_code", ""), asked.get("text", ""))
        return f"{size} : mauvaise cible."
    raise BadValueError("cette action n'existe pas.", fix="Choisissez-en une dans la liste.")


def _back(request: HttpRequest, case: str) -> HttpResponse:
    query = Query.read(_asked(request)).encode()
    return HttpResponseRedirect(f"/{case}/?{query}" if query else f"/{case}/")


def _asked(request: HttpRequest) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(request.POST.get("query", "")[:2000]))


urlpatterns = [
    path("<case:case>/", worklist),
    path("<case:case>/entrainement/", worklist, {"training": True}),
    path("<case:case>/colonnes/", columns),
    path("<case:case>/lot/", bulk),
]
