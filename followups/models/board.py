"""What the board counts, counted beforehand (followups/board/rollups.py): figures, cells, marks.

Nothing here is a truth of its own. Everything can be written anew from promises, deliveries, calls
and answers of the gate, and `rollups.check` compares.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Campaign, Customer, Team, User
from followups.models.promises import Promise


class Cell(models.Model):
    """Whose, when, which way: what figures are added up by. `day` is that of the due time, on the
    clock of the house; `channel` is empty for a call-back."""

    day = models.DateField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=12, blank=True)
    kind = models.CharField(max_length=16, choices=Promise.Kind)

    class Meta:
        abstract = True


class PromiseFigure(Cell):
    """How one promise counts: a narrow row beside it.

    `cause` is a key of followups.telling.CAUSES, for what was not kept in time. Times are whole
    minutes and whole hours, rounded up; null while they have no end.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        KEPT = "kept", _("kept")
        LATE = "late", _("kept late")
        BROKEN = "broken", _("broken")
        VOID = "void", _("not counted")

    promise = models.OneToOneField(Promise, models.CASCADE, primary_key=True, related_name="figure")
    owner = models.ForeignKey(User, models.PROTECT, related_name="+")
    hour = models.PositiveSmallIntegerField()  # of the week: Monday 00:00 is 0, Sunday 23:00 is 167
    outcome = models.CharField(max_length=6, choices=Outcome)
    cause = models.CharField(max_length=16, blank=True)
    hand_minutes = models.PositiveIntegerField(null=True)  # promised -> in the customer's hands
    proof_hours = models.PositiveIntegerField(null=True)  # promised -> proven
    document = models.BooleanField()  # the stages below count for documents only
    seen = models.BooleanField(default=False)  # the customer acted on it (E4)
    called = models.BooleanField(default=False)  # spoken to after it could be read
    decided = models.BooleanField(default=False)  # said yes or no to it

    class Meta:
        indexes = [
            models.Index(fields=["team", "day"], name="figure_of_team"),
            models.Index(fields=["owner", "day"], name="figure_of_owner"),
            models.Index(fields=["day"], name="figure_open", condition=models.Q(outcome="open")),
            models.Index(
                fields=["cause"], name="figure_cause", condition=models.Q(outcome="broken")
            ),
            models.Index(
                fields=["day", "team"],
                name="figure_not_in_time",
                condition=models.Q(outcome__in=["late", "broken"]),
            ),
        ]

    def __str__(self) -> str:
        return f"figure of promise {self.promise_id}"


class DayFigure(Cell):
    """The figures of a cell, added up."""

    kept = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    broken = models.PositiveIntegerField()
    promised = models.PositiveIntegerField()  # documents; so are the four below
    delivered = models.PositiveIntegerField()
    seen = models.PositiveIntegerField()
    called = models.PositiveIntegerField()
    decided = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["team", "day"], name="day_figure_of_team")]

    def __str__(self) -> str:
        return f"{self.day} of team {self.team_id}"


class SpreadFigure(Cell):
    """How often a value occurred in a cell: minutes until it was in hand (the upper edge of their
    step), hours until proof, hours of the week at which broken promises were due."""

    class Measure(models.TextChoices):
        HAND = "hand", _("minutes until it was in hand")
        PROOF = "proof", _("hours until proof")
        BROKEN = "broken", _("hour of the week of what was broken")

    measure = models.CharField(max_length=6, choices=Measure)
    value = models.PositiveIntegerField()
    count = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["team", "day"], name="spread_figure_of_team")]

    def __str__(self) -> str:
        return f"{self.count} of {self.measure} {self.value}"


class DeniedCall(models.Model):
    """A customer (or a number nobody has) about whom a sales call was denied on one day for one
    campaign, however often it was asked. `redundant`: a promised document was open."""

    day = models.DateField()
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    number_hash = models.BinaryField(max_length=16, null=True)
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=20)  # the one that the first of them was given
    redundant = models.BooleanField()
    promise = models.CharField(max_length=8, blank=True)  # the reference of the one in the way
    requests = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    first_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "customer", "number_hash", "campaign"],
                name="denied_call_once_a_day",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                fields=["team", "day"],
                name="denied_call_redundant",
                condition=models.Q(redundant=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} on {self.day}"


class RollupMark(models.Model):
    """How far the rollups have read. At most one row; none before the first turn.

    `at` is the instant up to which the figures are complete. `read` has for each source how far
    it was read (followups/board/changes.py), `promise` the last promise of the first round over
    all of them (null when that is over), and `checks_at` the last answer of the gate. Under other
    `formulas` than those of the code the first round begins again.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(null=True)
    read = models.JSONField()
    promise = models.BigIntegerField(null=True)
    checks_at = models.DateTimeField()
    formulas = models.PositiveSmallIntegerField()  # those of followups/board/cells.py

    class Meta:
        constraints = [models.CheckConstraint(name="one_rollup_mark", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"rollups of {self.at}"
