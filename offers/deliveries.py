"""Deliveries: claims, leases, states. The only writer of Delivery, its events and its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, QuerySet

from config.transactions import joined
from crm.actors import Actor
from crm.models import Customer
from offers.models import Delivery, DeliveryEvent, DeliveryText, Document, OfferVersion
from offers.models.deliveries import PAPER

Status = Delivery.Status
# Longer than all time-outs of one SMTP conversation together (offers/channels/smtp.py).
LEASE = timedelta(seconds=180)
# Waits after a temporary refusal; the last repeats until GIVE_UP after queueing.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
GIVE_UP = timedelta(hours=24)
MOVES = {
    Status.QUEUED: {Status.CLAIMED, Status.CANCELLED},
    Status.RETRY: {Status.CLAIMED, Status.CANCELLED, Status.SENT, Status.FAILED},
    # Whose customer is forgotten before the first byte of the body never leaves.
    Status.CLAIMED: {Status.SENDING, Status.QUEUED, Status.RETRY, Status.FAILED, Status.CANCELLED},
    Status.SENDING: {Status.SENT, Status.RETRY, Status.FAILED, Status.UNKNOWN},
    Status.UNKNOWN: {Status.SENT, Status.FAILED},
    # Only what evidence alone had decided, by more evidence (by_evidence).
    Status.SENT: {Status.FAILED},
    Status.FAILED: {Status.SENT},
}
EVIDENCE = "evidence"
SWEEPER = Actor.sweep("leases")


@dataclass(frozen=True)
class Parcel:
    """What is sent, to whom, with which words. Exactly one of version and document."""

    customer: Customer
    channel: str
    language: str
    to_name: str
    address: str
    reference: str
    words: str
    promised_date: date
    reading_days: int
    version: OfferVersion | None = None
    document: Document | None = None


@joined()
def queue(*, parcel: Parcel, why: str, by: Actor, at: datetime) -> Delivery:
    """A new journey, due at once. A re-send is a new row with who asked and why."""
    delivery = Delivery.objects.create(
        customer=parcel.customer,
        channel=parcel.channel,
        version=parcel.version,
        document=parcel.document,
        language=parcel.language,
        next_try_at=at,
        queued_at=at,
        queued_by=by.code,
        why=why,
    )
    DeliveryText.objects.create(
        delivery=delivery,
        to_name=parcel.to_name,
        address=parcel.address,
        domain="" if parcel.channel in PAPER else parcel.address.rpartition("@")[2].lower(),
        reference=parcel.reference,
        words=parcel.words,
        promised_date=parcel.promised_date,
        reading_days=parcel.reading_days,
    )
    _event(delivery.pk, "", Status.QUEUED, token=0, by=by, at=at, cause=why)
    return delivery


def _event(
    pk: int, source: str, to: str, *, token: int, by: Actor, at: datetime, cause: str
) -> None:
    DeliveryEvent.objects.create(
        delivery_id=pk,
        from_status=source,
        to_status=to,
        token=token,
        at=at,
        by=by.code,
        cause=cause,
    )


def _move(
    rows: QuerySet[Delivery],
    pk: int,
    to: str,
    *,
    sources: Iterable[str],
    by: Actor,
    at: datetime,
    cause: str,
    **columns: object,
) -> bool:
    """Compare-and-set with its event in one transaction; False when somebody was first."""
    settled = {"settled_at": at} if to in {"sent", "failed", "unknown", "cancelled"} else {}
    lease = {} if to in {"claimed", "sending"} else {"lease_until_at": None}
    waiting = {} if to in {"queued", "retry"} else {"next_try_at": None}
    changes = {"status": to, **settled, **lease, **waiting, **columns}
    with transaction.atomic():
        for source in sources:
            if to in MOVES[Status(source)] and rows.filter(pk=pk, status=source).update(**changes):
                token = Delivery.objects.values_list("token", flat=True).get(pk=pk)
                _event(pk, source, to, token=token, by=by, at=at, cause=cause)
                return True
    return False


def claim(*, by: Actor, at: datetime) -> Delivery | None:
    """Takes the next due delivery for LEASE, with a new fencing token; None when none is due.

    Only what leaves over the network: paper waits for its run. Committed before any network is
    touched. Respects MAIL_PER_MINUTE, over all and for each
    recipient domain.
    """
    with transaction.atomic():
        due = _allowed_now(at)
        if due is None:
            return None
        row = due.select_for_update(skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        claimed = _move(
            Delivery.objects.all(),
            row.pk,
            Status.CLAIMED,
            sources=(Status.QUEUED, Status.RETRY),
            by=by,
            at=at,
            cause="claimed",
            token=F("token") + 1,
            tries=F("tries") + 1,
            lease_until_at=at + LEASE,
        )
    return _loaded(row.pk) if claimed else None


def _allowed_now(at: datetime) -> QuerySet[Delivery] | None:
    """Due deliveries that the rate limits let go, oldest first; None when the minute is full."""
    overall, per_domain = settings.MAIL_PER_MINUTE
    minute = DeliveryText.objects.exclude(delivery__channel__in=PAPER).filter(
        delivery__sending_at__gt=at - timedelta(minutes=1), delivery__sending_at__lte=at
    )
    if minute.count() >= overall:
        return None
    busy = minute.values("domain").annotate(n=Count("pk")).filter(n__gte=per_domain)
    return (
        Delivery.objects.filter(status__in=(Status.QUEUED, Status.RETRY), next_try_at__lte=at)
        .exclude(channel__in=PAPER)
        .exclude(text__domain__in=[row["domain"] for row in busy])
        .order_by("next_try_at", "pk")
    )


def _loaded(pk: int) -> Delivery:
    return Delivery.objects.select_related("text", "customer", "version", "document").get(pk=pk)


def held(delivery: Delivery) -> QuerySet[Delivery]:
    """The row as long as the holder's token is the newest: the fence against zombies."""
    return Delivery.objects.filter(pk=delivery.pk, token=delivery.token)


