"""Write the software bill of materials of a lock, as CycloneDX 1.6 JSON: every package with its hashes.

    python scripts/sbom.py requirements/core.txt --output sbom.json

It reads the lock and the list of libraries that pages ship: no network, nothing installed. The same lock
gives the same bytes, so that two people can compare; it has therefore no date.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["bill", "main", "packages"]

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_ROOT = Path(__file__).resolve().parents[1]
_VENDOR = _ROOT / "src" / "eclaireur" / "desk" / "static" / "vendor" / "VENDOR.toml"


def packages(lock: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Give each package of a lock: name as indexes write it, version, SHA-256 of its files."""
    for part in re.split(r"\n(?=\S)", lock):
        pin = _PIN.match(part)
        if pin:
            name = re.sub(r"[-_.]+", "-", pin[1]).lower()
            yield name, pin[2], tuple(_HASH.findall(part))


def bill(lock: Path) -> dict[str, Any]:
    """Return the bill of a lock.

    Parameters
    ----------
    lock
        A file of ``requirements/``; hashes are those of the files that an index may serve.
    """
    text = lock.read_text(encoding="utf-8")
    components = [*(_component(*one) for one in packages(text)), *_shipped()]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "eclaireur",
                "name": "eclaireur",
                "version": _version(),
                "properties": [
                    {"name": "eclaireur:lock", "value": lock.name},
                    {"name": "eclaireur:lock:sha256", "value": digest},
                ],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": "eclaireur", "dependsOn": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }


def _component(name: str, version: str, hashes: tuple[str, ...]) -> Mapping[str, Any]:
    address = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
    }
    # A wheel for each system has its own hash: the bill names them all as those that may be installed.
    made["externalReferences"] = [
        {
            "type": "distribution",
            "url": f"https://pypi.org/project/{name}/{version}/",
            "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
        }
    ]
    return made


def _shipped() -> Iterator[Mapping[str, Any]]:
    """Give the libraries of others that pages ship, with the hash of each of their files."""
    found = tomllib.loads(_VENDOR.read_text(encoding="utf-8"))
    for one in found["libraries"]:
        address = f"pkg:npm/{one['name']}@{one['version']}"
        yield {
            "type": "library",
            "bom-ref": address,
            "name": one["name"],
            "version": one["version"],
            "purl": address,
            "licenses": [{"license": {"id": one["licence"]}}],
            "components": [
                {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
                for name, digest in one["files"].items()
            ],
        }


def _version() -> str:
    found = re.search(
        r'^__version__ = "([^"]+)"',
        (_ROOT / "src" / "eclaireur" / "__init__.py").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return found[1] if found else importlib.metadata.version("eclaireur")


def main() -> int:
    """Write the bill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lock", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    asked = parser.parse_args()
    made = bill(asked.lock)
    asked.output.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(made['components'])} packages: {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
