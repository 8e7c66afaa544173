"""A column of text cut into few classes, so that a million values are judged by some of them.

Two values of a class get the same answer from every question that judging a column asks (is it a number, a
day of the calendar, a SIRET whose key holds…), so one of them speaks for all. Values of digits and signs
are classed by their shape, « 12/03/2024 » and « 01/02/2023 » alike, and by the few facts that depend on the
digits themselves. Prose is one class. What is neither keeps a class of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.subjects import LA_POSTE_SIREN
from eclaireur.sources import values
from eclaireur.sources.identifiers import Identifier
from eclaireur.sources.shaped_values import (
    EXACT,
    Group,
    calendar,
    moments,
    number_in,
    numbers_of,
    parts_of,
    ticks_of,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Truth = NDArray[np.bool_]

__all__ = ["Coded", "code"]

_FEW = 500
_DIGITS = bytes.maketrans(b"012345678", b"999999999")
_LETTERS = "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆàâäçéèêëîïôöùûüÿœæ"
_SPACES = "\u00a0\u202f\u2009\u2007"
_SIGNS = "’‘“”«»°€–—…²³\u00a0\u202f"
_COMMON = rf"^[ -~{_LETTERS}{_SIGNS}]+$"
# Digits and the signs of numbers, days and hours.
_SHAPED = rf"^[-0-9 {_SPACES}'’.,+−–()%‰€/:hHTZ]{{1,40}}$"
# Letters that stand in no number, date or identifier, or two of any.
_WORDED = r"[A-Za-z]{2}|[C-DF-GI-JL-SU-Yc-df-gi-jl-su-y]"
_SPECIAL = (
    r"(?i)^\s*(eur)?[^a-z]*(k€|m€|eur|euros?)?\s*$|^[^a-z]*\d[.,\d]*e[-+]?\d+[^a-z]*$"
    r"|^\d{1,2}[/.-]\d{1,2}[/.-]\d|^\d{4}[-/.]\d{1,2}[-/.]\d|^#"
    rf"|^(\S+\s+)?\d{{1,2}}(er)?[\s{_SPACES}]+\S+[\s{_SPACES}]+\d{{4}}"
)
_SHORT = 10
_LONGEST_WORD = 24
_MONTH_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}\b")


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as classes.

    Parameters
    ----------
    rows
        For each row, the place of its value among the distinct ones, −1 where it is empty.
    classes
        For each distinct value, the number of its class.
    keys, texts
        What names each class from one block to the next, and its first value.
    few
        The first eight distinct values.
    """

    rows: Whole
    classes: Whole
    keys: list[tuple[str, int]]
    texts: list[str]
    groups: tuple[Group, ...]
    few: list[str]

    def typed(self, read: Callable[[str], Any], kind: pa.DataType) -> pa.Array | None:
        """Convert the column; None when a class cannot be read in that way.

        Parameters
        ----------
        read
            Reads one text; called once for each class and shape.
        """
        import numpy as np
        import pyarrow as pa

        days = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        whole = pa.types.is_integer(kind)
        numpy_kind: Any = np.int64 if days or whole else np.float64
        if pa.types.is_boolean(kind):
            numpy_kind = np.bool_
        found = np.zeros(len(self.classes), numpy_kind)
        valid = np.zeros(len(self.classes), bool)
        done = np.zeros(len(self.classes), bool)
        for group in self.groups:
            converted = moments(group, read, kind) if days else numbers_of(group, read)
            if converted is None:
                return None
            found[group.members], valid[group.members] = converted, True
            done[group.members] = True
        left = np.flatnonzero(~done)
        spoken = {number: read(self.texts[number]) for number in np.unique(self.classes[left]).tolist()}
        for number, one in spoken.items():
            if one is None and self.texts[number].casefold() not in values.ABSENT:
                return None
        for place in left.tolist():
            one = spoken[int(self.classes[place])]
            if one is not None:
                found[place], valid[place] = (ticks_of(one, kind) if days else one), True
        there = self.rows >= 0
        out = found[np.where(there, self.rows, 0)] if len(found) else np.zeros(len(self.rows), numpy_kind)
        missing = ~there | ~valid[np.where(there, self.rows, 0)] if len(found) else ~there
        if pa.types.is_date(kind):
            return pa.array(out.astype("int32"), pa.int32(), mask=missing).cast(kind)
        return pa.array(out, pa.int64() if days else kind, mask=missing).cast(kind)

    def sum(self, read: Callable[[str], float | None]) -> float:
        """Sum what can be read as a number, over the rows."""
        import numpy as np

        found = np.zeros(len(self.classes) + 1)
        done = np.zeros(len(self.classes), bool)
        for group in self.groups:
            found[group.members] = numbers_of(group, read, strict=False)
            done[group.members] = True
        for place in np.flatnonzero(~done).tolist():
            found[place] = read(self.texts[int(self.classes[place])]) or 0.0
        return float(found[self.rows].sum())


