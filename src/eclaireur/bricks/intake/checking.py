"""Whether sources say a sentence, and what a text may not bring of its own: addresses, numbers, mails.

A sentence is held to be supported when one passage has nearly all its words that say something, all its
numbers, and does not say the opposite. It is a proxy of entailment, not a proof: its rates of detection and
of false alarms are measured (`benchmarks/assistant.py`), and a person reads the answer with its sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.bricks.intake.answering import Rarity, content_keys
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.bricks.semantic.outline import sentences

__all__ = ["MASK", "Checked", "checked", "masked"]

MASK = "[masqué : absent des sources]"
_ENOUGH = 0.8
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_NEGATED = re.compile(
    r"\b(?:n['’e]|ne|jamais|aucune?|sans|interdit|impossible|ni|refus\w*|exclu\w*)\b|\bn['’]", re.IGNORECASE
)
_PLACE = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]«»\"]+"
    r"|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:fr|com|org|net|eu|info|gouv)\b(?:/[^\s<>()]*)?"
    r"|(?<!\d)(?:\+33[\s.]?\(?0?\)?[\s.]?[1-9]|0[1-9])(?:[\s.-]?\d{2}){4}(?!\d)"
    r"|(?<!\d)(?:3\d[\s.]?\d{2}|1[0-9]{2})(?!\d)(?=\s*(?:\(|service|appel|numéro|$))",
    re.IGNORECASE,
)
_TAIL = ".,;:!?)’'"


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence and the place, among the passages, of the one that says it; -1 when none does.

    ``why`` says in French what is missing.
    """

    text: str
    source: int
    why: str = ""


def checked(text: str, passages: Sequence[str], rarity: Rarity) -> tuple[Checked, ...]:
    """Look for each sentence of a text in passages.

    Examples
    --------
    >>> rarity = Rarity.among(["La carte est gratuite.", "Le passeport coûte 86 euros."])
    >>> source = ["La carte est gratuite pour les majeurs."]
    >>> [one.source for one in checked("La carte est gratuite. Elle coûte 12 euros.", source, rarity)]
    [0, -1]
    """
    held = [[passage[start:end] for start, end in sentences(passage)] for passage in passages]
    return tuple(_one(text[start:end], held, rarity) for start, end in sentences(text))


def _one(sentence: str, held: Sequence[Sequence[str]], rarity: Rarity) -> Checked:
    wanted = content_keys(sentence)
    numbers = set(_NUMBER.findall(sentence))
    if not wanted:
        return Checked(sentence, -1, "la phrase ne dit rien que les sources puissent porter")
    best, why = 0.0, "aucune source ne le dit"
    for place, lines in enumerate(held):
        for at in range(len(lines)):
            near = " ".join(lines[max(at - 1, 0) : at + 2])
            share = rarity.share(wanted, set(keys(near).split()))
            if share < _ENOUGH:
                continue
            best = max(best, share)
            if missing := numbers - set(_NUMBER.findall(near)):
                why = f"le nombre {min(missing)} n’est pas dans les sources"
            elif _differ(len(_NEGATED.findall(sentence)), _denials(wanted, lines, at, rarity)):
                why = "une source semble dire le contraire"
            else:
                return Checked(sentence, place)
    return Checked(sentence, -1, why)


def _denials(wanted: Sequence[str], lines: Sequence[str], at: int, rarity: Rarity) -> int:
    """Return how often the line, of those around, that is the nearest to the words wanted denies something."""
    around = lines[max(at - 1, 0) : at + 2]
    nearest = max(around, key=lambda line: rarity.share(wanted, set(keys(line).split())))
    return len(_NEGATED.findall(nearest))


def _differ(said: int, held: int) -> bool:
    """Tell a sentence that denies more than its source, or nothing where its source does."""
    return said > held or (said == 0 and held > 0)


def masked(text: str, sources: Sequence[str]) -> tuple[str, int]:
    """Replace every address, mail and phone number that no source has; return the text and how many.

    Examples
    --------
    >>> masked("Voir www.service-public.fr ou appelez le 06 12 34 56 78.", ["sur service-public.fr"])
    ('Voir www.service-public.fr ou appelez le [masqué : absent des sources].', 1)
    """
    known = " ".join(sources).lower()
    digits = re.sub(r"\D", "", known)
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        found = match.group()
        bare = found.rstrip(_TAIL)
        seen = re.sub(r"^(?:https?://)?(?:www\.)?", "", bare.lower()).rstrip("/")
        number = re.sub(r"\D", "", bare)
        is_phone = not re.search("[a-z]", seen)
        if (is_phone and number in digits) or (not is_phone and seen in known):
            return found
        count += 1
        return MASK + found[len(bare) :]

    return _PLACE.sub(replaced, text), count
