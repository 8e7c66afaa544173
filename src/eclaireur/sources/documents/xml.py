"""XML inside documents, as a tree: no DTD, no entity of its own, nothing fetched, a bounded depth."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from eclaireur.sources.refusals import RefusedError

__all__ = ["Element", "local", "parse"]

_FIX = "Enregistrez le document de nouveau avec le logiciel qui l'a fait."
_MOST = 5_000_000


def parse(data: bytes, *, depth: int = 200) -> Element:
    """Parse XML; names become ``{namespace}name``.

    Raises
    ------
    RefusedError
        If it has a DTD, is nested too deeply, holds too many elements or is broken.

    Examples
    --------
    >>> parse(b"<a><b>x</b>y</a>")[0].tail
    'y'
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    builder = TreeBuilder()
    level = count = 0

    def named(name: str) -> str:
        return f"{{{name}" if "}" in name else name

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal level, count
        level, count = level + 1, count + 1
        if level > depth or count > _MOST:
            raise RefusedError("ce document est imbriqué trop profondément ou trop gros.", _FIX)
        builder.start(named(name), {named(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal level
        level -= 1
        builder.end(named(name))

    def doctype(*arguments: object) -> None:
        del arguments
        raise RefusedError("ce document contient des définitions interdites (DTD).", _FIX)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise RefusedError(f"ce document contient du XML mal formé (ligne {error.lineno}).", _FIX) from error
    return builder.close()


def local(name: str) -> str:
    """Return a name without its namespace.

    Examples
    --------
    >>> local("{urn:x}p")
    'p'
    """
    return name.rpartition("}")[2]
