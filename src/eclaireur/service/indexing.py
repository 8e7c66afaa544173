"""The index of a case: its documents, as its card declares them, ready to be searched and read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.service import annotating, corpora, searching, training, work as working

if TYPE_CHECKING:
    from eclaireur.core.workspace import Workspace
    from eclaireur.service.work import RecordsRun, Work

__all__ = ["Origin", "index_case", "index_origin", "indexed_records"]

_STAGE = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the index of a case was made from: source, records, model in service then, days."""

    source: str
    run: str
    model: int
    data_date: date
    made: date
    documents: int


def index_case(work: Work, source: str, *, encoder: str = "") -> tuple[int, tuple[str, ...]]:
    """Make the index of a case from a source; return how many documents it holds, and what to tell.

    The model in service is made first when there is none, and the labels that it proposes are kept: no page
    has to wait for them.

    Parameters
    ----------
    encoder
        As `searching.build`.

    Raises
    ------
    ConfigError
        If the card does not say what is indexed.
    ExtraMissingError
        If the full-text search is not installed.
    """
    records = working.ensure_records(work, source)
    corpus = corpora.from_records(work.card, records.tables)
    model = training.ensure_model(work, records, source)
    annotating.prepare(work, records, model.card, source)
    count = searching.build(
        work.workspace,
        work.card.name,
        corpus.documents,
        corpus.facets,
        encoder=encoder,
        progress=work.progress,
    )
    config = {
        "source": source,
        "model": model.card.number,
        "data_date": work.case.data_date(records.tables).isoformat(),
        "made": work.workspace.clock().date().isoformat(),
        "documents": count,
    }
    run = work.run(_STAGE, config=config, inputs=(records.run.id,))
    work.workspace.runs.do(run, lambda _: None)
    return count, corpus.notes


def index_origin(workspace: Workspace, case: str) -> Origin | None:
    """Return what the index of a case was last made from; None when `index_case` never made it."""
    run = workspace.runs.latest(case, _STAGE)
    if run is None or case not in searching.names(workspace):
        return None
    return Origin(
        source=str(run.config["source"]),
        run=run.inputs[0],
        model=int(run.config["model"]),
        data_date=date.fromisoformat(run.config["data_date"]),
        made=date.fromisoformat(run.config["made"]),
        documents=int(run.config["documents"]),
    )


def indexed_records(work: Work, origin: Origin) -> RecordsRun:
    """Return the records from which an index was made, as they were then."""
    return working.stored_records(work, origin.run)
