"""Signing in and out, one-time links, and one's own account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from eclaireur.core.errors import WorkFailedError
from eclaireur.desk.accounts import acts, throttling
from eclaireur.desk.accounts.entering import address_of, enter_or_ask, password_again, safe_next
from eclaireur.desk.accounts.forms import FirstForm, NewPasswordForm, OwnPasswordForm, SignInForm
from eclaireur.desk.accounts.links import (
    LinkSpentError,
    choose_password,
    find_link,
    make_first_administrator,
)
from eclaireur.desk.accounts.open_sessions import close_others, close_session, open_sessions
from eclaireur.desk.accounts.passwords import LONGEST
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.models import SecondFactor, SetupLink, User
from eclaireur.desk.pages.lists import COLUMNS

__all__ = ["access", "account", "close", "look", "password", "sign_in", "sign_out", "urlpatterns"]

_THEMES = {"": "comme l’appareil", "light": "clair", "dark": "sombre"}
_YEAR = 31_536_000


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask login and password. What goes wrong is said in the same words whether or not the login exists."""
    target = safe_next(request, request.POST.get("next", request.GET.get("next", "")))
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(target)
        return _sign_in_page(request, SignInForm(initial={"next": target}))
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, status=422)
    login = throttling.normal(form.cleaned_data["login"])
    try:
        attempt = throttling.begin(login, address_of(request))
    except throttling.Waiting as waiting:
        return _too_many(request, form, waiting.seconds)
    user = authenticate(request, username=login, password=form.cleaned_data["password"])
    if not isinstance(user, User):
        form.add_error(None, "Identifiant ou mot de passe incorrect.")
        return _sign_in_page(request, form, status=422)
    throttling.succeed(attempt)
    return HttpResponseRedirect(enter_or_ask(request, user, target))


def _too_many(request: HttpRequest, form: SignInForm, seconds: int) -> HttpResponse:
    form.add_error(None, f"Trop d’essais manqués. Attendez {throttling.said(seconds)}, puis recommencez.")
    answer = _sign_in_page(request, form, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _sign_in_page(request: HttpRequest, form: SignInForm, status: int = 200) -> HttpResponse:
    target = form["next"].value() or "/"
    context = {"form": form, "identity": settings.IDENTITY, "target": target}
    return render(request, "desk/account_sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session; when the identity provider opened it, propose to end its own too."""
    end = ""
    if settings.IDENTITY is not None:
        from eclaireur.desk.accounts.oidc import goodbye

        try:
            end = goodbye(request)
        except WorkFailedError:  # a provider that is out does not keep anyone signed in here
            end = ""
    logout(request)
    answer: HttpResponse
    if end:
        answer = render(request, "desk/account_left.html", {"end": end, "identity": settings.IDENTITY})
    else:
        messages.success(request, "Vous êtes déconnecté.")
        answer = HttpResponseRedirect("/connexion/")
    # On a shared machine the next person must not go back to what this one read, nor find what was typed.
    answer["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person of a one-time link choose a password, and enter."""
    try:
        link = find_link(token)
        kind = FirstForm if link.user is None else NewPasswordForm
        form = kind(request.POST or None, user=link.user)
        if request.method == "POST" and form.is_valid():
            return HttpResponseRedirect(enter_or_ask(request, _use(link, form), "/"))
    except LinkSpentError as error:
        return render(request, "desk/error.html", {"error": error, "status": 410}, status=410)
    identity = settings.IDENTITY if link.user is not None else None
    context = {"form": form, "link": link, "identity": identity, "token": token}
    return render(request, "desk/account_access.html", context, status=422 if form.errors else 200)


def _use(link: SetupLink, form: NewPasswordForm) -> User:
    found = form.cleaned_data
    if link.user is not None:
        return choose_password(link, found["password"])
    return make_first_administrator(
        link, found["login"], found["full_name"], found["password"], manager=found["manager"]
    )


@require_GET
@page
def account(request: Asking) -> HttpResponse:
    """Show my rights, my sessions, and what I may change."""
    return _account_page(request, OwnPasswordForm(user=request.user))


def _account_page(
    request: Asking, form: OwnPasswordForm, status: int = 200, *, wait: int = 0, closing: str = ""
) -> HttpResponse:
    chosen = request.user.columns.get("list") if isinstance(request.user.columns, dict) else None
    context: dict[str, Any] = {
        "grants": request.user.grants.order_by("role", "case", "area", "service"),
        "sessions": open_sessions(request.user, request.session.session_key),
        "form": form,
        "closing": closing,
        "has_password": request.user.has_usable_password(),
        "identity": settings.IDENTITY,
        "factor": SecondFactor.objects.filter(user=request.user).first(),
        "columns": [(code, title, chosen is None or code in chosen) for code, title in COLUMNS.items()],
        "themes": _THEMES.items(),
        "theme": request.COOKIES.get(settings.THEME_COOKIE, ""),
    }
    answer = render(request, "desk/account.html", context, status=status)
    if wait:
        answer["Retry-After"] = str(wait)
    return answer


@sensitive_post_parameters("current")
@require_POST
@page
def close(request: Asking) -> HttpResponse:
    """Close one of my sessions, or all the others, once I gave my password again: an open screen does not."""
    if request.user.has_usable_password():
        tried = password_again(request, request.user, request.POST.get("current", "")[:LONGEST])
        if tried.error:
            form = OwnPasswordForm(user=request.user)
            return _account_page(request, form, status=tried.status, wait=tried.wait, closing=tried.error)
    if request.POST.get("others"):
        close_others(request.user, request.session.session_key)
        messages.success(request, "Vos autres sessions sont fermées.")
    elif close_session(request.user, request.POST.get("session", "")):
        messages.success(request, "La session est fermée.")
    return HttpResponseRedirect("/compte/")


@sensitive_post_parameters("current", "password", "again")
@require_POST
@page
def password(request: Asking) -> HttpResponse:
    """Change my password: my other sessions end."""
    user = request.user
    form = OwnPasswordForm(request.POST, user=user)
    if not form.is_valid():
        return _account_page(request, form, status=422)
    tried = password_again(request, user, form.cleaned_data["current"])
    if tried.error:
        form.add_error("current", tried.error)
        return _account_page(request, form, status=tried.status, wait=tried.wait)
    acts.change_password(user, form.cleaned_data["password"], request.session.session_key)
    update_session_auth_hash(request, user)
    messages.success(request, "Mot de passe changé. Vos autres sessions sont fermées.")
    return HttpResponseRedirect("/compte/")


@require_POST
@page
def look(request: Asking) -> HttpResponse:
    """Keep how I like the desk: light or dark, and which columns lists show."""
    columns = [code for code in COLUMNS if code in request.POST.getlist("column")]
    request.user.columns = {**request.user.columns, "list": columns}
    request.user.save(update_fields=["columns"])
    messages.success(request, "Affichage enregistré.")
    answer = HttpResponseRedirect("/compte/")
    theme = request.POST.get("theme", "")
    if theme in {"light", "dark"}:
        answer.set_cookie(
            settings.THEME_COOKIE,
            theme,
            max_age=_YEAR,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
    else:
        answer.delete_cookie(settings.THEME_COOKIE, samesite="Lax")
    return answer


urlpatterns = [
    path("connexion/", sign_in),
    path("deconnexion/", sign_out),
    path("acces/<str:token>/", access),
    path("compte/", account),
    path("compte/sessions/", close),
    path("compte/mot-de-passe/", password),
    path("compte/affichage/", look),
]
