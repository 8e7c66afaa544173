"""What makes a study lie: columns that know the future, that know nothing, labels of one class, new places.

Two ways find a leak. The first needs no statistics: a fact dated after the row's date (`known_later`),
or a column that changes when the future is taken away (`moved_by_future`). The second is suspicion: a
single column that all but gives the result away, or whose absence does (`suspects`); a person then
looks at where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import auc
from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "Finding",
    "check",
    "constants",
    "findings_table",
    "known_before_it_happened",
    "known_later",
    "moved_by_future",
    "new_places",
    "one_class",
    "suspects",
]

_TOO_GOOD = 0.95
_FEWEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found: ``kind`` (leak, suspect, constant, one_class, new_place), its name, a sentence.

    ``fatal`` findings make figures false: `check` refuses them.
    """

    kind: str
    name: str
    sentence: str
    fatal: bool = False


def known_later(known: Mapping[str, Any], as_of: Any) -> tuple[Finding, ...]:
    """Name the columns that hold a fact known on the row's date or later.

    Parameters
    ----------
    known
        Column → day on which each of its values was known (dates, or missing), shape ``(n,)``.
    as_of
        Day of each row.

    Examples
    --------
    >>> import numpy as np
    >>> late = known_later({"fine": np.array(["2024-02-01"])}, np.array(["2024-01-15"]))
    >>> late[0].sentence[:62]
    '« fine » est connue après la date de sa ligne dans 1 ligne sur'
    """
    import numpy as np

    days = _days(as_of)
    found = []
    for name, values in known.items():
        when = _days(values)
        if when.shape != days.shape:
            raise BadValueError(f"{when.size} dates pour {days.size} lignes.", column=name)
        late = np.flatnonzero(~np.isnat(when) & (when >= days))
        if late.size:
            first = int(late[0])
            said = (
                f"« {name} » est connue après la date de sa ligne dans {french.count(late.size, 'ligne')} "
                f"sur {french.number(days.size)} (la première : {french.day(when[first].item())} "
                f"pour le {french.day(days[first].item())})."
            )
            found.append(Finding(kind="leak", name=name, sentence=said, fatal=True))
    return tuple(found)


def moved_by_future(
    features: Callable[[pa.Table, Mapping[str, pa.Table]], NDArray[Any]],
    rows: pa.Table,
    events: Mapping[str, pa.Table],
    names: Sequence[str],
) -> tuple[Finding, ...]:
    """Name the columns whose values change when what was not yet known is taken away.

    Whatever the function that makes the columns, one that respects its dates gives the same values
    with the events known before a day as with all of them.

    Parameters
    ----------
    features
        Makes the columns of rows (``subject``, ``as_of``…) from event tables: shape ``(n, features)``.
    rows
        Some rows; one call is made for each of their dates, so a few dates are enough.
    events
        Tables; those with a ``known`` column are cut at each date.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = features(rows, events)
    when = rows["as_of"].to_numpy().astype("datetime64[D]")
    moved: dict[str, tuple[int, Any]] = {}
    for day in np.unique(when):
        at = np.flatnonzero(when == day)
        limit = pa.scalar(day.item(), pa.date32())
        cut = {
            name: table.filter(pc.less(table["known"].cast(pa.date32()), limit))
            if "known" in table.column_names
            else table
            for name, table in events.items()
        }
        then = features(rows.take(pa.array(at)), cut)
        same = np.isclose(whole[at], then, rtol=1e-5, atol=1e-8, equal_nan=True)
        for index in np.flatnonzero(~same.all(axis=0)).tolist():
            count, first = moved.get(names[index], (0, day))
            moved[names[index]] = (count + int((~same[:, index]).sum()), first)
    return tuple(
        Finding(
            kind="leak",
            name=name,
            sentence=(
                f"« {name} » change quand on retire ce qui n'était pas encore connu : "
                f"{french.count(count, 'ligne')} sur {french.number(when.size)}, "
                f"dès le {french.day(first.item())}."
            ),
            fatal=True,
        )
        for name, (count, first) in moved.items()
    )


def known_before_it_happened(events: Mapping[str, pa.Table]) -> tuple[Finding, ...]:
    """Name the tables in which facts are known before they happened: their dates cannot be trusted."""
    import pyarrow.compute as pc

    found = []
    for name, table in events.items():
        if not {"observed", "known"} <= set(table.column_names):
            continue
        early = pc.sum(pc.less(table["known"], table["observed"])).as_py() or 0
        if early:
            said = (
                f"Dans « {name} », {french.count(early, 'fait')} sur {french.number(table.num_rows)} "
                f"{'est connu' if early == 1 else 'sont connus'} avant d'avoir eu lieu."
            )
            found.append(Finding(kind="leak", name=name, sentence=said, fatal=True))
    return tuple(found)


def _days(values: Any) -> NDArray[np.datetime64]:
    import numpy as np

    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    return np.asarray(values).astype("datetime64[D]")


def suspects(
    columns: NDArray[Any], names: Sequence[str], labels: Any, *, limit: float = _TOO_GOOD
) -> tuple[Finding, ...]:
    """Name the columns that alone all but give the result away, by their value or by being absent.

    Parameters
    ----------
    columns, names
        Shape ``(n, features)``, NaN where not known.
    labels
        Outcomes in {0, 1}.
    limit
        Area under the curve of one column from which it is suspect.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    positives = float(truth.sum())
    if min(positives, truth.size - positives) < 1 or truth.size < _FEWEST:
        return ()
    found = []
    for index, name in enumerate(names):
        values = np.asarray(columns[:, index], dtype=np.float64)
        missing = np.isnan(values)
        filled = np.where(missing, np.nanmean(values) if not missing.all() else 0.0, values)
        by_value = auc(truth, filled)
        by_value = max(by_value, 1 - by_value)
        by_absence = auc(truth, missing.astype(np.float64))
        by_absence = max(by_absence, 1 - by_absence)
        if max(by_value, by_absence) < limit:
            continue
        how = "à elle seule" if by_value >= by_absence else "par sa seule absence"
        said = (
            f"« {name} » donne presque le résultat {how} (aire sous la courbe "
            f"{french.number(max(by_value, by_absence), 3)}) : est-elle connue avant lui ?"
        )
        found.append(Finding(kind="suspect", name=name, sentence=said))
    return tuple(found)


