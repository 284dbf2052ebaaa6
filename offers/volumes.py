"""Volumes: the files that the printer gets, kept in pieces. The only writer of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef

from offers.models import PrintLine, PrintPiece, PrintRun, PrintVolume
from offers.models.paper import MOST_SHEETS

# Well below what a printer takes: so much is lost at most when a builder dies, and is held open.
SHEETS = 1_000
PIECE = 4 * 1024 * 1024


def plan(*, run: PrintRun, lines: Iterable[tuple[int, int]], sheets: int = SHEETS) -> int:
    """Cuts the numbered list (sequence, pages) into volumes; returns how many. Never within a
    line, never longer than the printer takes."""
    rows: list[PrintVolume] = []
    for sequence, pages in lines:
        if not rows or rows[-1].sheets + pages > min(sheets, MOST_SHEETS):
            volume = PrintVolume(run=run, number=len(rows) + 1, first=sequence, sheets=0)
            rows.append(volume)
        rows[-1].last = sequence
        rows[-1].sheets += pages
    PrintVolume.objects.bulk_create(rows)
    return len(rows)


def unbuilt(run: PrintRun) -> PrintVolume | None:
    """The next one that nobody is building, locked until the transaction ends.

    A builder that dies lets go of it at once, and nothing of it was kept.
    """
    rows = PrintVolume.objects.filter(run=run, built_at=None).order_by("number")
    return rows.select_for_update(skip_locked=True).first()


@transaction.atomic
def keep(*, volume: PrintVolume, file: Path, at: datetime) -> bool:
    """Stores a built volume, piece by piece; False when somebody had built it."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        for number, data in enumerate(iter(lambda: opened.read(PIECE), b"")):
            PrintPiece.objects.create(volume=volume, number=number, data=data)
            digest.update(data)
            size += len(data)
    rows = PrintVolume.objects.filter(pk=volume.pk, built_at=None)
    return bool(rows.update(size=size, sha256=digest.hexdigest(), built_at=at))


def forget(customers: Iterable[int], *, until: datetime) -> list[int]:
    """Print files built before `until` that hold a sheet for one of these customers lose their
    bytes. Returns their runs."""
    places = PrintLine.objects.filter(
        run=OuterRef("run"),
        delivery__customer__in=list(customers),
        sequence__gte=OuterRef("first"),
        sequence__lte=OuterRef("last"),
    )
    rows = PrintVolume.objects.filter(Exists(places), built_at__lte=until)
    found = dict(rows.values_list("pk", "run"))
    PrintPiece.objects.filter(volume__in=list(found)).delete()
    gone = PrintVolume.objects.filter(pk__in=list(found))
    gone.update(built_at=None, size=None, sha256="")
    return sorted(set(found.values()))


def read(volume: PrintVolume) -> Iterator[bytes]:
    """A volume's bytes, one piece in memory at a time."""
    numbers = list(volume.pieces.values_list("number", flat=True))
    for number in numbers:
        yield bytes(volume.pieces.get(number=number).data)
