"""Contact attempts: what was tried, what the network saw, what it meant."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.models.customers import Customer
from crm.models.people import Team, User
from crm.triggers import append_only


class Campaign(models.Model):
    """Why we call: its purpose and policy bind everybody who calls for it."""

    class Purpose(models.TextChoices):
        SALES = "sales", _("sales")
        SURVEY = "survey", _("survey")
        SERVICE = "service", _("service")
        CALLBACK = "callback", _("call-back")

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.SALES)
    policy = models.CharField(max_length=20, default="none")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)
    active = models.BooleanField(default=True)
    # How often somebody on its list is tried, and how long they rest after each try.
    most_tries = models.PositiveSmallIntegerField(default=6, db_default=6)
    rest_hours = models.PositiveSmallIntegerField(default=48, db_default=48)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Disposition(models.Model):
    """What a contact meant, with the flags that rules read."""

    code = models.SlugField(primary_key=True)
    position = models.PositiveSmallIntegerField()
    contact = models.BooleanField(default=True)
    refusal = models.BooleanField(default=False)
    do_not_call = models.BooleanField(default=False)
    callback = models.BooleanField(default=False)
    promise = models.BooleanField(default=False)
    final = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.code


class Attempt(models.Model):
    """One try to reach a customer. What it was never changes; how it ended may be revised.

    `revision` counts the rows of AttemptRevision; the columns from `answered_at` on repeat
    the newest of them. What was asked before the call (`decision_id`, `scrub_id`) may be told late,
    once. `xact` is the transaction that last wrote by whom the call was made and what was asked
    before it, so that what is judged of it afterwards misses no row.
    """

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", _("outbound")
        INBOUND = "inbound", _("inbound")

    class Result(models.TextChoices):
        ANSWERED = "answered", _("answered")
        NO_ANSWER = "no_answer", _("no answer")
        BUSY = "busy", _("busy")
        VOICEMAIL = "voicemail", _("voicemail")
        FAILED = "failed", _("failed")
        WRONG_NUMBER = "wrong_number", _("wrong number")
        CANCELLED = "cancelled", _("cancelled")

    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=120)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="attempts")
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True)
    purpose = models.CharField(max_length=10, choices=Campaign.Purpose)
    agent = models.ForeignKey(User, models.PROTECT, null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)
    direction = models.CharField(max_length=8, choices=Direction)
    started_at = models.DateTimeField()
    decision_id = models.UUIDField(null=True, blank=True)
    scrub_id = models.UUIDField(null=True, blank=True)
    logged_at = models.DateTimeField()
    logged_by = models.CharField(max_length=40)
    revision = models.PositiveSmallIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=12, choices=Result, blank=True)
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, blank=True)
    xact = XactField()

    class Meta:
        indexes = [
            models.Index(fields=["customer", "-started_at"], name="attempt_of_customer"),
            models.Index(fields=["agent", "-started_at"], name="attempt_of_agent"),
            models.Index(
                fields=["xact", "id"],
                name="attempt_to_judge",
                condition=models.Q(direction="outbound", purpose__in=["sales", "survey"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_call_one_attempt"),
            models.CheckConstraint(
                name="attempt_ends_after_it_starts",
                condition=models.Q(ended_at__isnull=True)
                | models.Q(ended_at__gte=models.F("started_at")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="attempt_is_immutable",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "source",
                    "customer",
                    "campaign",
                    "purpose",
                    "direction",
                    "started_at",
                    "logged_at",
                    "logged_by",
                ),
            ),
            # Only to a keyed hash, when its customer is forgotten (crm/forgotten.py).
            pgtrigger.Protect(
                name="attempt_is_named_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__external_id__df=pgtrigger.F("new__external_id"))
                & ~pgtrigger.Q(new__external_id__startswith="forgotten:"),
            ),
            pgtrigger.Protect(
                name="attempt_asked_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(
                    old__decision_id__isnull=False,
                    old__decision_id__df=pgtrigger.F("new__decision_id"),
                )
                | pgtrigger.Q(
                    old__scrub_id__isnull=False, old__scrub_id__df=pgtrigger.F("new__scrub_id")
                ),
            ),
            pgtrigger.Trigger(
                name="attempt_outcome_by_revision",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF (NEW.result, NEW.disposition_id, NEW.answered_at, NEW.ended_at)
                        IS DISTINCT FROM
                       (OLD.result, OLD.disposition_id, OLD.answered_at, OLD.ended_at)
                       AND NEW.revision <= OLD.revision THEN
                        RAISE EXCEPTION 'attempt %: how it ended is revised, not edited', OLD.id;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class AttemptRevision(models.Model):
    """How a call ended, as somebody said it at one time. Append-only."""

    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="revisions")
    revision = models.PositiveSmallIntegerField()
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=12, choices=Attempt.Result, blank=True)
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "revision"], name="revision_once"),
        ]
        triggers = append_only(name="attempt_revision")

    def __str__(self) -> str:
        return f"attempt {self.attempt_id}, revision {self.revision}"


class AttemptText(models.Model):
    """The number that was tried and the agent's note; blanked on erasure."""

    attempt = models.OneToOneField(Attempt, models.CASCADE, primary_key=True, related_name="text")
    number = models.CharField(max_length=16, blank=True)
    note = models.TextField(blank=True)
    recording_ref = models.CharField(max_length=200, blank=True)

    class Meta:
        # Many attempts have no number: without them the index stays small, and is always chosen.
        indexes = [
            models.Index(
                fields=["number"], name="attempt_of_number", condition=~models.Q(number="")
            )
        ]

    def __str__(self) -> str:
        return f"text of attempt {self.pk}"
