"""Ask every address of the desk for what lies outside one's perimeter: it does not exist, nothing names it.

    PYTHONPATH=src:. python benchmarks/prove_perimeters.py --stride 1 --turns 1 [--log FILE]

The world of `tests/desk/test_perimeters.py` (twenty perimeters of territories and services, people of every
shape of right, ``--people`` of them) is asked in full: where the test asks one address in forty for each
person and perimeter, each in turn, this asks one in ``--stride``. An answer that holds the mark of a
perimeter that the person does not see, or that tells that something is there, is a crossing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Asking", "main"]

_ROOT = Path(__file__).resolve().parents[1]
_TEST = "tests/desk/test_perimeters.py"


class Asking:
    """Widens what a module of tests asks, and counts it.

    Parameters
    ----------
    wider
        Names of the module, and what they become.
    method
        Class and method of the module whose calls are counted.
    """

    def __init__(self, wider: dict[str, Any], method: tuple[str, str]) -> None:
        self._wider, self._method = wider, method
        self.asked = 0
        self.outcomes: Counter[str] = Counter()
        self._met: set[int] = set()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Change each module once, before its tests run."""
        for module in {id(item.module): item.module for item in items}.values():
            if id(module) not in self._met:
                self._met.add(id(module))
                for name, value in self._wider.items():
                    getattr(module, name)  # a name that is gone must not pass for one that is widened
                    setattr(module, name, value)
                self._count(getattr(module, self._method[0]))

    def _count(self, kind: Any) -> None:
        asking = getattr(kind, self._method[1])

        def counted(*arguments: Any, **named: Any) -> Any:
            self.asked += 1
            return asking(*arguments, **named)

        setattr(kind, self._method[1], counted)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count how tests ended; one that broke before it asked counts too."""
        if report.when == "call" or report.failed:
            self.outcomes[report.outcome] += 1


def main() -> int:
    """Run the proof, print its figures, and fail when something was crossed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--people", type=int, default=90)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    wider = {"STRIDE": asked.stride, "TURNS": asked.turns, "PEOPLE": asked.people}
    asking = Asking(wider, ("Person", "ask"))
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(_ROOT), str(_ROOT / _TEST)]
    pytest.main(words, plugins=[asking])
    failed = asking.outcomes["failed"]
    print(
        f"{asking.asked} addresses asked, {failed} of {sum(asking.outcomes.values())} tests found a crossing."
    )
    if not asking.asked or not asking.outcomes["passed"]:
        return 1
    if asked.log is not None:
        figures = {"proof": "perimeters", "seed": 0, "tried": asking.asked, "failed": failed}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
