"""Files of Label Studio and BRAT, read as who said what of which characters; what is no label is told.

Nothing of a file is believed here but its own form: see `annotation_import` for what becomes of it.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from eclaireur.core.errors import FileRefusedError
from eclaireur.desk.annotation_files import SPAN, UNSURE

__all__ = ["Refused", "Said", "read"]

_MOST_FILES = 20_000
_MOST_BYTES = 200 * 2**20
_RATIO = 200
_LABELS = "labels"
_HOW = "Exportez de nouveau en JSON depuis Label Studio, ou en .txt et .ann depuis BRAT (ZIP)."
_ENTITY = re.compile(r"(T\d+)\t(\S+) (\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)\t(.*)")
_ATTRIBUTE = re.compile(r"[AM]\d+\t(\S+) (T\d+)\b")
_OTHERS = {
    "R": "une relation",
    "*": "une équivalence",
    "E": "un événement",
    "N": "un renvoi",
    "A": "un attribut",
    "M": "un attribut",
    "#": "une note",
}
"""Lines of BRAT that are no label of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A label that somebody gave to characters ``[start, end)`` of a document, as a file says it.

    ``act`` names the annotation, or the file, that says it: what one person says in two may differ. ``span``
    tells words that were chosen here, ``pieces`` in how many the file says them.
    """

    where: str
    act: str
    who: str
    document: str
    start: int
    end: int
    text: str
    label: str
    unsure: bool = False
    span: bool = False
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of a file that was left out: where, and why in French; ``conflict`` when two are said."""

    where: str
    why: str
    conflict: bool = False


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


# --- Label Studio


def _label_studio(tasks: list[Any], refused: list[Refused]) -> Iterator[Said]:
    acts = 0
    for number, task in enumerate(tasks, start=1):
        where = f"tâche {number}"
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("document"), str):
            refused.append(
                Refused(where, "elle ne dit pas de quel document elle parle : ajoutez data.document.")
            )
            continue
        for made in _listed(task.get("annotations") or task.get("completions"), where, refused):
            if not isinstance(made, dict):
                refused.append(
                    Refused(where, "une de ses annotations est illisible : exportez-la de nouveau.")
                )
                continue
            who = _person(made.get("completed_by"))
            if made.get("was_cancelled"):
                refused.append(Refused(where, f"l'annotation de « {who} » y est annulée : elle est laissée."))
                continue
            acts += 1
            for at, region in enumerate(_listed(made.get("result"), where, refused), start=1):
                said = _region(f"{where}, région {at}", who, data["document"], region, refused)
                yield from (replace(one, act=str(acts)) for one in said)


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
    kind = str(region.get("type", _LABELS))[:40] if isinstance(region, dict) else _LABELS
    if kind != _LABELS:
        refused.append(Refused(where, f"c'est « {kind} », pas une étiquette de texte : elle est laissée."))
        return
    labels, start, end = value.get("labels"), value.get("start"), value.get("end")
    if not isinstance(labels, list) or not labels or type(start) is not int or type(end) is not int:
        refused.append(
            Refused(where, "sans étiquettes, début ou fin lisibles : donnez-les, ou exportez-la de nouveau.")
        )
        return
    meta = region.get("meta")
    notes = meta.get("text") if isinstance(meta, dict) else None
    noted = {str(one).lower() for one in notes} if isinstance(notes, list) else set()
    text = value.get("text")
    for label in labels:
        yield Said(
            where=where,
            act="",
            who=who,
            document=document,
            start=start,
            end=end,
            text=text if isinstance(text, str) else "",
            label=str(label),
            unsure=UNSURE.lower() in noted,
            span=SPAN.lower() in noted,
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
    told = {(one[1], one[2]) for line in lines if (one := _ATTRIBUTE.match(line))}
    for number, line in enumerate(lines, start=1):
        where = f"{file}, ligne {number}"
        if not line.startswith("T"):
            attribute = _ATTRIBUTE.match(line)
            if line.strip() and not (attribute and attribute[1] in {UNSURE, SPAN}):
                other = _OTHERS.get(line[0], "une ligne inconnue")
                refused.append(
                    Refused(where, f"c'est {other}, pas une étiquette de texte : elle est laissée.")
                )
            continue
        found = _ENTITY.fullmatch(line)
        if found is None:
            refused.append(
                Refused(where, "cette ligne n'est pas une étiquette de BRAT : exportez de nouveau.")
            )
            continue
        spans = [tuple(map(int, one.split())) for one in found[3].split(";")]
        yield Said(
            where=where,
            act=file,
            who=who,
            document=document,
            start=min(start for start, _ in spans),
            end=max(end for _, end in spans),
            text=found[4],
            label=found[2],
            unsure=(UNSURE, found[1]) in told,
            span=(SPAN, found[1]) in told,
            pieces=len(spans),
        )
