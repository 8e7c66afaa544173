"""Documents: PDF, images, DOCX, ODT, web pages, RTF, plain text and mails, with the place of each word.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> path = Path(tempfile.mkdtemp()) / "a.txt"
>>> _ = path.write_text("Contrôle du 12 mars.\\n", encoding="cp1252")
>>> document = read_document(path)
>>> document.text, str(document.outcome)
('Contrôle du 12 mars.', 'lu avec réserves')
"""

from __future__ import annotations

from eclaireur.sources.documents.confined import read_document
from eclaireur.sources.documents.document import Attachment, Document, Part, PartKind, Place, Sheet
from eclaireur.sources.documents.drawing import draw_page

__all__ = ["Attachment", "Document", "Part", "PartKind", "Place", "Sheet", "draw_page", "read_document"]
