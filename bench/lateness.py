"""How late a rung fires, from its instant until somebody else can see it; with Redis and without.

The real worker, beat and mail server. Seen from outside: the row counts when another connection
reads it, not when the sweep says that it began.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import rig, seeds
from bench.report import Series, keep, say, verdict
from config import lineup
from config.processes import wait_until
from config.timetable import BY_NAME

ROUND, GRACE = BY_NAME["escalate"].every.total_seconds(), 5.0  # seconds
LOOK = 0.1  # seconds between two looks
# One after the other, evenly: the first in two seconds.
DUE = """
UPDATE followups_promise SET rung = 0, due_at = now() + interval '1 day',
    rungs = array_fill(now() + interval '2 s' + (id - %(first)s) * %(pace)s * interval '1 s',
        ARRAY[1]) || array_fill(now() + interval '1 day', ARRAY[4]),
    next_rung_at = now() + interval '2 s' + (id - %(first)s) * %(pace)s * interval '1 s'
WHERE id > %(first)s AND id <= %(last)s
"""
SEEN = """
SELECT promise_id, extract(epoch FROM clock_timestamp() - due_at)::float
FROM followups_escalation WHERE promise_id > %(first)s AND promise_id <= %(last)s
"""
ALIVE = "SELECT count(*) FROM crm_heartbeat WHERE name = 'escalate'"


@dataclass(frozen=True)
class Size:
    """Promises that come due, and the seconds over which they do, with Redis and without."""

    quiet: int
    quiet_seconds: float
    outage: int
    outage_seconds: float


SIZES = {
    "full": Size(quiet=3_000, quiet_seconds=150, outage=1_200, outage_seconds=60),
    "smoke": Size(quiet=20, quiet_seconds=2, outage=20, outage_seconds=2),
}


def run(profile: str) -> bool:
    size = SIZES[profile]
    say(
        f"lateness: {size.quiet:,} rungs in {size.quiet_seconds:g} s; then {size.outage:,} in"
        f" {size.outage_seconds:g} s without Redis"
    )
    with rig.house() as house:
        seeds.fill(house, people=size.quiet, promises=size.quiet + size.outage)
        with house.connect() as connection:
            connection.execute("DELETE FROM crm_heartbeat")  # those of the seed never grow old
        with crew(house), house.connect() as connection:
            late = _watched(connection, 0, size.quiet, size.quiet_seconds)
            with _without_redis(house):
                first, last = size.quiet, size.quiet + size.outage
                late_without = _watched(connection, first, last, size.outage_seconds)
    return _judge(profile, late, late_without)


@contextmanager
def crew(house: rig.Rig) -> Iterator[None]:
    """Sink, worker and beat, which run the sweeps as they do in a house of two cores."""
    port, folder = lineup.free_port(), Path(house.servers.folder) / "mail"
    folder.mkdir()
    env = {**house.env, "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    members = [
        lineup.sink(env, port=port, folder=folder),
        lineup.worker(env),
        lineup.beat(env, schedule=folder.parent / "beat"),
    ]
    try:
        for member in members:
            member.start()
        with house.connect() as connection:
            wait_until(lambda: _alive(connection), members[1].process, limit=60)
        yield
    finally:
        for member in reversed(members):
            member.stop()


def _alive(connection: psycopg.Connection) -> bool:
    row = connection.execute(ALIVE).fetchone()
    return bool(row and row[0])


@contextmanager
def _without_redis(house: rig.Rig) -> Iterator[None]:
    assert house.servers.valkey
    house.servers.valkey.stop()
    try:
        yield
    finally:
        house.servers.valkey.start()


def _watched(
    connection: psycopg.Connection, first: int, last: int, seconds: float
) -> tuple[float, ...]:
    """Seconds from each rung's instant until it was seen climbed."""
    bounds = {"first": first, "last": last}
    connection.execute(DUE, bounds | {"pace": seconds / (last - first)})
    late: dict[int, float] = {}
    end = time.monotonic() + seconds + 5 * ROUND
    while len(late) < last - first:
        if time.monotonic() > end:
            raise SystemExit(f"{last - first - len(late)} rungs were never climbed")
        time.sleep(LOOK)
        for promise, seen in connection.execute(SEEN, bounds).fetchall():
            late.setdefault(promise, seen)
    return tuple(late.values())


def _judge(profile: str, late: tuple[float, ...], without: tuple[float, ...]) -> bool:
    found = {"with Redis": late, "without Redis": without}
    series = [Series(f"late, {name}", "s", values) for name, values in found.items()]
    worst = {name: statistics.quantiles(values, n=100)[98] for name, values in found.items()}
    for one in series:
        say(str(one))
    keep("lateness", profile, series, {"p99": worst, "limit": ROUND + GRACE})
    if profile == "smoke":
        return True
    verdicts = [
        verdict(f"p99 {name}, s", value, ROUND + GRACE, least=False, trusted=True)
        for name, value in worst.items()
    ]
    return all(verdicts)
