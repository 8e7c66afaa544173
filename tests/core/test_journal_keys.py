"""Sealed values: who can read them, and how they are forgotten."""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.prove_journal import MemoryStore, ticking

from eclaireur.core import canonical
from eclaireur.core.errors import (
    BadValueError,
    ConfigError,
    JournalBrokenError,
    NotFoundError,
    WorkFailedError,
)
from eclaireur.core.journal import Draft, Entry, FileKeyStore, Journal, open_journal
from eclaireur.core.journal.master import master_key
from eclaireur.core.journal.wrapping import derive, look_up, unwrap
from eclaireur.core.subjects import Subject

SECRET = "Jeanne Dupont-Moretti"
JEANNE = Subject("pseudonym", "jeanne-0042")
PAUL = Subject("pseudonym", "paul-0001")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path, clock=ticking(), environ={})


def bytes_of(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def note(journal: Journal, subject: Subject, text: str) -> Entry:
    return journal.append("decision", case="c", actor="Ada", subject=subject, personal={"note": text})


def test_a_personal_value_is_read_back_by_who_has_the_keys(journal: Journal) -> None:
    entry = note(journal, JEANNE, SECRET)
    assert journal.reveal(entry) == {"note": SECRET, "subject": "pseudonym:jeanne-0042"}
    assert journal.reveal(journal.append("stop", case="c", actor="Ada")) == {}


def test_neither_the_value_nor_the_subject_stands_in_clear_on_disk(journal: Journal, tmp_path: Path) -> None:
    note(journal, JEANNE, SECRET)
    for path, data in bytes_of(tmp_path):
        for clear in (SECRET, "jeanne-0042"):
            assert clear.encode() not in data, path
            assert base64.b64encode(clear.encode())[:12] not in data, path


def test_two_entries_of_a_subject_share_a_reference_and_two_subjects_do_not(journal: Journal) -> None:
    first, second, other = note(journal, JEANNE, "a"), note(journal, JEANNE, "b"), note(journal, PAUL, "c")
    assert first.subject == second.subject != other.subject


def test_the_length_of_a_sealed_value_says_little(journal: Journal) -> None:
    short, longer = note(journal, JEANNE, "oui"), note(journal, JEANNE, "non, jamais")
    assert len(short.sealed or "") == len(longer.sealed or "")


def test_a_forgotten_value_is_gone_and_the_others_stay(journal: Journal, tmp_path: Path) -> None:
    kept_files = dict(bytes_of(tmp_path))
    gone, kept = note(journal, JEANNE, SECRET), note(journal, PAUL, "rien")
    key = journal._keys.keys([str(JEANNE)])[str(JEANNE)]
    ring_before = (tmp_path / "keys" / "keys.ring").read_bytes()
    entry = journal.forget(JEANNE, actor="Ada", reason="demande de la personne")
    assert (entry.kind, entry.case, entry.subject, entry.sealed, entry.data) == (
        "forget",
        "",
        gone.subject,
        None,
        {"reason": "demande de la personne"},
    )
    assert journal.reveal(gone) is None
    assert journal.reveal(entry) == {}
    assert journal.reveal(kept) == {"note": "rien", "subject": "pseudonym:paul-0001"}
    assert list(journal.entries(subject=JEANNE)) == []
    assert journal.verify(journal.head()).entries == 3
    slot = next(
        ring_before[at : at + 128]
        for at in range(128, len(ring_before), 128)
        if bytes.fromhex(gone.subject or "") in ring_before[at : at + 128]
    )
    for path, data in bytes_of(tmp_path):
        for trace in (SECRET.encode(), b"jeanne-0042", key.key, slot[17:49], slot[49:109]):
            assert trace not in data, path
    assert kept_files == {}


def test_forgetting_is_seen_by_a_journal_already_open(journal: Journal, tmp_path: Path) -> None:
    entry = note(journal, JEANNE, SECRET)
    other = open_journal(tmp_path, clock=ticking(), environ={})
    assert other.reveal(entry) is not None
    journal.forget(JEANNE, actor="Ada", reason="demande")
    assert other.reveal(entry) is None


def test_a_subject_that_comes_back_gets_a_new_key(journal: Journal) -> None:
    before = note(journal, JEANNE, SECRET)
    journal.forget(JEANNE, actor="Ada", reason="demande")
    after = note(journal, JEANNE, "retour")
    assert after.subject != before.subject
    assert journal.reveal(before) is None
    assert journal.reveal(after) == {"note": "retour", "subject": "pseudonym:jeanne-0042"}


def test_forgetting_nobody_says_so(journal: Journal) -> None:
    with pytest.raises(NotFoundError, match="lisible"):
        journal.forget(JEANNE, actor="Ada", reason="demande")
    note(journal, JEANNE, SECRET)
    journal.forget(JEANNE, actor="Ada", reason="demande")
    with pytest.raises(NotFoundError) as caught:
        journal.forget(JEANNE, actor="Ada", reason="demande")
    assert str(caught.value) == (
        "aucune valeur personnelle de ce sujet n'est lisible dans le journal. "
        "Vérifiez l'identifiant ; l'effacement a peut-être déjà eu lieu."
    )


@pytest.mark.parametrize("reason", ["", "  ", "demande de jeanne-0042"])
def test_the_reason_to_forget_is_given_and_does_not_name_the_person(journal: Journal, reason: str) -> None:
    note(journal, JEANNE, SECRET)
    with pytest.raises(BadValueError) as caught:
        journal.forget(JEANNE, actor="Ada", reason=reason)
    assert str(caught.value) == (
        "un effacement demande un motif, qui ne nomme pas la personne effacée. "
        "Écrivez le motif en une phrase, par exemple « demande de la personne »."
    )
    assert journal.reveal(note(journal, JEANNE, "encore"))


def test_a_forgetting_cut_before_it_was_journalled_is_journalled_by_the_next(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = note(journal, JEANNE, SECRET)
    note(journal, PAUL, "rien")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(journal._store, "append", die)
        with pytest.raises(KeyboardInterrupt):
            journal.forget(JEANNE, actor="Ada", reason="demande")
    assert journal.reveal(entry) is None
    assert [found.kind for found in journal.entries()] == ["decision", "decision"]
    journal.forget(PAUL, actor="Ada", reason="demande")
    found = list(journal.entries(after=2))
    assert [(one.kind, one.case, one.subject == entry.subject) for one in found] == [
        ("forget", "", True),
        ("forget", "", False),
    ]
    resumed = {"reason": "effacement interrompu auparavant, terminé maintenant"}
    assert [one.data for one in found] == [resumed, {"reason": "demande"}]


def test_a_forgetting_journalled_just_before_a_crash_is_not_journalled_twice(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(journal, JEANNE, SECRET)
    append = journal._store.append

    def append_then_die(make: object) -> None:
        append(make)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(journal._store, "append", append_then_die)
        with pytest.raises(KeyboardInterrupt):
            journal.forget(JEANNE, actor="Ada", reason="demande")
    assert journal.forget(JEANNE, actor="Ada", reason="demande").seq == 2
    assert journal.verify().entries == 2


def test_a_sealed_value_moved_to_another_entry_does_not_open(journal: Journal) -> None:
    first, second = note(journal, JEANNE, "a"), note(journal, JEANNE, "b")
    drafts = Draft(kind="decision", case="c", actor="Ada", subject=JEANNE, personal={})
    forged = Entry.make(drafts, seq=2, time=second.time, prev=first.hash, key=("0" * 32, b"\0" * 32))
    values = {name: getattr(forged, name) for name in Entry.__dataclass_fields__}
    values |= {"subject": first.subject, "sealed": first.sealed}
    with pytest.raises(JournalBrokenError, match="autre écriture"):
        journal.reveal(Entry(**values))


def test_files_and_folder_are_private(journal: Journal, tmp_path: Path) -> None:
    note(journal, JEANNE, SECRET)
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "journal.jsonl": 0o600,
        "journal.jsonl.lock": 0o600,
        "keys": 0o700,
        "keys/keys.ring": 0o600,
        "keys/keys.ring.lock": 0o600,
        "master.key": 0o600,
    }


def test_a_journal_without_personal_values_makes_no_key(journal: Journal, tmp_path: Path) -> None:
    journal.append("stop", case="c", actor="Ada")
    journal.verify()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "journal.jsonl.lock"]


def test_another_master_key_is_refused_and_writes_nothing(journal: Journal, tmp_path: Path) -> None:
    entry = note(journal, JEANNE, SECRET)
    before = dict(bytes_of(tmp_path))
    wrong = {"ECLAIREUR_MASTER_KEY": base64.b64encode(os.urandom(32)).decode()}
    other = open_journal(tmp_path, clock=ticking(), environ=wrong)
    for act in (
        lambda: other.reveal(entry),
        lambda: note(other, PAUL, "x"),
        lambda: other.forget(JEANNE, actor="Ada", reason="demande"),
    ):
        with pytest.raises(ConfigError) as caught:
            act()
        assert str(caught.value) == (
            f"{tmp_path / 'keys' / 'keys.ring'} : la clé maîtresse n'est pas celle qui protège les valeurs "
            f"personnelles de ce dossier. Restaurez la clé d'origine dans {tmp_path / 'master.key'}, ou dans "
            "ECLAIREUR_MASTER_KEY."
        )
    assert other.verify().entries == 1
    assert dict(bytes_of(tmp_path)) == before


def test_a_lost_master_key_is_not_replaced_by_a_new_one(journal: Journal, tmp_path: Path) -> None:
    note(journal, JEANNE, SECRET)
    (tmp_path / "master.key").unlink()
    with pytest.raises(ConfigError) as caught:
        note(open_journal(tmp_path, clock=ticking(), environ={}), PAUL, "x")
    assert str(caught.value) == (
        f"{tmp_path / 'master.key'} : la clé maîtresse des valeurs personnelles est absente. Restaurez ce "
        "fichier depuis sa sauvegarde, ou définissez ECLAIREUR_MASTER_KEY."
    )
    assert not (tmp_path / "master.key").exists()


def test_the_master_key_of_the_environment_serves_alone(tmp_path: Path) -> None:
    environ = {"ECLAIREUR_MASTER_KEY": base64.b64encode(b"k" * 32).decode()}
    entry = note(open_journal(tmp_path, clock=ticking(), environ=environ), JEANNE, SECRET)
    assert not (tmp_path / "master.key").exists()
    assert open_journal(tmp_path, clock=ticking(), environ=environ).reveal(entry)


@pytest.mark.parametrize("text", ["", "abc", base64.b64encode(b"short").decode(), "é" * 40])
def test_an_unreadable_master_key_is_refused(journal: Journal, tmp_path: Path, text: str) -> None:
    note(journal, JEANNE, SECRET)
    (tmp_path / "master.key").write_text(text, "utf-8")
    said = "la clé maîtresse est illisible ; attendu : 32 octets écrits en Base64."
    ends = "doit contenir la clé d'origine, sur une ligne."
    with pytest.raises(ConfigError) as caught:
        note(open_journal(tmp_path, clock=ticking(), environ={}), PAUL, "x")
    assert str(caught.value) == f"{tmp_path / 'master.key'} : {said} Le fichier {ends}"
    if text:
        environ = {"ECLAIREUR_MASTER_KEY": text}
        with pytest.raises(ConfigError) as caught:
            note(open_journal(tmp_path, clock=ticking(), environ=environ), PAUL, "x")
        assert str(caught.value) == f"{said} La variable ECLAIREUR_MASTER_KEY {ends}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602])
def test_a_master_key_that_others_can_read_is_refused(journal: Journal, tmp_path: Path, mode: int) -> None:
    note(journal, JEANNE, SECRET)
    path = tmp_path / "master.key"
    path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        note(open_journal(tmp_path, clock=ticking(), environ={}), PAUL, "x")
    assert str(caught.value) == (
        f"{path} : la clé maîtresse peut être lue par d'autres comptes de la machine. "
        f"Réservez-la à son propriétaire : chmod 600 {path}"
    )


def test_the_first_master_key_stays_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "master.key"
    made = master_key(path, environ={}, create=True)
    assert path.read_text("ascii") == f"{base64.b64encode(made).decode()}\n"
    assert (len(made), master_key(path, environ={}, create=True)) == (32, made)
    assert [one.name for one in path.parent.iterdir()] == ["master.key"]
    assert stat.S_IMODE((tmp_path / "deep" / "er").stat().st_mode) == 0o700


def test_a_slot_half_written_by_a_crash_is_skipped(journal: Journal, tmp_path: Path) -> None:
    entry = note(journal, JEANNE, SECRET)
    with (tmp_path / "keys" / "keys.ring").open("ab") as stream:
        stream.write(b"K" * 70)
    other = open_journal(tmp_path, clock=ticking(), environ={})
    added = note(other, PAUL, "x")
    again = open_journal(tmp_path, clock=ticking(), environ={})
    assert [again.reveal(found) is not None for found in (entry, added)] == [True, True]


def test_a_slot_that_another_process_was_writing_is_read_once_it_is_whole(tmp_path: Path) -> None:
    writer, reader = (FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={}) for _ in range(2))
    made = writer.keys(["a", "b"])
    ring = tmp_path / "keys" / "keys.ring"
    whole = ring.read_bytes()
    with ring.open("r+b") as stream:
        stream.write(whole[:-64] + bytes(64))
    assert (reader.reference("a"), reader.reference("b")) == (made["a"].reference, None)
    with ring.open("r+b") as stream:
        stream.write(whole)
    assert reader.reference("b") == made["b"].reference


