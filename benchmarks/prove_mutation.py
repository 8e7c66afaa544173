"""Change the code that guards perimeters, the journal and the mention, piece by piece: a test must notice.

    python benchmarks/prove_mutation.py --modules mention access

mutmut (group `audit` of the locks) changes one expression at a time in a copy of the checkout, and runs the
module's own tests against each change. The score is the share of the changes that a test notices; a change
that times out is noticed too. Without mutmut nothing is measured, and it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eclaireur.core.evaluation import wilson

__all__ = ["MODULES", "Score", "main", "prove", "score_of"]

_ROOT = Path(__file__).resolve().parents[1]
_ASKED = 0.80
_CALLERS = (
    "tests/desk/test_api_acts.py::test_the_journal_says_that_a_program_decided",
    "tests/desk/test_api_acts.py::test_a_session_writes_only_with_the_token_of_our_pages",
    *(
        f"tests/desk/test_api.py::{name}"
        for name in (
            "test_nobody_reads_without_a_key_or_a_session",
            "test_a_bad_key_does_not_fall_back_on_the_session",
            "test_a_revoked_key_is_refused",
            "test_a_key_needs_the_scope_of_the_route",
            "test_the_cases_of_a_caller_are_those_of_its_perimeter",
            "test_a_key_that_asks_too_much_is_told_how_long_to_wait",
        )
    ),
)
_JOURNAL = ("tests/core/test_journal_chain.py", "tests/core/test_journal_keys.py")
# They start processes, whose cost is seconds for each change; what the others see is then a lower bound.
_PROCESSES = (
    "--deselect=tests/core/test_journal_store.py::test_four_processes_at_once_write_one_chain",
    "--deselect=tests/core/test_journal_store.py::test_a_writer_killed_at_any_instant_loses_no_acknowledged_entry",
)
_TASKS = (
    "tests/desk/test_jobs.py",
    "--deselect=tests/desk/test_jobs.py::test_opening_the_training_desk_draws_its_list_once",
)
_ADDED = {
    # Same examples for each change and none kept from one to the next; no time spent on making them shorter.
    "conftest.py": """
