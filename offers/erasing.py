"""What the offers storey takes out when somebody is forgotten."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime, timedelta

from crm.actors import Actor
from crm.forgetting import Person
from offers import answers, bill_runs, deliveries, documents, drafts, intake, links, volumes
from offers.models import Delivery, DeliveryText, EvidenceText

STOPPABLE = (Delivery.Status.QUEUED, Delivery.Status.RETRY, Delivery.Status.CLAIMED)
# A print file that was begun before the person was forgotten may be finished a little later.
BUILDING = timedelta(minutes=5)


def erase(person: Person, *, by: Actor, at: datetime) -> None:
    """What has not left never does; documents, addresses, words and links are emptied.

    A mail that is leaving at this moment is not stopped: what is written of it is taken out when
    the sweep comes again.
    """
    rows = Delivery.objects.filter(customer__in=person.ids)
    for delivery in rows.filter(status__in=STOPPABLE).order_by("pk"):
        deliveries.cancel(delivery=delivery, by=by, at=at, cause="customer_erased", claimed=True)
    if person.since is None:
        links.revoke(person.ids)
        DeliveryText.objects.filter(delivery__in=rows).update(
            to_name="", address="", domain="", words=""
        )
        documents.blank(person.ids)
        drafts.forget(person.ids)
    DeliveryText.objects.filter(delivery__in=rows).exclude(reply="").update(reply="")
    EvidenceText.objects.filter(evidence__delivery__in=rows).exclude(words="").update(words="")
    answers.blank(person.ids)
    until = person.since + BUILDING if person.since else at
    bill_runs.build_again(volumes.forget(person.ids, until=until), by=by, at=at)
    clues = [clue.casefold() for clue in (*person.emails, *person.numbers, *person.references)]
    intake.forget_matched()
    if clues:
        intake.forget(lambda raw: _mentions(raw, clues))


def _mentions(raw: bytes, clues: list[str]) -> bool:
    """Whether a mail names one of these anywhere, also in a part that is encoded."""
    texts = [raw.decode("utf-8", "replace")]
    for part in email.message_from_bytes(raw, policy=email.policy.compat32).walk():
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            texts.append(body.decode("utf-8", "replace"))
    text = "\n".join(texts).casefold()
    return any(clue in text for clue in clues)
