"""What the API answers about texts: documents found, reports."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

__all__ = ["Counted", "FoundDocument", "FoundTexts", "Month", "Passage", "Report", "ReportLine", "Why"]


class Counted(Schema):
    """Une valeur d'une facette, et combien de documents l'ont."""

    value: str
    count: int


class Month(Schema):
    """Un mois, et combien de documents en sont."""

    month: str = Field(examples=["2026-12"])
    count: int


class Passage(Schema):
    """Un passage du texte ; les places comptent ses caractères depuis 0, la fin exclue."""

    start: int
    end: int
    text: str
    marks: list[tuple[int, int]] = Field(description="Début et fin de chaque mot trouvé.")


class Why(Schema):
    """Un mot de la question, le champ où il est, et son poids."""

    asked: str
    field: Literal["title", "section", "body"]
    weight: float


class FoundDocument(Schema):
    """Un document trouvé."""

    id: str
    score: float = Field(description="Ne se compare qu'à l'intérieur d'une réponse.")
    words: bool = Field(description="Faux quand il est là par son sens ou son orthographe.")
    title: str
    section: str
    date: date | None
    facets: dict[str, list[str]]
    passages: list[Passage]
    why: list[Why]


class FoundTexts(Schema):
    """Les documents trouvés, les meilleurs d'abord, et les comptes demandés."""

    total: int | None = Field(description="Nombre de documents de votre périmètre qui répondent.")
    notes: list[str] = Field(description="Ce qui a été compris autrement qu'écrit.")
    facets: dict[str, list[Counted]]
    months: list[Month]
    hits: list[FoundDocument]


class ReportLine(Schema):
    """Un rapport que fait le cas d'usage."""

    name: str
    title: str
    asks: list[str] = Field(description="Ce qu'il demande : « about », un mot ; « table », un fichier.")


class Report(Schema):
    """Un rapport."""

    name: str
    title: str
    blocks: list[dict[str, Any]] = Field(
        description="Les parties du rapport : « block » dit laquelle, le reste est son contenu."
    )
    mentions: dict[str, str] = Field(description="Ce qui doit être dit avec lui, par intitulé.")
