"""Who may do what: one table of roles, and the customers each person may open."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet

from crm import audit
from crm.actors import Actor
from crm.models import AuditEntry, Customer, User

Role = User.Role
# action -> roles. What is not here, nobody may.
TABLE: dict[str, frozenset[str]] = {
    "log_calls": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "see_customers": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "merge_customers": frozenset({Role.SUPERVISOR}),
    "record_consents": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "record_wishes": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "end_wishes": frozenset({Role.SUPERVISOR}),
    "plan_absences": frozenset(Role.values),
    "plan_team_absences": frozenset({Role.SUPERVISOR}),
    "see_board": frozenset({Role.SUPERVISOR, Role.OPERATIONS}),
    "mend_promises": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "hand_over": frozenset({Role.SUPERVISOR}),
    "change_promises": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "sign_promises": frozenset({Role.SUPERVISOR}),
    "hand_out_promises": frozenset({Role.SUPERVISOR}),
    "ask_override": frozenset({Role.AGENT}),
    "grant_override": frozenset({Role.SUPERVISOR}),
    "second_override": frozenset({Role.OPERATIONS}),
    "see_deliveries": frozenset({Role.SUPERVISOR, Role.OPERATIONS}),
    "see_bill_runs": frozenset({Role.SUPERVISOR, Role.OPERATIONS}),
    "work_bill_runs": frozenset({Role.OPERATIONS}),
    "work_imports": frozenset({Role.OPERATIONS}),
    "work_webhooks": frozenset({Role.OPERATIONS}),
    "see_house": frozenset({Role.OPERATIONS, Role.ADMINISTRATOR}),
    "work_dead_letters": frozenset({Role.OPERATIONS}),
    "see_campaigns": frozenset({Role.SUPERVISOR, Role.OPERATIONS}),
    "work_campaigns": frozenset({Role.OPERATIONS}),
    "see_policies": frozenset({Role.SUPERVISOR, Role.OPERATIONS, Role.ADMINISTRATOR}),
    "write_policies": frozenset({Role.OPERATIONS}),
    "see_calendars": frozenset({Role.SUPERVISOR, Role.OPERATIONS, Role.ADMINISTRATOR}),
    "write_calendars": frozenset({Role.OPERATIONS, Role.ADMINISTRATOR}),
    "see_ladders": frozenset({Role.SUPERVISOR, Role.OPERATIONS, Role.ADMINISTRATOR}),
    "write_ladders": frozenset({Role.OPERATIONS, Role.ADMINISTRATOR}),
    "manage_people": frozenset({Role.ADMINISTRATOR}),
    "manage_keys": frozenset({Role.ADMINISTRATOR}),
    "export_customers": frozenset({Role.SUPERVISOR}),
    "forget_customers": frozenset({Role.ADMINISTRATOR}),
    "see_audit": frozenset({Role.ADMINISTRATOR}),
    "control_demo": frozenset(Role.values),
}
GLANCE = timedelta(minutes=30)


def may(user: User, action: str) -> bool:
    """Whether the role allows the action; unknown actions are refused."""
    return bool(user.is_authenticated and user.is_active and user.role in TABLE.get(action, ()))


def require(user: User, action: str) -> None:
    """Raises PermissionDenied when the role does not allow the action."""
    if not may(user, action):
        raise PermissionDenied(action)


def customers(user: User, *, at: datetime) -> QuerySet[Customer]:
    """The customers whom this person may open: the team's, and those glanced at just now."""
    if not may(user, "see_customers"):
        return Customer.objects.none()
    glanced = AuditEntry.objects.filter(
        action="other_team_opened", by=f"user:{user.pk}", at__gt=at - GLANCE
    ).values_list("data__customer", flat=True)
    rows = Customer.objects.filter(erased_at=None)  # who was forgotten is opened by nobody
    return rows.filter(Q(team=user.team_id) | Q(pk__in=list(glanced)))


def glance(*, user: User, customer: Customer, at: datetime) -> None:
    """Opens another team's customer for 30 minutes, found by exact number or reference."""
    if customer.team_id == user.team_id:
        return
    require(user, "see_customers")
    audit.write(
        action="other_team_opened",
        subject=f"customer:{customer.pk}",
        by=Actor.person(user),
        at=at,
        data={"customer": customer.pk},
    )
