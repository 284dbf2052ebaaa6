"""What can happen to a promise: the table of moves, and with slots.py and poison.py its writer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.transactions import joined
from crm import customers
from crm.actors import Actor
from crm.models import Attempt, User
from followups import deadlines, history, judgement, notices
from followups.history import note as note
from followups.judgement import Judgement
from followups.ladder import Climbs
from followups.models import Escalation, Promise, PromiseDelivery, PromiseText
from followups.models.promises import CALLBACK_TOLERANCE
from followups.terms import Refused, Terms, drawn_up
from offers.evidence import quiet_span
from offers.grades import Fold
from offers.models import Delivery, Document

Status, Track = Promise.Status, Promise.Track
# from -> to: the whole life of a promise. KEPT opens again when its proof is revoked.
MOVES = {
    "": {Status.OPEN},
    Status.OPEN: {Status.KEPT, Status.WITHDRAWN, Status.REPLACED, Status.ERASED},
    Status.KEPT: {Status.KEPT, Status.OPEN, Status.ERASED},
}

# A batch that has climbed: the next rung, and for what is late now and has nothing under way, that.
CLIMB_MANY = """
WITH was AS (
    SELECT p.id, p.rung, t.role, t.told, p.track = 'lateness' AND p.broken_at IS NULL
        AND p.due_at + CASE p.kind WHEN 'callback' THEN %(patience)s::interval
            ELSE interval '0' END <= %(at)s::timestamptz AS breaks
    FROM unnest(%(promises)s::bigint[], %(places)s::int[]) AS d (id, place)
    JOIN unnest(%(roles)s::text[], %(tolds)s::int[]) WITH ORDINALITY AS t (role, told, place)
        USING (place)
    JOIN followups_promise p ON p.id = d.id
), moved AS (
    UPDATE followups_promise p SET rung = p.rung + 1, failures = 0,
        next_rung_at = CASE WHEN w.told > 0 THEN p.rungs[p.rung + 2]
            WHEN p.rungs[p.rung + 2] IS NOT NULL THEN %(at)s::timestamptz END,
        broken_at = CASE WHEN w.breaks THEN %(at)s::timestamptz ELSE p.broken_at END,
        broken_by = CASE WHEN w.breaks THEN %(by)s::text ELSE p.broken_by END
    FROM was w WHERE p.id = w.id
    RETURNING p.id, w.rung, w.role, w.told, w.breaks
)
SELECT array_agg(id)::text, array_agg(rung)::text, array_agg(role)::text, array_agg(told)::text,
    coalesce(array_agg(id) FILTER (WHERE breaks), '{}') FROM moved
"""


@joined()
def make(
    *,
    attempt: Attempt,
    terms: Terms,
    owner: User,
    by: Actor,
    at: datetime,
    replaces: Promise | None = None,
) -> Promise:
    """Writes the promise, its event and its rungs. Raises Refused, and then writes nothing.

    The caller holds the rest of the transaction: the attempt before, the delivery after. The
    promise that it `replaces`, if still open, is closed as that.
    """
    customer = attempt.customer
    if customer is None:
        raise Refused("customer", _("A promise needs a customer and an owner with a team."))
    customers.hold([customer.pk])
    columns = drawn_up(terms, attempt=attempt, owner=owner, by=by, at=at)
    if replaces:  # first: a customer waits for one call-back of a campaign at a time
        columns["campaign"] = replaces.campaign
        _move(replaces, Status.OPEN, Status.REPLACED, by=by, at=at, cause="replaced")
    promise = Promise.objects.create(customer=customer, replaces=replaces, **columns)
    PromiseText.objects.create(promise=promise, words=terms.words, address=terms.address)
    how: dict[str, object] = {"due": "agreed" if terms.due_at else "usual"}
    history.write(promise, "", Status.OPEN, by=by, at=at, cause="made", data=how)
    notices.call_agreed(promise=promise, by=by, at=at)
    customers.note_change(customer=customer, cause="promise_made", at=at)
    return promise


def _move(
    promise: Promise,
    source: str,
    to: str,
    *,
    by: Actor,
    at: datetime,
    cause: str,
    data: dict[str, object] | None = None,
    **columns: object,
) -> bool:
    """Compare-and-set with its event; False when somebody was first."""
    if to not in MOVES[Status(source)]:
        raise ValueError(f"a promise cannot go from {source} to {to}")
    closed: dict[str, object] = {"closed_at": at, "closed_by": by.code, "next_rung_at": None}
    if to == Status.OPEN:
        closed = {"closed_at": None, "closed_by": ""}
    with transaction.atomic():
        rows = Promise.objects.filter(pk=promise.pk, status=source)
        if not rows.update(**{"status": to, **closed, **columns}):
            return False
        history.write(promise, source, to, by=by, at=at, cause=cause, data=data)
        if to not in (Status.OPEN, Status.KEPT):
            notices.call_off(promise=promise, at=at)
        customers.note_change(customer=promise.customer, cause=f"promise_{cause}", at=at)
    promise.refresh_from_db()
    return True


def attach(*, promise: Promise, delivery: Delivery, by: Actor, at: datetime) -> None:
    """From now on this delivery's evidence counts for the promise."""
    PromiseDelivery.objects.create(
        promise=promise, delivery=delivery, attached_at=at, attached_by=by.code
    )
    note(promise=promise, cause="delivery_attached", by=by, at=at, delivery=delivery.pk)


