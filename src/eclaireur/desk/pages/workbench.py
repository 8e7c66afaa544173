"""The workbench: choose a method and its parameters, follow the calculation, read and compare results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.core.fields import FieldKind
from eclaireur.core.types import Verdict
from eclaireur.desk import jobs as tasks
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.bench import (
    TABS,
    Calculation,
    Method,
    calculations,
    find_calculation,
    methods,
    service_within,
    sources,
)
from eclaireur.desk.bench_files import FORMS, block_sheet, command_line, notebook_of, whole
from eclaireur.desk.bench_verdicts import given, judge, places, take_back
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.pages.jobs import follow
from eclaireur.desk.pages.reports import attached
from eclaireur.desk.parameters import arguments_of, earlier_files, file_sent, shown_fields
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.switching import refuse_if_stopped, stopped
from eclaireur.service.differing import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eclaireur.core.card import Card
    from eclaireur.service.work import Work

__all__ = [
    "bench",
    "bench_state",
    "calculation",
    "calculations_of",
    "cancel",
    "compare",
    "data",
    "decide",
    "notebook",
    "take",
    "urlpatterns",
]

_WORDS = {
    FieldKind.DATE: "date",
    FieldKind.NUMBER: "nombre",
    FieldKind.INTEGER: "nombre entier",
    FieldKind.BOOLEAN: "oui ou non",
    FieldKind.CHOICE: "un mot parmi",
    FieldKind.SIRET: "SIRET",
    FieldKind.COMMUNE: "code INSEE d’une commune",
    FieldKind.POSTAL_CODE: "code postal",
    FieldKind.LATITUDE: "latitude en degrés",
    FieldKind.LONGITUDE: "longitude en degrés",
}
_LAST, _MOST = 8, 200
_SHOWN_TABS = {name for name, _ in TABS}


def bench_state(request: Asking, card: Card) -> dict[str, Any]:
    """Return what the first page says of a case of the workbench: its last calculations, what goes on."""
    rows = calculations(request, card.name).filter(user=request.user)[:3]
    whole = any(
        request.reach.may_everywhere(Action.SEE, card.name, one)
        for one in request.reach.services(Action.SEE, card.name)
    )
    return {
        "open": whole,
        "made": [Calculation(card, one) for one in rows],
        "switch": stopped(card.name),
        "connects": request.reach.may_everywhere(Action.CONNECT, card.name),
    }


@page
def bench(request: Asking, case: str) -> HttpResponse:
    """Show the methods of a case and the form of one; on sending, start the calculation."""
    card = card_within(request, case, Desk.WORKBENCH)
    service = service_within(request, case)
    work = work_on(case)
    offered = methods(work)
    asked = request.POST.get("methode") or request.GET.get("methode", "")
    chosen = next((one for one in offered if one.name == asked), None)
    if asked and chosen is None:
        raise Http404
    error: BadValueError | FileRefusedError | None = None
    if request.method == "POST":
        if chosen is None:
            raise Http404
        refuse_if_stopped(case)
        try:
            return _start(request, card, work, service, chosen)
        except (BadValueError, FileRefusedError) as found:
            error = found
    chosen = chosen or (offered[0] if offered else None)
    context = {
        **_left(request, card, work, chosen, request.POST.dict(), error),
        "made": [Calculation(card, one) for one in calculations(request, case)[:_LAST]],
    }
    return render(request, "desk/workbench.html", context, status=422 if error else 200)


def _left(
    request: Asking,
    card: Card,
    work: Work,
    chosen: Method | None,
    typed: Mapping[str, str],
    error: BadValueError | FileRefusedError | None = None,
) -> dict[str, Any]:
    """Return what the left of the bench shows: methods, and the fields of one."""
    files = earlier_files(request, card.name)
    fields = () if chosen is None else (sources(work), *chosen.fields)
    shown = shown_fields(fields, end="p", typed=typed, error=error, files=files)
    return {
        "case": card,
        "methods": methods(work),
        "chosen": chosen,
        "fields": shown,
        "error": error,
        "sends": any(one.kind == "file" for one in shown),
        "draws": any(one.kind == "zone" for one in shown),
        "switch": stopped(card.name),
        "expected": _expected(card) if chosen is not None and chosen.scores else (),
        "can_connect": request.reach.may_everywhere(Action.CONNECT, card.name),
        "can_stop": request.reach.may_everywhere(Action.STOP, card.name),
    }


def _expected(card: Card) -> list[tuple[str, str]]:
    """Return the title of each column of a file to analyse, and what it holds in words."""
    found = []
    for field in card.input_table("candidates").fields:
        words = [_WORDS.get(field.kind, "texte")]
        if field.choices:
            words.append(", ".join(word for word, _ in field.choices))
        words += [field.unit] if field.unit else []
        words.append("obligatoire" if field.required else "facultatif")
        found.append((field.title, " ; ".join(words)))
    return found


def _start(request: Asking, card: Card, work: Work, service: str, method: Method) -> HttpResponse:
    """Start what was asked for, and lead to its page."""
    source = request.POST.get("source", "")
    choice = sources(work)
    if source and source not in dict(choice.choices):
        raise BadValueError("ces données n'existent pas.", fix="Choisissez-les.", column="source")
    if method.scores:
        upload = file_sent(request, card, method.fields[0])
        kind, title = "score", f"Analyse de « {upload.name} »"
        arguments: dict[str, Any] = {"upload": upload.pk}
    else:
        arguments = arguments_of(request, card, work, method.name)
        kind, title = "report", method.title
        if arguments.get("about"):
            title = f"{title} : {arguments['about']}"
    arguments["source"] = source or choice.default
    job = tasks.start(
        kind, user=request.user, case=card.name, service=service, title=title, arguments=arguments
    )
    return HttpResponseRedirect(f"/{card.name}/calculs/{job.pk}/")


@require_GET
@page
def calculations_of(request: Asking, case: str) -> HttpResponse:
    """List the calculations of a case: mine, or all that I may see; two are chosen to be compared."""
    card = card_within(request, case)
    service_within(request, case)
    rows = calculations(request, case)
    everyone = request.GET.get("de") == "tous"
    if not everyone:
        rows = rows.filter(user=request.user)
    made = [Calculation(card, one) for one in rows[:_MOST]]
    context = {"case": card, "made": made, "everyone": everyone, "switch": stopped(case)}
    return render(request, "desk/calculations.html", context)


@require_GET
@page
def calculation(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Show a calculation: how far it is, or its result in tabs; beside it, its parameters to change."""
    return _calculation(request, case, pk)