def constants(columns: NDArray[Any], names: Sequence[str]) -> tuple[Finding, ...]:
    """Name the columns that never vary, and those that are never known: they teach nothing."""
    import numpy as np

    found = []
    for index, name in enumerate(names):
        values = np.asarray(columns[:, index], dtype=np.float64)
        known = values[~np.isnan(values)]
        if not known.size:
            said = f"« {name} » n'est jamais connue : elle n'apprend rien."
        elif known.size == values.size and known.min() == known.max():
            said = f"« {name} » vaut toujours {french.number(float(known[0]), 2)} : elle n'apprend rien."
        else:
            continue
        found.append(Finding(kind="constant", name=name, sentence=said))
    return tuple(found)


def one_class(labels: Any, *, positive: str = "défavorables") -> tuple[Finding, ...]:
    """Say when known outcomes are all alike: nothing can be learnt nor measured."""
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    known = truth[~np.isnan(truth)]
    if known.size and known.min() != known.max():
        return ()
    if not known.size:
        said = "Aucun résultat n'est connu : rien ne peut être appris ni mesuré."
    else:
        side = positive if known[0] else f"non {positive}"
        said = (
            f"Les {french.count(known.size, 'résultat connu', 'résultats connus')} sont tous {side} : "
            "l'autre résultat n'est jamais vu, rien ne peut être appris ni mesuré."
        )
    return (Finding(kind="one_class", name="résultat", sentence=said, fatal=True),)


def new_places(
    learnt: Sequence[Any], asked: Sequence[Any], *, attribute: str = "secteur"
) -> tuple[Finding, ...]:
    """Name the places to score that the model has never seen, with the rows they hold.

    Their ranks rest on what they share with others; no figure speaks of them.

    >>> new_places(["75", "92"], ["75", "971", "971"])[0].sentence
    'Secteur « 971 » jamais vu à l’apprentissage : 2 lignes, dont le rang n’a pas été mesuré là.'
    """
    seen = {str(one) for one in learnt if one is not None}
    counts: dict[str, int] = {}
    for one in asked:
        if one is not None and str(one) not in seen:
            counts[str(one)] = counts.get(str(one), 0) + 1
    return tuple(
        Finding(
            kind="new_place",
            name=name,
            sentence=(
                f"{attribute.capitalize()} « {name} » jamais vu à l’apprentissage : "
                f"{french.count(size, 'ligne')}, dont le rang n’a pas été mesuré là."
            ),
        )
        for name, size in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def check(findings: Sequence[Finding]) -> None:
    """Refuse a study whose figures would be false.

    Raises
    ------
    BadValueError
        If a finding is fatal; each is named.
    """
    fatal = [one for one in findings if one.fatal]
    if fatal:
        raise BadValueError(
            " ".join(one.sentence for one in fatal),
            fix="Retirez ces variables, ou complétez les résultats, puis relancez l'étude.",
        )


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return what was found as a table whose title says how many things to look at."""
    words = {
        "leak": "connue trop tard",
        "suspect": "trop bonne",
        "constant": "sans information",
        "one_class": "une seule classe",
        "new_place": "jamais vu",
    }
    said = f"{french.count(len(findings), 'point')} à regarder avant de croire les mesures"
    return Table(
        title=said if findings else "Rien d'anormal dans les variables et les résultats",
        columns=(
            Column(key="kind", title="Nature"),
            Column(key="name", title="Nom"),
            Column(key="sentence", title="Constat"),
        ),
        rows=[{"kind": words[one.kind], "name": one.name, "sentence": one.sentence} for one in findings],
    )
