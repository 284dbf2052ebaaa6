"""One line of time for a customer: calls, promises, mails, evidence, the gate's answers. Reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import actors, merges, phone, wording
from crm.models import Attempt, Campaign, Customer
from followups.channels import PAPER, one_line
from followups.models import GateCheck, Override, PromiseEvent
from followups.reasons import BY_CODE
from offers.models import Answer, Delivery, DeliveryEvent, Evidence

MOST = 60
# What happened to a promise. Causes that are not here are shown as they are stored.
PROMISE: dict[str, str | Lazy] = {
    "made": gettext_lazy("promised"),
    "answer_written": gettext_lazy("its answer was written"),
    "called_back": gettext_lazy("kept: the customer was called back"),
    "replaced": gettext_lazy("replaced by another promise"),
    "withdrawn": gettext_lazy("withdrawn: the customer no longer wants it"),
    "renegotiated": gettext_lazy("agreed anew with the customer"),
    "reassigned": gettext_lazy("handed over to somebody else"),
    "recomputed": gettext_lazy("its times were worked out anew: the calendar has changed"),
    "slot_set": gettext_lazy("the hour of the call is set"),
    "awaits_another": gettext_lazy("waits for another promise instead"),
    "awaited_gone": gettext_lazy("what the call waited for does not come any more"),
    "waits_again": gettext_lazy("the call waits again"),
    "in_delivery": gettext_lazy("it left, proof is pending"),
    "nothing_stands": gettext_lazy("what had left did not arrive"),
    "proven": gettext_lazy("kept: proof of delivery"),
    "proven_otherwise": gettext_lazy("kept: by another proof than the first"),
    "reopened": gettext_lazy("open again: what had arrived did not"),
    "broken": gettext_lazy("broken: due, and nothing stands"),
    "customer_told": gettext_lazy("the customer was told that it is late"),
    "rung_owner": gettext_lazy("its owner was told"),
    "rung_owner_and_team": gettext_lazy("its owner and the team were told"),
    "rung_supervisor": gettext_lazy("the supervisor was told"),
    "rung_operations": gettext_lazy("operations were told"),
    "rung_management": gettext_lazy("the management was told"),
}


# What happened to a letter or an insert; a mail has the words of Delivery.Status.
PAPER_MOVES: dict[str, str | Lazy] = {
    "queued": gettext_lazy("on the list of the next print run"),
    "sending": gettext_lazy("printed"),
    "sent": gettext_lazy("handed to the post"),
    "failed": gettext_lazy("did not arrive"),
    "unknown": gettext_lazy("not confirmed by the mail room"),
    "cancelled": gettext_lazy("taken off the list"),
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: a call, promise, mail, proof, answer, gate or override."""

    at: datetime
    kind: str
    title: str
    detail: str
    who: str


@dataclass(frozen=True)
class Answered:
    """What the customer already said in a call; it is not asked twice."""

    at: datetime
    meaning: str
    note: str


def of(customer: Customer) -> list[Entry]:
    """The newest entries first, of all rows of the person; always as many queries."""
    people = merges.group_of([customer.pk])
    found = [
        *_calls(people),
        *_promises(people),
        *_mails(people),
        *_proofs(people),
        *_answers(people),
        *_checks(people),
        *_overrides(people),
    ]
    names = actors.names(entry.who for entry in found)
    newest = sorted(found, key=lambda entry: entry.at, reverse=True)[:MOST]
    return [Entry(e.at, e.kind, e.title, e.detail, names.get(e.who, "Kept")) for e in newest]


def answers(customer: Customer) -> list[Answered]:
    """What was answered in earlier contacts, newest first."""
    people = merges.group_of([customer.pk])
    spoken = Attempt.objects.filter(customer__in=people, result=Attempt.Result.ANSWERED)
    rows = spoken.exclude(disposition=None)
    return [
        Answered(row.started_at, wording.disposition(row.disposition_id or ""), row.text.note)
        for row in rows.select_related("text").order_by("-started_at")[:5]
    ]


def _calls(people: list[int]) -> Iterable[Entry]:
    rows = (
        Attempt.objects.filter(customer__in=people)
        .select_related("text", "campaign")
        .order_by("-started_at")
    )
    for row in rows[:MOST]:
        meaning = wording.disposition(row.disposition_id) if row.disposition_id else ""
        parts = [row.get_result_display(), meaning, row.text.note]
        title = _("Call from the customer") if row.direction == "inbound" else _("Call")
        if row.text.number:
            title += f" {phone.international(row.text.number)}"
        detail = " · ".join(str(part) for part in parts if part)
        yield Entry(row.started_at, "call", title, detail, row.logged_by)


