"""What happened to a customer, kind by kind, the newest first: each source of the timeline. Reads.

Every source yields rows below a mark, so that a page costs as many rows whatever lies behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import customers, phone, wording
from crm.models import Attempt, AuditEntry, Campaign, Consent, Merge, Preference, Suppression
from followups import notice_words
from followups.channels import PAPER, one_line
from followups.models import GateCheck, Notice, Override, PromiseEvent
from followups.reasons import BY_CODE
from offers.models import Answer, Delivery, DeliveryEvent, Evidence

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

# What our own print says of a document (offers/print_files.py); others' words are shown as said.
PRINTING: dict[str, str | Lazy] = {
    "too_long": gettext_lazy("it has more pages than an envelope takes"),
    "not_rendered": gettext_lazy("its pages could not be made"),
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


# What happens seldom is read whole: nobody has more of it.
FEW = 200
ADDRESSES = {
    "email": gettext_lazy("The mail address was put right"),
    "postal": gettext_lazy("The postal address was put right"),
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: when, of which kind, in words, who did it. `place` sorts what has
    the same instant and the same source."""

    at: datetime
    kind: str
    title: str
    detail: str
    who: str
    place: str = ""


@dataclass(frozen=True)
class Below:
    """Where a page begins: only what comes after this mark in the order of the timeline. `rank` is
    that of the source at which the page before ended, `place` its last row."""

    at: datetime
    rank: int
    place: str

    def of(
        self, rows: QuerySet[Any], *, rank: int, instant: str = "at", key: str = "pk"
    ) -> QuerySet[Any]:
        """The rows of the source with this rank that lie below the mark."""
        earlier = Q(**{f"{instant}__lt": self.at})
        if rank > self.rank:
            return rows.filter(Q(**{f"{instant}__lte": self.at}))
        if rank == self.rank:
            same = Q(**{instant: self.at, f"{key}__lt": self.place})
            return rows.filter(earlier | same)
        return rows.filter(earlier)


@dataclass(frozen=True)
class Cut:
    """Of whom, from where, how many rows: what a source is asked for."""

    people: list[int]
    below: Below | None
    rank: int
    most: int

    def rows(self, found: QuerySet[Any], instant: str = "at") -> QuerySet[Any]:
        """The newest of these rows below the mark."""
        if self.below:
            found = self.below.of(found, rank=self.rank, instant=instant)
        return found.order_by(f"-{instant}", "-pk")[: self.most]


def calls(cut: Cut) -> Iterable[Entry]:
    """Calls with the customer, either way."""
    found = Attempt.objects.filter(customer__in=cut.people).select_related("text")
    for row in cut.rows(found, "started_at"):
        meaning = wording.disposition(row.disposition_id) if row.disposition_id else ""
        parts = [row.get_result_display(), meaning, row.text.note]
        title = _("Call from the customer") if row.direction == "inbound" else _("Call")
        if row.text.number:
            title += f" {phone.international(row.text.number)}"
        detail = " · ".join(str(part) for part in parts if part)
        yield Entry(row.started_at, "call", title, detail, row.logged_by, str(row.pk))


def promises(cut: Cut) -> Iterable[Entry]:
    """What became of promises, but for who was told of it."""
    found = _events(cut).exclude(cause__startswith="rung_")
    for row in cut.rows(found):
        words = str(PROMISE.get(row.cause, row.cause))
        if row.cause == "made":
            words = f"“{row.promise.text.words}”"
        yield Entry(row.at, "promise", _promise(row), words, row.by, str(row.pk))


def rungs(cut: Cut) -> Iterable[Entry]:
    """Who was told that a promise is late."""
    for row in cut.rows(_events(cut).filter(cause__startswith="rung_")):
        words = str(PROMISE.get(row.cause, row.cause))
        yield Entry(row.at, "notice", _promise(row), words, row.by, str(row.pk))


def _events(cut: Cut) -> QuerySet[PromiseEvent]:
    rows = PromiseEvent.objects.filter(promise__customer__in=cut.people)
    rows = rows.exclude(cause="delivery_attached").select_related("promise__text")
    return rows.defer("promise__calendar", "promise__ladder")


