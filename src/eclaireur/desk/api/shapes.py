"""What the API answers: the shapes of its objects, with the words of its description."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from eclaireur.core.mention import SHORT

__all__ = [
    "ActDone",
    "CaseCard",
    "CaseLine",
    "Choice",
    "Dossier",
    "DossierLine",
    "Edition",
    "Error",
    "ErrorDetail",
    "Figures",
    "Health",
    "HistoryLine",
    "Indice",
    "Job",
    "Law",
    "ListLine",
    "Procedure",
    "Reason",
    "Saying",
    "Source",
    "Step",
    "Suspension",
    "Worklist",
]

_Mention = Annotated[str, Field(description="À dire partout où le rang ou le score est montré.")]
_Day = Annotated[date | None, Field(examples=["2026-12-31"])]


class ErrorDetail(Schema):
    """Une erreur."""

    type: str = Field(
        description="Nom court et stable de l'erreur, pour les programmes.", examples=["invalid"]
    )
    message: str = Field(description="Ce qui ne va pas, en une phrase.")
    fix: str | None = Field(description="Ce que vous pouvez faire.")
    field: str | None = Field(description="Champ, ou colonne, en cause.")
    file: str | None = Field(description="Fichier en cause.")
    line: int | None = Field(description="Ligne du fichier, comptée à partir de 1.")


class Error(Schema):
    """La forme de toutes les erreurs."""

    error: ErrorDetail


class Health(Schema):
    """État du service."""

    status: Literal["ok"] = Field(description="« ok » : le bureau et sa base répondent.")
    version: str = Field(
        description="Version d'Éclaireur ; vide pour qui n'est pas connecté.", examples=["0.1.0"]
    )


class Suspension(Schema):
    """Un cas d'usage suspendu."""

    since: datetime
    by: str = Field(description="Qui l'a suspendu.")
    reason: str


class Figures(Schema):
    """Ce qui est à faire, dans votre périmètre."""

    lists: int = Field(description="Listes ouvertes.")
    lines: int = Field(description="Lignes des listes ouvertes.")
    waiting: int = Field(description="Lignes sans avis.")
    dossiers: int = Field(description="Dossiers qui ont une étape en cours.")
    late: int = Field(description="Dossiers dont l'échéance est passée.")


class Edition(Schema):
    """Un calcul publié : les indices d'un cas d'usage, tels qu'ils étaient à une date."""

    id: int
    case: str
    service: str = Field(description="Service ; vide pour tous.")
    source: str = Field(description="Source des données.")
    run: str = Field(description="Numéro du calcul.")
    snapshot: str = Field(description="Empreinte des données.")
    snapshot_taken: datetime = Field(description="Date des données.")
    licence: str
    model: int = Field(description="Numéro du modèle.")
    model_by: str = Field(description="Qui l'a mis en service.")
    model_since: date
    as_of: date = Field(description="Jour pour lequel le calcul parle.")
    size: int = Field(description="Nombre de sujets classés, tous périmètres confondus.")
    calibrated: bool = Field(
        description="Vrai si « score » est un risque estimé ; sinon seul le rang compte."
    )
    current: bool = Field(description="Vrai pour le calcul en vigueur.")
    published: datetime


class CaseLine(Schema):
    """Un cas d'usage."""

    name: str = Field(description="Nom dans les adresses.", examples=["restaurant_risk"])
    title: str
    summary: str
    desk: Literal["target", "reader", "intake", "workbench"] = Field(description="Bureau qui le sert.")
    noun: str = Field(description="Nom d'un de ses sujets.", examples=["établissement"])
    nouns: str
    level: Literal["", "bronze", "silver", "gold"] = Field(description="Niveau de qualité.")
    suspended: Suspension | None = Field(description="Nul si le cas est en service.")
    figures: Figures
    edition: Edition | None = Field(description="Calcul en vigueur ; nul s'il n'y en a pas.")


class Choice(Schema):
    """Un code et son nom."""

    code: str
    title: str


class Step(Schema):
    """Une étape de la procédure."""

    code: str
    title: str
    days: int = Field(description="Jours donnés pour l'étape ; 0 sans échéance.")
    after: list[str] = Field(description="Étapes qui peuvent suivre ; vide pour toutes.")
    result: bool = Field(description="Vrai si l'étape demande le résultat du contrôle.")
    final: bool = Field(description="Vrai si plus rien n'est attendu ensuite.")


class Procedure(Schema):
    """Ce que devient un sujet : étapes, raisons d'écarter, résultats, lettres."""

    steps: list[Step]
    wrong_target: list[Choice]
    outcomes: list[Choice]
    letters: list[Choice]


class Law(Schema):
    """Cadre juridique."""

    purpose: str
    legal_basis: str
    personal_data: str
    ai_act: str
    aipd: str
    appeal: str


