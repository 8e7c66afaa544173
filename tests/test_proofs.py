"""Short forms of the proofs that have no other place, and the page that tells their figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import prove_pickles
from benchmarks.write_proofs import PROOFS, page, upper_bound

ROOT = Path(__file__).resolve().parents[1]


def test_no_hostile_pickle_is_taken_for_a_model(tmp_path: Path) -> None:
    assert prove_pickles.control(tmp_path)
    tried, accepted, ran = prove_pickles.prove(tmp_path)
    assert tried > 2000
    assert (accepted, ran) == ([], False)


@pytest.mark.parametrize(
    ("failed", "tried", "bound"),
    [(0, 1000, 1 - 0.05 ** (1 / 1000)), (1, 100, 0.04656), (10, 100, 0.16372), (3, 3, 1.0)],
)
def test_upper_bounds_are_those_of_clopper_and_pearson(failed: int, tried: int, bound: float) -> None:
    assert upper_bound(failed, tried) == pytest.approx(bound, rel=2e-4)


def test_each_proof_of_the_page_has_its_script_which_keeps_a_log() -> None:
    for name, (_, _, script) in PROOFS.items():
        text = (ROOT / "benchmarks" / script).read_text(encoding="utf-8")
        assert '"--log"' in text, script
        assert f'"proof": "{name}"' in text, script


def test_the_page_tells_each_log(tmp_path: Path) -> None:
    logs = [{"proof": name, "seed": 1, "tried": 200, "failed": 0, "rows": []} for name in PROOFS]
    told = page(json.loads(json.dumps(logs)))
    assert told.count("| 200 | 0 |") == len(PROOFS)
    assert "0.015" in told
    with pytest.raises(KeyError):
        page([{"proof": "journal"}])
