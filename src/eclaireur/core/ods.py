"""Spreadsheets in OpenDocument, written without a library: none that is light ships a wheel.

A text is written with the type ``string`` and no ``table:formula``: a spreadsheet never runs it. The
vocabulary is that of OpenDocument 1.3 (ISO/IEC 26300); LibreOffice and Excel open the file.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from eclaireur.core import french
from eclaireur.core.showing import printable

__all__ = ["HEAD", "NAMES", "OdsSheet", "container", "spaced", "write_ods"]

_MIME = "application/vnd.oasis.opendocument.spreadsheet"
_MOMENT = (2000, 1, 1, 0, 0, 0)
_EXACT = 2**53

NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "table": "table",
        "text": "text",
        "style": "style",
        "number": "datastyle",
        "fo": "xsl-fo-compatible",
        "meta": "meta",
        "manifest": "manifest",
    }.items()
)
"""Vocabularies of OpenDocument, as attributes of the first element."""
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

_STYLES = """<office:automatic-styles>
<number:date-style style:name="Nd" number:automatic-order="true"><number:day number:style="long"/>\
<number:text>/</number:text><number:month number:style="long"/><number:text>/</number:text>\
<number:year number:style="long"/></number:date-style>
<number:date-style style:name="Nm"><number:day number:style="long"/><number:text>/</number:text>\
<number:month number:style="long"/><number:text>/</number:text><number:year number:style="long"/>\
<number:text> </number:text><number:hours number:style="long"/><number:text>:</number:text>\
<number:minutes number:style="long"/></number:date-style>
<number:percentage-style style:name="Np"><number:number number:decimal-places="1" \
number:min-integer-digits="1"/><number:text> %</number:text></number:percentage-style>
<style:style style:name="head" style:family="table-cell"><style:text-properties fo:font-weight="bold"/>\
</style:style>
<style:style style:name="plain" style:family="table-cell">\
<style:table-cell-properties fo:wrap-option="wrap" style:vertical-align="top"/></style:style>
<style:style style:name="day" style:family="table-cell" style:data-style-name="Nd"/>
<style:style style:name="moment" style:family="table-cell" style:data-style-name="Nm"/>
<style:style style:name="share" style:family="table-cell" style:data-style-name="Np"/>
COLUMNS</office:automatic-styles>"""


_DUBLIN = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
# A screen reader says each text in the language that its style names.
_LANGUAGE = "".join(
    f'<style:default-style style:family="{family}">'
    '<style:text-properties fo:language="fr" fo:country="FR"/></style:default-style>'
    for family in ("paragraph", "table-cell")
)
_FRENCH = (
    f'{HEAD}<office:document-styles {NAMES} office:version="1.3">'
    f"<office:styles>{_LANGUAGE}</office:styles></office:document-styles>"
)


@dataclass(frozen=True, slots=True)
class OdsSheet:
    """One sheet: headings, rows of values, width of each column in characters, and which are shares."""

    headings: Sequence[str]
    rows: Iterable[Sequence[Any]]
    widths: Sequence[float]
    shares: frozenset[int] = frozenset()


def write_ods(target: Path | IO[bytes], sheets: Mapping[str, OdsSheet], *, title: str = "") -> None:
    """Write sheets; the same values give the same bytes. `core.files.write_atomically` may give the path.

    Parameters
    ----------
    target
        File to write.
    sheets
        Name → sheet. Numbers, days and times keep their type; a list is one cell of several lines.
    title
        Title in the properties of the file.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        container(parts, _MIME, title, _content(sheets))


def container(parts: zipfile.ZipFile, mime: str, title: str, content: Iterable[str]) -> None:
    """Write the parts that every OpenDocument file has, then its content.

    Parameters
    ----------
    parts
        An archive open for writing.
    mime
        Kind of document.
    title
        Title in the properties of the file.
    content
        Pieces of ``content.xml``.
    """
    # First and stored, so that the kind of file shows in its first bytes (OpenDocument part 2, 3.3).
    parts.writestr(_entry("mimetype", zipfile.ZIP_STORED), mime)
    parts.writestr(_entry("META-INF/manifest.xml"), _manifest(mime))
    parts.writestr(_entry("styles.xml"), _FRENCH)
    parts.writestr(_entry("meta.xml"), _meta(title))
    with parts.open(_entry("content.xml"), "w") as stream:
        for text in content:
            stream.write(text.encode("utf-8"))


