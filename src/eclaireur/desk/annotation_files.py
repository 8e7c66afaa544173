"""Annotations as files that other tools read: tasks of Label Studio, and documents of BRAT."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclaireur.desk.models import Annotation

__all__ = ["SPAN", "UNSURE", "brat", "label_studio", "safe"]

_STAMP = (1980, 1, 1, 0, 0, 0)
UNSURE = "Incertain"
"""Attribute of BRAT, and note of Label Studio, of an annotation about which somebody hesitates."""
SPAN = "Passage"
"""Likewise, of words that somebody chose: even those of a whole sentence are not the sentence."""


def label_studio(rows: Sequence[Annotation], texts: Mapping[str, str]) -> bytes:
    """Return annotations as the JSON that Label Studio imports: one task a document, one annotation a person.

    Offsets are characters of the text. A passage to which no label fits is not in the result: Label Studio
    has no word for it; what the model proposed is under ``predictions``.

    Parameters
    ----------
    texts
        Text of each document.
    """
    tasks = []
    for number, (document, mine) in enumerate(_by_document(rows).items(), start=1):
        text = texts[document]
        people: defaultdict[tuple[str, str], list[Annotation]] = defaultdict(list)
        for row in mine:
            people[row.login, row.external].append(row)
        tasks.append(
            {
                "id": number,
                "data": {"text": text, "document": document},
                "annotations": [
                    {
                        "completed_by": {"email": login},
                        "result": [_region(row, text, row.labels) for row in found if row.labels],
                        "was_cancelled": False,
                    }
                    for (login, _), found in sorted(people.items())
                ],
                "predictions": [
                    {
                        "model_version": f"modèle n° {mine[0].model}",
                        "result": [
                            _region(row, text, row.proposed)
                            for row in {row.key: row for row in mine if not row.span}.values()
                            if row.proposed
                        ],
                    }
                ],
            }
        )
    return json.dumps(tasks, ensure_ascii=False, indent=1).encode()


def _region(row: Annotation, text: str, labels: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": f"{row.start}-{row.end}{'-passage' if row.span else ''}",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {
            "start": row.start,
            "end": row.end,
            "text": text[row.start : row.end],
            "labels": list(labels),
        },
    }
    if notes := [note.lower() for note, on in ((UNSURE, row.unsure), (SPAN, row.span)) if on]:
        found["meta"] = {"text": notes}
    return found


def brat(rows: Sequence[Annotation], texts: Mapping[str, str], names: Mapping[str, str]) -> bytes:
    """Return annotations as a ZIP for BRAT: a folder a person, ``.txt`` and ``.ann``, and the list of labels.

    BRAT knows neither a span over several lines nor a label of several words: a passage is given as one
    fragment a line, and codes are labels. ``Incertain`` and ``Passage`` are attributes.

    Parameters
    ----------
    names
        Code → what is shown, written as comments of ``annotation.conf``.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        people: defaultdict[tuple[str, str], list[Annotation]] = defaultdict(list)
        for row in rows:
            people[row.login, row.external].append(row)
        codes = {code: safe(code) for code in names}
        shown = [line for code, name in names.items() for line in (f"# {name}", codes[code])]
        conf = ["[entities]", *shown, "[relations]", "[events]", "[attributes]"]
        conf += [f"{name}\tArg:<ENTITY>" for name in (UNSURE, SPAN)]
        folders: set[str] = set()
        for (login, _), mine in sorted(people.items()):
            folder = _unique(safe(login), folders)
            _put(archive, f"{folder}/annotation.conf", "\n".join(conf) + "\n")
            taken: set[str] = set()
            for document, found in _by_document(mine).items():
                name = _unique(safe(document), taken)
                _put(archive, f"{folder}/{name}.txt", texts[document])
                _put(archive, f"{folder}/{name}.ann", _lines(found, texts[document], codes))
    return target.getvalue()


def _lines(rows: Sequence[Annotation], text: str, codes: Mapping[str, str]) -> str:
    lines = []
    at = told = 0
    for row in sorted(rows, key=lambda one: one.start):
        parts = [
            (row.start + one.start(), row.start + one.end())
            for one in re.finditer(r"[^\r\n]+", text[row.start : row.end])
        ]
        for label in row.labels:
            at += 1
            spans = ";".join(f"{start} {end}" for start, end in parts)
            said = " ".join(text[start:end] for start, end in parts)
            lines.append(f"T{at}\t{codes.get(label, safe(label))} {spans}\t{said}")
            for name, on in ((UNSURE, row.unsure), (SPAN, row.span)):
                if on:
                    told += 1
                    lines.append(f"A{told}\t{name} T{at}")
    return "".join(f"{line}\n" for line in lines)


def _by_document(rows: Sequence[Annotation]) -> dict[str, list[Annotation]]:
    found: defaultdict[str, list[Annotation]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (one.document, one.start, one.user.login)):
        found[row.document].append(row)
    return dict(found)


def safe(name: str) -> str:
    """Return a name without blanks or signs, as files and labels of BRAT want it."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:80] or "document"


def _unique(name: str, taken: set[str]) -> str:
    at, found = 2, name
    while found in taken:
        found, at = f"{name}-{at}", at + 1
    taken.add(found)
    return found


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # A fixed time: the same annotations give the same bytes.
    archive.writestr(zipfile.ZipInfo(name, _STAMP), text.encode(), zipfile.ZIP_DEFLATED)
