"""Paper: print runs, their lines in bill order, their volumes, and what the mail room returned."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.triggers import append_only, change_has_event
from offers.models.deliveries import Delivery

MOST_SHEETS = 10_000  # of one volume: what a printer takes as one job


class PrintRun(models.Model):
    """A cycle of paper bills that carries inserts, or one day's letters.

    Moved only by offers/bill_runs.py, by conditional UPDATE. Who joins is decided by
    `cut_off_at`; how far the building is, by the lines and volumes.
    """

    class Kind(models.TextChoices):
        BILL_RUN = "bill_run", _("bill run")
        BATCH = "batch", _("letters")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        PRINTED = "printed", _("printed")
        MAILED = "mailed", _("mailed")

    kind = models.CharField(max_length=8, choices=Kind)
    bill_day = models.PositiveSmallIntegerField(null=True)  # of the month; none for letters
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    cut_off_at = models.DateTimeField()
    mailing_date = models.DateField()  # as planned
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=40)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=40, blank=True)
    numbered_at = models.DateTimeField(null=True)  # from here on the list has its order and its N
    total = models.PositiveIntegerField(null=True)  # N, the lines of the numbered list
    ready_at = models.DateTimeField(null=True)  # every volume is built
    printed_at = models.DateTimeField(null=True)
    printed_by = models.CharField(max_length=40, blank=True)
    mailed_at = models.DateTimeField(null=True)
    mailed_by = models.CharField(max_length=40, blank=True)
    whole_at = models.DateTimeField(null=True)  # mailed as a whole: no line will be confirmed
    whole_by = models.CharField(max_length=40, blank=True)
    doubted_at = models.DateTimeField(null=True)  # looked for lines that nobody confirmed

    class Meta:
        indexes = [
            models.Index(
                fields=["cut_off_at"],
                name="run_unfinished",
                condition=~models.Q(status="mailed"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "bill_day", "mailing_date"],
                name="one_run_per_mailing",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="bill_run_has_its_day",
                condition=models.Q(kind="bill_run", bill_day__range=(1, 28))
                | models.Q(kind="batch", bill_day__isnull=True),
            ),
            models.CheckConstraint(
                name="run_closed_iff_not_open",
                condition=models.Q(status="open", closed_at__isnull=True)
                | (~models.Q(status="open") & models.Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="run_printed_once_ready",
                condition=models.Q(status__in=["open", "closed"], printed_at__isnull=True)
                | models.Q(
                    status__in=["printed", "mailed"],
                    printed_at__isnull=False,
                    ready_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="run_mailed_has_its_instant",
                condition=models.Q(status="mailed", mailed_at__isnull=False)
                | (~models.Q(status="mailed") & models.Q(mailed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="run_numbered_has_its_total",
                condition=models.Q(numbered_at__isnull=True) ^ models.Q(total__isnull=False),
            ),
        ]
        triggers = [
            change_has_event(name="print_run", events="offers_printrunevent", column="run_id")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class PrintRunEvent(models.Model):
    """A move of a run, or something that happened to it. Append-only."""

    run = models.ForeignKey(PrintRun, models.PROTECT, related_name="events")
    from_status = models.CharField(max_length=8, blank=True)
    to_status = models.CharField(max_length=8)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    cause = models.SlugField(max_length=40)
    data = models.JSONField(default=dict)  # ids, codes and counts only
    xact = XactField()
    stretch = StretchField()

    class Meta:
        indexes = [models.Index(fields=["run", "id"], name="events_of_run")]
        triggers = append_only(name="print_run_event")

    def __str__(self) -> str:
        return f"{self.cause} of run {self.run_id}"


class ReturnFile(models.Model):
    """A manifest that the mail room sent back: which, by whom, and what could not be believed."""

    run = models.ForeignKey(PrintRun, models.PROTECT, related_name="returns")
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=40)
    counts = models.JSONField(default=dict)  # outcome -> lines
    problems = models.JSONField(default=list)  # line number, code and outcome of what was refused
    stretch = StretchField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "sha256"], name="return_file_once"),
        ]
        triggers = append_only(name="return_file")

    def __str__(self) -> str:
        return f"return file {self.pk} of run {self.run_id}"


class PrintVolume(models.Model):
    """One file for the printer: a stretch of the numbered list, never splitting a line."""

    run = models.ForeignKey(PrintRun, models.PROTECT, related_name="volumes")
    number = models.PositiveSmallIntegerField()
    first = models.PositiveIntegerField()  # sequence
    last = models.PositiveIntegerField()
    sheets = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(null=True)  # bytes
    sha256 = models.CharField(max_length=64, blank=True)
    built_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="volume_once"),
            models.UniqueConstraint(fields=["run", "first"], name="volume_starts_once"),
            models.CheckConstraint(
                name="volume_forward", condition=models.Q(last__gte=models.F("first"))
            ),
            models.CheckConstraint(
                name="volume_has_bytes_once_built",
                condition=models.Q(built_at__isnull=True, size__isnull=True, sha256="")
                | (models.Q(built_at__isnull=False, size__isnull=False) & ~models.Q(sha256="")),
            ),
        ]

    def __str__(self) -> str:
        return f"volume {self.number} of run {self.run_id}"


class PrintPiece(models.Model):
    """A few megabytes of a volume, so that nobody has to hold it whole in memory."""

    volume = models.ForeignKey(PrintVolume, models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["volume", "number"], name="piece_once"),
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of volume {self.volume_id}"


class PrintLine(models.Model):
    """One delivery's place in a run; `sequence` of `run.total` once the list is numbered."""

    class Status(models.TextChoices):
        PENDING = "pending", _("not confirmed yet")
        MAILED = "mailed", _("mailed")
        SPOILED = "spoiled", _("spoiled")
        MISSING = "missing", _("missing")
        DROPPED = "dropped", _("taken out before printing")

    # The paper is gone, and the address was not at fault.
    SPENT = (Status.SPOILED, Status.MISSING)

    run = models.ForeignKey(PrintRun, models.PROTECT, related_name="lines")
    delivery = models.OneToOneField(Delivery, models.PROTECT, related_name="line")
    joined_at = models.DateTimeField()
    joined_by = models.CharField(max_length=40)
    sequence = models.PositiveIntegerField(null=True)
    pages = models.PositiveSmallIntegerField(
        null=True
    )  # with its cover; set once it can be printed
    sha256 = models.CharField(max_length=64, blank=True)  # of the document
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    told_in = models.ForeignKey(ReturnFile, models.PROTECT, null=True, related_name="lines")
    happened_at = models.DateTimeField(null=True)  # as the mail room says
    tell_at = models.DateTimeField(null=True)  # its evidence waits to be recorded since then

    class Meta:
        indexes = [
            models.Index(
                fields=["run", "id"],
                name="line_to_prepare",
                condition=models.Q(pages__isnull=True, status="pending"),
            ),
            models.Index(
                fields=["tell_at"],
                name="line_to_tell",
                condition=models.Q(tell_at__isnull=False),
            ),
            models.Index(fields=["run", "status", "sequence"], name="lines_of_run"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "sequence"], name="sequence_once_per_run"),
            models.CheckConstraint(
                name="line_told_has_its_instant",
                condition=models.Q(status__in=["pending", "dropped"])
                | models.Q(happened_at__isnull=False),
            ),
            models.CheckConstraint(
                name="line_in_order_can_be_printed",
                condition=models.Q(sequence__isnull=True) | models.Q(pages__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """What the mark on the sheet and the manifest say. It begins with a letter, so that a
        spreadsheet does not eat its zeros."""
        return f"D{self.delivery_id:09d}"
