"""Notices: one message to one person, by mail and on screen. The only writer of Notice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import translation

from config import stopping
from crm import calendars, workdays
from crm.actors import Actor
from crm.models import User
from followups import digests, invitations, notice_words, password_letters
from followups.ladder import Climbs, Role
from followups.models import Escalation, Item, Notice, Promise
from offers import message
from offers.channels import smtp

log = logging.getLogger("kept.notices")
Clock = Callable[[], datetime]
Mail = Callable[[list[Notice], datetime], smtp.Outcome]
Status = Notice.Status
LEASE = timedelta(seconds=180)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15))
MOST_TRIES = 96  # a day of them
PEOPLE = 200  # of one sweep
# A rung that waits longer than this to be climbed is left over from an outage; as long as there are
# such, what is not urgent waits for the rest of it, but never longer than this.
BEHIND, PATIENCE = timedelta(seconds=60), timedelta(minutes=10)
OURS = ("compose",)  # where it is not the mail server's silence that keeps a mail back
# What is mailed outside working hours too, and why; all else waits until the team is at work.
AT_ONCE = {
    "lateness_operations": "a rung of operations: the house works while the team sleeps",
    "lateness_management": "likewise",
    "poison": "rows that throw are mended before the team comes",
    "finding": "something that must never be, is",
    "finding_gone": "whoever was called out for it may rest",
    "source_silent": "calls go by unseen as long as it lasts",
    "webhook_dead": "another system hears nothing as long as it lasts",
    "webhook_gone": "likewise",
    "callback_lateness_owner": "the hour of the call is near",
    "callback_lateness_owner_and_team": "a customer sits by the phone",
    invitations.AGREED: "the hour may come before the team opens",
    invitations.CANCELLED: "or somebody calls who should not",
    password_letters.INVITED: "somebody new waits to come in",
    password_letters.ASKED: "somebody waits before the log-in",
    "override_asked": "an agent waits for the answer",
    "override_to_sign": "likewise",
    "withdrawal_to_sign": "likewise, with the customer's word in the balance",
    "arrival_to_sign": "likewise",
    "override_granted": "it holds for half an hour",
    "override_refused": "the agent waits for it",
}


# Nothing is looked up: with a join to the rungs, the server read all that were climbed before.
TELL_MANY = """
INSERT INTO followups_notice (user_id, kind, promise_id, escalation_id, data, at, status, tries,
    next_try_at, sent_at)
SELECT t.user_id, t.kind, r.promise, r.escalation, '{}', %(at)s::timestamptz, t.status, 0,
    t.next_try_at, t.sent_at
FROM unnest(%(promises)s::bigint[], %(escalations)s::bigint[], %(places)s::int[])
    AS r (promise, escalation, place)
JOIN unnest(%(of)s::int[], %(users)s::bigint[], %(kinds)s::text[], %(statuses)s::text[],
    %(next)s::timestamptz[], %(sent)s::timestamptz[])
    AS t (place, user_id, kind, status, next_try_at, sent_at) USING (place)
