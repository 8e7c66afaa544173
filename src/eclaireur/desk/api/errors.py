"""One shape for every error of the API, whoever raised it: ours, the framework's or Django's.

``{"error": {"type", "message", "fix", "field", "file", "line"}}``, in French; what is not known is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from eclaireur.core.errors import (
    EclaireurError,
    InputError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)
from eclaireur.desk.outages import RETRY, outage

if TYPE_CHECKING:
    from ninja import NinjaAPI
    from ninja.errors import ValidationError

__all__ = [
    "PREFIX",
    "FailureError",
    "answer_error",
    "answer_errors",
    "one_shape",
    "unknown_address",
    "usual_words",
]

PREFIX = "/api/"
"""Where addresses of the API begin."""

_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")

_WORDS: dict[int, tuple[str, str, str]] = {
    400: ("bad_request", "la demande est mal formée.", "Vérifiez qu'elle est en JSON et en UTF-8."),
    401: (
        "unauthenticated",
        "la clé est absente, inconnue, périmée ou révoquée.",
        "Envoyez l'en-tête « Authorization: Bearer », puis la clé.",
    ),
    403: ("forbidden", "cette action n'est pas permise.", "Demandez un droit à votre administrateur."),
    404: (
        "not_found",
        "cela n'existe pas, ou c'est hors de votre périmètre.",
        "Vérifiez l'adresse, ou demandez un droit à votre administrateur.",
    ),
    405: (
        "method_not_allowed",
        "cette adresse ne répond pas à cette méthode.",
        "L'en-tête Allow dit lesquelles.",
    ),
    409: ("refused", "cela ne peut pas être fait maintenant.", ""),
    413: ("too_large", "la demande est trop grande.", "Rien n'a été reçu. Envoyez-la en plusieurs fois."),
    415: ("bad_request", "ce type de contenu n'est pas lu ici.", "Envoyez du JSON."),
    422: ("invalid", "une valeur n'est pas celle attendue.", "Corrigez-la, puis recommencez."),
    429: (
        "too_many_requests",
        "cette clé a trop demandé.",
        "Attendez le temps que dit l'en-tête Retry-After.",
    ),
    500: (
        "server_error",
        "le bureau a rencontré une erreur.",
        "Les décisions enregistrées sont sauves. Réessayez ; si cela persiste, prévenez l'administrateur.",
    ),
    503: (
        "unavailable",
        "le bureau ne peut pas répondre maintenant.",
        "Rien n'est perdu. Recommencez dans quelques secondes.",
    ),
}

_INVALID: dict[str, tuple[str, str]] = {
    "missing": ("ce champ est obligatoire.", "Ajoutez-le."),
    "extra_forbidden": ("ce champ n'existe pas.", "Enlevez-le, ou vérifiez son nom."),
    "int": ("un nombre entier est attendu.", "Écrivez par exemple 50."),
    "greater_than_equal": ("la valeur est trop petite.", "Le plus petit permis est {ge}."),
    "less_than_equal": ("la valeur est trop grande.", "Le plus grand permis est {le}."),
    "string_too_long": ("le texte est trop long.", "Gardez {max_length} caractères au plus."),
    "string_too_short": ("le texte est trop court.", "Écrivez {min_length} caractère au moins."),
    "string_pattern": ("le texte n'a pas la forme attendue.", "La description de l'API donne cette forme."),
    "string": ("un texte est attendu.", "Écrivez-le entre guillemets, en UTF-8."),
    "literal": ("cette valeur n'est pas dans la liste.", "La description de l'API donne celles qui le sont."),
    "enum": ("cette valeur n'est pas dans la liste.", "La description de l'API donne celles qui le sont."),
    "date": ("une date est attendue.", "Écrivez-la comme 2026-12-31."),
    "bool": ("vrai ou faux est attendu.", "Écrivez true ou false."),
    "uuid": ("ce numéro n'a pas la forme attendue.", "Reprenez celui que l'API a donné."),
    "model": ("un objet JSON est attendu.", "Envoyez {{ … }} avec les champs de la description."),
    "dict": ("un objet JSON est attendu.", "Envoyez {{ … }} avec les champs de la description."),
}


class FailureError(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status
        HTTP status; the words are its usual ones unless others are given.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        kind: str = "",
        fix: str = "",
        field: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        usual = _WORDS[status]
        self.kind, self.message, self.field = kind or usual[0], message or usual[1], field
        self.fix = fix or (usual[2] if not message else "")
        self.headers = dict(headers or {})
        super().__init__(self.message)


def answer_error(
    status: int,
    *,
    kind: str = "",
    message: str = "",
    fix: str = "",
    field: str = "",
    file: str = "",
    line: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return an error in its one shape, with the usual words of its status where none are given.

    >>> answer_error(404).status_code
    404
    """
    usual = usual_words(status)
    body = {
        "type": kind or usual[0],
        "message": message or usual[1],
        "fix": (fix if message else fix or usual[2]) or None,
        "field": field or None,
        "file": file or None,
        "line": line,
    }
    return JsonResponse(
        {"error": body}, status=status, headers=dict(headers or {}), json_dumps_params={"ensure_ascii": False}
    )