def test_an_altered_key_is_named(journal: Journal, tmp_path: Path) -> None:
    entry = note(journal, JEANNE, SECRET)
    ring = tmp_path / "keys" / "keys.ring"
    data = bytearray(ring.read_bytes())
    data[5] ^= 1
    ring.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        open_journal(tmp_path, clock=ticking(), environ={}).reveal(entry)
    assert str(caught.value) == (
        f"{ring} : le fichier des clés des valeurs personnelles est abîmé. "
        "Restaurez-le depuis une sauvegarde."
    )


def test_an_altered_key_of_a_subject_is_not_taken_for_another(journal: Journal, tmp_path: Path) -> None:
    """Its slot has a checksum that fits: it was not a crash."""
    entry = note(journal, JEANNE, SECRET)
    ring = tmp_path / "keys" / "keys.ring"
    data = ring.read_bytes()
    body = bytearray(data[128:252])
    body[70] ^= 1
    ring.write_bytes(data[:128] + body + zlib.crc32(body).to_bytes(4, "big"))
    with pytest.raises(JournalBrokenError) as caught:
        open_journal(tmp_path, clock=ticking(), environ={}).reveal(entry)
    assert str(caught.value) == (
        "la clé d'un sujet a été modifiée : ses valeurs personnelles ne sont plus lisibles. "
        "Restaurez les clés des sujets depuis une sauvegarde."
    )


