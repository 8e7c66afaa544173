"""Coverage-guided fuzzing of each parser: whatever the bytes, one of the outcomes and no other exception.

    PYTHONPATH=src:. python benchmarks/prove_fuzz.py [--seconds 20] [--only NAME] [--list]

Each target runs for so many seconds in a process of its own, with limits on memory and on one input, from
seeds that are written here. It needs atheris, of the `fuzz` group; without it nothing runs, and this says so.
An input that breaks a target is written beside, under its name, to be tried again with ``--again FILE``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY = 2_500
"""Megabytes."""
LONGEST = 25
"""Seconds for one input."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser to try: what it does with bytes, the modules it covers, and files to start from."""

    run: Callable[[bytes], None]
    modules: tuple[str, ...]
    seeds: Callable[[], list[bytes]]


def _csv() -> list[bytes]:
    text = "Export du 01/02/2023\n\nSIRET;Ville;Montant\n83283779300021;Évreux;1 234,50\n;Nîmes;\nTotal;;1\n"
    quoted = 'sep=,\na,"b\nc","d""e"\r\n1,2,3\n'
    return [text.encode(), text.encode("cp1252"), text.encode("utf-16"), quoted.encode(), b"a\tb\r1\t2\r"]


def _must(holds: object, said: str) -> None:
    if not holds:
        raise AssertionError(said)


def _told(reading: Any) -> None:
    """A refusal has its reason, and nothing else has one."""
    _must((str(reading.outcome) == "refusé") == bool(reading.reason), reading.reason or "no reason")


def _tables(data: bytes) -> None:
    from eclaireur.sources.tables import read_table

    _told(read_table(_file("a.csv", data)))


def _table_files() -> list[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "a;b\n1;2\n")
    return [*_csv(), gzip.compress(b"a;b\n1;2\n"), packed.getvalue()]


def _framing(data: bytes) -> None:
    from eclaireur.sources.framing import frame

    rows = [line.split(";") for line in data.decode("latin-1").split("\n")]
    rows = [row for row in rows if any(row)]
    if rows:
        frame(rows, list(range(1, len(rows) + 1)))


def _encoding(data: bytes) -> None:
    from eclaireur.sources.delimited import parse

    parse(data)


def _values(data: bytes) -> None:
    from eclaireur.sources import values

    texts = data.decode("utf-8", "replace").split("\n")
    for text in texts:
        values.number_of(text)
        values.boolean_of(text)
        values.date_of(text)
    values.numbers(texts)


def _value_texts() -> list[bytes]:
    return [
        "1 234,50 €\n12 %\n1.234\n-5".encode(),
        b"01/02/2023 10:30\n2023-02-01T10:30:00Z\n1er mai 2020",
        b"oui\nnon\nVRAI",
    ]


def _markup(data: bytes) -> None:
    from eclaireur.sources import markup
    from eclaireur.sources.refusals import RefusedError

    try:
        markup.parse(data)
    except RefusedError:
        return


def _pages() -> list[bytes]:
    page = "<html><table><tr><th>a<th colspan=2>b</tr><tr><td rowspan=2>1<td>é<td>3</table>"
    return [page.encode(), b"<?xml version='1.0'?><l><r a='1'><v>2</v></r><r><v>3</v></r></l>"]


def _json(data: bytes) -> None:
    from eclaireur.sources.tables import read_table

    _told(read_table(_file("a.json", data)))


def _objects() -> list[bytes]:
    return [
        b'[{"a": 1, "b": "x"}, {"a": null}]',
        b'{"a": 1}\n{"a": [2]}\n',
        b'{"features": [{"properties": {}}]}',
    ]


def _workbook(data: bytes) -> None:
    from eclaireur.sources.tables import read_table

    _told(read_table(_file("a.xlsx", data)))


def _workbooks() -> list[bytes]:
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["SIRET", "Montant"])
    sheet.write_row(1, 0, ["83283779300021", 12.5])
    sheet.merge_range(2, 0, 3, 1, "fusion")
    book.close()
    return [stream.getvalue()]


