"""The second factor: the code that signing in asks for, and the page where one adds or removes it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from eclaireur.core.errors import BadValueError
from eclaireur.desk.accounts import second
from eclaireur.desk.accounts.entering import (
    CODED,
    code_given,
    enter_with_code,
    password_again,
    waiting_for_code,
)
from eclaireur.desk.accounts.forms import CodeForm, OwnCodeForm
from eclaireur.desk.accounts.throttling import Tried
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
    if request.method != "POST":
        return render(request, "desk/account_code.html", {"form": CodeForm()})
    form, tried = CodeForm(request.POST), Tried(status=422)
    if form.is_valid():
        tried = code_given(request, user, form.cleaned_data["code"])
        if not tried.error:
            enter_with_code(request, user)
            return HttpResponseRedirect(target)
        form.add_error("code", tried.error)
    return _refused(render(request, "desk/account_code.html", {"form": form}), tried)


def _refused(answer: HttpResponse, tried: Tried) -> HttpResponse:
    answer.status_code = tried.status
    if tried.wait:
        answer["Retry-After"] = str(tried.wait)
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
    held = SecondFactor.objects.filter(user=user).first()
    if request.method != "POST":
        return _page(request, OwnCodeForm(), held)
    form, tried = OwnCodeForm(request.POST), Tried(status=422)
    if form.is_valid():
        tried = password_again(request, user, form.cleaned_data["current"])
        if tried.error:
            form.add_error("current", tried.error)
        elif held is None:
            try:
                return _add(request, user, form.cleaned_data["code"])
            except BadValueError as error:
                form.add_error("code", f"{error.message[0].upper()}{error.message[1:]} {error.fix}")
                tried = Tried(status=422)
        elif second.asked_of(user):
            form.add_error(None, "Votre administration demande un second facteur à ce compte.")
            tried = Tried(status=422)
        else:
            tried = code_given(request, user, form.cleaned_data["code"])
            if not tried.error:
                return _remove(request, user)
            form.add_error("code", tried.error)
    return _refused(_page(request, form, held), tried)


def _add(request: Asking, user: User, typed: str) -> HttpResponse:
    secret = request.session.get(_SECRET, "")
    if not secret:
        raise BadValueError(
            "cette page a trop attendu.", fix="Scannez la nouvelle image, puis tapez le code."
        )
    spare = second.add(user, secret, typed, request.session.session_key)
    del request.session[_SECRET]
    request.session[CODED] = True
    return render(request, "desk/account_spare.html", {"spare": spare})


def _remove(request: Asking, user: User) -> HttpResponse:
    second.remove(user, user)
    messages.success(request, "Second facteur retiré. Le mot de passe suffit de nouveau.")
    return HttpResponseRedirect("/compte/")


def _page(request: Asking, form: OwnCodeForm, held: SecondFactor | None) -> HttpResponse:
    shown: dict[str, Any] = {"form": form, "factor": held, "asked": second.asked_of(request.user)}
    if held is None:
        form.fields["code"].help_text = "Les six chiffres qu’affiche l’application."  # no spare code yet
        # The session stays on the server: until a code proves it, a secret is in no other row.
        secret = request.session.setdefault(_SECRET, second.new_secret())
        grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        shown |= {"picture": second.picture(second.address(request.user, secret)), "secret": grouped}
    return render(request, "desk/account_second.html", shown)


urlpatterns = [path("connexion/code/", code), path("compte/second-facteur/", factor)]
