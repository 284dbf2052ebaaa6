"""A mail that must come back does, or nobody counts as listening."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config import env, sink
from offers import bounces, canaries, evidence, intake
from offers.channels import smtp
from offers.channels.smtp import Outcome
from offers.models import Canary, Evidence, IntakeSpan, UnmatchedReport
from tests.cast import DAY, HOUR, MINUTE, NO_SUCH_USER, START, SYSTEM, Cast, Clock
from tests.offers.journeys import happens, sent

ADDRESS = "canary@nowhere.example"
Flown = list[dict[str, Any]]


def home(*, at: datetime) -> Canary:
    """A canary that left at this instant, and came back at once."""
    return Canary.objects.create(sent_at=at, back_at=at)


@pytest.fixture
def flown(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Flown:
    """What left for the mail server, which takes everything. The intake is a pipe."""
    settings.BOUNCE_INTAKE = "pipe"
    found: Flown = []

    def transmit(**facts: Any) -> Outcome:
        found.append(facts)
        return Outcome("sent", 250, None, "", "verdict")

    monkeypatch.setattr(smtp, "transmit", transmit)
    return found


@pytest.fixture
def bounced(flown: Flown, settings: Any) -> Flown:
    """As above, and the canaries have to bounce."""
    settings.CANARY_ADDRESS = ADDRESS
    return flown


def listen(*, begin: datetime = START, hours: int = 1) -> None:
    clock = Clock(begin)
    for _ in range(hours):
        bounces.listen(clock=clock)
        clock.turn(HOUR)


def returned(mail: dict[str, Any], *, kind: Any = "failed", at: datetime = START) -> bytes:
    return sink.dsn(kind, mail["message"], mail["recipient"], mail["envelope_from"], at)


def receive(raw: bytes, *, at: datetime) -> bool:
    return bounces.receive(raw=raw, by=SYSTEM, at=at)


def test_without_an_address_it_goes_straight_to_our_own_return_path(db: None, flown: Flown) -> None:
    listen()
    (mail,) = flown
    assert mail["recipient"] == canaries.path(Canary.objects.get())
    assert not IntakeSpan.objects.exists(), "sending one proves nothing"
    assert receive(f"Delivered-To: {mail['recipient']}\r\n".encode() + mail["message"], at=START)
    assert IntakeSpan.objects.get().intake == "pipe"
    assert canaries.trusted(at=START) and not UnmatchedReport.objects.exists()


def test_with_an_address_only_its_bounce_brings_it_home(db: None, bounced: Flown) -> None:
    listen()
    (mail,) = bounced
    canary = Canary.objects.get()
    assert (mail["recipient"], mail["envelope_from"]) == (ADDRESS, canaries.path(canary))
    assert receive(returned(mail, kind="delivered"), at=START + MINUTE)
    assert not canaries.trusted(at=START + MINUTE), "it should not have been delivered"
    assert receive(returned(mail), at=START + 2 * MINUTE)
    canary.refresh_from_db()
    assert canary.back_at == START + 2 * MINUTE
    assert intake.alive(at=START + 2 * MINUTE)


def test_a_bounce_to_another_address_is_known_by_the_message_it_returns(
    db: None, bounced: Flown
) -> None:
    listen()
    raw = returned(bounced[0]).replace(bounced[0]["envelope_from"].encode(), b"post@kept.example")
    assert receive(raw, at=START + MINUTE)
    assert canaries.trusted(at=START + MINUTE)


def test_it_flies_once_a_day_and_each_hour_while_it_is_lost(db: None, bounced: Flown) -> None:
    listen()
    receive(returned(bounced[0]), at=START + MINUTE)
    listen(begin=START + HOUR, hours=24)
    assert len(bounced) == 2
    listen(begin=START + DAY + HOUR, hours=4)
    assert [row.sent_at - START for row in Canary.objects.order_by("pk")] == [
        timedelta(0),
        DAY,
        DAY + 2 * HOUR,
        DAY + 4 * HOUR,
    ]


def test_nobody_counts_as_listening_while_one_is_lost(db: None, bounced: Flown) -> None:
    listen()
    receive(returned(bounced[0]), at=START)
    listen(begin=START + DAY)
    lost_at = START + DAY + canaries.patience()
    assert canaries.trusted(at=lost_at - MINUTE) and canaries.lost(at=lost_at - MINUTE) == []
    assert canaries.lost(at=lost_at) == [Canary.objects.latest("pk").pk]
    receive(b"From: somebody\r\n\r\nx", at=lost_at)
    assert IntakeSpan.objects.get().seen_at == START
    listen(begin=lost_at)
    receive(returned(bounced[-1]), at=lost_at + MINUTE)
    assert canaries.trusted(at=lost_at + MINUTE), "the next one came home"


def test_a_canary_that_never_flew_again_is_lost_too(db: None, bounced: Flown) -> None:
    home(at=START)
    late = START + canaries.age()
    assert canaries.trusted(at=late - MINUTE)
    assert canaries.lost(at=late) and not canaries.trusted(at=late)


def test_what_our_own_relay_refuses_is_lost_at_once(
    db: None, bounced: Flown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "transmit", lambda **facts: NO_SUCH_USER)
    listen()
    assert Canary.objects.get().refused
    assert canaries.lost(at=START) and not canaries.trusted(at=START)


def test_a_mail_server_that_is_busy_gets_it_at_the_next_turn(
    db: None, bounced: Flown, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Outcome("retry", 451, "4.7.1", "451 later", "rcpt")
    with monkeypatch.context() as patch:
        patch.setattr(smtp, "transmit", lambda **facts: busy)
        listen()
    assert not Canary.objects.exists()
    listen(begin=START + MINUTE)
    assert len(bounced) == 1


@pytest.mark.parametrize("text", ["", "canary-1", "canary-1-0123456789", "canary-x-y", "1-2-3"])
def test_a_token_that_we_did_not_seal_names_none(text: str) -> None:
    assert canaries.number_of(text) is None


def test_a_forged_bounce_brings_none_home(db: None, bounced: Flown) -> None:
    listen()
    forged = f"canary-{Canary.objects.get().pk}-0123456789"
    raw = returned({**bounced[0], "envelope_from": f"bounce+{forged}@kept.example"})
    receive(raw.replace(b"Message-ID", b"X-Other"), at=START)
    assert not canaries.trusted(at=START)


@pytest.fixture
def returning(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The demo's real mail server, which returns what is sent to the canary's address."""
    settings.BOUNCE_INTAKE, settings.SINK_DIR = "sink", tmp_path
    settings.CANARY_ADDRESS = ADDRESS
    with sink.running(tmp_path, bounces=ADDRESS) as url:
        settings.EMAIL_URL = url
        yield tmp_path


