"""Look for known weaknesses in what the locks pin, against a list of advisories kept in a file.

    python benchmarks/prove_audit.py --advisories osv-pypi.zip

Where the network reaches an advisory service, `pip-audit -r requirements/FILE` does this; where it does not,
a file is carried in: the export of PyPI advisories that OSV publishes, as a zip or a folder of JSON files.
Each package of each lock is compared with every advisory: listed versions, and ranges with their fix. Without
a file nothing is checked, and it says so.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

__all__ = ["advisories_in", "main", "pinned", "weaknesses"]

_ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s\\;]+)", re.MULTILINE)


def pinned(text: str) -> set[tuple[str, str]]:
    """Return what a lock pins: name and version, several when they depend on the machine.

    >>> sorted(pinned("Django==5.2.19\\nuvicorn[standard]==0.30\\n"))
    [('django', '5.2.19'), ('uvicorn', '0.30')]
    """
    return {(canonicalize_name(name), version) for name, version in _PIN.findall(text)}


def advisories_in(path: Path) -> Iterator[Mapping[str, Any]]:
    """Give the advisories of a zip, or of a folder, of JSON files."""
    if path.is_dir():
        for file in sorted(path.glob("*.json")):
            yield json.loads(file.read_text(encoding="utf-8"))
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def weaknesses(
    pins: Iterable[tuple[str, str]], advisories: Iterable[Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return what is known of pinned versions: package, version, advisory. Withdrawn ones are left out."""
    versions: dict[str, set[str]] = {}
    for name, version in pins:
        versions.setdefault(name, set()).add(version)
    found: set[tuple[str, str, str]] = set()
    for one in advisories:
        for affected in () if one.get("withdrawn") else one.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if package.get("ecosystem") == "PyPI":
                weak = (version for version in versions.get(name, ()) if _touched(version, affected))
                found.update((name, version, str(one["id"])) for version in weak)
    return sorted(found)


def _touched(version: str, affected: Mapping[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(
        _inside(Version(version), part.get("events", ()))
        for part in affected.get("ranges", ())
        if part.get("type") == "ECOSYSTEM"
    )


def _inside(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """Tell whether a version lies in a range: introduced, then not yet fixed."""
    inside = False
    for event in events:
        for kind, text in event.items():
            try:
                at = Version("0" if text == "0" else text)
            except InvalidVersion:
                continue
            if kind == "introduced" and version >= at:
                inside = True
            elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
                inside = False
    return inside


def main() -> int:
    """Print the weaknesses of each lock; fail when there is one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--advisories", type=Path, help="zip or folder of OSV's advisories of PyPI")
    parser.add_argument("locks", nargs="*", type=Path)
    asked = parser.parse_args()
    locks = asked.locks or sorted((_ROOT / "requirements").glob("*.txt"))
    pins = {lock: pinned(lock.read_text(encoding="utf-8")) for lock in locks}
    if asked.advisories is None:
        count = len(set().union(*pins.values()))
        sys.stdout.write(f"no file of advisories: none of {count} pinned versions was checked.\n")
        return 0
    known = list(advisories_in(asked.advisories))
    failed = False
    for lock, found in pins.items():
        weak = weaknesses(found, known)
        failed |= bool(weak)
        sys.stdout.write(f"{lock.name}: {len(weak)} known weaknesses in {len(found)} pinned versions\n")
        sys.stdout.writelines(f"  {name} {version}: {advisory}\n" for name, version, advisory in weak)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
