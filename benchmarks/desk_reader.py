"""Measure the search page of the reader desk on a large corpus: CPU of the server for each page.

    python benchmarks/desk_reader.py --documents 20000 --json figures.json
    python benchmarks/desk_reader.py --passages 1000000    (needs ECLAIREUR_DATA)

Fictitious letters are indexed in a workspace that ends with the measure. One page is asked for each of forty
questions of one to four words, with filters, counts, months, passages and reasons: all that a reader sees.
With ``--passages``, French passages of about 450 characters stand for the letters (`benchmarks/search.py`
says which), each with one of forty sites and a day of ten years; questions are then words that stand side by
side in a passage. CPU seconds are those of the process that answers, through every middleware, without the
network.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document

__all__ = ["Figures", "measure"]

CASE = "inspection_letters"
_QUESTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured: documents, seconds and milliseconds of CPU."""

    documents: int
    hybrid: bool
    index_cpu_s: float
    first_cpu_ms: float
    median_cpu_ms: float
    p95_cpu_ms: float
    plain_median_cpu_ms: float
    document_cpu_ms: float
    index_mb: float
    peak_mb: int


def _letters(count: int) -> tuple[list[Document], list[str]]:
    """Return fictitious letters, and questions."""
    from eclaireur.bricks.semantic.index import Document
    from eclaireur.cases.inspection_letters.letters import TOPICS, generate

    draw = random.Random(11)
    words = sorted({word for things in TOPICS.values() for thing in things for word in thing.split()})
    letters = [
        Document(
            id=one.number,
            title=one.number,
            section=one.site,
            body=one.text,
            day=one.day,
            facets={"site": (one.site,)},
            perimeters=(one.site,),
        )
        for one in generate(count, seed=7)
    ]
    return letters, [" ".join(draw.sample(words, draw.randint(1, 4))) for _ in range(_QUESTIONS)]


def _passages(count: int) -> tuple[list[Document], list[str]]:
    """Return French passages, and questions."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks.search import passages, queries

    from eclaireur.bricks.semantic.index import Document

    found, _ = passages(Path(os.environ["ECLAIREUR_DATA"]), count)
    asked = [" ".join(words[:4]) for words in queries(found, _QUESTIONS)]
    draw = random.Random(3)

    def made() -> Iterator[Document]:
        for at, (title, body) in enumerate(found):
            site = f"Site {draw.randrange(40):02d}"
            yield Document(
                id=f"P{at}",
                title=title,
                body=body,
                day=date(2015, 1, 1) + timedelta(days=draw.randrange(3650)),
                facets={"site": (site,)},
                perimeters=(site,),
            )

    return list(made()), asked


def measure(count: int, passages: int = 0) -> Figures:
    """Index ``count`` letters, or passages, and ask for pages."""
    from django.test import Client

    from eclaireur.desk.models import Grant, Role, User
    from eclaireur.desk.place import workspace
    from eclaireur.service import searching

    documents, questions = _passages(passages) if passages else _letters(count)
    sites = sorted({value for one in documents for value in one.facets["site"]})
    ids = [one.id for one in documents[:10]]
    began = time.process_time()
    searching.build(workspace(), CASE, documents, ("site",))
    del documents
    built = time.process_time() - began
    told = searching.stats(workspace(), CASE)
    user = User.objects.create_user("mesure", "Ada Martin", None)
    Grant.objects.create(user=user, role=Role.AGENT, case=CASE)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    draw = random.Random(11)
    asked = [
        {"q": one} | ({"f-site": draw.choice(sites)} if at % 3 == 0 else {})
        for at, one in enumerate(questions)
    ]

    def cost(path: str, given: dict[str, str]) -> float:
        start = time.process_time()
        answer = client.get(path, given)
        spent = 1000 * (time.process_time() - start)
        if answer.status_code != 200:
            message = f"{path} {given}: {answer.status_code}"
            raise RuntimeError(message)
        return spent

    first = cost(f"/{CASE}/", asked[0])
    spent = sorted(cost(f"/{CASE}/", one) for one in asked)
    plain = [cost(f"/{CASE}/", {}) for _ in range(10)]
    pages = [cost(f"/{CASE}/document/", {"id": one}) for one in ids]
    return Figures(
        documents=told.documents,
        hybrid=told.hybrid,
        index_cpu_s=round(built, 1),
        first_cpu_ms=round(first, 1),
        median_cpu_ms=round(statistics.median(spent), 1),
        p95_cpu_ms=round(spent[int(0.95 * len(spent))], 1),
        plain_median_cpu_ms=round(statistics.median(plain), 1),
        document_cpu_ms=round(statistics.median(pages), 1),
        index_mb=round(told.bytes / 1e6, 1),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
    )


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--passages", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eclaireur-reader-") as home:
        os.environ["ECLAIREUR_HOME"] = home
        os.environ.pop("DATABASE_URL", None)
        from eclaireur.desk.start import prepare

        prepare()
        found = asdict(measure(asked.documents, asked.passages))
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
