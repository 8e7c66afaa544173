"""The second factor: the code that signing in asks for, and the page where one adds or removes it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from eclaireur.core.errors import BadValueError
from eclaireur.desk.accounts import second, throttling
from eclaireur.desk.accounts.entering import CODED, address_of, enter_with_code, waiting_for_code
from eclaireur.desk.accounts.forms import CodeForm, OwnCodeForm
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.models import SecondFactor, User

__all__ = ["code", "factor", "urlpatterns"]

_SECRET = "secret of a factor to come"  # noqa: S105 (the name of a value)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask the code of a person whose password was right."""
    awaited = waiting_for_code(request)
    if awaited is None:
        return HttpResponseRedirect("/connexion/")
    user, target = awaited
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = _try(request, form, user)
        if status == 200:
            enter_with_code(request, user)
            return HttpResponseRedirect(target)
    return _answer(render(request, "desk/account_code.html", {"form": form}, status=status), form)


def _try(request: HttpRequest, form: forms.Form, user: User) -> int:
    """Try the code, slowed down as passwords are; return the status of the answer."""
    if not form.is_valid():
        return 422
    try:
        # Counted apart from passwords: whoever knows the password must not reset this count with it.
        attempt = throttling.begin(f"{user.login} (code)", address_of(request))
    except throttling.Waiting as waiting:
        form.add_error("code", f"Trop d’essais manqués. Attendez {throttling.said(waiting.seconds)}.")
        form.wait = waiting.seconds  # type: ignore[attr-defined]
        return 429
    if not second.accept(user, form.cleaned_data["code"]):
        form.add_error("code", "Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant.")
        return 422
    throttling.succeed(attempt)
    return 200


def _answer(answer: HttpResponse, form: forms.Form) -> HttpResponse:
    if answer.status_code == 429:
        answer["Retry-After"] = str(form.wait)  # type: ignore[attr-defined]
    return answer


@never_cache
@sensitive_post_parameters("code", "current")
@require_http_methods(["GET", "HEAD", "POST"])
@page
def factor(request: Asking) -> HttpResponse:
    """Add a second factor to my account, or remove mine; both ask the password again."""
    user = request.user
    if not user.has_usable_password():
        raise Http404  # who enters by the identity provider has its factors there
    form = OwnCodeForm(request.POST if request.method == "POST" else None)
    held = second.has(user)
    status = 200
    if request.method == "POST":
        status = _password_first(request, form, user)
        if status == 200 and held:
            return _remove(request, form, user)
        if status == 200:
            try:
                return _add(request, form, user)
            except BadValueError as error:
                form.add_error("code", f"{error.message[0].upper()}{error.message[1:]} {error.fix}")
        status = status if status != 200 else 422
    return _answer(
        render(request, "desk/account_second.html", _shown(request, form, held=held), status=status), form
    )


def _password_first(request: Asking, form: OwnCodeForm, user: User) -> int:
    if not form.is_valid():
        return 422
    try:
        attempt = throttling.begin(user.login, address_of(request))
    except throttling.Waiting as waiting:
        form.add_error("current", f"Trop d’essais manqués. Attendez {throttling.said(waiting.seconds)}.")
        form.wait = waiting.seconds  # type: ignore[attr-defined]
        return 429
    if not user.check_password(form.cleaned_data["current"]):
        form.add_error("current", "Ce n’est pas votre mot de passe actuel.")
        return 422
    throttling.succeed(attempt)
    return 200


def _add(request: Asking, form: OwnCodeForm, user: User) -> HttpResponse:
    secret = request.session.get(_SECRET, "")
    if not secret:
        raise BadValueError(
            "cette page a trop attendu.", fix="Scannez la nouvelle image, puis tapez le code."
        )
    spare = second.add(user, secret, form.cleaned_data["code"], request.session.session_key)
    del request.session[_SECRET]
    request.session[CODED] = True
    return render(request, "desk/account_spare.html", {"spare": spare})


def _remove(request: Asking, form: OwnCodeForm, user: User) -> HttpResponse:
    if second.asked_of(user):
        form.add_error(None, "Votre administration demande un second facteur à ce compte.")
    elif _try(request, form, user) == 200:
        second.remove(user, user)
        messages.success(request, "Second facteur retiré. Le mot de passe suffit de nouveau.")
        return HttpResponseRedirect("/compte/")
    return render(request, "desk/account_second.html", _shown(request, form, held=True), status=422)


def _shown(request: Asking, form: OwnCodeForm, *, held: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"form": form, "held": held, "asked": second.asked_of(request.user)}
    if held:
        return {**shown, "factor": SecondFactor.objects.get(user=request.user)}
    form.fields["code"].help_text = "Les six chiffres qu’affiche l’application."  # no spare code yet
    # The session stays on the server: until a code proves it, a secret is in no other row.
    secret = request.session.setdefault(_SECRET, second.new_secret())
    address = second.address(request.user, secret)
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {**shown, "picture": second.picture(address), "address": address, "secret": grouped}


urlpatterns = [path("connexion/code/", code), path("compte/second-facteur/", factor)]