def _promises(people: list[int]) -> Iterable[Entry]:
    rows = PromiseEvent.objects.filter(promise__customer__in=people).exclude(
        cause="delivery_attached"
    )
    rows = rows.select_related("promise__text").defer("promise__calendar", "promise__ladder")
    for row in rows.order_by("-id")[:MOST]:
        title = _("Promise %(reference)s") % {"reference": row.promise.reference}
        words = str(PROMISE.get(row.cause, row.cause))
        if row.cause == "made":
            words = f"“{row.promise.text.words}”"
        yield Entry(row.at, "promise", title, words, row.by)


def _mails(people: list[int]) -> Iterable[Entry]:
    labels = dict(Delivery.Status.choices)
    rows = DeliveryEvent.objects.filter(delivery__customer__in=people).exclude(to_status="claimed")
    for row in rows.select_related("delivery__text").order_by("-id")[:MOST]:
        paper = row.delivery.channel in PAPER
        words = PAPER_MOVES if paper else labels
        yield Entry(
            row.at, "mail", _sent_to(row.delivery), str(words.get(row.to_status, "")), row.by
        )


def _sent_to(delivery: Delivery) -> str:
    titles = {
        "email": _("Mail to %(address)s"),
        "portal": _("Notice of the page to %(address)s"),
        "post": _("Letter to %(address)s"),
        "bill_insert": _("With the bill to %(address)s"),
    }
    return titles[delivery.channel] % {"address": one_line(delivery.text.address)}


def _answers(people: list[int]) -> Iterable[Entry]:
    """What the customer pressed on the page."""
    rows = Answer.objects.filter(customer__in=people).select_related("text", "version__offer")
    for row in rows.order_by("-id")[:MOST]:
        about = str(row.version) if row.version else ""
        words = f"“{row.text.words[:160]}”" if row.text.words else ""
        detail = " · ".join(part for part in (about, words) if part)
        title = _("The customer %(what)s") % {"what": row.get_kind_display()}
        yield Entry(row.at, "answer", title, detail, row.by)


def _proofs(people: list[int]) -> Iterable[Entry]:
    rows = Evidence.objects.filter(delivery__customer__in=people).select_related("text")
    for row in rows.order_by("-id")[:MOST]:
        words = getattr(row, "text", None)
        grade = f"E{row.grade}" if row.grade else ""
        detail = " · ".join(part for part in (grade, words.words[:160] if words else "") if part)
        yield Entry(row.occurred_at, "proof", row.get_kind_display(), detail, row.received_by)


def _checks(people: list[int]) -> Iterable[Entry]:
    purposes = dict(Campaign.Purpose.choices)
    for row in GateCheck.objects.filter(customer_ids__0__in=people).order_by("-at")[:20]:
        allowed = row.decision == "allow"
        title = _("The gate allowed a call") if allowed else _("The gate refused a call")
        why = "" if allowed or row.code not in BY_CODE else BY_CODE[row.code].lifts()
        waits = _("it waits for: %(what)s") % {"what": why} if why else ""
        spared = _("a supervisor allowed it once") if row.code == "override" else ""
        parts = (str(purposes.get(row.purpose, "")), waits or spared)
        detail = " · ".join(part for part in parts if part)
        yield Entry(row.at, "gate", title, detail, row.by)


def _overrides(people: list[int]) -> Iterable[Entry]:
    """Every move of each: asked for, decided, signed, used."""
    rows = Override.objects.filter(customer__in=people).select_related("text", "agent")
    for row in rows.order_by("-id")[:MOST]:
        agent = {"agent": str(row.agent)}
        moves = (
            (row.asked_at, row.asked_by, _("Asked to call all the same"), row.text.asked_for),
            (row.refused_at, row.refused_by, _("Said no to a call by %(agent)s") % agent, ""),
            (
                row.granted_at,
                row.granted_by,
                _("Allowed %(agent)s one call") % agent,
                row.text.reason,
            ),
            (row.seconded_at, row.seconded_by, _("Signed for one call by %(agent)s") % agent, ""),
            (row.used_at, row.used_by, _("Took the call that was allowed"), ""),
        )
        for at, who, title, words in moves:
            if at:
                yield Entry(at, "override", title, f"“{words}”" if words else "", who)