def test_what_is_exported_opens_under_the_same_master_key(tmp_path: Path) -> None:
    master = b"m" * 32
    environ = {"ECLAIREUR_MASTER_KEY": base64.b64encode(master).decode()}
    keys = FileKeyStore(tmp_path / "keys", tmp_path / "none", environ=environ)
    assert keys.export() == []
    assert not (tmp_path / "keys").exists()

    made = keys.keys(["a", "b", "gone"])
    keys.destroy("gone", lambda *_, **__: None)
    secrets = derive(master)

    assert {
        lookup: (name.hex(), unwrap(secrets, name + lookup, wrapped))
        for lookup, name, wrapped in keys.export()
    } == {look_up(secrets, one): tuple(made[one]) for one in ("a", "b")}


def test_many_keys_are_made_whole_by_a_disk_that_writes_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:5000], at))
    first, second = (FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={}) for _ in range(2))
    names = [f"subject {number}" for number in range(1100)]
    made = first.keys(names)
    assert second.keys(names) == made
    assert second.find(one.reference for one in made.values()) == dict(made.values())


def test_a_key_that_the_disk_refuses_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={})
    kept = keys.keys(["a"])

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        with pytest.raises(WorkFailedError) as caught:
            keys.keys(["a", "b"])
    assert str(caught.value) == (
        "les clés des valeurs personnelles n'ont pas pu être écrites (No space left on device). "
        "Libérez de la place sur le disque, puis recommencez."
    )
    assert (keys.keys(["a"]), keys.reference("b")) == (kept, None)


