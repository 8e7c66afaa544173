"""The API: its routes, its errors, its description."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from eclaireur import __version__
from eclaireur.desk.api.errors import answer_errors, unknown_address
from eclaireur.desk.api.paging import strict
from eclaireur.desk.api.routes import cases, dossiers, health, lists

__all__ = ["api", "urlpatterns"]

_ABOUT = """\
Ce que font les pages du bureau, pour les programmes. Chaque réponse est bornée par le périmètre de qui demande.
"""

api = NinjaAPI(
    title="API d'Éclaireur",
    version=__version__,
    description=_ABOUT,
    docs_url=None,
    urls_namespace="api",
)
api.add_decorator(strict)
answer_errors(api)
for _room in (health, cases, lists, dossiers):
    api.add_router("", _room.router)

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", api.urls),
    re_path(r"^(?P<rest>.*)$", csrf_exempt(unknown_address)),
]
