"""Signals of a case as of a date, the worklist drawn from them, and why a subject is on it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import worklist as drawing
from eclaireur.core.errors import NotFoundError
from eclaireur.core.mention import mentions
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import signals_schema
from eclaireur.core.types import Run, Worklist
from eclaireur.core.view import Block, Facts, Reason, Reasons
from eclaireur.service import training, work as working
from eclaireur.service.declaring import contact_of
from eclaireur.service.stopping import refuse_stopped

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.training import InService
    from eclaireur.service.work import RecordsRun, Work

__all__ = ["Signals", "draw", "explain", "latest", "make", "ranks_only", "signal_of", "stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The signals of one run, best first."""

    run: Run
    records: RecordsRun
    model: InService
    as_of: date
    table: pa.Table = field(repr=False)
    folder: Path = field(repr=False)


def make(work: Work, source: str, *, as_of: date | None = None) -> Signals:
    """Score every current subject of a source; fetch it and train a first model when needed.

    The same data, model, date and code give the same run and the same table. A suspended case makes none.

    Parameters
    ----------
    as_of
        Date of the signals; by default the day after the last day of the data.
    """
    refuse_stopped(work)
    records = working.ensure_records(work, source)
    model = training.ensure_model(work, records, source)
    when = as_of or work.case.data_date(records.tables) + timedelta(days=1)
    registry, lake = work.workspace.registry, work.workspace.lake
    run = work.run(
        "signals",
        config={"source": source, "as_of": when.isoformat(), "model": model.card.number},
        inputs=(records.run.id, registry.seal(model.card)),
    )

    def write(folder: Path) -> None:
        table = work.case.signals(
            records.tables,
            model.card,
            lambda name: registry.artefact(model.card, name),
            as_of=when,
            progress=work.progress,
        )
        lake.write(folder, "signals", _complete(_honest(work, source, table), run.id, model.card.number))

    address = work.workspace.runs.do(run, write)
    return Signals(
        run=run,
        records=records,
        model=model,
        as_of=when,
        table=lake.table(address, "signals"),
        folder=lake.folder(address),
    )


def _honest(work: Work, source: str, table: pa.Table) -> pa.Table:
    """Take risks for ranks where the card says that rates of the source are not risks."""
    return ranks_only(table) if work.rank_only(source) else table


def ranks_only(table: pa.Table) -> pa.Table:
    """Return scores as ranks: not calibrated, and without an interval of risk."""
    import pyarrow as pa

    unknown = pa.nulls(table.num_rows, pa.float64())
    for name in ("low", "high"):
        table = table.set_column(table.schema.get_field_index(name), name, unknown)
    if "calibrated" in table.column_names:
        never = pa.array([False] * table.num_rows)
        table = table.set_column(table.schema.get_field_index("calibrated"), "calibrated", never)
    return table


def _complete(table: pa.Table, run: str, model: int) -> pa.Table:
    """Order signals best first, ties by subject, and say which run and model made them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ordered = table.sort_by([("score", "descending"), ("subject", "ascending")])
    size = ordered.num_rows
    filled = {
        "signal": pc.binary_join_element_wise(pa.scalar(run), ordered["subject"], "/"),
        "rank": pa.array(range(1, size + 1), pa.int32()),
        "model": pa.array([model] * size, pa.int32()),
        "run": pa.array([run] * size, pa.string()),
    }
    schema = signals_schema()
    columns = [filled[name] if name in filled else ordered[name] for name in schema.names]
    return pa.table(columns, names=schema.names).cast(schema)


def latest(work: Work, source: str) -> Signals:
    """Return the signals made last for a source as they were made; make them when there are none.

    Later data, outcomes or models change nothing here: they need a new `make`.
    """
    for run in reversed(work.workspace.runs.history(work.card.name, "signals")):
        if run.config["source"] == source:
            return _stored(work, source, run)
    return make(work, source)


def stored(work: Work, source: str, run: str) -> Signals:
    """Return the signals of an earlier run, as they were made.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    return _stored(work, source, work.workspace.runs.read(work.card.name, "signals", run))


def _stored(work: Work, source: str, run: Run) -> Signals:
    lake, address = work.workspace.lake, work.workspace.runs.address(run)
    return Signals(
        run=run,
        records=working.stored_records(work, run.inputs[0]),
        model=training.in_service_as(work, source, run.config["model"]),
        as_of=date.fromisoformat(run.config["as_of"]),
        table=lake.table(address, "signals"),
        folder=lake.folder(address),
    )