def _promise(row: PromiseEvent) -> str:
    return _("Promise %(reference)s") % {"reference": row.promise.reference}


def notices(cut: Cut) -> Iterable[Entry]:
    """Who was told of anything else about a promise."""
    found = Notice.objects.filter(promise__customer__in=cut.people, escalation=None)
    found = found.select_related("promise__customer", "promise__owner", "user")
    for row in cut.rows(found.defer("promise__calendar", "promise__ladder")):
        title = _("%(who)s was told") % {"who": row.user}
        yield Entry(row.at, "notice", title, notice_words.sentence(row), "system", str(row.pk))


def mails(cut: Cut) -> Iterable[Entry]:
    """Where mails, letters and inserts went."""
    labels = dict(Delivery.Status.choices)
    found = DeliveryEvent.objects.filter(delivery__customer__in=cut.people)
    found = found.exclude(to_status="claimed").select_related("delivery__text")
    for row in cut.rows(found):
        paper = row.delivery.channel in PAPER
        words = PAPER_MOVES if paper else labels
        said = str(words.get(row.to_status, ""))
        yield Entry(row.at, "mail", _sent_to(row.delivery), said, row.by, str(row.pk))


def _sent_to(delivery: Delivery) -> str:
    titles = {
        "email": _("Mail to %(address)s"),
        "portal": _("Notice of the page to %(address)s"),
        "post": _("Letter to %(address)s"),
        "bill_insert": _("With the bill to %(address)s"),
    }
    return titles[delivery.channel] % {"address": one_line(delivery.text.address)}


def proofs(cut: Cut) -> Iterable[Entry]:
    """What proves that something arrived, or that it did not."""
    found = Evidence.objects.filter(delivery__customer__in=cut.people).select_related("text")
    for row in cut.rows(found, "occurred_at"):
        words = getattr(row, "text", None)
        grade = f"E{row.grade}" if row.grade else ""
        said = str(PRINTING.get(words.words, words.words[:160])) if words else ""
        detail = " · ".join(part for part in (grade, said) if part)
        title = row.get_kind_display()
        yield Entry(row.occurred_at, "proof", title, detail, row.received_by, str(row.pk))


def answers(cut: Cut) -> Iterable[Entry]:
    """What the customer pressed on the page."""
    found = Answer.objects.filter(customer__in=cut.people)
    for row in cut.rows(found.select_related("text", "version__offer")):
        about = str(row.version) if row.version else ""
        words = f"“{row.text.words[:160]}”" if row.text.words else ""
        detail = " · ".join(part for part in (about, words) if part)
        title = _("The customer %(what)s") % {"what": row.get_kind_display()}
        yield Entry(row.at, "answer", title, detail, row.by, str(row.pk))


def checks(cut: Cut) -> Iterable[Entry]:
    """What the gate was asked, and answered."""
    purposes = dict(Campaign.Purpose.choices)
    for row in cut.rows(GateCheck.objects.filter(customer_ids__0__in=cut.people)):
        allowed = row.decision == "allow"
        title = _("The gate allowed a call") if allowed else _("The gate refused a call")
        why = "" if allowed or row.code not in BY_CODE else BY_CODE[row.code].lifts()
        waits = _("it waits for: %(what)s") % {"what": why} if why else ""
        spared = _("a supervisor allowed it once") if row.code == "override" else ""
        parts = (str(purposes.get(row.purpose, "")), waits or spared)
        detail = " · ".join(part for part in parts if part)
        yield Entry(row.at, "gate", title, detail, row.by, str(row.pk))


def overrides(cut: Cut) -> Iterable[Entry]:
    """Every move of each: asked for, decided, signed, used."""
    rows = Override.objects.filter(customer__in=cut.people).select_related("text", "agent")
    found = [entry for row in rows.order_by("-pk")[:FEW] for entry in _override(row)]
    return _newest(found, cut)


def _override(row: Override) -> Iterable[Entry]:
    agent = {"agent": str(row.agent)}
    moves = (
        (row.asked_at, row.asked_by, _("Asked to call all the same"), row.text.asked_for),
        (row.refused_at, row.refused_by, _("Said no to a call by %(agent)s") % agent, ""),
        (row.granted_at, row.granted_by, _("Allowed %(agent)s one call") % agent, row.text.reason),
        (row.seconded_at, row.seconded_by, _("Signed for one call by %(agent)s") % agent, ""),
        (row.used_at, row.used_by, _("Took the call that was allowed"), ""),
    )
    for step, (at, who, title, words) in enumerate(moves):
        if at:
            said = f"“{words}”" if words else ""
            yield Entry(at, "override", title, said, who, f"{row.pk:012}.{step}")


