"""What is particular to inspection_letters."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from eclaireur.cases.inspection_letters import case, measuring, sample
from eclaireur.core.case import quiet


def test_made_up_topics_are_found_on_folds_never_seen_and_kept_ones_are_right(tmp_path: Path) -> None:
    sample.write(tmp_path, seed=3)
    rows = case.records("sample", tmp_path, outcomes=None, progress=quiet)["sentences"].to_pylist()
    block = measuring.evaluate("sample", rows, seed=1, progress=quiet)
    value = {metric.name: metric.value or 0.0 for metric in block.metrics}
    assert value["micro_f1"] > 0.8
    assert value["precision_kept"] >= 0.6
    assert value["coverage_kept"] > 0.3


def test_a_file_of_sentences_gets_topics_in_its_order(tmp_path: Path) -> None:
    sample.write(tmp_path, seed=3)
    records = case.records("sample", tmp_path, outcomes=None, progress=quiet)
    fitted = case.train(
        records, case.examples(records), as_of=case.data_date(records), seed=1, progress=quiet
    )
    table = pa.table({"sentence": ["Les extincteurs du local étaient vides.", "ωψξ"]})
    read = fitted.artefacts.__getitem__
    found = case.score(table, records, fitted.card, read, progress=quiet).to_pylist()
    assert found[0]["first"] == "S01"
    assert "S01" in found[0]["labels"].split()
    assert (found[1]["kept"], found[1]["labels"]) == (False, "")
    assert "connu" in found[1]["reasons"][0]["sentence"]


@pytest.mark.parametrize("text", ["12", "phrase-000012", "document:phrase-000012"])
def test_a_sentence_is_named_by_its_number(text: str) -> None:
    assert str(case.identify(text)) == "document:phrase-000012"
