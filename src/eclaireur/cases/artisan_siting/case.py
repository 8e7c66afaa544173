"""Ranks communes by the chance that a new shop lasts there three years; studies a commune or a drawn zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.artisan_siting import measuring, model as modelling, reports
from eclaireur.cases.artisan_siting.ground import Ground
from eclaireur.cases.artisan_siting.places import read_zone
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError, UnknownSubjectError
from eclaireur.core.subjects import KINDS, Subject
from eclaireur.core.tables import examples_schema, signals_schema
from eclaireur.core.types import Origin
from eclaireur.core.view import Block, Column, Facts, Map, Place, Table

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.types import EvaluationBlock, ModelCard

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "places",
    "predict",
    "read_report_input",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "artisan_siting"
_YEARS = 3


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the files of the generated sample."""
    from eclaireur.cases.artisan_siting import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``communes``, ``shops`` (``observed``: opened) and ``closures``.

    Raises
    ------
    BadValueError
        If a shop closes before it opens, or a population is negative.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    communes, shops = pq.read_table(raw / "communes.parquet"), pq.read_table(raw / "shops.parquet")
    if communes.num_rows and pc.min(communes["population"]).as_py() < 0:
        raise BadValueError("une population est négative.", column="population", fix="Corrigez-la.")
    wrong = shops.filter(pc.fill_null(pc.less(shops["closed"], shops["opened"]), fill_value=False))
    if wrong.num_rows:
        raise BadValueError(
            f"le commerce « {wrong['shop'][0].as_py()} » ferme avant d'ouvrir.",
            column="closed",
            fix="Corrigez ses dates.",
        )
    trade = pc.utf8_lower(pc.utf8_trim_whitespace(shops["trade"]))
    closed = shops.filter(pc.is_valid(shops["closed"]))
    size = communes.num_rows
    for name, kind in (("area", pa.string()), ("income", pa.float64())):
        if name not in communes.column_names:
            communes = communes.append_column(name, pa.nulls(size, kind))
    subject = pc.binary_join_element_wise("commune", communes["commune"], ":")
    return {
        "communes": communes.append_column("subject", subject),
        "shops": pa.table(
            {
                "shop": shops["shop"],
                "trade": trade,
                "commune": shops["commune"],
                "observed": shops["opened"],
                "known": shops["opened"],
            }
        ),
        "closures": pa.table(
            {"shop": closed["shop"], "observed": closed["closed"], "known": closed["closed"]}
        ),
    }


def identify(text: str) -> Subject:
    """Return the commune that a user names by its INSEE code.

    >>> str(identify(" 2a004 "))
    'commune:2A004'
    """
    code = text.strip().upper().removeprefix("COMMUNE:")
    if not KINDS["commune"].pattern.fullmatch(code):
        raise BadValueError(
            f"code commune invalide : « {text} ».",
            fix="Donnez un code INSEE ; pour chercher par un nom, voyez le rapport « zone ».",
        )
    return Subject("commune", code)


def examples(records: Records) -> pa.Table:
    """Return each opening whose three years are over: 1 when the shop was still open then.

    ``known`` is the end of the three years, also for a shop that closed before: else those that last would
    be missing from what is known of recent years. ``trade`` and ``at`` (the commune's position) are what the
    model learns from.
    """
    import pyarrow as pa

    ground = Ground.of(records)
    place = {code: at for at, code in enumerate(ground.communes["commune"].to_pylist())}
    last = data_date(records)
    rows = []
    for shop in ground.shops.to_pylist():
        end = _after(shop["opened"])
        if end > last or shop["commune"] not in place:
            continue
        rows.append(
            {
                "example": shop["shop"],
                "subject": f"commune:{shop['commune']}",
                "as_of": shop["opened"],
                "known": end,
                "label": float(shop["closed"] is None or shop["closed"] > end),
                "observer": None,
                "weight": 1.0,
                "origin": str(Origin.OUTCOME),
                "trade": shop["trade"],
                "at": place[shop["commune"]],
            }
        )
    schema = pa.schema([*examples_schema(), pa.field("trade", pa.string()), pa.field("at", pa.int64())])
    # Shops that stood before the first closure is known are survivors: their survival is no news.
    begun = min((one for one in records["closures"]["observed"].to_pylist()), default=last)
    return pa.Table.from_pylist([row for row in rows if row["as_of"] >= begun], schema=schema)