ON CONFLICT (user_id, escalation_id) DO NOTHING
"""


@dataclass(frozen=True)
class Tell:
    """Who is told what of the rungs that have one place among Climbs."""

    role: str
    kind: str
    callback: bool
    users: list[User]

    def due(self, user: User, at: datetime) -> datetime | None:
        """As when(): a promised call does not wait where a document would."""
        call = f"callback_{self.kind}"
        kind = call if self.callback and call in AT_ONCE else self.kind
        return when(user=user, kind=kind, at=at)


def when(*, user: User, kind: str, at: datetime, promise: Promise | None = None) -> datetime | None:
    """From which instant a notice of this kind may be mailed to this person; None: on screen only.

    In quiet hours that is the next opening of their team, else of the house. Nothing but the
    team is looked up, and once for each User object: `select_related("team")` saves even that.
    """
    if not user.email:
        return None
    if user.role == User.Role.OPERATIONS or notice_words.voiced(kind, promise, at=at) in AT_ONCE:
        return at
    try:
        calendar = calendars.of(user.team, at=at) if user.team else workdays.DEFAULT
        return calendar.next_open(at)
    except ValueError:  # a calendar that never opens again silences nobody
        return at


def in_the_digest(user: User, role: str) -> bool:
    """Management reads one list a day (followups/daily_digest.py), not a mail for each promise."""
    return user.gets_management_digest and role == Role.MANAGEMENT


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
    """Puts one notice into the outbox; None when this person was told of this rung before, or
    hears of it from the daily digest.

    `data` is for the sentence: codes and names of things, nothing personal.
    """
    if escalation and in_the_digest(user, escalation.role):
        return None
    if escalation and Notice.objects.filter(user=user, escalation=escalation).exists():
        return None
    due = when(user=user, kind=kind, at=at, promise=promise)
    return Notice.objects.create(
        user=user,
        kind=kind,
        promise=promise,
        item=item,
        escalation=escalation,
        data=data or {},
        at=at,
        next_try_at=due,
        status=Status.QUEUED if due else Status.SENT,
        sent_at=None if due else at,
    )


def tell_many(climbs: Climbs, *, tells: list[Tell], at: datetime) -> int:
    """Tells everybody of these rungs, as tell() does of one; nobody of the same rung twice. The
    rungs of a place are told by the one at that place."""
    heard = [
        (place, user, tell.kind, tell.due(user, at))
        for place, tell in enumerate(tells, 1)
        for user in tell.users
        if not in_the_digest(user, tell.role)
    ]
    values: dict[str, Any] = {
        "places": climbs.places,
        "promises": climbs.promises,
        "escalations": climbs.escalations,
        "of": [place for place, *_rest in heard],
        "users": [user.pk for _place, user, _kind, _due in heard],
        "kinds": [kind for _place, _user, kind, _due in heard],
        "statuses": [Status.QUEUED if due else Status.SENT for *_rest, due in heard],
        "next": [due for *_rest, due in heard],
        "sent": [None if due else at for *_rest, due in heard],
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(TELL_MANY, values)
        return int(cursor.rowcount)


def call_agreed(*, promise: Promise, by: Actor, at: datetime) -> None:
    """An hour for its owner's calendar, if it is a call that was promised.

    Who agreed to it themselves gets the entry, but nothing new on the bell.
    """
    notice = _call(promise, invitations.AGREED, at)
    if notice and by.code == Actor.person(promise.owner).code:
        Notice.objects.filter(pk=notice.pk).update(read_at=at)


def call_off(*, promise: Promise, at: datetime) -> None:
    """The hour leaves its owner's calendar: it is moved, withdrawn, or somebody else's from now."""
    _call(promise, invitations.CANCELLED, at)


def _call(promise: Promise, kind: str, at: datetime) -> Notice | None:
    """Under the customer's lock: each change of the hour has the next number."""
    if promise.kind != Promise.Kind.CALLBACK or promise.waits:
        return None
    told = Notice.objects.filter(promise=promise, escalation=None)
    changes = told.filter(kind__in=invitations.KINDS).count()
    return tell(user=promise.owner, kind=kind, promise=promise, data={"sequence": changes}, at=at)