def wishes(cut: Cut) -> Iterable[Entry]:
    """Wishes not to be called, consents, what one wants to be written about; and their ends."""
    people, found = cut.people, []
    for wish in Suppression.objects.filter(customer__in=people).order_by("-pk")[:FEW]:
        place, kind = f"s{wish.pk:012}", wish.get_kind_display()
        title = _("Wish: %(what)s") % {"what": kind}
        detail = str(wish.get_origin_display())
        found.append(Entry(wish.from_at, "wish", title, detail, wish.created_by, place))
        if wish.lifted_at:
            title = _("Wish ended: %(what)s") % {"what": kind}
            ground = str(wish.get_lift_ground_display())
            entry = Entry(wish.lifted_at, "wish", title, ground, wish.lifted_by, f"{place}.1")
            found.append(entry)
    for row in Consent.objects.filter(customer__in=people).order_by("-pk")[:FEW]:
        place, kind = f"c{row.pk:012}", row.get_basis_display()
        title = _("Consent to sales calls: %(what)s") % {"what": kind}
        detail = str(row.get_origin_display())
        found.append(Entry(row.given_at, "wish", title, detail, row.recorded_by, place))
        if row.withdrawn_at:
            title = _("Consent ended: %(what)s") % {"what": kind}
            found.append(Entry(row.withdrawn_at, "wish", title, "", row.withdrawn_by, f"{place}.1"))
    for said in Preference.objects.filter(customer__in=people).order_by("-pk")[:FEW]:
        title = _("Wants: “%(what)s”") if said.wanted else _("Does not want: “%(what)s”")
        title %= {"what": said.get_topic_display()}
        found.append(Entry(said.set_at, "wish", title, "", said.set_by, f"p{said.pk:012}"))
    return _newest(found, cut)


def people(cut: Cut) -> Iterable[Entry]:
    """Who the customer is: merges, and addresses that were put right."""
    found = []
    rows = Merge.objects.filter(Q(root__in=cut.people) | Q(customer__in=cut.people))
    for row in rows.select_related("customer", "root").order_by("-pk")[:FEW]:
        place = f"m{row.pk:012}"
        detail = f"{row.customer.reference}, {row.root.reference}"
        title = _("Found to be one person")
        found.append(Entry(row.merged_at, "person", title, detail, row.merged_by, place))
        if row.undone_at:
            title = _("Found to be two after all")
            found.append(Entry(row.undone_at, "person", title, detail, row.undone_by, f"{place}.1"))
    subjects = [f"customer:{pk}" for pk in cut.people]
    known = AuditEntry.objects.filter(subject__in=subjects, action=customers.CORRECTED)
    for entry in known.order_by("-pk")[:FEW]:
        title = str(ADDRESSES.get(entry.data.get("kind", ""), ""))
        found.append(Entry(entry.at, "person", title, "", entry.by, f"a{entry.pk:012}"))
    return _newest(found, cut)


def _newest(found: Iterable[Entry], cut: Cut) -> list[Entry]:
    """Of entries that are few for anybody: those below the mark, the newest first."""
    below, rank = cut.below, cut.rank
    if below:
        mark = (below.at, -below.rank, below.place)
        found = [entry for entry in found if (entry.at, -rank, entry.place) < mark]
    return sorted(found, key=lambda entry: (entry.at, entry.place), reverse=True)[: cut.most]


# In this order among what has the same instant: the later in the table, the earlier it happened.
SOURCES: tuple[tuple[str, Callable[[Cut], Iterable[Entry]]], ...] = (
    ("call", calls),
    ("promise", promises),
    ("notice", rungs),
    ("notice", notices),
    ("mail", mails),
    ("proof", proofs),
    ("answer", answers),
    ("gate", checks),
    ("override", overrides),
    ("wish", wishes),
    ("person", people),
)
