"""Says « later » rather than nothing: when too much is asked at once, or by one key in a minute.

A process answers a few requests at a time, one for each of its threads. Heavy ones, the API's and those that
make a file or a map, may hold all but one: pages always find a thread. What comes over is refused at once,
with how long to wait, and costs nothing. It is counted in the process that refuses: with several, a machine
takes as many times more.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from eclaireur.core.errors import WorkFailedError

__all__ = [
    "WINDOW",
    "Windows",
    "is_heavy",
    "keys_asking",
    "limit_heavy",
    "limit_writing",
    "people_writing",
]

WINDOW = 60
"""Seconds in which the requests of a key are counted."""

_WAIT = 2
_READING = "/lire/"
_HEALTH = "/api/v1/sante"
_HEAVY = re.compile(r"/api/.+|.*/export\.[a-z]+|.*\.(pdf|geojson)")


def is_heavy(path: str, method: str = "GET") -> bool:
    """Tell whether a request makes the desk work hard.

    >>> is_heavy("/api/v1/listes"), is_heavy("/api/v1/sante"), is_heavy("/compte/")
    (True, False, False)
    >>> is_heavy("/lire/"), is_heavy("/lire/", "POST")
    (False, True)
    """
    if path == _READING:
        return method == "POST"
    return path != _HEALTH and _HEAVY.fullmatch(path) is not None


def limit_heavy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a heavy request, by 503 and ``Retry-After``, while ``HEAVY_AT_ONCE`` others are under way."""
    places = threading.BoundedSemaphore(settings.HEAVY_AT_ONCE)

    def answer(request: HttpRequest) -> HttpResponse:
        if not is_heavy(request.path_info, request.method or ""):
            return get_response(request)
        if not places.acquire(blocking=False):
            return _later(request)
        try:
            return get_response(request)
        finally:
            places.release()

    return answer


def limit_writing(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse, by 429 and ``Retry-After``, what a person sends faster than anyone writes: a script does."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD", "OPTIONS"} or not request.user.is_authenticated:
            return get_response(request)
        wait = people_writing.count(request.user.pk, most=settings.WRITES_PER_MINUTE)
        return _too_fast(request, wait) if wait else get_response(request)

    return answer


def _too_fast(request: HttpRequest, wait: int) -> HttpResponse:
    message = "votre compte envoie trop de demandes à la minute."
    fix = f"Rien n'a été enregistré cette fois. Recommencez dans {wait} secondes."
    return _refused(request, 429, "too_many_requests", WorkFailedError(message, fix=fix), wait)


def _later(request: HttpRequest) -> HttpResponse:
    message = "trop de demandes arrivent en même temps."
    fix = f"Rien n'est perdu. Recommencez dans {_WAIT} secondes."
    return _refused(request, 503, "overloaded", WorkFailedError(message, fix=fix), _WAIT)


def _refused(request: HttpRequest, status: int, kind: str, error: WorkFailedError, wait: int) -> HttpResponse:
    """Answer a page or a program that it comes too soon, and when to come back."""
    from eclaireur.desk.api.errors import PREFIX, answer_error

    headers = {"Retry-After": str(wait)}
    if request.path_info.startswith(PREFIX):
        return answer_error(status, kind=kind, message=error.message, fix=error.fix, headers=headers)
    response = render(request, "desk/error.html", {"error": error, "status": status}, status=status)
    response["Retry-After"] = headers["Retry-After"]
    return response


class Windows:
    """Counts what each holder asks in the current window, in this process.

    Parameters
    ----------
    clock
        Seconds that never go back.

    Examples
    --------
    >>> windows = Windows(clock=lambda: 90.0)
    >>> [windows.count(1, most=2) for _ in range(3)]
    [0, 0, 30]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._window = -1
        self._counts: dict[int, int] = {}

    def count(self, holder: int, *, most: int) -> int:
        """Count a request; return 0 when it may go on, else the seconds until the next window."""
        now = self._clock()
        window = int(now // WINDOW)
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            seen = self._counts.get(holder, 0) + 1
            self._counts[holder] = seen
        return 0 if seen <= most else max(1, -int(-((window + 1) * WINDOW - now) // 1))


keys_asking = Windows()
"""What API keys ask of this process."""

people_writing = Windows()
"""What people send to this process."""
