"""The weekly synthesis: how many experiences, about what, what changed, which to read; by reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.trends import changes, poisson_interval
from eclaireur.cases.review_answers.model import UNFAVOURABLE, Model
from eclaireur.cases.review_answers.reading import DIMENSIONS, day_of, text_of
from eclaireur.cases.review_answers.understanding import FRENCH, Understood, understand
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import wilson
from eclaireur.core.subjects import Subject
from eclaireur.core.view import Block, Chart, Column, Facts, FormField, Series, Table

if TYPE_CHECKING:
    from eclaireur.core.case import Progress, Records

__all__ = ["ASKS", "TITLES", "made"]

TITLES = {
    "weekly": "Synthèse de la dernière semaine",
    "week": "Synthèse de la semaine d'un jour",
    "themes": "Thèmes, ressentis et dimensions de toutes les expériences",
}
"""Reports by name, with their French titles."""

ASKS = {
    "week": (
        FormField(
            name="about",
            title="Un jour de la semaine",
            kind="date",
            help="Par exemple 12/03/2024 : la synthèse va du lundi au dimanche.",
        ),
    )
}
"""What a report cannot do without."""

_WEEK = timedelta(days=7)
_BEFORE = 12
_EXAMPLES = 3


def made(name: str, records: Records, model: Model, *, about: str, progress: Progress) -> tuple[Block, ...]:
    """Return a report of `TITLES`.

    Raises
    ------
    BadValueError
        If the day is missing, or no experience was published that week.
    """
    rows = records["experiences"].to_pylist()
    if not rows:
        raise BadValueError("aucune expérience.", fix="Donnez au moins un fichier d'expériences.")
    first = min(row["observed"] for row in rows)
    last = max(row["observed"] for row in rows)
    if name == "themes":
        start, end, before = first, last, first
    elif name == "week":
        day = day_of(about)
        if day is None:
            raise BadValueError(f"jour illisible : « {about} ».", fix="Écrivez-le ainsi : 12/03/2024.")
        start = day - timedelta(days=day.weekday())
        end, before = start + _WEEK - timedelta(days=1), start - _BEFORE * _WEEK
    else:
        start, end, before = (
            last - _WEEK + timedelta(days=1),
            last,
            last - (_BEFORE + 1) * _WEEK + timedelta(days=1),
        )
    kept = [row for row in rows if before <= row["observed"] <= end]
    progress(0, 1, "Lecture des expériences")
    told = understand([text_of(row) for row in kept], model)
    now = [(row, one) for row, one in zip(kept, told, strict=True) if row["observed"] >= start]
    past = [(row, one) for row, one in zip(kept, told, strict=True) if row["observed"] < start]
    if not now:
        raise BadValueError(
            f"aucune expérience du {french.day(start)} au {french.day(end)}.",
            fix=f"Les expériences vont du {french.day(first)} au {french.day(last)}.",
        )
    blocks: list[Block] = [_facts(now, past, records, start, end)]
    if past:
        blocks.append(_weeks(now, past, start))
    blocks += [_themes(now, past), _dimensions(now, past), _urgent(now)]
    return tuple(blocks)


_Read = Sequence[tuple[Mapping[str, Any], Understood]]


def _rating(row: Mapping[str, Any], said: Understood) -> str:
    """Return the rating of the author, else the likeliest one."""
    return str(row["rating"]) or said.rating


def _share(found: int, total: int) -> str:
    """Say a share with its interval, or that there are too few to say."""
    if total < 5:
        return f"{found} sur {total}"
    low, high = wilson(found, total)
    return f"{french.percent(found / total)} ({french.percent(low)} à {french.percent(high)})"


def _facts(now: _Read, past: _Read, records: Records, start: date, end: date) -> Facts:
    bad = sum(_rating(row, said) == UNFAVOURABLE for row, said in now)
    good = sum(_rating(row, said) == "Positif" for row, said in now)
    pairs = [
        ("Période", f"du {french.day(start)} au {french.day(end)}"),
        ("Expériences publiées", str(len(now))),
        ("Défavorables", _share(bad, len(now))),
        ("Favorables", _share(good, len(now))),
    ]
    if past:
        was = sum(_rating(row, said) == UNFAVOURABLE for row, said in past)
        pairs.append((f"Défavorables, {_BEFORE} semaines d'avant", _share(was, len(past))))
    delays = _delays(now, records)
    if delays:
        middle = delays[len(delays) // 2]
        pairs.append(("Délai médian de réponse", f"{french.count(middle, 'jour')} ({len(delays)} réponses)"))
    pairs.append(("À lire en premier", str(sum(bool(said.urgency.why) for _, said in now))))
    return Facts(title="En bref", pairs=tuple(pairs))


def _delays(now: _Read, records: Records) -> list[int]:
    days = {row["subject"]: row["observed"] for row, _ in now}
    return sorted(
        (row["observed"] - days[row["subject"]]).days
        for row in records["answers"].select(["subject", "observed"]).to_pylist()
        if row["subject"] in days
    )


def _weeks(now: _Read, past: _Read, start: date) -> Chart:
    counted = Counter((start - row["observed"] + timedelta(days=6)).days // 7 for row, _ in past)
    weeks = [*range(_BEFORE, 0, -1), 0]
    counts = [len(now) if week == 0 else counted[week] for week in weeks]
    bounds = [poisson_interval(count) for count in counts]
    mean = sum(counts[:-1]) / _BEFORE
    low, high = bounds[-1]
    changed = (
        "plus que d'habitude" if low > mean else "moins que d'habitude" if high < mean else "comme d'habitude"
    )
    return Chart(
        title=f"{french.count(len(now), 'expérience')} cette semaine, {changed}",
        form="line",
        x_title="semaine commençant le",
        y_title="expériences",
        series=(
            Series(
                name="expériences publiées",
                x=tuple(start - week * _WEEK for week in weeks),
                y=tuple(map(float, counts)),
                low=tuple(one for one, _ in bounds),
                high=tuple(one for _, one in bounds),
            ),
        ),
        text=f"Moyenne des {_BEFORE} semaines d'avant : {french.number(mean, 1)} ; celle-ci : {len(now)}.",
    )


def _themes(now: _Read, past: _Read) -> Table:
    here, there = _counted(now), _counted(past)
    moved = {
        one.topic: f"{french.number(one.ratio, 1)} fois sa part d'avant"
        for one in changes(here, there, total_last=len(now), total_before=len(past))
    }
    rows = []
    for theme, number in here.most_common():
        told = [(row, said) for row, said in now if theme in {one.theme for one in said.themes}]
        bad = sum(_rating(row, said) == UNFAVOURABLE for row, said in told)
        rows.append(
            {
                "theme": theme,
                "count": number,
                "share": _share(number, len(now)),
                "bad": _share(bad, number),
                "change": moved.get(theme, "sans changement sûr" if past else ""),
                "examples": ", ".join(_number(row) for row, _ in told[:_EXAMPLES]),
            }
        )
    return Table(
        title="Thèmes",
        columns=_columns(
            theme="Thème",
            count="Expériences",
            share="Part (intervalle)",
            bad="Défavorables",
            change="Évolution",
            examples="Exemples (numéros)",
        ),
        rows=rows,
        note="Intervalles à 95 %. Évolution : au plus une annonce sur dix est attendue fausse.",
    )


def _counted(read: _Read) -> Counter[str]:
    return Counter(one.theme for _, said in read for one in said.themes)


def _dimensions(now: _Read, past: _Read) -> Table:
    rows = []
    for column, name in DIMENSIONS.items():
        told = [(row, _polarity(row, said, column, name)) for row, said in now]
        named = [(row, one) for row, one in told if one]
        before = [one for row, said in past if (one := _polarity(row, said, column, name))]
        bad = sum(one == UNFAVOURABLE for _, one in named)
        rows.append(
            {
                "dimension": name,
                "count": len(named),
                "bad": _share(bad, len(named)) if named else "",
                "before": _share(sum(one == UNFAVOURABLE for one in before), len(before)) if before else "",
                "examples": ", ".join(_number(row) for row, one in named if one == UNFAVOURABLE)[:60],
            }
        )
    return Table(
        title="Dimensions de qualité",
        columns=_columns(
            dimension="Dimension",
            count="Expériences",
            bad="Défavorables",
            before="Défavorables avant",
            examples="Exemples (numéros)",
        ),
        rows=rows,
        note="Ce que l'auteur a coché, sinon ce que le modèle lit dans le texte.",
    )


def _polarity(row: Mapping[str, Any], said: Understood, column: str, name: str) -> str:
    if row[column]:
        return str(row[column])
    return next((one.polarity for one in said.dimensions if one.aspect == name), "")


def _urgent(now: _Read) -> Table:
    ranked = sorted(
        ((row, said) for row, said in now if said.urgency.why), key=lambda one: -one[1].urgency.level
    )
    rows = [
        {
            "number": _number(row),
            "day": row["observed"],
            "kinds": ", ".join(dict.fromkeys(mark.label for mark in said.urgency.words)),
            "rating": FRENCH.get(_rating(row, said), ""),
            "state": row["state"],
        }
        for row, said in ranked
    ]
    return Table(
        title=f"À lire en premier : {french.count(len(rows), 'expérience')}",
        columns=_columns(number="Numéro", day="Date", kinds="Pourquoi", rating="Avis", state="État"),
        rows=rows,
    )


def _number(row: Mapping[str, Any]) -> str:
    return Subject.parse(row["subject"]).key


def _columns(**titles: str) -> tuple[Column, ...]:
    return tuple(Column(key=key, title=title) for key, title in titles.items())
