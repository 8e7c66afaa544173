"""Annotation of passages: one act of the journal each, what each person has done, and how far they agree.

A passage has a dossier like any other subject, so that an annotation is a decision as others are: sealed in
the journal, undone by a new line, never erased.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from eclaireur.bricks.semantic.annotators import alpha_interval, cohen_kappa
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.subjects import Subject
from eclaireur.desk.access import Action
from eclaireur.desk.models import Annotation, AnnotationFile, Decision, Dossier
from eclaireur.desk.recording import Act, record
from eclaireur.service.feedback import ANNOTATION, UNDO, result_entry

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import User
    from eclaireur.service.annotating import Passage, Proposals

__all__ = [
    "Agreement",
    "agreement",
    "annotate",
    "disagreements",
    "place_of",
    "standing",
    "take_back",
    "take_back_import",
    "take_out_span",
]

_KIND = ANNOTATION
_SPAN = "span"
_LONGEST_KEY = 200
_LEAST_PAIR = 5


def place_of(card: Card, reach: Reach, document: Document, action: Action) -> tuple[str, str] | None:
    """Return the territory and service under which a person acts on a document; None when they may not."""
    for area in (*document.perimeters, "") if not document.perimeters else document.perimeters:
        for service in reach.services(action, card.name):
            if reach.may(action, card.name, area, service):
                return area, service
    return None


def annotate(
    user: User,
    card: Card,
    place: tuple[str, str],
    passage: Passage,
    proposals: Proposals,
    labels: Sequence[str],
    *,
    span: bool = False,
    unsure: bool = False,
    external: str = "",
    batch: str = "",
) -> Annotation:
    """Record the labels that a person gives to a passage.

    Parameters
    ----------
    place
        Territory and service, as `place_of` gives them.
    labels
        Codes; none says that no label fits.
    span
        The passage is of words that the person chose, not a sentence of the case.
    unsure
        The person hesitates.
    external, batch
        Annotator of another tool, and hash of the file that ``user`` brings from it.

    Raises
    ------
    BadValueError
        If a label does not exist.
    """
    given = sorted(set(labels))
    unknown = [one for one in given if one not in proposals.labels]
    if unknown:
        raise BadValueError(f"étiquette inconnue : « {unknown[0][:40]} ».", fix="Choisissez dans la liste.")
    proposed = sorted(passage.labels)
    value = "unsure" if unsure else _SPAN if span else _judged(given, proposed)
    with transaction.atomic():
        dossier = _dossier(card, place, passage)
        today = timezone.localdate()
        # Words that somebody chose, a doubt or another tool's labels are kept, and teach nothing.
        teaches = not (span or unsure or batch)
        entry = result_entry(
            proposals.source,
            Subject.parse(dossier.subject),
            observed=today,
            known=today + timedelta(days=1),
            label=float(bool(given)) if teaches else None,
            value=" ".join(given),
            observer=user.login,
            propensity=None,
        )
        act = Act(
            dossier=dossier,
            kind=_KIND,
            value=value,
            data={
                **entry["data"],
                "labels": given,
                "proposed": proposed,
                "chance": passage.chance,
                "unsure": unsure,
                "model": proposals.model,
                "start": passage.start,
                "end": passage.end,
                **({_SPAN: True} if span else {}),
                **({"external": external, "batch": batch} if batch else {}),
            },
            # What a letter says may name somebody: it is sealed with the subject's key.
            personal={**entry["personal"], "text": passage.text, "document": passage.document},
        )
        decision = record(user, [act])[0]
        made: Annotation = Annotation.objects.create(
            decision=decision,
            dossier=dossier,
            user=user,
            case=card.name,
            area=dossier.area,
            service=dossier.service,
            document=passage.document,
            start=passage.start,
            end=passage.end,
            labels=given,
            proposed=proposed,
            span=span,
            unsure=unsure,
            sure_model=passage.sure,
            model=proposals.model,
            external=external,
            batch=batch,
        )
    return made


def _judged(given: list[str], proposed: list[str]) -> str:
    return "accept" if given == proposed else "change" if given else "reject"


def _dossier(card: Card, place: tuple[str, str], passage: Passage) -> Dossier:
    key = passage.key
    if len(key) > _LONGEST_KEY:
        key = f"{hashlib.sha256(passage.document.encode()).hexdigest()}@{passage.start}-{passage.end}"
    area, service = place
    found: Dossier
    found, _ = Dossier.objects.get_or_create(
        case=card.name,
        subject=str(Subject("document", key)),
        service=service,
        training=False,
        defaults={
            "name": f"{passage.document}, caractères {passage.start} à {passage.end}"[:300],
            "area": area,
        },
    )
    return found


def take_back(user: User, reach: Reach, case: str, *, spans_of: str = "") -> Annotation | None:
    """Undo the last annotation of a person in a case, by a new line of the journal; None when there is none.

    That another person annotated the same passage since changes nothing: each annotates alone.

    Parameters
    ----------
    spans_of
        Only spans of this document; by default, only sentences.
    """
    with transaction.atomic():
        rows = Annotation.objects.within(reach).filter(case=case, user=user, batch="", span=bool(spans_of))
        last = (
            (rows.filter(document=spans_of) if spans_of else rows)
            .filter(decision__undone_by=None)
            .select_related("decision", "dossier")
            .order_by("-decision_id")
            .first()
        )
        if last is None:
            return None
        _undo(user, last)
    found: Annotation = last
    return found


def _undo(user: User, row: Annotation) -> None:
    act = Act(dossier=row.dossier, kind=UNDO, value=_KIND, data={"undoes": row.decision.seq})
    made = record(user, [act])[0]
    Decision.objects.filter(pk=row.decision.pk).update(undone_by=made)


def take_out_span(user: User, reach: Reach, case: str, document: str, start: int, end: int) -> int:
    """Undo all that a person said of a span, whatever it had been before; return how many lines that was."""
    with transaction.atomic():
        rows = list(
            Annotation.objects.within(reach)
            .filter(case=case, user=user, batch="", span=True, decision__undone_by=None)
            .filter(document=document, start=start, end=end)
            .select_related("decision", "dossier")
        )
        for row in rows:
            _undo(user, row)
    return len(rows)


def take_back_import(user: User, reach: Reach, case: str) -> int:
    """Undo every annotation of the last file that a person brought; return how many there were."""
    with transaction.atomic():
        rows = (
            Annotation.objects.within(reach)
            .filter(case=case, user=user, decision__undone_by=None)
            .exclude(batch="")
            .select_related("decision", "dossier")
            .order_by("-decision_id")
        )
        last = rows.first()
        mine = list(rows.filter(batch=last.batch)) if last is not None else []
        for row in mine:
            _undo(user, row)
        if last is not None:
            AnnotationFile.objects.filter(user=user, case=case, batch=last.batch).delete()
    return len(mine)


def standing(reach: Reach, case: str, user: User | None = None, document: str = "") -> list[Annotation]:
    """Return the annotations that hold, within reach: the last of each person on each passage.

    Parameters
    ----------
    user, document
        Only theirs, only of this one; all by default.
    """
    rows = Annotation.objects.within(reach).filter(case=case, decision__undone_by=None)
    if user is not None:
        rows = rows.filter(user=user)
    if document:
        rows = rows.filter(document=document)
    last: dict[tuple[int, str, str, bool], Annotation] = {}
    for row in rows.select_related("user").order_by("decision_id"):
        last[row.user_id, row.external, row.key, row.span] = row
    return list(last.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far people agree: alpha, its interval, kappa of pairs; ``units`` were judged by two or more."""

    units: int
    alpha: float
    low: float
    high: float
    pairs: tuple[tuple[str, str, float, int], ...]