def code(column: pa.Array, *, called: Identifier | None = None) -> Coded:
    """Cut a column into classes.

    Parameters
    ----------
    column
        Trimmed text; what is empty is null.
    called
        What its heading announces, of which the first digits count: telephone numbers, departments.

    Examples
    --------
    >>> import pyarrow as pa
    >>> texts = [f"{day:02}/{month:02}/2024" for day in range(1, 29) for month in range(1, 13)]
    >>> coded = code(pa.array(texts * 2 + [f"{n},50" for n in range(1000, 2000)] + [None]))
    >>> coded.texts
    ['01/01/2024', '10/01/2024', '13/01/2024', '1000,50']
    """
    import numpy as np
    import pyarrow.compute as pc

    found = column.dictionary_encode()
    distinct = found.dictionary
    rows = pc.fill_null(found.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(distinct)
    if size <= _FEW:
        texts = distinct.to_pylist()
        return Coded(rows, np.arange(size), [(text, -1) for text in texts], texts, (), texts[:8])
    classes = np.full(size, -1, np.int64)
    named: dict[tuple[str, int], tuple[int, str]] = {}
    groups = []
    for group, flags in _shaped(distinct, called):
        groups.append(group)
        for flag in np.unique(flags).tolist():
            members = group.members[flags == flag]
            first = int(members[0])
            named[group.shape, flag] = first, distinct[first].as_py()
            classes[members] = first
    prose = _prose(distinct)
    prose[classes >= 0] = 0
    for sort in (1, 2):
        members = np.flatnonzero(prose == sort)
        if len(members):
            first = int(members[0])
            named["", sort] = first, distinct[first].as_py()
            classes[members] = first
    own = np.flatnonzero(classes < 0)
    classes[own] = own
    for place, text in zip(own.tolist(), distinct.take(own).to_pylist(), strict=True):
        named[text, -1] = place, text
    ordered = sorted(named.items(), key=lambda item: item[1][0])
    firsts = np.array([first for _, (first, _) in ordered], np.int64)
    return Coded(
        rows,
        np.searchsorted(firsts, classes),
        [key for key, _ in ordered],
        [text for _, (_, text) in ordered],
        tuple(groups),
        distinct.slice(0, 8).to_pylist(),
    )


def _prose(distinct: pa.Array) -> Whole:
    """Say of each value: 1, words without a digit; 2, words with digits; 0, neither for sure."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def holds(pattern: str) -> Truth:
        return np.asarray(pc.match_substring_regex(distinct, pattern).to_numpy(zero_copy_only=False), bool)

    common, digit = holds(_COMMON), holds("[0-9]")
    size = pc.binary_length(distinct).to_numpy(zero_copy_only=False)
    ascii_only = size == pc.utf8_length(distinct).to_numpy(zero_copy_only=False)
    words = pa.array(sorted(values.ABSENT | set(values.ANSWERS)))
    said = np.asarray(pc.is_in(pc.utf8_lower(distinct), words).to_numpy(zero_copy_only=False), bool)
    plain = common & ~digit & ((size > _LONGEST_WORD) | (~said & (ascii_only | (size > _SHORT))))
    # Signs alone may be a missing value or a number's; a word has a letter.
    plain &= holds(rf"[A-Za-z{_LETTERS}]")
    mixed = common & digit & holds(_WORDED) & ~holds(_SPECIAL)
    return np.where(plain, 1, np.where(mixed, 2, 0))


def _shaped(distinct: pa.Array, called: Identifier | None) -> list[tuple[Group, Whole]]:
    """Group the values of digits and signs by shape, with the facts that depend on the digits."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pc.match_substring_regex(distinct, _SHAPED)
    places = np.flatnonzero(np.asarray(wanted.to_numpy(zero_copy_only=False), bool))
    if not len(places):
        return []
    texts = distinct.take(pa.array(places)).cast(pa.string())
    _, offsets, data = texts.buffers()
    raw = np.frombuffer(data, np.uint8)
    starts = np.frombuffer(offsets, np.int32)[: len(texts) + 1]
    masked = pa.py_buffer(bytes(data).translate(_DIGITS))
    shapes = pa.StringArray.from_buffers(len(texts), offsets, masked).dictionary_encode()
    number = shapes.indices.to_numpy()
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=len(shapes.dictionary)))
    formed = np.zeros(len(texts), np.int64) if called is None else _formed(texts, called)
    found = []
    for index, shape in enumerate(shapes.dictionary.to_pylist()):
        members = order[(ends[index - 1] if index else 0) : ends[index]]
        held = [place for place, byte in enumerate(shape.encode()) if byte == ord("9")]
        pure = len(held) == len(shape)
        if not held or (len(held) > EXACT and not (pure and len(held) > EXACT + 1)):
            continue
        digits = raw[starts[members][:, None] + np.array(held)] - ord("0")
        zero = digits[:, 0] == 0
        group = Group(shape, places[members], digits, zero, (_probe(shape, "1"), _probe(shape, "0")))
        flags = zero.astype(np.int64) + 2 * formed[members]
        found.append((group, flags + 4 * _facts(shape, digits)))
    return found


