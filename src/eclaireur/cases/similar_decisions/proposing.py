"""Whether each decision is in a series, proposed beside the start of its reasons, for an agent to confirm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.cases.similar_decisions import model as modelling
from eclaireur.cases.similar_decisions.sections import sections
from eclaireur.core.tables import proposals_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.similar_decisions.model import Route

__all__ = ["LABELS", "answered", "proposals"]

LABELS = {"serie": "appartient à une série", "seule": "seule, sans série"}
"""What is proposed: code → what is shown."""

_SHOWN = re.compile(r"document:(?P<subject>document:.+)@\d+-\d+")
_READ = 700
_SURE = 0.8
"""Chance from which the model does not hesitate between the two."""


def proposals(decisions: pa.Table, route: Route) -> pa.Table:
    """Propose for each decision whether it is in a series, judged against all those known by its own day.

    The passage is the start of its reasons, where decisions of a series say the same; the page of the
    document shows the whole, its closest decisions and what differs.
    """
    import numpy as np
    import pyarrow as pa

    size = decisions.num_rows
    judged = modelling.judge(decisions, np.arange(size), decisions["observed"].to_pylist())
    rows = []
    for subject, text, chance in zip(
        decisions["subject"].to_pylist(),
        decisions["texte"].to_pylist(),
        route.chances(judged.features).tolist(),
        strict=True,
    ):
        start, end = _passage(text)
        inside = chance >= 1 - chance
        own = max(chance, 1 - chance)
        rows.append(
            {
                "document": subject,
                "start": start,
                "end": end,
                "text": " ".join(text[start:end].split()),
                "labels": ["serie" if inside else "seule"],
                "chance": own,
                "sure": own >= _SURE,
            }
        )
    return pa.Table.from_pylist(rows, schema=proposals_schema())


def answered(row: Mapping[str, Any]) -> tuple[str, float]:
    """Return the decision of which an outcome speaks, and whether it is in a series.

    The annotation page names the passage that it showed, ``document:SUBJECT@start-end``, and the answer.

    >>> answered({"subject": "document:document:1 2021-11-24@8-90", "value": "seule", "label": 1.0})
    ('document:1 2021-11-24', 0.0)
    """
    named = _SHOWN.fullmatch(row["subject"])
    if named is None:
        return row["subject"], row["label"]
    return named["subject"], float("serie" in str(row["value"] or "").split())


def _passage(text: str) -> tuple[int, int]:
    parts = {one.kind: one for one in sections(text)}
    start = parts["motifs"].start if "motifs" in parts else 0
    end = min(len(text), start + _READ)
    return start, text.rfind(" ", start + 1, end) if end < len(text) and " " in text[start + 1 : end] else end
