"""What agents read beside the list: trends, keyword watch, a site's sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.demands import demands
from eclaireur.bricks.semantic.ngrams import stems
from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.bricks.semantic.trends import changes, new_terms, poisson_interval, seldom
from eclaireur.cases.inspection_letters import reading, trust_reports
from eclaireur.cases.inspection_letters.asking import Asked, plain_table
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, MissingColumnError, UnknownSubjectError
from eclaireur.core.view import Block, Chart, Citation, Citations, Facts, FormField, Series

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.semantic.labelling import Labeller
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

TITLES = {
    "trends": "Tendances par année et par site",
    "watch": "Veille : mots-clés d'un fichier trouvés dans les lettres",
    "site": "Fiche de préparation d'un site",
    "topics": "Sujets, avec leurs mots et une phrase",
    "coverage": "Précision selon la part de phrases gardées",
    "audit": "Étiquettes à relire",
    "annotate": "Phrases à annoter : 15 sûres et 5 incertaines",
    "learning": "Justesse selon le nombre de phrases apprises",
}
"""Reports by name, with their French titles."""

ASKS = {
    "watch": (
        FormField(
            name="table",
            title="Fichier de mots-clés",
            kind="file",
            help="Un tableau avec une colonne « mot-clé » : un mot ou une expression par ligne.",
        ),
    ),
    "site": (
        FormField(
            name="about",
            title="Site",
            kind="text",
            help="Le nom du site, comme dans les lettres.",
        ),
    ),
}
"""What a report cannot do without: a word (``about``) or a file (``table``)."""

_SHOWN = 5
_KEYWORDS = 2000


def made(
    name: str,
    records: Records,
    model: Labeller,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Parameters
    ----------
    about
        Site of the report ``site``.
    table
        Keywords of the report ``watch``, in a column ``mot-clé``, ``mot`` or ``keyword``.

    Raises
    ------
    InputError
        If what the report needs is missing.
    """
    asked = Asked(records=records, model=model, about=about, table=table, seed=seed, progress=progress)
    return _MAKERS[name](asked)


def _named(model: Labeller, topic: str) -> str:
    """Show a topic by its code and its most telling words: its name was never published."""
    return f"{topic} ({', '.join(model.telling(model.names.index(topic), count=3))})"


def _mentions(asked: Asked) -> list[tuple[dict[str, Any], str, tuple[str, ...]]]:
    """Return each sentence of each letter with its topics."""
    import numpy as np

    placed = [
        (row, " ".join(row["text"][a:b].split())) for row in asked.letters for a, b in sentences(row["text"])
    ]
    given = asked.model.given(asked.model.scored([text for _, text in placed]))
    return [
        (row, text, tuple(asked.model.names[at] for at in np.flatnonzero(labels)))
        for (row, text), labels in zip(placed, given, strict=True)
    ]


def _trends(asked: Asked) -> tuple[Block, ...]:
    mentions = _mentions(asked)
    years = sorted({row["observed"].year for row, _, _ in mentions})
    last = years[-1]
    by_year = Counter(row["observed"].year for row in asked.letters)
    cells = Counter((row["site"], row["observed"].year) for row in asked.letters)
    counts = [
        {
            "site": site,
            "year": str(year),
            "count": cells[site, year],
            "interval": _interval(cells[site, year]),
        }
        for site in sorted({site for site, _ in cells})
        for year in years
    ]
    topics: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    terms: dict[bool, list[list[str]]] = {True: [], False: []}
    seen: set[tuple[str, str]] = set()
    for row, text, labels in mentions:
        recent = row["observed"].year == last
        terms[recent].append(stems(text))
        for topic in labels:
            if (row["number"], topic) not in seen:
                seen.add((row["number"], topic))
                topics[recent][topic] += 1
    found = changes(
        topics[True],
        topics[False],
        total_last=by_year[last],
        total_before=by_year.total() - by_year[last],
    )
    rare = seldom((row["site"], topic) for row, _, labels in mentions for topic in labels)
    return (
        _volume(by_year),
        plain_table(
            "Lettres par site et par année",
            counts,
            site="Site",
            year="Année",
            count="Lettres",
            interval="Intervalle à 95 %",
        ),
        plain_table(
            f"Sujets dont la part a changé en {last}",
            [
                {
                    "topic": _named(asked.model, one.topic),
                    "last": one.last,
                    "before": one.before,
                    "ratio": french.number(one.ratio, 1),
                }
                for one in found
            ],
            note="Une alerte sur dix au plus est attendue fausse (Benjamini-Hochberg). Lettres, non phrases.",
            topic="Sujet",
            last=f"En {last}",
            before="Avant",
            ratio="Fois plus souvent",
        ),
        plain_table(
            "Sujets moins vus qu'attendu",
            [
                {
                    "site": one.place,
                    "topic": _named(asked.model, one.topic),
                    "found": one.found,
                    "expected": french.number(one.expected, 1),
                }
                for one in rare
            ],
            note="Un sujet peu vu peut n'avoir rien montré : c'est une question, non un constat.",
            site="Site",
            topic="Sujet",
            found="Mentions",
            expected="Attendues",
        ),
        plain_table(
            f"Mots nouveaux en {last}",
            [{"term": term, "count": number} for term, number in new_terms(terms[True], terms[False])],
            term="Mot",
            count="Phrases",
        ),
    )


