"""Files of one document each, scored like the lines of one file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from eclaireur.cases.similar_decisions import reading, sample
from eclaireur.core.workspace import Workspace
from eclaireur.service import scoring
from eclaireur.service.work import Work


def test_a_folder_of_decisions_and_a_jsonl_of_them_score_alike(tmp_path: Path) -> None:
    clock = lambda: datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # noqa: E731
    work = Work.on(Workspace.open(tmp_path / "home", env={}, clock=clock), "similar_decisions")
    raw, folder = tmp_path / "raw", tmp_path / "folder"
    raw.mkdir()
    folder.mkdir()
    sample.write(raw, seed=7, count=150)
    rows = []
    for path in sorted(raw.iterdir())[:40]:
        (folder / path.name).write_bytes(path.read_bytes())
        row = reading.decision_rows(path)
        rows.append({key: str(row[key]) for key in ("numero", "date", "texte")})
    lines = tmp_path / "decisions.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    found = []
    for name, path in (("a", folder), ("b", lines)):
        scoring.score(work, "sample", input_path=path, output=tmp_path / f"{name}.parquet")
        found.append(pq.read_table(tmp_path / f"{name}.parquet"))
    columns = ["numero", "series", "similar", "nearest", "score"]
    assert found[0].select(columns).equals(found[1].select(columns))
    assert found[0]["series"].null_count < 40
    inside = set(found[0]["numero"].to_pylist())
    pairs = {
        (row["numero"], other)
        for row in found[0].to_pylist()
        for other in (row["similar"] or "").split()
        if other in inside
    }
    assert pairs
    assert pairs == {(right, left) for left, right in pairs}
