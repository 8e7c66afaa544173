"""The explanation of one past decision, rebuilt from the journal and the artefacts that it names by hash.

What a person may ask for (code des relations entre le public et l'administration, R. 311-3-1-2): how far and
how the treatment contributed, the data and their sources, parameters and their weights in this case, the
operations made; and also the version of the model, what would have changed the result, who decided.

Nothing is taken from today's state: the journal's line names the run of signals; the run is named by the hash
of all that it depends on, the seal of the model among them; the seal by the card, the card by its files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eclaireur.core import french, snapshots
from eclaireur.core.errors import NotFoundError, RefusedError
from eclaireur.core.mention import mentions
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.view import Block, Column, Facts, Reason, Reasons, Table
from eclaireur.service import pseudonyms, work as working
from eclaireur.service.declaring import contact_of
from eclaireur.service.similar import similar_to

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.journal import Entry
    from eclaireur.core.types import ModelCard, Run
    from eclaireur.service.work import RecordsRun, Work

__all__ = [
    "TOLERANCE",
    "Explained",
    "Past",
    "explain_entry",
    "last_entry",
    "past_signals",
    "same_score",
]

TOLERANCE = 1e-9
"""Greatest difference between a score that was journalled and the same one rebuilt."""

_ALIKE = 400
_HOW = (
    "Le calcul a proposé un ordre et donné des raisons. Il n’a rien décidé : l’agent nommé ci-dessous "
    "a répondu, après avoir lu le dossier."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run of signals as it was: its model, checked by seal, its records and its table."""

    run: Run
    card: ModelCard
    records: RecordsRun
    table: pa.Table = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An explanation: the decision, in blocks, and what must be said with it."""

    seq: int
    title: str
    at: datetime
    score: float
    blocks: tuple[Block, ...]
    mentions: Mapping[str, str]


def last_entry(work: Work, subject: Subject) -> Entry:
    """Return the last verdict on a subject that a signal led to and nobody took back.

    Raises
    ------
    NotFoundError
        If there is none, or the subject was erased.
    """
    found: dict[int, Entry] = {}
    journal, case = work.workspace.journal, work.card.name
    veiled = Subject.parse(pseudonyms.pseudonym(work.workspace, case, str(subject)))
    entries = [
        entry
        for one in (subject, veiled)
        for entry in journal.entries({"decision", "undo"}, case=case, subject=one)
    ]
    for entry in sorted(entries, key=lambda one: one.seq):
        if entry.kind == "undo":
            found.pop(entry.data["undoes"], None)
        elif entry.data.get("signal_run"):
            found[entry.seq] = entry
    if not found:
        raise NotFoundError(
            f"aucun avis sur « {subject.key} » dans le journal de ce cas.",
            fix="Vérifiez l'identifiant, ou demandez l'explication d'un rang sans avis.",
        )
    return found[max(found)]


def past_signals(work: Work, run_id: str) -> Past:
    """Open a run of signals as it was made, each thing checked against the hash that names it.

    Raises
    ------
    NotFoundError
        If the run, its model or its data are gone.
    RefusedError, ModelRefusedError
        If something is not what its hash says.
    """
    workspace = work.workspace
    run = workspace.runs.read(work.card.name, "signals", run_id)
    card = workspace.registry.card(work.card.name, run.config["model"], expect=run.inputs[1])
    for name in card.artefacts:
        workspace.registry.artefact(card, name)
    return Past(
        run=run,
        card=card,
        records=working.stored_records(work, run.inputs[0]),
        table=workspace.lake.table(workspace.runs.address(run), "signals"),
    )


def explain_entry(work: Work, seq: int, *, unveil: bool = False) -> Explained:
    """Explain the verdict that a line of the journal holds.

    Parameters
    ----------
    unveil
        Explain also what a service decided on a pseudonym: the explanation names the person.

    Raises
    ------
    NotFoundError
        If the line is no verdict on a signal of this case, or its subject was erased.
    RefusedError
        If what it names is not what its hash says, or does not give the score that was journalled.
    """
    entry = work.workspace.journal.entry(seq)
    run_id = entry.data.get("signal_run") if entry.kind == "decision" else None
    if entry.case != work.card.name or not run_id:
        raise NotFoundError(f"la ligne {seq} du journal n'est pas un avis sur un indice de ce cas.")
    said = work.workspace.journal.reveal(entry)
    if said is None:
        raise NotFoundError("la personne concernée a été effacée : plus rien ne peut être expliqué.")
    subject = Subject.parse(said["subject"])
    past = past_signals(work, run_id)
    if subject.kind == pseudonyms.KIND:
        subject = _unveiled(work, subject, past, unveil=unveil)
    row = _row(past, subject)
    if not same_score(row["score"], entry.data["score"]):
        raise RefusedError(
            "l'indice gardé n'est pas celui que le journal a noté.",
            fix="Vérifiez le journal et restaurez la sauvegarde : ./eclaireur journal verify",
        )
    changed = snapshots.verify(work.workspace.lake, past.records.snapshot)
    if changed:
        raise RefusedError(
            f"les données d'alors ont changé : {', '.join(changed[:3])}.", fix="Restaurez la sauvegarde."
        )
    return Explained(
        seq=seq,
        title=f"Explication : {row['name'] or subject.key}",
        at=entry.time,
        score=row["score"],
        blocks=tuple(_blocks(work, entry, said, past, row)),
        mentions=mentions(work.card, contact_of(work.workspace, work.card)),
    )


def _unveiled(work: Work, subject: Subject, past: Past, *, unveil: bool) -> Subject:
    if not unveil:
        raise NotFoundError(
            "ce service travaille sur des pseudonymes : une explication dirait de qui il s'agit.",
            fix="Demandez-la à qui connaît l'identité, avec la ligne du journal.",
        )
    known = past.table["subject"].to_pylist()
    found = pseudonyms.known_as(work.workspace, work.card.name, {str(subject)}, known)
    return Subject.parse(found[str(subject)]) if found else subject


def same_score(one: float, other: float) -> bool:
    """Tell whether two scores are the same, to `TOLERANCE`."""
    return abs(one - other) <= TOLERANCE


def _row(past: Past, subject: Subject) -> dict[str, Any]:
    import pyarrow.compute as pc

    found = past.table.filter(pc.equal(past.table["subject"], str(subject)))
    if not found.num_rows:
        raise NotFoundError("ce calcul ne parle plus de ce sujet.")
    row: dict[str, Any] = found.to_pylist()[0]
    return row


def _blocks(
    work: Work, entry: Entry, said: Mapping[str, Any], past: Past, row: Mapping[str, Any]
) -> Iterator[Block]:
    size = past.table.num_rows
    yield Facts(
        title="La place du calcul dans la décision",
        pairs=(
            ("Degré et mode", _HOW),
            ("Résultat du calcul", _score(row, size)),
            ("Ce qui est cherché", row["label"] or work.card.label),
            ("Date du calcul", french.day(row["as_of"])),
        ),
    )
    yield _who(work, entry, said)
    yield Reasons(
        title="Pourquoi ce résultat",
        reasons=tuple(
            Reason(
                theme=one["theme"],
                sentence=one["sentence"],
                weight=one["weight"],
                observed=one["observed"],
                source=one["source"] or "",
            )
            for one in row["reasons"]
        ),
        caution=" ".join(work.card.limits),
    )
    yield _weights(row, past)
    yield from _otherwise(work, past, row)
    yield from work.case.sheet(Subject.parse(row["subject"]), past.records.tables)
    yield _made_of(work, past)


def _score(row: Mapping[str, Any], size: int) -> str:
    rank = f"rang {french.number(row['rank'])} sur {french.number(size)}"
    if not row["calibrated"]:
        return rank
    risk = f"risque estimé : {french.percent(row['score'], 1)}"
    if row["low"] is not None and row["high"] is not None:
        risk += f" (entre {french.percent(row['low'])} et {french.percent(row['high'])})"
    return f"{risk}, {rank}"


def _who(work: Work, entry: Entry, said: Mapping[str, Any]) -> Block:
    titles = {one.code: one.title for one in work.card.procedure.wrong_target}
    verdict = Verdict(entry.data["verdict"]).french
    code = entry.data.get("reason_code", "")
    rows = [
        {
            "at": french.moment(entry.time),
            "who": entry.actor,
            "what": f"avis : {verdict}",
            "why": "; ".join(one for one in (titles.get(code, ""), said.get("reason", "")) if one),
        }
    ]
    subject = Subject.parse(said["subject"])
    later = work.workspace.journal.entries(case=work.card.name, after=entry.seq, subject=subject)
    rows += [
        {
            "at": french.moment(one.time),
            "who": one.actor,
            "what": _LATER[one.kind],
            "why": "",
        }
        for one in later
        if one.kind in _LATER
    ]
    columns = (
        Column(key="at", title="Quand (temps universel)"),
        Column(key="who", title="Qui"),
        Column(key="what", title="Quoi"),
        Column(key="why", title="Raison"),
    )
    return Table(title="Qui a décidé", columns=columns, rows=rows, note=f"Ligne {entry.seq} du journal.")


_LATER = {
    "decision": "autre avis",
    "status": "étape suivante",
    "outcome": "résultat d’un contrôle",
    "undo": "action annulée",
}


def _weights(row: Mapping[str, Any], past: Past) -> Block:
    rows = [
        {
            "feature": one["feature"] or one["theme"],
            "value": one["value"] or "",
            "weight": french.signed(one["weight"], 4),
            "observed": one["observed"],
            "source": one["source"] or "",
        }
        for one in row["reasons"]
    ]
    columns = (
        Column(key="feature", title="Paramètre"),
        Column(key="value", title="Valeur dans ce cas", align="right"),
        Column(key="weight", title="Poids", align="right"),
        Column(key="observed", title="Constaté le", kind="date"),
        Column(key="source", title="Source"),
    )
    thresholds = "; ".join(f"{name} : {french.number(one, 4)}" for name, one in past.card.thresholds.items())
    note = (
        "Un poids positif augmente l’indice, un poids négatif le diminue ; l’unité est celle de la marge du "
        "modèle. Les plus forts seulement sont donnés."
    )
    return Table(
        title="Paramètres et poids dans ce cas",
        columns=columns,
        rows=rows,
        note=f"{note} Seuils : {thresholds}." if thresholds else note,
    )


def _otherwise(work: Work, past: Past, row: Mapping[str, Any]) -> Iterator[Block]:
    """Say what would have changed the result: how far it was, and facts of the likest subject left out."""
    limit = _limit(work, past, row)
    if limit is None or row["rank"] > limit:
        return
    table = past.table
    edge = table["score"][min(limit, table.num_rows - 1)].as_py()
    pairs = [
        (
            "Distance",
            (
                f"Avec un rang au-delà de {french.number(limit)}, ce sujet n’aurait pas été proposé. "
                f"Son indice est de {french.number(row['score'], 3)} ; le premier laissé de côté avait "
                f"{french.number(edge, 3)}."
            ),
        )
    ]
    ranks = dict(zip(table["subject"].to_pylist(), table["rank"].to_pylist(), strict=True))
    other = next(
        (one.subject for one in similar_to(table, row["subject"], _ALIKE) if ranks[one.subject] > limit),
        None,
    )
    if other is not None:
        like = _row(past, Subject.parse(other))
        mine, theirs = _sentences(row, like), _sentences(like, row)
        if mine:
            pairs.append(("Faits de ce sujet", " ".join(mine)))
        if theirs:
            pairs.append((f"Faits d’un cas proche, au rang {french.number(like['rank'])}", " ".join(theirs)))
    yield Facts(title="Ce qui aurait changé le résultat", pairs=tuple(pairs))


def _sentences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the reasons of a subject that another does not share, strongest first."""
    shared = {reason["sentence"] for reason in other["reasons"]}
    strongest = sorted(one["reasons"], key=lambda reason: -abs(reason["weight"]))
    return [reason["sentence"] for reason in strongest if reason["sentence"] not in shared]


