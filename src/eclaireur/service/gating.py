"""The gate before a model is put in service: groups treated alike, a stable list, every area served.

A gate is measured with the comparison of a challenger and kept in the lake. While it is red the model is
neither put in service nor told on a published sheet, unless two different named people sign that they pass
over it, each with a reason. A signature holds for this model and these findings alone: other findings on the
same model ask two people anew.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from eclaireur.core import canonical, french
from eclaireur.core.errors import BadValueError, NotFoundError, RefusedError
from eclaireur.core.view import Block, Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.predict.audit import Group
    from eclaireur.bricks.predict.gates import Gate
    from eclaireur.core.types import ModelCard
    from eclaireur.service.work import RecordsRun, Work

__all__ = [
    "KIND",
    "Passing",
    "Verdict",
    "gate_blocks",
    "gate_of",
    "measure_gate",
    "pass_over",
    "require_open",
]

KIND = "gate_override"
"""Kind of the journal's lines by which a person passes over a red gate."""

_KEPT = "gate.json"
_SHARE = 0.10
"""Share of the outcomes that would be selected: what is audited."""
_TOLERATED = 0.05
"""A group may be wrongly selected, or missed, five points more often than the others."""
_WORSE = 0.01
"""A gap is wider than with the model in service when it is by a point."""
_CHANCE = 0.025
"""One side of an interval at 95 %."""
_FIRST = 0.10
"""Share of the subjects that must not all change from one model to the next."""
_PEOPLE = 2
_FAULTS = {
    "false_positive_gap": "sélectionné à tort plus souvent",
    "false_negative_gap": "manqué plus souvent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Who passed over a gate, when and why."""

    at: datetime
    by: str
    login: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate of a model found, and who passed over it.

    ``findings`` is the hash of the red checks on this model: what people sign.
    """

    number: int
    source: str
    seal: str
    run: str
    checks: tuple[Gate, ...]
    findings: str
    passed_over: tuple[Passing, ...] = ()

    @property
    def red(self) -> tuple[Gate, ...]:
        """Return the checks that do not pass."""
        return tuple(one for one in self.checks if not one.passed)

    @property
    def overridden(self) -> bool:
        """Tell whether two people passed over it."""
        return len(self.passed_over) >= _PEOPLE

    @property
    def open(self) -> bool:
        """Tell whether the model may be put in service."""
        return not self.red or self.overridden

    @property
    def french(self) -> str:
        """Say its state."""
        if not self.red:
            return "vert"
        return "rouge, passé outre par deux personnes" if self.overridden else "rouge"


def measure_gate(
    work: Work, records: RecordsRun, champion: ModelCard, challenger: ModelCard, *, compared: str
) -> Verdict:
    """Measure the gate of a challenger beside the model in service, and keep it in the lake.

    Groups are audited on the outcomes of the comparison ``compared`` (a run), which neither model learnt
    from; stability and coverage, on every subject of today.
    """
    registry = work.workspace.registry
    seals = (registry.seal(champion), registry.seal(challenger))
    config = {
        "source": challenger.source,
        "number": challenger.number,
        "champion": champion.number,
    }
    run = work.run("gate", config=config, inputs=(records.run.id, compared, *seals))

    def write(folder: Path) -> None:
        checks = _checks(work, records, champion, challenger, compared)
        (folder / _KEPT).write_text(
            json.dumps([asdict(one) for one in checks], ensure_ascii=False), encoding="utf-8"
        )

    work.workspace.runs.do(run, write)
    found = gate_of(work, challenger)
    if found is None:
        raise NotFoundError("le contrôle du modèle n'a pas été gardé.", fix="Relancez la comparaison.")
    return found


def _checks(
    work: Work, records: RecordsRun, champion: ModelCard, challenger: ModelCard, compared: str
) -> list[Gate]:
    from eclaireur.bricks.predict.gates import covered, stable
    from eclaireur.service.comparing import outcomes

    as_of = work.case.data_date(records.tables)
    former, current = (_signals(work, records, card, as_of) for card in (champion, challenger))
    top = max(1, round(_FIRST * current.num_rows))
    return [
        _audited(outcomes(work, compared), current),
        stable(_scores(former), _scores(current), top=top),
        covered(_areas(current), former=_areas(former)),
    ]


def _scores(signals: pa.Table) -> dict[str, float]:
    return dict(zip(signals["subject"].to_pylist(), signals["score"].to_pylist(), strict=True))


def _areas(signals: pa.Table) -> Counter[str]:
    return Counter(one or "sans secteur" for one in signals["area"].to_pylist())


def _signals(work: Work, records: RecordsRun, card: ModelCard, as_of: date) -> pa.Table:
    registry = work.workspace.registry
    return work.case.signals(
        records.tables,
        card,
        lambda name: registry.artefact(card, name),
        as_of=as_of,
        progress=work.progress,
    )


def _audited(late: pa.Table, signals: pa.Table) -> Gate:
    """Audit the selection by area: at fault is a group on which errors fall more than they did before."""
    from eclaireur.bricks.predict.audit import Audit, audit, top
    from eclaireur.bricks.predict.gates import audited

    area_of = dict(zip(signals["subject"].to_pylist(), signals["area"].to_pylist(), strict=True))
    areas = {"secteur": [area_of.get(one) for one in late["subject"].to_pylist()]}
    labels = late["label"].to_pylist()

    def groups(model: str) -> Audit:
        return audit(labels, top(late[model].to_pylist(), _SHARE), areas)

    former = {one.group: one for one in groups("champion").groups}
    found = groups("challenger")
    at_fault = tuple(
        replace(one, verdict=f"écart : {said}")
        for one in found.groups
        if (said := _fault(one, former.get(one.group), among=len(found.groups)))
    )
    return audited(Audit(groups=at_fault, rows=found.rows))


def _fault(group: Group, former: Group | None, *, among: int) -> str:
    """Say what is wrong of a group; empty when nothing is.

    A targeted list finds more where there is more to find: what blocks a model is a gap beyond what is
    tolerated that it makes wider than the model in service does. Many groups are looked at, and one in forty
    would be at fault by chance alone at each figure: the interval is widened so that one in forty of all of
    them is (Bonferroni), its half-width scaled as a normal law's.
    """
    usual = NormalDist()
    wider = usual.inv_cdf(1 - _CHANCE / (among * len(_FAULTS))) / usual.inv_cdf(1 - _CHANCE)
    said = []
    for name, word in _FAULTS.items():
        figure = group.figures[name]
        if figure.low is None or figure.value is None:
            continue
        before = former.figures[name].value if former is not None else None
        worse = figure.value > (before or 0.0) + _WORSE
        if worse and figure.value - wider * (figure.value - figure.low) > _TOLERATED:
            said.append(word)
    return ", ".join(said)


def gate_of(work: Work, card: ModelCard) -> Verdict | None:
    """Return the last gate that was measured of a model, with who passed over it; None before."""
    from eclaireur.bricks.predict.gates import Gate

    seal = work.workspace.registry.seal(card)
    runs = [
        run
        for run in work.workspace.runs.history(work.card.name, "gate")
        if run.config["number"] == card.number and run.config["source"] == card.source and seal in run.inputs
    ]
    if not runs:
        return None
    folder = work.workspace.lake.folder(work.workspace.runs.address(runs[-1]))
    rows = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
    checks = tuple(Gate(**row) for row in rows)
    red = [[one.name, one.sentence] for one in checks if not one.passed]
    findings = canonical.digest({"seal": seal, "red": red})
    return Verdict(
        number=card.number,
        source=card.source,
        seal=seal,
        run=runs[-1].id,
        checks=checks,
        findings=findings,
        passed_over=_passed_over(work, findings),
    )


def _passed_over(work: Work, findings: str) -> tuple[Passing, ...]:
    found: dict[str, Passing] = {}
    for entry in work.workspace.journal.entries(KIND, case=work.card.name):
        if entry.data["findings"] == findings:
            one = Passing(
                at=entry.time, by=entry.actor, login=entry.data["login"], reason=entry.data["reason"]
            )
            found.setdefault(one.login, one)
    return tuple(found.values())


def pass_over(work: Work, card: ModelCard, *, by: str, login: str, reason: str) -> Verdict:
    """Sign that one passes over the red gate of a model; it opens once two people have.

    Whoever calls this has checked that the person may: accounts and rights are the desk's.

    Raises
    ------
    NotFoundError
        If the gate of this model was not measured.
    BadValueError
        If there is nothing to pass over, no reason is given, or the same person signs twice.
    """
    found = gate_of(work, card)
    if found is None:
        raise NotFoundError(
            f"le modèle n° {card.number} n'a pas été contrôlé.",
            fix=f"Lancez d'abord : ./eclaireur compare {work.card.name} --challenger {card.number}",
        )
    if found.open:
        raise BadValueError("rien ne bloque ce modèle.", fix="Mettez-le en service.")
    written = reason.strip()
    if not written or len(written) > 2000:
        raise BadValueError(
            "passer outre demande une raison, de 2 000 caractères au plus.",
            fix="Écrivez-la.",
            column="reason",
        )
    if login in {one.login for one in found.passed_over} or by in {one.by for one in found.passed_over}:
        raise BadValueError(
            "vous avez déjà signé ; une autre personne doit signer à son tour.",
            fix="Demandez à une deuxième personne de relire ces constats.",
        )
    data: dict[str, Any] = {
        "source": card.source,
        "number": card.number,
        "seal": found.seal,
        "run": found.run,
        "findings": found.findings,
        "checks": [one.sentence for one in found.red],
        "reason": written,
        "login": login,
    }
    work.workspace.journal.append(KIND, case=work.card.name, actor=by, data=data)
    return replace(found, passed_over=_passed_over(work, found.findings))


def require_open(work: Work, card: ModelCard) -> None:
    """Refuse to put a model in service while its gate is red, or was never measured.

    Raises
    ------
    RefusedError
        Names what does not pass, and what to do.
    """
    found = gate_of(work, card)
    if found is None:
        raise RefusedError(
            f"le modèle n° {card.number} n'a pas été contrôlé (écarts entre groupes, stabilité, couverture).",
            fix=f"Lancez d'abord : ./eclaireur compare {work.card.name} --challenger {card.number}",
        )
    if not found.open:
        said = " ".join(f"{one.name} : {one.sentence}" for one in found.red)
        left = _PEOPLE - len(found.passed_over)
        people = "deux personnes signent" if left == _PEOPLE else "une deuxième personne signe"
        raise RefusedError(
            f"le modèle n° {card.number} est bloqué. {said}",
            fix=f"Corrigez-le, ou {people}, avec sa raison, sur la page /{work.card.name}/projet/",
        )


def gate_blocks(found: Verdict) -> tuple[Block, ...]:
    """Return what was checked of a model and, when people passed over it, who and why."""
    checks = Table(
        title=f"Contrôles du modèle n° {found.number} : {found.french}",
        columns=(
            Column(key="gate", title="Contrôle"),
            Column(key="state", title="État"),
            Column(key="sentence", title="Constat"),
        ),
        rows=[
            {"gate": one.name, "state": "vert" if one.passed else "rouge", "sentence": one.sentence}
            for one in found.checks
        ],
        note=(
            "Mesurés à la comparaison avec le modèle en service. Un contrôle rouge bloque la mise en service "
            "et la fiche, sauf si deux personnes passent outre, chacune avec sa raison."
        ),
    )
    if not found.passed_over:
        return (checks,)
    signed = Table(
        title=f"Passé outre par {french.count(len(found.passed_over), 'personne')}",
        columns=(
            Column(key="at", title="Quand (temps universel)"),
            Column(key="by", title="Qui"),
            Column(key="why", title="Raison"),
        ),
        rows=[{"at": french.moment(one.at), "by": one.by, "why": one.reason} for one in found.passed_over],
    )
    return (checks, signed)
