"""The customer told about a slip: once, where it can be read, and never as a proof."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest

from crm import customers, suppressions
from followups import amending, escalation, gate, promises, slips
from followups.models import Promise, Slip
from offers import message, sending
from offers.channels import smtp
from offers.channels.smtp import Outcome
from offers.models import Delivery, Evidence
from tests.cast import (
    BUSY,
    DAY,
    DUPONT_MAIL,
    HOUR,
    NO_SUCH_USER,
    SENT,
    SILENCE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    brussels,
    sweeps_alive,
    terms_for,
)
from tests.followups.lists import owed_a_call
from tests.followups.scenes import Kind, accepted, causes, fresh, promised, proven, report
from tests.followups.test_amending import spoken

# Due on Tuesday evening; on Wednesday morning it is late, and Thursday is the next working day.
LATE = brussels("2026-03-04 09:00")
Begin = Callable[[], bool]


class Office:
    """Stands in for the mail server: answers from a script, keeps what it took."""

    def __init__(self) -> None:
        self.script: list[Outcome] = []
        self.taken: list[message.Parts] = []
        self.between: Callable[[], Any] = lambda: None

    def __call__(self, mail: message.Parts, begin: Begin) -> Outcome:
        outcome = self.script.pop(0) if self.script else SENT
        self.between()
        if outcome.stage in {"verdict", "body"} and not begin():
            return Outcome("lost", None, None, "", "data")
        self.taken.append(mail)
        return outcome


@pytest.fixture
def office() -> Iterator[Office]:
    yield Office()


def sweep(office: Office, *, at: datetime = LATE) -> int:
    return slips.run(clock=lambda: at, post=office)


def slip() -> Slip:
    return Slip.objects.get()


def test_who_waits_too_long_is_told_once_with_the_new_day(cast: Cast, office: Office) -> None:
    promise = promised(cast)
    sweep(office, at=promise.due_at - HOUR)
    assert office.taken == []
    for hours in (0, 1, 30):
        sweep(office, at=LATE + hours * HOUR)
    (mail,) = office.taken
    assert mail.to_address == DUPONT_MAIL
    assert promise.reference in mail.subject and promise.reference in mail.text
    assert promise.text.words in mail.text
    assert "5 mars 2026" in mail.text and "5 mars 2026" in mail.html
    assert "personne ne vous appellera" in mail.text
    assert "http" not in mail.text and not mail.attachments
    assert (slip().status, slip().sent_at, slip().told_date) == ("sent", LATE, date(2026, 3, 5))
    assert causes(promise).count("customer_told") == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "Intussen belt niemand"), ("de", "ruft Sie niemand an"), ("en", "nobody will call")],
)
def test_it_speaks_the_customers_language(
    cast: Cast, office: Office, language: str, words: str
) -> None:
    promise = promised(cast)
    customer = promise.customer
    customer.language = language
    row = Slip(pk=1, promise=promise)
    mail = slips.parts(row, address=DUPONT_MAIL, until=date(2026, 3, 5), at=LATE)
    assert words in mail.text and "2026" in mail.text


def test_it_stands_on_the_wire_with_a_stable_id(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    def transmit(*, message: bytes, before_body: Begin, **more: Any) -> Outcome:
        before_body()
        sent.append(email.message_from_bytes(message, policy=email.policy.default))
        return [BUSY, SENT][len(sent) - 1]

    monkeypatch.setattr(smtp, "transmit", transmit)
    promised(cast)
    slips.run(clock=lambda: LATE)
    slips.run(clock=lambda: LATE + HOUR)
    first, second = sent
    assert first["Message-ID"] == second["Message-ID"] == f"<slip.{slip().pk}@kept.example>"
    assert first["Reply-To"] == "answers@kept.example"
    assert slip().status == "sent"


def test_it_keeps_nothing_proves_nothing_and_opens_no_gate(cast: Cast, office: Office) -> None:
    promise = promised(cast)
    before = Delivery.objects.count()
    sweep(office)
    escalation.climb(at=LATE)
    assert promises.weigh(promise=promise, by=SYSTEM, at=LATE).status == "open"
    assert not Evidence.objects.exists()
    assert Delivery.objects.count() == before
    sweeps_alive(LATE)
    (found,) = gate.blocks([cast.dupont], purpose="sales", at=LATE).values()
    assert "open_promise" in {block.code for block in found}


def test_what_left_in_time_and_calls_that_were_promised_are_not_told(
    cast: Cast, office: Office, relay: Relay
) -> None:
    accepted(cast, relay)
    owed_a_call(cast, cast.peeters)
    assert sweep(office, at=LATE + DAY) == 0
    assert not Slip.objects.exists()


def test_an_address_at_which_something_failed_is_not_written_to(
    cast: Cast, office: Office, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    promised(cast)
    sending.send_due(clock=Clock(START))
    sweep(office)
    assert office.taken == []
    assert (slip().status, slip().cause) == ("dropped", "no_address")


def test_another_address_on_file_takes_its_place(cast: Cast, office: Office, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promised(cast)
    sending.send_due(clock=Clock(START))
    customers.add_email(customer=cast.dupont, address="second@mail.example")
    sweep(office)
    assert [mail.to_address for mail in office.taken] == ["second@mail.example"]


@pytest.mark.parametrize("kind", ["deceased", "bereavement", "complaint"])
def test_who_is_not_to_be_written_to_is_not(cast: Cast, office: Office, kind: str) -> None:
    promised(cast)
    suppressions.add(customer=cast.dupont, kind=kind, origin="letter", by=SYSTEM, at=START)
    sweep(office)
    assert office.taken == []
    assert slip().cause == "not_to_be_written_to"


def test_never_call_me_does_not_silence_what_was_asked_for(cast: Cast, office: Office) -> None:
    promised(cast)
    suppressions.add(customer=cast.dupont, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    sweep(office)
    assert len(office.taken) == 1


def test_what_is_on_its_way_by_then_or_agreed_anew_is_told_no_more(
    cast: Cast, office: Office, relay: Relay
) -> None:
    first, second = promised(cast), promised(cast, address="second@mail.example")
    slips.find(at=LATE)
    amending.renegotiate(
        promise=second,
        terms=terms_for(second.version, due_at=LATE + 3 * DAY),
        attempt=spoken(cast, at=LATE),
        reason="later",
        by=SYSTEM,
        at=LATE,
    )
    sending.send_due(clock=Clock(LATE))
    assert fresh(first).status == "open"
    sweep(office, at=LATE + HOUR)
    assert office.taken == []
    assert set(Slip.objects.values_list("status", "cause")) == {("dropped", "late_no_more")}


def test_a_promise_that_opens_again_is_told_in_its_new_cycle(
    cast: Cast, office: Office, relay: Relay
) -> None:
    promise = proven(cast, relay)
    back = LATE + DAY
    report(promise, Kind.NEVER_RECEIVED, at=back)
    customers.add_email(customer=cast.dupont, address="second@mail.example")
    for hours in (1, 2):
        sweep(office, at=back + hours * HOUR)
    assert [mail.to_address for mail in office.taken] == ["second@mail.example"]
    assert (slip().cycle, slip().status) == (2, "sent")


def test_a_server_that_is_busy_is_asked_again_for_a_day(cast: Cast, office: Office) -> None:
    promised(cast)
    office.script = [BUSY, BUSY]
    sweep(office)
    assert (slip().status, slip().tries) == ("queued", 1)
    sweep(office)
    assert slip().tries == 1  # not before its time
    sweep(office, at=LATE + DAY + HOUR)
    assert slip().status == "failed"


def test_what_ends_in_silence_is_not_told_twice(cast: Cast, office: Office) -> None:
    promised(cast)
    office.script = [SILENCE]
    sweep(office)
    sweep(office, at=LATE + HOUR)
    assert (len(office.taken), slip().status) == (1, "unknown")


def test_a_worker_that_died_before_it_left_is_followed_and_after_it_is_not(
    cast: Cast, office: Office
) -> None:
    promised(cast)

    def die() -> None:
        raise KeyboardInterrupt

    office.between = die
    with pytest.raises(KeyboardInterrupt):
        sweep(office)
    office.between = lambda: None
    assert slip().status == "claimed"
    sweep(office, at=LATE + HOUR)
    assert len(office.taken) == 1
    Slip.objects.update(status="sending", sent_at=None, next_try_at=LATE + HOUR)
    sweep(office, at=LATE + 2 * HOUR)
    assert (len(office.taken), slip().status) == (1, "unknown")


def test_whoever_lost_the_row_meanwhile_sends_nothing(cast: Cast, office: Office) -> None:
    promised(cast)
    office.between = lambda: Slip.objects.update(token=99)
    sweep(office)
    assert office.taken == []
    assert slip().status == "claimed"


def test_one_that_cannot_be_written_does_not_stop_the_others(cast: Cast, office: Office) -> None:
    promised(cast)
    promised(cast, address="second@mail.example")
    broken = [True]

    def stumble() -> None:
        if broken.pop() if broken else False:
            raise ValueError("no such letter")

    office.between = stumble
    sweep(office)
    assert sorted(Slip.objects.values_list("status", flat=True)) == ["queued", "sent"]


def test_old_slips_are_no_news_and_the_house_may_say_nothing(
    cast: Cast, office: Office, settings: Any
) -> None:
    promised(cast)
    assert sweep(office, at=LATE + 5 * DAY) == 0
    settings.TELL_CUSTOMERS_OF_SLIPS = False
    assert sweep(office) == 0
    assert not Slip.objects.exists()


def test_a_sweep_takes_a_share_of_the_mails_of_a_minute(
    cast: Cast, office: Office, settings: Any
) -> None:
    settings.MAIL_PER_MINUTE = (8, 8)
    for number in range(4):
        promised(cast, address=f"n{number}@mail.example")
    sweep(office)
    assert len(office.taken) == 2
    sweep(office)
    assert len(office.taken) == 4
    assert Promise.objects.open().count() == 4
