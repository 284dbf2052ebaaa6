"""Notices: one message to one person, by mail and on screen. The only writer of Notice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from crm.models import User
from followups.models import Escalation, Item, Notice, Promise
from offers import message
from offers.channels import smtp

log = logging.getLogger("kept.notices")
Clock = Callable[[], datetime]
Mail = Callable[[list[Notice], datetime], smtp.Outcome]
Status = Notice.Status
LEASE = timedelta(seconds=180)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
MOST_TRIES = 24
# What is said to the owner of a promise; and to who stands in, with the owner's name.
OWNERS = {"lateness_owner", "lateness_owner_and_team", "proof_owner"}


TELL_MANY = """
INSERT INTO followups_notice (user_id, kind, promise_id, escalation_id, data, at, status, tries,
    next_try_at, sent_at)
SELECT t.user_id, e.track || '_' || e.role, e.promise_id, e.id, '{}', %(at)s::timestamptz,
    t.status, 0, t.next_try_at, t.sent_at
FROM followups_escalation e JOIN followups_promise p ON p.id = e.promise_id
JOIN unnest(%(owners)s::bigint[], %(roles)s::text[], %(users)s::bigint[], %(statuses)s::text[],
    %(next)s::timestamptz[], %(sent)s::timestamptz[])
    AS t (owner_id, role, user_id, status, next_try_at, sent_at)
    ON t.owner_id = p.owner_id AND t.role = e.role
WHERE e.id = ANY(%(escalations)s::bigint[])
ON CONFLICT (user_id, escalation_id) DO NOTHING
"""


@dataclass(frozen=True)
class Tell:
    """Who is told of the rungs that tell this role about the promises of this owner."""

    owner: int
    role: str
    user: User


def tell(
    *,
    user: User,
    kind: str,
    at: datetime,
    promise: Promise | None = None,
    item: Item | None = None,
    escalation: Escalation | None = None,
    data: dict[str, Any] | None = None,
) -> Notice | None:
    """Puts one notice into the outbox; None when this person was told of this rung before.

    `data` is for the sentence: codes and names of things, nothing personal.
    """
    if escalation and Notice.objects.filter(user=user, escalation=escalation).exists():
        return None
    return Notice.objects.create(
        user=user,
        kind=kind,
        promise=promise,
        item=item,
        escalation=escalation,
        data=data or {},
        at=at,
        next_try_at=at if user.email else None,
        status=Status.QUEUED if user.email else Status.SENT,
        sent_at=None if user.email else at,
    )


def tell_many(*, escalations: list[int], tells: list[Tell], at: datetime) -> int:
    """Tells everybody of these rungs, as tell() does of one; nobody of the same rung twice."""
    mailed = [bool(tell.user.email) for tell in tells]
    values: dict[str, Any] = {
        "escalations": escalations,
        "owners": [tell.owner for tell in tells],
        "roles": [tell.role for tell in tells],
        "users": [tell.user.pk for tell in tells],
        "statuses": [Status.QUEUED if mail else Status.SENT for mail in mailed],
        "next": [at if mail else None for mail in mailed],
        "sent": [None if mail else at for mail in mailed],
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(TELL_MANY, values)
        return int(cursor.rowcount)


def read(*, user: User, at: datetime) -> int:
    """The person looked at the bell."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=at)


def about(notice: Notice) -> str:
    """The reference of the customer whom it is about; empty when it is about nobody."""
    return notice.promise.customer.reference if notice.promise else notice.data.get("customer", "")


def sentence(notice: Notice) -> str:
    """The notice in words, in the language that is active."""
    values: dict[str, Any] = {
        "reference": notice.promise.reference if notice.promise else "",
        "customer": about(notice),
        "owner": str(notice.promise.owner) if notice.promise else "",
        "webhook": "",
        "source": "",
        **notice.data,
    }
    kind = notice.kind
    if notice.promise and notice.promise.kind == Promise.Kind.CALLBACK:
        kind = f"callback_{kind}" if f"callback_{kind}" in SENTENCES else kind
    said = SENTENCES.get(kind, _other)() % values
    return _("For %(owner)s: %(said)s") % {**values, "said": said} if _for_another(notice) else said


def _for_another(notice: Notice) -> bool:
    """Whether somebody is told of what concerns the owner: a deputy, or who leads them."""
    told = notice.kind in OWNERS or (notice.kind.startswith("item_") and notice.kind != "item_left")
    return bool(notice.promise and told and notice.user_id != notice.promise.owner_id)


def _other() -> str:
    return _("Promise %(reference)s needs a look.")


