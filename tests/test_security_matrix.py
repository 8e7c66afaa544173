"""The security matrix names tests that exist, and says why a row is not met."""

from __future__ import annotations

import base64
import dataclasses
import re
import runpy
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as dj_settings

from eclaireur.core.config import Settings, read_settings, settings_table
from eclaireur.core.errors import ConfigError
from eclaireur.core.journal.master import VARIABLE, master_key
from tests.postgresql_server import postgresql, programs

ROOT = Path(__file__).resolve().parents[1]
STATES = {"met", "partly", "not met"}
SECTIONS = {
    1: 5,
    2: 4,
    3: 7,
    4: 4,
    5: 4,
    6: 8,
    7: 6,
    8: 4,
    9: 2,
    10: 7,
    11: 7,
    12: 3,
    13: 4,
    14: 3,
    15: 4,
    16: 5,
    17: 3,
}
"""Chapter of the standard, version 5.0 → its number of sections."""


def _rows() -> list[list[str]]:
    text = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| V\d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_row_has_a_state_a_reason_and_tests_that_exist() -> None:
    rows = _rows()
    assert len(rows) > 20
    for section, state, how, tests in rows:
        assert state in STATES, section
        assert how, section
        if state == "not met":
            assert tests == "–", section
            continue
        named = re.findall(r"`([\w/.]+)::(\w+)`", tests)
        assert named, section
        for path, name in named:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{section}: {path}::{name}"


def _table(title: str) -> list[list[str]]:
    text = (ROOT / "docs" / "security" / "protections.md").read_text(encoding="utf-8")
    part = text.partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_derived_key_is_in_the_inventory() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    labels = {one.strip() for one in re.findall(r'b"(eclaireur\.\w+\.\d+) ?"', source)}
    labels |= set(re.findall(r'salted_hmac\(\s*"([\w.]+)"', source))
    told = " ".join(" ".join(row) for row in _table("Keys and algorithms"))
    assert len(labels) >= 5
    assert {one for one in labels if one not in told} == set()


def test_each_table_of_the_desk_has_one_class() -> None:
    classed = [name for row in _table("Classes of data") for name in re.findall(r"`(\w+)`", row[2])]
    assert sorted(classed) == sorted(one.__name__ for one in apps.get_app_config("desk").get_models())


def _connections() -> str:
    return (ROOT / "docs" / "security" / "connections.md").read_text(encoding="utf-8")


def test_each_setting_that_names_an_address_is_a_connection_that_is_told() -> None:
    outward = re.compile(r"\baddress|\bhosts?\b|\bportal\b|\bmail server\b|where parts of work run")
    named = {env for _, env, _, told in settings_table() if outward.search(told)}
    named -= {"ECLAIREUR_SMTP_FROM", "ECLAIREUR_SECOND_FACTOR"}
    part = _connections().partition("## Secrets")[0]
    assert len(named) >= 10
    assert {one for one in named if f"`{one}`" not in part} == set()


def test_each_secret_says_who_reads_it_and_when_it_is_replaced() -> None:
    secrets = {one.metadata["env"] for one in dataclasses.fields(Settings) if not one.repr} | {VARIABLE}
    part = _connections().partition("## Secrets")[2].partition("\n## ")[0]
    assert {one for one in secrets if f"| `{one}` |" not in part} == set()


def test_each_logger_has_its_layer() -> None:
    part = _connections().partition("## Logs")[2].partition("\n## ")[0]
    told = tuple(re.findall(r"`([a-z.]+)` ?[,|]", part))
    for path in (ROOT / "src").rglob("*.py"):
        if "getLogger(__name__)" in path.read_text(encoding="utf-8"):
            module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
            assert module.startswith(told), module
    assert set(dj_settings.LOGGING["loggers"]) <= set(told)
    for handler in dj_settings.LOGGING["handlers"].values():
        assert handler["class"] == "logging.StreamHandler", "to the service's error output alone"


