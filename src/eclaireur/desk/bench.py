"""The workbench: what a case can calculate, and one calculation with its blocks sorted into tabs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.http import Http404

from eclaireur.core import french
from eclaireur.core.errors import EclaireurError
from eclaireur.core.view import Chart, Form, FormField, Funnel, Map, Table, Timeline
from eclaireur.desk.access import Action
from eclaireur.desk.jobs.queue import ACTIVE
from eclaireur.desk.models import Job, JobState, Upload
from eclaireur.desk.parameters import fields_of
from eclaireur.desk.place import work_on
from eclaireur.service import reporting, scored, scoring
from eclaireur.service.work import CONNECTED, default_source, taken
from eclaireur.service.zones import corners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.core.card import Card
    from eclaireur.core.view import Block
    from eclaireur.desk.asking import Asking
    from eclaireur.service.work import Work

__all__ = [
    "FILE",
    "SCORE",
    "TABS",
    "Calculation",
    "Method",
    "calculations",
    "find_calculation",
    "methods",
    "service_within",
    "sources",
]

FILE = "file"
"""Name of the field of a file to analyse."""

SCORE = "analyse-fichier"
"""Stands for the analysis of a file among the reports of a case: none of them has such a name."""

TABS = (
    ("resume", "Résumé"),
    ("tableau", "Tableau"),
    ("figures", "Figures"),
    ("details", "Détails du calcul"),
    ("limites", "Limites"),
)
"""Tabs of a result, in order."""

_ORIGINS = (("Calcul", "Lecture des données"), ("Données", "Version des données"), ("Modèle", "Modèle"))
_FIGURES = (Chart, Timeline, Funnel, Map)


@dataclass(frozen=True, slots=True)
class Method:
    """Something that a case can calculate: a report, or the analysis of a file."""

    name: str
    title: str
    fields: tuple[FormField, ...]

    @property
    def scores(self) -> bool:
        """Whether it analyses a file."""
        return self.name == SCORE


def methods(work: Work) -> tuple[Method, ...]:
    """Return what a case can calculate: the analysis of a file first, then its reports."""
    found = [
        Method(SCORE, f"Analyser un fichier : {table.title.lower()}", (_file(table.title),))
        for table in work.card.inputs
        if table.name == "candidates"
    ]
    found += [Method(name, title, fields_of(work, name)) for name, title in reporting.titles(work).items()]
    return tuple(found)


def _file(title: str) -> FormField:
    return FormField(
        name=FILE,
        title=title,
        kind="file",
        help="Ses colonnes sont décrites sous « Format attendu ». Vous seul verrez le résultat.",
    )


def sources(work: Work) -> FormField:
    """Return the choice of data: those that are here, the usual ones by default."""
    usual = default_source(work)
    reachable = work.workspace.settings.data is not None
    found = [
        (one.name, one.title)
        for one in work.card.sources
        if not one.folder or reachable or one.name == usual or taken(work, one.name)
    ]
    if any(work.workspace.mappings(work.card.name)):
        found.append((CONNECTED, "Données connectées de votre service"))
    return FormField(name="source", title="Données", kind="choice", default=usual, choices=tuple(found))


def service_within(asking: Asking, case: str) -> str:
    """Return a service of the person that sees the whole case: a calculation speaks of every territory."""
    for service in asking.reach.services(Action.SEE, case):
        if asking.reach.may_everywhere(Action.SEE, case, service):
            return service
    raise Http404


def calculations(asking: Asking, case: str) -> QuerySet[Job]:
    """Return the calculations of a case within reach; the analysis of a file is its author's alone."""
    own = Q(kind="report") | Q(kind="score", user=asking.user)
    rows: QuerySet[Job] = Job.objects.within(asking.reach).filter(own, case=case)
    return rows.select_related("user").order_by("-created")


def find_calculation(asking: Asking, card: Card, pk: Any) -> Calculation:
    """Return a calculation within reach; 404 for any other."""
    service_within(asking, card.name)
    job = calculations(asking, card.name).filter(pk=pk).first()
    if job is None or not asking.reach.may_everywhere(Action.SEE, card.name, job.service):
        raise Http404
    return Calculation(card, job)