SENTENCES: dict[str, Callable[[], str]] = {
    "lateness_owner": lambda: _(
        "Promise %(reference)s to %(customer)s is due soon, and nothing has arrived yet."
    ),
    "lateness_owner_and_team": lambda: _(
        "Promise %(reference)s to %(customer)s is due now, and nothing has arrived."
    ),
    "lateness_supervisor": lambda: _(
        "Promise %(reference)s of %(owner)s is broken: four working hours late."
    ),
    "lateness_operations": lambda: _(
        "Promise %(reference)s of %(owner)s is broken: one working day late."
    ),
    "lateness_management": lambda: _(
        "Promise %(reference)s of %(owner)s is broken: three working days late."
    ),
    "proof_owner": lambda: _("Promise %(reference)s left in time, but its proof is overdue."),
    "proof_supervisor": lambda: _(
        "Promise %(reference)s of %(owner)s left in time, but nothing proves that it arrived."
    ),
    "item_address_to_fix": lambda: _(
        "The address for promise %(reference)s to %(customer)s does not work: please fix it."
    ),
    "item_plan_exhausted": lambda: _(
        "Promise %(reference)s to %(customer)s cannot be delivered: no way is left."
    ),
    "item_unknown_send": lambda: _(
        "The mail for promise %(reference)s may or may not have left: please decide."
    ),
    "item_answer": lambda: _("%(customer)s answered about promise %(reference)s."),
    "item_answer_to_write": lambda: _(
        "%(customer)s asked a question: please write the answer (promise %(reference)s)."
    ),
    "item_conflict": lambda: _(
        "A call was promised to %(customer)s (%(reference)s), who wants none any more."
    ),
    "item_accepted": lambda: _("%(customer)s accepts the offer of promise %(reference)s."),
    "callback_lateness_owner": lambda: _(
        "You promised to call %(customer)s back (%(reference)s): the time is near."
    ),
    "callback_lateness_owner_and_team": lambda: _(
        "%(customer)s waited an hour for the call that we promised (%(reference)s)."
    ),
    "override_asked": lambda: _("An agent asks you to let one call to %(customer)s through."),
    "override_to_sign": lambda: _(
        "A supervisor let one call to %(customer)s through: over the quota, it needs you too."
    ),
    "override_granted": lambda: _("You may call %(customer)s once, within half an hour."),
    "override_refused": lambda: _("You may not call %(customer)s: your supervisor said no."),
    "source_silent": lambda: _(
        "The dialer %(source)s tells nothing any more: its calls are not seen."
    ),
    "reassigned": lambda: _("Promise %(reference)s to %(customer)s is yours from now on."),
    "item_left": lambda: _("%(owner)s has left something undone for promise %(reference)s."),
    "webhook_dead": lambda: _(
        "The webhook %(webhook)s was tried for three days and not taken: its messages wait for you."
    ),
    "webhook_gone": lambda: _("The webhook %(webhook)s says that it is gone: it was switched off."),
}


def send_due(*, clock: Clock, mail: Mail | None = None) -> int:
    """The notices sweep: one mail to each person with everything that waits for them.

    `mail` takes the place of the mail server: what the demo's past told is not mailed today.
    """
    claimed = _claim(clock())
    sent = 0
    for _user, mine in groupby(claimed, key=lambda notice: notice.user_id):
        batch = list(mine)
        try:
            outcome = (mail or _mail)(batch, clock())
        except Exception:  # one address that is none must not silence the others
            log.exception("notice could not be written", extra={"user": batch[0].user_id})
            outcome = smtp.Outcome("retry", None, None, "", "compose")
        sent += _settle(batch, outcome, at=clock())
    return sent


@transaction.atomic
def _claim(at: datetime) -> list[Notice]:
    due = Notice.objects.filter(status__in=(Status.QUEUED, Status.CLAIMED), next_try_at__lte=at)
    rows = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "promise__customer", "promise__owner")
        .order_by("user_id", "pk")[:500]
    )
    ids = [row.pk for row in rows]
    # The lease is the next try: a worker that dies leaves rows that are due again later.
    Notice.objects.filter(pk__in=ids).update(
        status=Status.CLAIMED, next_try_at=at + LEASE, lease_until_at=at + LEASE
    )
    return rows


def _mail(batch: list[Notice], at: datetime) -> smtp.Outcome:
    user = batch[0].user
    with translation.override(user.language):
        lines = [sentence(notice) for notice in batch]
        subject = lines[0] if len(lines) == 1 else _("%(n)s promises need you") % {"n": len(lines)}
        context = {"lines": lines, "url": f"{settings.BASE_URL}/", "language": user.language}
        text = render_to_string("emails/notice.txt", context)
        html = render_to_string("emails/notice.html", context)
    domain = settings.MAIL_FROM.rpartition("@")[2]
    raw = message.build(
        message_id=f"<notice.{batch[0].pk}@{domain}>",
        mail_from=settings.MAIL_FROM,
        reply_to="",
        to_name=str(user),
        to_address=user.email,
        subject=subject,
        text=text,
        html=html,
        attachments=[],
        date=at,
    )
    return smtp.transmit(
        url=settings.EMAIL_URL,
        envelope_from=settings.MAIL_FROM,
        recipient=user.email,
        message=raw,
        before_body=lambda: True,
    )


def _settle(batch: list[Notice], outcome: smtp.Outcome, *, at: datetime) -> int:
    """A silent end counts as sent: told perhaps is better here than told twice."""
    rows = Notice.objects.filter(pk__in=[n.pk for n in batch], status=Status.CLAIMED)
    if outcome.kind in {"sent", "unknown"}:
        return rows.update(status=Status.SENT, sent_at=at, next_try_at=None, lease_until_at=None)
    tries = batch[0].tries + 1
    if outcome.kind == "failed" or tries >= MOST_TRIES:
        log.warning("notice refused", extra={"user": batch[0].user_id, "code": outcome.code})
        rows.update(status=Status.FAILED, next_try_at=None, lease_until_at=None, tries=tries)
        return 0
    wait = WAITS[min(tries, len(WAITS)) - 1]
    rows.update(status=Status.QUEUED, next_try_at=at + wait, lease_until_at=None, tries=tries)
    return 0


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: a mail that is being sent is still being sent."""
    Notice.objects.filter(status=Status.CLAIMED).update(
        next_try_at=F("next_try_at") + by, lease_until_at=F("lease_until_at") + by
    )
