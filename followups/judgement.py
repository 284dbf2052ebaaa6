"""What a promise's deliveries prove, judged by its own terms. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from followups.models import Promise
from offers.grades import REVOKING, Fold, fold


@dataclass(frozen=True)
class Judgement:
    """What the attached deliveries add up to for one promise."""

    proof: Fold | None  # the delivery that reached the required grade first
    standing: tuple[Fold, ...]  # every delivery at E1 or better


def judge(promise: Promise) -> Judgement:
    """Folds each attached delivery's evidence. What came before the promise proves nothing for
    it, but what revokes the delivery does so whatever its date."""
    attached = promise.attached.prefetch_related("delivery__evidence")
    folds = [
        fold(
            event
            for event in row.delivery.evidence.all()
            if event.occurred_at >= promise.made_at or event.kind in REVOKING
        )
        for row in attached
    ]
    enough = [f for f in folds if f.grade >= promise.required_grade]
    first = min(enough, key=lambda f: f.reached[promise.required_grade], default=None)
    return Judgement(proof=first, standing=tuple(f for f in folds if f.stands))


def readable_at(promise: Promise, proof: Fold) -> datetime:
    """A mail can be read when it was accepted, or when the customer's act shows that it was."""
    unseen = proof.accepted_at is None and proof.delivered_at is None
    if promise.required_grade >= 4 or unseen:
        return proof.reached[min(promise.required_grade, 4)]
    return proof.reached[1]
