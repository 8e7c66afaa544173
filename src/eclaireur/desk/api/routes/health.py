"""Is the desk well: for those who watch it."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest
from ninja import Router

from eclaireur import __version__
from eclaireur.desk.api import shapes
from eclaireur.desk.api.errors import FailureError

__all__ = ["health", "router"]

router = Router(tags=["Service"])


@router.get("/sante", response=shapes.Health, auth=None, summary="Dire si le bureau va bien")
def health(request: HttpRequest) -> dict[str, Any]:
    """Répond 200 si la base de données répond, 503 sinon. Aucune clé n'est demandée.

    La version n'est dite qu'à une personne connectée.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM desk_dossier WHERE id = 0")
    except (DatabaseError, InterfaceError) as error:
        raise FailureError(
            503,
            "la base de données ne répond pas.",
            fix="Prévenez l'administrateur du bureau.",
            headers={"Retry-After": "30"},
        ) from error
    return {"status": "ok", "version": __version__ if request.user.is_authenticated else ""}
