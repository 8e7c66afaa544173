"""What `./eclaireur read` does with an image, a map or a sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cli.screen import say, show, show_json

if TYPE_CHECKING:
    from eclaireur.sources.media.described import Described, Kind

__all__ = ["read_as_media"]


def read_as_media(
    file: Path,
    kind: Kind,
    *,
    layer: str | None,
    to: Path | None,
    report: bool,
    seconds: int,
    as_json: bool,
) -> int:
    """Read a file of a kind and show what it is; return the exit code.

    An image that lies nowhere on the ground may be a scanned page: its text is looked for too.

    Parameters
    ----------
    layer
        Layer of a GeoPackage.
    to
        Where shapes or samples are written.
    report
        Print a plain text to send back to who made the file.
    seconds
        Time granted to look for text.
    """
    from eclaireur.service.describing import description_json, description_text, show_description, write_data
    from eclaireur.sources.isolated import Isolated
    from eclaireur.sources.media.described import Kind
    from eclaireur.sources.reading import Outcome

    options = {"layer": layer} if kind is Kind.VECTOR and layer else {}
    with Isolated() as reader:
        found = reader.look(file, kind, data=to is not None and kind not in _PICTURES, **options)
    if report:
        print(description_text(found))
    elif _may_hold_text(found):
        return _with_text(file, found, to=to, seconds=seconds, as_json=as_json)
    else:
        if to is not None and found.outcome is not Outcome.REFUSE:
            write_data(found, to)
        if as_json:
            show_json(description_json(found))
        else:
            show(show_description(found))
            if to is not None and found.data is not None:
                say(f"Données écrites : {to}")
    return 2 if found.outcome is Outcome.REFUSE else 0


_PICTURES = {"image", "raster"}


def _may_hold_text(found: Described) -> bool:
    """Tell a picture that may be a scanned page; one that was refused never reaches another reader."""
    if found.kind in _PICTURES and "eclaireur install" in found.fix:
        return True  # the part that reads maps is absent: a scanned page needs none of it
    return found.kind in _PICTURES and not found.reason and not found.facts.get("bounds")


def _with_text(file: Path, found: Described, *, to: Path | None, seconds: int, as_json: bool) -> int:
    """Show a picture and, when it has some, its text."""
    from eclaireur.service.describing import description_json, show_description, write_data
    from eclaireur.service.documents import document_json, show_document, write_text
    from eclaireur.sources.documents import read_document
    from eclaireur.sources.reading import Outcome

    document = read_document(file, seconds=seconds)
    readable = document.outcome is not Outcome.REFUSE
    if to is not None:
        if readable:
            write_text(document, to)
        elif not found.reason:
            write_data(found, to)
    if as_json:
        described = description_json(found)
        show_json({**document_json(document), "image": described} if readable else described)
    else:
        show(show_description(found))
        if readable:
            show(show_document(document))
            if to is not None:
                say(f"Texte écrit : {to}")
        else:
            say("Aucun texte n'y a été lu.")
    return 2 if found.reason and not readable else 0