def read(*, user: User, at: datetime) -> int:
    """The person looked at the bell."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=at)


def send_due(*, clock: Clock, mail: Mail | None = None) -> int:
    """The notices sweep: one mail to each person with everything that waits for them.

    `mail` takes the place of the mail server: what the demo's past told is not mailed today.
    """
    sent = 0
    for user_id in _people(clock()):
        silent = False
        for letter in digests.letters(_claim(user_id, clock())):
            if not silent:
                outcome = _attempt(mail or _mail, letter, clock())
                silent = outcome.kind == "retry" and outcome.stage not in OURS and not outcome.code
            sent += _settle(letter, outcome, at=clock())
        # Each of the others would wait for a silent server in vain: the next sweep asks again.
        if silent or stopping.asked():
            break
    return sent


def _attempt(mail: Mail, letter: list[Notice], at: datetime) -> smtp.Outcome:
    try:
        return mail(letter, at)
    except Exception:  # one address that is none must not silence the others
        log.exception("notice could not be written", extra={"user": letter[0].user_id})
        return smtp.Outcome("retry", None, None, "", "compose")


def _due(at: datetime) -> QuerySet[Notice]:
    """What may be mailed. After an outage the rungs of days are climbed within minutes, one above
    the other: who is told of the first waits for the others, and is written to once."""
    waiting = Notice.objects.filter(status__in=(Status.QUEUED, Status.CLAIMED))
    due = waiting.filter(next_try_at__lte=at)
    if not Promise.objects.open().filter(next_rung_at__lte=at - BEHIND).exists():
        return due
    urgent = [kind for kind in AT_ONCE if not kind.startswith("lateness_")]
    call = Q(promise__kind=Promise.Kind.CALLBACK)
    return due.filter(call | Q(kind__in=urgent) | Q(next_try_at__lte=at - PATIENCE))


def _people(at: datetime) -> list[int]:
    """For whom something is due. Who could not be reached has one next try, for old and new."""
    put_off = Notice.objects.filter(
        user=OuterRef("user"), status=Status.QUEUED, tries__gt=0, next_try_at__gt=at
    )
    due = _due(at).filter(~Exists(put_off))
    return list(due.order_by("user_id").values_list("user_id", flat=True).distinct()[:PEOPLE])


@transaction.atomic
def _claim(user_id: int, at: datetime) -> list[Notice]:
    """All that is due for this person; nothing while another worker collects it."""
    alone = User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=user_id)
    if alone.first() is None:
        return []
    rows = list(
        _due(at)
        .filter(user=user_id)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "promise__customer", "promise__owner")
        .order_by("pk")
    )
    # The lease is the next try: a worker that dies leaves rows that are due again later.
    Notice.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.CLAIMED, next_try_at=at + LEASE, lease_until_at=at + LEASE
    )
    return rows


def _mail(letter: list[Notice], at: datetime) -> smtp.Outcome:
    user = letter[0].user
    with translation.override(user.language):
        words = digests.compose(letter)
        invitation = invitations.of(letter)
    domain = settings.MAIL_FROM.rpartition("@")[2]
    raw = message.build(
        message_id=f"<notice.{letter[0].pk}@{domain}>",
        mail_from=settings.MAIL_FROM,
        reply_to="",
        to_name=str(user),
        to_address=user.email,
        subject=words.subject,
        text=words.text,
        html=words.html,
        attachments=[],
        date=at,
        invitation=invitation,
    )
    return smtp.transmit(
        url=settings.EMAIL_URL,
        envelope_from=settings.MAIL_FROM,
        recipient=user.email,
        message=raw,
        before_body=lambda: True,
    )


def _settle(letter: list[Notice], outcome: smtp.Outcome, *, at: datetime) -> int:
    """A silent end counts as sent: told perhaps is better here than told twice."""
    rows = Notice.objects.filter(pk__in=[n.pk for n in letter], status=Status.CLAIMED)
    if outcome.kind in {"sent", "unknown"}:
        return rows.update(status=Status.SENT, sent_at=at, next_try_at=None, lease_until_at=None)
    tried = F("tries") + 1
    given_up = rows if outcome.kind == "failed" else rows.filter(tries__gte=MOST_TRIES - 1)
    closed = given_up.update(
        status=Status.FAILED, next_try_at=None, lease_until_at=None, tries=tried
    )
    if closed:
        log.warning("notice refused", extra={"user": letter[0].user_id, "code": outcome.code})
    tries = max(notice.tries for notice in letter)
    wait = WAITS[min(tries, len(WAITS) - 1)]
    rows.update(status=Status.QUEUED, next_try_at=at + wait, lease_until_at=None, tries=tried)
    return 0


def failed() -> QuerySet[Notice]:
    """Whose mail was given up; they still stand on the bell."""
    return Notice.objects.filter(status=Status.FAILED)


def retry(*, notice_id: int, at: datetime) -> bool:
    """Its mail is tried again from the beginning; False when it was not given up."""
    rows = failed().filter(pk=notice_id).exclude(user__email="")
    return bool(rows.update(status=Status.QUEUED, tries=0, next_try_at=at))


def give_up_waiting(*, begun_only: bool) -> int:
    """In a copy of the house: what waits may have been mailed since. The bell still has it."""
    waiting = (Status.CLAIMED,) if begun_only else (Status.QUEUED, Status.CLAIMED)
    rows = Notice.objects.filter(status__in=waiting)
    return rows.update(status=Status.FAILED, next_try_at=None, lease_until_at=None)


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: a mail that is being sent is still being sent."""
    Notice.objects.filter(status=Status.CLAIMED).update(
        next_try_at=F("next_try_at") + by, lease_until_at=F("lease_until_at") + by
    )