class Calculation:
    """One calculation: the task, and what it gave.

    Parameters
    ----------
    card, job
        The case, and the task that was asked for.
    """

    def __init__(self, card: Card, job: Job) -> None:
        self.card = card
        self.job = job
        self.lost = False

    @property
    def address(self) -> str:
        """Path of its page."""
        return f"/{self.card.name}/calculs/{self.job.pk}/"

    @property
    def going(self) -> bool:
        """Whether it is waiting or under way."""
        return self.job.state in ACTIVE

    @property
    def done(self) -> bool:
        """Whether it has a result."""
        return bool(self.job.state == JobState.DONE)

    @property
    def scores(self) -> bool:
        """Whether it analyses a file."""
        return bool(self.job.kind == "score")

    @property
    def method(self) -> str:
        """Name of its report, or `SCORE`."""
        return SCORE if self.scores else str(self.job.arguments.get("report", ""))

    @property
    def run(self) -> str:
        """Number of the run that holds its result."""
        return str(self.job.result.get("run", ""))

    @cached_property
    def work(self) -> Work:
        """The case at work."""
        return work_on(self.card.name)

    @cached_property
    def kept(self) -> scoring.KeptScore:
        """The whole result of the analysis of a file."""
        return scoring.kept_score(self.work, self.run)

    @cached_property
    def result(self) -> tuple[tuple[Block, ...], dict[str, str]]:
        """The blocks, and what must be said with them; nothing when this version cannot read them."""
        try:
            if self.scores:
                return scored.scored_blocks(self.work, self.kept), self.kept.mentions
            blocks, mentions = reporting.kept_report(self.work, self.run)
        except (EclaireurError, OSError):
            self.lost = True
            return (), {}
        return tuple(one for one in blocks if not isinstance(one, Form)), mentions

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What it found."""
        return self.result[0]

    @property
    def mentions(self) -> dict[str, str]:
        """What must be said with it, by French heading."""
        return self.result[1]

    @property
    def provenance(self) -> tuple[tuple[str, str], ...]:
        """Which reading of which data, and which model."""
        return tuple((title, self.mentions[name]) for name, title in _ORIGINS if name in self.mentions)

    def of_tab(self, tab: str) -> list[tuple[int, Block]]:
        """Return the blocks of a tab, each with its place among all; ``texte`` is what no other tab has."""
        numbered = list(enumerate(self.blocks))
        if tab == "tableau":
            return [one for one in numbered if isinstance(one[1], Table)]
        if tab == "figures":
            return [one for one in numbered if isinstance(one[1], _FIGURES)]
        if tab not in {"resume", "texte"}:
            return []
        rest = [one for one in numbered if not isinstance(one[1], (Table, *_FIGURES))]
        if tab == "texte":
            return rest
        drawn = [one for one in numbered if isinstance(one[1], Chart)][:1]
        # A result that is tables alone is summed up by the first of them.
        return [*rest, *drawn] or numbered[:1]

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """What the figures say, in their titles."""
        return tuple(one.title for one in self.blocks if isinstance(one, Chart))

    @cached_property
    def fields(self) -> Sequence[FormField]:
        """What its method asks for, as of today."""
        return next((one.fields for one in methods(self.work) if one.name == self.method), ())

    @cached_property
    def typed(self) -> dict[str, str]:
        """What was asked, to fill the form anew: text by name; the number of a file."""
        given = self.job.arguments
        found = {name: str(text) for name, text in dict(given.get("settings", {})).items()}
        found |= {name: str(pk) for name, pk in dict(given.get("files", {})).items()}
        if given.get("about"):
            found["about"] = str(given["about"])
        if given.get("upload"):
            found[FILE if self.scores else "table"] = str(given["upload"])
        if given.get("source"):
            found["source"] = str(given["source"])
        return found

    @cached_property
    def files(self) -> dict[str, Upload]:
        """The files that went with it, by field."""
        numbers = {
            one.name: self.typed[one.name]
            for one in self.fields
            if one.name in self.typed and (one.kind == "file" or one.name in {"table", FILE})
        }
        rows = {
            str(one.pk): one for one in Upload.objects.filter(pk__in=numbers.values(), case=self.card.name)
        }
        return {name: rows[pk] for name, pk in numbers.items() if pk in rows}

    @cached_property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """French title and value of each parameter, defaults included; a file by its name."""
        found: list[tuple[str, str]] = [("Méthode", self.title), ("Données", self._source)]
        for one in self.fields:
            value = (
                self.files[one.name].name if one.name in self.files else self.typed.get(one.name, one.default)
            )
            value = dict(one.choices).get(value, value)
            if one.kind == "zone" and value:
                value = f"zone de {french.count(corners(value), 'sommet')}"
            unit = f" {one.unit}" if one.unit and value else ""
            found.append((one.title, f"{value or '–'}{unit}"))
        return tuple(found)

    @cached_property
    def title(self) -> str:
        """What was calculated, in French."""
        named = {one.name: one.title for one in methods(self.work)}
        return named.get(self.method, self.job.title)

    @property
    def _source(self) -> str:
        name = str(self.job.arguments.get("source") or "")
        if not name:
            return "celles du cas d’usage"
        titles = {one.name: one.title for one in self.card.sources}
        return titles.get(name, "Données connectées de votre service" if name == CONNECTED else name)
