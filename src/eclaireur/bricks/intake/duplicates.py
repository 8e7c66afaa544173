"""Messages that say the same thing: sent twice, or by many people at once.

Near-duplicates are found by `semantic.groups` (MinHash candidates, each checked exactly). A message of a few
words is never said to be a copy: « merci » is no campaign.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from eclaireur.bricks.semantic.groups import Grouper
from eclaireur.bricks.semantic.outline import flat

__all__ = ["CAMPAIGN", "Alike", "Campaign", "alike", "campaigns", "shortened"]

CAMPAIGN = 4
"""Least senders of a campaign."""

_LEAST_WORDS = 8
_THRESHOLD = 0.6
_WIDTH = 3
_COPIED = 8000


@dataclass(frozen=True, slots=True)
class Alike:
    """For each message: the first that is nearly the same, itself when alone, and the first identical."""

    near: tuple[int, ...]
    same: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A text that several people sent: places of its messages, senders, days, how many are identical."""

    members: tuple[int, ...]
    senders: int
    first: date
    last: date
    identical: int


def shortened(text: str) -> str:
    """Return the letters and digits of a text, without case or accents: identical means equal after this.

    >>> shortened("À  Monsieur,\\n le Maire !")
    'a monsieur le maire'
    """
    return " ".join("".join(sign if sign.isalnum() else " " for sign in flat(text[:_COPIED])).split())


def alike(texts: Sequence[str]) -> Alike:
    """Group messages by what they say.

    >>> one = "nous refusons la fermeture de la route entre les deux villages"
    >>> alike([one, "merci", one.upper() + " !", "merci"])
    Alike(near=(0, 1, 0, 3), same=(0, 1, 0, 3))
    """
    plain = [shortened(text) for text in texts]
    long = [at for at, text in enumerate(plain) if text.count(" ") + 1 >= _LEAST_WORDS]
    same = list(range(len(texts)))
    seen: dict[str, int] = {}
    for at in long:
        key = hashlib.sha256(plain[at].encode()).hexdigest()
        same[at] = seen.setdefault(key, at)
    # One text of each kind is compared: a thousand identical mails cost one.
    kinds = sorted(set(seen.values()))
    grouper = Grouper(threshold=_THRESHOLD, width=_WIDTH)
    grouper.add([plain[at] for at in kinds])
    group = (
        {at: kinds[first] for at, first in zip(kinds, grouper.groups().tolist(), strict=True)}
        if kinds
        else {}
    )
    near = [group.get(same[at], at) for at in range(len(texts))]
    return Alike(tuple(near), tuple(same))


def campaigns(found: Alike, senders: Sequence[str], days: Sequence[date]) -> list[Campaign]:
    """Return the groups that at least `CAMPAIGN` people wrote, largest first."""
    members: dict[int, list[int]] = {}
    for at, first in enumerate(found.near):
        members.setdefault(first, []).append(at)
    made = []
    for group in members.values():
        people = {senders[at].lower() or f"?{at}" for at in group}
        if len(people) >= CAMPAIGN:
            identical = Counter(found.same[at] for at in group).most_common(1)[0][1]
            when = [days[at] for at in group]
            made.append(
                Campaign(
                    members=tuple(group),
                    senders=len(people),
                    first=min(when),
                    last=max(when),
                    identical=identical,
                )
            )
    return sorted(made, key=lambda one: (-len(one.members), one.members))
