"""What a print or mail provider reports: believed once, of what it carries, and of what can be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from offers import deliveries, evidence_sources, provider_reports
from offers.models import Delivery, Evidence, EvidenceSource, PrintLine
from offers.provider_reports import Contradiction, Foreign, Report
from tests.cast import HOUR, MINUTE, START, SYSTEM, Cast
from tests.offers import journeys, paper

Kind = Evidence.Kind
LATER = START + HOUR


def source(carries: str = "mail", name: str = "provider") -> EvidenceSource:
    return evidence_sources.add(name=name, carries=carries, by=SYSTEM, at=START).source


def told(
    by: EvidenceSource, delivery: Delivery, kind: str, *, at: datetime = LATER, **more: Any
) -> tuple[Evidence, bool]:
    report = Report(**{"event_id": "e-1", "kind": kind, "occurred_at": at, **more})
    return provider_reports.take(
        source=by, delivery=delivery, report=report, by=SYSTEM, at=at + MINUTE
    )


def test_what_a_provider_says_is_evidence(cast: Cast) -> None:
    delivery = journeys.sent(cast)
    row, new = told(source(), delivery, Kind.DELIVERED)
    assert (new, row.grade, row.occurred_at, row.source) == (True, 2, LATER, "provider:provider")
    assert journeys.fresh(delivery).proof.grade == 2


def test_the_same_event_again_changes_nothing(cast: Cast) -> None:
    mail, delivery = source(), journeys.sent(cast)
    first, _new = told(mail, delivery, Kind.DELIVERED)
    assert told(mail, delivery, Kind.DELIVERED) == (first, False)
    assert Evidence.objects.count() == 1


def test_the_same_event_told_differently_is_refused(cast: Cast) -> None:
    mail, delivery, other = source(), journeys.sent(cast), journeys.sent(cast)
    told(mail, delivery, Kind.DELIVERED)
    for changed in (
        lambda: told(mail, delivery, Kind.FAILED),
        lambda: told(mail, delivery, Kind.DELIVERED, occurred_at=LATER - MINUTE),
        lambda: told(mail, other, Kind.DELIVERED),
    ):
        with pytest.raises(Contradiction):
            changed()
    assert Evidence.objects.count() == 1


def test_two_providers_may_give_their_events_the_same_name(cast: Cast) -> None:
    delivery = journeys.sent(cast)
    told(source(), delivery, Kind.RELAYED)
    assert told(source(name="other"), delivery, Kind.DELIVERED)[1]


@pytest.mark.parametrize(
    "kind", [Kind.QUIET, Kind.PRESSED, Kind.ANSWERED, Kind.REPLY, Kind.CONFIRMED, Kind.POSTED]
)
def test_no_provider_speaks_for_the_customer_for_time_or_for_another_trade(
    cast: Cast, kind: str
) -> None:
    with pytest.raises(Foreign) as refused:
        told(source(), journeys.sent(cast), kind)
    assert refused.value.field == "kind"
    assert not Evidence.objects.exists()


def test_a_printer_knows_nothing_of_mails_nor_a_mail_service_of_letters(cast: Cast) -> None:
    mail, letter = journeys.sent(cast), paper.queued(cast.dupont, channel="post")
    paper.printed(letter)
    for by, delivery, kind in (
        (source("paper", "press"), mail, Kind.FAILED),
        (source("mail", "mailer"), letter, Kind.FAILED),
    ):
        with pytest.raises(Foreign) as refused:
            told(by, journeys.fresh(delivery), kind, at=paper.PRINTED + HOUR)
        assert refused.value.field == "delivery"


def test_what_has_not_left_cannot_have_arrived(cast: Cast) -> None:
    mail, waiting = source(), journeys.queued(cast)
    with pytest.raises(Contradiction, match="not left"):
        told(mail, waiting, Kind.DELIVERED)
    deliveries.cancel(delivery=waiting, by=SYSTEM, at=START, cause="test")
    with pytest.raises(Contradiction, match="not left"):
        told(mail, waiting, Kind.FAILED)
    assert not Evidence.objects.exists()


def test_a_letter_is_taken_printed_and_posted(cast: Cast) -> None:
    press, letter = source("paper"), paper.queued(cast.dupont, channel="post")
    with pytest.raises(Contradiction):
        told(press, letter, Kind.PRINT_ACCEPTED)
    paper.built(letter)
    told(press, letter, Kind.PRINT_ACCEPTED, at=paper.PRINTED, event_id="taken")
    with pytest.raises(Contradiction):
        told(press, letter, Kind.POSTED, at=paper.PRINTED, event_id="early")


def test_the_list_of_the_run_knows_what_became_of_the_sheet(cast: Cast) -> None:
    press = source("paper")
    posted = paper.queued(cast.dupont, channel="post")
    spoiled = paper.queued(cast.peeters, channel="post")
    paper.printed(posted)
    at = paper.PRINTED + HOUR
    told(press, posted, Kind.POSTED, at=at, event_id="1")
    told(press, spoiled, Kind.FAILED, at=at, event_id="2")
    lines = dict(PrintLine.objects.values_list("delivery", "status"))
    assert lines == {posted.pk: "mailed", spoiled.pk: "spoiled"}
    assert journeys.fresh(posted).status == "sent"
    assert journeys.fresh(spoiled).status == "failed"


def test_a_letter_that_came_back_had_a_bad_address(cast: Cast) -> None:
    press, letter = source("paper"), paper.queued(cast.dupont, channel="post")
    paper.printed(letter)
    row, _new = told(press, letter, Kind.RETURNED, at=paper.PRINTED + HOUR)
    assert row.hard


def test_only_a_failure_can_be_the_addresss_fault(cast: Cast) -> None:
    mail, delivery = source(), journeys.sent(cast)
    assert not told(mail, delivery, Kind.DELAYED, hard=True)[0].hard
    failed, _new = told(mail, delivery, Kind.FAILED, hard=True, event_id="2", status_code="5.1.1")
    assert (failed.hard, failed.status_code) == (True, "5.1.1")


def test_an_instant_that_cannot_be_is_not_believed_and_not_compared(cast: Cast) -> None:
    mail, delivery = source(), journeys.sent(cast)
    row, _new = told(mail, delivery, Kind.DELIVERED, occurred_at=START - HOUR)
    assert (row.occurred_clamped, row.occurred_at) == (True, LATER + MINUTE)
    assert told(mail, delivery, Kind.DELIVERED, occurred_at=START - HOUR) == (row, False)