def draw(
    work: Work,
    signals: Signals,
    *,
    capacity: int,
    random_share: float,
    quotas: Mapping[str, int] | None = None,
    without: Collection[str] = (),
    areas: Collection[str] = (),
) -> tuple[Worklist, Run]:
    """Draw a worklist under a capacity, with a random share, and keep it in the lake.

    Parameters
    ----------
    without
        Subjects (``kind:key``) that are left out, for instance those of a list that is still open.
    areas
        Areas from which to draw; by default all.
    """
    refuse_stopped(work)
    table = signals.table
    chosen: dict[str, Any] = {}
    if areas:
        table = _only(table, "area", areas)
        chosen["areas"] = sorted(areas)
    if without:
        table = _only(table, "subject", without, keep=False)
        chosen["without"] = hashlib.sha256("\n".join(sorted(without)).encode()).hexdigest()[:16]
    run = work.run(
        "worklist",
        config={
            "source": signals.run.config["source"],
            "capacity": capacity,
            "random_share": random_share,
            "quotas": dict(quotas or {}),
            **chosen,
        },
        inputs=(signals.run.id,),
    )
    drawn = drawing.draw(
        table,
        capacity=capacity,
        random_share=random_share,
        seed=work.seed,
        quotas=quotas,
        case=work.card.name,
        run=run.id,
    )
    lake = work.workspace.lake
    work.workspace.runs.do(run, lambda folder: lake.write(folder, "worklist", drawing.to_table(drawn)))
    return drawn, run


def _only(table: pa.Table, column: str, values: Collection[str], *, keep: bool = True) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_in(table[column], value_set=pa.array(sorted(values), pa.string()))
    return table.filter(found if keep else pc.invert(found))


def signal_of(work: Work, source: str, subject: Subject) -> dict[str, Any]:
    """Return the current signal of a subject as a mapping of `core.tables.signals_schema`.

    Raises
    ------
    NotFoundError
        If the subject has no signal in the latest run.
    """
    import pyarrow.compute as pc

    current = latest(work, source)
    found = current.table.filter(pc.equal(current.table["subject"], str(subject)))
    if not found.num_rows:
        raise NotFoundError(
            f"aucun indice pour {work.card.noun} « {subject.key} » dans la source « {source} ».",
            fix=f"Vérifiez l'identifiant : ./eclaireur worklist {work.card.name} --source {source}",
        )
    row: dict[str, Any] = found.to_pylist()[0]
    return row


def explain(work: Work, source: str, text: str) -> tuple[Block, ...]:
    """Return the sheet of a subject: what is said of it, why, and what is known."""
    from eclaireur.core import french

    refuse_stopped(work)
    subject = work.case.identify(text)
    row = signal_of(work, source, subject)
    current = latest(work, source)
    score = (
        f"risque estimé : {french.percent(row['score'])}"
        if row["calibrated"]
        else f"rang {french.number(row['rank'])} sur {french.number(current.table.num_rows)}"
    )
    head = Facts(
        title=row["name"] or subject.key,
        pairs=(
            ("Identifiant", subject.key),
            ("Indice", score),
            ("Rang", f"{french.number(row['rank'])} sur {french.number(current.table.num_rows)}"),
            ("Secteur", row["area"] or "–"),
            ("Calcul", f"au {french.day(row['as_of'])}, modèle n° {row['model']}, calcul {row['run']}"),
        ),
    )
    reasons = Reasons(
        title=f"Pourquoi cet {work.card.noun} ?" if work.card.noun[0] in "aeiouéèêhy" else "Pourquoi ?",
        reasons=tuple(
            Reason(
                theme=reason["theme"],
                sentence=reason["sentence"],
                weight=reason["weight"],
                observed=reason["observed"],
                source=reason["source"],
            )
            for reason in row["reasons"]
        ),
        caution=" ".join(work.card.limits),
    )
    said = mentions(work.card, contact_of(work.workspace, work.card))
    mention = Facts(title="Mention légale", pairs=tuple(said.items()))
    return (head, reasons, *work.case.sheet(subject, current.records.tables), mention)
