"""Annotations made with Label Studio or BRAT, read back: each label is put on what it covers.

That is a sentence of the case, or the very words. Nothing of a file is believed: offsets are compared with
the text that they claim, labels with those of the case. What cannot be put anywhere, and what one person
says in two ways, is told line by line, and the rest goes on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from eclaireur.desk.access import Action
from eclaireur.desk.annotation_files import safe
from eclaireur.desk.annotation_reading import Refused, read
from eclaireur.desk.annotations import annotate, place_of, standing
from eclaireur.desk.documents import known_of, text_of
from eclaireur.desk.finding import documents_of
from eclaireur.desk.models import AnnotationFile
from eclaireur.desk.spans import LONGEST, flat, passage_of, shown

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.desk.annotation_reading import Said
    from eclaireur.desk.models import User
    from eclaireur.service.annotating import Passage, Proposals
    from eclaireur.service.indexing import Origin

__all__ = ["Placed", "bring", "place"]

_MOST_KEPT = 50_000
_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Labels of one person on one sentence, or on words that they chose (``span``).

    ``partly`` tells that the sentence has them from a part of it; ``where``, the place of the file.
    """

    where: str
    who: str
    passage: Passage
    labels: tuple[str, ...]
    span: bool
    unsure: bool
    partly: bool


