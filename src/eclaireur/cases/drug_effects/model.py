"""What training learns: the prior of the ratios of reports; and the examples that judge it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.exposures import PURCHASE
from eclaireur.cases.drug_effects.judging import LEVEL, before
from eclaireur.cases.drug_effects.reports_table import Pairs, count_pairs
from eclaireur.cases.drug_effects.shrinker import Prior, fit_prior, shrink
from eclaireur.core.artefacts import dump_json, load_json
from eclaireur.core.case import Artefact, Fitted, Records
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.tables import examples_schema
from eclaireur.core.types import ModelCard, Origin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["examples", "excess", "halves", "load", "predict", "prior_of", "train"]

_FILE = "prior.json"
_PLAIN = Prior(0.2, 0.1, 2.0, 4.0, 1 / 3)
"""DuMouchel's starting point, kept when there is no report to learn from."""
_RISK_DAYS = 42


def halves(reports: pa.Table) -> tuple[pa.Table, pa.Table, date]:
    """Cut reports in two by date, or by number when they have one date; return also the day of the cut."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = sorted(set(reports["observed"].to_pylist()))
    if len(days) > 1:
        cut = days[len(days) // 2]
        early = pc.less(reports["observed"], pa.scalar(cut, pa.date32()))
    else:
        cut = days[0]
        numbers = sorted(set(reports["report"].to_pylist()), key=lambda one: (len(one), one))
        early = pc.is_in(reports["report"], value_set=pa.array(numbers[: len(numbers) // 2]))
    return reports.filter(early), reports.filter(pc.invert(early)), cut


def examples(records: Records) -> pa.Table:
    """Return one example a pair of the first half of the reports: whether the second has it in excess.

    In excess: at least `LEVEL` times as many reports as expected, and three. Without reports, one example an
    event of a case: does it follow an exposure within 42 days?
    """
    import pyarrow as pa

    if not records["reports"].num_rows:
        return pa.Table.from_pylist(_events(records["histories"].to_pylist()), schema=examples_schema())
    first, second, cut = halves(records["reports"])
    latest = max(records["reports"]["known"].to_pylist())
    later = excess(count_pairs(second))
    pairs = count_pairs(first)
    rows = [
        _example(f"{drug} × {event}", cut, latest, float(later.get((drug, event), False)))
        for drug, event in zip(pairs.drug, pairs.event, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=examples_schema())


def excess(pairs: Pairs) -> dict[tuple[str, str], bool]:
    """Tell for each pair whether its reports are in excess."""
    found = (pairs.count >= LEVEL * pairs.expected) & (pairs.count >= 3)
    return dict(zip(zip(pairs.drug, pairs.event, strict=True), found.tolist(), strict=True))


def _events(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    doses: dict[str, list[int]] = {}
    for row in rows:
        if row["category"] in {"exposure", PURCHASE}:
            doses.setdefault(row["person"], []).append(row["start"])
    return [
        _example(
            f"{row['person']} × {row['value']} {row['start']}",
            row["known"],
            row["known"],
            float(any(0 <= row["start"] - day <= _RISK_DAYS for day in doses.get(row["person"], ()))),
        )
        for row in rows
        if row["category"] == "event"
    ]


def _example(key: str, day: date, known: date, label: float) -> dict[str, Any]:
    return {
        "example": f"{key}@{day}",
        "subject": f"document:{key[:190]}",
        "as_of": day,
        "known": max(day, known),
        "label": label,
        "observer": None,
        "weight": 1.0,
        "origin": str(Origin.OUTCOME),
    }


def prior_of(reports: pa.Table) -> Prior:
    """Fit the prior of a table of reports; DuMouchel's starting point when it is empty."""
    if not reports.num_rows:
        return _PLAIN
    pairs = count_pairs(reports)
    return fit_prior(pairs.count, pairs.expected)


def train(records: Records, examples: pa.Table, *, case: str, as_of: date) -> Fitted:
    """Fit the prior on the reports known before a date.

    Raises
    ------
    EmptyTableError
        If nothing was known by then.
    """
    known = before(records["reports"], as_of)
    seen = before(examples, as_of)
    if not known.num_rows and not before(records["histories"], as_of).num_rows:
        raise EmptyTableError(
            f"rien n'était connu avant le {as_of:%d/%m/%Y}.", fix="Choisissez une date plus tardive."
        )
    prior = prior_of(known)
    told = [(row["example"], row["label"]) for row in seen.to_pylist()]
    card = ModelCard(
        case=case,
        number=0,
        kind="two-gamma prior of reporting ratios (DuMouchel 1999)",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(told).encode()).hexdigest(),
        examples=len(told),
        positives=sum(label > 0 for _, label in told),
        as_of=as_of,
        features=("reports seen", "reports expected"),
        thresholds={"level": LEVEL},
    )
    return Fitted(card=card, artefacts={_FILE: dump_json({"prior": list(prior.parameters)})})


def load(artefact: Artefact) -> Prior:
    """Read the prior of a stored model."""
    content = load_json(artefact(_FILE))
    return Prior(*(float(one) for one in content["prior"]))


def predict(examples: pa.Table, records: Records, prior: Prior) -> list[float]:
    """Return the chance of each pair, from the first half of the reports, at least doubled.

    Events of cases have no score of their own: half.
    """
    if not records["reports"].num_rows:
        return [0.5] * examples.num_rows
    pairs = count_pairs(halves(records["reports"])[0])
    beyond = shrink(pairs.count, pairs.expected, prior, level=LEVEL).beyond.tolist()
    keys = [f"document:{f'{a} × {b}'[:190]}" for a, b in zip(pairs.drug, pairs.event, strict=True)]
    known = dict(zip(keys, beyond, strict=True))
    return [known.get(subject, 0.0) for subject in examples["subject"].to_pylist()]
