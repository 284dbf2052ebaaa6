"""What a promise's deliveries prove, judged by its own terms. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm import policies
from followups.models import Promise
from offers import postal
from offers.grades import REVOKING, Fold, fold
from offers.models.deliveries import PAPER


@dataclass(frozen=True)
class Judgement:
    """What the attached deliveries add up to for one promise."""

    proof: Fold | None  # the delivery that reached the required grade first
    standing: tuple[Fold, ...]  # every delivery at E1 or better


def judge(promise: Promise) -> Judgement:
    """Folds each attached delivery's evidence. What came before the promise proves nothing for
    it, but what revokes the delivery does so whatever its date. Each channel has its own least
    proof: a letter that followed a mail needs no press of a button."""
    attached = promise.attached.prefetch_related("delivery__evidence")
    folds = [
        fold(
            (
                event
                for event in row.delivery.evidence.all()
                if event.occurred_at >= promise.made_at or event.kind in REVOKING
            ),
            channel=row.delivery.channel,
        )
        for row in attached
    ]
    enough = [f for f in folds if f.grade >= needed(promise, f.channel)]
    first = min(enough, key=lambda f: f.reached[needed(promise, f.channel)], default=None)
    return Judgement(proof=first, standing=tuple(f for f in folds if f.stands))


def needed(promise: Promise, channel: str) -> int:
    """The grade that a delivery on this channel must reach to keep the promise."""
    if channel == promise.plan[0]:
        return promise.required_grade
    try:
        return policies.exactly(promise.policy).grade(channel)
    except (policies.UnknownPolicy, KeyError):
        return promise.required_grade


def readable_at(promise: Promise, proof: Fold) -> datetime:
    """A mail can be read when it was accepted, or when the customer's act shows that it was.

    Paper can be read when the post has had its days, unless the customer's act shows it sooner.
    """
    least = needed(promise, proof.channel)
    unseen = proof.accepted_at is None and proof.delivered_at is None
    if least >= 4 or unseen:
        return proof.reached[min(least, 4)]
    return counts_from(proof)


def counts_from(proof: Fold) -> datetime:
    """The instant by which on time is judged: when it left, or for paper when it can be in hand."""
    if proof.channel not in PAPER or proof.mailed_at is None:
        return proof.reached[1]
    in_hand = postal.readable_at(proof.channel, proof.mailed_at, postal.mail_days())
    return min(in_hand, proof.reached.get(4, in_hand))
