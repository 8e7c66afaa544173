"""Made-up personal data put into messages, to measure what is shown of it: names, telephones, NIR and others.

Half of the names are made of syllables that no list of names knows; numbers are written as people write them:
together, in pairs, dotted, with letters for digits, in words.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from eclaireur.bricks.semantic.outline import flat

__all__ = ["KINDS", "Planted", "plant", "shows"]

KINDS = ("nom", "téléphone", "NIR", "courriel", "IBAN", "numéro de dossier")

_FIRST = ("Camille", "Mathieu", "Fatima", "Jeanne", "Mohamed", "Solène", "Yves", "Nathalie", "Kevin", "Odile")
_LAST = (
    "Durand",
    "Lefèvre",
    "Benali",
    "Nguyen",
    "Moreau",
    "Da Silva",
    "Le Goff",
    "Traoré",
    "Petit",
    "Garnier",
)
_HEADS, _TAILS = (
    ("Ker", "Bal", "Tro", "Mez", "Vau", "Quin", "Zel", "Orb"),
    ("louan", "dric", "viac", "nouze", "tholle", "mard"),
)
_NAMED = (
    "Je m'appelle {name}.", "je m'appelle {small} et j'attends.", "Mme {last} m'a répondu.",
    "J'ai eu M. {last} au guichet.", "Cordialement, {name}", "Mon nom est {name}, merci.",
    "Nom : {last}. Prénom : {first}.", "Monsieur {name} vous écrit.", "Le dossier est au nom de {name}.",
    "Docteur {last} a signé.", "JE M'APPELLE {loud}.", "mme {lastsmall} ne rappelle jamais.",
)  # fmt: skip
_WRITTEN = {
    "téléphone": (
        "Rappelez-moi au {}.",
        "Mon numéro : {}",
        "tel {}",
        "joignable ({}) le matin.",
        "Appelez {} svp.",
    ),
    "NIR": (
        "Mon numéro de sécurité sociale est le {}.",
        "NIR {}",
        "Sécu : {} merci.",
        "Voici mon numéro {}.",
    ),
    "courriel": ("Écrivez-moi à {}.", "mail : {}", "Mon adresse {} ne reçoit rien."),
    "IBAN": ("Mon compte est {}.", "IBAN {}", "Virez sur {} svp."),
    "numéro de dossier": ("Dossier n° {}.", "Ma référence {} est en attente.", "Numéro d'allocataire {}."),
}
_UNITS = (
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
    "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
)  # fmt: skip
_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante", 80: "quatre-vingt"}


@dataclass(frozen=True, slots=True)
class Planted:
    """What was put into a text: its kind, and the pieces that must not be seen, plain."""

    kind: str
    pieces: tuple[str, ...]


def plant(
    text: str, kinds: tuple[str, ...] = KINDS, *, draw: random.Random
) -> tuple[str, tuple[Planted, ...]]:
    """Return a text with one datum of each kind put at its beginning, between its sentences or at its end."""
    sentences = re.split(r"(?<=[.!?])\s+", text) if text else []
    planted = []
    for kind in kinds:
        sentence, pieces = _named(draw) if kind == "nom" else _numbered(kind, draw)
        ends = kind == "nom" and sentence.startswith("Cordialement")
        sentences.insert(len(sentences) if ends else draw.randint(0, len(sentences)), sentence)
        planted.append(Planted(kind, pieces))
    return " ".join(sentences), tuple(planted)


def shows(text: str, one: Planted) -> bool:
    """Tell whether a text shows any piece of a planted datum, spaces, dots and accents aside."""
    words = set(re.findall(r"\w+", flat(text)))
    digits = re.sub(r"[\s./_-]", "", flat(text))
    return any(piece in words if piece.isalpha() else piece in digits for piece in one.pieces)


def _named(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    first = draw.choice(_FIRST)
    last = draw.choice(_LAST) if draw.random() < 0.5 else draw.choice(_HEADS) + draw.choice(_TAILS)
    told = draw.choice(_NAMED)
    name = f"{first} {last}"
    sentence = told.format(
        name=name, first=first, last=last, small=name.lower(), loud=name.upper(), lastsmall=last.lower()
    )
    shown = (first, last) if first.lower() in sentence.lower() else (last,)
    return sentence, tuple(max(flat(one).split(), key=len) for one in shown)


def _numbered(kind: str, draw: random.Random) -> tuple[str, tuple[str, ...]]:
    written, pieces = {
        "téléphone": _phone, "NIR": _nir, "courriel": _mail, "IBAN": _iban, "numéro de dossier": _file,
    }[kind](draw)  # fmt: skip
    return draw.choice(_WRITTEN[kind]).format(written), pieces


def _phone(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    number = f"0{draw.choice('12345679')}" + "".join(draw.choices("0123456789", k=8))
    pairs = re.findall("..", number)
    forms = [
        number, " ".join(pairs), ".".join(pairs), "-".join(pairs), "/".join(pairs), "\u00a0".join(pairs),
        f"{number[:4]} {number[4:7]} {number[7:]}",
        f"+33 {number[1]} " + " ".join(pairs[1:]), f"+33(0){number[1:]}", f"0033{number[1:]}",
        " . ".join(pairs), " ".join(number),
        " ".join(pairs).replace("0", "O"), " ".join(map(_spelled, pairs)), ", ".join(map(_spelled, pairs)),
    ]  # fmt: skip
    return draw.choice(forms), (number[1:], number[4:])


def _spelled(pair: str) -> str:
    value = int(pair)
    if pair[0] == "0":
        return f"zéro {_UNITS[value]}" if value else "zéro zéro"
    if value < len(_UNITS):
        return _UNITS[value]
    ten = 60 if 60 <= value < 80 else 80 if value >= 80 else value // 10 * 10
    rest = value - ten
    if not rest:
        return "quatre-vingts" if value == 80 else _TENS[ten]
    return _TENS[ten] + (" et " if rest in {1, 11} and ten != 80 else "-") + _UNITS[rest]


def _nir(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    head = f"{draw.choice('12')}{draw.randint(0, 99):02d}{draw.randint(1, 12):02d}"
    head += f"{draw.randint(1, 95):02d}{draw.randint(1, 999):03d}{draw.randint(1, 999):03d}"
    number = head + f"{97 - int(head) % 97:02d}"
    groups = [number[0], number[1:3], number[3:5], number[5:7], number[7:10], number[10:13], number[13:]]
    forms = [
        number,
        " ".join(groups),
        ".".join(groups),
        "-".join(groups),
        "\u202f".join(groups),
        " ".join(groups[:6]),
        head,
    ]
    return draw.choice(forms), (head, head[5:])


def _mail(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    user = f"{draw.choice(_HEADS)}{draw.choice(_TAILS)}".lower()
    host = draw.choice(("exemple.fr", "courrier.exemple.org"))
    forms = [
        f"{user}@{host}",
        f"{user}{draw.randint(1, 99)}@{host}",
        f"{user} (at) {host}",
        f"{user} arobase {host}",
    ]
    return draw.choice(forms), (user,)


def _iban(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    account = "".join(draw.choices("0123456789", k=23))
    key = 98 - int(account + "152700") % 97
    number = f"FR{key:02d}{account}"
    return draw.choice([number, " ".join(re.findall(".{1,4}", number)), number.lower()]), (
        account,
        account[4:],
    )


def _file(draw: random.Random) -> tuple[str, tuple[str, ...]]:
    number = "".join(draw.choices("123456789", k=draw.choice((7, 8, 10))))
    return draw.choice([number, f"{number[:4]}-{number[4:]}", f"{number} {draw.choice('ABC')}"]), (number,)