def _volume(by_year: Counter[int]) -> Chart:
    years = sorted(by_year)
    bounds = [poisson_interval(by_year[year]) for year in years]
    series = Series(
        name="lettres",
        x=tuple(str(year) for year in years),
        y=tuple(float(by_year[year]) for year in years),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
    )
    text = " ; ".join(f"{year} : {by_year[year]}" for year in years)
    return Chart(
        title="Lettres par année", form="bar", x_title="Année", y_title="Lettres", series=(series,), text=text
    )


def _interval(count: int) -> str:
    low, high = poisson_interval(count)
    return f"{french.number(low, 1)} à {french.number(high, 1)}"


def _watch(asked: Asked) -> tuple[Block, ...]:
    if asked.table is None:
        raise BadValueError(
            "il manque le fichier de mots-clés.", fix="Donnez-le par --input, avec une colonne « mot-clé »."
        )
    column = next(
        (one for one in ("mot-clé", "mot-cle", "mot", "keyword") if one in asked.table.column_names), None
    )
    if column is None:
        raise MissingColumnError("colonne manquante : « mot-clé ».", fix="Ajoutez une colonne « mot-clé ».")
    words = {flat(str(word)).strip(): str(word) for word in asked.table[column].to_pylist() if word}
    words.pop("", None)
    if not words or len(words) > _KEYWORDS:
        raise BadValueError(
            f"{french.count(len(words), 'mot-clé', 'mots-clés')} dans le fichier.",
            fix=f"Il en faut de 1 à {french.number(_KEYWORDS)}.",
        )
    found = []
    for row in asked.letters:
        for start, end in sentences(row["text"]):
            text = " ".join(row["text"][start:end].split())
            plain = f" {_spaced(text)} "
            found += [
                {
                    "keyword": shown,
                    "number": row["number"],
                    "site": row["site"],
                    "day": row["observed"],
                    "sentence": text,
                }
                for word, shown in words.items()
                if f" {_spaced(word)} " in plain
            ]
    return (
        plain_table(
            "Veille", found, keyword="Mot-clé", number="Lettre", site="Site", day="Date", sentence="Phrase"
        ),
    )


def _spaced(text: str) -> str:
    """Return the words of a text without case or accents: a keyword is found whole, plurals apart."""
    return " ".join("".join(char if char.isalnum() else " " for char in flat(text)).split())


def _site(asked: Asked) -> tuple[Block, ...]:
    sites = sorted({row["site"] for row in asked.letters})
    site = next((one for one in sites if flat(one) == flat(asked.about.strip())), None)
    if site is None:
        raise UnknownSubjectError(
            f"site inconnu : « {asked.about} ».", fix=f"Par --about, choisissez parmi : {', '.join(sites)}."
        )
    letters = [row for row in asked.letters if row["site"] == site]
    today: date = asked.letters[-1]["observed"]
    known = reading.patterns()
    asks = [
        (row, one)
        for row in letters
        for one in demands(row["text"], known, sent=row["observed"], cut=reading.cut(row, known))
    ]
    open_ = [(row, one) for row, one in asks if one.due is None or one.due >= today]
    topics = Counter(topic for row, _, labels in _mentions(asked) if row["site"] == site for topic in labels)
    return (
        Facts(
            title=site,
            pairs=(
                ("Lettres", french.number(len(letters))),
                ("Dernière lettre", f"{letters[-1]['number']} du {french.day(letters[-1]['observed'])}"),
                ("Demandes relevées", french.number(len(asks))),
            ),
        ),
        plain_table(
            f"Demandes non échues au {french.day(today)}, ou sans échéance",
            [
                {
                    "due": one.due,
                    "delay": one.delay or "non dite",
                    "number": row["number"],
                    "text": one.text,
                    "cited": ", ".join(
                        [*one.references, *(f"{french.number(value)} €" for value in one.amounts)]
                    ),
                }
                for row, one in sorted(open_, key=lambda pair: pair[1].due or date.max)
            ],
            note="La réponse du site n'est pas connue du logiciel : l'inspecteur vérifie ce qui a été soldé.",
            due="Échéance",
            delay="Délai écrit",
            number="Lettre",
            text="Demande",
            cited="Textes et montants cités",
        ),
        plain_table(
            "Sujets qui reviennent",
            [
                {"topic": _named(asked.model, topic), "count": number}
                for topic, number in topics.most_common(8)
            ],
            topic="Sujet",
            count="Phrases",
        ),
        Citations(
            title="Dernières lettres",
            citations=tuple(
                Citation(
                    title=row["number"],
                    passage=row["text"][:600],
                    origin="lettre de suite",
                    observed=row["observed"],
                )
                for row in reversed(letters[-_SHOWN:])
            ),
        ),
    )


_MAKERS: dict[str, Callable[[Asked], tuple[Block, ...]]] = {
    "trends": _trends,
    "watch": _watch,
    "site": _site,
    "topics": trust_reports.topics,
    "coverage": trust_reports.coverage,
    "audit": trust_reports.audit,
    "annotate": trust_reports.annotate,
    "learning": trust_reports.learning,
}
