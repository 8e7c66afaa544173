"""The two notes of a case for who leads it: how agents try it, and what it changes in their work.

They are Markdown files beside the card, in French, with the same headings in every case and other words under
them. Only a small part of Markdown is read: headings, paragraphs and one level of lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["JOB_IMPACT", "PROTOCOL", "Note", "Section", "note_problems", "read_note"]

_LEAST = 80
"""Characters under which a section says nothing of a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note that every case may have.

    Parameters
    ----------
    file
        Its name in the folder of the case.
    title
        French title on screen.
    headings
        The sections that it must have, in this order.
    """

    file: str
    title: str
    headings: tuple[str, ...]


PROTOCOL = Note(
    file="protocol.md",
    title="Protocole d’essai par les agents",
    headings=(
        "Question",
        "Qui participe",
        "Sur quoi, et combien de temps",
        "Les deux bras",
        "Ce qui est mesuré",
        "Plus petit écart utile et taille",
        "Ce qui arrête l’essai",
        "Qui lit les résultats",
        "Critères fixés avant",
    ),
)
"""How agents evaluate the case before it is deployed."""

JOB_IMPACT = Note(
    file="job_impact.md",
    title="Note d’effet sur le métier",
    headings=(
        "La tâche aujourd’hui",
        "Ce que l’outil prend",
        "Ce qu’il ne prend pas",
        "Ce qui est gagné, et pour qui",
        "Le travail nouveau",
        "Compétences et formation",
        "Risques pour le métier",
        "Qui est consulté",
        "Ce qui est suivi ensuite",
    ),
)
"""What the case changes in the work of those who use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, and the lines under it: a paragraph a line, « – » before those of a list."""

    heading: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, one under the other."""
        return "\n".join(self.lines)


def read_note(text: str) -> tuple[Section, ...]:
    """Return the sections of a note; its title is left out.

    Examples
    --------
    >>> read_note("# T\\n\\n## A\\n\\nun\\ndeux\\n\\n- trois\\n  quatre\\n")[0].lines
    ('un deux', '– trois quatre')
    """
    return tuple(_sections(text.splitlines()))


def _sections(lines: list[str]) -> Iterator[Section]:
    heading, open_ = "", False
    found: list[str] = []
    for line in (*(one.rstrip() for one in lines), "## "):
        if line.startswith("## "):
            if heading:
                yield Section(heading=heading, lines=tuple(found))
            heading, found, open_ = line.removeprefix("## ").strip(), [], False
        elif not line or line.startswith("# "):
            open_ = False
        elif line.startswith("- "):
            found.append(f"– {line[2:].strip()}")
            open_ = True
        elif open_:
            found[-1] += f" {line.strip()}"
        else:
            found.append(line.strip())
            open_ = True


def note_problems(note: Note, path: Path) -> tuple[str, ...]:
    """Return, in French, what keeps a file from being this note: a heading, or words under one."""
    try:
        sections = read_note(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return (f"le fichier {note.file} dans le dossier du cas",)
    except UnicodeDecodeError:
        return (f"le fichier {note.file} en UTF-8",)
    headings = tuple(one.heading for one in sections)
    if headings != note.headings:
        wanted = " ; ".join(note.headings)
        return (f"dans {note.file}, ces titres de niveau 2 et nul autre, dans cet ordre : {wanted}",)
    return tuple(
        f"dans {note.file}, de quoi lire sous « {one.heading} »" for one in sections if len(one.text) < _LEAST
    )
