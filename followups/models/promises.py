"""Promises: what the company owes a customer after a contact, by a due time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.models import Attempt, Campaign, Customer, Team, User
from crm.triggers import append_only, change_has_event
from offers.models import Delivery, Document, OfferVersion

# A call-back that begins within an hour after its slot is on time; from this long before it, a call
# counts as the one that was promised.
CALLBACK_TOLERANCE = timedelta(minutes=60)
CALLBACK_EARLY = timedelta(minutes=15)
# The causes of events by which a promise turns, as other systems are told of it.
TURNS = ("made", "proven", "called_back", "reopened", "broken")


class Promises(models.QuerySet["Promise"]):
    """Adjectives. Lateness is derived here, never stored."""

    def open(self) -> Promises:
        return self.filter(status=Promise.Status.OPEN)

    def overdue(self, at: datetime) -> Promises:
        patient = models.Q(kind=Promise.Kind.CALLBACK, due_at__gt=at - CALLBACK_TOLERANCE)
        return self.open().filter(~patient, due_at__lte=at)

    def broken(self, at: datetime) -> Promises:
        """Due has passed and nothing stands."""
        return self.overdue(at).filter(track=Promise.Track.LATENESS)

    def unproven(self, at: datetime) -> Promises:
        """It left in time, but its proof is overdue."""
        return self.open().filter(track=Promise.Track.PROOF, proof_expected_at__lte=at)

    def in_delivery(self) -> Promises:
        return self.open().filter(track=Promise.Track.PROOF)

    def at_risk(self, at: datetime) -> Promises:
        """Most of the time is used and nothing stands: the first rung has passed."""
        return self.open().filter(track=Promise.Track.LATENESS, due_at__gt=at, at_risk_at__lte=at)


class Promise(models.Model):
    """One promise. Written only by followups/promises.py, moved by conditional UPDATE.

    `kept_at`, `settled_at` and `readable_at` are three instants that tell the truth apart
    (design: on time is judged by the first, the gate by the second, reading by the third).
    """

    class Kind(models.TextChoices):
        SEND_OFFER = "send_offer", _("send the offer")
        SEND_DOCUMENT = "send_document", _("send a document")
        WRITTEN_ANSWER = "written_answer", _("answer in writing")
        CALLBACK = "callback", _("call back")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        KEPT = "kept", _("kept")
        WITHDRAWN = "withdrawn", _("withdrawn")
        REPLACED = "replaced", _("replaced")
        ERASED = "erased", _("erased")

    class Track(models.TextChoices):
        LATENESS = "lateness", _("nothing stands yet")
        PROOF = "proof", _("it left, proof is pending")

    reference = models.CharField(max_length=8)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="promises", db_index=False)
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="promises")
    # Of a call-back: for which campaign, or for none. A customer waits for one call in each.
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True, db_index=False)
    kind = models.CharField(max_length=16, choices=Kind)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)
    owner = models.ForeignKey(User, models.PROTECT, related_name="promises", db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, db_index=False)
    version = models.ForeignKey(OfferVersion, models.PROTECT, null=True)
    document = models.ForeignKey(Document, models.PROTECT, null=True, db_index=False)
    plan = ArrayField(models.CharField(max_length=12))  # channels, in the order they are tried
    plan_step = models.PositiveSmallIntegerField(default=0)
    address_accepted_at = models.DateTimeField(null=True)  # read back on the call
    address_accepted_by = models.CharField(max_length=40, blank=True)
    required_grade = models.PositiveSmallIntegerField()
    reading_hours = models.PositiveSmallIntegerField()
    policy = models.CharField(max_length=40)  # name and version, as they were
    calendar = models.JSONField()
    ladder = models.JSONField()
    due_at = models.DateTimeField()
    at_risk_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False)
    # A call-back may wait for another promise: it gets its slot so many days after that one can be
    # read (followups/slots.py). Until then it has none, and `due_at` is the latest there can be.
    after = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="awaited_by", db_index=False
    )
    after_days = models.PositiveSmallIntegerField(null=True, blank=True)
    slot_from_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    readable_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=40, blank=True)
    broken_at = models.DateTimeField(null=True)  # written once; a late delivery does not undo it
    broken_by = models.CharField(max_length=40, blank=True)
    cycle = models.PositiveSmallIntegerField(default=1)
    track = models.CharField(max_length=8, choices=Track, default=Track.LATENESS)
    rung = models.PositiveSmallIntegerField(default=0)  # the next one to fire on this track
    rungs = ArrayField(models.DateTimeField())  # instants of this cycle and track
    next_rung_at = models.DateTimeField(null=True)
    proof_expected_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)  # of a sweep on this row

    objects = Promises.as_manager()

    class Meta:
        # Each climb moves the row in every index that has it: none that another one answers for,
        # and none over what is mostly empty.
        indexes = [
            models.Index(
                fields=["document"],
                name="promise_of_document",
                condition=models.Q(document__isnull=False),
            ),
            models.Index(
                fields=["replaces"],
                name="promise_replaces",
                condition=models.Q(replaces__isnull=False),
            ),
            models.Index(
                fields=["next_rung_at"],
                name="promise_next_rung",
                condition=models.Q(status="open", next_rung_at__isnull=False),
            ),
            models.Index(fields=["customer", "status"], name="promise_of_customer"),
            models.Index(
                fields=["owner", "due_at"],
                name="promise_open_of_owner",
                condition=models.Q(status="open"),
            ),
            models.Index(
                fields=["due_at"], name="promise_open_due", condition=models.Q(status="open")
            ),
            # In which order the watchdog looks at all of them.
            models.Index(fields=["id"], name="promise_open", condition=models.Q(status="open")),
            models.Index(
                fields=["id"],
                name="promise_stuck",
                condition=models.Q(status="open", failures__gte=5),  # poison.MOST
            ),
            models.Index(
                fields=["after"],
                name="promise_waits_for_another",
                condition=models.Q(status="open", after__isnull=False),
            ),
            models.Index(
                fields=["settled_at"], name="promise_kept_at", condition=models.Q(status="kept")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="promise_reference"),
            models.UniqueConstraint(
                fields=["customer", "campaign"],
                name="one_open_call_back",
                condition=models.Q(status="open", kind="callback"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="promise_only_a_call_waits_for_another",
                condition=models.Q(
                    after__isnull=True, after_days__isnull=True, slot_from_at__isnull=True
                )
                | models.Q(kind="callback", after__isnull=False, after_days__isnull=False),
            ),
            models.CheckConstraint(
                name="promise_closed_iff_not_open",
                condition=models.Q(status="open", closed_at__isnull=True, closed_by="")
                | (
                    ~models.Q(status="open")
                    & models.Q(closed_at__isnull=False)
                    & ~models.Q(closed_by="")
                ),
            ),
            models.CheckConstraint(
                name="promise_kept_has_its_instants",
                condition=~models.Q(status="kept")
                | models.Q(
                    kept_at__isnull=False, settled_at__isnull=False, readable_at__isnull=False
                ),
            ),
            models.CheckConstraint(
                name="promise_names_what_it_owes",
                condition=models.Q(kind="send_offer", version__isnull=False)
                | models.Q(kind="send_document", document__isnull=False)
                # The answer is written after it was promised; a call-back owes no document.
                | models.Q(kind__in=["written_answer", "callback"], version__isnull=True),
            ),
            models.CheckConstraint(
                name="promise_grade", condition=models.Q(required_grade__range=(1, 5))
            ),
            models.CheckConstraint(
                name="promise_due_after_made", condition=models.Q(due_at__gt=models.F("made_at"))
            ),
            models.CheckConstraint(
                name="promise_address_accepted_by_somebody",
                condition=models.Q(address_accepted_at__isnull=True)
                ^ ~models.Q(address_accepted_by=""),
            ),
            models.CheckConstraint(
                name="promise_broken_by_somebody",
                condition=models.Q(broken_at__isnull=True) ^ ~models.Q(broken_by=""),
            ),
        ]
        triggers = [
            change_has_event(name="promise", events="followups_promiseevent", column="promise_id")
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def waits(self) -> bool:
        """A call for which no hour is set yet: what it waits for has not come."""
        return self.after_id is not None and self.slot_from_at is None

    @property
    def late_at(self) -> datetime:
        """From then on it is late: a call-back has some patience, a document has none."""
        patience = CALLBACK_TOLERANCE if self.kind == self.Kind.CALLBACK else timedelta(0)
        return self.due_at + patience


class PromiseEvent(models.Model):
    """A move of a promise, or something that happened to it. Append-only."""

    promise = models.ForeignKey(Promise, models.PROTECT, related_name="events", db_index=False)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    cause = models.SlugField(max_length=40, db_index=False)
    data = models.JSONField(default=dict)  # ids and codes only
    xact = XactField()
    stretch = StretchField()

    class Meta:
        indexes = [
            models.Index(fields=["promise", "id"], name="events_of_promise"),
            models.Index(
                fields=["xact"],
                name="promise_turn_cursor",
                condition=models.Q(cause__in=TURNS),
            ),
        ]
        triggers = append_only(name="promise_event")

    def __str__(self) -> str:
        return f"{self.cause} of promise {self.promise_id}"


class PromiseText(models.Model):
    """What was said, and the address read back; blanked on erasure."""

    promise = models.OneToOneField(Promise, models.CASCADE, primary_key=True, related_name="text")
    words = models.TextField()
    address = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return f"text of promise {self.pk}"


class PromiseDelivery(models.Model):
    """Attaches a delivery to the promises it serves (a delivery does not know promises)."""

    promise = models.ForeignKey(Promise, models.PROTECT, related_name="attached")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="attached")
    attached_at = models.DateTimeField()
    attached_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promise", "delivery"], name="attached_once"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.delivery_id} for promise {self.promise_id}"
