"""What operations look at: runs with progress and alarms, deliveries in trouble. Reads only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Case, Count, Q, QuerySet, When
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm import excerpts
from crm.excerpts import Excerpt
from offers import postal, returns
from offers.models import Delivery, PrintLine, PrintRun, PrintVolume

Status, LineStatus = PrintRun.Status, PrintLine.Status
LONGEST_LIST = 200
SHOWN_FOR = timedelta(days=45)
STUCK = timedelta(minutes=15)

ALARMS: dict[str, str | Lazy] = {
    "unconfirmed": _("Sheets that the mail room has not confirmed: ask, or let them go again."),
    "not_mailed": _("The day of mailing has passed, and nobody says that it left."),
    "not_printed": _("It leaves today or earlier, and is not printed."),
    "not_built": _("It leaves tomorrow or earlier, and its print file is not ready."),
    "spoiled": _("Spoiled or missing sheets: they go again, or by the next channel."),
}


def to_pull(run: PrintRun) -> list[int]:
    """Sheets by their place that are printed for somebody who was forgotten since: to be taken out
    of the stack by hand before it leaves."""
    if run.status != Status.PRINTED:
        return []
    rows = PrintLine.objects.filter(run=run, delivery__customer__erased_at__gte=run.printed_at)
    rows = rows.exclude(sequence=None).order_by("sequence")
    return [place or 0 for place in rows.values_list("sequence", flat=True)[:LONGEST_LIST]]


@dataclass(frozen=True)
class Progress:
    """How far a run is. `share` is of the building, from 0 to 100."""

    run: PrintRun
    lines: int
    prepared: int
    volumes: int
    built: int
    told: dict[str, int]
    alarms: tuple[str, ...]

    @property
    def building(self) -> bool:
        return self.run.status == Status.CLOSED and self.run.ready_at is None

    @property
    def share(self) -> int:
        """Documents are two thirds of the work, volumes the last third."""
        if self.run.ready_at:
            return 100
        made = self.prepared / self.lines if self.lines else 0
        bound = self.built / self.volumes if self.volumes else 0
        return int(66 * made + 33 * bound)

    @property
    def alarm_words(self) -> list[str]:
        return [str(ALARMS[code]) for code in self.alarms]


def runs(*, at: datetime) -> Excerpt[Progress]:
    """What needs somebody, then what is not over, the next to leave first, then what was mailed of
    late."""
    over = Q(status=Status.MAILED)
    rows = PrintRun.objects.filter(~over | Q(mailed_at__gt=at - SHOWN_FOR))
    ordered = rows.order_by(Case(When(over, then=1), default=0), "mailing_date", "pk")
    found = excerpts.of(ordered, most=LONGEST_LIST)
    told = progress(found, at=at)
    told.sort(key=lambda row: not row.alarms)
    return Excerpt(told, total=found.total)


def progress(rows: Iterable[PrintRun], *, at: datetime) -> list[Progress]:
    """Counts lines and volumes of all these runs in two statements."""
    found = list(rows)
    told: dict[int, Counter[str]] = defaultdict(Counter)
    prepared: Counter[int] = Counter()
    lines = PrintLine.objects.filter(run__in=found).values("run", "status")
    for row in lines.annotate(n=Count("pk"), ready=Count("pages")):
        told[row["run"]][row["status"]] += row["n"]
        prepared[row["run"]] += row["ready"]
    volumes = PrintVolume.objects.filter(run__in=found).values("run")
    cut = {
        row["run"]: (row["n"], row["built"])
        for row in volumes.annotate(n=Count("pk"), built=Count("built_at"))
    }
    return [
        _progress(run, told[run.pk], prepared[run.pk], cut.get(run.pk, (0, 0)), at) for run in found
    ]


def _progress(
    run: PrintRun, told: Counter[str], prepared: int, cut: tuple[int, int], at: datetime
) -> Progress:
    dropped = told.pop(LineStatus.DROPPED, 0)
    lines = run.total if run.total is not None else told.total()
    return Progress(
        run=run,
        lines=lines,
        prepared=max(0, prepared - dropped if run.total is None else prepared),
        volumes=cut[0],
        built=cut[1],
        told=dict(told),
        alarms=tuple(_alarms(run, told, at)),
    )


def _alarms(run: PrintRun, told: Counter[str], at: datetime) -> Iterable[str]:
    today = at.astimezone(postal.zone()).date()
    limit = returns.overdue(run)
    if limit and limit <= at and told[LineStatus.PENDING]:
        yield "unconfirmed"
    if told[LineStatus.SPOILED] or told[LineStatus.MISSING]:
        yield "spoiled"
    if run.status == Status.PRINTED and run.mailing_date < today:
        yield "not_mailed"
    if run.status == Status.CLOSED and run.total != 0:
        yield from _late_for_print(run, today)


def _late_for_print(run: PrintRun, today: date) -> Iterable[str]:
    if run.ready_at is None and run.mailing_date <= today + timedelta(days=1):
        yield "not_built"
    elif run.ready_at and run.mailing_date <= today:
        yield "not_printed"


def lines(run: PrintRun, *, status: str = "") -> QuerySet[PrintLine]:
    """The sheets of a run in their order, or those of one status."""
    rows = PrintLine.objects.filter(run=run).select_related("delivery__text", "delivery__customer")
    if status in LineStatus.values:
        rows = rows.filter(status=status)
    return rows.order_by("sequence", "pk")


# --- deliveries in trouble ----------------------------------------------------------------------

TROUBLE: dict[str, tuple[str | Lazy, str | Lazy]] = {
    "unknown": (
        _("May or may not have left"),
        _(
            "Nothing is sent again by the same channel. Look in the mail server's log, or ask the"
            " mail room; a day later another channel goes by itself."
        ),
    ),
    "address": (
        _("Addresses to fix"),
        _(
            "The address does not exist, or post came back from it. Its promise's owner has an item"
            " to ask for another one."
        ),
    ),
    "bounced": (
        _("Came back, or failed"),
        _("The next channel of the promise started at once; without one, its owner has an item."),
    ),
    "stuck": (
        _("Should have left"),
        _(
            "They are due and nobody takes them: look whether a worker runs, and whether the mail"
            " server answers."
        ),
    ),
}


def troubled(*, at: datetime, team: int | None = None) -> dict[str, Excerpt[Delivery]]:
    """Deliveries that somebody should look at, by what is wrong with them; of one team's customers
    when a team is given.

    What waits for somebody stands with the longest waiting first; what went on by itself with the
    newest.
    """
    rows = Delivery.objects.select_related("text", "customer", "proof")
    if team is not None:
        rows = rows.filter(customer__team=team)
    failed = rows.filter(proof__failed=True, queued_at__gt=at - SHOWN_FOR).order_by("-pk")
    waiting = rows.filter(status__in=["queued", "retry"], next_try_at__lte=at - STUCK)
    found = {
        "unknown": rows.filter(status="unknown").order_by("settled_at", "pk"),
        "address": failed.filter(proof__hard=True),
        "bounced": failed.filter(proof__hard=False),
        "stuck": waiting.exclude(line__isnull=False).order_by("next_try_at", "pk"),
    }
    return {code: excerpts.of(some, most=LONGEST_LIST) for code, some in found.items()}
