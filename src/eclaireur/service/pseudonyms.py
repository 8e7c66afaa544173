"""Pseudonyms: a service works on subjects without knowing who they are, and what it finds still teaches.

A pseudonym is a keyed hash of a subject under the master key (HMAC-SHA-256, 16 hexadecimal digits): the same
from one calculation to the next, found again only by whoever holds both the key and the data. Nothing is kept
that leads from one to the other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from eclaireur.core.journal.master import master_key, naming
from eclaireur.service.declaring import declared

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.workspace import Workspace

__all__ = ["KIND", "is_veiled", "known_as", "pseudonym", "pseudonyms"]

KIND = "pseudonym"
_DIGITS = 16
_ALL = "*"


def is_veiled(workspace: Workspace, card: Card, service: str) -> bool:
    """Tell whether a service of a case works on pseudonyms, as the administration declares it."""
    names = declared(workspace, card).get("pseudonymised", "")
    told = {one.strip() for one in names.split(",") if one.strip()}
    return _ALL in told or (bool(service) and service in told)


def pseudonym(workspace: Workspace, case: str, subject: str) -> str:
    """Return the pseudonym of a subject: ``pseudonym:`` and its digits."""
    return _of(_key(workspace), case, subject)


def pseudonyms(workspace: Workspace, case: str, subjects: Iterable[str]) -> dict[str, str]:
    """Return the pseudonym of each subject."""
    key = _key(workspace)
    return {subject: _of(key, case, subject) for subject in subjects}


def known_as(
    workspace: Workspace, case: str, veiled: Collection[str], subjects: Iterable[str]
) -> dict[str, str]:
    """Return whom pseudonyms mean, among some subjects; one that means none of them is absent."""
    asked = set(veiled)
    found = pseudonyms(workspace, case, subjects) if asked else {}
    return {veil: subject for subject, veil in found.items() if veil in asked}


def _key(workspace: Workspace) -> bytes:
    return naming(master_key(workspace.master_file, environ=workspace.environ, create=True))


@lru_cache(maxsize=8)
def _derived(name: bytes) -> bytes:
    return hmac.digest(name, b"eclaireur.pseudonyms.1", hashlib.sha256)


def _of(name: bytes, case: str, subject: str) -> str:
    digits = hmac.digest(_derived(name), f"{case}\0{subject}".encode(), hashlib.sha256).hex()
    return f"{KIND}:{digits[:_DIGITS]}"