def _image(data: bytes) -> None:
    from eclaireur.sources.media.images import ImageLimits, read_image

    _told(read_image(_file("a.png", data), data=True, limits=ImageLimits(pixels=4_000_000)))


def _images() -> list[bytes]:
    pillow = importlib.import_module("PIL.Image")
    found = []
    for form in ("PNG", "JPEG"):
        stream = io.BytesIO()
        exif = pillow.Exif()
        exif[0x0112] = 6
        pillow.new("RGB", (8, 6), "red").save(stream, form, exif=exif)
        found.append(stream.getvalue())
    return found


def _raster(data: bytes) -> None:
    from eclaireur.sources.media.rasters import RasterLimits, read_raster

    limits = RasterLimits(pixels=4_000_000, values=4_000_000, seconds=1, ratio=200)
    _told(read_raster(_file("a.tif", data), data=True, limits=limits))


def _rasters() -> list[bytes]:
    import numpy as np

    rasterio = importlib.import_module("rasterio")
    path = _folder() / "seed.tif"
    place = rasterio.Affine(5, 0, 770_000, 0, -5, 6_280_000)
    size = {"width": 8, "height": 8, "count": 1, "dtype": "uint8", "transform": place}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:2154", compress="deflate", **size) as target:
        target.write(np.ones((1, 8, 8), np.uint8))
    return [path.read_bytes()]


def _shapes(data: bytes) -> None:
    from eclaireur.sources.media.geometry import examine

    examine([data, None, data[1:]])


def _binary() -> list[bytes]:
    return [
        b"\x01\x01\x00\x00\x00" + b"\0" * 16,
        b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00" + b"\0" * 64,
        b"\x00\x00\x00\x00\x07\x00\x00\x00\x01\x01\x02\x00\x00\x00\x02\x00\x00\x00" + b"\0" * 32,
    ]


def _layer(data: bytes) -> None:
    from eclaireur.sources.media.vectors import read_vector

    _told(read_vector(_file("a.geojson", data), _folder(), data=True))


def _layers() -> list[bytes]:
    shape = b'{"type": "Polygon", "coordinates": [[[3, 43], [4, 44], [3, 44], [3, 43]]]}'
    feature = b'{"type": "Feature", "properties": {"a": 1}, "geometry": ' + shape + b"}"
    return [shape, feature, b'{"type": "FeatureCollection", "features": [' + feature + b"]}"]


def _audio(data: bytes) -> None:
    from eclaireur.sources.media.audio import AudioLimits, read_audio

    _told(read_audio(_file("a.wav", data), data=True, limits=AudioLimits(seconds=10)))


