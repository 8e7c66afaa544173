"""What the desk connects to goes through a checked TLS, or stays on machines that were named."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import pytest

from eclaireur.bricks.language.client import configured
from eclaireur.core.errors import ConfigError
from eclaireur.desk import outbox
from eclaireur.desk.database import database_settings

BASE = Path("/nowhere")


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("postgresql://ada@db.example/desk?sslmode=verify-full", ""),
        ("postgresql://ada@db.example/desk?sslmode=verify-full&sslrootcert=system", ""),
        ("postgresql://ada@127.0.0.1/desk", ""),
        ("postgresql://ada@[::1]/desk", ""),
        ("postgresql://ada@localhost/desk", ""),
        ("postgresql:///desk", ""),
        ("postgresql:///desk?host=/run/postgresql", ""),
        ("postgresql://ada@db/desk", "autre.example, db"),
        ("postgresql://ada@db/desk?sslmode=disable", "autre.example, db"),
    ],
)
def test_a_database_of_this_machine_or_reached_by_a_checked_tls_is_taken(url: str, clear: str) -> None:
    assert database_settings(url, BASE, clear)["NAME"] == "desk"


@pytest.mark.parametrize(
    "query",
    ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-ca"],
)
@pytest.mark.parametrize("host", ["db.example", "10.0.0.4", "127.0.0.1,db.example", "[2001:db8::1]"])
def test_a_database_of_another_host_without_a_checked_tls_is_refused(host: str, query: str) -> None:
    at = f"postgresql:///desk?host={host}" + query.replace("?", "&") if "," in host else ""
    with pytest.raises(ConfigError, match="rien n'y vérifie le chiffrement"):
        database_settings(at or f"postgresql://ada:secret@{host}/desk{query}", BASE)


def test_an_address_given_apart_from_its_name_counts() -> None:
    with pytest.raises(ConfigError, match="autre machine"):
        database_settings("postgresql://ada@localhost/desk?hostaddr=10.0.0.4", BASE)


@pytest.mark.parametrize(
    ("url", "clear", "taken"),
    [
        ("https://llm.example/v1", "", True),
        ("http://127.0.0.1:8080/v1", "", True),
        ("http://llm:8080/v1", "llm", True),
        ("http://llm:8080/v1", "", False),
        ("http://10.0.0.4/v1", "llm", False),
    ],
)
def test_a_language_model_of_another_host_is_asked_by_https(url: str, clear: str, *, taken: bool) -> None:
    given = {"ECLAIREUR_LANGUAGE_URL": url, "ECLAIREUR_CLEAR_HOSTS": clear}
    if taken:
        assert configured(given) is not None
    else:
        with pytest.raises(ConfigError, match="en clair"):
            configured(given)


class Mute:
    """A mail server that offers no encryption."""

    sent = 0

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def ehlo(self) -> None: ...
    def has_extn(self, _: str) -> bool:
        return False

    def send_message(self, _: EmailMessage) -> None:
        Mute.sent += 1


def test_a_letter_leaves_for_another_host_by_tls_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Mute)
    with pytest.raises(smtplib.SMTPResponseException, match="STARTTLS"):
        outbox._post("smtp://courriel.exemple.fr", EmailMessage())
    assert Mute.sent == 0
    monkeypatch.setenv("ECLAIREUR_CLEAR_HOSTS", "courriel.exemple.fr")
    outbox._post("smtp://courriel.exemple.fr", EmailMessage())
    outbox._post("smtp://127.0.0.1", EmailMessage())
    assert Mute.sent == 2
