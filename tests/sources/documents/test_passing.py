"""A document crosses from the child to its parent unchanged; what is no document is not believed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents import read_document
from eclaireur.sources.documents.passing import packed, unpacked
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Outcome
from tests.document_builders import columns, read
from tests.sources.documents.test_mail import mail


def test_a_confined_reading_is_the_same_as_a_plain_one(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(columns(), maintype="application", subtype="pdf", filename="a.pdf")
    path = tmp_path / "a.eml"
    path.write_bytes(message.as_bytes())
    plain, confined = read(message.as_bytes(), "a.eml"), read_document(path)

    assert packed(plain) == packed(confined)
    one, other = plain.attachments[0].document, confined.attachments[0].document
    assert one is not None
    assert other is not None
    assert one.spans is not None
    assert other.spans is not None
    assert np.array_equal(one.spans["x0"], other.spans["x0"])


@pytest.mark.parametrize(
    "change", [{"outcome": "parfait"}, {"spans": "!"}, {"parts": [["body"]]}, {"more": 1}]
)
def test_what_is_no_document_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        unpacked(packed(read(b"Bonjour", "a.txt")) | change)


def test_a_child_that_dies_on_a_document_gives_a_refusal_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Bonjour", encoding="utf-8")
    with Isolated() as reader:
        read_document(path, reader=reader)
        assert reader._child is not None
        reader._child.kill()
        reader._child.wait()
        assert read_document(path, reader=reader).outcome is Outcome.REFUSE
        assert read_document(path, reader=reader).text == "Bonjour"


@pytest.mark.parametrize(
    ("library", "data"),
    [
        ("pypdfium2", b"%PDF-1.7\n"),
        ("selectolax.lexbor", b"<html><p>a"),
        ("olefile", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__properties_version1.0".encode("utf-16-le")),
    ],
)
def test_a_part_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, library: str, data: bytes
) -> None:
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ExtraMissingError, match=r"\./eclaireur install documents"):
        read(data)
