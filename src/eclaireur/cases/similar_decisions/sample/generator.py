# ruff: noqa: E501 - one sentence a line
"""Writes the fictitious decisions: each drawn from a matter, alone or as one of a series."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from eclaireur.cases.similar_decisions.sample.matters import MATTERS, PLACES, Matter
from eclaireur.core import french
from eclaireur.core.case import Progress, quiet

__all__ = ["JUDGES", "Made", "made", "write"]

JUDGES = (
    "Alix Verdelune", "Bastien Corvaze", "Colombe Hautrive", "Désiré Malouvert", "Églantine Sarrebois",
    "Fulbert Noyançon", "Gersende Tillevaux", "Honorin Castelvieil",
)  # fmt: skip
"""Made-up magistrates: tests look for them everywhere, and must not find them."""

_FIRST = date(2023, 1, 9)
_DAYS = 540
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPEECH = (
    "au vu des pièces produites", "contrairement à ce que soutient l'administration", "dans le dernier état",
    "par une appréciation exempte de dénaturation", "à supposer ce moyen soulevé", "en tout état de cause",
    "ainsi qu'il a été dit au point précédent", "pour regrettable que soit ce retard", "sous le contrôle du juge",
    "compte tenu de la durée de l'instruction", "sans que l'intéressé y ait consenti", "selon les termes du mémoire",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A fictitious decision; ``series`` is 0 when it stands alone."""

    numero: str
    day: date
    kind: str
    ordinance: bool
    chamber: int
    text: str
    series: int


