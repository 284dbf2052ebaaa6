"""Forgetting a person: one order, one transaction, every storey takes out what it holds.

Each storey registers its eraser; the highest one goes first, because what it owes has to be closed
before nobody is left to whom it is owed. The only writer of Erasure.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from crm import audit, customers, merges
from crm.actors import Actor
from crm.models import Attempt, Customer, Erasure, PhoneNumber

log = logging.getLogger("kept.forgetting")
Ground = Erasure.Ground
CASE = re.compile(r"[A-Za-z][A-Za-z0-9./-]{1,39}")
SOON = timedelta(minutes=10)  # what was leaving at that very moment has left by then
DAILY = timedelta(days=1)
LATE = timedelta(days=60)  # longer than any mail server tries, and any mail room takes
FORGETTER = Actor.sweep("forgetting")
BATCH = 50


class Refused(ValueError):
    """Why somebody cannot be forgotten so; `field` is at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Person:
    """Whom to forget, and by what they are found in other people's words.

    `ids` are all rows that were merged into one person. The texts are those known before anything
    was taken out; on a later round there are none.
    """

    ids: tuple[int, ...]
    references: tuple[str, ...]
    external_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    since: datetime | None = None  # when they were forgotten first


Erase = Callable[..., None]
_ERASERS: dict[int, Erase] = {}
CRM, OFFERS, FOLLOWUPS = 1, 2, 3


def register(storey: int, eraser: Erase) -> None:
    """`eraser(person, by=…, at=…)` takes out what its storey holds. Doing it again does no harm."""
    _ERASERS[storey] = eraser


def erasers() -> Iterator[Erase]:
    """From the highest storey down."""
    for storey in sorted(_ERASERS, reverse=True):
        yield _ERASERS[storey]


@transaction.atomic
def forget(*, customer: Customer, ground: str, case: str, by: Actor, at: datetime) -> list[str]:
    """Forgets a person, with all rows that were merged into one; returns their references.

    All of it or nothing. Raises Refused.
    """
    _check(ground, case)
    ids = merges.group_of([customer.pk])
    customers.hold(ids)
    person = _read(ids)
    if set(Erasure.objects.filter(customer__in=ids).values_list("customer", flat=True)) == set(ids):
        raise Refused("customer", _("This person was forgotten before."))
    customers.mark_forgotten(ids, by=by.code, at=at)
    for erase in erasers():
        erase(person, by=by, at=at)
    for pk in ids:
        _note(pk, ground=ground, case=case, by=by, at=at)
    return list(person.references)


def _check(ground: str, case: str) -> None:
    if ground not in Ground.values:
        raise Refused("ground", _("Say on what ground."))
    if not CASE.fullmatch(case):
        raise Refused(
            "case", _("A case number begins with a letter and has no blanks, like GDPR-2026/41.")
        )


def _read(ids: list[int]) -> Person:
    rows = list(Customer.objects.filter(pk__in=ids).select_related("text").order_by("pk"))
    called = Attempt.objects.filter(customer__in=ids).exclude(text__number="")
    numbers = set(PhoneNumber.objects.filter(customer__in=ids).values_list("e164", flat=True))
    # Somebody else may have been reached at a number that was dialled for them.
    dialled = set(called.values_list("text__number", flat=True))
    others = PhoneNumber.objects.filter(e164__in=dialled).exclude(customer__in=ids)
    numbers |= dialled - set(others.values_list("e164", flat=True))
    emails = {mail.address for row in rows for mail in row.emails.all()}
    return Person(
        ids=tuple(ids),
        references=tuple(row.reference for row in rows),
        external_ids=tuple(row.external_id for row in rows if row.external_id),
        names=tuple(row.text.name for row in rows if hasattr(row, "text") and row.text.name),
        numbers=tuple(sorted(numbers)),
        emails=tuple(sorted(emails)),
    )


def _note(pk: int, *, ground: str, case: str, by: Actor, at: datetime) -> None:
    customer = Customer.objects.get(pk=pk)
    Erasure.objects.get_or_create(
        customer=customer,
        defaults={
            "ground": ground,
            "case": case,
            "at": at,
            "by": by.code,
            "again_at": at + SOON,
            "until_at": at + LATE,
        },
    )
    customers.note_change(customer=customer, cause="erased", at=at)
    data = {"ground": ground, "case": case}
    audit.write(action="customer_erased", subject=f"customer:{pk}", by=by, at=at, data=data)


def again(*, at: datetime) -> int:
    """The sweep: what arrived since about people who were forgotten goes too, for sixty days."""
    done = 0
    due = Erasure.objects.filter(again_at__lte=at).order_by("again_at")
    for row in due[:BATCH]:
        try:
            _again(row, at=at)
            done += 1
        except Exception:
            log.exception("could not forget again", extra={"customer": row.customer_id})
            Erasure.objects.filter(pk=row.pk).update(again_at=at + timedelta(hours=1))
    return done


@transaction.atomic
def _again(row: Erasure, *, at: datetime) -> None:
    customers.hold([row.customer_id])
    reference = Customer.objects.values_list("reference", flat=True).get(pk=row.customer_id)
    person = Person(ids=(row.customer_id,), references=(reference,), since=row.at)
    for erase in erasers():
        erase(person, by=FORGETTER, at=at)
    later = at + DAILY if at < row.until_at else None
    Erasure.objects.filter(pk=row.pk).update(again_at=later)
