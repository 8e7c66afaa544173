"""What is particular to mail_routing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pyarrow as pa
import pytest

from eclaireur.cases.mail_routing import case, routing, sample
from eclaireur.core.case import Records, quiet
from eclaireur.core.intake import Handling, Message, messages_schema
from eclaireur.core.types import ModelCard


@dataclass(frozen=True)
class Played:
    records: Records
    card: ModelCard
    read: Callable[[str], bytes]

    def handle(self, body: str, subject: str = "", **more: str) -> Handling:
        message = Message(
            id=more.get("id", "essai"),
            thread="essai",
            received=datetime(2026, 11, 20, 9, tzinfo=UTC),
            sender=more.get("sender", "Aline Morvelle <a@exemple.fr>"),
            subject=subject,
            body=body,
        )
        return case.handle(message, self.records, self.card, self.read)

    def score(self, table: pa.Table) -> list[dict[str, object]]:
        return case.score(table, self.records, self.card, self.read, progress=quiet).to_pylist()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("raw")
    sample.write(folder, seed=3)
    records = case.records("sample", folder, outcomes=None, progress=quiet)
    after = case.data_date(records) + timedelta(days=1)
    fitted = case.train(records, case.examples(records), as_of=after, seed=1, progress=quiet)
    return Played(records, fitted.card, dict(fitted.artefacts).__getitem__)


POTHOLE = (
    "Bonjour,\n\nUn nid-de-poule sur la départementale 12 a abîmé mon pneu.\n\nCordialement\nA. Morvelle"
)


def test_a_message_is_cut_routed_and_explained(played: Played) -> None:
    told = played.handle(POTHOLE, "Route abîmée")
    assert [part.kind.value for part in told.parts] == ["greeting", "body", "signature"]
    assert told.parts[0].start == 0
    assert told.parts[-1].end == len(POTHOLE)
    assert (told.routes[0].name, told.abstains) == ("Routes", False)
    assert told.routes[0].confidence >= told.routes[1].confidence
    assert any("nid" in reason.sentence or "poule" in reason.sentence for reason in told.reasons)
    assert told.facts["Langue"] == "français"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "vide"),
        ("ωψξ ζθλ", "grec"),
        (
            "Hello, could you please tell me how I can get my parking card? I have the form with you.",
            "anglais",
        ),
    ],
)
def test_what_cannot_be_routed_is_left_to_a_person_with_two_routes(
    played: Played, body: str, why: str
) -> None:
    told = played.handle(body)
    assert told.abstains
    assert len(told.routes) >= 2
    assert why in told.facts["Laissé à une personne"]


def test_messages_have_the_schema_of_the_desk_and_are_in_order(played: Played) -> None:
    table = case.messages(played.records)
    assert table.schema.equals(messages_schema())
    received = table["received"].to_pylist()
    assert received == sorted(received)
    assert table.num_rows > 300


def test_a_reminder_belongs_to_the_exchange_that_it_quotes(played: Played) -> None:
    rows = {row["id"]: row for row in played.records["messages"].to_pylist()}
    reminders = [row for row in rows.values() if row["heading"].startswith("Re: ")]
    assert reminders
    first = [rows[row["thread"]] for row in reminders]
    both = zip(reminders, first, strict=True)
    assert all(not late["service"] or late["service"] == one["service"] for late, one in both)


def test_previews_and_sheets_show_no_phone(played: Played) -> None:
    as_of = case.data_date(played.records) + timedelta(days=1)
    table = case.signals(played.records, played.card, played.read, as_of=as_of, progress=quiet)
    assert not any("06 99" in name for name in table["name"].to_pylist())
    row = next(row for row in played.records["messages"].to_pylist() if "06 99" in row["body"])
    blocks = case.sheet(case.identify(row["id"]), played.records)
    assert "06 99" not in repr(blocks)
    assert "[téléphone]" in repr(blocks)


def test_a_box_a_mail_and_a_broken_file_give_one_row_a_mail(played: Played, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@exemple.fr", "Cantine"
    mail.set_content("La facture de cantine du collège est fausse.")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    (tmp_path / "b.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 pas un message")
    box = b"".join(b"From MAILER Mon Jan  5 08:00:00 2026\n" + mail.as_bytes() + b"\n\n" for _ in range(3))
    (tmp_path / "c.mbox").write_bytes(box)
    (tmp_path / "d.txt").write_text("Le car scolaire est passé avec du retard.", encoding="cp1252")
    (tmp_path / "e:2,S").write_bytes(b"Return-Path: <a@exemple.fr>\n" + mail.as_bytes())
    tables = [case.read_candidates(path) for path in sorted(tmp_path.iterdir())]
    assert [table.num_rows for table in tables if table is not None] == [1, 1, 3, 1, 1]
    assert case.read_candidates(tmp_path / "f.csv") is None
    whole = pa.concat_tables([one for one in tables if one is not None], promote_options="default")
    found = played.score(whole)
    assert [row["routed"] for row in found] == [True, False, True, True, True, True, True]
    assert [found[at]["service"] for at in (0, 5, 6)] == ["Collèges", "Transports scolaires", "Collèges"]
    assert "illisible" in str(found[1]["why_not"])


def test_a_rule_acts_before_the_model_with_the_trust_of_its_past(played: Played) -> None:
    line = 'si message contient "nid-de-poule" alors Archives'
    records = {**played.records, "rules": pa.table({"rule": [line]})}
    told = Played(records, played.card, played.read).handle(POTHOLE)
    assert told.routes[0].name == "Archives"
    assert told.routes[0].confidence < 0.5  # every past message with these words went to the roads
    assert routing.rules_of(played.records) == ()


def test_a_correction_is_learnt_from_the_day_it_is_known(played: Played) -> None:
    row = next(row for row in played.records["messages"].to_pylist() if row["service"] == "Routes")
    day = row["observed"] + timedelta(days=3)
    outcome = {
        "outcome": "x", "subject": row["subject"], "observed": row["observed"], "known": day, "label": 1.0,
        "value": "Archives", "observer": "a", "propensity": None, "origin": "decision",
    }  # fmt: skip
    table = pa.Table.from_pylist([outcome], schema=played.records["outcomes"].schema)
    records = {**played.records, "outcomes": table}
    assert case.corrections(records, day) == {}
    assert case.corrections(records, day + timedelta(days=1)) == {row["subject"]: "Archives"}
