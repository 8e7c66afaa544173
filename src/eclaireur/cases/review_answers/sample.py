"""Fictitious experiences with the headings of Services Publics+, sheets, past answers and a guide of tone."""

from __future__ import annotations

import csv
import json
import random
import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from eclaireur.cases.review_answers.planting import plant
from eclaireur.cases.review_answers.reading import DIMENSIONS

__all__ = ["write"]

_COUNT = 170
_ANSWERED = 60
_TONE = '[[form]]\nmoment = "signature"\ntext = "L\'équipe des usagers de l\'administration exemple"\n'


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("sample.toml").read_text(encoding="utf-8"))


def write(into: Path, *, seed: int) -> None:
    """Write ``experiences.csv``, ``fiches.jsonl``, ``answers.jsonl`` and ``tone.toml``."""
    words = _words()
    draw = random.Random(seed)  # noqa: S311 - made-up data
    rows = [_experience(number, draw) for number in range(_COUNT)]
    with (into / "experiences.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    _lines(
        into / "fiches.jsonl", [_sheet(number, key) for number, key in enumerate(words["sheets"], start=1)]
    )
    answered = sorted(draw.sample(rows, _ANSWERED), key=lambda row: row["ID expérience"])
    _lines(
        into / "answers.jsonl", [_answer(number, row, draw) for number, row in enumerate(answered, start=1)]
    )
    ours = Path(__file__).with_name("tone.toml").read_text(encoding="utf-8")
    forms = ours.rpartition("[[form]]")[0]
    (into / "tone.toml").write_text(forms + _TONE, encoding="utf-8")


def _lines(path: Path, rows: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _experience(number: int, draw: random.Random) -> dict[str, str]:
    words = _words()
    rating = draw.choice(list(words["ends"]))
    title, *about = words["subjects"][draw.choice(list(words["subjects"]))]
    named = draw.sample(list(words["said"]), draw.choice((1, 2)))
    told, dimensions = (
        [draw.choice(about), draw.choice(words["around"])],
        dict.fromkeys(DIMENSIONS.values(), ""),
    )
    for name in named:
        good = rating == "Positif" or (rating == "Neutre" and draw.random() < 0.5)
        # One author in twenty ticks what the text does not say.
        good ^= draw.random() < 0.05
        dimensions[name] = "Positif" if good else "Négatif"
        told.append(draw.choice(words["said"][name][0 if good else 1]))
    if draw.random() < 0.08:
        told.append(draw.choice(words["urgent"]))
    if draw.random() < 0.2:
        told.append(draw.choice(words["asks"]))
    if draw.random() < 0.7:
        told.append(words["ends"][rating if draw.random() < 0.9 else draw.choice(list(words["ends"]))])
    text = " ".join(told)
    if draw.random() < 0.15:
        text, _ = plant(text, ("nom", "téléphone"), draw=draw)
    moment = datetime(2024, 1, 8, 8, 0) + timedelta(minutes=draw.randrange(60 * 24 * 700))  # noqa: DTZ001 - as published
    return {
        "ID expérience": f"{100_000 + number}",
        "Etat expérience": "Traitées" if draw.random() < 0.3 else "A traiter",
        "Date de publication": f"{moment:%d/%m/%Y %H:%M}",
        "Titre": title,
        "Description": text,
        "Ressenti usager": rating,
        "Intitulé région usager": draw.choice(words["areas"]),
        "Intitulé Typologie 1": draw.choice(words["networks"]),
        "Canaux Typologie 1": draw.choice(("Démarche en ligne", "Téléphone", "Accueil")),
        **dimensions,
    }


def _sheet(number: int, key: str) -> dict[str, object]:
    words = _words()
    title, *said = words["sheets"][key]
    return {
        "id": f"X{number}",
        "audience": "particuliers",
        "url": f"https://www.service-public.example/fiches/X{number}",
        "title": title,
        "theme_path": f"Accueil > {key.capitalize()} > {title}",
        "date": f"modified {date(2023, 1, 1) + timedelta(days=100 * number)}",
        "text": "\n".join(["Fiche pratique", *said]),
    }


def _answer(number: int, row: dict[str, str], draw: random.Random) -> dict[str, object]:
    words = _words()
    day = datetime.strptime(row["Date de publication"][:10], "%d/%m/%Y").date()
    own, _ = plant(
        f"Votre dossier sera revu avant le {draw.randint(1, 28)}.", ("nom", "téléphone", "NIR"), draw=draw
    )
    told = ["Bonjour,", own, draw.choice(words["standing"]), "Bien à vous."]
    return {
        "id": f"R{number:03d}",
        "experience": row["ID expérience"],
        "date": (day + timedelta(days=draw.randint(1, 9))).isoformat(),
        "text": " ".join(told),
    }
