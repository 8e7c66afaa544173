"""What is decided of a dossier: a verdict, a step, a comment, and taking the last act back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from ninja import Body, Header, Path, Router, Schema, Status
from pydantic import ConfigDict, Field

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions
from eclaireur.desk.access import Action
from eclaireur.desk.api import shapes
from eclaireur.desk.api.auth import Caller, Calling, needs
from eclaireur.desk.api.once import once
from eclaireur.desk.api.paging import Day, Id, Long
from eclaireur.desk.api.routes.dossiers import open_dossier, shape
from eclaireur.desk.asking import required
from eclaireur.desk.models import Dossier
from eclaireur.desk.place import workspace
from eclaireur.desk.sheets import Sheet

__all__ = [
    "Moving",
    "Opinion",
    "Remark",
    "Undoing",
    "comment",
    "judge",
    "move",
    "router",
    "undo",
]

router = Router(tags=["Décisions"])

_Code = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
_Once = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        pattern=r"^[!-~]*$",
        description="Clé de votre choix, nouvelle à chaque demande. Renvoyée sous la même clé pendant un "
        "jour, une demande n'est faite qu'une fois.",
    ),
]
_Seen = Annotated[
    int | None,
    Field(
        ge=0,
        le=2**31 - 1,
        description="Version du dossier que vous avez lue. Si une autre décision a été prise depuis : 409.",
        examples=[3],
    ),
]


def _sent(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class Opinion(Schema):
    """L'avis de l'agent sur un indice."""

    model_config = _sent(
        {"verdict": "set_aside", "reason_code": "closed", "text": "Fermé en juin.", "seen": 3}
    )

    verdict: Verdict = Field(description="follow : suivre ; set_aside : écarter ; other : autre.")
    reason_code: _Code = Field(
        "", description="Raison, obligatoire pour écarter : un code de la fiche du cas."
    )
    text: Long = Field("", description="Une phrase, obligatoire pour la raison « other ».")
    seen: _Seen = None


class Moving(Schema):
    """Le passage d'un dossier à une étape."""

    model_config = _sent({"status": "inspected", "outcome": "0", "on": "2026-11-20", "seen": 3})

    status: _Code = Field(description="Code de l'étape.")
    due: Day | None = Field(None, description="Échéance ; par défaut, celle de la fiche du cas.")
    outcome: _Code = Field("", description="Résultat du contrôle, quand l'étape le demande.")
    on: Day | None = Field(None, description="Jour du contrôle ; par défaut, aujourd'hui.")
    text: Long = Field("", description="Une phrase.")
    seen: _Seen = None


class Remark(Schema):
    """Un commentaire."""

    model_config = _sent({"text": "Le gérant a changé."})

    text: Annotated[Long, Field(min_length=1)]


class Undoing(Schema):
    """La dernière décision, à annuler."""

    model_config = _sent({"seq": 412})

    seq: Id = Field(description="Son numéro dans le journal.")


@router.post(
    "/dossiers/{pk}/avis",
    response={201: shapes.ActDone},
    auth=needs("decide"),
    summary="Donner un avis",
)
def judge(request: Calling, pk: Path[Id], body: Body[Opinion], once_key: _Once = "") -> Status[Any]:
    """Enregistre l'avis de l'agent sur ce que dit le calcul. Le texte est scellé dans le journal."""

    def act(sheet: Sheet) -> int:
        if sheet.target is None:
            raise BadValueError("aucun calcul ne parle de ce dossier.", fix="Passez-le à une étape.")
        made = decisions.decide(
            request.auth.user,
            sheet.dossier,
            sheet.target,
            body.verdict,
            reason_code=body.reason_code,
            text=body.text,
            seen=body.seen,
        )
        return made.seq

    return _done(request, pk, once_key, act)


@router.post(
    "/dossiers/{pk}/etape",
    response={201: shapes.ActDone},
    auth=needs("decide"),
    summary="Passer à une étape",
)
def move(request: Calling, pk: Path[Id], body: Body[Moving], once_key: _Once = "") -> Status[Any]:
    """Amène le dossier à une étape de la procédure, avec son échéance et, s'il le faut, le résultat."""

    def act(sheet: Sheet) -> int:
        try:
            made = decisions.move(
                request.auth.user,
                [sheet.dossier],
                body.status,
                due=body.due,
                outcome=body.outcome,
                on=body.on,
                text=body.text,
                seen={sheet.dossier.pk: body.seen},
            )
        except NotFoundError as error:
            raise BadValueError(error.message, fix=error.fix, column="status") from error
        return made[0].seq

    return _done(request, pk, once_key, act)


@router.post(
    "/dossiers/{pk}/commentaires",
    response={201: shapes.ActDone},
    auth=needs("decide"),
    summary="Commenter",
)
def comment(request: Calling, pk: Path[Id], body: Body[Remark], once_key: _Once = "") -> Status[Any]:
    """Ajoute un commentaire au dossier, scellé dans le journal."""
    return _done(
        request,
        pk,
        once_key,
        lambda sheet: decisions.comment(request.auth.user, sheet.dossier, body.text).seq,
    )


@router.post(
    "/dossiers/{pk}/annulation",
    response={201: shapes.ActDone},
    auth=needs("decide"),
    summary="Annuler la dernière décision",
)
def undo(request: Calling, pk: Path[Id], body: Body[Undoing], once_key: _Once = "") -> Status[Any]:
    """Remet le dossier comme il était avant sa dernière décision. Le journal garde les deux."""

    def act(sheet: Sheet) -> int:
        made = sheet.dossier.decisions.filter(pk=body.seq).first()
        if made is None:
            raise BadValueError(
                "cette décision n'est pas de ce dossier.",
                fix="L'historique du dossier donne les numéros.",
                column="seq",
            )
        return decisions.undo(request.auth.user, made).seq

    return _done(request, pk, once_key, act)


def _done(request: Calling, pk: int, key: str, act: Callable[[Sheet], int]) -> Status[Any]:
    caller = request.auth
    sheet = open_dossier(caller, pk)
    dossier = sheet.dossier
    required(caller, Action.DECIDE, dossier.case, dossier.area, dossier.service)

    def write() -> int:
        seq = act(sheet)
        if caller.key is not None:
            _tell(caller, dossier, seq)
        return seq

    seq = once(request, key, write)
    return Status(201, {"seq": seq, "dossier": shape(open_dossier(caller, pk))})


def _tell(caller: Caller, dossier: Dossier, seq: int) -> None:
    """Write that a program did it: the line of the act names who answers for its key."""
    workspace().journal.append(
        "api_key",
        case=dossier.case,
        actor=caller.program,
        data={"act": "decide", "login": caller.user.login, "line": seq},
    )
