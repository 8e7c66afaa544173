"""What only the administration can say of a treatment: a contact, a budget, how many decisions a year.

Kept as ``declarations/<case>.toml`` in the workspace, so that a page and a person with an editor write the
same file; each change made here is journalled, with who made it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, ConfigError
from eclaireur.core.files import write_atomically

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.workspace import Workspace
    from eclaireur.service.work import Work

__all__ = ["ASKED", "Asked", "contact_of", "declare", "declared", "keep_months"]

_LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something to declare: its name in the file, its French title and help, and who knows it.

    ``optional`` things may stay empty; ``number`` ones are numbers.
    """

    name: str
    title: str
    help: str
    who: str
    optional: bool = False
    number: bool = False


_MANAGER, _LEGAL, _BUDGET = "le responsable du service", "le service juridique", "le responsable du budget"

ASKED: tuple[Asked, ...] = (
    Asked(
        name="service",
        title="Service qui s’en sert",
        help="Nom du service, tel que le public le connaît.",
        who=_MANAGER,
    ),
    Asked(
        name="contact",
        title="Où demander une explication",
        help="Adresse postale ou électronique du service, pas celle d’une personne.",
        who=_MANAGER,
    ),
    Asked(
        name="context",
        title="Contexte",
        help="Pourquoi ce traitement, et ce qui se faisait avant.",
        who=_MANAGER,
    ),
    Asked(
        name="moment",
        title="Quand il intervient",
        help="À quelle étape de la procédure, et ce qui la suit.",
        who=_MANAGER,
    ),
    Asked(
        name="decisions",
        title="Décisions par an",
        help="Nombre de décisions que le traitement aide à préparer en un an.",
        who=_MANAGER,
        number=True,
    ),
    Asked(
        name="appeal",
        title="Où contester",
        help="Adresse du recours gracieux et tribunal compétent.",
        who=_LEGAL,
    ),
    Asked(
        name="aipd",
        title="Analyse d’impact (AIPD)",
        help="Date et conclusion, ou pourquoi elle n’est pas due.",
        who="le délégué à la protection des données",
    ),
    Asked(
        name="keep_months",
        title="Durée de conservation, en mois",
        help="Au-delà, ce qui nomme une personne est effacé chaque nuit. Vide : celle du cas d’usage.",
        who="le délégué à la protection des données",
        optional=True,
        number=True,
    ),
    Asked(
        name="pseudonymised",
        title="Services qui travaillent sur des pseudonymes",
        help="Noms des services, séparés par des virgules ; * pour tous. Ni nom, ni adresse, ni carte.",
        who="le délégué à la protection des données",
        optional=True,
    ),
    Asked(
        name="ai_act",
        title="Classe au sens du règlement européen sur l’IA",
        help="Classe retenue par l’administration, et pourquoi.",
        who=_LEGAL,
    ),
    Asked(
        name="budget",
        title="Budget",
        help="Coût de mise en place, puis par an, en euros.",
        who=_BUDGET,
    ),
    Asked(
        name="watts",
        title="Puissance d’un cœur occupé, en watts",
        help="Celle de vos serveurs, refroidissement compris. Vide : 15 W.",
        who="l’exploitant des serveurs",
        optional=True,
        number=True,
    ),
    Asked(
        name="minutes_before",
        title="Minutes par dossier, avant",
        help="Temps moyen d’un dossier sans le traitement, mesuré ou estimé.",
        who=_MANAGER,
        optional=True,
        number=True,
    ),
    Asked(
        name="minutes_after",
        title="Minutes par dossier, avec le traitement",
        help="Temps moyen d’un dossier avec le traitement, pendant l’essai.",
        who=_MANAGER,
        optional=True,
        number=True,
    ),
    Asked(
        name="hourly",
        title="Coût d’une heure d’agent, en euros",
        help="Coût complet.",
        who=_BUDGET,
        optional=True,
        number=True,
    ),
    Asked(
        name="training",
        title="Formation et accompagnement",
        help="Qui est formé, quand, par qui ; ce qui change dans le travail.",
        who=_MANAGER,
        optional=True,
    ),
    Asked(
        name="alternatives",
        title="Autres solutions examinées",
        help="Ne rien faire, une règle simple, une autre organisation : pourquoi elles ne suffisent pas.",
        who=_MANAGER,
        optional=True,
    ),
    Asked(
        name="risks",
        title="Risques et parades",
        help="Ce qui peut mal tourner pour les personnes et pour le service, et ce qui l’empêche.",
        who=_LEGAL,
        optional=True,
    ),
    Asked(
        name="secret",
        title="Motif du secret",
        help="À remplir seulement si publier les règles nuirait à la recherche d’infractions "
        "(L. 311-5, 2°) : la fiche publique ne donne alors ni variable, ni poids, ni seuil.",
        who=_LEGAL,
        optional=True,
    ),
)
"""All that may be declared, in the order of the form."""

