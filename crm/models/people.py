"""The people who work with Kept, their teams, and the machines' keys."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.calendars import WorkCalendar


class Team(models.Model):
    """A call-centre team; an outsourced supplier is a team of its own."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    # The calendar that it works by; none for a team that was not made by crm/people.py.
    works_by = models.ForeignKey(
        WorkCalendar, models.PROTECT, null=True, blank=True, related_name="teams"
    )
    # What that calendar says, copied by crm/calendars.py so that one row answers: what was in force
    # when it was last written, and what begins later. Ask crm.calendars.of() for what is in force.
    calendar = models.JSONField()
    coming = models.JSONField(default=list, db_default=[])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """Somebody who logs in. The role decides what they may do (crm/access.py)."""

    class Role(models.TextChoices):
        AGENT = "agent", _("agent")
        SUPERVISOR = "supervisor", _("supervisor")
        OPERATIONS = "operations", _("operations")
        ADMINISTRATOR = "administrator", _("administrator")

    role = models.CharField(max_length=16, choices=Role, default=Role.AGENT)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="people")
    supervisor = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    language = models.CharField(max_length=2, default="en")
    external_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    # The last rung tells management, who are whoever is said to be, in any role but an agent's.
    gets_management_digest = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_of_a_team_has_one",
                condition=~models.Q(role__in=["agent", "supervisor"])
                | models.Q(team__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class ApiKey(models.Model):
    """A machine's key: 256 random bits, of which only the SHA-256 is kept."""

    key_id = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.BinaryField(max_length=32)
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=32))
    purposes = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)
    per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="key_revoked_by_somebody",
                condition=models.Q(revoked_at__isnull=True) ^ ~models.Q(revoked_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key_id})"
