"""Imports: a file that somebody brought, what its lines say, and what it changed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.models.customers import Customer
from crm.triggers import append_only, change_has_event


class Import(models.Model):
    """One file on its way in. Moved only by crm/importing/jobs.py, by conditional UPDATE.

    Work is done batch by batch: `batches` of the file are cut, and of the present status
    `batches_done` are ready, so that whoever comes next goes on where the last one stopped.
    """

    class Kind(models.TextChoices):
        CUSTOMERS = "customers", _("customers")
        CONTRACTS = "contracts", _("contracts in force")
        ATTEMPTS = "attempts", _("calls of a former system")
        DO_NOT_CALL = "do_not_call", _("our own do-not-call list")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("being read")
        READ = "read", _("waits for its columns")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked, not started")
        RUNNING = "running", _("being imported")
        DONE = "done", _("imported")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        REFUSED = "refused", _("refused")
        DROPPED = "dropped", _("dropped")

    kind = models.CharField(max_length=12, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.UPLOADED)
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()  # bytes
    language = models.CharField(max_length=2)  # of the reasons that are written down
    about = models.JSONField(default=dict)  # how the file is written: encoding, delimiter, sheet
    headings = models.JSONField(default=list)  # of the columns, in the order of the file
    columns = models.JSONField(default=dict)  # our name -> place of the column
    options = models.JSONField(default=dict)  # what holds for every line
    leave_bad = models.BooleanField(default=False)  # somebody chose: without the bad lines
    batches = models.PositiveIntegerField(default=0)
    batches_done = models.PositiveIntegerField(default=0)
    lines = models.PositiveIntegerField(default=0)
    lines_new = models.PositiveIntegerField(default=0)
    lines_changed = models.PositiveIntegerField(default=0)
    lines_same = models.PositiveIntegerField(default=0)
    lines_bad = models.PositiveIntegerField(default=0)
    lines_left = models.PositiveIntegerField(default=0)  # by an undo: changed since
    why = models.CharField(max_length=400, blank=True)  # it was refused
    ground = models.CharField(max_length=400, blank=True)  # for which it was undone
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=40)
    started_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=40, blank=True)
    undone_at = models.DateTimeField(null=True)  # when somebody asked for it
    undone_by = models.CharField(max_length=40, blank=True)
    blanked_at = models.DateTimeField(null=True)  # file and lines are gone; nothing is undone now

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["id"],
                name="import_at_work",
                condition=models.Q(status__in=["uploaded", "checking", "running", "undoing"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="import_started_by_somebody",
                condition=models.Q(started_at__isnull=True) ^ ~models.Q(started_by=""),
            ),
            models.CheckConstraint(
                name="import_undone_by_somebody",
                condition=models.Q(undone_at__isnull=True) ^ ~models.Q(undone_by=""),
            ),
            models.CheckConstraint(
                name="import_refused_says_why",
                condition=models.Q(status="refused") ^ models.Q(why=""),
            ),
        ]
        triggers = [change_has_event(name="import", events="crm_importevent", column="import_id")]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.kind}"


class ImportEvent(models.Model):
    """A move of an import. Append-only."""

    of = models.ForeignKey(Import, models.PROTECT, related_name="events", db_column="import_id")
    from_status = models.CharField(max_length=9, choices=Import.Status, blank=True)
    to_status = models.CharField(max_length=9, choices=Import.Status)
    cause = models.SlugField(max_length=20)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    xact = XactField()
    stretch = StretchField()

    class Meta:
        ordering = ["pk"]
        triggers = append_only(name="import_event")

    def __str__(self) -> str:
        return f"{self.cause} of import {self.of_id}"


class ImportPiece(models.Model):
    """A few megabytes of the file as it was uploaded."""

    of = models.ForeignKey(Import, models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["of", "number"], name="import_piece_once"),
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of import {self.of_id}"


class ImportBatch(models.Model):
    """Some lines of the file as cells: the unit of work. JSON: [[line, [cell…], problem]…]."""

    of = models.ForeignKey(Import, models.CASCADE, related_name="cut")
    number = models.PositiveIntegerField()  # from 0
    lines = models.PositiveIntegerField()
    first = models.PositiveIntegerField()  # line of the file
    last = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["of", "number"], name="import_batch_once"),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} of import {self.of_id}"


class ImportLine(models.Model):
    """What a line says, and what would become of it. The bad ones are the file of bad lines, until
    the import is forgotten.
    """

    class Verdict(models.TextChoices):
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        SAME = "same", _("the same")
        BAD = "bad", _("bad")

    of = models.ForeignKey(Import, models.CASCADE, related_name="staged", db_constraint=False)
    line = models.PositiveIntegerField()
    key = models.CharField(max_length=200)  # by which two lines are about the same
    facts = models.JSONField(null=True)
    verdict = models.CharField(max_length=7, choices=Verdict, blank=True)
    column = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["of", "key"], name="import_line_key"),
            models.Index(
                fields=["of", "line"], name="import_line_bad", condition=models.Q(verdict="bad")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["of", "line"], name="import_line_once"),
        ]

    def __str__(self) -> str:
        return f"line {self.line} of import {self.of_id}"

    @property
    def said(self) -> dict[str, Any]:
        """What the line says; nothing when it could not be read."""
        return self.facts or {}


class ImportChange(models.Model):
    """One row that an import made or changed: what was there before, and how it was left.

    `was` is empty for what was new. `left_as` is a hash of what the import left, so that an undo
    sees what was changed since. Both go when the import is blanked.
    """

    class Outcome(models.TextChoices):
        UNDONE = "undone", _("undone")
        LEFT = "left", _("changed since, and left as it is")

    of = models.ForeignKey(Import, models.CASCADE, related_name="changes")
    batch = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="import_changes")
    subject = models.PositiveBigIntegerField(null=True)  # the suppression that was written
    was = models.JSONField(null=True)
    left_as = models.CharField(max_length=32, blank=True)
    outcome = models.CharField(max_length=6, choices=Outcome, blank=True)

    class Meta:
        indexes = [models.Index(fields=["of", "batch"], name="import_change_batch")]

    def __str__(self) -> str:
        return f"change of customer {self.customer_id} by import {self.of_id}"


class ColumnMapping(models.Model):
    """Which column was which, the last time that a file had these headings."""

    kind = models.CharField(max_length=12, choices=Import.Kind)
    fingerprint = models.CharField(max_length=64)  # of the headings, in whatever order
    columns = models.JSONField()  # our name -> heading
    options = models.JSONField()
    used_at = models.DateTimeField()
    used_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "fingerprint"], name="mapping_of_headings"),
        ]

    def __str__(self) -> str:
        return f"mapping of {self.kind}"
