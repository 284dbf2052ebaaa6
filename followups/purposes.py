"""For which purpose a call is judged: never more gently than key and campaign allow."""

from __future__ import annotations

from crm.actors import Actor
from crm.models import Campaign
from followups.models import Promise

Kind = Promise.Kind
# Stricter first: what a key and a campaign allow together is the strictest of the three.
STRICTNESS = ("sales", "survey", "callback", "service")


def strictest(purpose: str, *, campaign: Campaign | None, reference: str, by: Actor) -> str:
    """The purpose is not the caller's to choose freely: key and campaign limit it.

    `reference` names the promise or ticket of a service call; without it, it is judged like a
    sale. So is a call-back, unless it names an open promise to call back.
    """
    asked = [purpose]
    if campaign:
        asked.append(campaign.purpose)
    if by.key and by.key.purposes and purpose not in by.key.purposes:
        asked.append("sales")
    if purpose == "service" and not reference.strip():
        asked.append("sales")
    if purpose == "callback" and not _promised(reference):
        asked.append("sales")
    return min(asked, key=STRICTNESS.index)


def _promised(reference: str) -> bool:
    return Promise.objects.open().filter(kind=Kind.CALLBACK, reference=reference.strip()).exists()
