"""The sample: sheets of a made-up commune, with the questions that people ask of them."""

from __future__ import annotations

import json
import random
import tomllib
from datetime import date, timedelta
from pathlib import Path

__all__ = ["write"]

_FIRST = date(2024, 1, 8)
_LAST = date(2026, 6, 1)


def write(into: Path, *, seed: int) -> None:
    """Write ``fiches.jsonl``, ``questions.jsonl`` and ``guichets.jsonl``; the seed decides the days only."""
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    told = tomllib.loads(Path(__file__).with_name("sample.toml").read_text(encoding="utf-8"))
    held = told["sheet"]
    days = (_LAST - _FIRST).days
    sheets, questions = [], []
    for sheet in held:
        day = _FIRST + timedelta(days=draw.randrange(days // 2))
        kept = {name: sheet[name] for name in ("id", "title", "path", "audience", "text")}
        url = f"https://valmire.example/fiches/{sheet['id'].lower()}"
        sheets.append(kept | {"url": url, "updated": day.isoformat()})
        for number, question in enumerate(sheet["questions"], start=1):
            asked = day + timedelta(days=1 + draw.randrange(days // 2))
            questions.append(
                {
                    "id": f"{sheet['id']}-{number}",
                    "question": question,
                    "expected": sheet["id"],
                    "asked": asked.isoformat(),
                }
            )
    for name, rows in (("fiches", sheets), ("questions", questions), ("guichets", told["office"])):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (into / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
