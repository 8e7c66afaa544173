"""A text document: what it holds, and that nothing in it is read as markup."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

from eclaireur.core import odt, view
from eclaireur.core.odt import write_odt
from eclaireur.core.view import Citation, Citations, Column, Event, Facts, Table, Timeline

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"

BLOCKS = (
    Facts(title="Site", pairs=(("Nom", "Chooz <A> & B"), ("Adresse", "1 rue\n08600 Chooz"))),
    Table(
        title="Demandes",
        columns=(Column(key="d", title="Échéance"),),
        rows=[{"d": date(2024, 3, 1)}],
        note="N.",
    ),
    Timeline(title="", events=(Event(day=date(2024, 1, 2), lane="Lettre", text="reçue"),)),
    Citations(title="C", citations=(Citation(title="L", passage="p", origin="o"),)),
)


def written() -> bytes:
    target = io.BytesIO()
    write_odt(BLOCKS, target, title="Préparer l'inspection", mentions={"Licence": "LO"})
    return target.getvalue()


def test_a_document_holds_its_title_its_blocks_and_what_must_be_said() -> None:
    archive = zipfile.ZipFile(io.BytesIO(written()))
    assert archive.read("mimetype") == b"application/vnd.oasis.opendocument.text"
    assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
    root = ET.fromstring(archive.read("content.xml"))  # noqa: S314 - ours
    heads = ["".join(one.itertext()) for one in root.iter(f"{TEXT}h")]
    assert heads == ["Préparer l'inspection", "Site", "Demandes", "C", "Mentions"]
    said = ["".join(one.itertext()) for one in root.iter(f"{TEXT}p")]
    assert said[:3] == ["Nom : Chooz <A> & B", "Adresse : 1 rue", "08600 Chooz"]
    assert said[-1] == "Licence : LO"
    assert "02/01/2024, Lettre : reçue" in said
    (table,) = root.iter(f"{TABLE}table")
    assert "".join(table.itertext()) == "Échéance01/03/2024"
    for name in archive.namelist()[1:]:
        ET.fromstring(archive.read(name))  # noqa: S314 - ours


def test_the_same_blocks_give_the_same_bytes() -> None:
    assert written() == written()


def test_every_kind_of_block_is_written() -> None:
    kinds = {kind for kind in vars(view).values() if isinstance(kind, type) and kind in view.Block.__args__}
    assert kinds == set(odt._WRITERS)
