"""Gates before an edition is published: are scores stable, is every area served, is nobody over-selected.

A gate says one sentence and passes or not. A gate that cannot judge (no former edition) passes and
says so. An edition that does not pass is not published by itself; a person may decide otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    from eclaireur.bricks.predict.audit import Audit

__all__ = ["Gate", "audited", "covered", "gates_table", "passes", "stable"]

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check: its name, whether it passes, its sentence, the value found and the limit asked."""

    name: str
    passed: bool
    sentence: str
    value: float | None = None
    limit: float | None = None


def stable(
    former: Mapping[str, float], current: Mapping[str, float], *, top: int, least: float = 0.5
) -> Gate:
    """Check that the first ``top`` subjects are not others than those of the former edition.

    The share of the former top that is still in the current one, among subjects present in both:
    one that closed or left is no instability.

    Parameters
    ----------
    former, current
        Subject → score.
    least
        Share under which the gate does not pass.

    Examples
    --------
    >>> stable({"a": 3, "b": 2, "c": 1}, {"a": 3, "b": 1, "c": 2}, top=2).value
    0.5
    """
    shared = former.keys() & current.keys()
    size = min(top, len(shared))
    if not size:
        return Gate(
            name="stabilité", passed=True, sentence="Aucune édition antérieure à comparer.", limit=least
        )

    def first(scores: Mapping[str, float]) -> set[str]:
        return set(sorted(shared, key=lambda subject: (-scores[subject], subject))[:size])

    kept = len(first(former) & first(current)) / size
    return Gate(
        name="stabilité",
        passed=kept >= least,
        sentence=(
            f"{french.percent(kept)} des {french.number(size)} premiers de l'édition d'avant y sont encore ; "
            f"il en faut {french.percent(least)}."
        ),
        value=kept,
        limit=least,
    )


def covered(
    current: Mapping[str, int], *, former: Mapping[str, int] | None = None, least: int = 1, fall: float = 0.5
) -> Gate:
    """Check that every area has subjects, and not far fewer than before.

    Parameters
    ----------
    current, former
        Area → number of subjects scored, now and in the former edition. An area that has vanished
        counts as zero.
    least
        Fewest subjects of an area.
    fall
        Share of its former number that an area may lose.

    Examples
    --------
    >>> covered({"01": 40, "02": 0}, least=10).sentence
    '1 secteur sur 2 a trop peu de sujets : 02 (0).'
    """
    before = former or {}
    areas = sorted(current.keys() | before.keys())
    low = [
        area
        for area in areas
        if current.get(area, 0) < least or current.get(area, 0) < before.get(area, 0) * (1 - fall)
    ]
    if not low:
        said = f"Les {french.count(len(areas), 'secteur')} ont assez de sujets."
    else:
        shown = ", ".join(f"{area} ({french.number(current.get(area, 0))})" for area in low[:_SHOWN])
        more = f" et {len(low) - _SHOWN} de plus" if len(low) > _SHOWN else ""
        verb = "a" if len(low) == 1 else "ont"
        said = (
            f"{french.count(len(low), 'secteur')} sur {len(areas)} {verb} trop peu de sujets : {shown}{more}."
        )
    served = 1 - len(low) / len(areas) if areas else 0.0
    return Gate(name="couverture", passed=bool(areas) and not low, sentence=said, value=served, limit=1.0)


def audited(audit: Audit, *, tolerated: Sequence[str] = ()) -> Gate:
    """Check that no gap is established for any group.

    Parameters
    ----------
    tolerated
        Attributes by which selecting more is the purpose itself (the history of controls).
    """
    judged = [one for one in audit.gaps if one.attribute not in tolerated]
    if not judged:
        return Gate(
            name="audit", passed=True, sentence="Aucun écart établi entre groupes.", value=0.0, limit=0.0
        )
    shown = " ; ".join(f"{one.attribute} « {one.group} », {one.verdict}" for one in judged[:_SHOWN])
    more = f" ; et {len(judged) - _SHOWN} de plus" if len(judged) > _SHOWN else ""
    return Gate(name="audit", passed=False, sentence=f"{shown}{more}.", value=float(len(judged)), limit=0.0)


def passes(gates: Sequence[Gate]) -> bool:
    """Tell whether an edition may be published."""
    return all(gate.passed for gate in gates)


def gates_table(gates: Sequence[Gate]) -> Table:
    """Return the gates as a table whose title says the decision."""
    closed = [gate.name for gate in gates if not gate.passed]
    rows: list[Mapping[str, Any]] = [
        {"gate": gate.name, "state": "oui" if gate.passed else "non", "sentence": gate.sentence}
        for gate in gates
    ]
    return Table(
        title=f"À ne pas publier : {', '.join(closed)}" if closed else "Peut être publié",
        columns=(
            Column(key="gate", title="Vérification"),
            Column(key="state", title="Passe"),
            Column(key="sentence", title="Constat"),
        ),
        rows=rows,
    )
