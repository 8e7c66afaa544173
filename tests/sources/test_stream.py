"""Reading block by block gives what reading whole gives, or says that it cannot."""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchmarks.french_tables import make
from hypothesis import given, settings, strategies as st

from eclaireur.sources import endings, headings, shapes, tables
from eclaireur.sources.blocks import IrregularError
from eclaireur.sources.kinds import decide, judge
from eclaireur.sources.large import read_large, write_large
from eclaireur.sources.reading import Reading
from eclaireur.sources.stream import Sizes
from eclaireur.sources.tally import Tally

SMALL = Sizes(head=2000, tail=600, block=1500, rows=8)
HARD = (
    "", " ", "0", "007", "12", "1 234,50", "1.234", "1,234", "-3", "(12)", "12 %", "3 k€", "1E5",
    "8,32E+13", "nd", "NC", "n/a", "-", "oui", "Non", "VRAI", "O", "01/02/2023", "31/02/2021",
    "12/31/2020", "2023-02-01", "20230201", "1er mars 2021", "12 mars 2020", "01/02/2023 14:30",
    "01/02/2023 25:30", "2023-02-01T10:00:00Z", "45000", "83283779300021", "83283779300022",
    "832837793", "2A004", "01000", "1000", "0612345678", "+33 6 12 34 56 78", "12 rue de la Paix",
    "Évreux", "L’Haÿ", "D?partement", "&eacute;t&eacute;", "Total", "a\u00a0b", "99999999999999999",
    "0.5", "00.5", "12:30", "n°12", "CC-12", "20/3", "974", "1/2/2020", "créée", " 12", "12 €", "EUR 5",
    "10h30", "01.11", "12E3", "'0012", "83283779300021.0",
)  # fmt: skip


def said(reading: Reading) -> tuple[object, ...]:
    return (reading.outcome, reading.columns, reading.repairs, reading.doubts)


