"""What the buttons about an offer do: one function a button, one transaction each.

All of them run under the customer's lock, so that the gate answers by them from the next question
on, and log one inbound contact. A double press does it once: what stands is not done again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.models import Suppression
from crm.suppressions import LASTS
from followups import items, plans, presses, promises, visits
from followups.models import Item, Promise
from followups.presses import Press, Said
from followups.terms import Terms
from followups.visits import Visit
from offers import answers, deliveries, evidence
from offers.channels import CHANNELS, email
from offers.models import Answer, Delivery, Evidence
from offers.sheet import plain
from offers.wording import say

LONGEST_QUESTION = 2_000
QUOTED = 300  # characters of a question in the words of its promise
LEFT = (Delivery.Status.SENT, Delivery.Status.UNKNOWN)
Kind = Answer.Kind
COOLOFF = Suppression.Kind.REFUSAL_COOLOFF


@transaction.atomic
def show(visit: Visit, *, form: str, at: datetime) -> None:
    """The offer is shown on demand: the customer has it (E4). Looking again adds nothing."""
    press = presses.hold(visit, form=form)
    if evidence.folded(visit.delivery).by_customer:
        return
    attempt = presses.contact(press, at=at)
    kind = Evidence.Kind.PRESSED
    presses.prove(press, visit.delivery, attempt=attempt, kind=kind, at=at)


@transaction.atomic
def accept(visit: Visit, *, form: str, at: datetime) -> Said:
    """E5; the owner gets it to carry out, and the customer a confirmation by mail."""
    press = presses.hold(visit, form=form)
    before = answers.decision(visit.version)
    if before and before.kind == Kind.ACCEPTED:
        if press.earlier().exists():
            return Said("accepted")
        return Said("accepted_before", done=False, values={"at": before.at})
    refusal = closed(visit, at=at)
    if refusal:
        return refusal
    _decide(press, Kind.ACCEPTED, at)
    _tell_owner(visit, Item.Kind.ACCEPTED, at)
    _confirm(visit, at)
    return Said("accepted")


@transaction.atomic
def decline(visit: Visit, *, form: str, at: datetime) -> Said:
    """E5, and nobody calls to sell for the cool-off. A change of mind goes to a person."""
    press = presses.hold(visit, form=form)
    before = answers.decision(visit.version)
    again = before is not None and before.kind == Kind.DECLINED
    refusal = None if again else closed(visit, at=at)
    if refusal:
        return refusal
    if not again:
        answer = _decide(press, Kind.DECLINED, at)
        presses.suppress(visit, kind=COOLOFF, because=answer, at=at)
    if before and before.kind == Kind.ACCEPTED:
        _tell_owner(visit, Item.Kind.ANSWER, at)
        return Said("declined_after_all")
    return Said("declined", values={"days": LASTS[COOLOFF].days})


def closed(visit: Visit, *, at: datetime) -> Said | None:
    """Why this offer cannot be decided about; None when it can."""
    if visit.version is None:
        return Said("no_offer", done=False)
    withdrawn_at = visit.version.offer.withdrawn_at
    if withdrawn_at:
        return Said("offer_withdrawn", done=False, values={"at": withdrawn_at})
    until = visits.valid_until(visit, at=at)
    if until and visit.local(at).date() > until:
        return Said("offer_expired", done=False, values={"day": until})
    return None


def _decide(press: Press, kind: str, at: datetime) -> Answer:
    attempt = presses.contact(press, at=at)
    proof = Evidence.Kind.ANSWERED
    presses.prove(press, press.visit.delivery, attempt=attempt, kind=proof, at=at)
    return presses.answer(press, kind=kind, at=at)


def _tell_owner(visit: Visit, kind: str, at: datetime) -> None:
    items.open_for(promise=visit.promise, kind=kind, delivery=visit.delivery, by=visit.by, at=at)


def _confirm(visit: Visit, at: datetime) -> None:
    """Queued as a delivery of its own, so that no crash loses it; none without a mail address."""
    mine = visit.delivery.text.address
    address = mine if "@" in mine else CHANNELS["email"].address_of(visit.customer)
    if not address:
        return
    parcel = deliveries.Parcel(
        customer=visit.customer,
        channel="email",
        language=visit.delivery.language,
        to_name=visit.delivery.text.to_name,
        address=address,
        reference=visit.promise.reference,
        words=visit.promise.text.words,
        promised_date=visit.local(at).date(),
        reading_days=max(1, visit.promise.reading_hours // 24),
        version=visit.version,
    )
    deliveries.queue(parcel=parcel, why=email.CONFIRMATION, by=visit.by, at=at)


@transaction.atomic
def ask(visit: Visit, *, form: str, words: str, at: datetime) -> Said:
    """E4, and a written answer is promised, due in five working days."""
    words = words.replace("\x00", "").strip()
    if not words:
        return Said("question_empty", done=False)
    if len(words) > LONGEST_QUESTION:
        return Said("question_too_long", done=False, values={"most": LONGEST_QUESTION})
    press = presses.hold(visit, form=form)
    asked = Promise.objects.filter(attempt__in=press.earlier().filter(text__note=words))
    promise = asked.first() or _promise_answer(press, words, at)
    return Said("asked", values={"at": promise.due_at, "reference": promise.reference})


def _promise_answer(press: Press, words: str, at: datetime) -> Promise:
    visit = press.visit
    attempt = presses.contact(press, note=words, at=at)
    proof = Evidence.Kind.PRESSED
    presses.prove(press, visit.delivery, attempt=attempt, kind=proof, at=at)
    presses.answer(press, kind=Kind.ASKED, words=words, at=at)
    plan, address = _way_back(visit)
    quoted = plain(words)
    short = quoted if len(quoted) <= QUOTED else quoted[: QUOTED - 1] + "…"
    terms = Terms(
        kind=Promise.Kind.WRITTEN_ANSWER,
        words=say("page_texts", "promise_answer", visit.customer.language, question=short),
        plan=plan,
        address=address,
        # An address whose link was pressed is as good as one that was read back.
        address_accepted=bool(address),
    )
    owner = presses.owner(visit.promise)
    promise = promises.make(attempt=attempt, terms=terms, owner=owner, by=visit.by, at=at)
    plans.start(promise=promise, by=visit.by, at=at)
    return promise


def _way_back(visit: Visit) -> tuple[tuple[str, ...], str]:
    """The channels for an answer: the way the customer came first. No bill is waited for."""
    text = visit.delivery.text
    by_mail = "@" in text.address
    order = ("email", "post") if by_mail else ("post", "email")
    known = [
        channel
        for channel in order
        if channel in CHANNELS
        and ((by_mail and channel == "email") or CHANNELS[channel].address_of(visit.customer))
    ]
    return tuple(known) or ("email",), text.address if by_mail else ""


@transaction.atomic
def never_received(visit: Visit, *, form: str, reference: str, at: datetime) -> Said:
    """Revokes what was sent for this promise so far, and the next channel starts.

    Only the customer's own promises: any other reference changes nothing.
    """
    press = presses.hold(visit, form=form)
    own = Promise.objects.filter(customer=visit.customer, reference=reference)
    promise = own.filter(status__in=(Promise.Status.OPEN, Promise.Status.KEPT)).first()
    if promise is None:
        return Said("no_such_promise", done=False)
    gone = [delivery for delivery in plans.attached(promise).order_by("pk") if left(delivery)]
    if not gone and press.earlier().exists():
        return Said("never_received")
    if not gone:
        return Said("not_sent_yet", done=False)
    attempt = presses.contact(press, at=at)
    answers.record(delivery=gone[-1], kind=Kind.NEVER_RECEIVED, by=visit.by, at=at)
    kind = Evidence.Kind.NEVER_RECEIVED
    for delivery in gone:
        presses.prove(press, delivery, attempt=attempt, kind=kind, at=at)
    return Said("never_received")


def left(delivery: Delivery) -> bool:
    """Whether it has left, and nothing yet says that it did not come."""
    proof = getattr(delivery, "proof", None)
    if proof is None:
        return delivery.status in LEFT
    return proof.grade > 0 or (delivery.status in LEFT and not proof.failed)
