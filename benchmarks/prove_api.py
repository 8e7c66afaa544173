"""Ask the API all that its description allows, and much that it does not, many times over: none is a 5xx.

    PYTHONPATH=src:. python benchmarks/prove_api.py --requests 100000 --seed 20211 [--log FILE]

`tests/desk/test_schemathesis.py` asks a few examples of each operation (schemathesis draws them from the
description that the API gives of itself, and checks each answer against it). This runs those tests with many
examples, and again with other seeds, until so many requests reached the application. 503 in words, which says
that the desk is busy, is in its description; another answer of 500 or more fails, and so does a failed test.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Asking", "main"]

_ROOT = Path(__file__).resolve().parents[1]
_TEST = "tests/desk/test_schemathesis.py"
_MOST = 400
"""Examples of an operation in one pass: hypothesis repeats itself little below."""

_KEPT = "_hypothesis_internal_use_settings"
"""Where hypothesis keeps the settings of a test; it offers no way to change those of one that is made."""


class Asking:
    """Has more examples drawn than the tests do, and counts the requests and their answers."""

    def __init__(self, examples: int, seed: int) -> None:
        self._examples, self._seed = examples, seed
        self.answers: Counter[int] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.broken: list[str] = []

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Draw so many examples in each test, from the seed."""
        from hypothesis import seed, settings

        for item in items:
            few = getattr(item.obj, _KEPT)
            more = settings(few, max_examples=self._examples, derandomize=False, database=None)
            setattr(item.obj, _KEPT, more)
            seed(self._seed)(item.obj)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Count what reaches the application while the tests run."""
        from django.core.handlers.wsgi import WSGIHandler

        answer = WSGIHandler.__call__

        def counted(handler: WSGIHandler, environ: Any, start: Callable[..., Any]) -> Any:
            def told(status: str, *more: Any) -> Any:
                self.answers[int(status[:3])] += 1
                return start(status, *more)

            return answer(handler, environ, told)

        WSGIHandler.__call__ = counted  # type: ignore[assignment,method-assign]
        try:
            return (yield)
        finally:
            WSGIHandler.__call__ = answer  # type: ignore[method-assign]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count how tests ended, and keep the words of those that failed."""
        if report.when == "call" or report.failed:
            self.outcomes[report.outcome] += 1
        if report.failed:
            self.broken.append(f"{report.nodeid}: {str(report.longrepr)[-1500:]}")


def main() -> int:
    """Run the proof, print its figures, and fail when an answer is not one of the description."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(_ROOT), str(_ROOT / _TEST)]
    answers: Counter[int] = Counter()
    broken: list[str] = []
    turn = 0
    while answers.total() < asked.requests and not broken:
        missing = asked.requests - answers.total()
        asking = Asking(max(3, min(_MOST, missing // 50)), asked.seed + turn)
        pytest.main(words, plugins=[asking])
        if not asking.outcomes["passed"]:
            return 1
        answers.update(asking.answers)
        broken += asking.broken
        turn += 1
        print(f"pass {turn}: {answers.total()} requests, {dict(sorted(answers.items()))}", flush=True)
    failed = len(broken) + sum(count for status, count in answers.items() if status >= 500 and status != 503)
    print("\n".join(broken))
    told = ", ".join(f"{count} of {status}" for status, count in sorted(answers.items()))
    print(f"{answers.total()} requests in {turn} passes: {told}; {failed} failed.")
    if asked.log is not None:
        figures = {"proof": "api", "seed": asked.seed, "tried": answers.total(), "failed": failed}
        asked.log.write_text(json.dumps({**figures, "answers": answers}) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
