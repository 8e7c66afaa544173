"""How far people who label the same things agree, beyond what chance gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

from eclaireur.core.errors import EmptyTableError

__all__ = ["alpha_interval", "cohen_kappa", "krippendorff_alpha"]

_DRAWS = 500


def krippendorff_alpha(units: Sequence[Mapping[str, Hashable]]) -> float:
    """Return Krippendorff's alpha for nominal values, any number of people, and missing answers.

    Parameters
    ----------
    units
        For each thing, person → value; things that fewer than two people judged do not count.

    Returns
    -------
    float
        1 when all agree, 0 as by chance, below 0 when they agree less than by chance; 1 when every answer
        is the same.

    Raises
    ------
    EmptyTableError
        If nothing was judged by two people.

    References
    ----------
    Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability, section C.

    Examples
    --------
    >>> krippendorff_alpha([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    1.0
    """
    observed = pairable = 0.0
    totals: Counter[Hashable] = Counter()
    for unit in units:
        values = Counter(unit.values())
        size = values.total()
        if size < 2:
            continue
        pairable += size
        totals.update(values)
        observed += sum(n * (size - n) for n in values.values()) / (size - 1)
    if not pairable:
        raise EmptyTableError(
            "rien n'a été annoté par deux personnes.",
            fix="Faites annoter les mêmes phrases par deux personnes.",
        )
    expected = (pairable**2 - sum(n * n for n in totals.values())) / (pairable - 1)
    return 1.0 if not expected else 1 - observed / expected


def alpha_interval(
    units: Sequence[Mapping[str, Hashable]], *, seed: int = 0, level: float = 0.95
) -> tuple[float, float, float]:
    """Return `krippendorff_alpha` with an interval: units drawn again (bootstrap percentile, Efron 1979).

    Examples
    --------
    >>> alpha_interval([{"a": n % 2, "b": n % 2} for n in range(20)])
    (1.0, 1.0, 1.0)
    """
    import numpy as np

    judged = [unit for unit in units if len(unit) > 1]
    value = krippendorff_alpha(judged)
    draw = np.random.default_rng(seed)
    drawn = [
        krippendorff_alpha([judged[at] for at in draw.integers(0, len(judged), len(judged)).tolist()])
        for _ in range(_DRAWS)
    ]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return value, low, high


def cohen_kappa(left: Sequence[Hashable], right: Sequence[Hashable]) -> float:
    """Return Cohen's kappa of two people on the same things (Cohen 1960); 1 when every answer is the same.

    Examples
    --------
    >>> cohen_kappa(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    0.5
    """
    from sklearn.metrics import cohen_kappa_score

    codes: dict[Hashable, int] = {}
    one, other = ([codes.setdefault(value, len(codes)) for value in side] for side in (left, right))
    return 1.0 if len(codes) == 1 else float(cohen_kappa_score(one, other))
