"""Arguments that several commands share, so that the same thing has the same name everywhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from eclaireur.core.errors import BadValueError

__all__ = ["AsJson", "CaseName", "InputFile", "SourceName", "read_day"]

CaseName = Annotated[str, Parameter(help="Nom du cas d'usage (voir : ./eclaireur cases).")]
SourceName = Annotated[
    str | None,
    Parameter(
        name="--source",
        help="Source des données ; par défaut, vos fichiers connectés, sinon la dernière source lue.",
    ),
]
AsJson = Annotated[
    bool, Parameter(name="--json", negative="", help="Écrire le résultat en JSON, pour un programme.")
]
InputFile = Annotated[Path, Parameter(help="Fichier à lire.")]


def read_day(text: str | None, option: str) -> date | None:
    """Read a day given on the command line, ``AAAA-MM-JJ`` or ``JJ/MM/AAAA``.

    Raises
    ------
    BadValueError
        If it is neither.
    """
    from datetime import datetime

    if text is None:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise BadValueError(
        f"date invalide pour {option} : « {text} ».", fix="Écrivez-la ainsi : 2024-12-31 ou 31/12/2024."
    )
