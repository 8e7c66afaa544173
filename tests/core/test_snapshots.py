"""Snapshots: dated, hashed, once for the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eclaireur.core import snapshots
from eclaireur.core.errors import EmptyTableError, RefusedError
from eclaireur.core.lake import Lake
from eclaireur.core.types import Snapshot, Source

SOURCE = Source(name="demo", title="Essai", licence="MIT", origin="ici")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """One hour later at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now


@pytest.fixture
def take(tmp_path: Path) -> Callable[[str], Snapshot]:
    lake, clock = Lake(tmp_path), Clock()

    def filled(text: str) -> Snapshot:
        def fill(into: Path) -> None:
            (into / "sub").mkdir()
            (into / "sub" / "a.csv").write_text(text, encoding="utf-8")

        return snapshots.take(lake, SOURCE, fill, clock=clock)

    return filled


Take = Callable[[str], Snapshot]


def test_the_same_bytes_ten_times_are_one_snapshot_with_its_first_date(take: Take, tmp_path: Path) -> None:
    taken = {take("a\n1\n") for _ in range(10)}
    assert len(taken) == 1
    assert snapshots.snapshots(Lake(tmp_path), "demo") == tuple(taken)
    assert taken.pop().taken < START + timedelta(hours=3)


def test_going_back_to_earlier_bytes_makes_them_the_latest(take: Take, tmp_path: Path) -> None:
    first, second = take("a\n1\n"), take("a\n2\n")
    assert snapshots.latest(Lake(tmp_path), "demo") == second
    assert take("a\n1\n") == first
    assert snapshots.latest(Lake(tmp_path), "demo") == first
    assert snapshots.snapshots(Lake(tmp_path), "demo") == (first, second)


def test_a_source_never_taken_has_no_latest(tmp_path: Path) -> None:
    assert snapshots.latest(Lake(tmp_path), "demo") is None


def test_a_changed_or_lost_byte_is_found(take: Take, tmp_path: Path) -> None:
    lake, snapshot = Lake(tmp_path), take("a\n1\n")
    assert snapshots.verify(lake, snapshot) == ()
    path = snapshots.folder(lake, snapshot) / "sub" / "a.csv"
    path.write_text("a\n2\n", encoding="utf-8")
    assert snapshots.verify(lake, snapshot) == ("sub/a.csv",)
    path.unlink()
    assert snapshots.verify(lake, snapshot) == ("sub/a.csv",)


def test_an_interrupted_fetch_leaves_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    def fill(into: Path) -> None:
        (into / "a.csv").write_text("a", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snapshots.take(lake, SOURCE, fill, clock=Clock())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_source_that_gives_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyTableError, match="Essai"):
        snapshots.take(Lake(tmp_path), SOURCE, lambda _: None, clock=Clock())


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="lien"):
        snapshots.take(
            Lake(tmp_path), SOURCE, lambda into: (into / "x").symlink_to("/etc/passwd"), clock=Clock()
        )