def _formed(texts: pa.Array, called: Identifier) -> Whole:
    """Tell which values have the form of an identifier that depends on its digits."""
    import numpy as np
    import pyarrow.compute as pc

    bare = pc.replace_substring_regex(texts, rf"[\s{_SPACES}.\-]", "")
    form = rf"^({called.form.pattern})$"
    return np.asarray(pc.match_substring_regex(bare, form).to_numpy(zero_copy_only=False), np.int64)


def _probe(shape: str, first: str) -> str:
    """Write a value of a shape: ones, after a zero when it is asked for and not alone."""
    if shape.count("9") == 1:
        first = "1"
    return shape.replace("9", first, 1).replace("9", "1")


def _facts(shape: str, digits: NDArray[np.uint8]) -> Whole:
    """Pack what depends on the digits: keys, calendar, month first, first digits."""
    import numpy as np

    facts = np.zeros(len(digits), np.int64)
    bare = re.sub(r"[\s\u00a0\u202f.\-]", "", shape)
    if bare.isdigit() and len(bare) in {9, 11, 14}:
        held = _luhn(digits)
        facts += held
        if len(bare) == 14:
            post = (digits[:, :9] == np.array([int(char) for char in LA_POSTE_SIREN])).all(axis=1)
            facts += 2 * (held | (post & (digits.sum(axis=1, dtype=np.int64) % 5 == 0)))
    parts = parts_of(_probe(shape, "1"))
    if parts is not None:
        day, moment = calendar(digits, parts)
        midnight = moment % 86_400_000_000 == 0
        facts += 4 * day + 8 * (midnight & day)
    early = _MONTH_FIRST.match(_probe(shape, "1"))
    if early:
        one, two = len(early[1]), len(early[2])
        facts += 16 * (number_in(digits[:, :one]) <= 12) + 32 * (number_in(digits[:, one : one + two]) > 12)
    if shape == "99999999":
        facts += 64 * np.isin(number_in(digits[:, :2]), (19, 20))
    if shape == "99999":
        facts += 128 * ((digits[:, 0] >= 2) & (digits[:, 0] <= 6))
    return facts


def _luhn(digits: NDArray[np.uint8]) -> Truth:
    import numpy as np

    turned = digits[:, ::-1].astype(np.int64)
    turned[:, 1::2] = np.where(turned[:, 1::2] > 4, 2 * turned[:, 1::2] - 9, 2 * turned[:, 1::2])
    return np.asarray(turned.sum(axis=1) % 10 == 0)