def test_a_secret_is_read_from_the_file_that_a_manager_of_secrets_gives(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("dans un coffre\n")
    for one in dataclasses.fields(Settings):
        found = read_settings(tmp_path, {f"{one.metadata['env']}_FILE": str(file)})
        taken = getattr(found, one.name) == "dans un coffre"
        assert taken is not one.repr, one.name
        assert "coffre" not in repr(found)
    file.write_text(base64.b64encode(b"k" * 32).decode())
    assert master_key(tmp_path / "none", environ={f"{VARIABLE}_FILE": str(file)}) == b"k" * 32
    for wrong in ("", "absent"):
        file.write_text("")
        with pytest.raises(ConfigError, match="fichier que nomme"):
            read_settings(tmp_path, {"DATABASE_URL_FILE": str(tmp_path / wrong if wrong else file)})


def test_no_page_stores_more_in_a_browser_than_is_told() -> None:
    kept = set()
    for path in (ROOT / "src" / "eclaireur" / "desk" / "static" / "desk").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert "sessionStorage" not in text, path.name
        assert "indexedDB" not in text, path.name
        kept |= {(path.name, one) for one in re.findall(r"localStorage\.\w+\(([^,)]*)", text)}
        kept |= {(path.name, "cookie")} if "document.cookie" in text else set()
    assert kept == {("desk.js", '"touches"'), ("desk.js", "cookie")}


def test_no_script_writes_where_what_it_reads_says() -> None:
    """Names that come from outside never become names of a plain object, nor text that is run."""
    for path in (ROOT / "src" / "eclaireur" / "desk" / "static" / "desk").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"__proto__|\beval\(|new Function|document\.write", text), path.name
        assert "Object.assign(Object.prototype" not in text, path.name


@pytest.mark.skipif(programs() is None, reason="PostgreSQL's programs are not installed")
def test_the_role_of_the_desk_reads_and_writes_rows_and_nothing_else() -> None:
    psycopg = pytest.importorskip("psycopg")
    page = (ROOT / "docs" / "desk_deploy.md").read_text(encoding="utf-8")
    # A block of text, not of SQL: \\connect is a word of psql.
    written = "CREATE ROLE" + page.partition("```text\nCREATE ROLE")[2].partition("```")[0]
    before, _, after = written.partition("\\connect eclaireur\n")
    with postgresql() as url:
        for base, orders in (("postgres", before), ("eclaireur", after)):
            with psycopg.connect(url.replace("/postgres?", f"/{base}?"), autocommit=True) as line:
                for order in filter(None, map(str.strip, orders.split(";"))):
                    line.execute(order)

        def run(role: str, order: str) -> None:
            address = url.replace("eclaireur@/postgres?", f"{role}@/eclaireur?")
            with psycopg.connect(address, autocommit=True) as line:
                line.execute(order)

        run("eclaireur_tables", "CREATE TABLE rows (id serial PRIMARY KEY, a text)")
        for order in (
            "INSERT INTO rows (a) VALUES ('x')",
            "UPDATE rows SET a = 'y'",
            "SELECT * FROM rows FOR UPDATE",
            "DELETE FROM rows",
            "SELECT pg_advisory_lock(1)",
        ):
            run("eclaireur_desk", order)
        for order in (
            "CREATE TABLE others (id int)",
            "DROP TABLE rows",
            "ALTER TABLE rows ADD b text",
            "TRUNCATE rows",
            "CREATE ROLE more",
            "CREATE DATABASE more",
            "CREATE TEMPORARY TABLE t (id int)",
            "COPY rows TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises(psycopg.Error):
                run("eclaireur_desk", order)


def test_each_section_has_its_row_or_does_not_apply() -> None:
    text = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    absent = text.partition("Not applicable: ")[2]
    apart = re.findall(r"V\d+\.\d+", absent.replace("V17.1 to V17.3", "V17.1, V17.2, V17.3"))
    told = [row[0].split()[0] for row in _rows()] + apart
    assert sorted(told) == sorted(
        f"V{one}.{part + 1}" for one, count in SECTIONS.items() for part in range(count)
    )


@pytest.mark.parametrize("url", ["https://eclaireur.example", "http://127.0.0.1:8000"])
def test_cookies_are_for_the_server_alone_and_for_https_behind_https(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLAIREUR_URL", url)
    made = runpy.run_path(str(ROOT / "src" / "eclaireur" / "desk" / "settings.py"))
    behind = url.startswith("https:")
    assert made["SESSION_COOKIE_HTTPONLY"] is True
    assert made["CSRF_COOKIE_HTTPONLY"] is True
    assert made["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert made["SESSION_COOKIE_SECURE"] is made["CSRF_COOKIE_SECURE"] is behind
    assert bool(made["SECURE_HSTS_SECONDS"]) is made["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is behind
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "THEME_COOKIE"):
        assert made[name].startswith("__Host-") is behind
    assert "SESSION_COOKIE_DOMAIN" not in made
    assert "CSRF_COOKIE_DOMAIN" not in made
