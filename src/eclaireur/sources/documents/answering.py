"""The child's side: reads a document, and asks its parent to recognise what is an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents import ocr
from eclaireur.sources.documents.document import Document
from eclaireur.sources.documents.passing import packed
from eclaireur.sources.documents.reader import read_here
from eclaireur.sources.reading import Outcome

__all__ = ["answer_document"]


def answer_document(
    path: Path, folder: Path, consult: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Read a document and return it packed; whatever its parser raises is a refusal.

    Parameters
    ----------
    consult
        Sends a question to the parent and returns its answer.
    """
    at = (1, 1)

    def tell(page: int, pages: int) -> None:
        nonlocal at
        at = page, pages

    def ask(image: Path, dots: int) -> ocr.Answer:
        del image  # the parent knows its name
        page, pages = at
        told = consult({"recognise": True, "dots": dots, "page": page, "pages": pages})
        return ocr.Answer(table=told["table"], missing=told["missing"], late=told["late"])

    try:
        return packed(read_here(path, ask=ask, folder=folder, tell=tell))
    except ExtraMissingError:
        return {"extra": True}
    except Exception as error:  # noqa: BLE001 - a hostile file may make a parser raise anything
        reason = f"le fichier a fait échouer son lecteur ({type(error).__name__})."
        fix = "Enregistrez le document de nouveau, en PDF ou en DOCX."
        return packed(Document(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=fix))