def _calculation(request: Asking, case: str, pk: UUID, *, error: BadValueError | None = None) -> HttpResponse:
    card = card_within(request, case)
    found = find_calculation(request, card, pk)
    work = work_on(case)
    chosen = next((one for one in methods(work) if one.name == found.method), None)
    tab = request.GET.get("onglet", "resume")
    if tab not in {*_SHOWN_TABS, "tout"}:
        raise Http404
    typed = found.typed | {f"{name}-deja": text for name, text in found.typed.items()}
    context = {
        **_left(request, card, work, chosen, typed),
        "calculation": found,
        "job": found.job,
        "line": follow(request, found.job),
        "tab": tab,
        "others": calculations(request, case).filter(state="done").exclude(pk=pk)[:_LAST],
    }
    if found.done and not (context["switch"] and found.scores):
        context |= _result(request, found, tab)
        if not found.lost:
            context |= {
                "given": given(request.user, found),
                "places": list(places(found).items())[: _MOST + 1],
                "decides": request.reach.may_everywhere(Action.DECIDE, case, found.job.service),
                "reasons": card.procedure.wrong_target,
                "verdicts": [(one.value, one.french.capitalize()) for one in Verdict],
                "judged": request.POST.dict(),
                "wrong": error,
            }
    return render(request, "desk/calculation.html", context, status=422 if error else 200)


def _result(request: Asking, found: Calculation, tab: str) -> dict[str, Any]:
    """Return the tabs, and the blocks of the one that is shown, each with the address of its data."""
    tabs = []
    for name, title in TABS:
        count = len(found.of_tab(name)) if name in {"tableau", "figures"} else 0
        if name in {"tableau", "figures"} and not count:
            continue
        tabs.append((name, title, count))
    if found.lost:
        return {"lost": True}
    shown = [name for name, _ in TABS] if tab == "tout" else [tab]
    parts = []
    for name in shown:
        blocks = found.of_tab("texte" if tab == "tout" and name == "resume" else name)
        told = name in {"details", "limites"} or (name == "resume" and len(found.findings) > 1)
        if tab == "tout" and not blocks and not told:
            continue  # a heading with nothing under it
        parts.append(
            {
                "name": name,
                "title": dict(TABS)[name],
                "blocks": [(at, one, render_blocks([one])) for at, one in blocks],
            }
        )
    return {
        "tabs": tabs,
        "parts": parts,
        "command": command_line(found),
        "takes": request.reach.may_everywhere(Action.EXPORT, found.card.name, found.job.service),
        "forms": [form for form in FORMS if form != "zip"],
    }