def begin_body(*, delivery: Delivery, by: Actor, at: datetime) -> bool:
    """Just before the first byte of the body: CLAIMED to SENDING, or False and nothing leaves."""
    return _move(
        held(delivery).filter(lease_until_at__gt=at),
        delivery.pk,
        Status.SENDING,
        sources=(Status.CLAIMED,),
        by=by,
        at=at,
        cause="body",
        sending_at=at,
        lease_until_at=at + LEASE,
    )


def settle(
    *,
    delivery: Delivery,
    to: str,
    by: Actor,
    at: datetime,
    cause: str,
    reply_code: int | None = None,
    reply_status: str = "",
    reply: str = "",
) -> bool:
    """How the holder's conversation ended; also out of UNKNOWN, for the last token's holder."""
    columns: dict[str, object] = {"reply_code": reply_code, "reply_status": reply_status}
    if to == Status.RETRY:
        columns["next_try_at"] = at + WAITS[min(delivery.tries, len(WAITS)) - 1]
    sources = (Status.SENDING, Status.CLAIMED, Status.UNKNOWN)
    with transaction.atomic():
        won = _move(
            held(delivery), delivery.pk, to, sources=sources, by=by, at=at, cause=cause, **columns
        )
        if won and reply:
            DeliveryText.objects.filter(pk=delivery.pk).update(reply=reply[:2000])
    return won


def by_evidence(*, delivery: Delivery, stands: bool, left: bool, by: Actor, at: datetime) -> bool:
    """Evidence about a send whose end nobody saw: SENDING or UNKNOWN becomes SENT or FAILED, as all
    the evidence together says; so does what only evidence had decided before.

    What has left although its server said "try again" (RETRY) is not sent a second time.
    """
    decided = DeliveryEvent.objects.filter(delivery=delivery).order_by("-pk").first()
    again = (Status.SENT, Status.FAILED) if decided and decided.cause == EVIDENCE else ()
    to = Status.SENT if stands else Status.FAILED
    return _move(
        Delivery.objects.all(),
        delivery.pk,
        to,
        sources=(Status.SENDING, Status.UNKNOWN, *again, *([Status.RETRY] if left else [])),
        by=by,
        at=at,
        cause=EVIDENCE,
    )


