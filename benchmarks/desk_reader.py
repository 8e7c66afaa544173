"""Measure the search page of the reader desk on a large corpus: CPU of the server for each page.

    python benchmarks/desk_reader.py --documents 20000 --json figures.json

Fictitious letters are indexed in a workspace that ends with the measure. One page is asked for each of forty
questions of one to four words, with filters, counts, months, passages and reasons: all that a reader sees.
CPU seconds are those of the process that answers, through every middleware, without the network.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

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


def measure(count: int) -> Figures:
    """Index ``count`` letters and ask for pages."""
    from django.test import Client

    from eclaireur.bricks.semantic.index import Document
    from eclaireur.cases.inspection_letters.letters import SITES, TOPICS, generate
    from eclaireur.desk.models import Grant, Role, User
    from eclaireur.desk.place import workspace
    from eclaireur.service import searching

    letters = (
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
    )
    began = time.process_time()
    searching.build(workspace(), CASE, list(letters), ("site",))
    built = time.process_time() - began
    told = searching.stats(workspace(), CASE)
    user = User.objects.create_user("mesure", "Ada Martin", None)
    Grant.objects.create(user=user, role=Role.AGENT, case=CASE)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    draw = random.Random(11)
    words = sorted({word for things in TOPICS.values() for thing in things for word in thing.split()})
    asked = [
        {"q": " ".join(draw.sample(words, draw.randint(1, 4)))}
        | ({"f-site": draw.choice(SITES)} if at % 3 == 0 else {})
        for at in range(_QUESTIONS)
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
    pages = [cost(f"/{CASE}/document/", {"id": f"INSSN-2021-{number:04d}"}) for number in range(1, 11)]
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
    )


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eclaireur-reader-") as home:
        os.environ["ECLAIREUR_HOME"] = home
        os.environ.pop("DATABASE_URL", None)
        from eclaireur.desk.start import prepare

        prepare()
        found = asdict(measure(asked.documents))
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
