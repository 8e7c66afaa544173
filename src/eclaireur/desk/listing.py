"""The lines of a list: filters, facets with counts, order and pages, the same code for three scopes.

=============  ==============================================================================
liste          the lines of an open worklist, in working order
classement     every subject of the current edition by rank, but those still to be judged
suivi          every dossier that has a step of the procedure, by deadline
=============  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from eclaireur.desk.hiding import hidden_targets, is_hidden, random_lists, reviewed_dossiers
from eclaireur.desk.models import Dossier, Edition, Item, Target, Worklist
from eclaireur.desk.waiting import size

if TYPE_CHECKING:
    from django.http import QueryDict

    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach

__all__ = ["PAGE", "Facet", "Line", "Listing", "Query", "current_edition", "open_worklists"]

PAGE = 50
"""Lines of a page."""

_PATHS: dict[str, dict[str, str]] = {
    "liste": {
        "area": "area",
        "status": "target__dossier__status",
        "verdict": "verdict",
        "assigned": "target__dossier__assigned_to__login",
        "name": "target__name",
        "subject": "target__dossier__subject",
        "last_seen": "target__last_seen",
        "due": "target__dossier__due",
    },
    "classement": {
        "area": "area",
        "status": "dossier__status",
        "assigned": "dossier__assigned_to__login",
        "name": "name",
        "subject": "dossier__subject",
        "last_seen": "last_seen",
        "due": "dossier__due",
    },
    "suivi": {
        "area": "area",
        "status": "status",
        "assigned": "assigned_to__login",
        "name": "name",
        "subject": "subject",
        "due": "due",
    },
}
"""Where each thing that can be filtered or sorted lies, from the rows of a scope."""

_FILTERS = {"secteur": "area", "etape": "status", "avis": "verdict", "assigne": "assigned"}
_SORTS = {"nom": "name", "secteur": "area", "dernier": "last_seen", "echeance": "due"}
_OWN_ORDER = {"liste": "position", "classement": "rank", "suivi": "due"}
_FACET_TITLES = {"secteur": "Secteur", "etape": "Étape", "avis": "Avis", "assigne": "Assigné à"}
_VERDICTS = {
    "": "en attente",
    "follow": "suivre",
    "set_aside": "mauvaise cible",
    "other": "autre",
}
_LONGEST_FACET = 30
_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a page was asked: scope, list, filters, search, order and page."""

    scope: str = "liste"
    worklist: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def read(cls, asked: QueryDict | Mapping[str, str]) -> Query:
        """Read a query string; what makes no sense is left out."""
        scope = asked.get("portee", "liste")
        page, worklist = asked.get("page", ""), asked.get("liste", "")
        sort = asked.get("tri", "")
        return cls(
            scope=scope if scope in _PATHS else "liste",
            worklist=int(worklist) if worklist.isdecimal() and len(worklist) < 19 else None,
            filters={name: value[:120] for name in _FILTERS if (value := asked.get(name, ""))},
            text=asked.get("q", "").strip()[:200],
            sort=sort if sort in _SORTS else "",
            page=max(1, int(page)) if page.isdecimal() and len(page) < 9 else 1,
        )

    def encode(self, **changes: Any) -> str:
        """Return the query string, with some parts changed; another filter starts at the first page."""
        filters = dict(self.filters)
        for name in _FILTERS:
            if name in changes:
                value = changes.pop(name)
                filters[name] = value or ""
                changes.setdefault("page", 1)
        asked = replace(self, filters=filters, **changes)
        parts = {
            "portee": asked.scope if asked.scope != "liste" else "",
            "liste": str(asked.worklist or ""),
            **asked.filters,
            "q": asked.text,
            "tri": asked.sort,
            "page": str(asked.page) if asked.page > 1 else "",
        }
        return urlencode({name: value for name, value in parts.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as a page shows it. ``rank`` and ``score`` are None where they must not be shown."""

    dossier: int
    item: int | None
    name: str
    key: str
    area: str
    why: tuple[str, ...]
    status: str
    due: date | None
    late: bool
    assigned: str
    verdict: str
    verdict_title: str
    last_seen: date | None
    position: int | None = None
    rank: int | None = None
    score: float | None = None
    low: float | None = None
    high: float | None = None
    hidden: bool = False
    drawn: str = ""

    def __getitem__(self, name: str) -> Any:
        """Return a field by its name, as a template asks first: the exception it would get costs more."""
        return getattr(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """Values of one filter with how many lines each would leave."""

    name: str
    title: str
    chosen: str
    values: tuple[tuple[str, str, int], ...]


def current_edition(reach: Reach, case: str, *, training: bool = False) -> Edition | None:
    """Return the newest current edition of which the person sees at least one line."""
    for edition in Edition.objects.filter(case=case, current=True, ready=True, training=training).order_by(
        "-published"
    ):
        if Target.objects.within(reach).filter(edition=edition).exists():
            return edition
    return None


def open_worklists(reach: Reach, case: str, *, training: bool = False) -> QuerySet[Worklist]:
    """Return the open lists of which the person sees at least one line, newest first."""
    seen = Item.objects.within(reach).filter(worklist=OuterRef("pk"))  # one line is enough: not all are read
    found: QuerySet[Worklist] = (
        Worklist.objects.filter(Exists(seen), case=case, closed=None, edition__training=training)
        .select_related("edition")
        .order_by("-opened")
    )
    return found


class Listing:
    """The lines that answer a query, within a reach.

    Parameters
    ----------
    card, reach
        The case, and what the person may see.
    query
        What is asked.
    training
        True for the training desk: its own lists, which count for nothing.
    """

    def __init__(self, card: Card, reach: Reach, query: Query, *, training: bool = False) -> None:
        self.card = card
        self.query = query
        self._reach = reach = reach.in_training(card.name) if training else reach
        self.training = training
        self._paths = _PATHS[query.scope]
        self.worklists = list(open_worklists(reach, card.name, training=training))
        self.worklist = self._chosen_worklist()
        self.edition = (
            self.worklist.edition
            if self.worklist and query.scope == "liste"
            else current_edition(reach, card.name, training=training)
        )
        self.blind = bool(self.worklist and random_lists([self.worklist.pk]))
        self._reviewed = reviewed_dossiers(card.name)

    def _chosen_worklist(self) -> Worklist | None:
        chosen = [one for one in self.worklists if one.pk == self.query.worklist]
        return next(iter(chosen or self.worklists), None)

    @property
    def base(self) -> str:
        """Address of the page that shows it."""
        return f"/{self.card.name}/entrainement/" if self.training else f"/{self.card.name}/"

    @property
    def key(self) -> str:
        """What the lines depend on: two listings with the same key show the same page."""
        version = f"{self.edition.pk}.{self.edition.version}" if self.edition else "none"
        scope = self.worklist.pk if self.worklist else 0
        return f"{self.card.name}|{self.training}|{scope}|{version}|{self._reach.key}|{self.query.encode()}"

    def rows(self) -> QuerySet[Any]:
        """Return all rows of the scope, within reach, before any filter."""
        if self.query.scope == "suivi":
            return (
                Dossier.objects.within(self._reach)
                .filter(case=self.card.name, training=self.training)
                .exclude(status="")
                .select_related("assigned_to")
            )
        if self.query.scope == "classement":
            return (
                Target.objects.within(self._reach)
                .filter(edition=self.edition)
                .exclude(hidden_targets())
                .select_related("dossier__assigned_to")
            )
        return (
            Item.objects.within(self._reach)
            .filter(worklist=self.worklist)
            .select_related("target__dossier__assigned_to")
        )

    def filtered(self, without: str = "") -> QuerySet[Any]:
        """Return the rows that the filters and the search leave; ``without`` names a filter to leave out."""
        rows = self.rows()
        for name, value in self.query.filters.items():
            path = self._paths.get(_FILTERS[name])
            if path and name != without:
                rows = rows.filter(_is(path, value))
        if self.query.text:
            text = self.query.text
            compact = text.replace(" ", "")
            named = Q(**{f"{self._paths['name']}__icontains": text})
            rows = rows.filter(named | Q(**{f"{self._paths['subject']}__icontains": f":{compact}"}))
        return rows

    def ordered(self) -> QuerySet[Any]:
        """Return the filtered rows in the order asked, ties by the scope's own order."""
        own = _OWN_ORDER[self.query.scope]
        path = self._paths.get(_SORTS.get(self.query.sort, ""))
        keys: list[Any] = [F(path).asc(nulls_last=True)] if path else []
        return self.filtered().order_by(*keys, F(own).asc(nulls_last=True), "pk")

    def facets(self) -> tuple[Facet, ...]:
        """Count, for each filter, how many lines each of its values would leave under the others.

        It reads every line of the scope: a page asks for it when the filters are opened.
        """
        names = [name for name in _FILTERS if _FILTERS[name] in self._paths]
        return tuple(self._facet(name, self._counts(name)) for name in names)

    def chosen(self) -> tuple[tuple[str, str], ...]:
        """Return the title and the value, in words, of each filter that is set."""
        return tuple(
            (_FACET_TITLES[name], self._title(name, "" if value == _NONE else value))
            for name, value in self.query.filters.items()
            if value and _FILTERS[name] in self._paths
        )

    def _counts(self, name: str) -> dict[str | None, int]:
        """Count the lines of each value of one filter, under the others."""
        path = self._paths[_FILTERS[name]]
        rows = self.filtered(without=name).order_by().values_list(path).annotate(n=Count("pk"))
        return dict(rows)

    def _facet(self, name: str, counts: Mapping[str | None, int]) -> Facet:
        most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0] or ""))[:_LONGEST_FACET]
        return Facet(
            name=name,
            title=_FACET_TITLES[name],
            chosen=self.query.filters.get(name, ""),
            values=tuple((value or _NONE, self._title(name, value), n) for value, n in most),
        )

    def _title(self, name: str, value: str | None) -> str:
        if name == "etape":
            return self._status(value or "")
        if name == "avis":
            return _VERDICTS.get(value or "", value or "")
        return value or "personne" if name == "assigne" else value or "sans secteur"

    def _status(self, code: str) -> str:
        for status in self.card.procedure.statuses:
            if status.code == code:
                return status.title
        return code or "–"

    def page(self) -> tuple[list[Line], int]:
        """Return the lines of the page asked, and how many there are in all."""
        total = self._total()
        start = (self.query.page - 1) * PAGE
        return [self.line(row) for row in self.ordered()[start : start + PAGE]], total

    def _total(self) -> int:
        query = self.query
        if self.worklist and query.scope == "liste" and not query.filters and not query.text:
            return size(self._reach, self.card.name, self.worklist.pk)
        return self.filtered().count()

    def line(self, row: Any) -> Line:
        """Return a row of the scope as a line."""
        if isinstance(row, Dossier):
            return self._line(row, None, None)
        if isinstance(row, Item):
            return self._line(row.target.dossier, row.target, row)
        return self._line(row.dossier, row, None)

    def _line(self, dossier: Dossier, target: Target | None, item: Item | None) -> Line:
        hidden = dossier.pk in self._reviewed or (
            item is not None and is_hidden(item, list_has_random=self.blind)
        )
        shown = target if target is not None and not hidden else None
        calibrated = bool(self.edition and self.edition.calibrated)
        verdict = item.verdict if item else ""
        return Line(
            dossier=dossier.pk,
            item=item.pk if item else None,
            name=dossier.name or dossier.key,
            key=dossier.key,
            area=dossier.area,
            why=tuple(target.why.split("\n")) if target and target.why else (),
            status=self._status(dossier.status) if dossier.status else "",
            due=dossier.due,
            late=bool(dossier.due and dossier.due < timezone.localdate()),
            assigned=dossier.assigned_to.full_name if dossier.assigned_to else "",
            verdict=verdict,
            verdict_title=_VERDICTS[verdict] if item else "",
            last_seen=target.last_seen if target else None,
            position=item.position if item else None,
            rank=shown.rank if shown else None,
            score=shown.score if shown and calibrated else None,
            low=shown.low if shown and calibrated else None,
            high=shown.high if shown and calibrated else None,
            hidden=hidden,
            drawn=item.drawn if item and not hidden and self.blind else "",
        )


def _is(path: str, value: str) -> Q:
    """Filter on a value; a dash stands for none."""
    if value != _NONE:
        return Q(**{path: value})
    return Q(**{path: None}) if path.endswith("login") else Q(**{path: ""})
