"""A master key that others may have read is replaced: the new one opens all, the old one nothing."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from benchmarks.prove_journal import ticking

from eclaireur.core.errors import ConfigError
from eclaireur.core.journal import Entry, Journal, open_journal
from eclaireur.core.journal.master import VARIABLE, master_key, next_file, replace_master
from eclaireur.core.subjects import Subject
from eclaireur.core.workspace import Workspace
from eclaireur.service.pseudonyms import pseudonym

SECRET = "Jeanne Dupont-Moretti"
JEANNE, PAUL = Subject("pseudonym", "jeanne-0042"), Subject("pseudonym", "paul-0001")


def opened(folder: Path, environ: dict[str, str] | None = None) -> Journal:
    return open_journal(folder / "journal", clock=ticking(), environ=environ or {})


def note(journal: Journal, subject: Subject, text: str) -> Entry:
    return journal.append("decision", case="c", actor="Ada", subject=subject, personal={"note": text})


def replace(journal: Journal, folder: Path, environ: dict[str, str] | None = None) -> Path | None:
    path = folder / "journal" / "master.key"
    return replace_master(path, partial(journal.rewrap, actor="Ada"), environ=environ or {})


def test_the_new_key_opens_what_was_sealed_and_the_old_one_does_not(tmp_path: Path) -> None:
    journal, open_already = opened(tmp_path), opened(tmp_path)
    first, second = note(journal, JEANNE, SECRET), note(journal, PAUL, "x")
    journal.forget(PAUL, actor="Ada", reason="demande")
    assert open_already.reveal(first) is not None  # it holds the old key, and the old ring
    path, ring = tmp_path / "journal" / "master.key", tmp_path / "journal" / "keys" / "keys.ring"
    old, old_ring = path.read_bytes(), ring.read_bytes()

    for _ in range(2):  # once more: a key that was replaced can be
        assert replace(journal, tmp_path) is None

    assert [one.data["keys"] for one in journal.entries(kind="master_key")] == [1, 1]
    assert (path.stat().st_mode & 0o777, ring.stat().st_mode & 0o777) == (0o600, 0o600)
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "journal.jsonl",
        "journal.jsonl.lock",
        "keys",
        path.name,
    ]
    for reader in (open_already, journal, opened(tmp_path)):
        assert reader.reveal(first) == {"note": SECRET, "subject": str(JEANNE)}
        assert reader.reveal(second) is None
    assert note(open_already, JEANNE, "suite").subject == first.subject
    # A copy of the ring that was made before opens under the old key alone, one made after under the new.
    new = path.read_bytes()
    for key, kept in ((old, ring.read_bytes()), (new, old_ring)):
        path.write_bytes(key)
        ring.write_bytes(kept)
        with pytest.raises(ConfigError, match="n'est pas celle"):
            opened(tmp_path).reveal(first)


def test_what_is_found_by_name_is_still_found(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, env={})
    workspace.erasures.add("c", ["siret:1"], datetime(2026, 1, 1))
    veiled = pseudonym(workspace, "c", "siret:1")

    assert replace(workspace.journal, tmp_path) is None

    again = Workspace.open(tmp_path, env={})
    assert again.erasures.gone("c", ["siret:1", "siret:2"]) == {"siret:1"}
    assert pseudonym(again, "c", "siret:1") == veiled


@pytest.mark.parametrize("moment", ["_create", "_put"])
def test_a_power_cut_leaves_one_key_that_opens_all(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise OSError("power cut")

    entry = note(opened(tmp_path), JEANNE, SECRET)
    with monkeypatch.context() as patched:
        patched.setattr(f"eclaireur.core.journal.{'master' if moment == '_put' else 'keys'}.{moment}", cut)
        with pytest.raises(OSError, match="power cut"):
            replace(opened(tmp_path), tmp_path)
    following = tmp_path / "journal" / "master.key.next"
    assert following.exists()

    assert opened(tmp_path).reveal(entry) == {"note": SECRET, "subject": str(JEANNE)}
    assert following.exists() == (moment == "_create")  # made before it was needed, it is nothing yet
    assert replace(opened(tmp_path), tmp_path) is None
    assert opened(tmp_path).reveal(entry) == {"note": SECRET, "subject": str(JEANNE)}
    assert not following.exists()


def test_a_key_of_the_environment_is_given_back_to_be_put_there(tmp_path: Path) -> None:
    environ = {VARIABLE: base64.b64encode(b"m" * 32).decode()}
    entry = note(opened(tmp_path, environ), JEANNE, SECRET)

    given = replace(opened(tmp_path, environ), tmp_path, environ)

    assert given == next_file(tmp_path / "journal" / "master.key")
    with pytest.raises(ConfigError, match="n'est pas celle"):
        opened(tmp_path, environ).reveal(entry)
    new = {VARIABLE: given.read_text()}
    assert opened(tmp_path, new).reveal(entry) == {"note": SECRET, "subject": str(JEANNE)}
    assert master_key(given, environ=new)[32:] == b"m" * 32


def test_a_wrong_key_replaces_nothing(tmp_path: Path) -> None:
    entry = note(opened(tmp_path), JEANNE, SECRET)
    path = tmp_path / "journal" / "master.key"
    right = path.read_bytes()
    path.write_bytes(base64.b64encode(b"w" * 32))
    with pytest.raises(ConfigError, match="n'est pas celle"):
        replace(opened(tmp_path), tmp_path)
    path.write_bytes(right)
    assert opened(tmp_path).reveal(entry) is not None
    path.unlink()
    with pytest.raises(ConfigError, match="absente"):
        replace(opened(tmp_path), tmp_path)
    assert not next_file(path).exists()
