"""What the sheet of a dossier shows: why it is here, what is known, what became of it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from eclaireur.core import french
from eclaireur.core.errors import NotFoundError
from eclaireur.core.subjects import Subject
from eclaireur.core.view import Chart, Facts, Reason, Reasons, Series
from eclaireur.desk.access import Action
from eclaireur.desk.hiding import target_is_hidden
from eclaireur.desk.models import Dossier, Edition, Item, Target
from eclaireur.desk.place import work_on
from eclaireur.desk.recording import said, target_of
from eclaireur.desk.veiling import is_pseudonym
from eclaireur.service import signals as making
from eclaireur.service.similar import similar_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eclaireur.core.card import Card
    from eclaireur.core.view import Block
    from eclaireur.desk.access import Reach
    from eclaireur.service.signals import Signals

__all__ = ["Sheet", "open_sheet", "place_of", "within"]

_KEPT = 4
"""Editions whose tables a process keeps open."""


@lru_cache(maxsize=_KEPT)
def _signals(case: str, source: str, run: str) -> Signals:
    return making.stored(work_on(case), source, run)


class Sheet:
    """A dossier seen by one person.

    Parameters
    ----------
    dossier, target, item
        The subject; what its list, or else the newest edition, says of it; its line in an open list.
    """

    def __init__(self, card: Card, dossier: Dossier, target: Target | None, item: Item | None) -> None:
        self.card = card
        self.dossier = dossier
        self.target = target
        self.item = item
        self.edition: Edition | None = target.edition if target else None
        self.hidden = target is not None and target_is_hidden(target)

    @property
    def verdict(self) -> str:
        """What was answered to the signal, empty before."""
        return self.item.verdict if self.item else ""

    def score_in_words(self) -> str:
        """Say the rank, and the risk where it is one; nothing while they must stay hidden."""
        if self.target is None or self.edition is None or self.hidden:
            return ""
        rank = f"rang {french.number(self.target.rank)} sur {french.number(self.edition.size)}"
        if not self.edition.calibrated:
            return rank
        risk = f"risque estimé : {french.percent(self.target.score)}"
        if self.target.low is not None and self.target.high is not None:
            risk += f" (entre {french.percent(self.target.low)} et {french.percent(self.target.high)})"
        return f"{risk}, {rank}"

    def blocks(self, *, stopped: bool = False) -> tuple[Block, ...]:
        """Return the blocks of the sheet, reasons first, then what the case knows of the subject."""
        return (*self._why(stopped=stopped), *self._known(), *self._evolution(stopped=stopped))

    def _why(self, *, stopped: bool) -> Iterator[Block]:
        if self.target is None or stopped:
            return
        content: list[dict[str, Any]] = getattr(self.target, "reasons").content  # noqa: B009 (a reverse relation)
        noun = self.card.noun
        yield Reasons(
            title=f"Pourquoi cet {noun} ?" if noun[0] in "aeiouéèêhy" else "Pourquoi ?",
            reasons=tuple(
                Reason(
                    theme=one["theme"],
                    sentence=one["sentence"],
                    weight=one["weight"],
                    observed=date.fromisoformat(one["observed"]) if one["observed"] else None,
                    source=one["source"] or "",
                )
                for one in content
            ),
            caution="",
        )

    def _known(self) -> tuple[Block, ...]:
        """Return what the case says of the subject, from the records of the same calculation."""
        if self.target is None or self.edition is None:
            return ()
        if is_pseudonym(self.dossier.subject):
            told = (("Identité", "masquée dans ce service : il travaille sur des pseudonymes"),)
            return (Facts(title=self.dossier.name, pairs=told),)
        signals = _signals(self.card.name, self.edition.source, self.edition.run)
        work = work_on(self.card.name)
        return work.case.sheet(Subject.parse(self.dossier.subject), signals.records.tables)

    def _evolution(self, *, stopped: bool) -> Iterator[Block]:
        if self.hidden or stopped or (self.edition is not None and self.edition.trial):
            return  # beside a trial's rank, the ranks of before would tell which one is wrong
        past = (
            Target.objects.filter(dossier=self.dossier, edition__ready=True, edition__trial=0)
            .order_by("edition__as_of", "edition_id")
            .values_list("edition__as_of", "rank", "edition__size", "edition__model")
        )
        rows = list(past)
        if len(rows) < 2:
            return
        first, last = rows[0], rows[-1]
        yield Chart(
            title=f"Passé du rang {french.number(first[1])} au rang {french.number(last[1])}",
            form="line",
            x_title="date du calcul",
            y_title="part des mieux classés (%)",
            series=(
                Series(
                    name="place dans le classement",
                    x=tuple(row[0] for row in rows),
                    y=tuple(100 * (1 - (row[1] - 1) / row[2]) for row in rows),
                ),
            ),
            text="; ".join(
                f"{french.day(row[0])} : rang {french.number(row[1])} sur {french.number(row[2])}"
                for row in rows
            ),
        )

    def similar(self, reach: Reach) -> list[Dossier]:
        """Return the dossiers, within reach, that are ranked for the same reasons; none while hidden."""
        if self.edition is None or self.hidden or is_pseudonym(self.dossier.subject):
            return []
        signals = _signals(self.card.name, self.edition.source, self.edition.run)
        found = similar_to(signals.table, self.dossier.subject, 20)
        order = {one.subject: at for at, one in enumerate(found)}
        rows = Dossier.objects.within(within(reach, self.dossier)).filter(
            case=self.card.name,
            service=self.dossier.service,
            training=self.dossier.training,
            subject__in=list(order),
        )
        return sorted(rows, key=lambda row: order[row.subject])[:5]

    def elsewhere(self, reach: Reach) -> Sequence[Dossier]:
        """Return what other cases say of the same subject, within reach."""
        same = Dossier.objects.within(reach).filter(subject=self.dossier.subject, training=False)
        return list(same.exclude(pk=self.dossier.pk))

    def history(self) -> list[dict[str, Any]]:
        """Return decisions, comments and letters, newest first, with what was written when it can be read."""
        rows: list[dict[str, Any]] = [
            {"row": decision, "what": self._in_words(decision), "kind": decision.kind}
            for decision in self.dossier.decisions.select_related("user")
        ]
        rows += [
            {"row": comment, "what": "commentaire", "kind": "comment"}
            for comment in self.dossier.comments.select_related("user")
        ]
        for letter in self.dossier.letters.select_related("user"):
            title = self.card.procedure.letter(letter.template).title.lower()
            rows.append({"row": letter, "what": f"lettre : {title}", "kind": "letter"})
        for row in rows:
            if not self.dossier.training:
                words = said(row["row"])
                row["text"] = words.get("text") or words.get("reason") or ""
        rows.sort(key=lambda row: -row["row"].pk)
        return rows

    def _in_words(self, decision: Any) -> str:
        procedure = self.card.procedure
        match decision.kind:
            case "decision":
                word = {"follow": "suivre", "set_aside": "mauvaise cible", "other": "autre avis"}
                reasons = {one.code: one.title for one in procedure.wrong_target}
                why = reasons.get(decision.reason_code, "")
                return f"avis : {word[decision.value]}" + (f" ({why.lower()})" if why else "")
            case "outcome" | "status":
                return f"étape : {procedure.status(decision.value).title.lower()}"
            case "assignment":
                return f"confié à {decision.value}" if decision.value else "n’est plus assigné"
            case "missed":
                return "signalé par un agent : le calcul l’avait manqué"
            case _:
                return "avis annulé" if decision.value == "decision" else "dernière action annulée"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Return the steps of the procedure, with the one reached."""
        codes = [status.code for status in self.card.procedure.statuses]
        reached = codes.index(self.dossier.status) if self.dossier.status in codes else -1
        return [
            {"status": status, "done": at < reached, "now": at == reached}
            for at, status in enumerate(self.card.procedure.statuses)
        ]

    @property
    def late(self) -> bool:
        """Tell whether the deadline of the step has passed."""
        return bool(self.dossier.due and self.dossier.due < timezone.localdate())


def place_of(dossier: Dossier) -> tuple[str, str, str]:
    """Return where a dossier lies: case, territory, service."""
    return dossier.case, dossier.area, dossier.service


def within(reach: Reach, dossier: Dossier) -> Reach:
    """Return what may be done with a dossier: that of the training desk is everybody's in the case."""
    return reach.in_training(dossier.case) if dossier.training else reach


def open_sheet(card: Card, reach: Reach, pk: int) -> Sheet:
    """Open a dossier that lies within reach.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = Dossier.objects.filter(case=card.name, pk=pk).select_related("assigned_to").first()
    dossier = found if found is not None and within(reach, found).may(Action.SEE, *place_of(found)) else None
    if dossier is None:
        raise NotFoundError(f"aucun {card.noun} à cette adresse.", fix="Revenez à la liste.")
    target = target_of(dossier)
    item = target.items.filter(worklist__closed=None).first() if target else None
    return Sheet(card, dossier, target, item)
