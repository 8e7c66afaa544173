"""The head of a journal, exported and signed."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from benchmarks.prove_journal import ticking

from eclaireur.core.errors import BadValueError, ConfigError, JournalBrokenError
from eclaireur.core.journal import Head, HeadKey, Journal, head_key, open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = open_journal(tmp_path, clock=ticking(), environ={})
    made.append("decision", case="c", actor="Ada")
    return made


def secret_key(folder: Path, name: str = "head.key") -> HeadKey:
    (folder / name).write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    return head_key(folder / name)


def pair(folder: Path) -> tuple[HeadKey, HeadKey]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    (folder / "private.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "public.pem").write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return head_key(folder / "private.pem"), head_key(folder / "public.pem")


def test_a_head_survives_its_export(journal: Journal) -> None:
    head = journal.head()
    assert Head.read(head.export()) == head
    assert journal.verify(Head.read(head.export())).entries == 1
    assert Head.read(Head().export()) == Head()


def test_a_head_signed_with_a_secret_is_checked_with_it(journal: Journal, tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert Head.read(journal.head().export(key), key) == journal.head()
    assert Head.read(journal.head().export(key)) == journal.head()
    with pytest.raises(JournalBrokenError, match="signature"):
        Head.read(journal.head().export(key), secret_key(tmp_path, "other.key"))


def test_a_head_signed_with_a_private_key_is_checked_with_the_public_one(
    journal: Journal, tmp_path: Path
) -> None:
    private, public = pair(tmp_path)
    text = journal.head().export(private)
    assert json.loads(text)["signature"]["algorithm"] == "ed25519"
    assert Head.read(text, public) == Head.read(text, private) == journal.head()
    with pytest.raises(ConfigError, match="clé publique"):
        journal.head().export(public)


def test_a_signed_head_that_was_changed_is_refused(journal: Journal, tmp_path: Path) -> None:
    private, public = pair(tmp_path)
    values = json.loads(journal.head().export(private))
    for name, value in (("seq", 2), ("hash", "0" * 64), ("time", "2020-01-01T00:00:00.000000Z")):
        with pytest.raises(JournalBrokenError, match="signature"):
            Head.read(json.dumps({**values, name: value}), public)


def test_a_head_without_signature_or_with_another_kind_is_refused_when_a_key_is_given(
    journal: Journal, tmp_path: Path
) -> None:
    private, public = pair(tmp_path)
    for text in (journal.head().export(), journal.head().export(secret_key(tmp_path))):
        with pytest.raises(JournalBrokenError, match="signature"):
            Head.read(text, public)
    broken = {**json.loads(journal.head().export(private)), "signature": {"algorithm": "ed25519", "value": 3}}
    with pytest.raises(JournalBrokenError, match="signature"):
        Head.read(json.dumps(broken), public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format":1,"seq":-1,"hash":"","time":null}',
        '{"format":2,"seq":0,"hash":"0","time":null}',
    ],
)
def test_what_is_not_a_head_is_refused(text: str) -> None:
    with pytest.raises(BadValueError, match="tête"):
        Head.read(text)


def test_a_key_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absente"):
        head_key(tmp_path / "none")
    for number, data in enumerate((b"", b"abc", b"-----BEGIN X-----\n", base64.b64encode(b"short"))):
        path = tmp_path / f"key-{number}"
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="forme inconnue"):
            head_key(path)


def test_an_exported_head_is_written_to_the_letter(journal: Journal, tmp_path: Path) -> None:
    """Programs that keep heads read these names: none may change."""
    head = journal.head()
    written = json.loads(head.export(secret_key(tmp_path)))
    assert set(written) == {"format", "seq", "hash", "time", "signature"}
    assert (written["format"], written["seq"], written["hash"]) == (1, head.seq, head.hash)
    assert (set(written["signature"]), written["signature"]["algorithm"]) == (
        {"algorithm", "value"},
        "hmac-sha256",
    )
    assert json.loads(Head().export()) == {"format": 1, "seq": Head().seq, "hash": Head().hash, "time": None}


def test_a_signature_that_is_nearly_one_is_refused(journal: Journal, tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    written = json.loads(journal.head().export(key))
    good = written["signature"]["value"]
    for value in (None, 3, "", "é", f"{good[:4]}!{good[4:]}", f" {good}"):
        written["signature"] = {"algorithm": "hmac-sha256", "value": value}
        with pytest.raises(JournalBrokenError):
            Head.read(json.dumps(written), key)
    written["signature"] = {"algorithm": "hmac-sha256"}
    with pytest.raises(JournalBrokenError):
        Head.read(json.dumps(written), key)


def test_a_refusal_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    """An operator reads these words in the night: they are part of what is kept."""
    _, public = pair(tmp_path)
    (tmp_path / "short").write_bytes(base64.b64encode(bytes(31)))
    (tmp_path / "loose").write_bytes(b"!" + base64.b64encode(bytes(32)))
    for name in ("short", "loose"):
        with pytest.raises(ConfigError) as unknown:
            head_key(tmp_path / name)
        assert unknown.value.message == "clé de signature de forme inconnue."
        assert unknown.value.file == str(tmp_path / name)
        assert unknown.value.fix == (
            "Attendu : une clé Ed25519 au format PEM, ou un secret d'au moins 32 octets en Base64."
        )
    with pytest.raises(ConfigError) as absent:
        head_key(tmp_path / "absent")
    assert (absent.value.message, absent.value.file) == (
        "la clé de signature est absente ou illisible.",
        str(tmp_path / "absent"),
    )
    with pytest.raises(ConfigError) as checks:
        Head().export(public)
    assert checks.value.message == "cette clé publique vérifie une signature, elle ne signe pas."
    assert checks.value.fix == "Donnez la clé privée."
    with pytest.raises(BadValueError) as other:
        Head.read("{}")
    assert (other.value.message, other.value.fix) == (
        "ce texte n'est pas une tête de journal exportée.",
        "Donnez le fichier tel qu'il a été exporté.",
    )