def _limit(work: Work, past: Past, row: Mapping[str, Any]) -> int | None:
    """Return the last rank that the list of this subject took for its rank; None when no list is known."""
    import pyarrow.compute as pc

    lake, runs = work.workspace.lake, work.workspace.runs
    for run in reversed(runs.history(work.card.name, "worklist")):
        if run.inputs != (past.run.id,):
            continue
        table = lake.table(runs.address(run), "worklist", columns=["subject", "rank", "drawn"])
        if row["subject"] in table["subject"].to_pylist():
            taken = table.filter(pc.equal(table["drawn"], "model"))["rank"]
            return int(pc.max(taken).as_py()) if len(taken) else None
    return None


def _made_of(work: Work, past: Past) -> Block:
    snapshot = past.records.snapshot
    rows = [
        ("Modèle", f"n° {past.card.number}, {past.card.kind}", work.workspace.registry.seal(past.card)),
        *(("Fichier du modèle", name, digest) for name, digest in past.card.artefacts.items()),
        (
            "Données",
            f"{snapshot.id}, lues le {french.day(snapshot.taken)}, {snapshot.licence}",
            snapshot.sha256,
        ),
        ("Lecture", "calcul des tables", past.records.run.id),
        ("Indices", f"calcul, code {past.run.code}", past.run.id),
    ]
    columns = (
        Column(key="what", title="Quoi"),
        Column(key="which", title="Lequel"),
        Column(key="hash", title="Empreinte"),
    )
    return Table(
        title="De quoi ce résultat est fait",
        columns=columns,
        rows=[{"what": what, "which": which, "hash": digest} for what, which, digest in rows],
        note="Le modèle, ses fichiers et les données brutes ont été vérifiés contre ces empreintes.",
    )
