"""What a mail carries is named and not opened; one made slow to parse is not parsed in this process."""

from __future__ import annotations

import io
import time
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from eclaireur.cases.mail_routing import reading
from eclaireur.cases.mail_routing.opening import outlined
from eclaireur.sources.documents import Document
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Outcome


def bomb() -> bytes:
    """Return a small document that is large once open."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 60_000_000)
    return sink.getvalue()


class _NoChild(Isolated):
    """A child that must not be asked."""

    def converse(self, *args: object, **kwargs: object) -> None:
        raise AssertionError(args, kwargs)


def test_what_is_attached_is_named_and_not_opened(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@exemple.fr", "Route"
    mail.set_content("La chaussée est déformée.", cte="base64")
    mail.add_attachment(bomb(), maintype="application", subtype="zip", filename="plan été.docx")
    carried = EmailMessage()
    carried["Subject"] = "Premier envoi"
    carried.set_content("Texte du mail transféré")
    mail.add_attachment(carried)
    path = tmp_path / "a.eml"
    path.write_bytes(mail.as_bytes())
    (here,) = reading.mail_rows(path, reader=_NoChild())
    assert here["body"].strip() == "La chaussée est déformée."
    assert here["attachments"] == ["plan été.docx", "Premier envoi.eml"]
    # What is written in code in the text itself is text, however long.
    coded = EmailMessage()
    coded["From"] = "a@exemple.fr"
    coded.set_content("\n".join(["QUJD" * 18] * 50))
    path.write_bytes(coded.as_bytes())
    assert reading.mail_rows(path, reader=_NoChild())[0]["body"].count("QUJD") == 18 * 50


@pytest.mark.parametrize(
    "made",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(400)),
        b"content-type: multipart/mixed" + b';"\n ' * 100_000 + b"\n\n",
    ],
)
def test_a_mail_made_slow_to_parse_is_not_parsed_in_this_process(tmp_path: Path, made: bytes) -> None:
    data = b"From: a@exemple.fr\n" + made + b"Bonjour\n" * 50_000
    start = time.process_time()
    assert outlined(data) is None
    path = tmp_path / "a.eml"
    path.write_bytes(data)
    with pytest.raises(AssertionError):
        reading.mail_rows(path, reader=_NoChild())
    row = reading._by_hand(path, Document(file="a.eml", outcome=Outcome.REFUSE, reason="trop long"), {})
    assert row["state"] == "illisible : trop long"
    assert time.process_time() - start < 1.0
