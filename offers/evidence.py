"""Evidence: grades, ripening, revocation. The only writer of Evidence and DeliveryProof."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from crm import customers, forgotten, suppressions
from crm.actors import Actor
from crm.models import Suppression
from offers import deliveries, intake, postal
from offers.grades import GRADE, REVOKING, Fold, fold
from offers.models import Delivery, DeliveryProof, Evidence, EvidenceText
from offers.models.deliveries import PAPER
from offers.signals import evidence_recorded

log = logging.getLogger("kept.evidence")
Kind = Evidence.Kind
SETTLER = Actor.sweep("settle")
# Quiet periods (promises.md): after the last mile took it; after only the next hop took it.
QUIET_AFTER_DELIVERED = timedelta(hours=24)
QUIET_AFTER_ACCEPTED = timedelta(hours=48)
BATCH = 500
FOREIGN = ("esp:", "provider:")


@dataclass(frozen=True)
class Event:
    """Something that happened to a delivery, as a channel or an intake reports it.

    `occurred_at` is the reporter's instant; `ours` says that the reporter is Kept itself.
    """

    source: str
    event_id: str
    kind: str
    occurred_at: datetime
    hard: bool = False
    status_code: str = ""
    words: str = ""
    ours: bool = False


def record(*, delivery: Delivery, event: Event, by: Actor, at: datetime) -> Evidence | None:
    """Writes one event, folds, moves the delivery and knocks upstairs; None when known before.

    All of it is one transaction under the customer's lock, so that no gate opens on half of it.
    """
    with transaction.atomic():
        customers.hold([delivery.customer_id])
        delivery = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        evidence = _write(delivery, event, by=by, at=at)
        if evidence is None:
            return None
        _side_effects(delivery, evidence, by=by, at=at)
        refold(delivery, anew=True)
        delivery.refresh_from_db()
        evidence_recorded.send(sender=Evidence, delivery=delivery, evidence=evidence, at=at, by=by)
        return evidence


def _write(delivery: Delivery, event: Event, *, by: Actor, at: datetime) -> Evidence | None:
    occurred_at = _believed(delivery, event, at)
    name = named(event.source, event.event_id)
    known = Evidence.objects.filter(source=event.source, event_id=name)
    if known.exists():
        return None
    evidence, new = Evidence.objects.get_or_create(
        source=event.source,
        event_id=name,
        defaults={
            "delivery": delivery,
            "kind": event.kind,
            "grade": GRADE[event.kind],
            "hard": event.hard,
            "status_code": event.status_code,
            "occurred_at": occurred_at,
            "occurred_clamped": occurred_at != event.occurred_at,
            "received_at": at,
            "received_by": by.code,
        },
    )
    if new and event.words and not delivery.customer.erased_at:
        EvidenceText.objects.create(evidence=evidence, words=event.words[:4000])
    return evidence if new else None


def named(source: str, event_id: str) -> str:
    """How an event is kept: what others call it, such as a Message-ID, as a keyed hash only."""
    foreign = source == "mail" or source.startswith(FOREIGN)
    return forgotten.keyed(f"event\n{event_id}").hex() if foreign else event_id


def _believed(delivery: Delivery, event: Event, at: datetime) -> datetime:
    """A third party's clock counts only between the instant of sending and now."""
    earliest = delivery.sending_at or delivery.queued_at
    if event.ours or earliest <= event.occurred_at <= at:
        return event.occurred_at
    return at


def _side_effects(delivery: Delivery, evidence: Evidence, *, by: Actor, at: datetime) -> None:
    """What follows at once: an unseen end is seen, a bad address is marked, a complaint heard."""
    if evidence.grade or evidence.kind in REVOKING:
        left = delivery.evidence.filter(grade__gt=0).exists()
        stands = folded(delivery).stands
        deliveries.by_evidence(delivery=delivery, stands=stands, left=left, by=by, at=at)
    if evidence.kind == Kind.FAILED and evidence.hard:
        customers.mark_bad(customer=delivery.customer, address=delivery.text.address, at=at)
    if evidence.kind == Kind.COMPLAINT:
        suppressions.add(
            customer=delivery.customer,
            kind=Suppression.Kind.COMPLAINT,
            origin=Suppression.Origin.MAIL,
            proof=f"evidence:{evidence.pk}",
            by=by,
            at=at,
        )


