"""Writes the skeleton of a new case: a card to fill, typed code that runs, and its test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from string import Template

from eclaireur.core.errors import BadValueError, RefusedError

__all__ = ["new_case"]

_TEMPLATES = Path(__file__).parent / "templates"


def new_case(name: str, into: Path | None = None) -> Path:
    """Create the folder of a case and return it. The new case runs at once, on a tiny sample.

    Parameters
    ----------
    name
        Lower-case letters, digits and ``_``; starts with a letter.
    into
        Folder that receives it; by default that of the built-in cases. A case made elsewhere is a
        package of its own: declare it in the entry-point group ``eclaireur.cases``.

    Raises
    ------
    BadValueError
        If the name is not valid.
    RefusedError
        If the folder exists: nothing is overwritten.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,39}", name):
        raise BadValueError(
            f"nom de cas invalide : « {name} ».",
            fix="De 3 à 40 lettres minuscules, chiffres ou _, en commençant par une lettre.",
        )
    built_in = Path(__file__).resolve().parent.parent / "cases"
    folder = (into if into is not None else built_in) / name
    package = name if into is not None else f"eclaireur.cases.{name}"
    if folder.exists():
        raise RefusedError("ce dossier existe déjà.", file=str(folder), fix="Choisissez un autre nom.")
    folder.mkdir(parents=True)
    try:
        for template in sorted(_TEMPLATES.glob("*.tmpl")):
            text = Template(template.read_text(encoding="utf-8")).substitute(name=name, package=package)
            target = folder / template.name.removesuffix(".tmpl").replace("NAME", name)
            target.write_text(text, encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder)
        raise
    return folder
