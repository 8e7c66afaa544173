"""A client of any server of the OpenAI form: chat, whole or as it is written, within time and budget.

``ECLAIREUR_LANGUAGE_URL`` is the address that ends in ``/v1``, ``ECLAIREUR_LANGUAGE_MODEL`` the name that the
server expects, ``ECLAIREUR_LANGUAGE_KEY`` its key. Without an address nothing is asked of anybody. No tool is
given to the model: it gets text and gives text, which `bricks.intake.checking` then checks. Vectors of a
server are `bricks.semantic.encoders.ServerEncoder`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from eclaireur.core.clear import may_be_clear
from eclaireur.core.config import secret_of_file
from eclaireur.core.errors import ConfigError, RefusedError, WorkFailedError

__all__ = ["Budget", "LanguageModel", "Turn", "configured"]

_MOST_BYTES = 1_000_000
_AGAIN = frozenset({429, 502, 503, 504})
_LONGEST_WAIT = 5.0
_DAY = 86_400.0
_WAY_OUT = "Continuez sans modèle de langue ; l’administrateur peut vérifier le serveur."


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of an exchange: ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(slots=True)
class Budget:
    """Characters that each person may have read and written in a day, in this process.

    Examples
    --------
    >>> budget = Budget(most=10)
    >>> budget.take("ana", 8); budget.left("ana")
    2
    """

    most: int = 400_000
    _spent: dict[str, tuple[float, int]] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def left(self, person: str, now: float | None = None) -> int:
        """Return what is left to a person today."""
        since, spent = self._spent.get(person, (0.0, 0))
        return self.most if (now or time.monotonic()) - since > _DAY else max(self.most - spent, 0)

    def take(self, person: str, characters: int, now: float | None = None) -> None:
        """Count characters; those of nobody, in a task, are not counted.

        Raises
        ------
        RefusedError
            If the person has no longer so many.
        """
        if not person:
            return
        with self._lock:
            moment = now or time.monotonic()
            if characters > self.left(person, moment):
                raise RefusedError(
                    "vous avez atteint la limite d’usage du modèle de langue pour aujourd’hui.", fix=_WAY_OUT
                )
            since, spent = self._spent.get(person, (moment, 0))
            if moment - since > _DAY:
                since, spent = moment, 0
            self._spent[person] = (since, spent + characters)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """A model behind an address.

    Parameters
    ----------
    url
        Address that ends in ``/v1``; redirects are not followed.
    model, key
        Its name there, and the key of the server; the key may be empty.
    timeout
        Seconds for a whole answer, tries included.
    tries
        How many times a busy server is asked.
    """

    url: str
    model: str = "default"
    key: str = field(default="", repr=False)
    timeout: float = 30.0
    tries: int = 3
    budget: Budget = field(default_factory=Budget, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(
                f"adresse du modèle de langue invalide : « {self.url} ».",
                fix="Écrivez ECLAIREUR_LANGUAGE_URL=https://…/v1.",
            )

    def chat(self, turns: Sequence[Turn], *, person: str = "", most: int = 600) -> str:
        """Return what the model answers, whole.

        Parameters
        ----------
        person
            Whose budget it is taken from.
        most
            Tokens of the answer.

        Raises
        ------
        WorkFailedError
            If the server does not answer in time, or answers something else than a text.
        RefusedError
            If the budget of the person is spent.
        """
        return "".join(self._answer(turns, person, most, stream=False))

    def stream(self, turns: Sequence[Turn], *, person: str = "", most: int = 600) -> Iterator[str]:
        """Give what the model answers, piece by piece; see `chat`."""
        yield from self._answer(turns, person, most, stream=True)

    def _answer(self, turns: Sequence[Turn], person: str, most: int, *, stream: bool) -> Iterator[str]:
        import urllib3

        self.budget.take(person, sum(len(one.content) for one in turns))
        end = time.monotonic() + self.timeout
        body = {
            "model": self.model,
            "messages": [{"role": one.role, "content": one.content} for one in turns],
            "max_tokens": most,
            "temperature": 0,
            "stream": stream,
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        with urllib3.PoolManager(retries=False) as pool:
            try:
                answer = self._asked(pool, body, headers, end)
                if answer.status != 200:
                    raise self._failed(f"il a répondu {answer.status}")
                size = 0
                with _until(end, answer):
                    for part in _pieces(answer) if stream else _whole(answer):
                        size += len(part)
                        self.budget.take(person, len(part))
                        yield part
                if not size:
                    raise self._failed("sa réponse est vide")
            except urllib3.exceptions.HTTPError as error:
                raise self._failed("il ne répond pas, ou s’est tu avant la fin") from error
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise self._failed("sa réponse n’a pas la forme attendue") from error

    def _asked(self, pool: Any, body: Mapping[str, Any], headers: Mapping[str, str], end: float) -> Any:
        """Ask until the server is no longer busy, within the time that is left."""
        import urllib3

        for again in range(self.tries):
            left = end - time.monotonic()
            if left <= 0:
                raise self._failed("il n’a pas répondu à temps")
            answer = pool.request(
                "POST",
                f"{self.url.rstrip('/')}/chat/completions",
                json=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(5.0, left), read=left),
                redirect=False,
                preload_content=False,
            )
            if answer.status not in _AGAIN or again == self.tries - 1:
                return answer
            answer.drain_conn()
            asked = answer.headers.get("Retry-After", "")
            wait = float(asked) if asked.isdecimal() else 0.5 * 2**again
            time.sleep(min(wait, _LONGEST_WAIT, max(end - time.monotonic(), 0.0)))
        raise self._failed("il est occupé")  # pragma: no cover - the loop returns or raises

    def _failed(self, why: str) -> WorkFailedError:
        return WorkFailedError(f"le modèle de langue n’a pas pu servir : {why}.", fix=_WAY_OUT)


@contextmanager
def _until(end: float, answer: Any) -> Iterator[None]:
    """Cut the connection when time is up: a server that drips would be waited for, byte by byte, for ever."""
    timer = threading.Timer(max(end - time.monotonic(), 0.0), answer.shutdown)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _whole(answer: Any) -> Iterator[str]:
    data = b"".join(_limited(answer))
    yield _text(json.loads(data)["choices"][0]["message"]["content"])


def _pieces(answer: Any) -> Iterator[str]:
    """Give the pieces of a stream of server-sent events; one that stops without ``[DONE]`` was cut."""
    held = b""
    for data in _limited(answer):
        held += data
        *lines, held = held.split(b"\n")
        for line in lines:
            told = line.strip()
            if not told.startswith(b"data:"):
                continue
            content = told.removeprefix(b"data:").strip()
            if content == b"[DONE]":
                return
            choices = json.loads(content)["choices"]  # the last event of some servers has none, but counts
            delta = choices[0].get("delta", {}).get("content") if choices else None
            if delta:
                yield _text(delta)
    raise ValueError("cut before its end")


def _limited(answer: Any) -> Iterator[bytes]:
    """Give what comes, as it comes; refuse too much of it."""
    size = 0
    for data in answer.stream(4096, decode_content=True):
        size += len(data)
        if size > _MOST_BYTES:
            answer.close()
            raise ValueError("too long")
        yield data


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


_SHARED = Budget()
"""That of the models of the environment: a person's is one, however often a model is asked for."""


def configured(environ: Mapping[str, str] | None = None) -> LanguageModel | None:
    """Return the model that the environment names; None when it names none.

    People's budgets are those of the process.

    >>> configured({}) is None
    True
    """
    given = os.environ if environ is None else environ
    url = given.get("ECLAIREUR_LANGUAGE_URL", "").strip()
    if not url:
        return None
    host = urlsplit(url).hostname or ""
    if url.startswith("http://") and not may_be_clear(host, given.get("ECLAIREUR_CLEAR_HOSTS", "")):
        raise ConfigError(
            "le modèle de langue est sur une autre machine : ce qu'on lui dit passerait en clair.",
            fix="Donnez une adresse en https:// dans ECLAIREUR_LANGUAGE_URL. Sur un réseau qui n'est qu'à "
            "vous, nommez cette machine dans ECLAIREUR_CLEAR_HOSTS.",
        )
    return LanguageModel(
        url=url,
        model=given.get("ECLAIREUR_LANGUAGE_MODEL", "") or "default",
        key=given.get("ECLAIREUR_LANGUAGE_KEY") or secret_of_file("ECLAIREUR_LANGUAGE_KEY", given),
        budget=_SHARED,
    )
