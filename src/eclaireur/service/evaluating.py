"""The evaluation of a case on its sources, kept in the lake like any other result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.engine import open_engine
from eclaireur.core.evaluation import block_from_json, block_to_json
from eclaireur.core.types import Evaluation, EvaluationBlock
from eclaireur.service import work as working

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["evaluate"]


def evaluate(work: Work, sources: Sequence[str]) -> Evaluation:
    """Evaluate a case on each source: held-out time, plain baselines, intervals, subgroups.

    A run already made is read back: the same data, code and seed give the same figures.
    """
    blocks: list[EvaluationBlock] = []
    for source in sources:
        blocks += _blocks(work, source)
    return Evaluation(case=work.card.name, blocks=tuple(blocks))


def _blocks(work: Work, source: str) -> tuple[EvaluationBlock, ...]:
    records = working.ensure_records(work, source)
    run = work.run("evaluate", config={"source": source}, inputs=(records.run.id,))

    def write(folder: Path) -> None:
        with open_engine(work.workspace.settings.engine, environ=work.workspace.environ) as engine:
            blocks = work.case.evaluate(
                source, records.tables, seed=work.seed, engine=engine, progress=work.progress
            )
        rows = [block_to_json(block) | {"run": run.id} for block in blocks]
        (folder / "evaluation.json").write_text(
            json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8"
        )

    address = work.workspace.runs.do(run, write)
    text = (work.workspace.lake.folder(address) / "evaluation.json").read_text(encoding="utf-8")
    return tuple(block_from_json(row) for row in json.loads(text))
