"""The monitor outside: asked once, within seconds; whatever it answers is told and never thrown."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import env, ping
from tests.followups.webhooks.receiver import Receiver

CERTIFICATE = Path(__file__).parent.parent / "offers" / "channels" / "relay.pem"


@pytest.fixture
def monitor() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


def test_it_is_asked_once_at_the_whole_address(monitor: Receiver) -> None:
    assert ping.get(f"{monitor.url}ping/uuid?rid=1") == ""
    assert [heard.path for heard in monitor.heard] == ["/ping/uuid?rid=1"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(404, "HTTP 404"), (500, "HTTP 500"), ("redirect", "HTTP 302"), ("cut", ""), ("garbled", "")],
)
def test_any_other_answer_is_no_yes_and_is_told(
    monitor: Receiver, answer: int | str, said: str
) -> None:
    monitor.always = answer
    error = ping.get(monitor.url)
    assert error == said if said else error
    assert len(monitor.heard) == 1, "nobody is followed"


def test_a_monitor_that_does_not_answer_is_left_after_seconds(
    monitor: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ping, "SECONDS", 0.2)
    monitor.always = "slow"
    assert ping.get(monitor.url) == "TimeoutError"


def test_a_monitor_that_is_not_there_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert ping.get(f"http://127.0.0.1:{closed.getsockname()[1]}/") == "ConnectionRefusedError"


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(CERTIFICATE)
    with Receiver(tls=served) as monitor:
        assert ping.get(monitor.url) == "SSLCertVerificationError"
        trusted = ssl.create_default_context(cafile=str(CERTIFICATE))
        trusted.check_hostname = False
        assert ping.get(monitor.url, tls=trusted) == ""


def test_the_address_is_https_or_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.monitor("MONITOR_NOT_SET") == ""
    for wrong in ("http://hc.example/x", "hc.example", "ftp://hc.example/"):
        monkeypatch.setenv("MONITOR_NOT_SET", wrong)
        with pytest.raises(env.ImproperlyConfigured, match="MONITOR_NOT_SET"):
            env.monitor("MONITOR_NOT_SET")