def _sounds() -> list[bytes]:
    import numpy as np

    soundfile = importlib.import_module("soundfile")
    found = []
    for form, coding in (("WAV", "PCM_16"), ("WAV", "ALAW"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        stream = io.BytesIO()
        soundfile.write(stream, np.sin(np.arange(400) / 5) / 3, 8000, format=form, subtype=coding)
        found.append(stream.getvalue())
    return found


def _addresses(data: bytes) -> None:
    from eclaireur.core.errors import BadValueError
    from eclaireur.sources.remote.addresses import parse, shown

    text = data.decode("utf-8", "replace")
    shown(text)
    try:
        target = parse(text)
    except BadValueError:
        return
    _must(not re.search(r"[\s\x00-\x1f]", target.url), f"spaces in {target.url!r}")
    _must(parse(target.url) == target, f"{target.url!r} is read in another way the second time")


def _urls() -> list[bytes]:
    return [b"https://www.data.gouv.fr/fr/?a=b&token=c#d", b"http://[::1]:80/%41", "https://é.fr/é".encode()]


def _document(name: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        from eclaireur.sources.documents.reader import read_here

        _told(read_here(_file(name, data), folder=_folder(), seconds=0))

    return run


def _mails() -> list[bytes]:
    plain = b"From: a@b.fr\r\nSubject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n\r\nBonjour\r\n"
    parts = b"""From: a@b.fr
MIME-Version: 1.0
Date: Mon, 5 Feb 2024 10:00:00 +0100
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/html

<p>Bonjour</p>
--x
Content-Type: text/plain; name=a.txt
Content-Disposition: attachment
Content-Transfer-Encoding: base64

YQ==
--x--
"""
    return [plain, parts]


def _web_pages() -> list[bytes]:
    return [
        b"<html><body><h1>Titre</h1><p style='color:#fff'>cach&eacute;</p><table><tr><td>1</table></html>"
    ]


def _rich_texts() -> list[bytes]:
    return [rb"{\rtf1\ansi\ansicpg1252 Bonjour \'e9t\'e9 {\v cach\'e9}\par \u233? {\*\x y}}"]


def _zipped(parts: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


def _packed(make: Callable[[str], bytes], name: str) -> Callable[[bytes], None]:
    """Try the main part of a packed document, of which the archive would hide everything from the fuzzer."""
    run = _document(name)

    def packed(data: bytes) -> None:
        run(data if data[:2] == b"PK" else make(data.decode("utf-8", "replace")))

    return packed


def _as_docx(body: str) -> bytes:
    kinds = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    )
    return _zipped({"[Content_Types].xml": kinds, "word/document.xml": body})


def _as_odt(body: str) -> bytes:
    return _zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": body})


def _word_parts() -> list[bytes]:
    body = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        '<w:rPr><w:vanish/><w:sz w:val="2"/><w:color w:val="FFFFFF"/></w:rPr><w:t>caché</w:t></w:r></w:p>'
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t><w:tab/><w:br/></w:r></w:p></w:tc></w:tr></w:tbl>"
        "</w:body></w:document>"
    )
    return [body.encode(), _as_docx(body)]


def _open_parts() -> list[bytes]:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table")
    )
    body = (
        f"<office:document-content {names}><office:body><office:text><text:h>Titre</text:h>"
        "<text:p>a<text:s/>b</text:p><table:table><table:table-row><table:table-cell><text:p>1</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text></office:body></office:document-content>"
    )
    return [body.encode(), _as_odt(body)]


def _outlook_mails() -> list[bytes]:
    from tests.ole_builder import container, properties

    streams = {
        "__properties_version1.0": properties({}, header=32),
        "__substg1.0_0037001F": "Réunion".encode("utf-16-le"),
        "__substg1.0_1000001F": "Bonjour".encode("utf-16-le"),
        "__substg1.0_10130102": b"<p>Bonjour</p>",
        "__substg1.0_007D001F": "From: a@b.fr\r\n".encode("utf-16-le"),
    }
    return [container(streams)]


def _pdfs() -> list[bytes]:
    canvas = importlib.import_module("reportlab.pdfgen.canvas")
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.drawString(100, 700, "Bonjour")
    page.save()
    return [stream.getvalue()]


TARGETS = {
    "tables": Target(_tables, ("eclaireur.sources.tables",), _table_files),
    "framing": Target(
        _framing,
        tuple(f"eclaireur.sources.{name}" for name in ("headings", "endings", "squaring")),
        _csv,
    ),
    "encoding": Target(_encoding, ("eclaireur.sources.encoding", "eclaireur.sources.splitting"), _csv),
    "values": Target(_values, ("eclaireur.sources.values",), _value_texts),
    "markup": Target(_markup, ("eclaireur.sources.markup",), _pages),
    "json": Target(_json, ("eclaireur.sources.tables",), _objects),
    "workbook": Target(_workbook, ("eclaireur.sources.workbook",), _workbooks),
    "image": Target(_image, ("PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin"), _images),
    "raster": Target(_raster, ("eclaireur.sources.media.rasters",), _rasters),
    "shapes": Target(_shapes, ("eclaireur.sources.media.geometry",), _binary),
    "layer": Target(_layer, ("eclaireur.sources.media.places",), _layers),
    "audio": Target(_audio, ("eclaireur.sources.media.audio",), _sounds),
    "mail": Target(_document("a.eml"), ("eclaireur.sources.documents.mail", "email"), _mails),
    "page": Target(_document("a.html"), ("eclaireur.sources.documents.html",), _web_pages),
    "rich text": Target(_document("a.rtf"), ("eclaireur.sources.documents.rtf",), _rich_texts),
    "docx": Target(_packed(_as_docx, "a.docx"), ("eclaireur.sources.documents.docx",), _word_parts),
    "odt": Target(_packed(_as_odt, "a.odt"), ("eclaireur.sources.documents.odt",), _open_parts),
    "msg": Target(_document("a.msg"), ("eclaireur.sources.documents.msg", "olefile"), _outlook_mails),
    "pdf": Target(_document("a.pdf"), ("eclaireur.sources.documents.pdf",), _pdfs),
    "addresses": Target(_addresses, ("eclaireur.sources.remote.addresses", "urllib.parse"), _urls),
}


def _folder() -> Path:
    return Path(os.environ["ECLAIREUR_FUZZ_FOLDER"])


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def child(name: str, seconds: int, again: Path | None) -> None:
    """Fuzz one target in this process; it does not come back."""
    target = TARGETS[name]
    if again is not None:
        target.run(again.read_bytes())
        print("passed")
        return
    fuzzer = importlib.import_module("atheris")
    with fuzzer.instrument_imports(include=list(target.modules)):
        for module in target.modules:
            importlib.import_module(module)
    corpus = _folder() / "corpus"
    corpus.mkdir()
    for rank, seed in enumerate(target.seeds()):
        (corpus / f"seed-{rank}").write_bytes(seed)
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={LONGEST}",
        f"-rss_limit_mb={MEMORY}",
        "-max_len=8192",
        "-print_final_stats=1",
        "-verbosity=1",
        f"-artifact_prefix={_folder()}/broken-",
    )
    fuzzer.Setup([sys.argv[0], *options, str(corpus)], target.run)
    fuzzer.Fuzz()


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one target."""

    name: str
    inputs: int
    covered: int
    said: str


def fuzz(name: str, seconds: int) -> Tried:
    """Fuzz one target in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(  # noqa: S603 - this very script
            [sys.executable, __file__, "--child", name, "--seconds", str(seconds)],
            env={**os.environ, "ECLAIREUR_FUZZ_FOLDER": folder, "TMPDIR": folder},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 300,
            check=False,
        )
        inputs = re.search(r"stat::number_of_executed_units:\s*(\d+)", run.stderr)
        covered = re.findall(r"\bcov: (\d+)", run.stderr)
        said = "" if run.returncode == 0 else _broken(name, Path(folder), run.stderr)
        return Tried(name, int(inputs[1]) if inputs else 0, int(covered[-1]) if covered else 0, said)


