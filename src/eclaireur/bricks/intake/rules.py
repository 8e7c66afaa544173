"""Rules that send messages to a service, written by an administrator, tried on past mail before they act.

A rule is one French line, ``si objet contient "bourse" alors Collèges``; several conditions are joined by
``et``. The same rules may be written in TOML, a table ``[[regle]]`` each, with ``si`` and ``alors``.
Words are compared without case or accents, whole: « bus » is not in « abus ».
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eclaireur.bricks.semantic.outline import flat
from eclaireur.core.errors import BadValueError

__all__ = ["Condition", "Rule", "Tried", "first", "parse", "tried", "trusted"]

_FIELDS = {
    "objet": "heading",
    "message": "body",
    "texte": "text",
    "expediteur": "sender",
    "piece jointe": "attachments",
    "pieces jointes": "attachments",
}
_HOW = {
    "contient": "has",
    "ne contient pas": "lacks",
    "finit par": "ends",
    "commence par": "starts",
    "est": "is",
}
_LINE = re.compile(
    r"\s*(?:(?P<name>[^:\"«]{1,60})\s*:\s*)?si\s+(?P<when>.+?)\s+alors\s+(?P<service>\S.*?)\s*$",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\s*(?P<field>objet|message|texte|exp[ée]diteur|pi[èe]ces?\s+jointes?)\s+"
    r"(?P<how>ne\s+contient\s+pas|contient|finit\s+par|commence\s+par|est)\s+"
    r"(?:\"(?P<plain>[^\"]+)\"|«[\s\xa0]*(?P<french>[^»]+?)[\s\xa0]*»|“(?P<curly>[^”]+)”)\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"\bet\b\s*", re.IGNORECASE)
_MOST = 500
_FIX = 'Écrivez par exemple : si objet contient "bourse" alors Collèges'


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of a message, how it is compared, and the words."""

    field: str
    how: str
    words: str

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a message meets the condition."""
        value = row.get(self.field)
        told = "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
        text = " ".join(flat(told).split())
        if self.how == "ends":
            # « Nom <adresse> » ends by what its address ends by.
            return any(one.strip(" >").endswith(self.words) for one in flat(told).splitlines())
        if self.how == "starts":
            return text.startswith(self.words)
        if self.how == "is":
            return text == self.words
        inside = re.search(rf"(?<!\w){re.escape(self.words)}(?!\w)", text) is not None
        return inside if self.how == "has" else not inside


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold; ``text`` is the rule as it was written."""

    name: str
    conditions: tuple[Condition, ...]
    service: str
    text: str

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether the rule applies to a message."""
        return all(one.holds(row) for one in self.conditions)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a rule would have done with past messages.

    Parameters
    ----------
    matched
        Messages that it would have sent.
    moved
        Of these, those that went elsewhere than where it sends them.
    wrong
        Places, among past messages, of those that moved and had been sorted by a person.
    right
        How many had gone where it sends them.
    """

    rule: Rule
    matched: int
    moved: int
    right: int
    wrong: tuple[int, ...]


def parse(text: str) -> tuple[Rule, ...]:
    """Read rules, as French lines or as TOML.

    Raises
    ------
    BadValueError
        If a line is no rule: the line is named.

    Examples
    --------
    >>> text = 'si objet contient "bourse" et message ne contient pas "adulte" alors Collèges'
    >>> rules = parse(f"# bourses\\n{text}")
    >>> rules[0].service, [(one.field, one.how, one.words) for one in rules[0].conditions]
    ('Collèges', [('heading', 'has', 'bourse'), ('body', 'lacks', 'adulte')])
    >>> first(rules, {"heading": "La Bourse des collégiens", "body": "pour mon fils"}).service
    'Collèges'
    """
    if re.search(r"^\s*\[\[?\s*r[eè]gles?\s*\]\]?", text, re.MULTILINE):
        return _from_toml(text)
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(_rule(line, number))
    if len(found) > _MOST:
        raise BadValueError(f"{len(found)} règles : c'est trop.", fix=f"Gardez-en {_MOST} au plus.")
    return tuple(found)


def _from_toml(text: str) -> tuple[Rule, ...]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadValueError(f"règles illisibles : {error}.", fix=_FIX) from error
    found = []
    listed = content.get("regle") or content.get("regles") or []
    for number, one in enumerate(listed if isinstance(listed, list) else [], start=1):
        if (
            not isinstance(one, dict)
            or not isinstance(one.get("si"), str)
            or not isinstance(one.get("alors"), str)
        ):
            raise BadValueError(f"règle {number} : il manque « si » ou « alors ».", fix=_FIX)
        name = f"{one['nom']} : " if isinstance(one.get("nom"), str) else ""
        found.append(_rule(f"{name}si {one['si']} alors {one['alors']}", number))
    return tuple(found)


def _rule(line: str, number: int) -> Rule:
    said = _LINE.fullmatch(line)
    if said is None:
        raise BadValueError(
            f"règle illisible, ligne {number} : « {line.strip()[:80]} ».", line=number, fix=_FIX
        )
    conditions = []
    rest = said["when"]
    while rest:
        one = _CONDITION.match(rest)
        if one is None:
            raise BadValueError(
                f"condition illisible, ligne {number} : « {rest[:80]} ».", line=number, fix=_FIX
            )
        words = " ".join(flat(one["plain"] or one["french"] or one["curly"]).split())
        field = _FIELDS[" ".join(flat(one["field"]).split())]
        conditions.append(Condition(field, _HOW[" ".join(flat(one["how"]).split())], words))
        rest = rest[one.end() :]
        joined = _AND.match(rest)
        if rest and (joined is None or joined.end() == len(rest)):
            raise BadValueError(
                f"condition illisible, ligne {number} : « {rest[:80]} ».", line=number, fix=_FIX
            )
        rest = rest[joined.end() :] if joined else ""
    text = " ".join(line.split())
    return Rule((said["name"] or f"règle {number}").strip(), tuple(conditions), said["service"], text)


def first(rules: Sequence[Rule], row: Mapping[str, Any]) -> Rule | None:
    """Return the first rule that applies to a message; None when none does."""
    return next((rule for rule in rules if rule.holds(row)), None)


def tried(rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> list[Tried]:
    """Return what each rule would have done with past messages, each going by the first that applies.

    Parameters
    ----------
    rows
        Past messages; ``service`` is where each went, empty when it is not known.
    """
    counts = {rule: [0, 0, 0] for rule in rules}
    wrong: dict[Rule, list[int]] = {rule: [] for rule in rules}
    for at, row in enumerate(rows):
        rule = first(rules, row)
        if rule is None:
            continue
        counts[rule][0] += 1
        went = str(row.get("service") or "")
        counts[rule][2] += went == rule.service
        if went and went != rule.service:
            counts[rule][1] += 1
            wrong[rule].append(at)
    return [
        Tried(rule, counts[rule][0], counts[rule][1], counts[rule][2], tuple(wrong[rule])) for rule in rules
    ]


def trusted(rules: Sequence[Rule], rows: Sequence[Mapping[str, Any]]) -> dict[Rule, float]:
    """Return the chance that each rule is right: its rate on past messages, near one half when few.

    >>> (rule,) = parse('si objet contient "rsa" alors Insertion')
    >>> trusted([rule], [{"heading": "RSA", "service": "Insertion"}] * 8)[rule]
    0.9
    """
    found = {}
    for one in tried(rules, rows):
        found[one.rule] = (one.right + 1) / (one.right + one.moved + 2)
    return found
