"""The project of a case, its decision signed by two people, and the registers of the installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.mention import mentions
from eclaireur.core.view_json import to_plain
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.exports import attached, file_of
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.public_sheets import source_of
from eclaireur.desk.served import served_cards
from eclaireur.service.declaring import contact_of
from eclaireur.service.deploying import Choice, decided, kept_dossier, sign
from eclaireur.service.gating import gate_of, pass_over
from eclaireur.service.project import dossier, sample_size, signed_block
from eclaireur.service.registers import REGISTERS, register_of
from eclaireur.service.reporting import write_report
from eclaireur.service.training import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.core.view import Block
    from eclaireur.service.gating import Verdict

__all__ = ["FORMS", "project", "project_file", "register_file", "registers", "urlpatterns"]

FORMS = ("pdf", "odt")
_KINDS = {"pdf": "application/pdf", "odt": "application/vnd.oasis.opendocument.text"}


def _mine(request: Asking, case: str) -> None:
    if not request.reach.may_everywhere(Action.SEE, case):
        raise Http404


@page
def project(request: Asking, case: str) -> HttpResponse:
    """Show the project to who sees the whole case; who answers for it signs."""
    card = card_within(request, case)
    _mine(request, case)
    may = request.reach.may_everywhere(Action.ANSWER, case)
    error: BadValueError | NotFoundError | None = None
    work = work_on(case)
    if request.method == "POST":
        if not may:
            raise Http404
        try:
            (_pass_over if request.POST.get("act") == "gate" else _sign)(request, case)
        except (BadValueError, NotFoundError) as found:
            error = found
        else:
            return HttpResponseRedirect(f"/{case}/projet/")
    made = decided(work)
    size, wrong = _size(request)
    context = {
        "case": card,
        "made": made,
        "signed": render_blocks([signed_block(made)]),
        "blocks": render_blocks(_read(case)),
        "choices": [(one.value, one.french) for one in Choice],
        "waiting": made.waiting.choice.french if made.waiting else "",
        "may": may,
        "blocked": _blocked(case) if may else (),
        "forms": FORMS,
        "size": size,
        "asked": request.GET,
        "wrong": wrong,
        "error": error,
        "typed": request.POST,
    }
    return render(request, "desk/project.html", context, status=422 if error else 200)


def _blocked(case: str) -> list[Verdict]:
    """Return the gates that block a model of the source that the desk shows."""
    work = work_on(case)
    found = [gate_of(work, card) for card in models(work, source_of(case))]
    return [one for one in found if one is not None and not one.open]


def _pass_over(request: Asking, case: str) -> None:
    work, number = work_on(case), request.POST.get("number", "")
    card = next((one for one in models(work, source_of(case)) if str(one.number) == number), None)
    if card is None:
        raise BadValueError("ce modèle n'existe pas.", fix="Rechargez la page.", column="number")
    found = pass_over(
        work,
        card,
        by=request.user.full_name,
        login=request.user.login,
        reason=request.POST.get("reason", ""),
    )
    messages.success(
        request,
        "Passé outre : ce modèle peut être mis en service."
        if found.open
        else "Signé. Une deuxième personne doit signer.",
    )


def _read(case: str) -> Sequence[Block]:
    """Return the dossier to read: that of the first signature while a second one is awaited."""
    work = work_on(case)
    waiting = decided(work).waiting
    return kept_dossier(work, waiting) if waiting else dossier(work, source_of(case))


def _sign(request: Asking, case: str) -> None:
    try:
        choice = Choice(request.POST.get("choice", ""))
    except ValueError as wrong:
        raise BadValueError("ce choix n'existe pas.", fix="Choisissez-en un.", column="choice") from wrong
    made = sign(
        work_on(case),
        choice,
        by=request.user.full_name,
        login=request.user.login,
        reason=request.POST.get("reason", ""),
        blocks=dossier(work_on(case), source_of(case)) if request.POST.get("anew") else _read(case),
    )
    messages.success(
        request, "Décision prise." if made.waiting is None else "Signé. Une deuxième personne doit signer."
    )


def _size(request: Asking) -> tuple[str, str]:
    """Return how many files a trial needs, in words, or what is wrong in what was asked."""
    texts = [request.GET.get(name, "").strip().replace(",", ".") for name in ("avant", "apres")]
    if not any(texts):
        return "", ""
    try:
        before, after = (float(text) / 100 for text in texts)
    except ValueError:
        return "", "Écrivez deux parts en %, par exemple 10 et 20."
    if not (0 < before < 1 and 0 < after < 1) or abs(before - after) < 0.001:
        return "", "Les deux parts sont entre 0 et 100 %, et différentes."
    found = [french.number(sample_size(before, after, power=power)) for power in (0.8, 0.9)]
    return f"{found[0]} dossiers dans chaque groupe ({found[1]} pour en être plus sûr)", ""


@require_GET
@page
def project_file(request: Asking, case: str, form: str) -> HttpResponse:
    """Give the dossier with its signatures as a file."""
    card = card_within(request, case)
    _mine(request, case)
    work = work_on(case)
    blocks = (signed_block(decided(work)), *_read(case))
    said = mentions(card, contact_of(workspace(), card))
    name = f"dossier-{case}.{form}"

    def write(target: Path) -> None:
        write_report(blocks, target, title=f"Dossier : {card.title}", mentions=said)

    return attached(file_of(name, write), name, _KINDS[form])


@require_GET
@page
def registers(request: Asking) -> HttpResponse:
    """Show the registers, of the cases that who asks sees whole."""
    found = [register_of(workspace(), name, _cases(request)) for name in REGISTERS]
    context = {"blocks": render_blocks(found), "names": REGISTERS.items()}
    return render(request, "desk/registers.html", context)


def _cases(request: Asking) -> list[str]:
    return [card.name for card in served_cards() if request.reach.may_everywhere(Action.SEE, card.name)]


@require_GET
@page
def register_file(request: Asking, name: str, form: str) -> HttpResponse:
    """Give a register as CSV or JSON."""
    if name not in REGISTERS:
        raise Http404
    table = register_of(workspace(), name, _cases(request))
    if form == "json":
        content = json.dumps(to_plain(table.rows), ensure_ascii=False, indent=1).encode()
        return attached(content, f"registre-{name}.json", "application/json")

    def write(target: Path) -> None:
        write_report([table], target, title=table.title, mentions={})

    return attached(file_of(f"registre-{name}.csv", write), f"registre-{name}.csv", "text/csv; charset=utf-8")


urlpatterns = [
    path("<case:case>/projet/", project),
    *(path(f"<case:case>/projet/dossier.{form}", project_file, {"form": form}) for form in FORMS),
    path("registres/", registers),
    *(
        path(f"registres/{name}.{form}", register_file, {"name": name, "form": form})
        for name in REGISTERS
        for form in ("csv", "json")
    ),
]
