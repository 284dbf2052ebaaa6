"""What the followups storey knows of one person: promises, decisions of the gate, permissions."""

from __future__ import annotations

from crm.own_data import Row, Sections, row
from followups.models import DeniedCall, GateCheck, Item, Override, Promise, Slip


def tell(ids: list[int]) -> Sections:
    """Of the gate: answers about this person, found by the first of those who share a number."""
    checks = GateCheck.objects.filter(customer_ids__0__in=ids).order_by("at")
    return {
        "promises": _promises(ids),
        "told_late": [
            row(one, "sent_at", "told_date", "status", promise=one.promise.reference)
            for one in Slip.objects.filter(promise__customer__in=ids).select_related("promise")
        ],
        "tasks": [
            row(one, "kind", "opened_at", "closed_at", "closed_cause")
            for one in Item.objects.filter(customer__in=ids).order_by("pk")
        ],
        "decisions": [row(one, "at", "purpose", "decision", "code", "policy") for one in checks],
        "denied_calls": [
            row(one, "day", "code", "requests", "redundant")
            for one in DeniedCall.objects.filter(customer__in=ids).order_by("day")
        ],
        "permissions": [
            row(
                one,
                *("granted_at", "until_at", "used_at", "purpose"),
                asked_for=one.text.asked_for if hasattr(one, "text") else "",
                reason=one.text.reason if hasattr(one, "text") else "",
            )
            for one in Override.objects.filter(customer__in=ids).select_related("text")
        ],
    }


def _promises(ids: list[int]) -> list[Row]:
    rows = Promise.objects.filter(customer__in=ids).select_related("text").order_by("pk")
    told = []
    for one in rows.prefetch_related("events"):
        names = ("reference", "kind", "status", "made_at", "due_at", "kept_at", "settled_at")
        more = ("readable_at", "closed_at", "broken_at", "policy")
        words = {"words": one.text.words, "address": one.text.address}
        told.append(row(one, *names, *more, **words, channels=", ".join(one.plan)))
        told += [
            row(event, "at", "cause", "from_status", "to_status") for event in one.events.all()
        ]
    return told
