"""Personal data in what people write: where it is, of what kind, and the same text without it.

Numbers are in `personal_numbers`, names in `personal_names`; what both look for is data (``personal.toml``).
Too much is masked rather than too little: a number of nine digits that nothing explains is one of somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from eclaireur.bricks.intake.personal_names import names
from eclaireur.bricks.intake.personal_numbers import numbers
from eclaireur.bricks.semantic.outline import flat
from eclaireur.core.view import Mark

__all__ = ["LABELS", "find", "mask"]

LABELS = (
    "courriel", "IBAN", "NIR", "date de naissance", "téléphone", "numéro d'allocataire", "numéro fiscal",
    "numéro de pièce d'identité", "plaque", "adresse", "nom", "numéro de dossier",
)  # fmt: skip
"""What is found; where two overlap, the first of these is kept, then the longest."""

_AT = r"\s?(?:@|[(\[]\s?(?:at|arobase|a)\s?[)\]]|\sarobase\s|\sat\s)\s?"
_SAID_DOT = r"(?:\s?[(\[](?:dot|point)[)\]]\s?|\s(?:point|dot)\s)"
_DOT = rf"(?:\.|{_SAID_DOT}|\s\.\s?)"
_MAIL = re.compile(
    rf"(?<![\w.+-])[\w+-](?:[\w+.-]|{_SAID_DOT}(?=[\w+.-]{{1,40}}{_AT}))*{_AT}"
    rf"[\w-]+(?:{_DOT}[\w-]+){{0,3}}{_DOT}[a-z]{{2,10}}\b",
    re.IGNORECASE,
)
_MONTHS = "janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre"
_DAY = (
    r"(?:\d{1,2}\s?[/.\- ]\s?\d{1,2}\s?[/.\- ]\s?(?:\d{4}|\d{2})|\d{8}|"
    rf"(?:1er|\d{{1,2}})\s+(?:{_MONTHS})\s+(?:19|20)?\d{{2}}|(?:19|20)\d\d-\d\d-\d\d)(?!\d)"
)
_BORN = re.compile(
    r"\b(?:nee?s?(?:\(e\))?\b[^.;!?\n\d]{0,40}?|date de naissance\s*(?:est|:)?[^.;!?\n\d]{0,20}?|"
    rf"ddn\s*:?\s*|naissance\s*:\s*(?:le\s+)?)(?P<day>{_DAY})"
)
_WAY = (
    r"rue|avenue|av\.?|ave|boulevard|bd\.?|bld|place|pl\.|chemin|che?m?\.|impasse|imp\.|allees?|route|"
    r"rte\.?|quai|cours|square|residence|hameau|lieu[- ]dit|passage|villa|cite|esplanade|faubourg|fg|"
    r"sentier|montee|rond[- ]point|clos|domaine|lotissement"
)
_NAME = r"(?:[^\W\d_]|[’'.-])+"
_WORD = r"[^\W\d_](?:[^\W\d_]|[’'-])+"
_TOWN = (
    rf"(?:\s*[,–-]?\s*(?:\n\s*)?(?:f[- ])?\d{{2}}\s?\d{{3}}(?!\d)(?:\s+{_WORD}"
    rf"(?:[ -](?:sur|sous|en|les?|la|l'|du|de|des|saint|sainte)[ -]|[-])?(?:{_WORD})?)?)"
)
_ADDRESS = re.compile(
    rf"(?<![\d/])\d{{1,4}}\s?(?:bis|ter|quater|[a-d]\b)?\s?,?\s?(?:{_WAY})(?!\w)\s+{_NAME}"
    rf"(?:[ ]{_NAME}){{0,5}}?(?:{_TOWN}|(?=\s*[,;.!?\n)]|\s*$|"
    r"\s+(?:et|a|au|je|qui|depuis|pour|mais|ou|car|est|dans|avec)\b))"
)
_HOME = re.compile(
    r"\b(?:j'habite|nous habitons|j'habitais|domicilie[es]*|mon adresse(?: est| :)?|adresse\s*:|"
    rf"demeurant|resid\w+)\b(?P<place>[^.;!?\n\d]{{0,30}}?\d{{2}}\s?\d{{3}}(?!\d)(?:[ ,]+{_WORD}){{0,2}})"
)
_BOX = re.compile(r"\bB\.?P\.?\s?\d{1,5}\b")


def find(text: str, *, known: Iterable[str] = ()) -> tuple[Mark, ...]:
    """Return the personal data of a text in order, without overlap.

    Parameters
    ----------
    text
        Any text, as characters.
    known
        Names known from elsewhere, such as the sender's.

    Examples
    --------
    >>> text = "Je suis Mme Durand, née le 3 mai 1960, joignable au 06.12.34.56.78."
    >>> [(one.label, text[one.start : one.end]) for one in find(text)]
    [('nom', 'Durand'), ('date de naissance', '3 mai 1960'), ('téléphone', '06.12.34.56.78')]
    """
    if not text.strip():
        return ()
    plain = flat(text)
    marks = [
        *_mails(text),
        *_births(plain),
        *_addresses(text, plain),
        *numbers(text),
        *names(text, known=known),
    ]
    return _kept(marks)


def mask(text: str, marks: Sequence[Mark] | None = None) -> str:
    """Return a text whose personal data gave place to its kind.

    >>> mask("Rappelez Mme Durand au zéro six douze trente-quatre cinquante-six soixante-dix-huit.")
    'Rappelez Mme [nom] au [téléphone].'
    """
    found = find(text) if marks is None else marks
    pieces, at = [], 0
    for one in sorted(found, key=lambda one: one.start):
        if one.start < at:
            continue
        pieces += [text[at : one.start], f"[{one.label}]"]
        at = one.end
    return "".join([*pieces, text[at:]])


def _mails(text: str) -> Iterator[Mark]:
    if "@" in text or re.search(r"arobase|[(\[ ]at[)\] ]", text, re.IGNORECASE):
        for one in _MAIL.finditer(text):
            yield Mark(start=one.start(), end=one.end(), label="courriel")


def _births(plain: str) -> Iterator[Mark]:
    for one in _BORN.finditer(plain):
        yield Mark(start=one.start("day"), end=one.end("day"), label="date de naissance")


def _addresses(text: str, plain: str) -> Iterator[Mark]:
    for one in _ADDRESS.finditer(plain):
        yield Mark(start=one.start(), end=one.end(), label="adresse")
    for one in _HOME.finditer(plain):
        lead = len(one["place"]) - len(one["place"].lstrip(" :,"))
        yield Mark(start=one.start("place") + lead, end=one.end("place"), label="adresse", sure=False)
    for one in _BOX.finditer(text):
        yield Mark(start=one.start(), end=one.end(), label="adresse", sure=False)


def _kept(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Join marks that overlap under the first label: no character of either is shown."""
    rank = {label: place for place, label in enumerate(LABELS)}
    found: list[Mark] = []
    for one in sorted(marks, key=lambda one: (one.start, -one.end)):
        if one.end <= one.start:
            continue
        if not found or one.start >= found[-1].end:
            found.append(one)
            continue
        last = found[-1]
        first = min(last, one, key=lambda mark: (rank[mark.label], not mark.sure))
        found[-1] = Mark(start=last.start, end=max(last.end, one.end), label=first.label, sure=first.sure)
    return tuple(found)
