"""The sheet of a dossier, and what an agent does from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.mention import mentions
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.exports import attached
from eclaireur.desk.models import Decision, Dossier, Vote
from eclaireur.desk.pages.lists import assignable, truth
from eclaireur.desk.place import workspace
from eclaireur.desk.recording import OvertakenError
from eclaireur.desk.sheets import Sheet, open_sheet, place_of, within
from eclaireur.desk.switching import stopped
from eclaireur.service.declaring import contact_of

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["act", "letter", "missed", "pdf", "sheet", "urlpatterns"]


@require_GET
@page
def sheet(request: Asking, case: str, pk: int) -> HttpResponse:
    """Show the sheet of a dossier, alone or beside its list."""
    card = card_within(request, case)
    return _show(request, card, _open(request, card, pk))


def _open(request: Asking, card: Card, pk: int) -> Sheet:
    try:
        return open_sheet(card, request.reach, pk)
    except NotFoundError as error:
        raise Http404(str(error)) from error


def _show(
    request: Asking, card: Card, shown: Sheet, *, error: BadValueError | None = None, status: int = 200
) -> HttpResponse:
    switch = stopped(card.name)
    dossier = shown.dossier
    reach = within(request.reach, dossier)
    history = shown.history()
    context: dict[str, Any] = {
        "case": card,
        "sheet": shown,
        "dossier": dossier,
        "blocks": render_blocks(shown.blocks(stopped=switch is not None), weights=not shown.hidden),
        "score": "" if switch else shown.score_in_words(),
        "similar": [] if switch else shown.similar(request.reach),
        "elsewhere": shown.elsewhere(request.reach),
        "history": history,
        "vote": _voted(request, shown),
        "last": next((row["row"] for row in history if _undoable(row)), None),
        "following": card.procedure.following(dossier.status),
        "people": assignable(card, request),
        "can": {action.value: reach.may(action, *place_of(dossier)) for action in Action},
        "procedure": card.procedure,
        "switch": switch,
        "error": error,
        "overtaken": isinstance(error, OvertakenError),
        "typed": request.POST if error else {},
        "today": date.today(),  # noqa: DTZ011 (a calendar day)
        **truth(shown.edition),
    }
    beside = request.headers.get("HX-Request") == "true"
    template = "desk/parts/sheet.html" if beside else "desk/sheet.html"
    response = render(request, template, context, status=status)
    if request.method == "POST" and error is None:
        response["HX-Trigger"] = "lignes"
    return response


def _voted(request: Asking, shown: Sheet) -> Vote | None:
    found: Vote | None = shown.dossier.votes.filter(user=request.user, edition=shown.edition).first()
    return found


def _undoable(row: dict[str, Any]) -> bool:
    return isinstance(row["row"], Decision) and row["row"].undone_by_id is None and row["kind"] != "undo"


@require_POST
@page
def act(request: Asking, case: str, pk: int, what: str) -> HttpResponse:
    """Do one act on a dossier, then show its sheet again; a wrong form keeps what was typed."""
    card = card_within(request, case)
    shown = _open(request, card, pk)
    dossier = shown.dossier
    wanted = Action.ASSIGN if what == "assigner" else Action.DECIDE
    if not within(request.reach, dossier).may(wanted, *place_of(dossier)):
        raise Http404
    try:
        _ACTS[what](request, shown)
    except BadValueError as error:
        fresh = _open(request, card, pk)
        return _show(
            request, card, fresh, error=error, status=409 if isinstance(error, OvertakenError) else 422
        )
    if request.headers.get("HX-Request") == "true":
        return _show(request, card, _open(request, card, pk))
    return HttpResponseRedirect(f"/{case}/dossiers/{pk}/")


def _judge(request: Asking, shown: Sheet) -> None:
    if shown.target is None:
        raise BadValueError("aucun calcul ne parle de ce dossier.", fix="Passez-le à une étape.")
    try:
        verdict = Verdict(request.POST.get("verdict", ""))
    except ValueError as error:
        raise BadValueError("cet avis n'existe pas.", fix="Choisissez suivre, écarter ou autre.") from error
    decisions.decide(
        request.user,
        shown.dossier,
        shown.target,
        verdict,
        reason_code=request.POST.get("reason_code", ""),
        text=request.POST.get("text", ""),
        seen=_seen(request),
    )


def _seen(request: Asking) -> int | None:
    """Return the version of the dossier that the person read; none once told that it changed."""
    text = request.POST.get("seen", "")
    return None if request.POST.get("confirmed") or not text.isdecimal() else int(text)


def _undo(request: Asking, shown: Sheet) -> None:
    seq = request.POST.get("seq", "")
    made = shown.dossier.decisions.filter(pk=int(seq)).first() if seq.isdecimal() else None
    if made is None:
        raise BadValueError("cette action n'est pas celle de ce dossier.", fix="Rechargez la fiche.")
    decisions.undo(request.user, made)


def _move(request: Asking, shown: Sheet) -> None:
    asked = request.POST
    try:
        decisions.move(
            request.user,
            [shown.dossier],
            asked.get("status", ""),
            due=_day(asked.get("due", ""), "due"),
            outcome=asked.get("outcome", ""),
            on=_day(asked.get("on", ""), "on"),
            text=asked.get("text", ""),
            seen={shown.dossier.pk: _seen(request)},
        )
    except NotFoundError as error:
        raise BadValueError(error.message, fix=error.fix, column="status") from error


def _day(text: str, column: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise BadValueError(
            f"« {text[:40]} » n'est pas une date.", fix="Écrivez jour, mois et année.", column=column
        ) from error


def _assign(request: Asking, shown: Sheet) -> None:
    card = shown.card
    wanted = request.POST.get("to", "")
    to = next((one for one in assignable(card, request) if str(one.pk) == wanted), None)
    if wanted and to is None:
        raise BadValueError(
            "cette personne ne peut pas recevoir ce dossier.", fix="Choisissez-en une autre.", column="to"
        )
    decisions.assign(request.user, [shown.dossier], to)


def _comment(request: Asking, shown: Sheet) -> None:
    decisions.comment(request.user, shown.dossier, request.POST.get("text", ""))


def _vote(request: Asking, shown: Sheet) -> None:
    said = request.POST.get("useful", "")
    if shown.target is None or said not in {"yes", "no"}:
        raise BadValueError("ce vote n'existe pas.", fix="Choisissez utile ou pas utile.", column="useful")
    why = request.POST.get("why", "")
    decisions.vote(request.user, shown.dossier, shown.target, useful=said == "yes", text=why)


_ACTS = {
    "utile": _vote,
    "avis": _judge,
    "annuler": _undo,
    "etape": _move,
    "assigner": _assign,
    "commenter": _comment,
}


@page
def letter(request: Asking, case: str, pk: int, template: str) -> HttpResponse:
    """Prepare a letter from its template, let the agent change it, keep it and give it as PDF."""
    from eclaireur.desk.letters import draft, letter_pdf

    card = card_within(request, case)
    shown = _open(request, card, pk)
    dossier = shown.dossier
    if not within(request.reach, dossier).may(Action.DECIDE, *place_of(dossier)):
        raise Http404
    try:
        model = card.procedure.letter(template)
    except NotFoundError as unknown:
        raise Http404 from unknown
    text = request.POST.get("text", "")
    error: BadValueError | None = None
    if request.method == "POST":
        try:
            decisions.write_letter(request.user, dossier, template, text)
            return attached(letter_pdf(text), f"{template}-{dossier.key}.pdf")
        except BadValueError as found:
            error = found
    else:
        text = draft(dossier, template, request.user)
    context = {"case": card, "dossier": dossier, "letter": model, "text": text, "error": error}
    return render(request, "desk/letter.html", context, status=422 if error else 200)


@require_GET
@page
def pdf(request: Asking, case: str, pk: int) -> HttpResponse:
    """Give the sheet as PDF, with the mention that the law asks for."""
    from eclaireur.desk.exports import sheet_pdf

    card = card_within(request, case)
    shown = _open(request, card, pk)
    blocks = shown.blocks(stopped=stopped(case) is not None)
    said = {"Limites": " ".join(card.limits), **mentions(card, contact_of(workspace(), card))}
    content = sheet_pdf(blocks, title=str(shown.dossier), mentions=said)
    return attached(content, f"fiche-{shown.dossier.key}.pdf")


@page
def missed(request: Asking, case: str) -> HttpResponse:
    """Let an agent say which subject the calculation missed; it joins what is to be dealt with."""
    card = card_within(request, case)
    if not request.reach.may_somewhere(Action.DECIDE, case):
        raise Http404
    error: BadValueError | None = None
    if request.method == "POST":
        try:
            return HttpResponseRedirect(f"/{case}/dossiers/{_missed(request, card)}/")
        except BadValueError as found:
            error = found
    context = {"case": card, "error": error, "typed": request.POST, "areas": _areas(request, card)}
    return render(request, "desk/missed.html", context, status=422 if error else 200)


def _areas(request: Asking, card: Card) -> list[str]:
    rows = Dossier.objects.filter(request.reach.rows(Action.DECIDE), case=card.name, training=False)
    return list(rows.order_by("area").values_list("area", flat=True).distinct())


def _missed(request: Asking, card: Card) -> int:
    from eclaireur.desk.place import work_on

    asked = request.POST
    area = asked.get("area", "")
    if area not in _areas(request, card):
        raise BadValueError("ce secteur est hors de votre périmètre.", fix="Choisissez-en un.", column="area")
    try:
        subject = work_on(card.name).case.identify(asked.get("subject", "").strip())
    except BadValueError as error:
        raise BadValueError(error.message, fix=error.fix, column="subject") from error
    service = next(iter(request.reach.services(Action.DECIDE, card.name)), "")
    found = Dossier.objects.within(request.reach).filter(case=card.name, subject=str(subject), training=False)
    dossier = found.first() or _new(card, str(subject), asked.get("name", "").strip()[:300], area, service)
    decisions.report_missed(request.user, dossier, asked.get("text", ""))
    return dossier.pk


def _new(card: Card, subject: str, name: str, area: str, service: str) -> Dossier:
    dossier, _ = Dossier.objects.get_or_create(
        case=card.name,
        subject=subject,
        service=service,
        training=False,
        defaults={"name": name or subject.partition(":")[2], "area": area},
    )
    if dossier.area != area:
        raise BadValueError(
            "ce dossier ne peut pas être ouvert dans ce secteur.",
            fix="Vérifiez l'identifiant et le secteur.",
            column="subject",
        )
    return dossier


urlpatterns = [
    path("<case:case>/dossiers/<int:pk>/", sheet),
    path("<case:case>/dossiers/<int:pk>/fiche.pdf", pdf),
    path("<case:case>/dossiers/<int:pk>/lettres/<slug:template>/", letter),
    *(path(f"<case:case>/dossiers/<int:pk>/{what}/", act, {"what": what}) for what in _ACTS),
    path("<case:case>/manque/", missed),
]
