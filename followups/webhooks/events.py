"""Which events become webhooks, and what a message says of each. Reads only.

A message holds references, codes and instants, and only such as do not change: what is sent again
is the same to the byte. Who wants to know more asks the API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, GateChange
from followups.models import Promise, PromiseDelivery, PromiseEvent, WebhookMessage
from offers.models import Delivery, DeliveryEvent, Evidence

Source = WebhookMessage.Source
TEST = "kept.test"
GATE = "kept.gate.changed"
TYPES: dict[str, str | Lazy] = {
    "kept.promise.made": _("a promise was made"),
    "kept.promise.kept": _("its proof came, and the promise is kept"),
    "kept.promise.broken": _("it was due, and nothing had arrived"),
    "kept.promise.reopened": _("what had arrived came back: the promise is open again"),
    GATE: _("something happened that may open or shut the gate for a customer"),
    "kept.delivery.accepted": _("the next mail server or the printer took it"),
    "kept.delivery.delivered": _("it came to the mailbox or left with the post"),
    "kept.delivery.bounced": _("it failed or came back"),
    "kept.delivery.unknown": _("it may or may not have left"),
}
# By the cause of a promise's event, and by the kind of evidence. Each set has its partial index
# (TURNS, MILESTONES).
OF_CAUSE = {
    "made": "made",
    "proven": "kept",
    "called_back": "kept",
    "reopened": "reopened",
    "broken": "broken",
}
OF_KIND = {
    "relay_accepted": "accepted",
    "relayed": "accepted",
    "print_accepted": "accepted",
    "batch_mailed": "accepted",
    "delivered": "delivered",
    "posted": "delivered",
    "failed": "bounced",
    "returned": "bounced",
}


def _case(column: str, table: Mapping[str, str], noun: str) -> str:
    whens = " ".join(f"WHEN '{key}' THEN 'kept.{noun}.{told}'" for key, told in table.items())
    return f"CASE {column} {whens} END"


def _among(table: Mapping[str, str]) -> str:
    return ", ".join(f"'{key}'" for key in table)


# What was committed by the transactions of a stretch. The words are ours, no input; they stand in
# the text and not beside it, so that the partial indexes fit. Several changes of one customer in
# one transaction are one event.
COMMITTED = f"""
SELECT 'promise' AS source, id AS source_id, {_case("cause", OF_CAUSE, "promise")} AS type, at
FROM followups_promiseevent
WHERE cause IN ({_among(OF_CAUSE)})
    AND xact >= %(from)s::bigint AND xact < %(until)s::bigint
UNION ALL
SELECT 'evidence', id, {_case("kind", OF_KIND, "delivery")}, received_at
FROM offers_evidence
WHERE kind IN ({_among(OF_KIND)})
    AND xact >= %(from)s::bigint AND xact < %(until)s::bigint
UNION ALL
SELECT 'delivery', id, 'kept.delivery.unknown', at
FROM offers_deliveryevent
WHERE to_status = 'unknown' AND xact >= %(from)s::bigint AND xact < %(until)s::bigint
UNION ALL
SELECT 'gate', min(id), '{GATE}', min(at)
FROM crm_gatechange
WHERE xact >= %(from)s::bigint AND xact < %(until)s::bigint
GROUP BY xact, customer_id
"""  # noqa: S608 (words of ours, no input)


def body(message: WebhookMessage) -> bytes:
    """A CloudEvent 1.0 in structured JSON."""
    subject, data = BUILDERS[message.source](message.source_id)
    event = {
        "specversion": "1.0",
        "id": message.webhook_id,
        "source": settings.BASE_URL,
        "type": message.type,
        "subject": subject,
        "time": _instant(message.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


Told = tuple[str, dict[str, Any]]


def _promise(pk: int) -> Told:
    event = PromiseEvent.objects.select_related("promise__customer", "promise__team").get(pk=pk)
    promise: Promise = event.promise
    return promise.reference, {
        "promise": promise.reference,
        **_whose(promise.customer),
        "kind": promise.kind,
        "channels": promise.plan,
        "team": promise.team.slug,
        "made_at": _instant(promise.made_at),
        "due_at": _instant(promise.due_at),
        "cause": event.cause,
    }


def _whose(customer: Customer) -> dict[str, Any]:
    return {"customer": customer.reference, "external_id": customer.external_id}


def _gate(pk: int) -> Told:
    change = GateChange.objects.select_related("customer").get(pk=pk)
    together = GateChange.objects.filter(xact=change.xact, customer=change.customer_id, id__gte=pk)
    causes = sorted(set(together.values_list("cause", flat=True)))
    return change.customer.reference, {**_whose(change.customer), "causes": causes}


def _delivery(pk: int) -> Told:
    event = DeliveryEvent.objects.select_related("delivery__customer").get(pk=pk)
    told = _journey(event.delivery, event.at)
    return told["delivery"], {**told, "cause": event.cause}


def _evidence(pk: int) -> Told:
    row = Evidence.objects.select_related("delivery__customer").get(pk=pk)
    told = _journey(row.delivery, row.received_at)
    return told["delivery"], {
        **told,
        "cause": row.kind,
        "grade": row.grade,
        "status_code": row.status_code,
        "occurred_at": _instant(row.occurred_at),
    }


def _journey(delivery: Delivery, at: datetime) -> dict[str, Any]:
    """A delivery, with the promises that it served by then."""
    served = PromiseDelivery.objects.filter(delivery=delivery, attached_at__lte=at)
    references = served.order_by("pk").values_list("promise__reference", flat=True)
    return {
        "delivery": str(delivery.pk),
        "promises": list(references),
        **_whose(delivery.customer),
        "channel": delivery.channel,
    }


def _test(pk: int) -> Told:
    return "test", {"words": "This is a test. Nothing happened."}


BUILDERS: dict[str, Callable[[int], Told]] = {
    Source.PROMISE: _promise,
    Source.GATE: _gate,
    Source.DELIVERY: _delivery,
    Source.EVIDENCE: _evidence,
    Source.TEST: _test,
}