@require_POST
@page
def cancel(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Ask that a calculation stop: its author may, and who may calculate."""
    card = card_within(request, case)
    found = find_calculation(request, card, pk)
    job = found.job
    if job.user_id != request.user.pk and not request.reach.may(Action.COMPUTE, case, job.area, job.service):
        raise Http404
    try:
        tasks.cancel(request.user, job)
    except BadValueError as error:
        messages.warning(request, f"{error.message.capitalize()} {error.fix}")
    else:
        messages.success(request, "Annulation demandée : le calcul s’arrête.")
    return HttpResponseRedirect(found.address)


@require_POST
@page
def decide(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Record what a person decides of a result, or take it back; an error keeps what was typed."""
    found = find_calculation(request, card_within(request, case), pk)
    if not request.reach.may_everywhere(Action.DECIDE, case, found.job.service) or not found.done:
        raise Http404
    if (found.scores and stopped(case)) or not found.blocks:
        raise Http404
    try:
        if request.POST.get("seq"):
            take_back(request.user, found, request.POST["seq"])
            messages.success(request, "Décision annulée.")
        else:
            judge(
                request.user,
                found,
                _verdict(request.POST.get("verdict", "")),
                place=request.POST.get("place", ""),
                reason_code=request.POST.get("reason_code", ""),
                text=request.POST.get("text", ""),
            )
            messages.success(request, "Décision enregistrée.")
    except BadValueError as error:
        return _calculation(request, case, pk, error=error)
    return HttpResponseRedirect(f"{found.address}#decision")


def _verdict(typed: str) -> Verdict:
    try:
        return Verdict(typed)
    except ValueError as error:
        raise BadValueError(
            "cet avis n'existe pas.", fix="Choisissez suivre, écarter ou autre.", column="verdict"
        ) from error


def _taken(request: Asking, case: str, pk: UUID) -> Calculation:
    """Return a calculation that may be taken away; 404 for any other."""
    found = find_calculation(request, card_within(request, case), pk)
    if not request.reach.may_everywhere(Action.EXPORT, case, found.job.service) or not found.done:
        raise Http404
    if found.scores and stopped(case):
        raise Http404
    if not found.blocks or found.lost:
        raise Http404
    return found


def _journal(request: Asking, found: Calculation, form: str) -> None:
    """Write who took a result away."""
    workspace().journal.append(
        "export",
        case=found.card.name,
        actor=request.user.full_name,
        data={"login": request.user.login, "what": "calculation", "run": found.run, "form": form},
    )


@require_GET
@page
def take(request: Asking, case: str, pk: UUID, form: str) -> HttpResponse:
    """Give a whole result as a file."""
    found = _taken(request, case, pk)
    content = whole(found, form)
    _journal(request, found, form)
    return attached(content, f"{case}-{found.method}.{form}", FORMS[form])


@require_GET
@page
def data(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Give the data of one table or figure as CSV."""
    found = _taken(request, case, pk)
    at = request.GET.get("bloc", "0")
    if not at.isdecimal() or int(at) >= len(found.blocks):
        raise Http404
    content = block_sheet(found, int(at))
    if content is None:
        raise Http404
    _journal(request, found, f"csv {at}")
    return attached(content, f"{case}-{found.method}-{at}.csv", FORMS["csv"])


@require_GET
@page
def notebook(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Give the notebook that makes the calculation anew."""
    found = _taken(request, case, pk)
    name = f"{case}-{found.method}.ipynb"
    return attached(notebook_of(found), name, "application/x-ipynb+json")


@require_GET
@page
def compare(request: Asking, case: str) -> HttpResponse:
    """Show two calculations side by side, with what differs marked."""
    card = card_within(request, case)
    chosen = request.GET.getlist("c")[:2]
    try:
        numbers = [UUID(one) for one in chosen]
    except ValueError:
        raise Http404 from None
    context: dict[str, Any] = {"case": card}
    service_within(request, case)
    if len(numbers) == 2:
        left, right = (find_calculation(request, card, one) for one in numbers)
        hidden = stopped(case) and (left.scores or right.scores)
        if left.done and right.done and not hidden:
            found = differences(left.blocks, right.blocks)
            context |= {
                "left": left,
                "right": right,
                "parameters": _side_by_side(left.parameters, right.parameters),
                "provenance": _side_by_side(left.provenance, right.provenance),
                "found": found,
                "drawings": [
                    {
                        "left": render_blocks([pair.left]) if pair.left else "",
                        "right": render_blocks([pair.right]) if pair.right else "",
                        "same": pair.left == pair.right,
                    }
                    for pair in found.charts
                ],
            }
    context["made"] = [
        Calculation(card, one) for one in calculations(request, case).filter(state="done")[:_MOST]
    ]
    context["picked"] = chosen
    return render(request, "desk/comparison.html", context)


def _side_by_side(
    left: tuple[tuple[str, str], ...], right: tuple[tuple[str, str], ...]
) -> list[tuple[str, str, str, bool]]:
    first, second = dict(left), dict(right)
    names = dict.fromkeys([*first, *second])
    return [
        (name, first.get(name, "–"), second.get(name, "–"), first.get(name) != second.get(name))
        for name in names
    ]


urlpatterns = [
    path("<bench:case>/", bench),
    path("<case:case>/calculs/", calculations_of),
    path("<case:case>/calculs/comparer/", compare),
    path("<case:case>/calculs/<uuid:pk>/", calculation),
    path("<case:case>/calculs/<uuid:pk>/annuler/", cancel),
    path("<case:case>/calculs/<uuid:pk>/avis/", decide),
    path("<case:case>/calculs/<uuid:pk>/donnees.csv", data),
    path("<case:case>/calculs/<uuid:pk>/carnet.ipynb", notebook),
    *(path(f"<case:case>/calculs/<uuid:pk>/resultat.{form}", take, {"form": form}) for form in FORMS),
]