from hypothesis import Phase
settings.register_profile(
    "mutation",
    settings.get_profile("ci"),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile("mutation")
""",
    # The database of the desk is made once, not for each change.
    "tests/desk/conftest.py": "from benchmarks.mutation_desk import desk_home, django_db_setup\n",
}
"""File of the copy → what is added at its end."""
MODULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mention": (("core/mention.py",), ("tests/core/test_mention_words.py",)),
    "access": (("desk/access.py", "desk/models/scoped.py"), ("tests/desk/test_access.py",)),
    "programs": (
        ("desk/api/auth.py", "desk/accounts/keys.py"),
        ("tests/desk/test_accounts_keys.py", *_CALLERS),
    ),
    "head": (("core/journal/head.py",), ("tests/core/test_journal_head.py",)),
    "entry": (("core/journal/entry.py",), ("tests/core/test_journal_entry.py", *_JOURNAL)),
    "journal": (("core/journal/journal.py",), _JOURNAL),
    "store": (("core/journal/store.py",), ("tests/core/test_journal_store.py", *_PROCESSES)),
    "keys": (
        ("core/journal/keys.py", "core/journal/master.py", "core/journal/wrapping.py"),
        ("tests/core/test_journal_keys.py", "tests/core/test_journal_master.py"),
    ),
    "queue": (("desk/jobs/queue.py",), _TASKS),
    "tasks": (
        ("desk/jobs/context.py", "desk/jobs/running.py"),
        ("tests/desk/test_jobs_endings.py", *_TASKS),
    ),
}
"""Name → files under ``src/eclaireur`` that are changed, and the tests that must notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What became of the changes of a module; those that made a test last too long are noticed."""

    module: str
    noticed: int
    changes: int
    survivors: tuple[str, ...]
    late: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the changes that a test noticed."""
        return self.noticed / self.changes if self.changes else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the share, at 95 %."""
        return wilson(self.noticed, self.changes)


def score_of(module: str, results: str) -> Score:
    """Read the results of mutmut: one line a change, ``name: state``.

    Changes that no test reaches are survivors.

    >>> told = "  a.x__1: killed\\n  a.x__2: survived\\n  a.x__3: timeout\\n  a.x__4: no tests\\n"
    >>> found = score_of("x", told)
    >>> found.noticed, found.changes, found.survivors, found.late
    (2, 4, ('a.x__2', 'a.x__4'), ('a.x__3',))
    """
    states = dict(line.strip().rsplit(": ", 1) for line in results.splitlines() if ": " in line)
    survivors = tuple(name for name, state in states.items() if state in {"survived", "no tests"})
    late = tuple(name for name, state in states.items() if state == "timeout")
    noticed = sum(state == "killed" for state in states.values()) + len(late)
    return Score(
        module=module, noticed=noticed, changes=noticed + len(survivors), survivors=survivors, late=late
    )


def prove(module: str, mutmut: str, *, seconds: int, show: bool = False) -> Score:
    """Change a module in a copy of the checkout, and return what its tests noticed; print the rest."""
    files, tests = MODULES[module]
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name)
        for part in ("src", "tests", "benchmarks"):
            shutil.copytree(_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(_ROOT / "conftest.py", folder)
        for path, text in _ADDED.items():
            with (folder / path).open("a", encoding="utf-8") as stream:
                stream.write(f"\n\n{text}")
        # Python forgets a folder of its path that is not there when it starts.
        (folder / "mutants" / "src").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(_config(files, tests), encoding="utf-8")
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environ = {**kept, "PYTHONPATH": str(folder / "mutants" / "src")}
        subprocess.run(  # noqa: S603 (mutmut, on a copy)
            [mutmut, "run", "--max-children", "1"], cwd=folder, env=environ, timeout=seconds, check=False
        )

        def ask(*words: str) -> str:
            told = subprocess.run(  # noqa: S603
                [mutmut, *words], cwd=folder, env=environ, capture_output=True, text=True, check=True
            )
            return told.stdout

        score = score_of(module, ask("results", "--all", "true"))
        if show:
            sys.stdout.writelines(ask("show", name) for name in (*score.late, *score.survivors))
    return score


def _config(files: tuple[str, ...], tests: tuple[str, ...]) -> str:
    mutated = json.dumps([f"src/eclaireur/{one}" for one in files])
    return f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = {mutated}
pytest_add_cli_args_test_selection = {json.dumps(list(tests))}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-q"]
also_copy = ["benchmarks", "conftest.py"]
use_git_change_detection = false
track_dependencies = false

[tool.pytest.ini_options]
pythonpath = [".", "src"]
"""


def _row(score: Score) -> dict[str, Any]:
    low, high = score.interval
    return {**asdict(score), "files": MODULES[score.module][0], "low": low, "high": high}


def main() -> int:
    """Print the score of each module; fail when one is under 80 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--mutmut", default=shutil.which("mutmut") or "")
    parser.add_argument("--seconds", type=int, default=1800, help="at most, for one module")
    parser.add_argument("--survivors", action="store_true", help="show what no test noticed, or late")
    parser.add_argument("--log", type=Path, default=None, help="file to write")
    asked = parser.parse_args()
    if not asked.mutmut:
        sys.stdout.write("mutmut is not installed (group audit): nothing was measured.\n")
        return 0
    scores = [
        prove(module, asked.mutmut, seconds=asked.seconds, show=asked.survivors) for module in asked.modules
    ]
    for one in scores:
        low, high = one.interval
        sys.stdout.write(
            f"{one.module:<10} {one.noticed:>4} of {one.changes:>4} noticed: {one.share:.1%} "
            f"(95 % interval {low:.1%} to {high:.1%}; {len(one.late)} by lasting too long)\n"
        )
    bad = sum(not one.changes or one.share < _ASKED for one in scores)
    if asked.log is not None:
        figures = {"proof": "mutation", "seed": 0, "tried": len(scores), "failed": bad}
        rows = [_row(one) for one in scores]
        asked.log.write_text(json.dumps({**figures, "rows": rows}) + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
