"""What `./eclaireur read` does with a file that is a document."""

from __future__ import annotations

from pathlib import Path

from eclaireur.cli.screen import say, show, show_json

__all__ = ["read_as_document"]


def read_as_document(file: Path, *, to: Path | None, seconds: int, as_json: bool) -> int:
    """Read a document and show it; return the exit code.

    Parameters
    ----------
    to
        Where its text is written.
    seconds
        Time granted, recognition of its images included.
    """
    from eclaireur.service.documents import document_json, show_document, write_text
    from eclaireur.sources.documents import read_document
    from eclaireur.sources.reading import Outcome

    document = read_document(file, seconds=seconds)
    refused = document.outcome is Outcome.REFUSE
    if to is not None and not refused:
        write_text(document, to)
    if as_json:
        show_json(document_json(document))
    else:
        show(show_document(document))
        if to is not None and not refused:
            say(f"Texte écrit : {to}")
    return 2 if refused else 0
