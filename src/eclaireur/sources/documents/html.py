"""Web pages: the text that a browser shows, in its order; what is hidden by style is set aside."""

from __future__ import annotations

import re
from typing import Any

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources import encoding
from eclaireur.sources.documents.colours import is_white
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.flowing import Flow
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.writing import Writer

__all__ = ["decode_page", "flow_page", "read_html"]

_DROPPED = {
    "script",
    "style",
    "nav",
    "template",
    "head",
    "object",
    "iframe",
    "svg",
    "canvas",
    "select",
    "datalist",
    "noframes",
}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html",
    "li", "main", "ol", "p", "pre", "section", "ul",
}  # fmt: skip
_ASIDE = {"header": PartKind.HEADER, "footer": PartKind.FOOTER}
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]{0,3000})\}")
_HIDDEN_RULES = 200
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;!]+)")
_SMALL = re.compile(r"0*(\.\d+)?(px|pt|em|rem|%|vw|vh)?|1(\.0*)?p[xt]")
_MOST_NODES = 2_000_000


def read_html(name: str, data: bytes, inside: Inside) -> Document:
    """Read a web page."""
    writer = Writer(name, "html")
    flow_page(decode_page(data, writer)[: inside.limits.signs], writer)
    return writer.finish()


def decode_page(data: bytes, writer: Writer) -> str:
    """Decode a page by what its bytes are; what it declares only decides among the legacy encodings."""
    decoded = encoding.decode(data)
    declared = _CHARSET.search(data[:4096])
    if declared and not decoded.encoding.startswith("utf"):
        named = declared[1].decode("ascii").lower()
        # Who writes iso-8859-1 means cp1252, of which it is a part: the HTML standard reads it so.
        named = (
            "cp1252"
            if named in {"iso-8859-1", "latin-1", "latin1", "windows-1252", "us-ascii", "ascii"}
            else named
        )
        try:
            return data.decode(named)
        except (LookupError, UnicodeDecodeError):
            writer.doubt("encoding", f"Encodage annoncé, {named[:30]}, démenti par le contenu.")
    writer.repairs += decoded.repairs
    writer.doubts += decoded.doubts
    return decoded.text


def flow_page(text: str, writer: Writer) -> None:
    """Write the text of a page."""
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise ExtraMissingError(
            "lire une page web demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        ) from error
    tree = LexborHTMLParser(text)
    title = tree.css_first("title")
    if title is not None and not writer.title:
        writer.title = " ".join((title.text() or "").split())[:500]
    for name in ("author", "dcterms.creator"):
        said = tree.css_first(f'meta[name="{name}"]')
        if said is not None and not writer.author:
            writer.author = said.attributes.get("content") or ""
    _walk(tree.root, Flow(writer, collapse=True), _styled(tree), writer)


def _styled(tree: Any) -> dict[int, str]:
    """Return what hides elements by the rules of the page's own style sheets, by element."""
    found: dict[int, str] = {}
    rules = 0
    for sheet in tree.css("style"):
        for selector, body in _RULE.findall(sheet.text() or ""):
            why = _hiding(body)
            if not why or selector.lstrip().startswith("@") or rules >= _HIDDEN_RULES:
                continue
            rules += 1
            for one in selector.split(","):
                if ":" in one:
                    continue  # a state, such as hover or before
                try:
                    found |= dict.fromkeys((node.mem_id for node in tree.css(one.strip())), why)
                except (ValueError, RuntimeError):
                    continue  # a selector that the parser does not know
    return found


def _hiding(style: str) -> str:
    """Say what in a style hides text, in French; nothing when it is shown."""
    said = {name.lower(): value.strip().lower() for name, value in _DECLARATION.findall(style)}
    if said.get("display") == "none" or said.get("visibility") in {"hidden", "collapse"}:
        return "masqué par la page"
    if _SMALL.fullmatch(said.get("font-size", "x")) and said["font-size"]:
        return "écrit en caractères d'un point ou moins"
    if re.fullmatch(r"0*(\.0*)?%?", said.get("opacity", "x")) and said["opacity"]:
        return "transparent"
    if said.get("position") in {"absolute", "fixed"} and re.match(
        r"-\d{3,}", said.get("left", "") or said.get("top", "")
    ):
        return "écrit hors de la page"
    if re.match(r"-\d{3,}", said.get("text-indent", "")):
        return "écrit hors de la page"
    has_background = any(
        name.startswith("background") and not is_white(value) for name, value in said.items()
    )
    if is_white(said.get("color", "")) and not has_background:
        return "blanc sur blanc"
    return ""


def _walk(root: Any, flow: Flow, styled: dict[int, str], writer: Writer) -> None:
    """Go through the page without recursion: a page may be nested deeper than Python calls."""
    dropped = 0
    # Element, what hides its text, whether a background is set behind it, and whether it is being left.
    stack: list[tuple[Any, str, bool, bool]] = [(root, "", False, False)]
    seen = 0
    while stack:
        node, why, coloured, leaving = stack.pop()
        seen += 1
        if seen > _MOST_NODES:
            writer.doubt("limit", "Page trop longue : seul son début est lu.")
            break
        tag = node.tag
        if tag == "-text":
            flow.text(node.text_content or "", why=why)
            continue
        if leaving:
            _leave(tag, flow)
            continue
        if tag in _DROPPED or tag.startswith("-") or tag == "_comment":
            dropped += tag == "nav"
            continue
        if tag == "br":
            flow.line()
            continue
        why, coloured = _inherited(node, why, styled, coloured=coloured)
        _enter(tag, flow)
        stack.append((node, why, coloured, True))
        child = node.last_child
        while child is not None:
            stack.append((child, why, coloured, False))
            child = child.prev
    flow.finish()
    if dropped:
        writer.repair("nav", "Menus de la page laissés de côté.")


def _inherited(node: Any, why: str, styled: dict[int, str], *, coloured: bool) -> tuple[str, bool]:
    attributes = node.attributes
    style = attributes.get("style") or ""
    colour = attributes.get("bgcolor") or ""
    coloured = (
        coloured
        or (bool(colour) and not is_white(colour))
        or ("background" in style and not _white_behind(style))
    )
    own = "masqué par la page" if "hidden" in attributes else _hiding(style) or styled.get(node.mem_id, "")
    if not own and node.tag == "font" and is_white(attributes.get("color") or ""):
        own = "blanc sur blanc"
    if own == "blanc sur blanc" and coloured:
        own = ""
    return why or own, coloured


def _white_behind(style: str) -> bool:
    """Tell whether the background that a style sets is white, or none."""
    said = [value for name, value in _DECLARATION.findall(style.lower()) if name.startswith("background")]
    return all(
        is_white(value) or value.strip() in {"none", "transparent", "inherit", "initial"} for value in said
    )


def _enter(tag: str, flow: Flow) -> None:
    if tag in _ASIDE:
        flow.enter(_ASIDE[tag])
    elif tag == "table":
        flow.begin_table()
    elif tag == "tr":
        flow.row()
    elif tag in {"td", "th"}:
        flow.cell()
    elif tag in _BLOCKS:
        flow.end_paragraph()


def _leave(tag: str, flow: Flow) -> None:
    if tag in _ASIDE:
        flow.leave()
    elif tag == "table":
        flow.end_table()
    elif tag in _BLOCKS:
        flow.end_paragraph()
