"""One POST: what the other side may do, and what is made of it."""

from __future__ import annotations

import ssl
import time
from typing import Any

import pytest

from followups.webhooks import wire
from followups.webhooks.wire import Answer
from tests.followups.webhooks.receiver import Receiver
from tests.offers.channels.test_smtp import certificate


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline for which no test has to wait long."""
    monkeypatch.setattr(wire, "SECONDS", 1.0)


def post(url: str, **more: Any) -> Answer:
    return wire.post(url, headers={"webhook-id": "one"}, body=b"{}", **more)


def test_a_receiver_gets_the_body_and_the_headers(receiver: Receiver) -> None:
    assert post(f"{receiver.url}hooks?from=kept") == Answer(200)
    (heard,) = receiver.heard
    assert (heard.path, heard.body, heard.id) == ("/hooks?from=kept", b"{}", "one")
    assert receiver.url == f"http://{heard.headers['host']}/"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_taken(receiver: Receiver, status: int) -> None:
    receiver.always = status
    assert post(receiver.url).ok


@pytest.mark.parametrize("status", [304, 400, 404, 410, 500, 503])
def test_everything_else_is_not(receiver: Receiver, status: int) -> None:
    receiver.always = status
    assert post(receiver.url) == Answer(status)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.always = "redirect"
    assert post(receiver.url) == Answer(302)
    assert [heard.path for heard in receiver.heard] == ["/"]


def test_who_asks_for_patience_is_heard(receiver: Receiver) -> None:
    receiver.always = "busy"
    assert post(receiver.url) == Answer(429, retry_after=1800)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("slow", "timeout"),
        ("drip", "timeout"),
        ("garbled", "garbled"),
        ("endless", "garbled"),
        ("cut", "connect"),
    ],
)
def test_a_receiver_that_misbehaves_costs_one_deadline_and_no_more(
    receiver: Receiver, act: str, error: str
) -> None:
    receiver.always = act
    begun = time.monotonic()
    answer = post(receiver.url)
    assert (answer.status, answer.error) == (None, error)
    assert time.monotonic() - begun < 5


def test_of_a_large_answer_the_body_is_not_read(receiver: Receiver) -> None:
    receiver.always = "large"
    assert post(receiver.url) == Answer(200)


def test_nobody_at_home_is_no_connection(loopback: None) -> None:
    assert post("http://127.0.0.1:9/") == Answer(None, "connect")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://127.0.0.1/", "http://localhost/"])
def test_where_no_webhook_may_go_none_goes(url: str) -> None:
    assert post(url) == Answer(None, "address")


def test_a_name_that_is_none_leads_nowhere(loopback: None) -> None:
    assert post("https://nobody.invalid/").error == "dns"


def test_only_a_trusted_certificate_is_spoken_to(loopback: None) -> None:
    server, client = certificate()
    with Receiver(tls=server) as receiver:
        assert post(receiver.url, tls=client) == Answer(200)
        assert post(receiver.url) == Answer(None, "tls")
        strict = ssl.create_default_context()
        assert strict.check_hostname and strict.verify_mode == ssl.CERT_REQUIRED
    assert len(receiver.heard) == 1
