"""Measure the intake desk: CPU of a page of an inbox of 10 000 messages, and of the task that fills it.

    python benchmarks/desk_intake.py --mails 10000

The sample of mail_routing is handled by its model, then repeated under new numbers until there are enough
messages: what handling one message and writing its row cost is told apart. Pages are asked through
everything that a request goes through, by an agent of one territory among four and by one of the whole
case. Times are CPU of this process (`time.process_time`), in milliseconds; of pages, the median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclaireur.core.intake import Handling, Message

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
    from eclaireur.desk.place import work_on
    from eclaireur.service.messages import Desk, open_desk

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    base = list(open_desk(work_on(CASE), "sample").handled())
    start = time.process_time()
    list(open_desk(work_on(CASE), "sample").handled())
    handling = 1000 * (time.process_time() - start) / len(base)

    def repeated(_: Desk, without: Collection[str] = ()) -> Iterator[tuple[Message, Handling]]:
        for number in range(mails):
            turn, at = divmod(number, len(base))
            message, said = base[at]
            if message.id in without:
                continue
            yield (
                replace(
                    message,
                    id=f"document:{turn}-{message.id.partition(':')[2] or message.id}",
                    thread=f"{turn}-{message.thread}",
                    area=_AREAS[at % len(_AREAS)],
                    received=message.received - timedelta(minutes=turn),
                ),
                said,
            )

    Desk.handled = repeated  # type: ignore[method-assign, assignment]
    Desk.messages = lambda desk: [one for one, _ in repeated(desk)]  # type: ignore[method-assign, assignment]
    figures: dict[str, float] = {
        "handling_ms": handling,
        "writing_ms": _cpu(lambda: sort_messages(CASE)) / mails,
    }
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
