"""Speed of full-text search beside bm25s, SQLite FTS5 and PostgreSQL, on the same French passages in one run.

Run alone: ``.venv/bin/python benchmarks/search.py [--passages 100000] [--hybrid]``, with ``ECLAIREUR_DATA``.
Passages are cut at about 450 characters from official sheets, the labour code and clinical cases; to reach
the number asked they are repeated, one word in ten replaced by another of the corpus (said in the output).
Each engine runs in its own process, on one thread. Queries are two to five neighbouring words of a passage,
small words out, joined by OR, ten answers. Times are CPU seconds of the process (for PostgreSQL, of its own
process too), once its libraries are loaded; a percentile is of the CPU time of one query. The first line
times a plain loop of Python: on a machine that others use, a CPU second does less. With ``--rounds 3``,
eclaireur indexes three times from nothing, and the quickest is told. Peers that are not installed are said to
be absent.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(1, str(ROOT))

from eclaireur.bricks.semantic.normalise import STOP, plain  # noqa: E402 - found by the path set above

LENGTH = 450
QUERIES = 2000
ENGINES = ("eclaireur", "bm25s", "sqlite", "postgresql")
Ask = Callable[[list[str]], int]


def main() -> None:
    """Run each engine in its own process, and print one line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--engine", choices=(*ENGINES, "hybrid"))
    parser.add_argument("--hybrid", action="store_true")
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        print("skipped: ECLAIREUR_DATA is not set")
        return
    if asked.engine:
        run(asked.engine, Path(folder), asked.passages, asked.queries, asked.rounds)
        return
    for engine in (*ENGINES, *(["hybrid"] if asked.hybrid else [])):
        command = [sys.executable, __file__, "--passages", str(asked.passages), "--engine", engine]
        more = ["--queries", str(asked.queries), "--rounds", str(asked.rounds)]
        subprocess.run([*command, *more], check=False)  # noqa: S603 - our own script