def write_down(*, promise: Promise, document: Document, by: Actor, at: datetime) -> bool:
    """The answer that was promised is written; False when it was before, or is owed no more."""
    rows = Promise.objects.filter(
        pk=promise.pk, status=Status.OPEN, kind=Promise.Kind.WRITTEN_ANSWER, document=None
    )
    if not rows.update(document=document):
        return False
    promise.document = document
    note(promise=promise, cause="answer_written", by=by, at=at, document=document.pk)
    return True


def called_back(*, promise: Promise, attempt: Attempt, by: Actor, at: datetime) -> bool:
    """The call that was promised was made, in this attempt; False when somebody was first."""
    spoken_at = attempt.answered_at or attempt.started_at
    return _move(
        promise,
        Status.OPEN,
        Status.KEPT,
        by=by,
        at=at,
        cause="called_back",
        kept_at=spoken_at,
        settled_at=at,
        readable_at=spoken_at,
    )


def withdraw(*, promise: Promise, reason: str, attempt: Attempt, by: Actor, at: datetime) -> bool:
    """The customer no longer wants it, and said so in this contact; False when it is not open."""
    data: dict[str, object] = {"reason": reason, "attempt": attempt.pk}
    to = Status.WITHDRAWN
    return _move(promise, Status.OPEN, to, by=by, at=at, cause="withdrawn", data=data)


def erase(*, promise: Promise, by: Actor, at: datetime) -> bool:
    """Whom it is owed to was forgotten; False when it is not open."""
    return _move(promise, Status.OPEN, Status.ERASED, by=by, at=at, cause="erased")


def hand_over(*, promise: Promise, owner: User, reason: str, by: Actor, at: datetime) -> None:
    """Somebody else owns it from now on. Its calendar, its rungs and its due time stay."""
    notices.call_off(promise=promise, at=at)
    before = promise.owner_id
    promise.owner, promise.team = owner, owner.team or promise.team
    rows = Promise.objects.filter(pk=promise.pk, status=Status.OPEN)
    rows.update(owner=owner, team=promise.team)
    data: dict[str, object] = {"reason": reason, "before": before, "owner": owner.pk}
    note(promise=promise, cause="reassigned", by=by, at=at, **data)
    notices.call_agreed(promise=promise, by=by, at=at)
    customers.note_change(customer=promise.customer, cause="promise_reassigned", at=at)


def take_step(*, promise: Promise, step: int) -> bool:
    """Moves on along the channel plan; False when somebody was first."""
    rows = Promise.objects.filter(pk=promise.pk, plan_step=promise.plan_step)
    won = bool(rows.update(plan_step=step))
    promise.plan_step = step if won else promise.plan_step
    return won


@transaction.atomic
def weigh(*, promise: Promise, by: Actor, at: datetime) -> Promise:
    """Brings a promise in line with its evidence: kept, open again, or on the other track.

    Idempotent. Holds the customer, then the row: an escalation takes the same row lock, so
    none is written after the proof.
    """
    customers.hold([promise.customer_id])
    row = Promise.objects.select_for_update(of=("self",)).get(pk=promise.pk)
    if row.kind == Promise.Kind.CALLBACK:
        return row  # no document proves a call
    found = judgement.judge(row)
    if found.standing and min(map(judgement.counts_from, found.standing)) > row.due_at:
        # It left after all, but late: nothing stood at due, even if no sweep had looked yet.
        mark_broken(promise=row, by=by, at=at)
    if row.status in (Status.OPEN, Status.KEPT) and found.proof:
        if row.kept_at != found.proof.reached[1]:  # new, or what came first was revoked
            _keep(row, found.proof, by=by, at=at)
    elif row.status == Status.OPEN:
        _retrack(row, found, by=by, at=at)
    elif row.status == Status.KEPT and found.proof is None:
        _reopen(row, by=by, at=at)
        # Another delivery may still stand: then the promise is not late, its proof is pending.
        _retrack(row, found, by=by, at=at)
        if not found.standing and row.due_at <= at:
            mark_broken(promise=row, by=by, at=at)
    return row