def _after(day: date) -> date:
    return date(day.year + _YEARS, day.month, min(day.day, 28))


def data_date(records: Records) -> date:
    """Return the day of the last opening or closure."""
    latest: date = max(
        [*records["shops"]["observed"].to_pylist(), *records["closures"]["observed"].to_pylist()]
    )
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the chance to last on the openings whose end was known before ``as_of``."""
    progress(0, 1, "Apprentissage de la survie des commerces")
    return modelling.train(Ground.of(records), examples, case=NAME, as_of=as_of)


def _best(
    model: modelling.Model, ground: Ground, places: Sequence[int], days: Sequence[date], asked: Sequence[str]
) -> tuple[NDArray[np.float64], list[str], NDArray[np.float64]]:
    """Return the chance, the trade and the columns of rows: of the trade asked for, else of the best one."""
    import numpy as np

    size = len(places)
    columns = [modelling.columns_for(ground, places, [trade] * size, days) for trade in model.trades]
    chances = np.array(
        [model.chance(own, [trade] * size) for trade, own in zip(model.trades, columns, strict=True)]
    )
    known = {trade: number for number, trade in enumerate(model.trades)}
    first = chances.argmax(axis=0)
    which = np.array([known.get(trade, best) for trade, best in zip(asked, first.tolist(), strict=True)], int)
    rows = np.arange(size)
    return chances[which, rows], [model.trades[at] for at in which], np.array(columns)[which, rows]


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Score every inhabited commune for its best trade."""
    import pyarrow as pa

    ground, model = Ground.of(records), modelling.load(artefact)
    size = len(ground.people)
    progress(0, 1, "Chance de tenir trois ans")
    score, trades, columns = _best(model, ground, range(size), [as_of] * size, [""] * size)
    low, high = model.calibration.interval(score)
    table = ground.communes
    found: dict[str, Any] = {
        "record": table["subject"],
        "subject": table["subject"],
        "name": table["name"],
        "area": table["area"],
        "label": pa.array(trades),
        "score": score,
        "low": pa.array(low, from_pandas=True),
        "high": pa.array(high, from_pandas=True),
        "calibrated": pa.array([model.calibration.holds] * size),
        "as_of": pa.array([as_of] * size, pa.date32()),
        "latitude": table["latitude"],
        "longitude": table["longitude"],
        "reasons": modelling.explained(model, columns, trades),
    }
    schema = signals_schema()
    return pa.table(
        [found[name] if name in found else pa.nulls(size, schema.field(name).type) for name in schema.names],
        names=schema.names,
    ).cast(schema)


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return the chance to last of openings, each as known at the start of its quarter."""
    ground, model = Ground.of(records), modelling.load(artefact)
    trades = examples["trade"].to_pylist()
    columns = modelling.columns_for(ground, examples["at"].to_pylist(), trades, examples["as_of"].to_pylist())
    found: list[float] = model.chance(columns, trades).tolist()
    return found


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Score the communes of a file, for the trade it names or the best one.

    Raises
    ------
    BadValueError
        If a commune or a trade was never seen.
    """
    import pyarrow as pa

    ground, model = Ground.of(records), modelling.load(artefact)
    place = {subject: at for at, subject in enumerate(ground.communes["subject"].to_pylist())}
    subjects = [str(identify(text)) for text in table["subject"].to_pylist()]
    for subject in subjects:
        if subject not in place:
            raise BadValueError(
                f"la commune « {subject.partition(':')[2]} » n'est pas dans les données.",
                column="subject",
                fix="Retirez-la, ou ajoutez-la aux communes connectées.",
            )
    asked = [(trade or "").strip().lower() for trade in table["trade"].to_pylist()]
    for trade in asked:
        if trade and trade not in model.trades:
            raise BadValueError(
                f"métier jamais vu : « {trade} ».",
                column="trade",
                fix=f"Métiers connus : {', '.join(model.trades)}.",
            )
    chance, trades, columns = _best(
        model, ground, [place[one] for one in subjects], table["date"].to_pylist(), asked
    )
    low, high = model.calibration.interval(chance)
    rank = [0] * table.num_rows
    for position, index in enumerate((-chance).argsort(kind="stable").tolist(), start=1):
        rank[index] = position
    return pa.table(
        {
            "subject": pa.array(subjects),
            "as_of": table["date"],
            "trade": pa.array(trades),
            "score": chance,
            "low": pa.array(low, from_pandas=True),
            "high": pa.array(high, from_pandas=True),
            "calibrated": pa.array([model.calibration.holds] * table.num_rows),
            "rank": pa.array(rank, pa.int32()),
            "reasons": modelling.explained(model, columns, trades),
        }
    )


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return a commune: its people, its shops by trade, and what one more would draw.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such inhabited commune.
    """
    ground = Ground.of(records)
    known = ground.communes["subject"].to_pylist()
    if str(subject) not in known:
        raise UnknownSubjectError(f"commune inconnue : « {subject.key} ».", fix="Vérifiez son code INSEE.")
    at = known.index(str(subject))
    row = ground.communes.slice(at, 1).to_pylist()[0]
    day = data_date(records) + timedelta(days=1)
    rows = []
    for trade in ground.trades:
        stock = ground.stock(trade, day)
        rows.append(
            {
                "trade": trade,
                "open": int(stock.open[at]),
                "closed": int(stock.closed[at]),
                "drawn": french.number(float(ground.drawn(stock.open)[at])),
            }
        )
    facts = Facts(
        title=row["name"],
        pairs=(
            ("Code INSEE", row["commune"]),
            ("Secteur", row["area"] or "–"),
            ("Habitants", french.number(row["population"])),
        ),
    )
    columns = (
        Column(key="trade", title="Métier"),
        Column(key="open", title="Commerces ouverts", align="right"),
        Column(key="closed", title="Fermés depuis trois ans", align="right"),
        Column(key="drawn", title="Habitants qu'attirerait un de plus", align="right"),
    )
    place = Place(label=row["name"], latitude=row["latitude"], longitude=row["longitude"])
    return (
        facts,
        Table(title="Commerces de la commune", columns=columns, rows=rows),
        Map(title="Sur la carte", places=(place,)),
    )


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_ASKS = reports.ASKS
"""What each of them asks for."""


def read_report_input(path: Path) -> pa.Table | None:
    """Read a zone drawn by the user (GeoJSON or WKT); None when the file is a plain table."""
    return read_zone(path)


def report(
    name: str,
    records: Records,
    card: ModelCard,
    artefact: Artefact,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
    settings: Mapping[str, Any] | None = None,
) -> tuple[Block, ...]:
    """Return a report as view blocks (see `reports`)."""
    day, ground, model = data_date(records) + timedelta(days=1), Ground.of(records), modelling.load(artefact)
    return reports.made(name, ground, model, day, about=about, table=table, settings=settings)


def places(records: Records) -> tuple[Place, ...]:
    """Return the communes, to know where one is on a map on which a zone is drawn."""
    rows = records["communes"].to_pylist()
    return tuple(
        Place(
            label=row["name"], latitude=row["latitude"], longitude=row["longitude"], value=row["population"]
        )
        for row in rows
        if row["latitude"] is not None and row["longitude"] is not None
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure survival on later openings, and counts of shops on areas kept out (see `measuring`)."""
    return measuring.evaluate(
        source, Ground.of(records), examples(records), data_date(records) + timedelta(days=1), seed=seed
    )
