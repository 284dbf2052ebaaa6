"""Where a webhook may go: nowhere inside the house, however it is spelled."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from followups.webhooks import addresses, wire
from followups.webhooks.addresses import BadAddress, Forbidden

INSIDE = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
]
OUTSIDE = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:400e:80c::200e"]
Leads = Callable[..., None]


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Leads:
    """What the name service says from now on."""

    def to(*found: str) -> None:
        def look_up(host: str, port: int, **more: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return to


@pytest.mark.parametrize("text", INSIDE)
def test_no_address_inside_is_allowed(text: str) -> None:
    assert not addresses.allowed(ipaddress.ip_address(text), scheme="https")


@pytest.mark.parametrize("text", OUTSIDE)
def test_the_public_internet_is_by_https_only(text: str) -> None:
    assert addresses.allowed(ipaddress.ip_address(text), scheme="https")
    assert not addresses.allowed(ipaddress.ip_address(text), scheme="http")


def test_networks_of_the_settings_are_allowed_and_no_others(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("10.1.0.0/16")]
    told = {
        text: addresses.allowed(ipaddress.ip_address(text), scheme="http")
        for text in ("10.1.2.3", "::ffff:10.1.2.3", "10.2.0.1", "127.0.0.1")
    }
    assert list(told.values()) == [True, True, False, False]


@pytest.mark.parametrize("text", INSIDE)
def test_a_name_that_leads_inside_is_refused(leads: Leads, text: str) -> None:
    leads(text)
    with pytest.raises(Forbidden):
        addresses.resolved(addresses.target_of("https://innocent.example/"))


def test_one_address_inside_among_public_ones_is_enough_to_refuse(leads: Leads) -> None:
    leads(OUTSIDE[0], "10.0.0.1")
    with pytest.raises(Forbidden):
        addresses.resolved(addresses.target_of("https://innocent.example/"))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "017700000001"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises((Forbidden, OSError)):
        addresses.resolved(addresses.target_of(f"https://{host}/"))


def test_the_connection_goes_to_the_address_that_was_judged(
    leads: Leads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads inside a moment later; nobody asks it again."""
    asked: list[Any] = []

    def connect(address: Any, **more: Any) -> socket.socket:
        asked.append(address)
        leads("127.0.0.1")
        raise ConnectionRefusedError

    leads(*OUTSIDE[:2])
    monkeypatch.setattr(socket, "create_connection", connect)
    answer = wire.post("https://innocent.example/", headers={}, body=b"")
    assert answer.error == "connect"
    assert asked == [(OUTSIDE[0], 443), (OUTSIDE[1], 443)]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm.example",
        "ftp://crm.example/",
        "file:///etc/passwd",
        "http://crm.example/",
        "https://",
        "https:///path",
        "https://user:password@crm.example/",
        "https://crm.example/#part",
        "https://crm.example:99999/",
        "https://crm.example/a b",
        "https://crm.example/\r\nX-Injected: 1",
        "https://crm.example/é",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        f"https://crm.example/{'a' * 500}",
    ],
)
def test_what_is_no_public_web_address_is_refused_in_words(url: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.check(url)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://crm.example", "crm.example", "/"),
        ("https://crm.example:443/a?b=c", "crm.example", "/a?b=c"),
        ("https://crm.example:8443/", "crm.example:8443", "/"),
        ("https://[2606:4700::1]:8443/x", "[2606:4700::1]:8443", "/x"),
    ],
)
def test_an_address_is_taken_apart(url: str, authority: str, path: str) -> None:
    addresses.check(url)
    target = addresses.target_of(url)
    assert (target.authority, target.path) == (authority, path)


def test_the_setting_names_networks_and_nonsense_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert env.networks("WEBHOOK_TEST", "") == []
    monkeypatch.setenv("WEBHOOK_TEST", "10.1.0.0/16 fd00:1::/64")
    wanted = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/64")]
    assert env.networks("WEBHOOK_TEST", "") == wanted
    for nonsense in ("10.1.2.3/16", "everything", "10.1.0.0/16,10.2.0.0/16"):
        monkeypatch.setenv("WEBHOOK_TEST", nonsense)
        with pytest.raises(ImproperlyConfigured, match="WEBHOOK_TEST: must be networks"):
            env.networks("WEBHOOK_TEST", "")