def bring(
    user: User,
    card: Card,
    reach: Reach,
    origin: Origin,
    proposals: Proposals,
    name: str,
    content: bytes,
    *,
    widen: bool = False,
    renew: bool = False,
) -> dict[str, Any]:
    """Record what a file says, under the names of its annotators; what is there already is not added again.

    Parameters
    ----------
    widen
        Give a label on a part of a sentence to the whole sentence; by default, it stays on its words.
    renew
        Replace what the same people had said of the same passage; by default, that is a conflict, told and
        left out.

    Returns
    -------
    dict
        ``added``, ``known``, ``spans`` (added on words) and ``partly`` (given to the whole sentence from a
        part of it), numbers of passages; ``refused``, a list of places and reasons, ``conflicts`` of which
        come first.

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

    known = {
        (row.login, row.key, row.span): (tuple(sorted(row.labels)), row.unsure)
        for row in standing(reach, card.name)
    }
    counts = dict.fromkeys(("added", "known", "spans", "partly"), 0)
    with transaction.atomic():
        for one in place(said, proposals, text, refused, widen=widen):
            before = known.get((one.who, one.passage.key, one.span))
            if before == (one.labels, one.unsure):
                counts["known"] += 1
                continue
            if before is not None and not renew:
                refused.append(Refused(one.where, _against(one, before, proposals.labels), conflict=True))
                continue
            annotate(
                user,
                card,
                places[one.passage.document],
                one.passage,
                proposals,
                one.labels,
                span=one.span,
                unsure=one.unsure,
                external=one.who,
                batch=batch,
            )
            counts["added"] += 1
            counts["spans"] += one.span
            counts["partly"] += one.partly
        # What is in conflict is shown first: a page has no room for all lines.
        refused.sort(key=lambda one: not one.conflict)
        lines = [[one.where, one.why] for one in refused]
        AnnotationFile.objects.update_or_create(
            user=user,
            case=card.name,
            defaults={
                "name": name[-_NAME:] or "fichier",
                "batch": batch,
                "refused": lines[:_MOST_KEPT],
                "at": timezone.now(),
            },
        )
    return {**counts, "conflicts": sum(one.conflict for one in refused), "refused": lines}


def _against(one: Placed, before: tuple[tuple[str, ...], bool], names: Mapping[str, str]) -> str:
    return (
        f"conflit : « {one.who} » avait dit « {_told(*before, names)} », et le fichier dit "
        f"« {_told(one.labels, one.unsure, names)} » ; demandez de remplacer, ou corrigez le fichier."
    )


def _told(labels: Iterable[str], unsure: bool, names: Mapping[str, str]) -> str:  # noqa: FBT001 - said of both
    found = shown(labels, names) or "aucune étiquette"
    return f"{found}, incertain" if unsure else found


def place(
    said: Iterable[Said],
    proposals: Proposals,
    text_of: Callable[[str], str | None],
    refused: list[Refused],
    *,
    widen: bool = False,
) -> list[Placed]:
    """Put labels on the sentences or words that they cover, one `Placed` a person and a passage.

    Parameters
    ----------
    text_of
        Gives the text of a document within the reach of the person; None when it is not.
    refused
        What cannot be put anywhere is added to it, and what a person says of a passage in two ways.
    widen
        As in `bring`.
    """
    names = {safe(name): name for name in proposals.by_document}
    codes = _codes(proposals.labels)
    texts: dict[str, str | None] = {}
    found: defaultdict[tuple[str, str, bool], dict[tuple[str, int, int], Placed]] = defaultdict(dict)
    for one in said:
        document = one.document if one.document in proposals.by_document else names.get(one.document, "")
        if document not in texts:
            texts[document] = text_of(document) if document else None
        text = texts[document]
        code = codes.get(one.label.casefold(), "")
        put = _put(one, document, text, code, proposals.by_document.get(document, ()), widen=widen)
        if isinstance(put, str):
            refused.append(Refused(one.where, put))
            continue
        ways = found[one.who, put.passage.key, put.span]
        way = (one.act, one.start, one.end)
        ways[way] = _both(ways[way], put) if way in ways else put
    placed = []
    for ways in found.values():
        first, *others = ways.values()
        placed.append(first)
        other = next((o for o in others if (o.labels, o.unsure) != (first.labels, first.unsure)), None)
        if other is not None:
            placed.pop()
            why = _twice(first, other, proposals.labels)
            refused.append(Refused(f"{first.where} et {other.where}", why, conflict=True))
    return placed


def _both(one: Placed, other: Placed) -> Placed:
    labels = tuple(sorted({*one.labels, *other.labels}))
    return replace(one, labels=labels, unsure=one.unsure or other.unsure)


def _twice(one: Placed, other: Placed, names: Mapping[str, str]) -> str:
    what = "aux mêmes mots" if one.span else "à la même phrase"
    return (
        f"conflit : « {one.who} » donne {what} « {_told(one.labels, one.unsure, names)} », puis "
        f"« {_told(other.labels, other.unsure, names)} » ; gardez l'une des deux."
    )


def _put(
    one: Said, document: str, text: str | None, code: str, passages: Iterable[Passage], *, widen: bool
) -> Placed | str:
    """Return the passage on which a label goes, or why it goes nowhere and what to do."""
    if text is None:
        return f"document inconnu : « {one.document[:80]} » ; donnez-lui son numéro d'ici."
    if not code:
        return f"étiquette inconnue : « {one.label[:80]} » ; prenez celles de la page."
    if not 0 <= one.start < one.end <= len(text):
        return "hors du texte du document : annotez le texte exporté d'ici."
    covered = flat(text[one.start : one.end])
    if one.text and flat(one.text) != covered:
        return (
            "elle est en plusieurs morceaux : étiquetez chacun à part."
            if one.pieces > 1
            else "le texte du document n'est plus celui qui a été annoté : annotez-le de nouveau."
        )
    passage = None if one.span else _covering(passages, one.start, one.end, covered, widen=widen)
    if passage is None and widen and not one.span:
        return "elle va d'une phrase à l'autre : étiquetez chaque phrase."
    if passage is None and not covered:
        return "elle ne couvre aucun mot : annotez le texte exporté d'ici."
    if passage is None and len(covered) > LONGEST:
        return f"elle couvre plus de {LONGEST} caractères : étiquetez-en les mots qui comptent."
    made = passage or _words(document, text, one.start, one.end)
    return Placed(
        where=one.where,
        who=one.who,
        passage=made,
        labels=(code,),
        span=passage is None,
        unsure=one.unsure,
        partly=passage is not None and flat(passage.text) != covered,
    )


def _words(document: str, text: str, start: int, end: int) -> Passage:
    inside = text[start:end]
    return passage_of(document, text, end - len(inside.lstrip()), start + len(inside.rstrip()))


def _codes(labels: Mapping[str, str]) -> dict[str, str]:
    """Return every way a tool may write a label, and its code."""
    ways = {name.casefold(): code for code, name in labels.items()}
    ways |= {safe(code).casefold(): code for code in labels}
    return ways | {code.casefold(): code for code in labels}


def _covering(
    passages: Iterable[Passage], start: int, end: int, covered: str, *, widen: bool
) -> Passage | None:
    """Return the passage that says the same, or else, to widen, the only one in which a label lies."""
    near = [one for one in passages if one.start < end and start < one.end]
    for one in near:
        if flat(one.text) == covered:
            return one
    lies = widen and len(near) == 1 and near[0].start <= start and end <= near[0].end
    return near[0] if lies else None
