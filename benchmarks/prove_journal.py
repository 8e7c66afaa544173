"""Tamper with the journal at random and check that every tampering is found, at the right line.

    python benchmarks/prove_journal.py --count 10000 --seed 20211

Journals of random entries, personal ones included, are altered once each, in one of nine ways; then
`Journal.verify` is given the head exported before. A tampering counts as found when it is refused and
the line named is the first that is wrong. `tests/core/test_journal_chain.py` runs 500 of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from eclaireur.core import canonical
from eclaireur.core.errors import JournalBrokenError
from eclaireur.core.journal import Draft, Entry, FileKeyStore, Head, Journal
from eclaireur.core.journal.store import MakeLines
from eclaireur.core.subjects import Subject

__all__ = ["MemoryStore", "Proof", "prove", "random_draft", "ticking"]

_LONGEST = 40
_START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@dataclass(slots=True)
class MemoryStore:
    """A journal store in memory, for tests and proofs. It is not durable."""

    held: list[str] = field(default_factory=list)
    name: str = "memory"

    def append(self, make: MakeLines) -> None:
        """Add lines, all or none."""
        self.held.extend(make(self.last()))

    def lines(self, start: int = 1) -> Iterator[str]:
        """Give the lines from number ``start``."""
        yield from self.held[start - 1 :]

    def last(self) -> str | None:
        """Return the last line, or None."""
        return self.held[-1] if self.held else None

    def count(self) -> int:
        """Return how many lines there are."""
        return len(self.held)


@dataclass(slots=True)
class Proof:
    """What was tried and found, by way of tampering."""

    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def ticking() -> Callable[[], datetime]:
    """Return a clock that adds a second at each look."""
    seconds = iter(range(10**9))
    return lambda: _START + timedelta(seconds=next(seconds))


def random_draft(rng: random.Random) -> Draft:
    """Make an entry of random kind, with odd characters, and sealed values one time in two."""
    letters = 'abcé «»"\\\n\t\u2028😀\x1f,:{}'
    word = "".join(rng.choices(letters, k=rng.randint(0, 12)))
    person = Subject("pseudonym", f"person-{rng.randint(1, 9):03d}") if rng.random() < 0.5 else None
    return Draft(
        kind=rng.choice(["decision", "outcome", "promotion", "export", "stop"]),
        case=rng.choice(["restaurant_risk", "demo"]),
        actor=rng.choice(["Ada Lovelace", "Émilie du Châtelet"]),
        data={"value": rng.choice([word, rng.random(), rng.randint(-9, 9), None, True, [word, {}]])},
        subject=person,
        personal={"note": word} if person else None,
    )


def prove(count: int, seed: int) -> Proof:
    """Try ``count`` tamperings of random journals.

    Parameters
    ----------
    count
        Number of tamperings.
    seed
        Seed of the journals and of the tamperings. Keys and nonces are random all the same.

    Returns
    -------
    Proof
        Counts by way of tampering; ``missed`` names what was not found, or found at another line.
    """
    proof = Proof()
    with tempfile.TemporaryDirectory() as folder:
        keys = FileKeyStore(Path(folder) / "keys", Path(folder) / "master.key", environ={})
        store = MemoryStore()
        for number in range(count):
            # One generator each: the random nonces of one journal do not change what comes next.
            rng = random.Random(f"{seed}/{number}")
            way = rng.choice(list(_WAYS))
            if number % 200 == 0:
                store.held.clear()
                Journal(store, keys, ticking()).append_many(random_draft(rng) for _ in range(_LONGEST))
            # The first lines of a journal are a journal.
            lines = store.held[: rng.randint(2, _LONGEST)]
            tampered, expected = _WAYS[way](rng, lines)
            last = Entry.from_line(lines[-1])
            head = Head.read(Head(seq=last.seq, hash=last.hash, time=last.time).export())
            proof.tried[way] += 1
            line = _first_wrong(Journal(MemoryStore(tampered), keys, ticking()), head)
            if line == expected:
                proof.found[way] += 1
            else:
                proof.missed.append(f"{way} : ligne {line}, attendue {expected}")
    return proof


def _first_wrong(journal: Journal, head: Head) -> int | None:
    try:
        journal.verify(head)
    except JournalBrokenError as error:
        return error.line
    return None


def _difference(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the number of the first line that differs."""
    same = (i for i, pair in enumerate(zip(before, after, strict=False), 1) if pair[0] != pair[1])
    return next(same, min(len(before), len(after)) + 1)