def _keep(promise: Promise, proof: Fold, *, by: Actor, at: datetime) -> None:
    kept_at = proof.reached[1]
    late: dict[str, Any] = {}
    if promise.broken_at is None and judgement.counts_from(proof) > promise.due_at:
        # On paper: it left in time, but could not be in hand by then.
        late = {"broken_at": at, "broken_by": by.code}
    _move(
        promise,
        promise.status,
        Status.KEPT,
        by=by,
        at=at,
        cause="proven" if promise.status == Status.OPEN else "proven_otherwise",
        kept_at=kept_at,
        settled_at=promise.settled_at or at,
        readable_at=judgement.readable_at(promise, proof),
        track=Track.PROOF,
        **late,
    )


def _reopen(promise: Promise, *, by: Actor, at: datetime) -> None:
    """What had arrived did not: a new cycle of rungs from now; the due time stays."""
    rungs = deadlines.again(promise, at=at)
    _move(
        promise,
        Status.KEPT,
        Status.OPEN,
        by=by,
        at=at,
        cause="reopened",
        kept_at=None,
        settled_at=None,
        readable_at=None,
        cycle=promise.cycle + 1,
        track=Track.LATENESS,
        rung=0,
        rungs=rungs,
        next_rung_at=rungs[0],
        proof_expected_at=None,
    )


def _retrack(promise: Promise, found: Judgement, *, by: Actor, at: datetime) -> None:
    """Which rungs count now: those of lateness, or those of proof while a delivery stands."""
    if not found.standing:
        if promise.track == Track.PROOF:
            _back_to_lateness(promise, by=by, at=at)
        return
    expected = min((span[1] for span in map(quiet_span, found.standing) if span), default=at)
    if promise.track == Track.PROOF and promise.proof_expected_at is not None:
        same_kind = expected == promise.proof_expected_at or expected == at
        if same_kind:
            return
    rungs = deadlines.proof(promise, expected_at=expected)
    _set_track(promise, Track.PROOF, rungs, expected)
    note(promise=promise, cause="in_delivery", by=by, at=at)


def _back_to_lateness(promise: Promise, *, by: Actor, at: datetime) -> None:
    _set_track(promise, Track.LATENESS, deadlines.lateness(promise), None)
    note(promise=promise, cause="nothing_stands", by=by, at=at)
    if promise.due_at <= at:
        mark_broken(promise=promise, by=by, at=at)


def _set_track(
    promise: Promise, track: str, rungs: list[datetime], expected: datetime | None
) -> None:
    """Puts the promise on a track at the first rung that this cycle has not climbed yet."""
    climbed = Escalation.objects.filter(promise=promise, cycle=promise.cycle, track=track).count()
    Promise.objects.filter(pk=promise.pk).update(
        track=track,
        rung=climbed,
        rungs=rungs,
        next_rung_at=rungs[climbed] if climbed < len(rungs) else None,
        proof_expected_at=expected,
    )
    promise.refresh_from_db()


def retime(
    *, promise: Promise, columns: dict[str, Any], data: dict[str, object], by: Actor, at: datetime
) -> bool:
    """Its due time and rungs by another calendar; False when it has changed since it was read."""
    seen = {name: getattr(promise, name) for name in ("due_at", "cycle", "track", "rung", "rungs")}
    rows = Promise.objects.filter(pk=promise.pk, status=Status.OPEN, **seen)
    if not rows.update(**columns):
        return False
    note(promise=promise, cause="recomputed", by=by, at=at, **data)
    return True


def mark_broken(*, promise: Promise, by: Actor, at: datetime) -> bool:
    """Due has passed and nothing stands: written once, and never taken back in the figures."""
    rows = Promise.objects.overdue(at).filter(pk=promise.pk, track=Track.LATENESS, broken_at=None)
    if not rows.update(broken_at=at, broken_by=by.code):
        return False
    note(promise=promise, cause="broken", by=by, at=at)
    promise.refresh_from_db()
    return True


def climbed(*, promise: Promise, next_rung_at: datetime | None) -> None:
    """A rung was climbed; the next one is due then, or never."""
    Promise.objects.filter(pk=promise.pk).update(
        rung=promise.rung + 1, next_rung_at=next_rung_at, failures=0
    )


def climbed_many(
    climbs: Climbs, *, told: Sequence[tuple[str, int]], by: Actor, at: datetime
) -> None:
    """climbed() and mark_broken() for a batch, with their events.

    `told` says of each place the role, and how many people were told: with nobody the next rung
    comes at once.
    """
    values: dict[str, Any] = {
        "promises": climbs.promises,
        "places": climbs.places,
        "roles": [role for role, _told in told],
        "tolds": [number for _role, number in told],
        "patience": CALLBACK_TOLERANCE,
        "at": at,
        "by": by.code,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLIMB_MANY, values)
        moved = cursor.fetchone()
    history.note_climbs(*moved[:4], by=by, at=at)
    history.note_many(moved[4], cause="broken", by=by, at=at)
