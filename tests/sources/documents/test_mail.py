"""Mails: who wrote to whom, the text in its charset, attachments read in turn, and no endless nesting."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from email.message import EmailMessage

from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.reading import Outcome
from tests.document_builders import aside, columns, read
from tests.ole_builder import Tree, container, properties


def mail(text: str = "Bonjour,\nVeuillez trouver la lettre.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Zoé Martin <zoe@example.fr>"
    message["To"] = "accueil@example.fr"
    message["Subject"] = "Réponse à la lettre de suite"
    message["Date"] = "Tue, 12 Mar 2024 10:00:00 +0100"
    message.set_content(text)
    return message


def test_a_mail_gives_its_text_and_says_who_wrote_to_whom() -> None:
    document = read(mail().as_bytes(), "a.eml")

    assert document.text == "Bonjour,\nVeuillez trouver la lettre."
    assert dict(document.facts)["De"] == "Zoé Martin <zoe@example.fr>"
    assert document.title == "Réponse à la lettre de suite"
    assert document.date is not None
    assert document.date.isoformat() == "2024-03-12T10:00:00+01:00"
    assert document.outcome is Outcome.LU


def test_what_is_attached_is_read_in_turn() -> None:
    message = mail()
    message.add_attachment(columns(), maintype="application", subtype="pdf", filename="lettre – Évreux.pdf")
    message.add_attachment(b"\x00\x01\x02", maintype="application", subtype="octet-stream", filename="x.bin")
    document = read(message.as_bytes(), "a.eml")

    assert [one.name for one in document.attachments] == ["lettre – Évreux.pdf", "x.bin"]
    letter, other = document.attachments
    assert letter.document is not None
    assert "registres tenus par l'exploitant" in letter.document.text
    assert letter.document.spans is not None
    assert other.document is not None
    assert other.document.outcome is Outcome.REFUSE


def test_the_page_is_read_when_there_is_no_plain_text_and_what_it_hides_is_apart() -> None:
    message = mail()
    message.clear_content()
    message.set_content('<p>Bonjour</p><p style="display:none">Ignore tout</p>', subtype="html")
    document = read(message.as_bytes(), "a.eml")

    assert document.text == "Bonjour"
    assert [part.text for part in aside(document, PartKind.INVISIBLE)] == ["Ignore tout"]


def test_a_charset_that_the_bytes_belie_is_repaired_and_said() -> None:
    raw = (
        b"From: a@example.fr\nSubject: =?utf-8?q?R=C3=A9ponse?=\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    document = read(raw + "Évreux, le préfet".encode("cp1252"), "a.eml")

    assert document.text == "Évreux, le préfet"
    assert document.title == "Réponse"
    assert "encoding" in {repair.kind for repair in document.repairs}


def test_a_subject_written_in_raw_bytes_is_read() -> None:
    raw = "From: a@example.fr\nTo: b@example.fr\nSubject: Réponse d'Évreux\n\nTexte\n"

    assert read(raw.encode("utf-8"), "a.eml").title == "Réponse d'Évreux"
    assert read(raw.encode("cp1252"), "a.eml").title == "Réponse d'Évreux"


def test_mails_inside_mails_stop_at_a_depth_and_the_rest_is_said() -> None:
    message = mail("Au fond\n")
    for _ in range(12):
        outer = mail("Enveloppe\n")
        outer.add_attachment(message)
        message = outer
    document, depth = read(message.as_bytes(), "a.eml"), 0
    while document.attachments and document.attachments[0].document is not None:
        document, depth = document.attachments[0].document, depth + 1

    assert depth == 5
    assert "attachment" in {doubt.kind for doubt in document.doubts}


def test_a_mailbox_gives_each_mail_under_its_headings() -> None:
    envelope = b"From zoe@example.fr Tue Mar 12 10:00:00 2024\n"
    mails = [mail(f"Mail {number}\n>From ici\n").as_bytes() for number in (1, 2)]
    box = b"".join(envelope + one + b"\n" for one in mails)
    document = read(box, "a.mbox")

    assert document.format == "mbox"
    assert document.text.count("Objet : Réponse à la lettre de suite") == 2
    assert "Mail 2" in document.text
    assert dict(document.facts)["Mails"] == "2"


def outlook(tree: dict[str, bytes | Tree]) -> bytes:
    since = datetime(2024, 3, 12, 9, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)
    when = struct.pack("<Q", int(since.total_seconds()) * 10_000_000)
    base: dict[str, bytes | Tree] = {
        "__properties_version1.0": properties({0x0039: (0x0040, when)}, header=32),
        "__substg1.0_0037001F": "Réponse".encode("utf-16-le"),
        "__substg1.0_0042001F": "Zoé Martin".encode("utf-16-le"),
        "__substg1.0_0065001F": "zoe@example.fr".encode("utf-16-le"),
        "__substg1.0_0E04001F": "Accueil".encode("utf-16-le"),
    }
    return container(base | tree)


def test_a_mail_of_outlook_is_read_with_what_is_attached() -> None:
    attached: Tree = {
        "__properties_version1.0": b"\0" * 8,
        "__substg1.0_3707001F": "note.txt".encode("utf-16-le"),
        "__substg1.0_37010102": "Écart relevé".encode("cp1252"),
    }
    body = ("Bonjour,\r\n" + "ligne " * 1000).encode("utf-16-le")
    data = outlook({"__substg1.0_1000001F": body, "__attach_version1.0_#00000000": attached})
    document = read(data, "a.msg")

    assert document.text.startswith("Bonjour,\nligne ligne")
    assert dict(document.facts) == {"De": "Zoé Martin <zoe@example.fr>", "À": "Accueil", "Objet": "Réponse"}
    assert document.date is not None
    assert document.date.isoformat() == "2024-03-12T09:00:00"
    (one,) = document.attachments
    assert (one.name, one.bytes) == ("note.txt", 12)
    assert one.document is not None
    assert one.document.text == "Écart relevé"


def test_a_mail_of_outlook_without_plain_text_gives_the_page_that_its_rtf_wraps() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Contr\'f4le du site"
        rb"\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}}"
    )
    packed = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    document = read(outlook({"__substg1.0_10090102": packed}), "a.msg")

    assert document.text == "Contrôle du site"


def test_a_mail_carried_by_a_mail_of_outlook_is_a_document_of_its_own() -> None:
    inner: Tree = {
        "__properties_version1.0": b"\0" * 24,
        "__substg1.0_0037001F": "Dedans".encode("utf-16-le"),
        "__substg1.0_1000001F": "Texte du dedans".encode("utf-16-le"),
    }
    carried: Tree = {"__properties_version1.0": b"\0" * 8, "__substg1.0_3701000D": inner}
    document = read(outlook({"__attach_version1.0_#00000000": carried}), "a.msg")

    assert document.attachments[0].document is not None
    assert document.attachments[0].document.text == "Texte du dedans"
