"""What training learns: the chooser among candidates, and the probability from which a name is given."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.cases.unknown_molecules import judging
from eclaireur.cases.unknown_molecules.batch import Batch, Pairs, batch_of, kept, search
from eclaireur.cases.unknown_molecules.library import Library, build
from eclaireur.core.artefacts import dump_json, load_json
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.tables import examples_schema
from eclaireur.core.types import ModelCard, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.unknown_molecules.judging import Candidates, Chooser

__all__ = [
    "BOUND",
    "Bench",
    "Model",
    "before",
    "bench",
    "examples",
    "laid_out",
    "learn",
    "load",
    "only",
    "predict",
    "searched",
    "top",
    "train",
]

BOUND = 0.05
"""Largest share of absent molecules that get a name, in each laboratory that was learnt from."""
_FILE = "chooser.json"
_MARGIN = 0.5
"""The bound is halved where it is learnt: another laboratory is never quite like those."""
_EACH = 1500
_ENOUGH = 40


@dataclass(frozen=True, slots=True)
class Model:
    """A chooser, and the probability from which a name is given."""

    chooser: Chooser
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A library with what the search needs of its table."""

    library: Library
    retention: NDArray[np.float64]
    runs: NDArray[np.int64]


def laid_out(table: pa.Table) -> Bench:
    """Lay out the library of a table."""
    import numpy as np

    library = build(table)
    times = np.array([np.nan if one is None else one for one in table["retention"].to_pylist()], float)
    return Bench(
        library=library,
        retention=times[library.row],
        runs=judging.library_runs(table["column"].to_pylist(), library),
    )


def before(table: pa.Table, when: date) -> pa.Table:
    """Return the rows known before a date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.less(table["known"], pa.scalar(when, pa.date32())))


def bench(records: Records, when: date | None = None) -> Bench:
    """Lay out the library known before a date.

    Raises
    ------
    EmptyTableError
        If nothing was.
    """
    table = records["spectra"] if when is None else before(records["spectra"], when)
    made = laid_out(table)
    if not len(made.library):
        raise EmptyTableError(
            "la bibliothèque n'a aucun spectre.", fix="Ajoutez une bibliothèque de spectres."
        )
    return made


def drawn(
    laboratory: NDArray[np.int64], group: NDArray[np.int64], *, most: int, seed: int
) -> NDArray[np.bool_]:
    """Draw at most about ``most`` spectra a laboratory, whole compounds."""
    import numpy as np

    draw = np.random.default_rng(seed)
    taken = np.zeros(len(laboratory), bool)
    for lab in np.unique(laboratory):
        rows = np.flatnonzero(laboratory == lab)
        if len(rows) > most:
            groups = np.unique(group[rows])
            some = draw.choice(groups, max(1, int(len(groups) * most / len(rows))), replace=False)
            rows = rows[np.isin(group[rows], some)]
        taken[rows] = True
    return taken


def only(found: Candidates, keep: NDArray[np.bool_]) -> Candidates:
    """Return some of the candidates."""
    names = ("query", "molecule", "best", "features", "about", "error", "plain", "matched")
    return replace(found, **{name: getattr(found, name)[keep] for name in names})


def top(found: Candidates, value: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of the candidate of highest value of each spectrum, in the order of spectra."""
    import numpy as np

    order = np.lexsort((-value, found.query))
    first = np.concatenate([[True], np.diff(found.query[order]) > 0]) if len(order) else np.zeros(0, bool)
    found_first: NDArray[np.int64] = order[first]
    return found_first


def searched(
    made: Bench, batch: Batch, pairs: Pairs, truth: NDArray[np.int64], *, seed: int | None = None
) -> tuple[Candidates, NDArray[np.bool_]]:
    """Return the candidates of the spectra whose molecule is among them, and which one it is.

    ``truth`` is the molecule of each spectrum of the batch.
    """
    import numpy as np

    found = judging.candidates_of(
        batch, made.library, pairs, retention=made.retention, runs=made.runs, seed=seed
    )
    right = found.molecule == truth[found.query]
    shared = np.zeros(len(batch.queries), bool)
    shared[found.query[right]] = True
    keep = shared[found.query]
    return only(found, keep), right[keep]


