"""The API: its routes, its errors, its description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from eclaireur import __version__
from eclaireur.desk.api import description
from eclaireur.desk.api.errors import answer_errors, unknown_address
from eclaireur.desk.api.paging import strict
from eclaireur.desk.api.routes import acts, cases, dossiers, health, jobs, lists, readings, texts

if TYPE_CHECKING:
    from ninja.openapi.schema import OpenAPISchema
    from ninja.operation import Operation

__all__ = ["Api", "api", "urlpatterns"]

_ABOUT = (
    "Ce que font les pages du bureau, pour les programmes. Une réponse est bornée par le périmètre de qui "
    "demande : ce qui est au-dehors n'existe pas (404).\n\n"
    "Un programme montre sa clé : « Authorization: Bearer ecl_… ». Un administrateur la donne, avec des "
    "droits et un périmètre. Une personne connectée au bureau peut lire l'API ; pour écrire, l'en-tête "
    "« X-CSRFToken » porte le jeton de nos pages.\n\n"
    "Les listes vont par pages : « limit », « offset », « total » et l'adresse « next ». Toute erreur a la "
    "même forme : un type, un message, ce que vous pouvez faire, et le champ en cause. Un filtre inconnu est "
    "refusé.\n\n"
    "Une clé qui demande trop reçoit 429 ; un bureau saturé répond 503. L'en-tête « Retry-After » dit "
    "combien de secondes attendre. Rien n'a alors été fait."
)


class Api(NinjaAPI):
    """The framework's API, which says more of itself; what it says is made once in a process."""

    def __init__(self, **given: Any) -> None:
        self._described: dict[str, OpenAPISchema] = {}
        super().__init__(**given)

    def get_openapi_schema(self, **asked: Any) -> OpenAPISchema:
        """Return the whole description."""
        key = str(asked.get("path_prefix") or "")
        if key not in self._described:
            found = super().get_openapi_schema(**asked)
            description.complete(self, found)
            self._described[key] = found
        return self._described[key]

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name an operation as its function is."""
        return operation.view_func.__name__


api = Api(
    title="API d'Éclaireur",
    version=__version__,
    description=_ABOUT,
    docs_url=None,
    urls_namespace="api",
    openapi_extra={"info": {"license": {"name": "MIT", "identifier": "MIT"}}},
)
api.add_decorator(strict)
answer_errors(api)
for _room in (health, cases, lists, dossiers, acts, jobs, readings, texts):
    api.add_router("", _room.router)

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", description.page),
    path("v1/", api.urls),
    re_path(r"^(?P<rest>.*)$", csrf_exempt(unknown_address)),
]
