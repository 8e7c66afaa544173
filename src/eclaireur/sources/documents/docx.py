"""DOCX: paragraphs and tables in order; headers, notes and comments apart; nothing outside is fetched.

Deletions that Word still shows struck through are not read, insertions are. Elements are told by their name
without namespace, so that files in the strict form of the standard are read too.

References
----------
ISO/IEC 29500-1, « Office Open XML File Formats ».
"""

from __future__ import annotations

import posixpath
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

__all__ = ["read_docx"]

_FIX = "Enregistrez le document de nouveau avec le logiciel qui l'a fait."
_SKIPPED = {
    "del",
    "moveFrom",
    "instrText",
    "delText",
    "delInstrText",
    "Fallback",
    "rPr",
    "pPr",
    "tblPr",
    "trPr",
    "sectPr",
}
_LINES = {"br", "cr"}
_SIGNS = {"tab": "\t", "noBreakHyphen": "-", "ptab": "\t"}
_ASIDES = {
    "header": PartKind.HEADER,
    "footer": PartKind.FOOTER,
    "footnotes": PartKind.NOTE,
    "endnotes": PartKind.NOTE,
    "comments": PartKind.COMMENT,
}


def read_docx(name: str, data: bytes, inside: Inside) -> Document:
    """Read a Word document.

    Raises
    ------
    RefusedError
        If it is broken, locked, would expand out of measure, or has a DTD.
    """
    container = Container(data, inside.limits)
    main = _main_part(container)
    writer = Writer(name, "docx")
    related, outside = _related(container, main)
    styles = Styles()
    if "styles" in related and related["styles"][0] in container:
        _learn(styles, parse(container.read(related["styles"][0]), depth=inside.limits.depth))
    reader = _Reader(writer, styles)
    reader.body(parse(container.read(main), depth=inside.limits.depth))
    for kind, aside in _ASIDES.items():
        for part in related.get(kind, ()):
            if part in container:
                reader.aside(parse(container.read(part), depth=inside.limits.depth), aside)
    reader.say()
    described(writer, container)
    if outside:
        writer.doubt(
            "outside",
            "Ce document renvoie à un modèle ou à une image hors du fichier, qui n'est pas cherché.",
        )
    if any(part.endswith("vbaproject.bin") for part in container.names()):
        writer.doubt("active", "Ce document contient des macros, qui ne sont pas exécutées.")
    for part in container.names():
        if part.startswith("word/embeddings/"):
            writer.attachments.append(inside.attached(posixpath.basename(part), container.read(part)))
    return writer.finish()


def _main_part(container: Container) -> str:
    if "_rels/.rels" in container:
        for one in parse(container.read("_rels/.rels")):
            if one.get("Type", "").endswith("/officeDocument") and one.get("TargetMode") != "External":
                return one.get("Target", "").lstrip("/")
    if "word/document.xml" in container:
        return "word/document.xml"
    raise RefusedError("ce fichier ne contient pas de document Word.", _FIX)


def _related(container: Container, main: str) -> tuple[dict[str, list[str]], bool]:
    """Return the parts by their kind, and whether something outside the file is referred to."""
    folder, file = posixpath.split(main)
    place = f"{folder}/_rels/{file}.rels"
    found: dict[str, list[str]] = {}
    outside = False
    for one in parse(container.read(place)) if place in container else ():
        kind = one.get("Type", "").rpartition("/")[2]
        if one.get("TargetMode") == "External":
            outside = outside or kind in {"attachedTemplate", "image", "frame", "subDocument", "oleObject"}
            continue
        target = one.get("Target", "")
        found.setdefault(kind, []).append(
            target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
        )
    settings = f"{folder}/_rels/settings.xml.rels"
    if settings in container:
        outside = outside or any(
            one.get("TargetMode") == "External" for one in parse(container.read(settings))
        )
    return found, outside


def _learn(styles: Styles, root: Element) -> None:
    for one in root:
        if local(one.tag) == "style":
            said = {local(key): value for key, value in one.attrib.items()}
            based = next((_value(inner) for inner in one if local(inner.tag) == "basedOn"), "")
            styles.add(said.get("styleId", ""), based, _looks(one))


