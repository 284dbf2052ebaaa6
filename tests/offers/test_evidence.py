"""Evidence: written once, believed within reason, ripened by time in which somebody listened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from crm.models import Suppression
from offers import deliveries, evidence, intake
from offers.models import Delivery, DeliveryProof, Evidence
from offers.signals import evidence_recorded
from tests.cast import DAY, HOUR, MINUTE, SILENCE, START, SYSTEM, Cast
from tests.offers.journeys import Kind, fresh, happens, sending, sent, settle


def listening(start: datetime, until: datetime) -> None:
    """A bounce intake that was alive all the time."""
    at = start
    while at <= until:
        intake.seen(name="sink", at=at)
        at += 5 * MINUTE


def proof(delivery: Delivery) -> DeliveryProof:
    return DeliveryProof.objects.get(pk=delivery.pk)


def test_an_event_is_written_once(cast: Cast) -> None:
    delivery = sent(cast)
    assert happens(delivery, Kind.DELIVERED, at=START, event_id="same")
    assert happens(delivery, Kind.DELIVERED, at=START + HOUR, event_id="same") is None
    assert happens(delivery, Kind.DELIVERED, at=START, event_id="same", source="other")
    assert delivery.evidence.count() == 2


def test_evidence_is_never_edited(cast: Cast) -> None:
    happens(sent(cast), Kind.DELIVERED, at=START)
    with pytest.raises(DatabaseError), transaction.atomic():
        Evidence.objects.update(kind="failed")
    with pytest.raises(DatabaseError), transaction.atomic():
        Evidence.objects.all().delete()


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        (START + MINUTE, START + MINUTE),
        (START - MINUTE, START + HOUR),  # before it was sent
        (START + 2 * HOUR, START + HOUR),  # after we heard of it
    ],
)
def test_a_strangers_clock_counts_only_between_sending_and_now(
    cast: Cast, said: datetime, believed: datetime
) -> None:
    delivery = sent(cast)
    row = happens(delivery, Kind.DELIVERED, at=START + HOUR, occurred_at=said)
    assert row
    assert (row.occurred_at, row.occurred_clamped) == (believed, said != believed)


def test_what_the_last_mile_took_ripens_after_a_quiet_day(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.DELIVERED, at=START)
    assert evidence.ripen(at=START + DAY - MINUTE) == 0
    assert evidence.ripen(at=START + DAY) == 1
    assert proof(delivery).grade == 3
    assert evidence.ripen(at=START + 2 * DAY) == 0
    assert delivery.evidence.filter(kind="quiet").count() == 1


def test_what_only_the_relay_took_never_ripens_while_nobody_listens(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.RELAY_ACCEPTED, at=START)
    for days in range(2, 40):
        assert evidence.ripen(at=START + days * DAY) == 0
    assert proof(delivery).grade == 1


def test_it_ripens_after_two_days_of_listening(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.RELAY_ACCEPTED, at=START)
    listening(START, START + 2 * DAY)
    assert evidence.ripen(at=START + 2 * DAY - MINUTE) == 0
    assert evidence.ripen(at=START + 2 * DAY) == 1
    assert proof(delivery).grade == 3


def test_a_silence_of_the_intake_does_not_count(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.RELAY_ACCEPTED, at=START)
    listening(START, START + DAY)
    listening(START + 2 * DAY, START + 3 * DAY)
    assert evidence.ripen(at=START + 2 * DAY) == 0
    assert evidence.ripen(at=START + 3 * DAY - HOUR) == 0
    assert evidence.ripen(at=START + 3 * DAY) == 1


def test_the_relays_queue_lifetime_lengthens_the_quiet_period(cast: Cast, settings: Any) -> None:
    settings.RELAY_QUEUE_HOURS = 120
    delivery = sent(cast)
    happens(delivery, Kind.RELAY_ACCEPTED, at=START)
    assert proof(delivery).ripens_at == START + timedelta(hours=120)


def test_a_report_of_delay_starts_the_quiet_period_anew(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.DELIVERED, at=START)
    happens(delivery, Kind.DELAYED, at=START + 20 * HOUR)
    assert evidence.ripen(at=START + DAY) == 0
    assert evidence.ripen(at=START + DAY + 20 * HOUR) == 1


@pytest.mark.parametrize("first", [Kind.DELIVERED, Kind.FAILED])
def test_a_late_bounce_revokes_whatever_came_first(cast: Cast, first: str) -> None:
    delivery = sent(cast)
    second = Kind.FAILED if first == Kind.DELIVERED else Kind.DELIVERED
    happens(delivery, first, at=START + HOUR)
    happens(delivery, second, at=START + 2 * HOUR)
    assert (proof(delivery).grade, proof(delivery).failed) == (0, True)
    assert proof(delivery).ripens_at is None


def test_a_bounce_after_ripening_revokes_too(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.DELIVERED, at=START)
    evidence.ripen(at=START + DAY)
    happens(delivery, Kind.FAILED, at=START + 3 * DAY)
    assert (proof(delivery).grade, proof(delivery).failed) == (0, True)


def test_a_hard_failure_marks_the_address_and_a_soft_one_does_not(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.FAILED, at=START, hard=False)
    assert cast.dupont.emails.get().bad_at is None
    happens(delivery, Kind.FAILED, at=START + HOUR, hard=True, event_id="second")
    assert cast.dupont.emails.get().bad_at == START + HOUR


def test_a_complaint_ends_sales_and_fails_nothing(cast: Cast) -> None:
    delivery = sent(cast)
    row = happens(delivery, Kind.COMPLAINT, at=START)
    assert row
    assert (proof(delivery).grade, proof(delivery).failed) == (2, False)
    wish = Suppression.objects.get(customer=cast.dupont)
    assert (wish.kind, wish.proof) == ("complaint", f"evidence:{row.pk}")


@pytest.mark.parametrize(("kind", "status"), [(Kind.DELIVERED, "sent"), (Kind.FAILED, "failed")])
def test_evidence_settles_a_send_whose_end_nobody_saw(cast: Cast, kind: str, status: str) -> None:
    delivery = sending(cast)
    settle(delivery, SILENCE, at=START)
    assert fresh(delivery).status == "unknown"
    happens(delivery, kind, at=START + HOUR)
    assert fresh(delivery).status == status


def test_evidence_that_comes_while_sending_is_believed(cast: Cast) -> None:
    delivery = sending(cast)
    happens(delivery, Kind.DELIVERED, at=START)
    assert fresh(delivery).status == "sent"


def test_when_the_ear_upstairs_fails_nothing_is_kept(cast: Cast) -> None:
    delivery = sent(cast)

    def deaf(**kwargs: object) -> None:
        raise RuntimeError("upstairs")

    evidence_recorded.connect(deaf)
    try:
        with pytest.raises(RuntimeError, match="upstairs"):
            happens(delivery, Kind.DELIVERED, at=START)
    finally:
        evidence_recorded.disconnect(deaf)
    assert not Evidence.objects.exists() and not DeliveryProof.objects.exists()
    assert happens(delivery, Kind.DELIVERED, at=START)


def test_a_look_that_was_too_early_is_no_difference(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.RELAY_ACCEPTED, at=START)
    evidence.ripen(at=START + 2 * DAY)
    assert proof(delivery).ripens_at == START + 4 * DAY
    assert not evidence.refold(delivery)
    assert proof(delivery).ripens_at == START + 4 * DAY


def test_refolding_mends_a_proof_that_differs(cast: Cast) -> None:
    delivery = sent(cast)
    happens(delivery, Kind.DELIVERED, at=START)
    DeliveryProof.objects.update(grade=5, failed=True)
    assert evidence.refold(delivery)
    assert (proof(delivery).grade, proof(delivery).failed) == (2, False)
    assert not evidence.refold(delivery)


def test_one_row_that_throws_delays_nobody_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = sent(cast), sent(cast, at=START)
    for delivery in (poison, good):
        happens(delivery, Kind.DELIVERED, at=START)
    real = evidence.folded

    def folded(delivery: Delivery) -> object:
        if delivery.pk == poison.pk:
            raise ValueError("poison")
        return real(delivery)

    monkeypatch.setattr(evidence, "folded", folded)
    assert evidence.ripen(at=START + DAY) == 1
    assert proof(good).grade == 3
    assert proof(poison).ripens_at == START + DAY + HOUR


def test_what_arrived_although_the_server_said_later_is_not_sent_again(cast: Cast) -> None:
    delivery = sending(cast)
    deliveries.settle(delivery=delivery, to="retry", by=SYSTEM, at=START, cause="test")
    happens(delivery, Kind.DELIVERED, at=START)
    assert fresh(delivery).status == "sent"
    assert deliveries.claim(by=SYSTEM, at=START + DAY) is None
