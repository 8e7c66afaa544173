"""Names of magistrates and clerks taken out of a decision, before anything else reads it.

Article L. 10 of the code de justice administrative (loi n° 2019-222, art. 33) forbids re-using
the identity of magistrates and members of the registry to assess, compare or predict their
practices. So no name of theirs enters the records, an index, a group, a neighbour or a score: each is
replaced by one same word, on the patterns with which decisions present them.
"""

from __future__ import annotations

import re

__all__ = ["NEUTRAL", "without_judges"]

NEUTRAL = "[magistrat]"
"""Stands for any name of a magistrate or of a member of the registry."""

_UPPER = "A-ZÀ-ÖØ-ÞŒ"
_ANY = "A-Za-zÀ-ÖØ-öø-ÿŒœ"
_WORD = rf"[{_UPPER}][{_ANY}'’.-]*"
_NAME = rf"{_WORD}(?:\s+(?:(?:de|du|des|la|le|van|von|d['’])\s*)*{_WORD})*"
_CIVIL = r"(?:MM\.?|M\.|Mmes?\.?|Mlle\.?|Monsieur|Madame)"
_PERSON = re.compile(rf"(?P<civil>{_CIVIL})\s+(?:de\s+la\s+|de\s+|du\s+|d['’]\s*|le\s+)?(?P<name>{_NAME})")

# Before the reasons: who reported, who concluded, who presided. What ends a name ends the pattern.
_REPORTED = re.compile(
    rf"\b(?:rapports?|conclusions?)\s+(?:de|:)\s+{_CIVIL}\s[^\n,;]{{1,120}}?(?=\s*(?:[,;\n]|$))",
    re.IGNORECASE,
)
_PRESIDING = re.compile(r"\b(?:présidée?\s+par|siégeai(?:en)?t|assistée?s?\s+de)\s*:?[^\n]+", re.IGNORECASE)
# What each pattern holds after its first letter: looked for as it is, which is far quicker.
_HINTS = (
    (_REPORTED, ("apport", "APPORT", "onclusion", "ONCLUSION")),
    (_PRESIDING, ("résidé", "RÉSIDÉ", "iégeai", "IÉGEAI", "ssisté", "SSISTÉ")),
)
# After the operative part: everything from the first of these lines on is signature.
_CLOSING = re.compile(
    r"\s*(?:d[ée]lib[ée]r[ée]\b|rendue? (?:publique )?(?:le|par)\b|lue? en |prononcée? |fait à |signée?\b|"
    r"ainsi (?:fait|jugé|ordonné)|l[ae] (?:président|rapporteur|secrétaire|greffi|conseill|juge)|"
    r"pour expédition|pour l[ae] secrétaire)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"\s*article\s+(?:1\s?er|premier|\d+)\b", re.IGNORECASE)
_PLAIN_NAME = re.compile(rf"[ \t]*(?P<name>{_WORD}(?:[ \t]+{_WORD}){{1,4}})[ \t]*")
_LONE = re.compile(rf"(?P<head>\bSignée?\s*:?\s*|\S[ \t]*:[ \t]+)(?!{_CIVIL})(?P<name>[{_UPPER}][^\n]*)")
_FULL_NAME = re.compile(rf"{_WORD}[a-zà-ÿ](?:[ \t]+{_WORD})+")


def without_judges(text: str) -> str:
    """Return a decision without the name of any magistrate or member of the registry.

    Parties keep the form in which the court published them (natural persons are letters).

    Parameters
    ----------
    text
        Full text, with its line breaks.

    Examples
    --------
    >>> without_judges("- le rapport de Mme Ada Duval, auditrice,")
    '- le rapport de Mme [magistrat], auditrice,'
    """
    names: set[str] = set()

    def neutral(found: re.Match[str]) -> str:
        names.add(found["name"])
        return found.group().replace(found["name"], NEUTRAL)

    lines = text.split("\n")
    closing = _closing(lines)
    end = sum(map(len, lines[:closing])) + closing
    pieces, last = [], 0
    for start, stop in _presented(text, end):
        pieces += [text[last:start], _PERSON.sub(neutral, text[start:stop])]
        last = stop
    pieces.append(text[last:end])
    for at in range(closing, len(lines)):
        line = _PERSON.sub(neutral, lines[at])
        whole = _PLAIN_NAME.fullmatch(line)
        lines[at] = neutral(whole) if whole else _LONE.sub(neutral, line)
    found = "".join([*pieces, "\n".join(lines[closing:])])
    # Whoever signed may be named elsewhere too, without a title.
    for name in names:
        if _FULL_NAME.fullmatch(name):
            found = found.replace(name, NEUTRAL)
    return found


def _presented(text: str, end: int) -> list[tuple[int, int]]:
    """Return where the text, up to ``end``, presents magistrates: in order, without overlap."""
    spans = []
    for pattern, hints in _HINTS:
        for hint in hints:
            at = text.find(hint, 1, end)
            while at >= 0:
                found = pattern.match(text, at - 1, end)
                if found is not None:
                    spans.append(found.span())
                at = text.find(hint, at + 1, end)
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _closing(lines: list[str]) -> int:
    """Return the first line of the signatures: they follow the last article of the operative part."""
    last = len(lines)
    for at in range(last - 1, -1, -1):
        if _ARTICLE.match(lines[at]):
            last = at
            break
    else:
        last = 0
    return next((at for at in range(last, len(lines)) if _CLOSING.match(lines[at])), len(lines))
