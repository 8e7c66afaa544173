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
    r"|\b(?:[a-z0-9-]+\.)+[a-z]{2,24}\b(?:/[^\s<>()\[\]«»\"]*)?"
    r"|(?<![\d,.])\+?\d(?:[\s.()-]{0,2}\d){7,14}(?!\d|,\d)"
    r"|(?<!\d)(?:3\d[\s.]?\d{2}|1[15-9]\d?)(?!\d)(?=\s*\(|\s*(?:service|appel|numéro)|\s*[.!]?\s*$)"
    r"|(?:(?<=appelez le )|(?<=composez le )|(?<=numéro )|(?<=téléphone au ))\d{2,4}\b",
    re.IGNORECASE,
)
_TAIL = ".,;:!?)’'"
_WHOLE = re.compile(r"(?<!\d)\d[\d\s.]{0,4}\d(?!\d)")


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
    """Return how often the line that is the nearest to the words wanted, of those around, denies."""
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
    known = {_plain_place(one.group().rstrip(_TAIL)) for source in sources for one in _PLACE.finditer(source)}
    known |= {re.split("[/?#]", one)[0] for one in known}
    known |= {re.sub(r"\D", "", one) for source in sources for one in _WHOLE.findall(source)}
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        found = match.group()
        bare = found.rstrip(_TAIL)
        if _plain_place(bare) in known:
            return found
        count += 1
        return MASK + found[len(bare) :]

    return _PLACE.sub(replaced, text), count


def _plain_place(text: str) -> str:
    """Return an address or a number as it is compared: whole, without what is written in several ways."""
    if re.search("[a-z]", text, re.IGNORECASE):
        return re.sub(r"^(?:https?://)?(?:www\.)?", "", text.lower()).rstrip("/")
    digits = re.sub(r"\D", "", text)
    return f"0{digits[2:].removeprefix('0')}" if text.startswith("+33") else digits
