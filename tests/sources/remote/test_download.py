"""A file comes whole, in one version, from an address that was checked: or it does not come."""

from __future__ import annotations

import gzip
import hashlib
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar

import pytest

from eclaireur.core.errors import (
    FileRefusedError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)
from eclaireur.sources.remote.addresses import Rules
from eclaireur.sources.remote.client import Client, Limits
from eclaireur.sources.remote.download import Checksum, download, read_json
from tests.web import Page, Site, serve

BODY = b"SIRET;Ville\n" + b"01234567890123;Nice\n" * 5000
RULES = Rules.of("127.0.0.0/8")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as served:
        yield served


class Sleeps(list[float]):
    """Waits that were asked for, and not waited."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(sleeps: Sleeps | None = None, **limits: float) -> Client:
    chosen = Limits(**{"silence": 5.0, **limits})  # type: ignore[arg-type]
    return Client(RULES, chosen, sleep=Sleeps() if sleeps is None else sleeps)


def test_a_file_comes_as_it_is(site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(BODY, headers={"Content-Type": "text/csv; charset=x", "ETag": '"1"'})
    received = download(client(), f"{site.url}/a.csv", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == BODY
    assert (received.size, received.content_type, received.notes) == (len(BODY), "text/csv", ())


def test_redirects_are_followed_five_times_at_most(site: Site, tmp_path: Path) -> None:
    for step in range(6):
        site.pages[f"/{step}"] = Page(
            status=(301, 302, 303, 307, 308)[step % 5], headers={"Location": f"{step + 1}"}
        )
    site.pages["/6"] = Page(b"a;b\n")
    assert download(client(), f"{site.url}/1", tmp_path / "x").url.endswith("/6")
    with pytest.raises(WorkFailedError, match="plus de 5 fois"):
        download(client(), f"{site.url}/0", tmp_path / "x")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://ada:pw@127.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
def test_a_redirect_to_a_forbidden_address_is_refused(site: Site, tmp_path: Path, location: str) -> None:
    site.pages["/a"] = Page(status=302, headers={"Location": location})
    with pytest.raises(RefusedError):
        download(client(), f"{site.url}/a", tmp_path / "x")
    assert site.paths() == ["/a"]


def test_without_permission_this_machine_is_not_read(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Page(b"x")
    with pytest.raises(RefusedError, match="allowed_addresses"):
        download(Client(), f"{site.url}/a", tmp_path / "x")
    assert site.asked == []


def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_checked(
    site: Site, tmp_path: Path
) -> None:
    answers = [("127.0.0.1",), ("10.0.0.1",)]
    site.pages["/a"] = Page(b"a;b\n")
    web = Client(RULES, resolver=lambda *_: answers.pop(0))
    download(web, f"http://donnees.example:{site.port}/a", tmp_path / "x")
    assert len(answers) == 1
    assert site.asked[0][1]["host"] == f"donnees.example:{site.port}"


def test_a_server_that_asks_to_slow_down_is_obeyed(site: Site, tmp_path: Path) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    site.pages["/a"] = [
        Page(status=429, headers={"Retry-After": "7"}),
        Page(status=503, headers={"Retry-After": later}),
        Page(status=500),
        Page(b"a;b\n"),
    ]
    sleeps = Sleeps()
    download(client(sleeps), f"{site.url}/a", tmp_path / "x")
    assert sleeps[0] == 7
    assert 40 < sleeps[1] <= 50
    assert sleeps[2] == 4


def test_a_server_that_asks_to_wait_too_long_is_left(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Page(status=429, headers={"Retry-After": "7200"})
    with pytest.raises(WorkFailedError, match="attendre 120 minutes"):
        download(client(), f"{site.url}/a", tmp_path / "x")


def test_a_server_that_stays_down_is_left_after_five_tries(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Page(status=502)
    with pytest.raises(WorkFailedError, match=r"panne \(erreur 502\), après 5 essais"):
        download(client(), f"{site.url}/a?token=abc", tmp_path / "x")
    assert len(site.asked) == 5


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFoundError), (410, NotFoundError), (403, RefusedError), (418, WorkFailedError)],
)
def test_an_error_that_will_stay_is_said_at_once(
    site: Site, tmp_path: Path, status: int, kind: type[Exception]
) -> None:
    site.pages["/a"] = Page(status=status)
    with pytest.raises(kind):
        download(client(), f"{site.url}/a", tmp_path / "x")
    assert len(site.asked) == 1


def test_a_cut_file_is_resumed_in_the_same_version(site: Site, tmp_path: Path) -> None:
    def answer(_: Site, headers: dict[str, str]) -> Page:
        if "range" not in headers:
            return Page(BODY, headers={"ETag": '"v1"'}, cut=30_000)
        assert headers["if-range"] == '"v1"'
        start = int(headers["range"].removeprefix("bytes=").rstrip("-"))
        span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        return Page(BODY[start:], status=206, headers={"ETag": '"v1"', "Content-Range": span})

    site.pages["/a.csv"] = answer
    received = download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY
    assert received.notes == ("L'envoi a été coupé, puis repris.",)
    assert len(site.asked) == 2


def test_a_file_that_changed_between_two_pieces_is_asked_again_whole(site: Site, tmp_path: Path) -> None:
    other = b"x" * 10_000
    site.pages["/a.csv"] = [
        Page(BODY, headers={"ETag": '"v1"'}, cut=30_000),
        Page(other, headers={"ETag": '"v2"'}),
    ]
    download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == other


def test_a_server_that_resumes_wrongly_is_asked_again_whole(site: Site, tmp_path: Path) -> None:
    wrong = Page(BODY[5:], status=206, headers={"ETag": '"v1"', "Content-Range": "bytes 5-9/10"})
    site.pages["/a.csv"] = [Page(BODY, headers={"ETag": '"v1"'}, cut=30_000), wrong, Page(BODY)]
    download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY
    assert "range" not in site.asked[2][1]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}], ids=["no mark", "weak mark"])
def test_a_cut_file_without_a_sure_mark_is_asked_again_whole(
    site: Site, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.pages["/a.csv"] = [Page(BODY, headers=headers, cut=10), Page(BODY, headers=headers)]
    download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY
    assert "range" not in site.asked[1][1]


def test_a_file_that_is_always_cut_does_not_come(site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(BODY, cut=10)
    with pytest.raises(WorkFailedError, match=r"Rien n'a été gardé"):
        download(client(), f"{site.url}/a.csv", tmp_path / "x")


def test_what_is_compressed_for_the_way_is_expanded_and_checked(site: Site, tmp_path: Path) -> None:
    packed = gzip.compress(BODY) + gzip.compress(b"fin\n")
    coded = {"Content-Encoding": "gzip", "ETag": '"1"'}
    site.pages["/a.csv"] = [
        Page(packed[:40], headers=coded),
        Page(packed[:-20], headers={**coded}, length=""),
        Page(packed, headers=coded),
    ]
    download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY + b"fin\n"
    assert "range" not in site.asked[2][1]


def test_a_file_that_is_compressed_stays_as_it_is(site: Site, tmp_path: Path) -> None:
    packed = gzip.compress(BODY)
    site.pages["/a.csv.gz"] = Page(packed, headers={"Content-Type": "application/gzip"})
    download(client(), f"{site.url}/a.csv.gz", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == packed


def test_what_grows_over_the_limit_is_refused(site: Site, tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    site.pages["/bomb"] = Page(bomb, headers={"Content-Encoding": "gzip"})
    site.pages["/huge"] = Page(b"a", length=str(10**15))
    site.pages["/endless"] = Page(BODY, length="", headers={"Connection": "close"})
    for path in ("/bomb", "/huge", "/endless"):
        with pytest.raises(FileRefusedError, match="download"):
            download(client(size=50_000), f"{site.url}{path}", tmp_path / "x")


def test_a_server_that_drips_bytes_is_left(site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(BODY, drip=0.02)
    with pytest.raises(WorkFailedError, match=r"coupé|lentement|temps"):
        download(client(seconds=0.2, tries=1), f"{site.url}/a.csv", tmp_path / "x")
    site.pages["/b.csv"] = Page(b"ab", drip=5.0)
    with pytest.raises(WorkFailedError):
        download(client(silence=0.2, tries=1), f"{site.url}/b.csv", tmp_path / "x")


def test_a_page_in_the_place_of_a_file_is_refused(site: Site, tmp_path: Path) -> None:
    page = Page(b"\xef\xbb\xbf\n<!DOCTYPE html><html>maintenance", headers={"Content-Type": "text/csv"})
    site.pages |= {"/a.csv": page, "/page": page}
    with pytest.raises(FileRefusedError, match="page web, pas par un fichier csv"):
        download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert download(client(), f"{site.url}/page", tmp_path / "x").size == len(page.body)


def test_a_wrong_type_is_no_reason_to_refuse_a_table(site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(b"a;b\n1;2\n", headers={"Content-Type": "text/html"})
    assert download(client(), f"{site.url}/a.csv", tmp_path / "x").size == 8


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
def test_a_file_that_is_not_the_announced_one_is_refused(site: Site, tmp_path: Path, kind: str) -> None:
    site.pages["/a.csv"] = Page(BODY)
    right = hashlib.new(kind, BODY, usedforsecurity=False).hexdigest()
    download(client(), f"{site.url}/a.csv", tmp_path / "x", checksum=Checksum(kind=kind, value=right.upper()))
    wrong = Checksum(kind=kind, value="0" * len(right))
    with pytest.raises(RefusedError, match="n'est pas celle qui était annoncée"):
        download(client(), f"{site.url}/a.csv", tmp_path / "x", checksum=wrong)


def test_a_file_of_unknown_length_is_said_to_be_so(site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(BODY, length="")
    site.pages["/b.csv"] = Page(b"3\r\na;b\r\n0\r\n\r\n", length="", headers={"Transfer-Encoding": "chunked"})
    received = download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert "ne se verrait pas" in received.notes[0]
    assert download(client(), f"{site.url}/b.csv", tmp_path / "y").notes == ()
    assert (tmp_path / "y").read_bytes() == b"a;b"


def test_an_answer_in_pieces_that_ends_too_early_is_asked_again(site: Site, tmp_path: Path) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    site.pages["/a.csv"] = [
        Page(b"9\r\na;b", length="", headers=chunked),
        Page(b"3\r\na;b\r\n0\r\n\r\n", length="", headers=chunked),
    ]
    download(client(), f"{site.url}/a.csv", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"a;b"
    assert len(site.asked) == 2


def test_a_service_that_does_not_speak_json_is_said_to_be_so(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/good": Page(b'{"a": 1}'), "/bad": Page(b"<html>"), "/deep": Page(b"[" * 100_000)}
    assert read_json(client(), f"{site.url}/good", tmp_path) == {"a": 1}
    for path in ("/bad", "/deep"):
        with pytest.raises(WorkFailedError, match="illisible"):
            read_json(client(), f"{site.url}{path}", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_of_the_environment_is_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://ada:pw@127.0.0.1:{site.port}")

    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError

    site.pages["http://donnees.example/a.csv"] = Page(b"a;b\n")
    download(Client(RULES, resolver=unknown), "http://donnees.example/a.csv", tmp_path / "x")
    assert site.asked[0][1]["proxy-authorization"].startswith("Basic ")
    with pytest.raises(RefusedError):
        download(Client(RULES), "http://10.0.0.1/a.csv", tmp_path / "x")


def test_an_address_that_does_not_answer_leaves_its_turn_to_the_next(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Page(b"a;b\n")
    web = Client(RULES, Limits(silence=5), resolver=lambda *_: ("127.0.0.9", "127.0.0.1"))
    assert download(web, f"http://donnees.example:{site.port}/a", tmp_path / "x").size == 4


class Tunnels(socketserver.StreamRequestHandler):
    """A proxy that opens one tunnel to this machine, whatever name is asked for."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        self.asked.append(line.split()[1])
        with socket.create_connection(("127.0.0.1", int(line.split()[1].rpartition(":")[2]))) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            pairs = {self.connection: there, there: self.connection}
            while True:
                for ready in select.select(list(pairs), [], [], 5)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    pairs[ready].sendall(data)


