"""Accounts, rights, keys and failed sign-ins. For anyone but an administrator these pages do not exist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import wraps
from typing import Any, Concatenate

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.desk.access import Action
from eclaireur.desk.accounts import acts, second, throttling
from eclaireur.desk.accounts.forms import AccountForm, DetailsForm, GrantForm, KeyForm
from eclaireur.desk.accounts.keys import make_key, revoke_key
from eclaireur.desk.accounts.links import HOURS
from eclaireur.desk.asking import Asking, Rest, page
from eclaireur.desk.models import ApiKey, Edition, Grant, Target, User

__all__ = [
    "account",
    "accounts",
    "add",
    "details",
    "failures",
    "give",
    "keys",
    "revoke",
    "state",
    "take_back",
    "urlpatterns",
]

_HOME = "/administration/"


def _managed(view: Callable[Concatenate[Asking, Rest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Mark a page of administrators: 404 for others, nothing kept by the browser."""

    def answer(request: Asking, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if not request.reach.may(Action.MANAGE, ""):
            raise Http404
        return view(request, *args, **kwargs)

    return never_cache(wraps(view)(page(answer)))


def _known_places() -> dict[str, list[str]]:
    """Return the territories and services that published lists know: names only, no row."""
    areas = Target.objects.filter(edition__current=True).values_list("area", flat=True).distinct()
    services = Edition.objects.filter(current=True).values_list("service", flat=True).distinct()
    return {"areas": sorted({*areas} - {""}), "services": sorted({*services} - {""})}


def _said(error: BadValueError) -> str:
    text = f"{error.message} {error.fix}".strip()
    return text[0].upper() + text[1:]


@require_GET
@_managed
def accounts(request: Asking) -> HttpResponse:
    """List the accounts, open ones first."""
    people = User.objects.prefetch_related("grants").order_by("-is_active", "full_name")
    return render(request, "desk/administration.html", {"people": people})


@require_http_methods(["GET", "HEAD", "POST"])
@_managed
def add(request: Asking) -> HttpResponse:
    """Make an account and show, this once, the link that invites its person."""
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        try:
            user = acts.create_account(request.user, found["login"], found["full_name"], found["email"])
        except BadValueError as error:
            form.add_error("login", _said(error))
        else:
            messages.success(request, f"Compte de {user.full_name} créé.")
            return _account_page(request, user, link=acts.send_link(request.user, user))
    return render(request, "desk/administration_add.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@_managed
def account(request: Asking, number: int) -> HttpResponse:
    """Show an account: its state, its rights, and what can be done with it."""
    return _account_page(request, get_object_or_404(User, pk=number))


def _account_page(request: Asking, user: User, *, status: int = 200, **more: Any) -> HttpResponse:
    places = _known_places()
    initial = {"full_name": user.full_name, "email": user.email}
    context = {
        "person": user,
        "grants": user.grants.order_by("role", "case", "area", "service"),
        "has_password": user.has_usable_password(),
        "factor": second.has(user),
        "hours": HOURS,
        "details": DetailsForm(initial=initial),
        "form": GrantForm(**places),
        **places,
        **more,
    }
    if context.get("link"):
        context["link"] = request.build_absolute_uri(context["link"])
    return render(request, "desk/administration_account.html", context, status=status)


@require_POST
@_managed
def details(request: Asking, number: int) -> HttpResponse:
    """Correct a name or an address."""
    user = get_object_or_404(User, pk=number)
    form = DetailsForm(request.POST)
    if not form.is_valid():
        return _account_page(request, user, status=422, details=form)
    acts.change_details(request.user, user, form.cleaned_data["full_name"], form.cleaned_data["email"])
    messages.success(request, "Corrections enregistrées.")
    return HttpResponseRedirect(f"{_HOME}comptes/{user.pk}/")


@require_POST
@_managed
def state(request: Asking, number: int) -> HttpResponse:
    """Open or close an account, make a new link for it, detach its identity, or remove its second factor."""
    user = get_object_or_404(User, pk=number)
    try:
        match request.POST.get("act"):
            case "close":
                acts.close_account(request.user, user)
                messages.success(request, "Compte fermé. Ses sessions ont pris fin.")
            case "open":
                acts.open_account(request.user, user)
                messages.success(request, "Compte ouvert, avec les droits qu’il avait.")
            case "link":
                return _account_page(request, user, link=acts.send_link(request.user, user))
            case "detach":
                acts.detach_identity(request.user, user)
                messages.success(request, "Identité détachée.")
            case "factor":
                second.remove(request.user, user)
                messages.success(request, "Second facteur retiré. Ses sessions ont pris fin.")
            case _:
                raise Http404
    except RefusedError as error:
        return _account_page(request, user, status=422, error=error)
    return HttpResponseRedirect(f"{_HOME}comptes/{user.pk}/")


@require_POST
@_managed
def give(request: Asking, number: int) -> HttpResponse:
    """Give a right."""
    user = get_object_or_404(User, pk=number)
    form = GrantForm(request.POST, **_known_places())
    if form.is_valid():
        try:
            acts.give(request.user, user, form.perimeter(form.cleaned_data["role"]))
        except BadValueError as error:
            form.add_error("role", _said(error))
        else:
            messages.success(request, "Droit donné. Il vaut dès maintenant.")
            return HttpResponseRedirect(f"{_HOME}comptes/{user.pk}/")
    return _account_page(request, user, status=422, form=form)


@require_POST
@_managed
def take_back(request: Asking, number: int, grant: int) -> HttpResponse:
    """Take a right back."""
    row = get_object_or_404(Grant.objects.select_related("user"), pk=grant, user_id=number)
    try:
        acts.take_back(request.user, row)
    except RefusedError as error:
        return _account_page(request, get_object_or_404(User, pk=number), status=422, error=error)
    messages.success(request, "Droit retiré. Il ne vaut plus dès maintenant.")
    return HttpResponseRedirect(f"{_HOME}comptes/{number}/")


@require_http_methods(["GET", "HEAD", "POST"])
@_managed
def keys(request: Asking) -> HttpResponse:
    """List the keys of programs; make one, and show it this once."""
    places = _known_places()
    in_a_year = timezone.localdate() + timedelta(days=365)
    form = KeyForm(request.POST or None, initial={"expires": in_a_year, "scopes": ["read"]}, **places)
    token = ""
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        end = timezone.make_aware(datetime.combine(found["expires"], time.max))
        try:
            _, token = make_key(
                request.user,
                found["name"],
                scopes=found["scopes"],
                expires=end,
                perimeter=form.perimeter(""),
            )
        except BadValueError as error:
            form.add_error("expires", _said(error))
        else:
            form = KeyForm(initial={"expires": in_a_year, "scopes": ["read"]}, **places)
    rows = ApiKey.objects.select_related("created_by").prefetch_related("grants").order_by("-created")
    context = {"keys": rows, "form": form, "token": token, "now": timezone.now(), **places}
    status = 422 if form.errors else 200
    return render(request, "desk/administration_keys.html", context, status=status)


@require_POST
@_managed
def revoke(request: Asking, number: int) -> HttpResponse:
    """Revoke a key, for good."""
    key = get_object_or_404(ApiKey, pk=number)
    revoke_key(request.user, key)
    messages.success(request, f"Clé « {key.name} » révoquée.")
    return HttpResponseRedirect(f"{_HOME}cles/")


@require_GET
@_managed
def failures(request: Asking) -> HttpResponse:
    """Show the newest failed sign-ins."""
    rows = [
        (row, "" if row.login.startswith(throttling.MARK) else row.login)
        for row in throttling.last_failures()
    ]
    context = {"failures": rows, "days": throttling.KEPT.days}
    return render(request, "desk/administration_failures.html", context)


urlpatterns = [
    path("administration/", accounts),
    path("administration/comptes/ajouter/", add),
    path("administration/comptes/<int:number>/", account),
    path("administration/comptes/<int:number>/fiche/", details),
    path("administration/comptes/<int:number>/etat/", state),
    path("administration/comptes/<int:number>/droits/", give),
    path("administration/comptes/<int:number>/droits/<int:grant>/retirer/", take_back),
    path("administration/cles/", keys),
    path("administration/cles/<int:number>/revoquer/", revoke),
    path("administration/connexions/", failures),
]
