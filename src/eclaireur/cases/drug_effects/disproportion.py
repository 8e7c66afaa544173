"""Disproportionality of reports: PRR, ROR, IC, their intervals, their course in time, and masking.

A ratio above 1 says that a pair is reported more than expected, not that the drug causes the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.reports_table import Pairs

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Masking", "Period", "Ratios", "by_period", "masking", "ratios", "trend"]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Ratios of pairs with their 95 % limits, arrays of shape (k,).

    Parameters
    ----------
    prr
        Proportional reporting ratio (Evans, Waller and Davis, 2001).
    ror, ror_low, ror_high
        Reporting odds ratio; half a report is added to each cell, so that it always exists.
    ic, ic_low, ic_high
        Information component, log2 of seen over expected with half a report added to both, and the limits of
        Norén, Hopstadius and Bate (Statistical Methods in Medical Research 22, 2013).
    chi2
        Pearson's with Yates's correction, of the table of the pair.
    """

    prr: NDArray[np.float64]
    ror: NDArray[np.float64]
    ror_low: NDArray[np.float64]
    ror_high: NDArray[np.float64]
    ic: NDArray[np.float64]
    ic_low: NDArray[np.float64]
    ic_high: NDArray[np.float64]
    chi2: NDArray[np.float64]


def ratios(pairs: Pairs) -> Ratios:
    """Return the ratios of counted pairs.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from eclaireur.cases.drug_effects.reports_table import count_pairs
    >>> rows = {"report": ["1", "2", "3", "4"], "drug": ["X", "X", "Y", "Y"], "event": ["A", "B", "A", "B"]}
    >>> ratios(count_pairs(pa.table(rows))).prr.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    import numpy as np

    a = pairs.count
    b, c = pairs.drug_count - a, pairs.event_count - a
    d = pairs.total - a - b - c
    with np.errstate(divide="ignore"):
        prr = np.where(c + d > 0, (a / pairs.drug_count) / (c / np.maximum(c + d, 1)), np.nan)
    ror = (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))
    error = np.sqrt(1 / (a + 0.5) + 1 / (b + 0.5) + 1 / (c + 0.5) + 1 / (d + 0.5))
    ic = np.log2((a + 0.5) / (pairs.expected + 0.5))
    root = np.sqrt(a + 0.5)
    edge = np.maximum(np.abs(a * d - b * c) - pairs.total / 2, 0)
    sides = (a + b) * (c + d) * (a + c) * (b + d)
    chi2 = np.where(sides > 0, pairs.total * edge**2 / np.maximum(sides, 1), 0.0)
    return Ratios(
        prr=prr,
        ror=ror,
        ror_low=ror * np.exp(-_Z * error),
        ror_high=ror * np.exp(_Z * error),
        ic=ic,
        ic_low=ic - 3.3 / root - 2 / root**3,
        ic_high=ic + 2.4 / root - 0.5 / root**3,
        chi2=chi2,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One pair in one period: reports seen and expected, IC with its limits."""

    first: date
    seen: int
    expected: float
    ic: float
    low: float
    high: float


def by_period(reports: pa.Table, drug: str, event: str) -> tuple[Period, ...]:
    """Return one pair by quarter, each quarter compared with its own reports only.

    Parameters
    ----------
    reports
        With a column ``observed`` beside those of `count_pairs`.
    """
    import numpy as np
    import pyarrow.compute as pc

    quarter = pc.floor_temporal(reports["observed"], unit="quarter")
    found = []
    for first in sorted(set(quarter.to_pylist())):
        part = reports.filter(pc.equal(quarter, first))
        having = [
            set(part.filter(pc.equal(part[name], value))["report"].to_pylist())
            for name, value in (("drug", drug), ("event", event))
        ]
        total = pc.count_distinct(part["report"]).as_py()
        seen = len(having[0] & having[1])
        expected = len(having[0]) * len(having[1]) / total
        ic = float(np.log2((seen + 0.5) / (expected + 0.5)))
        root = (seen + 0.5) ** 0.5
        found.append(
            Period(
                first=first,
                seen=seen,
                expected=expected,
                ic=ic,
                low=ic - 3.3 / root - 2 / root**3,
                high=ic + 2.4 / root - 0.5 / root**3,
            )
        )
    return tuple(found)


def trend(periods: tuple[Period, ...]) -> tuple[float, float, float] | None:
    """Return how the ratio of seen to expected changes from a period to the next, with its 95 % interval.

    A Poisson regression on the rank of the period, with the expected reports as exposure; the interval widens
    with over-dispersion. None when fewer than three periods expect a report or none was seen.
    """
    import numpy as np

    expected = np.array([one.expected for one in periods])
    some = expected > 0
    seen = np.array([one.seen for one in periods], np.float64)[some]
    rank = np.arange(len(periods), dtype=np.float64)[some]
    offset = np.log(expected[some])
    if len(seen) < 3 or not seen.sum():
        return None
    design = np.stack([np.ones(len(rank)), rank - rank.mean()], 1)
    beta = np.array([np.log(seen.sum() / np.exp(offset).sum()), 0.0])
    for _ in range(50):
        mean = np.exp(np.clip(design @ beta + offset, -30, 30))
        information = design.T @ (mean[:, None] * design)
        step = np.linalg.lstsq(information, design.T @ (seen - mean), rcond=None)[0]
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    spread = max(1.0, float(((seen - mean) ** 2 / np.maximum(mean, 1e-9)).sum() / max(len(seen) - 2, 1)))
    error = float(np.sqrt(spread * np.linalg.pinv(information)[1, 1]))
    return tuple(np.exp(beta[1] + _Z * error * np.array([0.0, -1.0, 1.0])).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """What the reports of another drug hide of a pair: IC with all reports, and without that drug's."""

    drug: str
    share: float
    ic: float
    ic_without: float
    low_without: float


def masking(reports: pa.Table, drug: str, event: str, *, most: int = 5) -> tuple[Masking, ...]:
    """Return the drugs that may mask a pair: those that bring the most reports of its event.

    The pair is measured again without the reports of each; reports that also name the drug are kept.
    """
    import numpy as np
    import pyarrow.compute as pc

    with_event = reports.filter(pc.equal(reports["event"], event))
    all_event = pc.count_distinct(with_event["report"]).as_py()
    holders: dict[str, set[str]] = {}
    for row in with_event.select(["report", "drug"]).to_pylist():
        holders.setdefault(row["drug"], set()).add(row["report"])
    own = set(reports.filter(pc.equal(reports["drug"], drug))["report"].to_pylist())
    events = set(with_event["report"].to_pylist())
    everything = set(reports["report"].to_pylist())

    def component(kept: set[str]) -> tuple[float, float]:
        drugs, some = own & kept, events & kept
        seen = len(drugs & some)
        ic = float(np.log2((seen + 0.5) / (len(drugs) * len(some) / max(len(kept), 1) + 0.5)))
        root = (seen + 0.5) ** 0.5
        return ic, ic - 3.3 / root - 2 / root**3

    whole = component(everything)[0]
    others = sorted((one for one in holders if one != drug), key=lambda one: (-len(holders[one]), one))[:most]
    found = []
    for other in others:
        theirs = set(reports.filter(pc.equal(reports["drug"], other))["report"].to_pylist())
        ic, low = component(everything - (theirs - own))
        share = len(holders[other]) / all_event
        found.append(Masking(drug=other, share=share, ic=whole, ic_without=ic, low_without=low))
    return tuple(found)