def test_keys_made_by_another_store_are_found(tmp_path: Path) -> None:
    first, second = (FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={}) for _ in range(2))
    made = first.keys(["a", "b", "a"])
    assert list(made) == ["a", "b"]
    assert second.keys(["b", "c"])["b"] == made["b"]
    assert first.keys(["c"]) == second.keys(["c"])
    assert second.find([made["a"].reference]) == {made["a"].reference: made["a"].key}
    assert first.reference("nobody") is None


def test_a_ring_restored_from_a_backup_is_read_anew(tmp_path: Path) -> None:
    keys = FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={})
    first = keys.keys(["a"])["a"]
    ring = tmp_path / "keys" / "keys.ring"
    backup = ring.read_bytes()
    later = keys.keys(["b"])["b"]
    ring.unlink()
    ring.write_bytes(backup)
    assert keys.find([first.reference, later.reference]) == {first.reference: first.key}


def test_the_ring_is_what_its_documentation_says(tmp_path: Path) -> None:
    """Written from the documentation alone, with the master key: look-up, unwrapping, sealed text."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    master = b"m" * 32
    environ = {"ECLAIREUR_MASTER_KEY": base64.b64encode(master).decode()}
    keys = FileKeyStore(tmp_path / "keys", tmp_path / "none", environ=environ)
    store = MemoryStore()
    note(Journal(store, keys, ticking()), JEANNE, SECRET)
    line = json.loads(store.held[0])
    slot = (tmp_path / "keys" / "keys.ring").read_bytes()[128:256]
    derive = {
        label: hmac.digest(master, b"eclaireur.keys.1 " + label, hashlib.sha256)
        for label in (b"lookup", b"wrap")
    }
    assert slot[:17] == b"K" + bytes.fromhex(line["subject"])
    assert slot[17:49] == hmac.digest(derive[b"lookup"], str(JEANNE).encode(), hashlib.sha256)
    key = AESGCM(derive[b"wrap"]).decrypt(slot[49:61], slot[61:109], slot[1:49])
    sealed = base64.b64decode(line["sealed"])
    place = canonical.text(["eclaireur.journal.1", 1, "decision", "c"]).encode()
    assert json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], place))["note"] == SECRET