def test_the_demos_mail_server_returns_it(db: None, returning: Path) -> None:
    bounces.listen(clock=Clock())
    assert [mail.envelope_to for mail in sink.messages(returning)][1] == ADDRESS
    assert Canary.objects.get().back_at == START
    assert intake.alive(at=START) and not intake.silent(at=START)


def test_a_mail_server_that_returns_nothing_is_nobody_listening(
    db: None, tmp_path: Path, settings: Any
) -> None:
    settings.BOUNCE_INTAKE, settings.SINK_DIR = "sink", tmp_path
    settings.CANARY_ADDRESS = ADDRESS
    with sink.running(tmp_path) as settings.EMAIL_URL:
        bounces.listen(clock=Clock())
        bounces.listen(clock=Clock(START + 3 * HOUR))
    assert intake.silent(at=START + 3 * HOUR)
    assert len(canaries.lost(at=START + 3 * HOUR)) == 1


def test_acceptance_does_not_ripen_while_the_canary_is_lost(cast: Cast, bounced: Flown) -> None:
    delivery = sent(cast)
    happens(delivery, Evidence.Kind.RELAY_ACCEPTED, at=START, ours=True)
    listen(hours=4)
    for hour in range(96):
        evidence.ripen(at=START + hour * HOUR)
    assert not Evidence.objects.filter(kind="quiet").exists()


def test_without_an_intake_none_flies(db: None, settings: Any, flown: Flown) -> None:
    settings.BOUNCE_INTAKE = "none"
    listen()
    assert flown == [] and canaries.trusted(at=START) and canaries.lost(at=START) == []


def test_an_address_that_is_none_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.optional_mail("CANARY_NOT_SET") == ""
    monkeypatch.setenv("CANARY_NOT_SET", "nobody")
    with pytest.raises(env.ImproperlyConfigured, match="CANARY_NOT_SET"):
        env.optional_mail("CANARY_NOT_SET")
