"""What the API says of a file that it read: the JSON of ``./eclaireur read --json``, with its words."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

__all__ = [
    "ColumnDoubt",
    "CountedDoubt",
    "DocumentRead",
    "FileAttachment",
    "FileColumn",
    "HiddenPassage",
    "LineNote",
    "MediaRead",
    "Note",
    "Passage",
    "PictureRead",
    "TableRead",
]

_Outcome = Literal["lu", "lu avec réserves", "refusé"]


class _Noted(Schema):
    kind: str = Field(description="Nom court et stable, pour les programmes.")
    message: str


class Note(_Noted):
    """Ce qui a été réparé dans un document, ou que son auteur doit confirmer."""


class LineNote(_Noted):
    """Ce qui a été réparé à la lecture."""

    lines: list[int] = Field(description="Lignes du fichier, ou formes de la couche, comptées à partir de 1.")


class ColumnDoubt(LineNote):
    """Ce que le producteur d'un tableau doit corriger ou confirmer."""

    column: str = Field(description="Colonne en cause ; vide pour tout le tableau.")


class CountedDoubt(LineNote):
    """Ce que le producteur d'une image, d'une couche ou d'un son doit corriger ou confirmer."""

    count: int = Field(description="Nombre de formes en cause, quand elles sont comptées.")


class _Read(Schema):
    file: str = Field(description="Nom du fichier.")
    outcome: _Outcome
    reason: str = Field(description="Pourquoi il est refusé ; vide sinon.")
    fix: str = Field(description="Ce que vous pouvez faire.")
    isolation: Literal["complète", "réduite"] = Field(
        description="« réduite » : la machine ne peut pas tout retirer au processus qui lit."
    )


class FileColumn(Schema):
    """Une colonne d'un tableau."""

    name: str
    kind: str = Field(description="Ce qu'elle contient.", examples=["siret"])
    unit: str


class TableRead(_Read):
    """Un tableau."""

    rows: int = Field(description="Nombre de lignes de données.")
    columns: list[FileColumn]
    repairs: list[LineNote]
    doubts: list[ColumnDoubt]


class MediaRead(_Read):
    """Une image, une couche géographique ou un son ; les autres champs disent ce que c'est."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["image", "raster", "vector", "audio"]
    repairs: list[LineNote]
    doubts: list[CountedDoubt]


class HiddenPassage(Schema):
    """Un passage que personne ne voit."""

    page: int = Field(description="Page, comptée à partir de 1 ; 0 dans un format sans pages.")
    text: str
    why: str = Field(description="Ce qui le cache.")


class Passage(Schema):
    """Un passage mis à part du texte : en-tête, pied de page, note, commentaire, champ rempli."""

    kind: Literal["header", "footer", "note", "comment", "field"]
    page: int = Field(description="Page, comptée à partir de 1 ; 0 dans un format sans pages.")
    text: str
    why: str


class FileAttachment(Schema):
    """Une pièce jointe."""

    name: str
    bytes: int
    read: DocumentRead | None = Field(description="Sa lecture ; nulle si ce n'est pas un document.")


class DocumentRead(_Read):
    """Un document."""

    format: str
    pages: int
    recognised_pages: int = Field(description="Pages dont le texte a été reconnu dans une image.")
    characters: int
    spans: int = Field(description="Mots dont la place dans la page est connue.")
    title: str
    author: str
    date: str | None
    facts: dict[str, Any] = Field(description="Ce que le document dit de lui : de qui, à qui, objet.")
    tables: int
    aside: list[Passage]
    invisible: list[HiddenPassage]
    attachments: list[FileAttachment]
    repairs: list[Note]
    doubts: list[Note]


class PictureRead(DocumentRead):
    """Une image dont le texte a été lu."""

    image: MediaRead = Field(description="L'image elle-même.")


FileAttachment.model_rebuild()
