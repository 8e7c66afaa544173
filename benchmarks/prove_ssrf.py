"""Ask the connectors for addresses that only this machine can see, in every disguise: none is connected to.

    python benchmarks/prove_ssrf.py --rounds 40 --seed 20211 [--log FILE]

Forbidden addresses (loopback, private, metadata services, IPv6 ones that carry an IPv4 one) are written in
decimal, octal, hexadecimal, short, full-width and other forms. Each is asked for directly, then as the target
of a redirect by a site that may be read, then by a name: one that gives it beside a good address, and one
that gives the good address first and it ever after (DNS rebinding), to whoever resolves it in this process.
Every connection of the process is watched: one to anything but the site is a failure. A control first checks
that, where rules allow it, the same disguises do reach a server here.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from eclaireur.core.errors import EclaireurError, WorkFailedError
from eclaireur.sources.remote.addresses import Rules
from eclaireur.sources.remote.client import Client, Limits

__all__ = ["Proof", "disguises", "main", "prove"]

_SITE, _HIDDEN = "127.0.0.2", "127.0.0.1"
_NAMES = re.compile(r"(both|turning)-(.+)-(\d+)\.example")
_FORBIDDEN = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "100.100.100.200", "192.0.0.192", "224.0.0.1", "255.255.255.255"),
)
_FORBIDDEN_6 = ("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1")


@dataclass(slots=True)
class Proof:
    """What was asked, how it ended, and what was connected to in spite of all."""

    ended: Counter[str] = field(default_factory=Counter)
    reached: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many addresses were asked for."""
        return sum(self.ended.values())


def _part(rng: random.Random, value: int) -> str:
    return rng.choice((str(value), f"0{value:o}", f"0x{value:x}", f"0X{value:02X}", f"000{value:o}"))


def disguises(address: str, rng: random.Random) -> Iterator[str]:
    """Write an IPv4 address in every way that some resolver or library takes for it."""
    number = int(IPv4Address(address))
    octets = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    yield address
    yield f"{address}."
    yield str(number)
    yield hex(number)
    yield f"0{number:o}"
    yield ".".join(f"0{one:o}" for one in octets)
    yield ".".join(f"0x{one:02x}" for one in octets)
    yield ".".join(_part(rng, one) for one in octets)
    yield f"{octets[0]}.{number & 0xFFFFFF}"
    yield f"{octets[0]}.{octets[1]}.{number & 0xFFFF}"
    yield f"{_part(rng, octets[0])}.{_part(rng, number & 0xFFFFFF)}"
    yield address.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})  # full width
    yield address.replace(".", "。")
    yield address.replace(".", "．")
    yield "".join(chr(0x245F + int(one)) if one in "123456789" else one for one in address)  # circled
    yield address.replace(".", "%2e")
    yield "".join(f"%{ord(one):02x}" for one in address)
    for carrier in ("::ffff:", "::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"):
        yield f"[{carrier}{address}]"
    high, low = number >> 16, number & 0xFFFF
    yield f"[::FFFF:{high:X}:{low:x}]"
    yield f"[0:0:0:0:0:ffff:{high:04x}:{low:04x}]"
    yield f"[2002:{high:x}:{low:x}::1]"
    yield f"[2001:0:4136:e378:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]"
    yield f"[::ffff:{address}%25lo]"


def _written(rng: random.Random, rounds: int) -> Iterator[str]:
    """Give hosts: those that never change, then random ones."""
    for address in _FORBIDDEN:
        yield from disguises(address, rng)
    for text in _FORBIDDEN_6:
        yield f"[{text}]"
        yield f"[{IPv6Address(text).exploded}]"
        yield f"[{text}%25lo]"
    yield from ("localhost", "LOCALHOST", "localhost.", "LocalHost.localdomain", "ip6-localhost")
    networks = ((0x7F000000, 24), (0x0A000000, 24), (0xAC100000, 20), (0xC0A80000, 16), (0xA9FE0000, 16))
    for _ in range(rounds):
        base, bits = rng.choice(networks)
        yield from disguises(str(IPv4Address(base + rng.getrandbits(bits))), rng)


class _Front(BaseHTTPRequestHandler):
    """A site that may be read; it sends elsewhere when its path says so."""

    def do_GET(self) -> None:
        _, _, rest = self.path.partition("/to/")
        status, _, where = rest.partition("/")
        self.send_response(int(status) if where else 200)
        if where:
            self.send_header("Location", bytes.fromhex(where).decode("latin-1"))  # its bytes as they are
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""