_NAMES = {one.name: one for one in ASKED}


def _path(workspace: Workspace, case: str) -> Path:
    return workspace.home / "declarations" / f"{case}.toml"


def declared(workspace: Workspace, card: Card) -> dict[str, str]:
    """Return what was declared for a case: name of `ASKED` → text; names that are empty are left out.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has a name that is not asked.
    """
    path = _path(workspace, card.name)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"déclarations illisibles : {error}.", file=str(path), fix="Corrigez le fichier."
        ) from error
    unknown = sorted(set(found) - set(_NAMES))
    if unknown:
        raise ConfigError(
            f"déclaration inconnue : « {unknown[0]} ».",
            file=str(path),
            fix=f"Noms possibles : {', '.join(_NAMES)}.",
        )
    return {name: str(found[name]).strip() for name in _NAMES if str(found.get(name, "")).strip()}


def contact_of(workspace: Workspace, card: Card) -> str:
    """Return where an explanation is asked for; empty when nothing readable was declared.

    What must be said with a list is never held back by a wrong file.
    """
    try:
        return declared(workspace, card).get("contact", "")
    except ConfigError:
        return ""


def keep_months(workspace: Workspace, card: Card) -> int:
    """Return for how many months the data of a case are kept: as declared, else as its card says."""
    said = declared(workspace, card).get("keep_months", "")
    return max(1, round(float(said))) if said else card.law.keep_months


def declare(work: Work, values: Mapping[str, str], *, by: str) -> dict[str, str]:
    """Change what is declared of a case, and journal it; what is not named stays, an empty text removes.

    Raises
    ------
    BadValueError
        If a name is not asked, a text is too long, or a number is wrong. Then nothing changes.
    """
    before = declared(work.workspace, work.card)
    after = dict(before)
    for name, text in values.items():
        after[name] = _checked(name, text)
    kept = {name: after[name] for name in _NAMES if after.get(name)}
    changed = {name: kept.get(name, "") for name in _NAMES if kept.get(name, "") != before.get(name, "")}
    if not changed:
        return kept
    lines = [f"{name} = {_toml(text)}" for name, text in kept.items()]
    path = _path(work.workspace, work.card.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    work.workspace.journal.append("declaration", case=work.card.name, actor=by, data={"changed": changed})

    def write(target: Path) -> None:
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")

    write_atomically(path, write)
    return kept


def _checked(name: str, text: str) -> str:
    asked = _NAMES.get(name)
    if asked is None:
        raise BadValueError(
            f"déclaration inconnue : « {name} ».", fix=f"Noms possibles : {', '.join(_NAMES)}."
        )
    kept = " ".join("".join(char for char in text if char.isprintable() or char.isspace()).split())
    if len(kept) > _LONGEST:
        raise BadValueError(
            f"« {asked.title} » : {_LONGEST} caractères au plus.", fix="Raccourcissez.", column=name
        )
    if kept and asked.number:
        digits = kept.replace(" ", "").replace("\u00a0", "").replace("\u202f", "").replace(",", ".")
        if not digits.replace(".", "", 1).isdecimal() or float(digits) <= 0:
            raise BadValueError(
                f"« {asked.title} » demande un nombre plus grand que zéro.",
                fix="Écrivez-le en chiffres.",
                column=name,
            )
        kept = digits
    return kept


def _toml(text: str) -> str:
    """Write a text as a basic string of TOML: the escapes of JSON are among those of TOML."""
    import json

    return json.dumps(text, ensure_ascii=False)
