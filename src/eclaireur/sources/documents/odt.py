"""ODT, the text document of LibreOffice: same outcome as for DOCX, by the same rules.

References
----------
OASIS, « Open Document Format for Office Applications 1.3, part 3 ».
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eclaireur.core import french
from eclaireur.sources.documents.container import Container
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.flowing import Flow
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.looks import Look, Styles
from eclaireur.sources.documents.office import described
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.documents.xml import Element, local, parse
from eclaireur.sources.refusals import RefusedError

__all__ = ["read_odt"]

_MOST_SPACES = 1000
_ASIDE = {"note-body": PartKind.NOTE, "annotation": PartKind.COMMENT}
_STYLED = {"p", "h", "span", "a", "table-cell", "section"}
_HIDDEN = "texte masqué"
_POINTS = re.compile(r"([\d.]+)(pt|cm|mm|in|px)")
_UNITS = {"pt": 1.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "px": 0.75}
_EDGES = {
    "header": PartKind.HEADER, "header-left": PartKind.HEADER, "header-first": PartKind.HEADER,
    "footer": PartKind.FOOTER, "footer-left": PartKind.FOOTER, "footer-first": PartKind.FOOTER,
}  # fmt: skip


def read_odt(name: str, data: bytes, inside: Inside) -> Document:
    """Read a text document.

    Raises
    ------
    RefusedError
        If it is broken, locked, would expand out of measure, or has a DTD.
    """
    container = Container(data, inside.limits)
    if "META-INF/manifest.xml" in container and b"encryption-data" in container.read("META-INF/manifest.xml"):
        raise RefusedError("ce document est protégé par un mot de passe.", "Enregistrez-le sans protection.")
    writer = Writer(name, "odt")
    content = parse(container.read("content.xml"), depth=inside.limits.depth)
    styles = Styles()
    sheet = (
        parse(container.read("styles.xml"), depth=inside.limits.depth) if "styles.xml" in container else None
    )
    for root in (content,) if sheet is None else (sheet, content):
        _learn(styles, root)
    reader = _Reader(writer, styles)
    body = next((one for one in content.iter() if local(one.tag) == "body"), None)
    flow = Flow(writer, collapse=True)
    if body is not None:
        reader.walk(body, flow, Look())
    flow.finish()
    for edge in () if sheet is None else sheet.iter():
        if local(edge.tag) in _EDGES:
            flow = Flow(writer, collapse=True)
            flow.enter(_EDGES[local(edge.tag)])
            reader.walk(edge, flow, Look())
            flow.finish()
    if reader.deleted:
        gone = french.count(reader.deleted, "suppression écartée", "suppressions écartées")
        writer.doubt("changes", f"Modifications non acceptées : {gone}, les ajouts sont lus.")
    if any(one.startswith(("basic/", "scripts/")) for one in container.names()):
        writer.doubt("active", "Ce document contient des macros, qui ne sont pas exécutées.")
    described(writer, container, "meta.xml")
    return writer.finish()


def _said(element: Element) -> dict[str, str]:
    return {local(key): value for key, value in element.attrib.items()}


def _learn(styles: Styles, root: Element) -> None:
    for one in root.iter():
        if local(one.tag) == "style":
            said = _said(one)
            look = Look()
            for inner in one:
                if local(inner.tag) in {"text-properties", "paragraph-properties", "table-cell-properties"}:
                    look = look.over(_look(_said(inner)))
            styles.add(said.get("name", ""), said.get("parent-style-name", ""), look)
        elif local(one.tag) == "section-properties" and _said(one).get("display") == "none":
            styles.add(_said(one).get("name", ""), "", Look(hidden=True))


def _look(said: dict[str, str]) -> Look:
    size = _POINTS.fullmatch(said.get("font-size", ""))
    background = said.get("background-color")
    return Look(
        hidden=True if said.get("display") == "none" else False if said.get("display") == "true" else None,
        colour=said.get("color"),
        size=float(size[1]) * _UNITS[size[2]] if size else None,
        background=None if background == "transparent" else background,
    )


@dataclass(slots=True)
class _Reader:
    """Walks the elements of the document."""

    writer: Writer
    styles: Styles
    deleted: int = 0

    def walk(self, element: Element, flow: Flow, look: Look) -> None:
        """Read what is inside an element, its own text included."""
        if element.text:
            flow.text(element.text, why=look.why)
        for one in element:
            self._one(one, local(one.tag), flow, look)
            if one.tail:
                flow.text(one.tail, why=look.why)

    def _one(self, one: Element, tag: str, flow: Flow, look: Look) -> None:
        said = _said(one)
        if tag == "tracked-changes":
            self.deleted += sum(local(inner.tag) == "deletion" for inner in one.iter())
        elif tag in {"hidden-text", "hidden-paragraph"}:
            flow.text(said.get("string-value") or one.text or "", why=_HIDDEN)
        elif tag == "s":
            count = said.get("c", "1")
            flow.text(" " * min(int(count) if count.isdigit() else 1, _MOST_SPACES), why=look.why)
        elif tag == "tab":
            flow.text(" ", why=look.why)
        elif tag == "line-break":
            flow.line()
        elif tag in _ASIDE:
            self._aside(one, _ASIDE[tag])
        elif tag not in {"note-citation", "forms", "sequence-decls", "variable-decls", "event-listeners"}:
            self._inside(one, tag, said, flow, look)

    def _inside(self, one: Element, tag: str, said: dict[str, str], flow: Flow, look: Look) -> None:
        inner = look.over(self.styles[said.get("style-name", "")]) if tag in _STYLED else look
        if tag == "section" and said.get("display") in {"none", "condition"}:
            inner = inner.with_(hidden=True)
        if tag in {"table", "table-row", "table-cell"}:
            {"table": flow.begin_table, "table-row": flow.row, "table-cell": flow.cell}[tag]()
        self.walk(one, flow, inner)
        if tag in {"p", "h"}:
            flow.end_paragraph()
        elif tag == "table":
            flow.end_table()

    def _aside(self, one: Element, kind: PartKind) -> None:
        """Read a note or a comment in a flow of its own: it stands inside a paragraph."""
        flow = Flow(self.writer, collapse=True)
        flow.enter(kind)
        self.walk(one, flow, Look())
        flow.finish()
