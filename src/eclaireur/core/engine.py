"""Where parts of work run: in this process, in several, or on a cluster. One interface, the standard one.

An engine is a `concurrent.futures.Executor`. A *part* takes one input and gives one result; a part
whose worker was killed is run again. Only this module knows a cluster library.

Specifications: ``inline``; ``processes`` or ``processes:N``; ``tls://host:port`` (a Dask scheduler);
``local-cluster:N`` (a Dask cluster of N workers on this host, over TLS with throw-away certificates).
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import (
    ConfigError,
    EclaireurError,
    ExtraMissingError,
    RefusedError,
    WorkFailedError,
)

if TYPE_CHECKING:
    from distributed.security import Security

__all__ = ["InlineExecutor", "map_parts", "open_engine"]

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_TLS = {"tls_ca_file": "ECLAIREUR_TLS_CA", "cert": "ECLAIREUR_TLS_CERT", "key": "ECLAIREUR_TLS_KEY"}
_IN_FLIGHT = 4


class InlineExecutor(Executor):
    """Runs each call at once, in the calling thread: for tests and small work."""

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Run a call and return its finished future."""
        future: Future[_Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 an executor keeps whatever its call raised
            future.set_exception(error)
        return future


@contextmanager
def open_engine(spec: str, *, environ: Mapping[str, str] | None = None) -> Iterator[Executor]:
    """Open an engine and close it, with all its workers, when the block ends.

    Parameters
    ----------
    spec
        See the module's docstring.
    environ
        Where certificate paths are read for ``tls://``; by default the process's environment.

    Raises
    ------
    ConfigError
        If the specification is not understood, or a certificate is not configured.
    RefusedError
        If it asks for a cluster without TLS: the transport unpickles what it receives.
    ExtraMissingError
        If a cluster is asked for and its library is not installed.

    Examples
    --------
    >>> with open_engine("inline") as engine:
    ...     list(map_parts(engine, abs, [-1, 2]))
    [1, 2]
    """
    kind, _, detail = spec.partition(":")
    if kind == "inline" and not detail:
        with InlineExecutor() as executor:
            yield executor
    elif kind == "processes" and re.fullmatch(r"([1-9]\d{0,3})?", detail):
        with _processes(int(detail) if detail else os.cpu_count() or 1) as executor:
            yield executor
    elif kind == "local-cluster" and re.fullmatch(r"[1-9]\d{0,2}", detail):
        with _local_cluster(int(detail)) as executor:
            yield executor
    elif kind == "tls" and re.fullmatch(r"//[^/:]+:\d+", detail):
        with _cluster(spec, os.environ if environ is None else environ) as executor:
            yield executor
    elif kind in {"tcp", "ws"}:
        raise RefusedError(
            "un moteur sans TLS est refusé : n'importe qui pourrait y faire exécuter du code.",
            fix="Écrivez tls://hôte:port et configurez les certificats.",
        )
    else:
        raise ConfigError(
            f"moteur de calcul inconnu : « {spec} ».",
            fix="Écrivez inline, processes, processes:4, local-cluster:2 ou tls://hôte:port.",
        )


def map_parts(
    engine: Executor,
    work: Callable[[_Part], _Result],
    parts: Sequence[_Part],
    *,
    progress: Progress = quiet,
    retries: int = 2,
) -> Iterator[_Result]:
    """Do a piece of work on each part; results come in the order of the parts.

    Parameters
    ----------
    work
        A function that a worker can import: not a lambda, nor one defined in another.
    parts
        At most a few per worker are sent ahead, so that results do not pile up.
    retries
        How many times a part is run again after its worker was killed.

    Raises
    ------
    EclaireurError
        What a part raised, unchanged; the parts not yet started are dropped.
    WorkFailedError
        If a part killed its worker ``retries + 1`` times.
    """
    waiting: deque[tuple[int, Future[_Result]]] = deque()
    ahead = _IN_FLIGHT * (os.cpu_count() or 1)
    sent = 0
    try:
        for done in range(len(parts)):
            while sent < len(parts) and len(waiting) < ahead:
                waiting.append((sent, _submit(engine, work, parts[sent])))
                sent += 1
            index, future = waiting.popleft()
            yield _finish(engine, work, parts[index], index, future, retries)
            progress(done + 1, len(parts), "Calcul des parts")
    finally:
        for _, future in waiting:
            future.cancel()


def _submit(engine: Executor, work: Callable[[_Part], _Result], part: _Part) -> Future[_Result]:
    """Send a part; a pool that has just broken gives a future that says so."""
    try:
        return engine.submit(work, part)
    except BrokenExecutor as error:
        future: Future[_Result] = Future()
        future.set_exception(error)
        return future


def _finish(
    engine: Executor,
    work: Callable[[_Part], _Result],
    part: _Part,
    index: int,
    future: Future[_Result],
    retries: int,
) -> _Result:
    for attempt in range(retries + 1):
        try:
            return future.result()
        except EclaireurError:
            raise
        except Exception as error:
            if not _killed(error):
                raise
            if attempt == retries:
                raise WorkFailedError(
                    f"la part n° {index + 1} a fait tomber son processus {retries + 1} fois.",
                    fix="Vérifiez ses données et la mémoire de la machine, puis relancez.",
                ) from error
            future = _submit(engine, work, part)
    raise WorkFailedError(f"la part n° {index + 1} n'a pas pu être calculée.")


def _killed(error: BaseException) -> bool:
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


class _RestartingPool(Executor):
    """A process pool that is made anew after a worker was killed.

    The standard pool stays broken for ever: the parts it held are sent again to a new one.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._make()

    def _make(self) -> ProcessPoolExecutor:
        import multiprocessing

        # Workers are started fresh: a forked copy of threads and locks may hang.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, initializer=_start_worker, initargs=(os.getpid(),))

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = self._make()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 the standard signature
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Open a pool whose workers use one thread each: with one per core, more would only queue."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    pool = _RestartingPool(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_worker(parent: int) -> None:
    """Make a worker die with its parent, and leave the keyboard's interruption to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ExtraMissingError(
            "ce moteur demande la bibliothèque distributed, qui n'est pas installée.",
            fix="Installez-la : ./eclaireur install cluster",
        ) from error
    return distributed


@contextmanager
def _cluster(address: str, environ: Mapping[str, str]) -> Iterator[Executor]:
    distributed = _dask()
    missing = [name for name in _TLS.values() if not environ.get(name)]
    if missing:
        raise ConfigError(
            f"il manque les certificats du moteur : {', '.join(missing)}.",
            fix="Donnez le chemin de chaque fichier dans l'environnement.",
        )
    ca, cert, key = (environ[name] for name in _TLS.values())
    security = distributed.Security(
        tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True
    )
    with _client(distributed, address, security) as executor:
        yield executor


@contextmanager
def _client(distributed: Any, address: Any, security: Security) -> Iterator[Executor]:
    with ExitStack() as stack:
        client = stack.enter_context(
            distributed.Client(address, security=security, set_as_default=False, timeout="20s")
        )
        # A part is pure and is retried by `map_parts`; equal parts must not share a result by name.
        yield stack.enter_context(client.get_executor(pure=False))


@contextmanager
def _local_cluster(workers: int) -> Iterator[Executor]:
    """Open workers on this host; certificates live in memory and end with the cluster."""
    distributed = _dask()
    security = distributed.Security.temporary()
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            security=security,
            protocol="tls://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        _client(distributed, cluster, security) as executor,
    ):
        yield executor
