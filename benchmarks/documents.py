"""Reading PDF: pages a second of processor and paragraphs read whole, beside PDFium alone and pypdf.

    PYTHONPATH=src:. python benchmarks/documents.py [--files 4] [--pages 5] [--seed 1]

Made-up letters, columns and tables (benchmarks/document_pages.py), each page with a header and a number. A
paragraph is whole when its words follow each other in the text that is read, cut words joined, whatever the
spaces; a line of a table likewise. PDFium alone is what `get_text_range` gives; pypdf is compared where it is
installed. Each reader runs in this process, so that the time is that of reading alone. Real documents of
ECLAIREUR_DATA are timed too, when there are any.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from benchmarks.document_pages import LAYOUTS, Made, make

from eclaireur.core.evaluation.intervals import wilson
from eclaireur.sources.documents.reader import read_here


def eclaireur(data: bytes) -> tuple[str, int]:
    """Give the text and the number of words of which the place is known."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pdf"
        path.write_bytes(data)
        document = read_here(path)
    return document.text, 0 if document.spans is None else len(document.spans)


def pdfium(data: bytes) -> tuple[str, int]:
    """Give the text as PDFium does, without the place of words."""
    import pypdfium2

    texts = []
    pdf = pypdfium2.PdfDocument(data)
    for page in pdf:
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        page.close()
    pdf.close()
    return "\n".join(texts), 0


def pypdf(data: bytes) -> tuple[str, int]:
    """Give the text as pypdf does."""
    reader = importlib.import_module("pypdf").PdfReader(BytesIO(data))
    return "\n".join(page.extract_text() for page in reader.pages), 0


def whole(made: Made, text: str) -> int:
    """Count the paragraphs that are in a text as they are, spaces aside."""
    plain = " ".join(text.split())
    return sum(paragraph in plain for paragraph in made.paragraphs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=4, help="files of each layout")
    parser.add_argument("--pages", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    readers: dict[str, Callable[[bytes], tuple[str, int]]] = {"Éclaireur": eclaireur, "PDFium alone": pdfium}
    if importlib.util.find_spec("pypdf"):
        readers["pypdf"] = pypdf
    else:
        print("pypdf is not installed: it is not compared")
    print(f"{'layout':22}{'reader':14}{'paragraphs whole (95 % interval)':>38}{'pages/s':>9}{'located':>9}")
    for layout in LAYOUTS:
        files = [make(layout, chosen.seed + rank, pages=chosen.pages) for rank in range(chosen.files)]
        for name, read in readers.items():
            read(files[0].data)  # libraries are loaded before the clock starts
            begun = time.process_time()
            found = [read(made.data) for made in files]
            spent = time.process_time() - begun
            good = sum(whole(made, text) for made, (text, _) in zip(files, found, strict=True))
            count = sum(len(made.paragraphs) for made in files)
            low, high = wilson(good, count)
            share = f"{good}/{count} = {good / count:.1%} ({low:.1%} – {high:.1%})"
            pages = sum(made.pages for made in files) / spent
            print(f"{layout:22}{name:14}{share:>38}{pages:9.0f}{sum(spans for _, spans in found):9}")
    real(readers)


def real(readers: dict[str, Callable[[bytes], tuple[str, int]]]) -> None:
    """Time the PDF files of ECLAIREUR_DATA."""
    folder = os.environ.get("ECLAIREUR_DATA")
    files = sorted(Path(folder).rglob("*.pdf"))[:50] if folder else []
    print(f"{len(files)} PDF in ECLAIREUR_DATA")
    for name, read in readers.items() if files else ():
        begun = time.process_time()
        signs = sum(len(read(path.read_bytes())[0]) for path in files)
        print(f"{name:14}{signs:12} characters in {time.process_time() - begun:.1f} s")


if __name__ == "__main__":
    main()
