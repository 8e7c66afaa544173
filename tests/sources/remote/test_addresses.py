"""A connector reaches the public internet and what an administrator allows, and nothing else."""

from __future__ import annotations

import ipaddress

import pytest

from eclaireur.core.errors import BadValueError, ConfigError, RefusedError, WorkFailedError
from eclaireur.sources.remote.addresses import Rules, parse, resolve, shown

WORDS = """
127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.5.4 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1
100.64.0.1 100.100.100.200 100.127.255.255 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1
192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001::1 100::1 3fff::1 5f00::1
::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::8.8.8.8 ::ffff:0:8.8.8.8
64:ff9b::8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1 2002:808:808:: 2002:7f00:1::
"""
REFUSED = WORDS.split()


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert Rules().refusal(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "185.31.40.1", "2a00:1450:4007:80e::200e", "172.32.0.1"])
def test_a_public_address_may_be_reached(address: str) -> None:
    assert not Rules().refusal(ipaddress.ip_address(address))


def test_an_administrator_allows_networks_and_names() -> None:
    rules = Rules.of(" 10.1.0.0/16, 64:ff9b::/96,minio.interne,192.168.1.7 ")
    asked = ("10.1.255.1", "192.168.1.7", "192.168.1.8", "64:ff9b::808:808", "64:ff9b::7f00:1")
    refused = [address for address in asked if rules.refusal(ipaddress.ip_address(address))]
    assert refused == ["192.168.1.8", "64:ff9b::7f00:1"]
    inside = resolve(parse("http://minio.interne/a"), rules, lambda *_: ("10.9.9.9",))
    assert [str(one) for one in inside] == ["10.9.9.9"]
    with pytest.raises(ConfigError, match="ni un réseau ni un nom"):
        Rules.of("10.1.0.0/16 et le reste")


def test_one_forbidden_address_among_those_of_a_name_is_enough() -> None:
    with pytest.raises(RefusedError, match="allowed_addresses"):
        resolve(parse("https://a.fr/"), Rules(), lambda *_: ("8.8.8.8", "10.0.0.1"))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_however_it_is_written_this_machine_is_refused(host: str) -> None:
    with pytest.raises((RefusedError, WorkFailedError, BadValueError)):
        resolve(parse(f"http://{host}/"), Rules())


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://a.fr/",
        "ftp://a.fr/x",
        "//a.fr/x",
        "https:///x",
        "https://ada:secret@a.fr/",
        "https://a.fr\\@127.0.0.1/",
        "https://a.fr/\r\nX: y",
        "https://a b.fr/",
        "https://a.fr:port/",
        "https://[::1/",
        "https://" + "a" * 9000,
    ],
)
def test_what_is_no_plain_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(BadValueError) as refusal:
        parse(url)
    assert "secret" not in str(refusal.value).replace("rien de secret", "")


def test_a_name_in_french_is_put_in_ascii() -> None:
    assert parse("https://École.fr./é").host == "xn--cole-9oa.fr"


def test_what_is_shown_has_no_secret() -> None:
    url = "https://a.fr/x?X-Amz-Signature=abc&apikey=def&page=2"
    assert "abc" not in shown(url)
    assert "def" not in shown(url)
    assert "page=2" in shown(url)
    assert shown("https://a.fr/x?q=a%20b") == "https://a.fr/x?q=a%20b"