def same(data: bytes, sizes: Sizes = SMALL) -> bool:
    """Compare the two ways; False when the fast one declines."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # Both look at the same first rows, however small the blocks.
        for module in (headings, endings):
            patch.setattr(module, "SAMPLE", 6)
        path = Path(folder) / "a.csv"
        path.write_bytes(data)
        try:
            fast = read_large(lambda: io.BytesIO(data), path.name, sizes=sizes)
        except IrregularError:
            return False
        slow = tables.read_table(path)
    assert slow.table is not None
    assert fast.table is not None
    assert said(fast) == said(slow)
    assert fast.lines is not None
    assert slow.lines is not None
    assert fast.lines.tolist() == slow.lines.tolist()
    assert fast.table.to_pydict() == slow.table.to_pydict()
    assert fast.typed is not None
    assert slow.typed is not None
    assert fast.typed.schema == slow.typed.schema
    assert repr(fast.typed.to_pydict()) == repr(slow.typed.to_pydict())
    return True


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_a_generated_table_is_read_the_same_way_in_blocks(seed: int) -> None:
    same(make(seed, rows=150).data)


def test_most_generated_tables_are_read_in_blocks() -> None:
    assert sum(same(make(seed, rows=150).data) for seed in range(20)) >= 12


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3), st.booleans())
def test_any_cells_are_read_the_same_way_in_blocks(draw: random.Random, odd: int, quoted: bool) -> None:  # noqa: FBT001 - drawn
    names = draw.sample(["SIRET", "Date", "Code postal", "Montant", "Tél.", "Dép.", "Nom", "lat"], 3)
    pools = [draw.sample(HARD, draw.randint(1, 6)) for _ in names]
    rows = [[draw.choice(pool) for pool in pools] for _ in range(200)]
    lines = [";".join(f'"{cell}"' if quoted else cell for cell in row) for row in [names, *rows]]
    for _ in range(odd):
        place = draw.randrange(1, len(lines))
        lines[place] = draw.choice(["", ";;", lines[0], "a;b", "a;b;c;d", '"x\ny";1;2', "Total;1;2"])
    if draw.random() < 0.3:
        lines += ["", draw.choice(["Source : service", "Total;12;30", "* note"])]
    same("\n".join(lines).encode())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(HARD), min_size=1, max_size=8), st.sampled_from(["Montant", "Date", "Tél.", "N"])
)
def test_a_column_in_classes_is_judged_and_typed_as_its_values_are(texts: list[str], name: str) -> None:
    column = pa.array([text.strip() or None for text in texts * 3], pa.string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "_FEW", 0)
        tally = Tally(name)
        coded = tally.add(column, np.arange(2, len(column) + 2))
    found, wanted = decide(tally), judge(name, pa.chunked_array([column]), range(2, len(column) + 2))
    assert (found.kind, found.unit, found.doubts) == (wanted.kind, wanted.unit, wanted.doubts)
    if wanted.typed is not None:
        assert found.read is not None
        assert found.type is not None
        typed = coded.typed(found.read, found.type)
        assert typed is not None
        assert repr(typed.to_pylist()) == repr(wanted.typed.to_pylist())


def test_numbers_days_and_keys_by_shape_are_those_of_each_value() -> None:
    draw = random.Random(3)
    makers: dict[str, Callable[[], str]] = {
        "Montant": lambda: f"{draw.uniform(-1e6, 1e6):,.2f}".replace(",", "\u202f").replace(".", ","),
        "Taux": lambda: f"{draw.uniform(0, 1):.3f}",
        "Date": lambda: f"{draw.randrange(1, 29):02}/{draw.randrange(1, 13):02}/{draw.randrange(1900, 2100)}",
        "Heure": lambda: f"2023-{draw.randrange(1, 13)}-{draw.randrange(1, 33)} {draw.randrange(25)}:30",
        "SIRET": lambda: f"{draw.randrange(10**14):014}",
        "x": lambda: f"356000000{draw.randrange(10**5):05}",
        "Tél": lambda: f"+{draw.randrange(10**11)}",
        "date": lambda: f"{draw.randrange(18, 21)}{draw.randrange(10**6):06}",
        "US": lambda: f"{draw.randrange(1, 13)}/{draw.randrange(1, 32)}/2020",
        "Adresse": lambda: f"{draw.randrange(900)} rue {draw.randrange(900)}",
    }
    columns = {name: [one() for _ in range(2000)] for name, one in makers.items()}
    for name, texts in columns.items():
        column, lines = pa.array(texts), np.arange(2, len(texts) + 2)
        tally = Tally(name)
        coded = tally.add(column, lines)
        found, wanted = decide(tally), judge(name, pa.chunked_array([column]), range(2, len(texts) + 2))
        assert (found.kind, found.unit, found.doubts) == (wanted.kind, wanted.unit, wanted.doubts), name
        assert len(tally.texts) < 600, name
        if wanted.typed is not None:
            assert found.read is not None
            assert found.type is not None
            typed = coded.typed(found.read, found.type)
            assert typed is not None
            assert typed.to_pylist() == wanted.typed.to_pylist(), name


def test_parquet_written_in_blocks_holds_the_typed_table(tmp_path: Path) -> None:
    made = make(7, rows=3000)
    data = made.data.decode(made.said["encoding"]).encode()
    target = tmp_path / "a.parquet"
    done: list[int] = []
    reading = write_large(lambda: io.BytesIO(data), "a.csv", target, progress=done.append, sizes=SMALL)
    assert pq.read_table(target).to_pydict() == made.expected
    assert reading.count == 3000
    assert reading.table is None
    assert [column.filled for column in reading.columns] == [
        sum(value is not None for value in values) for values in made.expected.values()
    ]
    assert done == sorted(done)
    assert done[-1] > 0.9 * len(data)


def test_a_column_that_changes_its_kind_late_is_typed_again(tmp_path: Path) -> None:
    lines = ["n;d;t", *(f"{n};01/02/2023;1" for n in range(500)), "1,5;sans;2", *["1 000;02/03/2023;x"] * 200]
    data = "\n".join(lines).encode()
    assert same(data)
    target = tmp_path / "a.parquet"
    write_large(lambda: io.BytesIO(data), "a.csv", target, sizes=SMALL)
    table = pq.read_table(target)
    assert table.schema.types == [pa.float64(), pa.string(), pa.string()]
    assert table.slice(500, 2).to_pylist()[0] == {"n": 1.5, "d": "sans", "t": "2"}


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (lambda data: data, True),
        (lambda data: b"sep=;\r\n" + data, True),
        (lambda data: b"\xef\xbb\xbf" + data, True),
        (lambda data: data.decode().encode("cp1252"), True),
        (lambda data: data.decode().encode("utf-16"), True),
        (lambda data: b"Export\r\n\r\n" + data + b"\r\nSource : service\r\n", True),
        (lambda data: data + b"Total;;;1\r\n", True),
        (lambda data: data.replace(b"\r\n", b"\r"), False),
        (lambda data: data + b"\0", False),
        (lambda data: data.replace(b"m50;", b'm"50;').replace(b"m70;", b'"m70;'), False),
        (lambda data: data[:4000] + data[4000:].decode().encode("cp1252"), False),
        (lambda data: data[:4000] + data[4000:].decode("utf-8").encode().decode("cp1252").encode(), False),
    ],
    ids=["plain", "sep", "mark", "cp1252", "utf-16", "note", "total", "cr", "nul", "quote", "mixed", "twice"],
)
def test_what_only_the_whole_file_can_settle_is_declined(change: object, read: bool) -> None:  # noqa: FBT001 - expected
    assert callable(change)
    rows = "".join(f"m{n};créé « {n} »;{n},5;\r\n" for n in range(1000))
    assert same(change(f"a;b;c;d\r\n{rows}".encode())) is read


def test_a_proved_total_at_the_end_of_many_rows_is_left_aside() -> None:
    rows = "".join(f"m{n};{n};{n},5\n" for n in range(1000))
    whole, half = sum(range(1000)), sum(range(1000)) + 500
    assert same(f"Nom;Nb;Prix\n{rows}Total;{whole};{half},0\n".encode())
    assert same(f"Nom;Nb;Prix\n{rows}Total;{whole};{half},1\n".encode())
