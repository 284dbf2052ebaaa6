"""What comes back finds its delivery by a path that only we can write, and proves what it says."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from offers import bounces, intake
from offers.channels import email
from offers.models import Delivery, Evidence, UnmatchedReport
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, Clock
from tests.offers.journeys import sent


def dsn(delivery: Delivery, *, action: str = "failed", status: str = "5.1.1", **more: str) -> bytes:
    """A delivery report as a relay sends it to the return path."""
    facts = {
        "to": email.return_path(delivery),
        "quoted": email.message_id(delivery),
        "id": "<r1@relay.example>",
        "date": format_datetime(START + MINUTE),
    } | more
    return f"""\
Return-Path: <>
Delivered-To: {facts["to"]}
Date: {facts["date"]}
From: MAILER-DAEMON@relay.example
To: {facts["to"]}
Subject: Delivery Status
Message-ID: {facts["id"]}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It is a report.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; dupont@mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {status} said the server

--b
Content-Type: text/rfc822-headers

Message-ID: {facts["quoted"]}

--b--
""".encode()


def letter(to: str, *, subject: str = "Re: Votre offre", more: str = "", quoted: str = "") -> bytes:
    """A mail that a person, or a person's machine, writes back."""
    return f"""\
Delivered-To: {to}
Date: {format_datetime(START + HOUR)}
From: Mme Dupont <dupont@mail.example>
To: {to}
Subject: {subject}
Message-ID: <l1@mail.example>
In-Reply-To: {quoted or "<x@y>"}
{more}
Bonjour
""".encode()


def receive(raw: bytes, at: Any = START + HOUR) -> bool:
    return bounces.receive(raw=raw, by=SYSTEM, at=at)


def kinds() -> list[str]:
    return list(Evidence.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "failed"),
        ("delivered", "2.0.0", "delivered"),
        ("delayed", "4.4.1", "delayed"),
        ("relayed", "2.0.0", "relayed"),
    ],
)
def test_a_report_becomes_evidence(cast: Cast, action: str, status: str, kind: str) -> None:
    delivery = sent(cast)
    assert receive(dsn(delivery, action=action, status=status))
    row = Evidence.objects.get()
    assert (row.kind, row.delivery, row.occurred_at) == (kind, delivery, START + MINUTE)


def test_the_same_report_again_changes_nothing(cast: Cast) -> None:
    delivery = sent(cast)
    assert receive(dsn(delivery)) and receive(dsn(delivery), START + DAY)
    assert kinds() == ["failed"]


def test_a_forged_seal_finds_nothing(cast: Cast) -> None:
    delivery = sent(cast)
    key = delivery.key.hex
    for forged in (f"bounce+{key}-0123456789@kept.example", f"bounce+{key}@kept.example"):
        assert not receive(dsn(delivery, to=forged, quoted="<nothing@kept.example>"))
    assert kinds() == []


def test_a_sealed_path_of_somebody_else_does_not_open_this_delivery(cast: Cast) -> None:
    mine, other = sent(cast), sent(cast)
    seal = email.return_path(other).partition("@")[0][-10:]
    stolen = f"bounce+{mine.key.hex}-{seal}@kept.example"
    assert email.key_of_return_path(stolen) is None
    assert email.key_of_return_path(email.return_path(mine).upper()) == mine.key


def test_a_report_without_our_path_is_found_by_our_message_id(cast: Cast) -> None:
    delivery = sent(cast)
    assert receive(dsn(delivery, to="postmaster@kept.example"))
    assert not receive(dsn(delivery, to="x@kept.example", quoted=f"<{delivery.key}@other.example>"))


def test_what_matches_nothing_is_kept_once_and_tried_for_seven_days(cast: Cast) -> None:
    delivery = sent(cast)
    stranger = dsn(delivery, to="x@kept.example", quoted="<nothing@kept.example>")
    assert not receive(stranger, START) and not receive(stranger, START + MINUTE)
    row = UnmatchedReport.objects.get()
    asked = []

    def read(raw: bytes, at: Any) -> bool:
        asked.append(at)
        return False

    at = START
    while at < START + 10 * DAY:
        intake.retry(read=read, by=SYSTEM, at=at)
        at += HOUR
    row.refresh_from_db()
    assert (row.next_try_at, row.matched_at) == (None, None)
    assert asked[0] == START + HOUR and asked[-1] == START + 7 * DAY


def test_a_report_that_came_too_early_is_matched_later_as_of_then(cast: Cast) -> None:
    delivery = sent(cast)
    raw = dsn(delivery)
    row = intake.keep(raw=raw, by=SYSTEM, at=START)
    read = lambda raw, at: bounces.take(raw, by=SYSTEM, at=at)  # noqa: E731
    assert intake.retry(read=read, by=SYSTEM, at=START + 2 * DAY) == 1
    row.refresh_from_db()
    assert (row.matched_at, row.matched_by) == (START + 2 * DAY, SYSTEM.code)
    assert Evidence.objects.get().received_at == START + 2 * DAY


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("Absence du bureau", ""),
        ("Re: Votre offre", "Auto-Submitted: auto-replied\n"),
        ("Re: Votre offre", "Precedence: bulk\n"),
    ],
)
def test_an_automatic_answer_is_taken_in_and_proves_nothing(
    cast: Cast, subject: str, more: str
) -> None:
    delivery = sent(cast)
    assert receive(letter(email.return_path(delivery), subject=subject, more=more))
    assert kinds() == [] and not UnmatchedReport.objects.exists()


def test_a_persons_answer_to_our_path_is_the_customers_own_act(cast: Cast) -> None:
    delivery = sent(cast)
    assert receive(letter(email.return_path(delivery)))
    assert list(Evidence.objects.values_list("kind", "grade")) == [("reply", 5)]


def test_an_answer_that_only_quotes_our_message_id_is_not(cast: Cast) -> None:
    delivery = sent(cast)
    assert not receive(letter("answers@kept.example", quoted=email.message_id(delivery)))
    assert kinds() == []


@pytest.mark.parametrize("raw", [b"", b"\0\xff" * 100, b"From: x\n\n", b"a: b\n" * 1000])
def test_rubbish_is_kept_and_harms_nobody(cast: Cast, raw: bytes) -> None:
    assert not receive(raw)
    assert UnmatchedReport.objects.count() == 1


def test_without_an_intake_nobody_has_listened(cast: Cast, settings: Any) -> None:
    settings.BOUNCE_INTAKE = "none"
    bounces.listen(clock=Clock())
    assert not intake.configured()
    assert intake.alive_between(START, START + DAY) == timedelta(0)


@pytest.mark.django_db
def test_listening_time_is_counted_once_where_two_intakes_overlap() -> None:
    for name, start, end in (("sink", 0, 60), ("pipe", 30, 90), ("sink", 120, 150)):
        for minutes in range(start, end + 1, 5):
            intake.seen(name=name, at=START + minutes * MINUTE)
    listened = intake.alive_between(START, START + DAY)
    assert listened == 120 * MINUTE
    assert intake.alive_between(START + HOUR, START + 2 * HOUR) == 30 * MINUTE
