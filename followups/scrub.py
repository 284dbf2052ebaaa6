"""The scrub: a whole list of numbers goes in, and comes out with the gate's answer beside each row.

The list is read twice and never held: its numbers go by COPY into a temporary table, one statement
judges all of them, and its answers come back by COPY while the list is read again. What was
answered is kept as one row, with counts (the writer of ScrubRun).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import BinaryIO
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm import phone
from crm.actors import Actor
from crm.models import Campaign
from crm.tables import BOM, Unreadable
from followups import listing, verdicts
from followups.listing import PLAIN, Listing
from followups.models import ScrubRun
from followups.verdicts import EVERYBODY, Against, Ruled, Terms, Verdict

COLUMNS = ("decision", "code", "not_before", "scrub_id")
BATCH = 50_000
TABLE = "kept_scrub"
# A temporary table lives as long as the connection, so that no transaction stays open while a long
# list is read: the feed stops below the oldest one that writes.
MAKE = f"CREATE TEMPORARY TABLE {TABLE} (n bigint, number text, hashed bytea)"
# Joins over a whole list need room; compiling the statement costs more than it saves.
ROOM = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off; SET LOCAL enable_mergejoin = off"


@dataclass
class Tally:
    """How far a scrub is, and at the end what it said. `id` stands in every row."""

    id: uuid.UUID
    rows: int = 0
    unreadable: int = 0
    denied: int = 0
    codes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Listener:
    """Who hears how far it is, and which line cannot be read, and why."""

    progress: Callable[[Tally], None] = lambda tally: None
    unreadable: Callable[[int, str], None] = lambda line, why: None


def run(
    rows: Listing,
    target: BinaryIO,
    *,
    terms: Terms,
    drop: bool = False,
    campaign: Campaign | None = None,
    listener: Listener | None = None,
    by: Actor,
) -> Tally:
    """Judges a list and writes it to `target`: the rows in order, and four columns more.

    A row that cannot be read, or holds no number, is denied. `drop` leaves out what is denied.
    Raises Unreadable when the list is none, or changed while it was read; what was written to
    `target` until then is worth nothing. Uses the disk of the database server, not memory.
    """
    tally = Tally(uuid.uuid4())
    listener = listener or Listener()
    before = _state_of(rows)
    with _table():
        _load(rows, tally, terms, listener)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(ROOM)
            _write(rows, target, tally, terms, drop=drop)
    if tally.codes.total() != tally.rows or _state_of(rows) != before:
        raise Unreadable(_("The list changed while it was read."))
    _record(tally, ScrubRun.Kind.LIST, terms, campaign, by)
    return tally


def batch(
    numbers: Sequence[str], *, terms: Terms, campaign: Campaign | None = None, by: Actor
) -> tuple[uuid.UUID, list[Verdict]]:
    """The verdicts on some numbers, in their order, and the id under which that is kept."""
    answers = verdicts.of(numbers, terms)
    tally = Tally(
        id=uuid.uuid4(),
        rows=len(numbers),
        denied=sum(not verdict.allow for verdict in answers),
        codes=Counter(verdict.code for verdict in answers),
    )
    _record(tally, ScrubRun.Kind.BATCH, terms, campaign, by)
    return tally.id, answers


@contextmanager
def alone() -> Iterator[bool]:
    """Over HTTP one list at a time, in the whole house: the other workers go on answering dialers.

    False when there is one already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('scrub'), 1)")
        (free,) = cursor.fetchone()
    try:
        yield free
    finally:
        if free and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('scrub'), 1)")


def valid_until(*, at: datetime) -> datetime:
    """The end of the day on which a list was judged, in the house's zone."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.combine(at.astimezone(zone).date() + timedelta(days=1), time(), zone)


def _record(tally: Tally, kind: str, terms: Terms, campaign: Campaign | None, by: Actor) -> None:
    ScrubRun.objects.create(
        id=tally.id,
        kind=kind,
        at=terms.at,
        by=by.code,
        purpose=terms.purpose,
        campaign=campaign,
        policy=terms.under.policy.label,
        rows_read=tally.rows,
        rows_denied=tally.denied,
        codes=tally.codes,
        valid_until_at=valid_until(at=terms.at),
    )


def _state_of(rows: Listing) -> tuple[int, int]:
    state = rows.path.stat()
    return state.st_size, state.st_mtime_ns


@contextmanager
def _table() -> Iterator[None]:
    """The temporary table; what a run that was cut off left behind goes first."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")
        cursor.execute(MAKE)
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{TABLE}")


