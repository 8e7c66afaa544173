"""The parts of a decision: procedure and pleas, texts cited, reasons, operative part."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["TITLES", "Section", "application", "sections"]

TITLES = {
    "procedure": "Procédure et moyens",
    "visas": "Textes visés",
    "motifs": "Motifs",
    "dispositif": "Dispositif",
}
"""French title of each part, in the order of a decision."""

_VISAS = re.compile(r"^[ \t]*Vu\s*(?::|le code|la Constitution|la loi|les autres pièces)", re.MULTILINE)
_MOTIFS = re.compile(
    r"^[ \t]*(?:Considérant ce qui suit|Considérant\b|CONSIDERANT\b|1\s?[.°]\s)", re.MULTILINE
)
_DISPOSITIF = re.compile(
    r"^[ \t]*(?:D\s?[EÉ]\s?C\s?I\s?D\s?E|O\s?R\s?D\s?O\s?N\s?N\s?E|A\s?R\s?R\s?[EÊ]\s?T\s?E|"
    r"PAR CES MOTIFS|Article\s+(?:1\s?er|premier)\s*:)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a decision: characters ``[start, end)`` of its text."""

    kind: str
    start: int
    end: int


def sections(text: str) -> tuple[Section, ...]:
    """Cut a decision into its parts; what the text does not have is absent.

    The cuts are looked for from the end: a decision quotes earlier ones in its procedure, never
    after its own operative part.

    Examples
    --------
    >>> text = "Vu la procédure :\\nConsidérant ce qui suit :\\n1. Rien.\\nDECIDE :\\nArticle 1er : Rejet."
    >>> [(one.kind, text[one.start : one.start + 6]) for one in sections(text)]
    [('procedure', 'Vu la '), ('motifs', 'Consid'), ('dispositif', 'DECIDE')]
    """
    end = len(text)
    last = None
    for one in _DISPOSITIF.finditer(text):
        # « D E C I D E » and « Article 1er » follow each other: the first of the run is the cut.
        if last is None or one.start() - last > 200:
            last = one.start()
    operative = end if last is None else last
    reasons = _MOTIFS.search(text, 0, operative)
    start = operative if reasons is None else reasons.start()
    visas = _VISAS.search(text, 0, start)
    cited = start if visas is None else visas.start()
    cuts = [("procedure", 0, cited), ("visas", cited, start), ("motifs", start, operative)]
    cuts.append(("dispositif", operative, end))
    return tuple(Section(kind, begin, stop) for kind, begin, stop in cuts if text[begin:stop].strip())


def application(text: str) -> str:
    """Return what is known when an application arrives: all that comes before the reasons."""
    return "\n".join(
        text[one.start : one.end] for one in sections(text) if one.kind in {"procedure", "visas"}
    )
