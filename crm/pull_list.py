"""Who was forgotten, kept outside of the database: after a restore they are forgotten again.

A dump brings everybody back who was forgotten since it was taken. The list holds references, codes
and instants, and nothing by which a person is known elsewhere. It reads Erasure and writes none.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from crm import forgetting
from crm.actors import Actor
from crm.models import Customer, Erasure

COLUMNS = ["reference", "at", "ground", "case"]
# Far longer than a sweep is ever late; what is written twice does no harm.
OVERLAP = timedelta(days=2)


class Unreadable(ValueError):
    """What was given is no such list; the message says in which line."""


@dataclass(frozen=True)
class Line:
    """One person who was forgotten, and when."""

    reference: str
    at: datetime
    ground: str
    case: str


def write_down(*, at: datetime) -> int:
    """Adds to FORGOTTEN_LIST who is missing there; 0 when there is no such file to keep."""
    if not settings.FORGOTTEN_LIST:
        return 0
    return append(Path(settings.FORGOTTEN_LIST))


def append(path: Path) -> int:
    """Adds who is missing in a list, safely also for several that do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read()
        known = _known(before)
        rows = Erasure.objects.select_related("customer").order_by("at", "pk")
        if known:
            rows = rows.filter(at__gte=max(known.values()) - OVERLAP)
        new = [row for row in rows if row.customer.reference not in known]
        writer = csv.writer(file)
        if not before:
            writer.writerow(COLUMNS)
        elif not before.endswith("\n"):  # whoever wrote last was killed in the middle of a line
            file.write("\n")
        for row in new:
            told = [row.customer.reference, row.at.isoformat(), row.ground, row.case]
            writer.writerow(told)
        file.flush()
        os.fsync(file.fileno())
    return len(new)


def _known(text: str) -> dict[str, datetime]:
    """Who stands in the list already, since when; a line that is torn counts for nobody."""
    found: dict[str, datetime] = {}
    for line in csv.DictReader(io.StringIO(text)):
        with contextlib.suppress(TypeError, ValueError):
            if line["case"]:
                found[str(line["reference"])] = datetime.fromisoformat(line["at"])
    return found


def read(path: Path) -> Iterator[Line]:
    """The lines of a list. Raises Unreadable."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise Unreadable(_("This is no list of people who were forgotten."))
        for number, row in enumerate(reader, start=2):
            if not row["case"]:  # torn: it was written again below
                continue
            try:
                at = datetime.fromisoformat(row["at"])
            except (TypeError, ValueError) as error:
                raise Unreadable(_("Line %(n)d names no instant.") % {"n": number}) from error
            if at.tzinfo is None:
                raise Unreadable(_("Line %(n)d names no instant.") % {"n": number})
            yield Line(row["reference"], at, row["ground"], row["case"])


def again(lines: Iterable[Line], *, by: Actor, at: datetime) -> Counter[str]:
    """Forgets everybody of a list whom a restored database knows again: how many were `forgotten`,
    were so `before`, are `unknown`, or are `another` who has the reference by now."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts[_again(line, by=by, at=at)] += 1
    return counts


def _again(line: Line, *, by: Actor, at: datetime) -> str:
    customer = Customer.objects.filter(reference=line.reference).first()
    if customer is None:
        return "unknown"
    if customer.created_at > line.at:
        return "another"
    if hasattr(customer, "erasure"):
        return "before"
    forgetting.forget(
        customer=customer, ground=forgetting.Ground.AGAIN, case=line.case, by=by, at=at
    )
    return "forgotten"