# One statement for a whole list: each row that is still in the source state, with its event.
MOVE_ALL = """
WITH moved AS (
    UPDATE offers_delivery
    SET status = %(to)s::text, token = token + %(step)s, tries = tries + %(step)s,
        next_try_at = NULL,
        sending_at = CASE %(to)s::text WHEN 'sending' THEN %(at)s::timestamptz
            ELSE sending_at END,
        settled_at = CASE WHEN %(to)s::text IN ('failed', 'unknown') THEN %(at)s::timestamptz
            ELSE settled_at END
    WHERE id = ANY(%(ids)s) AND status = %(source)s::text AND channel = ANY(%(paper)s)
    RETURNING id, token
)
INSERT INTO offers_deliveryevent (delivery_id, from_status, to_status, token, at, by, cause)
SELECT id, %(source)s::text, %(to)s::text, token, %(at)s, %(by)s, %(cause)s FROM moved
RETURNING delivery_id
"""


def move_paper(
    *, ids: Sequence[int], source: str, to: str, by: Actor, at: datetime, cause: str
) -> list[int]:
    """Moves what a print run holds, all together; returns those that were still in `source`.

    A run owns its deliveries from QUEUED on: no lease, no token to compare, and the state is
    the fence. A few thousand ids at a time.
    """
    if to not in MOVES[Status(source)]:
        raise ValueError(f"a delivery cannot go from {source} to {to}")
    values: dict[str, Any] = {"ids": list(ids), "source": source, "to": to, "by": by.code, "at": at}
    values |= {"cause": cause, "paper": list(PAPER), "step": int(to == Status.CLAIMED)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MOVE_ALL, values)
        return [pk for (pk,) in cursor.fetchall()]


def cancel(
    *, delivery: Delivery, by: Actor, at: datetime, cause: str, claimed: bool = False
) -> bool:
    """Takes back what has not left; False when it is already on its way. `claimed`: also what
    somebody is preparing, who then finds that it is not theirs any more."""
    return _move(
        Delivery.objects.all(),
        delivery.pk,
        Status.CANCELLED,
        sources=(Status.QUEUED, Status.RETRY, *([Status.CLAIMED] if claimed else [])),
        by=by,
        at=at,
        cause=cause,
    )


def attach_document(*, delivery: Delivery, document: Document) -> None:
    """The rendering that this journey carries; it never changes afterwards."""
    Delivery.objects.filter(pk=delivery.pk, document=None).update(document=document)


ATTACH_ALL = """
UPDATE offers_delivery delivery SET document_id = given.document_id
FROM unnest(%(ids)s::bigint[], %(documents)s::bigint[]) AS given (id, document_id)
WHERE delivery.id = given.id AND delivery.document_id IS NULL
"""


def attach_documents(chosen: Mapping[int, int]) -> None:
    """The same for a print run: the document of each delivery, by their ids."""
    values = {"ids": list(chosen), "documents": list(chosen.values())}
    with connection.cursor() as cursor:
        cursor.execute(ATTACH_ALL, values)


def free_expired(*, at: datetime) -> int:
    """Leases that ran out. CLAIMED goes back to the queue: the zombie's next move fails.

    SENDING becomes UNKNOWN: it may have left, so it is never sent again on this channel.
    """
    freed = 0
    for status, to in ((Status.CLAIMED, Status.QUEUED), (Status.SENDING, Status.UNKNOWN)):
        expired = Delivery.objects.filter(status=status, lease_until_at__lte=at)
        for pk in list(expired.values_list("pk", flat=True)[:1000]):
            freed += _free(expired.filter(pk=pk), pk, to, status, at)
    return freed


@transaction.atomic
def _free(expired: QuerySet[Delivery], pk: int, to: str, source: str, at: datetime) -> bool:
    """Passes over a row whose holder stands still in the middle of a move: its turn comes."""
    if expired.select_for_update(skip_locked=True).first() is None:
        return False
    columns = {"next_try_at": at} if to == Status.QUEUED else {}
    return _move(
        expired, pk, to, sources=(source,), by=SWEEPER, at=at, cause="lease_expired", **columns
    )


def shift_leases(*, by: timedelta) -> None:
    """The demo's clock jumped: who held a delivery a moment ago still holds it."""
    Delivery.objects.filter(lease_until_at__isnull=False).update(
        lease_until_at=F("lease_until_at") + by
    )
