"""What the watcher found, how far it has looked, who outside is told, and what was set aside."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Finding(models.Model):
    """Something that must never be: from when it was seen until it had gone.

    One open row a code; closed ones are the history. `subjects` are ids, or names of sweeps.
    """

    code = models.SlugField(max_length=40)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # by the last look that still saw it
    rows = models.PositiveIntegerField()
    subjects = ArrayField(models.CharField(max_length=40))
    told_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="finding_open_once", condition=models.Q(closed_at=None)
            ),
        ]
        indexes = [models.Index(fields=["-opened_at"], name="finding_newest")]

    def __str__(self) -> str:
        return f"{self.code} since {self.opened_at:%Y-%m-%d %H:%M}"


class AuditRound(models.Model):
    """How far the look at every open promise has come. At most one row.

    A round is as many turns of the watchdog as it takes; `finished_at` is the end of the last one.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    begun_at = models.DateTimeField()
    after = models.BigIntegerField(default=0)  # the promise up to which it has come
    looked = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    last_begun_at = models.DateTimeField(null=True)
    last_looked = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="one_audit_round", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.looked} promises looked at"


class OutsidePing(models.Model):
    """What became of the ping to the monitor outside. At most one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    tried_at = models.DateTimeField()
    ok_at = models.DateTimeField(null=True)
    failing_since_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=60, blank=True)  # of the last one; empty when it went well

    class Meta:
        constraints = [models.CheckConstraint(name="one_outside_ping", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return self.error or "well"


class SetAside(models.Model):
    """A dead letter that somebody gave up for good, and why. The letter itself stays as it is."""

    class Kind(models.TextChoices):
        NOTICE = "notice", _("Notice to one of us")
        WEBHOOK = "webhook", _("Webhook")
        REPORT = "report", _("Returned mail that matches nothing")

    class Reason(models.TextChoices):
        OUTDATED = "outdated", _("nobody needs it any more")
        BY_HAND = "by_hand", _("done in another way")
        NOT_OURS = "not_ours", _("it is not ours")
        NOWHERE = "nowhere", _("there is nobody left to take it")

    kind = models.CharField(max_length=8, choices=Kind)
    row = models.BigIntegerField()
    reason = models.CharField(max_length=10, choices=Reason)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "row"], name="set_aside_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}: {self.reason}"
