"""A second signature is wanted: who asked for it, who can give it, and that they are told.

What may be asked and what a signature opens is for followups/amending.py to say; the notices are
all that is kept, and the audit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from crm import absences, access, audit
from crm.actors import Actor
from crm.models import Attempt, User
from followups import notices
from followups.models import Notice, Promise
from followups.terms import Refused

# What somebody's word would do to a promise, and the notice that asks for the second one.
KINDS = {"withdraw": "withdrawal_to_sign", "came": "arrival_to_sign"}
GIVEN = "signature_given"


@dataclass(frozen=True)
class Asked:
    """A request: what would be signed, of which call, for which reason (a code, or none)."""

    verb: str
    at: datetime
    by: User | None
    attempt: int
    reason: str


def signers(promise: Promise, authors: Collection[str]) -> list[User]:
    """The supervisors of its team who did not themselves tell of the call."""
    roles = access.TABLE["sign_promises"]
    rows = User.objects.filter(role__in=roles, team=promise.team_id, is_active=True)
    return [user for user in rows.order_by("pk") if Actor.person(user).code not in authors]


def want(
    *,
    promise: Promise,
    verb: str,
    attempt: Attempt,
    reason: str,
    authors: Collection[str],
    by: Actor,
    at: datetime,
) -> list[User]:
    """Tells every supervisor who can sign and is here; asking twice is asking once. Raises Refused.

    With all of them away it waits for them on their bells.
    """
    able = signers(promise, authors)
    if not able or by.user is None:
        raise Refused("", _("Your team has no supervisor who could sign this."))
    here = [user for user in absences.acting(able, at=at) if user in able] or able
    data = {"attempt": attempt.pk, "reason": reason, "asked_by": by.user.pk}
    told = Notice.objects.filter(kind=KINDS[verb], promise=promise, data__attempt=attempt.pk)
    before = set(told.values_list("user", flat=True))
    for user in here:
        if user.pk not in before:
            notices.tell(user=user, kind=KINDS[verb], promise=promise, data=data, at=at)
    if not before:
        note = {"attempt": attempt.pk, "verb": verb}
        subject = f"promise:{promise.pk}"
        audit.write(action="signature_asked", subject=subject, by=by, at=at, data=note)
    return here


def given(*, promise: Promise, verb: str, by: Actor, at: datetime) -> None:
    """Who had asked for it hears that it was signed."""
    for user in {asked.by for asked in wanted(promise) if asked.verb == verb}:
        if user and user.is_active and Actor.person(user).code != by.code:
            notices.tell(user=user, kind=GIVEN, promise=promise, at=at)


def wanted(promise: Promise) -> list[Asked]:
    """What was asked for about this promise, the newest first, once for each call."""
    verbs = {kind: verb for verb, kind in KINDS.items()}
    rows = Notice.objects.filter(promise=promise, kind__in=verbs).order_by("-at", "-pk")
    found: dict[tuple[str, int], Notice] = {}
    for row in rows:
        found.setdefault((row.kind, row.data["attempt"]), row)
    people = User.objects.in_bulk({row.data["asked_by"] for row in found.values()})
    return [
        Asked(
            verb=verbs[kind],
            at=row.at,
            by=people.get(row.data["asked_by"]),
            attempt=attempt,
            reason=row.data["reason"],
        )
        for (kind, attempt), row in found.items()
    ]
