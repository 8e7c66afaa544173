"""Sentences of fictitious inspection letters with made-up topics (or none), and whole letters."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path

from eclaireur.cases.inspection_letters import letters
from eclaireur.cases.inspection_letters.letters import TOPICS

__all__ = ["write"]

_LETTERS = 60
_MARKED = 20
"""Letters whose parts someone marked."""

_OPENINGS = (
    "Les inspecteurs ont constaté que {thing} n'était pas conforme au référentiel du site {site}.",
    "Je vous demande de me transmettre, sous {count} mois, vos actions concernant {thing}.",
    "Lors de la visite du local {count}, {thing} a fait l'objet d'un examen par sondage.",
    "Vos représentants ont indiqué que {thing} serait repris avant la fin du trimestre.",
    "L'organisation retenue pour {thing} est apparue satisfaisante aux inspecteurs.",
)
_PLAIN = (
    "L'inspection du site {site} s'est déroulée dans de bonnes conditions pendant {count} heures.",
    "Vous voudrez bien me faire part de vos observations sous {count} mois.",
    "La synthèse de la visite du site {site} est présentée ci-après.",
)


def write(into: Path, *, seed: int, count: int = 240) -> None:
    """Write ``sentences.jsonl`` (sentence, date, topics), ``letters.jsonl`` and ``places.jsonl``."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    with (into / "sentences.jsonl").open("w", encoding="utf-8") as stream:
        for _ in range(count):
            topics = draw.choices(sorted(TOPICS), k=draw.choice((0, 1, 1, 2)))
            form = draw.choice(_OPENINGS if topics else _PLAIN)
            thing = " et ".join(draw.choice(TOPICS[topic]) for topic in topics)
            text = form.format(thing=thing, site=draw.choice("ABCDEF"), count=draw.randint(2, 40))
            day = date(2022, 1, 3) + timedelta(days=draw.randrange(900))
            row = {"sentence": text, "date": day.isoformat(), "labels": sorted(set(topics))}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    with (into / "letters.jsonl").open("w", encoding="utf-8") as stream:
        for at, letter in enumerate(letters.generate(_LETTERS, seed=seed)):
            row = {
                "number": letter.number,
                "site": letter.site,
                "date": letter.day.isoformat(),
                "text": letter.text,
                "parts": letter.marked if at < _MARKED else "",
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    with (into / "places.jsonl").open("w", encoding="utf-8") as stream:
        for name, code in letters.TOWNS.values():
            stream.write(json.dumps({"name": name, "code": code}, ensure_ascii=False) + "\n")