def _broken(name: str, folder: Path, log: str) -> str:
    """Keep the input that broke a target, and say where it is and what it raised."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    raised = [
        line for line in lines if re.match(r"([\w.]+(Error|Exception)\b|=+ ?ERROR|==\d+== ?ERROR)", line)
    ]
    said = raised[0] if raised else (lines or ["no output"])[-1]
    for path in folder.glob("broken-*"):
        kept = Path(f"fuzz-{name.replace(' ', '-')}-{path.name[-12:]}")
        kept.write_bytes(path.read_bytes())
        said += f" [{kept}]"
    return said


def main() -> int:
    """Fuzz every target, or the one that is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--child")
    parser.add_argument("--again", type=Path)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.seconds, None)
        return 0
    if asked.list:
        print("\n".join(TARGETS))
        return 0
    if asked.again:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["ECLAIREUR_FUZZ_FOLDER"] = folder
            child(asked.only, 0, asked.again)
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (group `fuzz`): no parser is fuzzed")
        return 0
    print(f"{'target':12}{'inputs':>10}{'covered':>9}  {asked.seconds} s each")
    failed = inputs = 0
    for name in [asked.only] if asked.only else TARGETS:
        tried = fuzz(name, asked.seconds)
        failed += bool(tried.said) or not tried.inputs
        inputs += tried.inputs
        print(f"{name:12}{tried.inputs:10}{tried.covered:9}  {tried.said or 'holds'}", flush=True)
    print(f"{failed} broken")
    if asked.log is not None:
        figures = {"proof": "fuzz", "seed": 0, "tried": inputs, "failed": failed}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
