"""Names of people: after a title or « je m'appelle », first names, the signature; then again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from eclaireur.bricks.intake.personal_numbers import words_of_personal_data
from eclaireur.bricks.semantic.outline import flat
from eclaireur.core.view import Mark

__all__ = ["names"]

_WORD = re.compile(r"[^\W\d_]+(?:[’'`-][^\W\d_]+)*\.?")
_JOINED = re.compile(r"[’'`-]")
_ELIDED = re.compile(r"(?:[cdjlmnst]|qu)'")
_ALSO = {"marié": "mariee", "aimé": "aimee", "marié.": "mariee"}
"""Words that a first name without its accent would be taken for."""
_MOST = 4
_SHORTEST = 3
_SIGNATURE_LINES = 3
_TAIL = 400
_SPACE = " \u00a0\u202f\t"


@dataclass(frozen=True, slots=True)
class _Words:
    introduces: re.Pattern[str]
    may_introduce: re.Pattern[str]
    introduces_two: re.Pattern[str]
    titles: re.Pattern[str]
    all_titles: frozenset[str]
    short_titles: frozenset[str]
    closings: re.Pattern[str]
    particles: frozenset[str]
    not_names: frozenset[str]
    also_words: frozenset[str]
    first_names: frozenset[str]


class _Token(NamedTuple):
    start: int
    end: int
    text: str
    plain: str

    @property
    def capital(self) -> bool:
        if _ELIDED.match(self.plain):
            return self.plain[0] in "dl" and self.text[2:3].isupper() and self.text[:1] != "l"
        return self.text[:1].isupper()

    @property
    def shouted(self) -> bool:
        return len(self.text) > 1 and self.text.isupper()


def _choice(words: Iterable[str]) -> str:
    return "|".join(sorted((re.escape(one).replace(r"\ ", r"\s+") for one in words), key=len, reverse=True))


@cache
def _words() -> _Words:
    data = words_of_personal_data()
    return _Words(
        introduces=re.compile(rf"(?<!\w)(?:{_choice(data['introduces'])})(?!\w)\s*:?\s*"),
        may_introduce=re.compile(rf"(?<!\w)(?:{_choice(data['may_introduce'])})(?!\w)\s*:?\s*"),
        introduces_two=re.compile(rf"(?<!\w)(?:{_choice(data['introduces_two'])})(?!\w)[{_SPACE}]+"),
        titles=re.compile(rf"(?<![\w.])(?P<title>{_choice(data['titles'])})(?!\w)[{_SPACE}]+"),
        all_titles=frozenset(data["titles"]),
        short_titles=frozenset(data["short_titles"]),
        closings=re.compile(rf"(?<!\w)(?:{_choice(data['closings'])})(?!\w)[\s,.;:!-]*"),
        particles=frozenset(data["particles"]),
        not_names=frozenset(data["not_names"]),
        also_words=frozenset(data["also_words"]),
        first_names=frozenset(data["first_names"]),
    )


def names(text: str, *, known: Iterable[str] = ()) -> Iterator[Mark]:
    """Give the marks of the names of people; they may overlap.

    Parameters
    ----------
    known
        Names known from elsewhere, such as the sender's.
    """
    plain = flat(text)
    tokens = [
        _Token(
            one.start(),
            one.end(),
            one.group(),
            _ALSO.get(one.group().lower(), plain[one.start() : one.end()]),
        )
        for one in _WORD.finditer(text)
    ]
    loud = sum(map(str.isupper, text)) > 0.6 * max(1, sum(map(str.isalpha, text)))
    found = [*_introduced(text, plain, tokens, loud=loud), *_first(tokens, text, loud=loud)]
    found += _signed(text, plain, tokens, loud=loud)
    yield from found
    yield from _again(plain, tokens, found, known)


def _introduced(text: str, plain: str, tokens: list[_Token], *, loud: bool) -> Iterator[Mark]:
    words = _words()
    starts = {one.start: at for at, one in enumerate(tokens)}
    capitals = any(one.capital for one in tokens[1:])
    for pattern in (words.introduces, words.may_introduce, words.introduces_two, words.titles):
        for one in pattern.finditer(plain):
            at = starts.get(one.end())
            if at is None:
                continue
            if pattern is words.introduces:
                small = True
            elif pattern is words.titles:
                # Who writes without any capital writes names so too.
                small = one["title"] in words.short_titles or not capitals
            else:
                small = False
                if loud and tokens[at].plain not in words.first_names:
                    continue
            least = 2 if pattern is words.introduces_two else 1
            yield from _taken(text, tokens, at, small=small, loud=loud, least=least)


def _taken(
    text: str, tokens: list[_Token], at: int, *, small: bool, loud: bool, least: int
) -> Iterator[Mark]:
    """Give the name that begins at a word, if it is one."""
    words = _words()
    last, count = None, 0
    if at + 1 < len(tokens) and tokens[at].plain in words.all_titles:
        at += 1
    # Words in small letters, or all in capitals, show no end: two are taken.
    most = _MOST if tokens[at].capital and not loud else 2
    for here, one in enumerate(tokens[at:], start=at):
        if count == most or (here > at and not _beside(text, tokens[here - 1], one)):
            break
        if one.plain in words.particles and (here > at or one.capital or small):
            continue
        small_name = (small and count == 0) or (last is not None and not last.capital)
        if one.plain.rstrip(".") in words.not_names or not (one.capital or small_name):
            break
        if not one.capital and _ELIDED.match(one.plain):
            break
        last, count = one, count + 1
    if last is not None and count >= least:
        end = last.end - (last.text.endswith(".") and len(last.text) > 2)
        yield Mark(start=tokens[at].start, end=end, label="nom", sure=tokens[at].capital)


def _beside(text: str, one: _Token, after: _Token) -> bool:
    return not text[one.end : after.start].strip(_SPACE) and not one.text.endswith(".")


def _first(tokens: list[_Token], text: str, *, loud: bool) -> Iterator[Mark]:
    """Give first names of the list, with the surname beside them."""
    words = _words()
    for at, one in enumerate(tokens):
        bare = one.plain.rstrip(".")
        parts = [bare] if bare.isalpha() else _JOINED.split(bare)
        if parts[0] not in words.first_names or not words.first_names.issuperset(parts):
            continue
        before = tokens[at - 1] if at else None
        if before is not None and before.plain in {"saint", "sainte", "st", "ste", "rue", "place"}:
            continue
        start, end = one.start, one.end - one.text.endswith(".")
        beside = False
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if after is not None and _surname(text, one, after, loud=loud):
            end, beside = after.end - after.text.endswith("."), True
            if at + 2 < len(tokens) and after.plain in words.particles | words.first_names:
                more = tokens[at + 2]
                if _surname(text, after, more, loud=loud):
                    end = more.end - more.text.endswith(".")
        if before is not None and before.shouted and not loud and _surname_before(text, before, one):
            start, beside = before.start, True
        word = len(parts) == 1 and bare in words.also_words
        if (beside and one.capital) or (not word and (one.capital or len(bare) > _SHORTEST)):
            yield Mark(start=start, end=end, label="nom", sure=beside)


def _surname(text: str, one: _Token, after: _Token, *, loud: bool) -> bool:
    """Tell whether a word could be the surname that follows a first name."""
    words = _words()
    if not _beside(text, one, after) or after.plain.rstrip(".") in words.not_names:
        return False
    return after.capital and (not loud or len(after.text) >= _SHORTEST)


def _surname_before(text: str, before: _Token, one: _Token) -> bool:
    named = before.plain not in _words().not_names and len(before.text) >= _SHORTEST
    return named and _surname(text, before, one, loud=True)


def _signed(text: str, plain: str, tokens: list[_Token], *, loud: bool) -> Iterator[Mark]:
    """Give the name after a closing, or alone on one of the last lines."""
    words = _words()
    closing = max(
        words.closings.finditer(plain, max(0, len(plain) - _TAIL)), key=re.Match.start, default=None
    )
    tail = closing.end() if closing else len(text)
    lines = [one for one in re.finditer(r"[^\n]+", text) if one.group().strip()]
    spans = [one.span() for one in lines[-_SIGNATURE_LINES:] if one.start() > 0 or len(lines) == 1]
    if closing is not None and closing.end() < len(text):
        spans.append((tail, text.find("\n", tail) if "\n" in text[tail:] else len(text)))
    for start, end in spans:
        inside = [one for one in tokens if start <= one.start and one.end <= end]
        if not 1 <= len(inside) <= _MOST or any(map(str.isdigit, text[start:end])):
            continue
        told = [one for one in inside if one.plain.rstrip(".") not in words.particles]
        if any(one.plain.rstrip(".") in words.not_names for one in told) or not told:
            continue
        listed = any(
            part in words.first_names for one in told for part in re.split(r"[’'`-]", one.plain.rstrip("."))
        )
        closed = closing is not None and start >= closing.start()
        if (closed and (listed or all(one.capital for one in told))) or (
            listed and len(told) > 1 and not loud
        ):
            yield Mark(start=inside[0].start, end=inside[-1].end, label="nom", sure=listed)


def _again(plain: str, tokens: list[_Token], found: list[Mark], known: Iterable[str]) -> Iterator[Mark]:
    """Give the other places of names already found, and those of known ones."""
    words = _words()
    said = {part for one in known for part in re.split(r"[\s,.@_-]+", flat(one))}
    said |= {part for one in found for part in re.split(r"[\s,.]+", plain[one.start : one.end])}
    kept = {
        part
        for part in said
        if len(part) > _SHORTEST
        and part not in words.not_names | words.particles
        and part not in words.also_words
    }
    for one in tokens:
        if one.plain.rstrip(".") in kept:
            yield Mark(start=one.start, end=one.end - one.text.endswith("."), label="nom", sure=one.capital)
