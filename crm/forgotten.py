"""What stays of somebody who was forgotten: keyed hashes, and the numbers that they bar.

The key is HASH_PEPPER: without it nobody can try out all numbers there are. The writer of
ForgottenMark, and with crm/barring.py of whether a number is barred.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings

from crm.actors import Actor
from crm.models import ForgottenMark, PhoneNumber

Kind = ForgottenMark.Kind
FORGOTTEN = "forgotten:"


def keyed(text: str) -> bytes:
    """16 bytes that tell two texts apart and tell nobody the text."""
    return hmac.digest(settings.HASH_PEPPER.encode(), text.encode(), hashlib.sha256)[:16]


def hash_number(e164: str) -> bytes:
    """A keyed hash of a number, as all rows that stay hold it."""
    return keyed(e164)


def hash_id(external_id: str) -> bytes:
    """A keyed hash of the name that a customer has in another system."""
    return keyed(f"external id\n{external_id}")


def known_as(text: str) -> str:
    """What stands in a column that held an id of somebody else's, once its customer is forgotten:
    the same id again is recognised."""
    return FORGOTTEN + keyed(f"id\n{text}").hex()


def remember(*, kind: str, marks: Iterable[bytes], by: Actor, at: datetime) -> None:
    """Keeps the hashes. One that was lifted stands again."""
    found = list(marks)
    ForgottenMark.objects.bulk_create(
        (ForgottenMark(kind=kind, mark=mark, at=at, by=by.code) for mark in found),
        ignore_conflicts=True,
    )
    lifted = ForgottenMark.objects.filter(kind=kind, mark__in=found, lifted_at__isnull=False)
    lifted.update(lifted_at=None, lifted_by="", at=at, by=by.code)


def was_forgotten(external_id: str) -> bool:
    """Whether whoever has this id in another system asked to be forgotten."""
    return bool(those_forgotten([external_id]))


def those_forgotten(external_ids: Iterable[str]) -> set[str]:
    """Which of these ids are of people who asked to be forgotten. Two queries, or one
    in a house that has forgotten nobody."""
    marks = ForgottenMark.objects.filter(kind=Kind.EXTERNAL_ID, lifted_at=None)
    if not marks.exists():
        return set()
    by_mark = {hash_id(one): one for one in external_ids if one}
    rows = marks.filter(mark__in=list(by_mark))
    return {by_mark[bytes(mark)] for mark in rows.values_list("mark", flat=True)}


def _barred(numbers: Collection[str]) -> set[str]:
    by_mark = {hash_number(one): one for one in numbers}
    rows = ForgottenMark.objects.filter(kind=Kind.NUMBER, mark__in=list(by_mark), lifted_at=None)
    return {by_mark[bytes(mark)] for mark in rows.values_list("mark", flat=True)}


def is_barred(e164: str) -> bool:
    """Whether somebody who had this number was forgotten."""
    return bool(_barred([e164]))


def bar(ids: Iterable[int]) -> None:
    """Bars what these customers have of numbers of somebody forgotten. Whoever writes numbers calls
    this behind it, in the same transaction."""
    if not ForgottenMark.objects.filter(kind=Kind.NUMBER, lifted_at=None).exists():
        return
    rows = PhoneNumber.objects.filter(customer__in=list(ids), barred=False)
    barred = _barred(set(rows.values_list("e164", flat=True)))
    if barred:
        rows.filter(e164__in=barred).update(barred=True)


def lift(*, e164: str, by: Actor, at: datetime) -> bool:
    """The mark of a number stands no more; False when none did."""
    rows = ForgottenMark.objects.filter(kind=Kind.NUMBER, mark=hash_number(e164), lifted_at=None)
    return bool(rows.update(lifted_at=at, lifted_by=by.code))
