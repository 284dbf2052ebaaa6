"""How a call was made: in spite of the gate or not, and whether anybody had asked before it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Attempt, Team


class Conduct(models.Model):
    """One outbound sales or survey call, judged afterwards (followups/conduct.py).

    `in_spite` are the codes of what stood against the call when it started. `team` is who answers
    for it: the team that called, else the campaign's, else the customer's. A call that could not
    be judged has `asked` empty and is tried again at `next_try_at`, or no more.
    """

    class Asked(models.TextChoices):
        DECISION = "decision", _("the gate, before this call")
        SCRUB = "scrub", _("the gate, with a list of that day")
        NONE = "none", _("nobody")

    attempt = models.OneToOneField(
        Attempt, models.PROTECT, primary_key=True, related_name="conduct"
    )
    started_at = models.DateTimeField()
    source = models.CharField(max_length=40)
    team = models.ForeignKey(Team, models.PROTECT, null=True)
    in_spite = ArrayField(models.CharField(max_length=20), default=list)
    asked = models.CharField(max_length=8, choices=Asked, blank=True)
    policy = models.CharField(max_length=41, blank=True)  # name and version it was judged under
    judged_at = models.DateTimeField()
    xact = models.BigIntegerField()  # of the attempt, as it was judged
    failures = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["started_at"], name="conduct_in_spite", condition=~models.Q(in_spite=[])
            ),
            models.Index(
                fields=["started_at", "team", "source"],
                name="conduct_unasked",
                condition=models.Q(asked="none"),
            ),
            models.Index(
                fields=["next_try_at"],
                name="conduct_again",
                condition=models.Q(next_try_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="conduct_judged_or_failed",
                condition=models.Q(asked="", in_spite=[], failures__gt=0)
                | ~models.Q(asked="") & models.Q(failures=0, next_try_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"conduct of attempt {self.attempt_id}"


class ConductMark(models.Model):
    """How far the calls have been judged. At most one row; none before the first look.

    Every call of a transaction before `xact`, and of `xact` itself up to `attempt`, has its row.
    In a `whole` round, which goes by the ids alone, every call up to `attempt`. `house` is the
    database server: another one counts its transactions anew.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    house = models.BigIntegerField()
    xact = models.BigIntegerField()
    attempt = models.BigIntegerField(default=0)
    whole = models.BooleanField(default=True)

    class Meta:
        constraints = [models.CheckConstraint(name="one_mark", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.xact}/{self.attempt}"
