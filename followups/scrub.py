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
from itertools import compress
from operator import not_
from typing import BinaryIO, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm import phone
from crm.actors import Actor
from crm.models import Campaign
from crm.tables import BOM, Unreadable
from followups import records, verdicts
from followups.listing import Listing
from followups.models import ScrubRun
from followups.records import PLAIN, Block
from followups.verdicts import EVERYBODY, Against, Ruled, Terms, Verdict

COLUMNS = ("decision", "code", "not_before", "scrub_id")
MANY = 50_000  # different answers that are remembered at once
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
    if _state_of(rows) != before:
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
    known = verdicts.hashed_numbers(at=terms.at)
    for block in rows.blocks():
        for line, problem in block.problems.values():
            tally.unreadable += 1
            listener.unreadable(line, problem)
        numbers = _numbers(block)
        _copy(numbers, tally.rows + 1, known)
        tally.rows += len(numbers)
        listener.progress(tally)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")


def _numbers(block: Block) -> list[str | None]:
    """The number of each row, in E.164; None where there is none."""
    cells = block.cells
    # Without odd lines no cell is missing.
    written = [cells[n] or "" for n in block.rows] if block.odd else cast("list[str]", cells)
    if not "".join(written).isascii():
        written = [records.text(cell) for cell in written]
    return phone.normalise_all(written, settings.DEFAULT_COUNTRY)


NULL = "\\N"


def _copy(numbers: list[str | None], first: int, known: set[bytes]) -> None:
    """A row for each; the hash only of those of which no more is known."""
    if known:
        columns = "n, number, hashed"
        hashes = (_bytes(number, known) if number else NULL for number in numbers)
        lines = [
            f"{n}\t{number or NULL}\t{hashed}\n"
            for n, (number, hashed) in enumerate(zip(numbers, hashes, strict=True), first)
        ]
    else:
        columns = "n, number"
        lines = [f"{n}\t{number or NULL}\n" for n, number in enumerate(numbers, first)]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as pipe,
    ):
        pipe.write("".join(lines))


def _bytes(number: str, known: set[bytes]) -> str:
    hashed = verdicts.known_hash(number, known)
    return f"\\\\x{hashed.hex()}" if hashed else NULL


def _write(rows: Listing, target: BinaryIO, tally: Tally, terms: Terms, *, drop: bool) -> None:
    """Second reading: each row as it came, and its answer."""
    _head(rows, target)
    # Closed before the transaction ends, also when the disk is full: COPY may still be running.
    with closing(verdicts.rows_of(TABLE, terms)) as ruled:
        answers = _Answers(ruled)
        tails = _Tails(rows.delimiter, tally.id, terms, answers.everybody())
        n = 0
        for block in rows.blocks():
            before, n = n, n + len(block.rows)
            if n > tally.rows:  # it grows as fast as it is read
                break
            own = answers.until(n)
            target.write(_answered(block, own, before, tails, tally, drop=drop).encode(PLAIN))
        if answers.following or n != tally.rows:  # an answer without its row, or the other way
            raise Unreadable(_("The list changed while it was read."))


def _answered(
    block: Block, own: list[Ruled], before: int, tails: _Tails, tally: Tally, *, drop: bool
) -> str:
    """The rows of a block with their answers; a row without one of its own is fine."""
    verdict, tail = tails.of(None)
    behind, denied = [tail] * len(block.texts), [not verdict.allow] * len(block.texts)
    for place in block.empty:
        behind[place], denied[place] = "", False
    if len(block.rows) > len(own):
        tally.codes[verdict.code] += len(block.rows) - len(own)
    for n, code, until in own:
        place = block.rows[n - before - 1]
        verdict, behind[place] = tails.of((code, until))
        denied[place] = not verdict.allow
        tally.codes[verdict.code] += 1
    tally.denied += sum(denied)
    rows = zip(block.texts, behind, block.ends, strict=True)
    return "".join(map("".join, compress(rows, map(not_, denied)) if drop else rows))


class _Answers:
    """The answers in the order of the rows, read ahead by one."""

    def __init__(self, ruled: Iterator[Ruled]) -> None:
        self.ruled = ruled
        self.following = next(ruled, None)

    def everybody(self) -> Against | None:
        """What holds for all rows; it comes first."""
        if self.following is None or self.following[0] != EVERYBODY:
            return None
        against, self.following = self.following[1:], next(self.ruled, None)
        return against

    def until(self, n: int) -> list[Ruled]:
        """Those of the rows up to the n-th."""
        found, following, ruled = [], self.following, self.ruled
        while following is not None and following[0] <= n:
            found.append(following)
            following = next(ruled, None)
        self.following = following
        return found


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
            if len(self.known) > MANY:
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