def _value(element: Element) -> str:
    return next((value for key, value in element.attrib.items() if local(key) == "val"), "")


def _looks(element: Element) -> Look:
    """Read the look that the properties inside an element set; what they do not set stays open."""
    look = Look()
    for properties in element:
        if local(properties.tag) not in {"rPr", "pPr", "tcPr"}:
            continue
        for one in properties:
            value = _value(one)
            match local(one.tag):
                case "vanish" | "specVanish":
                    look = look.with_(hidden=value not in {"0", "false", "off", "none"})
                case "color":
                    look = look.with_(colour=value)
                case "sz":
                    look = look.with_(size=float(value) / 2 if value.replace(".", "", 1).isdigit() else None)
                case "highlight":
                    look = look.with_(background=value)
                case "shd":
                    fill = next((text for key, text in one.attrib.items() if local(key) == "fill"), "")
                    look = look.with_(background=fill if fill != "auto" else None)
    return look


@dataclass(slots=True)
class _Reader:
    """Walks the elements of a part."""

    writer: Writer
    styles: Styles
    inserted: int = 0
    deleted: int = 0

    def body(self, root: Element) -> None:
        """Read the main part."""
        flow = Flow(self.writer)
        page = next((one for one in root if local(one.tag) == "background"), None)
        colour = {} if page is None else {local(key): value for key, value in page.attrib.items()}
        self._walk(root, flow, Look(background=colour.get("color")))
        flow.finish()

    def aside(self, root: Element, kind: PartKind) -> None:
        """Read a header, a footer, notes or comments: each one a part."""
        ones = [root] if kind in {PartKind.HEADER, PartKind.FOOTER} else list(root)
        for one in ones:
            said = {local(key): value for key, value in one.attrib.items()}
            if said.get("type", "normal") not in {"normal", "default"}:
                continue
            flow = Flow(self.writer)
            flow.enter(kind)
            if kind is PartKind.COMMENT and said.get("author"):
                flow.text(f"{said['author']} : ")
            self._walk(one, flow, Look())
            flow.finish()

    def say(self) -> None:
        """Say which tracked changes were met."""
        if self.inserted or self.deleted:
            added = french.count(self.inserted, "ajout lu", "ajouts lus")
            gone = french.count(self.deleted, "suppression écartée", "suppressions écartées")
            self.writer.doubt("changes", f"Modifications non acceptées : {added}, {gone}.")

    def _walk(self, element: Element, flow: Flow, look: Look) -> None:
        for one in element:
            self._one(one, local(one.tag), flow, look)

    def _one(self, one: Element, tag: str, flow: Flow, look: Look) -> None:
        if tag in _SKIPPED:
            self.deleted += tag in {"del", "moveFrom"} and len(one) > 0
            return
        if tag == "t":
            flow.text(one.text or "", why=look.why)
        elif tag in _LINES:
            flow.line()
        elif tag in _SIGNS:
            flow.text(_SIGNS[tag], why=look.why)
        elif tag == "p":
            self._walk(one, flow, self._look(one, "pStyle", look))
            flow.end_paragraph()
        elif tag == "r":
            self._walk(one, flow, self._look(one, "rStyle", look))
        elif tag in {"tbl", "tr", "tc"}:
            self._table(one, tag, flow, look)
        else:
            self.inserted += tag in {"ins", "moveTo"} and len(one) > 0
            self._walk(one, flow, look)

    def _table(self, one: Element, tag: str, flow: Flow, look: Look) -> None:
        {"tbl": flow.begin_table, "tr": flow.row, "tc": flow.cell}[tag]()
        self._walk(one, flow, look.over(_looks(one)) if tag == "tc" else look)
        if tag == "tbl":
            flow.end_table()

    def _look(self, element: Element, style: str, look: Look) -> Look:
        named = ""
        for properties in element:
            if local(properties.tag) in {"rPr", "pPr"}:
                named = next((_value(one) for one in properties if local(one.tag) == style), named)
        # The mark at the end of a paragraph has a look of its own, which is not that of its text.
        return look.over(self.styles[named]).over(_looks(element))