class Source(Schema):
    """Une source de données."""

    name: str
    title: str
    licence: str
    origin: str
    rank_only: str = Field(
        description="Pourquoi ses scores ne sont que des rangs ; vide s'ils sont des risques."
    )
    personal: bool


class CaseCard(CaseLine):
    """La fiche d'un cas d'usage."""

    administration: str
    users: str
    label: str = Field(description="Ce que le calcul cherche.")
    limits: list[str]
    law: Law
    sources: list[Source]
    procedure: Procedure


class Worklist(Schema):
    """Une liste à traiter, tirée d'un calcul."""

    id: int
    case: str
    service: str
    title: str
    edition: int
    run: str = Field(description="Numéro du tirage.")
    capacity: int = Field(description="Contrôles possibles.")
    random_share: float = Field(description="Part tirée au hasard, pour mesurer le ciblage.")
    opened: datetime
    lines: int = Field(description="Lignes de votre périmètre.")
    waiting: int = Field(description="Lignes de votre périmètre sans avis.")


class Reason(Schema):
    """Une raison du classement."""

    theme: str
    sentence: str
    weight: float | None = Field(
        description="Poids, positif s'il augmente le rang ; nul tant qu'il est caché."
    )
    observed: _Day = Field(description="Date du fait.")
    source: str


class _Subject(Schema):
    dossier: int = Field(description="Numéro du dossier.")
    subject: str = Field(description="Type et identifiant du sujet.", examples=["siret:83283779300021"])
    name: str
    area: str = Field(description="Secteur.")


class ListLine(_Subject):
    """Une ligne. Rang et score sont nuls tant qu'une liste avec des lignes au hasard attend l'avis."""

    position: int | None = Field(description="Ordre de travail, dans une liste.")
    status: str = Field(description="Code de l'étape ; vide si le dossier n'en a pas.")
    status_title: str
    due: _Day = Field(description="Échéance.")
    late: bool
    assigned_to: str = Field(description="À qui le dossier est confié ; vide si personne.")
    verdict: Literal["", "follow", "set_aside", "other"]
    last_seen: _Day = Field(description="Dernier contrôle.")
    why: list[str] = Field(description="Raisons les plus fortes.")
    hidden: bool = Field(description="Vrai si le rang et le score sont cachés jusqu'à l'avis.")
    rank: int | None
    score: float | None = Field(description="Risque estimé ; nul si le calcul ne donne que des rangs.")
    low: float | None
    high: float | None
    drawn: Literal["", "model", "random"] = Field(description="Comment la ligne a été tirée, après l'avis.")
    mention: _Mention = SHORT


class Indice(_Subject):
    """Ce qu'un calcul dit d'un sujet."""

    rank: int
    score: float | None
    low: float | None
    high: float | None
    last_seen: _Day
    latitude: float | None
    longitude: float | None
    reasons: list[Reason]
    mention: _Mention = SHORT


class DossierLine(_Subject):
    """Un dossier : un sujet dans un cas d'usage, le même d'un calcul à l'autre."""

    case: str
    service: str
    status: str
    status_title: str
    due: _Day
    late: bool
    assigned_to: str
    version: int = Field(
        description="À renvoyer dans « seen » : une décision prise entre-temps est signalée."
    )


class Saying(Schema):
    """Ce que la liste ouverte, ou le dernier calcul, dit du dossier."""

    edition: int
    hidden: bool
    rank: int | None
    score: float | None
    low: float | None
    high: float | None
    reasons: list[Reason]
    mention: _Mention = SHORT


class Dossier(DossierLine):
    """Un dossier en entier."""

    verdict: Literal["", "follow", "set_aside", "other"]
    worklist: int | None = Field(description="Liste ouverte qui l'attend.")
    following: list[str] = Field(description="Codes des étapes qui peuvent suivre.")
    signal: Saying | None = Field(description="Nul si aucun calcul n'en parle, ou si le cas est suspendu.")


class HistoryLine(Schema):
    """Une ligne de l'historique d'un dossier."""

    seq: int = Field(description="Numéro dans le journal.")
    kind: str
    what: str = Field(description="Ce qui a été fait, en français.")
    by: str
    at: datetime
    text: str = Field(description="Ce qui a été écrit.")
    undone: bool


class ActDone(Schema):
    """Ce qui vient d'être enregistré, et le dossier tel qu'il est maintenant."""

    seq: int = Field(description="Numéro dans le journal.")
    dossier: Dossier


class Job(Schema):
    """Une tâche."""

    id: UUID
    kind: str
    title: str
    case: str
    area: str
    service: str
    state: Literal["waiting", "running", "done", "failed", "cancelled", "aside"]
    done: int
    total: int
    message: str
    error: str = Field(description="Pourquoi la tâche a échoué.")
    result: dict[str, Any]
    created: datetime
    started: datetime | None
    finished: datetime | None
