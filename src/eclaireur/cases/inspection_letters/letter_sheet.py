"""A whole letter: its parts, its demands with their deadlines, what it cites, the topics of its sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.demands import demands
from eclaireur.bricks.semantic.outline import sentences
from eclaireur.bricks.semantic.references import cited
from eclaireur.cases.inspection_letters import reading
from eclaireur.cases.inspection_letters.asking import plain_table
from eclaireur.core import french
from eclaireur.core.tables import proposals_schema
from eclaireur.core.view import Block, Facts, Mark, SpanText

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.semantic.labelling import Labeller
    from eclaireur.bricks.semantic.places import Places
    from eclaireur.core.case import Records

__all__ = ["letter_blocks", "proposals"]

_LIKELY = 0.5


def letter_blocks(row: dict[str, Any], *, places: Places) -> tuple[Block, ...]:
    """Return the blocks of a letter.

    Parameters
    ----------
    row
        ``number``, ``site``, ``observed``, ``text`` and ``parts``, as `reading.table` gives them.
    places
        Places to look for.
    """
    known = reading.patterns()
    text = row["text"]
    cut = reading.cut(row, known)
    asks = demands(text, known, sent=row["observed"], cut=cut)
    named = Counter((one.name, one.code) for one in places.found(text))
    rules = Counter(one.value for one in cited(text))
    pairs = (
        ("Numéro", row["number"]),
        ("Site", row["site"]),
        ("Lettre du", french.day(row["observed"])),
        ("Demandes relevées", french.number(len(asks))),
    )
    return (
        Facts(title=f"Lettre {row['number']}", pairs=pairs),
        SpanText(
            title="Texte",
            text=text,
            marks=tuple(Mark(start=one.start, end=one.end, label=one.title, part=True) for one in cut),
        ),
        plain_table(
            "Demandes",
            [{"text": one.text, "due": one.due, "delay": one.delay or "non dit"} for one in asks],
            note="L'échéance se compte depuis la date de la lettre. La réponse du site n'est pas connue ici.",
            text="Demande",
            due="Échéance",
            delay="Délai écrit",
        ),
        plain_table(
            "Textes cités",
            [{"rule": rule, "count": count} for rule, count in rules.most_common(30)],
            note="Vérifiez que ce texte est encore applicable.",
            rule="Texte",
            count="Citations",
        ),
        plain_table(
            "Lieux nommés",
            [{"place": name, "code": code, "count": count} for (name, code), count in named.most_common(30)],
            note="Parmi les lieux de la table « places » du cas : sans elle, aucun n’est cherché.",
            place="Lieu",
            code="Code",
            count="Fois",
        ),
    )


def proposals(records: Records, model: Labeller) -> pa.Table:
    """Return the topics of each sentence of each letter (`core.tables.proposals_schema`)."""
    import numpy as np
    import pyarrow as pa

    placed = [
        (row["number"], start, end, " ".join(row["text"][start:end].split()))
        for row in records["letters"].to_pylist()
        for start, end in sentences(row["text"])
    ]
    schema = proposals_schema()
    if not placed:
        return schema.empty_table()
    scores = model.scored([text for *_, text in placed])
    given = model.given(scores)
    best, chances, kept = model.sure(scores)
    rows = []
    for at, (document, start, end, text) in enumerate(placed):
        first = int(best[at])
        others = [int(label) for label in np.flatnonzero(given[at]) if int(label) != first]
        rows.append(
            {
                "document": document,
                "start": start,
                "end": end,
                "text": text,
                "labels": [model.names[label] for label in ([first, *others] if chances[at] > 0 else [])],
                "chance": float(chances[at]),
                # Kept by the model, and more often right than wrong: else a person looks.
                "sure": bool(kept[at]) and float(chances[at]) >= _LIKELY,
            }
        )
    return pa.Table.from_pylist(rows, schema=schema)
