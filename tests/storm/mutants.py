"""What the storm must notice: the product with one of its safeguards taken out.

The product does not know of this: only processes started on the settings tests.storm.twin load it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.db import transaction

Decide = Callable[..., Any]


class Mutants(AppConfig):
    name = "tests.storm"
    label = "mutants"

    def ready(self) -> None:
        for name in os.environ["KEPT_MUTANTS"].split():
            KNOWN[name]()


def no_compare_and_set() -> None:
    """Whoever once claimed a delivery sends it and writes its end, whatever happened meanwhile."""
    from offers import deliveries
    from offers.models import Delivery

    @transaction.atomic
    def move(delivery: Any, to: str, by: Any, at: datetime, cause: str, **columns: object) -> bool:
        row = Delivery.objects.get(pk=delivery.pk)
        Delivery.objects.filter(pk=row.pk).update(
            **{"status": to, "next_try_at": None, "lease_until_at": None, **columns}
        )
        deliveries._event(row.pk, row.status, to, token=row.token, by=by, at=at, cause=cause)
        return True

    def begin_body(*, delivery: Any, by: Any, at: datetime) -> bool:
        lease = at + deliveries.LEASE
        return move(delivery, "sending", by, at, "body", sending_at=at, lease_until_at=lease)

    def settle(
        *, delivery: Any, to: str, by: Any, at: datetime, cause: str, **reply: object
    ) -> bool:
        columns = {} if to != "retry" else {"next_try_at": at + deliveries.WAITS[0]}
        return move(delivery, to, by, at, cause, **columns)

    deliveries.begin_body = begin_body
    deliveries.settle = settle


def gate_that_remembers() -> None:
    """An allow is cached for its number, as one does to save a query."""
    from followups import gate

    decide: Decide = gate.decide
    allowed: dict[str, Any] = {}

    def remembering(question: Any, **kwargs: Any) -> Any:
        known = allowed.get(question.number or "")
        if known is not None:
            return known
        decision = decide(question, **kwargs)
        if decision.allow:
            allowed[question.number or ""] = decision
        return decision

    gate.decide = remembering


KNOWN = {"no_compare_and_set": no_compare_and_set, "gate_that_remembers": gate_that_remembers}
