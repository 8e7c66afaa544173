"""A notebook that makes a calculation anew: the same call from Python, and a check that it gives the same.

It is JSON of the Jupyter format, version 4.5, written here: no library is asked for to write it, and any
that opens such files runs it beside the files that the calculation was given.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["Recipe", "command_of", "notebook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that a calculation depends on, to be said in a notebook or in a command.

    Parameters
    ----------
    report
        Name of the report; empty for the analysis of a file.
    settings
        Name → text, but for files.
    files
        Name of a setting, ``table`` or ``input`` → name and SHA-256 of the file that was given.
    run
        Number of the run that was found.
    """

    case: str
    seed: int
    title: str
    source: str
    run: str
    report: str = ""
    about: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    parameters: tuple[tuple[str, str], ...] = ()
    mentions: Mapping[str, str] = field(default_factory=dict)


def command_of(recipe: Recipe) -> str:
    """Return the command that makes the calculation anew.

    Examples
    --------
    >>> recipe = Recipe(case="x", seed=1, title="", source="sample", run="r", report="series",
    ...                 settings={"days": "30"})
    >>> command_of(recipe)
    './eclaireur report x series --source sample --set days=30'
    """
    if not recipe.report:
        name = next(iter(recipe.files.values()))[0]
        words = ["score", recipe.case, "--source", recipe.source, "--input", name, "--output", "resultat.csv"]
        return shlex.join(["./eclaireur", *words])
    words = ["report", recipe.case, recipe.report, "--source", recipe.source]
    if recipe.about:
        words += ["--about", recipe.about]
    if "table" in recipe.files:
        words += ["--input", recipe.files["table"][0]]
    for name, text in {**recipe.settings, **_others(recipe)}.items():
        words += ["--set", f"{name}={text}"]
    return shlex.join(["./eclaireur", *words])


def _others(recipe: Recipe) -> dict[str, str]:
    return {key: name for key, (name, _) in recipe.files.items() if key not in {"table", "input"}}


def notebook(work: Work, recipe: Recipe) -> str:
    """Return the text of a notebook."""
    told = [f"- {name} : {value}" for name, value in recipe.parameters]
    said = [f"- {name} : {value}" for name, value in recipe.mentions.items()]
    intro = [
        f"# {recipe.title}",
        "",
        f"{work.card.title}. Ce carnet refait le calcul `{recipe.run}`.",
        "",
        *told,
        "",
        "Il se lance depuis le dossier d'Éclaireur, avec ses bibliothèques (`.venv`).",
    ]
    if recipe.files:
        intro.append("Placez d'abord à côté de lui les fichiers que nomme la deuxième cellule.")
    cells = [
        _markdown("\n".join(intro)),
        _code(_OPEN.format(case=recipe.case, seed=recipe.seed)),
        *(
            [_code(_FILES.format(files=json.dumps(_hashes(recipe), ensure_ascii=False, indent=4)))]
            if recipe.files
            else []
        ),
        _markdown(f"En ligne de commande :\n\n```console\n$ {command_of(recipe)}\n```"),
        _code(_call(recipe)),
        _markdown("Les mêmes données, le même modèle et le même programme donnent le même numéro de calcul."),
        _code(_CHECK.format(run=recipe.run)),
        _markdown("Le résultat en mots, puis ses figures et ses tableaux."),
        _code(_SHOW),
        _code(_TABLES),
        _markdown("\n".join(["## À savoir", "", *said])),
    ]
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": [cell | {"id": f"cellule-{at}"} for at, cell in enumerate(cells)],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _hashes(recipe: Recipe) -> dict[str, str]:
    return dict(recipe.files.values())


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": text.strip().splitlines(keepends=True),
    }


def _call(recipe: Recipe) -> str:
    """Return the code of the call: values as Python literals, so that nothing typed becomes code."""
    if not recipe.report:
        name = next(iter(recipe.files.values()))[0]
        return _SCORE.format(source=recipe.source, file=name)
    given = [f"    about={recipe.about!r},"] if recipe.about else []
    if "table" in recipe.files:
        given.append(f"    input_path=Path({recipe.files['table'][0]!r}),")
    settings = {**recipe.settings, **_others(recipe)}
    if settings:
        given.append(f"    settings={settings!r},")
    return _REPORT.format(source=recipe.source, name=recipe.report, given="\n".join(given))


_OPEN = """
from pathlib import Path

from eclaireur.desk.start import open_workspace
from eclaireur.service.work import Work

work = Work.on(open_workspace(), {case!r}, seed={seed})
"""

_FILES = """
import hashlib

files = {files}
for name, expected in files.items():
    found = hashlib.sha256(Path(name).read_bytes()).hexdigest()
    if found != expected:
        print(f"{{name}} n'est pas le fichier du calcul : le résultat peut différer.")
"""

_REPORT = """
from eclaireur.service import reporting

run = reporting.keep_report(
    work,
    {source!r},
    {name!r},
{given}
)
blocks, mentions = reporting.kept_report(work, run)
"""

_SCORE = """
from eclaireur.service import scored, scoring

run = scoring.keep_score(work, {source!r}, input_path=Path({file!r}))
kept = scoring.kept_score(work, run)
blocks, mentions = scored.scored_blocks(work, kept), kept.mentions
"""

_CHECK = """
same = run == {run!r}
print("Même calcul." if same else f"Autre calcul, {{run}} : données, modèle ou programme ont changé.")
"""

_SHOW = """
from rich.console import Console

from eclaireur.core.terminal import TerminalRenderer

TerminalRenderer(Console(width=100)).render(blocks)
"""

_TABLES = """
from eclaireur.core.figures import lay_out
from eclaireur.core.svg import to_svg
from eclaireur.core.view import Chart, Table

tables = {block.title: [dict(row) for row in block.rows] for block in blocks if isinstance(block, Table)}
figures = {block.title: to_svg(lay_out(block)) for block in blocks if isinstance(block, Chart)}
for number, drawing in enumerate(figures.values(), start=1):
    Path(f"figure-{number}.svg").write_text(drawing, encoding="utf-8")
try:
    from IPython.display import SVG, display
except ImportError:
    print(f"{len(figures)} figure(s) dans ce dossier.")
else:
    for drawing in figures.values():
        display(SVG(drawing))
"""
