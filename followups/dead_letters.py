"""What the house gave up and a person has to look at: one list of what several rooms keep.

Trying again goes to the room whose row it is. The only writer of SetAside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.utils.translation import gettext as _

from crm import audit
from crm.actors import Actor
from followups import notice_words, notices, poison
from followups.models import Notice, Promise, SetAside, WebhookMessage
from followups.webhooks import health, outbox
from offers import intake, reports
from offers.models import UnmatchedReport

PROMISE = "promise"
NOTICE, WEBHOOK, REPORT = SetAside.Kind.NOTICE, SetAside.Kind.WEBHOOK, SetAside.Kind.REPORT
KINDS = (PROMISE, NOTICE, WEBHOOK, REPORT)
REASONS = SetAside.Reason
# Which sweep takes it up when it is tried again.
SWEEP = {PROMISE: "escalate", NOTICE: "notices", WEBHOOK: "webhooks", REPORT: "intake"}


@dataclass(frozen=True)
class Letter:
    """A dead letter: what it is, why it lies here, since when, and how it goes on by itself."""

    kind: str
    pk: int
    since: datetime
    what: str
    why: str
    goes_on: str
    row: Any

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"{self.kind}-{self.pk}"

    @property
    def kind_words(self) -> str:
        return words_of(self.kind)


def words_of(kind: str) -> str:
    """The kind as the list calls it."""
    return _("Promise that fails") if kind == PROMISE else str(SetAside.Kind(kind).label)


def _rows(kind: str) -> QuerySet[Any]:
    """Its rows that were given up and not set aside, with `since`."""
    if kind == PROMISE:
        return poison.stuck().annotate(since=F("next_rung_at") - poison.WAIT)
    sources: dict[str, tuple[QuerySet[Any], str]] = {
        NOTICE: (notices.failed(), "at"),
        WEBHOOK: (WebhookMessage.objects.filter(status=WebhookMessage.Status.DEAD), "settled_at"),
        REPORT: (intake.unmatched(), "received_at"),
    }
    rows, column = sources[kind]
    aside = SetAside.objects.filter(kind=kind, row=OuterRef("pk"), set_at__gte=OuterRef(column))
    return rows.filter(~Exists(aside)).annotate(since=F(column))


def counts() -> dict[str, int]:
    """How many there are of each kind."""
    return {kind: _rows(kind).count() for kind in KINDS}


def keys(*, kind: str = "") -> QuerySet[Any]:
    """(kind, pk, since) of all, or of one kind, the newest first."""
    chosen = [kind] if kind in KINDS else KINDS
    first, *rest = (
        _rows(name).order_by().values_list(Value(name, CharField()), "pk", "since")
        for name in chosen
    )
    return (
        first.union(*rest, all=True).order_by("-since", "-pk")
        if rest
        else first.order_by("-since", "-pk")
    )


def letters(found: Iterable[tuple[str, int, datetime]], *, at: datetime) -> list[Letter]:
    """In words, in a statement for each kind however many there are."""
    wanted = list(found)
    rows: dict[tuple[str, int], Any] = {}
    for kind in KINDS:
        pks = [pk for name, pk, _since in wanted if name == kind]
        if pks:
            rows |= {(kind, row.pk): row for row in READ[kind]().filter(pk__in=pks)}
    return [
        Letter(kind, pk, since, *WORDS[kind](rows[kind, pk], at), row=rows[kind, pk])
        for kind, pk, since in wanted
        if (kind, pk) in rows
    ]


READ: dict[str, Callable[[], QuerySet[Any]]] = {
    PROMISE: lambda: Promise.objects.select_related("owner"),
    NOTICE: lambda: Notice.objects.select_related("user", "promise__customer", "promise__owner"),
    WEBHOOK: lambda: WebhookMessage.objects.select_related("endpoint"),
    REPORT: lambda: UnmatchedReport.objects.all(),
}


def _promise(row: Promise, at: datetime) -> tuple[str, str, str]:
    what = _("Promise %(reference)s of %(owner)s") % {
        "reference": row.reference,
        "owner": row.owner,
    }
    why = _("Its rung failed %(n)s times; the log of the escalate sweep says why.")
    return what, why % {"n": row.failures}, _("tried again each hour")


def _notice(row: Notice, at: datetime) -> tuple[str, str, str]:
    why = _("The mail to %(name)s was refused, or not taken for a day.") % {"name": row.user}
    if not row.user.email:
        why = _("%(name)s has no mail address.") % {"name": row.user}
    return notice_words.sentence(row), why, _("stands on the bell")


def _webhook(row: WebhookMessage, at: datetime) -> tuple[str, str, str]:
    what = _("%(type)s to %(endpoint)s") % {"type": row.type, "endpoint": row.endpoint}
    why = health.ending(row)
    if row.endpoint.off_at:
        return what, why, _("the endpoint is switched off")
    return what, why, ""


def _report(row: UnmatchedReport, at: datetime) -> tuple[str, str, str]:
    first = next(iter(reports.read(bytes(row.raw))), None)
    kinds = {
        "failed": _("A mail could not be delivered"),
        "delayed": _("A mail is delayed"),
        "delivered": _("A mail was delivered"),
        "complaint": _("A complaint"),
        "reply": _("Somebody wrote"),
    }
    what = kinds.get(first.kind if first else "", _("A mail that says nothing we know"))
    if first and first.status:
        what = f"{what} ({first.status})"
    going = _("tried again each hour") if row.next_try_at else _("not tried any more")
    return what, _("No delivery of ours is named in it."), going


WORDS: dict[str, Callable[[Any, datetime], tuple[str, str, str]]] = {
    PROMISE: _promise,
    NOTICE: _notice,
    WEBHOOK: _webhook,
    REPORT: _report,
}


def parse(names: Iterable[str]) -> list[tuple[str, int]]:
    """What a form has chosen; nonsense is left out."""
    pairs = (name.partition("-") for name in names)
    return [(kind, int(pk)) for kind, _dash, pk in pairs if kind in KINDS and pk.isdecimal()]


def retry(chosen: Iterable[tuple[str, int]], *, by: Actor, at: datetime) -> list[tuple[str, int]]:
    """Tries each again; returns those that were taken up. What is on its way already is not."""
    return [letter for letter in chosen if _retry(*letter, by=by, at=at)]


@transaction.atomic
def _retry(kind: str, pk: int, *, by: Actor, at: datetime) -> bool:
    if kind == PROMISE:
        return poison.retry(promise_id=pk, by=by, at=at)
    if not _rows(kind).filter(pk=pk).exists():
        return False
    if kind == WEBHOOK:
        rows = WebhookMessage.objects.filter(pk=pk)
        endpoint = rows.select_related("endpoint").get().endpoint
        return not endpoint.off_at and bool(
            outbox.replay(endpoint=endpoint, rows=rows, by=by, at=at)
        )
    taken = (
        notices.retry(notice_id=pk, at=at)
        if kind == NOTICE
        else intake.try_again(report_id=pk, at=at)
    )
    if taken:
        audit.write(action="dead_letter_retried", subject=f"{kind}:{pk}", by=by, at=at)
    return taken


def set_aside(
    chosen: Iterable[tuple[str, int]], *, reason: str, by: Actor, at: datetime
) -> list[tuple[str, int]]:
    """Gives each up for good, with a reason; returns those that were there.

    Of a promise only the rung that fails is left out: the promise itself stays owed.
    Raises ValueError for a reason that is none.
    """
    code = REASONS(reason).value
    return [letter for letter in chosen if _set_aside(*letter, reason=code, by=by, at=at)]


@transaction.atomic
def _set_aside(kind: str, pk: int, *, reason: str, by: Actor, at: datetime) -> bool:
    if kind == PROMISE:
        return poison.leave_out(promise_id=pk, reason=reason, by=by, at=at)
    if not _rows(kind).filter(pk=pk).exists():
        return False
    SetAside.objects.update_or_create(
        kind=kind, row=pk, defaults={"reason": reason, "set_at": at, "set_by": by.code}
    )
    if kind == REPORT:
        intake.give_up(report_id=pk)
    audit.write(
        action="dead_letter_set_aside",
        subject=f"{kind}:{pk}",
        by=by,
        at=at,
        data={"reason": reason},
    )
    return True


def raw(*, report_id: int, by: Actor, at: datetime) -> bytes | None:
    """The mail as it came, for whoever has to find out whose it is; that it was read is kept."""
    row = intake.unmatched().filter(pk=report_id).first()
    if row is None:
        return None
    audit.write(action="report_read", subject=f"{REPORT}:{report_id}", by=by, at=at)
    return bytes(row.raw)
