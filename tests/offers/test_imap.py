"""The bounce mailbox over IMAP: read to its end, marked after the commit, never twice."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from config import env
from offers import bounces, evidence, imap, intake
from offers.channels import email, smtp
from offers.channels.smtp import Outcome
from offers.models import Evidence, IntakeSpan, UnmatchedReport
from tests.cast import HOUR, MINUTE, START, Cast, Clock
from tests.offers.imap_server import Mailbox
from tests.offers.journeys import sent
from tests.offers.test_bounces import dsn, letter
from tests.offers.test_canaries import home


@pytest.fixture
def mailbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """The mailbox of BOUNCE_INTAKE=imap. Canaries fly into it by themselves."""
    with Mailbox() as box:
        settings.BOUNCE_INTAKE, settings.IMAP_URL = "imap", [box.url]

        def transmit(**facts: Any) -> Outcome:
            box.put(f"Delivered-To: {facts['recipient']}\n".encode() + facts["message"])
            return Outcome("sent", 250, None, "", "verdict")

        monkeypatch.setattr(smtp, "transmit", transmit)
        yield box


def kinds() -> list[str]:
    return list(Evidence.objects.order_by("pk").values_list("kind", flat=True))


def test_every_new_message_is_taken_in_once(cast: Cast, mailbox: Mailbox) -> None:
    delivery = sent(cast)
    mailbox.put(dsn(delivery))
    mailbox.put(letter(email.return_path(delivery)))
    clock = Clock(START + HOUR)
    for _ in range(3):
        bounces.listen(clock=clock)
    assert kinds() == ["failed", "reply"]
    assert not UnmatchedReport.objects.exists()
    assert all(imap.MARK in mail.flags and "\\Seen" not in mail.flags for mail in mailbox.mails)
    assert sum(line.startswith("UID FETCH") for line in mailbox.heard) == len(mailbox.mails)


def test_an_empty_mailbox_is_a_sign_of_life_once_the_canary_came_back(
    cast: Cast, mailbox: Mailbox
) -> None:
    clock = Clock()
    for _ in range(3):
        bounces.listen(clock=clock)
        clock.turn(MINUTE)
    span = IntakeSpan.objects.get()
    assert (span.intake, span.from_at, span.seen_at) == ("imap", START, START + 2 * MINUTE)
    assert intake.alive(at=clock())


def test_nobody_listens_while_no_returned_mail_reaches_the_mailbox(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Outcome("sent", 250, None, "", "verdict")
    monkeypatch.setattr(smtp, "transmit", lambda **facts: lost)
    bounces.listen(clock=Clock())
    assert not IntakeSpan.objects.exists() and not intake.alive(at=START)
    home(at=START)
    bounces.listen(clock=Clock(START + 25 * HOUR))
    assert IntakeSpan.objects.count() == 1
    bounces.listen(clock=Clock(START + 28 * HOUR))
    assert not intake.alive(at=START + 28 * HOUR)


@pytest.mark.parametrize("refused", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_a_mailbox_that_cannot_be_read_is_nobody_listening(
    cast: Cast, mailbox: Mailbox, refused: str, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = sent(cast)
    mailbox.put(dsn(delivery))
    mailbox.refuses = refused
    home(at=START)
    bounces.listen(clock=Clock())
    assert not IntakeSpan.objects.exists()
    assert "cannot be read" in caplog.text and "geheim" not in caplog.text
    mailbox.refuses = ""
    bounces.listen(clock=Clock(START + MINUTE))
    assert kinds() == ["failed"]
    assert intake.alive(at=START + MINUTE)


def test_a_server_that_is_down_is_nobody_listening(cast: Cast, settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"imap://a:b@127.0.0.1:{closed.getsockname()[1]}/INBOX"
        assert imap.poll(url, take=lambda raw: None) is False


def test_who_dies_before_the_mark_reads_again_and_writes_nothing_twice(
    cast: Cast, mailbox: Mailbox
) -> None:
    delivery = sent(cast)
    mailbox.put(dsn(delivery))
    mailbox.refuses = "UID STORE"
    for minute in range(3):
        bounces.listen(clock=Clock(START + minute * MINUTE))
    assert kinds() == ["failed"]


def test_what_could_not_be_committed_is_not_marked_and_stops_no_other(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, real = sent(cast), evidence.record
    first = mailbox.put(dsn(delivery))
    second = mailbox.put(letter(email.return_path(delivery)))
    home(at=START)

    def broken(**facts: Any) -> Any:
        if facts["event"].kind == "failed":
            raise RuntimeError("a fault of ours")
        return real(**facts)

    monkeypatch.setattr(evidence, "record", broken)
    bounces.listen(clock=Clock())
    assert (first.flags, second.flags) == (set(), {imap.MARK})
    assert kinds() == ["reply"] and not IntakeSpan.objects.exists()
    monkeypatch.setattr(evidence, "record", real)
    bounces.listen(clock=Clock())
    assert kinds() == ["reply", "failed"] and imap.MARK in first.flags


def test_where_a_server_keeps_no_marks_of_ours_seen_is_the_mark(cast: Cast) -> None:
    taken: list[bytes] = []
    with Mailbox(keeps_marks=False) as box:
        mail = box.put(b"From: a@mail.example\n\nx\n")
        assert imap.poll(box.url, take=taken.append)
        assert imap.poll(box.url, take=taken.append)
    assert (len(taken), mail.flags) == (1, {"\\Seen"})


def test_several_mailboxes_are_named_with_blanks_between(monkeypatch: pytest.MonkeyPatch) -> None:
    both = "imaps://bounce:x@mail.example/INBOX imap://answers:y@mail.example"
    monkeypatch.setenv("IMAP_URL", both)
    assert env.mailboxes("IMAP_URL", needed=True) == both.split()
    for wrong in ("http://a:b@mail.example", "imaps://mail.example/INBOX", "nonsense"):
        monkeypatch.setenv("IMAP_URL", wrong)
        with pytest.raises(env.ImproperlyConfigured, match="IMAP_URL"):
            env.mailboxes("IMAP_URL", needed=False)
    monkeypatch.delenv("IMAP_URL")
    assert env.mailboxes("IMAP_URL", needed=False) == []
    with pytest.raises(env.ImproperlyConfigured, match="IMAP_URL"):
        env.mailboxes("IMAP_URL", needed=True)


@pytest.mark.skipif(
    "KEPT_TEST_IMAP_URL" not in os.environ,
    reason="no IMAP server of another make at hand (KEPT_TEST_IMAP_URL names a mailbox of one)",
)
def test_a_mailbox_of_another_make_is_read_to_its_end_once() -> None:
    url, taken = os.environ["KEPT_TEST_IMAP_URL"], []
    assert imap.poll(url, take=taken.append)
    before = len(taken)
    assert imap.poll(url, take=taken.append) and len(taken) == before
