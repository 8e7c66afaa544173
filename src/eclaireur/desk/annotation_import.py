"""Annotations made with Label Studio or BRAT, read back: each label is put on the sentence that it covers.

Nothing of a file is believed: offsets are compared with the text that they claim, labels with those of the
case. What cannot be put anywhere is told line by line, and the rest goes on.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from eclaireur.core.errors import FileRefusedError
from eclaireur.desk.access import Action
from eclaireur.desk.annotation_files import UNSURE, safe
from eclaireur.desk.annotations import annotate, place_of, standing
from eclaireur.desk.documents import known_of, text_of
from eclaireur.desk.finding import documents_of

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import User
    from eclaireur.service.annotating import Passage, Proposals
    from eclaireur.service.indexing import Origin

__all__ = ["Placed", "Refused", "Said", "bring", "place", "read"]

_MOST_FILES = 20_000
_MOST_BYTES = 200 * 2**20
_RATIO = 200
_HOW = "Exportez de nouveau en JSON depuis Label Studio, ou en .txt et .ann depuis BRAT (ZIP)."
_ENTITY = re.compile(r"(T\d+)\t(\S+) (\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)\t(.*)")
_ATTRIBUTE = re.compile(r"A\d+\t(\S+) (T\d+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A label that somebody gave to characters ``[start, end)`` of a document, as a file says it."""

    where: str
    who: str
    document: str
    start: int
    end: int
    text: str
    label: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of a file that was left out: where, and why in French."""

    where: str
    why: str


@dataclass(slots=True, kw_only=True)
class Placed:
    """Labels of one person on one passage."""

    who: str
    passage: Passage
    labels: set[str] = field(default_factory=set)
    unsure: bool = False
    partly: bool = False


def read(name: str, content: bytes) -> tuple[list[Said], list[Refused]]:
    """Read a file of Label Studio (JSON) or of BRAT (ZIP).

    Raises
    ------
    FileRefusedError
        If it is neither, or too large once opened.
    """
    refused: list[Refused] = []
    if content[:4] == b"PK\x03\x04":
        return list(_brat(name, content, refused)), refused
    try:
        tasks = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileRefusedError(
            "ce fichier n'est ni du JSON de Label Studio, ni une archive ZIP de BRAT.", file=name, fix=_HOW
        ) from error
    tasks = tasks if isinstance(tasks, list) else [tasks]
    if not any(isinstance(one, dict) and isinstance(one.get("data"), dict) for one in tasks):
        raise FileRefusedError("ce JSON n'a aucune tâche de Label Studio.", file=name, fix=_HOW)
    return list(_label_studio(tasks, refused)), refused


def bring(
    user: User, card: Card, reach: Reach, origin: Origin, proposals: Proposals, name: str, content: bytes
) -> dict[str, Any]:
    """Record what a file says, under the names of its annotators; what is there already is not added again.

    Returns
    -------
    dict
        ``added``, ``known`` and ``partly`` (given to the whole sentence from a part of it), numbers of
        passages; ``refused``, a list of places and reasons.

    Raises
    ------
    FileRefusedError
        If the file is not one of these tools.
    """
    said, refused = read(name, content)
    batch = hashlib.sha256(content).hexdigest()
    places: dict[str, tuple[str, str]] = {}

    def text(document: str) -> str | None:
        found = documents_of(card, reach, [document]).get(document)
        where = place_of(card, reach, found, Action.DECIDE) if found is not None else None
        if found is None or where is None:
            return None
        places[document] = where
        return text_of(found, known_of(card.name, origin, document)).text

    known = {(row.login, row.key): (sorted(row.labels), row.unsure) for row in standing(reach, card.name)}
    added = there = partly = 0
    with transaction.atomic():
        for one in place(said, proposals, text, refused):
            passage, labels = one.passage, sorted(one.labels)
            if known.get((one.who, passage.key)) == (labels, one.unsure):
                there += 1
                continue
            annotate(
                user,
                card,
                places[passage.document],
                passage,
                proposals,
                labels,
                unsure=one.unsure,
                external=one.who,
                batch=batch,
            )
            added += 1
            partly += one.partly
    return {
        "added": added,
        "known": there,
        "partly": partly,
        "refused": [[one.where, one.why] for one in refused],
    }


# --- Label Studio


def _label_studio(tasks: list[Any], refused: list[Refused]) -> Iterator[Said]:
    for number, task in enumerate(tasks, start=1):
        where = f"tâche {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("document"), str):
            refused.append(
                Refused(where, "elle ne dit pas de quel document elle parle : ajoutez data.document.")
            )
            continue
        for made in _listed(task.get("annotations") or task.get("completions"), where, refused):
            if not isinstance(made, dict) or made.get("was_cancelled"):
                continue
            who = _person(made.get("completed_by"))
            for at, region in enumerate(_listed(made.get("result"), where, refused), start=1):
                yield from _region(f"{where}, région {at}", who, data["document"], region, refused)


def _listed(found: Any, where: str, refused: list[Refused]) -> list[Any]:
    if isinstance(found, list) or not found:
        return found or []
    refused.append(Refused(where, "ses annotations ne sont pas une liste : exportez-les de nouveau."))
    return []


def _person(told: Any) -> str:
    if isinstance(told, dict):
        told = told.get("email") or told.get("username") or told.get("id")
    return str(told)[:80] if isinstance(told, str | int) and str(told).strip() else "inconnu"


def _region(where: str, who: str, document: str, region: Any, refused: list[Refused]) -> Iterator[Said]:
    value = region.get("value") if isinstance(region, dict) else None
    value = value if isinstance(value, dict) else {}
    labels, start, end = value.get("labels"), value.get("start"), value.get("end")
    if not isinstance(labels, list) or type(start) is not int or type(end) is not int:
        kind = region.get("type", "labels") if isinstance(region, dict) else "labels"
        why = (
            "sans étiquettes, début ou fin lisibles : exportez-la de nouveau."
            if kind == "labels"
            else f"« {str(kind)[:40]} » n'est pas une étiquette de texte : elle est laissée."
        )
        refused.append(Refused(where, why))
        return
    meta = region.get("meta")
    notes = meta.get("text") if isinstance(meta, dict) else None
    unsure = isinstance(notes, list) and UNSURE.lower() in [str(one).lower() for one in notes]
    text = value.get("text")
    for label in labels:
        yield Said(
            where=where,
            who=who,
            document=document,
            start=start,
            end=end,
            text=text if isinstance(text, str) else "",
            label=str(label),
            unsure=unsure,
        )


# --- BRAT


def _brat(name: str, content: bytes, refused: list[Refused]) -> Iterator[Said]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [one for one in archive.infolist() if one.filename.endswith(".ann")]
            size = sum(one.file_size for one in entries)
            if len(entries) > _MOST_FILES or size > min(_MOST_BYTES, _RATIO * len(content)):
                raise FileRefusedError(
                    "cette archive est trop grande une fois ouverte.",
                    file=name,
                    fix="Envoyez les annotations d'une personne à la fois.",
                )
            if not entries:
                raise FileRefusedError("cette archive n'a aucun fichier .ann.", file=name, fix=_HOW)
            for entry in entries:
                folder, _, document = entry.filename[: -len(".ann")].rpartition("/")
                lines = archive.read(entry).decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
                who = folder.rpartition("/")[2][:80] or "inconnu"
                yield from _ann(entry.filename, who, document, lines, refused)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        RuntimeError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        raise FileRefusedError("cette archive ZIP est illisible.", file=name, fix=_HOW) from error


def _ann(file: str, who: str, document: str, lines: list[str], refused: list[Refused]) -> Iterator[Said]:
    unsure = {one[2] for line in lines if (one := _ATTRIBUTE.match(line)) and one[1] == UNSURE}
    for number, line in enumerate(lines, start=1):
        if not line.startswith("T"):
            continue
        where = f"{file}, ligne {number}"
        found = _ENTITY.fullmatch(line)
        if found is None:
            refused.append(
                Refused(where, "cette ligne n'est pas une étiquette de BRAT : exportez de nouveau.")
            )
            continue
        spans = [tuple(map(int, one.split())) for one in found[3].split(";")]
        yield Said(
            where=where,
            who=who,
            document=document,
            start=min(start for start, _ in spans),
            end=max(end for _, end in spans),
            text=found[4],
            label=found[2],
            unsure=found[1] in unsure,
        )


# --- Putting them on passages


def place(
    said: Iterable[Said],
    proposals: Proposals,
    text_of: Callable[[str], str | None],
    refused: list[Refused],
) -> list[Placed]:
    """Put labels on the sentences that they cover, one `Placed` a person and a passage.

    Parameters
    ----------
    text_of
        Gives the text of a document within the reach of the person; None when it is not.
    refused
        What cannot be put anywhere is added to it.
    """
    names = {safe(name): name for name in proposals.by_document}
    codes = _codes(proposals.labels)
    texts: dict[str, str | None] = {}
    found: dict[tuple[str, str], Placed] = {}
    for one in said:
        document = one.document if one.document in proposals.by_document else names.get(one.document, "")
        if document not in texts:
            texts[document] = text_of(document) if document else None
        text = texts[document]
        code = codes.get(one.label.casefold(), "")
        passage = _passage(one, text, code, proposals.by_document.get(document, ()))
        if isinstance(passage, str):
            refused.append(Refused(one.where, passage))
            continue
        made = found.setdefault((one.who, passage.key), Placed(who=one.who, passage=passage))
        made.labels.add(code)
        made.unsure |= one.unsure
        made.partly |= _flat(passage.text) != _flat((text or "")[one.start : one.end])
    return list(found.values())


def _passage(one: Said, text: str | None, code: str, passages: Iterable[Passage]) -> Passage | str:
    """Return the passage on which a label goes, or why it goes nowhere and what to do."""
    if text is None:
        return f"document inconnu : « {one.document[:80]} » ; donnez-lui son numéro d'ici."
    if not code:
        return f"étiquette inconnue : « {one.label[:80]} » ; prenez celles de la page."
    if not 0 <= one.start < one.end <= len(text):
        return "hors du texte du document : annotez le texte exporté d'ici."
    covered = _flat(text[one.start : one.end])
    if one.text and _flat(one.text) != covered:
        return "le texte du document n'est plus celui qui a été annoté : annotez-le de nouveau."
    found = _covering(passages, one.start, one.end, covered)
    return found or "elle va d'une phrase à l'autre : étiquetez chaque phrase."


def _flat(text: str) -> str:
    return " ".join(text.split())


def _codes(labels: Mapping[str, str]) -> dict[str, str]:
    """Return every way a tool may write a label, and its code."""
    ways = {name.casefold(): code for code, name in labels.items()}
    ways |= {safe(code).casefold(): code for code in labels}
    return ways | {code.casefold(): code for code in labels}


def _covering(passages: Iterable[Passage], start: int, end: int, covered: str) -> Passage | None:
    """Return the passage that says the same, or else the only one in which a label lies."""
    near = [one for one in passages if one.start < end and start < one.end]
    for one in near:
        if _flat(one.text) == covered:
            return one
    return near[0] if len(near) == 1 and near[0].start <= start and end <= near[0].end else None