def _entry(name: str, how: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = how
    entry.external_attr = 0o644 << 16
    return entry


def _manifest(mime: str) -> str:
    files = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
        for path, kind in (
            ("/", mime),
            ("content.xml", "text/xml"),
            ("styles.xml", "text/xml"),
            ("meta.xml", "text/xml"),
        )
    )
    return f'{HEAD}<manifest:manifest {NAMES} manifest:version="1.3">{files}</manifest:manifest>'


def _meta(title: str) -> str:
    said = "<meta:generator>Éclaireur</meta:generator>"
    said += f"<dc:title {_DUBLIN}>{_safe(title)}</dc:title>" if title else ""
    said += f"<dc:language {_DUBLIN}>fr-FR</dc:language>"
    return (
        f'{HEAD}<office:document-meta {NAMES} office:version="1.3">'
        f"<office:meta>{said}</office:meta></office:document-meta>"
    )


def _content(sheets: Mapping[str, OdsSheet]) -> Iterator[str]:
    widths = sorted({round(width) for sheet in sheets.values() for width in sheet.widths})
    columns = "".join(
        f'<style:style style:name="w{width}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{0.21 * width:.2f}cm"/></style:style>'
        for width in widths
    )
    styles = _STYLES.replace("COLUMNS", columns)
    yield f'{HEAD}<office:document-content {NAMES} office:version="1.3">{styles}'
    yield "<office:body><office:spreadsheet>"
    for name, sheet in sheets.items():
        yield f"<table:table table:name={quoteattr(printable(name))}>"
        yield "".join(f'<table:table-column table:style-name="w{round(one)}"/>' for one in sheet.widths)
        head = "".join(_text(one, "head") for one in sheet.headings)
        yield f"<table:table-header-rows><table:table-row>{head}</table:table-row></table:table-header-rows>"
        for row in sheet.rows:
            cells = "".join(_cell(value, share=at in sheet.shares) for at, value in enumerate(row))
            yield f"<table:table-row>{cells}</table:table-row>"
        yield "</table:table>"
    yield "</office:spreadsheet></office:body></office:document-content>"


def _cell(value: Any, *, share: bool) -> str:
    match value:
        case None:
            return "<table:table-cell/>"
        case bool():
            return _text("oui" if value else "non")
        case float() if not math.isfinite(value):
            return "<table:table-cell/>"
        case float() if share:
            said = french.percent(value, 1)
            return _typed("percentage", f'office:value="{value!r}" table:style-name="share"', said)
        case float():
            return _typed("float", f'office:value="{value!r}"', repr(value).replace(".", ","))
        case int() if abs(value) <= _EXACT:
            return _typed("float", f'office:value="{value}"', str(value))
        case datetime():
            said, shown = value.replace(tzinfo=None).isoformat(timespec="seconds"), french.moment(value)
            return _typed("date", f'office:date-value="{said}" table:style-name="moment"', shown)
        case date():
            kept = f'office:date-value="{value.isoformat()}" table:style-name="day"'
            return _typed("date", kept, french.day(value))
        case tuple() | list():
            return _text("\n".join(str(one) for one in value))
        case _:
            return _text(str(value))


def _typed(kind: str, attributes: str, shown: str) -> str:
    return (
        f'<table:table-cell office:value-type="{kind}" {attributes}><text:p>{_safe(shown)}</text:p>'
        "</table:table-cell>"
    )


def _text(text: str, style: str = "plain") -> str:
    lines = "".join(f"<text:p>{spaced(line)}</text:p>" for line in printable(text).splitlines() or [""])
    return (
        f'<table:table-cell office:value-type="string" table:style-name="{style}">{lines}</table:table-cell>'
    )


def spaced(line: str) -> str:
    """Write a line so that its spaces are kept: OpenDocument reads several as one."""
    made, blanks = [], 0
    for at, char in enumerate(line):
        if char == " ":
            blanks += 1
            if at + 1 < len(line) and line[at + 1] == " ":
                continue
            edge = at + 1 == len(line) or at + 1 == blanks
            made.append(" " if blanks == 1 and not edge else f'<text:s text:c="{blanks}"/>')
            blanks = 0
        else:
            made.append("<text:tab/>" if char == "\t" else escape(char))
    return "".join(made)


def _safe(text: str) -> str:
    return escape(printable(text))