def _rehash(line: str, change: Callable[[dict[str, object]], None]) -> str:
    """Change the fields of a line, then give it a hash that fits, as an informed forger would."""
    values = canonical.parse(line)
    del values["hash"]
    change(values)
    body = canonical.text(values)
    return f'{body[:-1]},"hash":"{hashlib.sha256(body.encode()).hexdigest()}"}}'


def _hash_of(line: str) -> str:
    return line[-66:-2]


_Tampered = tuple[list[str], int]


def _edit(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))
    line = lines[at]
    place = rng.randrange(len(line))
    other = rng.choice([char for char in 'a0 "}é' if char != line[place]])
    return [*lines[:at], line[:place] + other + line[place + 1 :], *lines[at + 1 :]], at + 1


def _forge(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))

    def change(values: dict[str, object]) -> None:
        values["actor"] = "Personne d'autre"

    # The forged line agrees with its own hash; the next one does not follow it, or the head differs.
    return [*lines[:at], _rehash(lines[at], change), *lines[at + 1 :]], min(at + 2, len(lines))


def _rewrite(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))
    after = lines[:at]
    for line in lines[at:]:
        previous = _hash_of(after[-1]) if after else None

        def change(values: dict[str, object], previous: str | None = previous) -> None:
            values["actor"] = "Personne d'autre"
            values["prev"] = previous or values["prev"]

        after.append(_rehash(line, change))
    return after, len(lines)


def _delete(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))
    after = [*lines[:at], *lines[at + 1 :]]
    return after, _difference(lines, after)


def _swap(rng: random.Random, lines: list[str]) -> _Tampered:
    first, second = sorted(rng.sample(range(len(lines)), 2))
    after = list(lines)
    after[first], after[second] = after[second], after[first]
    return after, first + 1


def _copy(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))
    after = [*lines[:at], rng.choice(lines), *lines[at:]]
    return after, _difference(lines, after)


def _slip_in(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines))

    def change(values: dict[str, object]) -> None:
        values["actor"] = "Personne d'autre"

    # Right number, right previous hash, right hash: the line after it is out of place, or the head differs.
    return [*lines[:at], _rehash(lines[at], change), *lines[at:]], min(at + 2, len(lines))


def _cut(rng: random.Random, lines: list[str]) -> _Tampered:
    kept = rng.randrange(len(lines))
    return lines[:kept], kept + 1


def _join(rng: random.Random, lines: list[str]) -> _Tampered:
    at = rng.randrange(len(lines) - 1)
    return [*lines[:at], lines[at] + lines[at + 1], *lines[at + 2 :]], at + 1


_WAYS: dict[str, Callable[[random.Random, list[str]], _Tampered]] = {
    "caractère changé": _edit,
    "ligne refaite": _forge,
    "suite refaite": _rewrite,
    "ligne retirée": _delete,
    "lignes échangées": _swap,
    "ligne recopiée": _copy,
    "ligne glissée": _slip_in,
    "fin coupée": _cut,
    "lignes jointes": _join,
}


def main() -> int:
    """Print the figures; exit 1 when a tampering was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None, help="JSON file for write_proofs.py")
    options = parser.parse_args()
    start = time.perf_counter()
    proof = prove(options.count, options.seed)
    for way, tried in sorted(proof.tried.items()):
        print(f"{way:18} {proof.found[way]:6} / {tried}")
    print(
        f"{'total':18} {proof.found.total():6} / {proof.tried.total()}"
        f"  (graine {options.seed}, {time.perf_counter() - start:.1f} s)"
    )
    if options.log is not None:
        tried = proof.tried.total()
        figures = {"proof": "journal", "seed": options.seed, "tried": tried}
        told = json.dumps({**figures, "failed": tried - proof.found.total()})
        options.log.write_text(told + "\n", encoding="utf-8")
    for missed in proof.missed[:10]:
        print(f"manqué : {missed}", file=sys.stderr)
    return 1 if proof.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
