"""Labels that a case proposes for passages of its documents, kept ready: to be shown, and to be annotated.

A case that proposes labels gives ``proposals(records, card, artefact)`` (`core.tables.proposals_schema`) and
``labels(card, artefact)``, code → what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.labelling import worth_annotating

if TYPE_CHECKING:
    from eclaireur.core.types import ModelCard
    from eclaireur.service.work import RecordsRun, Work

__all__ = ["Passage", "Proposals", "annotates", "kept_proposals", "prepare"]

_STAGE = "proposals"
_LABELS = "labels.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage of a document and the labels proposed for it; see `core.tables.proposals_schema`."""

    document: str
    start: int
    end: int
    text: str
    labels: tuple[str, ...]
    chance: float
    sure: bool

    @property
    def key(self) -> str:
        """Its name, the same from one calculation to the next as long as its document is."""
        return f"{self.document}@{self.start}-{self.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """All passages of the documents of a case, by document, and the labels that there are."""

    model: int
    source: str
    labels: Mapping[str, str]
    passages: tuple[Passage, ...]
    by_document: Mapping[str, tuple[Passage, ...]]

    def find(self, key: str) -> Passage | None:
        """Return a passage by its key."""
        document = key.rpartition("@")[0]
        return next((one for one in self.by_document.get(document, ()) if one.key == key), None)

    def session(self, done: Collection[str], documents: Collection[str] | None = None) -> list[Passage]:
        """Choose passages for five minutes: the surest ones, then those where the model hesitates most.

        Parameters
        ----------
        done
            Keys of those that the person has annotated.
        documents
            Only these; all by default.

        Returns
        -------
        list of Passage
            15 sure and 5 unsure, mixed so that neither kind is recognised by its place. Two people who have
            annotated nothing are given the same ones: that is how their agreement is measured.
        """
        seen: set[str] = set(done)
        texts: set[str] = set()
        left = []
        for one in self.passages:
            kept = documents is None or one.document in documents
            if one.labels and kept and one.key not in seen and one.text not in texts:
                texts.add(one.text)
                left.append(one)
        sure, unsure = worth_annotating([one.chance for one in left])
        mixed: list[int] = []
        while sure or unsure:
            mixed += sure[:3] + unsure[:1]
            sure, unsure = sure[3:], unsure[1:]
        return [left[at] for at in mixed]


def annotates(work: Work) -> bool:
    """Tell whether a case proposes labels."""
    return hasattr(work.case, "proposals")


def prepare(work: Work, records: RecordsRun, card: ModelCard, source: str) -> None:
    """Compute the labels of every passage once, and keep them with the model that made them."""
    if not annotates(work):
        return
    registry, lake = work.workspace.registry, work.workspace.lake
    run = work.run(
        _STAGE,
        config={"source": source, "model": card.number},
        inputs=(records.run.id, registry.seal(card)),
    )

    def artefact(file: str) -> bytes:
        return registry.artefact(card, file)

    def write(folder: Path) -> None:
        case: Any = work.case
        work.progress(0, 1, "Étiquettes des passages")
        lake.write(folder, _STAGE, case.proposals(records.tables, card, artefact))
        text = json.dumps(case.labels(card, artefact), ensure_ascii=False)
        (folder / _LABELS).write_text(text, encoding="utf-8")

    work.workspace.runs.do(run, write)


def kept_proposals(work: Work, records_run: str) -> Proposals | None:
    """Return the labels that `prepare` kept last for some records; None when there are none."""
    found = work.workspace.runs.latest(work.card.name, _STAGE)
    if found is None or found.inputs[0] != records_run:
        return None
    address = work.workspace.runs.address(found)
    folder = work.workspace.lake.folder(address)
    rows = work.workspace.lake.table(address, _STAGE).to_pylist()
    passages = tuple(Passage(**{**row, "labels": tuple(row["labels"])}) for row in rows)
    by_document: dict[str, list[Passage]] = {}
    for one in passages:
        by_document.setdefault(one.document, []).append(one)
    return Proposals(
        model=int(found.config["model"]),
        source=str(found.config["source"]),
        labels=json.loads((folder / _LABELS).read_text(encoding="utf-8")),
        passages=passages,
        by_document={name: tuple(found) for name, found in by_document.items()},
    )
