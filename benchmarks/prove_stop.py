"""Press the stop button of a case on a served desk, and measure when the last process obeys.

    python benchmarks/prove_stop.py --rounds 20 --seed 20211 [--log FILE]

The sample is published in a workspace that does not stay; the desk is served by two web processes and a
worker of tasks, as ``serve`` does. In each round an evaluation is started, other connections ask for the
ranking without pause, and at a random instant a person in charge suspends the case by its page. Measured from
the answer to that page: the last page that still showed a rank, and the moment when no task of the case is at
work. Then the case is taken up again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Visitor", "main", "served"]

CASE = "restaurant_risk"
LIMIT = 5.0
_PATIENCE = 120.0
_READERS = 4
_RANK = re.compile(rb'class="risk">rang ')


class Visitor:
    """A person who is signed in, by cookies alone."""

    def __init__(self, address: str, session: str) -> None:
        self._address = address
        self._cookie = f"sessionid={session}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> bytes:
        """Return a page."""
        request = urllib.request.Request(  # noqa: S310 (this machine)
            f"{self._address}{path}", headers={"Cookie": self._cookie}
        )
        with self._opener.open(request, timeout=_PATIENCE) as answer:
            found: bytes = answer.read()
            return found

    def post(self, path: str, **fields: str) -> None:
        """Send a form, with the token of its page."""
        page = self.get(path).decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        if token is None:
            raise AssertionError(path)
        sent = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        cookie = f"{self._cookie}; csrftoken={token[1]}"
        headers = {"Cookie": cookie, "Referer": f"{self._address}{path}"}
        request = urllib.request.Request(  # noqa: S310 (this machine)
            f"{self._address}{path}", sent, headers
        )
        with self._opener.open(request, timeout=_PATIENCE):
            pass


@contextmanager
def served(home: Path, port: int) -> Iterator[str]:
    """Serve the desk of a workspace with two web processes and a worker, until the block ends."""
    words = [sys.executable, "-m", "eclaireur", "serve", "--port", str(port), "--processes", "2"]
    with (
        (home.parent / "serve.log").open("w") as log,
        subprocess.Popen(words, stdout=log, stderr=log) as process,  # noqa: S603 (this program)
    ):
        address = f"http://127.0.0.1:{port}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        limit = time.monotonic() + _PATIENCE
        try:
            while True:
                try:
                    opener.open(f"{address}/connexion/", timeout=_PATIENCE).close()
                    break
                except OSError:
                    if time.monotonic() > limit or process.poll() is not None:
                        raise
                    time.sleep(0.2)
            yield address
        finally:
            process.terminate()


def _prepare() -> tuple[Any, str]:
    """Publish the sample; return a person in charge and their session."""
    from django.test import Client

    from eclaireur.desk.models import Grant, Role, User
    from eclaireur.desk.publishing import publish

    publish(CASE, "sample")
    user = User.objects.create_user("chef", "Claire Hébert", "un long mot de passe")
    Grant.objects.create(user=user, role=Role.MANAGER, case=CASE)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return user, client.cookies["sessionid"].value


def _round(visitor: Visitor, user: Any, rng: random.Random) -> tuple[float, float, int]:
    """Return seconds until the last rank shown and until no task is at work, and how many pages were read."""
    from django.db import connections

    from eclaireur.desk.jobs import start
    from eclaireur.desk.models import Job, JobState

    job = start("evaluate", user=user, case=CASE, arguments={"source": "sample"})
    connections.close_all()
    over = threading.Event()
    shown: list[float] = []
    pages = [0]

    def read(number: int) -> None:
        while not over.is_set():
            # Another search each time: a page that was kept must obey as well as one that is made.
            text = f"&q={number}" if pages[0] % 3 else ""
            page = visitor.get(f"/{CASE}/?portee=classement{text}")
            pages[0] += 1
            if _RANK.search(page):
                shown.append(time.monotonic())

    readers = [threading.Thread(target=read, args=(number,)) for number in range(_READERS)]
    for one in readers:
        one.start()
    limit = time.monotonic() + _PATIENCE
    while Job.objects.get(pk=job.pk).state == JobState.WAITING and time.monotonic() < limit:
        time.sleep(0.2)
    time.sleep(rng.uniform(0.2, 3.0))
    visitor.post(f"/{CASE}/suspendre/", reason="essai")
    pressed = time.monotonic()
    if not shown:
        raise AssertionError("no rank was shown before the button was pressed")
    while Job.objects.filter(pk=job.pk, state=JobState.RUNNING).exists():
        time.sleep(0.05)
    ended = time.monotonic()
    time.sleep(1.0)
    over.set()
    for one in readers:
        one.join()
    visitor.post(f"/{CASE}/suspendre/", reason="fin de l’essai")
    # A page asked before the button and answered after it counts from when it came.
    return max([at - pressed for at in shown if at > pressed], default=0.0), ended - pressed, pages[0]


def main() -> int:
    """Run the proof, print its figures, and fail when one round is over five seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--port", type=int, default=18765)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as folder:
        home = Path(folder) / "home"
        os.environ["ECLAIREUR_HOME"] = str(home)
        from eclaireur.desk.start import prepare

        prepare()
        user, session = _prepare()
        with served(home, asked.port) as address:
            visitor = Visitor(address, session)
            if not _RANK.search(visitor.get(f"/{CASE}/?portee=classement")):
                raise AssertionError("no rank is shown before the button is pressed")
            rounds = [_round(visitor, user, rng) for _ in range(asked.rounds)]
    rank, task = max(one[0] for one in rounds), max(one[1] for one in rounds)
    late = sum(max(one[:2]) > LIMIT for one in rounds)
    pages = sum(one[2] for one in rounds)
    print(
        f"{asked.rounds} stops under load ({pages} pages read): last rank shown {rank:.2f} s after, "
        f"last task ended {task:.2f} s after; {late} over {LIMIT:.0f} s."
    )
    if asked.log is not None:
        figures = {"proof": "stop", "seed": asked.seed, "tried": asked.rounds, "failed": late}
        asked.log.write_text(json.dumps({**figures, "rounds": rounds}) + "\n", encoding="utf-8")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
