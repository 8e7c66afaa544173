"""One contract for every engine: same results, order, errors; a killed worker is no lost part."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from eclaireur.core.engine import map_parts, open_engine
from eclaireur.core.errors import BadValueError, ConfigError, RefusedError, WorkFailedError

# Workers import the parts by name, so this process must too.
sys.path.insert(0, str(Path(__file__).parent))
import engine_work as parts  # type: ignore[import-not-found]

SPECS = ["inline", "processes:2", "local-cluster:2"]
APART = SPECS[1:]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed.*")


def opened(spec: str) -> Iterator[Executor]:
    if spec.startswith("local-cluster") and importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed is not installed: ./eclaireur install cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
        with open_engine(spec) as engine:
            yield engine


@pytest.fixture(params=SPECS, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Executor]:
    yield from opened(request.param)


@pytest.fixture(params=APART)
def fresh(request: pytest.FixtureRequest) -> Iterator[Executor]:
    yield from opened(request.param)


def test_results_come_in_the_order_of_the_parts(engine: Executor) -> None:
    assert list(map_parts(engine, parts.double, range(30))) == [2 * value for value in range(30)]


def test_no_part_gives_no_result(engine: Executor) -> None:
    assert list(map_parts(engine, parts.double, [])) == []


def test_progress_counts_the_parts(engine: Executor) -> None:
    told: list[tuple[int, int]] = []
    list(
        map_parts(engine, parts.double, range(3), progress=lambda done, total, _: told.append((done, total)))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_an_error_of_a_part_comes_back_whole(engine: Executor) -> None:
    results = map_parts(engine, parts.refuse, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(BadValueError) as caught:
        next(results)
    assert str(caught.value) == "parts.csv, ligne 3 : trois est refusé. Prenez quatre."


def test_a_part_whose_worker_was_killed_is_run_again(fresh: Executor, tmp_path: Path) -> None:
    markers = [str(tmp_path / f"m{index}") for index in range(3)]
    assert list(map_parts(fresh, parts.kill_once, markers, retries=4)) == [7, 7, 7]


def test_a_part_that_always_kills_is_named() -> None:
    with open_engine("processes:2") as engine, pytest.raises(WorkFailedError, match="part n° 2"):
        list(map_parts(engine, parts.kill_self, [0, 1], retries=1))


def test_processes_use_one_thread_each_and_the_setting_is_given_back() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    with open_engine("processes:1") as engine:
        assert list(map_parts(engine, parts.threads, [0])) == ["1"]
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from concurrent.futures import wait
from pathlib import Path
from eclaireur.core.engine import open_engine
if __name__ == "__main__":
    with open_engine("processes:1") as engine:
        pid = engine.submit(os.getpid).result()
        Path({str(tmp_path / "pid")!r}).write_text(str(pid))
        os.kill(os.getpid(), 9)
"""
    script = tmp_path / "parent.py"
    script.write_text(code)
    subprocess.run([sys.executable, str(script)], check=False, timeout=60)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its parent")


@pytest.mark.parametrize(
    "spec", ["", "threads", "processes:0", "processes:many", "inline:2", "tls://nowhere"]
)
def test_an_unknown_engine_lists_those_that_exist(spec: str) -> None:
    with pytest.raises(ConfigError, match="local-cluster"), open_engine(spec):
        pass


def test_a_cluster_without_tls_is_refused() -> None:
    with pytest.raises(RefusedError, match="TLS"), open_engine("tcp://127.0.0.1:8786"):
        pass


# A cluster that went away leaves its socket to the collector, which may come while this test runs.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_needs_its_certificates() -> None:
    pytest.importorskip("distributed")
    with (
        pytest.raises(ConfigError, match="ECLAIREUR_TLS_CA"),
        open_engine("tls://127.0.0.1:8786", environ={}),
    ):
        pass
