"""Which PostgreSQL the desk connects to, and how the connection is protected."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclaireur.core.errors import ConfigError
from eclaireur.desk.database import database_settings

BASE = Path("/nowhere")


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("postgresql://ada@db.example/desk?sslmode=verify-full", "verify"),
        ("postgresql://ada@db.example/desk?sslmode=verify-full&sslrootcert=system", "verify"),
        ("postgresql://ada@127.0.0.1/desk", "verify"),
        ("postgresql://ada@[::1]/desk", "verify"),
        ("postgresql://ada@localhost/desk", "verify"),
        ("postgresql:///desk", "verify"),
        ("postgresql:///desk?host=/run/postgresql", "verify"),
        ("postgresql://ada@db/desk", "private"),
        ("postgresql://ada@db/desk?sslmode=disable", "private"),
    ],
)
def test_a_database_of_this_machine_or_reached_by_a_checked_tls_is_taken(url: str, tls: str) -> None:
    assert database_settings(url, BASE, tls)["NAME"] == "desk"


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


def test_a_word_that_means_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="ECLAIREUR_DATABASE_TLS"):
        database_settings("postgresql://ada@127.0.0.1/desk", BASE, "no")