@contextmanager
def _listening(host: str) -> Iterator[int]:
    server = ThreadingHTTPServer((host, 0), _Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _NoWayError(OSError):
    """What a watched connection ends with: nothing leaves this process but to the site."""


@contextmanager
def _watched(allowed: set[tuple[str, int]], seen: list[str]) -> Iterator[None]:
    """Watch connections, and resolve made-up names; whoever asks."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo
    asked: Counter[str] = Counter()

    def connecting(self: socket.socket, where: Any) -> None:
        if tuple(where[:2]) not in allowed:
            seen.append(str(where))
            raise _NoWayError(str(where))
        connect(self, where)

    def resolving(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        made_up = _NAMES.fullmatch(str(host))
        if made_up is None:
            return getaddrinfo(host, port, *rest, **more)
        asked[str(host)] += 1
        hidden = bytes.fromhex(made_up[2]).decode()
        good, bad = ((socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in (_SITE, hidden))
        if made_up[1] == "both":
            return [good, bad]
        return [good] if asked[str(host)] == 1 else [bad]

    setattr(socket.socket, "connect", connecting)  # noqa: B010 (mypy: a method is not assigned to)
    socket.getaddrinfo = resolving
    try:
        yield
    finally:
        setattr(socket.socket, "connect", connect)  # noqa: B010
        socket.getaddrinfo = getaddrinfo


def _ask(client: Client, url: str) -> str:
    """Return how a question ended: ``refused``, ``unknown`` (a name of nothing), ``answered``, an error."""
    try:
        with client.open(url) as answer:
            answer.read(10)
            return "answered"
    except WorkFailedError as error:
        return "unknown" if "introuvable" in error.message else type(error).__name__
    except EclaireurError:
        return "refused"
    except OSError as error:
        return type(error).__name__


def prove(rounds: int, seed: int) -> Proof:
    """Ask for every disguise in every way.

    Raises
    ------
    AssertionError
        If the disguises reach nothing even where they may: the proof would prove nothing.
    """
    proof, rng = Proof(), random.Random(seed)
    hosts = list(dict.fromkeys(_written(rng, rounds)))
    limits = Limits(silence=5, seconds=10)
    with _listening(_SITE) as port, _listening(_HIDDEN) as hidden:
        _control(limits, hidden, rng)
        site = f"{_SITE}:{port}"
        client = Client(Rules.of(f"{_SITE}/32"), limits)
        seen: list[str] = []

        def judge(way: str, url: str, *, may: Sequence[str] = ("refused", "unknown")) -> None:
            before = len(seen)
            ended = _ask(client, url)
            proof.ended[f"{way}: {ended}"] += 1
            if len(seen) > before or ended not in may:
                proof.reached.append(f"{way} {url}: {ended}, {seen[before:]}")

        with _watched({(_SITE, port)}, seen):
            for rank, host in enumerate(hosts):
                scheme = rng.choice(("http", "https"))
                judge("direct", f"{scheme}://{host}:{hidden}/")
                judge("with a name before", f"http://{site}@{host}:{hidden}/")
                status = rng.choice((301, 302, 303, 307, 308))
                where = rng.choice((f"http://{host}:{hidden}/", f"//{host}:{hidden}/"))
                judge("redirect", f"http://{site}/to/{status}/{where.encode().hex()}")
                if rank < len(_FORBIDDEN):
                    code = _FORBIDDEN[rank].encode().hex()
                    judge("name of two addresses", f"http://both-{code}-{rank}.example:{port}/")
                    # The first look-up is good, and is the only one: it is what is connected to.
                    turning = f"http://turning-{code}-{rank}.example:{port}/"
                    judge("name that turns", turning, may=("answered",))
                    # Asked again, the name has turned, and so is refused.
                    judge("name that turned", turning)
            for where in ("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "data:,x"):
                judge("other scheme", where)
                judge("redirect", f"http://{site}/to/302/{where.encode().hex()}")
    return proof


def _control(limits: Limits, hidden: int, rng: random.Random) -> None:
    """Check that what is refused next does reach a server when rules allow it."""
    ask: Callable[[str], str] = lambda url: _ask(Client(Rules.of("127.0.0.0/8"), limits), url)  # noqa: E731
    reached = [one for one in disguises(_HIDDEN, rng) if ask(f"http://{one}:{hidden}/") == "answered"]
    if len(reached) < 8:
        raise AssertionError(f"only {reached} reach this machine: the proof would prove nothing")


def main() -> int:
    """Run the proof, print its figures, and fail when something was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="random addresses, beside those that stay")
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    proof = prove(asked.rounds, asked.seed)
    for way, count in sorted(proof.ended.items()):
        print(f"{count:7} {way}")
    for one in proof.reached[:20]:
        print(f"reached: {one}", file=sys.stderr)
    print(f"{proof.tried} disguised addresses asked for, {len(proof.reached)} reached or not refused.")
    if asked.log is not None:
        figures = {"proof": "ssrf", "seed": asked.seed, "tried": proof.tried, "failed": len(proof.reached)}
        asked.log.write_text(json.dumps({**figures, "ended": proof.ended}) + "\n", encoding="utf-8")
    return 1 if proof.reached else 0


if __name__ == "__main__":
    sys.exit(main())