def made(seed: int, *, count: int = 420, ratio: float = 0.5) -> list[Made]:
    """Return fictitious decisions, oldest number first.

    Parameters
    ----------
    count
        About how many; the last series may exceed it a little.
    ratio
        Share of them in series of 2 to 14.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up data
    found: list[Made] = []
    series = 0
    while len(found) < count:
        matter = draw.choice(MATTERS)
        mould = _mould(draw, matter)
        size = 1
        if draw.random() < ratio / 3:
            series += 1
            size = draw.randint(2, 14)
        day = _FIRST + timedelta(days=draw.randrange(_DAYS))
        for _ in range(size):
            later = min(day + timedelta(days=draw.choice((0, 0, 7, 14, 28))), _FIRST + timedelta(days=_DAYS))
            number = str(460_000 + len(found))
            found.append(_decision(draw, matter, mould, number, later, series if size > 1 else 0))
    return found


def write(into: Path, *, seed: int, progress: Progress = quiet, count: int = 420) -> None:
    """Write one XML file for each decision."""
    decisions = made(seed, count=count)
    for done, one in enumerate(decisions):
        (into / f"DCE_{one.numero}_{one.day:%Y%m%d}.xml").write_text(_xml(one), encoding="utf-8")
        if done % 100 == 0:
            progress(done, len(decisions), "Écriture des décisions")


def _mould(draw: random.Random, matter: Matter) -> dict[str, list[str]]:
    """Draw what the decisions of one series share: facts, pleas and reasons, with their own turns."""
    chosen = draw.sample(range(len(matter.pleas)), draw.randint(2, len(matter.pleas)))
    facts = draw.sample(matter.facts, draw.randint(2, len(matter.facts)))
    place, count = draw.choice(PLACES), draw.randint(6, 180)
    fill = {"place": place, "count": count}

    def turned(sentence: str) -> str:
        words = sentence.split(" ")
        for _ in range(max(1, len(words) // 12)):
            words.insert(draw.randrange(1, len(words)), f", {draw.choice(_SPEECH)},")
        return " ".join(words).replace(" ,", ",")

    return {
        "attacked": [matter.attacked.format(**fill)],
        "facts": [turned(fact.format(**fill)) for fact in facts],
        "pleas": [turned(matter.pleas[at]) for at in chosen],
        "reasons": [turned(matter.reasons[at]) for at in chosen],
        "end": [draw.choice(("rejetée", "rejetée", "rejetée", "admise"))],
    }


def _decision(
    draw: random.Random, matter: Matter, mould: dict[str, list[str]], number: str, day: date, series: int
) -> Made:
    party = f"{draw.choice(('M.', 'Mme'))} {draw.choice(_LETTERS)} {draw.choice(_LETTERS)}"
    filed = day - timedelta(days=draw.randint(120, 600))
    amount = french.number(100 * draw.randint(10, 50)).replace("\u202f", " ")
    reporter, public, chair, third = draw.sample(JUDGES, 4)
    gave_up = not series and draw.random() < 0.06
    lines = [
        "Vu la procédure suivante :",
        (
            f"Par une requête, enregistrée le {_long(filed)} au secrétariat du contentieux, {party} demande "
            f"d'annuler pour excès de pouvoir ou de réformer {mould['attacked'][0]}, et de mettre à la charge de "
            f"l'Etat la somme de {amount} euros au titre de l'article L. 761-1 du code de justice administrative."
        ),
        *(f"{one[0].upper()}{one[1:]}" for one in mould["facts"]),
        *(f"{party} soutient que {plea} ;" for plea in mould["pleas"]),
        "Vu les autres pièces du dossier ;",
        "Vu :",
        f"- le {matter.code}, notamment son article {matter.article} ;",
        "- le code de justice administrative ;",
        "Après avoir entendu en séance publique :",
        f"- le rapport de Mme {reporter}, auditrice,",
        f"- les conclusions de M. {public}, rapporteur public ;",
        "Considérant ce qui suit :",
    ]
    if gave_up:
        lines.append(
            f"1. Par un acte enregistré le {_long(day)}, {party} déclare se désister. Rien ne s'y oppose."
        )
    else:
        told = enumerate(zip(mould["pleas"], mould["reasons"], strict=True), start=1)
        lines += [f"{at}. S'il est soutenu que {plea}, {reason}." for at, (plea, reason) in told]
    end = "Il est donné acte du désistement." if gave_up else f"La requête de {party} est {mould['end'][0]}."
    lines += [
        "D E C I D E :",
        "--------------",
        f"Article 1er : {end}",
        f"Article 2 : La présente décision sera notifiée à {party}.",
        (
            f"Délibéré à l'issue de la séance du {_long(day - timedelta(days=14))} où siégeaient : M. {chair}, "
            f"président de chambre, présidant ; Mme {third}, conseillère d'Etat et Mme {reporter}, auditrice-rapporteure."
        ),
        f"Rendu le {_long(day)}.",
        "Le président :",
        f"Signé : M. {chair}",
        "La rapporteure :",
        f"Signé : Mme {reporter}",
    ]
    return Made(
        numero=number,
        day=day,
        kind=matter.kind,
        ordinance=gave_up,
        chamber=draw.randint(1, 10),
        text="\n".join(lines),
        series=series,
    )


def _long(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def _xml(one: Made) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>\n" for line in one.text.split("\n"))
    ecli = f"ECLI:FR:XXCHS:{one.day.year}:{one.numero}.{one.day:%Y%m%d}"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document>
<Donnees_Techniques><Identification>DCE_{one.numero}_{one.day:%Y%m%d}.xml</Identification></Donnees_Techniques>
<Dossier>
<Code_Juridiction>XX</Code_Juridiction><Nom_Juridiction>Juridiction fictive</Nom_Juridiction>
<Numero_Dossier>{one.numero}</Numero_Dossier><Date_Lecture>{one.day.isoformat()}</Date_Lecture>
<Numero_ECLI>{ecli}</Numero_ECLI>
<Type_Decision>{"Ordonnance" if one.ordinance else "Décision"}</Type_Decision>
<Type_Recours>{escape(one.kind)}</Type_Recours><Code_Publication>C</Code_Publication><Solution></Solution>
</Dossier>
<Audience><Formation_Jugement>{one.chamber}ème chambre</Formation_Jugement></Audience>
<Decision><Texte_Integral>
{paragraphs}</Texte_Integral></Decision>
</Document>
"""