def _load(rows: Listing, tally: Tally, terms: Terms, listener: Listener) -> None:
    """First reading: every row's number into the table, or none where there is none to read."""
    region, normalise = settings.DEFAULT_COUNTRY, phone.normalise
    leased = verdicts.leased_numbers(at=terms.at)
    lines: list[str] = []
    for line, _text, _end, cell, problem in rows.rows():
        if cell is None:
            if not problem:
                continue
            tally.unreadable += 1
            listener.unreadable(line, problem)
        tally.rows += 1
        try:
            written = cell if cell is None or cell.isascii() else listing.text(cell)
            number = normalise(written or "", region)
            lines.append(f"{tally.rows}\t{number}\t{_bytes(number, leased) if leased else NULL}\n")
        except phone.NotANumber:
            lines.append(f"{tally.rows}\t{NULL}\t{NULL}\n")
        if len(lines) == BATCH:
            _copy(lines)
            listener.progress(tally)
    _copy(lines)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


NULL = "\\N"


def _bytes(number: str, leased: set[bytes]) -> str:
    hashed = verdicts.leased_hash(number, leased)
    return f"\\\\x{hashed.hex()}" if hashed else NULL


def _copy(lines: list[str]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {TABLE} (n, number, hashed) FROM STDIN") as pipe,
    ):
        pipe.write("".join(lines))
    lines.clear()


def _write(rows: Listing, target: BinaryIO, tally: Tally, terms: Terms, *, drop: bool) -> None:
    """Second reading: each row as it came, and its answer."""
    _head(rows, target)
    out: list[str] = []
    # Closed before the transaction ends, also when the disk is full: COPY may still be running.
    with closing(verdicts.rows_of(TABLE, terms)) as answers:
        for row in _answered(rows, answers, tally, terms, drop=drop):
            out.append(row)
            if len(out) >= BATCH // 10:
                target.write("".join(out).encode(PLAIN))
                out.clear()
    target.write("".join(out).encode(PLAIN))


def _answered(
    rows: Listing, answers: Iterator[Ruled], tally: Tally, terms: Terms, *, drop: bool
) -> Iterator[str]:
    """The rows with their answers, which come in the same order; a row without one is fine."""
    following = next(answers, None)
    everybody: Against | None = None
    if following and following[0] == EVERYBODY:
        everybody, following = following[1:], next(answers, None)
    tails = _Tails(rows.delimiter, tally.id, terms, everybody)
    n, plain = 0, tails.of(None)
    for _line, text, end, cell, problem in rows.rows():
        if cell is None and not problem:
            yield f"{text}{end}"
            continue
        n += 1
        verdict, tail = plain
        if following and following[0] == n:
            verdict, tail = tails.of(following[1:])
            following = next(answers, None)
        tally.codes[verdict.code] += 1
        tally.denied += not verdict.allow
        if verdict.allow or not drop:
            yield f"{text}{tail}{end}"
    if following:  # an answer that no row was given
        raise Unreadable(_("The list changed while it was read."))


def _head(rows: Listing, target: BinaryIO) -> None:
    with rows.path.open("rb") as file:
        if file.read(len(BOM)) == BOM:
            target.write(BOM)
    heading = rows.heading_line()
    if heading:
        _line, text, end, _cell, _problem = heading
        words = rows.delimiter.join([text, *COLUMNS])
        target.write(f"{words}{end}".encode(PLAIN))


class _Tails:
    """What stands behind a row. There are far fewer different answers than rows."""

    def __init__(
        self, delimiter: str, run: uuid.UUID, terms: Terms, everybody: Against | None
    ) -> None:
        self.delimiter, self.run, self.terms, self.everybody = delimiter, run, terms, everybody
        self.known: dict[Against | None, tuple[Verdict, str]] = {}

    def of(self, own: Against | None) -> tuple[Verdict, str]:
        if own not in self.known:
            if len(self.known) > BATCH:
                self.known.clear()
            self.known[own] = self._made(own)
        return self.known[own]

    def _made(self, own: Against | None) -> tuple[Verdict, str]:
        verdict = self.terms.verdict(own, self.everybody)
        cells = (
            "allow" if verdict.allow else "deny",
            verdict.code,
            verdict.not_before.isoformat() if verdict.not_before else "",
            str(self.run),
        )
        return verdict, "".join(f"{self.delimiter}{cell}" for cell in cells)