def passages(folder: Path, number: int) -> tuple[list[tuple[str, str]], int]:
    """Return titles and bodies, and how many of them are as published."""
    found = [
        (title, text[at : at + LENGTH].strip())
        for title, text in texts(folder)
        for at in range(0, len(text), LENGTH)
        if len(text) - at > LENGTH // 3
    ]
    draw = random.Random(0)
    draw.shuffle(found)
    real = min(len(found), number)
    words = [word for _, text in found[:2000] for word in text.split()]
    while len(found) < number:
        title, text = found[draw.randrange(real)]
        body = [word if draw.random() > 0.1 else draw.choice(words) for word in text.split()]
        found.append((title, " ".join(body)))
    return found[:number], real


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the title and text of each document."""
    for name, title, text in (
        ("service_public_sheets/fiches_service_public.jsonl.gz", "title", "text"),
        ("labour_code/code_du_travail_articles_en_vigueur.jsonl.gz", "num", "texte"),
        ("clinical_cases/e3c_fr_layer3_pamj_case_reports.jsonl.gz", "title", "text"),
    ):
        with gzip.open(folder / name, "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                yield str(row.get(title) or ""), str(row.get(text) or "")


def queries(found: Sequence[tuple[str, str]], number: int) -> list[list[str]]:
    """Return neighbouring words of passages, in plain form, without small words."""
    draw = random.Random(1)
    asked: list[list[str]] = []
    while len(asked) < number:
        words = [plain(word) for word in draw.choice(found)[1].replace("'", " ").replace("’", " ").split()]
        kept = [word for word in words if len(word) > 2 and word not in STOP]
        if len(kept) > 8:
            at = draw.randrange(len(kept) - 5)
            asked.append(kept[at : at + draw.randint(2, 5)])
    return asked


def run(engine: str, folder: Path, number: int, asked: int, rounds: int) -> None:
    """Index, ask, print."""
    found, real = passages(folder, number)
    if engine == "eclaireur":
        size = sum(len(body) for _, body in found) // len(found)
        start = time.process_time()
        sum(range(10_000_000))
        print(f"ten million additions: {time.process_time() - start:.2f} CPU-s")
        print(f"{number} passages of {size} characters, {real} as published, the rest varied")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engines: dict[str, Callable[[Sequence[tuple[str, str]], Path], Opened]] = {
        "eclaireur": partial(eclaireur, rounds=rounds),
        "hybrid": hybrid,
        "bm25s": bm25s_engine,
        "sqlite": sqlite,
        "postgresql": postgresql_engine,
    }
    with tempfile.TemporaryDirectory() as place:
        try:
            opened = engines[engine](found, Path(place))
            first = next(opened, None)
        except ImportError as error:
            print(f"{engine}: absent ({error.name})")
            return
        for spent, title, ask, clock in chain([first] if first else [], opened):
            each = []
            wanted = queries(found, asked)
            for words in wanted[:50]:
                ask(words)
            answered = 0
            for words in wanted:
                start = clock()
                answered += ask(words) > 0
                each.append(clock() - start)
            each.sort()
            indexed = f"{len(found) / spent:.0f} passages/CPU-s, " if spent else ""
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            p50, p95, p99 = (each[int(len(each) * share)] * 1e3 for share in (0.5, 0.95, 0.99))
            print(
                f"{title}: {indexed}{len(each) / sum(each):.0f} queries/CPU-s, "
                f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms, {answered / len(each):.3f} answered, "
                f"peak memory +{(peak - before) / 1e3:.0f} MB"
            )


Opened = Iterator[tuple[float, str, Ask, Callable[[], float]]]


def eclaireur(found: Sequence[tuple[str, str]], place: Path, *, rounds: int) -> Opened:
    """Index titles and bodies with keys, positions, stored texts; ask by the protocol."""
    from eclaireur.bricks.semantic import normalise
    from eclaireur.bricks.semantic.index import Document, Search, Spec
    from eclaireur.bricks.semantic.index_tantivy import TantivyIndex

    with TantivyIndex.create(place / "warm", Spec()).writing() as writer:
        writer.add([Document(id="0", body="mot " * 6000)])
    each = []
    for number in range(rounds):
        normalise.forget_pieces()
        start = time.process_time()
        index = TantivyIndex.create(place / f"index{number}", Spec())
        with index.writing() as writer:
            writer.add(
                (Document(id=str(at), title=title, body=body) for at, (title, body) in enumerate(found)),
                fresh=True,
            )
        each.append(time.process_time() - start)
    spent = min(each)
    if rounds > 1:
        print(f"indexed {rounds} times from nothing: {', '.join(f'{one:.2f}' for one in each)} CPU-s")

    def best(words: list[str]) -> int:
        return len(index.search(Search(query=" ".join(words), total=False)).hits)

    def counted(words: list[str]) -> int:
        return len(index.search(Search(query=" ".join(words))).hits)

    def bare(words: list[str]) -> int:
        return len(index.scored(Search(query=" ".join(words)))[0])

    yield spent, "eclaireur, numbers and scores only", bare, time.process_time
    yield 0.0, "eclaireur, documents read", best, time.process_time
    yield 0.0, "eclaireur, documents read, every answer counted", counted, time.process_time


def hybrid(found: Sequence[tuple[str, str]], place: Path) -> Opened:
    """Learn the ranking, then ask with it."""
    from eclaireur.bricks.semantic.hybrid import Hybrid
    from eclaireur.bricks.semantic.index import Document, Search, Spec
    from eclaireur.bricks.semantic.index_tantivy import TantivyIndex

    documents = [Document(id=str(at), title=title, body=body) for at, (title, body) in enumerate(found)]
    index = TantivyIndex.create(place / "index", Spec())
    with index.writing() as writer:
        writer.add(documents, fresh=True)
    start = time.process_time()
    ranking = Hybrid.fit(documents)
    print(f"hybrid: ranking learnt in {time.process_time() - start:.0f} CPU-s, {len(ranking.places)} titles")

    def ask(words: list[str]) -> int:
        return len(ranking.search(index, Search(query=" ".join(words))).hits)

    yield 0.0, "hybrid, every answer counted", ask, time.process_time


def bm25s_engine(found: Sequence[tuple[str, str]], place: Path) -> Opened:  # noqa: ARG001 - in memory
    """The package bm25s, without stemming: titles and bodies in one field, in memory, no stored text."""
    import importlib

    bm25s: Any = importlib.import_module("bm25s")

    start = time.process_time()
    corpus = [f"{title} {body}" for title, body in found]
    kept = bm25s.tokenize(corpus, stopwords=sorted(STOP), show_progress=False)
    engine = bm25s.BM25()
    engine.index(kept, show_progress=False)
    spent = time.process_time() - start

    def ask(words: list[str]) -> int:
        known = [word for word in words if word in kept.vocab]
        if not known:
            return 0
        rows, scores = engine.retrieve([known], k=10, show_progress=False, n_threads=0)
        return int((scores[0] > 0).sum()) if len(rows) else 0

    yield spent, "bm25s", ask, time.process_time


def sqlite(found: Sequence[tuple[str, str]], place: Path) -> Opened:
    """SQLite's FTS5, with its own tokenizer without accents."""
    import sqlite3

    start = time.process_time()
    base = sqlite3.connect(place / "fts.db")
    base.execute(
        'CREATE VIRTUAL TABLE texts USING fts5(title, body, tokenize="unicode61 remove_diacritics 2")'
    )
    base.executemany("INSERT INTO texts VALUES (?, ?)", found)
    base.commit()
    spent = time.process_time() - start
    statement = "SELECT title, body FROM texts WHERE texts MATCH ? ORDER BY bm25(texts, 3.0, 1.0) LIMIT 10"

    def ask(words: list[str]) -> int:
        return len(base.execute(statement, [" OR ".join(f'"{word}"' for word in words)]).fetchall())

    yield spent, "SQLite FTS5", ask, time.process_time


def postgresql_engine(found: Sequence[tuple[str, str]], place: Path) -> Opened:  # noqa: ARG001 - its own
    """PostgreSQL's full text, French configuration, GIN index, in a server of our own."""
    import psycopg

    from tests.postgresql_server import postgresql, programs

    if programs() is None:
        print("PostgreSQL: absent (initdb)")
        return
    with postgresql() as url, psycopg.connect(url, autocommit=True) as base:
        row = base.execute("SELECT pg_backend_pid()").fetchone()
        server = int(row[0]) if row else 0

        def clock() -> float:
            fields = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

        base.execute("SET max_parallel_workers_per_gather = 0; SET max_parallel_maintenance_workers = 0")
        start = clock()
        base.execute("CREATE TABLE texts (title text, body text, words tsvector)")
        with base.cursor().copy("COPY texts (title, body) FROM STDIN") as copy:
            for one in found:
                copy.write_row(one)
        base.execute(
            "UPDATE texts SET words = "
            "setweight(to_tsvector('french', title), 'A') || to_tsvector('french', body)"
        )
        base.execute("CREATE INDEX ON texts USING gin (words)")
        spent = clock() - start
        statement = (
            "SELECT title, body FROM texts, to_tsquery('french', %s) asked WHERE words @@ asked "
            "ORDER BY ts_rank(words, asked) DESC LIMIT 10"
        )

        def ask(words: list[str]) -> int:
            return len(base.execute(statement, [" | ".join(words)]).fetchall())

        yield spent, "PostgreSQL (percentiles to 10 ms)", ask, clock


if __name__ == "__main__":
    main()
