"""Makes French administrative tables the way offices export them, each with what reading it must give.

Everything is invented: names are syllables and fixed words, identifiers are drawn with a valid key. The same
seed makes the same file.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "iso8859_15", "mac_roman", "cp850", "utf-16")
SEPARATORS = (";", ",", "\t", "|")
_TOWNS = (
    "Bourg-en-Bresse",
    "Évreux",
    "L’Haÿ-les-Roses",
    "Saint-Étienne",
    "Nîmes",
    "Besançon",
    "Mâcon",
    "Orléans",
    "Châlons-en-Champagne",
    "Sète",
    "Épinal",
    "Angoulême",
    "Béziers",
    "Le Puy-en-Velay",
    "Œuilly",
    "Sceaux",
)
_NAMES = (
    "Café de la Gare",
    "Boulangerie Noël & Fils",
    "SARL Les Îles",
    "Chez Zoé",
    "L'Auberge fleurie",
    "Au bon goût",
    "Crêperie « Ti Koz »",
    "Société générale d'été",
    "Hôtel des Pêcheurs",
    "Traiteur Müller",
    "Épicerie du Château",
    "Brasserie de l’Opéra",
    "Garage Lefèvre",
    "Pâtisserie Françoise",
    "Le Cœur d’or",
    "Maïs et Blé",
)
_NOTES = (
    "Source : service instructeur",
    "* chiffres provisoires",
    "Extraction du 12/03/2024",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A file, and the typed columns that reading it must give."""

    data: bytes
    expected: dict[str, list[Any]]
    said: dict[str, Any] = field(default_factory=dict)


def luhn(digits: str) -> str:
    """Return the digits with the key that makes them valid."""
    for key in "0123456789":
        total = 0
        for index, char in enumerate(reversed(digits + key)):
            value = int(char) * (1 + index % 2)
            total += value - 9 if value > 9 else value
        if total % 10 == 0:
            return digits + key
    return digits


def _amount(value: float, space: str, unit: str) -> str:
    return f"{value:,.2f}".replace(",", space).replace(".", ",") + unit


def make(seed: int, *, rows: int | None = None) -> Made:
    """Make one table: its columns, encoding, separator and oddities are drawn from the seed."""
    draw = random.Random(seed)
    count = rows or draw.randint(4, 60)
    encoding, separator = draw.choice(ENCODINGS), draw.choice(SEPARATORS)
    columns = dict(draw.sample(list(_columns(draw, count)), draw.randint(4, 9)))
    header = list(columns)
    texts = {name: written for name, (written, _) in columns.items()}
    expected = {name: list(values) for name, (_, values) in columns.items()}
    lines = [[texts[name][row] for name in header] for row in range(count)]
    stream = io.StringIO(newline="")
    newline = draw.choice(["\r\n", "\r\n", "\n", "\r"])
    quoting: Any = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(stream, delimiter=separator, lineterminator=newline, quoting=quoting)
    odd = draw.random()
    said: dict[str, Any] = {"encoding": encoding, "separator": separator, "newline": newline}
    if odd < 0.1 and separator != "\t":
        stream.write(f"sep={separator}{newline}")
    elif odd < 0.25:
        said["preamble"] = True
        blank = [""] * (len(header) - 1) if draw.random() < 0.5 else []
        writer.writerow([draw.choice(["Export du service", "Établissements contrôlés"]), *blank])
        writer.writerow(["Édité le 12/03/2024", *blank])
        stream.write(newline)
    writer.writerow(header)
    writer.writerows(lines)
    if odd > 0.9:
        said["note"] = True
        stream.write(newline)
        writer.writerow([draw.choice(_NOTES)])
    text = stream.getvalue()
    signs = _unknown(text, encoding)
    if signs:
        text = text.translate(signs)
        expected = {
            name.translate(signs): [one.translate(signs) if isinstance(one, str) else one for one in values]
            for name, values in expected.items()
        }
    return Made(text.encode(encoding), expected, said)