def test_tls_goes_through_a_proxy_to_the_name_that_it_resolves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = _certificate(tmp_path, "donnees.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError

    with serve(context) as site, socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnels) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_address[1]}")
        site.pages["/a"] = Page(b"a;b\n")
        trusting = ssl.create_default_context(cafile=str(certificate))
        web = Client(RULES, Limits(silence=5), resolver=unknown, context=trusting)
        assert download(web, f"https://donnees.example:{site.port}/a", tmp_path / "x").size == 4
        proxy.shutdown()
    assert Tunnels.asked == [f"donnees.example:{site.port}"]


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_tls_is_checked_for_the_name_though_the_connection_goes_to_an_address(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path, "donnees.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serve(context) as site:
        site.pages |= {
            "/a": Page(b"a;b\n"),
            "/down": Page(status=302, headers={"Location": f"http://donnees.example:{site.port}/a"}),
        }
        web = Client(RULES, Limits(silence=5), resolver=lambda *_: ("127.0.0.1",), context=trusting)
        download(web, f"https://donnees.example:{site.port}/a", tmp_path / "x")
        assert names == ["donnees.example"]
        with pytest.raises(WorkFailedError, match="certificat"):
            download(web, f"https://autre.example:{site.port}/a", tmp_path / "x")
        with pytest.raises(RefusedError, match="pas chiffrée"):
            download(web, f"https://donnees.example:{site.port}/down", tmp_path / "x")
    assert threading.active_count() < 20