def folded(delivery: Delivery) -> Fold:
    """The fold over everything known about a delivery."""
    return fold(delivery.evidence.all(), channel=delivery.channel)


def refold(delivery: Delivery, *, anew: bool = False) -> bool:
    """Brings DeliveryProof up to its evidence; True when it differed. `anew`: there is more of it,
    so that what ripen() put off no longer counts."""
    state = folded(delivery)
    wanted = {
        "grade": state.grade,
        "failed": state.failed,
        "hard": state.hard,
        "first_delayed_at": state.first_delayed_at,
        "ripens_at": _ripens_at(state),
    }
    proof, new = DeliveryProof.objects.get_or_create(delivery=delivery, defaults=wanted)
    other = {name for name, value in wanted.items() if getattr(proof, name) != value}
    later = other == {"ripens_at"} and not anew and _put_off(proof, wanted["ripens_at"])
    if new or not other or later:
        return new
    DeliveryProof.objects.filter(pk=proof.pk).update(**wanted)
    return True


def _put_off(proof: DeliveryProof, ripens_at: object) -> bool:
    """ripen() looked and was too early: a later look at the same evidence is no difference."""
    return isinstance(ripens_at, datetime) and bool(proof.ripens_at and proof.ripens_at > ripens_at)


def _ripens_at(state: Fold) -> datetime | None:
    span = quiet_span(state)
    return span[1] if span else None


def quiet_span(state: Fold) -> tuple[datetime, datetime] | None:
    """From when to when nothing may come back; None when nothing is waiting to ripen.

    A delayed report starts it anew.
    """
    if not 1 <= state.grade < 3:
        return None
    if state.channel in PAPER:
        # Only what left with the post can come back with it.
        left = state.mailed_at
        return (left, postal.quiet_until(state.channel, left, postal.mail_days())) if left else None
    start, length = (
        state.accepted_at,
        max(QUIET_AFTER_ACCEPTED, timedelta(hours=settings.RELAY_QUEUE_HOURS)),
    )
    if state.delivered_at:
        start, length = state.delivered_at, QUIET_AFTER_DELIVERED
    if start is None:
        return None
    start = max(start, state.last_delayed_at or start)
    return start, start + length


def ripen(*, at: datetime) -> int:
    """The settle sweep: what has been quiet long enough becomes E3. One bad row stops nobody."""
    due = DeliveryProof.objects.filter(ripens_at__lte=at).order_by("ripens_at")
    ripened = 0
    for proof in due.select_related("delivery")[:BATCH]:
        try:
            ripened += _ripen_one(proof, at=at)
        except Exception:
            log.exception("could not ripen", extra={"delivery": proof.pk})
            DeliveryProof.objects.filter(pk=proof.pk).update(ripens_at=at + timedelta(hours=1))
    return ripened


@transaction.atomic
def _ripen_one(proof: DeliveryProof, *, at: datetime) -> bool:
    # Under the customer's lock, so that a report in this very instant is not overlooked.
    customers.hold([proof.delivery.customer_id])
    state = folded(proof.delivery)
    span = quiet_span(state)
    if span is None:
        return refold(proof.delivery)
    missing = span[1] - span[0]
    if state.delivered_at is None and state.channel not in PAPER:
        # After E1 only time in which somebody listened for bounces counts (I24).
        missing -= intake.alive_between(span[0], at)
    else:
        missing -= at - span[0]
    if missing > timedelta(0):
        DeliveryProof.objects.filter(pk=proof.pk).update(ripens_at=at + missing)
        return False
    event = Event(
        source="quiet", event_id=str(proof.pk), kind=Kind.QUIET, occurred_at=at, ours=True
    )
    return record(delivery=proof.delivery, event=event, by=SETTLER, at=at) is not None
