"""The customer told about a slip: late, by when now, and that nobody calls to sell meanwhile.

One message for each promise and cycle, by mail. It keeps nothing and proves nothing. The only
writer of Slip.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from config import stopping
from crm import merges
from crm.actors import Actor
from crm.models import Suppression
from crm.workdays import Calendar
from followups import history, plans
from followups.models import Promise, PromiseEvent, Slip
from followups.terms import LETTER_DAYS, Refused, due
from offers import letters, message
from offers.channels import CHANNELS, email
from offers.channels.smtp import Outcome
from offers.models.deliveries import PAPER

log = logging.getLogger("kept.slips")
Clock = Callable[[], datetime]
Post = Callable[[message.Parts, Callable[[], bool]], Outcome]
Status = Slip.Status
TELLER = Actor.sweep("slips")
# What slipped before that is no news: it is not told when the house was down, or has just begun.
NEWS = timedelta(days=2)
# A promise that opens again may have been due long ago.
LONGEST = timedelta(days=60)
LEASE = timedelta(seconds=180)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60))
# After a day it would come with, or after, what it is about.
GIVE_UP = timedelta(days=1)
SHARE = timedelta(seconds=15)
BATCH = 500
# Who is not written to although something is owed to them.
SILENT = (
    Suppression.Kind.DECEASED,
    Suppression.Kind.BEREAVEMENT,
    Suppression.Kind.COMPLAINT,
)


def run(*, clock: Clock, post: Post | None = None) -> int:
    """The slips sweep: finds what has just slipped, and tells it. Ten workers may run it at once.

    `post` takes the place of the mail server.
    """
    if not settings.TELL_CUSTOMERS_OF_SLIPS:
        return 0
    started = clock()
    found = find(at=started)
    _give_up_on_the_unseen(at=started)
    # A quarter of what may be mailed in a minute: the documents themselves go first.
    most = max(1, settings.MAIL_PER_MINUTE[0] // 4)
    told = 0
    while told < most and clock() < started + SHARE and not stopping.asked():
        slip = _claim(at=clock())
        if slip is None:
            break
        try:
            _tell(slip, clock, post or _post(slip))
        except Exception:
            log.exception("a slip could not be told", extra={"slip": slip.pk})
            _settle(slip, Outcome("retry", None, None, "could not be prepared", "prepare"), clock())
        told += 1
    return found + told


def find(*, at: datetime) -> int:
    """A row for each document promise that is broken, once for each of its cycles."""
    told = Slip.objects.filter(promise=OuterRef("pk"), cycle=OuterRef("cycle"))
    again = PromiseEvent.objects.filter(promise=OuterRef("pk"), cause="reopened", at__gt=at - NEWS)
    late = Promise.objects.broken(at).exclude(kind=Promise.Kind.CALLBACK)
    late = late.filter(due_at__gt=at - LONGEST).filter(
        Q(due_at__gt=at - NEWS) | (Q(cycle__gt=1) & Exists(again))
    )
    rows = [
        Slip(promise_id=pk, cycle=cycle, found_at=at, next_try_at=at)
        for pk, cycle in late.filter(~Exists(told)).values_list("pk", "cycle")[:BATCH]
    ]
    Slip.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def _claim(*, at: datetime) -> Slip | None:
    due_now = Slip.objects.filter(
        status__in=(Status.QUEUED, Status.CLAIMED), next_try_at__lte=at
    ).order_by("next_try_at", "pk")
    slip = due_now.select_for_update(skip_locked=True).first()
    if slip is None:
        return None
    Slip.objects.filter(pk=slip.pk).update(
        status=Status.CLAIMED, token=F("token") + 1, tries=F("tries") + 1, next_try_at=at + LEASE
    )
    return Slip.objects.select_related("promise__customer__text", "promise__text").get(pk=slip.pk)


def _give_up_on_the_unseen(*, at: datetime) -> None:
    """Whoever held it died while it left: told perhaps is better than told twice."""
    Slip.objects.filter(status=Status.SENDING, next_try_at__lte=at).update(
        status=Status.UNKNOWN, next_try_at=None
    )


def _tell(slip: Slip, clock: Clock, post: Post) -> None:
    at = clock()
    address = where(slip.promise)
    why = _needless(slip, at=at) or ("" if address else "no_address")
    if why:
        _close(slip, Status.DROPPED, why)
        return
    until = by_when(slip.promise, at=at)
    held = Slip.objects.filter(pk=slip.pk, token=slip.token, status=Status.CLAIMED)

    def begin() -> bool:
        return bool(held.update(status=Status.SENDING, told_date=until))

    outcome = post(parts(slip, address=address, until=until, at=at), begin)
    if outcome.kind != "lost":
        _settle(slip, outcome, clock())


def _needless(slip: Slip, *, at: datetime) -> str:
    """Why this is not told (any more): a code; empty when it is."""
    promise = slip.promise
    if not Promise.objects.broken(at).filter(pk=promise.pk, cycle=slip.cycle).exists():
        return "late_no_more"
    people = merges.group_of([promise.customer_id])
    silent = Suppression.objects.filter(customer__in=people, kind__in=SILENT, lifted_at=None)
    if silent.filter(Q(until_at=None) | Q(until_at__gt=at)).exists():
        return "not_to_be_written_to"
    return ""


def where(promise: Promise) -> str:
    """A mail address at which nothing has failed; empty when none is known."""
    failed = plans.attached(promise).filter(Q(status="failed") | Q(proof__failed=True))
    dead = set(failed.values_list("text__address", flat=True))
    bad = promise.customer.emails.exclude(bad_at=None)
    dead |= set(bad.values_list("address", flat=True))
    known = [promise.text.address, CHANNELS["email"].address_of(promise.customer) or ""]
    return next((one for one in known if "@" in one and one not in dead), "")


def by_when(promise: Promise, *, at: datetime) -> date:
    """The next day on which it can be there: the next working day of its calendar, and for paper
    as many as paper takes."""
    calendar = Calendar.from_dict(promise.calendar)
    channel = promise.plan[promise.plan_step]
    if channel in PAPER:
        try:
            day = due(channel=channel, calendar=calendar, at=at, customer=promise.customer)
        except Refused:
            day = calendar.end_of_working_day(at, LETTER_DAYS)
    else:
        day = calendar.end_of_working_day(at)
    return day.astimezone(ZoneInfo(calendar.zone)).date()


def parts(slip: Slip, *, address: str, until: date, at: datetime) -> message.Parts:
    """The message as it leaves; its Message-ID is the same at every try."""
    promise = slip.promise
    zone = ZoneInfo(promise.calendar["zone"])
    mail = letters.slip_mail(
        language=promise.customer.language,
        customer_name=promise.customer.text.name,
        reference=promise.reference,
        promised_words=promise.text.words,
        promised_on=promise.made_at.astimezone(zone).date(),
        until=until,
        company=settings.COMPANY_NAME,
        contact=settings.COMPANY_CONTACT,
    )
    return message.Parts(
        message_id=f"<slip.{slip.pk}@{settings.MAIL_FROM.rpartition('@')[2]}>",
        mail_from=settings.MAIL_FROM,
        reply_to=settings.REPLY_ADDRESS,
        to_name=promise.customer.text.name,
        to_address=address,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        attachments=[],
        date=at,
    )


def _post(slip: Slip) -> Post:
    def carry(mail: message.Parts, begin: Callable[[], bool]) -> Outcome:
        sender = settings.MAIL_FROM
        return email.transmit(mail=mail, envelope_from=sender, key=f"slip-{slip.pk}", begin=begin)

    return carry


@transaction.atomic
def _settle(slip: Slip, outcome: Outcome, at: datetime) -> None:
    """What is refused for good is not tried elsewhere; what ends in silence is not sent again."""
    if outcome.kind == "sent":
        if _close(slip, Status.SENT, "", sent_at=at):
            promise = Promise.objects.get(pk=slip.promise_id)
            history.note(promise=promise, cause="customer_told", by=TELLER, at=at, slip=slip.pk)
    elif outcome.kind == "retry" and at < slip.found_at + GIVE_UP:
        wait = WAITS[min(slip.tries, len(WAITS)) - 1]
        _held(slip).update(status=Status.QUEUED, next_try_at=at + wait)
    elif outcome.kind == "unknown":
        _close(slip, Status.UNKNOWN, f"smtp_{outcome.stage}")
    else:
        _close(slip, Status.FAILED, f"smtp_{outcome.stage}")


def _held(slip: Slip) -> QuerySet[Slip]:
    return Slip.objects.filter(
        pk=slip.pk, token=slip.token, status__in=(Status.CLAIMED, Status.SENDING)
    )


def _close(slip: Slip, to: str, cause: str, **columns: object) -> bool:
    """False when another has taken it over."""
    return bool(_held(slip).update(status=to, next_try_at=None, cause=cause, **columns))


def doubt(*, begun_only: bool, at: datetime) -> int:
    """In a copy of the house: what waits, and what has slipped since, may have been told."""
    begun = [Status.CLAIMED, Status.SENDING]
    while not begun_only and find(at=at):
        pass
    rows = Slip.objects.filter(status__in=begun if begun_only else [Status.QUEUED, *begun])
    return rows.update(status=Status.UNKNOWN, next_try_at=None, cause="restored")


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: what is being sent is still being sent."""
    Slip.objects.filter(status__in=(Status.CLAIMED, Status.SENDING)).update(
        next_try_at=F("next_try_at") + by
    )
