"""What people said of sentences: published topics, corrections of agents, passages that they labelled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eclaireur.core.types import Origin

if TYPE_CHECKING:
    from eclaireur.core.case import Records

__all__ = ["taught"]

_PASSAGE = re.compile(r"document:(?P<letter>.+)@(?P<start>\d+)-(?P<end>\d+)")


def taught(records: Records) -> dict[str, dict[str, Any]]:
    """Return each sentence that a person judged, by subject, with the last answer given.

    An outcome speaks of a sentence of the base, or of a passage of a letter, as the annotation page names it
    (``document:NUMBER@start-end``). Its value names topics, apart by a space; label 0 says that none fits. A
    label 1 without a known topic only says that there is one: ``taught`` is then false, nothing is learnt.
    """
    names = {name for row in records["sentences"].to_pylist() for name in row["labels"]}
    found = {
        row["subject"]: row | {"origin": str(Origin.DECISION), "observer": None, "topic": bool(row["labels"])}
        for row in records["sentences"].to_pylist()
    }
    letters = {row["number"]: row for row in records["letters"].to_pylist()}
    for row in sorted(records["outcomes"].to_pylist(), key=lambda one: (one["known"], one["outcome"])):
        base = found.get(row["subject"]) or _passage(row["subject"], letters)
        if base is None:
            continue
        given = [one for one in str(row["value"] or "").split() if one in names]
        found[row["subject"]] = base | {
            "labels": (given or base["labels"]) if row["label"] else [],
            "known": max(row["known"], base["observed"]),
            "topic": bool(row["label"]),
            "origin": row["origin"] or str(Origin.OUTCOME),
            "observer": row["observer"],
        }
    for one in found.values():
        one["taught"] = one["topic"] == bool(one["labels"])
    return found


def _passage(subject: str, letters: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Cut a passage out of its letter; None when there is no such letter, or no such place in it."""
    named = _PASSAGE.fullmatch(subject)
    letter = letters.get(named["letter"]) if named else None
    if named is None or letter is None:
        return None
    text = " ".join(letter["text"][int(named["start"]) : int(named["end"])].split())
    if not text:
        return None
    day = letter["observed"]
    return {"subject": subject, "sentence": text, "labels": [], "other": [], "observed": day, "known": day}