def learn(made: Bench, batch: Batch, pairs: Pairs, truth: NDArray[np.int64], *, seed: int) -> Model | None:
    """Learn from spectra searched in the libraries of other laboratories; None when none is shared."""
    import numpy as np

    taken = drawn(batch.laboratory, batch.group, most=_EACH, seed=seed)
    found, right = searched(made, batch, kept(pairs, taken[pairs.query]), truth, seed=seed)
    if not len(found.query):
        return None
    labs = batch.laboratory[found.query]
    chooser = judging.fit_chooser(found, right, labs)
    chance, _ = judging.weighed(found, chooser, without=right)
    best = chance[top(found, chance)]
    lab_of = labs[top(found, chance)]
    grid = np.linspace(0.5, 0.99, 50)
    wrong = [
        max(
            [
                float((best[lab_of == lab] >= level).mean())
                for lab in np.unique(lab_of)
                if (lab_of == lab).sum() >= _ENOUGH
            ],
            default=float((best >= level).mean()),
        )
        for level in grid
    ]
    fine = [float(level) for level, share in zip(grid, wrong, strict=True) if share <= _MARGIN * BOUND]
    return Model(chooser, fine[0] if fine else 0.99)


def train(
    records: Records, examples: pa.Table, *, case: str, as_of: date, seed: int, progress: Progress
) -> Fitted:
    """Learn on the spectra known before a date.

    Raises
    ------
    EmptyTableError
        If no molecule was measured by two laboratories.
    """
    import numpy as np

    table = before(records["spectra"], as_of)
    made = bench({"spectra": table})
    batch = batch_of(table, made.library)
    truth = np.full(table.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    model = learn(made, batch, search(batch, made.library, progress=progress), truth, seed=seed)
    if model is None:
        raise EmptyTableError(
            "aucune molécule n'a été mesurée par deux laboratoires : rien n'apprend la probabilité.",
            fix="Ajoutez la bibliothèque d'un autre laboratoire.",
        )
    seen = before(examples, as_of)
    told = [(row["example"], row["label"]) for row in seen.to_pylist()]
    card = ModelCard(
        case=case,
        number=0,
        kind="conditional logit over candidate molecules and none of them",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(told).encode()).hexdigest(),
        examples=len(told),
        positives=sum(label > 0 for _, label in told),
        as_of=as_of,
        features=judging.FEATURES,
        thresholds={"accepted": model.threshold, "bound": BOUND},
    )
    content = {"chooser": judging.to_plain(model.chooser), "threshold": model.threshold}
    return Fitted(card=card, artefacts={_FILE: dump_json(content)})


def load(artefact: Artefact) -> Model:
    """Read a stored model."""
    content: Any = load_json(artefact(_FILE))
    return Model(judging.from_plain(content["chooser"]), float(content["threshold"]))


def examples(records: Records) -> pa.Table:
    """Return one example a spectrum of the library: whether another laboratory measured its molecule."""
    import pyarrow as pa

    table = records["spectra"].select(["spectrum", "inchikey", "mode", "laboratory", "known", "rejection"])
    rows = [row for row in table.to_pylist() if row["rejection"] is None and row["inchikey"]]
    labs = Counter(
        (key, mode)
        for key, mode, _ in {(row["inchikey"][:14], row["mode"], row["laboratory"]) for row in rows}
    )
    made = [
        {
            "example": row["spectrum"],
            "subject": f"document:{row['spectrum'][:190]}",
            "as_of": row["known"],
            "known": row["known"],
            "label": float(labs[row["inchikey"][:14], row["mode"]] > 1),
            "observer": row["laboratory"],
            "weight": 1.0,
            "origin": str(Origin.OUTCOME),
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, schema=examples_schema())


def predict(examples: pa.Table, records: Records, model: Model) -> Sequence[float]:
    """Return the highest probability of each example's candidates, in the libraries of other laboratories."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [one.removeprefix("document:") for one in examples["subject"].to_pylist()]
    table = records["spectra"]
    shown = pc.utf8_slice_codeunits(table["spectrum"], 0, 190)
    table = table.filter(pc.is_in(shown, value_set=pa.array(sorted(set(names)))))
    made = bench(records)
    batch = batch_of(table, made.library)
    found = judging.candidates_of(
        batch, made.library, search(batch, made.library), retention=made.retention, runs=made.runs
    )
    chance, _ = judging.weighed(found, model.chooser)
    best = dict.fromkeys(names, 0.0)
    keys = [one[:190] for one in table["spectrum"].to_pylist()]
    for place in top(found, chance).tolist():
        best[keys[int(found.query[place])]] = float(chance[place])
    return [best[name] for name in names]
