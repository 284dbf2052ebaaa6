"""Builds what a closed run prints: claims, documents, order, volumes. Resumes where it stopped.

Each step is one short transaction over some rows of the run, and the next step is read from the
rows: a builder that is killed loses the step it was in, and whoever comes next does it again. Two
builders share a run without meeting. While a step runs, the feed of gate changes waits for its
transaction, so a step stays within seconds.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pikepdf
from django.db import connection, transaction
from django.db.models import Q

from crm.actors import Actor
from offers import bill_runs, covers, deliveries, documents, evidence, links, print_lines, volumes
from offers.models import (
    Delivery,
    Document,
    Evidence,
    PrintLine,
    PrintRun,
    PrintVolume,
)
from offers.rendering import TooLong

log = logging.getLogger("kept.print")
Clock = Callable[[], datetime]
BUILDER = bill_runs.SWEEPER
AT_ONCE = 2_000  # rows of a plain move
CHUNK = 100  # documents of one transaction
# Covers of one compilation: the engine remembers its last ones, and more at once are no faster.
COVERS = 20
A4 = (595, 842)  # points
# One turn of the sweep: the others wait for the same workers, and two of them guard the gate.
SHARE = timedelta(seconds=10)


def build_due(*, clock: Clock, share: timedelta = SHARE) -> int:
    """One turn: step after step over the closed runs until nothing is left, or its share is used.

    Returns the number of steps taken. A run that cannot be built stops no other.
    """
    until, steps = clock() + share, 0
    for run in unready():
        try:
            steps += _turn(run, clock=clock, until=until)
        except Exception:
            log.exception("could not build", extra={"run": run.pk})
    return steps


def unready() -> list[PrintRun]:
    """The closed runs that are not built yet, the earliest first."""
    return list(
        PrintRun.objects.filter(status=PrintRun.Status.CLOSED, ready_at=None).order_by("cut_off_at")
    )


def _turn(run: PrintRun, *, clock: Clock, until: datetime) -> int:
    steps = 0
    while run.numbered_at is None and _claim(run, clock()):
        steps += 1
    while (at := clock()) < until and step(run=run, at=at):
        steps += 1
    return steps


def step(*, run: PrintRun, at: datetime) -> bool:
    """The next piece of work on a run; False when there is none that somebody else has not."""
    run.refresh_from_db()
    if run.ready_at:
        return False
    if run.numbered_at is None:
        return _prepare(run, at) or _number(run, at)
    return _build(run, at) or _finish(run, at)


def _claim(run: PrintRun, at: datetime) -> bool:
    """The run takes what still waits for it."""
    waiting = Delivery.objects.filter(line__run=run, status=Delivery.Status.QUEUED)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    deliveries.move_paper(
        ids=ids, source="queued", to="claimed", by=BUILDER, at=at, cause="run_closed"
    )
    return bool(ids)


def _unhurried() -> None:
    """This step need not wait for the disk: what a crash takes back is made again.

    Nobody outside has heard of it before the run is ready, and that commit waits for all of them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


@transaction.atomic
def _prepare(run: PrintRun, at: datetime) -> bool:
    """Makes sure of some documents, and of the codes that open their pages."""
    _unhurried()
    rows = print_lines.to_prepare(run).select_for_update(skip_locked=True, of=("self",))
    lines = list(
        rows.select_related("delivery__version__offer__customer")
        .prefetch_related("delivery__version__lines")
        .order_by("pk")[:CHUNK]
    )
    if not lines:
        return False
    try:
        with transaction.atomic():
            found = _documents(lines, at)
    except Exception:
        log.exception("could not prepare together", extra={"run": run.pk, "lines": len(lines)})
        return _one_by_one(lines, at)
    _keep(found, at)
    return True


def _documents(lines: Sequence[PrintLine], at: datetime) -> list[tuple[PrintLine, Document]]:
    wanted = [(v, line.delivery.language) for line in lines if (v := line.delivery.version)]
    made = documents.ensure_many(wanted=wanted, by=BUILDER, at=at)
    given = Document.objects.defer("pdf", "html").in_bulk(
        [line.delivery.document_id for line in lines if line.delivery.document_id]
    )
    return [(line, _document(line.delivery, made, given)) for line in lines]


def _document(
    delivery: Delivery, made: dict[tuple[int, str], Document], given: dict[int, Document]
) -> Document:
    if delivery.document_id:
        return given[delivery.document_id]
    return made[delivery.version_id or 0, delivery.language]


def _keep(found: Sequence[tuple[PrintLine, Document]], at: datetime) -> None:
    deliveries.attach_documents({line.delivery_id: document.pk for line, document in found})
    print_lines.prepared(
        {line.pk: (document.pages + 1, document.sha256) for line, document in found}
    )
    links.keep_codes([line.delivery for line, _document in found], by=BUILDER, at=at)


