"""Short forms of the proofs that have no other place, how proofs are run, and the page of their figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import prove_pickles, prove_ssrf
from benchmarks.run_proofs import SCRIPTS, code_of, given, keep, once
from benchmarks.write_proofs import PROOFS, logs_in, page, upper_bound

ROOT = Path(__file__).resolve().parents[1]


def test_no_hostile_pickle_is_taken_for_a_model(tmp_path: Path) -> None:
    assert prove_pickles.control(tmp_path)
    tried, accepted, ran = prove_pickles.prove(tmp_path)
    assert tried > 2000
    assert (accepted, ran) == ([], False)


def test_no_disguised_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    proof = prove_ssrf.prove(0, seed=20211)
    assert proof.tried > 900
    assert proof.reached == []


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
        assert '"proof"' in text, script
        assert f'"{name}"' in text, script


def test_each_script_that_proves_is_run_with_options_that_it_has() -> None:
    scripts = {path.stem.removeprefix("prove_") for path in (ROOT / "benchmarks").glob("prove_*.py")}
    assert scripts == set(SCRIPTS)
    for name, forms in SCRIPTS.items():
        text = (ROOT / "benchmarks" / f"prove_{name}.py").read_text(encoding="utf-8")
        for word in (*forms.full, *forms.quick):
            assert not word.startswith("--") or f'"{word}"' in text, (name, word)


def test_the_page_tells_each_log(tmp_path: Path) -> None:
    logs = [{"proof": name, "seed": 1, "tried": 200, "failed": 0, "rows": []} for name in PROOFS]
    told = page(json.loads(json.dumps(logs)))
    assert told.count("| 200 | 0 |") == len(PROOFS)
    assert "0.015" in told
    with pytest.raises(KeyError):
        page([{"proof": "journal"}])


def test_the_page_is_that_of_the_logs_which_are_kept() -> None:
    logs = [one for path in sorted((ROOT / "docs" / "proofs").glob("*.json")) for one in logs_in(path)]
    assert logs
    assert (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8") == page(logs)


def test_a_proof_that_held_is_not_run_again_and_one_that_failed_is(tmp_path: Path) -> None:
    script, folder = tmp_path / "prove_it.py", tmp_path / "logs"
    # It fails as long as the file that it is told of is absent.
    script.write_text(
        '# "--log", "--seed"\n'
        "import sys, pathlib\nwell = pathlib.Path(sys.argv[1])\nprint('seed', sys.argv[3])\n"
        "pathlib.Path(sys.argv[-1]).write_text('{}')\nsys.exit(not well.exists())\n",
        encoding="utf-8",
    )
    well = tmp_path / "well"
    arguments = given(script, (str(well),), 7)
    assert arguments == [str(well), "--seed", "7"]
    first, _ = once("it", script, arguments, folder, patience=60)
    assert (first.state, first.said) == ("fails", "seed 7")
    well.touch()
    second, run = once("it", script, arguments, folder, patience=60)
    assert (second.state, run) == ("holds", True)
    assert (folder / "it.txt").read_text(encoding="utf-8").endswith("seed 7\n")
    third, run = once("it", script, arguments, folder, patience=60)
    assert (third.state, run) == ("holds", False)
    assert once("it", script, given(script, (str(well),), 8), folder, patience=60)[1]
    assert once("it", script, given(script, (str(well),), 8), folder, patience=60, again=True)[1]
    with script.open("a", encoding="utf-8") as stream:
        stream.write("# another script\n")
    assert once("it", script, given(script, (str(well),), 8), folder, patience=60)[1]


def test_a_proof_that_lasts_is_ended_and_one_without_figures_was_not_run(tmp_path: Path) -> None:
    script = tmp_path / "prove_it.py"
    script.write_text("import time\nprint('here', flush=True)\ntime.sleep(50)\n", encoding="utf-8")
    late, _ = once("it", script, [], tmp_path / "logs", patience=0.5)
    assert late.state == "late"
    script.write_text("print('mutmut is not installed')\n", encoding="utf-8")
    absent, _ = once("it", script, [], tmp_path / "logs", patience=60)
    assert (absent.state, absent.said) == ("not run", "mutmut is not installed")


def test_a_short_form_never_replaces_the_figures_of_a_full_one(tmp_path: Path) -> None:
    log, kept = tmp_path / "it.json", tmp_path / "kept"
    for tried, form, expected in ((5, "short", 5), (9, "full", 9), (6, "short", 9), (8, "full", 8)):
        log.write_text(json.dumps({"tried": tried}), encoding="utf-8")
        keep(kept, log, form=form, code="abc")
        assert [one["tried"] for one in logs_in(kept / "it.json")] == [expected]


def test_the_hash_of_the_code_changes_with_any_of_its_files(tmp_path: Path) -> None:
    path = tmp_path / "src" / "a.py"
    path.parent.mkdir()
    path.write_text("1", encoding="utf-8")
    first = code_of(tmp_path, ["src"])
    (path.parent / "a.pyc").write_text("2", encoding="utf-8")
    assert code_of(tmp_path, ["src"]) == first
    path.write_text("2", encoding="utf-8")
    assert code_of(tmp_path, ["src"]) != first
