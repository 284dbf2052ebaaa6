"""Print runs: who joins which, and their moves. The only writer of PrintRun and its events.

OPEN -> CLOSED (at the cut-off) -> PRINTED -> MAILED. What is built after closing stands in
offers/print_files.py, what the mail room says in offers/returns.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Least

from crm.actors import Actor
from crm.models import Customer
from offers import postal, print_lines
from offers.models import Delivery, PrintLine, PrintRun, PrintRunEvent

Kind, Status = PrintRun.Kind, PrintRun.Status
MOVES = {
    "": {Status.OPEN},
    Status.OPEN: {Status.CLOSED},
    Status.CLOSED: {Status.PRINTED},
    Status.PRINTED: {Status.MAILED},
}
SWEEPER = Actor.sweep("bill_runs")
# FOR SHARE: many join at once, and whoever closes the run waits for those that are still joining.
OPEN_NOW = """
SELECT id FROM offers_printrun
WHERE kind = %s AND bill_day IS NOT DISTINCT FROM %s AND status = 'open' AND cut_off_at > %s
ORDER BY cut_off_at LIMIT 1 FOR SHARE
"""


def next_slot(*, kind: str, bill_day: int | None, at: datetime) -> postal.Slot:
    """The next mailing by plan that can still be joined at `at`."""
    if kind == Kind.BATCH or bill_day is None:
        return postal.batch_after(at, postal.mail_days())
    return postal.bill_run_after(bill_day, at, postal.mail_days())


def next_mailing(*, bill_day: int, at: datetime) -> postal.Slot:
    """When the next bills of this day leave that an insert can still join. Opens nothing."""
    return _next(Kind.BILL_RUN, bill_day, at)[0]


def _next(kind: str, bill_day: int | None, at: datetime) -> tuple[postal.Slot, bool]:
    """The next mailing that can be joined, and whether its run is open already.

    One statement reads all runs: between two, somebody could open the one that is looked for.
    """
    runs = list(
        PrintRun.objects.filter(kind=kind, bill_day=bill_day)
        .order_by("cut_off_at")
        .only("status", "cut_off_at", "mailing_date")
    )
    for run in runs:
        if run.status == Status.OPEN and run.cut_off_at > at:
            return postal.Slot(run.cut_off_at, run.mailing_date), True
    taken = {run.mailing_date for run in runs}
    slot = next_slot(kind=kind, bill_day=bill_day, at=at)
    while slot.mailing_date in taken:
        slot = next_slot(kind=kind, bill_day=bill_day, at=slot.cut_off_at)
    return slot, False


def join(*, delivery: Delivery, by: Actor, at: datetime) -> PrintLine:
    """Puts a delivery on the list of the next run whose cut-off lies ahead.

    Inside the transaction that queues the delivery. Who is late joins the run after it, opened
    here when nobody has opened it yet.
    """
    bills = delivery.channel == "bill_insert"
    kind = Kind.BILL_RUN if bills else Kind.BATCH
    bill_day = delivery.customer.bill_day if bills else None
    if bills and bill_day is None:
        raise ValueError("a customer without a bill day joins no bill run")
    run = _joinable(kind, bill_day, at)
    while run is None:
        open_next(kind=kind, bill_day=bill_day, by=by, at=at)
        run = _joinable(kind, bill_day, at)
    return print_lines.add(run=run, delivery=delivery, by=by, at=at)


def _joinable(kind: str, bill_day: int | None, at: datetime) -> PrintRun | None:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_NOW, [kind, bill_day, at])
        row = cursor.fetchone()
    return PrintRun.objects.get(pk=row[0]) if row else None


def open_next(*, kind: str, bill_day: int | None, by: Actor, at: datetime) -> PrintRun | None:
    """Opens the next mailing that can be joined; None when it is open already."""
    slot, opened = _next(kind, bill_day, at)
    return None if opened else open_run(kind=kind, bill_day=bill_day, slot=slot, by=by, at=at)


def open_run(
    *, kind: str, bill_day: int | None, slot: postal.Slot, by: Actor, at: datetime
) -> PrintRun | None:
    """Opens a run for one mailing; None when that mailing has its run already."""
    try:
        with transaction.atomic():
            run = PrintRun.objects.create(
                kind=kind,
                bill_day=bill_day,
                cut_off_at=slot.cut_off_at,
                mailing_date=slot.mailing_date,
                opened_at=at,
                opened_by=by.code,
            )
            note(run=run, cause="opened", by=by, at=at)
    except IntegrityError:
        return None
    return run


def open_due(*, at: datetime) -> int:
    """The next run of every bill day in use, and the next letters; by the sweep."""
    days = (
        Customer.objects.filter(bill_medium=Customer.BillMedium.PAPER, erased_at=None)
        .exclude(bill_day=None)
        .order_by("bill_day")
        .values_list("bill_day", flat=True)
        .distinct()
    )
    wanted: list[tuple[str, int | None]] = [(Kind.BATCH, None), *((Kind.BILL_RUN, d) for d in days)]
    ahead = PrintRun.objects.filter(status=Status.OPEN, cut_off_at__gt=at)
    known = set(ahead.values_list("kind", "bill_day"))
    opened = [
        open_next(kind=kind, bill_day=bill_day, by=SWEEPER, at=at)
        for kind, bill_day in wanted
        if (kind, bill_day) not in known
    ]
    return sum(run is not None for run in opened)


def note(
    *,
    run: PrintRun,
    cause: str,
    by: Actor,
    at: datetime,
    source: str | None = None,
    **data: object,
) -> None:
    """A move of a run, or (without `source`) something that does not change its status."""
    before = source if source is not None else ("" if cause == "opened" else run.status)
    PrintRunEvent.objects.create(
        run=run, from_status=before, to_status=run.status, at=at, by=by.code, cause=cause, data=data
    )


def _move(
    run: PrintRun, to: str, *, source: str, by: Actor, at: datetime, cause: str, **columns: object
) -> bool:
    """Compare-and-set with its event; False when somebody was first."""
    if to not in MOVES[source]:
        raise ValueError(f"a run cannot go from {source} to {to}")
    with transaction.atomic():
        rows = PrintRun.objects.filter(pk=run.pk, status=source)
        if not rows.update(status=to, **columns):
            return False
        run.refresh_from_db()
        note(run=run, cause=cause, by=by, at=at, source=source)
    return True


def close(*, run: PrintRun, by: Actor, at: datetime) -> bool:
    """Nobody joins any more. Before the cut-off this moves the cut-off to now.

    Waits for those who are joining at this instant: they are on the list, or on the next one.
    """
    return _move(
        run,
        Status.CLOSED,
        source=Status.OPEN,
        by=by,
        at=at,
        cause="cut_off" if run.cut_off_at <= at else "closed_early",
        closed_at=at,
        closed_by=by.code,
        cut_off_at=Least(F("cut_off_at"), at),
    )


def close_due(*, at: datetime) -> int:
    """Every run whose cut-off has passed; by the sweep."""
    due = PrintRun.objects.filter(status=Status.OPEN, cut_off_at__lte=at)
    return sum(close(run=run, by=SWEEPER, at=at) for run in due.order_by("cut_off_at"))


def numbered(*, run: PrintRun, total: int, at: datetime) -> None:
    """The list has its order and its N; neither changes from here on."""
    PrintRun.objects.filter(pk=run.pk, numbered_at=None).update(numbered_at=at, total=total)
    run.refresh_from_db()
    note(run=run, cause="numbered", by=SWEEPER, at=at, total=total)


def ready(*, run: PrintRun, at: datetime) -> bool:
    """Every volume is built. A run without a single line has nothing to print or to mail."""
    if not PrintRun.objects.filter(pk=run.pk, ready_at=None).update(ready_at=at):
        return False
    run.refresh_from_db()
    note(run=run, cause="ready", by=SWEEPER, at=at)
    if run.total == 0 and printed(run=run, by=SWEEPER, at=at, cause="empty"):
        mailed(run=run, by=SWEEPER, at=at, mailed_at=at, cause="empty")
    return True


def build_again(runs: Iterable[int], *, by: Actor, at: datetime) -> None:
    """Files of these were emptied, because somebody in them was forgotten. What the printer has not
    had is built again, with blank sheets in that place; what is printed already is not."""
    for run in PrintRun.objects.filter(pk__in=list(runs)).order_by("pk"):
        again = PrintRun.objects.filter(pk=run.pk, status=Status.CLOSED)
        again.exclude(ready_at=None).update(ready_at=None)
        note(run=run, cause="customer_erased", by=by, at=at, source=run.status)


def printed(*, run: PrintRun, by: Actor, at: datetime, cause: str = "printed") -> bool:
    """Somebody says that the sheets are printed; False while they cannot be, or were before."""
    if run.ready_at is None:
        return False
    stamp: dict[str, object] = {"printed_at": at, "printed_by": by.code}
    return _move(run, Status.PRINTED, source=Status.CLOSED, by=by, at=at, cause=cause, **stamp)


def mailed(
    *, run: PrintRun, by: Actor, at: datetime, mailed_at: datetime, cause: str = "mailed"
) -> bool:
    """The first confirmed lines say so: the run has left, line by line."""
    stamp: dict[str, object] = {"mailed_at": mailed_at, "mailed_by": by.code}
    return _move(run, Status.MAILED, source=Status.PRINTED, by=by, at=at, cause=cause, **stamp)


@transaction.atomic
def mailed_whole(*, run: PrintRun, by: Actor, at: datetime) -> bool:
    """The run left as a whole and no line will be confirmed: that proves less (E1)."""
    whole: dict[str, object] = {"whole_at": at, "whole_by": by.code, "mailed_at": at}
    won = _move(
        run,
        Status.MAILED,
        source=Status.PRINTED,
        by=by,
        at=at,
        cause="mailed_whole",
        mailed_by=by.code,
        **whole,
    )
    if won:
        print_lines.tell_whole(run=run, at=at)
    return won


def doubt(*, run: PrintRun, lines: int, at: datetime) -> None:
    """The limit has passed, once: what nobody confirmed until then is an alarm."""
    if PrintRun.objects.filter(pk=run.pk, doubted_at=None).update(doubted_at=at) and lines:
        note(run=run, cause="unconfirmed", by=SWEEPER, at=at, lines=lines)


def planned(*, kind: str, mailing_date: date, cut_off_at: datetime) -> postal.Slot:
    """A mailing that operations plan by hand. ValueError when the cut-off comes after it."""
    if cut_off_at > postal.noon(mailing_date, postal.mail_days()):
        raise ValueError(f"the {kind} is cut off after it leaves")
    return postal.Slot(cut_off_at, mailing_date)
