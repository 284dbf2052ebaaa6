"""What the house knows of one person (GDPR Art. 15): a section for each kind of thing, in rows.

Each storey registers what it tells. Values are as JSON has them; a code is told with its words in
the person's language beside it, under the same name with `_words`. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils import translation

from crm import merges
from crm.models import (
    Attempt,
    AuditEntry,
    CampaignEntry,
    Consent,
    Customer,
    ImportChange,
    Preference,
    Reply,
    Suppression,
)

FORMAT = "kept.dossier/1"
Row = dict[str, Any]
Sections = dict[str, list[Row]]
Tell = Callable[[list[int]], Sections]
_TELLERS: dict[int, Tell] = {}


def register(storey: int, tell: Tell) -> None:
    """`tell(ids)` gives the sections of its storey about these rows of one person."""
    _TELLERS[storey] = tell


def of(customer: Customer, *, at: datetime) -> dict[str, Any]:
    """Everything, from the lowest storey up. Empty sections are told too: nothing is there."""
    ids = merges.group_of([customer.pk])
    sections: Sections = {}
    with translation.override(customer.language):
        for storey in sorted(_TELLERS):
            sections |= _TELLERS[storey](ids)
    return {
        "format": FORMAT,
        "customer": customer.reference,
        "language": customer.language,
        "made_at": at.isoformat(),
        "sections": sections,
    }


def row(of: Model, *names: str, **more: Any) -> Row:
    """These columns of a row, codes with their words; then what else there is to say."""
    told: Row = {}
    for name in names:
        told[name] = plain(getattr(of, name))
        words = getattr(of, f"get_{name}_display", None)
        if words and told[name]:
            told[f"{name}_words"] = str(words())
    return told | {name: plain(value) for name, value in more.items()}


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def tell(ids: list[int]) -> Sections:
    """What the crm storey knows."""
    people = Customer.objects.filter(pk__in=ids).order_by("pk")
    rows = people.select_related("text", "postal", "contract", "team")
    found = list(rows.prefetch_related("numbers", "emails", "contract__lines"))
    return {
        "person": [_person(one) for one in found],
        "numbers": [row(n, "e164", barred=n.barred) for one in found for n in one.numbers.all()],
        "emails": [row(m, "address", "bad_at") for one in found for m in one.emails.all()],
        "postal": [
            row(one.postal, "street", "postcode", "city") for one in found if hasattr(one, "postal")
        ],
        "contract": [line for one in found if hasattr(one, "contract") for line in _contract(one)],
        "wishes": _wishes(ids),
        "consents": _consents(ids),
        "calls": _calls(ids),
        "replies": [
            row(one, "replied_at", question=one.question.words, words=one.text.words)
            for one in Reply.objects.filter(customer__in=ids)
            .select_related("question", "text")
            .order_by("pk")
        ],
        "campaigns": [
            row(entry, "added_at", "status", "tries", "closed_at", campaign=entry.campaign.name)
            for entry in CampaignEntry.objects.filter(customer__in=ids).select_related("campaign")
        ],
        "imports": [
            row(change, "line", "was", file=change.of.file_name, brought_at=change.of.uploaded_at)
            for change in ImportChange.objects.filter(customer__in=ids).select_related("of")
        ],
        "acts": [
            row(entry, "at", "action")
            for entry in AuditEntry.objects.filter(
                subject__in=[f"customer:{pk}" for pk in ids]
            ).order_by("pk")
        ],
    }


def _person(one: Customer) -> Row:
    own = row(one, "reference", "external_id", "language", "country", "bill_medium", "bill_day")
    said = {"name": one.text.name, "note": one.text.note} if hasattr(one, "text") else {}
    return own | said | {"team": one.team.name, "on_file_since": plain(one.created_at)}


def _contract(one: Customer) -> list[Row]:
    contract = one.contract
    whole = row(contract, "plan", "since_date", "commitment_until_date", "termination_fee")
    lines = [
        row(line, "label", "monthly", "promo_monthly", "promo_until_date", "volume")
        for line in contract.lines.all()
    ]
    return [whole, *lines]


def _wishes(ids: list[int]) -> list[Row]:
    wishes = Suppression.objects.filter(customer__in=ids).select_related("text").order_by("pk")
    told = [
        row(
            wish,
            *("kind", "origin", "proof", "from_at", "until_at", "lifted_at", "lift_ground"),
            words=wish.text.words if hasattr(wish, "text") else "",
            lift_words=wish.text.lift_words if hasattr(wish, "text") else "",
        )
        for wish in wishes
    ]
    topics = Preference.objects.filter(customer__in=ids).order_by("pk")
    return told + [row(topic, "topic", "wanted", "origin", "set_at") for topic in topics]


def _consents(ids: list[int]) -> list[Row]:
    rows = Consent.objects.filter(customer__in=ids).select_related("text").order_by("pk")
    names = ("basis", "origin", "proof", "given_at", "until_at", "withdrawn_at")
    return [row(one, *names, words=one.text.words if hasattr(one, "text") else "") for one in rows]


def _calls(ids: list[int]) -> list[Row]:
    rows = Attempt.objects.filter(customer__in=ids).order_by("started_at", "pk")
    return [
        row(
            one,
            *("started_at", "answered_at", "ended_at", "direction", "purpose", "result"),
            *("source", "external_id"),
            meant=one.disposition_id or "",
            campaign=one.campaign.name if one.campaign else "",
            team=one.team.name if one.team else "",
            number=one.text.number if hasattr(one, "text") else "",
            note=one.text.note if hasattr(one, "text") else "",
            recording=one.text.recording_ref if hasattr(one, "text") else "",
        )
        for one in rows.select_related("text", "campaign", "team")
    ]