def _unknown(text: str, encoding: str) -> dict[int, str]:
    """Say how an office writes the signs that its encoding has not."""
    plain = {
        "’": "'", "Œ": "OE", "œ": "oe", "€": "EUR", "«": '"', "»": '"', "\u202f": " ", "\u00a0": " ",
    }  # fmt: skip
    found = {}
    for char in set(text):
        try:
            char.encode(encoding)
        except UnicodeEncodeError:
            found[ord(char)] = plain.get(char, "?").replace('"', "'")
    return found


def _columns(draw: random.Random, count: int) -> list[tuple[str, tuple[list[str], list[Any]]]]:
    """Draw every kind of column: its heading, its cells as written, its values as they must be read."""
    first = date(2019, 1, 1)
    days = [first + timedelta(days=draw.randrange(2000)) for _ in range(count)]
    space = draw.choice([" ", "\u00a0", "\u202f", ""])
    unit = draw.choice(["", "", " €"])
    money = [round(draw.choice([1, 1, 1, -1]) * draw.lognormvariate(6, 2), 2) for _ in range(count)]
    whole = [draw.randrange(0, 5000) for _ in range(count)]
    parts = [round(draw.random() * 100, 1) for _ in range(count)]
    answers = [draw.random() < 0.5 for _ in range(count)]
    answers[:2] = [True, False]
    pair = draw.choice([("Oui", "Non"), ("OUI", "NON"), ("VRAI", "FAUX"), ("O", "N")])
    sirets = [luhn(f"{draw.randrange(10**13):013d}") for _ in range(count)]
    sirens = [luhn(f"{draw.randrange(10**8):08d}") for _ in range(count)]
    posts = [f"{draw.randrange(1, 96):02d}{draw.randrange(1000):03d}" for _ in range(count)]
    insee = [draw.choice(["2A", "2B", "01", "75"]) + f"{draw.randrange(1, 500):03d}" for _ in range(count)]
    phones = [
        "0" + str(draw.randrange(1, 8)) + "".join(draw.choices("0123456789", k=8)) for _ in range(count)
    ]
    towns = [draw.choice(_TOWNS) for _ in range(count)]
    names = [draw.choice(_NAMES) + draw.choice(["", "", "; annexe", ", rue Haute"]) for _ in range(count)]
    holes = [value if draw.random() > 0.2 else None for value in whole]
    holes[0] = whole[0]
    dated = draw.choice(["%d/%m/%Y", "%d/%m/%Y", "%Y-%m-%d"])
    moments = [datetime.combine(day, time(draw.randrange(1, 24), 30)) for day in days]
    return [
        (draw.choice(["SIRET", "N° SIRET", "siret"]), (sirets, list(sirets))),
        ("SIREN", (sirens, list(sirens))),
        (draw.choice(["Code postal", "CP"]), (posts, list(posts))),
        (draw.choice(["Code INSEE", "code_insee"]), (insee, list(insee))),
        ("Téléphone", (phones, list(phones))),
        ("Commune", (towns, list(towns))),
        (draw.choice(["Dénomination", "Raison sociale"]), (names, list(names))),
        (draw.choice(["Date", "Date d'inspection"]), ([f"{day:{dated}}" for day in days], list(days))),
        ("Saisi le", ([f"{one:%d/%m/%Y %H:%M}" for one in moments], list(moments))),
        (draw.choice(["Montant", "Montant €"]), ([_amount(one, space, unit) for one in money], list(money))),
        ("Effectif", ([str(one) for one in whole], list(whole))),
        ("Repas servis", (["" if one is None else str(one) for one in holes], list(holes))),
        ("Taux", ([f"{one:.1f} %".replace(".", ",") for one in parts], list(parts))),
        (draw.choice(["Conforme", "Suivi"]), ([pair[not one] for one in answers], list(answers))),
    ]
