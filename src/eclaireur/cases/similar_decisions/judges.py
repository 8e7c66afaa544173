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
_HINTS = (
    "apport de M",
    "apports de M",
    "apport :",
    "onclusions de M",
    "onclusions :",
    "résidé",
    "siége",
    "ssisté",
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

    def neutral_persons(found: re.Match[str]) -> str:
        return _PERSON.sub(neutral, found.group())

    lines = text.split("\n")
    closing = _closing(lines)
    hints = [hint for hint in _HINTS if hint in text]
    for at, line in enumerate(lines):
        if at >= closing:
            line = _PERSON.sub(neutral, line)  # noqa: PLW2901 - one line, changed in steps
            whole = _PLAIN_NAME.fullmatch(line)
            lines[at] = neutral(whole) if whole else _LONE.sub(neutral, line)
        elif any(hint in line for hint in hints):
            lines[at] = _PRESIDING.sub(neutral_persons, _REPORTED.sub(neutral_persons, line))
    found = "\n".join(lines)
    # Whoever signed may be named elsewhere too, without a title.
    for name in names:
        if _FULL_NAME.fullmatch(name):
            found = found.replace(name, NEUTRAL)
    return found


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