def _one_by_one(lines: Sequence[PrintLine], at: datetime) -> bool:
    """One of them cannot be rendered: that one leaves the run, the others stay."""
    for line in sorted(lines, key=lambda line: line.delivery.customer_id):
        try:
            with transaction.atomic():
                _keep(_documents([line], at), at)
        except Exception as error:
            log.exception("cannot be printed", extra={"delivery": line.delivery_id})
            _refuse(line, at, final=isinstance(error, TooLong))
    return True


def _refuse(line: PrintLine, at: datetime, *, final: bool) -> None:
    """It cannot be printed: the delivery has failed, and the knock starts the next channel."""
    print_lines.drop(line=line)
    deliveries.move_paper(
        ids=[line.delivery_id],
        source="claimed",
        to="failed",
        by=BUILDER,
        at=at,
        cause="unprintable",
    )
    event = evidence.Event(
        source="print",
        event_id=f"{line.delivery_id}:unprintable",
        kind=Evidence.Kind.FAILED,
        occurred_at=at,
        words="too_long" if final else "not_rendered",
        ours=True,
    )
    evidence.record(delivery=line.delivery, event=event, by=BUILDER, at=at)


@transaction.atomic
def _number(run: PrintRun, at: datetime) -> bool:
    """Everybody is there: the list gets its order, its N and its volumes, once."""
    locked = PrintRun.objects.select_for_update().get(pk=run.pk)
    queued = Delivery.objects.filter(line__run=run, status=Delivery.Status.QUEUED)
    if locked.numbered_at or queued.exists() or print_lines.to_prepare(run).exists():
        return False
    print_lines.drop_unprepared(run=locked)
    total = print_lines.number(run=locked)
    rows = PrintLine.objects.filter(run=run, sequence__isnull=False).order_by("sequence")
    places = rows.values_list("sequence", "pages").iterator()
    volumes.plan(run=locked, lines=((place or 0, pages or 0) for place, pages in places))
    bill_runs.numbered(run=locked, total=total, at=at)
    return True


@transaction.atomic
def _build(run: PrintRun, at: datetime) -> bool:
    """One volume, from its first cover to its last page."""
    _unhurried()
    volume = volumes.unbuilt(run)
    if volume is None:
        return False
    with tempfile.TemporaryDirectory(prefix="kept-print-") as folder:
        file = Path(folder) / "volume.pdf"
        _merge(run, volume, file)
        volumes.keep(volume=volume, file=file, at=at)
    return True


def _merge(run: PrintRun, volume: PrintVolume, file: Path) -> None:
    with pikepdf.new() as merged:
        for lines in _chunks(run, volume):
            theirs = [line for line in lines if not line.delivery.customer.erased_at]
            pages = pikepdf.open(io.BytesIO(covers.render(theirs, total=run.total or 0)))
            fronts, bytes_of = iter(pages.pages if theirs else ()), _bytes_of(theirs)
            for line in lines:
                if line.delivery.customer.erased_at:
                    # Their place stays, so that what the mail room counts is what was counted.
                    for _sheet in range(line.pages or 0):
                        merged.add_blank_page(page_size=A4)
                    continue
                merged.pages.append(next(fronts))
                inside = pikepdf.open(io.BytesIO(bytes_of[line.delivery.document_id or 0]))
                merged.pages.extend(inside.pages)
        if len(merged.pages) != volume.sheets:
            raise ValueError(f"{volume}: {len(merged.pages)} sheets, not {volume.sheets}")
        merged.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _chunks(run: PrintRun, volume: PrintVolume) -> Iterator[list[PrintLine]]:
    for first in range(volume.first, volume.last + 1, COVERS):
        last = min(first + COVERS - 1, volume.last)
        yield list(print_lines.stretch(run, first=first, last=last))


def _bytes_of(lines: Sequence[PrintLine]) -> dict[int, bytes]:
    ids = [line.delivery.document_id or 0 for line in lines]
    rows = Document.objects.filter(pk__in=ids).values_list("pk", "pdf")
    return {pk: bytes(pdf) for pk, pdf in rows}


def _finish(run: PrintRun, at: datetime) -> bool:
    if PrintVolume.objects.filter(run=run, built_at=None).exists():
        return False  # somebody is building it just now
    return bill_runs.ready(run=run, at=at)


def hand_over(*, at: datetime) -> int:
    """What is printed is on its way: CLAIMED becomes SENDING, some thousands in a turn."""
    waiting = Q(line__run__status__in=["printed", "mailed"], line__sequence__isnull=False)
    rows = Delivery.objects.filter(waiting, status=Delivery.Status.CLAIMED)
    moved = 0
    for run_id in list(rows.values_list("line__run", flat=True).distinct()[:20]):
        run = PrintRun.objects.get(pk=run_id)
        ids = list(rows.filter(line__run=run).values_list("pk", flat=True)[: AT_ONCE * 5])
        by, printed_at = Actor(code=run.printed_by), run.printed_at or at
        moved += len(
            deliveries.move_paper(
                ids=ids, source="claimed", to="sending", by=by, at=printed_at, cause="printed"
            )
        )
    return moved
