"""How a promise stands, in the agent's words: its state, its journey, what went wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants
from followups.models import Promise
from offers.grades import Fold, fold
from offers.models import Delivery

Status = Delivery.Status
STATES: dict[str, str | Lazy] = {
    "broken": gettext_lazy("broken"),
    "at_risk": gettext_lazy("at risk"),
    "unproven": gettext_lazy("left, proof overdue"),
    "in_delivery": gettext_lazy("in delivery"),
    "waiting": gettext_lazy("not left yet"),
    "kept": gettext_lazy("kept"),
    "kept_late": gettext_lazy("kept late"),
    "withdrawn": gettext_lazy("withdrawn"),
    "replaced": gettext_lazy("replaced"),
    "erased": gettext_lazy("erased"),
}
# Why nothing stands; the board's list of causes.
CAUSES: dict[str, str | Lazy] = {
    "bounced": gettext_lazy("the mail came back"),
    "no_address": gettext_lazy("no mail address"),
    "unknown": gettext_lazy("may or may not have left"),
    "server_down": gettext_lazy("the mail server does not take it"),
    "never_received": gettext_lazy("the customer says it never came"),
    "waiting": gettext_lazy("waiting to leave"),
    "on_its_way": gettext_lazy("on its way"),
}
UNDERWAY = {Status.QUEUED, Status.CLAIMED, Status.SENDING, Status.RETRY}


def state(promise: Promise, *, at: datetime) -> str:
    """The derived state of a promise: a key of STATES."""
    if promise.status == Promise.Status.KEPT:
        late = promise.kept_at and promise.kept_at > promise.due_at
        return "kept_late" if late or promise.broken_at else "kept"
    if promise.status != Promise.Status.OPEN:
        return str(promise.status)
    if promise.track == Promise.Track.PROOF:
        overdue = promise.proof_expected_at and promise.proof_expected_at <= at
        return "unproven" if overdue else "in_delivery"
    if promise.due_at <= at:
        return "broken"
    return "at_risk" if promise.at_risk_at <= at else "waiting"


@dataclass(frozen=True)
class Trouble:
    """Where the newest delivery stands: a key of CAUSES, and the sentence about it."""

    cause: str
    sentence: str


def newest(promise: Promise) -> Delivery | None:
    """The delivery that was attached last; needs `attached` prefetched in order."""
    rows = list(promise.attached.all())
    return rows[-1].delivery if rows else None


def trouble(delivery: Delivery | None, *, at: datetime) -> Trouble:
    """What happened to a delivery, or that there is none, as one would tell a colleague."""
    if delivery is None:
        return Trouble("no_address", _("There is no mail address to send it to."))
    known = fold(delivery.evidence.all())
    if delivery.status == Status.FAILED or known.failed:
        return _failed(delivery, at)
    if delivery.status == Status.UNKNOWN:
        words = _("The line broke while the mail was leaving: it may or may not have left.")
        return Trouble("unknown", words)
    if delivery.status == Status.RETRY:
        return _held_up(delivery, at)
    if delivery.status == Status.SENT:
        return _sent(known, at)
    if delivery.status == Status.SENDING:
        return Trouble("on_its_way", _("The mail is leaving now."))
    if delivery.status == Status.CANCELLED:
        return Trouble("waiting", _("The mail was taken back before it left."))
    return Trouble("waiting", _("The mail waits to leave."))


def _failed(delivery: Delivery, at: datetime) -> Trouble:
    bad = [row for row in delivery.evidence.all() if row.kind in {"failed", "never_received"}]
    last = max(bad, key=lambda row: row.occurred_at, default=None)
    if last is None:
        return Trouble("bounced", _("The mail could not be delivered."))
    when = {"when": instants.said(last.occurred_at, now=at)}
    if last.kind == "never_received":
        return Trouble("never_received", _("The customer said %(when)s that it never came.") % when)
    if last.hard:
        words = _("The mail bounced %(when)s: the address does not exist.")
    elif last.source == "smtp" and not last.status_code:
        words = _("The mail server could not be reached for a day; we gave up %(when)s.")
        return Trouble("server_down", words % when)
    else:
        words = _("The mail bounced %(when)s: the mailbox did not take it (%(status)s).")
    return Trouble("bounced", words % {**when, "status": last.status_code or "?"})


def _held_up(delivery: Delivery, at: datetime) -> Trouble:
    soon = delivery.next_try_at is None or delivery.next_try_at <= at
    again = {
        "when": _("in a moment") if soon else instants.said(delivery.next_try_at or at, now=at),
        "code": delivery.reply_code,
    }
    if delivery.reply_code:
        words = _(
            "The mail server asked us to wait (%(code)s); next try %(when)s. Nothing is lost."
        )
    else:
        words = _("The mail server does not answer; next try %(when)s. Nothing is lost.")
    return Trouble("server_down", words % again)


def _sent(known: Fold, at: datetime) -> Trouble:
    if known.delivered_at:
        words = _("Delivered to the mailbox %(when)s. It is proven when nothing comes back.")
        since = known.delivered_at
    elif known.accepted_at:
        words = _("The mail server took it %(when)s. It is proven when nothing comes back.")
        since = known.accepted_at
    else:
        return Trouble("on_its_way", _("The mail has left."))
    return Trouble("on_its_way", words % {"when": instants.said(since, now=at)})


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
        address=delivery.text.address if delivery else promise.text.address,
        pace=_pace(promise, delivery),
        earlier=tuple(
            f"{row.text.address}: {trouble(row, at=at).sentence}" for row in rows[-2::-1]
        ),
    )


def _pace(promise: Promise, delivery: Delivery | None) -> int | None:
    if promise.status != Promise.Status.OPEN or delivery is None:
        return None
    if delivery.status in UNDERWAY:
        return 2
    return 15 if delivery.status in {Status.SENT, Status.UNKNOWN} else None


def _sentence(promise: Promise, delivery: Delivery | None, at: datetime) -> str:
    if promise.status == Promise.Status.KEPT and promise.kept_at and promise.settled_at:
        return _("Kept %(kept)s, proven %(proven)s.") % {
            "kept": instants.said(promise.kept_at, now=at),
            "proven": instants.said(promise.settled_at, now=at),
        }
    if promise.status != Promise.Status.OPEN:
        return _("This promise is %(state)s.") % {"state": STATES[str(promise.status)]}
    return trouble(delivery, at=at).sentence


def _steps(promise: Promise, delivery: Delivery | None) -> tuple[Step, ...]:
    """Queued, leaving, accepted, delivered, proven: how far the newest delivery has come."""
    known = fold(delivery.evidence.all()) if delivery else Fold()
    moments = (
        delivery.queued_at if delivery else None,
        delivery.sending_at if delivery else None,
        known.accepted_at or _accepted_at(delivery),
        known.delivered_at,
        promise.settled_at,
    )
    labels: tuple[str, ...] = (
        _("queued"),
        _("leaving"),
        _("accepted by the mail server"),
        _("delivered"),
        _("proven"),
    )
    place, mark = _place(promise, delivery, known)
    if mark == "failed":
        labels = (*labels[:place], _stopped(delivery), *labels[place + 1 :])
    return tuple(
        Step(label, "done" if n < place else mark if n == place else "todo", moment)
        for n, (label, moment) in enumerate(zip(labels, moments, strict=True))
    )


def _accepted_at(delivery: Delivery | None) -> datetime | None:
    """What came back had been accepted all the same."""
    return delivery.settled_at if delivery and delivery.status == Status.SENT else None


def _stopped(delivery: Delivery | None) -> str:
    """The station at which the journey ended, in place of the one it did not reach."""
    if delivery is None:
        return _("no address")
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
    if delivery.status == Status.SENT:
        return (4 if known.delivered_at or known.grade >= 3 else 3), "now"
    places = {Status.CLAIMED: 1, Status.SENDING: 1, Status.UNKNOWN: 2}
    place = places.get(Status(delivery.status), 0)
    return place, "failed" if delivery.status in {Status.UNKNOWN, Status.CANCELLED} else "now"
