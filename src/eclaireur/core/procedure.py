"""What becomes of a subject after a signal: the steps of a case's procedure, as its card declares them.

A card without ``[procedure]`` has the plain one: to examine, then done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eclaireur.core.errors import NotFoundError

__all__ = ["PLAIN", "Choice", "LetterTemplate", "Procedure", "Status", "read_procedure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value and its French name: a reason, or what a control found."""

    code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A step of the procedure.

    Parameters
    ----------
    days
        Days given for the step; its deadline is set when the step is reached. 0 for none.
    after
        Steps that may come next; empty for any.
    result
        True when reaching the step asks what the control found.
    final
        True when nothing more is expected.
    """

    code: str
    title: str
    days: int = 0
    after: tuple[str, ...] = ()
    result: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterTemplate:
    """A letter: its French title and the file, beside the card, that holds its text."""

    code: str
    title: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """The steps, the reasons for which a target is set aside, what a control may find, the letters.

    ``hours`` is the usual length of one control, to say what a capacity costs.
    """

    statuses: tuple[Status, ...]
    wrong_target: tuple[Choice, ...] = ()
    outcomes: tuple[Choice, ...] = ()
    letters: tuple[LetterTemplate, ...] = ()
    hours: float = 0.0

    @property
    def first(self) -> Status:
        """The step of a subject that is to be dealt with."""
        return self.statuses[0]

    def status(self, code: str) -> Status:
        """Return a step by its code.

        Raises
        ------
        NotFoundError
            If the card declares no such step.
        """
        for status in self.statuses:
            if status.code == code:
                return status
        names = ", ".join(status.title for status in self.statuses)
        raise NotFoundError(f"étape inconnue : « {code} ».", fix=f"Étapes de la procédure : {names}.")

    def following(self, code: str) -> tuple[Status, ...]:
        """Return the steps that may come after one; every step where the card does not say."""
        current = self.status(code) if code else None
        if current is None or not current.after:
            return tuple(status for status in self.statuses if status.code != code)
        return tuple(status for status in self.statuses if status.code in current.after)

    def letter(self, code: str) -> LetterTemplate:
        """Return a letter by its code.

        Raises
        ------
        NotFoundError
            If the card declares no such letter.
        """
        for letter in self.letters:
            if letter.code == code:
                return letter
        raise NotFoundError(f"modèle de lettre inconnu : « {code} ».")


_REASONS = (
    Choice(code="closed", title="N’existe plus, ou a changé d’activité"),
    Choice(code="recent", title="Vu récemment par le service"),
    Choice(code="wrong_data", title="Les données sont fausses ou trop anciennes"),
    Choice(code="other", title="Autre raison"),
)

PLAIN = Procedure(
    statuses=(
        Status(code="to_examine", title="À examiner"),
        Status(code="done", title="Traité", result=True, final=True),
    ),
    wrong_target=_REASONS,
    outcomes=(Choice(code="1", title="confirmé"), Choice(code="0", title="non confirmé")),
)
"""The procedure of a card that declares none."""


def read_procedure(data: Mapping[str, Any]) -> Procedure:
    """Read the ``[procedure]`` table of a card.

    Raises
    ------
    ValueError, TypeError, KeyError
        If a key is missing, unknown, or a step names one that does not exist; `core.catalog` says where.
    """
    rows = dict(data)
    statuses = tuple(
        Status(after=tuple(row.pop("after", ())), **row) for row in map(dict, rows.pop("statuses"))
    )
    codes = {status.code for status in statuses}
    unknown = {code for status in statuses for code in status.after} - codes
    if not statuses or unknown or len(codes) < len(statuses):
        raise ValueError(f"étapes de la procédure absentes, répétées ou inconnues {sorted(unknown)}")
    return Procedure(
        statuses=statuses,
        wrong_target=_choices(rows.pop("wrong_target", {})) or _REASONS,
        outcomes=_choices(rows.pop("outcomes", {})) or PLAIN.outcomes,
        letters=tuple(LetterTemplate(**row) for row in rows.pop("letters", ())),
        **rows,
    )


def _choices(table: Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(code=code, title=title) for code, title in table.items())
