"""Measure the intake desk: CPU of a page of an inbox of 10 000 messages, and of the task that fills it.

    python benchmarks/desk_intake.py --mails 10000

The sample of mail_routing is repeated under new numbers until there are enough messages. Its model handles
each of them, as the task does; pages are asked through everything that a request goes through, by an agent
of one territory among four and by one of the whole case, each address with nothing kept in advance. Times
are CPU of this process (`time.process_time`), in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

__all__ = ["main", "measure"]

CASE = "mail_routing"
_AREAS = ("Nord", "Sud", "Est", "Ouest")
_ROUNDS = 15


def _cpu(act: Callable[[], Any]) -> float:
    start = time.process_time()
    act()
    return 1000 * (time.process_time() - start)


def measure(mails: int) -> dict[str, float]:
    """Fill an inbox and ask for its pages."""
    from django.conf import settings
    from django.test import Client

    from eclaireur.desk.inbox import sort_messages
    from eclaireur.desk.models import Grant, Mail, Role, User
    from eclaireur.service.messages import Desk

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    read = Desk.messages

    def repeated(desk: Desk) -> list[Any]:
        base = read(desk)
        return [
            replace(
                one,
                id=f"document:{round_}-{one.id.partition(':')[2] or one.id}",
                thread=f"{round_}-{one.thread}",
                area=_AREAS[at % len(_AREAS)],
                received=one.received - timedelta(minutes=round_),
            )
            for round_ in range(mails // len(base) + 1)
            for at, one in enumerate(base)
        ][:mails]

    Desk.messages = repeated  # type: ignore[method-assign]
    figures: dict[str, float] = {"filling_cpu_s": _cpu(lambda: sort_messages(CASE)) / 1000}
    figures["mails"] = Mail.objects.count()
    some = list(Mail.objects.order_by("pk").values_list("pk", flat=True)[:: max(mails // _ROUNDS, 1)])
    for name, area in (("whole", ""), ("territory", _AREAS[0])):
        user = User.objects.create_user(name, name)
        Grant.objects.create(user=user, role=Role.AGENT, case=CASE, area=area)
        client = Client()
        client.force_login(user)
        asked = {
            "first": "",
            "deep": f"?page={max(mails // (50 if not area else 200) // 2, 1)}",
            "filtered": "?incertain=1&tri=recents",
            "words": "?texte=demande",
        }
        for kind, address in asked.items():
            figures[f"inbox_{kind}_{name}_ms"] = _pages(client, [f"/{CASE}/{address}"] * _ROUNDS)
        mine = [pk for pk in some if not area or Mail.objects.filter(pk=pk, area=area).exists()]
        figures[f"message_{name}_ms"] = _pages(client, [f"/{CASE}/messages/{pk}/" for pk in mine])
    return figures


def _pages(client: Any, addresses: list[str]) -> float:
    """Return the median CPU of pages, after one that is not counted."""
    times = []
    for at, address in enumerate([addresses[0], *addresses]):
        start = time.process_time()
        answer = client.get(address)
        spent = 1000 * (time.process_time() - start)
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code}")
        if at:
            times.append(spent)
    return statistics.median(times)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ECLAIREUR_HOME"] = home
        from eclaireur.desk.start import prepare

        prepare()
        found = measure(options.mails)
    json.dump({name: round(value, 1) for name, value in found.items()}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