def _by_passage(rows: Iterable[Annotation]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, for each sentence, what each person said; who hesitates said nothing."""
    said: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for row in rows:
        if not (row.unsure or row.span):
            said[row.key][row.who] = tuple(row.labels)
    return dict(said)


def agreement(rows: Sequence[Annotation]) -> Agreement | None:
    """Measure how far people agree on whole sets of labels; None when no passage was judged by two.

    Parameters
    ----------
    rows
        As `standing` returns them.
    """
    units = [one for one in _by_passage(rows).values() if len(one) > 1]
    try:
        alpha, low, high = alpha_interval(units)
    except EmptyTableError:
        return None
    pairs = []
    for one, other in combinations(sorted({name for unit in units for name in unit}), 2):
        both = [(unit[one], unit[other]) for unit in units if one in unit and other in unit]
        if len(both) >= _LEAST_PAIR:
            kappa = cohen_kappa([left for left, _ in both], [right for _, right in both])
            pairs.append((one, other, kappa, len(both)))
    return Agreement(units=len(units), alpha=alpha, low=low, high=high, pairs=tuple(pairs))


def disagreements(rows: Sequence[Annotation], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the passages on which people differ, with what each said, those of most people first."""
    found = []
    for key, said in _by_passage(rows).items():
        if len(set(said.values())) > 1:
            shown = [
                (who, ", ".join(names.get(one, one) for one in labels) or "aucune étiquette")
                for who, labels in sorted(said.items())
            ]
            found.append({"key": key, "said": shown})
    return sorted(found, key=lambda one: (-len(one["said"]), one["key"]))
