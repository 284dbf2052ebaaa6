"""Overrides: who asks for one, who grants it, who signs it. The gate itself uses it, once.

The only Python that writes Override (kept_gate_rule, in the migrations, marks one as used). A key
neither asks nor grants. The feed is not told: what keys are answered does not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm import access, audit, customers, instants
from crm.actors import Actor
from crm.models import Campaign, Customer, User
from followups import notices, overridable
from followups.models import Override, OverrideText
from followups.overridable import Against
from followups.terms import Refused

HOLDS = timedelta(minutes=30)
LEAST_REASON = 15  # characters
LONGEST_REASON = 500
QUOTA, QUOTA_OVER = 10, timedelta(days=7)


def pending() -> QuerySet[Override]:
    """What was asked for and not decided yet."""
    return Override.objects.filter(granted_at=None, refused_at=None)


def granted(*, at: datetime) -> QuerySet[Override]:
    """What was granted, is not used and not over; some wait for a second signature."""
    return Override.objects.filter(granted_at__isnull=False, used_at=None, until_at__gt=at)


def standing(*, at: datetime) -> QuerySet[Override]:
    """What the gate would use."""
    return granted(at=at).filter(Q(needs_second=False) | Q(seconded_at__isnull=False))


def supervisors(agent: User) -> QuerySet[User]:
    """Who decides about this agent's calls: the supervisors of the team, but for the agent."""
    rows = User.objects.filter(role=User.Role.SUPERVISOR, team=agent.team_id, is_active=True)
    return rows.exclude(pk=agent.pk).order_by("pk")


def callers(supervisor: User) -> QuerySet[User]:
    """For whom this supervisor decides: everybody else of the team who calls."""
    roles = access.TABLE["log_calls"]
    rows = User.objects.filter(team=supervisor.team_id, role__in=roles, is_active=True)
    return rows.exclude(pk=supervisor.pk).order_by("first_name", "pk")


@transaction.atomic
def ask(*, customer: Customer, reason: str, by: Actor, at: datetime) -> Override:
    """The agent asks to call all the same; asking twice is asking once. Raises Refused."""
    agent = _person(by, "ask_override")
    customers.hold([customer.pk])
    before = pending().filter(agent=agent, customer=customer).first()
    if before:
        return before
    deciders = list(supervisors(agent))
    if not deciders:
        raise Refused("", _("Your team has no supervisor who could decide this."))
    words = _reason(reason)
    found = _yielding(customer, agent, None, at)
    row = Override.objects.create(
        customer=customer,
        agent=agent,
        purpose=found.purpose,
        blocks=_keys(found),
        asked_at=at,
        asked_by=by.code,
    )
    OverrideText.objects.create(override=row, asked_for=words)
    _note("override_asked", row, by=by, at=at)
    for user in deciders:
        _tell(user, "override_asked", row, at=at)
    return row


@transaction.atomic
def grant(
    *, request: Override, reason: str, by: Actor, at: datetime, campaign: Campaign | None = None
) -> Override:
    """Answers a request with one call, for what stands against it now. Raises Refused."""
    words = _reason(reason, least=LEAST_REASON)
    facts = _permission(request.customer, request.agent, by, at, campaign)
    if not pending().filter(pk=request.pk).update(**facts):
        raise Refused("", _("Somebody has decided this already."))
    OverrideText.objects.filter(override=request).update(reason=words)
    return _granted(request.pk, by, at)


@transaction.atomic
def let_through(
    *,
    customer: Customer,
    agent: User,
    reason: str,
    by: Actor,
    at: datetime,
    campaign: Campaign | None = None,
) -> Override:
    """Grants one call unasked; when the agent has asked, this is the answer. Raises Refused."""
    customers.hold([customer.pk])
    request = pending().filter(agent=agent, customer=customer).first()
    if request:
        return grant(request=request, reason=reason, by=by, at=at, campaign=campaign)
    words = _reason(reason, least=LEAST_REASON)
    facts = _permission(customer, agent, by, at, campaign)
    row = Override.objects.create(customer=customer, agent=agent, **facts)
    OverrideText.objects.create(override=row, reason=words)
    return _granted(row.pk, by, at)


def _permission(
    customer: Customer, agent: User, by: Actor, at: datetime, campaign: Campaign | None
) -> dict[str, Any]:
    """What a grant writes; takes the customer's lock, because it can open the gate."""
    supervisor = _person(by, "grant_override")
    if agent == supervisor:
        raise Refused("agent", _("Nobody lets their own call through."))
    if agent not in callers(supervisor):
        raise Refused("agent", _("Only a supervisor of the agent's team can allow this."))
    customers.hold([customer.pk])
    found = _yielding(customer, agent, campaign, at)
    keys = _keys(found)
    same = granted(at=at).filter(customer=customer, agent=agent, purpose=found.purpose)
    before = next((row for row in same if {*keys} <= {*row.blocks}), None)
    if before and before.until_at:
        until = instants.brief(before.until_at, now=at)
        raise Refused("", _("One call is allowed already, until %(when)s.") % {"when": until})
    return {
        "purpose": found.purpose,
        "blocks": keys,
        "granted_at": at,
        "granted_by": by.code,
        "until_at": at + HOLDS,
        "needs_second": _over_quota(supervisor, by, at),
    }


