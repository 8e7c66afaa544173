"""Reads the text of an image with Debian's Tesseract, in a process of its own with limits.

A confined child cannot start a program: it writes the image as plain grey pixels (PGM), and its parent starts
Tesseract on it. Words come back with their boxes in pixels and a confidence.

References
----------
R. Smith, « An Overview of the Tesseract OCR Engine », ICDAR 2007.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eclaireur.sources.documents.layout import Word

__all__ = ["ABSENT", "INSTALL", "Answer", "Ask", "available", "recognise", "words_of"]

ABSENT = (
    "Les pages numérisées demandent le programme Tesseract et sa langue française, absents de cette machine."
)
INSTALL = "Faites installer les paquets Debian tesseract-ocr et tesseract-ocr-fra, puis recommencez."
_LANGUAGE = "fra"
_MEMORY = 2_000_000_000
_WORD_LEVEL = "5"
_LIKELY = 0.25
# Limits are set by the process itself, then it becomes Tesseract: no code runs between fork and exec here.
_LAUNCH = (
    "import os,resource,sys;m,s=int(sys.argv[1]),int(sys.argv[2]);"
    "resource.setrlimit(resource.RLIMIT_AS,(m,m));resource.setrlimit(resource.RLIMIT_CPU,(s,s));"
    "resource.setrlimit(resource.RLIMIT_FSIZE,(0,0));resource.setrlimit(resource.RLIMIT_CORE,(0,0));"
    "os.execv(sys.argv[3],sys.argv[3:])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What recognising one image gave: Tesseract's table, or why there is none.

    ``missing`` says that the program is absent, ``late`` that the time is over.
    """

    table: str = ""
    missing: bool = False
    late: bool = False


Ask = Callable[[Path, int], Answer]
"""Recognise the image at a path, drawn at so many dots per inch."""


@lru_cache(maxsize=1)
def available() -> str:
    """Return the path of Tesseract when it is installed with French; else nothing."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    try:
        told = subprocess.run(  # noqa: S603 - Debian's program, found by its name
            [program, "--list-langs"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return program if _LANGUAGE in told.stdout.split() else ""


def recognise(image: Path, dots: int, *, seconds: float = 30.0) -> Answer:
    """Recognise the words of an image.

    Parameters
    ----------
    image
        PGM or PNG file.
    dots
        Its dots per inch.
    seconds
        Time on the clock after which it is given up.
    """
    program = available()
    if not program:
        return Answer(missing=True)
    if seconds < 1:
        return Answer(late=True)
    limits = [str(_MEMORY), str(int(seconds) + 1)]
    command = [program, str(image), "stdout", "-l", _LANGUAGE, "--dpi", str(dots), "--psm", "3", "tsv"]
    try:
        done = subprocess.run(  # noqa: S603 - Debian's program on an image that we wrote
            [sys.executable, "-I", "-S", "-c", _LAUNCH, *limits, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            env={"PATH": os.environ.get("PATH", os.defpath), "OMP_THREAD_LIMIT": "1", "LANG": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        return Answer(late=True)
    except OSError:
        return Answer(missing=True)
    return Answer(table=done.stdout.decode("utf-8", errors="replace"))


def words_of(table: str, dots: float) -> list[Word]:
    """Read the words of Tesseract's table; boxes become points.

    Examples
    --------
    >>> head = "level\\tleft\\ttop\\twidth\\theight\\tconf\\ttext\\n"
    >>> words_of(head + "5\\t300\\t600\\t150\\t50\\t96.0\\tNice\\n", 300)[0].x0
    72.0
    """
    scale = 72.0 / dots
    found = []
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") != _WORD_LEVEL or not text:
            continue
        try:
            left, top, wide, high = (float(row[name]) * scale for name in ("left", "top", "width", "height"))
            sure = min(max(float(row["conf"]) / 100, 0.0), 1.0)
        except (KeyError, TypeError, ValueError):
            continue
        # Below that, and without a letter or figure, it is a stain.
        if sure >= _LIKELY or any(sign.isalnum() for sign in text):
            found.append(Word(text, left, top, left + wide, top + high, high, sure))
    return found
