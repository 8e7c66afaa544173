"""Write ``docs/proofs.md`` from the logs that the proofs left, with 95 % upper bounds.

    python benchmarks/prove_journal.py --log LOGS/journal.json
    python benchmarks/write_proofs.py LOGS --output docs/proofs.md

A log is a JSON object, or a list of them: ``proof``, ``seed``, ``tried`` and ``failed`` at least.
`run_proofs` asks each proof for one, adds the form and the code that it was run on, and calls this.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["PROOFS", "logs_in", "main", "page", "upper_bound"]

PROOFS: Mapping[str, tuple[str, str, str]] = {
    "journal": ("tamperings of the journal", "missed, or found at the wrong line", "prove_journal.py"),
    "tasks": ("tasks whose carriers were killed or frozen", "lost or done twice", "prove_tasks.py"),
    "kills": (
        "acts acknowledged by a desk whose processes are killed",
        "lost, done twice, torn, or a task nobody's for over 60 s",
        "prove_kills.py",
    ),
    "power_rows": (
        "power cuts on the database",
        "an acknowledged write lost, or a damaged base",
        "prove_power.py",
    ),
    "power_lake": ("power cuts on the lake", "an acknowledged table lost or torn", "prove_power.py"),
    "upgrade": (
        "upgrades killed at a step",
        "not finished by the next start, or rows lost",
        "prove_upgrade.py",
    ),
    "outages": ("things looked at under outages", "unnamed, or not recovered alone", "prove_outages.py"),
    "overload": (
        "requests, ten times too many",
        "neither served nor refused in words",
        "prove_overload.py",
    ),
    "health": ("healths asked for meanwhile", "over half a second", "prove_overload.py"),
    "fetching": ("fetches killed", "a torn snapshot", "prove_fetching.py"),
    "explanations": (
        "past scores computed again from the journal",
        "different by more than 1e-9",
        "prove_explanations.py",
    ),
    "stop": ("stops of a served case under load", "not obeyed within 5 s", "prove_stop.py"),
    "perimeters": (
        "addresses asked by people outside of their perimeter, and within",
        "a row that is shown, named or told outside of it",
        "prove_perimeters.py",
    ),
    "api": (
        "requests drawn from the description of the API",
        "an answer that it does not describe, or a 5xx",
        "prove_api.py",
    ),
    "pages": (
        "pages, forms and files full of hostile words, in a browser",
        "something ran, left the desk, or a 5xx",
        "prove_pages.py",
    ),
    "ssrf": ("disguised addresses asked of the connectors", "reached or not refused", "prove_ssrf.py"),
    "pickles": ("hostile files offered as a model", "accepted or run", "prove_pickles.py"),
    "documents": ("hostile files read as documents", "an exception, or over 30 s", "prove_documents.py"),
    "media": (
        "hostile images, maps and sounds",
        "the child dead or late, or refused without a reason",
        "prove_media.py",
    ),
    "fuzz": ("inputs made for the parsers", "another exception than a refusal", "prove_fuzz.py"),
    "membership": ("models attacked for membership", "over the limits", "prove_membership.py"),
    "mutation": ("modules changed piece by piece", "under 80 % of changes noticed", "prove_mutation.py"),
}
"""Proof → what was tried, what a failure is, its script."""

_COUNTED = {"membership", "mutation", "outages"}
"""Proofs whose trials are not draws: they have no bound, and a table of their own."""

_HEAD = """# Proofs

Written by `benchmarks/write_proofs.py` from the logs in `docs/proofs/`; not by hand. `./eclaireur prove` runs
the proofs again. The upper bound is that of the true rate of failure at 95 % (Clopper and Pearson 1934,
one-sided): with 0 failure in *n*, about 3/*n*; it speaks of what the script draws, not of what nobody thought
of. *short* is the form of `./eclaireur prove --quick`: a few trials, to show that the proof works.

| tried | n | failed | a failure is | upper bound | form | seed | script |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

_CHANGES = """One expression at a time is changed (mutmut), and the module's own tests are run: 80 % of its
changes must make one of them fail. What no test noticed is named in `docs/proofs/mutation.json`."""


def upper_bound(failed: int, tried: int) -> float:
    """Return the one-sided 95 % upper bound of a rate (Clopper and Pearson 1934).

    >>> round(upper_bound(0, 100), 4), round(upper_bound(1, 100), 4), upper_bound(5, 5)
    (0.0295, 0.0466, 1.0)
    """
    from scipy.stats import beta

    return 1.0 if failed >= tried else float(beta.ppf(0.95, failed + 1, tried - failed))


def page(logs: Iterable[Mapping[str, Any]]) -> str:
    """Return the page, a line for each log, in the order of `PROOFS`.

    Raises
    ------
    KeyError
        If a log is of an unknown proof, or lacks a figure.
    """
    order, logs = list(PROOFS), list(logs)
    lines = []
    for log in sorted(logs, key=lambda one: order.index(one["proof"])):
        what, failure, script = PROOFS[log["proof"]]
        bound = upper_bound(log["failed"], log["tried"])
        said = "–" if log["proof"] in _COUNTED else f"{bound:.2g}"
        lines.append(
            f"| {what} | {log['tried']} | {log['failed']} | {failure} | {said} | {log.get('form', 'full')} | "
            f"{log['seed']} | `benchmarks/{script}` |"
        )
    attacked = [row for log in logs if log["proof"] == "membership" for row in log["rows"]]
    if attacked:
        lines += ["", "## Membership", "", "| case | source | AUC | 95 % | found at 1 % | 95 % | members |"]
        lines.append("| --- | --- | --- | --- | --- | --- | --- |")
        lines += [
            f"| {row['case']} | {row['source']} | {row['auc']:.3f} | {row['auc_low']:.3f} – "
            f"{row['auc_high']:.3f} | {row['found']:.1%} | {row['found_low']:.1%} – "
            f"{row['found_high']:.1%} | {row['members']} |"
            for row in attacked
        ]
    changed = [row for log in logs if log["proof"] == "mutation" for row in log["rows"]]
    if changed:
        lines += ["", "## Changes that tests notice", "", _CHANGES, ""]
        lines += [
            "| module | changed | changes | noticed | share | 95 % |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {row['module']} | {', '.join(f'`{one}`' for one in row['files'])} | {row['changes']} | "
            f"{row['noticed']} | {row['noticed'] / max(row['changes'], 1):.1%} | {row['low']:.1%} – "
            f"{row['high']:.1%} |"
            for row in changed
        ]
    return _HEAD + "\n".join(lines) + "\n"


def logs_in(path: Path) -> list[Mapping[str, Any]]:
    """Return the logs of a file: one, or several."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, list) else [found]


def main() -> int:
    """Read the logs of a folder and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    logs = [one for path in sorted(asked.logs.glob("*.json")) for one in logs_in(path)]
    asked.output.write_text(page(logs), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