def _over_quota(supervisor: User, by: Actor, at: datetime) -> bool:
    """Counted under the supervisor's own row, so that two grants at once are two."""
    User.objects.select_for_update(no_key=True).get(pk=supervisor.pk)
    week = Override.objects.filter(granted_by=by.code, granted_at__gt=at - QUOTA_OVER)
    return week.count() >= QUOTA


def _granted(pk: int, by: Actor, at: datetime) -> Override:
    row = Override.objects.select_related("customer", "agent").get(pk=pk)
    _note("override_granted", row, by=by, at=at)
    if row.needs_second:
        seconds = access.TABLE["second_override"]
        able = User.objects.filter(role__in=seconds, is_active=True).order_by("pk")
        if not able:
            raise Refused("", _("Over the week's quota: nobody is here to sign it too."))
        for user in able:
            _tell(user, "override_to_sign", row, at=at)
    else:
        _tell(row.agent, "override_granted", row, at=at)
    return row


@transaction.atomic
def second(*, override: Override, by: Actor, at: datetime) -> Override:
    """Operations sign what is over the quota; its half hour begins then. Raises Refused."""
    _person(by, "second_override")
    customers.hold([override.customer_id])
    waiting = granted(at=at).filter(pk=override.pk, needs_second=True, seconded_at=None)
    signed = waiting.exclude(granted_by=by.code).update(
        seconded_at=at, seconded_by=by.code, until_at=at + HOLDS
    )
    if not signed:
        raise Refused("", _("There is nothing to sign any more."))
    row = Override.objects.select_related("customer", "agent").get(pk=override.pk)
    _note("override_seconded", row, by=by, at=at)
    _tell(row.agent, "override_granted", row, at=at)
    return row


@transaction.atomic
def refuse(*, request: Override, by: Actor, at: datetime) -> Override:
    """The supervisor says no. Raises Refused when somebody has decided already."""
    supervisor = _person(by, "grant_override")
    if request.agent not in callers(supervisor):
        raise Refused("", _("Only a supervisor of the agent's team can decide this."))
    if not pending().filter(pk=request.pk).update(refused_at=at, refused_by=by.code):
        raise Refused("", _("Somebody has decided this already."))
    row = Override.objects.select_related("customer", "agent").get(pk=request.pk)
    _note("override_refused", row, by=by, at=at)
    _tell(row.agent, "override_refused", row, at=at)
    return row


def blank(customers: Iterable[int]) -> None:
    """Takes out why calls to these customers were asked for and let through."""
    rows = OverrideText.objects.filter(override__customer__in=list(customers))
    rows.update(asked_for="", reason="")


def _person(by: Actor, action: str) -> User:
    """A person who may do this; a machine's key never."""
    if by.user is None or by.key is not None or not access.may(by.user, action):
        raise Refused("", _("This is not yours to decide."))
    return by.user


def _reason(text: str, *, least: int = 1) -> str:
    words = " ".join(text.split())
    if not words:
        raise Refused("reason", _("Say why."))
    if len(words) < least:
        raise Refused("reason", _("Say why, in at least %(least)s characters.") % {"least": least})
    return words[:LONGEST_REASON]


def _yielding(customer: Customer, agent: User, campaign: Campaign | None, at: datetime) -> Against:
    """What stands against the call, all of which may be set aside. Raises Refused."""
    found = overridable.against(customer=customer, agent=agent, at=at, campaign=campaign)
    if not found.blocks:
        raise Refused("", _("Nothing stands against this call: it needs no permission."))
    if found.stubborn:
        why = {"why": found.stubborn[0].sentence}
        raise Refused("", _("Nobody can allow this call. %(why)s") % why)
    if not overridable.reachable(customer):
        raise Refused(
            "", _("Every number of this customer is somebody else's too: nobody can allow it.")
        )
    return found


def _keys(found: Against) -> list[str]:
    return sorted({overridable.key(block) for block in found.blocks})


def _note(action: str, row: Override, *, by: Actor, at: datetime) -> None:
    audit.write(
        action=action,
        subject=f"override:{row.pk}",
        by=by,
        at=at,
        data={
            "customer": row.customer_id,
            "agent": row.agent_id,
            "blocks": row.blocks,
            "needs_second": row.needs_second,
        },
    )


def _tell(user: User, kind: str, row: Override, *, at: datetime) -> None:
    data = {"override": row.pk, "customer": row.customer.reference}
    notices.tell(user=user, kind=kind, data=data, at=at)
