"""How a promise stands, in the agent's words: its state, its journey, what went wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants
from followups import telling, telling_paper
from followups.channels import BY, one_line
from followups.models import Promise
from offers.evidence import quiet_span
from offers.grades import Fold, fold
from offers.models import Delivery
from offers.models.deliveries import PAPER

Status = Delivery.Status
STATES: dict[str, str | Lazy] = {
    "broken": gettext_lazy("broken"),
    "at_risk": gettext_lazy("at risk"),
    "unproven": gettext_lazy("left, proof overdue"),
    "in_delivery": gettext_lazy("in delivery"),
    "waiting": gettext_lazy("not due yet"),
    "kept": gettext_lazy("kept"),
    "kept_late": gettext_lazy("kept late"),
    "withdrawn": gettext_lazy("withdrawn"),
    "replaced": gettext_lazy("replaced"),
    "erased": gettext_lazy("erased"),
}
SOON, AT_TIMES = 2, 15  # seconds between two looks
# A proof that is due comes with the next turn of the settle sweep (30 s, if no nudge hurries it).
FRESHLY_DUE = timedelta(minutes=2)
UNDERWAY = {Status.QUEUED, Status.CLAIMED, Status.SENDING, Status.RETRY}


def state(promise: Promise, *, at: datetime) -> str:
    """The derived state of a promise: a key of STATES."""
    if promise.status == Promise.Status.KEPT:
        late = promise.kept_at and promise.kept_at > promise.late_at
        return "kept_late" if late or promise.broken_at else "kept"
    if promise.status != Promise.Status.OPEN:
        return str(promise.status)
    if promise.track == Promise.Track.PROOF:
        overdue = promise.proof_expected_at and promise.proof_expected_at <= at
        return "unproven" if overdue else "in_delivery"
    if promise.late_at <= at:
        return "broken"
    return "at_risk" if promise.at_risk_at <= at else "waiting"


def newest(promise: Promise) -> Delivery | None:
    """The delivery that was attached last; needs `attached` prefetched in order."""
    rows = list(promise.attached.all())
    return rows[-1].delivery if rows else None


@dataclass(frozen=True)
class Step:
    """One station of the journey. `mark` is done, now, todo or failed."""

    label: str
    mark: str
    at: datetime | None = None


@dataclass(frozen=True)
class Journey:
    """What the sheet shows of a promise. `pace` is the seconds until it is worth another look."""

    promise: Promise
    state: str
    steps: tuple[Step, ...]
    sentence: str
    address: str
    by: str
    pace: int | None
    earlier: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        return str(STATES[self.state])


def journey(promise: Promise, *, at: datetime) -> Journey:
    """The live journey of a promise; needs `attached__delivery__{text,evidence}` prefetched."""
    rows = [row.delivery for row in promise.attached.all()]
    delivery = rows[-1] if rows else None
    return Journey(
        promise=promise,
        state=state(promise, at=at),
        steps=_steps(promise, delivery),
        sentence=_sentence(promise, delivery, at),
        address=one_line(delivery.text.address if delivery else promise.text.address),
        by=way(promise),
        pace=_pace(promise, delivery, at),
        earlier=tuple(
            f"{one_line(row.text.address)}: {telling.trouble(row, at=at).sentence}"
            for row in rows[-2::-1]
        ),
    )


def _pace(promise: Promise, delivery: Delivery | None, at: datetime) -> int | None:
    if promise.status != Promise.Status.OPEN or delivery is None:
        return None
    if delivery.channel in PAPER:
        return None  # days pass between its stations
    if delivery.status in UNDERWAY:
        return SOON
    if delivery.status not in {Status.SENT, Status.UNKNOWN}:
        return None
    quiet = quiet_span(fold(delivery.evidence.all()))
    return SOON if quiet and quiet[1] <= at < quiet[1] + FRESHLY_DUE else AT_TIMES


def _sentence(promise: Promise, delivery: Delivery | None, at: datetime) -> str:
    if promise.status == Promise.Status.KEPT and promise.kind == Promise.Kind.CALLBACK:
        return _("Called back %(when)s.") % {"when": instants.said(promise.kept_at or at, now=at)}
    if promise.status == Promise.Status.KEPT and promise.kept_at and promise.settled_at:
        return _("Kept %(kept)s, proven %(proven)s.") % {
            "kept": instants.said(promise.kept_at, now=at),
            "proven": instants.said(promise.settled_at, now=at),
        }
    if promise.status != Promise.Status.OPEN:
        return _("This promise is %(state)s.") % {"state": STATES[str(promise.status)]}
    return telling.of(promise, delivery, at=at).sentence


def way(promise: Promise) -> str:
    """The way it goes now, in words; nothing for a call-back."""
    delivery = newest(promise)
    planned = promise.plan[promise.plan_step] if promise.plan else ""
    return str(BY.get(delivery.channel if delivery else planned, ""))


def _steps(promise: Promise, delivery: Delivery | None) -> tuple[Step, ...]:
    """How far the promise has come: its call, its answer, or the newest delivery."""
    if promise.kind == Promise.Kind.CALLBACK:
        mark = "done" if promise.kept_at else "now"
        agreed = Step(_("agreed"), "done", promise.made_at)
        return agreed, Step(_("called back"), mark, promise.kept_at)
    if delivery is None and promise.kind == Promise.Kind.WRITTEN_ANSWER:
        asked = Step(_("asked"), "done", promise.made_at)
        later = (Step(word, "todo") for word in (_("sent"), _("proven")))
        return asked, Step(_("answer written"), "now"), *later
    return _stations(promise, delivery)


def _stations(promise: Promise, delivery: Delivery | None) -> tuple[Step, ...]:
    known = fold(delivery.evidence.all()) if delivery else Fold()
    labels, moments = _labels(delivery), _moments(promise, delivery, known)
    place, mark = _place(promise, delivery, known)
    if mark == "failed":
        labels = (*labels[:place], _stopped(delivery), *labels[place + 1 :])
    return tuple(
        Step(label, "done" if n < place else mark if n == place else "todo", moment)
        for n, (label, moment) in enumerate(zip(labels, moments, strict=True))
    )


def _labels(delivery: Delivery | None) -> tuple[str, ...]:
    if delivery and delivery.channel in PAPER:
        return telling_paper.stations(delivery)
    if delivery and delivery.channel == "portal":
        taken, there = _("notice accepted by the mail server"), _("opened by the customer")
    else:
        taken, there = _("accepted by the mail server"), _("delivered")
    return _("queued"), _("leaving"), taken, there, _("proven")


def _moments(
    promise: Promise, delivery: Delivery | None, known: Fold
) -> tuple[datetime | None, ...]:
    if delivery is None:
        return None, None, None, None, promise.settled_at
    there = known.reached.get(4) if delivery.channel == "portal" else known.delivered_at
    return (
        delivery.queued_at,
        delivery.sending_at,
        known.accepted_at or _accepted_at(delivery),
        there,
        promise.settled_at,
    )


def _accepted_at(delivery: Delivery) -> datetime | None:
    """What came back had been accepted all the same."""
    return delivery.settled_at if delivery.status == Status.SENT else None


def _stopped(delivery: Delivery | None) -> str:
    """The station at which the journey ended, in place of the one it did not reach."""
    if delivery is None:
        return _("no address")
    if delivery.channel in PAPER:
        return telling_paper.stopped(delivery)
    words = {
        Status.SENT: _("came back"),
        Status.FAILED: _("refused"),
        Status.UNKNOWN: _("not known whether it left"),
        Status.CANCELLED: _("taken back"),
    }
    return words.get(Status(delivery.status), _("stopped"))


def _place(promise: Promise, delivery: Delivery | None, known: Fold) -> tuple[int, str]:
    """The station that is being worked at (those before it are done), and its mark."""
    if promise.status == Promise.Status.KEPT:
        return 5, "done"
    if delivery is None:
        return 0, "failed"
    if delivery.status == Status.FAILED or known.failed:
        return (3 if delivery.status == Status.SENT else 2), "failed"
    paper = delivery.channel in PAPER
    if delivery.status == Status.SENT:
        there = known.grade >= 3 or (known.delivered_at and delivery.channel != "portal")
        return (4 if there else 3), "now"
    places = {Status.CLAIMED: 1, Status.SENDING: 2 if paper else 1, Status.UNKNOWN: 2}
    place = places.get(Status(delivery.status), 0)
    return place, "failed" if delivery.status in {Status.UNKNOWN, Status.CANCELLED} else "now"