def usual_words(status: int) -> tuple[str, str, str]:
    """Return the type, the message and the fix that a status has where none are given.

    >>> usual_words(404)[0]
    'not_found'
    """
    return _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]


def unknown_address(request: HttpRequest, rest: Any = "") -> HttpResponse:
    """Answer an address that the API does not have."""
    return answer_error(404)


def one_shape(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give its shape to an error of the API that Django, or another middleware, answered as a page."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(PREFIX):
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
        return answer_error(response.status_code, headers=kept)

    return answer


def answer_errors(api: NinjaAPI) -> None:
    """Tell an API how to answer each kind of error."""
    from django.db import Error
    from ninja.errors import AuthenticationError, HttpError, ValidationError

    api.add_exception_handler(FailureError, _failure)
    api.add_exception_handler(EclaireurError, _ours)
    api.add_exception_handler(Http404, unknown_address)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _of_framework)
    api.add_exception_handler(AuthenticationError, _unknown)
    api.add_exception_handler(Error, _of_machine)
    api.add_exception_handler(OSError, _of_machine)


def _of_framework(request: HttpRequest, error: Any) -> HttpResponse:
    return answer_error(int(error.status_code))


def _of_machine(request: HttpRequest, error: Any) -> HttpResponse:
    """Name what the machine lacks; an error that is not its own goes on."""
    found = outage(error)
    if found is None:
        raise error
    return answer_error(503, message=found.message, fix=found.fix, headers={"Retry-After": str(RETRY)})


def _failure(request: HttpRequest, error: Any) -> HttpResponse:
    return answer_error(
        error.status,
        kind=error.kind,
        message=error.message,
        fix=error.fix,
        field=error.field,
        headers=error.headers,
    )


def _unknown(request: HttpRequest, error: Any) -> HttpResponse:
    return answer_error(401, headers={"WWW-Authenticate": 'Bearer realm="eclaireur"'})


def _ours(request: HttpRequest, error: Any) -> HttpResponse:
    from eclaireur.desk.recording import OvertakenError

    status, kind = 503, ""
    if isinstance(error, OvertakenError):
        status, kind = 409, "overtaken"
    elif isinstance(error, NotFoundError):
        status = 404
    elif isinstance(error, InputError):
        status = 422
    elif isinstance(error, RefusedError):
        status = 409
    elif not isinstance(error, WorkFailedError):
        kind = "not_set_up"  # a setting or a part of the installation is missing
    return answer_error(
        status,
        kind=kind,
        message=error.message,
        fix=error.fix,
        field=error.column,
        file="" if status == 503 else error.file,  # not the paths of the server
        line=error.line,
        headers={"Retry-After": "30"} if status == 503 else None,
    )


def _invalid(request: HttpRequest, error: ValidationError | Any) -> HttpResponse:
    """Say the first thing that is wrong: one is enough to act on."""
    first = error.errors[0]
    message, fix = _WORDS[422][1:]
    for start, words in _INVALID.items():
        if str(first["type"]).startswith(start):
            message, fix = words[0], words[1].format_map({"ge": "", "le": "", **first.get("ctx", {})})
            break
    named = [part for part in first["loc"][1:] if isinstance(part, str)]
    return answer_error(422, message=message, fix=fix, field=named[-1] if named else "")
